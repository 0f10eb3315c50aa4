"""What decides: every gradient against PyTorch, with gradients from above that hide nothing.

Exercise 1: for each step the pieces of the graph that use its result are written down below as
functions of it, and PyTorch differentiates those, for any gradients handed in. The network's
own would hide some mistakes: each row of dnorm_logits sums to zero, so dlogit_maxes is zero.
"""

import types

import torch

from autograder.suite import close, task

F = torch.nn.functional

SINGLE = {"rtol": 1e-6, "atol": 1e-6, "reason": "a gradient in float32 on the way is right, too"}
EXACT = {"rtol": 1e-9, "atol": 1e-9, "reason": "in float64 any order of sums is closer than this"}
UNTOUCHED = {"rtol": 0.0, "atol": 0.0, "reason": "what is only read stays as it is"}
PARAMETERS = ("C", "W1", "b1", "W2", "b2", "bngain", "bnbias")

# Every gradient: the gradients that its function gets, and for each what its result is used for.
USES = {
    "dlogprobs": ([], [lambda c, x: -x[torch.arange(c.n, device=x.device), c.Yb].mean()]),
    "dprobs": (["dlogprobs"], [lambda c, x: x.log()]),
    "dcounts_sum_inv": (["dprobs"], [lambda c, x: c.counts * x]),
    "dcounts_sum": (["dcounts_sum_inv"], [lambda c, x: x**-1]),
    "dcounts": (
        ["dprobs", "dcounts_sum"],
        [lambda c, x: x * c.counts_sum_inv, lambda c, x: x.sum(1, keepdim=True)],
    ),
    "dnorm_logits": (["dcounts"], [lambda c, x: x.exp()]),
    "dlogit_maxes": (["dnorm_logits"], [lambda c, x: c.logits - x]),
    "dlogits": (
        ["dnorm_logits", "dlogit_maxes"],
        [lambda c, x: x - c.logit_maxes, lambda c, x: x.max(1, keepdim=True).values],
    ),
    "dh": (["dlogits"], [lambda c, x: x @ c.W2 + c.b2]),
    "dW2": (["dlogits"], [lambda c, x: c.h @ x + c.b2]),
    "db2": (["dlogits"], [lambda c, x: c.h @ c.W2 + x]),
    "dhpreact": (["dh"], [lambda c, x: torch.tanh(x)]),
    "dbngain": (["dhpreact"], [lambda c, x: x * c.bnraw + c.bnbias]),
    "dbnbias": (["dhpreact"], [lambda c, x: c.bngain * c.bnraw + x]),
    "dbnraw": (["dhpreact"], [lambda c, x: c.bngain * x + c.bnbias]),
    "dbnvar_inv": (["dbnraw"], [lambda c, x: c.bndiff * x]),
    "dbnvar": (["dbnvar_inv"], [lambda c, x: (x + 1e-5) ** -0.5]),
    "dbndiff2": (["dbnvar"], [lambda c, x: x.sum(0, keepdim=True) / (c.n - 1)]),
    "dbndiff": (
        ["dbnraw", "dbndiff2"],
        [lambda c, x: x * c.bnvar_inv, lambda c, x: x**2],
    ),
    "dbnmeani": (["dbndiff"], [lambda c, x: c.hprebn - x]),
    "dhprebn": (
        ["dbndiff", "dbnmeani"],
        [lambda c, x: x - c.bnmeani, lambda c, x: x.mean(0, keepdim=True)],
    ),
    "dembcat": (["dhprebn"], [lambda c, x: x @ c.W1 + c.b1]),
    "dW1": (["dhprebn"], [lambda c, x: c.embcat @ x + c.b1]),
    "db1": (["dhprebn"], [lambda c, x: c.embcat @ c.W1 + x]),
    "demb": (["dembcat"], [lambda c, x: x.flatten(1)]),
    "dC": (["demb"], [lambda c, x: F.embedding(c.Xb, x)]),
}


def some(rng, shape, device, dtype=torch.float64):
    return torch.randn(shape, generator=rng, dtype=dtype).to(device)


def some_letters(rng, shape, most, device):
    return torch.randint(0, most, shape, generator=rng).to(device)


def network(rng, device, V=7, E=4, S=3, H=6):
    """Parameters under which nothing is 0, 1 or flat."""
    shapes = [(V, E), (S * E, H), (H,), (H, V), (V,), (1, H), (1, H)]
    scales = [1.0, (S * E) ** -0.5, 0.3, H**-0.5, 0.3, 0.2, 0.2]
    params = [s * some(rng, shape, device) for shape, s in zip(shapes, scales)]
    params[5] += 1.0
    return params


def batch(rng, device, n=5, V=7, S=3):
    """Xb and Yb; letter V - 2 stands twice in one window and in another, letter V - 1 nowhere.

    The first two labels differ.
    """
    Xb = some_letters(rng, (n, S), V - 1, device)
    Xb[0, 0] = Xb[0, 2] = Xb[1, 1] = V - 2
    Yb = some_letters(rng, (n,), V, device)
    Yb[1] = (Yb[0] + 1) % V
    return Xb, Yb


