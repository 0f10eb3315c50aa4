"""What decides: every promise about first losses, weights, norms and plots, against PyTorch."""

import math

import torch
from oracles import (
    F64,
    ROUNDED,
    as_answered,
    check_fold,
    close,
    right_grad_stats,
    right_ratios,
    right_stats,
    right_train,
)
from probes import (
    after_the_plot,
    as_float,
    batch_after_update,
    calibrated,
    coupling,
    dead,
    eight_layers,
    fixed,
    kept_slope,
    linear,
    linear_gradients,
    mlp,
    new_linear,
    new_norm,
    norm_after_two_batches,
    norm_gradients,
    norm_used,
    of_transposed,
    only_tanh,
    plotted,
    stats,
    stats_in_graph,
    tanh_and_slope,
    train_gradients,
    two_layers,
    updated,
    watch_batches,
    weights,
)

from autograder.suite import Random, close_to_one, each, task, within

F = torch.nn.functional

SHARP = within(1e-6, 1e-7, "float32 will do, but a slope of 0 isn't 0.01")
NEAR = within(0.0, 0.1, "near is what is asked")
N, H, V = 7, 5, 11


def positive(rng, *shape):
    """float64 numbers between 0.3 and 2.3."""
    return 0.3 + 2 * rng.uniform(*shape, dtype=F64)


def uneven(rng, n, h):
    """Columns with means and spreads of their own: hpreact, as it comes."""
    x = rng.normal(n, h, dtype=F64)
    columns = torch.arange(1, h + 1).to(x)
    return x * (0.4 * columns) + columns - 2.5


def gain_and_bias(rng, *shape):
    """Far from 1 and 0."""
    return rng.normal(*shape, scale=0.3, dtype=F64) + 1.7, rng.normal(*shape, dtype=F64) + 0.5


def sigmas(count):
    """Five sigma of the root mean square of so many normal numbers, relative."""
    return within(5 / math.sqrt(2 * count), 0.0, "five sigma of random weights")


def centre(count):
    """Five sigma of the mean of so many numbers, in units of their spread."""
    return within(0.0, 5 / math.sqrt(count), "five sigma of random weights")


def spread(W, fan):
    """The root mean square, in units of 1 / sqrt(fan)."""
    return (W.square().mean() * fan).sqrt().item()


def check(answer, **expected):
    """Some of the answer's values."""
    close({key: answer[key] for key in expected}, expected)


# --------------------------------------------------------------------------- the first loss


@task("expected_initial_loss")
def test_other_alphabets(student):
    """log V for alphabets of 2, 65 and 50,257, and 0 where there is no choice."""
    answers = [student.run(as_float, "expected_initial_loss", v) for v in (2, 65, 50257, 1)]
    close(answers, [math.log(2), math.log(65), math.log(50257), 0.0], ROUNDED)


@task("initial_loss")
def test_mean_over_the_examples(student, rng):
    """The mean over seven examples of eleven letters is PyTorch's cross entropy."""
    logits, Y = rng.normal(N, V, scale=3.0, dtype=F64), rng.integers(0, V, N)
    answer = student.run(as_float, "initial_loss", logits, Y)
    close(answer, F.cross_entropy(logits, Y).item(), ROUNDED)


@task("initial_loss")
def test_a_network_that_is_very_sure(student, rng, device):
    """Logits of 1e4 and -1e4, and labels that are thought impossible: large, but finite."""
    logits = rng.normal(N, V, scale=2.0, dtype=F64)
    logits[0, 3], logits[1, 4], logits[2] = 1e4, -1e4, logits[2] - 4e3
    Y = torch.tensor([5, 4, 0, 1, 10, 7, 2], device=device)
    answer = student.run(as_float, "initial_loss", logits, Y)
    close(answer, F.cross_entropy(logits, Y).item(), ROUNDED)


@task("fix_output_layer")
def test_a_hundredth(student, rng):
    """Weights times 0.01 and a zero bias, in new tensors; the old ones are untouched."""
    W2, b2 = rng.normal(H, V, dtype=F64), rng.normal(V, dtype=F64)
    close(student.run(fixed, W2, b2), [W2 * 0.01, torch.zeros_like(b2)])


@task("fix_output_layer")
def test_no_hockey_stick(student, rng):
    """With the new output layer the first loss is within 0.05 of log 27."""
    W2, b2 = rng.normal(30, 27, scale=3.0, dtype=F64), rng.normal(27, dtype=F64)
    h = torch.tanh(rng.normal(600, 30, dtype=F64))
    Y = rng.integers(0, 27, 600)
    W, b = student.run(fixed, W2, b2)
    # the logits' spread is 0.1: the loss is 0.005 above log 27, one sigma of it is 0.004
    near = within(0.0, 0.05, "near log 27 is what is asked")
    close(F.cross_entropy(h @ W + b, Y).item(), math.log(27), near)


# -------------------------------------------------------------------------- saturated neurons


