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


def like(t):
    return torch.zeros_like(t)


def dlogprobs(c):
    out = torch.zeros(c.logprobs.shape, device=c.Yb.device)
    for i in range(c.n):
        out[i, c.Yb[i]] = -1 / c.n
    return out


def dprobs(c, dlogprobs):
    out = like(c.probs)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = dlogprobs[i, j] / c.probs[i, j]
    return out


def dcounts_sum_inv(c, dprobs):
    out = like(c.counts_sum_inv)
    for i in range(c.n):
        for j in range(c.counts.shape[1]):
            out[i, 0] += c.counts[i, j] * dprobs[i, j]
    return out


def dcounts_sum(c, dcounts_sum_inv):
    out = like(c.counts_sum)
    for i in range(c.n):
        out[i, 0] = -dcounts_sum_inv[i, 0] / (c.counts_sum[i, 0] * c.counts_sum[i, 0])
    return out


def dcounts(c, dprobs, dcounts_sum):
    out = like(c.counts)
    for i in range(c.n):
        for j in range(out.shape[1]):
            out[i, j] += dprobs[i, j] * c.counts_sum_inv[i, 0]
            out[i, j] += dcounts_sum[i, 0]
    return out


def dnorm_logits(c, dcounts):
    out = like(c.norm_logits)
    for i in range(c.n):
        out[i] = dcounts[i] * torch.exp(c.norm_logits[i])
    return out


def dlogit_maxes(c, dnorm_logits):
    out = like(c.logit_maxes)
    for i in range(c.n):
        for g in dnorm_logits[i]:
            out[i, 0] -= g
    return out


def dlogits(c, dnorm_logits, dlogit_maxes):
    rows = []
    for i in range(c.n):
        row = dnorm_logits[i].tolist()
        best = max(range(len(row)), key=lambda j: c.logits[i, j].item())
        row[best] += dlogit_maxes[i, 0].item()
        rows.append(row)
    return torch.tensor(rows, dtype=c.logits.dtype, device=c.logits.device)


def product(a, b):
    """a @ b."""
    out = torch.zeros((a.shape[0], b.shape[1]), dtype=a.dtype, device=a.device)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            out[i, j] = (a[i] * b[:, j]).sum()
    return out


def column_sums(d):
    total = like(d[0])
    for row in d:
        total += row
    return total


def dh(c, dlogits):
    return product(dlogits, c.W2.T)


def dW2(c, dlogits):
    out = like(c.W2)
    for i in range(c.n):
        for j in range(out.shape[0]):
            out[j] += c.h[i, j] * dlogits[i]
    return out


def db2(c, dlogits):
    return column_sums(dlogits)


def dhpreact(c, dh):
    out = like(dh)
    for i in range(c.n):
        out[i] = dh[i] * (1 - c.h[i]) * (1 + c.h[i])
    return out


def dbngain(c, dhpreact):
    out = like(c.bngain)
    for i in range(c.n):
        out[0] += c.bnraw[i] * dhpreact[i]
    return out


def dbnbias(c, dhpreact):
    out = like(c.bnbias)
    for i in range(c.n):
        out[0] += dhpreact[i]
    return out


def dbnraw(c, dhpreact):
    return torch.stack([c.bngain[0] * row for row in dhpreact])


def dbnvar_inv(c, dbnraw):
    out = like(c.bnvar_inv)
    for i in range(c.n):
        out[0] += c.bndiff[i] * dbnraw[i]
    return out


def dbnvar(c, dbnvar_inv):
    out = like(c.bnvar)
    for j in range(out.shape[1]):
        out[0, j] = -dbnvar_inv[0, j] / (2 * (c.bnvar[0, j] + 1e-5) ** 1.5)
    return out


def dbndiff2(c, dbnvar):
    out = like(c.bndiff2)
    for i in range(c.n):
        out[i] = dbnvar[0] / (c.n - 1)
    return out


def dbndiff(c, dbnraw, dbndiff2):
    out = like(c.bndiff)
    for i in range(c.n):
        out[i] += c.bnvar_inv[0] * dbnraw[i]
        out[i] += c.bndiff[i] * dbndiff2[i]
        out[i] += c.bndiff[i] * dbndiff2[i]
    return out


def dbnmeani(c, dbndiff):
    out = like(c.bnmeani)
    for row in dbndiff:
        out[0] -= row
    return out


def dhprebn(c, dbndiff, dbnmeani):
    out = like(c.hprebn)
    for i in range(c.n):
        out[i] = dbndiff[i] + dbnmeani[0] / c.n
    return out


def dembcat(c, dhprebn):
    return product(dhprebn, c.W1.T)


def dW1(c, dhprebn):
    return product(c.embcat.T, dhprebn)


def db1(c, dhprebn):
    return column_sums(dhprebn)


def demb(c, dembcat):
    out = like(c.emb)
    size = out.shape[2]
    for i in range(out.shape[0]):
        for s in range(out.shape[1]):
            for e in range(size):
                out[i, s, e] = dembcat[i, s * size + e]
    return out


def dC(c, demb):
    out = torch.zeros(c.C.shape, device=c.Xb.device)
    for i, window in enumerate(c.Xb.tolist()):
        for s, letter in enumerate(window):
            out[letter] += demb[i, s]
    return out


