"""What you may read: the basic case of every task. Arithmetic and PyTorch are the oracles.

Its questions are in probes.py, functions that run beside your code.
"""

import math

import torch
from oracles import LOOSE, chances, loss_and_gradient, torch_training
from probes import (
    first_weights,
    gradient,
    in_place,
    learnt,
    lists_sampled,
    number,
    sampled,
    shapes,
    smoothed,
    table,
    trained,
    vocabulary,
    watched_words,
)

from autograder.suite import close, task, within

WORDS = ["bob", "al", "abba"]
STOI = {".": 0, "a": 1, "b": 2, "l": 3, "o": 4}
PAIRS = [".b", "bo", "ob", "b.", ".a", "al", "l.", ".a", "ab", "bb", "ba", "a."]

# Some counts, and each as a share of its row.
COUNTS = [[1, 3, 4], [2, 6, 12], [7, 2, 1]]
SHARES = [[0.125, 0.375, 0.5], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]

SEED = 2147483647  # the lecture's


def some_table(device):
    """Probabilities, all different, no row like a column."""
    N = torch.arange(1.0, 26.0, device=device).view(5, 5) ** 1.5
    return N / N.sum(1, keepdim=True)


# ------------------------------------------------------------------------------- counting


@task("build_vocab")
def test_letters_are_numbered(student):
    """The letters of bob, al and abba are numbered in alphabetical order, after "." at 0."""
    stoi, letters, _ = student.run(vocabulary, WORDS)
    close([stoi, letters], [STOI, [".", "a", "b", "l", "o"]])


@task("bigram_counts_dict")
def test_pairs_in_a_dict(student):
    """emma has .e, em, mm, ma and a.; mm has .m, mm and m.: each pair with its count."""
    expected = {".e": 1, "em": 1, "mm": 2, "ma": 1, "a.": 1, ".m": 1, "m.": 1}
    answer = student.bigram_counts_dict(["emma", "mm"])
    close(answer, {tuple(pair): n for pair, n in expected.items()})


@task("count_bigrams")
def test_pairs_in_a_table(student):
    """Of bob, al and abba: the row is the first letter of a pair, the column the second."""
    N = torch.zeros((5, 5), dtype=torch.int64, device="cpu")
    for first, second in PAIRS:
        N[STOI[first], STOI[second]] += 1
    close(student.run(table, WORDS, STOI), ["int64 or int32", N])


@task("count_bigrams")
def test_a_pair_twice_in_a_word(student):
    """aaa has aa twice."""
    N = torch.tensor([[0, 1], [1, 2]], device="cpu")
    close(student.run(table, ["aaa"], {".": 0, "a": 1}), ["int64 or int32", N])


@task("normalize_rows")
def test_rows_are_divided_by_their_sums(student, device):
    """The rows (1, 3, 4), (2, 6, 12) and (7, 2, 1) become shares of their own sums, in float32."""
    N = torch.tensor(COUNTS, device=device)
    close(student.normalize_rows(N), torch.tensor(SHARES, device=device))


@task("normalize_rows")
def test_a_row_without_counts(student, device):
    """A row of zeros becomes zeros; with smoothing it becomes uniform. N stays as it is."""
    N = torch.tensor([[1, 3, 0], [0, 0, 0], [2, 2, 1]], device=device)
    plain = [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0], [0.4, 0.4, 0.2]]
    close(student.normalize_rows(N), torch.tensor(plain, device=device))
    with_two_more = [[0.3, 0.5, 0.2], [1 / 3, 1 / 3, 1 / 3], [4 / 11, 4 / 11, 3 / 11]]
    close(student.normalize_rows(N, 2), torch.tensor(with_two_more, device=device))


@task("normalize_rows_")
def test_the_same_table_is_changed(student, device):
    """P itself is normalised and returned; no second table is made."""
    P = torch.tensor(COUNTS, dtype=torch.float32, device=device)
    expected = torch.tensor(SHARES, device=device)
    close(student.run(in_place, P), [expected, expected, True, True])


@task("broadcast_shape")
def test_shapes_of_the_lecture(student):
    """(27, 27) with (27, 1), with (1, 27) and with (27,); (4, 3) and (4,) don't fit."""
    pairs = [[(27, 27), (27, 1)], [(27, 27), (1, 27)], [(27, 27), (27,)], [(4, 3), (4,)]]
    close(student.run(shapes, pairs), [[27, 27], [27, 27], [27, 27], "ValueError"])


# ------------------------------------------------------------------------------- sampling

