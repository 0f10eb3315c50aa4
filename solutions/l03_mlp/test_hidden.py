"""What decides: every promise about the network and its training, against PyTorch.

Where a letter's row is picked or a network is run the numbers are float32, as init_params
makes them: `F.one_hot(X).float() @ C` is right, too, and knows no other.
"""

import math
from itertools import pairwise

import torch
from oracles import (
    BLOCK,
    FACTOR_OF_TWO,
    ROUNDED,
    TRAINED,
    E,
    V,
    examples,
    exponent,
    network,
    right_logits,
    right_loss,
    right_steps,
)
from probes import (
    concat_gradient,
    concat_permuted,
    dead,
    embedded,
    evaluated,
    leaves,
    logit_gradients,
    logits,
    loss_and_gradient,
    loss_as_a_number,
    minibatches,
    networks,
    rates,
    second_dataset,
    splits,
    trained,
    tried,
    views,
    vocabulary,
    written,
)

from autograder.suite import Random, close, task, within

F = torch.nn.functional
F64 = torch.float64

ALL_DIFFER = within(0.0, 0.05, "drawn numbers all differ")

# ------------------------------------------------------------------------------- the data


def some_words(rng, n, letters="qbxaoe"):
    """n words of 1 to 6 letters."""
    sizes = rng.integers(1, 7, n).tolist()
    picks = rng.integers(0, len(letters), n, 6).tolist()
    return ["".join(letters[i] for i in row[:size]) for row, size in zip(picks, sizes)]


@task("build_vocab")
def test_only_letters_that_occur(student):
    """Each letter that occurs has one number, in sorted order, whatever the language."""
    letters = [".", "A", "e", "k", "o", "z", "ß", "é", "ö"]
    stoi = {letter: i for i, letter in enumerate(letters)}
    close(student.run(vocabulary, ["zoé", "Aköße", "ezz"]), [stoi, letters])


@task("build_vocab")
def test_no_words(student):
    """Without words there is still the mark for beginning and end."""
    close(student.run(vocabulary, []), [{".": 0}, ["."]])


def right_dataset(words, stoi, block):
    """Windows over each padded word."""
    X, Y = [], []
    for word in words:
        ids = [0] * block + [stoi[letter] for letter in word] + [0]
        X += [ids[i : i + block] for i in range(len(word) + 1)]
        Y += ids[block:]
    X = torch.tensor(X, dtype=torch.int64, device="cpu").reshape(-1, block)
    return [X, torch.tensor(Y, dtype=torch.int64, device="cpu")]


# not in the order of the alphabet: the numbers are those that are handed in
MIXED = {".": 0, "q": 3, "b": 5, "x": 1, "a": 6, "o": 2, "e": 4, "A": 7}


@task("build_dataset")
def test_every_word_counts(student):
    """A word that is there twice, one with a capital, one without any letter: the label 0 alone."""
    words = ["box", "", "Abe", "box", "a"]
    close(student.run(second_dataset, words, MIXED, 2), right_dataset(words, MIXED, 2))


@task("build_dataset")
def test_windows_of_three(student, rng):
    """Three letters of context, as int64: no word sees another, each ends with the label 0."""
    words = [*some_words(rng, 6), "qbox"]
    close(student.build_dataset(words, MIXED), right_dataset(words, MIXED, 3))


@task("build_dataset")
def test_one_letter_of_context(student, rng):
    """With block_size 1 the context is the letter before."""
    words = [*some_words(rng, 4), "ox"]
    close(student.build_dataset(words, MIXED, 1), right_dataset(words, MIXED, 1))


@task("build_dataset")
def test_eight_letters_of_context(student, rng):
    """With block_size 8 most of the context is zeros."""
    words = [*some_words(rng, 4), "aboxabox"]
    close(student.build_dataset(words, MIXED, 8), right_dataset(words, MIXED, 8))


@task("build_dataset")
def test_nothing_to_learn_from(student):
    """Without words the shapes are (0, 4) and (0,), and both are int64 all the same."""
    close(student.build_dataset([], MIXED, 4), right_dataset([], MIXED, 4))


@task("split_words")
def test_where_it_is_cut(student):
    """10, 11, 19, 0, 1 and 47 words are cut at int(0.8·n) and int(0.9·n)."""
    for n in (10, 11, 19, 0, 1, 47):
        (parts,) = student.run(splits, [f"w{i}" for i in range(n)], [None])
        a, b = int(0.8 * n), int(0.9 * n)
        close([len(part) for part in parts], [a, b - a, n - b])


