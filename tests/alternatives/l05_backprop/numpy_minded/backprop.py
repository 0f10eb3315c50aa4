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


import numpy as np


def back(array, like):
    return torch.as_tensor(np.ascontiguousarray(array)).to(like.device, like.dtype)


def arr(t):
    return t.detach().cpu().numpy()


def dlogprobs(c):
    d = np.zeros(arr(c.logprobs).shape)
    d[np.arange(c.n), arr(c.Yb)] = -1 / c.n
    return back(d, c.logprobs)


def dprobs(c, dlogprobs):
    return back(arr(dlogprobs) / arr(c.probs), c.probs)


def dcounts_sum_inv(c, dprobs):
    return back(np.sum(arr(c.counts) * arr(dprobs), axis=1, keepdims=True), c.counts)


def dcounts_sum(c, dcounts_sum_inv):
    return back(-arr(dcounts_sum_inv) / arr(c.counts_sum) ** 2, c.counts)


def dcounts(c, dprobs, dcounts_sum):
    return back(arr(c.counts_sum_inv) * arr(dprobs) + arr(dcounts_sum), c.counts)


def dnorm_logits(c, dcounts):
    return back(np.exp(arr(c.norm_logits)) * arr(dcounts), c.counts)


def dlogit_maxes(c, dnorm_logits):
    return back(-np.sum(arr(dnorm_logits), axis=-1)[:, np.newaxis], c.counts)


def dlogits(c, dnorm_logits, dlogit_maxes):
    d = arr(dnorm_logits).copy()
    d[np.arange(len(d)), np.argmax(arr(c.logits), axis=1)] += arr(dlogit_maxes)[:, 0]
    return back(d, c.logits)


def dh(c, dlogits):
    return back(np.dot(arr(dlogits), arr(c.W2).T), c.h)


def dW2(c, dlogits):
    return back(np.dot(arr(c.h).T, arr(dlogits)), c.h)


def db2(c, dlogits):
    return back(np.sum(arr(dlogits), axis=0), c.b2)


def dhpreact(c, dh):
    return back((1 - np.tanh(arr(c.hpreact)) ** 2) * arr(dh), c.h)


def dbngain(c, dhpreact):
    return back(np.sum(arr(c.bnraw) * arr(dhpreact), axis=0, keepdims=True), c.h)


def dbnbias(c, dhpreact):
    return back(np.sum(arr(dhpreact), axis=0, keepdims=True), c.h)


def dbnraw(c, dhpreact):
    return back(arr(c.bngain) * arr(dhpreact), c.h)


def dbnvar_inv(c, dbnraw):
    return back(np.sum(arr(c.bndiff) * arr(dbnraw), axis=0).reshape(1, -1), c.h)


def dbnvar(c, dbnvar_inv):
    return back(-0.5 * np.power(arr(c.bnvar) + 1e-5, -1.5) * arr(dbnvar_inv), c.h)


def dbndiff2(c, dbnvar):
    return back(np.repeat(arr(dbnvar), c.n, axis=0) / (c.n - 1), c.h)


def dbndiff(c, dbnraw, dbndiff2):
    return back(arr(c.bnvar_inv) * arr(dbnraw) + 2 * arr(c.bndiff) * arr(dbndiff2), c.h)


def dbnmeani(c, dbndiff):
    return back(np.negative(np.sum(arr(dbndiff), axis=0, keepdims=True)), c.h)


def dhprebn(c, dbndiff, dbnmeani):
    return back(arr(dbndiff) + np.tile(arr(dbnmeani), (c.n, 1)) / c.n, c.h)


def dembcat(c, dhprebn):
    return back(arr(dhprebn).dot(arr(c.W1).T), c.h)


def dW1(c, dhprebn):
    return back(arr(c.embcat).T.dot(arr(dhprebn)), c.h)


def db1(c, dhprebn):
    return back(arr(dhprebn).sum(axis=0), c.h)


def demb(c, dembcat):
    return back(arr(dembcat).reshape(tuple(c.emb.shape)), c.h)


