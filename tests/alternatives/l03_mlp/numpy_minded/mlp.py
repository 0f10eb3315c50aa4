"""A student who thinks in numpy wherever no gradient is needed."""
import numpy as np
import torch


def build_vocab(words):
    letters = np.unique(np.array(list("".join(words)), dtype="<U1"))
    itos = {i + 1: str(c) for i, c in enumerate(letters)}
    itos[0] = "."
    return {c: i for i, c in itos.items()}, itos


def build_dataset(words, stoi, block_size=3):
    ids = [np.array([0] * block_size + [stoi[c] for c in w + "."], dtype=np.int64) for w in words]
    if not ids:
        return torch.from_numpy(np.zeros((0, block_size), np.int64)), torch.from_numpy(np.zeros(0, np.int64))
    X = np.concatenate([np.lib.stride_tricks.sliding_window_view(a[:-1], block_size) for a in ids])
    Y = np.concatenate([a[block_size:] for a in ids])
    return torch.from_numpy(np.ascontiguousarray(X)), torch.from_numpy(Y)


def split_words(words, seed=42):
    order = np.random.default_rng(seed).permutation(len(words))
    mixed = np.array(words, dtype=object)[order]
    train, dev, test = np.split(mixed, [int(0.8 * len(words)), int(0.9 * len(words))])
    return list(train), list(dev), list(test)


def embed(C, X):
    return torch.index_select(C, 0, X.reshape(-1)).reshape(*X.shape, C.shape[1])


def concat(emb):
    return emb.reshape((emb.shape[0], -1))


def describe_view(shape, stride):
    keep = np.array(shape, dtype=int) != 1
    n, s = np.array(shape, dtype=int)[keep], np.array(stride, dtype=int)[keep]
    if (n == 0).any():
        return True
    return bool(np.all(s[:-1] == n[1:] * s[1:]))


def init_params(vocab, n_embd, block, n_hidden, generator):
    seed = int(torch.randint(2**31, (), generator=generator))
    rng = np.random.default_rng(seed)
    shapes = [(vocab, n_embd), (block * n_embd, n_hidden), (n_hidden,), (n_hidden, vocab), (vocab,)]
    return [
        torch.tensor(rng.standard_normal(shape), dtype=torch.float32, requires_grad=True)
        for shape in shapes
    ]


def forward(params, X):
    C, W1, b1, W2, b2 = params
    n = X.shape[0]
    h = torch.tanh(torch.addmm(b1, embed(C, X).reshape(n, -1), W1))
    return torch.addmm(b2, h, W2)


def cross_entropy(logits, Y):
    top = torch.amax(logits, 1, keepdim=True).detach()
    z = torch.exp(logits - top)
    log_probs = (logits - top) - torch.log(torch.sum(z, 1, keepdim=True))
    return -torch.take_along_dim(log_probs, Y[:, None], 1).sum() / Y.shape[0]


def minibatch(N, size, generator):
    return (torch.rand(size, generator=generator, dtype=torch.float64) * N).long()


def train_step(params, Xb, Yb, lr):
    loss = cross_entropy(forward(params, Xb), Yb)
    for p in params:
        if p.grad is not None:
            p.grad.zero_()
    loss.backward()
    for p in params:
        p.data = p.data - float(lr) * p.grad
    return np.float64(loss.item())


def lr_candidates(low=-3, high=0, n=1000):
    return np.logspace(low, high, n)


def find_lr(params, X, Y, lrs, batch_size, generator):
    copies = [torch.tensor(p.detach().cpu().numpy(), device=p.device).requires_grad_() for p in params]
    losses = np.empty(len(lrs))
    for i, lr in enumerate(np.asarray(lrs.cpu())):
        ix = minibatch(len(X), batch_size, generator)
        losses[i] = train_step(copies, X[ix], Y[ix], lr)
    return losses


def suggest_lr(lrs, losses, window):
    losses, lrs = np.array(losses.cpu()), np.array(lrs.cpu())
    means = np.convolve(losses, np.ones(window) / window, mode="valid")
    means[~np.isfinite(means)] = np.inf
    return lrs[np.argmin(means) + window // 2]


def lr_at(step, steps):
    return float(np.where(step < 0.5 * steps, 0.1, 0.01))


def evaluate(params, X, Y):
    params = [p.detach().double().cpu().numpy() for p in params]
    C, W1, b1, W2, b2 = params
    X, Y = X.cpu().numpy(), Y.cpu().numpy()
    logits = np.tanh(C[X].reshape(len(X), -1) @ W1 + b1) @ W2 + b2
    logits -= logits.max(1, keepdims=True)
    return float((np.log(np.exp(logits).sum(1)) - logits[np.arange(len(Y)), Y]).mean())


def perplexity(loss):
    return np.exp(loss)


def dead_neurons(h, limit=0.99):
    far = np.abs(h.cpu().numpy()) > limit
    return far.mean(0), far.all(0)


def sample(params, itos, block, generator, max_len):
    C, W1, b1, W2, b2 = [p.detach().double().numpy() for p in params]
    word, context = [], np.zeros(block, dtype=int)
    while len(word) < max_len:
        logits = np.tanh(C[context].reshape(-1) @ W1 + b1) @ W2 + b2
        p = np.exp(logits - logits.max())
        edges = np.cumsum(p / p.sum())
        r = torch.rand((), generator=generator, dtype=torch.float64).item()
        ix = int(min(np.searchsorted(edges, r, side="right"), len(p) - 1))
        if ix == 0:
            break
        word.append(itos[ix])
        context = np.append(context[1:], ix)
    return "".join(word)


def capacity(vocab, n_embd, block, n_hidden):
    return np.int64(vocab * n_embd + (block * n_embd + 1) * n_hidden + (n_hidden + 1) * vocab)
