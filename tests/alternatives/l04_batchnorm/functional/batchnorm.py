"""A student who writes small helpers and uses them everywhere."""
from functools import partial, reduce
from math import log, sqrt

import torch
import torch.nn.functional as F


def _normalise(x, dims, eps=0.0, correction=0):
    """What all norms share: (normalised, mean, variance)."""
    mean = x.mean(dims, keepdim=True)
    var = x.var(dims, keepdim=True, correction=correction)
    return (x - mean) / torch.sqrt(var + eps), mean, var


_far = lambda h, limit: h.abs().gt(limit)
_matrices = partial(filter, lambda p: p.ndim == 2)


def expected_initial_loss(V):
    return float(F.cross_entropy(torch.zeros(1, V, dtype=torch.float64), torch.tensor([0])))


def initial_loss(logits, Y):
    return F.nll_loss(F.log_softmax(logits, dim=-1), Y)


def fix_output_layer(W2, b2):
    return tuple(t.detach().clone() * s for t, s in ((W2, 0.01), (b2, 0.0)))


def saturation(h, limit=0.99):
    return float(_far(h, limit).to(h.dtype).mean())


def dead_neurons(h, limit=0.99):
    return reduce(torch.logical_and, _far(h, limit))


def gain(name, param=None):
    slope = {"linear": 1.0, "relu": 0.0, "leaky_relu": 0.01 if param is None else param}
    return 5 / 3 if name == "tanh" else sqrt(2 / (1 + slope[name] ** 2))


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    std = gain(nonlinearity) / sqrt(dict(fan_in=fan_in, fan_out=fan_out)[mode])
    return torch.randn(fan_in, fan_out, generator=generator, dtype=torch.float64).mul(std)


def batchnorm_train(hpreact, bngain, bnbias):
    xhat, mean, var = _normalise(hpreact, 0, correction=1)
    return bngain * xhat + bnbias, mean, var.sqrt()


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    return (hpreact - mean).div(std).mul(bngain).add(bnbias)


def update_running(running, batch, momentum=0.001):
    return ((1 - momentum) * running + momentum * batch).detach()


def calibrate(hpreact_all):
    return tuple(f(hpreact_all, dim=0, keepdim=True).detach() for f in (torch.mean, torch.std))


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    # the composed map is affine: ask it at 0 and at the unit vectors
    def both(x):
        z = x @ W + (0 if b is None else b)
        return F.batch_norm(z, mean, var, gain, bias, training=False, eps=eps)

    b2 = both(torch.zeros_like(W[:1, :1]).expand(1, W.shape[0]))[0]
    return both(torch.eye(W.shape[0], dtype=W.dtype, device=W.device)) - b2, b2


class _Layer:
    training = True

    def __call__(self, *args):
        self.out = self.forward(*args)
        return self.out

    def parameters(self):
        return list(self.params.values())

    def __getattr__(self, name):
        try:
            return self.__dict__["params"][name]
        except KeyError:
            raise AttributeError(name) from None


class Linear(_Layer):
    def __init__(self, fan_in, fan_out, bias=True):
        self.params = {"weight": torch.randn(fan_in, fan_out).div(sqrt(fan_in)).requires_grad_()}
        if bias:
            self.params["bias"] = torch.zeros(fan_out, requires_grad=True)
        else:
            self.bias = None

    def forward(self, x):
        return F.linear(x, self.weight.T, self.bias)


class BatchNorm1d(_Layer):
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.params = {
            "gamma": torch.ones(dim, requires_grad=True),
            "beta": torch.zeros(dim, requires_grad=True),
        }
        self.running_mean, self.running_var = torch.zeros(1, dim), torch.ones(1, dim)
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        if self.training:
            xhat, mean, var = _normalise(x, 0, self.eps, 1)
            step = partial(torch.Tensor.lerp_, weight=self.momentum)
            step(self.running_mean, mean.detach())
            step(self.running_var, var.detach())
        else:
            xhat = (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        return self.gamma * xhat + self.beta


class Tanh(_Layer):
    params = {}

    def forward(self, x):
        return torch.tanh(x)


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    def part(fan_in, fan_out, factor, last):
        linear = Linear(fan_in, fan_out, bias=not batchnorm)
        linear.weight.data *= factor
        norm = [BatchNorm1d(fan_out)] if batchnorm else []
        return [linear, *norm] + ([] if last else [Tanh()])

    widths = [block * n_embd, *(n_hidden for _ in range(n_layers))]
    layers = sum((part(a, b, gain, False) for a, b in zip(widths, widths[1:])), [])
    layers += part(n_hidden, vocab, 1.0 if batchnorm else 0.1, True)
    if batchnorm:
        layers[-1].gamma.data.fill_(0.1)
    return torch.randn(vocab, n_embd, requires_grad=True), layers


def activation_stats(outs):
    return [(float(t.mean()), float(t.std()), 100 * saturation(t, 0.97)) for t in outs]


def grad_stats(params):
    def row(p):
        std, mean = torch.std_mean(p.grad)
        return mean.item(), std.item(), (std / torch.std(p)).item()

    return [row(p) for p in _matrices(params)]


def update_to_data(params, lr):
    return [float(torch.log10(lr * p.grad.std()) - torch.log10(p.std())) for p in _matrices(params)]


def layer_norm(x, gamma, beta, eps=1e-5):
    return _normalise(x, -1, eps)[0] * gamma + beta


def instance_norm(x, eps=1e-5):
    return _normalise(x, 2, eps)[0]


def group_norm(x, groups, eps=1e-5):
    B, C, T = x.shape
    return _normalise(x.reshape(B, groups, C // groups, T), (2, 3), eps)[0].reshape(x.shape)


def norm_coupling(norm, x):
    def first(one):
        return norm(torch.cat([x[:1], one[None], x[2:]]))[0]

    return not torch.equal(first(x[1]), first(x[1] + torch.rand_like(x[1])))


def lr_advice(ud):
    low, high = sorted(ud)[(len(ud) - 1) // 2], sorted(ud)[len(ud) // 2]
    middle = low if low == high else low + (high - low) / 2
    return "higher" if middle < -3.5 else "lower" if middle > -2.5 else "good"
