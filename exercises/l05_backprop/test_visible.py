"""What you may read: the basic case of every task. PyTorch's own gradients say what is right.

What runs beside your code is in probes.py, what is expected in oracles.py. Lists and tuples stand
for each other, and so do numbers and 0-d tensors.

For exercise 1 the way forward is walked here, with the sizes n=5, V=7, E=4, S=3, H=6 in float64:
no two of them are equal, and 1e-9 is far above rounding and far below any mistake. What your
function gets besides `c` are PyTorch's gradients, so that no mistake of yours goes on elsewhere.
"""

import functools

import torch
from oracles import (
    DOUBLE,
    EXACT,
    NEEDS,
    SINGLE,
    THINGS,
    back,
    check_backward,
    check_comparison,
    check_error,
    check_gradient,
    check_unbroadcast,
    descended,
    forward,
    letters,
    made_up,
    network,
    right_statistics,
    rounded,
)
from probes import gradient_of, statistics, steps

from autograder.suite import Random, close, each, task

F = torch.nn.functional

SMALL = (5, 7, 4, 3, 6)
LECTURE = (32, 27, 10, 3, 64)


@functools.cache
def known(sizes, device, dtype=DOUBLE):
    """(c, PyTorch's gradients), both by name, of a network and a batch of these sizes."""
    n, V, E, S, H = sizes
    rng = Random(10, device)
    params = [p.to(dtype) for p in network(rng, V, E, S, H)]
    Xb, Yb = letters(rng, n, V, S)
    graph = forward([p.clone().requires_grad_() for p in params], Xb, Yb)
    found = torch.autograd.grad(graph["loss"], [graph[thing] for thing in THINGS])
    return forward(params, Xb, Yb), dict(zip(THINGS, found))


def check_known(student, device, thing):
    """Your answer is PyTorch's gradient, made of PyTorch's gradients."""
    c, gradients = known(SMALL, device)
    check_gradient(student, thing, c, [gradients[use] for use in NEEDS[thing]])


# ------------------------------------------------------------- exercise 1: every gradient


def shaped(*things):
    """Columns of a table: things and their shapes."""
    c, _ = known(SMALL, "cpu")
    return {"thing": things, "shape": [str(tuple(c[thing].shape)) for thing in things]}


SPECIAL = ("counts", "bndiff", "hprebn", "logit_maxes", "logits", "C")


@task("d{thing}")
@each(**shaped(*(thing for thing in THINGS if thing not in SPECIAL)))
def test_gradient(student, device, thing, shape):
    """d{thing} is PyTorch's, and has the shape of {thing}, {shape}."""
    check_known(student, device, thing)


@task("d{thing}")
@each(**shaped("counts", "bndiff", "hprebn"))
def test_two_uses(student, device, thing, shape):
    """d{thing} is PyTorch's, from both uses of {thing}, and has its shape, {shape}."""
    check_known(student, device, thing)


@task("dlogit_maxes")
def test_dlogit_maxes(student, rng, device):
    """dlogit_maxes is right for a made-up dnorm_logits, too, and has logit_maxes' shape, (5, 1)."""
    # With the network's own, what comes out is 0, and many a wrong line would do.
    c, _ = known(SMALL, device)
    check_gradient(student, "logit_maxes", c, made_up("logit_maxes", c, rng))


@task("dlogits")
def test_dlogits(student, rng, device):
    """dlogits is right for made-up gradients, from both uses of logits, and has their shape."""
    # With the network's own, dlogit_maxes is 0, and one use would be enough.
    c, _ = known(SMALL, device)
    check_gradient(student, "logits", c, made_up("logits", c, rng))


@task("dC")
def test_dC(student, device):
    """dC is PyTorch's, letters that occur often included, and has the shape of C, (7, 4)."""
    check_known(student, device, "C")


# ------------------------------------------- exercise 1 at the lecture's sizes, in float32


def line(name, got, right):
    """The lecture's line: name, exact, approximate, largest difference."""
    if not isinstance(got, torch.Tensor) or got.shape != right.shape or got.is_complex():
        return f"{name:16s}| not a tensor of the shape {tuple(right.shape)}"
    exact, near = torch.equal(got, right), torch.allclose(got.to(right), right)
    difference = float((got - right).abs().max())
    return f"{name:16s}| exact: {exact!s:5s} | approximate: {near!s:5s} | maxdiff: {difference:.3g}"


@task("d{thing}")
@each(thing=THINGS)
def test_table(student, device, tell, thing):
    """At the lecture's sizes, in float32, d{thing} is PyTorch's but for rounding."""
    c, single = known(LECTURE, device, torch.float32)
    above = [single[use] for use in NEEDS[thing]]
    got = student.run(gradient_of, thing, c, above)
    if isinstance(got, torch.Tensor) and got.dtype == torch.float32:
        got = got.to(DOUBLE)  # so that both kinds can be compared
    tell(line("d" + thing, got, single[thing].to(DOUBLE)))
    right = known(LECTURE, device)[1][thing]
    # 1e-9 for most gradients of the table, more where the gradients themselves are large
    close(got, right, rounded(3e-6, right, *above), n=32)


