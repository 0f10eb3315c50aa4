"""What you may read: the basic case of every task. PyTorch's own gradients say what is right.

A probe is a function that runs beside your code: `m` is your backprop.py. Only its result, plain
data, comes back here. Lists and tuples stand for each other, and so do numbers and 0-d tensors.

For exercise 1 the way forward is walked here, with the sizes n=5, V=7, E=4, S=3, H=6 in float64:
no two of them are equal, and 1e-9 is far above rounding and far below any mistake. What your
function gets besides `c` are PyTorch's gradients, so that no mistake of yours goes on elsewhere.
"""

import functools

import torch

from autograder.suite import close, task

F = torch.nn.functional

SINGLE = {"rtol": 1e-6, "atol": 1e-6, "reason": "a gradient in float32 on the way is right, too"}
EXACT = {"rtol": 1e-9, "atol": 1e-9, "reason": "in float64 any order of sums is closer than this"}
PARAMETERS = ("C", "W1", "b1", "W2", "b2", "bngain", "bnbias")
# every gradient, and those that its function gets behind c
NEEDS = {
    "dlogprobs": [],
    "dprobs": ["dlogprobs"],
    "dcounts_sum_inv": ["dprobs"],
    "dcounts_sum": ["dcounts_sum_inv"],
    "dcounts": ["dprobs", "dcounts_sum"],
    "dnorm_logits": ["dcounts"],
    "dlogit_maxes": ["dnorm_logits"],
    "dlogits": ["dnorm_logits", "dlogit_maxes"],
    "dh": ["dlogits"],
    "dW2": ["dlogits"],
    "db2": ["dlogits"],
    "dhpreact": ["dh"],
    "dbngain": ["dhpreact"],
    "dbnbias": ["dhpreact"],
    "dbnraw": ["dhpreact"],
    "dbnvar_inv": ["dbnraw"],
    "dbnvar": ["dbnvar_inv"],
    "dbndiff2": ["dbnvar"],
    "dbndiff": ["dbnraw", "dbndiff2"],
    "dbnmeani": ["dbndiff"],
    "dhprebn": ["dbndiff", "dbnmeani"],
    "dembcat": ["dhprebn"],
    "dW1": ["dhprebn"],
    "db1": ["dhprebn"],
    "demb": ["dembcat"],
    "dC": ["demb"],
}


