"""What runs beside a submission: `m` is its batchnorm.py. Only what a probe returns goes back.

A layer may be a plain class or an nn.Module; its statistics may be (H,) or (1, H), and its
numbers float32 or float64: probes fill them in and flatten what they read.
"""

import torch

NORM = ("gamma", "beta", "running_mean", "running_var")


def as_float(m, name, *args):
    return float(getattr(m, name)(*args))


def generators(seeds):
    """A generator for each seed (None: none); torch's own random numbers are others each time."""
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        yield None if seed is None else torch.Generator().manual_seed(seed)


# --------------------------------------------------------------------------- the first loss


def fixed(m, W2, b2):
    """The new tensors. They are changed afterwards, which must not change the given ones."""
    W, b = m.fix_output_layer(W2, b2)
    new = [W.detach().double().clone(), b.detach().double().clone()]
    with torch.no_grad():
        W += 1.0
        b += 1.0
    return new


# -------------------------------------------------------------------------- saturated neurons


def dead(m, *args):
    dead = m.dead_neurons(*args)
    return dead.tolist() if hasattr(dead, "tolist") else dead


# ------------------------------------------------------------------ the scale of the weights


def weights(m, args, seeds):
    """Weights from a generator of each seed."""
    made = [m.kaiming(*args, generator=generator) for generator in generators(seeds)]
    return [W.detach().cpu().double() for W in made]


def eight_layers(m, width, seed):
    """log of the mean square behind eight relu layers, in units of the input's."""
    generator = torch.Generator().manual_seed(seed)
    sizes = []
    for name in ("relu", "linear"):
        x = torch.randn((16, width), generator=torch.Generator().manual_seed(1)).double()
        for _ in range(8):
            W = m.kaiming(width, width, name, generator=generator)
            x = torch.relu(x @ W.detach().cpu().double())
        sizes.append(x.square().mean().log().item())
    return sizes


def two_layers(m, seed):
    """Are two layers from one generator the same? Was torch's own generator left alone?"""
    torch.manual_seed(4)
    here = torch.get_rng_state()
    generator = torch.Generator().manual_seed(seed)
    first, second = (m.kaiming(5, 4, "tanh", generator=generator).detach() for _ in range(2))
    return [bool((first == second).all()), bool((torch.get_rng_state() == here).all())]


# --------------------------------------------------------- batch normalisation in loose lines


def train_gradients(m, x, gain, bias, weights):
    out = m.batchnorm_train(x, gain, bias)[0]
    (out * weights).sum().backward()
    return [out.detach(), x.grad, gain.grad, bias.grad]


def updated(m, *args):
    """The result, and whether it hangs in a graph."""
    new = m.update_running(*args)
    return [new.detach(), bool(new.requires_grad)]


def batch_after_update(m, running, batch):
    m.update_running(running, batch, 0.25)
    return batch


def watch_batches(m, x, picks, momentum):
    """Running mean and std, from those of a first batch on, after a batch for each row of picks."""
    first = x[picks[0]]
    mean, std = first.mean(0, keepdim=True), first.std(0, keepdim=True)
    for ix in picks:
        batch = x[ix]
        mean = m.update_running(mean, batch.mean(0, keepdim=True), momentum)
        std = m.update_running(std, batch.std(0, keepdim=True), momentum)
    return [mean, std]


def calibrated(m, x):
    """Mean, std, and whether one of them hangs in a graph."""
    mean, std = m.calibrate(x)
    return [mean.detach(), std.detach(), bool(mean.requires_grad or std.requires_grad)]


def folded(m, args, eps):
    """eps: None for what it is unless said."""
    W, b = m.fold_batchnorm(*args) if eps is None else m.fold_batchnorm(*args, eps=eps)
    return [W.detach(), b.detach().reshape(-1)]


# ---------------------------------------------------------------------------------- the layers


def moved(x, tensors):
    """Put what a layer holds into x's dtype, where x is."""
    for held in tensors:
        held.data = held.data.to(x)


def norm_for(m, x, **options):
    """A new norm for x, in x's dtype."""
    layer = m.BatchNorm1d(x.shape[1], **options)
    moved(x, [getattr(layer, name) for name in NORM])
    return layer


def filled(layer, given):
    """The layer, with the given values in its parameters and statistics."""
    for name, values in given.items():
        held = getattr(layer, name)
        held.data = values.reshape(held.shape).clone()
    return layer


