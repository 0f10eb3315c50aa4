"""What decides: every promise about the two bigram models, against counting and PyTorch."""

import functools
import math
from collections import Counter
from itertools import pairwise

import torch
from oracles import LOOSE, chances, loss_and_gradient, torch_training
from probes import (
    first_weights,
    gradient,
    in_place,
    in_place_for_others,
    learnt,
    lists_sampled,
    number,
    picked,
    sampled,
    shapes,
    sharp_gradient,
    smoothed,
    surprise,
    table,
    trained,
    unknown_letter,
    vocabulary,
)

from autograder.suite import close, task, within

# fmt: off
NAMES = [
    "emma", "olivia", "ava", "isabella", "sophia", "charlotte", "mia", "amelia", "harper",
    "evelyn", "abigail", "emily", "elizabeth", "mila", "ella", "avery", "sofia", "camila",
    "aria", "scarlett", "victoria", "madison", "luna", "grace", "chloe", "penelope", "layla",
    "riley", "zoey", "nora", "lily", "eleanor", "jacqueline",
]
# fmt: on
GRADIENT = within(1e-4, 1e-5, "gradients in float32, summed in any order")
LETTERS = "cakelimb"  # not in alphabetical order


# What a table of counts holds, with plain Python; numbers in it live on the CPU until moved.


def stoi_of(words):
    stoi = {letter: i + 1 for i, letter in enumerate(sorted(set("".join(words))))}
    return {**stoi, ".": 0}


def pairs(words):
    return [pair for word in words for pair in zip("." + word, word + ".", strict=True)]


def numbered(words, stoi):
    """xs and ys."""
    both = [[stoi[first], stoi[second]] for first, second in pairs(words)]
    return torch.tensor(both, dtype=torch.int64, device="cpu").unbind(1)


def counted(words, stoi):
    N = torch.zeros((len(stoi), len(stoi)), dtype=torch.int64, device="cpu")
    for first, second in pairs(words):
        N[stoi[first], stoi[second]] += 1
    return N


def whole(rng, low, high, n):
    return rng.integers(low, high, n).tolist()


def some_words(rng, n):
    """n words of 1 to 7 letters."""
    sizes = whole(rng, 1, 8, n)
    return ["".join(LETTERS[i] for i in whole(rng, 0, len(LETTERS), size)) for size in sizes]


def some_table(rng, V):
    """Probabilities, (V, V) float32, none of them small."""
    P = rng.uniform(V, V) + 0.1
    return P / P.sum(1, keepdim=True)


def letters_of(rng, V, K):
    """K numbers of letters, each but the last letter's; the first occurs often."""
    xs = rng.integers(0, V - 1, K)
    xs[::3] = 0
    return xs


# ------------------------------------------------------------------------------- counting


@task("build_vocab")
def test_only_letters_that_occur(student, rng):
    """Letters are numbered from 1 in alphabetical order, only those that occur; itos undoes it."""
    words = ["zeal", "bee", *some_words(rng, 6)]
    stoi = stoi_of(words)
    close(student.run(vocabulary, words), [stoi, sorted(stoi, key=stoi.get), len(stoi)])


@task("build_vocab")
def test_names_have_their_letters(student):
    """The vocabulary of the names: their letters and the dot."""
    stoi = stoi_of(NAMES)
    close(student.run(vocabulary, NAMES), [stoi, sorted(stoi, key=stoi.get), len(stoi)])


@task("bigram_counts_dict")
def test_dict_of_random_words(student, rng):
    """Every pair of some words, one of them twice: pairs are (first letter, second letter)."""
    words = ["bk", "kb", "aa", "bk", *some_words(rng, 9)]
    close(student.bigram_counts_dict(words), dict(Counter(pairs(words))))


@task("bigram_counts_dict")
def test_one_word_in_the_dict(student):
    """emma has five pairs, those with its two ends among them."""
    close(student.bigram_counts_dict(["emma"]), dict(Counter(pairs(["emma"]))))


