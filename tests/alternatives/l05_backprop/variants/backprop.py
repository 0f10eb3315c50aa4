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


import torch.nn.functional as F


def dlogprobs(c):
    """By scatter."""
    return torch.zeros_like(c.logprobs).scatter_(1, c.Yb.view(-1, 1), -1 / c.n)


def dprobs(c, dlogprobs):
    return dlogprobs * c.probs.reciprocal()


def dcounts_sum_inv(c, dprobs):
    return torch.linalg.vecdot(c.counts, dprobs, dim=1).unsqueeze(-1)


def dcounts_sum(c, dcounts_sum_inv):
    return dcounts_sum_inv * c.counts_sum_inv.square().neg()


def dcounts(c, dprobs, dcounts_sum):
    return torch.addcmul(dcounts_sum, dprobs, c.counts_sum_inv)


def dnorm_logits(c, dcounts):
    return dcounts * torch.exp(c.logits - c.logit_maxes)


def dlogit_maxes(c, dnorm_logits):
    ones = torch.ones(dnorm_logits.shape[1], 1, dtype=dnorm_logits.dtype, device=dnorm_logits.device)
    return -(dnorm_logits @ ones)


def dlogits(c, dnorm_logits, dlogit_maxes):
    """The largest share it, if there are several."""
    largest = (c.logits == c.logit_maxes).to(c.logits.dtype)
    return dnorm_logits + largest / largest.sum(1, keepdim=True) * dlogit_maxes


def dh(c, dlogits):
    return (c.W2 @ dlogits.T).T


def dW2(c, dlogits):
    return sum(torch.outer(h, d) for h, d in zip(c.h, dlogits))


def db2(c, dlogits):
    return torch.ones(c.n, dtype=dlogits.dtype, device=dlogits.device) @ dlogits


def dhpreact(c, dh):
    return dh / torch.cosh(c.hpreact) ** 2


def dbngain(c, dhpreact):
    return (c.bnraw * dhpreact).sum(dim=0).unsqueeze(0)


def dbnbias(c, dhpreact):
    return torch.sum(dhpreact, 0, True)


def dbnraw(c, dhpreact):
    return dhpreact @ torch.diag(c.bngain[0])


def dbnvar_inv(c, dbnraw):
    return torch.diag(c.bndiff.T @ dbnraw)[None, :]


def dbnvar(c, dbnvar_inv):
    return -dbnvar_inv * c.bnvar_inv**3 / 2


def dbndiff2(c, dbnvar):
    return dbnvar.repeat(c.n, 1).div(c.n - 1)


def dbndiff(c, dbnraw, dbndiff2):
    return torch.add(dbnraw * c.bnvar_inv, dbndiff2 * c.bndiff, alpha=2)


def dbnmeani(c, dbndiff):
    return torch.zeros_like(c.bnmeani) - dbndiff.sum(0)


def dhprebn(c, dbndiff, dbnmeani):
    """dbnmeani is what it is: with it, and not with a mean of one's own."""
    return torch.add(dbndiff, dbnmeani, alpha=1 / c.n)


def dembcat(c, dhprebn):
    return F.linear(dhprebn, c.W1)


def dW1(c, dhprebn):
    return (dhprebn.T @ c.embcat).T


def db1(c, dhprebn):
    return dhprebn.T.sum(1)


def demb(c, dembcat):
    return torch.stack(dembcat.chunk(c.Xb.shape[1], dim=1), dim=1)


def dC(c, demb):
    d = torch.zeros_like(c.C)
    d.index_put_((c.Xb,), demb, accumulate=True)
    return d


def cmp(s, dt, t):
    same = dt.size() == t.grad.size()
    ex = torch.tensor(same) and (dt == t.grad).all()
    app = same and torch.allclose(dt, t.grad)
    maxdiff = torch.dist(dt, t.grad, p=float("inf"))
    print(s.ljust(15), "| exact:", str(bool(ex)).ljust(5), "| approximate:", str(app).ljust(5), end=" ")
    print("| maxdiff:", maxdiff.item())
    return ex, app, maxdiff


def unbroadcast(d, shape):
    return d.sum_to_size(shape) if shape else d.sum()