@task("split_words")
def test_every_word_is_in_one_part(student, rng):
    """No word is lost or in two parts; one that is there twice stays twice; your list is kept."""
    words = [*some_words(rng, 30, "abcdefghijklmnop"), "twice", "twice"]
    (parts,) = student.run(splits, words, [7])
    close(sorted(word for part in parts for word in part), sorted(words))


@task("split_words")
def test_the_seed_decides(student):
    """The same seed gives the same parts (called twice), and another seed gives others."""
    words = [f"word{i}" for i in range(40)]
    first, second, other = student.run(splits, words, [3, 3, 4])
    close(second, first)
    assert other != first, "seeds 3 and 4 give the same parts"
    zero, again, default = student.run(splits, words, [0, 0, None])
    close(again, zero)
    assert zero != default, "seed 0 gives the parts of seed 42"


@task("split_words")
def test_forty_two_unless_said(student):
    """Without a seed it is 42, the lecture's."""
    default, right, other = student.run(splits, [f"word{i}" for i in range(40)], [None, 42, 43])
    close(default, right)
    assert default != other, "seed 43 gives the same parts"


@task("split_words")
def test_all_parts_are_mixed(student):
    """The words are shuffled before they are cut: each part has some from all over the list."""
    words = [f"word{i:03}" for i in range(400)]
    (parts,) = student.run(splits, words, [3])
    late = [sum(word >= "word200" for word in part) / len(part) for part in parts]
    # a fair draw of 40 has 20 ± 3 of the second half
    close(late, [0.5] * 3, within(0.0, 0.4, "five sigma of the smallest part"))
    assert parts[0] != sorted(parts[0]), "train is in the list's order"


# ---------------------------------------------------------------------------- the network


@task("embed")
def test_rows_and_gradients(student, rng):
    """Each letter becomes its row; a row that is used several times collects all gradients."""
    C = rng.normal(V, E).requires_grad_()
    X, weights = rng.integers(0, 6, 7, BLOCK), rng.normal(7, BLOCK, E)
    out = F.embedding(X, C)
    (gradient,) = torch.autograd.grad((out * weights).sum(), C)
    close(student.run(embedded, C, X, weights), [out, gradient], ROUNDED)


@task("embed")
def test_other_shapes(student, rng):
    """A context of one letter and one of eight."""
    C = rng.normal(7, 5)
    for block in (1, 8):
        X = rng.integers(0, 7, 4, block)
        close(student.embed(C, X), F.embedding(X, C))


@task("concat")
def test_letters_in_their_order(student, rng):
    """(7, 3, 2) becomes (7, 6), and (1, 8, 5) becomes (1, 40), letter after letter."""
    for shape in ((7, BLOCK, E), (1, 8, 5)):
        emb = rng.normal(*shape, dtype=F64)
        close(student.concat(emb), torch.cat(torch.unbind(emb, 1), 1))


@task("concat")
def test_not_contiguous(student, rng):
    """A tensor whose numbers don't lie side by side gives the right columns, too."""
    emb = rng.normal(BLOCK, 7, E, dtype=F64)
    for order in ([1, 0, 2], [1, 2, 0]):
        expected = torch.cat(torch.unbind(emb.permute(order), 1), 1)
        close(student.run(concat_permuted, emb, order), expected)


@task("concat")
def test_gradients_come_through(student, rng):
    """Every number of emb gets its column's gradient."""
    emb = rng.normal(7, BLOCK, E, dtype=F64).requires_grad_()
    weights = rng.normal(7, BLOCK * E, dtype=F64)
    close(student.run(concat_gradient, emb, weights), weights.reshape(7, BLOCK, E))


def can_view(shape, stride):
    """PyTorch's own answer."""
    try:
        torch.empty_strided(shape, stride, device="cpu").view(-1)
    except RuntimeError:
        return False
    return True


def check_views(student, cases):
    close(student.run(views, cases), [can_view(*case) for case in cases])


@task("describe_view")
def test_dimensions_of_size_one(student):
    """Nobody takes a step along a dimension of size 1: its stride doesn't matter."""
    cases = [((1, 4), (99, 1)), ((4, 1), (1, 99)), ((3, 1, 4), (4, 7, 1)), ((3, 1, 4), (5, 4, 1))]
    check_views(student, [*cases, ((1, 1), (5, 9)), ((1, 3, 1, 2, 1), (8, 2, 3, 1, 0))])


