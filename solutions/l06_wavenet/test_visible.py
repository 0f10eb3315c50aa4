"""What you may read: the basic case of every task. PyTorch is the oracle.

A probe is a function that runs beside your code: `m` is your wavenet.py. Layers are made and
called there; numbers, tensors and lists of them come back here. The probes want no more than
`parameters()` and the call of a layer, so that plain classes and nn.Module are the same to them.
"""

import torch

from autograder.suite import Different, close, task

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}
TRAINED = {"rtol": 1e-4, "atol": 2e-5, "reason": "many operations in float32"}


def some(rng, shape, device):
    return torch.randn(shape, generator=rng).to(device)


def close_to_one(answer, ways, **tolerance):
    """The answer is one of several right ones."""
    wrong = None
    for expected in ways:
        try:
            close(answer, expected, **tolerance)
        except Different as different:
            wrong = wrong or different
        else:
            return
    raise wrong


# ------------------------------------------------------------------------------ looking at it


def smoothed(m, lossi, n):
    import torch

    out = torch.as_tensor(m.smooth(lossi, n))
    return [list(out.shape), out.flatten().to(torch.float32).tolist()]


@task("smooth")
def test_two_at_a_time(student):
    """Six losses, two at a time: three means."""
    answer = student.run(smoothed, [3.0, 2.0, 2.5, 1.5, 1.0, 2.0], 2)
    close(answer, [[3], [2.5, 2.0, 1.5]], **ROUNDED)


def products(m, cases):
    shapes = []
    for a, b in cases:
        try:
            shapes.append([int(n) for n in m.matmul_last(a, b)])
        except ValueError:
            shapes.append("ValueError")
    return shapes


@task("matmul_last")
def test_the_lectures_shapes(student):
    """(4, 5, 80) and (4, 5, 2, 80) @ (80, 200) go; (4, 200) @ (80, 200) is a ValueError."""
    cases = [((4, 5, 80), (80, 200)), ((4, 5, 2, 80), (80, 200)), ((4, 200), (80, 200))]
    close(student.run(products, cases), [[4, 5, 200], [4, 5, 2, 200], "ValueError"])


# ----------------------------------------------------------------------------------- the parts


def one_layer(m, name, arguments, values, x):
    """What a layer answers whose parameters hold these values, and their shapes."""
    layer = getattr(m, name)(*arguments)
    parameters = list(layer.parameters())
    for p in parameters:
        for value in values:
            if value.shape == p.shape:
                p.data = value.clone()
    out = layer(x).detach()
    return {"shapes": sorted(list(p.shape) for p in parameters), "out": out}


@task("Linear")
def test_weight_and_bias(student, rng, device):
    """(4, 6, 5) through Linear(5, 3): x @ weight + bias, weight (5, 3), bias (3,)."""
    x, weight, bias = (some(rng, shape, device) for shape in ((4, 6, 5), (5, 3), (3,)))
    answer = student.run(one_layer, "Linear", [5, 3], [weight, bias], x)
    close(answer, {"shapes": [[3], [5, 3]], "out": x @ weight + bias}, **ROUNDED)


@task("Embedding")
def test_rows_of_the_table(student, rng, device):
    """ids (2, 3) become (2, 3, 4): the rows of weight (7, 4)."""
    ids, weight = torch.tensor([[6, 0, 2], [2, 5, 1]], device=device), some(rng, (7, 4), device)
    answer = student.run(one_layer, "Embedding", [7, 4], [weight], ids)
    close(answer, {"shapes": [[7, 4]], "out": F.embedding(ids, weight)})


@task("FlattenConsecutive")
def test_two_neighbours(student, device):
    """Eight positions of three features become four of six: 0 beside 1, 2 beside 3, …"""
    x = torch.arange(2 * 8 * 3, device=device).view(2, 8, 3)
    answer = student.run(one_layer, "FlattenConsecutive", [2], [], x)
    expected = torch.stack([torch.cat([x[:, t], x[:, t + 1]], 1) for t in (0, 2, 4, 6)], 1)
    close(answer, {"out": expected, "shapes": []})


