"""What decides: every promise about the layers, the tree and its use, against PyTorch.

Layers are judged in probes that put numbers into them. Answers are brought to the dtype of the
numbers that were handed in, so that a module of either float dtype is judged alike.
"""

import math
import re

import probes
import torch
from oracles import ROUNDED, TRAINED, VARIANCES, F, eval_norm, moved_on, new_norm, trained_norm

from autograder.suite import Mismatch, close, close_to_one, task, within

SHARP = within(1e-6, 1e-6, "float64, or float32 in between")


def ask(student, probe, *args):
    """A probe's answer. Where it didn't find a name, its one sentence about that is raised."""
    answer = student.run(probe, *args)
    if isinstance(answer, dict) and isinstance(answer.get("lacks"), str):
        raise Mismatch("what the suite looks for isn't there: see README, names", answer["lacks"])
    return answer


def check(answer, *ways, tolerance=None):
    """The answer is one of the ways (dicts), in those keys that they have."""
    close_to_one({key: answer.get(key) for key in ways[0]}, *ways, tolerance=tolerance)


# ------------------------------------------------------------------------------ looking at it


def check_smooth(student, lossi, n):
    means = [sum(lossi[i : i + n]) / n for i in range(0, len(lossi), n)]
    close(student.run(probes.smoothed, lossi, n), [[len(means)], means], ROUNDED)


@task("smooth")
def test_means_of_neighbours(student, rng):
    """21 losses, 3 at a time: 7 means, the first of the first three; your list is kept."""
    check_smooth(student, (2 + rng.uniform(21)).tolist(), 3)


@task("smooth")
def test_one_and_all_at_a_time(student, rng):
    """One at a time changes nothing; all at a time leave a row of one mean."""
    lossi = (2 + rng.uniform(6)).tolist()
    check_smooth(student, lossi, 1)
    check_smooth(student, lossi, 6)


@task("smooth")
def test_a_long_training(student, rng):
    """20,000 losses, ten at a time: the last mean is as good as the first."""
    check_smooth(student, (2 + rng.uniform(20_000)).tolist(), 10)


@task("matmul_last")
def test_any_number_of_dimensions(student):
    """a of 1 to 5 dimensions: all but the last are a batch, whatever their sizes."""
    cases = [([7], [7, 3]), ([5, 7], [7, 1]), ([1, 7], [7, 3]), ([4, 3, 29, 80], [80, 200])]
    cases += [([3, 3, 3], [3, 5]), ([2, 1, 3, 4, 6], [6, 11]), ([4, 2, 1], [1, 9])]
    shapes = [list((torch.empty(a) @ torch.empty(b)).shape) for a, b in cases]
    close(student.run(probes.products, cases), shapes)


def says_both(text, a, b):
    """Whether the numbers of both shapes stand in a text, each shape's side by side."""
    numbers = re.findall(r"\d+", text)
    return all(
        any(numbers[i : i + len(shape)] == [str(n) for n in shape] for i in range(len(numbers)))
        for shape in (a, b)
    )


@task("matmul_last")
def test_what_does_not_fit(student):
    """A ValueError whose text names both shapes, also where a 1 or the wrong end would fit."""
    cases = [([4, 5, 1], [7, 3]), ([4, 5, 7], [1, 3]), ([5, 7], [3, 7]), ([7, 5], [7, 3])]
    cases += [([2, 3, 17, 19], [18, 19]), ([6], [7, 6])]
    answer = student.run(probes.products, cases)
    close([type(text).__name__ for text in answer], ["str"] * len(cases))
    close([says_both(text, *case) for text, case in zip(answer, cases)], [True] * len(cases))


# ----------------------------------------------------------------------------------- the parts


def check_strided(student, kind, given, x):
    turned, plain = student.run(probes.strided, kind, given, x)
    close(turned, plain, ROUNDED)


def check_two(student, kind, given):
    close(student.run(probes.two_of_a_kind, kind, given), False)


