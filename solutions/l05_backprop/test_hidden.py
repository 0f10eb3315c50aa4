"""What decides: every gradient against PyTorch, with gradients from above that hide nothing.

The network's own gradients would hide some mistakes: each row of dnorm_logits sums to zero, so
dlogit_maxes is zero. So the gradients from above are made up here.
"""

import torch
from oracles import (
    DOUBLE,
    EXACT,
    SINGLE,
    THINGS,
    back,
    branches,
    check_backward,
    check_comparison,
    check_error,
    check_gradient,
    check_sum,
    check_unbroadcast,
    descended,
    forward,
    letters,
    made_up,
    network,
    right_statistics,
    rounded,
)
from probes import checked_turned, gradient_kept, gradient_of, opinion, statistics, steps

from autograder.suite import close, each, task, within

F = torch.nn.functional

ROUNDED = within(1e-4, 1e-5, "float32 rounds in the seventh digit")


def batch(rng, n=5, V=7, S=3):
    """Xb and Yb; letter V - 2 stands twice in one window and in another, letter V - 1 nowhere.

    The first two labels differ.
    """
    Xb, Yb = rng.integers(0, V - 1, n, S), rng.integers(0, V, n)
    Xb[0, 0] = Xb[0, 2] = Xb[1, 1] = V - 2
    Yb[1] = (Yb[0] + 1) % V
    return Xb, Yb


# ------------------------------------------------------------- exercise 1: every gradient


@task("d{thing}")
@each(thing=THINGS)
def test_gradient(student, rng, thing):
    """d{thing} has the shape of {thing} and is right for any gradients from above; what it was
    made of is left alone, and changing that later doesn't change it.
    """
    c = forward(network(rng), *batch(rng))
    gradients = made_up(thing, c, rng)
    check_gradient(student, thing, c, gradients)
    if thing != "emb":  # its gradient may be a view: the lecture's is
        check_gradient(student, thing, c, gradients, gradient_kept)


@task("d{thing}")
@each(thing=THINGS)
def test_of_two(student, rng, thing):
    """d{thing} is right for a batch of two, other sizes and other letters."""
    c = forward(network(rng, 11, 5, 4, 3), *batch(rng, 2, 11, 4))
    check_gradient(student, thing, c, made_up(thing, c, rng))


@task("d{thing}")
@each(thing=THINGS)
def test_in_single(student, rng, thing):
    """d{thing} of float32 is float32: a gradient has the dtype of its thing."""
    c = forward([p.float() for p in network(rng, 6, 2, 5, 3)], *batch(rng, 4, 6, 5))
    gradients = made_up(thing, c, rng)
    parts = branches(thing, c, gradients)
    room = rounded(1e-5, sum(parts.values()), *gradients)
    check_sum(student.run(gradient_of, thing, c, gradients), parts, 4, room)


# ---------------------------------------------------------- exercise 1: where it gets narrow


@task("dlogits")
def test_two_largest(student, rng):
    """Where two logits of a row are the largest, one of them gets dlogit_maxes, or they share."""
    params, (Xb, Yb) = network(rng), batch(rng)
    c = forward(params, Xb, Yb)
    logits = c["logits"].clone()
    logits[2] -= 1
    logits[2, 1] = logits[2, 5] = c["logit_maxes"][2, 0]
    c = forward(params, Xb, Yb, logits=logits)
    gradients = made_up("logits", c, rng)
    choices = []
    for column in (1, 5):
        largest = logits.clone()
        largest[2, column] += 1
        choices.append(branches("logits", {**c, "logits": largest}, gradients))
    one, other = choices
    choices.append({use: (one[use] + other[use]) / 2 for use in one})
    got = student.run(gradient_of, "logits", c, gradients)
    if isinstance(got, torch.Tensor) and got.shape == logits.shape:
        choices.sort(key=lambda parts: float((got - sum(parts.values())).abs().max()))
    check_sum(got, choices[0], 5)


@task("dprobs")
def test_a_tiny_probability(student, rng):
    """A right letter with a probability of about 1e-9 gets a huge gradient: nothing is clamped."""
    params, (Xb, Yb) = network(rng), batch(rng)
    c = forward(params, Xb, Yb)
    logits = c["logits"].clone()
    logits[1, Yb[1]] = c["logit_maxes"][1, 0] - 20
    c = forward(params, Xb, Yb, logits=logits)
    check_gradient(student, "probs", c, made_up("probs", c, rng))