@task("saturation")
def test_both_ends(student, rng):
    """Numbers near -1 count as those near 1, and a limit is a limit: 0.99 itself isn't beyond."""
    h = 0.98 * (2 * rng.uniform(N, H, dtype=F64) - 1)
    h[:, 1] = -0.995
    h[2, 3], h[4, 0], h[5, 0], h[6, 2] = 1.0, 0.991, 0.99, -0.99
    close(student.run(as_float, "saturation", h), 9 / 35, ROUNDED)


@task("saturation")
def test_no_gradient_comes_back(student, rng):
    """The share is that of the neurons for which less than 1 - limit² of the gradient arrives."""
    x = rng.normal(9, H, scale=3.0, dtype=F64).requires_grad_()
    h = torch.tanh(x)
    (slope,) = torch.autograd.grad(h.sum(), x)
    for limit in (0.99, 0.9, 0.5):
        share = (slope < 1 - limit**2).double().mean().item()
        close(student.run(as_float, "saturation", h.detach(), limit), share, ROUNDED)


@task("dead_neurons")
def test_saturated_for_every_example(student, rng):
    """Dead is who is far out always, on whichever side; once within is enough to learn."""
    h = 0.9 * (2 * rng.uniform(N, H, dtype=F64) - 1)
    h[:, 1] = torch.tensor([0.995, -0.999, 1.0, 0.993, -1.0, -0.992, 0.998]).to(h)
    h[:, 2], h[3, 2] = 0.996, -0.985  # within 0.99, beyond 0.98
    h[:, 3] = -0.997
    h[:6, 4] = torch.tensor([0.991, -0.996, -1.0, 0.999, 1.0, -0.994]).to(h)
    close(student.run(dead, h), [False, True, False, True, False])


@task("dead_neurons")
def test_another_limit(student, device):
    """With a limit of 0.5 exactly 0.5 isn't beyond it."""
    h = [[0.5, 0.75, -0.5], [0.75, -0.625, -0.75], [-0.625, 0.875, -0.875], [-0.75, -0.75, 0.625]]
    close(student.run(dead, torch.tensor(h, device=device), 0.5), [False, True, False])


# ------------------------------------------------------------------ the scale of the weights


@task("gain")
def test_four_names(student):
    """linear 1, tanh 5/3, relu √2, leaky_relu with its own slope of 0.01."""
    names = ("linear", "tanh", "relu", "leaky_relu")
    answers = {name: student.run(as_float, "gain", name) for name in names}
    close(answers, {name: float(torch.nn.init.calculate_gain(name)) for name in names}, SHARP)


@task("gain")
def test_slopes(student):
    """leaky_relu with slopes of 0.2, 1 and 0: a slope of 1 is linear, one of 0 is relu."""
    answers = [student.run(as_float, "gain", "leaky_relu", a) for a in (0.2, 1.0, 0.5, 0.0)]
    close(answers, [math.sqrt(2 / 1.04), 1.0, math.sqrt(1.6), math.sqrt(2)], SHARP)


def check_scale(student, args, seed, fan, gain):
    (W,) = student.run(weights, args, [seed])
    close(W.shape, args[:2])
    close(spread(W, fan), gain, sigmas(W.numel()))
    close(W.mean().item() * math.sqrt(fan) / gain, 0.0, centre(W.numel()))


@task("kaiming")
def test_a_few_inputs(student):
    """30 inputs, tanh: hpreact's standard deviation is 5/3, as it would be with any fan_in."""
    check_scale(student, [30, 200, "tanh"], 5, 30, 5 / 3)


@task("kaiming")
def test_many_inputs(student):
    """300 inputs: the same 5/3 for tanh, and 1 for a layer without a bend."""
    check_scale(student, [300, 70, "tanh"], 6, 300, 5 / 3)
    check_scale(student, [300, 70, "linear"], 7, 300, 1.0)


@task("kaiming")
def test_by_fan_out(student):
    """mode="fan_out" divides by the root of the outputs, so that gradients keep their scale."""
    check_scale(student, [40, 170, "relu", "fan_out"], 8, 170, math.sqrt(2))
    check_scale(student, [170, 40, "relu", "fan_in"], 8, 170, math.sqrt(2))


@task("kaiming")
def test_the_generator_draws(student):
    """The same seed gives the same weights, another others; without a generator it works, too."""
    answer = student.run(weights, [6, 4, "relu", "fan_in"], [3, 3, 4, None, None])
    close([W.shape for W in answer], [[6, 4]] * 5)
    close(answer[1], answer[0])
    assert not torch.equal(answer[2], answer[0]), "seeds 3 and 4 give the same weights"
    assert not torch.equal(answer[3], answer[4]), "without a generator it is always the same"


@task("kaiming")
def test_a_leaky_layer(student):
    """leaky_relu is a name that gain knows, too: its own slope of 0.01 makes it √2, nearly."""
    check_scale(student, [60, 400, "leaky_relu"], 9, 60, math.sqrt(2 / 1.0001))


@task("kaiming")
def test_a_second_layer(student):
    """The next layer from the same generator is another one, and only that generator moves on."""
    close(student.run(two_layers, 3), [False, True])