@task("describe_view")
def test_steps_of_two_and_none(student):
    """Even steps, wider than 1 or of 0, are one dimension; uneven ones are not."""
    cases = [((3, 4), (8, 2)), ((3, 4), (4, 2)), ((3, 4), (0, 1)), ((3, 4), (1, 0))]
    cases += [((2, 3, 4), (10, 5, 1)), ((2, 3, 4), (12, 8, 1))]  # only the middle one is off
    check_views(student, [*cases, ((3, 4), (0, 0)), ((2, 3, 4), (24, 8, 2)), ((3, 4), (8, 1))])


@task("describe_view")
def test_one_dimension_or_none(student):
    """A row can be seen as a row, whatever its stride; a single number as a row of one."""
    check_views(student, [((5,), (1,)), ((5,), (3,)), ((5,), (0,)), ((), ()), ((1,), (7,))])


@task("describe_view")
def test_no_numbers_at_all(student):
    """Where a size is 0 there is nothing that could lie in the wrong place."""
    check_views(student, [((0,), (5,)), ((0, 4), (1, 9)), ((3, 0, 2), (1, 5, 7))])


@task("describe_view")
def test_many_tensors(student, rng):
    """Forty tensors with up to four dimensions: whole, turned, thinned out, stretched."""
    cases = []
    for _ in range(40):
        shape = rng.integers(1, 5, 3).tolist()
        a, b = rng.integers(0, 3, 2).tolist()
        x = torch.zeros(shape, device="cpu")
        kind = rng.integers(0, 5, 1).item()
        if kind == 0:
            x = x.transpose(a, b)
        elif kind == 1:
            x = x.narrow(a, 0, max(1, shape[a] - 1))
        elif kind == 2:
            x = x.unsqueeze(a).expand(*shape[:a], 3, *shape[a:])
        elif kind == 3:
            x = x.transpose(a, b).contiguous().unsqueeze(b)
        else:
            x = x[(slice(None),) * a + (slice(None, None, 2),)]
        cases.append((list(x.shape), list(x.stride())))
    check_views(student, cases)


@task("init_params")
def test_shapes(student):
    """A vocabulary of 7, 5 dimensions, 3 letters, 4 neurons: five shapes, five leaves."""
    (params,) = student.run(networks, [7, 5, 3, 4], [1])
    close([p.shape for p in params], [(7, 5), (15, 4), (4,), (4, 7), (7,)])
    close(student.run(leaves, [7, 5, 3, 4]), [True] * 5)


@task("init_params")
def test_the_lectures_last_network(student):
    """27 letters in 10 dimensions, 3 of them, 200 neurons: 11,897 parameters."""
    (params,) = student.run(networks, [27, 10, 3, 200], [1])
    close(sum(p.numel() for p in params), 11897)


@task("init_params")
def test_the_generator_decides(student):
    """Generators of the same seed make the same numbers, whatever else is drawn; others others."""
    first, second, other = student.run(networks, [7, 5, 3, 4], [11, 11, 12])
    close(second, first)
    assert not torch.equal(other[0], first[0]), "generators of different seeds make the same table"


def tables(student, sizes, seed):
    """The numbers of C, W1 and W2."""
    (params,) = student.run(networks, sizes, [seed])
    return [params[i].double().flatten() for i in (0, 1, 3)]


def different(numbers):
    """The share of numbers that are different ones."""
    return len(numbers.unique()) / len(numbers)


@task("init_params")
def test_numbers_on_both_sides_of_zero(student):
    """C, W1 and W2 hold different numbers, about as many below zero as above."""
    found = tables(student, [27, 3, 5, 20], 5)
    close([different(x) for x in found], [1.0] * 3, ALL_DIFFER)
    # 81, 300 and 540 numbers: five sigma of the smallest table is 0.28
    below = [(x < 0).double().mean().item() for x in found]
    close(below, [0.5] * 3, within(0.0, 0.28, "five sigma"))


@task("init_params")
def test_a_normal_distribution(student):
    """Around 0, and about one number in 22 beyond two standard deviations; all differ."""
    found = tables(student, [200, 30, 3, 100], 9)  # C has 6000 numbers, W1 9000, W2 20000
    scaled = [x / x.std().clamp(min=1e-30) for x in found]
    means = [z.mean().item() for z in scaled]
    close(means, [0.0] * 3, within(0.0, 0.07, "five sigma of C's mean"))
    far = [((z - z.mean()).abs() > 2).double().mean().item() for z in scaled]
    close(far, [0.0455] * 3, within(0.0, 0.0135, "five sigma of C's share"))
    close([different(x) for x in found], [1.0] * 3, ALL_DIFFER)


