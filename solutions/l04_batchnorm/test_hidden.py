"""What decides: every promise about first losses, weights, norms and plots, against PyTorch.

A layer may be a plain class or an nn.Module; its statistics may be (H,) or (1, H), and its
numbers float32 or float64: probes fill them in and flatten what they read.
"""

import math

import torch
from probes import close

from autograder.suite import task

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}
SHARP = {"rtol": 1e-6, "atol": 1e-7, "reason": "float32 will do, but a slope of 0 isn't 0.01"}
N, H, V = 7, 5, 11


def some(rng, shape, device, scale=1.0, shift=0.0):
    """float64 numbers around shift."""
    return (shift + scale * torch.randn(shape, generator=rng, dtype=torch.float64)).to(device)


def positive(rng, shape, device):
    """float64 numbers between 0.3 and 2.3."""
    return (0.3 + 2 * torch.rand(shape, generator=rng, dtype=torch.float64)).to(device)


def uneven(rng, n, h, device):
    """Columns with means and spreads of their own: hpreact, as it comes."""
    columns = torch.arange(1, h + 1, dtype=torch.float64, device="cpu")
    x = torch.randn((n, h), generator=rng, dtype=torch.float64)
    return (x * (0.4 * columns) + columns - 2.5).to(device)


def sigmas(count):
    """Five sigma of the root mean square of so many normal numbers, relative."""
    return {"rtol": 5 / math.sqrt(2 * count), "atol": 0.0, "reason": "five sigma of random weights"}


def centre(count):
    """Five sigma of the mean of so many numbers, in units of their spread."""
    return {"rtol": 0.0, "atol": 5 / math.sqrt(count), "reason": "five sigma of random weights"}


def nearest(answer, choices):
    """Of several right answers the one whose first tensor is nearest to the answer's."""
    got = answer[0] if isinstance(answer, (list, tuple)) and answer else None
    right = choices[0][0]
    if not isinstance(got, torch.Tensor) or got.shape != right.shape or got.is_complex():
        return choices[0]
    return min(choices, key=lambda c: (got.double() - c[0]).abs().nan_to_num(1e9).max().item())


# --------------------------------------------------------------------------- the first loss


def as_float(m, name, args):
    return float(getattr(m, name)(*args))


@task("expected_initial_loss")
def test_other_alphabets(student):
    """log V for alphabets of 2, 65 and 50,257, and 0 where there is no choice."""
    answers = [student.run(as_float, "expected_initial_loss", [v]) for v in (2, 65, 50257, 1)]
    close(answers, [math.log(2), math.log(65), math.log(50257), 0.0], **ROUNDED)


@task("initial_loss")
def test_mean_over_the_examples(student, rng, device):
    """The mean over seven examples of eleven letters is PyTorch's cross entropy."""
    logits = some(rng, (N, V), device, 3.0)
    Y = torch.randint(0, V, (N,), generator=rng).to(device)
    answer = student.run(as_float, "initial_loss", [logits, Y])
    close(answer, F.cross_entropy(logits, Y).item(), **ROUNDED)


@task("initial_loss")
def test_a_network_that_is_very_sure(student, rng, device):
    """Logits of 1e4 and -1e4, and labels that are thought impossible: large, but finite."""
    logits = some(rng, (N, V), device, 2.0)
    logits[0, 3], logits[1, 4], logits[2] = 1e4, -1e4, logits[2] - 4e3
    Y = torch.tensor([5, 4, 0, 1, 10, 7, 2], device=device)
    answer = student.run(as_float, "initial_loss", [logits, Y])
    close(answer, F.cross_entropy(logits, Y).item(), **ROUNDED)


def fixed(m, W2, b2):
    """The new tensors; and the old ones, after the new ones were changed."""
    import torch

    W, b = m.fix_output_layer(W2, b2)
    new = [W.detach().double().clone(), b.detach().double().clone()]
    with torch.no_grad():
        W += 1.0
        b += 1.0
    return {"new": new, "old": [W2, b2]}


@task("fix_output_layer")
def test_a_hundredth(student, rng, device):
    """Weights times 0.01 and a zero bias, in new tensors; the old ones are untouched."""
    W2, b2 = some(rng, (H, V), device), some(rng, (V,), device)
    expected = {"new": [W2 * 0.01, torch.zeros_like(b2)], "old": [W2, b2]}
    close(student.run(fixed, W2, b2), expected)


@task("fix_output_layer")
def test_no_hockey_stick(student, rng, device):
    """With the new output layer the first loss is within 0.05 of log 27."""
    W2, b2 = some(rng, (30, 27), device, 3.0), some(rng, (27,), device)
    h = torch.tanh(some(rng, (600, 30), device))
    Y = torch.randint(0, 27, (600,), generator=rng).to(device)
    answer = student.run(fixed, W2, b2)
    close(answer["old"], [W2, b2])
    W, b = answer["new"]
    # the logits' spread is 0.1: the loss is 0.005 above log 27, one sigma of it is 0.004
    loss = F.cross_entropy(h @ W + b, Y).item()
    close(loss, math.log(27), rtol=0.0, atol=0.05, reason="near log 27 is what is asked")


# -------------------------------------------------------------------------- saturated neurons


@task("saturation")
def test_both_ends(student, rng, device):
    """Numbers near -1 count as those near 1, and a limit is a limit: 0.99 itself isn't beyond."""
    h = 0.98 * (2 * torch.rand((N, H), generator=rng, dtype=torch.float64) - 1)
    h[:, 1] = -0.995
    h[2, 3], h[4, 0], h[5, 0], h[6, 2] = 1.0, 0.991, 0.99, -0.99
    close(student.run(as_float, "saturation", [h.to(device)]), 9 / 35, **ROUNDED)


@task("saturation")
def test_no_gradient_comes_back(student, rng, device):
    """The share is that of the neurons for which less than 1 - limit² of the gradient arrives."""
    x = some(rng, (9, H), device, 3.0).requires_grad_()
    h = torch.tanh(x)
    (slope,) = torch.autograd.grad(h.sum(), x)
    for limit in (0.99, 0.9, 0.5):
        share = (slope < 1 - limit**2).double().mean().item()
        close(student.run(as_float, "saturation", [h.detach(), limit]), share, **ROUNDED)


def listed(m, args):
    dead = m.dead_neurons(*args)
    return dead.tolist() if hasattr(dead, "tolist") else dead


@task("dead_neurons")
def test_saturated_for_every_example(student, rng, device):
    """Dead is who is far out always, on whichever side; once within is enough to learn."""
    h = 0.9 * (2 * torch.rand((N, H), generator=rng, dtype=torch.float64) - 1)
    h[:, 1] = torch.tensor([0.995, -0.999, 1.0, 0.993, -1.0, -0.992, 0.998])
    h[:, 2], h[3, 2] = 0.996, -0.985  # within 0.99, beyond 0.98
    h[:, 3] = -0.997
    h[:6, 4] = torch.tensor([0.991, -0.996, -1.0, 0.999, 1.0, -0.994])
    close(student.run(listed, [h.to(device)]), [False, True, False, True, False])


