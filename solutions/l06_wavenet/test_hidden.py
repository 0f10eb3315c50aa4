"""What decides: every promise about the layers, the tree and its use, against PyTorch.

Layers are judged in probes that put numbers into them. Answers are brought to the dtype of the
numbers that were handed in, so that a module of either float dtype is judged alike.
"""

import math
import re

import torch

from autograder.suite import Different, close, task

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}
TRAINED = {"rtol": 1e-4, "atol": 2e-5, "reason": "gradients of many operations in float32"}
SHARP = {"rtol": 1e-6, "atol": 1e-6, "reason": "float64, or float32 in between"}


def some(rng, shape, device, scale=1.0, dtype=torch.float32):
    return (scale * torch.randn(shape, generator=rng, dtype=dtype)).to(device)


def some_ids(rng, shape, device, vocab):
    return torch.randint(0, vocab, shape, generator=rng).to(device)


def told(answer):
    """An answer of a probe; or its one sentence, where a name wasn't found."""
    if isinstance(answer, dict) and isinstance(answer.get("lacks"), str):
        raise Different("what the suite looks for isn't there: see README, names", answer["lacks"])
    return answer


def check(answer, *ways, **tolerance):
    """The answer is one of the ways (dicts), in those keys that they have."""
    answer, wrong = told(answer), None
    for expected in ways:
        part = answer
        if isinstance(answer, dict):
            part = {key: answer.get(key) for key in expected}
        try:
            close(part, expected, **tolerance)
        except Different as different:
            wrong = wrong or different
        else:
            return
    raise wrong