def numbers(shape, seed, device, dtype=torch.float64):
    """Numbers around 0, the same each time."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=dtype).to(device)


def letters(shape, most, seed, device):
    return torch.randint(0, most, shape, generator=torch.Generator().manual_seed(seed)).to(device)


def network(V, E, S, H, seed, device):
    """Parameters under which nothing is 0, 1 or flat."""
    shapes = [(V, E), (S * E, H), (H,), (H, V), (V,), (1, H), (1, H)]
    scales = [1.0, (S * E) ** -0.5, 0.3, H**-0.5, 0.3, 0.2, 0.2]
    params = [
        s * numbers(shape, seed + i, device) for i, (shape, s) in enumerate(zip(shapes, scales))
    ]
    params[5] += 1.0
    return params


def walk(params, Xb, Yb):
    """All steps of the way forward by name: what forward in backprop.py does."""
    C, W1, b1, W2, b2, bngain, bnbias = params
    n = len(Xb)
    c = {"emb": C[Xb]}
    c["embcat"] = c["emb"].flatten(1)
    c["hprebn"] = c["embcat"] @ W1 + b1
    c["bnmeani"] = 1 / n * c["hprebn"].sum(0, keepdim=True)
    c["bndiff"] = c["hprebn"] - c["bnmeani"]
    c["bndiff2"] = c["bndiff"] ** 2
    c["bnvar"] = 1 / (n - 1) * c["bndiff2"].sum(0, keepdim=True)
    c["bnvar_inv"] = (c["bnvar"] + 1e-5) ** -0.5
    c["bnraw"] = c["bndiff"] * c["bnvar_inv"]
    c["hpreact"] = bngain * c["bnraw"] + bnbias
    c["h"] = torch.tanh(c["hpreact"])
    c["logits"] = c["h"] @ W2 + b2
    c["logit_maxes"] = c["logits"].max(1, keepdim=True).values
    c["norm_logits"] = c["logits"] - c["logit_maxes"]
    c["counts"] = c["norm_logits"].exp()
    c["counts_sum"] = c["counts"].sum(1, keepdim=True)
    c["counts_sum_inv"] = c["counts_sum"] ** -1
    c["probs"] = c["counts"] * c["counts_sum_inv"]
    c["logprobs"] = c["probs"].log()
    c["loss"] = -c["logprobs"][torch.arange(n, device=Xb.device), Yb].mean()
    return c


@functools.cache
def walked(n, V, E, S, H, device, dtype=torch.float64):
    """(c, PyTorch's gradients) of a network of these sizes, all by name."""
    params = [p.to(dtype).requires_grad_() for p in network(V, E, S, H, 10, device)]
    Xb, Yb = letters((n, S), V, 1, device), letters((n,), V, 2, device)
    by_name = dict(zip(PARAMETERS, params))
    c = walk(params, Xb, Yb)
    of = {name: by_name.get(name[1:], c.get(name[1:])) for name in NEEDS}
    found = torch.autograd.grad(c["loss"], list(of.values()))
    c = {name: t.detach() for name, t in {**by_name, **c}.items()}
    return {**c, "Xb": Xb, "Yb": Yb, "n": n}, dict(zip(NEEDS, found))


def small(device):
    return walked(5, 7, 4, 3, 6, device)


def answer(m, name, c, gradients):
    """Your function's answer; c holds everything by name."""
    import types

    return getattr(m, name)(types.SimpleNamespace(**c), *gradients)


def compare(got, right, branches, room=EXACT):
    """An answer in float32 is judged as one, though all that was handed in is float64."""
    if isinstance(got, torch.Tensor) and got.dtype == torch.float32:
        right, room = right.float(), {}
    close(got, right, n=5, branches=branches, **room)


def check(student, device, name, **branches):
    """Your answer is PyTorch's gradient; branches: what comes back through each use, by name."""
    c, right = small(device)
    got = student.run(answer, name, c, [right[need] for need in NEEDS[name]])
    compare(got, right[name], branches)


# ------------------------------------------------------- exercise 1: softmax and cross entropy


@task("dlogprobs")
def test_dlogprobs(student, device):
    """dlogprobs is PyTorch's, and has the shape of logprobs, (5, 7)."""
    check(student, device, "dlogprobs")


@task("dprobs")
def test_dprobs(student, device):
    """dprobs is PyTorch's, and has the shape of probs, (5, 7)."""
    check(student, device, "dprobs")


@task("dcounts_sum_inv")
def test_dcounts_sum_inv(student, device):
    """dcounts_sum_inv is PyTorch's, and has the shape of counts_sum_inv, (5, 1)."""
    check(student, device, "dcounts_sum_inv")


@task("dcounts_sum")
def test_dcounts_sum(student, device):
    """dcounts_sum is PyTorch's, and has the shape of counts_sum, (5, 1)."""
    check(student, device, "dcounts_sum")


@task("dcounts")
def test_dcounts(student, device):
    """dcounts is PyTorch's, from both uses of counts, and has its shape, (5, 7)."""
    c, d = small(device)
    branches = {
        "probs": c["counts_sum_inv"] * d["dprobs"],
        "counts_sum": d["dcounts_sum"].expand(5, 7),
    }
    check(student, device, "dcounts", **branches)


@task("dnorm_logits")
def test_dnorm_logits(student, device):
    """dnorm_logits is PyTorch's, and has the shape of norm_logits, (5, 7)."""
    check(student, device, "dnorm_logits")


@task("dlogit_maxes")
def test_dlogit_maxes(student, device):
    """dlogit_maxes is right for a made-up dnorm_logits, too, and has logit_maxes' shape, (5, 1)."""
    # With the network's own, what comes out is 0, and many a wrong line would do.
    c, _ = small(device)
    dnorm_logits = numbers((5, 7), 3, device)
    maxes = c["logit_maxes"].clone().requires_grad_()
    (right,) = torch.autograd.grad(c["logits"] - maxes, maxes, dnorm_logits)
    compare(student.run(answer, "dlogit_maxes", c, [dnorm_logits]), right, {})


@task("dlogits")
def test_dlogits(student, device):
    """dlogits is right for made-up gradients, from both uses of logits, and has their shape."""
    # With the network's own, dlogit_maxes is 0, and one use would be enough.
    c, _ = small(device)
    gradients = [numbers((5, 7), 4, device), numbers((5, 1), 5, device)]
    logits = c["logits"].clone().requires_grad_()
    uses = [logits - c["logit_maxes"], logits.max(1, keepdim=True).values]
    branches = [torch.autograd.grad(use, logits, d)[0] for use, d in zip(uses, gradients)]
    named = dict(zip(("norm_logits", "logit_maxes"), branches))
    got = student.run(answer, "dlogits", c, gradients)
    compare(got, sum(branches), named)


# ---------------------------------------------------------------- exercise 1: the output layer


@task("dh")
def test_dh(student, device):
    """dh is PyTorch's, and has the shape of h, (5, 6)."""
    check(student, device, "dh")


@task("dW2")
def test_dW2(student, device):
    """dW2 is PyTorch's, and has the shape of W2, (6, 7)."""
    check(student, device, "dW2")


@task("db2")
def test_db2(student, device):
    """db2 is PyTorch's, and has the shape of b2, (7,)."""
    check(student, device, "db2")


# ---------------------------------------------------- exercise 1: tanh and batch normalisation


@task("dhpreact")
def test_dhpreact(student, device):
    """dhpreact is PyTorch's, and has the shape of hpreact, (5, 6)."""
    check(student, device, "dhpreact")


@task("dbngain")
def test_dbngain(student, device):
    """dbngain is PyTorch's, and has the shape of bngain, (1, 6)."""
    check(student, device, "dbngain")


@task("dbnbias")
def test_dbnbias(student, device):
    """dbnbias is PyTorch's, and has the shape of bnbias, (1, 6)."""
    check(student, device, "dbnbias")


@task("dbnraw")
def test_dbnraw(student, device):
    """dbnraw is PyTorch's, and has the shape of bnraw, (5, 6)."""
    check(student, device, "dbnraw")


@task("dbnvar_inv")
def test_dbnvar_inv(student, device):
    """dbnvar_inv is PyTorch's, and has the shape of bnvar_inv, (1, 6)."""
    check(student, device, "dbnvar_inv")


@task("dbnvar")
def test_dbnvar(student, device):
    """dbnvar is PyTorch's, and has the shape of bnvar, (1, 6)."""
    check(student, device, "dbnvar")


@task("dbndiff2")
def test_dbndiff2(student, device):
    """dbndiff2 is PyTorch's, and has the shape of bndiff2, (5, 6)."""
    check(student, device, "dbndiff2")


@task("dbndiff")
def test_dbndiff(student, device):
    """dbndiff is PyTorch's, from both uses of bndiff, and has its shape, (5, 6)."""
    c, d = small(device)
    branches = {"bnraw": c["bnvar_inv"] * d["dbnraw"], "bndiff2": 2 * c["bndiff"] * d["dbndiff2"]}
    check(student, device, "dbndiff", **branches)


@task("dbnmeani")
def test_dbnmeani(student, device):
    """dbnmeani is PyTorch's, and has the shape of bnmeani, (1, 6)."""
    check(student, device, "dbnmeani")


@task("dhprebn")
def test_dhprebn(student, device):
    """dhprebn is PyTorch's, from both uses of hprebn, and has its shape, (5, 6)."""
    _, d = small(device)
    branches = {"bndiff": d["dbndiff"], "bnmeani": d["dbnmeani"].expand(5, 6) / 5}
    check(student, device, "dhprebn", **branches)


# --------------------------------------------------- exercise 1: the first layer and the table


@task("dembcat")
def test_dembcat(student, device):
    """dembcat is PyTorch's, and has the shape of embcat, (5, 12)."""
    check(student, device, "dembcat")


@task("dW1")
def test_dW1(student, device):
    """dW1 is PyTorch's, and has the shape of W1, (12, 6)."""
    check(student, device, "dW1")


@task("db1")
def test_db1(student, device):
    """db1 is PyTorch's, and has the shape of b1, (6,)."""
    check(student, device, "db1")


@task("demb")
def test_demb(student, device):
    """demb is PyTorch's, and has the shape of emb, (5, 3, 4)."""
    check(student, device, "demb")


@task("dC")
def test_dC(student, device):
    """dC is PyTorch's, letters that occur often included, and has the shape of C, (7, 4)."""
    check(student, device, "dC")


# ------------------------------------------- exercise 1 at the lecture's sizes, in float32


def widened(m, name, c, gradients):
    """Your function's answer; a tensor of floats in float64, so that both kinds can be compared."""
    import types

    import torch

    out = getattr(m, name)(types.SimpleNamespace(**c), *gradients)
    floats = isinstance(out, torch.Tensor) and out.dtype == torch.float32
    return out.double() if floats else out


def line(name, got, right):
    """The lecture's line: name, exact, approximate, largest difference."""
    if not isinstance(got, torch.Tensor) or got.shape != right.shape or got.is_complex():
        return f"{name:16s}| not a tensor of the shape {tuple(right.shape)}"
    exact, near = torch.equal(got, right), torch.allclose(got.to(right), right)
    difference = float((got - right).abs().max())
    return f"{name:16s}| exact: {exact!s:5s} | approximate: {near!s:5s} | maxdiff: {difference:.3g}"


def row_of_the_table(name):
    """The test of one gradient at n=32, V=27, E=10, S=3, H=64."""

    def test(student, device, tell):
        sizes = (32, 27, 10, 3, 64, device)
        c, single = walked(*sizes, torch.float32)
        handed = [single[need] for need in NEEDS[name]]
        got = student.run(widened, name, c, handed)
        tell(line(name, got, single[name].double()))
        _, right = walked(*sizes)
        # float32 has 7 digits, and a sum of 32 has an error that goes by its largest terms:
        # 1e-9 for most gradients of the table, more where the gradients themselves are large
        largest = max(float(d.abs().max()) for d in [right[name], *handed])
        why = "float32 rounds in the seventh digit of the largest number"
        close(got, right[name], n=32, rtol=1e-4, atol=3e-6 * largest, reason=why)

    test.__doc__ = f"At the lecture's sizes, in float32, {name} is PyTorch's but for rounding."
    return task(name)(test)


for gradient in NEEDS:
    globals()[f"test_table_{gradient}"] = row_of_the_table(gradient)


# ---------------------------------------------------------------------------- is it right?


def compared(m, name, dt, grad):
    """cmp's answer, and what it printed: its three words and their values."""
    import contextlib
    import io
    import re

    t = grad.clone().requires_grad_()
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
    }


