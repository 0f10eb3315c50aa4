"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

`student.gain(…)` calls your function. `student.run(probe, …)` runs a function of probes.py
beside your code, and its result comes back here. Lists and tuples stand for each other, and so
do numbers and 0-d tensors.
"""

import math

import torch
from oracles import (
    F64,
    ROUNDED,
    check_fold,
    close,
    right_grad_stats,
    right_ratios,
    right_stats,
    right_train,
)
from probes import (
    as_float,
    bias_before_a_norm,
    coupling,
    dead,
    fixed,
    linear,
    mlp_size,
    norm_used,
    plotted,
    stats,
    tanh,
    weights,
)

from autograder.suite import task, within

F = torch.nn.functional

# --------------------------------------------------------------------------- the first loss


@task("expected_initial_loss")
def test_27_letters(student):
    """For 27 letters it is 3.2958."""
    close(student.run(as_float, "expected_initial_loss", 27), 3.295836866, ROUNDED)


@task("initial_loss")
def test_loss_of_four_examples(student, rng, device):
    """Four examples of eleven letters: PyTorch's cross entropy."""
    logits = rng.normal(4, 11, scale=2.0, dtype=F64)
    Y = torch.tensor([3, 0, 10, 7], device=device)
    answer = student.run(as_float, "initial_loss", logits, Y)
    close(answer, F.cross_entropy(logits, Y).item(), ROUNDED)


@task("fix_output_layer")
def test_small_weights_no_bias(student, rng):
    """Weights times 0.01, and zeros."""
    W2, b2 = rng.normal(5, 3, dtype=F64), rng.normal(3, dtype=F64)
    close(student.run(fixed, W2, b2), [W2 / 100, torch.zeros_like(b2)])


# -------------------------------------------------------------------------- saturated neurons

MAP = [[1.0, 0.1, -0.5], [-0.995, 1.0, 0.3], [0.999, -1.0, 0.2], [-1.0, -0.8, 0.98]]


@task("saturation")
def test_share_of_a_map(student, device):
    """Six of these twelve outputs are beyond 0.99, three of them below 0."""
    close(student.run(as_float, "saturation", torch.tensor(MAP, device=device)), 0.5, ROUNDED)


@task("dead_neurons")
def test_a_white_column(student, device):
    """Far out always, sometimes, never: only the first neuron is dead."""
    close(student.run(dead, torch.tensor(MAP, device=device)), [True, False, False])


# ------------------------------------------------------------------ the scale of the weights


@task("gain")
def test_gains(student):
    """tanh 5/3, relu the root of 2, leaky_relu with a slope of 0.2 a little less."""
    asked = [["tanh"], ["relu"], ["leaky_relu", 0.2]]
    answers = [student.run(as_float, "gain", *args) for args in asked]
    close(answers, [torch.nn.init.calculate_gain(*args) for args in asked], ROUNDED)


@task("kaiming")
def test_the_lectures_hidden_layer(student):
    """30 inputs, 200 tanh neurons: the standard deviation is (5/3) / √30, about 0.3."""
    (W,) = student.run(weights, [30, 200, "tanh"], [1])
    close(W.shape, [30, 200])
    five_sigma = within(0.046, 0.0, "five sigma of 6,000 numbers")
    close(W.square().mean().sqrt().item(), 5 / 3 / math.sqrt(30), five_sigma)


# --------------------------------------------------------- batch normalisation in loose lines


@task("batchnorm_train")
def test_a_batch(student, rng):
    """Six examples, four neurons: what comes out, and the columns' mean and std as rows."""
    x = rng.normal(6, 4, scale=3.0, dtype=F64) + 2.0
    gain, bias = rng.normal(1, 4, dtype=F64), rng.normal(1, 4, dtype=F64)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_eval")
def test_one_example(student, rng, device):
    """One example, four neurons, with a mean and a std from elsewhere."""
    x, gain, bias, mean = (rng.normal(1, 4, dtype=F64) for _ in range(4))
    std = torch.tensor([[0.5, 2.0, 1.0, 4.0]], dtype=F64, device=device)
    close(student.batchnorm_eval(x, gain, bias, mean, std), gain * (x - mean) / std + bias)


@task("update_running")
def test_a_quarter_of_the_way(student, device):
    """With a momentum of 0.25: three quarters of what was, one of the batch's."""
    running = torch.tensor([[1.0, 0.0, -2.0]], device=device)
    batch = torch.tensor([[2.0, 4.0, 2.0]], device=device)
    expected = torch.tensor([[1.25, 1.0, -1.0]], device=device)
    close(student.update_running(running, batch, 0.25), expected)


@task("calibrate")
def test_all_examples(student, rng):
    """Mean and std of the columns of nine examples, as rows."""
    x = rng.normal(9, 4, scale=2.0, dtype=F64) + 1.0
    close(student.calibrate(x), [x.mean(0, keepdim=True), x.std(0, keepdim=True)])


@task("fold_batchnorm")
def test_layer_and_norm_in_one(student, rng, device):
    """Three examples through the folded layer: as through the layer and PyTorch's norm."""
    x, W = rng.normal(3, 5, dtype=F64), rng.normal(5, 4, dtype=F64)
    b, gain, bias, mean = (rng.normal(4, dtype=F64) for _ in range(4))
    var = torch.tensor([0.5, 2.0, 1.0, 4.0], dtype=F64, device=device)
    check_fold(student, x, [W, b, gain, bias, mean, var])


# ---------------------------------------------------------------------------------- the layers


