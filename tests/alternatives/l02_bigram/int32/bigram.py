"""Someone who saves memory: int32 counts, defaultdict, zip_longest, F-functions, Python floats."""
import math
from collections import defaultdict
from functools import reduce
from itertools import chain, pairwise, zip_longest

import torch
import torch.nn.functional as F


def build_vocab(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    stoi = {c: i for i, c in enumerate(chain(".", sorted(set(chain(*words)))))}
    return stoi, {v: k for k, v in stoi.items()}


def bigram_counts_dict(words: list[str]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for word in words:
        for pair in pairwise(f".{word}."):
            counts[pair] += 1
    return counts


def count_bigrams(words: list[str], stoi: dict[str, int]) -> torch.Tensor:
    V = len(stoi)
    flat = torch.zeros(V * V, dtype=torch.int32)
    for (a, b), n in bigram_counts_dict(words).items():
        flat[stoi[a] * V + stoi[b]] = n
    return flat.reshape(V, V)


def normalize_rows(N: torch.Tensor, smoothing: float = 0) -> torch.Tensor:
    P = N.clone().float().add_(smoothing)
    return P.div_(P.sum(1, keepdim=True).clamp_min(1e-30))


def normalize_rows_(P: torch.Tensor) -> torch.Tensor:
    for row in P:
        row /= row.sum()
    return P


def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    def one(x: int, y: int) -> int:
        if 1 in (x, y) or x == y:
            return x * y if 1 in (x, y) else x
        raise ValueError

    return tuple(one(x, y) for x, y in zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]


def sample_word(P: torch.Tensor, itos: dict[int, str], generator: torch.Generator) -> str:
    word, ix = "", 0
    while (ix := int(torch.multinomial(P[ix], 1, False, generator=generator))) != 0:
        word += itos[ix]
    return word


def sample_words(P, itos, n, generator):
    words = []
    for _ in range(n):
        words += [sample_word(P=P, itos=itos, generator=generator)]
    return words


def likelihood(P, word, stoi):
    return math.prod(P[stoi[a], stoi[b]].item() for a, b in pairwise(f".{word}."))


def log_likelihood(P, word, stoi):
    return math.fsum(math.log(P[stoi[a], stoi[b]]) for a, b in pairwise(f".{word}."))


def average_nll(P, words, stoi):
    # weigh each pair by how often it occurs
    N = count_bigrams(words, stoi).to(P.device)
    seen = N > 0
    return (-(P[seen].log() * N[seen]).sum() / N.sum()).item()


def smooth(N, k=1):
    M = N.double() + k
    return (M / M.sum(dim=-1, keepdim=True)).to(torch.float32)


def training_pairs(words, stoi):
    both = [(stoi[a], stoi[b]) for w in words for a, b in pairwise(f".{w}.")]
    return tuple(torch.tensor(side, dtype=torch.int64) for side in zip(*both))


def tensor_dtype(data):
    return torch.tensor(data, dtype=torch.long)


def one_hot_float(xs, num_classes):
    return F.one_hot(xs, num_classes).to(torch.float32)


def init_weights(V, generator):
    W = torch.randn(V * V, generator=generator).view(V, V).clone()
    W.requires_grad_()
    return W


def softmax(logits):
    largest, _ = torch.max(logits, dim=1)
    e = torch.exp(logits.sub(largest.view(-1, 1)))
    return e.div(e.sum(dim=1).view(-1, 1).expand_as(e))


def forward(W, xs):
    return softmax(F.embedding(xs, W))


def nll_loss(probs, ys):
    return reduce(lambda s, p: s - p.log(), probs.take_along_dim(ys[:, None], 1).flatten(), 0.0) / len(ys)


def regularized_loss(probs, ys, W, strength=0.01):
    return nll_loss(probs, ys) + strength * torch.mean(torch.square(W))


def manual_grad(W, xs, ys):
    d = softmax(W[xs])
    d.scatter_add_(1, ys[:, None], torch.full_like(ys[:, None], -1, dtype=d.dtype))
    return torch.zeros_like(W).scatter_add(0, xs[:, None].expand_as(d), d / len(xs))


def train(W, xs, ys, steps, lr):
    losses = []
    for _ in range(steps):
        loss = F.nll_loss(torch.log_softmax(W[xs], dim=1), ys)
        losses.append(float(loss))
        loss.backward()
        W.data.sub_(lr * W.grad)
        W.grad.zero_()
    return losses


def equivalence(W):
    return F.softmax(W.detach(), dim=-1)
