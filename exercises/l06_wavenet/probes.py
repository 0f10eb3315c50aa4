"""What runs beside a submission. `m` is its wavenet.py; numbers and tensors come back.

Layers are made and called here. Their tensors are found by their names, else by shape and first
value: plain classes and nn.Module, other names and wrapped layers are all the same to a probe.
"""

import functools
import math
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

ALIASES = {"gamma": ("weight",), "beta": ("bias",)}
FIRST = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}
LEARNT = ("weight", "bias", "gamma", "beta")
SUMMED = ("addmm", "addmv", "baddbmm")  # products to which their first argument is added
PRODUCTS = ("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "inner")
PRODUCTS += ("linear", "einsum", "tensordot", "vecdot", *SUMMED)


# ------------------------------------------------------------------------- finding what is there


class Lacking(Exception):
    """What a probe looks for isn't there; the text says what is there instead."""


def searching(probe):
    """A probe that answers {"lacks": sentence} where it can't find something."""

    @functools.wraps(probe)
    def answer(m, *args):
        try:
            return probe(m, *args)
        except Lacking as error:
            return {"lacks": str(error)}

    return answer


class Place(NamedTuple):
    """Where a tensor stands; another one may stand there later."""

    name: str
    box: Any
    key: Any

    @property
    def tensor(self):
        return self.box[self.key]


def objects(m, root):
    """An object and all that it is made of, outermost first."""
    found, todo, seen = [], [root], set()
    while todo:
        it = todo.pop(0)
        if id(it) in seen:
            continue
        seen.add(id(it))
        if isinstance(it, (list, tuple)):
            todo[:0] = it
        elif isinstance(it, dict):
            todo[:0] = it.values()
        elif isinstance(it, torch.nn.Module) or type(it).__module__ == m.__name__:
            found.append(it)
            todo[:0] = [getattr(it, "__dict__", {})]
    return found


def places(m, root):
    """The place of each tensor of an object and of all that it is made of."""
    found = []
    for owner in objects(m, root):
        todo = [getattr(owner, "__dict__", {})]
        while todo:
            box = todo.pop(0)
            for key, value in box.items() if isinstance(box, dict) else enumerate(box):
                if isinstance(value, torch.Tensor):
                    found.append(Place(str(key), box, key))
                elif isinstance(value, (dict, list, tuple)) and key != "_modules":
                    todo.append(value)
    return found


def without_ones(shape):
    return [n for n in shape if n != 1]


def place_of(m, layer, role, shape):
    """The place of the tensor that has this role in a layer."""
    kind, listed = type(layer).__name__, list(layer.parameters())
    every = places(m, layer)
    every += [Place(f"parameters()[{i}]", listed, i) for i in range(len(listed))]
    for name in (role, *ALIASES.get(role, ())):
        for place in every:
            if place.name == name:
                got = list(place.tensor.shape)
                if without_ones(got) != without_ones(shape):
                    raise Lacking(f"{kind}: {name} has the shape {got}, {list(shape)} is expected")
                return place
    learnt = {id(p) for p in listed}
    for place in every:
        tensor = place.tensor
        if tensor.shape != shape or (id(tensor) in learnt) != (role in LEARNT):
            continue
        if role not in FIRST or bool((tensor == FIRST[role]).all()):
            return place
    names = ", ".join(sorted({place.name for place in every})) or "no tensors"
    raise Lacking(f"{kind} has no {role} of shape {list(shape)}; found: {names}")


def not_learnt(m, root):
    """The tensors of an object that aren't among its parameters, with their names."""
    listed = list(root.parameters())
    learnt = {id(p) for p in listed}
    every = [(place.name, place.tensor) for place in places(m, root)]
    return [(name, tensor) for name, tensor in every if id(tensor) not in learnt]


def must_have_training(layer):
    if not hasattr(layer, "training"):
        names = ", ".join(vars(layer))
        raise Lacking(f"{type(layer).__name__} has no training; found: {names}")


# ----------------------------------------------------------------- numbers, modes, devices, layers


def fill(tensor, value):
    tensor.data = value.detach().reshape(tensor.shape).clone()


def put(m, layer, values):
    """Put numbers into a layer: role -> place."""
    found = {role: place_of(m, layer, role, value.shape) for role, value in values.items()}
    for role, place in found.items():
        fill(place.tensor, values[role])
    return found


def set_mode(m, root, flag):
    for it in objects(m, root):
        if isinstance(it, torch.nn.Module):
            it.train(flag)
        if hasattr(it, "training"):
            it.training = flag


def move(m, root, device):
    for place in places(m, root):
        place.tensor.data = place.tensor.data.to(device)


def make(m, kind, given, settings):
    """A layer; settings that it doesn't take are set afterwards."""
    try:
        return getattr(m, kind)(*given, **settings)
    except TypeError:
        made = getattr(m, kind)(*given)
        for name, value in settings.items():
            setattr(made, name, value)
        return made


class Times(torch.nn.Module):
    """x · factor + 1."""

    def __init__(self, factor):
        super().__init__()
        self.factor = torch.nn.Parameter(factor.clone())

    def forward(self, x):
        return x * self.factor + 1


class Table(torch.nn.Module):
    """The sum of the rows of several ids."""

    def __init__(self, table):
        super().__init__()
        self.weight = torch.nn.Parameter(table)

    def forward(self, ids):
        return self.weight[ids].sum(1)


class Spy(torch.nn.Module):
    """Answers what it gets, and notes whether that is part of a graph."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x.requires_grad)
        return x


# ----------------------------------------------------------------------------- looking at it


def smoothed(m, lossi, n):
    """The shape, and the numbers."""
    out = torch.as_tensor(m.smooth(lossi, n))
    return [list(out.shape), out.flatten().to(torch.float32).tolist()]


def products(m, cases):
    """The shapes, or the text of the ValueError."""
    found = []
    for a, b in cases:
        try:
            found.append([int(n) for n in m.matmul_last(tuple(a), tuple(b))])
        except ValueError as error:
            found.append(str(error))
    return found


# --------------------------------------------------------------------------------- the parts


def one_layer(m, kind, given, values, x):
    """What a layer answers whose parameters hold these values, and their shapes."""
    layer = getattr(m, kind)(*given)
    parameters = list(layer.parameters())
    for p in parameters:
        for value in values:
            if value.shape == p.shape:
                fill(p, value)
    out = layer(x).detach()
    return {"shapes": sorted(list(p.shape) for p in parameters), "out": out}


@searching
def called(m, kind, given, values, x, weights, training=None, settings=None):
    """One call of one layer, and the gradients of the weighted sum of what it answers."""
    made = make(m, kind, given, settings or {})
    found = put(m, made, values)
    if training is not None:
        must_have_training(made)
        set_mode(m, made, training)
    listed = list(made.parameters())
    for p in listed:
        p.requires_grad_(True)
    x = x.detach().requires_grad_(x.is_floating_point())
    handed = x * 1.0 if x.is_floating_point() else x  # torch lets no layer write into a leaf
    out = made(handed)
    if not isinstance(out, torch.Tensor):
        raise Lacking(f"{kind} answered a {type(out).__name__}, not a tensor")
    fits = out.shape == weights.shape
    if fits and out.requires_grad:
        (out * weights).sum().backward()
    tensors = {role: place.tensor for role, place in found.items()}
    learnt = {role: p for role, p in tensors.items() if role in LEARNT}
    state = {role: t for role, t in tensors.items() if role not in LEARNT}
    return {
        "out": out.detach().to(weights.dtype),
        "gradients": {r: gradient(p, values[r]) for r, p in learnt.items()} if fits else {},
        "x": x.grad,
        "state": {role: t.detach().flatten().to(weights.dtype) for role, t in state.items()},
        "state in a graph": any(t.requires_grad for t in state.values()),
        "handed": handed.detach(),
        "listed": len(listed),
    }


def gradient(p, like):
    """The gradient, in the shape and dtype of `like` if it has as many numbers."""
    g = p.grad
    return g if g is None or g.numel() != like.numel() else g.reshape(like.shape).to(like.dtype)


@searching
def new(m, kind, given, size):
    """What a new layer holds: its parameters, and other tensors of so many numbers."""
    torch.manual_seed(5)
    made = getattr(m, kind)(*given)
    listed = list(made.parameters())
    others = [tensor for _, tensor in not_learnt(m, made) if tensor.numel() == size]
    return {
        "shapes": sorted(without_ones(p.shape) for p in listed),
        "learnt": sorted(described(p) for p in listed),
        "others": sorted(described(t) for t in others),
        "training": getattr(made, "training", None),
    }


def described(tensor):
    """The numbers; of 100 or more how they are spread.

    That is: how many octaves their deviation is above 1/√rows, in eighths; their mean in such
    deviations, in tenths; whether most are different ones.
    """
    numbers = tensor.detach().float().flatten()
    if len(numbers) < 100:
        return numbers.tolist()
    spread = numbers.std().item()
    octaves = math.log2(spread * tensor.shape[0] ** 0.5) if spread else -99.0
    mean = (numbers.mean() / (numbers.std() + 1e-9)).item()
    several = len(set(numbers.tolist())) > 0.9 * len(numbers) and bool(numbers.all())
    return [round(8 * octaves) / 8, round(10 * mean) / 10 + 0.0, several]


def strided(m, kind, given, x):
    """A layer's answers to a transposed tensor, and to the same numbers in another memory."""
    made = getattr(m, kind)(*given)
    move(m, made, x.device)
    if x.is_floating_point():
        x = x.to(next(iter(made.parameters())).dtype)
    turned = x.transpose(0, 1)
    return [made(turned).detach(), made(turned.contiguous()).detach()]


def two_of_a_kind(m, kind, given):
    """Whether the tables of two new layers hold the same first numbers."""
    torch.manual_seed(5)
    layers = [getattr(m, kind)(*given) for _ in range(2)]
    a, b = (next(p for p in layer.parameters() if p.ndim == 2) for layer in layers)
    return bool(torch.equal(a, b))


def without_bias(m):
    return getattr(m.Linear(5, 3, False), "bias", None) is None


def flattened(m, n, x, order):
    """The answer to the same memory with its dimensions in another order; what it lists."""
    layer = m.FlattenConsecutive(n)
    return [layer(x.permute(order)), len(list(layer.parameters()))]


def refused(m, n, x):
    try:
        out = m.FlattenConsecutive(n)(x)
    except NotImplementedError:
        raise
    except Exception:
        return "an error"
    return list(getattr(out, "shape", []))


def flat_gradient(m, n, x, weights):
    x = x.clone().requires_grad_()
    (m.FlattenConsecutive(n)(x) * weights).sum().backward()
    return x.grad


def train_then_eval(m, x, y):
    """A new BatchNorm1d: what it answers to x in training, and then to y in eval."""
    layer = m.BatchNorm1d(x.shape[-1])
    move(m, layer, x.device)
    outs = []
    for flag, batch in ((True, x), (False, y)):
        set_mode(m, layer, flag)
        layer.training = flag
        outs.append(layer(batch).detach().to(x.dtype))
    return outs


def in_turn(m, C, settings, batches, y):
    """BatchNorm1d trained on each batch, on the first without a graph, then twice y in eval."""
    norm = make(m, "BatchNorm1d", [C], settings)
    move(m, norm, y.device)
    for i, x in enumerate(batches):
        with torch.set_grad_enabled(i > 0):
            norm(x.transpose(0, 1))
    set_mode(m, norm, False)
    return [norm(y).detach().to(y.dtype) for _ in range(2)]


def in_a_row(m, x, factors, shape):
    """Layers of such factors in Sequentials, nested as `shape` says.

    The answer, the parameters and their number; the gradients of x and of the parameters.
    """

    def build(part):
        if isinstance(part, int):
            return Times(factors[part])
        return m.Sequential([build(inner) for inner in part])

    model = build(shape)
    first = list(model.parameters())
    x = x.clone().requires_grad_()
    out = model(x)
    if out.requires_grad:
        out.sum().backward()
    grads = [x.grad, [p.grad for p in first]]
    return [out.detach(), [p.detach() for p in first], len(list(model.parameters())), *grads]


# ------------------------------------------------------------------------------- the network


def two_switched(m, flags):
    """`training` of two layers, one of them in a Sequential within, after each flag in turn."""
    norms = [m.BatchNorm1d(3), m.BatchNorm1d(3)]
    model = m.Sequential([norms[0], m.Tanh(), m.Sequential([m.Tanh(), norms[1]])])
    return modes_after(m, model, flags, norms)


@searching
def switched(m, flags, start):
    """`training` of layers on three levels, after each flag in turn."""
    norms, other = [m.BatchNorm1d(3) for _ in range(4)], Spy()
    inner = m.Sequential([norms[1], m.Tanh(), m.Sequential([norms[2], m.Tanh()])])
    model = m.Sequential([norms[0], inner, m.Tanh(), other, norms[3]])
    must_have_training(norms[0])
    for layer in (*norms, other):
        layer.train(start) if isinstance(layer, torch.nn.Module) else None
        layer.training = start
    return modes_after(m, model, flags, [*norms, other])


def modes_after(m, model, flags, layers):
    """`training` of the layers, after each flag in turn."""
    modes = []
    for flag in flags:
        m.set_training(model, flag)
        modes.append([bool(layer.training) for layer in layers])
    return modes


def count_and_shape(m, sizes, ids):
    """The number of parameters of a new tree, and the shape of its logits."""
    model = m.wavenet(*sizes)
    return [sum(p.numel() for p in model.parameters()), list(model(torch.tensor(ids)).shape)]


def parameters_of(m, sizes):
    return [sum(p.numel() for p in m.wavenet(*s).parameters()) for s in sizes]


class Multiplications(TorchFunctionMode):
    """Counts the multiplications in products of matrices."""

    count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in PRODUCTS and isinstance(out, torch.Tensor):
            flat = [*args, *(kwargs or {}).values()]
            while flat and isinstance(flat[-1], (list, tuple)):
                flat[-1:] = flat[-1]
            tensors = [t for t in flat if isinstance(t, torch.Tensor)]
            if name in SUMMED:
                tensors = tensors[1:]
            if len(tensors) > 1:  # (n, k) @ (k, m): nk · km · nm is the square of nkm
                product = tensors[0].numel() * tensors[1].numel() * out.numel()
                self.count += math.isqrt(product)
        return out


def norm_tensors(m, model, hidden):
    """role -> the tensors that have it in the norms of a new tree, the lowest level first."""

    def holding(role, tensors):
        return [t for t in tensors if t.numel() == hidden and bool((t == FIRST[role]).all())]

    norms = [it for it in objects(m, model) if hasattr(it, "running_mean")]
    kept, found = not_learnt(m, model), {}
    for role in FIRST:
        if role in LEARNT:
            found[role] = holding(role, model.parameters())
            continue
        # each once: a property shows what stands elsewhere
        named = {id(p.tensor): p.tensor for p in places(m, model) if p.name == role}
        found[role] = list(named.values()) or [getattr(norm, role, None) for norm in norms]
        found[role] = found[role] or holding(role, [tensor for _, tensor in kept])
    return found


def planted(m, sizes, values):
    """wavenet(*sizes) with these numbers in it."""
    model = m.wavenet(*sizes)
    left = list(model.parameters())
    tables = [values["table"], *values["weights"], values["bias"]]
    wanted = [*tables, *values["gamma"], *values["beta"]]
    shapes = sorted(without_ones(p.shape) for p in left)
    if shapes != sorted(list(v.shape) for v in wanted):
        raise Lacking(f"wavenet{tuple(sizes)}: parameters() have the shapes {shapes}")
    roles = norm_tensors(m, model, sizes[3])
    for role, found in roles.items():
        if len(found) != len(values[role]) or any(t is None for t in found):
            raise Lacking(f"wavenet: {len(found)} of its tensors can be a {role}")
    for value in tables:
        p = next(p for p in left if p.squeeze().shape == value.shape)
        left = [q for q in left if q is not p]
        fill(p, value)
    for role, found in roles.items():
        for tensor, value in zip(found, values[role]):
            fill(tensor, value)
    return model


@searching
def asked(m, sizes, values, jobs):
    """What a tree with these numbers answers to each job: "eval", "train" or "dilated", and ids.

    With each answer: how much was multiplied, and whether a layer is in training afterwards.
    """
    model = planted(m, sizes, values)
    outs, counts, training = [], [], []
    for kind, ids in jobs:
        set_mode(m, model, kind == "train")
        with Multiplications() as counting:
            out = m.dilated_tree(model, ids) if kind == "dilated" else model(ids)
        training.append(any(getattr(it, "training", False) for it in objects(m, model)))
        if not isinstance(out, torch.Tensor):
            raise Lacking(f"a {type(out).__name__} came back, not a tensor")
        outs.append(out.detach().to(values["table"].dtype))
        counts.append(counting.count)
    return {"outs": outs, "counts": counts, "training": training}


def fresh(m, sizes, ids, labels):
    """What a new tree holds, and what it answers in training."""
    torch.manual_seed(5)
    model = m.wavenet(*sizes)
    move(m, model, ids.device)
    modes = [it.training for it in objects(m, model) if hasattr(it, "training")]
    answer = {"training": all(modes), "untouched": untouched(m, model, sizes[3])}
    parameters = list(model.parameters())
    answer["levels"] = first_spreads(parameters, sizes)
    set_mode(m, model, True)
    for p in parameters:
        p.requires_grad_(True)
    out = model(ids)
    logits = out.detach().float()
    answer["shape"] = list(logits.shape)
    if answer["shape"] == [len(ids), sizes[0]]:
        loss = torch.nn.functional.cross_entropy(out.float(), labels)
        if loss.requires_grad:
            loss.backward()
        answer["loss"] = round(loss.item(), 1)
        # octaves above 0.063, in halves
        answer["size"] = round(2 * math.log2(logits.std().item() / 0.063 + 1e-9)) / 2
        grads = [p.grad if p.is_leaf else None for p in parameters]
        answer["learns"] = [g is not None and bool(g.any()) for g in grads]
    return answer


def untouched(m, model, hidden):
    """Whether the running numbers are zeros and ones."""
    held = [(place.name, place.tensor) for place in places(m, model)]
    kept = [t for name, t in held if name in ("running_mean", "running_var")]
    kept = kept or [t for _, t in not_learnt(m, model) if t.numel() == hidden]
    return all(bool((t == 0).all() or (t == 1).all()) for t in kept)


def first_spreads(parameters, sizes):
    """Of each level's weights: octaves above 1/√fan_in, in halves (1,360 numbers: 10 %)."""
    vocab, _, _, hidden = sizes
    levels = [p for p in parameters if p.ndim == 2 and hidden in p.shape]
    levels = [p for p in levels if not {1, vocab} & set(p.shape)]
    spreads = [p.std().item() * (p.numel() / hidden) ** 0.5 for p in levels]
    return [round(2 * math.log2(spread + 1e-9)) / 2 for spread in spreads]


def sizes_of(m, cases):
    return [[int(size) for size in m.group_sizes(*case)] for case in cases]


def slid(m, ids):
    """dilated_tree of a new tree in eval mode, and its answers to window after window."""
    model = m.wavenet(7, 8, 3, 5)
    g = torch.Generator().manual_seed(7)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=g).to(p.dtype)
    ids = torch.tensor(ids)
    windows = ids.unfold(0, 8, 1)
    model(windows)  # in training: the running numbers move
    set_mode(m, model, False)
    each = [model(windows[i : i + 1])[0].detach() for i in range(len(windows))]
    return [m.dilated_tree(model, ids).detach(), torch.stack(each)]


