# typed along with the video
import math

import torch
import torch.nn.functional as F


def expected_initial_loss(V):
    return -torch.tensor(1 / V).log()


def initial_loss(logits, Y):
    return F.cross_entropy(logits, Y)


def fix_output_layer(W2, b2):
    W2 = W2 * 0.01
    b2 = b2 * 0
    return W2, b2


def saturation(h, limit=0.99):
    return (h.abs() > limit).float().mean()


def dead_neurons(h, limit=0.99):
    return (h.abs() > limit).all(dim=0)


def gain(name, param=None):
    return torch.nn.init.calculate_gain(name, param)


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    fan = {"fan_in": fan_in, "fan_out": fan_out}[mode]
    return torch.randn((fan_in, fan_out), generator=generator) * gain(nonlinearity) / (fan**0.5)


def batchnorm_train(hpreact, bngain, bnbias):
    bnmeani = hpreact.mean(0, keepdim=True)
    bnstdi = hpreact.std(0, keepdim=True)
    hpreact = bngain * (hpreact - bnmeani) / bnstdi + bnbias
    return hpreact, bnmeani, bnstdi


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    hpreact = bngain * (hpreact - mean) / std + bnbias
    return hpreact


def update_running(running, batch, momentum=0.001):
    with torch.no_grad():
        running = (1 - momentum) * running + momentum * batch
    return running


@torch.no_grad()
def calibrate(hpreact_all):
    bnmean = hpreact_all.mean(0, keepdim=True)
    bnstd = hpreact_all.std(0, keepdim=True)
    return bnmean, bnstd


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    std = torch.sqrt(var + eps)
    if b is None:
        b = 0
    return W * (gain / std), (b - mean) * gain / std + bias


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = torch.randn((fan_in, fan_out)) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None

    def __call__(self, x):
        self.out = x @ self.weight
        if self.bias is not None:
            self.out += self.bias
        return self.out

    def parameters(self):
        return [self.weight] + ([] if self.bias is None else [self.bias])


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.momentum = momentum
        self.training = True
        # parameters (trained with backprop)
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        # buffers (trained with a running 'momentum update')
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)

    def __call__(self, x):
        if self.training:
            xmean = x.mean(0, keepdim=True)
            xvar = x.var(0, keepdim=True)
        else:
            xmean = self.running_mean
            xvar = self.running_var
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        if self.training:
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
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
    C = torch.randn((vocab, n_embd))
    layers = []
    n_in = n_embd * block
    for _ in range(n_layers):
        layers.append(Linear(n_in, n_hidden, bias=not batchnorm))
        if batchnorm:
            layers.append(BatchNorm1d(n_hidden))
        layers.append(Tanh())
        n_in = n_hidden
    layers.append(Linear(n_hidden, vocab, bias=not batchnorm))
    if batchnorm:
        layers.append(BatchNorm1d(vocab))
    with torch.no_grad():
        # last layer: make less confident
        if batchnorm:
            layers[-1].gamma *= 0.1
        else:
            layers[-1].weight *= 0.1
        # all other layers: apply gain (with a norm that is the last weight, too)
        for layer in layers[:-1]:
            if isinstance(layer, Linear):
                layer.weight *= gain
    parameters = [C] + [p for layer in layers for p in layer.parameters()]
    for p in parameters:
        p.requires_grad = True
    return C, layers


def activation_stats(outs):
    result = []
    for t in outs:
        result.append((t.mean(), t.std(), (t.abs() > 0.97).float().mean() * 100))
    return result


def grad_stats(params):
    result = []
    for p in params:
        t = p.grad
        if p.ndim == 2:
            result.append((t.mean(), t.std(), t.std() / p.std()))
    return result


def update_to_data(params, lr):
    with torch.no_grad():
        return [((lr * p.grad).std() / p.data.std()).log10().item() for p in params if p.ndim == 2]


def layer_norm(x, gamma, beta, eps=1e-5):
    xmean = x.mean(-1, keepdim=True)
    xvar = x.var(-1, keepdim=True, unbiased=False)
    return gamma * (x - xmean) / torch.sqrt(xvar + eps) + beta


def instance_norm(x, eps=1e-5):
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps)


def group_norm(x, groups, eps=1e-5):
    B, C, T = x.shape
    x = x.contiguous().view(B, groups, -1)
    x = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps)
    return x.view(B, C, T)


def norm_coupling(norm, x):
    before = norm(x)[0]
    x2 = x.clone()
    x2[1] += 1.0
    return (norm(x2)[0] - before).abs().max() > 1e-9


def lr_advice(ud):
    m = torch.tensor(ud).median().item()
    if m < -3.5:
        return "higher"
    if m > -2.5:
        return "lower"
    return "good"
