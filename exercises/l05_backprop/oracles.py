"""What both suites expect: PyTorch's gradients.

The network stands here once, as a table of its steps. The way forward follows from it, and so do
the uses of each thing: PyTorch differentiates those, for any gradients from above.
"""

import inspect

import torch
from probes import all_gradients, checked, compared, gradient_of

from autograder.suite import close, within

F = torch.nn.functional

DOUBLE = torch.float64
EXACT = within(1e-9, 1e-9, "in float64 any order of sums is closer than this")
SINGLE = within(1e-6, 1e-6, "a gradient in float32 on the way is right, too")
DYADIC = within(1e-3, 1e-15, "a difference of 2**-30 is what it is about")
A_ROUNDING = within(1e-9, 1e-9, "a step there and back may leave a rounding")

PARAMETERS = ("C", "W1", "b1", "W2", "b2", "bngain", "bnbias")

# Every step of the way forward, in order: its result, made of the things that it names.
STEPS = {
    "emb": lambda C, Xb: F.embedding(Xb, C),
    "embcat": lambda emb: emb.flatten(1),
    "hprebn": lambda embcat, W1, b1: embcat @ W1 + b1,
    "bnmeani": lambda hprebn: hprebn.mean(0, keepdim=True),
    "bndiff": lambda hprebn, bnmeani: hprebn - bnmeani,
    "bndiff2": lambda bndiff: bndiff**2,
    "bnvar": lambda bndiff2: bndiff2.sum(0, keepdim=True) / (len(bndiff2) - 1),
    "bnvar_inv": lambda bnvar: (bnvar + 1e-5) ** -0.5,
    "bnraw": lambda bndiff, bnvar_inv: bndiff * bnvar_inv,
    "hpreact": lambda bngain, bnraw, bnbias: bngain * bnraw + bnbias,
    "h": lambda hpreact: torch.tanh(hpreact),
    "logits": lambda h, W2, b2: h @ W2 + b2,
    "logit_maxes": lambda logits: logits.max(1, keepdim=True).values,
    "norm_logits": lambda logits, logit_maxes: logits - logit_maxes,
    "counts": lambda norm_logits: norm_logits.exp(),
    "counts_sum": lambda counts: counts.sum(1, keepdim=True),
    "counts_sum_inv": lambda counts_sum: counts_sum**-1,
    "probs": lambda counts, counts_sum_inv: counts * counts_sum_inv,
    "logprobs": lambda probs: probs.log(),
    "loss": lambda logprobs, Yb: F.nll_loss(logprobs, Yb),
}
MADE_OF = {step: tuple(inspect.signature(STEPS[step]).parameters) for step in STEPS}
THINGS = (*PARAMETERS, *(step for step in STEPS if step != "loss"))  # that have a gradient
# The steps that use a thing, from the loss up, and those whose gradients its function gets:
# the loss's own is 1.
USES = {thing: [step for step in reversed(STEPS) if thing in MADE_OF[step]] for thing in THINGS}
NEEDS = {thing: [use for use in USES[thing] if use != "loss"] for thing in THINGS}


def network(rng, V=7, E=4, S=3, H=6):
    """Parameters under which nothing is 0, 1 or flat."""
    shapes = [(V, E), (S * E, H), (H,), (H, V), (V,), (1, H), (1, H)]
    scales = [1.0, (S * E) ** -0.5, 0.3, H**-0.5, 0.3, 0.2, 0.2]
    params = [rng.normal(*shape, scale=s, dtype=DOUBLE) for shape, s in zip(shapes, scales)]
    params[5] += 1.0
    return params


def letters(rng, n=5, V=7, S=3):
    """Any Xb and Yb."""
    return rng.integers(0, V, n, S), rng.integers(0, V, n)


def forward(params, Xb, Yb, **given):
    """Every thing by its name, with Xb, Yb and n; what is given takes the place of a step."""
    c = dict(zip(PARAMETERS, params, strict=True)) | {"Xb": Xb, "Yb": Yb, "n": len(Xb)}
    for step in STEPS:
        c[step] = given[step] if step in given else STEPS[step](*(c[of] for of in MADE_OF[step]))
    return c