@task("FlattenConsecutive")
def test_all_neighbours(student, device):
    """Three positions, all of them side by side: (4, 3, 2) becomes (4, 6)."""
    x = torch.arange(4 * 3 * 2, device=device).view(4, 3, 2)
    answer = student.run(one_layer, "FlattenConsecutive", [3], [], x)
    close(answer, {"out": torch.cat([x[:, 0], x[:, 1], x[:, 2]], 1), "shapes": []})


def train_then_eval(m, x, y):
    """A new BatchNorm1d: what it answers to x in training, and then to y in eval."""
    import torch

    layer = m.BatchNorm1d(x.shape[-1])
    tensors = [t for t in vars(layer).values() if isinstance(t, torch.Tensor)]
    if isinstance(layer, torch.nn.Module):
        tensors += [*layer.parameters(), *layer.buffers()]
    for t in tensors:
        t.data = t.data.to(x.device)
    outs = []
    for flag, batch in ((True, x), (False, y)):
        if isinstance(layer, torch.nn.Module):
            layer.train(flag)
        layer.training = flag
        outs.append(layer(batch).detach().to(x.dtype))
    return outs


def check_norm(student, rng, device, shape):
    C = shape[-1]
    x = some(rng, shape, device) * 2 + 3 * some(rng, (C,), device)
    y = some(rng, (1, *shape[1:]), device)
    rows, ways = x.reshape(-1, C), []
    mean, eps = rows.mean(0), 1e-5
    # the variance of the lecture, n - 1 below the line, or PyTorch's way, or n in both places
    for now, kept in ((1, 1), (0, 1), (0, 0)):
        running = 0.9 + 0.1 * rows.var(0, correction=kept)
        trained = (x - mean) / (rows.var(0, correction=now) + eps).sqrt()
        ways.append([trained, (y - 0.1 * mean) / (running + eps).sqrt()])
    close_to_one(student.run(train_then_eval, x, y), ways, **TRAINED)


@task("BatchNorm1d")
def test_rows_then_one_row(student, rng, device):
    """(8, 5) in training has mean 0 and variance 1; then one row in eval, by running numbers."""
    check_norm(student, rng, device, (8, 5))


@task("BatchNorm1d")
def test_three_dimensions(student, rng, device):
    """(4, 3, 5): five means and variances, each over batch and time; then one in eval."""
    check_norm(student, rng, device, (4, 3, 5))


@task("Tanh")
def test_a_few_numbers(student, device):
    """tanh of -1, 0 and 2; there is nothing to learn."""
    x = torch.tensor([[-1.0, 0.0, 2.0]], device=device)
    answer = student.run(one_layer, "Tanh", [], [], x)
    close(answer, {"out": torch.tanh(x), "shapes": []}, **ROUNDED)


def two_layers(m, x):
    import torch

    class Times(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.tensor(factor, device=x.device))

        def forward(self, x):
            return x * self.factor + 1

    model = m.Sequential([Times(3.0), Times(5.0)])
    return [model(x).detach(), [float(p) for p in model.parameters()]]


@task("Sequential")
def test_a_row_of_two(student, device):
    """First x·3 + 1, then x·5 + 1: of 2 it makes 36; both layers' parameters, in order."""
    x = torch.tensor([2.0, 0.0], device=device)
    close(student.run(two_layers, x), [torch.tensor([36.0, 6.0], device=device), [3.0, 5.0]])


# -------------------------------------------------------------------------------- the network


def switched(m, flags):
    norms = [m.BatchNorm1d(3), m.BatchNorm1d(3)]
    model = m.Sequential([norms[0], m.Tanh(), m.Sequential([m.Tanh(), norms[1]])])
    said = []
    for flag in flags:
        m.set_training(model, flag)
        said.append([bool(norm.training) for norm in norms])
    return said


@task("set_training")
def test_off_and_on(student):
    """False, then True: a BatchNorm1d follows, and so does one in a Sequential in it."""
    close(student.run(switched, [False, True]), [[False, False], [True, True]])


def planted(m, sizes, ids):
    """The number of parameters of a new tree, and the shape of its logits."""
    import torch

    model = m.wavenet(*sizes)
    out = model(torch.tensor(ids))
    return [sum(p.numel() for p in model.parameters()), list(out.shape)]


@task("wavenet")
def test_the_lectures_tree(student):
    """27 letters, 8 of them, 10 and 68 wide: 22,397 parameters, logits (3, 27)."""
    ids = [[0, 0, 0, 0, 0, 5, 13, 13], [0] * 8, [1, 2, 3, 4, 5, 6, 7, 8]]
    close(student.run(planted, [27, 8, 10, 68], ids), [22397, [3, 27]])


