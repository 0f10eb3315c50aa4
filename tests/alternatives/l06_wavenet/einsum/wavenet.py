"""einsum, unfold, strides and index tables."""
import torch
import torch.nn.functional as F


def smooth(lossi, n):
    return torch.as_tensor(lossi, dtype=torch.float64).unfold(0, n, n).mean(-1)


def matmul_last(shape_a, shape_b):
    try:
        a, b = torch.empty(shape_a, device="meta"), torch.empty(shape_b, device="meta")
        return tuple(torch.einsum("...k,km->...m", a, b).shape) if shape_a[-1] == b.shape[0] else 1 / 0
    except (RuntimeError, ZeroDivisionError) as error:
        raise ValueError(f"{shape_a} x {shape_b}") from error


class Layer:
    training = True

    def parameters(self):
        return [v for v in vars(self).values() if isinstance(v, torch.Tensor) and v.requires_grad]


class Linear(Layer):
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = (torch.randn(fan_in, fan_out) * fan_in**-0.5).requires_grad_()
        self.bias = torch.zeros(fan_out, requires_grad=True) if bias else None

    def __call__(self, x):
        y = torch.einsum("...i,io->...o", x, self.weight)
        return y if self.bias is None else y + self.bias


class Embedding(Layer):
    def __init__(self, num, dim):
        self.weight = torch.randn(num, dim, requires_grad=True)

    def __call__(self, ids):
        return torch.einsum("...v,vd->...d", F.one_hot(ids, len(self.weight)).to(self.weight), self.weight)


class FlattenConsecutive(Layer):
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        assert T % self.n == 0
        y = x.unfold(1, self.n, self.n)  # B, T/n, C, n
        y = y.transpose(2, 3).reshape(B, T // self.n, self.n * C)
        return y[:, 0] if y.shape[1] == 1 else y


class BatchNorm1d(Layer):
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = torch.ones(dim, requires_grad=True), torch.zeros(dim, requires_grad=True)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)
        self.eps, self.momentum = eps, momentum

    def __call__(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = x.numel() // x.shape[-1]
            mean = torch.einsum("...c->c", x) / n
            var = torch.einsum("...c,...c->c", x - mean, x - mean) / n  # as PyTorch: n below
            self.running_mean = torch.lerp(self.running_mean, mean.detach(), self.momentum)
            self.running_var = torch.lerp(self.running_var, var.detach() * n / (n - 1), self.momentum)
        return torch.addcmul(self.beta, x - mean, self.gamma * (var + self.eps).rsqrt())


class Tanh(Layer):
    def __call__(self, x):
        return x.tanh()


class Sequential(Layer):
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        from functools import reduce

        return reduce(lambda x, layer: layer(x), self.layers, x)

    def parameters(self):
        for layer in self.layers:
            yield from layer.parameters()


def leaves(model):
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else (layer,)


def set_training(model, flag):
    for layer in leaves(model):
        if hasattr(layer, "training"):
            layer.training = flag


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    import math

    depth = round(math.log2(block_size))
    widths = [n_embd] + [n_hidden] * depth
    blocks = [
        layer
        for a, b in zip(widths, widths[1:])
        for layer in (FlattenConsecutive(2), Linear(2 * a, b, bias=False), BatchNorm1d(b), Tanh())
    ]
    head = Linear(widths[-1], vocab_size)
    head.weight.data *= 0.1
    return Sequential([Embedding(vocab_size, n_embd), *blocks, head])


def group_sizes(block_size, n):
    import itertools

    return list(itertools.takewhile(lambda s: s <= block_size, (n**k for k in itertools.count(1))))


def dilated_tree(model, ids):
    """Each level as a convolution of two taps, on (1, C, L)."""
    embed, *rest = model.layers
    x = embed(ids).T[None]
    k = 0
    for layer in rest:
        if isinstance(layer, FlattenConsecutive):
            dilation, k = 2**k, k + 1
        elif isinstance(layer, Linear) and layer is not rest[-1]:
            kernel = torch.stack(layer.weight.chunk(2), -1).transpose(0, 1)
            x = F.conv1d(x, kernel, dilation=dilation)
        else:
            x = layer(x.transpose(1, 2)).transpose(1, 2)
    return x[0].T


def sample(model, itos, block_size, generator):
    ids = [0] * block_size
    while True:
        x = torch.tensor(ids[-block_size:])[None]
        p = model(x).detach().double().softmax(-1)[0]
        ids.append(int(torch.multinomial(p, 1, generator=generator)))
        if not ids[-1]:
            return "".join(map(itos.get, ids[block_size:-1]))


def split_loss(model, X, Y):
    found = [(layer, layer.training) for layer in leaves(model)]
    try:
        set_training(model, False)
        with torch.no_grad():
            logp = model(X).log_softmax(-1)
        return -logp.gather(1, Y[:, None]).mean().item()
    finally:
        for layer, was in found:
            layer.training = was
