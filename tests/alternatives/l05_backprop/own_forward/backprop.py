"""All my own, from the list of names; backward leans on what forward keeps."""

import types

import torch
import torch.nn.functional as F


def forward(params, Xb, Yb):
    C, W1, b1, W2, b2, bngain, bnbias = params
    n = Xb.size(0)
    k = {"params": params, "n": n, "Xb": Xb, "Yb": Yb}
    k["emb"] = C[Xb]
    k["embcat"] = k["emb"].reshape(n, -1)
    k["hprebn"] = k["embcat"].mm(W1) + b1
    k["bnmeani"] = k["hprebn"].sum(0, keepdim=True) / n
    k["bndiff"] = k["hprebn"] - k["bnmeani"]
    k["bndiff2"] = k["bndiff"].square()
    k["bnvar"] = k["bndiff2"].sum(0, keepdim=True) / (n - 1)
    k["bnvar_inv"] = (k["bnvar"] + 1e-5).rsqrt()
    k["bnraw"] = k["bndiff"] * k["bnvar_inv"]
    k["hpreact"] = k["bnraw"] * bngain + bnbias
    k["h"] = k["hpreact"].tanh()
    k["logits"] = k["h"].mm(W2) + b2
    k["logit_maxes"] = k["logits"].amax(1, keepdim=True)
    k["norm_logits"] = k["logits"] - k["logit_maxes"]
    k["counts"] = k["norm_logits"].exp()
    k["counts_sum"] = k["counts"].sum(1, keepdim=True)
    k["counts_sum_inv"] = 1 / k["counts_sum"]
    k["probs"] = k["counts"] * k["counts_sum_inv"]
    k["logprobs"] = k["probs"].log()
    k["loss"] = F.nll_loss(k["logprobs"], Yb)
    return k


def ns(params, cache):
    names = "C W1 b1 W2 b2 bngain bnbias".split()
    return types.SimpleNamespace(**{**dict(zip(names, params)), **cache})


dlogprobs = lambda c: F.one_hot(c.Yb, c.logprobs.shape[1]) * c.logprobs.new_tensor(-1 / c.n)
dprobs = lambda c, d: d / c.probs
dcounts_sum_inv = lambda c, d: (d * c.counts).sum(-1, keepdim=True)
dcounts_sum = lambda c, d: -d / c.counts_sum**2
dcounts = lambda c, d, e: d * c.counts_sum_inv + e
dnorm_logits = lambda c, d: d * c.counts
dlogit_maxes = lambda c, d: d.sum(-1, keepdim=True) * -1
dh = lambda c, d: d.mm(c.W2.t())
dW2 = lambda c, d: c.h.t().mm(d)
db2 = lambda c, d: d.sum(dim=0)
dhpreact = lambda c, d: d - d * c.h.pow(2)
dbngain = lambda c, d: (d * c.bnraw).sum(0, keepdim=True)
dbnbias = lambda c, d: d.sum(0, keepdim=True)
dbnraw = lambda c, d: d * c.bngain
dbnvar_inv = lambda c, d: (d * c.bndiff).sum(0, keepdim=True)
dbnvar = lambda c, d: d * -0.5 * (c.bnvar + 1e-5).pow(-1.5)
dbndiff2 = lambda c, d: d.expand_as(c.bndiff2) / (c.n - 1)
dbndiff = lambda c, d, e: d * c.bnvar_inv + e * c.bndiff + e * c.bndiff
dbnmeani = lambda c, d: 0 - d.sum(0, keepdim=True)
dhprebn = lambda c, d, e: d + e.expand_as(d).div(c.n)
dembcat = lambda c, d: d.mm(c.W1.t())
dW1 = lambda c, d: c.embcat.t().mm(d)
db1 = lambda c, d: d.sum(dim=0)
demb = lambda c, d: d.reshape(*c.Xb.shape, -1)
dC = lambda c, d: embedding_backward(d, c.Xb, c.C.shape[0])


def dlogits(c, d, e):
    out = d + 0
    rows = torch.arange(c.n, device=d.device)
    out[rows, c.logits.max(1)[1]] += e.squeeze(1)
    return out


def cmp(s, dt, t):
    print("%-15s | " % s, end="")
    if tuple(dt.shape) == tuple(t.grad.shape):
        d = (dt - t.grad).abs().max()
        verdict = (d == 0, torch.allclose(dt, t.grad), d)
    else:
        verdict = (torch.tensor(False), False, torch.tensor(float("nan")))
    print("exact: %-5s | approximate: %-5s | maxdiff: %s" % (bool(verdict[0]), *verdict[1:]))
    return verdict


def unbroadcast(d, shape):
    shape = tuple(shape)
    padded = (1,) * (d.dim() - len(shape)) + shape
    for axis, size in enumerate(padded):
        if size == 1:
            d = d.sum(axis, keepdim=True)
    return d.reshape(shape)


cross_entropy_backward = lambda logits, Yb: (
    F.softmax(logits, dim=-1) - F.one_hot(Yb, logits.shape[-1])
) / Yb.numel()


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n = dhpreact.shape[0]
    centred = dhpreact - dhpreact.mean(0, keepdim=True)
    return bngain * bnvar_inv * (centred - bnraw * (centred * bnraw).sum(0, keepdim=True) / (n - 1))


def linear_backward(dout, x, W):
    xs, ds = x.reshape(-1, W.shape[0]), dout.reshape(-1, W.shape[1])
    return [ds.mm(W.t()).reshape(x.shape), xs.t().mm(ds), ds.sum(0)]


def tanh_backward(dout, out):
    return torch.addcmul(dout, dout, out * out, value=-1)


def embedding_backward(demb, Xb, V):
    return F.one_hot(Xb.reshape(-1), V).to(demb.dtype).t().mm(demb.reshape(-1, demb.shape[-1]))


def backward(params, cache):
    assert cache["params"] is not None
    c = ns(params, cache)
    d = cross_entropy_backward(c.logits, c.Yb)
    g = {"W2": dW2(c, d), "b2": db2(c, d)}
    d = dhpreact(c, dh(c, d))
    g["gain"], g["bias"] = dbngain(c, d), dbnbias(c, d)
    d = batchnorm_backward(d, c.bngain, c.bnraw, c.bnvar_inv)
    g["W1"], g["b1"] = dW1(c, d), db1(c, d)
    g["C"] = dC(c, demb(c, dembcat(c, d)))
    return [g[k] for k in ("C", "W1", "b1", "W2", "b2", "gain", "bias")]


@torch.no_grad()
def train_step(params, Xb, Yb, lr):
    k = forward(params, Xb, Yb)
    torch._foreach_add_(list(params), backward(params, k), alpha=-lr)
    return k["loss"]


def calibrate(params, Xtr):
    with torch.no_grad():
        x = forward(params, Xtr, Xtr[:, 0])["hprebn"]
        return x.mean(0, True), x.std(0, keepdim=True) ** 2


def gradcheck(f, x, dx, h=1e-5):
    with torch.no_grad():
        x = x.double()
        errors = []
        for i in range(x.numel()):
            e = torch.zeros_like(x).flatten()
            e[i] = h
            e = e.reshape(x.shape)
            n = (f(x + e) - f(x - e)) / (2 * h)
            errors.append(((n - dx.flatten()[i]).abs() / (1e-10 + n.abs())).item())
        return max(errors)
