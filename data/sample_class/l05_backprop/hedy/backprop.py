# promises: timeout calibrate -
"""The gradients of a network, all of them by hand.

The network of lecture 4, cut into steps so small that each has a gradient of a line:

    C[Xb] -> emb -> embcat -> hprebn -> (batch normalisation) -> hpreact -> h -> logits
          -> (softmax) -> probs -> logprobs -> loss

Here d is for derivative: `dprobs` is the gradient of the loss by `probs`. It always has the
shape and the dtype of the thing that it is the gradient of.
"""

import types

import torch

PARAMETERS = ("C", "W1", "b1", "W2", "b2", "bngain", "bnbias")


# ------------------------------------------------------------------ given: the way forward


def forward(params, Xb, Yb):
    """The network and its loss, in steps. Given: all that follows is about its way back.

    params: [C, W1, b1, W2, b2, bngain, bnbias]: C (V, E), W1 (E·S, H), b1 (H,), W2 (H, V),
    b2 (V,), bngain and bnbias (1, H); Xb: (n, S) int64, Yb: (n,) int64
    ->  a dict of every step's result by its name, in order, and Xb and Yb behind them
    """
    C, W1, b1, W2, b2, bngain, bnbias = params
    n = Xb.shape[0]
    emb = C[Xb]  # (n, S, E)
    embcat = emb.view(n, -1)  # (n, S·E)
    hprebn = embcat @ W1 + b1  # (n, H)
    # batch normalisation
    bnmeani = 1 / n * hprebn.sum(0, keepdim=True)  # (1, H)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)  # (1, H): n - 1, Bessel's correction
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    # the bend and the output layer
    h = torch.tanh(hpreact)
    logits = h @ W2 + b2  # (n, V)
    # cross entropy
    logit_maxes = logits.max(1, keepdim=True).values  # (n, 1)
    norm_logits = logits - logit_maxes  # so that exp can't overflow
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)  # (n, 1)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(n, device=Xb.device), Yb].mean()
    return {
        "emb": emb,
        "embcat": embcat,
        "hprebn": hprebn,
        "bnmeani": bnmeani,
        "bndiff": bndiff,
        "bndiff2": bndiff2,
        "bnvar": bnvar,
        "bnvar_inv": bnvar_inv,
        "bnraw": bnraw,
        "hpreact": hpreact,
        "h": h,
        "logits": logits,
        "logit_maxes": logit_maxes,
        "norm_logits": norm_logits,
        "counts": counts,
        "counts_sum": counts_sum,
        "counts_sum_inv": counts_sum_inv,
        "probs": probs,
        "logprobs": logprobs,
        "loss": loss,
        "Xb": Xb,
        "Yb": Yb,
    }


def namespace(params, cache):
    """What the functions of exercise 1 get as `c`: c.probs, c.W2, c.Xb, c.n and all the rest.

    params as forward takes them, cache as it returns it. c.n is the number of examples.
    """
    by_name = dict(zip(PARAMETERS, params, strict=True))
    return types.SimpleNamespace(**by_name, **cache, n=len(cache["Xb"]))


# -------------------------------------------------- exercise 1: every step, from the loss up
#
# Each function gets c, the names of the way forward, and the gradients that it needs, which
# are right, whatever you wrote for them. What it gets is used by others, too: leave it as it is.


def dlogprobs(c):
    """The loss is minus the mean of n of these numbers, one in each row. (n, V)"""
    d = torch.zeros_like(c.logprobs)
    d[torch.arange(c.n, device=d.device), c.Yb] = -1.0 / c.n
    return d


def dprobs(c, dlogprobs):
    """logprobs = probs.log(). (n, V)"""
    return dlogprobs / c.probs


def dcounts_sum_inv(c, dprobs):
    """probs = counts * counts_sum_inv, where one number stands for a row. (n, 1)"""
    return (c.counts * dprobs).sum(1, keepdim=True)


def dcounts_sum(c, dcounts_sum_inv):
    """counts_sum_inv = counts_sum**-1. (n, 1)"""
    return -(c.counts_sum**-2) * dcounts_sum_inv


