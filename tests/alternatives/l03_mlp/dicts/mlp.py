"""Parameters in a dict by name; gradients kept out of .grad; words drawn by Gumbel's trick."""
import math
import random

import torch


def build_vocab(words):
    letters = set()
    for word in words:
        letters.update(word)
    order = ["."] + sorted(letters)
    return {c: order.index(c) for c in order}, {i: c for i, c in enumerate(order)}


def build_dataset(words, stoi, block_size=3):
    count = sum(len(word) + 1 for word in words)
    X = torch.zeros(count, block_size, dtype=torch.int64)
    Y = torch.zeros(count, dtype=torch.int64)
    row = 0
    for word in words:
        start = row
        for letter in word + ".":
            if row > start:
                X[row, :-1] = X[row - 1, 1:]
                X[row, -1] = Y[row - 1]
            Y[row] = stoi[letter]
            row += 1
    return X, Y


def split_words(words, seed=42):
    dice = random.Random(seed)
    keyed = sorted((dice.random(), i) for i in range(len(words)))
    mixed = [words[i] for _, i in keyed]
    n = len(mixed)
    cut = [0, int(0.8 * n), int(0.9 * n), n]
    return tuple(mixed[a:b] for a, b in zip(cut, cut[1:]))


def embed(C, X):
    return C[X, :]


def concat(emb):
    return torch.reshape(emb, (emb.size(0), emb.size(1) * emb.size(2)))


def describe_view(shape, stride):
    addresses = [0]
    for size, step in zip(shape, stride):
        addresses = [a + i * step for a in addresses for i in range(size)]
    steps = {b - a for a, b in zip(addresses, addresses[1:])}
    return len(steps) <= 1


def init_params(vocab, n_embd, block, n_hidden, generator):
    params = {
        "C": torch.randn(vocab, n_embd, generator=generator),
        "W1": torch.randn(block * n_embd, n_hidden, generator=generator) / math.sqrt(block * n_embd),
        "b1": 0.1 * torch.randn(n_hidden, generator=generator),
        "W2": torch.randn(n_hidden, vocab, generator=generator) / math.sqrt(n_hidden),
        "b2": torch.zeros(vocab),
    }
    for p in params.values():
        p.requires_grad_(True)
    return params


def forward(params, X):
    x = params["C"][X].flatten(1)
    h = (x @ params["W1"] + params["b1"]).tanh()
    return h @ params["W2"] + params["b2"]


def cross_entropy(logits, Y):
    n = len(Y)
    differences = logits - logits[range(n), Y].unsqueeze(1)
    return differences.logsumexp(1).sum() / n


def minibatch(N, size, generator):
    return torch.randint(high=N, size=[size], generator=generator, dtype=torch.int64)


def train_step(params, Xb, Yb, lr):
    loss = cross_entropy(forward(params, Xb), Yb)
    gradients = torch.autograd.grad(loss, list(params.values()))
    with torch.no_grad():
        for p, g in zip(params.values(), gradients):
            p -= lr * g
    return loss.item()


def lr_candidates(low=-3, high=0, n=1000):
    ratio = 10 ** ((high - low) / (n - 1))
    return [10**low * ratio**i for i in range(n)]


def find_lr(params, X, Y, lrs, batch_size, generator):
    trial = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    losses = torch.zeros(len(lrs))
    for i in range(len(lrs)):
        ix = minibatch(len(X), batch_size, generator)
        losses[i] = train_step(trial, X[ix], Y[ix], lrs[i].item())
    return losses


def suggest_lr(lrs, losses, window):
    good = torch.isfinite(losses)
    lrs, losses = lrs[good], losses[good]
    sums = torch.cat([torch.zeros(1, device=losses.device), losses.cumsum(0)])
    means = (sums[window:] - sums[:-window]) / window
    return lrs[int(means.argmin()) + window - 1].item()


def lr_at(step, steps):
    return 0.01 if step / steps >= 0.5 else 0.1


def evaluate(params, X, Y):
    with torch.no_grad():
        loss = cross_entropy(forward(params, X), Y)
    return loss


def perplexity(loss):
    return math.pow(math.e, loss)


def dead_neurons(h, limit=0.99):
    count = (h.abs() > limit).sum(dim=0)
    return count / len(h), count.eq(len(h))


def sample(params, itos, block, generator, max_len):
    ids = [0] * block
    word = ""
    with torch.no_grad():
        while len(word) < max_len:
            logits = forward(params, torch.tensor(ids[-block:])[None])[0]
            noise = torch.rand(logits.shape, generator=generator, dtype=torch.float64)
            ix = int((logits.double() - (-noise.log()).log()).argmax())
            if ix == 0:
                return word
            ids.append(ix)
            word += itos[ix]
    return word


def capacity(vocab, n_embd, block, n_hidden):
    return sum(p.numel() for p in init_params(vocab, n_embd, block, n_hidden, None).values())