# ----------------------------------------------------------------------------------- its use


class Speller(torch.nn.Module):
    """A model that is sure of each letter of a word, given the `block` before, and of the end.

    drawn: the shares of the first letters instead. After 1,000 calls it raises an error.
    """

    def __init__(self, word, vocab, block, drawn=None):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros((vocab, 1)))
        padded = [0] * block + [*word, 0]
        self.sure = {tuple(padded[i : i + block]): padded[i + block] for i in range(len(word) + 1)}
        self.block, self.drawn = block, drawn
        self.spoken, self.heard = 0, False

    def forward(self, ids):
        self.spoken += 1
        self.heard = self.heard or self.training
        if self.spoken > 1000:
            raise RuntimeError("asked 1,000 times: the word ended long ago")
        if list(ids.shape) != [1, self.block]:
            raise ValueError(f"ids of shape {list(ids.shape)}, expected [1, {self.block}]")
        row = torch.zeros((1, len(self.weight)))
        context = tuple(ids[0].tolist())
        if self.drawn and not any(context):
            row = torch.log(torch.tensor([self.drawn]))
        else:
            row[0, self.sure.get(context, 0)] = 60.0
        return row + 0 * self.weight.view(1, -1)


def spelt(m, word, itos, block):
    """The word of a model that is sure of every next letter."""
    model = m.Sequential([Speller(word, len(itos), block)])
    return m.sample(model, itos, block, torch.Generator().manual_seed(7))