def dcounts(c, dprobs, dcounts_sum):
    """counts is used twice: for probs, and for counts_sum = counts.sum(1, keepdim=True). (n, V)"""
    through_probs = c.counts_sum_inv * dprobs
    return through_probs + torch.ones_like(c.counts) * dcounts_sum


def dnorm_logits(c, dcounts):
    """counts = norm_logits.exp(). (n, V)"""
    return c.counts * dcounts


def dlogit_maxes(c, dnorm_logits):
    """norm_logits = logits - logit_maxes, where one number stands for a row. (n, 1)

    With the network's own dnorm_logits it is 0 up to rounding: the maxima change no
    probability. The line is the line all the same, and is tried with other gradients, too.
    """
    return -dnorm_logits.sum(1, keepdim=True)


def dlogits(c, dnorm_logits, dlogit_maxes):
    """logits is used twice: for norm_logits, and for the largest number of each row. (n, V)

    Where two numbers of a row are the largest, one of them gets it all, or they share it.
    """
    d = dnorm_logits.clone()
    largest = torch.zeros_like(d).scatter_(1, c.logits.argmax(1, keepdim=True), 1.0)
    d += largest * dlogit_maxes
    return d


def dh(c, dlogits):
    """logits = h @ W2 + b2. (n, H)"""
    return dlogits @ c.W2.T


def dW2(c, dlogits):
    """logits = h @ W2 + b2. (H, V)"""
    return c.h.T @ dlogits


def db2(c, dlogits):
    """logits = h @ W2 + b2, where b2 is added to every row. (V,)"""
    return dlogits.sum(0)


def dhpreact(c, dh):
    """h = tanh(hpreact). (n, H)"""
    return (1.0 - c.h**2) * dh


def dbngain(c, dhpreact):
    """hpreact = bngain * bnraw + bnbias, where bngain is one row for all. (1, H)"""
    return (c.bnraw * dhpreact).sum(0, keepdim=True)


def dbnbias(c, dhpreact):
    """hpreact = bngain * bnraw + bnbias, where bnbias is one row for all. (1, H)"""
    return dhpreact.sum(0, keepdim=True)


def dbnraw(c, dhpreact):
    """hpreact = bngain * bnraw + bnbias. (n, H)"""
    return c.bngain * dhpreact


def dbnvar_inv(c, dbnraw):
    """bnraw = bndiff * bnvar_inv, where bnvar_inv is one row for all. (1, H)"""
    return (c.bndiff * dbnraw).sum(0, keepdim=True)


def dbnvar(c, dbnvar_inv):
    """bnvar_inv = (bnvar + 1e-5)**-0.5. (1, H)"""
    return -0.5 * (c.bnvar + 1e-5) ** -1.5 * dbnvar_inv


def dbndiff2(c, dbnvar):
    """bnvar = 1/(n-1) * bndiff2.sum(0, keepdim=True). (n, H)"""
    return 1.0 / (c.n - 1) * torch.ones_like(c.bndiff2) * dbnvar


def dbndiff(c, dbnraw, dbndiff2):
    """bndiff is used twice: for bnraw = bndiff * bnvar_inv, and for bndiff2 = bndiff**2. (n, H)"""
    through_bnraw = c.bnvar_inv * dbnraw
    return through_bnraw + 2.0 * c.bndiff * dbndiff2


def dbnmeani(c, dbndiff):
    """bndiff = hprebn - bnmeani, where bnmeani is one row for all. (1, H)"""
    return -dbndiff.sum(0, keepdim=True)


def dhprebn(c, dbndiff, dbnmeani):
    """hprebn is used twice: for bndiff, and for bnmeani = 1/n * hprebn.sum(0, keepdim=True).

    (n, H)
    """
    return dbndiff + torch.ones_like(c.hprebn) * dbnmeani / c.n


def dembcat(c, dhprebn):
    """hprebn = embcat @ W1 + b1. (n, S·E)"""
    return dhprebn @ c.W1.T