@task("forward")
def test_logits(student, rng):
    """Seven examples, five neurons, eleven letters: the logits are PyTorch's."""
    params, (X, _) = network(rng), examples(rng, 7)
    close(student.run(logits, params, X), right_logits(params, X), ROUNDED)


@task("forward")
def test_a_network_of_another_shape(student, rng):
    """One example, eight letters of context, three dimensions, thirteen neurons."""
    params = network(rng, 6, 3, 8, 13)
    with torch.no_grad():
        params[4] += 30.0  # logits are as large as they are
    X = rng.integers(0, 6, 1, 8)
    close(student.run(logits, params, X), right_logits(params, X), ROUNDED)


@task("forward")
def test_every_parameter_gets_its_gradient(student, rng):
    """The gradients of all five parameters are PyTorch's."""
    params, (X, _) = network(rng), examples(rng, 7)
    weights = rng.normal(7, V)
    expected = torch.autograd.grad((right_logits(params, X) * weights).sum(), params)
    close(student.run(logit_gradients, params, X, weights), expected, TRAINED)


def check_cross_entropy(student, rows, Y):
    rows = rows.requires_grad_()
    loss = F.cross_entropy(rows, Y)
    (gradient,) = torch.autograd.grad(loss, rows)
    close(student.run(loss_and_gradient, rows, Y), [loss, gradient])


@task("cross_entropy")
def test_loss_and_gradient(student, rng):
    """Seven examples of eleven letters: the mean loss and its gradient are PyTorch's."""
    check_cross_entropy(student, rng.normal(7, V, scale=2.1, dtype=F64), rng.integers(0, V, 7))


@task("cross_entropy")
def test_logits_of_a_hundred(student, rng):
    """float32 logits around 100 and around -120, whose exps are too large and too small."""
    rows = torch.stack([rng.normal(V, scale=0.7) + shift for shift in (100.0, -120.0, 0.0, 95.0)])
    Y = rng.integers(0, V, 4)
    close(student.run(loss_as_a_number, rows, Y), F.cross_entropy(rows, Y).item(), ROUNDED)


@task("cross_entropy")
def test_a_single_example(student, rng):
    """One example of eleven letters, and one of a single letter, whose loss is 0."""
    for letters in (V, 1):
        rows, Y = rng.normal(1, letters, dtype=F64), rng.integers(0, letters, 1)
        check_cross_entropy(student, rows, Y)


@task("cross_entropy")
def test_rows_of_very_different_size(student, rng):
    """A row around 1e4 and one around -1e4 in one batch: each row has a maximum of its own."""
    rows = rng.normal(5, V, scale=0.7, dtype=F64)
    rows[1] += 1e4
    rows[3] -= 1e4
    check_cross_entropy(student, rows, rng.integers(0, V, 5))


@task("cross_entropy")
def test_wrong_and_sure_of_it(student, device):
    """A network that puts 1e4 on the wrong letter pays 1e4, not infinity; on the right one 0."""
    rows = torch.zeros(3, 4, dtype=F64, device=device)
    rows[0, 2], rows[1, 1], rows[2, 3] = 1e4, 1e4, -1e4
    check_cross_entropy(student, rows, torch.tensor([0, 1, 3], device=device))


# ------------------------------------------------------------------------------- training


@task("minibatch")
def test_each_example_is_as_likely(student):
    """300 minibatches of 5 of 7 examples: each of 0 to 6 comes up about as often, no other."""
    (draws,) = student.run(minibatches, 7, 5, 300, [5])
    numbers = torch.stack(draws)
    close([numbers.shape, numbers.dtype], [[300, 5], torch.int64])
    counts = [float((numbers == i).sum()) for i in range(7)]
    close(counts, [1500 / 7] * 7, within(0.0, 68.0, "five sigma of 1500 draws"))
    close(sum(counts), 1500.0)


@task("minibatch")
def test_one_and_all(student):
    """A minibatch of a single example, and one of as many as there are."""
    for size in (1, 7):
        (draws,) = student.run(minibatches, 7, size, 3, [1])
        close([[ix.shape, ix.dtype] for ix in draws], [[[size], torch.int64]] * 3)