def walk(params, Xb, Yb):
    """Every step of the way forward, as attributes, with parameters, Xb, Yb and n."""
    c = types.SimpleNamespace(**dict(zip(PARAMETERS, params, strict=True)))
    c.n = n = len(Xb)
    c.emb = F.embedding(Xb, c.C)
    c.embcat = c.emb.flatten(1)
    c.hprebn = c.embcat @ c.W1 + c.b1
    c.bnmeani = 1 / n * c.hprebn.sum(0, keepdim=True)
    c.bndiff = c.hprebn - c.bnmeani
    c.bndiff2 = c.bndiff**2
    c.bnvar = 1 / (n - 1) * c.bndiff2.sum(0, keepdim=True)
    c.bnvar_inv = (c.bnvar + 1e-5) ** -0.5
    c.bnraw = c.bndiff * c.bnvar_inv
    c.hpreact = c.bngain * c.bnraw + c.bnbias
    c.h = torch.tanh(c.hpreact)
    c.Xb, c.Yb = Xb, Yb
    return walk_from_logits(c, c.h @ c.W2 + c.b2)


def walk_from_logits(c, logits):
    """The last steps, which turn the logits into the loss."""
    c.logits = logits
    c.logit_maxes = c.logits.max(1, keepdim=True).values
    c.norm_logits = c.logits - c.logit_maxes
    c.counts = c.norm_logits.exp()
    c.counts_sum = c.counts.sum(1, keepdim=True)
    c.counts_sum_inv = c.counts_sum**-1
    c.probs = c.counts * c.counts_sum_inv
    c.logprobs = c.probs.log()
    c.loss = -c.logprobs[torch.arange(c.n, device=logits.device), c.Yb].mean()
    return c


def handed_to(name, c, rng, device):
    """Made-up gradients of the right shapes for the function of this name."""
    return [some(rng, getattr(c, need[1:]).shape, device) for need in USES[name][0]]


def branches_of(name, c, gradients):
    """What comes back through each use of the thing: the gradient is their sum."""
    x = getattr(c, name[1:]).clone().requires_grad_()
    above = gradients or [torch.ones_like(c.loss)]
    return [torch.autograd.grad(use(c, x), x, d)[0] for use, d in zip(USES[name][1], above)]


def answer(m, name, c, gradients):
    """The gradient; what was handed in, afterwards; the gradient again, once that was changed."""
    import types

    import torch

    gradient = getattr(m, name)(types.SimpleNamespace(**c), *gradients)
    at_once = gradient.clone() if isinstance(gradient, torch.Tensor) else gradient
    tensors = [t for t in (*c.values(), *gradients) if isinstance(t, torch.Tensor)]
    handed = torch.cat([t.detach().reshape(-1).double() for t in tensors])
    with torch.no_grad():
        for t in tensors:
            t.mul_(3)
    # demb may be a view: the lecture's is
    return {"gradient": at_once, "handed": handed, "later": at_once if name == "demb" else gradient}


def plain_answer(m, name, c, gradients):
    import types

    return getattr(m, name)(types.SimpleNamespace(**c), *gradients)


def check(got, name, c, branches):
    """The gradient is the sum of what comes back through each use; a wrong one is told how."""
    named = dict(zip([need[1:] for need in USES[name][0]], branches))
    compare(got, sum(branches), n=c.n, branches=named if len(named) > 1 else None)


def compare(got, right, room=EXACT, **known):
    """An answer in float32 is judged as one, though all that was handed in is float64."""
    if isinstance(got, torch.Tensor) and got.dtype == torch.float32:
        right, room = right.float(), {}
    close(got, right, **known, **room)


def made_up(name):
    """A test at n=5, V=7, E=4, S=3, H=6."""

    def test(student, rng, device):
        c = walk(network(rng, device), *batch(rng, device))
        gradients = handed_to(name, c, rng, device)
        branches = branches_of(name, c, gradients)
        got = student.run(answer, name, vars(c), gradients)
        check(got["gradient"], name, c, branches)
        tensors = [t for t in (*vars(c).values(), *gradients) if isinstance(t, torch.Tensor)]
        handed = torch.cat([t.reshape(-1).double() for t in tensors])
        close(got["handed"], handed, **UNTOUCHED)
        check(got["later"], name, c, branches)

    shape = {"dlogprobs": "logprobs"}.get(name, name[1:])
    test.__doc__ = (
        f"{name} has the shape of {shape} and is right for any gradients from above; what it was"
        " made of is left alone, and changing that later doesn't change it."
    )
    return task(name)(test)


