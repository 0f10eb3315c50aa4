"""Someone at home in numpy: arrays inside, torch at the doors, the gradient by hand in training."""
import numpy as np
import torch


def build_vocab(words):
    letters = np.unique(list("".join(words))).tolist()
    itos = dict(enumerate([".", *letters]))
    return {c: i for i, c in itos.items()}, itos


def codes_of(word, stoi):
    return np.array([stoi[c] for c in f".{word}."])


def bigram_counts_dict(words):
    all_pairs = np.array([[a, b] for w in words for a, b in zip("." + w, w + ".")])
    found, counts = np.unique(all_pairs, axis=0, return_counts=True)
    return {(str(a), str(b)): int(n) for (a, b), n in zip(found, counts)}


def count_bigrams(words, stoi):
    N = np.zeros((len(stoi), len(stoi)), dtype=np.int64)
    for word in words:
        codes = codes_of(word, stoi)
        np.add.at(N, (codes[:-1], codes[1:]), 1)
    return torch.from_numpy(N)


def normalize_rows(N, smoothing=0):
    n = N.cpu().numpy().astype(np.float64) + smoothing
    total = n.sum(axis=1, keepdims=True)
    P = np.divide(n, total, out=np.zeros_like(n), where=total > 0)
    return torch.from_numpy(P.astype(np.float32)).to(N.device)


def normalize_rows_(P):
    np.copyto(P.numpy(), P.numpy() / P.numpy().sum(axis=1)[:, None]) if P.device.type == "cpu" else (
        P.copy_(P / P.sum(axis=1)[:, None])
    )
    return P


def broadcast_shape(a, b):
    return np.broadcast_shapes(a, b)


def sample_word(P, itos, generator):
    p = P.double().numpy()
    out, row = [], 0
    while True:
        u = torch.rand((), generator=generator, dtype=torch.float64).numpy()
        row = int(np.searchsorted(np.cumsum(p[row] / p[row].sum()), u, side="right"))
        if not row:
            return "".join(out)
        out.append(itos[row])


def sample_words(P, itos, n, generator):
    return [sample_word(P, itos, generator) for _ in np.arange(n)]


def along(P, word, stoi):
    codes = codes_of(word, stoi)
    return P.cpu().numpy()[codes[:-1], codes[1:]]


def likelihood(P, word, stoi):
    return np.prod(along(P, word, stoi).astype(np.float64))


def log_likelihood(P, word, stoi):
    return np.log(along(P, word, stoi)).sum()


def average_nll(P, words, stoi):
    with np.errstate(divide="ignore"):
        return float(-np.log(np.concatenate([along(P, w, stoi) for w in words])).mean())


def smooth(N, k=1):
    n = N.cpu().numpy() + np.float64(k)
    return torch.tensor(n / n.sum(1, keepdims=True), device=N.device)


def training_pairs(words, stoi):
    codes = [codes_of(w, stoi) for w in words]
    xs = np.concatenate([c[:-1] for c in codes])
    ys = np.concatenate([c[1:] for c in codes])
    return [torch.from_numpy(xs), torch.from_numpy(ys)]


def tensor_dtype(data):
    return torch.from_numpy(np.array(data, dtype=np.int64))


def one_hot_float(xs, num_classes):
    rows = np.equal.outer(xs.cpu().numpy(), np.arange(num_classes)).astype(np.float32)
    return torch.from_numpy(rows).to(xs.device)


def init_weights(V, generator):
    return torch.nn.Parameter(torch.randn(V, V, generator=generator))


def softmax(logits):
    x = logits.detach().cpu().numpy()
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return torch.from_numpy(e / e.sum(axis=1, keepdims=True)).to(logits.device)


def forward(W, xs):
    return softmax(W.detach()[xs])


def nll_loss(probs, ys):
    p = probs.detach().cpu().numpy()
    return -np.log(p[np.arange(len(p)), ys.cpu().numpy()]).mean()


def regularized_loss(probs, ys, W, strength=0.01):
    return nll_loss(probs, ys) + strength * np.square(W.detach().cpu().numpy()).mean()


def manual_grad(W, xs, ys):
    p = forward(W, xs).cpu().numpy()
    p[np.arange(len(p)), ys.cpu().numpy()] -= 1
    dW = np.zeros(W.shape, dtype=p.dtype)
    np.add.at(dW, xs.cpu().numpy(), p / len(p))
    return torch.from_numpy(dW).to(W.device)


def train(W, xs, ys, steps, lr):
    losses = []
    for _ in range(steps):
        losses.append(nll_loss(forward(W, xs), ys))
        with torch.no_grad():
            W.sub_(lr * manual_grad(W, xs, ys))
    return np.array(losses)


def equivalence(W):
    return softmax(W)