@task("bigram_counts_dict")
def test_words_dont_join_in_the_dict(student):
    """The last letter of a word and the first of the next are no pair."""
    close(student.bigram_counts_dict(["xy", "zx"]), dict(Counter(pairs(["xy", "zx"]))))


def check_table(student, words, stoi):
    close(student.run(table, words, stoi), ["int64 or int32", counted(words, stoi)])


@task("count_bigrams")
def test_table_of_random_words(student, rng):
    """Every pair is counted in the row of its first letter and the column of its second."""
    words = ["bk", "kba", "aaa", "bk", *some_words(rng, 9)]
    check_table(student, words, stoi_of(words))


@task("count_bigrams")
def test_one_word_in_the_table(student):
    """emma gives five counts: .e em mm ma a."""
    check_table(student, ["emma"], {".": 0, "a": 1, "e": 2, "m": 3})


@task("count_bigrams")
def test_words_dont_join_in_the_table(student):
    """Two words: the last letter of one and the first of the next are no pair."""
    check_table(student, ["xy", "zx"], {".": 0, "x": 1, "y": 2, "z": 3})


@task("count_bigrams")
def test_the_numbers_are_stois(student, rng):
    """The table has stoi's numbers and stoi's size, also for letters that don't occur."""
    words = ["aceac", *some_words(rng, 5)]
    order = "mbzlkicea"
    check_table(student, words, {".": 0, **{c: i + 1 for i, c in enumerate(order)}})


@task("count_bigrams")
def test_no_words_no_counts(student):
    """An empty list of words gives a table of zeros."""
    check_table(student, [], {".": 0, "a": 1, "b": 2, "c": 3})


@task("count_bigrams")
def test_an_unknown_letter(student):
    """A letter that stoi doesn't have is a KeyError."""
    close(student.run(unknown_letter, ["ab", "aqb"], {".": 0, "a": 1, "b": 2}), "KeyError")


def shares(N, smoothing=0.0):
    M = N.double() + smoothing if N.device.type != "mps" else N.float() + smoothing
    return (M / M.sum(1, keepdim=True)).float()


@task("normalize_rows")
def test_each_row_by_its_own_sum(student, rng):
    """Every count is divided by the sum of its row; the counts themselves stay as they are."""
    N = rng.integers(1, 50, 7, 7)
    close(student.normalize_rows(N), shares(N))


@task("normalize_rows")
def test_rows_sum_to_one(student, rng, device):
    """Rows sum to 1 within a millionth, for counts in int32 as well."""
    N = rng.integers(1, 50, 6, 6).to(torch.int32)
    P = student.normalize_rows(N)
    close(P, shares(N))
    close(P.sum(1), torch.ones(6, device=device), within(0.0, 1e-6, "as the sentence says"))


@task("normalize_rows")
def test_smoothing_comes_first(student, rng):
    """smoothing is added to the counts before they are divided, and N isn't changed by it."""
    N = rng.integers(0, 50, 5, 5)
    close(student.normalize_rows(N, 3), shares(N, 3.0))


@task("normalize_rows")
def test_smoothing_by_a_part(student, rng):
    """smoothing may be a fraction, and makes a row without counts uniform."""
    N = rng.integers(1, 50, 5, 5)
    N[2] = 0
    close(student.normalize_rows(N, 0.125), shares(N, 0.125))


@task("normalize_rows")
def test_a_row_without_counts(student, rng):
    """A row of zeros becomes zeros; its neighbours are normalised as ever."""
    N = rng.integers(1, 50, 6, 6)
    N[4] = 0
    expected = shares(N)
    expected[4] = 0.0
    close(student.normalize_rows(N), expected)