@task("minibatch")
def test_the_generator_draws(student):
    """The same generator draws the same batches, another one others; each batch is another."""
    answer = student.run(minibatches, 97, 6, 3, [1, 1, 2])
    first, second, other = [[ix.tolist() for ix in draws] for draws in answer]
    close(second, first)
    assert other != first, "generators of different seeds draw the same"
    assert first[0] != first[1], "two batches of one generator are the same"
    steps = [(b - a) % 97 for a, b in pairwise(first[0])]
    assert set(steps) != {1}, "a batch is a run of neighbours"


@task("train_step")
def test_three_steps(student, rng):
    """Three steps on three minibatches: each by the gradients of its own batch alone."""
    params, lrs = network(rng), [0.7, 2.5, 0.5]
    batches = [examples(rng, 7) for _ in lrs]
    answer = student.run(trained, params, batches, lrs)
    close([answer["losses"], answer["now"]], right_steps(params, batches, lrs), TRAINED)
    close(answer["graphs"], [False] * 3)


@task("train_step")
def test_parameters_stay_what_they_are(student, rng):
    """After two steps the list holds the same five tensors: leaves, to be trained further."""
    params, batches = network(rng), [examples(rng, 4)] * 2
    _, now = right_steps(params, batches, [0.2, 0.1])
    answer = student.run(trained, params, batches, [0.2, 0.1])
    close([answer["leaves"], answer["same"]], [[True] * 5, [True] * 5])
    close(answer["now"], now, TRAINED)


@task("train_step")
def test_fifty_steps_learn_a_word(student, device):
    """Fifty steps on the six examples of one word bring the loss below 0.7."""
    params = network(Random(5, device), n_hidden=20)  # always the same: the loss arrives at 0.1
    ids = [0, 0, 0, 5, 2, 9, 7, 2, 0]
    X = torch.tensor([ids[i : i + 3] for i in range(6)], device=device)
    Y = torch.tensor(ids[3:], device=device)
    expected, _ = right_steps(params, [(X, Y)] * 50, [0.5] * 50)
    losses = student.run(trained, params, [(X, Y)] * 50, [0.5] * 50)["losses"]
    close(losses, expected, within(1e-2, 1e-3, "rounding grows over fifty steps"))
    assert losses[-1] < 0.7, f"the last loss is {losses[-1]}"


@task("lr_candidates")
def test_a_thousand_from_a_thousandth_to_one(student):
    """Without arguments: 1000 rates from 0.001 to 1, with one ratio from each to the next."""
    expected = [10 ** (-3 + 3 * i / 999) for i in range(1000)]
    close(student.run(rates), expected, ROUNDED)


@task("lr_candidates")
def test_other_ends(student):
    """Other exponents, between whole numbers too, and other counts: both ends are in."""
    for low, high, n in ((-4, -1, 4), (-2.5, 0.5, 7), (-1, 2, 2)):
        expected = [10 ** (low + (high - low) * i / (n - 1)) for i in range(n)]
        close(student.run(rates, low, high, n), expected, ROUNDED)


@task("find_lr")
def test_a_step_for_each_rate(student, rng, device):
    """Five rates, in their order: each loss is that before a step on top of the last ones."""
    params, (X, Y) = network(rng), examples(rng, 1)
    X, Y = X.repeat(7, 1), Y.repeat(7)  # equal rows: any minibatch has the same loss
    lrs = torch.tensor([0.3, 0.02, 0.4, 0.1, 0.6], device=device)
    losses, _ = right_steps(params, [(X, Y)] * 5, lrs.tolist())
    close(student.run(tried, params, X, Y, lrs, 4, [3])["losses"], [losses], TRAINED)


@task("find_lr")
def test_the_callers_parameters(student, rng, device):
    """Trying rates is an experiment: the network handed in is as it was, and the list, too."""
    params, batch = network(rng), examples(rng, 7)
    lrs = torch.tensor([0.1, 0.5, 1.0], device=device)
    answer = student.run(tried, params, *batch, lrs, 4, [3])
    close([len(losses) for losses in answer["losses"]], [3])
    close([answer["held"], answer["leaves"]], [params, [True] * 5])


@task("find_lr")
def test_rates_that_ruin_the_network(student, rng, device):
    """Where rates are so large that the loss explodes there is still one loss for each."""
    params, batch = network(rng), examples(rng, 60)
    lrs = torch.tensor([0.1, 0.1, *[1e3] * 6, 0.1, 0.1], device=device)
    (losses,) = student.run(tried, params, *batch, lrs, 4, [3])["losses"]
    close(len(losses), 10)
    assert max(losses[2:8]) > 50.0, "no loss is large, though rates of 1000 ruin any network"