@task("wavenet")
def test_a_tree_of_two_levels(student):
    """Over 4 letters there are two levels: (7, 4, 2, 3) has 84 parameters."""
    close(student.run(planted, [7, 4, 2, 3], [[0, 1, 2, 3], [6, 5, 4, 3]]), [84, [2, 7]])


@task("group_sizes")
def test_twos_and_threes(student):
    """Eight letters in pairs: 2, 4, 8. Nine in threes: 3, 9."""
    close([student.group_sizes(8, 2), student.group_sizes(9, 3)], [[2, 4, 8], [3, 9]])


def slid(m, ids):
    """dilated_tree of a new tree in eval mode, and its answers to window after window."""
    import torch

    model = m.wavenet(7, 8, 3, 5)
    g = torch.Generator().manual_seed(7)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=g).to(p.dtype)
    ids = torch.tensor(ids)
    windows = ids.unfold(0, 8, 1)
    model(windows)  # in training: the running numbers move
    todo = [model]
    while todo:
        layer = todo.pop()
        if isinstance(layer, (list, tuple)):
            todo += layer
        elif isinstance(layer, torch.nn.Module):
            layer.train(False)
            todo += vars(layer).values()
        elif type(layer).__module__ == m.__name__:
            layer.training = False
            todo += vars(layer).values()
    each = [model(windows[i : i + 1])[0].detach() for i in range(len(windows))]
    return {"tree": m.dilated_tree(model, ids).detach(), "each": torch.stack(each)}


@task("dilated_tree")
def test_window_after_window(student):
    """14 letters, 7 windows: the same logits as your tree's for each window by itself."""
    answer = student.run(slid, [0, 3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0, 2, 4])
    each = answer["each"] if isinstance(answer, dict) else answer
    close(list(getattr(each, "shape", [])), [7, 7])
    close(answer["tree"], each, **ROUNDED)


# ----------------------------------------------------------------------------------- its use


def spelt(m, word, block):
    """A word of a model that is sure of every next letter."""
    import torch

    padded = [0] * block + [*word, 0]
    following = {tuple(padded[i : i + block]): padded[i + block] for i in range(len(word) + 1)}

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.asked = 0

        def forward(self, ids):
            self.asked += 1
            if self.asked > 100:
                raise RuntimeError("asked 100 times: the word ended long ago")
            row = torch.zeros((1, 4))
            row[0, following.get(tuple(ids[0].tolist()), 0)] = 50.0
            return row + self.weight

    g = torch.Generator().manual_seed(7)
    return m.sample(m.Sequential([Model()]), {0: ".", 1: "a", 2: "n", 3: "t"}, block, g)


@task("sample")
def test_a_model_that_knows_a_name(student):
    """It is sure of "a", "n", "n", "a" and of the end: "anna", without the end mark."""
    close(student.run(spelt, [1, 2, 2, 1], 3), "anna")


def one_loss(m, table, X, Y):
    """split_loss of a table and a new BatchNorm1d in training; the mode afterwards."""
    import torch

    class Table(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(table)

        def forward(self, ids):
            return self.weight[ids].sum(1)

    norm = m.BatchNorm1d(table.shape[1])
    tensors = [t for t in vars(norm).values() if isinstance(t, torch.Tensor)]
    if isinstance(norm, torch.nn.Module):
        tensors += [*norm.parameters(), *norm.buffers()]
    for t in tensors:
        t.data = t.data.to(table.device)
    loss = m.split_loss(m.Sequential([Table(), norm]), X, Y)
    return [loss, bool(norm.training)]


@task("split_loss")
def test_a_float_in_eval_mode(student, rng, device):
    """The loss of a model in training, measured in eval mode; afterwards it is in training."""
    table = some(rng, (7, 5), device)
    X = torch.randint(0, 7, (9, 3), generator=rng).to(device)
    Y = torch.randint(0, 5, (9,), generator=rng).to(device)
    logits = table[X].sum(1) / (1 + 1e-5) ** 0.5
    close(student.run(one_loss, table, X, Y), [F.cross_entropy(logits, Y).item(), True], **ROUNDED)
