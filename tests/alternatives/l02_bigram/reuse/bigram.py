"""Someone who writes each thing once and builds all else on it, classes and decorators included."""
import functools
import math

import torch


def dotted(function):
    @functools.wraps(function)
    def wrapped(first, second, stoi):
        P, words = first, [second] if isinstance(second, str) else second
        xs, ys = training_pairs(words, stoi)
        return function([P[x, y].item() for x, y in zip(xs, ys)])

    return wrapped


class Vocabulary:
    def __init__(self, words):
        self.letters = "." + "".join(sorted(set("".join(words))))

    def forwards(self):
        return {c: self.letters.find(c) for c in self.letters}

    def backwards(self):
        return {self.letters.find(c): c for c in self.letters}


def build_vocab(words):
    v = Vocabulary(words)
    return v.forwards(), v.backwards()


def bigram_counts_dict(words):
    stoi, itos = build_vocab(words)
    N = count_bigrams(words, stoi)
    return {(itos[i], itos[j]): N[i, j].item() for i, j in N.nonzero().tolist()}


def count_bigrams(words, stoi):
    xs, ys = training_pairs(words, stoi) if words else (torch.zeros(0).long(),) * 2
    V = len(stoi)
    return torch.eye(V, dtype=torch.int64)[xs].T @ torch.eye(V, dtype=torch.int64)[ys]


def normalize_rows(N, smoothing=0):
    P = (N + smoothing) * 1.0
    P[P.sum(1) != 0] = normalize_rows_(P[P.sum(1) != 0])
    return P


def normalize_rows_(P):
    P.mul_(P.sum(1, keepdim=True).reciprocal())
    return P


def broadcast_shape(a, b):
    if len(a) < len(b):
        a, b = b, a
    lead = len(a) - len(b)
    tail = [(x, y) for x, y in zip(a[lead:], b)]
    if any(x != y and min(x, y) != 1 for x, y in tail):
        raise ValueError("shapes don't broadcast")
    return a[:lead] + tuple(x if y == 1 else y for x, y in tail)


def sample_word(P, itos, generator):
    return sample_words(P, itos, 1, generator)[0]


def sample_words(P, itos, n, generator):
    words, at, word = [], 0, []
    while len(words) < n:
        at = torch.multinomial(P[at].double(), 1, generator=generator).item()
        if at:
            word.append(itos[at])
        else:
            words.append("".join(word))
            word = []
    return words


@dotted
def likelihood(ps):
    return math.prod(ps)


@dotted
def log_likelihood(ps):
    return sum(math.log(p) for p in ps)


@dotted
def average_nll(ps):
    return torch.tensor(ps).log().mul(-1).mean()


def smooth(N, k=1):
    return normalize_rows(N, k)


def training_pairs(words, stoi):
    xs, ys, last = [], [], "."
    for c in "".join(w + "." for w in words):
        xs, ys, last = xs + [stoi[last]], ys + [stoi[c]], c
    return tensor_dtype(xs), tensor_dtype(ys)


def tensor_dtype(data):
    return torch.tensor(data)


def one_hot_float(xs, num_classes):
    return (xs.unsqueeze(1) == torch.arange(num_classes, device=xs.device)).float()


def init_weights(V, generator):
    flat = [torch.randn(V, generator=generator) for _ in range(V)]
    return torch.stack(flat).requires_grad_()


def softmax(logits):
    # one over the sum of e to the differences: no number is ever large
    difference = logits.unsqueeze(1) - logits.unsqueeze(2)
    return 1 / difference.exp().sum(2)


def forward(W, xs):
    return softmax(one_hot_float(xs, len(W)).to(W) @ W)


def nll_loss(probs, ys):
    return -(probs * one_hot_float(ys, probs.shape[1])).sum(1).log().mean()


def regularized_loss(probs, ys, W, strength=0.01):
    return nll_loss(probs, ys) + strength * (W.norm() ** 2 / W.numel())


def manual_grad(W, xs, ys):
    K, V = len(xs), len(W)
    X, Y = one_hot_float(xs, V).to(W), one_hot_float(ys, V).to(W)
    return X.T @ (forward(W, xs) - Y) / K


def train(W, xs, ys, steps, lr):
    if not steps:
        return []
    with torch.no_grad():
        loss = nll_loss(forward(W, xs), ys)
        W -= lr * manual_grad(W, xs, ys)
    return [loss, *train(W, xs, ys, steps - 1, lr)]


def equivalence(W):
    return softmax(W)