@task("normalize_rows_")
def test_in_place(student, rng):
    """The table that was handed in is the one that is normalised and comes back."""
    P = some_table(rng, 7) * 9.0
    expected = P / P.sum(1, keepdim=True)
    close(student.run(in_place, P), [expected, expected, True, True])


@task("normalize_rows_")
def test_who_holds_a_view_sees_it(student, rng):
    """A view that was made before shows the normalised rows."""
    P = rng.integers(1, 50, 5, 5).float()
    close(student.run(in_place_for_others, P), (P / P.sum(1, keepdim=True))[:2])


def torch_shapes(pairs):
    """What PyTorch makes of tensors of these shapes (views of one number: no memory is needed)."""
    scalar, out = torch.zeros((), device="cpu"), []
    for a, b in pairs:
        x, _ = torch.broadcast_tensors(scalar.expand(a), scalar.expand(b))
        out.append(list(x.shape))
    return out


@task("broadcast_shape")
def test_equal_numbers_of_dimensions(student, rng):
    """Dimension by dimension: equal, or a 1 that stretches, on either side."""
    n, k, m = whole(rng, 2, 30, 3)
    asked = [[(n, k), (n, k)], [(n, 1), (n, k)], [(n, k), (1, k)], [(m, 1), (1, k)]]
    asked += [[(1, 1, 1), (n, k, m)], [(1, k, 1), (n, 1, m)], [(1,), (1,)]]
    close(student.run(shapes, asked), torch_shapes(asked))


@task("broadcast_shape")
def test_unequal_numbers_of_dimensions(student, rng):
    """Shapes are lined up at their ends; what one lacks on the left counts as 1."""
    n, k, m = whole(rng, 2, 30, 3)
    asked = [[(n, k), (k,)], [(k,), (n, k)], [(5, 1, 7), (3, 1)], [(3, 1), (5, 1, 7)]]
    asked += [[(m, n, 1, k), (1, 6, k)], [(), (n, k)], [(n,), (m, 1)], [(8, 1, 6, 1), (7, 1, 5)]]
    close(student.run(shapes, asked), torch_shapes(asked))


@task("broadcast_shape")
def test_shapes_that_dont_fit(student, rng):
    """Two different sizes, neither of them 1, are a ValueError, wherever they meet."""
    (n,) = whole(rng, 4, 30, 1)
    asked = [[(n, 3), (n,)], [(n, 3), (n + 1, 3)], [(2,), (3,)], [(2, 3, n), (3, 2, n)]]
    asked += [[(2, n, 4), (2, n + 2, 1)], [(2, 1), (8, 4, 3)], [(5, n), (n + 1,)], [(1, 4), (2, 8)]]
    asked += [[b, a] for a, b in asked]
    close(student.run(shapes, asked), ["ValueError"] * len(asked))


# ------------------------------------------------------------------------------- sampling

# A generator lives on one device and draws only there: sampling is tested on the CPU.


@task("sample_word")
def test_certain_steps(student, rng):
    """Where each letter has one follower, the one word comes, however long, in itos's letters."""
    order = (rng.permutation(26) + 1).tolist()
    P = torch.zeros((27, 27), device="cpu")
    for first, second in zip([0, *order], [*order, 0], strict=True):
        P[first, second] = 1.0
    itos = dict(enumerate(".qwertyuiopasdfghjklzxcvbnm"))
    word = "".join(itos[i] for i in order)
    (words,), _ = student.run(sampled, P, itos, 3, [11])
    close(words, [word] * 3)


@task("sample_word")
def test_the_empty_word(student):
    """Where "." follows ".", the word has no letters and no dot."""
    P = torch.full((3, 3), 0.25, device="cpu")
    P[0] = torch.tensor([1.0, 0.0, 0.0])
    (words,), _ = student.run(sampled, P, {0: ".", 1: "a", 2: "b"}, 2, [12])
    close(words, ["", ""])