def batch_of_two(name):
    """A test at n=2, V=11, E=5, S=4, H=3."""

    def test(student, rng, device):
        c = walk(network(rng, device, 11, 5, 4, 3), *batch(rng, device, 2, 11, 4))
        gradients = handed_to(name, c, rng, device)
        got = student.run(plain_answer, name, vars(c), gradients)
        check(got, name, c, branches_of(name, c, gradients))

    test.__doc__ = f"{name} is right for a batch of two, other sizes and other letters."
    return task(name)(test)


def in_single(name):
    """A test at n=4, V=6, E=2, S=5, H=3 in float32."""

    def test(student, rng, device):
        params = [p.float() for p in network(rng, device, 6, 2, 5, 3)]
        c = walk(params, *batch(rng, device, 4, 6, 5))
        gradients = [d.float() for d in handed_to(name, c, rng, device)]
        right = sum(branches_of(name, c, gradients))
        largest = max(float(d.abs().max()) for d in [right, *gradients])
        got = student.run(plain_answer, name, vars(c), gradients)
        why = "float32 rounds in the seventh digit of the largest number"
        close(got, right, rtol=1e-4, atol=1e-5 * largest, reason=why)

    test.__doc__ = f"{name} of float32 is float32: a gradient has the dtype of its thing."
    return task(name)(test)


for gradient in USES:
    globals()[f"test_{gradient}_in_single"] = in_single(gradient)
    globals()[f"test_{gradient}"] = made_up(gradient)
    globals()[f"test_{gradient}_of_two"] = batch_of_two(gradient)


# ---------------------------------------------------------- exercise 1: where it gets narrow


@task("dlogits")
def test_two_largest(student, rng, device):
    """Where two logits of a row are the largest, one of them gets dlogit_maxes, or they share."""
    c = walk(network(rng, device), *batch(rng, device))
    logits = c.logits.clone()
    logits[2] -= 1
    logits[2, 1] = logits[2, 5] = c.logit_maxes[2, 0]
    c = walk_from_logits(c, logits)
    gradients = handed_to("dlogits", c, rng, device)
    first, second = gradients[0].clone(), gradients[0].clone()
    for row in range(5):
        best = int(c.logits[row].argmax())
        for d, at in ((first, best if row != 2 else 1), (second, best if row != 2 else 5)):
            d[row, at] += gradients[1][row, 0]
    right = [first, second, (first + second) / 2]
    got = student.run(plain_answer, "dlogits", vars(c), gradients)
    if isinstance(got, torch.Tensor) and got.shape == first.shape:
        right.sort(key=lambda d: float((got - d).abs().max()))
    check(got, "dlogits", c, [gradients[0], right[0] - gradients[0]])


@task("dprobs")
def test_a_tiny_probability(student, rng, device):
    """A right letter with a probability of about 1e-9 gets a huge gradient: nothing is clamped."""
    c = walk(network(rng, device), *batch(rng, device))
    logits = c.logits.clone()
    logits[1, c.Yb[1]] = c.logit_maxes[1, 0] - 20
    c = walk_from_logits(c, logits)
    gradients = handed_to("dprobs", c, rng, device)
    got = student.run(plain_answer, "dprobs", vars(c), gradients)
    check(got, "dprobs", c, branches_of("dprobs", c, gradients))


@task("dbnvar")
def test_hardly_any_variance(student, rng, device):
    """A column with a variance of about 1e-6: beside that, 1e-5 is not small."""
    params = network(rng, device)
    params[1][:, 2] *= 1e-3
    c = walk(params, *batch(rng, device))
    gradients = handed_to("dbnvar", c, rng, device)
    got = student.run(plain_answer, "dbnvar", vars(c), gradients)
    check(got, "dbnvar", c, branches_of("dbnvar", c, gradients))


@task("dC")
def test_one_letter_everywhere(student, rng, device):
    """A letter that fills a window and stands in every other gets the sum of all its places."""
    Xb = some_letters(rng, (5, 3), 7, device)
    Xb[1], Xb[:, 1] = 3, 3
    c = walk(network(rng, device), Xb, some_letters(rng, (5,), 7, device))
    gradients = handed_to("dC", c, rng, device)
    got = student.run(plain_answer, "dC", vars(c), gradients)
    check(got, "dC", c, branches_of("dC", c, gradients))


@task("dlogprobs")
def test_the_same_label(student, rng, device):
    """Several examples with the same label: one number in each row, all others zero."""
    Xb, Yb = batch(rng, device)
    Yb[:] = 4
    c = walk(network(rng, device), Xb, Yb)
    got = student.run(plain_answer, "dlogprobs", vars(c), [])
    check(got, "dlogprobs", c, branches_of("dlogprobs", c, []))


# ---------------------------------------------------------------------------- is it right?


