"""What you may read: the basic case of every task. PyTorch is the oracle.

Probes (probes.py) run beside your code: layers are made and called there; numbers, tensors and
lists of them come back here. The probes of this file want no more than `parameters()` and the
call of a layer, so that plain classes and nn.Module are the same to them.
"""

import probes
import torch
from oracles import ROUNDED, TRAINED, VARIANCES, F, eval_norm, moved_on, new_norm, trained_norm

from autograder.suite import close, close_to_one, task

# ------------------------------------------------------------------------------ looking at it


@task("smooth")
def test_two_at_a_time(student):
    """Six losses, two at a time: three means."""
    answer = student.run(probes.smoothed, [3.0, 2.0, 2.5, 1.5, 1.0, 2.0], 2)
    close(answer, [[3], [2.5, 2.0, 1.5]], ROUNDED)


@task("matmul_last")
def test_the_lectures_shapes(student):
    """(4, 5, 80) and (4, 5, 2, 80) @ (80, 200) go; (4, 200) @ (80, 200) is a ValueError."""
    cases = [((4, 5, 80), (80, 200)), ((4, 5, 2, 80), (80, 200)), ((4, 200), (80, 200))]
    *shapes, error = student.run(probes.products, cases)
    close(shapes, [[4, 5, 200], [4, 5, 2, 200]])
    assert isinstance(error, str), f"(4, 200) @ (80, 200) has the shape {error}"


# ----------------------------------------------------------------------------------- the parts


@task("Linear")
def test_weight_and_bias(student, rng):
    """(4, 6, 5) through Linear(5, 3): x @ weight + bias, weight (5, 3), bias (3,)."""
    x, weight, bias = rng.normal(4, 6, 5), rng.normal(5, 3), rng.normal(3)
    answer = student.run(probes.one_layer, "Linear", [5, 3], [weight, bias], x)
    close(answer, {"shapes": [[3], [5, 3]], "out": x @ weight + bias}, ROUNDED)


@task("Embedding")
def test_rows_of_the_table(student, rng, device):
    """ids (2, 3) become (2, 3, 4): the rows of weight (7, 4)."""
    ids, weight = torch.tensor([[6, 0, 2], [2, 5, 1]], device=device), rng.normal(7, 4)
    answer = student.run(probes.one_layer, "Embedding", [7, 4], [weight], ids)
    close(answer, {"shapes": [[7, 4]], "out": F.embedding(ids, weight)})


@task("FlattenConsecutive")
def test_two_neighbours(student, device):
    """Eight positions of three features become four of six: 0 beside 1, 2 beside 3, …"""
    x = torch.arange(2 * 8 * 3, device=device).view(2, 8, 3)
    answer = student.run(probes.one_layer, "FlattenConsecutive", [2], [], x)
    expected = torch.stack([torch.cat([x[:, t], x[:, t + 1]], 1) for t in (0, 2, 4, 6)], 1)
    close(answer, {"out": expected, "shapes": []})


@task("FlattenConsecutive")
def test_all_neighbours(student, device):
    """Three positions, all of them side by side: (4, 3, 2) becomes (4, 6)."""
    x = torch.arange(4 * 3 * 2, device=device).view(4, 3, 2)
    answer = student.run(probes.one_layer, "FlattenConsecutive", [3], [], x)
    close(answer, {"out": torch.cat([x[:, 0], x[:, 1], x[:, 2]], 1), "shapes": []})


def check_norm(student, rng, *shape):
    x, y = rng.normal(*shape, scale=2) + 3 * rng.normal(shape[-1]), rng.normal(1, *shape[1:])
    new = new_norm(x)
    ways = [
        [trained_norm(x, new, unbiased), eval_norm(y, new | moved_on(x, new, running))]
        for unbiased, running in VARIANCES
    ]
    close_to_one(student.run(probes.train_then_eval, x, y), *ways, tolerance=TRAINED)


@task("BatchNorm1d")
def test_rows_then_one_row(student, rng):
    """(8, 5) in training has mean 0 and variance 1; then one row in eval, by running numbers."""
    check_norm(student, rng, 8, 5)


@task("BatchNorm1d")
def test_three_dimensions(student, rng):
    """(4, 3, 5): five means and variances, each over batch and time; then one in eval."""
    check_norm(student, rng, 4, 3, 5)


@task("Tanh")
def test_a_few_numbers(student, device):
    """tanh of -1, 0 and 2; there is nothing to learn."""
    x = torch.tensor([[-1.0, 0.0, 2.0]], device=device)
    answer = student.run(probes.one_layer, "Tanh", [], [], x)
    close(answer, {"out": torch.tanh(x), "shapes": []}, ROUNDED)


@task("Sequential")
def test_a_row_of_two(student, device):
    """First x·3 + 1, then x·5 + 1: of 2 it makes 36; both layers' parameters, in order."""
    x, three, five = (torch.tensor(n, device=device) for n in ([2.0, 0.0], 3.0, 5.0))
    out, parameters, *_ = student.run(probes.in_a_row, x, [three, five], [0, 1])
    close([out, parameters], [torch.tensor([36.0, 6.0], device=device), [three, five]])


# -------------------------------------------------------------------------------- the network


@task("set_training")
def test_off_and_on(student):
    """False, then True: a BatchNorm1d follows, and so does one in a Sequential in it."""
    close(student.run(probes.two_switched, [False, True]), [[False, False], [True, True]])


@task("wavenet")
def test_the_lectures_tree(student):
    """27 letters, 8 of them, 10 and 68 wide: 22,397 parameters, logits (3, 27)."""
    ids = [[0, 0, 0, 0, 0, 5, 13, 13], [0] * 8, [1, 2, 3, 4, 5, 6, 7, 8]]
    close(student.run(probes.count_and_shape, [27, 8, 10, 68], ids), [22397, [3, 27]])


@task("wavenet")
def test_a_tree_of_two_levels(student):
    """Over 4 letters there are two levels: (7, 4, 2, 3) has 84 parameters."""
    ids = [[0, 1, 2, 3], [6, 5, 4, 3]]
    close(student.run(probes.count_and_shape, [7, 4, 2, 3], ids), [84, [2, 7]])


@task("group_sizes")
def test_twos_and_threes(student):
    """Eight letters in pairs: 2, 4, 8. Nine in threes: 3, 9."""
    close([student.group_sizes(8, 2), student.group_sizes(9, 3)], [[2, 4, 8], [3, 9]])


@task("dilated_tree")
def test_window_after_window(student):
    """14 letters, 7 windows: the same logits as your tree's for each window by itself."""
    tree, each = student.run(probes.slid, [0, 3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0, 2, 4])
    close(list(each.shape), [7, 7])
    close(tree, each, ROUNDED)


# ----------------------------------------------------------------------------------- its use


@task("sample")
def test_a_model_that_knows_a_name(student):
    """It is sure of "a", "n", "n", "a" and of the end: "anna", without the end mark."""
    itos = {0: ".", 1: "a", 2: "n", 3: "t"}
    close(student.run(probes.spelt, [1, 2, 2, 1], itos, 3), "anna")


@task("split_loss")
def test_a_float_in_eval_mode(student, rng):
    """The loss of a model in training, measured in eval mode; afterwards it is in training."""
    table, X, Y = rng.normal(7, 5), rng.integers(0, 7, 9, 3), rng.integers(0, 5, 9)
    logits = table[X].sum(1) / (1 + 1e-5) ** 0.5
    expected = [F.cross_entropy(logits, Y).item(), True]
    close(student.run(probes.one_loss, table, X, Y), expected, ROUNDED)