def said(m, word, itos, block, n=1, seeds=(1,), drawn=None):
    """n words of such a model in eval mode for each seed, while torch's own seed differs.

    Words are drawn where the generator is, on the CPU: so the model is there, too.
    """
    words = []
    for i, seed in enumerate(seeds):
        layer = Speller(word, len(itos), block, drawn)
        model = m.Sequential([layer])
        set_mode(m, model, False)
        layer.eval()
        torch.manual_seed(i)
        g = torch.Generator().manual_seed(seed)
        words.append([m.sample(model, itos, block, g) for _ in range(n)])
        if layer.training or layer.heard:
            return "in training mode, while sample was at work or afterwards"
    return words


def one_loss(m, table, X, Y):
    """split_loss of a table and a new BatchNorm1d in training; the mode afterwards."""
    norm = m.BatchNorm1d(table.shape[1])
    move(m, norm, table.device)
    loss = m.split_loss(m.Sequential([Table(table), norm]), X, Y)
    return [loss, bool(norm.training)]


@searching
def split(m, table, values, X, Y, training, recording):
    """split_loss of table -> BatchNorm1d, and all that it should leave alone."""
    norm, spy = m.BatchNorm1d(table.shape[1]), Spy()
    found = put(m, norm, values)
    must_have_training(norm)
    model = m.Sequential([Table(table), m.Sequential([norm]), spy])
    set_mode(m, model, training)
    listed = list(model.parameters())
    wanted = [p.requires_grad for p in listed]
    for p in listed:
        p.grad = torch.ones_like(p)
    with torch.set_grad_enabled(recording):
        loss = m.split_loss(model, X, Y)
        after = torch.is_grad_enabled()
    return {
        "loss": loss,
        "graph": any(spy.seen) or bool(getattr(loss, "requires_grad", False)),
        "training": [bool(norm.training), bool(spy.training)],
        "recording": after,
        "want gradients": [p.requires_grad for p in listed] == wanted,
        "gradients kept": all(p.grad is not None and bool((p.grad == 1).all()) for p in listed),
        "state": {role: place.tensor.detach().flatten() for role, place in found.items()},
    }