def cross_entropy_backward(logits, Yb):
    shifted = logits - logits.logsumexp(1, keepdim=True)
    return shifted.exp().sub(F.one_hot(Yb, logits.size(1))).div(logits.size(0))


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n = len(bnraw)
    draw = dhpreact * bngain
    bndiff = bnraw / bnvar_inv
    dvar = (draw * bndiff).sum(0, keepdim=True) * -0.5 * bnvar_inv**3
    ddiff = draw * bnvar_inv + dvar * 2 * bndiff / (n - 1)
    dmean = -ddiff.sum(0, keepdim=True)
    return ddiff + dmean / n


def linear_backward(dout, x, W):
    dx = torch.matmul(dout, W.transpose(0, 1))
    dW = torch.tensordot(x, dout, dims=(list(range(x.dim() - 1)),) * 2)
    db = dout.reshape(-1, dout.shape[-1]).sum(0)
    return (dx, dW, db)


def tanh_backward(dout, out):
    return dout * (1 - out) * (1 + out)


def embedding_backward(demb, Xb, V):
    rows = demb.reshape(-1, demb.shape[-1])
    index = Xb.reshape(-1, 1).expand_as(rows)
    return torch.zeros(V, rows.shape[1], dtype=rows.dtype, device=rows.device).scatter_add_(
        0, index, rows
    )


def backward(params, cache):
    """Every small step, by name."""
    c = namespace(params, cache)
    needs = {
        "dlogprobs": (), "dprobs": ("dlogprobs",), "dcounts_sum_inv": ("dprobs",),
        "dcounts_sum": ("dcounts_sum_inv",), "dcounts": ("dprobs", "dcounts_sum"),
        "dnorm_logits": ("dcounts",), "dlogit_maxes": ("dnorm_logits",),
        "dlogits": ("dnorm_logits", "dlogit_maxes"), "dh": ("dlogits",), "dW2": ("dlogits",),
        "db2": ("dlogits",), "dhpreact": ("dh",), "dbngain": ("dhpreact",),
        "dbnbias": ("dhpreact",), "dbnraw": ("dhpreact",), "dbnvar_inv": ("dbnraw",),
        "dbnvar": ("dbnvar_inv",), "dbndiff2": ("dbnvar",), "dbndiff": ("dbnraw", "dbndiff2"),
        "dbnmeani": ("dbndiff",), "dhprebn": ("dbndiff", "dbnmeani"), "dembcat": ("dhprebn",),
        "dW1": ("dhprebn",), "db1": ("dhprebn",), "demb": ("dembcat",), "dC": ("demb",),
    }
    d = {}
    for name, parts in needs.items():
        d[name] = globals()[name](c, *(d[part] for part in parts))
    return [d["d" + name] for name in PARAMETERS]


def train_step(params, Xb, Yb, lr):
    with torch.inference_mode():
        cache = forward(params, Xb, Yb)
        gradients = backward(params, cache)
        loss = cache["loss"].item()
    with torch.no_grad():
        for p, d in zip(params, gradients):
            p.copy_(p - lr * d)
    return loss


def calibrate(params, Xtr):
    C, W1, b1 = (p.detach() for p in params[:3])
    hprebn = F.embedding(Xtr, C).flatten(1).mm(W1).add(b1)
    bnmean = hprebn.mean(0)
    bnvar = (hprebn - bnmean).square().sum(0) / (hprebn.shape[0] - 1)
    return [bnmean, bnvar]


def gradcheck(f, x, dx, h=1e-5):
    x = x.to(torch.float64).clone()
    dx = dx.to(torch.float64)
    errors = torch.zeros_like(x)
    for i in range(x.numel()):
        at = tuple(int(k) for k in torch.unravel_index(torch.tensor(i), x.shape))
        old = x[at].item()
        x[at] = old + h
        up = f(x).item()
        x[at] = old - h
        down = f(x).item()
        x[at] = old
        slope = (up - down) / 2 / h
        errors[at] = abs(slope - dx[at].item()) / max(abs(slope), abs(dx[at].item()), 1e-8)
    return errors.max()