def restless(rng, V):
    """A table with every step possible; from a letter, the end is the likeliest."""
    P = rng.uniform(V, V).cpu() * 0.2 + 0.1
    P[1:, 0] = 0.4
    P[0, 1] = 0.7
    return P / P.sum(1, keepdim=True)


@task("sample_word")
def test_chance_comes_from_the_generator(student, rng):
    """The same seed gives the same words, another seed others; torch's own isn't touched."""
    P, itos = restless(rng, 5), dict(enumerate(".abcd"))
    (first, second, other), untouched = student.run(sampled, P, itos, 25, [21, 21, 22])
    close(second, first)
    assert other != first, "another seed gave the same 25 words"
    close(untouched, True)


@task("sample_word")
def test_frequencies_of_steps(student, rng):
    """Over 200 words every step, first letter and end among them, is as frequent as P says."""
    P, itos = restless(rng, 4), dict(enumerate(".xyz"))
    (words,), _ = student.run(sampled, P, itos, 200, [31])
    close([set(word) <= set("xyz") for word in words], [True] * 200)
    steps = counted(words, {letter: i for i, letter in itos.items()}).double()
    check_frequencies(steps, P.double())


def check_frequencies(seen, P):
    """Within 5 sigma, row by row."""
    total = seen.sum(1, keepdim=True)
    sigma = (total * P * (1 - P)).sqrt()
    off = (seen - total * P).abs()
    at = int((off - 5 * sigma).argmax())
    assert (off <= 5 * sigma + 1).all(), f"seen {seen.tolist()}, P {P.tolist()}, entry {at}"


@task("sample_words")
def test_one_generator_for_all(student, rng):
    """The words differ; a second call goes on where the first ended; a seed repeats them."""
    P, itos = restless(rng, 5), dict(enumerate(".abcd"))
    drawn, untouched = student.run(lists_sampled, P, itos, 25, [41, 41], 2)
    (first, second), (again, then) = drawn
    close([len(first), len(second)], [25, 25])
    close([again, then, untouched], [first, second, True])
    assert second != first, "two calls with one generator gave the same 25 words"
    assert len(set(first)) > 1, "25 words are the same"


@task("sample_words")
def test_frequencies_of_words(student, rng):
    """Of 200 words of one letter each is as frequent as P says."""
    P = torch.zeros((4, 4), device="cpu")
    P[1:, 0] = 1.0
    P[0, 1:] = torch.tensor([0.6, 0.3, 0.1])[rng.permutation(3).cpu()]
    ((words,),), _ = student.run(lists_sampled, P, dict(enumerate(".xyz")), 200, [51], 1)
    close([len(words), set(words) <= set("xyz")], [200, True])
    seen = torch.tensor([[0, *(words.count(letter) for letter in "xyz")]], device="cpu").double()
    check_frequencies(seen, P[:1].double())


# ---------------------------------------------------------------------- how good is a model

STOI = {".": 0, "m": 1, "b": 2, "z": 3, "l": 4, "k": 5, "i": 6, "c": 7, "e": 8, "a": 9}


@task("likelihood")
def test_likelihood_of_words(student, rng):
    """The product of the probabilities of a word's pairs, its beginning and end among them."""
    P, words = some_table(rng, 10), ["a", "mk", "kmmmb", *some_words(rng, 3)]
    expected = [math.prod(chances(P, pairs([word]), STOI)) for word in words]
    # small numbers: only their relative size says something
    answer = [student.run(number, "likelihood", P, word, STOI) for word in words]
    close(answer, expected, within(1e-5, 0.0, "a product in float32, in any order"))


@task("log_likelihood")
def test_log_likelihood_of_words(student, rng):
    """The sum of the natural logarithms, which is the logarithm of the product."""
    P, words = some_table(rng, 10), ["a", "mk", "kmmmb", *some_words(rng, 3)]
    expected = [math.log(math.prod(chances(P, pairs([word]), STOI))) for word in words]
    answer = [student.run(number, "log_likelihood", P, word, STOI) for word in words]
    close(answer, expected, LOOSE)