@task("dead_neurons")
def test_another_limit(student, device):
    """With a limit of 0.5 exactly 0.5 isn't beyond it."""
    h = [[0.5, 0.75, -0.5], [0.75, -0.625, -0.75], [-0.625, 0.875, -0.875], [-0.75, -0.75, 0.625]]
    close(student.run(listed, [torch.tensor(h, device=device), 0.5]), [False, True, False])


# ------------------------------------------------------------------ the scale of the weights


@task("gain")
def test_four_names(student):
    """linear 1, tanh 5/3, relu √2, leaky_relu with its own slope of 0.01."""
    answers = {
        name: student.run(as_float, "gain", [name])
        for name in ("linear", "tanh", "relu", "leaky_relu")
    }
    close(answers, {name: float(torch.nn.init.calculate_gain(name)) for name in answers}, **SHARP)


@task("gain")
def test_slopes(student):
    """leaky_relu with slopes of 0.2, 1 and 0: a slope of 1 is linear, one of 0 is relu."""
    answers = [student.run(as_float, "gain", ["leaky_relu", a]) for a in (0.2, 1.0, 0.5, 0.0)]
    expected = [math.sqrt(2 / 1.04), 1.0, math.sqrt(1.6), math.sqrt(2)]
    close(answers, expected, **SHARP)


def weights(m, args, seeds):
    """Weights from generators of these seeds, while torch's own chance differs."""
    import torch

    made = []
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        W = m.kaiming(*args, generator=generator)
        made.append(W.detach().cpu().double())
    return made


def shape_and_scale(answer, fan):
    """The shape; root mean square and mean, times the root of fan."""
    W = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(W, torch.Tensor) or not W.is_floating_point():
        return [type(W).__name__, 0.0, 0.0]
    rms, mean = W.square().mean().sqrt().item(), W.mean().item()
    return [list(W.shape), rms * math.sqrt(fan), mean * math.sqrt(fan)]


def check_scale(answer, shape, fan, gain):
    count = shape[0] * shape[1]
    got, scale, mean = shape_and_scale(answer, fan)
    close(got, shape)
    close(scale, gain, **sigmas(count))
    close(mean / gain, 0.0, **centre(count))


@task("kaiming")
def test_a_few_inputs(student):
    """30 inputs, tanh: hpreact's standard deviation is 5/3, as it would be with any fan_in."""
    check_scale(student.run(weights, [30, 200, "tanh"], [5]), [30, 200], 30, 5 / 3)


@task("kaiming")
def test_many_inputs(student):
    """300 inputs: the same 5/3 for tanh, and 1 for a layer without a bend."""
    check_scale(student.run(weights, [300, 70, "tanh"], [6]), [300, 70], 300, 5 / 3)
    check_scale(student.run(weights, [300, 70, "linear"], [7]), [300, 70], 300, 1.0)


@task("kaiming")
def test_by_fan_out(student):
    """mode="fan_out" divides by the root of the outputs, so that gradients keep their scale."""
    args = [40, 170, "relu", "fan_out"]
    check_scale(student.run(weights, args, [8]), [40, 170], 170, math.sqrt(2))
    args = [170, 40, "relu", "fan_in"]
    check_scale(student.run(weights, args, [8]), [170, 40], 170, math.sqrt(2))


@task("kaiming")
def test_the_generator_draws(student):
    """The same seed gives the same weights, another others; without a generator it works, too."""
    answer = student.run(weights, [6, 4, "relu", "fan_in"], [3, 3, 4, None, None])
    close([list(W.shape) for W in answer], [[6, 4]] * 5)
    close(answer[1], answer[0])
    assert not torch.equal(answer[2], answer[0]), "seeds 3 and 4 give the same weights"
    assert not torch.equal(answer[3], answer[4]), "without a generator it is always the same"


def eight_layers(m, width, seed):
    """log of the mean square behind eight relu layers, in units of the input's."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    sizes = []
    for name in ("relu", "linear"):
        x = torch.randn((16, width), generator=torch.Generator().manual_seed(1)).double()
        for _ in range(8):
            W = m.kaiming(width, width, name, generator=generator)
            x = torch.relu(x @ W.detach().cpu().double())
        sizes.append(x.square().mean().log().item())
    return sizes


@task("kaiming")
def test_a_leaky_layer(student):
    """leaky_relu is a name that gain knows, too: its own slope of 0.01 makes it √2, nearly."""
    answer = student.run(weights, [60, 400, "leaky_relu"], [9])
    check_scale(answer, [60, 400], 60, math.sqrt(2 / 1.0001))


def two_layers(m, seed):
    """Two layers from one generator, and whether torch's own chance went on undisturbed."""
    import torch

    torch.manual_seed(4)
    here = torch.get_rng_state()
    generator = torch.Generator().manual_seed(seed)
    first, second = (m.kaiming(5, 4, "tanh", generator=generator).detach() for _ in range(2))
    return [bool((first == second).all()), bool((torch.get_rng_state() == here).all())]


@task("kaiming")
def test_a_second_layer(student):
    """The next layer from the same generator is another one, and only that generator moves on."""
    close(student.run(two_layers, 3), [False, True])


@task("kaiming")
def test_eight_layers_deep(student):
    """Behind eight relu layers the scale is as before with relu's gain, and lost with 1."""
    # the log of a mean square behind eight layers of 200 wanders by 0.45 (one sigma)
    relu, linear = math.log(1.0), math.log(2.0**-8)
    answer = student.run(eight_layers, 200, 2)
    close(answer, [relu, linear], rtol=0.0, atol=2.3, reason="five sigma of eight random layers")


# --------------------------------------------------------- batch normalisation in loose lines


def right_train(x, gain, bias):
    mean, std = x.mean(0, keepdim=True), x.std(0, keepdim=True)
    return [gain * (x - mean) / std + bias, mean, std]


def rows(rng, h, device):
    """A gain and a bias (1, H), far from 1 and 0."""
    return some(rng, (1, h), device, 0.3, 1.7), some(rng, (1, h), device, 1.0, 0.5)


@task("batchnorm_train")
def test_output_and_statistics(student, rng, device):
    """Seven examples, five neurons: out, and mean and std as rows (1, 5)."""
    x, (gain, bias) = uneven(rng, N, H, device), rows(rng, H, device)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_columns_before_the_gain(student, rng, device):
    """With gain 1 and bias 0 each column of out has mean 0 and standard deviation 1."""
    x = uneven(rng, 9, 4, device)
    ones, zeros = torch.ones_like(x[:1]), torch.zeros_like(x[:1])
    close(student.batchnorm_train(x, ones, zeros), right_train(x, ones, zeros))
    out = student.batchnorm_train(x, ones, zeros)[0]
    close([out.mean(0), out.std(0)], [zeros[0], ones[0]])