def compared(m, name, dt, grad):
    """cmp's answer as plain numbers, and the line that it printed, cut into its values."""
    import contextlib
    import io
    import re

    t = (grad + 1).requires_grad_()  # its numbers aren't its gradient
    t.grad = grad.clone()
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exact, approximate, maxdiff = m.cmp(name, dt, t)
    line = told.getvalue().replace("tensor(", "").replace(")", "")
    words = [re.search(rf"{word}: *(\w+)", line) for word in ("exact", "approximate")]
    number = re.search(r"maxdiff: *([0-9.]+(e-?[0-9]+)?)", line)
    return {
        "exact": bool(exact),
        "approximate": bool(approximate),
        "maxdiff": float(maxdiff),
        "name": name if line.lstrip().startswith(name) else line[:40],
        "told": [word and word[1] for word in words],
        "difference": number and round(float(number[1]), 3),
        "handed": [dt, t.grad],
    }


def check_comparison(student, name, dt, grad, exact, approximate, maxdiff):
    """The answer, the line, and both tensors as they were."""
    right = {"exact": exact, "approximate": approximate, "maxdiff": maxdiff, "name": name}
    right |= {"told": [str(exact), str(approximate)], "handed": [dt, grad]}
    right["difference"] = round(maxdiff, 3)
    close(student.run(compared, name, dt, grad), right, **DYADIC)


DYADIC = {"rtol": 1e-3, "atol": 1e-15, "reason": "a difference of 2**-30 is what it is about"}


@task("cmp")
def test_too_small_and_too_large(student, rng, device):
    """Whichever is larger, maxdiff is the largest distance, and 1e-9 is approximately nothing."""
    grad = some(rng, (5, 7), device).round(decimals=1)
    for off, exact, near in ((0.0, True, True), (2.0**-30, False, True), (0.25, False, False)):
        for sign in (-1.0, 1.0):
            dt = grad.clone()
            dt[3, 4] += sign * off
            dt[0, 1] += sign * off / 2
            check_comparison(student, "bnvar_inv", dt, grad, exact, near, off)


@task("cmp")
def test_one_wrong_among_many(student, rng, device):
    """A single wrong number is enough for exact and approximate to be False."""
    grad = some(rng, (4, 3, 2), device)
    dt = grad.clone()
    dt[2, 1, 1] += 2.0
    check_comparison(student, "emb", dt, grad, False, False, 2.0)


def opinion(m, dt, grad):
    """exact and approximate."""
    t = (grad + 1).requires_grad_()
    t.grad = grad.clone()
    exact, approximate, _ = m.cmp("x", dt, t)
    return [bool(exact), bool(approximate)]


@task("cmp")
def test_other_shapes(student, rng, device):
    """(6,) is not (1, 6), and one row isn't the same as five equal rows, though it broadcasts."""
    row = some(rng, (1, 6), device)
    for dt, grad in ((row[0], row), (row, row.repeat(5, 1)), (row.repeat(5, 1), row)):
        close(student.run(opinion, dt, grad), [False, False])


@task("cmp")
def test_the_opinion_of_allclose(student, rng, device):
    """A millionth of a thousand is approximately nothing, a ten thousandth of one isn't."""
    for scale, off, near in ((1e3, 1e-6, True), (1.0, 1e-4, False)):
        grad = scale * numbers_around(rng, (3, 4), device)
        close(student.run(opinion, grad * (1 + off), grad), [False, near])


def checked(m, which, x, dx, h):
    """gradcheck's opinion, and x afterwards."""
    functions = {
        "cubes": lambda x: (x**3).sum(),
        "far": lambda x: 1e6 * (x**2).sum(),
        "near": lambda x: (0.05 * x).tanh().sum(),
        "mixed": lambda x: (x * x.flip(0)).sum() + x.exp().sum(),
    }
    before = x.clone()
    error = m.gradcheck(functions[which], x, dx, **({} if h is None else {"h": h}))
    error = min(float(error), 1e299)  # something by a gradient of 0 is infinite, and right
    return {"error": error, "x": x.detach().to(before.dtype)}


def check_error(student, which, x, dx, low, high, h=None):
    got = student.run(checked, which, x, dx, h)
    close(got["x"], x, rtol=1e-9, atol=1e-9, reason="a step there and back may leave a rounding")
    middle, room = (low + high) / 2, (high - low) / 2
    close(got["error"], middle, rtol=0.0, atol=room, reason="several definitions are right")


def numbers_around(rng, shape, device, low=0.5, high=2.0):
    """Numbers of both signs, none near zero."""
    size = low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)
    sign = torch.randint(0, 2, shape, generator=rng) * 2 - 1
    return (size * sign).to(device)


@task("gradcheck")
def test_a_right_gradient(student, rng, device):
    """For right gradients the error is next to nothing: steps to both sides, in float64."""
    x = numbers_around(rng, (2, 3), device)
    check_error(student, "cubes", x, 3 * x**2, 0.0, 1e-7)
    x = numbers_around(rng, (4,), device)
    check_error(student, "mixed", x, 2 * x.flip(0) + x.exp(), 0.0, 1e-6)


@task("gradcheck")
def test_float32_inputs(student, rng, device):
    """x in float32 is taken to float64 first: else rounding would be larger than any mistake."""
    x = numbers_around(rng, (3, 4), device).float()
    check_error(student, "cubes", x, 3 * x.double() ** 2, 0.0, 1e-6)


