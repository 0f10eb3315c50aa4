"""Loops wherever a loop will do."""
import math
import random

import torch


def smooth(lossi, n):
    means = []
    for start in range(0, len(lossi), n):
        total = 0.0
        for k in range(n):
            total += lossi[start + k]
        means.append(total / n)
    return means


def matmul_last(shape_a, shape_b):
    if shape_a[len(shape_a) - 1] != shape_b[0]:
        raise ValueError("%s and %s do not fit" % (tuple(shape_a), tuple(shape_b)))
    result = []
    for i in range(len(shape_a) - 1):
        result.append(shape_a[i])
    result.append(shape_b[1])
    return result


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        rows = []
        for _ in range(fan_in):
            rows.append([random.gauss(0, 1 / math.sqrt(fan_in)) for _ in range(fan_out)])
        self.weight = torch.tensor(rows)
        if bias:
            self.bias = torch.tensor([0.0] * fan_out)

    def __call__(self, x):
        if x.ndim > 1:
            parts = [self(part) for part in x] if x.ndim > 2 else [x @ self.weight]
            out = torch.stack(parts) if x.ndim > 2 else parts[0]
            if x.ndim == 2 and hasattr(self, "bias"):
                out = out + self.bias
            return out
        return x @ self.weight + (self.bias if hasattr(self, "bias") else 0)

    def parameters(self):
        found = [self.weight]
        if hasattr(self, "bias"):
            found.append(self.bias)
        return found


class Embedding:
    def __init__(self, num, dim):
        self.weight = torch.randn(num, dim)

    def __call__(self, ids):
        if ids.ndim == 1:
            return torch.stack([self.weight[int(i)] for i in ids])
        return torch.stack([self(row) for row in ids])

    def parameters(self):
        return [self.weight]


class FlattenConsecutive:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        T = x.shape[1]
        if T % self.n != 0:
            raise ValueError("not divisible")
        groups = []
        for t in range(0, T, self.n):
            groups.append(torch.cat([x[:, t + i, :] for i in range(self.n)], dim=1))
        if len(groups) == 1:
            return groups[0]
        return torch.stack(groups, dim=1)

    def parameters(self):
        return []


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.dim, self.eps, self.momentum, self.training = dim, eps, momentum, True
        self.gamma, self.beta = torch.ones(dim), torch.zeros(dim)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)

    def __call__(self, x):
        flat = x.reshape(-1, self.dim)
        columns = []
        for c in range(self.dim):
            column = flat[:, c]
            if self.training:
                n = len(column)
                mean = sum(column) / n
                var = ((column - mean) ** 2).sum() / (n - 1)
                m = self.momentum
                self.running_mean[c] = (1 - m) * self.running_mean[c] + m * mean.item()
                self.running_var[c] = (1 - m) * self.running_var[c] + m * var.item()
            else:
                mean, var = self.running_mean[c], self.running_var[c]
            columns.append(self.gamma[c] * (column - mean) * (var + self.eps) ** -0.5 + self.beta[c])
        return torch.stack(columns, dim=1).reshape(x.shape)

    def parameters(self):
        return (self.gamma, self.beta)


class Tanh:
    def __call__(self, x):
        return 2 * torch.sigmoid(2 * x) - 1

    def parameters(self):
        return ()


class Sequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        i = 0
        while i < len(self.layers):
            x = self.layers[i](x)
            i += 1
        return x

    def parameters(self):
        result = []
        for layer in self.layers:
            for p in layer.parameters():
                result.append(p)
        return result


def set_training(model, flag):
    for layer in model.layers:
        try:
            set_training(layer, flag)
        except AttributeError:
            pass
        if hasattr(layer, "training"):
            layer.training = flag


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    layers = [Embedding(vocab_size, n_embd)]
    width = n_embd
    while block_size != 1:
        layers.append(FlattenConsecutive(2))
        layers.append(Linear(2 * width, n_hidden, bias=False))
        layers.append(BatchNorm1d(n_hidden))
        layers.append(Tanh())
        width = n_hidden
        block_size //= 2
    layers.append(Linear(width, vocab_size))
    layers[-1].weight = layers[-1].weight * 0.1
    return Sequential(layers)


def group_sizes(block_size, n):
    sizes = []
    seen = 1
    left = block_size
    while left > 1:
        seen = seen * n
        left = left // n
        sizes.append(seen)
    return tuple(sizes)


def dilated_tree(model, ids):
    nodes = [model.layers[0](ids[i : i + 1])[0] for i in range(len(ids))]
    distance = 1
    for layer in model.layers[1:]:
        if isinstance(layer, FlattenConsecutive):
            pairs = []
            for i in range(len(nodes) - distance):
                pairs.append(torch.cat([nodes[i], nodes[i + distance]]))
            nodes = pairs
            distance += distance
        else:
            nodes = [layer(node.view(1, -1))[0] for node in nodes]
    return torch.stack(nodes)


def sample(model, itos, block_size, generator):
    word = ""
    context = [0 for _ in range(block_size)]
    while True:
        logits = model(torch.tensor([context]))[0].tolist()
        top = max(logits)
        weights = [math.exp(a - top) for a in logits]
        r = torch.rand(1, generator=generator).item() * sum(weights)
        ix = 0
        while ix < len(weights) - 1 and r >= weights[ix]:
            r -= weights[ix]
            ix += 1
        if ix == 0:
            return word
        word = word + itos[ix]
        for i in range(block_size - 1):
            context[i] = context[i + 1]
        context[-1] = ix


def modes(model):
    found = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found += modes(layer)
        elif hasattr(layer, "training"):
            found.append(layer.training)
    return found


def split_loss(model, X, Y):
    before = modes(model)
    set_training(model, False)
    total = 0.0
    with torch.no_grad():
        logits = model(X)
        for row, label in zip(logits, Y):
            total += float(torch.logsumexp(row, 0) - row[int(label)])
    set_training(model, bool(before[0]))
    return total / len(Y)
