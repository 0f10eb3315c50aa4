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


E = torch.einsum


def hot(indices, like):
    return torch.nn.functional.one_hot(indices, like.shape[1]).to(like.dtype)


def dlogprobs(c):
    return -hot(c.Yb, c.logprobs) / c.n


def dprobs(c, dlogprobs):
    return E("ij,ij->ij", dlogprobs, 1 / c.probs)


def dcounts_sum_inv(c, dprobs):
    return E("ij,ij->i", c.counts, dprobs)[:, None]


def dcounts_sum(c, dcounts_sum_inv):
    return -E("ij,ij,ij->ij", dcounts_sum_inv, c.counts_sum_inv, c.counts_sum_inv)


def dcounts(c, dprobs, dcounts_sum):
    return E("ij,ik->ij", dprobs, c.counts_sum_inv) + dcounts_sum


def dnorm_logits(c, dcounts):
    return E("ij,ij->ij", dcounts, c.norm_logits.exp())


def dlogit_maxes(c, dnorm_logits):
    return E("ij->i", -dnorm_logits).unsqueeze(1)


def dlogits(c, dnorm_logits, dlogit_maxes):
    return dnorm_logits + E("ij,ik->ij", hot(c.logits.argmax(1), c.logits), dlogit_maxes)


def dh(c, dlogits):
    return E("iv,hv->ih", dlogits, c.W2)


def dW2(c, dlogits):
    return E("ih,iv->hv", c.h, dlogits)


def db2(c, dlogits):
    return E("iv->v", dlogits)


def dhpreact(c, dh):
    return dh - E("ih,ih,ih->ih", dh, c.h, c.h)


def dbngain(c, dhpreact):
    return E("ih,ih->h", c.bnraw, dhpreact).view(1, -1)


def dbnbias(c, dhpreact):
    return E("ih->h", dhpreact).view(1, -1)


def dbnraw(c, dhpreact):
    return E("kh,ih->ih", c.bngain, dhpreact)


def dbnvar_inv(c, dbnraw):
    return E("ih,ih->h", c.bndiff, dbnraw)[None]


def dbnvar(c, dbnvar_inv):
    return E("kh,kh,kh,kh->kh", dbnvar_inv, c.bnvar_inv, c.bnvar_inv, c.bnvar_inv) * -0.5


def dbndiff2(c, dbnvar):
    return (dbnvar / (c.n - 1)).expand(c.n, -1)


def dbndiff(c, dbnraw, dbndiff2):
    return E("kh,ih->ih", c.bnvar_inv, dbnraw) + E("ih,ih->ih", c.bndiff, dbndiff2) * 2


def dbnmeani(c, dbndiff):
    return E("ih->h", dbndiff)[None] * -1


def dhprebn(c, dbndiff, dbnmeani):
    return dbndiff + dbnmeani / c.n


def dembcat(c, dhprebn):
    return E("ih,eh->ie", dhprebn, c.W1)


def dW1(c, dhprebn):
    return E("ie,ih->eh", c.embcat, dhprebn)


def db1(c, dhprebn):
    return E("ih->h", dhprebn)


def demb(c, dembcat):
    return dembcat.unflatten(1, c.emb.shape[1:])


def dC(c, demb):
    return embedding_backward(demb, c.Xb, len(c.C))


def cmp(s, dt, t):
    alike = dt.shape == t.grad.shape
    ex = alike and torch.equal(dt, t.grad)
    app = alike and torch.allclose(dt, t.grad)
    maxdiff = torch.max(torch.abs(dt - t.grad))
    print(f"{s:<15} | exact: {str(ex):<5} | approximate: {str(app):<5} | maxdiff: {maxdiff}")
    return ex, app, maxdiff


def unbroadcast(d, shape):
    lead = d.dim() - len(shape)
    gone = list(range(lead)) + [i + lead for i, s in enumerate(shape) if s == 1]
    names = "abcdefgh"[: d.dim()]
    kept = "".join(n for i, n in enumerate(names) if i not in gone)
    return E(f"{names}->{kept}", d).reshape(shape)


def cross_entropy_backward(logits, Yb):
    return (torch.softmax(logits, 1) - hot(Yb, logits)) / logits.shape[0]


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n = bnraw.shape[0]
    d = E("ih,kh->ih", dhpreact, bngain)
    d = d - d.mean(0) - E("ih,jh,jh->ih", bnraw, d, bnraw) / (n - 1)
    return E("ih,kh->ih", d, bnvar_inv)


def linear_backward(dout, x, W):
    return (
        E("...o,io->...i", dout, W),
        E("...i,...o->io", x, dout),
        E("...o->o", dout),
    )


def tanh_backward(dout, out):
    return dout - dout * out.square()


def embedding_backward(demb, Xb, V):
    return E("nsv,nse->ve", torch.nn.functional.one_hot(Xb, V).to(demb.dtype), demb)


def backward(params, cache):
    W1, W2, gain = params[1], params[3], params[5]
    d = cross_entropy_backward(cache["logits"], cache["Yb"])
    a, gW2, gb2 = linear_backward(d, cache["h"], W2)
    a = tanh_backward(a, cache["h"])
    ggain = E("ih,ih->h", a, cache["bnraw"])[None]
    gbias = E("ih->h", a)[None]
    x, gW1, gb1 = linear_backward(
        batchnorm_backward(a, gain, cache["bnraw"], cache["bnvar_inv"]), cache["embcat"], W1
    )
    gC = embedding_backward(x.reshape(cache["emb"].shape), cache["Xb"], params[0].shape[0])
    return [gC, gW1, gb1, gW2, gb2, ggain, gbias]


@torch.no_grad()
def train_step(params, Xb, Yb, lr):
    cache = forward(params, Xb, Yb)
    for p, g in zip(params, backward(params, cache)):
        p.add_(g, alpha=-lr)
    return cache["loss"].item()


@torch.no_grad()
def calibrate(params, Xtr):
    hot_x = torch.nn.functional.one_hot(Xtr, params[0].shape[0]).to(params[0].dtype)
    emb = E("nsv,ve->nse", hot_x, params[0])
    x = emb.flatten(1) @ params[1] + params[2]
    variance, mean = torch.var_mean(x, dim=0, keepdim=True)
    return mean, variance


def gradcheck(f, x, dx, h=1e-5):
    x, dx = x.double(), dx.double().flatten()
    steps = h * torch.eye(x.numel(), dtype=torch.float64, device=x.device)
    ends = [(f(x + s.view_as(x)), f(x - s.view_as(x))) for s in steps]
    slopes = torch.stack([(a - b) / (2 * h) for a, b in ends])
    return ((slopes - dx).abs() / (slopes.abs() + dx.abs()).clamp(min=1e-30)).max().item()