def with_gradients(f, x, values, weights):
    """f(x, values), and the gradients of the weighted sum, at x and at the values."""
    floats = x.is_floating_point()
    x = x.detach().requires_grad_(floats)
    leaves = {k: v.detach().requires_grad_() for k, v in values.items()}
    out = f(x, leaves)
    names = [k for k in leaves if not k.startswith("running")]
    asked = [leaves[k] for k in names] + [x] * floats
    grads = torch.autograd.grad((out * weights).sum(), asked)
    at_x = grads[-1] if floats else None
    return {"out": out.detach(), "gradients": dict(zip(names, grads)), "x": at_x}


def right_linear(x, values):
    return F.linear(x, values["weight"].T, values.get("bias"))


@task("Linear")
def test_two_and_three_dimensions(student, rng):
    """(N, 5) and (B, T, 5) with weight and bias: what comes out, and all the gradients."""
    for batch in ((7,), (4, 6)):
        values = {"weight": rng.normal(5, 3), "bias": rng.normal(3)}
        x, weights = rng.normal(*batch, 5), rng.normal(*batch, 3)
        answer = ask(student, probes.called, "Linear", [5, 3], values, x, weights)
        check(answer, with_gradients(right_linear, x, values, weights), tolerance=TRAINED)


@task("Linear")
def test_four_dimensions(student, rng):
    """(4, 3, 29, 80) through 80 to 200: (4, 3, 29, 200)."""
    values = {"weight": rng.normal(80, 200, scale=0.1), "bias": rng.normal(200)}
    x, weights = rng.normal(4, 3, 29, 80), rng.normal(4, 3, 29, 200)
    answer = ask(student, probes.called, "Linear", [80, 200], values, x, weights)
    check(answer, {"out": right_linear(x, values)}, tolerance=TRAINED)


@task("Linear")
def test_without_a_bias(student, rng):
    """bias=False: one parameter, and nothing is added."""
    values, x, weights = {"weight": rng.normal(5, 3)}, rng.normal(4, 6, 5), rng.normal(4, 6, 3)
    answer = ask(student, probes.called, "Linear", [5, 3, False], values, x, weights)
    expected = with_gradients(right_linear, x, values, weights)
    check(answer, {"listed": 1, **expected}, tolerance=TRAINED)
    assert student.run(probes.without_bias), "Linear(5, 3, False).bias is not None"


@task("Linear")
def test_transposed_and_two_of_a_kind(student, rng):
    """A transposed tensor gives the same; two new layers have numbers of their own."""
    check_strided(student, "Linear", [5, 3], rng.normal(4, 6, 5))
    check_two(student, "Linear", [20, 3])


@task("Linear")
def test_first_numbers(student):
    """400 inputs, 50 outputs: mean 0, standard deviation 1/20, all biases 0."""
    answer = ask(student, probes.new, "Linear", [400, 50], 50)
    # the deviation of 20,000 is sure to 2.5 % (five sigma), an eighth of an octave is 9 %
    check(answer, {"shapes": [[50], [400, 50]], "learnt": [[0.0] * 50, [0.0, 0.0, True]]})


@task("Embedding")
def test_ids_of_any_shape(student, rng):
    """ids (9,), (4, 6) and (2, 3, 5): each id becomes its row; rows used again add gradients."""

    def rows(ids, values):
        return F.embedding(ids, values["weight"])

    for shape in ((9,), (4, 6), (2, 3, 5)):
        values = {"weight": rng.normal(7, 3)}
        ids, weights = rng.integers(0, 5, *shape), rng.normal(*shape, 3)
        answer = ask(student, probes.called, "Embedding", [7, 3], values, ids, weights)
        expected = with_gradients(rows, ids, values, weights)
        check(answer, {"listed": 1, **expected}, tolerance=TRAINED)