@task("gradcheck")
def test_all_shapes(student, rng, device):
    """x is a single number, has three dimensions, or has 150 numbers."""
    for shape in ((), (2, 1, 3), (150,)):
        x = numbers_around(rng, shape, device)
        check_error(student, "cubes", x, 3 * x**2, 0.0, 1e-6)
    dx = 3 * x**2
    dx[149] *= 2
    check_error(student, "cubes", x, dx, 0.2, 10.0)


def checked_turned(m, x, dx):
    """gradcheck's opinion where x is the transpose of another tensor."""
    return float(m.gradcheck(lambda x: (x**3).sum(), x.T, dx.T))


@task("gradcheck")
def test_a_transpose(student, rng, device):
    """x.T lies in memory in another order: its gradient is right all the same."""
    x = numbers_around(rng, (2, 3), device)
    why = "central differences, two roundings"
    close(student.run(checked_turned, x, 3 * x**2), 0.0, rtol=0.0, atol=1e-6, reason=why)


@task("gradcheck")
def test_a_planted_mistake(student, rng, device):
    """One number that is wrong shows, wherever it is: twice as large, with another sign, zero."""
    x = numbers_around(rng, (2, 5), device)
    for at, factor in ((0, 2.0), (9, -1.0), (4, 0.0)):
        dx = 3 * x**2
        dx.view(-1)[at] *= factor
        check_error(student, "cubes", x, dx, 0.2, float("1e300"))


@task("gradcheck")
def test_relative_errors(student, rng, device):
    """Relative errors: a millionth of a large gradient is nothing, half of a small one is much."""
    x = numbers_around(rng, (6,), device)
    check_error(student, "far", x, 2e6 * x * (1 + 1e-6), 0.0, 1e-4)
    dx = 0.05 * (1 - (0.05 * x).tanh() ** 2)
    check_error(student, "near", x, dx, 0.0, 1e-6)
    dx[3] *= 2
    check_error(student, "near", x, dx, 0.02, 10.0)


@task("gradcheck")
def test_the_size_of_the_step(student, device):
    """With h=0.1 the slope of x³ at 1 is measured as 3.01, so 3 is 0.003 off (by either size)."""
    x = torch.ones(2, dtype=torch.float64, device=device)
    check_error(student, "cubes", x, 3 * x, 0.0015, 0.0035, h=0.1)


# ------------------------------------------------------------- exercises 2 and 3, and around


def unbroadcast_all(m, d, shapes):
    """Each in its own shape, after d was changed; one that needs no sum may be d itself."""
    import torch

    out = []
    for shape in shapes:
        x = m.unbroadcast(d, tuple(shape))
        same = isinstance(x, torch.Tensor) and tuple(shape) == d.shape
        out.append(x.clone() if same else x)
    return [out, d]


def check_unbroadcast(student, d, shapes):
    right = []
    for shape in shapes:
        x = torch.zeros(shape, dtype=d.dtype, device=d.device, requires_grad=True)
        right.append(torch.autograd.grad(x.expand(d.shape), x, d)[0])
    close(student.run(unbroadcast_all, d, shapes), [right, d], **EXACT)


@task("unbroadcast")
def test_leading_dimensions(student, rng, device):
    """One, two or all of the first dimensions are missing; a number stays a number."""
    check_unbroadcast(student, some(rng, (2, 5, 7), device), [(5, 7), (7,), ()])


@task("unbroadcast")
def test_sizes_of_one(student, rng, device):
    """Sizes of 1 at the front, in the middle, at the end, everywhere."""
    shapes = [(1, 5, 7), (2, 1, 7), (2, 5, 1), (1, 1, 7), (2, 1, 1), (1, 5, 1), (1, 1, 1)]
    check_unbroadcast(student, some(rng, (2, 5, 7), device), shapes)


@task("unbroadcast")
def test_both_at_once(student, rng, device):
    """A missing dimension and a size of 1: (2, 5, 7) back to (5, 1), (1, 7), (1, 1) and (1,)."""
    check_unbroadcast(student, some(rng, (2, 5, 7), device), [(5, 1), (1, 7), (1, 1), (1,)])


@task("unbroadcast")
def test_nothing_to_sum(student, rng, device):
    """The same shape, also with sizes of 1 in it: the gradient as it is."""
    check_unbroadcast(student, some(rng, (5, 7), device), [(5, 7)])
    check_unbroadcast(student, some(rng, (5, 1, 7), device), [(5, 1, 7), (1, 1, 7), (1, 7)])


def logits_backward(m, logits, Yb):
    gradient = m.cross_entropy_backward(logits, Yb)
    return {"gradient": gradient, "logits": logits, "Yb": Yb}


def right_logits_backward(logits, Yb):
    x = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(x, Yb), x)
    return {"gradient": gradient, "logits": logits, "Yb": Yb}


