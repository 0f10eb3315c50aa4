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


def dlogprobs(c):
    dlogprobs = torch.zeros_like(c.logprobs)
    dlogprobs[range(c.n), c.Yb] = -1.0 / c.n
    return dlogprobs


def dprobs(c, dlogprobs):
    return (1.0 / c.probs) * dlogprobs


def dcounts_sum_inv(c, dprobs):
    return (dprobs * c.counts).sum(1, keepdim=True)


def dcounts_sum(c, dcounts_sum_inv):
    return (-(c.counts_sum**-2)) * dcounts_sum_inv


def dcounts(c, dprobs, dcounts_sum):
    dcounts = c.counts_sum_inv * dprobs
    dcounts += torch.ones_like(c.counts) * dcounts_sum
    return dcounts


def dnorm_logits(c, dcounts):
    return c.counts * dcounts


def dlogit_maxes(c, dnorm_logits):
    return (-dnorm_logits).sum(1, keepdim=True)


def dlogits(c, dnorm_logits, dlogit_maxes):
    dlogits = dnorm_logits.clone()
    width = c.logits.shape[1]
    dlogits += torch.nn.functional.one_hot(c.logits.max(1).indices, num_classes=width) * dlogit_maxes
    return dlogits


def dh(c, dlogits):
    return dlogits @ c.W2.T


def dW2(c, dlogits):
    return c.h.T @ dlogits


def db2(c, dlogits):
    return dlogits.sum(0)


def dhpreact(c, dh):
    return (1.0 - c.h**2) * dh


def dbngain(c, dhpreact):
    return (c.bnraw * dhpreact).sum(0, keepdim=True)


def dbnraw(c, dhpreact):
    return c.bngain * dhpreact


def dbnbias(c, dhpreact):
    return dhpreact.sum(0, keepdim=True)


def dbnvar_inv(c, dbnraw):
    return (c.bndiff * dbnraw).sum(0, keepdim=True)


def dbnvar(c, dbnvar_inv):
    return (-0.5 * (c.bnvar + 1e-5) ** -1.5) * dbnvar_inv


def dbndiff2(c, dbnvar):
    return (1.0 / (c.n - 1)) * torch.ones_like(c.bndiff2) * dbnvar


def dbndiff(c, dbnraw, dbndiff2):
    dbndiff = c.bnvar_inv * dbnraw
    dbndiff += (2 * c.bndiff) * dbndiff2
    return dbndiff


def dbnmeani(c, dbndiff):
    return (-dbndiff).sum(0, keepdim=True)


def dhprebn(c, dbndiff, dbnmeani):
    dhprebn = dbndiff.clone()
    dhprebn += 1.0 / c.n * (torch.ones_like(c.hprebn) * dbnmeani)
    return dhprebn


def dembcat(c, dhprebn):
    return dhprebn @ c.W1.T


def dW1(c, dhprebn):
    return c.embcat.T @ dhprebn


def db1(c, dhprebn):
    return dhprebn.sum(0)


def demb(c, dembcat):
    return dembcat.view(c.emb.shape)


def dC(c, demb):
    dC = torch.zeros_like(c.C)
    for k in range(c.Xb.shape[0]):
        for j in range(c.Xb.shape[1]):
            ix = c.Xb[k, j]
            dC[ix] += demb[k, j]
    return dC


def cmp(s, dt, t):
    if dt.shape != t.grad.shape:
        ex, app, maxdiff = False, False, float("nan")
    else:
        ex = torch.all(dt == t.grad).item()
        app = torch.allclose(dt, t.grad)
        maxdiff = (dt - t.grad).abs().max().item()
    print(f"{s:15s} | exact: {str(ex):5s} | approximate: {str(app):5s} | maxdiff: {maxdiff}")
    return ex, app, maxdiff


def unbroadcast(d, shape):
    while d.ndim > len(shape):
        d = d.sum(0)
    for i in range(d.ndim):
        if shape[i] == 1 and d.shape[i] != 1:
            d = d.sum(i, keepdim=True)
    return d


def cross_entropy_backward(logits, Yb):
    n = logits.shape[0]
    dlogits = torch.nn.functional.softmax(logits, 1)
    dlogits[range(n), Yb] -= 1
    dlogits /= n
    return dlogits


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n = dhpreact.shape[0]
    return (
        bngain * bnvar_inv / n
        * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))
    )


def linear_backward(dout, x, W):
    dx = dout @ W.T
    if x.ndim == 3:
        dW = (x.transpose(1, 2) @ dout).sum(0)
        db = dout.sum((0, 1))
    else:
        dW = x.T @ dout
        db = dout.sum(0)
    return dx, dW, db


def tanh_backward(dout, out):
    return (1.0 - out**2) * dout


def embedding_backward(demb, Xb, V):
    dC = torch.zeros((V, demb.shape[2]), dtype=demb.dtype, device=demb.device)
    for k in range(Xb.shape[0]):
        for j in range(Xb.shape[1]):
            dC[Xb[k, j]] += demb[k, j]
    return dC


def backward(params, cache):
    C, W1, b1, W2, b2, bngain, bnbias = params
    emb, embcat, h, logits = cache["emb"], cache["embcat"], cache["h"], cache["logits"]
    bnraw, bnvar_inv, Xb, Yb = cache["bnraw"], cache["bnvar_inv"], cache["Xb"], cache["Yb"]
    n = Xb.shape[0]
    dlogits = torch.nn.functional.softmax(logits, 1)
    dlogits[range(n), Yb] -= 1
    dlogits /= n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    dhprebn = batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv)
    dembcat = dhprebn @ W1.T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.view(emb.shape)
    dC = torch.zeros_like(C)
    for k in range(Xb.shape[0]):
        for j in range(Xb.shape[1]):
            dC[Xb[k, j]] += demb[k, j]
    return [dC, dW1, db1, dW2, db2, dbngain, dbnbias]


def train_step(params, Xb, Yb, lr):
    with torch.no_grad():
        cache = forward(params, Xb, Yb)
        grads = backward(params, cache)
        for p, grad in zip(params, grads):
            p.data += -lr * grad
    return cache["loss"]


@torch.no_grad()
def calibrate(params, Xtr):
    C, W1, b1, W2, b2, bngain, bnbias = params
    emb = C[Xtr]
    embcat = emb.view(emb.shape[0], -1)
    hpreact = embcat @ W1 + b1
    return hpreact.mean(0, keepdim=True), hpreact.var(0, keepdim=True, unbiased=True)


def gradcheck(f, x, dx, h=1e-5):
    x = x.double()
    worst = 0.0
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=torch.float64, device=x.device)
        step[i] = h
        step = step.view(x.shape)
        numeric = ((f(x + step) - f(x - step)) / (2 * h)).item()
        analytic = dx.reshape(-1)[i].item()
        worst = max(worst, abs(numeric - analytic) / (abs(numeric) + abs(analytic) + 1e-12))
    return worst