@task("kaiming")
def test_eight_layers_deep(student):
    """Behind eight relu layers the scale is as before with relu's gain, and lost with 1."""
    # the log of a mean square behind eight layers of 200 wanders by 0.45 (one sigma)
    relu, linear = math.log(1.0), math.log(2.0**-8)
    five_sigma = within(0.0, 2.3, "five sigma of eight random layers")
    close(student.run(eight_layers, 200, 2), [relu, linear], five_sigma)


# --------------------------------------------------------- batch normalisation in loose lines


@task("batchnorm_train")
def test_output_and_statistics(student, rng):
    """Seven examples, five neurons: out, and mean and std as rows (1, 5)."""
    x, (gain, bias) = uneven(rng, N, H), gain_and_bias(rng, 1, H)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_columns_before_the_gain(student, rng):
    """With gain 1 and bias 0 each column of out has mean 0 and standard deviation 1."""
    x = uneven(rng, 9, 4)
    ones, zeros = torch.ones_like(x[:1]), torch.zeros_like(x[:1])
    answer = student.batchnorm_train(x, ones, zeros)
    close(answer, right_train(x, ones, zeros))
    close([answer[0].mean(0), answer[0].std(0)], [zeros[0], ones[0]])


@task("batchnorm_train")
def test_two_examples(student, rng):
    """Two examples are a batch: one goes to 0.71, the other to -0.71."""
    x, (gain, bias) = uneven(rng, 2, H), gain_and_bias(rng, 1, H)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_small_numbers(student, rng):
    """Columns whose spread is a thousandth come out as wide as others: std is taken as it is."""
    x, (gain, bias) = 0.001 * uneven(rng, N, 3), gain_and_bias(rng, 1, 3)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_a_column_that_says_nothing(student, rng):
    """A constant column has a std of 0, as torch says: it isn't kept away from 0."""
    x, (gain, bias) = uneven(rng, N, 3), gain_and_bias(rng, 1, 3)
    x[:, 1] = 2.0
    answer = student.batchnorm_train(x, gain, bias)
    close(list(answer)[1:], right_train(x, gain, bias)[1:])


@task("batchnorm_train")
def test_gradients_through_the_statistics(student, rng):
    """Gradients of hpreact, gain and bias: moving one example moves mean and std for all."""
    x, (gain, bias) = uneven(rng, N, H), gain_and_bias(rng, 1, H)
    leaves = [t.requires_grad_() for t in (x, gain, bias)]
    slopes = rng.normal(N, H, dtype=F64)
    out = right_train(*leaves)[0]
    expected = [out, *torch.autograd.grad((out * slopes).sum(), leaves)]
    close(student.run(train_gradients, x, gain, bias, slopes), expected)


@task("batchnorm_eval")
def test_handed_in_statistics(student, rng):
    """Seven examples, by a mean and std that aren't theirs."""
    x, (gain, bias) = uneven(rng, N, H), gain_and_bias(rng, 1, H)
    mean, std = rng.normal(1, H, dtype=F64), positive(rng, 1, H)
    right = F.batch_norm(x, mean[0], std[0] ** 2, gain[0], bias[0], False, 0.0, 0.0)
    close(student.batchnorm_eval(x, gain, bias, mean, std), right)


@task("batchnorm_eval")
def test_a_batch_of_one(student, rng):
    """A single example comes out as it did among seven."""
    x, (gain, bias) = uneven(rng, N, H), gain_and_bias(rng, 1, H)
    mean, std = rng.normal(1, H, dtype=F64), positive(rng, 1, H)
    right = gain * (x - mean) / std + bias
    close(student.batchnorm_eval(x[3:4], gain, bias, mean, std), right[3:4])


def running_and_batch(rng):
    return rng.normal(1, H, scale=2.0, dtype=F64), rng.normal(1, H, scale=2.0, dtype=F64) + 3.0


@task("update_running")
def test_a_thousandth(student, rng):
    """Without a momentum a thousandth of the batch's value comes in."""
    running, batch = running_and_batch(rng)
    close(student.run(updated, running, batch), [0.999 * running + 0.001 * batch, False])


@task("update_running")
def test_other_momenta(student, rng):
    """With a momentum of 0.1, of 1 (only the batch counts) and of 0 (nothing moves)."""
    running, batch = running_and_batch(rng)
    for momentum in (0.1, 1.0, 0.0):
        answer = student.run(updated, running, batch, momentum)
        close(answer, [(1 - momentum) * running + momentum * batch, False])


@task("update_running")
def test_no_graph(student, rng):
    """A batch's mean that hangs in the graph of its network leaves that graph behind."""
    running, batch = running_and_batch(rng)
    answer = student.run(updated, running, batch.requires_grad_(), 0.25)
    close(answer, [0.75 * running + 0.25 * batch.detach(), False])


@task("update_running")
def test_only_running_moves(student, rng):
    """The batch's own statistics stay as they are, and gradients are recorded again afterwards."""
    running, batch = running_and_batch(rng)
    close(student.run(batch_after_update, running, batch), batch)