@task("Embedding")
def test_a_random_table(student, rng):
    """A new table has one row for each number, and no two rows are alike; nor two tables."""
    check_two(student, "Embedding", [40, 5])
    check_strided(student, "Embedding", [40, 5], rng.integers(0, 40, 4, 6))
    answer = ask(student, probes.new, "Embedding", [160, 5], 0)
    check(answer, {"shapes": [[160, 5]]})
    _, mean, several = answer["learnt"][0]
    # 800 of mean 0: five sigma are 0.18 deviations
    close(mean, 0.0, within(0.0, 0.45, "five sigma, in tenths"))
    close(several, True)


def check_flat(student, x, n, order=(0, 1, 2)):
    turned = x.permute(order)
    T = turned.shape[1]
    rows = [torch.cat([turned[:, t + i] for i in range(n)], 1) for t in range(0, T, n)]
    expected = rows[0] if len(rows) == 1 else torch.stack(rows, 1)
    close(student.run(probes.flattened, n, x, list(order)), [expected, 0])


@task("FlattenConsecutive")
def test_neighbours_side_by_side(student, rng):
    """(4, 8, 10) becomes (4, 4, 20): the first row holds positions 0 and 1, not 0 and 4."""
    check_flat(student, rng.normal(4, 8, 10), 2)
    check_flat(student, rng.normal(5, 12, 7), 3)
    check_flat(student, rng.normal(3, 12, 5), 4)


@task("FlattenConsecutive")
def test_one_position_left(student, rng):
    """n = T: the dimension of one position goes, (5, 3, 7) becomes (5, 21)."""
    check_flat(student, rng.normal(5, 3, 7), 3)
    check_flat(student, rng.normal(5, 2, 1), 2)
    check_flat(student, rng.normal(5, 1, 3), 1)
    check_flat(student, rng.normal(5, 1, 1), 1)


@task("FlattenConsecutive")
def test_a_batch_of_one(student, rng):
    """A batch of one keeps its dimension, and so does a single feature."""
    check_flat(student, rng.normal(1, 2, 5), 2)
    check_flat(student, rng.normal(1, 6, 5), 2)
    check_flat(student, rng.normal(4, 6, 1), 1)
    check_flat(student, rng.normal(1, 6, 1), 3)


@task("FlattenConsecutive")
def test_not_contiguous(student, rng):
    """A transposed tensor gives the same rows as any other."""
    check_flat(student, rng.normal(6, 4, 5), 2, (1, 0, 2))
    check_flat(student, rng.normal(4, 5, 6), 3, (0, 2, 1))


@task("FlattenConsecutive")
def test_what_can_not_be_divided(student, rng):
    """Seven positions in pairs are an error: none is left out, none is counted twice."""
    cases = [(2, (4, 7, 6)), (3, (2, 10, 6)), (3, (3, 2, 6))]
    # here the numbers would do for 7 and for 10 examples of (3, 2·C) and (3, 3·C)
    cases += [(2, (6, 7, 5)), (3, (9, 10, 5))]
    for n, shape in cases:
        close(student.run(probes.refused, n, rng.normal(*shape)), "an error")


@task("FlattenConsecutive")
def test_gradients_find_their_place(student, rng):
    """Every number gets the gradient of the place that it went to."""
    weights = rng.normal(4, 3, 10)
    answer = student.run(probes.flat_gradient, 2, rng.normal(4, 6, 5), weights)
    close(answer, weights.reshape(4, 6, 5))


def norm_values(rng, C, dtype=torch.float32):
    def around(center, scale):
        return center + rng.normal(C, scale=scale, dtype=dtype)

    return {
        "gamma": around(1.0, 0.3),
        "beta": around(0.0, 0.7),
        "running_mean": around(0.5, 0.3),
        "running_var": around(0.0, 0.7).abs() + 0.4,
    }


def norm_ways(x, values, weights, eps=1e-5, momentum=0.1):
    """Every right answer in training."""
    ways = []
    for unbiased, running in VARIANCES:

        def f(x, values, unbiased=unbiased):
            return trained_norm(x, values, unbiased, eps)

        way = with_gradients(f, x, values, weights)
        way |= {"state": moved_on(x, values, running, momentum), "state in a graph": False}
        ways.append({**way, "listed": 2})
    return ways


