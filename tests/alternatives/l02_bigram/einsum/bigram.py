"""Someone who thinks in indices: einsum, gather, scatter_add, index_put, expand."""
from collections import Counter

import torch
from torch import einsum
from torch.nn.functional import one_hot


def build_vocab(words):
    letters = sorted({c for w in words for c in w})
    itos = ["."] + letters
    return {c: itos.index(c) for c in itos}, itos


def bigram_counts_dict(words):
    return Counter(p for w in words for p in zip(f".{w}", f"{w}."))


def count_bigrams(words, stoi):
    V = len(stoi)
    ij = [(stoi[a], stoi[b]) for w in words for a, b in zip(f".{w}", f"{w}.")]
    N = torch.zeros(V, V, dtype=torch.long)
    if ij:
        i, j = torch.tensor(ij).T
        N.index_put_((i, j), torch.ones(len(ij), dtype=torch.long), accumulate=True)
    return N


def normalize_rows(N, smoothing=0):
    P = N.to(torch.float32) + smoothing
    inverse = torch.where(P.sum(1) > 0, 1 / P.sum(1), torch.zeros_like(P.sum(1)))
    return einsum("ij,i->ij", P, inverse)


def normalize_rows_(P):
    P[:] = einsum("ij,i->ij", P, 1 / P.sum(-1))
    return P.view_as(P)


def broadcast_shape(a, b):
    def size(shape, i):
        return shape[len(shape) - i] if i <= len(shape) else 1

    out = ()
    for i in range(max(len(a), len(b)), 0, -1):
        sizes = {size(a, i), size(b, i)} - {1} or {1}
        if len(sizes) > 1:
            raise ValueError(f"{a} and {b}")
        out += tuple(sizes)
    return list(out)


def sample_word(P, itos, generator):
    def follow(i):
        j = P[i].multinomial(1, generator=generator).item()
        return itos[j] + follow(j) if j else ""

    return follow(0)


def sample_words(P, itos, n, generator):
    return list(map(lambda _: sample_word(P, itos, generator), range(n)))


def picked(P, words, stoi):
    xs, ys = training_pairs(words, stoi)
    xs, ys = xs.to(P.device), ys.to(P.device)
    return P[xs].gather(1, ys.unsqueeze(1)).squeeze(1)


def likelihood(P, word, stoi):
    return picked(P, [word], stoi).prod(0).item()


def log_likelihood(P, word, stoi):
    return picked(P, [word], stoi).log().sum(0).item()


def average_nll(P, words, stoi):
    return picked(P, words, stoi).log().neg().mean().item()


def smooth(N, k=1):
    return (N + k) / (N.sum(1, keepdim=True) + k * N.shape[1])


def training_pairs(words, stoi):
    xs = [stoi[c] for w in words for c in "." + w]
    ys = [stoi[c] for w in words for c in w + "."]
    return torch.tensor(xs), torch.tensor(ys)


def tensor_dtype(data):
    return torch.LongTensor(data)


def one_hot_float(xs, num_classes):
    out = xs.new_zeros((xs.numel(), num_classes), dtype=torch.float32)
    return out.scatter(1, xs[:, None], 1.0)


def init_weights(V, generator):
    return torch.normal(0.0, 1.0, (V, V), generator=generator).requires_grad_(True)


def softmax(logits):
    e = torch.exp(logits - logits.amax(dim=-1, keepdim=True))
    return einsum("kv,k->kv", e, 1 / e.sum(-1))


def forward(W, xs):
    return softmax(einsum("kv,vw->kw", one_hot(xs, W.shape[0]).to(W.dtype), W))


def nll_loss(probs, ys):
    return -einsum("kv,kv->", one_hot(ys, probs.shape[1]).to(probs.dtype), probs.log()) / len(ys)


def regularized_loss(probs, ys, W, strength=0.01):
    return nll_loss(probs, ys) + strength * einsum("ij,ij->", W, W) / W.numel()


def manual_grad(W, xs, ys):
    V = W.shape[0]
    d = (forward(W, xs) - one_hot(ys, V)) / len(ys)
    return einsum("kv,kw->vw", one_hot(xs, V).to(d.dtype), d)


@torch.no_grad()
def train(W, xs, ys, steps, lr):
    losses = []
    for _ in range(steps):
        with torch.enable_grad():
            loss = nll_loss(forward(W, xs), ys)
        (gradient,) = torch.autograd.grad(loss, W)
        losses += [loss.detach()]
        W.add_(gradient, alpha=-lr)
    return losses


def equivalence(W):
    return forward(W, torch.arange(len(W), device=W.device))
