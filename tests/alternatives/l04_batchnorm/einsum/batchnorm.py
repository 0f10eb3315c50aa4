"""A student who writes sums as einsum and picks with indices."""
import math

import torch
from torch import einsum

GAINS = {"linear": 1.0, "tanh": 5 / 3, "relu": 2.0**0.5}


def expected_initial_loss(V):
    return torch.full((V,), 1 / V).double().reciprocal().log().mean()


def initial_loss(logits, Y):
    picked = logits.gather(1, Y[:, None])[:, 0]
    return (torch.logsumexp(logits, 1) - picked).mean()


def fix_output_layer(W2, b2):
    return einsum("hv,->hv", W2, torch.tensor(0.01, dtype=W2.dtype, device=W2.device)), b2 - b2


def saturation(h, limit=0.99):
    far = torch.logical_or(h > limit, h < -limit)
    return far.sum() / far.numel()


def dead_neurons(h, limit=0.99):
    return ~(h.abs() <= limit).any(0)


def gain(name, param=None):
    if name == "leaky_relu":
        return torch.tensor(2 / (1 + (0.01 if param is None else param) ** 2)).sqrt()
    return torch.tensor(GAINS[name])


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    fan = (fan_in, fan_out)[mode == "fan_out"]
    sizes = torch.full((fan_in, fan_out), float(gain(nonlinearity)) / fan**0.5)
    return torch.normal(torch.zeros(fan_in, fan_out), sizes, generator=generator)


def batchnorm_train(hpreact, bngain, bnbias):
    n = hpreact.shape[0]
    mean = einsum("nh->h", hpreact) / n
    centred = hpreact - mean
    std = (einsum("nh,nh->h", centred, centred) / (n - 1)).sqrt()
    out = einsum("nh,h,h->nh", centred, bngain[0], 1 / std) + bnbias
    return [out, mean.unsqueeze(0), std.unsqueeze(0)]


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    return einsum("nh,h->nh", hpreact - mean, (bngain / std)[0]) + bnbias


def update_running(running, batch, momentum=0.001):
    with torch.no_grad():
        running += momentum * (batch - running)
        return running


def calibrate(hpreact_all):
    with torch.no_grad():
        mean, centred = hpreact_all.mean(0), hpreact_all - hpreact_all.mean(0)
        var = einsum("nh,nh->h", centred, centred) / (hpreact_all.shape[0] - 1)
        return [mean[None, :], var.sqrt()[None, :]]


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    scale = gain * (var + eps) ** -0.5
    offset = -mean if b is None else b - mean
    return einsum("ih,h->ih", W, scale), einsum("h,h->h", offset, scale) + bias


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = torch.normal(0.0, fan_in**-0.5, (fan_in, fan_out))
        self.bias = torch.zeros(1, fan_out) if bias else None

    def __call__(self, x):
        self.out = einsum("...i,ij->...j", x, self.weight)
        if self.bias is not None:
            self.out = self.out + self.bias
        return self.out

    def parameters(self):
        return [p for p in (self.weight, self.bias) if p is not None]


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = torch.ones(dim), torch.zeros(dim)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)
        self.eps, self.momentum, self.training = eps, momentum, True

    def __call__(self, x):
        if self.training:
            n = len(x)
            mean = einsum("nh->h", x) / n
            square = einsum("nh,nh->h", x - mean, x - mean)
            var = square / n
            self.running_mean = torch.lerp(self.running_mean, mean.detach(), self.momentum)
            self.running_var = torch.lerp(
                self.running_var, square.detach() / (n - 1), self.momentum
            )
        else:
            mean, var = self.running_mean, self.running_var
        self.out = einsum("nh,h->nh", x - mean, self.gamma / (var + self.eps).sqrt()) + self.beta
        return self.out

    def parameters(self):
        return [self.beta, self.gamma]


class Tanh:
    def __call__(self, x):
        self.out = 2 * torch.sigmoid(2 * x) - 1
        return self.out

    def parameters(self):
        return []


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    widths = [block * n_embd] + n_layers * [n_hidden] + [vocab]
    layers = []
    for i, pair in enumerate(zip(widths, widths[1:])):
        last = i == n_layers
        linear = Linear(*pair, bias=not batchnorm)
        linear.weight = linear.weight * (0.1 if last else gain)
        layers += [linear] + [BatchNorm1d(pair[1])] * batchnorm + [Tanh()] * (not last)
    if batchnorm:
        layers[-1].gamma = layers[-1].gamma / 10
    return torch.normal(0.0, 1.0, (vocab, n_embd)), layers


def activation_stats(outs):
    def stats(t):
        return t.mean(), t.std(), 100 * (t.abs() > 0.97).sum() / t.numel()

    return list(map(stats, outs))


def grad_stats(params):
    return [
        [p.grad.mean(), p.grad.std(), p.grad.std().div(p.std())] for p in params if p.dim() == 2
    ]


def update_to_data(params, lr):
    eps = 1e-20
    return [
        math.log10(lr * float(p.grad.std()) / float(p.std()) + eps) for p in params if p.dim() == 2
    ]


def layer_norm(x, gamma, beta, eps=1e-5):
    C = x.shape[-1]
    centred = x - einsum("...c->...", x)[..., None] / C
    var = einsum("...c,...c->...", centred, centred)[..., None] / C
    return einsum("...c,c->...c", centred / (var + eps).sqrt(), gamma) + beta


def instance_norm(x, eps=1e-5):
    T = x.shape[2]
    centred = x - einsum("bct->bc", x)[:, :, None] / T
    var = einsum("bct,bct->bc", centred, centred) / T
    return einsum("bct,bc->bct", centred, (var + eps).rsqrt())


def group_norm(x, groups, eps=1e-5):
    parts = x.chunk(groups, dim=1)
    normed = []
    for g in parts:
        n = g.shape[1] * g.shape[2]
        centred = g - einsum("bct->b", g)[:, None, None] / n
        var = einsum("bct,bct->b", centred, centred) / n
        normed.append(einsum("bct,b->bct", centred, (var + eps).rsqrt()))
    return torch.cat(normed, dim=1)


def norm_coupling(norm, x):
    index = torch.arange(x.shape[0], device=x.device) == 1
    changed = torch.where(index.view(-1, *[1] * (x.dim() - 1)), x * 3 + 1, x)
    return not torch.allclose(norm(x)[0], norm(changed)[0], rtol=0, atol=0)


def lr_advice(ud):
    middle = torch.as_tensor(ud).double().quantile(0.5).item() if math.inf not in map(abs, ud) else (
        sorted(ud)[len(ud) // 2]
    )
    return "higher" if middle < -3.5 else ("good" if middle <= -2.5 else "lower")