@task("cross_entropy_backward")
def test_probabilities_minus_one_hot(student, rng, device):
    """Several sizes, a batch of one among them; the logits that you were given stay as they are."""
    for n, V in ((5, 7), (1, 4), (6, 3)):
        logits, Yb = 2 * some(rng, (n, V), device), some_letters(rng, (n,), V, device)
        got = student.run(logits_backward, logits, Yb)
        close(got, right_logits_backward(logits, Yb), n=n, **EXACT)


@task("cross_entropy_backward")
def test_huge_logits(student, rng, device):
    """Logits up to 1e4 and down to -1e4 in float32 give neither NaN nor infinity."""
    logits = some(rng, (5, 7), device, torch.float32)
    logits[0, 3], logits[1, 2], logits[2], logits[3, 0] = 1e4, -1e4, logits[2] + 1e4, 200.0
    Yb = torch.tensor([3, 2, 6, 1, 0], device=device)
    got = student.run(logits_backward, logits, Yb)
    why = "a float32 at 1e4 has steps of 1e-3: so has the log of the row's sum, and exp of it"
    close(got, right_logits_backward(logits, Yb), rtol=2e-3, atol=3e-4, reason=why)


def columns(rng, device, n, H):
    """hprebn and what batchnorm_backward gets: dhpreact, bngain, bnraw, bnvar_inv."""
    hprebn = 2 * some(rng, (n, H), device) + 1
    bngain = 1 + 0.2 * some(rng, (1, H), device)
    bnvar_inv = (hprebn.var(0, keepdim=True) + 1e-5) ** -0.5
    bnraw = (hprebn - hprebn.mean(0, keepdim=True)) * bnvar_inv
    return hprebn, [some(rng, (n, H), device), bngain, bnraw, bnvar_inv]


def normalised_backward(m, arguments):
    return [m.batchnorm_backward(*arguments), arguments]


def check_batchnorm(student, hprebn, arguments):
    dhpreact, bngain, _, _ = arguments
    x = hprebn.clone().requires_grad_()
    out = bngain * (x - x.mean(0, keepdim=True)) * (x.var(0, keepdim=True) + 1e-5) ** -0.5
    (right,) = torch.autograd.grad(out, x, dhpreact)
    got = student.run(normalised_backward, arguments)
    close(got, [right, arguments], n=len(hprebn), **EXACT)


@task("batchnorm_backward")
def test_the_unbiased_variance(student, rng, device):
    """n - 1 examples below the line, not n; what was handed in is left alone."""
    check_batchnorm(student, *columns(rng, device, 5, 6))


@task("batchnorm_backward")
def test_a_batch_of_two(student, rng, device):
    """With two examples n is twice n - 1, and hardly anything comes through."""
    check_batchnorm(student, *columns(rng, device, 2, 7))


@task("batchnorm_backward")
def test_more_examples_than_columns(student, rng, device):
    """Eleven examples, three columns, one of them with a variance of about 1e-6."""
    hprebn = some(rng, (11, 3), device)
    hprebn[:, 1] *= 1e-3
    bngain = 1 + 0.2 * some(rng, (1, 3), device)
    bnvar_inv = (hprebn.var(0, keepdim=True) + 1e-5) ** -0.5
    bnraw = (hprebn - hprebn.mean(0, keepdim=True)) * bnvar_inv
    check_batchnorm(student, hprebn, [some(rng, (11, 3), device), bngain, bnraw, bnvar_inv])


def layer_backward(m, dout, x, W):
    return {"gradients": list(m.linear_backward(dout, x, W)), "handed": [dout, x, W]}


def check_linear(student, rng, device, *before):
    x, W = some(rng, (*before, 6), device), some(rng, (6, 7), device)
    b, dout = some(rng, (7,), device), some(rng, (*before, 7), device)
    leaves = [t.clone().requires_grad_() for t in (x, W, b)]
    right = torch.autograd.grad(leaves[0] @ leaves[1] + leaves[2], leaves, dout)
    got = student.run(layer_backward, dout, x, W)
    close(got, {"gradients": list(right), "handed": [dout, x, W]}, **EXACT)


@task("linear_backward")
def test_rows(student, rng, device):
    """x with two dimensions: dx, dW, db; a batch of one keeps its shapes, too."""
    check_linear(student, rng, device, 5)
    check_linear(student, rng, device, 1)


@task("linear_backward")
def test_three_dimensions(student, rng, device):
    """x is (5, 3, 6): W and b collect over both dimensions in front."""
    check_linear(student, rng, device, 5, 3)


@task("linear_backward")
def test_one_position(student, rng, device):
    """x is (4, 1, 6), then (1, 4, 6): dx keeps the size of 1."""
    check_linear(student, rng, device, 4, 1)
    check_linear(student, rng, device, 1, 4)


def bend_backward(m, dout, out):
    return {"gradient": m.tanh_backward(dout, out), "handed": [dout, out]}