def kept_slope(m, name, args, x, weights):
    """The gradient that arrives at what out keeps, for the fourth plot; after a second call."""
    layer = getattr(m, name)(*args)
    buffers = [getattr(layer, n) for n in ("running_mean", "running_var") if hasattr(layer, n)]
    moved(x, [*layer.parameters(), *buffers])
    layer(x)
    out = layer(x)
    kept = layer.out
    if not kept.requires_grad:
        return "out hangs in no graph"
    kept.retain_grad()
    (out * weights).sum().backward()
    return kept.grad


def new_linear(m, fan_in, fan_out):
    """What a new layer holds, and one without a bias."""
    torch.manual_seed(fan_in)
    layer, bare = m.Linear(fan_in, fan_out), m.Linear(fan_in, fan_out, bias=False)
    params, bare_params = list(layer.parameters()), list(bare.parameters())
    return {
        "weight": layer.weight.detach().cpu().double(),
        "bias": layer.bias.detach().reshape(-1).tolist(),
        "params": sorted(p.numel() for p in params),
        "own": sum(any(p is q for q in (layer.weight, layer.bias)) for p in params),
        "bare": [len(bare_params), bare.weight.shape, getattr(bare, "bias", None) is None],
        "again": torch.equal(bare.weight, layer.weight),
    }


def with_weight(m, W, b):
    """A Linear with this weight, and with this bias; b: None for a layer without one."""
    layer = m.Linear(*W.shape, bias=False) if b is None else m.Linear(*W.shape)
    layer.weight.data = W.clone()
    return layer if b is None else filled(layer, {"bias": b})


def linear(m, W, b, x):
    """Output, what out keeps, sizes of the parameters."""
    layer = with_weight(m, W, b)
    out = layer(x)
    return [out, getattr(layer, "out", None), sorted(p.numel() for p in layer.parameters())]


def linear_gradients(m, W, b, x, weights):
    layer = with_weight(m, W, b)
    for p in (layer.weight, layer.bias):
        p.requires_grad_()
    (layer(x) * weights).sum().backward()
    return [layer.weight.grad, layer.bias.grad.reshape(-1)]


def new_norm(m, dim):
    """What a new norm holds, which of that are its parameters, how many there are, its mode."""
    layer = m.BatchNorm1d(dim)
    held = held_by(layer)
    params = list(layer.parameters())
    own = sorted(name for p in params for name in held if p is getattr(layer, name))
    return [held, own, len(params), bool(layer.training)]


def held_by(norm):
    return {name: getattr(norm, name).detach().reshape(-1).tolist() for name in NORM}


def norm_after_two_batches(m, x, training):
    """What a new norm holds then, and its mode."""
    layer = m.BatchNorm1d(x.shape[1])
    layer.training = training
    for _ in range(2):
        layer(x.to(layer.gamma))
    return [held_by(layer), bool(layer.training)]


def norm_used(m, options, given, xs, modes):
    """Outputs for each x in its mode, what out kept, and the statistics after each.

    given: what the norm holds; what isn't there is as it is in a new norm.
    """
    layer = filled(norm_for(m, xs[0], **options), given)
    outs, kept, running = [], [], []
    for x, training in zip(xs, modes):
        layer.training = training
        outs.append(layer(x).detach())
        kept.append(getattr(layer, "out", None))
        both = (layer.running_mean, layer.running_var)
        running.append([t.detach().reshape(-1).clone() for t in both])
    return [outs, kept, running]


def norm_gradients(m, given, x, weights):
    """Output; gradients of x, gamma and beta; whether the statistics hang in the graph."""
    layer = filled(norm_for(m, x), given)
    layer.gamma.requires_grad_()
    layer.beta.requires_grad_()
    out = layer(x)
    (out * weights).sum().backward()
    grads = [x.grad, layer.gamma.grad.reshape(-1), layer.beta.grad.reshape(-1)]
    watched = bool(layer.running_mean.requires_grad or layer.running_var.requires_grad)
    return [out.detach(), *grads, watched]


def bias_before_a_norm(m, x, b, weights):
    """What a bias before the norm adds to its output, and that bias's gradient."""
    without, out = (norm_for(m, x)(z) for z in (x, x + b))
    (out * weights).sum().backward()
    return [out - without, b.grad]


def tanh(m, x):
    """Output, what out keeps, the number of parameters."""
    layer = m.Tanh()
    return [layer(x), getattr(layer, "out", None), len(list(layer.parameters()))]