@task("find_lr")
def test_batches_of_the_asked_size(student, rng, device):
    """Each loss is that of a fresh minibatch of batch_size examples, drawn by the generator."""
    params = network(rng)
    # Two kinds of examples: a batch of 4 has 0 to 4 of the second kind, and its loss tells
    # how many. The rates are so small that nothing moves.
    pair = torch.tensor([[1, 2, 3], [4, 5, 6]], device=device)
    kinds = torch.tensor([0, 0, 0, 0, 1, 1, 1], device=device)  # the first batch_size are alike
    X = pair[kinds]
    labels = right_logits(params, pair).argmin(1)[0], right_logits(params, pair).argmax(1)[1]
    Y = torch.stack(labels)[kinds]
    first, second = (right_loss(params, X[i : i + 1], Y[i : i + 1]).item() for i in (0, 6))
    lrs = torch.full((16,), 1e-12, device=device)
    a, again, b = student.run(tried, params, X, Y, lrs, 4, [3, 3, 4])["losses"]
    shares = [(loss - first) / (second - first) for loss in a]
    nearest = [round(4 * share) / 4 for share in shares]
    close(shares, nearest, within(0.0, 1e-3, "quarters, after rounding in float32"))
    assert set(nearest) - {0.0, 1.0}, "every batch has one kind of examples only"
    assert len(set(nearest)) > 1, "every batch is the same"
    close(again, a)
    assert b != a, "generators of different seeds draw the same batches"


def valley(rng):
    """240 rates and noisy losses: 3.5 on both sides, 2.3 at a bottom that lies anywhere."""
    bottom = -2.0 + rng.uniform().item()
    noise = 0.1 * rng.uniform(240) - 0.05
    exponents = torch.linspace(-3, 0, 240).to(noise)
    losses = 2.3 + (3 * (exponents - bottom).abs()).clamp(max=1.2) + noise
    return bottom, 10**exponents, losses


@task("suggest_lr")
def test_the_bottom_of_a_valley(student, rng):
    """Noisy losses with a valley: the suggestion is within a factor of two of its bottom."""
    bottom, lrs, losses = valley(rng)
    for window in (11, 8):
        close(exponent(student.suggest_lr(lrs, losses, window)), bottom, FACTOR_OF_TWO)


@task("suggest_lr")
def test_a_lucky_minibatch_does_not_win(student, rng):
    """One single low loss far from the valley changes nothing."""
    bottom, lrs, losses = valley(rng)
    losses[225] = 0.5
    close(exponent(student.suggest_lr(lrs, losses, 11)), bottom, FACTOR_OF_TWO)


@task("suggest_lr")
def test_a_lucky_minibatch_at_the_end(student, rng):
    """A low loss at the very end counts once, like any other."""
    bottom, lrs, losses = valley(rng)
    losses[239] = 0.0
    close(exponent(student.suggest_lr(lrs, losses, 11)), bottom, FACTOR_OF_TWO)


@task("suggest_lr")
def test_as_many_neighbours_as_asked(student, device):
    """A narrow, deep dip wins with a window of 3, a wide, shallow one with a window of 61."""
    exponents = torch.linspace(-3, 0, 240, device="cpu")
    losses = torch.full((240,), 3.0, device="cpu")
    losses[40:43], losses[130:191] = 0.5, 2.2 + 0.001 * (torch.arange(61.0) - 30).abs()
    lrs, losses = (10**exponents).to(device), losses.to(device)
    narrow = exponent(student.suggest_lr(lrs, losses, 3))
    close(narrow, exponents[41].item(), within(0.0, 0.1, "the dip and its neighbours"))
    # the wide one's middle is 160: means over those before have their minimum at its end, 190
    wide = exponent(student.suggest_lr(lrs, losses, 61))
    close(wide, exponents[175].item(), within(0.0, 0.3, "its middle or its end"))


@task("suggest_lr")
def test_few_rates(student, device):
    """With a window of 1 the smallest loss decides, wherever it is; six rates have room for 5."""
    lrs = 10 ** torch.linspace(-3, 0, 6, device=device)
    for place in (0, 2, 5):
        losses = torch.full((6,), 3.0, device=device)
        losses[place] = 2.0
        answer = exponent(student.suggest_lr(lrs, losses, 1))
        close(answer, -3 + 0.6 * place, within(0.0, 1e-3, "the rate itself"))
    losses = torch.tensor([9.0, 1.0, 1.0, 1.0, 1.0, 1.0], device=device)
    answer = exponent(student.suggest_lr(lrs, losses, 5))
    close(answer, -0.6, within(0.0, 0.61, "the last three rates"))
    answer = exponent(student.suggest_lr(lrs, losses.flip(0), 5))
    close(answer, -1.8, within(0.0, 1.21, "all but the last rate"))