@task("tanh_backward")
def test_any_shape(student, rng, device):
    """Of tanh's result alone, flat ends included, in one, two and three dimensions."""
    for shape in ((6,), (5, 6), (2, 3, 4)):
        x, dout = (2 * some(rng, shape, device)).requires_grad_(), some(rng, shape, device)
        out = torch.tanh(x)
        (right,) = torch.autograd.grad(out, x, dout)
        out = out.detach()
        got = student.run(bend_backward, dout, out)
        close(got, {"gradient": right, "handed": [dout, out]}, **EXACT)


def table_backward(m, demb, Xb, V):
    return {"gradient": m.embedding_backward(demb, Xb, V), "handed": [demb, Xb]}


def check_embedding(student, rng, device, Xb, V, E):
    demb = some(rng, (*Xb.shape, E), device)
    table = some(rng, (V, E), device).requires_grad_()
    (right,) = torch.autograd.grad(F.embedding(Xb, table), table, demb)
    got = student.run(table_backward, demb, Xb, V)
    close(got, {"gradient": right, "handed": [demb, Xb]}, **EXACT)


@task("embedding_backward")
def test_repeated_letters(student, rng, device):
    """A letter twice in a window, a letter in every window: their rows collect everything."""
    Xb = some_letters(rng, (5, 3), 6, device)
    Xb[0], Xb[:, 1] = 2, 2
    check_embedding(student, rng, device, Xb, 7, 4)


@task("embedding_backward")
def test_letters_that_never_occur(student, rng, device):
    """The last letters don't occur: the table has V rows all the same, and theirs are zero."""
    check_embedding(student, rng, device, some_letters(rng, (6, 4), 5, device), 11, 2)


def layers_in_single(m, name, arguments):
    found = getattr(m, name)(*arguments)
    return list(found) if isinstance(found, (list, tuple)) else [found]


ROUNDED = {"rtol": 1e-4, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}


@task("batchnorm_backward")
def test_batchnorm_in_single(student, rng, device):
    """float32 in, float32 out."""
    hprebn, arguments = columns(rng, device, 5, 6)
    dhpreact, bngain, _, _ = arguments
    x = hprebn.clone().requires_grad_()
    out = bngain * (x - x.mean(0, keepdim=True)) * (x.var(0, keepdim=True) + 1e-5) ** -0.5
    (right,) = torch.autograd.grad(out, x, dhpreact)
    single = [t.float() for t in arguments]
    got = student.run(layers_in_single, "batchnorm_backward", single)
    close(got, [right.float()], **ROUNDED)


@task("linear_backward")
def test_linear_in_single(student, rng, device):
    """float32 in, float32 out."""
    x, W, dout = (some(rng, s, device).float() for s in ((5, 3, 6), (6, 7), (5, 3, 7)))
    right = [dout @ W.T, torch.einsum("nti,nto->io", x, dout), dout.sum((0, 1))]
    close(student.run(layers_in_single, "linear_backward", [dout, x, W]), right, **ROUNDED)


@task("tanh_backward")
def test_tanh_in_single(student, rng, device):
    """float32 in, float32 out."""
    out, dout = torch.tanh(some(rng, (5, 6), device)).float(), some(rng, (5, 6), device).float()
    close(
        student.run(layers_in_single, "tanh_backward", [dout, out]),
        [dout * (1 - out**2)],
        **ROUNDED,
    )


# ------------------------------------------------------------------ exercise 4: all of it


def all_gradients(m, params, cache):
    """backward's answer, and what it was given, afterwards.

    What the student's own forward keeps besides is in the cache, too; where a name is known
    the numbers are the suite's, so that a forward that was broken doesn't matter here.
    """
    handed = dict(cache)
    try:
        own = m.forward(params, cache["Xb"], cache["Yb"])
    except Exception:
        own = {}
    cache = {**own, **cache} if isinstance(own, dict) else cache
    gradients = list(m.backward(params, cache))
    kept = {name: cache.get(name) for name in handed}
    return {"gradients": gradients, "handed": kept, "params": params}


def without_parameters(c):
    return {name: t for name, t in vars(c).items() if name not in (*PARAMETERS, "n")}


def right_gradients(params, Xb, Yb):
    """(c without a graph, the parameters' gradients)."""
    leaves = [p.clone().requires_grad_() for p in params]
    gradients = torch.autograd.grad(walk(leaves, Xb, Yb).loss, leaves)
    return walk(params, Xb, Yb), list(gradients)


def check_backward(student, params, Xb, Yb):
    c, right = right_gradients(params, Xb, Yb)
    cache = without_parameters(c)
    got = student.run(all_gradients, params, cache)
    close(len(got["gradients"]), len(right))
    for one, wanted in zip(got["gradients"], right):
        compare(one, wanted, SINGLE, n=c.n)
    close([got["handed"], got["params"]], [cache, params], **UNTOUCHED)


@task("backward")
def test_all_seven(student, rng, device):
    """Every parameter's gradient in its shape, in the parameters' order; the cache is kept."""
    check_backward(student, network(rng, device), *batch(rng, device))