@task("cmp")
def test_cmp(student, device):
    """Equal, nearly equal, different: exact, approximate, maxdiff, and the line that says so."""
    grad = numbers((3, 4), 6, device).round(decimals=2)
    for off, exact, approximate in (
        (0.0, True, True),
        (2.0**-30, False, True),
        (0.5, False, False),
    ):
        dt = grad.clone()
        dt[1, 2] -= off
        told = [str(exact), str(approximate)]
        expected = {"exact": exact, "approximate": approximate, "maxdiff": off}
        expected |= {"name": "logits", "told": told, "difference": round(off, 3)}
        got = student.run(compared, "logits", dt, grad)
        close(got, expected, rtol=1e-3, atol=1e-15, reason="the difference itself is tiny")


def checked(m, x, dx):
    """gradcheck's opinion of dx as the gradient of the sum of x³."""
    return float(m.gradcheck(lambda x: (x**3).sum(), x, dx))


@task("gradcheck")
def test_gradcheck(student, device):
    """The sum of x³ has the gradient 3x², up to 1e-7; a number that is 1 % off shows as 0.01."""
    x = torch.tensor([[0.5, -1.0, 2.0], [1.5, -0.75, 3.0]], dtype=torch.float64, device=device)
    dx = 3 * x**2
    right = {"rtol": 0.0, "atol": 1e-7, "reason": "central differences, two roundings"}
    close(student.run(checked, x, dx), 0.0, **right)
    dx[1, 1] *= 1.01
    planted = {"rtol": 0.0, "atol": 0.0052, "reason": "divide by either size, or by their sum"}
    close(student.run(checked, x, dx), 0.01, **planted)