def check_eval(student, x, values, weights):
    state = {role: v for role, v in values.items() if role.startswith("running")}
    expected = with_gradients(eval_norm, x, values, weights)
    expected |= {"state": state, "state in a graph": False}
    check(ask_norm(student, x, values, weights, False), expected, tolerance=TRAINED)


def ask_norm(student, x, values, weights, *modes):
    given = [x.shape[-1]]
    return ask(student, probes.called, "BatchNorm1d", given, values, x, weights, *modes)


def columns(rng, *shape, dtype=torch.float32):
    """Features that have means and spreads of their own."""
    x, C = rng.normal(*shape, dtype=dtype), shape[-1]
    spread = 1.5 + rng.normal(C, scale=0.3, dtype=dtype)
    return x * spread + rng.normal(C, dtype=dtype)


@task("BatchNorm1d")
def test_rows_of_features(student, rng):
    """(N, C) in training: normalised by the batch; running numbers; gradients of x, gamma, beta."""
    x, weights, values = columns(rng, 9, 5), rng.normal(9, 5), norm_values(rng, 5)
    answer = ask_norm(student, x, values, weights, True)
    check(answer, *norm_ways(x, values, weights), tolerance=TRAINED)


@task("BatchNorm1d")
def test_batch_and_time_are_one(student, rng):
    """(B, T, C) is normalised like (B·T, C), in float64: numbers, gradients, C running means."""
    double = {"dtype": torch.float64}
    for shape in ((4, 3, 5), (3, 7, 2)):
        x = columns(rng, *shape, **double)
        # positions differ from one another, so that statistics of each would show
        x = 16.0 * (x + rng.normal(1, *shape[1:], scale=2.0, **double))
        weights = rng.normal(*shape, **double)
        values = norm_values(rng, shape[-1], **double)
        answer = ask_norm(student, x, values, weights, True)
        check(answer, *norm_ways(x, values, weights), tolerance=SHARP)


@task("BatchNorm1d")
def test_running_numbers_in_eval(student, rng):
    """In eval the running numbers are used, for 2 and 3 dimensions, and stay as they are."""
    for shape in ((9, 5), (4, 3, 5)):
        x, weights = columns(rng, *shape), rng.normal(*shape)
        check_eval(student, x, norm_values(rng, 5), weights)


@task("BatchNorm1d")
def test_a_batch_of_one_in_eval(student, rng):
    """One example is enough in eval: it needs no others."""
    for shape in ((1, 5), (1, 3, 5), (1, 1, 5)):
        x, weights = columns(rng, *shape), rng.normal(*shape)
        check_eval(student, x, norm_values(rng, 5), weights)


@task("BatchNorm1d")
def test_eps_is_under_the_root(student, rng):
    """Where the variance is as small as eps (1e-5 unless said) it matters where eps is added."""
    x, weights = rng.normal(11, 5, scale=0.003), rng.normal(11, 5)
    values = norm_values(rng, 5)
    ways = [{"out": way["out"]} for way in norm_ways(x, values, weights)]
    check(ask_norm(student, x, values, weights, True), *ways, tolerance=TRAINED)
    values["running_var"] = values["running_var"] * 1e-5
    values["running_mean"] = values["running_mean"] * 1e-3
    answer = ask_norm(student, x, values, weights, False)
    check(answer, {"out": eval_norm(x, values)}, tolerance=TRAINED)


@task("BatchNorm1d")
def test_eps_and_momentum_are_taken(student, rng):
    """Another eps and another momentum, as arguments or as attributes, are used."""
    x, weights = columns(rng, 3, 4, 5), rng.normal(3, 4, 5)
    values, settings = norm_values(rng, 5), {"eps": 0.75, "momentum": 0.3}
    answer = ask_norm(student, x, values, weights, True, settings)
    check(answer, *norm_ways(x, values, weights, **settings), tolerance=TRAINED)


