"""A student who writes loops: stacks, lists, sums by hand; itos is a list, parameters a tuple."""
import math
import random

import torch


def build_vocab(words):
    seen = []
    for word in words:
        for letter in word:
            if letter not in seen:
                seen.append(letter)
    seen.sort()
    itos = ["."]
    stoi = {".": 0}
    for letter in seen:
        stoi[letter] = len(itos)
        itos.append(letter)
    return [stoi, itos]


def build_dataset(words, stoi, block_size=3):
    rows, labels = [], []
    for word in words:
        ids = []
        for letter in word:
            ids.append(stoi[letter])
        ids.append(stoi["."])
        for i in range(len(ids)):
            row = []
            for j in range(i - block_size, i):
                row.append(ids[j] if j >= 0 else 0)
            rows.append(torch.tensor(row))
            labels.append(torch.tensor(ids[i]))
    if len(rows) == 0:
        return torch.zeros((0, block_size), dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    return torch.stack(rows), torch.stack(labels)


def split_words(words, seed=42):
    order = list(range(len(words)))
    dice = random.Random(seed)
    for i in range(len(order) - 1, 0, -1):
        j = dice.randint(0, i)
        order[i], order[j] = order[j], order[i]
    train, dev, test = [], [], []
    for k, i in enumerate(order):
        if k < int(0.8 * len(words)):
            train.append(words[i])
        elif k < int(0.9 * len(words)):
            dev.append(words[i])
        else:
            test.append(words[i])
    return [train, dev, test]


def embed(C, X):
    rows = []
    for example in X:
        rows.append(torch.stack([C[i] for i in example]))
    return torch.stack(rows)


def concat(emb):
    n, block, e = emb.shape
    return emb.reshape(n, block * e)


def describe_view(shape, stride):
    for size in shape:
        if size == 0:
            return True
    expected = None
    for size, step in reversed(list(zip(shape, stride))):
        if size == 1:
            continue
        if expected is not None and step != expected:
            return False
        expected = size * step
    return True


def init_params(vocab, n_embd, block, n_hidden, generator):
    def draw(*shape):
        return torch.randn(*shape, generator=generator, requires_grad=True)

    return (
        draw(vocab, n_embd),
        draw(block * n_embd, n_hidden),
        draw(n_hidden),
        draw(n_hidden, vocab),
        draw(vocab),
    )


def forward(params, X):
    C, W1, b1, W2, b2 = params
    rows = []
    for example in X:
        x = torch.cat([C[i] for i in example])
        h = torch.tanh(x @ W1 + b1)
        rows.append(h @ W2 + b2)
    return torch.stack(rows)


def cross_entropy(logits, Y):
    total = 0.0
    for row, y in zip(logits, Y):
        top = row.max()
        s = 0.0
        for z in row:
            s = s + torch.exp(z - top)
        total = total + (torch.log(s) + top - row[y])
    return total / len(Y)


def minibatch(N, size, generator):
    return torch.stack([torch.randint(N, (), generator=generator) for _ in range(size)])


def train_step(params, Xb, Yb, lr):
    loss = torch.nn.functional.cross_entropy(forward(params, Xb), Yb)
    loss.backward()
    with torch.no_grad():
        for p in params:
            p.sub_(lr * p.grad)
            p.grad.zero_()
    return float(loss)


def lr_candidates(low=-3, high=0, n=1000):
    rates = []
    for i in range(n):
        rates.append(10.0 ** (low + (high - low) * i / (n - 1)))
    return rates


def find_lr(params, X, Y, lrs, batch_size, generator):
    mine = []
    for p in params:
        q = p.clone().detach()
        q.requires_grad = True
        mine.append(q)
    losses = []
    for lr in lrs:
        ix = minibatch(len(X), batch_size, generator)
        losses.append(train_step(mine, X[ix], Y[ix], float(lr)))
    return losses


def suggest_lr(lrs, losses, window):
    best = None
    for i in range(len(losses)):
        near = [float(losses[j]) for j in range(i - window // 2, i + window // 2 + 1) if 0 <= j < len(losses)]
        mean = sum(near) / len(near)
        if not math.isnan(mean) and not math.isinf(mean):
            if best is None or mean < best[0]:
                best = (mean, float(lrs[i]))
    return best[1]


def lr_at(step, steps):
    if 2 * step >= steps:
        return 0.01
    return 0.1


def evaluate(params, X, Y):
    total = 0.0
    with torch.no_grad():
        for i in range(len(X)):
            logits = forward(params, X[i : i + 1])[0]
            total += torch.logsumexp(logits, 0).item() - logits[Y[i]].item()
    return total / len(X)


def perplexity(loss):
    return math.e**loss


def dead_neurons(h, limit=0.99):
    n, width = h.shape
    share, dead = torch.zeros(width), torch.zeros(width, dtype=torch.bool)
    for j in range(width):
        count = 0
        for i in range(n):
            if abs(h[i, j].item()) > limit:
                count += 1
        share[j] = count / n
        dead[j] = count == n
    return share, dead


def sample(params, itos, block, generator, max_len):
    word = ""
    context = [0] * block
    for _ in range(max_len):
        logits = forward(params, torch.tensor([context]))[0]
        weights = (logits - logits.max()).exp()
        r = torch.rand((), generator=generator) * weights.sum()
        ix, total = 0, weights[0]
        while total <= r and ix < len(weights) - 1:
            ix += 1
            total = total + weights[ix]
        if itos[ix] == ".":
            return word
        word = word + itos[ix]
        context.pop(0)
        context.append(ix)
    return word


def capacity(vocab, n_embd, block, n_hidden):
    count = 0
    for rows, columns in ((vocab, n_embd), (block * n_embd + 1, n_hidden), (n_hidden + 1, vocab)):
        count += rows * columns
    return count
