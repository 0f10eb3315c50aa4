"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

A probe is a function that runs beside your code: `m` is your batchnorm.py. Only its result,
plain data, comes back here. Lists and tuples stand for each other, and so do numbers and 0-d
tensors.
"""

import math

import torch
from probes import close

from autograder.suite import task

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}


def some(shape, seed, device, scale=1.0, shift=0.0):
    """float64 numbers around shift, the same each time."""
    g = torch.Generator().manual_seed(seed)
    return (shift + scale * torch.randn(shape, generator=g, dtype=torch.float64)).to(device)


def as_float(m, name, args):
    return float(getattr(m, name)(*args))


# --------------------------------------------------------------------------- the first loss


@task("expected_initial_loss")
def test_27_letters(student):
    """For 27 letters it is 3.2958."""
    answer = student.run(as_float, "expected_initial_loss", [27])
    close(answer, 3.295836866, **ROUNDED)


@task("initial_loss")
def test_loss_of_four_examples(student, device):
    """Four examples of eleven letters: PyTorch's cross entropy."""
    logits, Y = some((4, 11), 1, device, 2.0), torch.tensor([3, 0, 10, 7], device=device)
    answer = student.run(as_float, "initial_loss", [logits, Y])
    close(answer, F.cross_entropy(logits, Y).item(), **ROUNDED)


def fixed(m, W2, b2):
    W, b = m.fix_output_layer(W2, b2)
    return [W.detach().double(), b.detach().double()]


@task("fix_output_layer")
def test_small_weights_no_bias(student, device):
    """Weights times 0.01, and zeros."""
    W2, b2 = some((5, 3), 2, device), some((3,), 3, device)
    close(student.run(fixed, W2, b2), [W2 / 100, torch.zeros_like(b2)])


# -------------------------------------------------------------------------- saturated neurons

MAP = [[1.0, 0.1, -0.5], [-0.995, 1.0, 0.3], [0.999, -1.0, 0.2], [-1.0, -0.8, 0.98]]


@task("saturation")
def test_share_of_a_map(student, device):
    """Six of these twelve outputs are beyond 0.99, three of them below 0."""
    answer = student.run(as_float, "saturation", [torch.tensor(MAP, device=device)])
    close(answer, 0.5, **ROUNDED)


def listed(m, h):
    dead = m.dead_neurons(h)
    return dead.tolist() if hasattr(dead, "tolist") else dead


@task("dead_neurons")
def test_a_white_column(student, device):
    """Far out always, sometimes, never: only the first neuron is dead."""
    close(student.run(listed, torch.tensor(MAP, device=device)), [True, False, False])


# ------------------------------------------------------------------ the scale of the weights


@task("gain")
def test_gains(student):
    """tanh 5/3, relu the root of 2, leaky_relu with a slope of 0.2 a little less."""
    asked = [["tanh"], ["relu"], ["leaky_relu", 0.2]]
    answers = [student.run(as_float, "gain", args) for args in asked]
    close(answers, [torch.nn.init.calculate_gain(*args) for args in asked], **ROUNDED)


def weights(m, args):
    import torch

    W = m.kaiming(*args, generator=torch.Generator().manual_seed(1)).detach().double()
    return [W.shape, W.square().mean().sqrt().item()]


@task("kaiming")
def test_the_lectures_hidden_layer(student):
    """30 inputs, 200 tanh neurons: the standard deviation is (5/3) / √30, about 0.3."""
    shape, std = [30, 200], 5 / 3 / math.sqrt(30)
    answer = student.run(weights, [30, 200, "tanh"])
    close(answer, [shape, std], rtol=0.046, atol=0.0, reason="five sigma of 6,000 numbers")


# --------------------------------------------------------- batch normalisation in loose lines


@task("batchnorm_train")
def test_a_batch(student, device):
    """Six examples, four neurons: what comes out, and the columns' mean and std as rows."""
    x = some((6, 4), 4, device, 3.0, 2.0)
    gain, bias = some((1, 4), 5, device), some((1, 4), 6, device)
    mean, std = x.mean(0, keepdim=True), x.std(0, keepdim=True)
    out = gain * (x - mean) / std + bias
    close(student.batchnorm_train(x, gain, bias), [out, mean, std])


@task("batchnorm_eval")
def test_one_example(student, device):
    """One example, four neurons, with a mean and a std from elsewhere."""
    x, gain, bias, mean = (some((1, 4), seed, device) for seed in (7, 8, 9, 10))
    std = torch.tensor([[0.5, 2.0, 1.0, 4.0]], dtype=torch.float64, device=device)
    close(student.batchnorm_eval(x, gain, bias, mean, std), gain * (x - mean) / std + bias)