# ------------------------------------------------------------- exercises 2 and 3, and around


@task("unbroadcast")
def test_unbroadcast(student, device):
    """What was broadcast from (7,), (1, 7), (5, 1) to (5, 7) is summed back to its shape."""
    d = numbers((5, 7), 7, device)
    for shape in ((7,), (1, 7), (5, 1)):
        x = torch.zeros(shape, dtype=d.dtype, device=device, requires_grad=True)
        (right,) = torch.autograd.grad(x.expand(5, 7), x, d)
        close(student.unbroadcast(d, shape), right, **EXACT)


@task("cross_entropy_backward")
def test_cross_entropy_backward(student, device):
    """For five examples of seven letters it is PyTorch's gradient of the mean cross entropy."""
    logits, Yb = numbers((5, 7), 8, device).requires_grad_(), letters((5,), 7, 9, device)
    (right,) = torch.autograd.grad(F.cross_entropy(logits, Yb), logits)
    close(student.cross_entropy_backward(logits.detach(), Yb), right, n=5, **EXACT)


@task("batchnorm_backward")
def test_batchnorm_backward(student, device):
    """From dhpreact to dhprebn in one go, with n - 1 in the variance: as all the small steps."""
    c, right = small(device)
    got = student.batchnorm_backward(right["dhpreact"], c["bngain"], c["bnraw"], c["bnvar_inv"])
    close(got, right["dhprebn"], n=5, **EXACT)


