"""numpy's habits: axis names, reshape, in-place arithmetic on running numbers, global settings."""
import numpy as np
import torch

EPS = 1e-5
MOMENTUM = 0.1


def smooth(lossi, n):
    return np.asarray(lossi).reshape(-1, n).mean(axis=1)


def matmul_last(shape_a, shape_b):
    try:
        return np.matmul(np.empty(shape_a), np.empty(shape_b)).shape
    except ValueError:
        raise ValueError(f"matmul: {shape_a} {shape_b}")


class Linear(object):
    def __init__(self, fan_in, fan_out, bias=True):
        w = np.random.normal(0.0, np.sqrt(1.0 / fan_in), size=(fan_in, fan_out))
        self.weight = torch.from_numpy(w.astype(np.float32))
        self.bias = torch.from_numpy(np.zeros(fan_out, dtype=np.float32)) if bias else None

    def __call__(self, x):
        flat = x.reshape((-1, x.shape[-1]))
        y = torch.matmul(flat, self.weight)
        if self.bias is not None:
            y = y + self.bias[None, :]
        return y.reshape(x.shape[:-1] + (self.weight.shape[1],))

    def parameters(self):
        return [p for p in (self.weight, self.bias) if p is not None]


class Embedding(object):
    def __init__(self, num, dim):
        self.weight = torch.from_numpy(np.random.standard_normal((num, dim)).astype("float32"))

    def __call__(self, ids):
        return torch.index_select(self.weight, 0, ids.reshape(-1)).reshape(tuple(ids.shape) + (-1,))

    def parameters(self):
        return [self.weight]


class FlattenConsecutive(object):
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        b, t, c = x.shape
        if t % self.n:
            raise ValueError("T must be a multiple of n")
        y = torch.concatenate([x[:, k :: self.n, :] for k in range(self.n)], axis=2)
        return y.reshape(b, c * self.n) if t == self.n else y

    def parameters(self):
        return []


class BatchNorm1d(object):
    def __init__(self, dim, eps=None, momentum=None):
        self.eps = EPS if eps is None else eps
        self.momentum = MOMENTUM if momentum is None else momentum
        self.training = True
        self.gamma = torch.ones((1, dim))
        self.beta = torch.zeros((1, dim))
        self.running_mean = torch.zeros((1, dim))
        self.running_var = torch.ones((1, dim))

    def __call__(self, x):
        axes = tuple(np.arange(x.ndim - 1).tolist())
        if not self.training:
            return self.gamma * (x - self.running_mean) / np.power(self.running_var + self.eps, 0.5) + self.beta
        mu = x.mean(axis=axes)
        centred = x - mu
        var = (centred * centred).mean(axis=axes)
        with torch.no_grad():
            # consistently with n
            self.running_mean *= 1 - self.momentum
            self.running_mean += self.momentum * mu
            self.running_var *= 1 - self.momentum
            self.running_var += self.momentum * var
        return self.gamma * (centred / (var + self.eps) ** 0.5) + self.beta

    def parameters(self):
        return [self.gamma, self.beta]


class Tanh(object):
    def __call__(self, x):
        e = torch.exp(-2 * torch.abs(x))
        return torch.sign(x) * (1 - e) / (1 + e)

    def parameters(self):
        return []


class Sequential(object):
    def __init__(self, layers):
        self.layers = tuple(layers)

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return sum([list(layer.parameters()) for layer in self.layers], [])


def set_training(model, flag):
    if hasattr(model, "layers"):
        for layer in model.layers:
            set_training(layer, flag)
    elif "training" in vars(model):
        model.training = bool(flag)


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    depth = int(np.log2(block_size) + 0.5)
    fan = [2 * n_embd] + [2 * n_hidden] * (depth - 1)
    levels = [
        Sequential([FlattenConsecutive(2), Linear(f, n_hidden, False), BatchNorm1d(n_hidden), Tanh()])
        for f in fan
    ]
    out = Linear(n_hidden, vocab_size)
    out.weight.mul_(0.1)
    return Sequential([Embedding(vocab_size, n_embd)] + levels + [out])


def group_sizes(block_size, n):
    depth = int(round(np.log(block_size) / np.log(n)))
    return np.cumprod([n] * depth).tolist()


def dilated_tree(model, ids):
    h = model.layers[0](ids)
    for k, level in enumerate(model.layers[1:-1]):
        left = np.arange(h.shape[0] - 2**k)
        h = torch.hstack([h[left], h[left + 2**k]])
        for layer in level.layers[1:]:
            h = layer(h)
    return model.layers[-1](h)


def sample(model, itos, block_size, generator):
    context = np.zeros((1, block_size), dtype=np.int64)
    letters = []
    while True:
        with torch.no_grad():
            logits = model(torch.from_numpy(context.copy())).cpu().numpy()[0].astype(np.float64)
        p = np.exp(logits - logits.max())
        p /= p.sum()
        ix = int(np.searchsorted(np.cumsum(p), torch.rand((), generator=generator, dtype=torch.float64).item()))
        if ix == 0:
            break
        letters.append(itos[ix])
        context = np.roll(context, -1)
        context[0, -1] = ix
    return "".join(letters)


def _flat(model):
    if not hasattr(model, "layers"):
        return [model]
    return sum([_flat(layer) for layer in model.layers], [])


def split_loss(model, X, Y):
    was = any(getattr(layer, "training", False) for layer in _flat(model))
    set_training(model, False)
    for layer in _flat(model):
        if hasattr(layer, "training"):
            layer.training = False
    with torch.no_grad():
        logits = model(X).double()
    for layer in _flat(model):
        if hasattr(layer, "training"):
            layer.training = was
    logits = logits - logits.max(axis=1, keepdim=True).values
    logp = logits - logits.exp().sum(axis=1, keepdim=True).log()
    return float(-logp[np.arange(len(Y)), Y].mean())
