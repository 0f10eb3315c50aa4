"""A student who trusts loops and plain Python."""
import math

import torch


def expected_initial_loss(V):
    probability = 1.0 / V
    return -1 * math.log(probability)


def initial_loss(logits, Y):
    total = 0.0
    for row, y in zip(logits.tolist(), Y.tolist()):
        top = max(row)
        total += top + math.log(sum(math.exp(v - top) for v in row)) - row[y]
    return total / len(Y)


def fix_output_layer(W2, b2):
    W = torch.zeros(W2.shape, dtype=W2.dtype, device=W2.device)
    for i in range(W2.shape[0]):
        for j in range(W2.shape[1]):
            W[i, j] = W2[i, j] * 0.01
    return W, torch.zeros(len(b2), dtype=b2.dtype, device=b2.device)


def saturation(h, limit=0.99):
    n = 0
    for row in h.tolist():
        for v in row:
            if v > limit or v < -limit:
                n += 1
    return n / (h.shape[0] * h.shape[1])


def dead_neurons(h, limit=0.99):
    dead = []
    for j in range(h.shape[1]):
        alive = False
        for i in range(h.shape[0]):
            if abs(h[i, j].item()) <= limit:
                alive = True
        dead.append(not alive)
    return torch.tensor(dead)


def gain(name, param=None):
    if name == "linear":
        return 1
    if name == "tanh":
        return 5 / 3
    if name == "relu":
        return math.sqrt(2)
    if name == "leaky_relu":
        if param is None:
            param = 0.01
        return math.sqrt(2 / (1 + param**2))
    raise ValueError(f"unknown nonlinearity {name}")


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    if mode == "fan_in":
        fan = fan_in
    elif mode == "fan_out":
        fan = fan_out
    else:
        raise ValueError(mode)
    bound = gain(nonlinearity) * math.sqrt(3 / fan)  # uniform, like kaiming_uniform_
    return (2 * torch.rand((fan_in, fan_out), generator=generator) - 1) * bound


def batchnorm_train(hpreact, bngain, bnbias):
    n, h = hpreact.shape
    outs, means, stds = [], [], []
    for j in range(h):
        column = hpreact[:, j]
        mean = sum(column) / n
        std = (sum((v - mean) ** 2 for v in column) / (n - 1)) ** 0.5
        outs.append(bngain[0, j] * (column - mean) / std + bnbias[0, j])
        means.append(mean)
        stds.append(std)
    return torch.stack(outs, 1), torch.stack(means)[None], torch.stack(stds)[None]


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    out = []
    for row in hpreact:
        out.append(bngain[0] * (row - mean[0]) / std[0] + bnbias[0])
    return torch.stack(out)


def update_running(running, batch, momentum=0.001):
    batch = batch.detach()
    for j in range(running.shape[1]):
        running[0, j] = (1 - momentum) * running[0, j] + momentum * batch[0, j]
    return running


def calibrate(hpreact_all):
    x = hpreact_all.detach()
    mean = x.sum(0) / len(x)
    std = (((x - mean) ** 2).sum(0) / (len(x) - 1)).sqrt()
    return mean.view(1, -1), std.view(1, -1)


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    W2, b2 = W.clone(), bias.clone()
    for j in range(W.shape[1]):
        scale = gain[j] / math.sqrt(var[j].item() + eps)
        W2[:, j] = W[:, j] * scale
        b2[j] = (0 if b is None else b[j]) * scale - mean[j] * scale + bias[j]
    return W2, b2


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = torch.randn(fan_in, fan_out) / math.sqrt(fan_in)
        self.bias = None
        if bias:
            self.bias = torch.zeros(fan_out)

    def __call__(self, x):
        rows = []
        for row in x:
            y = (row[:, None] * self.weight).sum(0)
            if self.bias is not None:
                y = y + self.bias
            rows.append(y)
        self.out = torch.stack(rows)
        return self.out

    def parameters(self):
        if self.bias is not None:
            yield self.bias
        yield self.weight


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.dim, self.eps, self.momentum = dim, eps, momentum
        self.gamma, self.beta = torch.ones(dim), torch.zeros(dim)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)
        self.training = True

    def __call__(self, x):
        columns = []
        for j in range(self.dim):
            if self.training:
                mean, var = x[:, j].mean(), x[:, j].var()
                m = self.momentum
                self.running_mean[j] = (1 - m) * self.running_mean[j] + m * mean.item()
                self.running_var[j] = (1 - m) * self.running_var[j] + m * var.item()
            else:
                mean, var = self.running_mean[j], self.running_var[j]
            xhat = (x[:, j] - mean) / (var + self.eps) ** 0.5
            columns.append(self.gamma[j] * xhat + self.beta[j])
        self.out = torch.stack(columns, dim=1)
        return self.out

    def parameters(self):
        return (self.gamma, self.beta)


