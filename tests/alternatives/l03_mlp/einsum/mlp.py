"""One-hot products and einsum; unfold for the windows; autograd.grad for the step."""
import torch
from torch.nn import functional as F


def build_vocab(words):
    letters = "." + "".join(sorted({c for w in words for c in w}))
    return dict(zip(letters, range(len(letters)))), dict(enumerate(letters))


def build_dataset(words, stoi, block_size=3):
    Xs, Ys = [torch.empty(0, block_size, dtype=torch.long)], [torch.empty(0, dtype=torch.long)]
    for w in words:
        ids = torch.tensor([0] * block_size + [stoi[c] for c in w] + [0])
        windows = ids.unfold(0, block_size + 1, 1)
        Xs.append(windows[:, :-1])
        Ys.append(windows[:, -1])
    return torch.cat(Xs), torch.cat(Ys)


def split_words(words, seed=42):
    g = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(words), generator=g).tolist()
    shuffled = tuple(words[i] for i in order)
    n = len(shuffled)
    return shuffled[: int(n * 0.8)], shuffled[int(n * 0.8) : int(n * 0.9)], shuffled[int(n * 0.9) :]


def embed(C, X):
    return torch.einsum("nbv,ve->nbe", F.one_hot(X, num_classes=C.shape[0]).float(), C)


def concat(emb):
    return torch.cat(torch.unbind(emb, 1), 1)


def describe_view(shape, stride):
    kept = [(n, s) for n, s in zip(shape, stride) if n != 1]
    numel = 1
    for n in shape:
        numel *= n
    if numel == 0 or not kept:
        return True
    inner = kept[-1][1]
    want = []
    size = inner
    for n, _ in reversed(kept):
        want.insert(0, size)
        size *= n
    return [s for _, s in kept] == want


def init_params(vocab, n_embd, block, n_hidden, generator):
    shapes = [(vocab, n_embd), (n_embd * block, n_hidden), (n_hidden,), (n_hidden, vocab), (vocab,)]
    return [torch.normal(0.0, 1.0, s, generator=generator).requires_grad_() for s in shapes]


def forward(params, X):
    C, W1, b1, W2, b2 = params
    x = F.one_hot(X, C.shape[0]).float() @ C
    W = W1.view(x.shape[1], x.shape[2], -1)
    h = torch.tanh(torch.einsum("nbe,beh->nh", x, W) + b1)
    return torch.einsum("nh,hv->nv", h, W2).add(b2)


def cross_entropy(logits, Y):
    one_hot = F.one_hot(Y, logits.shape[1]).to(logits.dtype)
    return (logits.logsumexp(1) - torch.einsum("nv,nv->n", logits, one_hot)).mean()


def minibatch(N, size, generator):
    return torch.randperm(N, generator=generator)[:size]


def train_step(params, Xb, Yb, lr):
    loss = cross_entropy(forward(params, Xb), Yb)
    grads = torch.autograd.grad(loss, params)
    with torch.no_grad():
        for p, g in zip(params, grads):
            p.add_(g, alpha=-float(lr))
    return loss.detach()


def lr_candidates(low=-3, high=0, n=1000):
    return torch.logspace(low, high, n)


def find_lr(params, X, Y, lrs, batch_size, generator):
    trial = [p.detach().clone().requires_grad_(True) for p in params]

    def step(lr):
        ix = minibatch(X.shape[0], batch_size, generator)
        return train_step(trial, X[ix], Y[ix], lr)

    return torch.stack([step(lr) for lr in lrs])


def suggest_lr(lrs, losses, window):
    kernel = torch.full((1, 1, window), 1.0 / window, device=losses.device)
    means = F.conv1d(losses.view(1, 1, -1).nan_to_num(nan=1e9, posinf=1e9), kernel).flatten()
    return lrs[means.argmin() + (window - 1) // 2]


def lr_at(step, steps):
    return [0.1, 0.01][int(step >= steps / 2)]


def evaluate(params, X, Y):
    with torch.inference_mode():
        return float(F.cross_entropy(forward(params, X), Y))


def perplexity(loss):
    return torch.exp(torch.as_tensor(loss, dtype=torch.float64))


def dead_neurons(h, limit=0.99):
    far = h.abs().gt(limit)
    return far.double().mean(dim=0), far.sum(0) == h.shape[0]


def sample(params, itos, block, generator, max_len):
    context = torch.zeros(1, block, dtype=torch.long)
    letters = []
    with torch.no_grad():
        while len(letters) < max_len:
            p = forward(params, context).softmax(-1)
            ix = torch.multinomial(p, 1, replacement=True, generator=generator)
            if ix.item() == 0:
                break
            letters.append(itos[ix.item()])
            context = torch.cat([context[:, 1:], ix], dim=1)
    return "".join(letters)


def capacity(vocab, n_embd, block, n_hidden):
    return vocab * n_embd + n_hidden * (block * n_embd + 1) + vocab * (n_hidden + 1)