# ---------------------------------------------------------------------------- is it right?


@task("cmp")
def test_cmp(student, rng):
    """Equal, nearly equal, different: exact, approximate, maxdiff, and the line that says so."""
    grad = rng.normal(3, 4, dtype=DOUBLE).round(decimals=2)
    for off, exact, near in ((0.0, True, True), (2.0**-30, False, True), (0.5, False, False)):
        dt = grad.clone()
        dt[1, 2] -= off
        check_comparison(student, "logits", dt, grad, exact, near, off)


@task("gradcheck")
def test_gradcheck(student, device):
    """The sum of x³ has the gradient 3x², up to 1e-7; a number that is 1 % off shows as 0.01."""
    x = torch.tensor([[0.5, -1.0, 2.0], [1.5, -0.75, 3.0]], dtype=DOUBLE, device=device)
    dx = 3 * x**2
    check_error(student, "cubes", x, dx, 0.0, 1e-7)
    dx[1, 1] *= 1.01
    # divided by the size of either gradient, or by the sum of both
    check_error(student, "cubes", x, dx, 0.0048, 0.0152)


# ------------------------------------------------------------- exercises 2 and 3, and around


@task("unbroadcast")
def test_unbroadcast(student, rng):
    """What was broadcast from (7,), (1, 7), (5, 1) to (5, 7) is summed back to its shape."""
    check_unbroadcast(student, rng.normal(5, 7, dtype=DOUBLE), (7,), (1, 7), (5, 1))


@task("cross_entropy_backward")
def test_cross_entropy_backward(student, rng):
    """For five examples of seven letters it is PyTorch's gradient of the mean cross entropy."""
    logits, Yb = rng.normal(5, 7, dtype=DOUBLE), rng.integers(0, 7, 5)
    (right,) = back(lambda logits: F.cross_entropy(logits, Yb), [logits])
    close(student.cross_entropy_backward(logits, Yb), right, EXACT, n=5)


@task("batchnorm_backward")
def test_batchnorm_backward(student, device):
    """From dhpreact to dhprebn in one go, with n - 1 in the variance: as all the small steps."""
    c, right = known(SMALL, device)
    got = student.batchnorm_backward(right["hpreact"], c["bngain"], c["bnraw"], c["bnvar_inv"])
    close(got, right["hprebn"], EXACT, n=5)


@task("linear_backward")
def test_linear_backward(student, rng):
    """(5, 6) @ (6, 7) + (7,): the three gradients are PyTorch's."""
    x, W, b, dout = (rng.normal(*s, dtype=DOUBLE) for s in ((5, 6), (6, 7), (7,), (5, 7)))
    right = back(lambda x, W, b: x @ W + b, [x, W, b], dout)
    close(student.linear_backward(dout, x, W), right, EXACT)


@task("tanh_backward")
def test_tanh_backward(student, rng):
    """Made of tanh's result alone, it is PyTorch's gradient."""
    x, dout = rng.normal(5, 6, dtype=DOUBLE), rng.normal(5, 6, dtype=DOUBLE)
    close(student.tanh_backward(dout, torch.tanh(x)), *back(torch.tanh, [x], dout), EXACT)


@task("embedding_backward")
def test_embedding_backward(student, rng, device):
    """Letter 2 occurs four times and 5 never: rows (7, 4) of a table get PyTorch's gradients."""
    Xb = torch.tensor([[2, 2, 0], [1, 2, 6], [3, 4, 2]], device=device)
    table, demb = rng.normal(7, 4, dtype=DOUBLE), rng.normal(3, 3, 4, dtype=DOUBLE)
    (right,) = back(lambda table: F.embedding(Xb, table), [table], demb)
    close(student.embedding_backward(demb, Xb, 7), right, EXACT)


# ------------------------------------------------------------------ exercise 4: all of it


@task("backward")
def test_backward(student, rng):
    """dC, dW1, db1, dW2, db2, dbngain and dbnbias, in this order, are PyTorch's."""
    check_backward(student, network(rng), *letters(rng))


@task("train_step")
def test_train_step(student, rng):
    """One step at a rate of 0.5: the loss before it, and every parameter after it."""
    params, batches = network(rng), [letters(rng)]
    got = student.run(steps, params, batches, 0.5)
    close([got["losses"], got["params"]], descended(params, batches, 0.5), SINGLE)


@task("calibrate")
def test_calibrate(student, rng):
    """Mean and variance (n - 1 below the line) of hprebn over all examples."""
    params, Xtr = network(rng), rng.integers(0, 7, 9, 3)
    got = student.run(statistics, params, Xtr)
    close(got["rows"], right_statistics(params, Xtr), EXACT)