def tanh_and_slope(m, x, weights):
    """Output, what out keeps, the number of parameters, the gradient of x."""
    found = tanh(m, x)
    (found[0] * weights).sum().backward()
    return [*found, x.grad]


def only_tanh(m, x):
    return m.Tanh()(x)


def mlp_size(m, batchnorm):
    C, layers = m.build_mlp(27, 10, 3, 100, 5, batchnorm=batchnorm)
    layers = list(layers)
    return [len(layers), C.numel() + sum(p.numel() for layer in layers for p in layer.parameters())]


def mlp(m, args, options):
    """What a new network is made of, and its first loss on random letters."""
    torch.manual_seed(sum(args))
    C, layers = m.build_mlp(*args, **options)
    layers = list(layers)
    kinds = {"Linear": m.Linear, "BatchNorm1d": m.BatchNorm1d, "Tanh": m.Tanh}
    params = [C, *(p for layer in layers for p in layer.parameters())]
    linear = [layer for layer in layers if isinstance(layer, m.Linear)]
    norms = [layer for layer in layers if isinstance(layer, m.BatchNorm1d)]
    return {
        "kinds": [k for layer in layers for k, kind in kinds.items() if isinstance(layer, kind)],
        "shapes": [layer.weight.shape for layer in linear],
        "params": sum(p.numel() for p in params),
        "distinct": len({id(p) for p in params}) == len(params),
        "apart": len({id(layer) for layer in layers}) == len(layers),
        "leaves": all(p.is_leaf for p in params),
        "biases": [float(layer.bias.abs().max()) for layer in linear if layer.bias is not None],
        "gammas": [norm.gamma.detach().reshape(-1).tolist() for norm in norms],
        "C": C.detach().double(),
        "weights": [layer.weight.detach().double() for layer in linear],
        "loss": first_loss(C, layers, args[2]),
        "another": not torch.equal(C, m.build_mlp(*args, **options)[0]),
    }


def first_loss(C, layers, block):
    g = torch.Generator().manual_seed(3)
    X = torch.randint(0, len(C), (200, block), generator=g)
    Y = torch.randint(0, len(C), (200,), generator=g)
    x = C[X].view(200, -1)
    for layer in layers:
        x = layer(x)
    return torch.nn.functional.cross_entropy(x, Y).item()


# --------------------------------------------------------------------------------- four plots


def stats(m, outs):
    return [[float(x) for x in row] for row in m.activation_stats(outs)]


def stats_in_graph(m, xs):
    """The stats of tanh of each x, which hangs in a graph."""
    return stats(m, [x.detach().requires_grad_().tanh() for x in xs])


def with_gradients(pairs):
    """Parameters that have these data and gradients."""
    params = [data.clone().requires_grad_() for data, _ in pairs]
    for p, (_, grad) in zip(params, pairs):
        p.grad = grad.clone()
    return params


def plotted(m, name, pairs, *rest):
    """grad_stats or update_to_data of parameters that have these data and gradients."""
    answer = getattr(m, name)(with_gradients(pairs), *rest)
    return [[float(x) for x in row] if name == "grad_stats" else float(row) for row in answer]


def after_the_plot(m, name, pairs, *rest):
    """Data and gradients then."""
    params = with_gradients(pairs)
    list(getattr(m, name)(params, *rest))
    return [[p.detach(), p.grad] for p in params]


# -------------------------------------------------------------------------------- other norms


def of_transposed(m, name, x, *rest):
    return getattr(m, name)(x.transpose(-1, -2), *rest)


def over(dims):
    return lambda x: (x - x.mean(dims, keepdim=True)) / x.std(dims, keepdim=True)


NORMS = {
    "batch": over(0),
    "layer": over(-1),
    "instance": over(2),
    "all_but_channels": over((0, 2)),
    "column_means": lambda x: x - x.mean(0, keepdim=True),
    "row_means": lambda x: x - x.mean(1, keepdim=True),
    "batch_sum": lambda x: x - 0.1 * x.sum(0),
    "batch_square": lambda x: x / (x * x).mean(0).sqrt(),
    "nothing": lambda x: x * 1.0,
    "fixed": lambda x: (x - 0.3) / 1.7,
    "all_before": lambda x: x.cumsum(0),
    "example_2": lambda x: x - x[2],
}


def coupling(m, kinds, x):
    """The answer for each of these norms."""
    torch.manual_seed(1)
    answers = {kind: m.norm_coupling(NORMS[kind], x) for kind in kinds}
    return {kind: a.item() if hasattr(a, "item") else a for kind, a in answers.items()}