@task("BatchNorm1d")
def test_several_batches(student, rng):
    """Each of four batches moves the running numbers alike, as eval then shows; x is kept."""
    C, eps, momentum = 5, 0.75, 0.3
    batches, y = [columns(rng, 3, 4, C) for _ in range(4)], rng.normal(2, 3, C)
    ways = []
    for unbiased in (True, False):
        values = new_norm(y)
        for x in batches:
            values |= moved_on(x, values, unbiased, momentum)
        ways.append([eval_norm(y, values, eps)] * 2)
    settings = {"eps": eps, "momentum": momentum}
    answer = student.run(probes.in_turn, C, settings, batches, y)
    close_to_one(answer, *ways, tolerance=TRAINED)


@task("BatchNorm1d")
def test_how_it_begins(student):
    """gamma and running_var are ones, beta and running_mean zeros; training; two parameters."""
    answer = ask(student, probes.new, "BatchNorm1d", [4], 4)
    both = [[0.0] * 4, [1.0] * 4]
    check(answer, {"shapes": [[4], [4]], "learnt": both, "others": both, "training": True})


def check_tanh(student, x, weights):
    expected = with_gradients(lambda x, _: torch.tanh(x), x, {}, weights)
    answer = ask(student, probes.called, "Tanh", [], {}, x, weights)
    check(answer, {**expected, "listed": 0, "handed": x}, tolerance=TRAINED)


@task("Tanh")
def test_any_shape(student, rng):
    """(7, 5) and (2, 3, 5), with gradients; what was handed in is left as it was."""
    for shape in ((7, 5), (2, 3, 5)):
        check_tanh(student, rng.normal(*shape), rng.normal(*shape))


@task("Tanh")
def test_large_numbers(student, rng, device):
    """tanh of 300 is 1 and of -300 is -1, without overflow."""
    x = torch.tensor([-300.0, -95.0, 0.5, 95.0, 300.0], device=device)
    check_tanh(student, x, rng.normal(5))


def check_row(student, x, factors, shape, order):
    begin = x.clone().requires_grad_()
    leaves = [factors[i].clone().requires_grad_() for i in order]
    expected = begin
    for factor in leaves:
        expected = expected * factor + 1
    expected.sum().backward()
    answer = student.run(probes.in_a_row, x, factors, shape)
    close(answer[:3], [expected, leaves, len(order)], ROUNDED)
    close(answer[3:], [begin.grad, [factor.grad for factor in leaves]], ROUNDED)


@task("Sequential")
def test_one_after_the_other(student, rng):
    """Four layers whose order matters: what the first answers goes to the second, and so on."""
    factors = [rng.normal() + 2 + i for i in range(4)]
    check_row(student, rng.normal(3, 5), factors, [2, 0, 3, 1], [2, 0, 3, 1])


@task("Sequential")
def test_a_row_within_a_row(student, rng):
    """A Sequential may be a layer; the parameters of all come in their order, one flat list."""
    factors = [rng.normal() + 2 + i for i in range(5)]
    check_row(student, rng.normal(2, 3), factors, [1, [3, [0], 4], 2], [1, 3, 0, 4, 2])


@task("Sequential")
def test_no_layers(student, rng):
    """Without layers what comes in goes out, and there are no parameters."""
    check_row(student, rng.normal(3, 5), [], [], [])


# -------------------------------------------------------------------------------- the network


@task("set_training")
def test_off_and_on_and_off(student):
    """Layers in Sequentials within Sequentials follow, whatever class they are of."""
    answer = ask(student, probes.switched, [False, True, False], True)
    close(answer, [[False] * 5, [True] * 5, [False] * 5])


@task("set_training")
def test_the_flag_decides(student):
    """True where they were False is True, twice the same is the same."""
    answer = ask(student, probes.switched, [True, True, False, False], False)
    close(answer, [[True] * 5, [True] * 5, [False] * 5, [False] * 5])


SIZES = (11, 8, 3, 5)  # letters, letters at a time, n_embd, n_hidden
LOUD = 16