def bench(m, what, *args):
    """Whatever is asked of layers: make them, put numbers into them, call them.

    Tensors are found by their names, else by shape and first value: plain classes and
    nn.Module, other names and wrapped layers are all the same to it.
    """
    import torch

    ALIASES = {"gamma": ("weight",), "beta": ("bias",)}
    FIRST = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}
    LEARNT = ("weight", "bias", "gamma", "beta")

    def objects(root):
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

    def places(root):
        """(name, container, key) of each tensor: it may be replaced there later."""
        found = []
        for owner in objects(root):
            todo = [getattr(owner, "__dict__", {})]
            while todo:
                box = todo.pop(0)
                pairs = list(box.items() if isinstance(box, dict) else enumerate(box))
                for key, value in pairs:
                    if isinstance(value, torch.Tensor):
                        found.append((str(key), box, key))
                    elif isinstance(value, (dict, list, tuple)) and key != "_modules":
                        todo.append(value)
        return found

    def fill(tensor, value):
        with torch.no_grad():
            tensor.data = value.detach().reshape(tensor.shape).clone()

    def where(layer, role, shape):
        """The place of a role's tensor, or what was found instead, in words."""
        kind = type(layer).__name__
        listed = list(layer.parameters())
        ids = {id(p) for p in listed}
        every = places(layer)
        every += [(f"parameters()[{i}]", listed, i) for i in range(len(listed))]
        for name in (role, *ALIASES.get(role, ())):
            for place in every:
                if place[0] == name:
                    got = list(place[1][place[2]].shape)
                    if [n for n in got if n != 1] != [n for n in shape if n != 1]:
                        return f"{kind}: {name} has the shape {got}, {list(shape)} is expected"
                    return place
        for place in every:
            tensor = place[1][place[2]]
            if list(tensor.shape) != list(shape) or (id(tensor) in ids) != (role in LEARNT):
                continue
            if role not in FIRST or bool((tensor == FIRST[role]).all()):
                return place
        names = ", ".join(sorted({place[0] for place in every})) or "no tensors"
        return f"{kind} has no {role} of shape {list(shape)}; found: {names}"

    def put(layer, values):
        """Numbers into a layer: their places, or words."""
        found = {}
        for role, value in values.items():
            found[role] = where(layer, role, value.shape)
            if isinstance(found[role], str):
                return found[role]
        for role, (_, box, key) in found.items():
            fill(box[key], values[role])
        return found

    def mode(root, flag):
        for it in objects(root):
            if isinstance(it, torch.nn.Module):
                it.train(flag)
            if hasattr(it, "training"):
                it.training = flag

    def make(kind, given, settings):
        """A layer; settings that it doesn't take are set afterwards."""
        try:
            return getattr(m, kind)(*given, **settings)
        except TypeError:
            made = getattr(m, kind)(*given)
            for name, value in settings.items():
                setattr(made, name, value)
            return made

    def move(root, device):
        for _, box, key in places(root):
            box[key].data = box[key].data.to(device)

    def layer(kind, given, settings, values, x, weights, training):
        """One call of one layer, and the gradients of the weighted sum of what it answers."""
        made = make(kind, given, settings)
        found = put(made, values)
        if isinstance(found, str):
            return {"lacks": found}
        if training is not None:
            if not hasattr(made, "training"):
                return {"lacks": f"{kind} has no training; found: {', '.join(vars(made))}"}
            mode(made, training)
        listed = list(made.parameters())
        for p in listed:
            p.requires_grad_(True)
        before = x.detach().clone()
        if x.is_floating_point():
            x = x.detach().requires_grad_(True)
            seen = x * 1.0 if x.is_contiguous() else x
        else:
            seen = x
        out = made(seen)
        if not isinstance(out, torch.Tensor):
            return {"lacks": f"{kind} answered a {type(out).__name__}, not a tensor"}
        dtype = weights.dtype
        answer = {"out": out.detach().to(dtype), "gradients": {}, "x": None, "state": {}}
        if out.shape == weights.shape:
            if out.requires_grad:
                (out * weights).sum().backward()
            grads = {r: box[key].grad for r, (_, box, key) in found.items() if r in LEARNT}
            for role, g in grads.items():
                shaped = g is None or g.numel() != values[role].numel()
                g = g if shaped else g.reshape(values[role].shape).to(dtype)
                answer["gradients"][role] = g
            if x.is_floating_point():
                answer["x"] = x.grad
        for role, (_, box, key) in found.items():
            if role not in LEARNT:
                answer["state"][role] = box[key].detach().flatten().to(dtype)
                answer["state"][role + " in a graph"] = bool(box[key].requires_grad)
        answer["kept"] = seen.detach().clone() if x.is_floating_point() else before
        answer["listed"] = len(listed)
        return answer

    def new(kind, given, size):
        """What a new layer holds: its parameters, and other tensors of so many numbers.

        Of more than 100 numbers: how many octaves their deviation is above 1/√rows, in
        eighths; their mean in such deviations, in tenths; whether most are different ones.
        """
        from math import log2

        def told(tensor):
            numbers = tensor.detach().float().flatten()
            if len(numbers) < 100:
                return numbers.tolist()
            spread = numbers.std().item()
            octaves = log2(spread * tensor.shape[0] ** 0.5) if spread else -99.0
            mean = (numbers.mean() / (numbers.std() + 1e-9)).item()
            several = len(set(numbers.tolist())) > 0.9 * len(numbers)
            several = several and bool(numbers.all())
            return [round(8 * octaves) / 8, round(10 * mean) / 10 + 0.0, several]

        torch.manual_seed(5)
        made = getattr(m, kind)(*given)
        listed = list(made.parameters())
        known = {id(p) for p in listed}
        others = [box[key] for _, box, key in places(made) if id(box[key]) not in known]
        return {
            "shapes": sorted([n for n in p.shape if n != 1] for p in listed),
            "learnt": sorted(told(p) for p in listed),
            "others": sorted(told(t) for t in others if t.numel() == size),
            "training": getattr(made, "training", None),
        }

    def tree(sizes, values, jobs):
        """wavenet with these numbers in it, in eval: what it answers to each job.

        A job is "eval", "train" or "dilated", and ids. With each answer goes the number of
        multiplications in products of matrices.
        """
        from math import isqrt

        from torch.overrides import TorchFunctionMode

        products = ("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "inner")
        products += ("linear", "addmm", "addmv", "baddbmm", "einsum", "tensordot", "vecdot")

        class Counting(TorchFunctionMode):
            count = 0

            def __torch_function__(self, func, types, args=(), kwargs=None):
                out = func(*args, **(kwargs or {}))
                if getattr(func, "__name__", "") in products and isinstance(out, torch.Tensor):
                    flat = [*args, *(kwargs or {}).values()]
                    while flat and isinstance(flat[-1], (list, tuple)):
                        flat = [*flat[:-1], *flat[-1]]
                    tensors = [t for t in flat if isinstance(t, torch.Tensor)]
                    if func.__name__ in ("addmm", "addmv", "baddbmm"):
                        tensors = tensors[1:]
                    if len(tensors) > 1:  # (n, k) @ (k, m): nk · km · nm is the square of nkm
                        product = tensors[0].numel() * tensors[1].numel() * out.numel()
                        self.count += isqrt(product)
                return out

        model = m.wavenet(*sizes)
        hidden = sizes[3]
        wanted = [values["table"], *values["weights"], values["bias"]]
        wanted += [*values["gamma"], *values["beta"]]
        left = list(model.parameters())
        shapes = sorted([n for n in p.shape if n != 1] for p in left)
        if shapes != sorted(list(v.shape) for v in wanted):
            return {"lacks": f"wavenet{tuple(sizes)}: parameters() have the shapes {shapes}"}
        learnt = {id(p) for p in left}
        norms = [it for it in objects(model) if hasattr(it, "running_mean")]

        def named(role):
            """Tensors of that name, each once: a property shows what stands elsewhere."""
            stand = [box[key] for name, box, key in places(model) if name == role]
            return list({id(t): t for t in stand}.values()) or [
                getattr(norm, role, None) for norm in norms
            ]

        others = [box[key] for _, box, key in places(model) if id(box[key]) not in learnt]
        others = [t for t in others if t.numel() == hidden]
        stats = {
            "means": named("running_mean") or [t for t in others if not t.any()],
            "vars": named("running_var") or [t for t in others if bool((t == 1).all())],
        }
        for role, found in stats.items():
            if len(found) != len(values[role]) or any(t is None for t in found):
                return {"lacks": f"wavenet: {len(found)} running {role} are found in its layers"}
        scales = [p for p in left if p.numel() == hidden]
        roles = {
            "gamma": [p for p in scales if bool((p == 1).all())],
            "beta": [p for p in scales if not p.any()],
            **stats,
        }
        for value in (values["table"], *values["weights"], values["bias"]):
            p = next(p for p in left if p.squeeze().shape == value.shape)
            left = [q for q in left if q is not p]
            fill(p, value)
        for role, tensors in roles.items():
            if len(tensors) != len(values[role]):
                return {"lacks": f"wavenet: {len(tensors)} of its parameters can be a {role}"}
            for tensor, value in zip(tensors, values[role]):
                fill(tensor, value)
        outs, counts, left = [], [], []
        for kind, ids in jobs:
            mode(model, kind == "train")
            with Counting() as counting:
                out = m.dilated_tree(model, ids) if kind == "dilated" else model(ids)
            left.append(any(getattr(it, "training", False) for it in objects(model)))
            if not isinstance(out, torch.Tensor):
                return {"lacks": f"a {type(out).__name__} came back, not a tensor"}
            outs.append(out.detach().to(values["table"].dtype))
            counts.append(counting.count)
        return {"outs": outs, "counts": counts, "training": left}

    def fresh(sizes, ids, labels):
        """What a new tree answers in training: shape, loss, and the size of its logits.

        The size is the number of octaves above 0.063, in halves.
        """
        from math import log2

        V, _, _, hidden = sizes
        torch.manual_seed(5)
        model = m.wavenet(*sizes)
        move(model, ids.device)
        parameters = list(model.parameters())
        learnt = {id(p) for p in parameters}
        held = [(name, box[key]) for name, box, key in places(model)]
        kept = [t for name, t in held if name in ("running_mean", "running_var")]
        kept = kept or [t for _, t in held if id(t) not in learnt and t.numel() == hidden]
        # each level's first weights: octaves above 1/√fan_in, in halves (1,360 numbers: 10 %)
        levels = [p for p in parameters if p.ndim == 2 and hidden in p.shape]
        levels = [p for p in levels if not {1, V} & set(p.shape)]
        answer = {
            "training": all(it.training for it in objects(model) if hasattr(it, "training")),
            "untouched": all(bool((t == 0).all() or (t == 1).all()) for t in kept),
            "levels": [
                round(2 * log2(p.std().item() * (p.numel() / hidden) ** 0.5 + 1e-9)) / 2
                for p in levels
            ],
        }
        mode(model, True)
        for p in parameters:
            p.requires_grad_(True)
        out = model(ids)
        logits = out.detach().float()
        if list(logits.shape) != [len(ids), sizes[0]]:
            return {"shape": list(logits.shape), "loss": None, "size": None, **answer}
        loss = torch.nn.functional.cross_entropy(out.float(), labels)
        if loss.requires_grad:
            loss.backward()
        size = log2(logits.std().item() / 0.063 + 1e-9)
        return {
            "shape": list(logits.shape),
            "loss": round(loss.item(), 1),
            "size": round(2 * size) / 2,
            "learns": [p.is_leaf and p.grad is not None and bool(p.grad.any()) for p in parameters],
            **answer,
        }

    def split(table, values, X, Y, training, recording):
        """split_loss of table -> BatchNorm1d, and all that it should leave alone."""

        class Table(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(table)

            def forward(self, ids):
                return self.weight[ids].sum(1)

        class Spy(torch.nn.Module):
            def forward(self, x):
                seen.append(x.requires_grad)
                return x

        seen = []
        norm = m.BatchNorm1d(table.shape[1])
        found = put(norm, values)
        if isinstance(found, str):
            return {"lacks": found}
        if not hasattr(norm, "training"):
            return {"lacks": f"BatchNorm1d has no training; found: {', '.join(vars(norm))}"}
        inner = m.Sequential([norm])
        spy = Spy()
        model = m.Sequential([Table(), inner, spy])
        mode(model, training)
        listed = list(model.parameters())
        wanted = [p.requires_grad for p in listed]
        for p in listed:
            p.grad = torch.ones_like(p)
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(recording)
        try:
            loss = m.split_loss(model, X, Y)
            after = torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(before)
        state = {r: box[key].detach().flatten() for r, (_, box, key) in found.items()}
        return {
            "loss": loss,
            "graph": any(seen) or bool(getattr(loss, "requires_grad", False)),
            "training": [bool(norm.training), bool(spy.training)],
            "recording": after,
            "want gradients": [p.requires_grad for p in listed] == wanted,
            "gradients kept": all(p.grad is not None and bool((p.grad == 1).all()) for p in listed),
            "state": state,
        }

    def strided(kind, given, x):
        """A layer's answers to a transposed tensor, and to the same numbers in another memory."""
        made = getattr(m, kind)(*given)
        move(made, x.device)
        if x.is_floating_point():
            x = x.to(next(iter(made.parameters())).dtype)
        turned = x.transpose(0, 1)
        return [made(turned).detach(), made(turned.contiguous()).detach()]

    def in_turn(C, settings, batches, y):
        """BatchNorm1d trained on each batch, on the first without a graph, then twice y in eval.

        With the answers: whether each tensor that was handed in is as it was.
        """
        norm = make("BatchNorm1d", [C], settings)
        move(norm, y.device)
        copies = [x.clone() for x in (*batches, y)]
        for i, x in enumerate(batches):
            with torch.set_grad_enabled(i > 0):
                norm(x.transpose(0, 1))
        mode(norm, False)
        outs = [norm(y).detach().to(y.dtype) for _ in range(2)]
        return [outs, [torch.equal(x, copy) for x, copy in zip((*batches, y), copies)]]

    jobs = (layer, new, tree, fresh, split, strided, in_turn)
    return {job.__name__: job for job in jobs}[what](*args)


# ------------------------------------------------------------------------------ looking at it


def smoothed(m, lossi, n):
    """Shape, numbers, and the caller's list afterwards."""
    import torch

    out = torch.as_tensor(m.smooth(lossi, n))
    return [list(out.shape), out.flatten().to(torch.float32).tolist(), lossi]


def check_smooth(student, lossi, n):
    means = [sum(lossi[i : i + n]) / n for i in range(0, len(lossi), n)]
    close(student.run(smoothed, lossi, n), [[len(means)], means, lossi], **ROUNDED)


@task("smooth")
def test_means_of_neighbours(student, rng):
    """21 losses, 3 at a time: 7 means, the first of the first three; your list is kept."""
    check_smooth(student, (2 + torch.rand(21, generator=rng)).tolist(), 3)


@task("smooth")
def test_one_and_all_at_a_time(student, rng):
    """One at a time changes nothing; all at a time leave a row of one mean."""
    lossi = (2 + torch.rand(6, generator=rng)).tolist()
    check_smooth(student, lossi, 1)
    check_smooth(student, lossi, 6)


@task("smooth")
def test_a_long_training(student, rng):
    """20,000 losses, ten at a time: the last mean is as good as the first."""
    check_smooth(student, (2 + torch.rand(20_000, generator=rng)).tolist(), 10)


def products(m, cases):
    """The shapes, or the text of the ValueError."""
    found = []
    for a, b in cases:
        try:
            found.append([int(n) for n in m.matmul_last(tuple(a), tuple(b))])
        except ValueError as error:
            found.append(str(error))
    return found


@task("matmul_last")
def test_any_number_of_dimensions(student):
    """a of 1 to 5 dimensions: all but the last are a batch, whatever their sizes."""
    cases = [([7], [7, 3]), ([5, 7], [7, 1]), ([1, 7], [7, 3]), ([4, 3, 29, 80], [80, 200])]
    cases += [([3, 3, 3], [3, 5]), ([2, 1, 3, 4, 6], [6, 11]), ([4, 2, 1], [1, 9])]
    like = {"device": "cpu"}
    shapes = [list((torch.empty(a, **like) @ torch.empty(b, **like)).shape) for a, b in cases]
    close(student.run(products, cases), shapes)


def says_both(text, a, b):
    """Whether the numbers of both shapes stand in a text, each shape's side by side."""
    if not isinstance(text, str):
        return text
    numbers = re.findall(r"\d+", text)
    runs = [
        any(numbers[i : i + len(shape)] == [str(n) for n in shape] for i in range(len(numbers)))
        for shape in (a, b)
    ]
    return "both" if all(runs) else "not both"


@task("matmul_last")
def test_what_does_not_fit(student):
    """A ValueError whose text names both shapes, also where a 1 or the wrong end would fit."""
    cases = [([4, 5, 1], [7, 3]), ([4, 5, 7], [1, 3]), ([5, 7], [3, 7]), ([7, 5], [7, 3])]
    cases += [([2, 3, 17, 19], [18, 19]), ([6], [7, 6])]
    answer = student.run(products, cases)
    close([type(text).__name__ for text in answer], ["str"] * len(cases))
    close([says_both(text, *case) for text, case in zip(answer, cases)], ["both"] * len(cases))


# ----------------------------------------------------------------------------------- the parts


def check_strided(student, kind, given, x):
    turned, plain = student.run(bench, "strided", kind, given, x)
    close(turned, plain, **ROUNDED)


def two_of_a_kind(m, kind, given):
    """Whether the tables of two new layers hold the same first numbers."""
    import torch

    torch.manual_seed(5)
    layers = [getattr(m, kind)(*given) for _ in range(2)]
    a, b = (next(p for p in layer.parameters() if p.ndim == 2) for layer in layers)
    return bool(torch.equal(a, b))


def check_two(student, kind, given):
    close(student.run(two_of_a_kind, kind, given), False)


def right_linear(x, values):
    return F.linear(x, values["weight"].T, values.get("bias"))


def with_gradients(f, x, values, weights):
    """f(x, values), and the gradients of the weighted sum, at x and at the values."""
    x = x.detach().requires_grad_() if x.is_floating_point() else x
    leaves = {k: v.detach().requires_grad_() for k, v in values.items()}
    out = f(x, leaves)
    asked = [v for k, v in leaves.items() if not k.startswith("running")]
    asked += [x] if x.is_floating_point() else []
    grads = torch.autograd.grad((out * weights).sum(), asked)
    names = [k for k in leaves if not k.startswith("running")]
    at_x = grads[-1] if x.is_floating_point() else None
    return {"out": out.detach(), "gradients": dict(zip(names, grads)), "x": at_x}


@task("Linear")
def test_two_and_three_dimensions(student, rng, device):
    """(N, 5) and (B, T, 5) with weight and bias: what comes out, and all the gradients."""
    for shape in ((7, 5), (4, 6, 5)):
        values = {"weight": some(rng, (5, 3), device), "bias": some(rng, (3,), device)}
        x, weights = some(rng, shape, device), some(rng, (*shape[:-1], 3), device)
        answer = student.run(bench, "layer", "Linear", [5, 3], {}, values, x, weights, None)
        check(answer, with_gradients(right_linear, x, values, weights), **TRAINED)


@task("Linear")
def test_four_dimensions(student, rng, device):
    """(4, 3, 29, 80) through 80 to 200: (4, 3, 29, 200)."""
    values = {"weight": some(rng, (80, 200), device, 0.1), "bias": some(rng, (200,), device)}
    x, weights = some(rng, (4, 3, 29, 80), device), some(rng, (4, 3, 29, 200), device)
    answer = student.run(bench, "layer", "Linear", [80, 200], {}, values, x, weights, None)
    check(answer, {"out": right_linear(x, values)}, **TRAINED)


@task("Linear")
def test_without_a_bias(student, rng, device):
    """bias=False: one parameter, and nothing is added."""
    values = {"weight": some(rng, (5, 3), device)}
    x, weights = some(rng, (4, 6, 5), device), some(rng, (4, 6, 3), device)
    answer = student.run(bench, "layer", "Linear", [5, 3, False], {}, values, x, weights, None)
    expected = with_gradients(right_linear, x, values, weights)
    check(answer, {"listed": 1, **expected}, **TRAINED)
    assert student.run(biased), "Linear(5, 3, False).bias is not None"


def biased(m):
    return getattr(m.Linear(5, 3, False), "bias", None) is None


@task("Linear")
def test_transposed_and_two_of_a_kind(student, rng, device):
    """A transposed tensor gives the same; two new layers have numbers of their own."""
    check_strided(student, "Linear", [5, 3], some(rng, (4, 6, 5), device))
    check_two(student, "Linear", [20, 3])


@task("Linear")
def test_first_numbers(student):
    """400 inputs, 50 outputs: mean 0, standard deviation 1/20, all biases 0."""
    answer = told(student.run(bench, "new", "Linear", [400, 50], 50))
    # the deviation of 20,000 is sure to 2.5 % (five sigma), an eighth of an octave is 9 %
    expected = {"shapes": [[50], [400, 50]], "learnt": [[0.0] * 50, [0.0, 0.0, True]]}
    check(answer, expected)


@task("Embedding")
def test_ids_of_any_shape(student, rng, device):
    """ids (9,), (4, 6) and (2, 3, 5): each id becomes its row; rows used again add gradients."""
    for shape in ((9,), (4, 6), (2, 3, 5)):
        values = {"weight": some(rng, (7, 3), device)}
        ids, weights = some_ids(rng, shape, device, 5), some(rng, (*shape, 3), device)
        answer = student.run(bench, "layer", "Embedding", [7, 3], {}, values, ids, weights, None)

        def rows(ids, values):
            return F.embedding(ids, values["weight"])

        check(answer, {**with_gradients(rows, ids, values, weights), "listed": 1}, **TRAINED)


@task("Embedding")
def test_a_random_table(student, rng, device):
    """A new table has one row for each number, and no two rows are alike; nor two tables."""
    check_two(student, "Embedding", [40, 5])
    check_strided(student, "Embedding", [40, 5], some_ids(rng, (4, 6), device, 40))
    answer = told(student.run(bench, "new", "Embedding", [160, 5], 0))
    check(answer, {"shapes": [[160, 5]]})
    _, mean, several = answer["learnt"][0]
    # 800 of mean 0: five sigma are 0.18 deviations
    close(mean, 0.0, rtol=0.0, atol=0.45, reason="five sigma, in tenths")
    close(several, True)


def flattened(m, n, x, order):
    """The answer to the same memory with its dimensions in another order; what it lists."""
    layer = m.FlattenConsecutive(n)
    return [layer(x.permute(order)), len(list(layer.parameters()))]


def check_flat(student, x, n, order=(0, 1, 2)):
    turned = x.permute(order)
    T = turned.shape[1]
    rows = [torch.cat([turned[:, t + i] for i in range(n)], 1) for t in range(0, T, n)]
    expected = rows[0] if len(rows) == 1 else torch.stack(rows, 1)
    close(student.run(flattened, n, x, list(order)), [expected, 0])


@task("FlattenConsecutive")
def test_neighbours_side_by_side(student, rng, device):
    """(4, 8, 10) becomes (4, 4, 20): the first row holds positions 0 and 1, not 0 and 4."""
    check_flat(student, some(rng, (4, 8, 10), device), 2)
    check_flat(student, some(rng, (5, 12, 7), device), 3)
    check_flat(student, some(rng, (3, 12, 5), device), 4)


@task("FlattenConsecutive")
def test_one_position_left(student, rng, device):
    """n = T: the dimension of one position goes, (5, 3, 7) becomes (5, 21)."""
    check_flat(student, some(rng, (5, 3, 7), device), 3)
    check_flat(student, some(rng, (5, 2, 1), device), 2)
    check_flat(student, some(rng, (5, 1, 3), device), 1)
    check_flat(student, some(rng, (5, 1, 1), device), 1)


@task("FlattenConsecutive")
def test_a_batch_of_one(student, rng, device):
    """A batch of one keeps its dimension, and so does a single feature."""
    check_flat(student, some(rng, (1, 2, 5), device), 2)
    check_flat(student, some(rng, (1, 6, 5), device), 2)
    check_flat(student, some(rng, (4, 6, 1), device), 1)
    check_flat(student, some(rng, (1, 6, 1), device), 3)


@task("FlattenConsecutive")
def test_not_contiguous(student, rng, device):
    """A transposed tensor gives the same rows as any other."""
    check_flat(student, some(rng, (6, 4, 5), device), 2, (1, 0, 2))
    check_flat(student, some(rng, (4, 5, 6), device), 3, (0, 2, 1))


def refused(m, n, x):
    try:
        out = m.FlattenConsecutive(n)(x)
    except NotImplementedError:
        raise
    except Exception:
        return "an error"
    return list(getattr(out, "shape", []))


@task("FlattenConsecutive")
def test_what_can_not_be_divided(student, rng, device):
    """Seven positions in pairs are an error: none is left out, none is counted twice."""
    close(student.run(refused, 2, some(rng, (4, 7, 6), device)), "an error")
    close(student.run(refused, 3, some(rng, (2, 10, 6), device)), "an error")
    close(student.run(refused, 3, some(rng, (3, 2, 6), device)), "an error")
    # here the numbers would do for 7 and for 10 examples of (3, 2·C) and (3, 3·C)
    close(student.run(refused, 2, some(rng, (6, 7, 5), device)), "an error")
    close(student.run(refused, 3, some(rng, (9, 10, 5), device)), "an error")


def flat_gradient(m, n, x, weights):
    x.requires_grad_(True)
    (m.FlattenConsecutive(n)(x) * weights).sum().backward()
    return x.grad


@task("FlattenConsecutive")
def test_gradients_find_their_place(student, rng, device):
    """Every number gets the gradient of the place that it went to."""
    weights = some(rng, (4, 3, 10), device)
    answer = student.run(flat_gradient, 2, some(rng, (4, 6, 5), device), weights)
    close(answer, weights.reshape(4, 6, 5))


# BatchNorm1d: in training the variance may be the lecture's (n - 1 below the line) or
# PyTorch's (n); the running one is the lecture's in both, or PyTorch's with PyTorch's.


def norm_values(rng, C, device, dtype=torch.float32):
    def around(center, scale):
        return center + some(rng, (C,), device, scale, dtype)

    return {
        "gamma": around(1.0, 0.3),
        "beta": around(0.0, 0.7),
        "running_mean": around(0.5, 0.3),
        "running_var": around(0.0, 0.7).abs() + 0.4,
    }


def trained_norm(x, values, unbiased, eps):
    rows = x.reshape(-1, x.shape[-1])
    var = rows.var(0, correction=int(unbiased))
    return values["gamma"] * (x - rows.mean(0)) / (var + eps).sqrt() + values["beta"]


def norm_ways(x, values, weights, eps=1e-5, momentum=0.1):
    """Every right answer in training."""
    rows = x.reshape(-1, x.shape[-1])
    ways = []
    for unbiased, running in ((True, True), (False, True), (False, False)):
        both = {
            "running_mean": rows.mean(0),
            "running_var": rows.var(0, correction=int(running)),
        }
        state = {}
        for name, new in both.items():
            state[name] = (1 - momentum) * values[name] + momentum * new
            state[name + " in a graph"] = False

        def f(x, values, unbiased=unbiased):
            return trained_norm(x, values, unbiased, eps)

        ways.append({**with_gradients(f, x, values, weights), "state": state, "listed": 2})
    return ways


def eval_norm(x, values, eps=1e-5):
    scaled = (x - values["running_mean"]) / (values["running_var"] + eps).sqrt()
    return values["gamma"] * scaled + values["beta"]


def eval_way(x, values, weights):
    state = {k: v for k, v in values.items() if k.startswith("running")}
    state |= {k + " in a graph": False for k in state}
    return {**with_gradients(eval_norm, x, values, weights), "state": state}


def ask_norm(student, x, values, weights, training, settings=None):
    C = x.shape[-1]
    return student.run(
        bench, "layer", "BatchNorm1d", [C], settings or {}, values, x, weights, training
    )


def columns(rng, shape, device, dtype=torch.float32):
    """Features that have means and spreads of their own."""
    C = shape[-1]
    return some(rng, shape, device, 1.0, dtype) * (
        1.5 + some(rng, (C,), device, 0.3, dtype)
    ) + some(rng, (C,), device, 1.0, dtype)


@task("BatchNorm1d")
def test_rows_of_features(student, rng, device):
    """(N, C) in training: normalised by the batch; running numbers; gradients of x, gamma, beta."""
    x, weights = columns(rng, (9, 5), device), some(rng, (9, 5), device)
    values = norm_values(rng, 5, device)
    answer = ask_norm(student, x, values, weights, True)
    check(answer, *norm_ways(x, values, weights), **TRAINED)


@task("BatchNorm1d")
def test_batch_and_time_are_one(student, rng, device):
    """(B, T, C) is normalised like (B·T, C), in float64: numbers, gradients, C running means."""
    for shape in ((4, 3, 5), (3, 7, 2)):
        x = columns(rng, shape, device, torch.float64)
        # positions differ from one another, so that statistics of each would show
        x = 16.0 * (x + some(rng, (1, *shape[1:]), device, 2.0, torch.float64))
        weights = some(rng, shape, device, 1.0, torch.float64)
        values = norm_values(rng, shape[-1], device, torch.float64)
        answer = ask_norm(student, x, values, weights, True)
        check(answer, *norm_ways(x, values, weights), **SHARP)


@task("BatchNorm1d")
def test_running_numbers_in_eval(student, rng, device):
    """In eval the running numbers are used, for 2 and 3 dimensions, and stay as they are."""
    for shape in ((9, 5), (4, 3, 5)):
        x, weights = columns(rng, shape, device), some(rng, shape, device)
        values = norm_values(rng, 5, device)
        answer = ask_norm(student, x, values, weights, False)
        check(answer, eval_way(x, values, weights), **TRAINED)


@task("BatchNorm1d")
def test_a_batch_of_one_in_eval(student, rng, device):
    """One example is enough in eval: it needs no others."""
    for shape in ((1, 5), (1, 3, 5), (1, 1, 5)):
        x, weights = columns(rng, shape, device), some(rng, shape, device)
        values = norm_values(rng, 5, device)
        answer = ask_norm(student, x, values, weights, False)
        check(answer, eval_way(x, values, weights), **TRAINED)


@task("BatchNorm1d")
def test_eps_is_under_the_root(student, rng, device):
    """Where the variance is as small as eps (1e-5 unless said) it matters where eps is added."""
    x, weights = some(rng, (11, 5), device, 0.003), some(rng, (11, 5), device)
    values = norm_values(rng, 5, device)
    ways = [{"out": way["out"]} for way in norm_ways(x, values, weights)]
    check(ask_norm(student, x, values, weights, True), *ways, **TRAINED)
    values["running_var"] = values["running_var"] * 1e-5
    values["running_mean"] = values["running_mean"] * 1e-3
    answer = ask_norm(student, x, values, weights, False)
    check(answer, {"out": eval_norm(x, values)}, **TRAINED)


@task("BatchNorm1d")
def test_eps_and_momentum_are_taken(student, rng, device):
    """Another eps and another momentum, as arguments or as attributes, are used."""
    x, weights = columns(rng, (3, 4, 5), device), some(rng, (3, 4, 5), device)
    values = norm_values(rng, 5, device)
    settings = {"eps": 0.75, "momentum": 0.3}
    answer = ask_norm(student, x, values, weights, True, settings)
    check(answer, *norm_ways(x, values, weights, **settings), **TRAINED)


@task("BatchNorm1d")
def test_several_batches(student, rng, device):
    """Each of four batches moves the running numbers alike, as eval then shows; x is kept."""
    C, eps, momentum = 5, 0.75, 0.3
    batches, y = [columns(rng, (3, 4, C), device) for _ in range(4)], some(rng, (2, 3, C), device)
    ways = []
    for correction in (1, 0):
        mean, var = torch.zeros(C, device=device), torch.ones(C, device=device)
        for x in batches:
            rows = x.reshape(-1, C)
            mean = (1 - momentum) * mean + momentum * rows.mean(0)
            var = (1 - momentum) * var + momentum * rows.var(0, correction=correction)
        ways.append([[(y - mean) / (var + eps).sqrt()] * 2, [True] * 5])
    settings = {"eps": eps, "momentum": momentum}
    answer = student.run(bench, "in_turn", C, settings, batches, y)
    check(answer, *ways, **TRAINED)


@task("BatchNorm1d")
def test_how_it_begins(student):
    """gamma and running_var are ones, beta and running_mean zeros; training; two parameters."""
    answer = student.run(bench, "new", "BatchNorm1d", [4], 4)
    both = [[0.0] * 4, [1.0] * 4]
    check(answer, {"shapes": [[4], [4]], "learnt": both, "others": both, "training": True})


def check_tanh(student, x, weights):
    expected = with_gradients(lambda x, _: torch.tanh(x), x, {}, weights)
    answer = student.run(bench, "layer", "Tanh", [], {}, {}, x, weights, None)
    check(answer, {**expected, "listed": 0, "kept": x}, **TRAINED)


@task("Tanh")
def test_any_shape(student, rng, device):
    """(7, 5) and (2, 3, 5), with gradients; what was handed in is left as it was."""
    for shape in ((7, 5), (2, 3, 5)):
        check_tanh(student, some(rng, shape, device), some(rng, shape, device))


@task("Tanh")
def test_large_numbers(student, rng, device):
    """tanh of 300 is 1 and of -300 is -1, without overflow."""
    x = torch.tensor([-300.0, -95.0, 0.5, 95.0, 300.0], device=device)
    check_tanh(student, x, some(rng, (5,), device))


def in_a_row(m, x, factors, shape):
    """Layers x·f + f in a Sequential, nested as `shape` says; answer and parameters."""
    import torch

    class Layer(torch.nn.Module):
        def __init__(self, f):
            super().__init__()
            self.f = torch.nn.Parameter(f.clone())

        def forward(self, x):
            return x * self.f + self.f

    def build(part):
        if isinstance(part, int):
            return Layer(factors[part])
        return m.Sequential([build(inner) for inner in part])

    model = build(shape)
    first = list(model.parameters())
    x.requires_grad_(True)
    out = model(x)
    if out.requires_grad:
        out.sum().backward()
    grads = [x.grad, [p.grad for p in first]]
    return [out.detach(), [p.detach() for p in first], len(list(model.parameters())), *grads]


def check_row(student, x, factors, shape, order):
    begin = x.clone().requires_grad_()
    leaves = [factor.clone().requires_grad_() for factor in factors]
    expected = begin
    for i in order:
        expected = expected * leaves[i] + leaves[i]
    expected.sum().backward()
    listed = [factors[i] for i in order]
    answer = student.run(in_a_row, x, factors, shape)
    close(answer[:3], [expected.detach(), listed, len(order)], **ROUNDED)
    close(answer[3:], [begin.grad, [leaves[i].grad for i in order]], **ROUNDED)


@task("Sequential")
def test_one_after_the_other(student, rng, device):
    """Four layers whose order matters: what the first answers goes to the second, and so on."""
    factors = [some(rng, (), device) + 2 + i for i in range(4)]
    check_row(student, some(rng, (3, 5), device), factors, [2, 0, 3, 1], [2, 0, 3, 1])


@task("Sequential")
def test_a_row_within_a_row(student, rng, device):
    """A Sequential may be a layer; the parameters of all come in their order, one flat list."""
    factors = [some(rng, (), device) + 2 + i for i in range(5)]
    check_row(student, some(rng, (2, 3), device), factors, [1, [3, [0], 4], 2], [1, 3, 0, 4, 2])


@task("Sequential")
def test_no_layers(student, rng, device):
    """Without layers what comes in goes out, and there are no parameters."""
    check_row(student, some(rng, (3, 5), device), [], [], [])


# -------------------------------------------------------------------------------- the network


def switched(m, flags, start):
    """`training` of layers on three levels, after each flag in turn."""
    import torch

    class Other(torch.nn.Module):
        def forward(self, x):
            return x

    norms = [m.BatchNorm1d(3) for _ in range(4)]
    inner = m.Sequential([norms[1], m.Tanh(), m.Sequential([norms[2], m.Tanh()])])
    other = Other()
    model = m.Sequential([norms[0], inner, m.Tanh(), other, norms[3]])
    if not hasattr(norms[0], "training"):
        return {"lacks": f"BatchNorm1d has no training; found: {', '.join(vars(norms[0]))}"}
    for layer in (*norms, other):
        layer.train(start) if isinstance(layer, torch.nn.Module) else None
        layer.training = start
    said = []
    for flag in flags:
        m.set_training(model, flag)
        said.append([bool(layer.training) for layer in (*norms, other)])
    return said


@task("set_training")
def test_off_and_on_and_off(student):
    """Layers in Sequentials within Sequentials follow, whatever class they are of."""
    answer = told(student.run(switched, [False, True, False], True))
    close(answer, [[False] * 5, [True] * 5, [False] * 5])


@task("set_training")
def test_the_flag_decides(student):
    """True where they were False is True, twice the same is the same."""
    answer = told(student.run(switched, [True, True, False, False], False))
    close(answer, [[True] * 5, [True] * 5, [False] * 5, [False] * 5])


LOUD = 16


def tree_values(rng, device, vocab, block, n_embd, hidden):
    """Numbers for every tensor of a tree.

    So large before each norm that no variance is near its eps: where that stands is another
    task's, and here it must not matter by chance.
    """
    levels = block.bit_length() - 1
    ins = [2 * n_embd] + [2 * hidden] * (levels - 1)
    weights = [some(rng, (i, hidden), device, 1.5 * LOUD / math.sqrt(i)) for i in ins]
    norms = [norm_values(rng, hidden, device) for _ in range(levels)]
    return {
        "table": some(rng, (vocab, n_embd), device),
        "weights": [*weights, some(rng, (hidden, vocab), device, 0.5)],
        "bias": some(rng, (vocab,), device),
        "gamma": [n["gamma"] for n in norms],
        "beta": [n["beta"] for n in norms],
        "means": [LOUD * (n["running_mean"] - 0.5) for n in norms],
        "vars": [LOUD**2 * n["running_var"] for n in norms],
    }


def right_tree(values, ids, unbiased=None):
    """The logits: in eval, or in training with one of the two variances."""
    h = F.embedding(ids, values["table"])
    for i, weight in enumerate(values["weights"][:-1]):
        h = torch.cat([h[:, ::2], h[:, 1::2]], 2) @ weight
        norm = {"gamma": values["gamma"][i], "beta": values["beta"][i]}
        if unbiased is None:
            norm |= {"running_mean": values["means"][i], "running_var": values["vars"][i]}
            h = eval_norm(h, norm)
        else:
            h = trained_norm(h, norm, unbiased, 1e-5)
        h = torch.tanh(h)
    return h.squeeze(1) @ values["weights"][-1] + values["bias"]


def grown(student, sizes, values, *jobs):
    """What the tree answers, in eval unless said, and how much it multiplied for it."""
    return told(student.run(bench, "tree", list(sizes), values, [list(job) for job in jobs]))


def parameters_of(m, sizes):
    return [sum(p.numel() for p in m.wavenet(*s).parameters()) for s in sizes]


@task("wavenet")
def test_parameters_of_other_trees(student):
    """One level, two, three and four: each more has 2·H·H + 2·H parameters, and no bias."""
    sizes = [(11, 2, 3, 5), (11, 4, 3, 5), (11, 8, 3, 5), (11, 16, 3, 5), (27, 8, 24, 128)]
    sizes += [(11, 64, 3, 5)]
    counts = [
        v * e + 2 * e * h + 2 * h + (b.bit_length() - 2) * (2 * h * h + 2 * h) + h * v + v
        for v, b, e, h in sizes
    ]
    close(student.run(parameters_of, sizes), counts)


def check_tree(student, rng, device, sizes, batch):
    values = tree_values(rng, device, *sizes)
    ids = some_ids(rng, (batch, sizes[1]), device, sizes[0])
    answer = grown(student, sizes, values, ["eval", ids], ["train", ids])
    ways = [{"outs": [right_tree(values, ids), right_tree(values, ids, u)]} for u in (True, False)]
    check(answer, *ways, **TRAINED)


@task("wavenet")
def test_pairs_of_pairs_of_pairs(student, rng, device):
    """Eight letters: neighbours meet first, then pairs, then fours; in eval and in training."""
    check_tree(student, rng, device, (11, 8, 3, 5), 7)


@task("wavenet")
def test_other_block_sizes(student, rng, device):
    """Trees over 2, 4 and 16 letters."""
    for block in (2, 4, 16):
        check_tree(student, rng, device, (11, block, 3, 5), 6)


@task("wavenet")
def test_every_letter_counts(student, rng, device):
    """Changing any one of the eight letters, the first too, changes the logits."""
    sizes = (11, 8, 3, 5)
    values = tree_values(rng, device, *sizes)
    ids = some_ids(rng, (1, 8), device, 11)
    others = (ids + torch.eye(8, dtype=torch.int64, device=device)) % 11
    both = torch.cat([ids, others])
    answer = grown(student, sizes, values, ["eval", both])
    check(answer, {"outs": [right_tree(values, both)]}, **TRAINED)


@task("wavenet")
def test_alone_in_eval_coupled_in_training(student, rng, device):
    """Another example 0 leaves example 1 alone in eval, but not in training."""
    sizes = (11, 8, 3, 5)
    values = tree_values(rng, device, *sizes)
    a = some_ids(rng, (4, 8), device, 11)
    b = torch.cat([(a[:1] + 1) % 11, a[1:]])
    jobs = [["eval", a], ["eval", b], ["train", a], ["train", b]]
    answer = grown(student, sizes, values, *jobs)
    ways = [
        {"outs": [right_tree(values, ids, u if kind == "train" else None) for kind, ids in jobs]}
        for u in (True, False)
    ]
    check(answer, *ways, **TRAINED)


@task("wavenet")
def test_unsure_at_first(student, rng, device):
    """A new tree guesses: its loss is near ln 27, its logits small, a tenth of what they'd be."""
    ids, labels = some_ids(rng, (64, 8), device, 27), some_ids(rng, (64,), device, 27)
    answer = student.run(bench, "fresh", [27, 8, 10, 68], ids, labels)
    # tanh of a normal number is 0.63 in size, and the last layer's weights keep a tenth of that
    check(answer, {"shape": [64, 27], "loss": 3.3, "size": 0.0})
    check(answer, {"levels": [0.0, 0.0, 0.0]})


@task("wavenet")
def test_ready_to_be_trained(student, rng, device):
    """A new tree is in training, its running numbers are 0 and 1, and gradients reach all."""
    ids, labels = some_ids(rng, (64, 8), device, 27), some_ids(rng, (64,), device, 27)
    answer = student.run(bench, "fresh", [27, 8, 10, 68], ids, labels)
    expected = {"shape": [64, 27], "training": True, "untouched": True, "learns": [True] * 12}
    check(answer, expected)


def sizes_of(m, cases):
    return [[int(size) for size in m.group_sizes(*case)] for case in cases]


@task("group_sizes")
def test_other_groups(student):
    """Groups of 2, 3, 4 and 5, trees of one level to five; the whole at once is one level."""
    cases = [(2, 2), (4, 2), (32, 2), (27, 3), (16, 4), (25, 5), (7, 7)]
    # many levels; and powers whose logarithm, in floats, is not quite a whole number
    cases += [(1024, 2), (243, 3), (125, 5), (1000, 10)]
    expected = []
    for block, n in cases:
        levels = next(k for k in range(1, 12) if n**k == block)
        expected.append([n ** (k + 1) for k in range(levels)])
    close(student.run(sizes_of, cases), expected)


def windows(ids):
    return ids.unfold(0, 8, 1)


@task("dilated_tree")
def test_thirty_letters(student, rng, device):
    """30 letters have 23 windows of 8: row i is what the tree says about the window from i on."""
    sizes = (11, 8, 3, 5)
    values, ids = tree_values(rng, device, *sizes), some_ids(rng, (30,), device, 11)
    answer = grown(student, sizes, values, ["dilated", ids])
    check(answer, {"outs": [right_tree(values, windows(ids))]}, **TRAINED)


@task("dilated_tree")
def test_few_windows(student, rng, device):
    """8 letters are a single window, and there is still a row; 9 and 15 have 2 and 8."""
    sizes = (11, 8, 3, 5)
    values = tree_values(rng, device, *sizes)
    several = [some_ids(rng, (n,), device, 11) for n in (8, 9, 15)]
    answer = grown(student, sizes, values, *(["dilated", ids] for ids in several))
    check(answer, {"outs": [right_tree(values, windows(ids)) for ids in several]}, **TRAINED)


@task("dilated_tree")
def test_the_tree_is_left_as_it_was(student, rng, device):
    """Afterwards the model answers to windows as before, and is in eval mode."""
    sizes = (11, 8, 3, 5)
    values, ids = tree_values(rng, device, *sizes), some_ids(rng, (12,), device, 11)
    jobs = [["dilated", ids], ["eval", windows(ids)], ["dilated", ids]]
    answer = grown(student, sizes, values, *jobs)
    right = right_tree(values, windows(ids))
    check(answer, {"outs": [right] * 3, "training": [False] * 3}, **TRAINED)


@task("dilated_tree")
def test_each_node_once(student, rng, device):
    """Each level is computed once for all windows: about L rows of it, not 4 · L."""
    sizes, L = (11, 8, 3, 5), 60
    values, ids = tree_values(rng, device, *sizes), some_ids(rng, (L,), device, 11)
    answer = grown(student, sizes, values, ["dilated", ids])
    check(answer, {"outs": [right_tree(values, windows(ids))]}, **TRAINED)
    # window by window there are 4 + 2 + 1 + 1 rows for each: 17,225 multiplications, and 12,635
    # if only the first level is shared; with a few rows before the first or after the last
    # window, for the sake of even shapes, it is still once for each position
    most = (L + 7) * sum(weight.numel() for weight in values["weights"])
    count = answer["counts"][0]
    assert count <= most, f"{count} multiplications; once for each position they are {most}"


# ----------------------------------------------------------------------------------- its use


def say(m, known, drawn, itos, block, seeds, n, device):
    """n words of a model for each seed, while torch's own chance differs.

    known: pairs of context and next number; of any other the model knows nothing, but `drawn`,
    the shares of the first letters, if given. It speaks 1,000 times, not more.
    """
    import torch

    sure = {tuple(context): letter for context, letter in known}

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros((len(itos), 1), device=device))
            self.spoken, self.heard = 0, False

        def forward(self, ids):
            self.spoken += 1
            self.heard = self.heard or self.training
            if self.spoken > 1000:
                raise RuntimeError("asked 1,000 times: the word ended long ago")
            if list(ids.shape) != [1, block]:
                raise ValueError(f"ids of shape {list(ids.shape)}, expected [1, {block}]")
            row = torch.zeros((1, len(itos)))
            context = tuple(ids[0].tolist())
            if drawn and not any(context):
                row = torch.log(torch.tensor([drawn]))
            else:
                row[0, sure.get(context, 0)] = 60.0
            return row.to(device) + 0 * self.weight.view(1, -1)

    said = []
    for i, seed in enumerate(seeds):
        layer = Model()
        model = m.Sequential([layer])
        if isinstance(model, torch.nn.Module):
            model.eval()
        layer.eval()
        torch.manual_seed(i)
        g = torch.Generator().manual_seed(seed)
        said.append([m.sample(model, itos, block, g) for _ in range(n)])
        if layer.training or layer.heard:
            return "in training mode, while sample was at work or afterwards"
    return said


LETTERS = {0: ".", 1: "k", 2: "a", 3: "t", 4: "z"}


def steps(word, block):
    """Each context of a word, with what follows."""
    padded = [0] * block + [*word, 0]
    return [[padded[i : i + block], padded[i + block]] for i in range(len(word) + 1)]


# Words are drawn where the generator is, on the CPU: so these models are there, too.


@task("sample")
def test_a_model_that_is_certain(student):
    """It is sure of every letter, given the eight before: a word of 13, then the end."""
    known = steps([1, 2, 3, 3, 4, 2, 1, 1, 2, 4, 4, 3, 2], 8)
    answer = student.run(say, known, None, LETTERS, 8, [1], 2, "cpu")
    close(answer, [["kattzakkazzta"] * 2])


@task("sample")
def test_contexts_of_other_sizes(student):
    """Two letters of context, then four: the oldest letter leaves on the left."""
    two, four = steps([1, 2, 2, 3], 2), steps([4, 2, 3, 2, 1, 1], 4)
    close(student.run(say, two, None, LETTERS, 2, [1], 1, "cpu"), [["kaat"]])
    close(student.run(say, four, None, LETTERS, 4, [1], 1, "cpu"), [["zatakk"]])


@task("sample")
def test_as_long_as_it_takes(student):
    """A word of 40 letters is not cut off: only number 0 ends it."""
    word = "zzktzztztaataktatkktzktztazztkkkzkztatka"
    known = steps([".katz".index(letter) for letter in word], 8)
    close(student.run(say, known, None, LETTERS, 8, [1], 1, "cpu"), [[word]])


@task("sample")
def test_the_number_ends_not_the_mark(student):
    """Number 0 ends the word, whatever stands for it; a dot may be a letter."""
    itos = {0: "$", 1: "k", 2: ".", 3: "t", 4: "z"}
    answer = student.run(say, steps([1, 2, 3, 2], 4), None, itos, 4, [1], 2, "cpu")
    close(answer, [["k.t."] * 2])


@task("sample")
def test_the_end_at_once(student):
    """If the first number is 0 the word is empty, without an end mark."""
    close(student.run(say, [], None, LETTERS, 4, [1], 3, "cpu"), [["", "", ""]])


@task("sample")
def test_letters_are_drawn(student):
    """Of 200 letters, "k" with 0.8 and "t" with 0.2, about 160 are "k"; the generator decides."""
    drawn = [1e-9, 0.8, 1e-9, 0.2, 1e-9]
    said = student.run(say, [], drawn, LETTERS, 4, [1], 200, "cpu")
    count = float(said[0].count("k"))
    close(count, 160.0, rtol=0.0, atol=29.0, reason="five sigma of 200 draws")
    close(float(said[0].count("t")), 200.0 - count)
    # 400 letters of four kinds: the rare one, too
    shares = {"k": 0.4, "a": 0.3, "t": 0.2, "z": 0.1}
    said = student.run(say, [], [1e-9, *shares.values()], LETTERS, 4, [1], 400, "cpu")
    for letter, share in shares.items():
        sigma = math.sqrt(400 * share * (1 - share))
        count = float(said[0].count(letter))
        close(count, 400 * share, rtol=0.0, atol=5 * sigma, reason="five sigma of 400 draws")
    answer = student.run(say, [], drawn, LETTERS, 4, [1, 1, 2], 40, "cpu")
    close(answer[1], answer[0])
    assert answer[2] != answer[0], "generators of different seeds say the same"


def check_split(student, rng, device, training, recording, examples=37):
    table, values = some(rng, (7, 5), device), norm_values(rng, 5, device)
    X, Y = some_ids(rng, (examples, 3), device, 7), some_ids(rng, (examples,), device, 5)
    logits = eval_norm(F.embedding(X, table).sum(1), values)
    expected = {
        "loss": F.cross_entropy(logits, Y).item(),
        "graph": False,
        "training": [training, training],
        "recording": recording,
        "want gradients": True,
        "gradients kept": True,
        "state": values,
    }
    answer = student.run(bench, "split", table, values, X, Y, training, recording)
    check(answer, expected, **ROUNDED)


@task("split_loss")
def test_in_the_middle_of_training(student, rng, device):
    """The loss in eval mode, without a graph; then training again; running numbers unmoved."""
    check_split(student, rng, device, True, True)


@task("split_loss")
def test_in_eval_already(student, rng, device):
    """A model in eval mode is in eval mode afterwards."""
    check_split(student, rng, device, False, True)


@task("split_loss")
def test_where_nothing_is_recorded(student, rng, device):
    """Called where no gradients are recorded it leaves that as it is; one example is enough."""
    check_split(student, rng, device, True, False, 1)


@task("split_loss")
def test_every_example_counts_once(student, rng, device):
    """The mean over a whole set of 10,007: each example has the same share, the last one too."""
    check_split(student, rng, device, True, True, 10_007)