# A generator lives on one device and draws only there: sampling is tested on the CPU.
CHAIN = [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
CHAIN_ITOS = {0: ".", 1: "d", 2: "a", 3: "n"}


@task("sample_word")
def test_a_table_with_one_word(student):
    """Where "." is always followed by d, d by a, a by n and n by ".", the word is dan."""
    P = torch.tensor(CHAIN, device="cpu")
    (words,), _ = student.run(sampled, P, CHAIN_ITOS, 2, [SEED])
    close(words, ["dan", "dan"])


# Five names without a letter in common: the first letter decides which it is.
NAMES = ["zip", "bo", "kurt", "amy", "len"]
NAME_ITOS = dict(enumerate(".abeiklmnoprtuyz"))


def table_of_names():
    stoi = {letter: i for i, letter in NAME_ITOS.items()}
    P = torch.zeros((16, 16), device="cpu")
    for name, share in zip(NAMES, [0.15, 0.3, 0.1, 0.25, 0.2], strict=True):
        P[0, stoi[name[0]]] = share
        for first, second in zip(name, name[1:] + ".", strict=True):
            P[stoi[first], stoi[second]] = 1.0
    return P


@task("sample_word")
def test_the_lectures_seed(student):
    """With the lecture's seed, and those after it, the names that torch.multinomial draws.

    Who draws in another way (that is fine) gets other names, but of the five that there are.
    """
    P, seeds = table_of_names(), list(range(SEED, SEED + 60))
    words, exact = student.run(watched_words, P, NAME_ITOS, seeds)
    if not exact:
        close([word in NAMES for word in words], [True] * len(words))
        return
    drawn = [
        torch.multinomial(P[0], 1, generator=torch.Generator().manual_seed(seed)).item()
        for seed in seeds
    ]
    by_first = {name[0]: name for name in NAMES}
    close(words, [by_first[NAME_ITOS[i]] for i in drawn])


@task("sample_words")
def test_as_many_as_asked_for(student):
    """Five words are asked for, five come."""
    P = torch.tensor(CHAIN, device="cpu")
    ((words,),), _ = student.run(lists_sampled, P, CHAIN_ITOS, 5, [SEED], 1)
    close(words, ["dan"] * 5)


# ---------------------------------------------------------------------- how good is a model


@task("likelihood")
def test_product_of_the_pairs(student, device):
    """The likelihood of bob is that of .b times bo times ob times b."""
    P = some_table(device)
    expected = math.prod(chances(P, PAIRS[:4], STOI))
    close(student.run(number, "likelihood", P, "bob", STOI), expected, LOOSE)


@task("log_likelihood")
def test_sum_of_the_logarithms(student, device):
    """The log likelihood of bob is the sum of the natural logarithms of its four pairs."""
    P = some_table(device)
    expected = math.fsum(map(math.log, chances(P, PAIRS[:4], STOI)))
    close(student.run(number, "log_likelihood", P, "bob", STOI), expected, LOOSE)


@task("average_nll")
def test_mean_over_all_pairs(student, device):
    """bob, al and abba have 12 pairs: minus the sum of their logarithms, divided by 12."""
    P = some_table(device)
    expected = -math.fsum(map(math.log, chances(P, PAIRS, STOI))) / 12
    close(student.run(number, "average_nll", P, WORDS, STOI), expected, LOOSE)


@task("average_nll")
def test_an_impossible_pair_costs_infinity(student, device):
    """Where P thinks a pair of bob impossible, the loss is infinite, and there is no error."""
    P = some_table(device)
    P[STOI["o"], STOI["b"]] = 0.0
    close(student.run(number, "average_nll", P, WORDS, STOI), math.inf)


@task("smooth")
def test_one_more_of_each_pair(student, device):
    """smooth(N) adds one to each count before it makes probabilities; N stays as it is."""
    N = torch.tensor([[0, 3, 4], [2, 0, 11], [5, 1, 0]], device=device)
    expected = [[0.1, 0.4, 0.5], [0.1875, 0.0625, 0.75], [6 / 9, 2 / 9, 1 / 9]]
    close(student.run(smoothed, N), torch.tensor(expected, device=device))


# ------------------------------------------------------------------- the network: its data


@task("training_pairs")
def test_what_follows_what(student):
    """emma gives five pairs: xs holds . e m m a, and ys holds e m m a ."""
    expected = [[0, 2, 3, 3, 1], [2, 3, 3, 1, 0]]
    answer = student.training_pairs(["emma"], {".": 0, "a": 1, "e": 2, "m": 3})
    close(answer, [torch.tensor(numbers, device="cpu") for numbers in expected])


@task("tensor_dtype")
def test_whole_numbers_stay_whole(student):
    """[5, 0, 13] becomes an int64 tensor, not a float one."""
    close(student.tensor_dtype([5, 0, 13]), torch.tensor([5, 0, 13], device="cpu"))


@task("one_hot_float")
def test_a_one_in_its_place(student, device):
    """For 2, 0 and 1 of five classes: rows of five float32 numbers, one of them 1."""
    xs = torch.tensor([2, 0, 1], device=device)
    expected = [[0.0, 0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]]
    close(student.one_hot_float(xs, 5), torch.tensor(expected, device=device))


# ------------------------------------------------------------------------ the network itself


@task("init_weights")
def test_a_leaf_with_a_gradient(student):
    """W is 7 by 7, requires its gradient, and is a leaf."""
    ((requires_grad, leaf, W),), _ = student.run(first_weights, 7, [SEED])
    close([W.shape, requires_grad, leaf], [[7, 7], True, True])


@task("softmax")
def test_rows_become_probabilities(student, device):
    """Each row of a 2 by 3 tensor becomes what torch.softmax makes of it."""
    logits = torch.tensor([[0.5, -1.0, 2.0], [3.0, 1.0, -2.0]], device=device)
    close(student.softmax(logits), torch.softmax(logits, 1))


@task("softmax")
def test_large_numbers_are_no_problem(student, device):
    """Rows near 1,000 and near -1,000 in one tensor give probabilities, not NaN."""
    logits = [[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -1000.0], [0.0, 2.0, 1.0]]
    logits = torch.tensor(logits, device=device)
    coarse = within(2e-3, 1e-5, "near 1,000 float32 steps are 0.0001 wide")
    close(student.softmax(logits), torch.softmax(logits, 1), coarse)


def some_weights(device):
    """4 by 4, no row like a column."""
    return torch.linspace(-2.0, 1.5, 16, device=device).view(4, 4).square() - 1.0


@task("forward")
def test_rows_of_w_are_picked(student, device):
    """For the letters 2, 0, 2, 3, 1: the softmax of these rows of W."""
    W, xs = some_weights(device), torch.tensor([2, 0, 2, 3, 1], device=device)
    close(student.forward(W, xs), torch.softmax(W[xs], 1))


def three_answers(device):
    """Probabilities, what was right, and the mean of -log of what the right answers got."""
    probs = [[0.2, 0.5, 0.2, 0.1], [0.4, 0.05, 0.5, 0.05], [0.1, 0.3, 0.2, 0.4]]
    loss = -(math.log(0.2) + math.log(0.5) + math.log(0.1)) / 3
    return torch.tensor(probs, device=device), torch.tensor([0, 2, 0], device=device), loss


@task("nll_loss")
def test_the_mean_of_minus_log(student, device):
    """Three right answers that got 0.2, 0.5 and 0.1: the mean of their -log."""
    probs, ys, loss = three_answers(device)
    close(student.run(number, "nll_loss", probs, ys), loss, LOOSE)


@task("regularized_loss")
def test_large_weights_cost(student, device):
    """0.1 times the mean of the squared weights comes on top of the loss."""
    (probs, ys, loss), W = three_answers(device), some_weights(device)
    answer = student.run(number, "regularized_loss", probs, ys, W, 0.1)
    close(answer, loss + 0.1 * W.square().mean().item(), LOOSE)


GRADIENT = within(1e-4, 1e-6, "a gradient in float32, summed in any order")


def six_pairs(device):
    """xs and ys; some pairs have the same first letter."""
    return torch.tensor([[2, 0, 2, 3, 1, 2], [1, 0, 1, 2, 3, 2]], device=device)


@task("manual_grad")
def test_the_gradient_that_autograd_finds(student, device):
    """dL/dW of six pairs, some with the same first letter, equals what autograd finds."""
    W, (xs, ys) = some_weights(device), six_pairs(device)
    _, expected = loss_and_gradient(W, xs, ys)
    close(student.run(gradient, W, xs, ys), expected, GRADIENT)


@task("train")
def test_two_steps(student, device):
    """Two steps: each loss is taken before its step, and W ends where PyTorch's W does."""
    W, (xs, ys) = some_weights(device), six_pairs(device)
    losses, moved, leaf, _ = student.run(trained, W, xs, ys, 2, 0.5)
    close([losses, moved, leaf], [*torch_training(W, xs, ys, 2, 0.5), True], GRADIENT)


@task("equivalence")
def test_the_table_in_the_weights(student, device):
    """Where W is the logarithm of counts, the learnt table is the counted one."""
    N = torch.tensor(COUNTS, dtype=torch.float32, device=device)
    close(student.run(learnt, N.log()), torch.tensor(SHARES, device=device))