@task("linear_backward")
def test_linear_backward(student, device):
    """(5, 6) @ (6, 7) + (7,): the three gradients are PyTorch's."""
    inputs = [numbers(shape, 20 + i, device) for i, shape in enumerate(((5, 6), (6, 7), (7,)))]
    x, W, b = (t.requires_grad_() for t in inputs)
    dout = numbers((5, 7), 23, device)
    right = torch.autograd.grad(x @ W + b, (x, W, b), dout)
    close(student.linear_backward(dout, x.detach(), W.detach()), right, **EXACT)


@task("tanh_backward")
def test_tanh_backward(student, device):
    """Made of tanh's result alone, it is PyTorch's gradient."""
    x, dout = numbers((5, 6), 24, device).requires_grad_(), numbers((5, 6), 25, device)
    out = torch.tanh(x)
    (right,) = torch.autograd.grad(out, x, dout)
    close(student.tanh_backward(dout, out.detach()), right, **EXACT)


@task("embedding_backward")
def test_embedding_backward(student, device):
    """Letter 2 occurs four times and 5 never: rows (7, 4) of a table get PyTorch's gradients."""
    Xb = torch.tensor([[2, 2, 0], [1, 2, 6], [3, 4, 2]], device=device)
    table = numbers((7, 4), 26, device).requires_grad_()
    demb = numbers((3, 3, 4), 27, device)
    (right,) = torch.autograd.grad(F.embedding(Xb, table), table, demb)
    close(student.embedding_backward(demb, Xb, 7), right, **EXACT)


# ------------------------------------------------------------------ exercise 4: all of it


def all_gradients(m, params, cache):
    """backward's answer. What your own forward keeps besides is in the cache, too."""
    try:
        own = m.forward(params, cache["Xb"], cache["Yb"])
    except Exception:
        own = {}
    return list(m.backward(params, {**own, **cache} if isinstance(own, dict) else cache))


@task("backward")
def test_backward(student, device):
    """dC, dW1, db1, dW2, db2, dbngain and dbnbias, in this order, are PyTorch's."""
    c, right = small(device)
    cache = {name: t for name, t in c.items() if name not in (*PARAMETERS, "n")}
    got = student.run(all_gradients, [c[name] for name in PARAMETERS], cache)
    close(len(got), len(PARAMETERS))
    for one, name in zip(got, PARAMETERS):
        compare(one, right["d" + name], {}, SINGLE)


def step(m, params, Xb, Yb, lr):
    """The loss that train_step gives, and the very tensors that it was given, afterwards."""
    kept = list(params)
    loss = m.train_step(params, Xb, Yb, lr)
    return [float(loss), kept]


@task("train_step")
def test_train_step(student, device):
    """One step at a rate of 0.5: the loss before it, and every parameter after it."""
    c, right = small(device)
    params = [c[name] for name in PARAMETERS]
    after = [p - 0.5 * right["d" + name] for name, p in zip(PARAMETERS, params)]
    got = student.run(step, params, c["Xb"], c["Yb"], 0.5)
    close(got, [c["loss"].item(), after], **SINGLE)


def statistics(m, params, Xtr):
    """(bnmean, bnvar), as rows, whether (H,) or (1, H)."""
    return [t.detach().reshape(1, -1) for t in m.calibrate(params, Xtr)]


@task("calibrate")
def test_calibrate(student, device):
    """Mean and variance (n - 1 below the line) of hprebn over all examples."""
    c, _ = small(device)
    Xtr = letters((9, 3), 7, 30, device)
    hprebn = F.embedding(Xtr, c["C"]).flatten(1) @ c["W1"] + c["b1"]
    right = [hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True)]
    close(student.run(statistics, [c[name] for name in PARAMETERS], Xtr), right, **EXACT)