@task("suggest_lr")
def test_one_rate_that_fails(student, rng):
    """An infinite loss and a NaN at small rates spoil the means they are in, and no others."""
    bottom, lrs, losses = valley(rng)
    losses[10], losses[25] = math.inf, math.nan
    close(exponent(student.suggest_lr(lrs, losses, 11)), bottom, FACTOR_OF_TWO)


@task("suggest_lr")
def test_rates_that_blow_up(student, rng):
    """Where large rates end in infinity and NaN, those don't win."""
    bottom, lrs, losses = valley(rng)
    losses[210:222] = math.inf
    losses[222:] = math.nan
    close(exponent(student.suggest_lr(lrs, losses, 11)), bottom, FACTOR_OF_TWO)


@task("lr_at")
def test_the_second_half_begins(student):
    """Of 200,000 steps number 99,999 still has 0.1, and number 100,000 has 0.01."""
    steps = [(0, 2), (1, 2), (4, 10), (5, 10), (99_999, 200_000), (100_000, 200_000), (9, 10)]
    close([student.lr_at(*s) for s in steps], [0.1, 0.01, 0.1, 0.01, 0.1, 0.01, 0.01])


# --------------------------------------------------------------------------- how good is it?


@task("evaluate")
def test_all_examples_count_once(student, rng):
    """The loss over 37 examples: PyTorch's, without a graph; no parameter moves or has a grad."""
    params, batch = network(rng), examples(rng, 37)
    expected = [right_loss(params, *batch).item(), False, True, [None] * 5]
    close(student.run(evaluated, params, *batch), expected, ROUNDED)


@task("evaluate")
def test_six_thousand_examples(student, rng):
    """The last seven of 6,007 examples, the hardest, count as much as any others."""
    params, (X, _) = network(rng), examples(rng, 6007)
    Y = right_logits(params, X).argmax(1)
    Y[-7:] = right_logits(params, X[-7:]).argmin(1)
    expected = [right_loss(params, X, Y).item(), False, True]
    answer = student.run(evaluated, params, X, Y)
    close(answer[:3], expected, within(1e-4, 1e-5, "a float32 sum of 6,007 losses"))


@task("evaluate")
def test_recording_is_as_before(student, rng):
    """Called where no gradients are recorded it leaves that as it is."""
    params, batch = network(rng), examples(rng, 5)
    expected = [right_loss(params, *batch).item(), False, False, [None] * 5]
    close(student.run(evaluated, params, *batch, False), expected, ROUNDED)


@task("perplexity")
def test_e_to_the_loss(student, rng):
    """Some losses between 0.5 and 4, and the lecture's 2.17: about 8.76 letters."""
    losses = [2.17, 6.0, *(0.5 + 3.5 * rng.uniform(3, dtype=F64)).tolist()]
    close([student.perplexity(x) for x in losses], [math.exp(x) for x in losses], ROUNDED)


@task("dead_neurons")
def test_nearly_dead(student, device):
    """Far out for 299 of 300 examples isn't dead: something is learnt from the last."""
    h = torch.full((300, 2), -0.995, device=device)
    h[123, 0] = 0.9875
    close(student.run(dead, h), [[299 / 300, 1.0], [False, True]], ROUNDED)


@task("dead_neurons")
def test_shares_and_the_dead(student, rng, device):
    """Seven examples, five neurons: far out on either side counts, and dead is far out always."""
    h = 0.9 * (2 * rng.uniform(7, 5) - 1)
    h[:, 1] = torch.tensor([0.995, -0.999, 1.0, 0.993, -1.0, -0.992, 0.998], device=device)
    h[:, 3] = -0.997
    h[:6, 4] = torch.tensor([0.991, -0.996, -1.0, 0.999, 1.0, -0.994], device=device)
    h[0, 0], h[6, 2] = -1.0, 0.995
    expected = [[1 / 7, 1.0, 1 / 7, 1.0, 6 / 7], [False, True, False, True, False]]
    close(student.run(dead, h), expected, ROUNDED)


@task("dead_neurons")
def test_another_limit(student, device):
    """With a limit of 0.5 exactly 0.5 isn't beyond it."""
    h = [[0.5, 0.75, -0.5], [0.5, -0.625, -0.75], [0.25, 0.875, -0.875], [-0.5, -0.75, 0.625]]
    h = torch.tensor(h, device=device)
    close(student.run(dead, h, 0.5), [[0.0, 1.0, 0.75], [False, True, False]])


