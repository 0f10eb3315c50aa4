"""A student who writes nn.Module subclasses, with Parameters and buffers."""
from __future__ import annotations

import math
from statistics import median

import torch
from torch import Tensor, nn


def expected_initial_loss(V: int) -> float:
    return math.log(V)


def initial_loss(logits: Tensor, Y: Tensor) -> Tensor:
    return nn.CrossEntropyLoss()(logits, Y)


def fix_output_layer(W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return W2.clone().mul_(0.01), b2.new_zeros(b2.shape)


def saturation(h: Tensor, limit: float = 0.99) -> float:
    return torch.count_nonzero(h.abs() > limit).item() / h.numel()


def dead_neurons(h: Tensor, limit: float = 0.99) -> Tensor:
    return h.abs().amin(0) > limit


def gain(name: str, param: float | None = None) -> float:
    match name:
        case "tanh":
            return 5.0 / 3
        case "relu":
            return 2**0.5
        case "leaky_relu":
            a = 0.01 if param is None else param
            return (2 / (1 + a * a)) ** 0.5
        case _:
            return 1


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    fan = fan_in if mode == "fan_in" else fan_out
    W = torch.empty(fan_in, fan_out, dtype=torch.float64)
    return nn.Parameter(W.normal_(0.0, gain(nonlinearity) / math.sqrt(fan), generator=generator))


def batchnorm_train(hpreact, bngain, bnbias):
    var, mean = torch.var_mean(hpreact, dim=0, keepdim=True)
    std = var.sqrt()
    return torch.addcmul(bnbias, bngain, (hpreact - mean) / std), mean, std


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    scale = bngain / std
    return hpreact * scale + (bnbias - mean * scale)


def update_running(running, batch, momentum=0.001):
    return running.lerp(batch.detach(), momentum)


def calibrate(hpreact_all):
    std, mean = torch.std_mean(hpreact_all.detach(), dim=0, keepdim=True)
    return mean, std


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    scale = gain * torch.rsqrt(var + eps)
    shift = bias - mean * scale
    return W @ torch.diag(scale), shift if b is None else shift + b * scale


class Linear(nn.Module):
    def __init__(self, fan_in, fan_out, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(fan_in, fan_out) * fan_in**-0.5)
        if bias:
            self.bias = nn.Parameter(torch.zeros(fan_out))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        self.out = x @ self.weight if self.bias is None else torch.addmm(self.bias, x, self.weight)
        return self.out


class BatchNorm1d(nn.Module):
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.beta = nn.Parameter(torch.zeros(dim))
        self.gamma = nn.Parameter(torch.ones(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            n = x.shape[0]
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.detach())
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * var.detach() * n / (n - 1))
        else:
            mean, var = self.running_mean, self.running_var
        self.out = (x - mean) * torch.rsqrt(var + self.eps) * self.gamma + self.beta
        return self.out


class Tanh(nn.Module):
    def forward(self, x):
        self.out = torch.tanh(x)
        return self.out


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    C = nn.Parameter(torch.randn(vocab, n_embd))
    layers = nn.ModuleList()
    sizes = [n_embd * block, *[n_hidden] * n_layers, vocab]
    for i in range(n_layers + 1):
        layers.append(Linear(sizes[i], sizes[i + 1], bias=not batchnorm))
        if i < n_layers:
            with torch.no_grad():
                layers[-1].weight.mul_(gain)
        if batchnorm:
            layers.append(BatchNorm1d(sizes[i + 1]))
        if i < n_layers:
            layers.append(Tanh())
    last = layers[-1].gamma if batchnorm else layers[-1].weight
    with torch.no_grad():
        last.mul_(0.1)
    return C, layers


def activation_stats(outs):
    return [[t.mean().item(), t.std().item(), 100 * saturation(t, 0.97)] for t in outs]


def grad_stats(params):
    picked = [p for p in params if len(p.shape) == 2]
    return [(p.grad.mean(), p.grad.std(), p.grad.std() / p.detach().std()) for p in picked]


def update_to_data(params, lr):
    return [
        torch.log10(lr * p.grad.std() / p.detach().std()).item() for p in params if p.ndim == 2
    ]


def layer_norm(x, gamma, beta, eps=1e-5):
    var, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
    return torch.addcmul(beta, (x - mean) * torch.rsqrt(var + eps), gamma)


def instance_norm(x, eps=1e-5):
    var, mean = torch.var_mean(x, dim=2, keepdim=True, correction=0)
    return (x - mean) * torch.rsqrt(var + eps)


def group_norm(x, groups, eps=1e-5):
    g = x.unflatten(1, (groups, -1))
    var, mean = torch.var_mean(g, dim=(2, 3), keepdim=True, correction=0)
    return ((g - mean) * torch.rsqrt(var + eps)).flatten(1, 2)


def norm_coupling(norm, x):
    x = x.detach().clone().requires_grad_()
    weights = torch.linspace(1, 2, norm(x)[0].numel(), dtype=x.dtype, device=x.device)
    (norm(x)[0].reshape(-1) * weights).sum().backward()
    return bool((x.grad[1].abs() > 1e-12).any())


def lr_advice(ud):
    middle = median(ud)
    return ["lower", "good", "higher"][(middle <= -2.5) + (middle < -3.5)]