@task("dbnvar")
def test_hardly_any_variance(student, rng):
    """A column with a variance of about 1e-6: beside that, 1e-5 is not small."""
    params = network(rng)
    params[1][:, 2] *= 1e-3
    c = forward(params, *batch(rng))
    check_gradient(student, "bnvar", c, made_up("bnvar", c, rng))


@task("dC")
def test_one_letter_everywhere(student, rng):
    """A letter that fills a window and stands in every other gets the sum of all its places."""
    Xb, Yb = letters(rng)
    Xb[1], Xb[:, 1] = 3, 3
    c = forward(network(rng), Xb, Yb)
    check_gradient(student, "C", c, made_up("C", c, rng))


@task("dlogprobs")
def test_the_same_label(student, rng):
    """Several examples with the same label: one number in each row, all others zero."""
    Xb, Yb = batch(rng)
    Yb[:] = 4
    check_gradient(student, "logprobs", forward(network(rng), Xb, Yb), [])


# ---------------------------------------------------------------------------- is it right?


@task("cmp")
def test_too_small_and_too_large(student, rng):
    """Whichever is larger, maxdiff is the largest distance, and 1e-9 is approximately nothing."""
    grad = rng.normal(5, 7, dtype=DOUBLE).round(decimals=1)
    for off, exact, near in ((0.0, True, True), (2.0**-30, False, True), (0.25, False, False)):
        for sign in (-1.0, 1.0):
            dt = grad.clone()
            dt[3, 4] += sign * off
            dt[0, 1] += sign * off / 2
            check_comparison(student, "bnvar_inv", dt, grad, exact, near, off)


@task("cmp")
def test_one_wrong_among_many(student, rng):
    """A single wrong number is enough for exact and approximate to be False."""
    grad = rng.normal(4, 3, 2, dtype=DOUBLE)
    dt = grad.clone()
    dt[2, 1, 1] += 2.0
    check_comparison(student, "emb", dt, grad, False, False, 2.0)


@task("cmp")
def test_other_shapes(student, rng):
    """(6,) is not (1, 6), and one row isn't the same as five equal rows, though it broadcasts."""
    row = rng.normal(1, 6, dtype=DOUBLE)
    for dt, grad in ((row[0], row), (row, row.repeat(5, 1)), (row.repeat(5, 1), row)):
        close(student.run(opinion, dt, grad), [False, False])


@task("cmp")
def test_the_opinion_of_allclose(student, rng):
    """A millionth of a thousand is approximately nothing, a ten thousandth of one isn't."""
    for scale, off, near in ((1e3, 1e-6, True), (1.0, 1e-4, False)):
        grad = scale * numbers_around(rng, 3, 4)
        close(student.run(opinion, grad * (1 + off), grad), [False, near])


def numbers_around(rng, *shape):
    """Numbers of both signs, 0.5 to 2 from zero."""
    size = 0.5 + 1.5 * rng.uniform(*shape, dtype=DOUBLE)
    return size * (rng.integers(0, 2, *shape) * 2 - 1)


@task("gradcheck")
def test_a_right_gradient(student, rng):
    """For right gradients the error is next to nothing: steps to both sides, in float64."""
    x = numbers_around(rng, 2, 3)
    check_error(student, "cubes", x, 3 * x**2, 0.0, 1e-7)
    x = numbers_around(rng, 4)
    check_error(student, "mixed", x, 2 * x.flip(0) + x.exp(), 0.0, 1e-6)


@task("gradcheck")
def test_float32_inputs(student, rng):
    """x in float32 is taken to float64 first: else rounding would be larger than any mistake."""
    x = numbers_around(rng, 3, 4).float()
    check_error(student, "cubes", x, 3 * x.double() ** 2, 0.0, 1e-6)


@task("gradcheck")
def test_all_shapes(student, rng):
    """x is a single number, has three dimensions, or has 150 numbers."""
    for shape in ((), (2, 1, 3), (150,)):
        x = numbers_around(rng, *shape)
        check_error(student, "cubes", x, 3 * x**2, 0.0, 1e-6)
    dx = 3 * x**2
    dx[149] *= 2
    check_error(student, "cubes", x, dx, 0.2, 10.0)


