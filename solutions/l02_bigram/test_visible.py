"""What you may read: the basic case of every task. Arithmetic and PyTorch are the oracles.

A probe is a function that runs beside your code: `m` is your bigram.py. Only its result,
plain data, comes back here.
"""

import math

import torch

from autograder.suite import close, task

WORDS = ["bob", "al", "abba"]
STOI = {".": 0, "a": 1, "b": 2, "l": 3, "o": 4}
ITOS = {0: ".", 1: "a", 2: "b", 3: "l", 4: "o"}
LOOSE = {"rtol": 1e-5, "atol": 1e-6, "reason": "sums and logarithms in float32, in any order"}
PAIRS = [".b", "bo", "ob", "b.", ".a", "al", "l.", ".a", "ab", "bb", "ba", "a."]


def some_table(device):
    """Probabilities, all different, no row like a column."""
    N = torch.arange(1.0, 26.0, device=device).view(5, 5) ** 1.5
    return N / N.sum(1, keepdim=True)


# ------------------------------------------------------------------------------- counting


def vocabulary(m, words):
    stoi, itos = m.build_vocab(words)
    return [dict(stoi), [itos[i] for i in range(len(stoi))]]


@task("build_vocab")
def test_letters_are_numbered(student):
    """The letters of bob, al and abba are numbered in alphabetical order, after "." at 0."""
    close(student.run(vocabulary, WORDS), [STOI, [".", "a", "b", "l", "o"]])


@task("bigram_counts_dict")
def test_pairs_in_a_dict(student):
    """emma has .e, em, mm, ma and a.; mm has .m, mm and m.: each pair with its count."""
    expected = {".e": 1, "em": 1, "mm": 2, "ma": 1, "a.": 1, ".m": 1, "m.": 1}
    answer = student.bigram_counts_dict(["emma", "mm"])
    close(answer, {tuple(pair): n for pair, n in expected.items()})


def table(m, words, stoi):
    """Whether the dtype is one of the two that are right (else its name), and the counts."""
    import torch

    N = m.count_bigrams(words, stoi)
    fits = N.dtype in (torch.int64, torch.int32)
    return ["int64 or int32" if fits else str(N.dtype), N.to("cpu", torch.int64)]


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
    """The rows (1, 3) and (2, 6, …) become shares of their own sums, in float32."""
    N = torch.tensor([[1, 3, 4], [2, 6, 12], [7, 2, 1]], device=device)
    expected = [[0.125, 0.375, 0.5], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]
    close(student.normalize_rows(N), torch.tensor(expected, device=device))


def normalized(m, N, *smoothing):
    """The table, and what the counts are afterwards."""
    return [m.normalize_rows(N, *smoothing), N]


@task("normalize_rows")
def test_a_row_without_counts(student, device):
    """A row of zeros becomes zeros; with smoothing it becomes uniform. N stays as it is."""
    N = torch.tensor([[1, 3, 0], [0, 0, 0], [2, 2, 1]], device=device)
    plain = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 0.0], [0.4, 0.4, 0.2]], device=device)
    close(student.run(normalized, N), [plain, N])
    smoothed = [[0.3, 0.5, 0.2], [1 / 3, 1 / 3, 1 / 3], [4 / 11, 4 / 11, 3 / 11]]
    close(student.run(normalized, N, 2), [torch.tensor(smoothed, device=device), N])


def in_place(m, P):
    """What P holds afterwards, what came back, and whether both lie where P lay."""
    place = P.data_ptr()
    Q = m.normalize_rows_(P)
    return [P, Q, P.data_ptr() == place, Q.data_ptr() == place]


@task("normalize_rows_")
def test_the_same_table_is_changed(student, device):
    """P itself is normalised and returned; no second table is made."""
    P = torch.tensor([[1.0, 3.0, 4.0], [2.0, 6.0, 12.0], [7.0, 2.0, 1.0]], device=device)
    expected = [[0.125, 0.375, 0.5], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]
    expected = torch.tensor(expected, device=device)
    close(student.run(in_place, P), [expected, expected, True, True])


def shapes(m, pairs):
    """The shape of each pair, or the word ValueError where that was raised."""
    out = []
    for a, b in pairs:
        try:
            out.append(list(m.broadcast_shape(tuple(a), tuple(b))))
        except ValueError:
            out.append("ValueError")
    return out


@task("broadcast_shape")
def test_shapes_of_the_lecture(student):
    """(27, 27) with (27, 1), with (1, 27) and with (27,); (4, 3) and (4,) don't fit."""
    pairs = [[(27, 27), (27, 1)], [(27, 27), (1, 27)], [(27, 27), (27,)], [(4, 3), (4,)]]
    close(student.run(shapes, pairs), [[27, 27], [27, 27], [27, 27], "ValueError"])