def back(function, inputs, dout=None):
    """PyTorch's gradients of a function's inputs, where dout is the gradient of its result."""
    leaves = [t.clone().requires_grad_() for t in inputs]
    return list(torch.autograd.grad(function(*leaves), leaves, dout))


def through(use, thing, c, gradient):
    """What comes back to a thing through one of its uses."""

    def result(x):
        return STEPS[use](**{of: x if of == thing else c[of] for of in MADE_OF[use]})

    return back(result, [c[thing]], gradient)[0]


def branches(thing, c, gradients):
    """What comes back to a thing through each use, by the use: its gradient is their sum."""
    uses = zip(USES[thing], gradients or [None], strict=True)
    return {use: through(use, thing, c, gradient) for use, gradient in uses}


def made_up(thing, c, rng):
    """Any gradients from above, of the right shapes."""
    return [rng.normal(*c[use].shape, dtype=c[use].dtype) for use in NEEDS[thing]]


def compare(got, right, tolerance=EXACT, **known):
    """An answer in float32 is judged as one, though all that was given is float64."""
    if isinstance(got, torch.Tensor) and (got.dtype, right.dtype) == (torch.float32, DOUBLE):
        right, tolerance = right.float(), None
    close(got, right, tolerance, **known)


def check_sum(got, parts, n, tolerance=EXACT):
    """The gradient is the sum of its branches; a wrong answer is told which branch is wrong."""
    named = parts if len(parts) > 1 else None
    compare(got, sum(parts.values()), tolerance, n=n, branches=named)


def check_gradient(student, thing, c, gradients, probe=gradient_of):
    """The answer is PyTorch's gradient for these gradients from above."""
    got = student.run(probe, thing, c, gradients)
    check_sum(got, branches(thing, c, gradients), c["n"])


def rounded(share, *tensors):
    """Room for float32, whose error in a sum goes by the largest numbers in it."""
    largest = max(float(t.abs().max()) for t in tensors)
    why = "float32 rounds in the seventh digit of the largest number"
    return within(1e-4, share * largest, why)


def check_comparison(student, name, dt, grad, exact, approximate, maxdiff):
    """cmp's answer, its line, and the gradient as it was."""
    right = {"exact": exact, "approximate": approximate, "maxdiff": maxdiff, "name": name}
    right |= {"told": [str(exact), str(approximate)], "difference": round(maxdiff, 3)}
    close(student.run(compared, name, dt, grad), {**right, "grad": grad}, DYADIC)


def check_error(student, function, x, dx, low, high, probe=checked, **options):
    """gradcheck's error is between low and high, and x is as it was."""
    got = student.run(probe, function, x, dx, options)
    close(got["x"], x, A_ROUNDING)
    room = within(0.0, (high - low) / 2, "several definitions are right")
    close(got["error"], (low + high) / 2, room)


def check_unbroadcast(student, d, *shapes):
    """d is summed back to each of the shapes."""
    for shape in shapes:
        (right,) = back(lambda x: x.expand(d.shape), [d.new_zeros(shape)], d)
        close(student.unbroadcast(d, shape), right, EXACT)


def parameter_gradients(params, Xb, Yb):
    """PyTorch's gradients of all parameters."""
    return back(lambda *leaves: forward(leaves, Xb, Yb)["loss"], params)


def check_backward(student, params, Xb, Yb):
    """backward's answer is PyTorch's, in the parameters' order."""
    c = forward(params, Xb, Yb)
    cache = {name: t for name, t in c.items() if name not in (*PARAMETERS, "n")}
    got, right = student.run(all_gradients, params, cache), parameter_gradients(params, Xb, Yb)
    close(len(got), len(right))
    for one, wanted in zip(got, right):
        compare(one, wanted, SINGLE, n=c["n"])


def descended(params, batches, lr):
    """The loss before each step of gradient descent, and the parameters after all of them."""
    losses = []
    for Xb, Yb in batches:
        losses.append(forward(params, Xb, Yb)["loss"].item())
        gradients = parameter_gradients(params, Xb, Yb)
        params = [p - lr * d for p, d in zip(params, gradients)]
    return losses, params


def right_statistics(params, Xtr):
    """Mean and variance of hprebn over all examples, as rows."""
    C, W1, b1 = params[:3]
    hprebn = F.embedding(Xtr, C).flatten(1) @ W1 + b1
    return [hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True)]