@task("Linear")
def test_a_linear_layer(student, rng):
    """Five numbers in, three out: x @ weight + bias, kept in out; 15 and 3 parameters."""
    W, b, x = rng.normal(5, 3, dtype=F64), rng.normal(3, dtype=F64), rng.normal(4, 5, dtype=F64)
    out = F.linear(x, W.T, b)
    close(student.run(linear, W, b, x), [out, out, [3, 15]])


@task("BatchNorm1d")
def test_norm_in_eval(student, rng, device):
    """With training = False: PyTorch's batch norm by the running statistics."""
    x, mean = rng.normal(4, 3, scale=2.0, dtype=F64) + 1.0, rng.normal(3, dtype=F64)
    var = torch.tensor([0.5, 2.0, 4.0], dtype=F64, device=device)
    given = {"running_mean": mean, "running_var": var}
    outs, _, _ = student.run(norm_used, {}, given, [x], [False])
    close(outs, [F.batch_norm(x, mean, var, None, None, False, 0.0, 1e-5)])


@task("BatchNorm1d")
def test_norm_in_training(student, rng):
    """In training: columns around 0, by their own spread; running statistics move a tenth."""
    x = rng.normal(6, 3, scale=2.0, dtype=F64) + 1.0
    (out,), _, (running,) = student.run(norm_used, {}, {}, [x], [True])
    mean, var = x.mean(0), x.var(0)
    # both variances are right for x itself: out is told in units of its own spread
    close([out.mean(0), out / out.std(0)], [torch.zeros_like(mean), (x - mean) / x.std(0)])
    close(running, [0.1 * mean, 0.9 + 0.1 * var])


@task("BatchNorm1d")
def test_a_bias_before_it_is_for_nothing(student, rng):
    """A bias before the norm changes nothing, and its gradient is zero: leave it out."""
    x, b = rng.normal(6, 3, scale=2.0, dtype=F64), rng.normal(3, dtype=F64).requires_grad_()
    expected = [torch.zeros_like(x), torch.zeros_like(b)]
    close(student.run(bias_before_a_norm, x, b, rng.normal(6, 3, dtype=F64)), expected)


@task("Tanh")
def test_a_tanh_layer(student, rng):
    """tanh of twelve numbers, kept in out; no parameters."""
    x = rng.normal(4, 3, dtype=F64)
    close(student.run(tanh, x), [torch.tanh(x), torch.tanh(x), 0])


@task("build_mlp")
def test_number_of_parameters(student):
    """Five hidden layers of 100: 11 layers and 46,497 parameters; with norms 17 and 47,024."""
    close([student.run(mlp_size, flag) for flag in (False, True)], [[11, 46497], [17, 47024]])


# --------------------------------------------------------------------------------- four plots


@task("activation_stats")
def test_two_layers(student, rng):
    """Mean, standard deviation and the percentage beyond 0.97 of two layers."""
    outs = [torch.tanh(rng.normal(6, 4, scale=scale, dtype=F64)) for scale in (1.0, 3.0)]
    close(student.run(stats, outs), right_stats(outs), ROUNDED)


def some_params(rng):
    """A weight, its bias, another weight: data and gradients."""
    shapes = [(5, 4), (4,), (4, 3)]
    return [(rng.normal(*s, dtype=F64), rng.normal(*s, scale=0.1, dtype=F64)) for s in shapes]


@task("grad_stats")
def test_two_weights(student, rng):
    """Two weights and a bias between them: the gradient's mean, std, and std over the weight's."""
    pairs = some_params(rng)
    close(student.run(plotted, "grad_stats", pairs), right_grad_stats(pairs), ROUNDED)


@task("update_to_data")
def test_updates_of_two_weights(student, rng):
    """With a learning rate of 0.1: log10 of how much of itself each weight is moved by."""
    pairs = some_params(rng)
    close(student.run(plotted, "update_to_data", pairs, 0.1), right_ratios(pairs, 0.1), ROUNDED)


# -------------------------------------------------------------------------------- other norms


@task("layer_norm")
def test_rows(student, rng):
    """Four examples of five numbers: PyTorch's layer norm."""
    x = rng.normal(4, 5, scale=2.0, dtype=F64)
    gamma, beta = rng.normal(5, dtype=F64), rng.normal(5, dtype=F64)
    close(student.layer_norm(x, gamma, beta), F.layer_norm(x, (5,), gamma, beta))


@task("instance_norm")
def test_channels(student, rng):
    """Two examples, three channels, five places: PyTorch's instance norm."""
    x = rng.normal(2, 3, 5, scale=2.0, dtype=F64) + 1.0
    close(student.instance_norm(x), F.instance_norm(x))


@task("group_norm")
def test_groups(student, rng, device):
    """Six channels in three groups of two: PyTorch's group norm."""
    x = rng.normal(2, 6, 5, scale=2.0, dtype=F64) + torch.arange(6, device=device)[:, None]
    close(student.group_norm(x, 3), F.group_norm(x, 3))


@task("norm_coupling")
def test_columns_and_rows(student, rng):
    """Whoever subtracts the columns' means couples examples; the rows' means don't."""
    expected = {"column_means": True, "row_means": False}
    close(student.run(coupling, list(expected), rng.normal(5, 4, dtype=F64)), expected)


@task("lr_advice")
def test_three_networks(student):
    """Ratios around -4 want a higher rate, those around -3 are good, around -2 want a lower."""
    asked = [[-4.1, -3.9, -4.0], [-3.1, -2.9, -3.0], [-1.9, -2.1, -2.0]]
    close([student.lr_advice(ud) for ud in asked], ["higher", "good", "lower"])
