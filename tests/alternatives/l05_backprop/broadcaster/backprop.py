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


def prod(d, partner, like):
    """An operand of a product that may have been broadcast."""
    return unbroadcast(d * partner, like.shape)


def dlogprobs(c):
    chosen = torch.arange(c.logprobs.shape[1], device=c.Yb.device) == c.Yb[:, None]
    return torch.where(chosen, torch.full_like(c.logprobs, -1 / c.n), torch.zeros_like(c.logprobs))


def dprobs(c, dlogprobs):
    return dlogprobs * c.probs**-1


def dcounts_sum_inv(c, dprobs):
    return prod(dprobs, c.counts, c.counts_sum_inv)


def dcounts_sum(c, dcounts_sum_inv):
    return dcounts_sum_inv * -1 * c.counts_sum ** (-2)


def dcounts(c, dprobs, dcounts_sum):
    total = dcounts_sum.expand(c.counts.shape).clone()
    total += prod(dprobs, c.counts_sum_inv, c.counts)
    return total


def dnorm_logits(c, dcounts):
    return prod(dcounts, c.norm_logits.exp(), c.norm_logits)


def dlogit_maxes(c, dnorm_logits):
    return unbroadcast(-dnorm_logits, c.logit_maxes.shape)


def dlogits(c, dnorm_logits, dlogit_maxes):
    place = c.logits.argmax(dim=1, keepdim=True)
    return dnorm_logits.scatter_add(1, place, dlogit_maxes)


def dh(c, dlogits):
    return linear_backward(dlogits, c.h, c.W2)[0]


def dW2(c, dlogits):
    return linear_backward(dlogits, c.h, c.W2)[1]


def db2(c, dlogits):
    return unbroadcast(dlogits, c.b2.shape)


def dhpreact(c, dh):
    return tanh_backward(dh, c.h)


def dbngain(c, dhpreact):
    return prod(dhpreact, c.bnraw, c.bngain)


def dbnbias(c, dhpreact):
    return unbroadcast(dhpreact, c.bnbias.shape)


def dbnraw(c, dhpreact):
    return prod(dhpreact, c.bngain, c.bnraw)


def dbnvar_inv(c, dbnraw):
    return prod(dbnraw, c.bndiff, c.bnvar_inv)


def dbnvar(c, dbnvar_inv):
    return dbnvar_inv * (-1 / 2) / torch.sqrt(c.bnvar + 1e-5) ** 3


def dbndiff2(c, dbnvar):
    return torch.ones((c.n, 1), dtype=dbnvar.dtype, device=dbnvar.device) @ dbnvar / (c.n - 1)


def dbndiff(c, dbnraw, dbndiff2):
    return prod(dbnraw, c.bnvar_inv, c.bndiff) + dbndiff2 * (2 * c.bndiff)


def dbnmeani(c, dbndiff):
    return unbroadcast(-dbndiff, c.bnmeani.shape)


def dhprebn(c, dbndiff, dbnmeani):
    return dbndiff + dbnmeani * (1 / c.n)


def dembcat(c, dhprebn):
    return linear_backward(dhprebn, c.embcat, c.W1)[0]


def dW1(c, dhprebn):
    return linear_backward(dhprebn, c.embcat, c.W1)[1]


def db1(c, dhprebn):
    return linear_backward(dhprebn, c.embcat, c.W1)[2]


def demb(c, dembcat):
    return dembcat.view_as(c.emb)


def dC(c, demb):
    return embedding_backward(demb, c.Xb, c.C.shape[0])


def cmp(s, dt, t):
    ex = dt.shape == t.grad.shape and bool((dt == t.grad).all())
    app = dt.shape == t.grad.shape and torch.allclose(dt, t.grad)
    maxdiff = float((dt - t.grad).abs().max()) if dt.shape == t.grad.shape else None or 1e9
    print(f"{s:15s} | exact: {ex} | approximate: {app} | maxdiff: {maxdiff:.3e}")
    return (ex, app, maxdiff)


def unbroadcast(d, shape):
    extra = d.dim() - len(shape)
    if extra > 0:
        d = d.sum(dim=tuple(range(extra)))
    dims = tuple(i for i, (have, want) in enumerate(zip(d.shape, shape)) if want == 1 != have)
    if dims:
        d = d.sum(dim=dims, keepdim=True)
    return d


def cross_entropy_backward(logits, Yb):
    target = torch.zeros_like(logits)
    target.scatter_(1, Yb[:, None], 1)
    log_probs = torch.log_softmax(logits, dim=1)
    return (log_probs.exp() - target) / logits.shape[0]


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n, _ = dhpreact.shape
    dgain = (dhpreact * bnraw).sum(0, keepdim=True)
    dbias = dhpreact.sum(0, keepdim=True)
    return bngain * bnvar_inv * (dhpreact - dbias / n - bnraw * dgain / (n - 1))


def linear_backward(dout, x, W):
    dW = x.unsqueeze(-1) * dout.unsqueeze(-2)
    return dout @ W.mT, unbroadcast(dW, W.shape), unbroadcast(dout, W.shape[1:])


def tanh_backward(dout, out):
    return (1 - out.pow(2)).mul(dout)


def embedding_backward(demb, Xb, V):
    table = torch.zeros(V, demb.shape[2], dtype=demb.dtype, device=demb.device)
    for s in range(Xb.shape[1]):
        table.index_add_(0, Xb[:, s], demb[:, s])
    return table


def backward(params, cache):
    c = namespace(params, cache)
    d = cross_entropy_backward(c.logits, c.Yb)
    out = {"W2": dW2(c, d), "b2": db2(c, d)}
    d = dhpreact(c, dh(c, d))
    out |= {"bngain": dbngain(c, d), "bnbias": dbnbias(c, d)}
    d = batchnorm_backward(d, c.bngain, c.bnraw, c.bnvar_inv)
    out |= {"W1": dW1(c, d), "b1": db1(c, d)}
    out["C"] = dC(c, demb(c, dembcat(c, d)))
    return tuple(out[name] for name in PARAMETERS)


def train_step(params, Xb, Yb, lr):
    with torch.no_grad():
        cache = forward(params, Xb, Yb)
        for p, d in zip(params, backward(params, cache)):
            p[...] = p - lr * d
        return cache["loss"].clone()


def calibrate(params, Xtr):
    with torch.no_grad():
        C, W1, b1, *_ = params
        parts = [C[Xtr[:, s]] for s in range(Xtr.shape[1])]
        hprebn = torch.cat(parts, 1) @ W1 + b1
    return hprebn.mean(0), hprebn.var(0)


def gradcheck(f, x, dx, h=1e-5):
    def slope(i):
        step = torch.zeros(x.numel(), dtype=torch.float64, device=x.device)
        step[i] = h
        step = step.reshape(x.shape)
        return (f(x.double() + step) - f(x.double() - step)) / (2 * h)

    numeric = torch.stack([slope(i) for i in range(x.numel())]).reshape(x.shape)
    error = torch.abs(numeric - dx) / torch.maximum(torch.abs(numeric), torch.abs(dx))
    return torch.max(error)