def tree_values(rng, vocab, block, n_embd, hidden):
    """Numbers for every tensor of a tree.

    So large before each norm that no variance is near its eps: where that stands is another
    task's, and here it must not matter by chance.
    """
    levels = block.bit_length() - 1
    ins = [2 * n_embd] + [2 * hidden] * (levels - 1)
    weights = [rng.normal(i, hidden, scale=1.5 * LOUD / math.sqrt(i)) for i in ins]
    norms = [norm_values(rng, hidden) for _ in range(levels)]
    return {
        "table": rng.normal(vocab, n_embd),
        "weights": [*weights, rng.normal(hidden, vocab, scale=0.5)],
        "bias": rng.normal(vocab),
        "gamma": [norm["gamma"] for norm in norms],
        "beta": [norm["beta"] for norm in norms],
        "running_mean": [LOUD * (norm["running_mean"] - 0.5) for norm in norms],
        "running_var": [LOUD**2 * norm["running_var"] for norm in norms],
    }


def windows(ids):
    return ids.unfold(0, 8, 1)


def right_tree(values, ids, unbiased=None):
    """The logits: in eval, or in training with one of the two variances."""
    h = F.embedding(ids, values["table"])
    for i, weight in enumerate(values["weights"][:-1]):
        h = torch.cat([h[:, ::2], h[:, 1::2]], 2) @ weight
        norm = {role: values[role][i] for role in ("gamma", "beta", "running_mean", "running_var")}
        h = eval_norm(h, norm) if unbiased is None else trained_norm(h, norm, unbiased)
        h = torch.tanh(h)
    return h.squeeze(1) @ values["weights"][-1] + values["bias"]


def check_jobs(student, sizes, values, *jobs):
    """Check what the tree answers to each job; return all that the probe answers."""

    def right(kind, ids, unbiased):
        ids = windows(ids) if kind == "dilated" else ids
        return right_tree(values, ids, unbiased if kind == "train" else None)

    answer = ask(student, probes.asked, sizes, values, jobs)
    ways = [{"outs": [right(*job, unbiased) for job in jobs]} for unbiased in (True, False)]
    check(answer, *ways, tolerance=TRAINED)
    return answer


@task("wavenet")
def test_parameters_of_other_trees(student):
    """One level, two, three and four: each more has 2·H·H + 2·H parameters, and no bias."""
    sizes = [(11, 2, 3, 5), (11, 4, 3, 5), (11, 8, 3, 5), (11, 16, 3, 5), (27, 8, 24, 128)]
    sizes += [(11, 64, 3, 5)]
    counts = [
        v * e + 2 * e * h + 2 * h + (b.bit_length() - 2) * (2 * h * h + 2 * h) + h * v + v
        for v, b, e, h in sizes
    ]
    close(student.run(probes.parameters_of, sizes), counts)


def check_tree(student, rng, block, batch):
    sizes = (11, block, 3, 5)
    values, ids = tree_values(rng, *sizes), rng.integers(0, 11, batch, block)
    check_jobs(student, sizes, values, ("eval", ids), ("train", ids))


@task("wavenet")
def test_pairs_of_pairs_of_pairs(student, rng):
    """Eight letters: neighbours meet first, then pairs, then fours; in eval and in training."""
    check_tree(student, rng, 8, 7)


@task("wavenet")
def test_other_block_sizes(student, rng):
    """Trees over 2, 4 and 16 letters."""
    for block in (2, 4, 16):
        check_tree(student, rng, block, 6)


@task("wavenet")
def test_every_letter_counts(student, rng, device):
    """Changing any one of the eight letters, the first too, changes the logits."""
    values, ids = tree_values(rng, *SIZES), rng.integers(0, 11, 1, 8)
    others = (ids + torch.eye(8, dtype=torch.int64, device=device)) % 11
    check_jobs(student, SIZES, values, ("eval", torch.cat([ids, others])))