@task("gradcheck")
def test_a_transpose(student, rng):
    """x.T lies in memory in another order: its gradient is right all the same."""
    x = numbers_around(rng, 2, 3)
    check_error(student, "cubes", x, 3 * x**2, 0.0, 1e-6, checked_turned)


@task("gradcheck")
def test_a_planted_mistake(student, rng):
    """One number that is wrong shows, wherever it is: twice as large, with another sign, zero."""
    x = numbers_around(rng, 2, 5)
    for at, factor in ((0, 2.0), (9, -1.0), (4, 0.0)):
        dx = 3 * x**2
        dx.view(-1)[at] *= factor
        check_error(student, "cubes", x, dx, 0.2, 1e300)


@task("gradcheck")
def test_relative_errors(student, rng):
    """Relative errors: a millionth of a large gradient is nothing, half of a small one is much."""
    x = numbers_around(rng, 6)
    check_error(student, "far", x, 2e6 * x * (1 + 1e-6), 0.0, 1e-4)
    dx = 0.05 * (1 - (0.05 * x).tanh() ** 2)
    check_error(student, "near", x, dx, 0.0, 1e-6)
    dx[3] *= 2
    check_error(student, "near", x, dx, 0.02, 10.0)


@task("gradcheck")
def test_the_size_of_the_step(student, device):
    """With h=0.1 the slope of x³ at 1 is measured as 3.01, so 3 is 0.003 off (by either size)."""
    x = torch.ones(2, dtype=DOUBLE, device=device)
    check_error(student, "cubes", x, 3 * x, 0.0015, 0.0035, h=0.1)


# ------------------------------------------------------------- exercises 2 and 3, and around


@task("unbroadcast")
def test_leading_dimensions(student, rng):
    """One, two or all of the first dimensions are missing; a number stays a number."""
    check_unbroadcast(student, rng.normal(2, 5, 7, dtype=DOUBLE), (5, 7), (7,), ())


@task("unbroadcast")
def test_sizes_of_one(student, rng):
    """Sizes of 1 at the front, in the middle, at the end, everywhere."""
    shapes = [(1, 5, 7), (2, 1, 7), (2, 5, 1), (1, 1, 7), (2, 1, 1), (1, 5, 1), (1, 1, 1)]
    check_unbroadcast(student, rng.normal(2, 5, 7, dtype=DOUBLE), *shapes)


@task("unbroadcast")
def test_both_at_once(student, rng):
    """A missing dimension and a size of 1: (2, 5, 7) back to (5, 1), (1, 7), (1, 1) and (1,)."""
    check_unbroadcast(student, rng.normal(2, 5, 7, dtype=DOUBLE), (5, 1), (1, 7), (1, 1), (1,))


@task("unbroadcast")
def test_nothing_to_sum(student, rng):
    """The same shape, also with sizes of 1 in it: the gradient as it is."""
    check_unbroadcast(student, rng.normal(5, 7, dtype=DOUBLE), (5, 7))
    check_unbroadcast(student, rng.normal(5, 1, 7, dtype=DOUBLE), (5, 1, 7), (1, 1, 7), (1, 7))


def check_cross_entropy(student, logits, Yb, tolerance):
    (right,) = back(lambda logits: F.cross_entropy(logits, Yb), [logits])
    close(student.cross_entropy_backward(logits, Yb), right, tolerance, n=len(Yb))


@task("cross_entropy_backward")
def test_probabilities_minus_one_hot(student, rng):
    """Several sizes, a batch of one among them; the logits that you were given stay as they are."""
    for n, V in ((5, 7), (1, 4), (6, 3)):
        logits = rng.normal(n, V, scale=2, dtype=DOUBLE)
        check_cross_entropy(student, logits, rng.integers(0, V, n), EXACT)