# ------------------------------------------------------------------------------- sampling

# A generator lives on one device and draws only there: sampling is tested on the CPU.
CHAIN = [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]


def certain_words(m, P, n):
    import torch

    generator = torch.Generator().manual_seed(2147483647)
    return [m.sample_word(P, {0: ".", 1: "d", 2: "a", 3: "n"}, generator) for _ in range(n)]


@task("sample_word")
def test_a_table_with_one_word(student):
    """Where "." is always followed by d, d by a, a by n and n by ".", the word is dan."""
    P = torch.tensor(CHAIN, device="cpu")
    close(student.run(certain_words, P, 2), ["dan", "dan"])


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


def seeded_words(m, P, itos, seeds):
    """A word for each seed, if torch.multinomial drew each letter from its row of P; else which
    words there are. Then whether it did."""
    import torch

    real, draws, words = torch.multinomial, [], []

    def watched(row, *args, **kwargs):
        drawn = real(row, *args, **kwargs)
        draws.append(drawn.numel() == 1 and any(torch.equal(row, known) for known in P))
        return drawn

    torch.multinomial = watched
    try:
        for seed in seeds:
            torch.manual_seed(seed)  # forgotten generators are another test's business
            words.append(m.sample_word(P, itos, torch.Generator().manual_seed(seed)))
    finally:
        torch.multinomial = real
    exact = all(draws) and len(draws) == sum(len(word) + 1 for word in words)
    return [words if exact else sorted(set(words)), exact]


@task("sample_word")
def test_the_lectures_seed(student):
    """With the lecture's seed, and those after it, the names that torch.multinomial draws.

    Who draws in another way (that is fine) gets other names, but of the five that there are.
    """
    P, seeds = table_of_names(), range(2147483647, 2147483647 + 60)
    words, exact = student.run(seeded_words, P, NAME_ITOS, list(seeds))
    if not exact:
        close([word in NAMES for word in words], [True] * len(words))
        return
    drawn = [
        torch.multinomial(P[0], 1, generator=torch.Generator().manual_seed(seed)).item()
        for seed in seeds
    ]
    by_first = {name[0]: name for name in NAMES}
    close(words, [by_first[NAME_ITOS[i]] for i in drawn])


def many_certain_words(m, P, n):
    import torch

    generator = torch.Generator().manual_seed(2147483647)
    return m.sample_words(P, {0: ".", 1: "d", 2: "a", 3: "n"}, n, generator)


@task("sample_words")
def test_as_many_as_asked_for(student):
    """Five words are asked for, five come."""
    P = torch.tensor(CHAIN, device="cpu")
    close(student.run(many_certain_words, P, 5), ["dan"] * 5)


# ---------------------------------------------------------------------- how good is a model


def number(m, name, *args):
    """What a function answers, as a Python float."""
    return float(getattr(m, name)(*args))


def chances(P, pairs):
    """The probabilities of pairs of letters, as Python floats."""
    return [P[STOI[first], STOI[second]].item() for first, second in pairs]


@task("likelihood")
def test_product_of_the_pairs(student, device):
    """The likelihood of bob is that of .b times bo times ob times b."""
    P = some_table(device)
    expected = math.prod(chances(P, PAIRS[:4]))
    close(student.run(number, "likelihood", P, "bob", STOI), expected, **LOOSE)


@task("log_likelihood")
def test_sum_of_the_logarithms(student, device):
    """The log likelihood of bob is the sum of the natural logarithms of its four pairs."""
    P = some_table(device)
    expected = math.fsum(map(math.log, chances(P, PAIRS[:4])))
    close(student.run(number, "log_likelihood", P, "bob", STOI), expected, **LOOSE)


@task("average_nll")
def test_mean_over_all_pairs(student, device):
    """bob, al and abba have 12 pairs: minus the sum of their logarithms, divided by 12."""
    P = some_table(device)
    expected = -math.fsum(map(math.log, chances(P, PAIRS))) / 12
    close(student.run(number, "average_nll", P, WORDS, STOI), expected, **LOOSE)


@task("average_nll")
def test_an_impossible_pair_costs_infinity(student, device):
    """Where P thinks a pair of bob impossible, the loss is infinite, and there is no error."""
    P = some_table(device)
    P[STOI["o"], STOI["b"]] = 0.0
    close(student.run(number, "average_nll", P, WORDS, STOI), math.inf)


def smoothed(m, N, *k):
    """The table in float32, whatever float it was, and the counts as they are afterwards."""
    P = m.smooth(N, *k)
    return [P.float(), N]


@task("smooth")
def test_one_more_of_each_pair(student, device):
    """smooth(N) adds one to each count before it makes probabilities; N stays as it is."""
    N = torch.tensor([[0, 3, 4], [2, 0, 11], [5, 1, 0]], device=device)
    expected = [[0.1, 0.4, 0.5], [0.1875, 0.0625, 0.75], [6 / 9, 2 / 9, 1 / 9]]
    close(student.run(smoothed, N), [torch.tensor(expected, device=device), N])


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