@task("batchnorm_train")
def test_two_examples(student, rng, device):
    """Two examples are a batch: one goes to 0.71, the other to -0.71."""
    x, (gain, bias) = uneven(rng, 2, H, device), rows(rng, H, device)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_small_numbers(student, rng, device):
    """Columns whose spread is a thousandth come out as wide as others: std is taken as it is."""
    x, (gain, bias) = 0.001 * uneven(rng, N, 3, device), rows(rng, 3, device)
    close(student.batchnorm_train(x, gain, bias), right_train(x, gain, bias))


@task("batchnorm_train")
def test_a_column_that_says_nothing(student, rng, device):
    """A constant column has a std of 0, as torch says: it isn't kept away from 0."""
    x, (gain, bias) = uneven(rng, N, 3, device), rows(rng, 3, device)
    x[:, 1] = 2.0
    answer = student.batchnorm_train(x, gain, bias)
    close(list(answer)[1:], right_train(x, gain, bias)[1:])


def train_gradients(m, x, gain, bias, weights):
    out = m.batchnorm_train(x, gain, bias)[0]
    (out * weights).sum().backward()
    return [out.detach(), x.grad, gain.grad, bias.grad]


@task("batchnorm_train")
def test_gradients_through_the_statistics(student, rng, device):
    """Gradients of hpreact, gain and bias: moving one example moves mean and std for all."""
    x, (gain, bias) = uneven(rng, N, H, device), rows(rng, H, device)
    leaves = [t.requires_grad_() for t in (x, gain, bias)]
    weights = some(rng, (N, H), device)
    out = right_train(*leaves)[0]
    expected = [out, *torch.autograd.grad((out * weights).sum(), leaves)]
    close(student.run(train_gradients, x, gain, bias, weights), expected)


@task("batchnorm_eval")
def test_handed_in_statistics(student, rng, device):
    """Seven examples, by a mean and std that aren't theirs."""
    x, (gain, bias) = uneven(rng, N, H, device), rows(rng, H, device)
    mean, std = some(rng, (1, H), device), positive(rng, (1, H), device)
    right = F.batch_norm(x, mean[0], std[0] ** 2, gain[0], bias[0], False, 0.0, 0.0)
    close(student.batchnorm_eval(x, gain, bias, mean, std), right)


@task("batchnorm_eval")
def test_a_batch_of_one(student, rng, device):
    """A single example comes out as it did among seven."""
    x, (gain, bias) = uneven(rng, N, H, device), rows(rng, H, device)
    mean, std = some(rng, (1, H), device), positive(rng, (1, H), device)
    right = gain * (x - mean) / std + bias
    close(student.batchnorm_eval(x[3:4], gain, bias, mean, std), right[3:4])


def updated(m, args):
    """The result, and whether it hangs in a graph."""
    new = m.update_running(*args)
    return [new.detach(), bool(new.requires_grad)]


@task("update_running")
def test_a_thousandth(student, rng, device):
    """Without a momentum a thousandth of the batch's value comes in."""
    running, batch = some(rng, (1, H), device, 2.0), some(rng, (1, H), device, 2.0, 3.0)
    answer = student.run(updated, [running.clone(), batch])
    close(answer, [0.999 * running + 0.001 * batch, False])


@task("update_running")
def test_other_momenta(student, rng, device):
    """With a momentum of 0.1, of 1 (only the batch counts) and of 0 (nothing moves)."""
    running, batch = some(rng, (1, H), device, 2.0), some(rng, (1, H), device, 2.0, 3.0)
    for momentum in (0.1, 1.0, 0.0):
        answer = student.run(updated, [running.clone(), batch, momentum])
        close(answer, [(1 - momentum) * running + momentum * batch, False])


@task("update_running")
def test_no_graph(student, rng, device):
    """A batch's mean that hangs in the graph of its network leaves that graph behind."""
    running = some(rng, (1, H), device)
    batch = some(rng, (1, H), device, 1.0, 2.0).requires_grad_()
    answer = student.run(updated, [running.clone(), batch, 0.25])
    close(answer, [0.75 * running + 0.25 * batch.detach(), False])


def after_update(m, running, batch):
    """What became of the batch's statistics, and are gradients recorded as before?"""
    import torch

    m.update_running(running, batch, 0.25)
    return [batch, torch.is_grad_enabled()]


@task("update_running")
def test_only_running_moves(student, rng, device):
    """The batch's own statistics stay as they are, and gradients are recorded again afterwards."""
    running, batch = some(rng, (1, H), device), some(rng, (1, H), device, 1.0, 2.0)
    close(student.run(after_update, running, batch), [batch, True])


def watch_batches(m, x, picks, momentum):
    """Running mean and std, from those of a first batch on, after a batch for each row of picks."""
    first = x[picks[0]]
    mean, std = first.mean(0, keepdim=True), first.std(0, keepdim=True)
    for ix in picks:
        batch = x[ix]
        mean = m.update_running(mean, batch.mean(0, keepdim=True), momentum)
        std = m.update_running(std, batch.std(0, keepdim=True), momentum)
    return [mean, std]


@task("update_running")
def test_running_against_calibration(student, device):
    """After 500 batches running statistics are within 3 % of those of the whole training set."""
    g = torch.Generator().manual_seed(5)  # always the same numbers
    x = torch.randn((400, 4), generator=g, dtype=torch.float64)
    x = (x * torch.tensor([0.5, 1.0, 1.6, 2.2]) + torch.tensor([2.0, -4.0, 5.0, 7.0])).to(device)
    picks = torch.randint(0, 400, (500, 64), generator=g).to(device)
    expected = [x.mean(0, keepdim=True), x.std(0, keepdim=True)]
    answer = student.run(watch_batches, x, picks, 0.005)
    close(answer, expected, rtol=0.03, atol=0.0, reason="3 % is what the sentence says")


def calibrated(m, x):
    mean, std = m.calibrate(x)
    return [mean.detach(), std.detach(), bool(mean.requires_grad or std.requires_grad)]


@task("calibrate")
def test_statistics_of_all(student, rng, device):
    """Mean and std of each column of 1,037 examples, as rows (1, 5)."""
    x = uneven(rng, 1037, H, device)
    close(student.run(calibrated, x), [x.mean(0, True), x.std(0, keepdim=True), False])


@task("calibrate")
def test_calibration_leaves_no_graph(student, rng, device):
    """hpreact hangs in the network's graph; the statistics don't. Four examples are enough."""
    x = uneven(rng, 4, 3, device).requires_grad_()
    right = x.detach()
    close(student.run(calibrated, x), [right.mean(0, True), right.std(0, keepdim=True), False])