@task("log_likelihood")
def test_a_long_word(student, rng):
    """The product of 451 probabilities is 0 on a computer; the sum of logarithms is a number."""
    P = some_table(rng, 10)
    word = "".join(LETTERS[i] for i in whole(rng, 0, len(LETTERS), 450))
    expected = math.fsum(map(math.log, chances(P, pairs([word]), STOI)))
    answer = student.run(number, "log_likelihood", P, word, STOI)
    close(answer, expected, within(1e-4, 1e-4, "451 summands in float32"))


@task("average_nll")
def test_nll_of_names(student, device):
    """The loss of some names under their own counts: minus the mean log of gathered P."""
    stoi = stoi_of(NAMES)
    P = shares(counted(NAMES, stoi), 1.0)
    xs, ys = numbered(NAMES, stoi)
    expected = -P[xs, ys].double().log().mean().item()
    close(student.run(number, "average_nll", P.to(device), NAMES, stoi), expected, LOOSE)


@task("average_nll")
def test_every_pair_counts_alike(student, rng):
    """Short words and long ones: the mean is one over all pairs, not over words."""
    P, words = some_table(rng, 10), ["a", "k", "bbbbbbbbbbbbb", "k", *some_words(rng, 4)]
    logs = [math.log(p) for p in chances(P, pairs(words), STOI)]
    expected = -math.fsum(logs) / len(logs)
    close(student.run(number, "average_nll", P, words, STOI), expected, LOOSE)


@task("average_nll")
def test_an_impossible_pair(student, rng):
    """A pair of probability 0 makes the loss infinite, without an error."""
    P = some_table(rng, 10)
    P[STOI["k"], STOI["z"]] = 0.0
    close(student.run(number, "average_nll", P, ["mikza", "lea"], STOI), math.inf)


@task("smooth")
def test_plus_one(student, rng):
    """k is 1 if nothing is said: (N + 1) with rows normalised; N stays; no 0 is left."""
    N = rng.integers(0, 50, 6, 6)
    N[3] = 0
    close(student.run(smoothed, N), shares(N, 1.0))


@task("smooth")
def test_plus_a_part(student, rng):
    """k may be a fraction, or larger than 1."""
    N = rng.integers(0, 50, 5, 5)
    close(student.run(smoothed, N, 0.25), shares(N, 0.25))
    close(student.run(smoothed, N, 4), shares(N, 4.0))


@task("smooth")
def test_a_large_k_forgets_the_counts(student, rng, device):
    """With k of a million all letters are about equally likely."""
    P = student.run(smoothed, rng.integers(1, 50, 5, 5), 1e6)
    uniform = torch.full((5, 5), 0.2, device=device)
    close(P, uniform, within(0.0, 1e-4, "the counts still weigh a little"))


@task("smooth")
def test_the_certain_and_the_impossible(student):
    """Smoothing makes a certain word cost something, and the impossible jq a finite amount."""
    stoi = {".": 0, "a": 1, "j": 2, "q": 3}
    N = torch.zeros((4, 4), dtype=torch.int64, device="cpu")
    N[0, 1] = N[1, 0] = 9  # a is the only word that was seen
    # 10 of 13 for .a and a.; 1 of 13 for .j, 1 of 4 for jq and q.
    expected = [-math.log(10 / 13), math.log(13 * 4 * 4) / 3]
    close(student.run(surprise, N, ["a", "jq"], stoi), expected, LOOSE)


# ------------------------------------------------------------------- the network: its data


@task("training_pairs")
def test_pairs_of_random_words(student, rng):
    """xs and ys, int64: the pairs of all words in order, each word with its two ends."""
    words = ["bk", "kba", "bk", *some_words(rng, 6)]
    close(student.training_pairs(words, STOI), list(numbered(words, STOI)))