def first_weights(m, V):
    import torch

    W = m.init_weights(V, torch.Generator().manual_seed(2147483647))
    return [list(W.shape), W.requires_grad, W.is_leaf]


@task("init_weights")
def test_a_leaf_with_a_gradient(student):
    """W is 7 by 7, requires its gradient, and is a leaf."""
    close(student.run(first_weights, 7), [[7, 7], True, True])


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
    coarse = {"rtol": 2e-3, "atol": 1e-5, "reason": "near 1,000 float32 steps are 0.0001 wide"}
    close(student.softmax(logits), torch.softmax(logits, 1), **coarse)


def some_weights(device):
    """4 by 4, no row like a column."""
    return torch.linspace(-2.0, 1.5, 16, device=device).view(4, 4).square() - 1.0


@task("forward")
def test_rows_of_w_are_picked(student, device):
    """For the letters 2, 0, 2, 3, 1: the softmax of these rows of W."""
    W, xs = some_weights(device), torch.tensor([2, 0, 2, 3, 1], device=device)
    close(student.forward(W, xs), torch.softmax(W[xs], 1))


@task("nll_loss")
def test_the_mean_of_minus_log(student, device):
    """Three right answers that got 0.2, 0.5 and 0.1: the mean of their -log."""
    probs = [[0.2, 0.5, 0.2, 0.1], [0.4, 0.05, 0.5, 0.05], [0.1, 0.3, 0.2, 0.4]]
    ys = torch.tensor([0, 2, 0], device=device)
    expected = -(math.log(0.2) + math.log(0.5) + math.log(0.1)) / 3
    answer = student.run(number, "nll_loss", torch.tensor(probs, device=device), ys)
    close(answer, expected, **LOOSE)


@task("regularized_loss")
def test_large_weights_cost(student, device):
    """0.1 times the mean of the squared weights comes on top of the loss."""
    probs = [[0.2, 0.5, 0.2, 0.1], [0.4, 0.05, 0.5, 0.05], [0.1, 0.3, 0.2, 0.4]]
    ys, W = torch.tensor([0, 2, 0], device=device), some_weights(device)
    loss = -(math.log(0.2) + math.log(0.5) + math.log(0.1)) / 3
    expected = loss + 0.1 * W.square().mean().item()
    answer = student.run(number, "regularized_loss", torch.tensor(probs, device=device), ys, W, 0.1)
    close(answer, expected, **LOOSE)


GRADIENT = {"rtol": 1e-4, "atol": 1e-6, "reason": "a gradient in float32, summed in any order"}


def gradient(m, W, xs, ys):
    return m.manual_grad(W, xs, ys).float()


@task("manual_grad")
def test_the_gradient_that_autograd_finds(student, device):
    """dL/dW of six pairs, some with the same first letter, equals what autograd finds."""
    W = some_weights(device)
    xs = torch.tensor([2, 0, 2, 3, 1, 2], device=device)
    ys = torch.tensor([1, 0, 1, 2, 3, 2], device=device)
    leaf = W.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(leaf[xs], ys)
    (expected,) = torch.autograd.grad(loss, leaf)
    close(student.run(gradient, W, xs, ys), expected, **GRADIENT)


def trained(m, W, xs, ys, steps, lr):
    """The losses, what W holds afterwards, and whether it is still a leaf."""
    W = W.clone().requires_grad_()
    losses = m.train(W, xs, ys, steps, lr)
    return [[float(loss) for loss in losses], W.detach(), W.is_leaf]


@task("train")
def test_two_steps(student, device):
    """Two steps: each loss is taken before its step, and W ends where PyTorch's W does."""
    W = some_weights(device)
    xs = torch.tensor([2, 0, 2, 3, 1, 2], device=device)
    ys = torch.tensor([1, 0, 1, 2, 3, 2], device=device)
    w, losses = W.clone(), []
    for _ in range(2):
        w = w.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(w[xs], ys)
        losses.append(loss.item())
        w = w - 0.5 * torch.autograd.grad(loss, w)[0]
    answer = student.run(trained, W, xs, ys, 2, 0.5)
    close(answer, [losses, w.detach(), True], **GRADIENT)


def learnt(m, W):
    return m.equivalence(W).float()


@task("equivalence")
def test_the_table_in_the_weights(student, device):
    """Where W is the logarithm of counts, the learnt table is the counted one."""
    N = torch.tensor([[1.0, 3.0, 4.0], [2.0, 6.0, 12.0], [7.0, 2.0, 1.0]], device=device)
    close(student.run(learnt, N.log()), N / N.sum(1, keepdim=True))
