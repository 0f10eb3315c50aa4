"""The functions that run beside a submission: `m` is its backprop.py. Plain data comes back."""

import contextlib
import copy
import io
import re
import types

import torch

# what gradcheck is asked about
FUNCTIONS = {
    "cubes": lambda x: (x**3).sum(),
    "far": lambda x: 1e6 * (x**2).sum(),
    "near": lambda x: (0.05 * x).tanh().sum(),
    "mixed": lambda x: (x * x.flip(0)).sum() + x.exp().sum(),
}


def gradient_of(m, thing, c, gradients):
    """The answer of the function for this gradient; c holds everything by name."""
    return getattr(m, "d" + thing)(types.SimpleNamespace(**c), *gradients)


def gradient_kept(m, thing, c, gradients):
    """The same answer, after everything that it was made of has been changed."""
    c, gradients = copy.deepcopy((c, gradients))
    found = gradient_of(m, thing, c, gradients)
    for t in (*c.values(), *gradients):
        if isinstance(t, torch.Tensor):
            t.mul_(3)
    return found


def with_gradient(grad):
    """A tensor with this gradient. Its own numbers are others."""
    t = (grad + 1).requires_grad_()
    t.grad = grad.clone()
    return t


def compared(m, name, dt, grad):
    """cmp's answer as plain numbers, and the line that it printed, cut into its values."""
    t = with_gradient(grad)
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
        "grad": t.grad,
    }


def opinion(m, dt, grad):
    """cmp's exact and approximate."""
    exact, approximate, _ = m.cmp("x", dt, with_gradient(grad))
    return [bool(exact), bool(approximate)]


def checked(m, function, x, dx, options):
    """gradcheck's error, and x afterwards: a step there and back may leave a rounding in it."""
    x = x.clone()
    error = float(m.gradcheck(FUNCTIONS[function], x, dx, **options))
    # an error relative to a gradient of 0 may be infinite
    return {"error": min(error, 1e299), "x": x.detach()}


def checked_turned(m, function, x, dx, options):
    """The same for transposes, which lie in memory in another order."""
    found = checked(m, function, x.T, dx.T, options)
    return {**found, "x": found["x"].T}


def all_gradients(m, params, cache):
    """backward's answer.

    What the submission's own forward keeps besides is in the cache, too. Where a name is known
    the numbers are the suite's, so that a wrong forward doesn't matter here.
    """
    try:
        own = m.forward(params, cache["Xb"], cache["Yb"])
    except Exception:
        own = {}
    whole = {**own, **cache} if isinstance(own, dict) else dict(cache)
    gradients = list(m.backward(params, whole))
    # what backward puts in a place of the cache is seen in the suite's
    cache.update({name: whole.get(name) for name in cache})
    return gradients


def steps(m, params, batches, lr):
    """The losses of some steps, the very tensors that were given, afterwards, and their graphs."""
    kept, losses, graphs = list(params), [], []
    for Xb, Yb in batches:
        loss = m.train_step(params, Xb, Yb, lr)
        graphs.append(isinstance(loss, torch.Tensor) and loss.requires_grad)
        losses.append(float(loss))
    return {
        "losses": losses,
        "params": [p.detach() for p in kept],
        "graphs": graphs,
        "wanting": [p.requires_grad for p in kept],
        "grads": [p.grad is None for p in kept],
        "leaves": [p.is_leaf for p in kept],
    }


def statistics(m, params, Xtr):
    """calibrate's (bnmean, bnvar) as rows, whether (H,) or (1, H); do they hang on a graph?"""
    found = list(m.calibrate(params, Xtr))
    rows = [t.detach().reshape(1, -1) for t in found]
    return {"rows": rows, "graphs": [t.requires_grad for t in found]}
