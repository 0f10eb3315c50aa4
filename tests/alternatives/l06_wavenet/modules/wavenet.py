"""Subclasses of nn.Module with buffers; PyTorch's own batch_norm."""
import torch
from torch import nn
from torch.nn import functional as F


def smooth(lossi: list[float], n: int) -> torch.Tensor:
    return torch.stack([chunk.mean() for chunk in torch.tensor(lossi).split(n)])


def matmul_last(shape_a, shape_b):
    *batch, k = shape_a
    k2, m = shape_b
    if k != k2:
        raise ValueError(f"shapes {list(shape_a)} and {list(shape_b)} are not aligned")
    return torch.Size([*batch, m])


class Linear(nn.Module):
    def __init__(self, fan_in: int, fan_out: int, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fan_in, fan_out))
        nn.init.normal_(self.weight, std=fan_in**-0.5)
        if bias:
            self.bias = nn.Parameter(torch.zeros(fan_out))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


class Embedding(nn.Embedding):
    pass


class FlattenConsecutive(nn.Module):
    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def forward(self, x):
        return x.unflatten(1, (-1, self.n)).flatten(2).squeeze(1)


class BatchNorm1d(nn.Module):
    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, x):
        y = x.movedim(-1, 1)
        y = F.batch_norm(y, self.running_mean, self.running_var, self.gamma, self.beta,
                         self.training, self.momentum, self.eps)
        return y.movedim(1, -1)


class Tanh(nn.Tanh):
    pass


class Sequential(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def set_training(model: nn.Module, flag: bool) -> None:
    model.train(flag)


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    layers: list[nn.Module] = [Embedding(vocab_size, n_embd)]
    c = n_embd
    for _ in range(block_size.bit_length() - 1):
        layers.append(Sequential([FlattenConsecutive(2), Linear(2 * c, n_hidden, bias=False),
                                  BatchNorm1d(n_hidden), Tanh()]))
        c = n_hidden
    head = Linear(c, vocab_size)
    head.weight.data.mul_(0.1)
    return Sequential([*layers, head])


def group_sizes(block_size, n):
    return [] if block_size < n else [*group_sizes(block_size // n, n), block_size]


def dilated_tree(model, ids):
    embed, *levels, head = model.layers
    x = embed(ids)[None]
    for k, level in enumerate(levels):
        x = torch.cat([x[:, : -(2**k)], x[:, 2**k :]], dim=-1)
        for layer in list(level.layers)[1:]:
            x = layer(x)
    return head(x)[0]


@torch.inference_mode()
def sample(model, itos, block_size, generator):
    was = model.training
    model.eval()
    ids = torch.zeros(1, block_size, dtype=torch.long, device=next(model.parameters()).device)
    word = ""
    while (ix := torch.multinomial(model(ids).softmax(-1).cpu(), 1, generator=generator)).item():
        word += itos[ix.item()]
        ids = torch.cat([ids[:, 1:], ix.to(ids.device)], 1)
    model.train(was)
    return word


def split_loss(model, X, Y):
    was = model.training
    model.eval()
    with torch.inference_mode():
        total = 0.0
        for x, y in zip(X.split(16), Y.split(16)):
            total += F.cross_entropy(model(x), y, reduction="sum").item()
    model.train(was)
    return total / len(Y)