@task("wavenet")
def test_alone_in_eval_coupled_in_training(student, rng):
    """Another example 0 leaves example 1 alone in eval, but not in training."""
    values, a = tree_values(rng, *SIZES), rng.integers(0, 11, 4, 8)
    b = torch.cat([(a[:1] + 1) % 11, a[1:]])
    check_jobs(student, SIZES, values, ("eval", a), ("eval", b), ("train", a), ("train", b))


def ask_fresh(student, rng):
    ids, labels = rng.integers(0, 27, 64, 8), rng.integers(0, 27, 64)
    return student.run(probes.fresh, [27, 8, 10, 68], ids, labels)


@task("wavenet")
def test_unsure_at_first(student, rng):
    """A new tree guesses: its loss is near ln 27, its logits small, a tenth of what they'd be."""
    answer = ask_fresh(student, rng)
    # tanh of a normal number is 0.63 in size, and the last layer's weights keep a tenth of that
    check(answer, {"shape": [64, 27], "loss": 3.3, "size": 0.0})
    check(answer, {"levels": [0.0, 0.0, 0.0]})


@task("wavenet")
def test_ready_to_be_trained(student, rng):
    """A new tree is in training, its running numbers are 0 and 1, and gradients reach all."""
    expected = {"shape": [64, 27], "training": True, "untouched": True, "learns": [True] * 12}
    check(ask_fresh(student, rng), expected)


@task("group_sizes")
def test_other_groups(student):
    """Groups of 2, 3, 4 and 5, trees of one level to five; the whole at once is one level."""
    cases = [(2, 2), (4, 2), (32, 2), (27, 3), (16, 4), (25, 5), (7, 7)]
    # many levels; and powers whose logarithm, in floats, is not quite a whole number
    cases += [(1024, 2), (243, 3), (125, 5), (1000, 10)]
    expected = []
    for block, n in cases:
        levels = next(k for k in range(1, 12) if n**k == block)
        expected.append([n ** (k + 1) for k in range(levels)])
    close(student.run(probes.sizes_of, cases), expected)


@task("dilated_tree")
def test_thirty_letters(student, rng):
    """30 letters have 23 windows of 8: row i is what the tree says about the window from i on."""
    values, ids = tree_values(rng, *SIZES), rng.integers(0, 11, 30)
    check_jobs(student, SIZES, values, ("dilated", ids))


@task("dilated_tree")
def test_few_windows(student, rng):
    """8 letters are a single window, and there is still a row; 9 and 15 have 2 and 8."""
    values = tree_values(rng, *SIZES)
    several = [rng.integers(0, 11, n) for n in (8, 9, 15)]
    check_jobs(student, SIZES, values, *(("dilated", ids) for ids in several))


@task("dilated_tree")
def test_the_tree_is_left_as_it_was(student, rng):
    """Afterwards the model answers to windows as before, and is in eval mode."""
    values, ids = tree_values(rng, *SIZES), rng.integers(0, 11, 12)
    jobs = [("dilated", ids), ("eval", windows(ids)), ("dilated", ids)]
    answer = check_jobs(student, SIZES, values, *jobs)
    close(answer["training"], [False] * 3)


@task("dilated_tree")
def test_each_node_once(student, rng):
    """Each level is computed once for all windows: about L rows of it, not 4 · L."""
    L = 60
    values, ids = tree_values(rng, *SIZES), rng.integers(0, 11, L)
    answer = check_jobs(student, SIZES, values, ("dilated", ids))
    # window by window there are 4 + 2 + 1 + 1 rows for each: 17,225 multiplications, and 12,635
    # if only the first level is shared; with a few rows before the first or after the last
    # window, for the sake of even shapes, it is still once for each position
    most = (L + 7) * sum(weight.numel() for weight in values["weights"])
    count = answer["counts"][0]
    assert count <= most, f"{count} multiplications; once for each position they are {most}"


# ----------------------------------------------------------------------------------- its use

LETTERS = {0: ".", 1: "k", 2: "a", 3: "t", 4: "z"}