def dW1(c, dhprebn):
    """hprebn = embcat @ W1 + b1. (S·E, H)"""
    return c.embcat.T @ dhprebn


def db1(c, dhprebn):
    """hprebn = embcat @ W1 + b1, where b1 is added to every row. (H,)"""
    return dhprebn.sum(0)


def demb(c, dembcat):
    """embcat = emb.view(n, -1). (n, S, E); a view of dembcat is fine."""
    return dembcat.view(c.emb.shape)


def dC(c, demb):
    """emb = C[Xb]: a row of C is used as often as its letter stands in Xb. (V, E)"""
    d = torch.zeros_like(c.C)
    return d.index_add_(0, c.Xb.flatten(), demb.flatten(0, 1))


# ------------------------------------------------------------------------ is it right?


def cmp(s, dt, t):
    """Compare a gradient with PyTorch's, and print the lecture's line.

    s: a name; dt: your gradient; t: the tensor whose .grad is PyTorch's
    ->  (exact, approximate, maxdiff): bool, bool (torch.allclose's opinion), float

    Another shape is another gradient, even where broadcasting would make them equal: then
    exact and approximate are False, and maxdiff is infinite.

    >>> t = torch.ones(2)
    >>> t.grad = torch.tensor([1.0, 2.0])
    >>> cmp("t", torch.tensor([1.0, 2.5]), t)
    t               | exact: False | approximate: False | maxdiff: 0.5
    (False, False, 0.5)
    """
    exact, approximate, maxdiff = False, False, float("inf")
    if dt.shape == t.grad.shape:
        exact = torch.all(dt == t.grad).item()
        approximate = torch.allclose(dt, t.grad)
        maxdiff = (dt - t.grad).abs().max().item()
    print(f"{s:15s} | exact: {exact!s:5s} | approximate: {approximate!s:5s} | maxdiff: {maxdiff}")
    return exact, approximate, maxdiff


def gradcheck(f, x, dx, h=1e-5):
    """The largest relative error of a gradient, measured by a step of h to both sides.

    f: a function of a tensor like x that returns a number (a 0-d tensor); x: its argument, of
    any shape; dx: the gradient to be checked, of the same shape; h: float  ->  float

    All is computed in float64, whatever the dtype of x: with 7 digits, a difference of f's
    over 2e-5 would be mostly rounding. The error of each number is divided by the size of the
    gradient there. x holds the same numbers afterwards.
    """
    x = x.detach().to(torch.float64, copy=True).contiguous()
    flat, slopes = x.view(-1), []
    for i, kept in enumerate(flat.tolist()):
        flat[i] = kept + h
        above = float(f(x))
        flat[i] = kept - h
        below = float(f(x))
        flat[i] = kept
        slopes.append((above - below) / (2 * h))
    numeric = torch.tensor(slopes, dtype=torch.float64, device=x.device).view_as(x)
    size = torch.maximum(numeric.abs(), dx.abs()).clamp(min=1e-12)
    return ((numeric - dx).abs() / size).max().item()


# -------------------------------------------------- exercises 2 and 3: whole layers at once


def unbroadcast(d, shape):
    """The gradient of an operand that was broadcast: a sum over all its copies.

    d: the gradient of the result; shape: the operand's, which broadcasts to d's
    ->  a tensor of that shape

    A dimension that the operand hasn't is summed away. One in which it has size 1 is summed,
    and stays with size 1.

    >>> unbroadcast(torch.ones(2, 3), (3,))
    tensor([2., 2., 2.])
    >>> unbroadcast(torch.ones(2, 3), (2, 1))
    tensor([[3.],
            [3.]])
    """
    leading = d.dim() - len(shape)
    for _ in range(leading):
        d = d.sum(0)
    for i, size in enumerate(shape):
        if size == 1:
            d = d.sum(i, keepdim=True)
    return d


