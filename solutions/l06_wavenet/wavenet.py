"""Eight letters, joined in pairs, and those in pairs: a network like a tree.

Its parts are small classes in the manner of torch.nn. A layer is made once, called often, and
lists its `parameters()`; it keeps what it answered last in `out`, for looking at.

    ids (B, 8) -> (B, 8, C) -> pairs (B, 4, 2C) -> (B, 4, H) -> pairs of pairs (B, 2, 2H)
               -> (B, 2, H) -> (B, 2H) -> (B, H) -> logits (B, V)

You may keep plain classes, or write the layers as subclasses of torch.nn.Module.
"""

import torch

# ------------------------------------------------------------------------------ looking at it


def smooth(lossi, n):
    """Means of n losses at a time, for a curve that can be read.

    lossi: list of floats, its length a multiple of n  ->  (len / n,) means of each n in a row

    >>> smooth([1.0, 3.0, 2.0, 2.0, 0.5, 1.5], 2)
    tensor([2., 2., 1.])
    """
    ### BEGIN SOLUTION
    return torch.tensor(lossi).view(-1, n).mean(1)
    ### END SOLUTION


def matmul_last(shape_a, shape_b):
    """The shape of a @ b, where b has two dimensions and a one or more.

    shape_a, shape_b: tuples of int  ->  tuple of int
    ValueError if the two don't fit; its text names both shapes.

    >>> matmul_last((4, 5, 2, 80), (80, 200))
    (4, 5, 2, 200)
    >>> matmul_last((80,), (80, 200))
    (200,)
    """
    ### BEGIN SOLUTION
    if shape_a[-1] != shape_b[0]:
        raise ValueError(f"{tuple(shape_a)} @ {tuple(shape_b)} does not fit")
    return (*shape_a[:-1], shape_b[1])
    ### END SOLUTION


# ----------------------------------------------------------------------------------- the parts


class Linear:
    """x @ weight + bias, on the last dimension of x, however many stand before it.

    weight: (fan_in, fan_out); bias: (fan_out,), or None
    """

    def __init__(self, fan_in, fan_out, bias=True):
        """weight: normal, with standard deviation 1/√fan_in; bias: zeros, or None without."""
        ### BEGIN SOLUTION
        self.weight = torch.randn((fan_in, fan_out)) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None
        ### END SOLUTION

    def __call__(self, x):
        """x: (…, fan_in)  ->  (…, fan_out)"""
        ### BEGIN SOLUTION
        self.out = x @ self.weight
        if self.bias is not None:
            self.out = self.out + self.bias
        return self.out
        ### END SOLUTION

    def parameters(self):
        """[weight, bias], or [weight] alone."""
        ### BEGIN SOLUTION
        return [self.weight] if self.bias is None else [self.weight, self.bias]
        ### END SOLUTION


class Embedding:
    """A table with a row for each number. weight: (num, dim)"""

    def __init__(self, num, dim):
        """weight: random, normal."""
        ### BEGIN SOLUTION
        self.weight = torch.randn((num, dim))
        ### END SOLUTION

    def __call__(self, ids):
        """ids: int64 of any shape (…)  ->  (…, dim), the row of each"""
        ### BEGIN SOLUTION
        self.out = self.weight[ids]
        return self.out
        ### END SOLUTION

    def parameters(self):
        """[weight]"""
        ### BEGIN SOLUTION
        return [self.weight]
        ### END SOLUTION


class FlattenConsecutive:
    """Put n neighbouring positions side by side."""

    def __init__(self, n):
        ### BEGIN SOLUTION
        self.n = n
        ### END SOLUTION

    def __call__(self, x):
        """x: (B, T, C)  ->  (B, T/n, C·n); where T/n is 1: (B, C·n)

        Row t of the result holds the positions n·t, n·t + 1, …, in that order. An error is
        raised if n doesn't divide T. x need not be contiguous, and B may be 1.

        >>> FlattenConsecutive(2)(torch.tensor([[[1, 2], [3, 4], [5, 6], [7, 8]]]))
        tensor([[[1, 2, 3, 4],
                 [5, 6, 7, 8]]])
        """
        ### BEGIN SOLUTION
        B, T, C = x.shape
        self.out = x.reshape(B, T // self.n, C * self.n)
        if self.out.shape[1] == 1:
            self.out = self.out.squeeze(1)
        return self.out
        ### END SOLUTION

    def parameters(self):
        """[]"""
        ### BEGIN SOLUTION
        return []
        ### END SOLUTION


class BatchNorm1d:
    """Each of the `dim` features, brought to mean 0 and variance 1 over a batch, then scaled.

    gamma, beta: (dim,), to be learnt; running_mean, running_var: dim numbers each, for eval;
    training: True, until someone sets it to False; eps, momentum: as given
    """

    def __init__(self, dim, eps=1e-5, momentum=0.1):
        """gamma and running_var: ones; beta and running_mean: zeros."""
        ### BEGIN SOLUTION
        self.eps = eps
        self.momentum = momentum
        self.training = True
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)
        ### END SOLUTION

    def __call__(self, x):
        """x: (N, dim) or (B, T, dim)  ->  gamma · (x - mean) / √(var + eps) + beta, x's shape

        In training, mean and var are those of x over all dimensions but the last (var: as
        x.var has it, n - 1 below the line; the lecture does so. PyTorch's own layer divides
        by n here, and that is right, too). Then each running one becomes
        (1 - momentum) · itself + momentum · the new one, outside of the graph.

        Else mean and var are the running ones, and those stay as they are.
        """
        ### BEGIN SOLUTION
        if self.training:
            dims = tuple(range(x.ndim - 1))
            mean, var = x.mean(dims), x.var(dims)
            with torch.no_grad():
                m = self.momentum
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * var
        else:
            mean, var = self.running_mean, self.running_var
        self.out = self.gamma * (x - mean) / torch.sqrt(var + self.eps) + self.beta
        return self.out
        ### END SOLUTION

    def parameters(self):
        """[gamma, beta]: the running ones aren't learnt by gradients."""
        ### BEGIN SOLUTION
        return [self.gamma, self.beta]
        ### END SOLUTION