def check_word(student, word, block, itos=LETTERS, times=1):
    """A model that is sure of each letter of a word says it, so many times."""
    numbers = [next(n for n, letter in itos.items() if letter == wanted) for wanted in word]
    close(student.run(probes.said, numbers, itos, block, times), [[word] * times])


@task("sample")
def test_a_model_that_is_certain(student):
    """It is sure of every letter, given the eight before: a word of 13, then the end."""
    check_word(student, "kattzakkazzta", 8, times=2)


@task("sample")
def test_contexts_of_other_sizes(student):
    """Two letters of context, then four: the oldest letter leaves on the left."""
    check_word(student, "kaat", 2)
    check_word(student, "zatakk", 4)


@task("sample")
def test_as_long_as_it_takes(student):
    """A word of 40 letters is not cut off: only number 0 ends it."""
    check_word(student, "zzktzztztaataktatkktzktztazztkkkzkztatka", 8)


@task("sample")
def test_the_number_ends_not_the_mark(student):
    """Number 0 ends the word, whatever stands for it; a dot may be a letter."""
    check_word(student, "k.t.", 4, {0: "$", 1: "k", 2: ".", 3: "t", 4: "z"}, times=2)


@task("sample")
def test_the_end_at_once(student):
    """If the first number is 0 the word is empty, without an end mark."""
    check_word(student, "", 4, times=3)


def drawn(student, shares, n, *seeds):
    """n words of one letter for each seed: the shares of k, a, t and z are given."""
    return student.run(probes.said, [], LETTERS, 4, n, seeds, [1e-9, *shares])


@task("sample")
def test_letters_are_drawn(student):
    """Of 200 letters, "k" with 0.8 and "t" with 0.2, about 160 are "k"; the generator decides."""
    mostly_k = (0.8, 1e-9, 0.2, 1e-9)
    (words,) = drawn(student, mostly_k, 200, 1)
    count = float(words.count("k"))
    close(count, 160.0, within(0.0, 29.0, "five sigma of 200 draws"))
    close(float(words.count("t")), 200.0 - count)
    # 400 letters of four kinds: the rare one, too
    shares = {"k": 0.4, "a": 0.3, "t": 0.2, "z": 0.1}
    (words,) = drawn(student, shares.values(), 400, 1)
    for letter, share in shares.items():
        sigma = math.sqrt(400 * share * (1 - share))
        tolerance = within(0.0, 5 * sigma, "five sigma of 400 draws")
        close(float(words.count(letter)), 400 * share, tolerance)
    first, again, other = drawn(student, mostly_k, 40, 1, 1, 2)
    close(again, first)
    assert other != first, "generators of different seeds say the same"


def check_split(student, rng, training, recording, examples=37):
    table, values = rng.normal(7, 5), norm_values(rng, 5)
    X, Y = rng.integers(0, 7, examples, 3), rng.integers(0, 5, examples)
    logits = eval_norm(F.embedding(X, table).sum(1), values)
    expected = {
        "loss": F.cross_entropy(logits, Y).item(),
        "graph": False,
        "training": [training, training],
        "recording": recording,
        "want gradients": True,
        "gradients kept": True,
        "state": values,
    }
    answer = ask(student, probes.split, table, values, X, Y, training, recording)
    check(answer, expected, tolerance=ROUNDED)


@task("split_loss")
def test_in_the_middle_of_training(student, rng):
    """The loss in eval mode, without a graph; then training again; running numbers unmoved."""
    check_split(student, rng, True, True)


@task("split_loss")
def test_in_eval_already(student, rng):
    """A model in eval mode is in eval mode afterwards."""
    check_split(student, rng, False, True)


@task("split_loss")
def test_where_nothing_is_recorded(student, rng):
    """Called where no gradients are recorded it leaves that as it is; one example is enough."""
    check_split(student, rng, True, False, 1)


@task("split_loss")
def test_every_example_counts_once(student, rng):
    """The mean over a whole set of 10,007: each example has the same share, the last one too."""
    check_split(student, rng, True, True, 10_007)
