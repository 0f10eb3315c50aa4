"""Follows the lecture closely."""
import torch
import torch.nn.functional as F


def smooth(lossi, n):
    return torch.tensor(lossi).view(-1, n).mean(1)


def matmul_last(shape_a, shape_b):
    a, b = tuple(shape_a), tuple(shape_b)
    try:
        return (torch.zeros(a) @ torch.zeros(b)).shape
    except RuntimeError:
        raise ValueError("cannot multiply " + str(a) + " and " + str(b))


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
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)

    def __call__(self, x):
        if self.training:
            if x.ndim == 2:
                dim = 0
            elif x.ndim == 3:
                dim = (0, 1)
            mu = x.mean(dim, keepdim=True)
            var = x.var(dim, keepdim=True)
        else:
            mu = self.running_mean
            var = self.running_var
        xn = (x - mu) / torch.sqrt(var + self.eps)
        self.out = self.gamma * xn + self.beta
        if self.training:
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mu
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]


class Tanh:
    def __call__(self, x):
        self.out = torch.tanh(x)
        return self.out

    def parameters(self):
        return []


class Embedding:
    def __init__(self, num_embeddings, embedding_dim):
        self.weight = torch.randn((num_embeddings, embedding_dim))

    def __call__(self, IX):
        self.out = self.weight[IX]
        return self.out

    def parameters(self):
        return [self.weight]


class FlattenConsecutive:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        x = x.contiguous().view(B, T // self.n, C * self.n)
        if x.shape[1] == 1:
            x = x.squeeze(1)
        self.out = x
        return self.out

    def parameters(self):
        return []


class Sequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        self.out = x
        return self.out

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


def set_training(model, flag):
    for layer in model.layers:
        layer.training = flag
        if isinstance(layer, Sequential):
            set_training(layer, flag)


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    levels = 0
    while 2**levels < block_size:
        levels += 1
    layers = [Embedding(vocab_size, n_embd)]
    for i in range(levels):
        width = n_embd if i == 0 else n_hidden
        layers += [FlattenConsecutive(2), Linear(width * 2, n_hidden, bias=False),
                   BatchNorm1d(n_hidden), Tanh()]
    layers.append(Linear(n_hidden, vocab_size))
    model = Sequential(layers)
    with torch.no_grad():
        model.layers[-1].weight *= 0.1
    for p in model.parameters():
        p.requires_grad = True
    return model


def group_sizes(block_size, n):
    out = []
    k = n
    while k <= block_size:
        out.append(k)
        k = k * n
    return out


@torch.no_grad()
def dilated_tree(model, ids):
    emb, rest = model.layers[0], model.layers[1:]
    d = 1
    x = emb(ids.view(1, -1))  # a batch of one: running_mean is (1, 1, C) after training
    for layer in rest:
        if type(layer).__name__ == "FlattenConsecutive":
            n = x.shape[1]
            x = torch.cat((x[:, : n - d], x[:, d:]), dim=2)
            d = 2 * d
        else:
            x = layer(x)
    return x[0]


def sample(model, itos, block_size, generator):
    out = []
    context = [0] * block_size
    while True:
        logits = model(torch.tensor([context]))
        probs = F.softmax(logits, dim=1)
        ix = torch.multinomial(probs, num_samples=1, generator=generator).item()
        context = context[1:] + [ix]
        out.append(ix)
        if ix == 0:
            break
    return "".join(itos[i] for i in out[:-1])


@torch.no_grad()
def split_loss(model, X, Y):
    def one(layers):
        for layer in layers:
            if isinstance(layer, Sequential):
                yield from one(layer.layers)
            else:
                yield layer

    before = [getattr(layer, "training", None) for layer in one(model.layers)]
    for layer in one(model.layers):
        layer.training = False
    loss = F.cross_entropy(model(X), Y)
    for layer, was in zip(one(model.layers), before):
        layer.training = was
    return loss.item()