@task("cross_entropy_backward")
def test_huge_logits(student, rng, device):
    """Logits up to 1e4 and down to -1e4 in float32 give neither NaN nor infinity."""
    logits = rng.normal(5, 7)
    logits[0, 3], logits[1, 2], logits[2], logits[3, 0] = 1e4, -1e4, logits[2] + 1e4, 200.0
    why = "a float32 at 1e4 has steps of 1e-3: so has the log of the row's sum, and exp of it"
    Yb = torch.tensor([3, 2, 6, 1, 0], device=device)
    check_cross_entropy(student, logits, Yb, within(2e-3, 3e-4, why))


def normalised(x):
    """(bnraw, bnvar_inv)."""
    bnvar_inv = (x.var(0, keepdim=True) + 1e-5) ** -0.5
    return (x - x.mean(0, keepdim=True)) * bnvar_inv, bnvar_inv


def case_of_batchnorm(rng, hprebn):
    """(What batchnorm_backward gets: dhpreact, bngain, bnraw, bnvar_inv; the right answer)."""
    n, H = hprebn.shape
    dhpreact, bngain = rng.normal(n, H, dtype=DOUBLE), 1 + rng.normal(1, H, scale=0.2, dtype=DOUBLE)
    (right,) = back(lambda x: bngain * normalised(x)[0], [hprebn], dhpreact)
    return [dhpreact, bngain, *normalised(hprebn)], right


def check_batchnorm(student, rng, hprebn):
    arguments, right = case_of_batchnorm(rng, hprebn)
    close(student.batchnorm_backward(*arguments), right, EXACT, n=len(hprebn))


@task("batchnorm_backward")
def test_the_unbiased_variance(student, rng):
    """n - 1 examples below the line, not n; what was given is left alone."""
    check_batchnorm(student, rng, 1 + rng.normal(5, 6, scale=2, dtype=DOUBLE))


@task("batchnorm_backward")
def test_a_batch_of_two(student, rng):
    """With two examples n is twice n - 1, and hardly anything comes through."""
    check_batchnorm(student, rng, 1 + rng.normal(2, 7, scale=2, dtype=DOUBLE))


@task("batchnorm_backward")
def test_more_examples_than_columns(student, rng):
    """Eleven examples, three columns, one of them with a variance of about 1e-6."""
    hprebn = rng.normal(11, 3, dtype=DOUBLE)
    hprebn[:, 1] *= 1e-3
    check_batchnorm(student, rng, hprebn)


@task("batchnorm_backward")
def test_batchnorm_in_single(student, rng):
    """float32 in, float32 out."""
    arguments, right = case_of_batchnorm(rng, 1 + rng.normal(5, 6, scale=2, dtype=DOUBLE))
    got = student.batchnorm_backward(*(t.float() for t in arguments))
    close(got, right.float(), ROUNDED)


def check_linear(student, rng, *before, dtype=DOUBLE, tolerance=EXACT):
    shapes = ((*before, 6), (6, 7), (7,), (*before, 7))
    x, W, b, dout = (rng.normal(*shape, dtype=dtype) for shape in shapes)
    right = back(lambda x, W, b: x @ W + b, [x, W, b], dout)
    close(student.linear_backward(dout, x, W), right, tolerance)


@task("linear_backward")
def test_rows(student, rng):
    """x with two dimensions: dx, dW, db; a batch of one keeps its shapes, too."""
    check_linear(student, rng, 5)
    check_linear(student, rng, 1)


@task("linear_backward")
def test_three_dimensions(student, rng):
    """x is (5, 3, 6): W and b collect over both dimensions in front."""
    check_linear(student, rng, 5, 3)


@task("linear_backward")
def test_one_position(student, rng):
    """x is (4, 1, 6), then (1, 4, 6): dx keeps the size of 1."""
    check_linear(student, rng, 4, 1)
    check_linear(student, rng, 1, 4)


@task("linear_backward")
def test_linear_in_single(student, rng):
    """float32 in, float32 out."""
    check_linear(student, rng, 5, 3, dtype=torch.float32, tolerance=ROUNDED)


def check_tanh(student, x, dout, tolerance=EXACT):
    (right,) = back(torch.tanh, [x], dout)
    close(student.tanh_backward(dout, torch.tanh(x)), right, tolerance)


@task("tanh_backward")
def test_any_shape(student, rng):
    """Of tanh's result alone, flat ends included, in one, two and three dimensions."""
    for shape in ((6,), (5, 6), (2, 3, 4)):
        x, dout = rng.normal(*shape, scale=2, dtype=DOUBLE), rng.normal(*shape, dtype=DOUBLE)
        check_tanh(student, x, dout)