@task("update_running")
def test_a_quarter_of_the_way(student, device):
    """With a momentum of 0.25: three quarters of what was, one of the batch's."""
    running = torch.tensor([[1.0, 0.0, -2.0]], device=device)
    batch = torch.tensor([[2.0, 4.0, 2.0]], device=device)
    expected = torch.tensor([[1.25, 1.0, -1.0]], device=device)
    close(student.update_running(running, batch, 0.25), expected)


@task("calibrate")
def test_all_examples(student, device):
    """Mean and std of the columns of nine examples, as rows."""
    x = some((9, 4), 11, device, 2.0, 1.0)
    close(student.calibrate(x), [x.mean(0, keepdim=True), x.std(0, keepdim=True)])


def folded(m, args):
    W, b = m.fold_batchnorm(*args)
    return [W, b.reshape(-1)]


@task("fold_batchnorm")
def test_layer_and_norm_in_one(student, device):
    """Three examples through the folded layer: as through the layer and PyTorch's norm."""
    x, W = some((3, 5), 12, device), some((5, 4), 13, device)
    b, gain, bias, mean = (some((4,), seed, device) for seed in (14, 15, 16, 17))
    var = torch.tensor([0.5, 2.0, 1.0, 4.0], dtype=torch.float64, device=device)
    right = F.batch_norm(x @ W + b, mean, var, gain, bias, False, 0.0, 1e-5)
    answer = student.run(folded, [W, b, gain, bias, mean, var])
    close([list(t.shape) for t in answer], [[5, 4], [4]])
    close(x @ answer[0] + answer[1], right)


# ---------------------------------------------------------------------------------- the layers


def linear(m, W, b, x):
    layer = m.Linear(*W.shape)
    layer.weight.data, layer.bias.data = W, b
    out = layer(x)
    return [out, getattr(layer, "out", None), sorted(p.numel() for p in layer.parameters())]


@task("Linear")
def test_a_linear_layer(student, device):
    """Five numbers in, three out: x @ weight + bias, kept in out; 15 and 3 parameters."""
    W, b, x = some((5, 3), 18, device), some((3,), 19, device), some((4, 5), 20, device)
    out = F.linear(x, W.T, b)
    close(student.run(linear, W, b, x), [out, out, [3, 15]])


def norm_in_eval(m, x, mean, var):
    layer = m.BatchNorm1d(x.shape[1])
    for held in (layer.gamma, layer.beta):
        held.data = held.data.to(x)
    for held, values in ((layer.running_mean, mean), (layer.running_var, var)):
        held.data = values.reshape(held.shape)
    layer.training = False
    return layer(x)


@task("BatchNorm1d")
def test_norm_in_eval(student, device):
    """With training = False: PyTorch's batch norm by the running statistics."""
    x, mean = some((4, 3), 21, device, 2.0, 1.0), some((3,), 22, device)
    var = torch.tensor([0.5, 2.0, 4.0], dtype=torch.float64, device=device)
    right = F.batch_norm(x, mean, var, None, None, False, 0.0, 1e-5)
    close(student.run(norm_in_eval, x, mean, var), right)


def norm_in_training(m, x):
    layer = m.BatchNorm1d(x.shape[1])
    for name in ("gamma", "beta", "running_mean", "running_var"):
        held = getattr(layer, name)
        held.data = held.data.to(x)
    out = layer(x)
    mean, var = layer.running_mean.detach(), layer.running_var.detach()
    # both variances are right for x itself: out is told in units of its own spread
    return [out.mean(0), out / out.std(0), mean.reshape(-1), var.reshape(-1)]


@task("BatchNorm1d")
def test_norm_in_training(student, device):
    """In training: columns around 0, by their own spread; running statistics move a tenth."""
    x = some((6, 3), 23, device, 2.0, 1.0)
    mean, var = x.mean(0), x.var(0)
    expected = [torch.zeros_like(mean), (x - mean) / x.std(0), 0.1 * mean, 0.9 + 0.1 * var]
    close(student.run(norm_in_training, x), expected)


def bias_before_a_norm(m, x, b, weights):
    """Output without and with a bias before the norm, and that bias's gradient."""
    outs = []
    for z in (x, x + b):
        layer = m.BatchNorm1d(x.shape[1])
        for name in ("gamma", "beta", "running_mean", "running_var"):
            held = getattr(layer, name)
            held.data = held.data.to(x)
        outs.append(layer(z))
    (outs[1] * weights).sum().backward()
    return [outs[1] - outs[0], b.grad]


@task("BatchNorm1d")
def test_a_bias_before_it_is_for_nothing(student, device):
    """A bias before the norm changes nothing, and its gradient is zero: leave it out."""
    x, b = some((6, 3), 24, device, 2.0), some((3,), 25, device).requires_grad_()
    expected = [torch.zeros_like(x), torch.zeros_like(b)]
    close(student.run(bias_before_a_norm, x, b, some((6, 3), 26, device)), expected)