@task("training_pairs")
def test_words_dont_join_in_the_pairs(student):
    """Two words: the last letter of one isn't followed by the first of the next."""
    close(student.training_pairs(["mb", "zm"], STOI), list(numbered(["mb", "zm"], STOI)))


@task("tensor_dtype")
def test_large_numbers_stay_exact(student, rng):
    """Numbers of more than 24 bits come out as they went in; so do those below 0."""
    data = [2**24 + 1, -(2**40) - 3, *whole(rng, -9, 99, 3)]
    close(student.tensor_dtype(data), torch.tensor(data, dtype=torch.int64, device="cpu"))


@task("tensor_dtype")
def test_lists_in_a_list(student, rng):
    """Two lists of three numbers become a 2 by 3 tensor of int64."""
    data = [whole(rng, 0, 27, 3), whole(rng, 0, 27, 3)]
    close(student.tensor_dtype(data), torch.tensor(data, dtype=torch.int64, device="cpu"))


@task("one_hot_float")
def test_all_classes_have_a_column(student, rng):
    """num_classes columns, also where the last classes don't occur; float32."""
    xs = rng.integers(0, 5, 9)
    expected = (xs[:, None] == torch.arange(7, device=xs.device)).float()
    close(student.one_hot_float(xs, 7), expected)


@task("one_hot_float")
def test_a_product_with_w_picks_rows(student, rng):
    """one_hot(xs) @ W are the rows xs of W."""
    xs, W = letters_of(rng, 6, 9), rng.normal(6, 6)
    close(student.run(picked, xs, W), W[xs])


# ------------------------------------------------------------------------ the network itself


@task("init_weights")
def test_normal_numbers(student):
    """1,600 weights: mean 0, deviation 1, as many beyond 2 as a normal distribution has."""
    ((requires_grad, leaf, W),), _ = student.run(first_weights, 40, [61])
    close([requires_grad, leaf], [True, True])
    close(torch.zeros_like(W), torch.zeros((40, 40), device="cpu"))  # shape and dtype
    beyond = 2 * (1 - 0.5 * (1 + math.erf(math.sqrt(2))))
    for name, got, expected, sigma in (
        ("mean", W.mean().item(), 0.0, 1 / 40),
        ("deviation", W.std().item(), 1.0, 1 / math.sqrt(2 * 1600)),
        ("share beyond 2", (W.abs() > 2).double().mean().item(), beyond, beyond**0.5 / 40),
    ):
        assert abs(got - expected) < 5 * sigma, f"{name}: got {got}, expected {expected}"


@task("init_weights")
def test_weights_come_from_the_generator(student):
    """The same seed gives the same weights, another others; torch's own isn't touched."""
    (first, second, other), untouched = student.run(first_weights, 5, [71, 71, 72])
    close(second, first)
    assert not torch.equal(other[2], first[2]), "another seed gave the same weights"
    close([first[0], first[1], untouched], [True, True, True])


@task("softmax")
def test_softmax_of_random_rows(student, rng):
    """Five rows of seven: what torch.softmax makes of them, rows summing to 1."""
    logits = rng.normal(5, 7, scale=3.0)
    close(student.softmax(logits), torch.softmax(logits, 1))


@task("softmax")
def test_softmax_of_square_input(student, rng):
    """Rows, not columns, sum to 1, where there are as many of both."""
    logits = rng.normal(6, 6, scale=2.0)
    close(student.softmax(logits), torch.softmax(logits, 1))


COARSE = within(2e-3, 1e-5, "near 10,000 float32 steps are 0.001 wide")


@task("softmax")
def test_softmax_of_large_numbers(student, rng):
    """Rows around 10,000 and around -10,000 in one tensor: probabilities, no NaN, no zeros."""
    logits = rng.integers(-3, 4, 4, 7).float()
    logits[:, 0], logits[:, 1] = 4.0, -4.0
    logits += logits.new_tensor([[1e4], [-1e4], [0.0], [-200.0]])
    close(student.softmax(logits), torch.softmax(logits, 1), COARSE)