@task("tanh_backward")
def test_tanh_in_single(student, rng):
    """float32 in, float32 out."""
    check_tanh(student, rng.normal(5, 6), rng.normal(5, 6), ROUNDED)


def check_embedding(student, rng, Xb, V, E):
    demb, table = rng.normal(*Xb.shape, E, dtype=DOUBLE), rng.normal(V, E, dtype=DOUBLE)
    (right,) = back(lambda table: F.embedding(Xb, table), [table], demb)
    close(student.embedding_backward(demb, Xb, V), right, EXACT)


@task("embedding_backward")
def test_repeated_letters(student, rng):
    """A letter twice in a window, a letter in every window: their rows collect everything."""
    Xb = rng.integers(0, 6, 5, 3)
    Xb[0], Xb[:, 1] = 2, 2
    check_embedding(student, rng, Xb, 7, 4)


@task("embedding_backward")
def test_letters_that_never_occur(student, rng):
    """The last letters don't occur: the table has V rows all the same, and theirs are zero."""
    check_embedding(student, rng, rng.integers(0, 5, 6, 4), 11, 2)


# ------------------------------------------------------------------ exercise 4: all of it


@task("backward")
def test_all_seven(student, rng):
    """Every parameter's gradient in its shape, in the parameters' order; the cache is kept."""
    check_backward(student, network(rng), *batch(rng))


@task("backward")
def test_other_sizes(student, rng):
    """Other sizes: eight examples of four of eleven letters in five dimensions, six neurons."""
    check_backward(student, network(rng, 11, 5, 4, 6), *batch(rng, 8, 11, 4))


@task("backward")
def test_a_narrow_column(student, rng):
    """A neuron whose inputs hardly vary: the 1e-5 in the variance matters."""
    params = network(rng)
    params[1][:, 4] *= 1e-3
    check_backward(student, params, *batch(rng))


@task("backward")
def test_two_examples(student, rng):
    """A batch of two, which batch normalisation lets hardly anything through."""
    check_backward(student, network(rng), *batch(rng, 2))


def check_steps(student, rng, wanting, lr, count, steep=1.0):
    params = network(rng)
    params[3] *= steep
    batches = [batch(rng, 6) for _ in range(count)]
    losses, after = descended(params, batches, lr)
    got = student.run(steps, [p.requires_grad_(wanting) for p in params], batches, lr)
    right = {"losses": losses, "params": after, "graphs": [False] * count}
    right |= {"wanting": [wanting] * 7, "grads": [True] * 7, "leaves": [True] * 7}
    close(got, right, SINGLE)


@task("train_step")
def test_three_steps(student, rng):
    """Three minibatches: each step starts from the last, in the tensors that you were given."""
    check_steps(student, rng, wanting=False, lr=0.3, count=3)


@task("train_step")
def test_no_graph(student, rng):
    """Parameters that want gradients are changed, too; neither they nor the loss have a graph."""
    check_steps(student, rng, wanting=True, lr=0.1, count=1)


@task("train_step")
def test_a_rate_of_zero(student, rng):
    """With a rate of 0 nothing moves, and the loss is the loss."""
    check_steps(student, rng, wanting=False, lr=0.0, count=1)


@task("train_step")
def test_large_gradients(student, rng):
    """Gradients far above 1 are followed as they are: nothing is clipped."""
    check_steps(student, rng, wanting=False, lr=0.01, count=1, steep=100.0)


@task("calibrate")
def test_the_whole_training_set(student, rng):
    """Every example counts once, N - 1 is below the line, no graph is kept, nothing is changed.

    What is made of float32 is float32, or the network could not use it.
    """
    for N, single in ((9, False), (33, False), (2, False), (2501, False), (40, True)):
        params, Xtr = network(rng), rng.integers(0, 7, N, 3)
        params = [p.float() for p in params] if single else params
        right = {"rows": right_statistics(params, Xtr), "graphs": [False, False]}
        got = student.run(statistics, [p.requires_grad_() for p in params], Xtr)
        close(got, right, ROUNDED if single else EXACT)