def after_calibration(m, x):
    import torch

    m.calibrate(x)
    return torch.is_grad_enabled()


@task("calibrate")
def test_training_can_go_on(student, rng, device):
    """Without a graph here; afterwards gradients are recorded as before."""
    close(student.run(after_calibration, uneven(rng, 4, 3, device)), True)


def folded(m, args, eps):
    """What comes out, and what was handed in, afterwards."""
    W, b = m.fold_batchnorm(*args) if eps is None else m.fold_batchnorm(*args, eps=eps)
    return {"new": [W.detach(), b.detach().reshape(-1)], "given": args}


def right_fold(x, args, eps):
    """PyTorch's norm in eval, behind the linear layer."""
    W, b, gain, bias, mean, var = args
    z = x @ W if b is None else x @ W + b
    return F.batch_norm(z, mean, var, gain, bias, False, 0.0, eps)


def check_fold(student, x, args, eps=None):
    answer = student.run(folded, args, eps)
    close(answer["given"], args)
    W, b = args[0], args[3]
    close([list(t.shape) for t in answer["new"]], [list(W.shape), list(b.shape)])
    W, b = answer["new"]
    close(x.to(W) @ W + b.to(W), right_fold(x, args, 1e-5 if eps is None else eps))


def layer_and_norm(rng, device, bias=True):
    b = some(rng, (H,), device, 2.0) if bias else None
    head = [some(rng, (4, H), device), b, some(rng, (H,), device), some(rng, (H,), device)]
    return [*head, some(rng, (H,), device, 2.0), positive(rng, (H,), device)]


@task("fold_batchnorm")
def test_one_layer_for_two(student, rng, device):
    """The folded layer gives what the layer and its norm gave, in float64 to the last digits."""
    check_fold(student, some(rng, (N, 4), device), layer_and_norm(rng, device))


@task("fold_batchnorm")
def test_a_layer_without_bias(student, rng, device):
    """A layer in front of a norm has no bias; the folded one has all the same."""
    check_fold(student, some(rng, (N, 4), device), layer_and_norm(rng, device, False))


@task("fold_batchnorm")
def test_another_eps(student, rng, device):
    """An eps of 0.3 and small variances: it is added to the variance, within the root."""
    args = layer_and_norm(rng, device)
    args[5] = 0.1 * args[5]
    check_fold(student, some(rng, (N, 4), device), args, 0.3)


# ---------------------------------------------------------------------------------- the layers


def kept_slope(m, name, args, x, weights):
    """The gradient that arrives at what out keeps, for the fourth plot; after a second call."""
    layer = getattr(m, name)(*args)
    buffers = [getattr(layer, n) for n in ("running_mean", "running_var") if hasattr(layer, n)]
    for held in (*layer.parameters(), *buffers):
        held.data = held.data.to(x)
    layer(x)
    out = layer(x)
    kept = layer.out
    if not kept.requires_grad:
        return "out hangs in no graph"
    kept.retain_grad()
    (out * weights).sum().backward()
    return kept.grad


def check_kept(student, rng, device, name, args, shape):
    x = some(rng, (N, 6), device).requires_grad_()
    weights = some(rng, shape, device)
    close(student.run(kept_slope, name, args, x, weights), weights)


@task("Linear")
def test_the_gradient_of_out(student, rng, device):
    """out is the very tensor that goes on: its gradient can be plotted."""
    check_kept(student, rng, device, "Linear", [6, 4], (N, 4))


def linear_made(m, fan_in, fan_out):
    """What a new layer holds."""
    import torch

    torch.manual_seed(fan_in)
    layer, bare = m.Linear(fan_in, fan_out), m.Linear(fan_in, fan_out, bias=False)
    params, bare_params = list(layer.parameters()), list(bare.parameters())
    W = layer.weight.detach().cpu().double()
    return {
        "shape": layer.weight.shape,
        "bias": layer.bias.detach().reshape(-1).tolist(),
        "params": sorted(p.numel() for p in params),
        "own": sum(any(p is q for q in (layer.weight, layer.bias)) for p in params),
        "bare": [len(bare_params), bare.weight.shape, getattr(bare, "bias", None) is None],
        "rms": (W.square().mean() * fan_in).sqrt().item(),
        "mean": (W.mean() * fan_in**0.5).item(),
        "again": bool((bare.weight.detach().cpu().double() == W).all()),
    }


@task("Linear")
def test_what_a_layer_holds(student):
    """A weight (fan_in, fan_out), a zero bias or None, both parameters; other weights each time."""
    answer = student.run(linear_made, 6, 4)
    expected = {"shape": [6, 4], "bias": [0.0] * 4, "params": [4, 24], "own": 2}
    expected |= {"bare": [1, [6, 4], True], "again": False}
    close({key: answer[key] for key in expected}, expected)


@task("Linear")
def test_scale_of_the_weights(student):
    """The weights' standard deviation is 1/√fan_in, for 40 and for 400 inputs; their mean is 0."""
    for fan_in, fan_out in ((40, 300), (400, 50)):
        answer = student.run(linear_made, fan_in, fan_out)
        close(answer["rms"], 1.0, **sigmas(fan_in * fan_out))
        close(answer["mean"], 0.0, **centre(fan_in * fan_out))


def linear_applied(m, W, b, x, weights):
    """Output, what `out` keeps, gradients of weight and bias; then without a bias."""
    layer = m.Linear(*W.shape)
    layer.weight.data, layer.bias.data = W.clone(), b.reshape(layer.bias.shape).clone()
    for p in (layer.weight, layer.bias):
        p.requires_grad_()
    out = layer(x)
    (out * weights).sum().backward()
    bare = m.Linear(*W.shape, bias=False)
    bare.weight.data = W.clone()
    bare_out = bare(x)
    kept = [getattr(layer, "out", None), getattr(bare, "out", None)]
    grads = [layer.weight.grad, layer.bias.grad.reshape(-1)]
    return {"out": [out.detach(), bare_out.detach()], "kept": kept, "grads": grads}


@task("Linear")
def test_product_and_bias(student, rng, device):
    """x @ weight, with and without a bias; the result is kept in out; gradients arrive."""
    W, b, x = some(rng, (6, 4), device), some(rng, (4,), device), some(rng, (N, 6), device)
    weights = some(rng, (N, 4), device)
    outs = [F.linear(x, W.T, b), F.linear(x, W.T)]
    expected = {"out": outs, "kept": outs, "grads": [x.T @ weights, weights.sum(0)]}
    close(student.run(linear_applied, W, b, x, weights), expected)