@task("update_running")
def test_running_against_calibration(student, device):
    """After 500 batches running statistics are within 3 % of those of the whole training set."""
    g = Random(5, device)  # always the same numbers
    x = g.normal(400, 4, dtype=F64)
    x = x * torch.tensor([0.5, 1.0, 1.6, 2.2]).to(x) + torch.tensor([2.0, -4.0, 5.0, 7.0]).to(x)
    answer = student.run(watch_batches, x, g.integers(0, 400, 500, 64), 0.005)
    three_percent = within(0.03, 0.0, "3 % is what the sentence says")
    close(answer, [x.mean(0, keepdim=True), x.std(0, keepdim=True)], three_percent)


def check_calibration(student, x):
    right = x.detach()
    expected = [right.mean(0, keepdim=True), right.std(0, keepdim=True), False]
    close(student.run(calibrated, x), expected)


@task("calibrate")
def test_statistics_of_all(student, rng):
    """Mean and std of each column of 1,037 examples, as rows (1, 5)."""
    check_calibration(student, uneven(rng, 1037, H))


@task("calibrate")
def test_calibration_leaves_no_graph(student, rng):
    """hpreact hangs in the network's graph; the statistics don't. Four examples are enough."""
    check_calibration(student, uneven(rng, 4, 3).requires_grad_())


@task("calibrate")
def test_training_can_go_on(student, rng):
    """Without a graph here; afterwards gradients are recorded as before."""
    student.calibrate(uneven(rng, 4, 3))  # every call fails that leaves gradients off


def layer_and_norm(rng, bias=True):
    b = rng.normal(H, scale=2.0, dtype=F64) if bias else None
    head = [rng.normal(4, H, dtype=F64), b, rng.normal(H, dtype=F64), rng.normal(H, dtype=F64)]
    return [*head, rng.normal(H, scale=2.0, dtype=F64), positive(rng, H)]


@task("fold_batchnorm")
def test_one_layer_for_two(student, rng):
    """The folded layer gives what the layer and its norm gave, in float64 to the last digits."""
    check_fold(student, rng.normal(N, 4, dtype=F64), layer_and_norm(rng))


@task("fold_batchnorm")
def test_a_layer_without_bias(student, rng):
    """A layer in front of a norm has no bias; the folded one has all the same."""
    check_fold(student, rng.normal(N, 4, dtype=F64), layer_and_norm(rng, False))


@task("fold_batchnorm")
def test_another_eps(student, rng):
    """An eps of 0.3 and small variances: it is added to the variance, within the root."""
    args = layer_and_norm(rng)
    args[5] = 0.1 * args[5]
    check_fold(student, rng.normal(N, 4, dtype=F64), args, 0.3)


# ---------------------------------------------------------------------------------- the layers


@task("{layer}")
@each(layer=("Linear", "BatchNorm1d", "Tanh"), args=([6, 4], [6], []), width=(4, 6, 6))
def test_the_gradient_of_out(student, rng, layer, args, width):
    """out is the very tensor that goes on: its gradient can be plotted."""
    x = rng.normal(N, 6, dtype=F64).requires_grad_()
    slopes = rng.normal(N, width, dtype=F64)
    close(student.run(kept_slope, layer, args, x, slopes), slopes)


@task("Linear")
def test_what_a_layer_holds(student):
    """A weight (fan_in, fan_out), a zero bias or None, both parameters; other weights each time."""
    made = student.run(new_linear, 6, 4)
    close(made["weight"].shape, [6, 4])
    check(made, bias=[0.0] * 4, params=[4, 24], own=2, bare=[1, [6, 4], True], again=False)


@task("Linear")
def test_scale_of_the_weights(student):
    """The weights' standard deviation is 1/√fan_in, for 40 and for 400 inputs; their mean is 0."""
    for fan_in, fan_out in ((40, 300), (400, 50)):
        W = student.run(new_linear, fan_in, fan_out)["weight"]
        close(spread(W, fan_in), 1.0, sigmas(fan_in * fan_out))
        close(W.mean().item() * math.sqrt(fan_in), 0.0, centre(fan_in * fan_out))


@task("Linear")
def test_product_and_bias(student, rng):
    """x @ weight, with and without a bias; the result is kept in out; gradients arrive."""
    W, b, x = rng.normal(6, 4, dtype=F64), rng.normal(4, dtype=F64), rng.normal(N, 6, dtype=F64)
    slopes = rng.normal(N, 4, dtype=F64)
    expected = [x.T @ slopes, slopes.sum(0)]
    close(student.run(linear_gradients, W, b, x, slopes), expected)
    for bias in (b, None):
        out = F.linear(x, W.T, bias)
        close(student.run(linear, W, bias, x)[:2], [out, out])


@task("BatchNorm1d")
def test_what_a_norm_holds(student):
    """gamma and running_var are ones, beta and running_mean zeros; only two are parameters."""
    held = {"gamma": [1.0] * 4, "beta": [0.0] * 4}
    held |= {"running_mean": [0.0] * 4, "running_var": [1.0] * 4}
    close(student.run(new_norm, 4), [held, ["beta", "gamma"], 2, True])