def tanh(m, x):
    layer = m.Tanh()
    return [layer(x), getattr(layer, "out", None), len(list(layer.parameters()))]


@task("Tanh")
def test_a_tanh_layer(student, device):
    """tanh of twelve numbers, kept in out; no parameters."""
    x = some((4, 3), 27, device)
    close(student.run(tanh, x), [torch.tanh(x), torch.tanh(x), 0])


def mlp(m, batchnorm):
    C, layers = m.build_mlp(27, 10, 3, 100, 5, batchnorm=batchnorm)
    layers = list(layers)
    return [len(layers), C.numel() + sum(p.numel() for layer in layers for p in layer.parameters())]


@task("build_mlp")
def test_number_of_parameters(student):
    """Five hidden layers of 100: 11 layers and 46,497 parameters; with norms 17 and 47,024."""
    close([student.run(mlp, flag) for flag in (False, True)], [[11, 46497], [17, 47024]])


# --------------------------------------------------------------------------------- four plots


def stats(m, outs):
    return [[float(x) for x in row] for row in m.activation_stats(outs)]


@task("activation_stats")
def test_two_layers(student, device):
    """Mean, standard deviation and the percentage beyond 0.97 of two layers."""
    outs = [torch.tanh(some((6, 4), 28 + i, device, 1.0 + 2 * i)) for i in (0, 1)]
    right = [[t.mean(), t.std(), 100 * (t.abs() > 0.97).double().mean()] for t in outs]
    close(student.run(stats, outs), [[x.item() for x in row] for row in right], **ROUNDED)


def with_gradients(m, name, pairs, rest):
    params = []
    for data, grad in pairs:
        p = data.clone().requires_grad_()
        p.grad = grad
        params.append(p)
    answer = getattr(m, name)(params, *rest)
    return [[float(x) for x in row] if name == "grad_stats" else float(row) for row in answer]


def some_params(device):
    """A weight, its bias, another weight: data and gradients."""
    shapes = [(5, 4), (4,), (4, 3)]
    return [(some(s, 30 + i, device), some(s, 40 + i, device, 0.1)) for i, s in enumerate(shapes)]


@task("grad_stats")
def test_two_weights(student, device):
    """Two weights and a bias between them: the gradient's mean, std, and std over the weight's."""
    pairs = some_params(device)
    right = [[g.mean(), g.std(), g.std() / p.std()] for p, g in (pairs[0], pairs[2])]
    answer = student.run(with_gradients, "grad_stats", pairs, [])
    close(answer, [[x.item() for x in row] for row in right], **ROUNDED)


@task("update_to_data")
def test_updates_of_two_weights(student, device):
    """With a learning rate of 0.1: log10 of how much of itself each weight is moved by."""
    pairs = some_params(device)
    right = [(0.1 * g.std() / p.std()).log10().item() for p, g in (pairs[0], pairs[2])]
    close(student.run(with_gradients, "update_to_data", pairs, [0.1]), right, **ROUNDED)


# -------------------------------------------------------------------------------- other norms


@task("layer_norm")
def test_rows(student, device):
    """Four examples of five numbers: PyTorch's layer norm."""
    x, gamma, beta = some((4, 5), 50, device, 2.0), some((5,), 51, device), some((5,), 52, device)
    close(student.layer_norm(x, gamma, beta), F.layer_norm(x, (5,), gamma, beta))


@task("instance_norm")
def test_channels(student, device):
    """Two examples, three channels, five places: PyTorch's instance norm."""
    x = some((2, 3, 5), 53, device, 2.0, 1.0)
    close(student.instance_norm(x), F.instance_norm(x))


@task("group_norm")
def test_groups(student, device):
    """Six channels in three groups of two: PyTorch's group norm."""
    x = some((2, 6, 5), 54, device, 2.0) + torch.arange(6, device=device)[:, None]
    close(student.group_norm(x, 3), F.group_norm(x, 3))


def coupling(m, x):
    answers = []
    for dim in (0, 1):
        answer = m.norm_coupling(lambda x, d=dim: x - x.mean(d, keepdim=True), x)
        answers.append(answer.item() if hasattr(answer, "item") else answer)
    return answers


@task("norm_coupling")
def test_columns_and_rows(student, device):
    """Whoever subtracts the columns' means couples examples; the rows' means don't."""
    close(student.run(coupling, some((5, 4), 55, device)), [True, False])


@task("lr_advice")
def test_three_networks(student):
    """Ratios around -4 want a higher rate, those around -3 are good, around -2 want a lower."""
    asked = [[-4.1, -3.9, -4.0], [-3.1, -2.9, -3.0], [-1.9, -2.1, -2.0]]
    close([student.lr_advice(ud) for ud in asked], ["higher", "good", "lower"])