def norm_made(m, dim):
    """What a new norm holds, and which tensors are its parameters."""
    layer = m.BatchNorm1d(dim)
    names = ["gamma", "beta", "running_mean", "running_var"]
    held = {name: getattr(layer, name).detach().reshape(-1).tolist() for name in names}
    params = list(layer.parameters())
    own = sorted(name for p in params for name in names if p is getattr(layer, name))
    return [held, own, len(params), bool(layer.training)]


@task("BatchNorm1d")
def test_what_a_norm_holds(student):
    """gamma and running_var are ones, beta and running_mean zeros; only two are parameters."""
    held = {"gamma": [1.0] * 4, "beta": [0.0] * 4}
    held |= {"running_mean": [0.0] * 4, "running_var": [1.0] * 4}
    close(student.run(norm_made, 4), [held, ["beta", "gamma"], 2, True])


def norm_used(m, options, given, xs, modes):
    """Outputs for each x in its mode, what out kept, and the statistics after each."""
    layer = m.BatchNorm1d(xs[0].shape[1], **options)
    for name, values in given.items():
        held = getattr(layer, name)
        held.data = values.reshape(held.shape).clone()
    outs, kept, running = [], [], []
    for x, training in zip(xs, modes):
        layer.training = training
        outs.append(layer(x).detach())
        kept.append(getattr(layer, "out", None))
        both = (layer.running_mean, layer.running_var)
        running.append([t.detach().reshape(-1).clone() for t in both])
    return [outs, kept, running]


def norm_state(rng, h, device):
    """A norm that has seen something."""
    return {
        "gamma": some(rng, (h,), device, 0.3, 1.7),
        "beta": some(rng, (h,), device, 1.0, 0.5),
        "running_mean": some(rng, (h,), device),
        "running_var": positive(rng, (h,), device),
    }


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
    return {
        **given,
        "running_mean": mean,
        "running_var": (1 - momentum) * var + momentum * x.var(0),
    }


def statistics_of(given):
    return [given["running_mean"], given["running_var"]]


def check_training(student, given, x, options):
    """The output in training, kept in out, by either variance."""
    eps = options.get("eps", 1e-5)
    answer = student.run(norm_used, options, given, [x], [True])
    outs = answer[:2] if isinstance(answer, list) else answer
    first = outs[0] if isinstance(outs, list) else outs
    choices = [[right_norm(given, x, eps, unbiased)] for unbiased in (True, False)]
    right = nearest(first, choices)
    close(outs, [right, right])


@task("BatchNorm1d")
def test_columns_of_the_batch(student, rng, device):
    """In training each column is normalised by the batch, scaled by gamma, shifted by beta."""
    check_training(student, norm_state(rng, H, device), uneven(rng, N, H, device), {})
    check_training(student, norm_state(rng, 3, device), uneven(rng, 2, 3, device), {})


@task("BatchNorm1d")
def test_eps_in_the_root(student, rng, device):
    """With eps = 0.5 the root is that of var + 0.5."""
    given, x = norm_state(rng, H, device), 0.2 * uneven(rng, N, H, device)
    check_training(student, given, x, {"eps": 0.5})


def norm_gradients(m, given, x, weights):
    layer = m.BatchNorm1d(x.shape[1])
    for name, values in given.items():
        held = getattr(layer, name)
        held.data = values.reshape(held.shape).clone()
    layer.gamma.requires_grad_()
    layer.beta.requires_grad_()
    out = layer(x)
    (out * weights).sum().backward()
    grads = [x.grad, layer.gamma.grad.reshape(-1), layer.beta.grad.reshape(-1)]
    watched = bool(layer.running_mean.requires_grad or layer.running_var.requires_grad)
    return [out.detach(), *grads, watched]


@task("BatchNorm1d")
def test_gradients_of_a_norm(student, rng, device):
    """Gradients of x, gamma and beta, through mean and variance; running ones have no graph."""
    given = norm_state(rng, H, device)
    x, weights = uneven(rng, N, H, device).requires_grad_(), some(rng, (N, H), device)
    leaves = [x, given["gamma"].clone().requires_grad_(), given["beta"].clone().requires_grad_()]
    choices = []
    for unbiased in (True, False):
        state = {**given, "gamma": leaves[1], "beta": leaves[2]}
        out = right_norm(state, x, 1e-5, unbiased)
        gradients = torch.autograd.grad((out * weights).sum(), leaves)
        choices.append([out.detach(), *gradients, False])
    answer = student.run(norm_gradients, given, x, weights)
    close(answer, nearest(answer, choices))


@task("BatchNorm1d")
def test_running_statistics(student, rng, device):
    """Each batch in training moves them by a tenth, the variance with N - 1; twice is twice."""
    given, x, y = norm_state(rng, H, device), uneven(rng, N, H, device), uneven(rng, 4, H, device)
    once = right_running(given, x, 0.1)
    twice = right_running(once, y, 0.1)
    answer = student.run(norm_used, {}, given, [x, y], [True, True])
    close(answer[2], [statistics_of(once), statistics_of(twice)])


@task("BatchNorm1d")
def test_another_momentum(student, rng, device):
    """With a momentum of 0.001 they move by a thousandth, from 0 and 1 at the start."""
    x = uneven(rng, N, H, device)
    zeros, ones = torch.zeros_like(x[0]), torch.ones_like(x[0])
    given = {"gamma": ones, "beta": zeros, "running_mean": zeros, "running_var": ones}
    answer = student.run(norm_used, {"momentum": 0.001}, given, [x], [True])
    close(answer[2], [statistics_of(right_running(given, x, 0.001))])


@task("BatchNorm1d")
def test_eval_uses_and_keeps_them(student, rng, device):
    """With training = False: by the running statistics, which don't move; one example will do."""
    given, x = norm_state(rng, H, device), uneven(rng, N, H, device)
    answer = student.run(norm_used, {"eps": 0.01}, given, [x, x[2:3]], [False, False])
    outs = [right_eval(given, x, 0.01), right_eval(given, x[2:3], 0.01)]
    close(answer, [outs, outs, [statistics_of(given)] * 2])


@task("BatchNorm1d")
def test_train_then_eval(student, rng, device):
    """What was watched in training is used in eval, and training goes on afterwards."""
    given, x, y = norm_state(rng, H, device), uneven(rng, N, H, device), uneven(rng, 4, H, device)
    once = right_running(given, x, 0.1)
    twice = right_running(once, y, 0.1)
    answer = student.run(norm_used, {}, given, [x, y, y], [True, False, True])
    close(answer[2], [statistics_of(once), statistics_of(once), statistics_of(twice)])
    close(answer[0][1], right_eval(once, y))


@task("BatchNorm1d")
def test_larger_weights_before_it(student, rng, device):
    """Ten times larger weights before the norm: with eps = 0 what comes out is the same."""
    given, x = norm_state(rng, H, device), uneven(rng, N, H, device)
    check_training(student, given, x, {"eps": 0.0})
    answers = [student.run(norm_used, {"eps": 0.0}, given, [s * x], [True]) for s in (1, 10)]
    close(answers[1][0], answers[0][0])


