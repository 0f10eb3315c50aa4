"""As much of torch.nn as there is: layers that wrap or are PyTorch's own."""
import torch
import torch.nn as nn


def smooth(lossi, n):
    x = torch.tensor(lossi)[None, None]
    return nn.AvgPool1d(n)(x).flatten()


def matmul_last(shape_a, shape_b):
    if tuple(shape_a)[-1:] != tuple(shape_b)[:1]:
        raise ValueError(shape_a, shape_b)
    return tuple(shape_a)[:-1] + tuple(shape_b)[1:]


class Linear(nn.Module):
    def __init__(self, fan_in, fan_out, bias=True):
        super().__init__()
        if bias:
            self.bias = nn.Parameter(torch.zeros(fan_out))  # the bias is registered first
        self.weight = nn.Parameter(torch.randn(fan_in, fan_out) / fan_in**0.5)

    def forward(self, x):
        y = x.matmul(self.weight)
        return y + self.bias if hasattr(self, "bias") else y


class Embedding(nn.Module):
    def __init__(self, num, dim):
        super().__init__()
        self.inner = nn.Embedding(num, dim)

    def forward(self, ids):
        return self.inner(ids)


class FlattenConsecutive(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.shape = n

    def forward(self, x):
        B, T, C = x.shape
        if T == self.shape:
            return nn.Flatten()(x)
        return x.reshape(B, T // self.shape, self.shape * C)


class BatchNorm1d(nn.Module):
    def __init__(self, dim, **kwargs):
        super().__init__()
        self.inner = nn.BatchNorm1d(dim, **kwargs)

    def forward(self, x):
        return self.inner(x.reshape(-1, x.shape[-1])).view_as(x)


Tanh = nn.Tanh


class Sequential(nn.Sequential):
    def __init__(self, layers):
        super().__init__(*layers)


def set_training(model, flag):
    (model.train if flag else model.eval)()


class Level(nn.Module):
    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.join = FlattenConsecutive(2)
        self.rest = nn.Sequential(Linear(2 * fan_in, fan_out, bias=False), BatchNorm1d(fan_out), Tanh())

    def forward(self, x):
        return self.rest(self.join(x))


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    n = block_size.bit_length() - 1
    head = Linear(n_hidden, vocab_size)
    with torch.no_grad():
        head.weight.copy_(head.weight / 10)
    levels = [Level(n_embd if i == 0 else n_hidden, n_hidden) for i in range(n)]
    return Sequential([Embedding(vocab_size, n_embd), *levels, head])


def group_sizes(block_size, n):
    return [n**k for k in range(1, block_size) if n**k <= block_size]


def dilated_tree(model, ids):
    x = model[0](ids)
    for k in range(1, len(model) - 1):
        d = 1 << (k - 1)
        x = model[k].rest(torch.column_stack([x[:-d], x[d:]]))
    return model[-1](x)


def sample(model, itos, block_size, generator):
    context, word = torch.zeros(1, block_size, dtype=torch.int64), []
    while True:
        probs = nn.functional.softmax(model(context), -1)
        ix = torch.multinomial(probs, 1, generator=generator)
        if ix.item() == 0:
            return "".join(word)
        word.append(itos[ix.item()])
        context = torch.roll(context, -1, 1)
        context[0, -1] = ix.item()


def split_loss(model, X, Y):
    mode = model.training
    model.eval()
    with torch.no_grad():
        loss = nn.CrossEntropyLoss()(model(X), Y)
    model.train(mode)
    return loss.item()