def norm_state(rng, h):
    """A norm that has seen something."""
    gamma, beta = gain_and_bias(rng, h)
    mean, var = rng.normal(h, dtype=F64), positive(rng, h)
    return {"gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var}


def right_norm(given, x, eps, unbiased):
    """In training."""
    mean, var = x.mean(0), x.var(0, unbiased=unbiased)
    return given["gamma"] * (x - mean) / (var + eps).sqrt() + given["beta"]


def right_eval(given, x, eps=1e-5):
    mean, var = given["running_mean"], given["running_var"]
    return F.batch_norm(x, mean, var, given["gamma"], given["beta"], False, 0.0, eps)


def right_running(given, x, momentum):
    """The statistics after a batch; the variance is that with N - 1."""
    mean, var = given["running_mean"], given["running_var"]
    mean = (1 - momentum) * mean + momentum * x.mean(0)
    var = (1 - momentum) * var + momentum * x.var(0)
    return {**given, "running_mean": mean, "running_var": var}


def statistics_of(given):
    return [given["running_mean"], given["running_var"]]


def check_either(answer, right):
    """In training the variance with N - 1 and that with N are both right. right: by unbiased."""
    close_to_one(answer, *(as_answered(answer, right(unbiased)) for unbiased in (True, False)))


def check_training(student, given, x, options):
    """The output in training, kept in out."""
    eps = options.get("eps", 1e-5)
    outs, kept, _ = student.run(norm_used, options, given, [x], [True])
    check_either([outs, kept], lambda unbiased: [[right_norm(given, x, eps, unbiased)]] * 2)


@task("BatchNorm1d")
def test_columns_of_the_batch(student, rng):
    """In training each column is normalised by the batch, scaled by gamma, shifted by beta."""
    for n, h in ((N, H), (2, 3)):
        check_training(student, norm_state(rng, h), uneven(rng, n, h), {})


@task("BatchNorm1d")
def test_eps_in_the_root(student, rng):
    """With eps = 0.5 the root is that of var + 0.5."""
    check_training(student, norm_state(rng, H), 0.2 * uneven(rng, N, H), {"eps": 0.5})


@task("BatchNorm1d")
def test_gradients_of_a_norm(student, rng):
    """Gradients of x, gamma and beta, through mean and variance; running ones have no graph."""
    given = norm_state(rng, H)
    x, slopes = uneven(rng, N, H).requires_grad_(), rng.normal(N, H, dtype=F64)
    state = {name: given[name].clone().requires_grad_() for name in ("gamma", "beta")}

    def right(unbiased):
        out = right_norm(state, x, 1e-5, unbiased)
        gradients = torch.autograd.grad((out * slopes).sum(), [x, *state.values()])
        return [out.detach(), *gradients, False]

    check_either(student.run(norm_gradients, given, x, slopes), right)


@task("BatchNorm1d")
def test_running_statistics(student, rng):
    """Each batch in training moves them by a tenth, the variance with N - 1; twice is twice."""
    given, x, y = norm_state(rng, H), uneven(rng, N, H), uneven(rng, 4, H)
    once = right_running(given, x, 0.1)
    twice = right_running(once, y, 0.1)
    _, _, running = student.run(norm_used, {}, given, [x, y], [True, True])
    close(running, [statistics_of(once), statistics_of(twice)])


@task("BatchNorm1d")
def test_another_momentum(student, rng):
    """With a momentum of 0.001 they move by a thousandth, from 0 and 1 at the start."""
    x = uneven(rng, N, H)
    zeros, ones = torch.zeros_like(x[0]), torch.ones_like(x[0])
    given = {"gamma": ones, "beta": zeros, "running_mean": zeros, "running_var": ones}
    _, _, running = student.run(norm_used, {"momentum": 0.001}, given, [x], [True])
    close(running, [statistics_of(right_running(given, x, 0.001))])


@task("BatchNorm1d")
def test_eval_uses_and_keeps_them(student, rng):
    """With training = False: by the running statistics, which don't move; one example will do."""
    given, x = norm_state(rng, H), uneven(rng, N, H)
    answer = student.run(norm_used, {"eps": 0.01}, given, [x, x[2:3]], [False, False])
    outs = [right_eval(given, x, 0.01), right_eval(given, x[2:3], 0.01)]
    close(answer, [outs, outs, [statistics_of(given)] * 2])


@task("BatchNorm1d")
def test_train_then_eval(student, rng):
    """What was watched in training is used in eval, and training goes on afterwards."""
    given, x, y = norm_state(rng, H), uneven(rng, N, H), uneven(rng, 4, H)
    once = right_running(given, x, 0.1)
    twice = right_running(once, y, 0.1)
    outs, _, running = student.run(norm_used, {}, given, [x, y, y], [True, False, True])
    close(running, [statistics_of(once), statistics_of(once), statistics_of(twice)])
    close(outs[1], right_eval(once, y))


@task("BatchNorm1d")
def test_larger_weights_before_it(student, rng):
    """Ten times larger weights before the norm: with eps = 0 what comes out is the same."""
    given, x = norm_state(rng, H), uneven(rng, N, H)
    check_training(student, given, x, {"eps": 0.0})
    answers = [student.run(norm_used, {"eps": 0.0}, given, [s * x], [True]) for s in (1, 10)]
    close(answers[1][0], answers[0][0])


@task("BatchNorm1d")
def test_watching_moves_no_parameter(student, rng):
    """After a batch gamma is still 1 and beta 0: the statistics have memory of their own."""
    held, _ = student.run(norm_after_two_batches, uneven(rng, N, 3), True)
    check(held, gamma=[1.0] * 3, beta=[0.0] * 3)


@task("BatchNorm1d")
def test_eval_until_further_notice(student, rng):
    """training = False holds for the second call as well: the statistics are still 0."""
    held, training = student.run(norm_after_two_batches, uneven(rng, N, 3), False)
    close([training, held["running_mean"]], [False, [0.0] * 3])


@task("Tanh")
def test_tanh_as_a_layer(student, rng):
    """tanh of each number, kept in out; the gradient is 1 - out²; there are no parameters."""
    x, slopes = rng.normal(N, H, dtype=F64).requires_grad_(), rng.normal(N, H, dtype=F64)
    out = torch.tanh(x.detach())
    close(student.run(tanh_and_slope, x, slopes), [out, out, 0, slopes * (1 - out * out)])


@task("Tanh")
def test_tanh_of_large_numbers(student, device):
    """tanh of ±5, ±100 and ±300 is ±0.9999, ±1 and ±1: every number has one."""
    x = torch.tensor([[5.0, 100.0, 3e2], [-5.0, -100.0, -3e2]], dtype=F64, device=device)
    close(student.run(only_tanh, x), torch.tanh(x))


# In every network: no tensor and no layer is there twice, and the next network is another one.
SOUND = {"distinct": True, "apart": True, "leaves": True, "another": True}


@task("build_mlp")
def test_the_lectures_deep_network(student):
    """27 letters, 10 dimensions, 5 layers of 100: its layers, and 46,497 parameters."""
    net = student.run(mlp, [27, 10, 3, 100, 5], {})
    shapes = [[30, 100]] + [[100, 100]] * 4 + [[100, 27]]
    kinds = ["Linear", "Tanh"] * 5 + ["Linear"]
    check(net, kinds=kinds, shapes=shapes, params=46497, biases=[0.0] * 6, gammas=[], **SOUND)
    C = net["C"]
    close(C.shape, [27, 10])
    close(spread(C, 1), 1.0, sigmas(270))
    close(C.mean().item(), 0.0, centre(270))
    assert C.abs().max() > 1.9, "no number of C is beyond 1.9"


@task("build_mlp")
def test_scales_without_a_norm(student):
    """gain/√fan_in for each weight but the last, which has 0.1/√fan_in; first loss near log 27."""
    for options, gain in (({}, 5 / 3), ({"gain": 0.7}, 0.7)):
        net = student.run(mlp, [27, 10, 3, 100, 3], options)
        check(net, shapes=[[30, 100], [100, 100], [100, 100], [100, 27]])
        for W, right in zip(net["weights"], [gain] * 3 + [0.1], strict=True):
            close(spread(W, len(W)), right, sigmas(2700))
        close(net["loss"], math.log(27), NEAR)


@task("build_mlp")
def test_with_a_norm(student):
    """A norm behind every Linear, the last one too, no bias before it: 47,024 parameters."""
    net = student.run(mlp, [27, 10, 3, 100, 5], {"batchnorm": True})
    kinds = ["Linear", "BatchNorm1d", "Tanh"] * 5 + ["Linear", "BatchNorm1d"]
    check(net, kinds=kinds, params=47024, biases=[], **SOUND)


@task("build_mlp")
def test_scales_with_a_norm(student):
    """The last gamma is 0.1, the others 1; weights before a Tanh have the gain."""
    net = student.run(mlp, [27, 10, 3, 100, 2], {"gain": 3.0, "batchnorm": True})
    close(net["gammas"], [[1.0] * 100, [1.0] * 100, [0.1] * 27], ROUNDED)
    for W in net["weights"][:2]:  # the last weight's scale doesn't show behind the norm
        close(spread(W, len(W)), 3.0, sigmas(3000))
    close(net["loss"], math.log(27), NEAR)


@task("build_mlp")
def test_one_hidden_layer(student):
    """A single hidden layer, and other sizes: 7 letters, 4 dimensions, a context of 5."""
    plain = ["Linear", "Tanh", "Linear"]
    normed = ["Linear", "BatchNorm1d", "Tanh", "Linear", "BatchNorm1d"]
    for options, kinds, params in (({}, plain, 203), ({"batchnorm": True}, normed, 216)):
        net = student.run(mlp, [7, 4, 5, 6, 1], options)
        check(net, kinds=kinds, shapes=[[20, 6], [6, 7]], params=params)
        close(net["C"].shape, [7, 4])


# --------------------------------------------------------------------------------- four plots


@task("activation_stats")
def test_three_layers(student, rng):
    """Mean, std and percent beyond 0.97 of three layers of different size."""
    sizes = [((N, H), 1.0, 0.0), ((4, 6), 3.0, -0.5), ((3, 2), 2.0, 1.0)]
    outs = [torch.tanh(rng.normal(*s, scale=scale, dtype=F64) + add) for s, scale, add in sizes]
    outs[0][2, 1], outs[0][3, 3], outs[0][0, 0] = 0.97, -0.98, 0.975
    close(student.run(stats, outs), right_stats(outs), ROUNDED)


@task("activation_stats")
def test_outs_of_a_network(student, rng):
    """Outputs that hang in a graph, one of them with three dimensions, (4, 3, 5)."""
    xs = [rng.normal(*s, scale=2.0, dtype=F64) for s in ((4, 3, 5), (N, H))]
    close(student.run(stats_in_graph, xs), right_stats([torch.tanh(x) for x in xs]), ROUNDED)


def some_params(rng):
    """Weights, a bias, a weight, a gain, a block of three dimensions, a row: data and gradients."""
    shapes = [(3, 7), (4,), (6, 4), (7,), (2, 3, 2), (1, 5)]
    pairs = []
    for i, shape in enumerate(shapes):
        data = rng.normal(*shape, scale=0.5 + i, dtype=F64) + 0.3
        pairs.append((data, rng.normal(*shape, scale=0.01 * 3**i, dtype=F64) - 0.02))
    return pairs


@task("{plot}")
@each(plot=("grad_stats", "update_to_data"), rest=([], [0.1]))
def test_a_look_changes_nothing(student, rng, plot, rest):
    """Weights and gradients are the same after the look: the step is still to come."""
    pairs = some_params(rng)
    close(student.run(after_the_plot, plot, pairs, *rest), pairs)


@task("grad_stats")
def test_gradients_beside_weights(student, rng):
    """Mean and std of the gradient, and its std over the weight's: for matrices, in order."""
    pairs = some_params(rng)
    close(student.run(plotted, "grad_stats", pairs), right_grad_stats(pairs), ROUNDED)


@task("grad_stats")
def test_no_matrices(student, rng):
    """Biases and gains alone give an empty list."""
    pairs = [pair for pair in some_params(rng) if pair[0].dim() == 1]
    close(student.run(plotted, "grad_stats", pairs), [])


@task("update_to_data")
def test_powers_of_ten(student, rng):
    """log10 of the std of lr·grad over the std of the weight, for matrices and in their order."""
    pairs = some_params(rng)
    for lr in (0.1, 0.003):
        close(student.run(plotted, "update_to_data", pairs, lr), right_ratios(pairs, lr), ROUNDED)


@task("update_to_data")
def test_a_weight_that_does_not_learn(student, rng):
    """A gradient of zero is -inf, or far below all others, but no error; the rest is right."""
    pairs = [(p, g) for p, g in some_params(rng) if p.dim() == 2]
    pairs[1] = (pairs[1][0], torch.zeros_like(pairs[1][1]))
    answer = student.run(plotted, "update_to_data", pairs, 0.1)
    close(len(answer), 3)
    if isinstance(answer[1], float) and answer[1] < -7:
        answer[1] = -math.inf
    close(answer, right_ratios(pairs, 0.1), ROUNDED)


# -------------------------------------------------------------------------------- other norms


@task("layer_norm")
def test_each_example_by_itself(student, rng):
    """(7, 5), (4, 3, 5) and a single row: over the last dimension, PyTorch's layer norm."""
    gamma, beta = gain_and_bias(rng, H)
    for shape in ((N, H), (4, 3, H), (1, H), (H,)):
        x = rng.normal(*shape, scale=2.0, dtype=F64) + 1.0
        close(student.layer_norm(x, gamma, beta), F.layer_norm(x, (H,), gamma, beta))


@task("layer_norm")
def test_layer_norms_eps(student, rng):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    gamma, beta = gain_and_bias(rng, H)
    x = rng.normal(N, H, scale=0.6, dtype=F64)
    close(student.layer_norm(x, gamma, beta, 0.5), F.layer_norm(x, (H,), gamma, beta, 0.5))


@task("layer_norm")
def test_layer_norm_of_a_view(student, rng):
    """An x that is a transposed view gives the same."""
    gamma, beta = gain_and_bias(rng, H)
    x = rng.normal(3, H, 4, scale=2.0, dtype=F64) + 1.0
    right = F.layer_norm(x.transpose(1, 2), (H,), gamma, beta)
    close(student.run(of_transposed, "layer_norm", x, gamma, beta), right)


@task("layer_norm")
def test_layer_norm_of_one_number(student, rng):
    """With C = 1 the variance is 0: what is left is beta."""
    x = rng.normal(N, 1, dtype=F64)
    gamma, beta = torch.full_like(x[0], 2.0), torch.full_like(x[0], -0.5)
    close(student.layer_norm(x, gamma, beta), torch.full_like(x, -0.5))


@task("instance_norm")
def test_each_channel_of_each_example(student, rng, device):
    """(3, 4, 7): twelve means and twelve variances, PyTorch's instance norm."""
    x = rng.normal(3, 4, 7, scale=2.0, dtype=F64) + 1.0
    x *= (1 + torch.arange(4, device=device))[:, None]
    close(student.instance_norm(x), F.instance_norm(x))


@task("instance_norm")
def test_instance_norms_eps(student, rng):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    x = rng.normal(2, 3, 5, scale=0.6, dtype=F64) + 1.0
    close(student.instance_norm(x, 0.5), F.instance_norm(x, eps=0.5))


@task("instance_norm")
def test_instance_norm_of_a_view(student, rng):
    """An x that is a transposed view gives the same."""
    x = rng.normal(3, 5, 4, scale=2.0, dtype=F64) + 1.0
    close(student.run(of_transposed, "instance_norm", x), F.instance_norm(x.transpose(1, 2)))


@task("instance_norm")
def test_a_single_place(student, rng):
    """With T = 1 each channel is its own mean: zeros."""
    x = rng.normal(3, 4, 1, dtype=F64)
    close(student.instance_norm(x), torch.zeros_like(x))


@task("group_norm")
def test_neighbouring_channels(student, rng, device):
    """Six channels in groups of 3, 2, 6 and 1, each with its own level: PyTorch's group norm."""
    levels = torch.arange(6, dtype=F64, device=device)[:, None]
    x = rng.normal(3, 6, 5, scale=2.0, dtype=F64) * (1 + levels) + 3 * levels
    for groups in (2, 3, 1, 6):
        close(student.group_norm(x, groups), F.group_norm(x, groups))


@task("group_norm")
def test_group_norms_eps(student, rng):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    x = rng.normal(2, 4, 3, scale=0.6, dtype=F64) + 1.0
    close(student.group_norm(x, 2, 0.5), F.group_norm(x, 2, eps=0.5))


@task("group_norm")
def test_channels_that_do_not_lie_side_by_side(student, rng):
    """An x that is a transposed view gives the same."""
    x = rng.normal(3, 5, 4, scale=2.0, dtype=F64) + 1.0
    close(student.run(of_transposed, "group_norm", x, 2), F.group_norm(x.transpose(1, 2), 2))


@task("group_norm")
def test_a_group_of_one_number(student, rng):
    """As many groups as channels and T = 1: zeros."""
    x = rng.normal(3, 4, 1, dtype=F64)
    close(student.group_norm(x, 4), torch.zeros_like(x))


def check_coupling(student, x, **expected):
    """The answer for each of these norms."""
    close(student.run(coupling, list(expected), x), expected)


@task("norm_coupling")
def test_who_couples(student, rng):
    """Batch norm couples, layer norm doesn't, nor do fixed statistics; x is as it was."""
    x = rng.normal(N, H, dtype=F64)
    check_coupling(student, x, batch=True, layer=False, nothing=False, fixed=False)
    x = rng.normal(4, 3, 5, dtype=F64)
    check_coupling(student, x, instance=False, all_but_channels=True, batch=True)


@task("norm_coupling")
def test_sums_and_squares(student, rng):
    """A norm that shifts by the batch's sum couples, and so does one by its mean square."""
    x = rng.normal(N, H, dtype=F64) + 0.5
    check_coupling(student, x, batch_sum=True, batch_square=True)


@task("norm_coupling")
def test_zero_on_one(student, rng):
    """Example 1 on example 0 is not asked, nor example 2: only what 1 does to 0."""
    check_coupling(student, rng.normal(N, H, dtype=F64), all_before=False, example_2=False)


@task("norm_coupling")
def test_three_examples(student, rng):
    """Three examples are enough."""
    x = rng.normal(3, H, dtype=F64)
    check_coupling(student, x, batch_sum=True, all_before=False, nothing=False)


@task("lr_advice")
def test_by_the_median(student):
    """Below -3.5, between, above -2.5; one ratio that is far off, or -inf, decides nothing."""
    cases = {
        "higher": [[-4.2, -3.9, -3.6], [-3.6, -3.7, -0.1, 5.0, -3.8], [-math.inf, -4.0, -3.6]],
        "good": [[-3.0], [-3.4, -3.3, -9.0, -9.5, -3.2], [-3.0, -math.inf, -2.6], [-3.5], [-2.5]],
        "lower": [[-2.0, -2.4, -1.0], [-2.4, -2.3, -9.0, -9.5, -2.2], [-2.0, -math.inf, -1.0]],
    }
    answers = {said: [student.lr_advice(ud) for ud in given] for said, given in cases.items()}
    close(answers, {said: [said] * len(given) for said, given in cases.items()})


@task("lr_advice")
def test_an_even_number(student):
    """Four ratios in any order, and two."""
    given = [
        [-2.9, -3.3, -3.1, -3.0],
        [-4.0, -2.0, -4.1, -3.9],
        [-2.1, -2.2],
        [-2.4, -5.0, -2.3, -2.2],
    ]
    close([student.lr_advice(ud) for ud in given], ["good", "higher", "lower", "lower"])


@task("lr_advice")
def test_a_weight_that_stands_still_counts(student):
    """-inf is a ratio as any other: it is the smallest."""
    close(student.lr_advice([-2.0, -math.inf, -3.6]), "higher")