@task("BatchNorm1d")
def test_the_gradient_of_a_norms_out(student, rng, device):
    """out is the very tensor that goes on: its gradient can be plotted."""
    check_kept(student, rng, device, "BatchNorm1d", [6], (N, 6))


def norm_after_a_batch(m, x):
    layer = m.BatchNorm1d(x.shape[1])
    layer(x.to(layer.gamma))
    return [layer.gamma.detach().reshape(-1).tolist(), layer.beta.detach().reshape(-1).tolist()]


@task("BatchNorm1d")
def test_watching_moves_no_parameter(student, rng):
    """After a batch gamma is still 1 and beta 0: the statistics have memory of their own."""
    close(student.run(norm_after_a_batch, uneven(rng, N, 3, "cpu")), [[1.0] * 3, [0.0] * 3])


def norm_stays_in_eval(m, x):
    layer = m.BatchNorm1d(x.shape[1])
    layer.training = False
    layer(x.to(layer.gamma))
    layer(x.to(layer.gamma))
    return [bool(layer.training), layer.running_mean.detach().reshape(-1).tolist()]


@task("BatchNorm1d")
def test_eval_until_further_notice(student, rng):
    """training = False holds for the second call as well: the statistics are still 0."""
    close(student.run(norm_stays_in_eval, uneven(rng, N, 3, "cpu")), [False, [0.0] * 3])


def tanh_used(m, x, weights):
    layer = m.Tanh()
    out = layer(x)
    (out * weights).sum().backward()
    return [out.detach(), getattr(layer, "out", None), x.grad, len(list(layer.parameters()))]


@task("Tanh")
def test_tanh_as_a_layer(student, rng, device):
    """tanh of each number, kept in out; the gradient is 1 - out²; there are no parameters."""
    x, weights = some(rng, (N, H), device).requires_grad_(), some(rng, (N, H), device)
    out = torch.tanh(x.detach())
    expected = [out, out, weights * (1 - out * out), 0]
    close(student.run(tanh_used, x, weights), expected)


@task("Tanh")
def test_the_gradient_of_tanhs_out(student, rng, device):
    """out is the very tensor that goes on: its gradient is the fourth plot."""
    check_kept(student, rng, device, "Tanh", [], (N, 6))


def tanh_of(m, x):
    return m.Tanh()(x)


@task("Tanh")
def test_tanh_of_large_numbers(student, device):
    """tanh of ±5, ±100 and ±300 is ±0.9999, ±1 and ±1: every number has one."""
    x = torch.tensor([[5.0, 100.0, 3e2], [-5.0, -100.0, -3e2]], dtype=torch.float64, device=device)
    close(student.run(tanh_of, x), torch.tanh(x))


def mlp_made(m, args, options):
    """The network's shape and scales, and its first loss on random letters."""
    import torch

    torch.manual_seed(sum(args))
    C, layers = m.build_mlp(*args, **options)
    layers = list(layers)
    kinds = {"Linear": m.Linear, "BatchNorm1d": m.BatchNorm1d, "Tanh": m.Tanh}
    names = [k for layer in layers for k, kind in kinds.items() if isinstance(layer, kind)]
    params = [C, *(p for layer in layers for p in layer.parameters())]
    linear = [layer for layer in layers if isinstance(layer, m.Linear)]
    norms = [layer for layer in layers if isinstance(layer, m.BatchNorm1d)]
    vocab, _, block = args[:3]
    g = torch.Generator().manual_seed(3)
    X = torch.randint(0, vocab, (200, block), generator=g)
    Y = torch.randint(0, vocab, (200,), generator=g)
    x = C[X].view(200, -1)
    for layer in layers:
        x = layer(x)
    scale = [(w.weight.detach().double().square().mean() * w.weight.shape[0]) for w in linear]
    return {
        "kinds": names,
        "shapes": [list(w.weight.shape) for w in linear],
        "params": sum(p.numel() for p in params),
        "distinct": len({id(p) for p in params}) == len(params),
        "apart": len({id(layer) for layer in layers}) == len(layers),
        "C far": C.detach().abs().max().item() > 1.9,
        "another": not torch.equal(C, m.build_mlp(*args, **options)[0]),
        "leaves": all(p.is_leaf for p in params),
        "biases": [float(w.bias.abs().max()) for w in linear if w.bias is not None],
        "gammas": [n.gamma.detach().reshape(-1).tolist() for n in norms],
        "C": C.shape,
        "C scale": C.detach().double().square().mean().sqrt().item(),
        "C mean": C.detach().double().mean().item(),
        "scales": [s.sqrt().item() for s in scale],
        "loss": torch.nn.functional.cross_entropy(x, Y).item(),
    }


def check_mlp(answer, **expected):
    close({key: answer[key] for key in expected}, expected)


@task("build_mlp")
def test_the_lectures_deep_network(student):
    """27 letters, 10 dimensions, 5 layers of 100: its layers, and 46,497 parameters."""
    answer = student.run(mlp_made, [27, 10, 3, 100, 5], {})
    shapes = [[30, 100]] + [[100, 100]] * 4 + [[100, 27]]
    kinds = ["Linear", "Tanh"] * 5 + ["Linear"]
    check_mlp(answer, kinds=kinds, shapes=shapes, params=46497, distinct=True, leaves=True)
    check_mlp(answer, apart=True, another=True, **{"C far": True})
    check_mlp(answer, C=[27, 10], biases=[0.0] * 6, gammas=[])
    close(answer["C scale"], 1.0, **sigmas(270))
    close(answer["C mean"], 0.0, **centre(270))


@task("build_mlp")
def test_scales_without_a_norm(student):
    """gain/√fan_in for each weight but the last, which has 0.1/√fan_in; first loss near log 27."""
    for options, gain in (({}, 5 / 3), ({"gain": 0.7}, 0.7)):
        answer = student.run(mlp_made, [27, 10, 3, 100, 3], options)
        check_mlp(answer, shapes=[[30, 100], [100, 100], [100, 100], [100, 27]])
        for scale, right in zip(answer["scales"], [gain] * 3 + [0.1], strict=True):
            close(scale, right, **sigmas(2700))
        close(answer["loss"], math.log(27), rtol=0.0, atol=0.1, reason="near is what is asked")


@task("build_mlp")
def test_with_a_norm(student):
    """A norm behind every Linear, the last one too, no bias before it: 47,024 parameters."""
    answer = student.run(mlp_made, [27, 10, 3, 100, 5], {"batchnorm": True})
    kinds = ["Linear", "BatchNorm1d", "Tanh"] * 5 + ["Linear", "BatchNorm1d"]
    check_mlp(answer, kinds=kinds, params=47024, distinct=True, leaves=True, biases=[])
    check_mlp(answer, apart=True, another=True)