@task("softmax")
def test_softmax_of_far_numbers(student, rng):
    """10,000 beside -10,000 in a row: the larger one takes all."""
    sign = rng.integers(0, 2, 5, 7) * 2 - 1
    sign[:, 2], sign[:, 3] = 1, -1
    logits = sign * 1e4
    close(student.softmax(logits), torch.softmax(logits, 1), COARSE)


@task("softmax")
def test_a_shift_changes_nothing(student, rng):
    """A number added to a whole row, another one for each row, leaves its softmax as it was."""
    logits = rng.integers(-5, 6, 5, 7).float()
    shift = logits.new_tensor([[3.0], [-90.0], [256.0], [1024.0], [-512.0]])
    close(student.softmax(logits + shift), torch.softmax(logits, 1), COARSE)


@task("forward")
def test_probabilities_of_the_picked_rows(student, rng):
    """Eleven letters of six: each gives the softmax of its row of W, repeats too."""
    W, xs = rng.normal(6, 6), letters_of(rng, 6, 11)
    close(student.forward(W, xs), torch.softmax(W[xs], 1))


@task("forward")
def test_as_many_letters_as_rows(student, rng, device):
    """Seven letters of seven, not in order: rows stand for letters in xs, not for rows of W."""
    W = rng.normal(7, 7, scale=2.0)
    xs = torch.tensor([3, 0, 6, 6, 1, 5, 0], device=device)
    close(student.forward(W, xs), torch.softmax(W[xs], 1))


def answers(rng, K, V):
    """Probabilities for K letters, and what was right."""
    return torch.softmax(rng.normal(K, V), 1), rng.integers(0, V, K)


@task("nll_loss")
def test_loss_of_random_answers(student, rng):
    """Minus the mean of the logarithms of what the right answers got."""
    probs, ys = answers(rng, 9, 7)
    expected = torch.nn.functional.nll_loss(probs.log(), ys).item()
    close(student.run(number, "nll_loss", probs, ys), expected, LOOSE)


@task("nll_loss")
def test_loss_where_there_are_as_many_rows_as_columns(student, rng):
    """Six answers of six letters: row i and column ys[i] go together."""
    probs, ys = answers(rng, 6, 6)
    ys[:3] = ys.new_tensor([4, 4, 1])
    expected = torch.nn.functional.nll_loss(probs.log(), ys).item()
    close(student.run(number, "nll_loss", probs, ys), expected, LOOSE)


def check_price(student, rng, *strength):
    probs, ys = answers(rng, 9, 6)
    W = rng.normal(6, 6, scale=4.0)
    loss = torch.nn.functional.nll_loss(probs.log(), ys)
    expected = (loss + (strength or (0.01,))[0] * W.square().mean()).item()
    close(student.run(number, "regularized_loss", probs, ys, W, *strength), expected, LOOSE)


@task("regularized_loss")
def test_price_of_weights(student, rng):
    """The loss plus strength times the mean of the squared weights."""
    check_price(student, rng, 0.7)


@task("regularized_loss")
def test_strength_has_a_default(student, rng):
    """If nothing is said, strength is 0.01."""
    check_price(student, rng)


@task("regularized_loss")
def test_no_strength_no_price(student, rng):
    """With strength 0 it is the loss alone."""
    check_price(student, rng, 0.0)


@task("manual_grad")
def test_gradient_of_random_pairs(student, rng):
    """Eleven pairs, letters repeated and one never there: what autograd finds; W stays."""
    W, xs = rng.normal(6, 6), letters_of(rng, 6, 11)
    ys = rng.integers(0, 6, 11)
    ys[:4] = ys.new_tensor([5, 5, 2, 5])
    _, expected = loss_and_gradient(W, xs, ys)
    close(student.run(gradient, W, xs, ys), expected, GRADIENT)


