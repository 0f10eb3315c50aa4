"""A student who thinks in numpy wherever no gradient is needed."""
import math

import numpy as np
import torch


def expected_initial_loss(V):
    return float(-np.log(np.ones(V) / V)[0])


def initial_loss(logits, Y):
    z = logits.detach().cpu().numpy().astype(np.float64)
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return float(-logp[np.arange(len(z)), Y.cpu().numpy()].mean())


def fix_output_layer(W2, b2):
    W = np.multiply(W2.detach().cpu().numpy(), 0.01)
    return torch.from_numpy(W).to(W2.device), torch.zeros_like(b2)


def saturation(h, limit=0.99):
    return float(np.mean(np.abs(h.detach().cpu().numpy()) > limit))


def dead_neurons(h, limit=0.99):
    return np.all(np.abs(h.detach().cpu().numpy()) > limit, axis=0)


def gain(name, param=None):
    a = 0.01 if param is None else param
    table = {"linear": 1.0, "tanh": 5.0 / 3.0, "relu": np.sqrt(2.0)}
    table["leaky_relu"] = np.sqrt(2.0 / (1.0 + np.square(a)))
    return float(table[name])


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    # numpy draws, from a seed that the generator gives
    seed = int(torch.randint(0, 2**31, (1,), generator=generator))
    fan = fan_in if mode == "fan_in" else fan_out
    W = np.random.default_rng(seed).normal(0, gain(nonlinearity) / np.sqrt(fan), (fan_in, fan_out))
    return torch.from_numpy(W)


def batchnorm_train(hpreact, bngain, bnbias):
    mean = torch.mean(hpreact, axis=0, keepdims=True)
    std = torch.sqrt(torch.sum((hpreact - mean) ** 2, axis=0, keepdims=True) / (len(hpreact) - 1))
    return bngain * ((hpreact - mean) / std) + bnbias, mean, std


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    return bngain * ((hpreact - mean) / std) + bnbias


def update_running(running, batch, momentum=0.001):
    old, new = running.detach().cpu().numpy(), batch.detach().cpu().numpy()
    return torch.from_numpy((1 - momentum) * old + momentum * new).to(running.device)


def calibrate(hpreact_all):
    x = hpreact_all.detach().cpu().numpy()
    mean, std = x.mean(axis=0, keepdims=True), x.std(axis=0, ddof=1, keepdims=True)
    return torch.from_numpy(mean).to(hpreact_all.device), torch.from_numpy(std).to(hpreact_all.device)


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    scale = gain / torch.sqrt(var + eps)
    if b is None:
        b = torch.zeros(W.shape[1], dtype=W.dtype, device=W.device)
    return W * scale[np.newaxis, :], scale * (b - mean) + bias


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        weight = np.random.randn(fan_in, fan_out) / np.sqrt(fan_in)
        self.weight = torch.tensor(weight, dtype=torch.float32)
        self.bias = torch.zeros(fan_out) if bias else None

    def __call__(self, x):
        self.out = torch.matmul(x, self.weight)
        if self.bias is not None:
            self.out = self.out + self.bias[np.newaxis, :]
        return self.out

    def parameters(self):
        return [self.weight] if self.bias is None else [self.weight, self.bias]


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma = torch.from_numpy(np.ones((1, dim), dtype=np.float32))
        self.beta = torch.from_numpy(np.zeros((1, dim), dtype=np.float32))
        self.running_mean = torch.zeros((1, dim))
        self.running_var = torch.ones((1, dim))

    def __call__(self, x):
        if self.training:
            mean = torch.mean(x, axis=0, keepdims=True)
            var = torch.mean(torch.square(x - mean), axis=0, keepdims=True)
            n = x.shape[0]
            a = self.momentum
            self.running_mean = (1 - a) * self.running_mean + a * mean.detach()
            self.running_var = (1 - a) * self.running_var + a * var.detach() * n / (n - 1)
        else:
            mean, var = self.running_mean, self.running_var
        self.out = (x - mean) / torch.sqrt(var + self.eps) * self.gamma + self.beta
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]


class Tanh:
    def __call__(self, x):
        self.out = torch.tanh(x)
        return self.out

    def parameters(self):
        return []


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    C = torch.tensor(np.random.randn(vocab, n_embd), dtype=torch.float32)
    sizes = np.array([block * n_embd] + [n_hidden] * n_layers + [vocab]).tolist()
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(Linear(sizes[i], sizes[i + 1], not batchnorm))
        layers[-1].weight *= gain if i < n_layers else 0.1
        if batchnorm:
            layers.append(BatchNorm1d(sizes[i + 1]))
            layers[-1].gamma *= 1.0 if i < n_layers else 0.1
        if i < n_layers:
            layers.append(Tanh())
    return C, layers


def activation_stats(outs):
    arrays = [t.detach().cpu().numpy() for t in outs]
    return [(a.mean(), a.std(ddof=1), np.mean(np.abs(a) > 0.97) * 100) for a in arrays]


def grad_stats(params):
    stats = []
    for p in params:
        if p.ndim == 2:
            g, d = p.grad.cpu().numpy(), p.detach().cpu().numpy()
            stats.append((g.mean(), g.std(ddof=1), g.std(ddof=1) / d.std(ddof=1)))
    return stats


def update_to_data(params, lr):
    ratios = []
    with np.errstate(divide="ignore"):
        for p in params:
            if p.ndim == 2:
                g, d = p.grad.cpu().numpy(), p.detach().cpu().numpy()
                ratios.append(float(np.log10(lr * g.std(ddof=1) / d.std(ddof=1))))
    return ratios


def layer_norm(x, gamma, beta, eps=1e-5):
    mean = torch.mean(x, axis=-1, keepdims=True)
    var = torch.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return gamma * (x - mean) / torch.sqrt(var + eps) + beta


def instance_norm(x, eps=1e-5):
    a = x.cpu().numpy()
    a = (a - a.mean(axis=2, keepdims=True)) / np.sqrt(a.var(axis=2, keepdims=True) + eps)
    return torch.from_numpy(a).to(x.device)


def group_norm(x, groups, eps=1e-5):
    a = x.cpu().numpy().reshape(x.shape[0], groups, -1)
    a = (a - a.mean(axis=2, keepdims=True)) / np.sqrt(a.var(axis=2, keepdims=True) + eps)
    return torch.from_numpy(a.reshape(tuple(x.shape))).to(x.device)


def norm_coupling(norm, x):
    other = x.clone()
    other[1] = 7.0 - other[1] * 0.5
    a, b = norm(x)[0].detach().cpu().numpy(), norm(other)[0].detach().cpu().numpy()
    return not np.array_equal(a, b)


def lr_advice(ud):
    m = np.median(ud)
    return str(np.select([m < -3.5, m > -2.5], ["higher", "lower"], "good"))