def cmp(s, dt, t):
    g = t.grad
    ex = app = False
    maxdiff = float("inf")
    if list(dt.shape) == list(g.shape):
        pairs = list(zip(dt.flatten().tolist(), g.flatten().tolist()))
        ex = all(a == b for a, b in pairs)
        app = all(abs(a - b) <= 1e-8 + 1e-5 * abs(b) for a, b in pairs)
        maxdiff = max(abs(a - b) for a, b in pairs)
    print(f"{s} | exact: {ex} | approximate: {app} | maxdiff: {maxdiff}")
    return [ex, app, maxdiff]


def unbroadcast(d, shape):
    out = torch.zeros(shape, dtype=d.dtype, device=d.device)
    extra = d.dim() - len(shape)
    for index in torch.cartesian_prod(*[torch.arange(s) for s in d.shape]).tolist():
        place = tuple(0 if size == 1 else k for size, k in zip(shape, index[extra:]))
        out[place] += d[tuple(index)]
    return out


def cross_entropy_backward(logits, Yb):
    rows = []
    for row, y in zip(logits, Yb):
        e = torch.exp(row - max(row))
        p = e / sum(e)
        rows.append(torch.stack([p[j] - 1 if j == y else p[j] for j in range(len(p))]) / len(Yb))
    return torch.stack(rows)


def batchnorm_backward(dhpreact, bngain, bnraw, bnvar_inv):
    n, H = dhpreact.shape
    out = like(dhpreact)
    for j in range(H):
        d = dhpreact[:, j] * bngain[0, j]
        dot = sum(d[i] * bnraw[i, j] for i in range(n))
        total = sum(d[i] for i in range(n))
        for i in range(n):
            out[i, j] = bnvar_inv[0, j] * (d[i] - total / n - bnraw[i, j] * dot / (n - 1))
    return out


def linear_backward(dout, x, W):
    dx, dW = like(x), like(W)
    db = torch.zeros(W.shape[1], dtype=W.dtype, device=W.device)
    places = [(i,) for i in range(x.shape[0])]
    if x.dim() == 3:
        places = [(i, t) for i in range(x.shape[0]) for t in range(x.shape[1])]
    for place in places:
        db += dout[place]
        for a in range(W.shape[0]):
            dx[place][a] = (W[a] * dout[place]).sum()
            dW[a] += x[place][a] * dout[place]
    return [dx, dW, db]


def tanh_backward(dout, out):
    return torch.tensor(
        [d * (1 - o * o) for d, o in zip(dout.flatten().tolist(), out.flatten().tolist())],
        dtype=out.dtype,
        device=out.device,
    ).reshape(out.shape)


def embedding_backward(demb, Xb, V):
    rows = []
    for v in range(V):
        row = torch.zeros(demb.shape[-1], dtype=demb.dtype, device=demb.device)
        for i in range(len(Xb)):
            for s in range(len(Xb[i])):
                if Xb[i, s] == v:
                    row = row + demb[i, s]
        rows.append(row)
    return torch.stack(rows)


def backward(params, cache):
    """All the small steps, one after another."""
    c = namespace(params, cache)
    glp = dlogprobs(c)
    gp = dprobs(c, glp)
    gcs = dcounts_sum(c, dcounts_sum_inv(c, gp))
    gnl = dnorm_logits(c, dcounts(c, gp, gcs))
    gl = dlogits(c, gnl, dlogit_maxes(c, gnl))
    ga = dhpreact(c, dh(c, gl))
    gr = dbnraw(c, ga)
    gd2 = dbndiff2(c, dbnvar(c, dbnvar_inv(c, gr)))
    gd = dbndiff(c, gr, gd2)
    gh = dhprebn(c, gd, dbnmeani(c, gd))
    ge = demb(c, dembcat(c, gh))
    return (dC(c, ge), dW1(c, gh), db1(c, gh), dW2(c, gl), db2(c, gl), dbngain(c, ga), dbnbias(c, ga))


def train_step(params, Xb, Yb, lr):
    with torch.no_grad():
        cache = forward(params, Xb, Yb)
        gradients = backward(params, cache)
        for i in range(len(params)):
            params[i].sub_(lr * gradients[i])
    return float(cache["loss"])


def calibrate(params, Xtr):
    C, W1, b1 = [p.detach() for p in params[:3]]
    rows = [torch.cat([C[i] for i in window]) @ W1 + b1 for window in Xtr.tolist()]
    mean = sum(rows) / len(rows)
    var = sum((row - mean) ** 2 for row in rows) / (len(rows) - 1)
    return mean, var


def gradcheck(f, x, dx, h=1e-5):
    values, shape = x.double().flatten().tolist(), x.shape
    worst = 0.0
    for i, d in enumerate(dx.flatten().tolist()):
        ends = []
        for step in (h, -h):
            moved = list(values)
            moved[i] += step
            ends.append(f(torch.tensor(moved, dtype=torch.float64, device=x.device).reshape(shape)))
        slope = (float(ends[0]) - float(ends[1])) / (2 * h)
        biggest = max(abs(slope), abs(d))
        if biggest > 0:
            worst = max(worst, abs(slope - d) / biggest)
    return worst