@task("backward")
def test_other_sizes(student, rng, device):
    """Other sizes: eight examples of four of eleven letters in five dimensions, six neurons."""
    params = network(rng, device, 11, 5, 4, 6)
    check_backward(student, params, *batch(rng, device, 8, 11, 4))


@task("backward")
def test_a_narrow_column(student, rng, device):
    """A neuron whose inputs hardly vary: the 1e-5 in the variance matters."""
    params = network(rng, device)
    params[1][:, 4] *= 1e-3
    check_backward(student, params, *batch(rng, device))


@task("backward")
def test_two_examples(student, rng, device):
    """A batch of two, which batch normalisation lets hardly anything through."""
    check_backward(student, network(rng, device), *batch(rng, device, 2))


def steps(m, params, batches, lr, wanting):
    """The losses of some steps, the given tensors afterwards, and whether a graph is kept."""
    import torch

    kept = [p.requires_grad_(wanting) for p in params]
    params, losses, graphs = list(kept), [], []
    recording = torch.is_grad_enabled()
    for Xb, Yb in batches:
        loss = m.train_step(params, Xb, Yb, lr)
        graphs.append(isinstance(loss, torch.Tensor) and loss.requires_grad)
        losses.append(float(loss))
    unchanged = torch.is_grad_enabled() == recording
    torch.set_grad_enabled(recording)
    return {
        "grad mode unchanged": unchanged,
        "losses": losses,
        "params": [p.detach() for p in kept],
        "graphs": graphs,
        "wanting": [p.requires_grad for p in kept],
        "grads": [p.grad is None for p in kept],
        "leaves": [p.is_leaf for p in kept],
    }


def right_steps(params, batches, lr):
    losses = []
    for Xb, Yb in batches:
        c, gradients = right_gradients(params, Xb, Yb)
        losses.append(c.loss.item())
        params = [p - lr * d for p, d in zip(params, gradients)]
    return losses, params


def check_steps(student, rng, device, wanting, lr, count, steep=1.0):
    params = network(rng, device)
    params[3] *= steep
    batches = [batch(rng, device, 6) for _ in range(count)]
    losses, after = right_steps(params, batches, lr)
    got = student.run(steps, [p.clone() for p in params], batches, lr, wanting)
    right = {"losses": losses, "params": after, "graphs": [False] * count}
    right |= {"wanting": [wanting] * 7, "grads": [True] * 7, "leaves": [True] * 7}
    right["grad mode unchanged"] = True
    close(got, right, **SINGLE)


@task("train_step")
def test_three_steps(student, rng, device):
    """Three minibatches: each step starts from the last, in the tensors that you were given."""
    check_steps(student, rng, device, wanting=False, lr=0.3, count=3)


@task("train_step")
def test_no_graph(student, rng, device):
    """Parameters that want gradients are changed, too; neither they nor the loss have a graph."""
    check_steps(student, rng, device, wanting=True, lr=0.1, count=1)


@task("train_step")
def test_a_rate_of_zero(student, rng, device):
    """With a rate of 0 nothing moves, and the loss is the loss."""
    check_steps(student, rng, device, wanting=False, lr=0.0, count=1)


@task("train_step")
def test_large_gradients(student, rng, device):
    """Gradients far above 1 are followed as they are: nothing is clipped."""
    check_steps(student, rng, device, wanting=False, lr=0.01, count=1, steep=100.0)


def statistics(m, params, Xtr):
    """(bnmean, bnvar) as rows, whether (H,) or (1, H); do they hang on a graph? The parameters."""
    import torch

    params = [p.requires_grad_() for p in params]
    recording = torch.is_grad_enabled()
    found = list(m.calibrate(params, Xtr))
    unchanged = torch.is_grad_enabled() == recording
    torch.set_grad_enabled(recording)
    return {
        "wanting": [p.requires_grad for p in params],
        "grad mode unchanged": unchanged,
        "rows": [t.detach().reshape(1, -1) for t in found],
        "graphs": [t.requires_grad for t in found],
        "params": [p.detach() for p in params],
    }


@task("calibrate")
def test_the_whole_training_set(student, rng, device):
    """Every example counts once, N - 1 is below the line, no graph is kept, nothing is changed.

    What is made of float32 is float32, or the network could not use it.
    """
    for N, single in ((9, False), (33, False), (2, False), (2501, False), (40, True)):
        params, Xtr = network(rng, device), some_letters(rng, (N, 3), 7, device)
        params = [p.float() for p in params] if single else params
        hprebn = F.embedding(Xtr, params[0]).flatten(1) @ params[1] + params[2]
        rows = [hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True)]
        right = {"rows": rows, "graphs": [False, False], "params": params}
        right |= {"wanting": [True] * 7, "grad mode unchanged": True}
        room = ROUNDED if single else EXACT
        close(student.run(statistics, [p.clone() for p in params], Xtr), right, **room)