class Tanh:
    """tanh of every number."""

    def __call__(self, x):
        """x: any shape  ->  a new tensor of that shape"""
        ### BEGIN SOLUTION
        self.out = torch.tanh(x)
        return self.out
        ### END SOLUTION

    def parameters(self):
        """[]"""
        ### BEGIN SOLUTION
        return []
        ### END SOLUTION


class Sequential:
    """Layers in a row. layers: the list of them; each may be a Sequential itself."""

    def __init__(self, layers):
        ### BEGIN SOLUTION
        self.layers = list(layers)
        ### END SOLUTION

    def __call__(self, x):
        """What the first layer answers goes to the second, and so on."""
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        self.out = x
        return self.out
        ### END SOLUTION

    def parameters(self):
        """The parameters of all layers, in their order: one flat list."""
        ### BEGIN SOLUTION
        return [p for layer in self.layers for p in layer.parameters()]
        ### END SOLUTION


# -------------------------------------------------------------------------------- the network


def set_training(model, flag):
    """Set `training` to flag in every layer that has it, in Sequentials within it, too.

    model: Sequential; flag: bool  ->  nothing is returned
    """
    ### BEGIN SOLUTION
    for layer in model.layers:
        if hasattr(layer, "layers"):
            set_training(layer, flag)
        elif hasattr(layer, "training"):
            layer.training = flag
    ### END SOLUTION


def wavenet(vocab_size, block_size, n_embd, n_hidden):
    """The tree: an Embedding, then for each level FlattenConsecutive(2), Linear without bias,
    BatchNorm1d and Tanh, until one position is left; last a Linear (with bias) to the logits.

    block_size: a power of 2  ->  Sequential, to be called with ids (B, block_size) for logits
    (B, vocab_size)

    The last Linear's weight is made ten times smaller: no letter is to be sure at first.

    >>> sum(p.numel() for p in wavenet(27, 8, 10, 68).parameters())
    22397
    """
    ### BEGIN SOLUTION
    layers = [Embedding(vocab_size, n_embd)]
    fan_in, positions = n_embd, block_size
    while positions > 1:
        layers += [
            FlattenConsecutive(2),
            Linear(2 * fan_in, n_hidden, bias=False),
            BatchNorm1d(n_hidden),
            Tanh(),
        ]
        fan_in, positions = n_hidden, positions // 2
    last = Linear(fan_in, vocab_size)
    with torch.no_grad():
        last.weight *= 0.1
    return Sequential([*layers, last])
    ### END SOLUTION


def group_sizes(block_size, n):
    """How many letters each output of each level sees, where n are joined at a time.

    block_size: a power of n  ->  list of int, one for each level

    >>> group_sizes(8, 2)
    [2, 4, 8]
    """
    ### BEGIN SOLUTION
    sizes, size = [], 1
    while size < block_size:
        size *= n
        sizes.append(size)
    return sizes
    ### END SOLUTION


def dilated_tree(model, ids):
    """The logits for every window of 8 letters in a row, each level computed once for all.

    model: what wavenet(vocab_size, 8, …) returned, in eval mode; ids: (L,) int64, L 8 or more
    ->  (L - 7, vocab_size): row i is what model answers to the window ids[i:i + 8]

    Neighbouring windows share most of their nodes. In the first level every position is
    paired with the next one, in the second with the one 2 further on, then 4.
    """
    ### BEGIN SOLUTION
    h, apart = ids, 1
    for layer in model.layers:
        if isinstance(layer, FlattenConsecutive):
            h = torch.cat([h[:-apart], h[apart:]], 1)
            apart *= 2
        else:
            h = layer(h)
    return h
    ### END SOLUTION


# ----------------------------------------------------------------------------------- its use


def sample(model, itos, block_size, generator):
    """A word, letter by letter, each drawn from the model's probabilities for the next one.

    model: called with ids (1, block_size) it answers logits (1, V), in eval mode; itos: number
    to letter; generator: torch.Generator, that alone decides  ->  str

    The context begins with zeros; number 0 ends the word and is no part of it.
    """
    ### BEGIN SOLUTION
    letters, context = [], [0] * block_size
    while True:
        device = next((p.device for p in model.parameters()), "cpu")
        logits = model(torch.tensor([context], device=device))
        probs = torch.softmax(logits, 1).to(generator.device)
        ix = torch.multinomial(probs, 1, generator=generator).item()
        if ix == 0:
            return "".join(letters)
        letters.append(itos[ix])
        context = [*context[1:], ix]
    ### END SOLUTION


def split_loss(model, X, Y):
    """The mean cross entropy of the model on a whole set, in eval mode and without a graph.

    model: Sequential whose layers are all in training or all in eval; X: (N, block), Y: (N,)
    ->  float

    Afterwards the layers are in the mode that they were in before, and gradients are recorded
    as before.
    """
    ### BEGIN SOLUTION
    modes, todo = [], [model]
    while todo:
        layer = todo.pop()
        todo += getattr(layer, "layers", [])
        if hasattr(layer, "training"):
            modes.append((layer, layer.training))
    set_training(model, False)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(X), Y).item()
    for layer, mode in modes:
        layer.training = mode
    return loss
    ### END SOLUTION