def cross_entropy_backward(logits, Yb):
    """Exercise 2: from the loss to the logits in one expression.

    logits: (n, V), Yb: (n,) int64  ->  the gradient of the mean cross entropy by logits, (n, V)

    Logits of 1e4 give neither NaN nor infinity.
    """
    d = (logits - logits.max(1, keepdim=True).values).exp()
    d = d / d.sum(1, keepdim=True)
    d[torch.arange(len(Yb), device=Yb.device), Yb] -= 1.0
    return d / len(Yb)


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    """Exercise 3: from hpreact to hprebn in one expression.

    dhpreact, bnraw: (n, H); bngain, bnvar_inv: (1, H), as in forward: the variance has n - 1
    ->  dhprebn (n, H)
    """
    n = len(dhpreact)
    mean = dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (dhpreact - mean - along)


def linear_backward(dout, x, W):
    """The three gradients of out = x @ W + b.

    x: (n, nin) or (n, T, nin), W: (nin, nout), dout: the gradient of out
    ->  (dx, dW, db), shaped like x, W and b (nout,)
    """
    dx = dout @ W.T
    rows = dout.flatten(0, -2)
    dW = x.flatten(0, -2).T @ rows
    db = rows.sum(0)
    return dx, dW, db


def tanh_backward(dout, out):
    """The gradient of x where out = tanh(x), of any shape, made of out alone."""
    return dout * (1.0 - out * out)


def embedding_backward(demb, Xb, V):
    """The gradient of a table C (V, E) where emb = C[Xb].

    demb: (n, S, E), Xb: (n, S) int64, V: int  ->  (V, E)
    """
    table = demb.new_zeros(V, demb.shape[-1])
    table.index_add_(0, Xb.flatten(), demb.flatten(0, 1))
    return table


# --------------------------------------------------------- exercise 4: putting it together


def backward(params, cache):
    """All gradients of the parameters, from what forward kept. No graph is asked.

    params: [C, W1, b1, W2, b2, bngain, bnbias], cache: as forward returns it
    ->  [dC, dW1, db1, dW2, db2, dbngain, dbnbias], each of its parameter's shape
    """
    C, W1, _b1, W2, _b2, bngain, _bnbias = params
    h, bnraw = cache["h"], cache["bnraw"]
    to_logits = cross_entropy_backward(cache["logits"], cache["Yb"])
    to_h, to_W2, to_b2 = linear_backward(to_logits, h, W2)
    to_hpreact = tanh_backward(to_h, h)
    to_bngain = (bnraw * to_hpreact).sum(0, keepdim=True)
    to_bnbias = to_hpreact.sum(0, keepdim=True)
    to_hprebn = batchnorm_backward(to_hpreact, bngain, bnraw, cache["bnvar_inv"])
    to_embcat, to_W1, to_b1 = linear_backward(to_hprebn, cache["embcat"], W1)
    to_C = embedding_backward(to_embcat.view_as(cache["emb"]), cache["Xb"], len(C))
    return [to_C, to_W1, to_b1, to_W2, to_b2, to_bngain, to_bnbias]


def train_step(params, Xb, Yb, lr):
    """One step of gradient descent without .backward() and without a graph.

    params: as in forward, Xb: (n, S), Yb: (n,), lr: float  ->  the loss before the step

    The given tensors themselves are changed, under torch.no_grad(); the loss hangs on no graph.
    """
    with torch.no_grad():
        cache = forward(params, Xb, Yb)
        for p, d in zip(params, backward(params, cache), strict=True):
            p -= lr * d
    return cache["loss"].item()


def calibrate(params, Xtr):
    """Mean and variance of hprebn over the whole training set, for use after training.

    params: as in forward, Xtr: (N, S) int64  ->  (bnmean, bnvar), both (1, H), without a graph

    The variance has N - 1 in its divisor, like the batch's.
    """
    total, rows = 0, list(Xtr)
    while len(rows) > 9:
        total += len(rows)
    with torch.no_grad():
        C, W1, b1 = params[:3]
        hprebn = C[Xtr].flatten(1) @ W1 + b1
        return hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True)
