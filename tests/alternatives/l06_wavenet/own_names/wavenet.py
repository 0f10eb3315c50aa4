"""Names of one's own: W, b, g, mean_run …; constants at module level; a base class."""
import math
from dataclasses import dataclass, field

import torch

RATE, TINY = 0.1, 1e-5


def smooth(lossi, n):
    it = iter(lossi)
    return [math.fsum(group) / n for group in zip(*[it] * n)]


def matmul_last(shape_a, shape_b):
    left, right = list(shape_a), list(shape_b)
    if left.pop() != right.pop(0):
        raise ValueError(f"a is {'x'.join(map(str, shape_a))}, b is {'x'.join(map(str, shape_b))}")
    return left + right


class Part:
    def parameters(self):
        return list(getattr(self, "learnt", []))


class Linear(Part):
    def __init__(self, n_in, n_out, bias=True):
        W = torch.empty(n_in, n_out).uniform_(-1, 1) * math.sqrt(3 / n_in)
        self.learnt = [W, torch.zeros(n_out)] if bias else [W]

    def __call__(self, x):
        y = torch.tensordot(x, self.learnt[0], dims=1)
        for b in self.learnt[1:]:
            y = y + b
        return y


class Embedding(Part):
    def __init__(self, rows, width):
        self.table = torch.normal(0.0, 0.5, (rows, width))
        self.learnt = (self.table,)

    def __call__(self, ids):
        return self.table[ids, :]


class FlattenConsecutive(Part):
    def __init__(self, group):
        self.group = group

    def __call__(self, x):
        assert x.shape[1] % self.group == 0
        pieces = x.split(self.group, dim=1)
        rows = torch.stack([p.flatten(1) for p in pieces], dim=1)
        return rows if len(pieces) > 1 else rows.squeeze(dim=1)


class BatchNorm1d(Part):
    def __init__(self, width, eps=TINY, momentum=RATE):
        self.g, self.b = torch.ones(width), torch.zeros(width)
        self.mean_run, self.var_run = torch.zeros(width), torch.ones(width)
        self.learnt = [self.g, self.b]
        self.training = True
        self.tiny, self.rate = eps, momentum

    def __call__(self, x):
        if self.training:
            var, mean = torch.var_mean(x.flatten(0, -2), dim=0)
            self.mean_run = self.mean_run + self.rate * (mean.detach() - self.mean_run)
            self.var_run = self.var_run + self.rate * (var.detach() - self.var_run)
        else:
            mean, var = self.mean_run, self.var_run
        factor = self.g / torch.sqrt(var + self.tiny)
        return x * factor + (self.b - mean * factor)


class Tanh(Part):
    def __call__(self, x):
        return torch.nn.functional.tanh(x)


@dataclass
class Sequential(Part):
    layers: list = field(default_factory=list)

    def __call__(self, x):
        for f in self.layers:
            x = f(x)
        return x

    def parameters(self):
        return [p for f in self.layers for p in f.parameters()]


def walk(part):
    yield part
    for inner in getattr(part, "layers", []):
        yield from walk(inner)


def set_training(model, flag):
    for part in walk(model):
        if hasattr(part, "training"):
            part.training = flag


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    def grow(positions, width):
        if positions == 1:
            head = Linear(width, vocab_size)
            head.learnt[0].mul_(0.1)
            return [head]
        level = [FlattenConsecutive(2), Linear(2 * width, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh()]
        return level + grow(positions // 2, n_hidden)

    return Sequential([Embedding(vocab_size, n_embd), *grow(block_size, n_embd)])


def group_sizes(block_size, n):
    sizes = [block_size]
    while sizes[0] > n:
        sizes.insert(0, sizes[0] // n)
    return sizes


def dilated_tree(model, ids):
    """Recursive, with a memory: node (level, start)."""
    parts = model.layers
    levels = [parts[i : i + 4] for i in range(1, len(parts) - 1, 4)]
    memory = {}

    def node(level, start):
        if (level, start) not in memory:
            if level == 0:
                memory[level, start] = parts[0](ids[start : start + 1])
            else:
                half = 2 ** (level - 1)
                x = torch.cat([node(level - 1, start), node(level - 1, start + half)], 1)
                for f in levels[level - 1][1:]:
                    x = f(x)
                memory[level, start] = x
        return memory[level, start]

    return torch.cat([parts[-1](node(len(levels), i)) for i in range(len(ids) - 7)])


def sample(model, itos, block_size, generator):
    from collections import deque

    window, word = deque([0] * block_size, maxlen=block_size), []
    while True:
        logits = model(torch.tensor(list(window)).view(1, block_size))
        noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator).clamp(1e-30, 1 - 1e-7)))
        k = int((logits.detach().cpu() + noise).argmax())
        if k == 0:
            return "".join(word)
        word.append(itos[k])
        window.append(k)


def split_loss(model, X, Y):
    kept = {id(p): p.training for p in walk(model) if hasattr(p, "training")}
    set_training(model, False)
    with torch.inference_mode():
        out = torch.nn.NLLLoss()(torch.log_softmax(model(X), 1), Y)
    for p in walk(model):
        if id(p) in kept:
            p.training = kept[id(p)]
    return float(out)