@task("manual_grad")
def test_gradient_to_nine_digits(student, rng, device):
    """The same in float64 (where that is calculated with) to nine digits."""
    if device == "mps":
        return  # it has no float64
    W, xs = rng.normal(5, 5, dtype=torch.float64), letters_of(rng, 5, 13)
    ys = rng.integers(0, 5, 13)
    answer = student.run(sharp_gradient, W, xs, ys)
    if answer is not None:
        _, expected = loss_and_gradient(W, xs, ys)
        close(answer, expected, within(1e-9, 1e-9, "nine digits are promised"))


@task("train")
def test_five_steps(student, rng):
    """Five steps: losses, each before its step, and W as PyTorch's; W stays a leaf."""
    W, xs = rng.normal(6, 6), letters_of(rng, 6, 11)
    ys = rng.integers(0, 6, 11)
    expected = [*torch_training(W, xs, ys, 5, 1.5), True, True]
    close(student.run(trained, W, xs, ys, 5, 1.5), expected, GRADIENT)


@functools.cache
def names_for(device):
    """xs, ys and random weights for the names, and what 20 steps make of them."""
    stoi = stoi_of(NAMES)
    xs, ys = (numbers.to(device) for numbers in numbered(NAMES, stoi))
    V = len(stoi)
    W = torch.randn((V, V), generator=torch.Generator().manual_seed(2147483647)).to(device)
    return W, xs, ys, torch_training(W, xs, ys, 20, 10.0)


@task("train")
def test_twenty_steps_on_names(student, device):
    """On names, at rate 10, the loss begins as that of the first W and falls at every step."""
    W, xs, ys, expected = names_for(device)
    losses, *rest = student.run(trained, W, xs, ys, 20, 10.0)
    rough = within(1e-3, 1e-4, "differences grow over twenty steps")
    close([losses, *rest], [*expected, True, True], rough)
    close([a > b for a, b in pairwise(losses)], [True] * 19)


FEW = ["anna", "nan", "ann", "ada", "dan", "nada"]


@functools.cache
def optimum(device):
    """xs and ys of a few words, first weights, the loss that counting reaches, the counts."""
    stoi = stoi_of(FEW)
    N = counted(FEW, stoi)
    xs, ys = numbered(FEW, stoi)
    counted_loss = -shares(N)[xs, ys].double().log().mean().item()
    W = torch.randn((len(stoi), len(stoi)), generator=torch.Generator().manual_seed(5)) * 0.1
    return xs.to(device), ys.to(device), W.to(device), counted_loss, N


@task("train")
def test_the_network_reaches_the_counts(student, device):
    """200 steps on a few words: the loss comes within 0.01 of that of counting, from above."""
    xs, ys, W, expected, _ = optimum(device)
    losses, _, leaf, _ = student.run(trained, W, xs, ys, 200, 10.0)
    close([len(losses), leaf], [200, True])
    close(losses[-1], expected, within(0.0, 0.01, "as the sentence says"))
    assert losses[-1] > expected - 1e-5, f"{losses[-1]} is below {expected}, which is the best"


@task("equivalence")
def test_the_learnt_table(student, rng):
    """Row i is the softmax of row i of W."""
    W = rng.normal(7, 7, scale=2.0)
    close(student.run(learnt, W), torch.softmax(W, 1))


@functools.cache
def trained_weights(device):
    xs, ys, W, _, _ = optimum(device)
    return torch_training(W, xs, ys, 120, 10.0)[1]


@task("equivalence")
def test_the_learnt_table_is_the_counted_one(student, device):
    """Of a trained W every row is within 0.02 of the probabilities that counting gives."""
    N = optimum(device)[-1]
    near = within(0.0, 0.02, "as the sentence says")
    close(student.run(learnt, trained_weights(device)), shares(N).to(device), near)