LETTERS = {0: ".", 1: "k", 2: "a", 3: "t", 4: "z"}


def knows(words, block):
    """Parameters of a network that is sure of the next letter in each context of the words.

    A hidden neuron for each context: 1 where exactly that is read, else -1.
    """
    following = {}
    for word in words:
        context = [0] * block
        for letter in [*word, 0]:
            assert following.setdefault(tuple(context), letter) == letter
            context = [*context[1:], letter]
    C = torch.cat([torch.eye(5), torch.zeros(5, 2)], 1)
    W1, b1 = torch.zeros(block * 7, len(following)), torch.zeros(len(following))
    W2, b2 = torch.zeros(len(following), 5), torch.zeros(5)
    for k, (context, letter) in enumerate(following.items()):
        for position, read in enumerate(context):
            W1[position * 7 + read, k] = 20.0
        b1[k] = 10.0 - 20.0 * block
        W2[k, letter] += 30.0
        b2[letter] += 30.0
    return [C, W1, b1, W2, b2]


# Words are drawn where the generator is, on the CPU: so these networks are there, too.


def always(last):
    """Parameters of a network that gives these logits, whatever it reads."""
    C, W1, b1, W2, _ = knows([[1]], 3)
    return [C, W1, b1, torch.zeros_like(W2), last]


@task("sample")
def test_a_network_that_knows_a_word(student):
    """It is sure of every letter, given the three before: "katkaz", and then the end."""
    params = knows([[1, 2, 3, 1, 2, 4]], 3)
    close(student.run(written, params, LETTERS, 3, 20, [1], 3), [["katkaz"] * 3])


@task("sample")
def test_contexts_of_other_sizes(student):
    """Two letters of context, then five: the oldest letter leaves on the left."""
    two, five = knows([[1, 2, 2, 3]], 2), knows([[4, 2, 3, 2, 4, 2, 3, 1, 1]], 5)
    close(student.run(written, two, LETTERS, 2, 20, [1], 1), [["kaat"]])
    close(student.run(written, five, LETTERS, 5, 20, [1], 1), [["zatazatkk"]])


@task("sample")
def test_where_a_word_ends(student):
    """At "." at once: the word is empty. Never at "." by itself: after max_len letters."""
    silent, endless = knows([[]], 3), always(torch.tensor([-90.0, 0.0, 60.0, 0.0, 0.0]))
    close(student.run(written, silent, LETTERS, 3, 9, [1], 1), [[""]])
    for size in (7, 0, 40):
        close(student.run(written, endless, LETTERS, 3, size, [1], 1), [["a" * size]])


@task("sample")
def test_letters_are_drawn(student):
    """Of 200 letters, "k" with 0.8 and "t" with 0.2, about 160 are "k"; the generator decides."""
    params = always(torch.tensor([1e-9, 0.8, 1e-9, 0.2, 1e-9]).log())
    (said,) = student.run(written, params, LETTERS, 3, 1, [1], 200)
    close(float(said.count("k")), 160.0, within(0.0, 29.0, "five sigma of 200 draws"))
    first, second, other = student.run(written, params, LETTERS, 3, 1, [1, 1, 2], 40)
    close(second, first)
    assert other != first, "generators of different seeds say the same"


@task("sample")
def test_each_letter_is_drawn(student):
    """100 words of 20 letters, with 0.6, 0.2, 0.15 and 0.05: each letter as often as it should."""
    shares = [0.6, 0.2, 0.15, 0.05]
    params = always(torch.tensor([1e-12, *shares]).log())
    (words,) = student.run(written, params, LETTERS, 3, 20, [1], 100)
    text = "".join(words)
    for letter, share in zip("katz", shares):
        sigma = (2000 * share * (1 - share)) ** 0.5
        room = within(0.0, 5 * sigma, "five sigma of 2000 draws")
        close(float(text.count(letter)), 2000 * share, room)
    close(len(text), 2000)


@task("capacity")
def test_other_networks(student):
    """Networks of other sizes, even a single letter, dimension and neuron."""
    sizes = [(65, 6, 8, 31), (7, 5, 4, 3), (1, 1, 1, 1), (2, 3, 5, 11)]
    expected = [v * e + b * e * h + h + h * v + v for v, e, b, h in sizes]
    close([student.capacity(*s) for s in sizes], expected)