@task("build_mlp")
def test_scales_with_a_norm(student):
    """The last gamma is 0.1, the others 1; weights before a Tanh have the gain."""
    args = [27, 10, 3, 100, 2]
    answer = student.run(mlp_made, args, {"gain": 3.0, "batchnorm": True})
    gammas = [[1.0] * 100, [1.0] * 100, [0.1] * 27]
    close(answer["gammas"], gammas, **ROUNDED)
    # the last weight's scale doesn't show behind the norm
    for scale in answer["scales"][:2]:
        close(scale, 3.0, **sigmas(3000))
    close(answer["loss"], math.log(27), rtol=0.0, atol=0.1, reason="near is what is asked")


@task("build_mlp")
def test_one_hidden_layer(student):
    """A single hidden layer, and other sizes: 7 letters, 4 dimensions, a context of 5."""
    plain = student.run(mlp_made, [7, 4, 5, 6, 1], {})
    normed = student.run(mlp_made, [7, 4, 5, 6, 1], {"batchnorm": True})
    shapes = [[20, 6], [6, 7]]
    check_mlp(plain, kinds=["Linear", "Tanh", "Linear"], shapes=shapes, C=[7, 4], params=203)
    kinds = ["Linear", "BatchNorm1d", "Tanh", "Linear", "BatchNorm1d"]
    check_mlp(normed, kinds=kinds, shapes=shapes, C=[7, 4], params=216)


# --------------------------------------------------------------------------------- four plots


def as_floats(m, outs):
    return [[float(x) for x in row] for row in m.activation_stats(outs)]


@task("activation_stats")
def test_three_layers(student, rng, device):
    """Mean, std and percent beyond 0.97 of three layers of different size."""
    shapes = [((N, H), 1.0, 0.0), ((4, 6), 3.0, -0.5), ((3, 2), 2.0, 1.0)]
    outs = [torch.tanh(some(rng, *s[:1], device, *s[1:])) for s in shapes]
    outs[0][2, 1], outs[0][3, 3], outs[0][0, 0] = 0.97, -0.98, 0.975
    right = [[t.mean(), t.std(), 100 * (t.abs() > 0.97).double().mean()] for t in outs]
    close(student.run(as_floats, outs), [[x.item() for x in row] for row in right], **ROUNDED)


@task("activation_stats")
def test_outs_of_a_network(student, rng, device):
    """Outputs that hang in a graph, one of them with three dimensions, (4, 3, 5)."""
    xs = [some(rng, s, device, 2.0) for s in ((4, 3, 5), (N, H))]
    outs = [torch.tanh(x) for x in xs]
    right = [[t.mean(), t.std(), 100 * (t.abs() > 0.97).double().mean()] for t in outs]
    answer = student.run(stats_of_outs, xs)
    close(answer, [[x.item() for x in row] for row in right], **ROUNDED)


def stats_of_outs(m, xs):
    outs = [x.requires_grad_().tanh() for x in xs]
    return [[float(x) for x in row] for row in m.activation_stats(outs)]


def some_params(rng, device):
    """Weights, a bias, a weight, a gain, a block of three dimensions, a row: data and gradients."""
    shapes = [(3, 7), (4,), (6, 4), (7,), (2, 3, 2), (1, 5)]
    return [
        (some(rng, s, device, 0.5 + i, 0.3), some(rng, s, device, 0.01 * 3**i, -0.02))
        for i, s in enumerate(shapes)
    ]


def with_gradients(m, name, pairs, rest):
    """m.grad_stats or m.update_to_data of parameters that have these gradients."""
    params = []
    for data, grad in pairs:
        p = data.clone().requires_grad_()
        p.grad = grad.clone()
        params.append(p)
    answer = getattr(m, name)(params, *rest)
    return [[float(x) for x in row] if name == "grad_stats" else float(row) for row in answer]


def left_alone(m, name, pairs, rest):
    """Data and gradients after the plot."""
    params = []
    for data, grad in pairs:
        p = data.clone().requires_grad_()
        p.grad = grad.clone()
        params.append(p)
    list(getattr(m, name)(params, *rest))
    return [[p.detach(), p.grad] for p in params]


def check_left_alone(student, pairs, name, rest):
    close(student.run(left_alone, name, pairs, rest), pairs)


@task("grad_stats")
def test_a_look_changes_nothing(student, rng, device):
    """Weights and gradients are the same after the look: the step is still to come."""
    check_left_alone(student, some_params(rng, device), "grad_stats", [])


@task("update_to_data")
def test_what_a_step_would_do(student, rng, device):
    """No step is made: weights and gradients are the same afterwards."""
    check_left_alone(student, some_params(rng, device), "update_to_data", [0.1])


@task("grad_stats")
def test_gradients_beside_weights(student, rng, device):
    """Mean and std of the gradient, and its std over the weight's: for matrices, in order."""
    pairs = some_params(rng, device)
    right = [[g.mean(), g.std(), g.std() / p.std()] for p, g in pairs if p.dim() == 2]
    answer = student.run(with_gradients, "grad_stats", pairs, [])
    close(answer, [[x.item() for x in row] for row in right], **ROUNDED)


@task("grad_stats")
def test_no_matrices(student, rng, device):
    """Biases and gains alone give an empty list."""
    pairs = [pair for pair in some_params(rng, device) if pair[0].dim() == 1]
    close(student.run(with_gradients, "grad_stats", pairs, []), [])


@task("update_to_data")
def test_powers_of_ten(student, rng, device):
    """log10 of the std of lr·grad over the std of the weight, for matrices and in their order."""
    pairs = some_params(rng, device)
    for lr in (0.1, 0.003):
        right = [(lr * g.std() / p.std()).log10().item() for p, g in pairs if p.dim() == 2]
        close(student.run(with_gradients, "update_to_data", pairs, [lr]), right, **ROUNDED)


@task("update_to_data")
def test_a_weight_that_does_not_learn(student, rng, device):
    """A gradient of zero is -inf, or far below all others, but no error; the rest is right."""
    pairs = [(p, g) for p, g in some_params(rng, device) if p.dim() == 2]
    pairs[1] = (pairs[1][0], torch.zeros_like(pairs[1][1]))
    right = [(0.1 * g.std() / p.std()).log10().item() for p, g in pairs]
    answer = student.run(with_gradients, "update_to_data", pairs, [0.1])
    close(len(answer), 3)
    if isinstance(answer[1], float) and answer[1] < -7:
        answer[1] = -math.inf
    close(answer, right, **ROUNDED)


# -------------------------------------------------------------------------------- other norms