class Tanh:
    def __call__(self, x):
        self.out = (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))
        return self.out

    def parameters(self):
        return ()


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    C = torch.randn(vocab, n_embd)
    layers = []
    for i in range(n_layers):
        fan_in = block * n_embd if i == 0 else n_hidden
        linear = Linear(fan_in, n_hidden, bias=False if batchnorm else True)
        linear.weight = linear.weight * gain
        layers.append(linear)
        if batchnorm:
            layers.append(BatchNorm1d(n_hidden))
        layers.append(Tanh())
    last = Linear(n_hidden, vocab, bias=False if batchnorm else True)
    last.weight = last.weight * 0.1
    layers.append(last)
    if batchnorm:
        norm = BatchNorm1d(vocab)
        norm.gamma = norm.gamma * 0.1
        layers.append(norm)
    return C, tuple(layers)


def activation_stats(outs):
    stats = []
    for t in outs:
        values = t.flatten().tolist()
        mean = sum(values) / len(values)
        var = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
        far = sum(1 for v in values if abs(v) > 0.97)
        stats.append((mean, math.sqrt(var), 100 * far / len(values)))
    return stats


def std(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def grad_stats(params):
    stats = []
    for p in params:
        if len(p.size()) != 2:
            continue
        g = p.grad.flatten().tolist()
        stats.append((sum(g) / len(g), std(g), std(g) / std(p.flatten().tolist())))
    return stats


def update_to_data(params, lr):
    ratios = []
    for p in params:
        if len(p.size()) != 2:
            continue
        update = [lr * g for g in p.grad.flatten().tolist()]
        ratio = std(update) / std(p.flatten().tolist())
        ratios.append(math.log10(ratio) if ratio > 0 else float("-inf"))
    return ratios


def layer_norm(x, gamma, beta, eps=1e-5):
    flat = x.reshape(-1, x.shape[-1])
    rows = []
    for row in flat:
        mean = row.mean()
        var = ((row - mean) ** 2).mean()
        rows.append((row - mean) / (var + eps) ** 0.5 * gamma + beta)
    return torch.stack(rows).reshape(x.shape)


def instance_norm(x, eps=1e-5):
    out = torch.zeros_like(x)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            row = x[b, c]
            var = ((row - row.mean()) ** 2).mean()
            out[b, c] = (row - row.mean()) / (var + eps) ** 0.5
    return out


def group_norm(x, groups, eps=1e-5):
    out = torch.zeros_like(x)
    size = x.shape[1] // groups
    for b in range(x.shape[0]):
        for k in range(groups):
            part = x[b, k * size : (k + 1) * size]
            var = ((part - part.mean()) ** 2).mean()
            out[b, k * size : (k + 1) * size] = (part - part.mean()) / (var + eps) ** 0.5
    return out


def norm_coupling(norm, x):
    y = x.clone()
    y[1] = y[1] * 10
    for a, b in zip(norm(x)[0].flatten().tolist(), norm(y)[0].flatten().tolist()):
        if a != b:
            return True
    return False


def lr_advice(ud):
    ordered = sorted(ud)
    n = len(ordered)
    middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    if middle < -3.5:
        return "higher"
    elif middle > -2.5:
        return "lower"
    else:
        return "good"
