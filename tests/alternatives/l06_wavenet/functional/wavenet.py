"""Types, comprehensions, sets of modules; the index of each node is computed once."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor


def smooth(lossi: list[float], n: int) -> Tensor:
    return torch.tensor(lossi, dtype=torch.float32).reshape(len(lossi) // n, n).sum(dim=1).div(n)


def matmul_last(shape_a: tuple[int, ...], shape_b: tuple[int, int]) -> tuple[int, ...]:
    match shape_a, shape_b:
        case (*batch, inner), (same, outer) if inner == same:
            return (*batch, outer)
        case _:
            raise ValueError(f"{shape_a=} {shape_b=}")


class Layer:
    """Parameters are whatever wants a gradient."""

    def own(self) -> dict[str, Tensor]:
        return {k: v for k, v in self.__dict__.items() if isinstance(v, Tensor) and v.requires_grad}

    def parameters(self) -> Iterator[Tensor]:
        return iter(self.own().values())


class Linear(Layer):
    def __init__(self, fan_in: int, fan_out: int, bias: bool = True) -> None:
        self.weight = torch.randn(fan_in, fan_out).div(fan_in**0.5).requires_grad_()
        self.bias = torch.zeros(fan_out).requires_grad_() if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return x @ self.weight
        return torch.addmm(self.bias, x.flatten(0, -2), self.weight).unflatten(0, x.shape[:-1])


class Embedding(Layer):
    def __init__(self, num: int, dim: int) -> None:
        self.weight = torch.randn(num, dim, requires_grad=True)

    def __call__(self, ids: Tensor) -> Tensor:
        return torch.nn.functional.embedding(ids, self.weight)


class FlattenConsecutive(Layer):
    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        at = torch.arange(T, device=x.device).view(-1, self.n)  # fails where n does not divide T
        y = x[:, at].flatten(2)
        return y.flatten(1) if T == self.n else y


class BatchNorm1d(Layer):
    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.gamma = torch.ones(dim, requires_grad=True)
        self.beta = torch.zeros(dim, requires_grad=True)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)
        self.eps, self.momentum, self.training = eps, momentum, True

    def __call__(self, x: Tensor) -> Tensor:
        mean, std2 = self.statistics(x) if self.training else (self.running_mean, self.running_var)
        return (x - mean) * torch.rsqrt(std2 + self.eps) * self.gamma + self.beta

    def statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = x.flatten(end_dim=-2)
        mean, var = rows.mean(0), rows.std(0).square()
        self.running_mean.mul_(1 - self.momentum).add_(mean.detach(), alpha=self.momentum)
        self.running_var.mul_(1 - self.momentum).add_(var.detach(), alpha=self.momentum)
        return mean, var


class Tanh(Layer):
    __call__ = staticmethod(torch.tanh)


class Sequential(Layer):
    def __init__(self, layers: list[Layer]) -> None:
        self.layers = [*layers]

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> Iterator[Tensor]:
        return (p for layer in self.layers for p in layer.parameters())

    def __iter__(self) -> Iterator[Layer]:
        for layer in self.layers:
            yield from layer if isinstance(layer, Sequential) else [layer]


def set_training(model: Sequential, flag: bool) -> None:
    for layer in model:
        if "training" in dir(layer):
            layer.training = flag


@contextlib.contextmanager
def evaluating(model: Sequential):
    before = {layer: layer.training for layer in model if hasattr(layer, "training")}
    set_training(model, False)
    try:
        with torch.no_grad():
            yield
    finally:
        for layer, was in before.items():
            layer.training = was


def wavenet(vocab_size: int, block_size: int, n_embd: int, n_hidden: int) -> Sequential:
    def level(fan_in: int) -> Sequential:
        return Sequential([FlattenConsecutive(2), Linear(2 * fan_in, n_hidden, False), BatchNorm1d(n_hidden), Tanh()])

    head = Linear(n_hidden, vocab_size)
    head.weight.detach().mul_(0.1)
    depth = len(bin(block_size)) - 3
    body = [level(n_embd), *(level(n_hidden) for _ in range(depth - 1))]
    return Sequential([Embedding(vocab_size, n_embd), *body, head])


def group_sizes(block_size: int, n: int) -> list[int]:
    return [s for k in range(block_size) if (s := n ** (k + 1)) <= block_size]


def dilated_tree(model: Sequential, ids: Tensor) -> Tensor:
    embed, *levels, head = model.layers
    x = embed(ids)
    for k, level in enumerate(levels):
        both = torch.stack([x[: -(2**k)], x[2**k :]], 1)  # (L', 2, C): a batch of pairs
        x = level(both)
    return head(x)


def sample(model: Sequential, itos: dict[int, str], block_size: int, generator: torch.Generator) -> str:
    def letters() -> Iterator[int]:
        ids = torch.zeros((1, block_size), dtype=torch.int64)
        while True:
            ix = torch.multinomial(model(ids).softmax(1), 1, generator=generator)
            yield int(ix)
            ids = torch.cat((ids, ix), 1)[:, -block_size:]

    word = ""
    for ix in letters():
        if ix == 0:
            return word
        word += itos[ix]


def split_loss(model: Sequential, X: Tensor, Y: Tensor) -> float:
    with evaluating(model):
        return torch.nn.functional.cross_entropy(model(X), Y).item()
