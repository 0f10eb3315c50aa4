"""Comprehensions and PyTorch's own functions; helpers; keyword defaults; decorators."""
import copy
import functools
import math
import random
from itertools import chain, islice

import torch
import torch.nn.functional as F


def build_vocab(words):
    letters = sorted(set(chain.from_iterable(words)))
    pairs = [(0, "."), *enumerate(letters, start=1)]
    return {s: i for i, s in pairs}, {i: s for i, s in pairs}


def examples(words, stoi, block):
    for word in words:
        padded = "." * block + word + "."
        for at in range(block, len(padded)):
            yield [stoi[c] for c in padded[at - block : at]], stoi[padded[at]]


def build_dataset(words, stoi, block_size=3):
    pairs = list(examples(words, stoi, block_size))
    X = torch.tensor([x for x, _ in pairs], dtype=torch.int64).reshape(len(pairs), block_size)
    return X, torch.tensor([y for _, y in pairs]).long()


def split_words(words, seed=42):
    mixed = random.Random(seed).sample(words, len(words))
    n1, n2 = (int(share * len(mixed)) for share in (0.8, 0.9))
    it = iter(mixed)
    return list(islice(it, n1)), list(islice(it, n2 - n1)), list(it)


def embed(C, X):
    return F.embedding(X, C)


def concat(emb):
    try:
        return emb.view(emb.size(0), -1)
    except RuntimeError:
        return torch.cat(emb.unbind(dim=1), dim=1)


def describe_view(shape, stride):
    probe = torch.zeros(1).as_strided((), ())
    n = 1 + sum((a - 1) * b for a, b in zip(shape, stride)) if 0 not in shape else 1
    try:
        torch.zeros(n).as_strided(shape, stride).view(probe.numel() * -1)
    except RuntimeError:
        return False
    else:
        return True


def init_params(vocab, n_embd, block, n_hidden, generator):
    randn = functools.partial(torch.randn, generator=generator)
    fan = block * n_embd
    params = [
        randn(vocab, n_embd),
        randn(fan, n_hidden) * (5 / 3) / fan**0.5,
        torch.zeros(n_hidden),
        randn(n_hidden, vocab) * 0.01,
        torch.zeros(vocab),
    ]
    return [torch.nn.Parameter(p) for p in params]


def forward(params, X):
    C, W1, b1, W2, b2 = params
    x = torch.cat(torch.unbind(F.embedding(X, C), 1), 1)
    return F.linear(F.tanh(F.linear(x, W1.T, b1)), W2.T, b2)


def cross_entropy(logits, Y):
    log_z = torch.logsumexp(logits, dim=-1)
    return (log_z - logits.gather(1, Y.unsqueeze(1)).squeeze(1)).mean()


def minibatch(N, size, generator):
    return torch.randint(N, size=(size,), generator=generator)


def train_step(params, Xb, Yb, lr):
    optimizer = torch.optim.SGD(params, lr=float(lr))
    optimizer.zero_grad()
    loss = F.cross_entropy(forward(params, Xb), Yb)
    loss.backward()
    optimizer.step()
    return loss.item()


def lr_candidates(low=-3, high=0, n=1000):
    return torch.linspace(low, high, n, dtype=torch.float64).mul(math.log(10)).exp()


def find_lr(params, X, Y, lrs, batch_size, generator):
    params = copy.deepcopy(params)
    batches = (minibatch(len(X), batch_size, generator) for _ in lrs)
    return [train_step(params, X[ix], Y[ix], lr) for ix, lr in zip(batches, lrs)]


def suggest_lr(lrs, losses, window):
    def mean(i):
        near = losses[max(0, i - window // 2) : i + window // 2 + 1].mean().item()
        return near if math.isfinite(near) else math.inf

    return float(lrs[min(range(len(losses)), key=mean)])


def lr_at(step, steps):
    return 0.1 / 10 ** (2 * step // steps)


def evaluate(params, X, Y):
    was = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        sums = [
            F.cross_entropy(forward(params, x), y, reduction="sum").item()
            for x, y in zip(X.split(16), Y.split(16))
        ]
    finally:
        torch.set_grad_enabled(was)
    return sum(sums) / len(X)


perplexity = math.exp


def dead_neurons(h, limit=0.99):
    far = torch.abs(h) > limit
    return torch.mean(far, dim=0, dtype=torch.float32), torch.all(far, dim=0)


@torch.no_grad()
def letters(params, block, generator):
    context = [0] * block
    while True:
        probs = forward(params, torch.tensor(context).unsqueeze(0)).softmax(1)
        ix = int(torch.multinomial(probs[0], 1, generator=generator))
        yield ix
        context = [*context[1:], ix]


def sample(params, itos, block, generator, max_len):
    word = ""
    for ix in letters(params, block, generator):
        if ix == 0 or len(word) >= max_len:
            return word
        word += itos[ix]
        if len(word) == max_len:
            return word


def capacity(vocab, n_embd, block, n_hidden):
    shapes = [(vocab, n_embd), (block * n_embd, n_hidden), (n_hidden,), (n_hidden, vocab), (vocab,)]
    return sum(math.prod(shape) for shape in shapes)