@task("layer_norm")
def test_each_example_by_itself(student, rng, device):
    """(7, 5), (4, 3, 5) and a single row: over the last dimension, PyTorch's layer norm."""
    gamma, beta = some(rng, (H,), device, 0.3, 1.7), some(rng, (H,), device, 1.0, 0.5)
    for shape in ((N, H), (4, 3, H), (1, H), (H,)):
        x = some(rng, shape, device, 2.0, 1.0)
        close(student.layer_norm(x, gamma, beta), F.layer_norm(x, (H,), gamma, beta))


@task("layer_norm")
def test_layer_norms_eps(student, rng, device):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    gamma, beta = some(rng, (H,), device, 0.3, 1.7), some(rng, (H,), device, 1.0, 0.5)
    x = some(rng, (N, H), device, 0.6)
    close(student.layer_norm(x, gamma, beta, 0.5), F.layer_norm(x, (H,), gamma, beta, 0.5))


def of_transposed(m, name, x, rest):
    return getattr(m, name)(x.transpose(-1, -2), *rest)


@task("layer_norm")
def test_layer_norm_of_a_view(student, rng, device):
    """An x that is a transposed view gives the same."""
    gamma, beta = some(rng, (H,), device, 0.3, 1.7), some(rng, (H,), device, 1.0, 0.5)
    x = some(rng, (3, H, 4), device, 2.0, 1.0)
    right = F.layer_norm(x.transpose(1, 2), (H,), gamma, beta)
    close(student.run(of_transposed, "layer_norm", x, [gamma, beta]), right)


@task("layer_norm")
def test_layer_norm_of_one_number(student, rng, device):
    """With C = 1 the variance is 0: what is left is beta."""
    x = some(rng, (N, 1), device)
    gamma, beta = torch.full_like(x[0], 2.0), torch.full_like(x[0], -0.5)
    close(student.layer_norm(x, gamma, beta), torch.full_like(x, -0.5))


@task("instance_norm")
def test_each_channel_of_each_example(student, rng, device):
    """(3, 4, 7): twelve means and twelve variances, PyTorch's instance norm."""
    x = some(rng, (3, 4, 7), device, 2.0, 1.0) * (1 + torch.arange(4, device=device))[:, None]
    close(student.instance_norm(x), F.instance_norm(x))


@task("instance_norm")
def test_instance_norms_eps(student, rng, device):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    x = some(rng, (2, 3, 5), device, 0.6, 1.0)
    close(student.instance_norm(x, 0.5), F.instance_norm(x, eps=0.5))


@task("instance_norm")
def test_instance_norm_of_a_view(student, rng, device):
    """An x that is a transposed view gives the same."""
    x = some(rng, (3, 5, 4), device, 2.0, 1.0)
    right = F.instance_norm(x.transpose(1, 2))
    close(student.run(of_transposed, "instance_norm", x, []), right)


@task("instance_norm")
def test_a_single_place(student, rng, device):
    """With T = 1 each channel is its own mean: zeros."""
    x = some(rng, (3, 4, 1), device)
    close(student.instance_norm(x), torch.zeros_like(x))


@task("group_norm")
def test_neighbouring_channels(student, rng, device):
    """Six channels in groups of 3, 2, 6 and 1, each with its own level: PyTorch's group norm."""
    levels = torch.arange(6, dtype=torch.float64, device=device)[:, None]
    x = some(rng, (3, 6, 5), device, 2.0) * (1 + levels) + 3 * levels
    for groups in (2, 3, 1, 6):
        close(student.group_norm(x, groups), F.group_norm(x, groups))


@task("group_norm")
def test_group_norms_eps(student, rng, device):
    """With eps = 0.5 the root is that of the biased variance + 0.5."""
    x = some(rng, (2, 4, 3), device, 0.6, 1.0)
    close(student.group_norm(x, 2, 0.5), F.group_norm(x, 2, eps=0.5))


@task("group_norm")
def test_channels_that_do_not_lie_side_by_side(student, rng, device):
    """An x that is a transposed view gives the same."""
    x = some(rng, (3, 5, 4), device, 2.0, 1.0)
    close(student.run(group_norm_of_transposed, x), F.group_norm(x.transpose(1, 2), 2))


@task("group_norm")
def test_a_group_of_one_number(student, rng, device):
    """As many groups as channels and T = 1: zeros."""
    x = some(rng, (3, 4, 1), device)
    close(student.group_norm(x, 4), torch.zeros_like(x))


def group_norm_of_transposed(m, x):
    return m.group_norm(x.transpose(1, 2), 2)


def coupling(m, kinds, x):
    """The answers for these norms, and what became of x."""
    import torch

    torch.manual_seed(1)
    over = {"batch": 0, "layer": -1, "instance": 2, "all but channels": (0, 2)}

    def normed(dims):
        return lambda x: (x - x.mean(dims, keepdim=True)) / x.std(dims, keepdim=True)

    norms = {kind: normed(dims) for kind, dims in over.items()}
    norms["batch's sum"] = lambda x: x - 0.1 * x.sum(0)
    norms["batch's mean square"] = lambda x: x / (x * x).mean(0).sqrt()
    norms["nothing"] = lambda x: x * 1.0
    norms["handed in"] = lambda x: (x - 0.3) / 1.7
    norms["all before"] = lambda x: x.cumsum(0)
    norms["example 2"] = lambda x: x - x[2]
    answers = {}
    for kind in kinds:
        answer = m.norm_coupling(norms[kind], x)
        answers[kind] = answer.item() if hasattr(answer, "item") else answer
    return [answers, x]


def check_coupling(student, x, expected):
    close(student.run(coupling, list(expected), x), [expected, x])


@task("norm_coupling")
def test_who_couples(student, rng, device):
    """Batch norm couples, layer norm doesn't, nor do fixed statistics; x is as it was."""
    expected = {"batch": True, "layer": False, "nothing": False, "handed in": False}
    check_coupling(student, some(rng, (N, H), device), expected)
    expected = {"instance": False, "all but channels": True, "batch": True}
    check_coupling(student, some(rng, (4, 3, 5), device), expected)


@task("norm_coupling")
def test_sums_and_squares(student, rng, device):
    """A norm that shifts by the batch's sum couples, and so does one by its mean square."""
    expected = {"batch's sum": True, "batch's mean square": True}
    check_coupling(student, some(rng, (N, H), device, 1.0, 0.5), expected)


@task("norm_coupling")
def test_zero_on_one(student, rng, device):
    """Example 1 on example 0 is not asked, nor example 2: only what 1 does to 0."""
    expected = {"all before": False, "example 2": False}
    check_coupling(student, some(rng, (N, H), device), expected)


@task("norm_coupling")
def test_three_examples(student, rng, device):
    """Three examples are enough."""
    expected = {"batch's sum": True, "all before": False, "nothing": False}
    check_coupling(student, some(rng, (3, H), device), expected)


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