def dC(c, demb):
    return embedding_backward(demb, c.Xb, c.C.shape[0])


def cmp(s, dt, t):
    a, b = arr(dt), arr(t.grad)
    if a.shape != b.shape:
        print(f"{s:15s} | exact: False | approximate: False | maxdiff: shapes {a.shape} {b.shape}")
        return False, False, np.inf
    ex, app, worst = np.array_equal(a, b), np.allclose(a, b), np.abs(a - b).max()
    print(f"{s:15s} | exact: {str(ex):5s} | approximate: {str(app):5s} | maxdiff: {worst}")
    return ex, app, worst


def unbroadcast(d, shape):
    a = arr(d)
    a = a.sum(axis=tuple(range(a.ndim - len(shape))))
    ones = tuple(i for i, size in enumerate(shape) if size == 1)
    return back(a.sum(axis=ones, keepdims=True) if ones else a, d).reshape(shape)


def cross_entropy_backward(logits, Yb):
    a = arr(logits)
    p = np.exp(a - a.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), arr(Yb)] -= 1
    return back(p / len(p), logits)


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    d, g, r, v = (arr(t) for t in (dhpreact, bngain, bnraw, bnvar_inv))
    n = d.shape[0]
    draw = g * d
    dvar_part = r / (n - 1) * np.sum(draw * r, axis=0)
    ddiff = v * (draw - dvar_part)
    return back(ddiff - ddiff.mean(axis=0), dhpreact)


def linear_backward(dout, x, W):
    d, a, w = arr(dout), arr(x), arr(W)
    rows, inputs = d.reshape(-1, d.shape[-1]), a.reshape(-1, a.shape[-1])
    return back(d @ w.T, x), back(inputs.T @ rows, x), back(rows.sum(axis=0), x)


def tanh_backward(dout, out):
    return back(arr(dout) * (1 - arr(out) ** 2), out)


def embedding_backward(demb, Xb, V):
    table = np.zeros((V, demb.shape[-1]))
    np.add.at(table, arr(Xb), arr(demb))
    return back(table, demb)


def backward(params, cache):
    C, W1, _, W2, _, gain, _ = params
    dlog = cross_entropy_backward(cache["logits"], cache["Yb"])
    dhid, gW2, gb2 = linear_backward(dlog, cache["h"], W2)
    dpre = tanh_backward(dhid, cache["h"])
    ggain = back((arr(dpre) * arr(cache["bnraw"])).sum(axis=0, keepdims=True), gain)
    gbias = back(arr(dpre).sum(axis=0, keepdims=True), gain)
    dbn = batchnorm_backward(dpre, gain, cache["bnraw"], cache["bnvar_inv"])
    dcat, gW1, gb1 = linear_backward(dbn, cache["embcat"], W1)
    gC = embedding_backward(dcat.reshape(cache["emb"].shape), cache["Xb"], C.shape[0])
    return gC, gW1, gb1, gW2, gb2, ggain, gbias


def train_step(params, Xb, Yb, lr):
    plain = [p.detach() for p in params]
    cache = forward(plain, Xb, Yb)
    for p, g in zip(plain, backward(plain, cache)):
        p -= lr * g
    return cache["loss"].item()


def calibrate(params, Xtr):
    C, W1, b1 = (arr(p) for p in params[:3])
    x = C[arr(Xtr)].reshape(len(Xtr), -1) @ W1 + b1
    return back(x.mean(axis=0, keepdims=True), params[0]), back(
        x.var(axis=0, ddof=1, keepdims=True), params[0]
    )


def gradcheck(f, x, dx, h=1e-5):
    a, d = arr(x).astype(np.float64), arr(dx)
    numeric = np.zeros_like(a)
    for i in np.ndindex(*a.shape):
        ends = []
        for sign in (1, -1):
            b = a.copy()
            b[i] += sign * h
            ends.append(float(f(torch.from_numpy(b).to(x.device))))
        numeric[i] = (ends[0] - ends[1]) / (2 * h)
    return np.max(np.abs(numeric - d) / np.maximum(np.abs(numeric), np.abs(d))).item()
