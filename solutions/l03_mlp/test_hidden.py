"""What decides: every promise about the network and its training, against PyTorch.

Where a letter's row is picked or a network is run the numbers are float32, as init_params
makes them: `F.one_hot(X).float() @ C` is right, too, and knows no other.
"""

import math
from itertools import pairwise

import torch

from autograder.suite import close, task

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}
TRAINED = {"rtol": 1e-4, "atol": 1e-5, "reason": "gradients of many operations in float32"}
V, E, BLOCK, H = 11, 2, 3, 5


def some(rng, shape, device, dtype=torch.float32):
    """Numbers around 0, most of them between -1.4 and 1.4."""
    return (0.7 * torch.randn(shape, generator=rng, dtype=dtype)).to(device)


def some_letters(rng, shape, device, vocab=V):
    return torch.randint(0, vocab, shape, generator=rng).to(device)


def network(rng, device, vocab=V, n_embd=E, block=BLOCK, n_hidden=H):
    """Parameters under which tanh bends, but is not flat."""
    shapes = [
        (vocab, n_embd),
        (block * n_embd, n_hidden),
        (n_hidden,),
        (n_hidden, vocab),
        (vocab,),
    ]
    return [some(rng, shape, device).requires_grad_() for shape in shapes]


def right_logits(params, X):
    C, W1, b1, W2, b2 = params
    return F.linear(torch.tanh(F.linear(F.embedding(X, C).flatten(1), W1.T, b1)), W2.T, b2)


def right_loss(params, X, Y):
    return F.cross_entropy(right_logits(params, X), Y)


def right_steps(params, batches, rates):
    """The losses before each step, and the parameters after the last."""
    losses = []
    for (X, Y), lr in zip(batches, rates, strict=True):
        loss = right_loss(params, X, Y)
        gradients = torch.autograd.grad(loss, params)
        params = [(p - lr * g).detach().requires_grad_() for p, g in zip(params, gradients)]
        losses.append(loss.item())
    return losses, params


# Parameters may be kept in a dict, if that is what init_params makes.


def names_of_params(m):
    import torch

    try:
        params = m.init_params(11, 2, 3, 5, torch.Generator().manual_seed(1))
    except Exception:
        return None
    return list(params) if isinstance(params, dict) else None


def names(student):
    found = student.run(names_of_params)
    return found if isinstance(found, list) and len(found) == 5 else None


# ------------------------------------------------------------------------------- the data


def some_words(rng, n, letters="qbxaoe"):
    """n words of 1 to 6 letters."""
    sizes = torch.randint(1, 7, (n,), generator=rng).tolist()
    picks = torch.randint(0, len(letters), (n, 6), generator=rng).tolist()
    return ["".join(letters[i] for i in row[:size]) for row, size in zip(picks, sizes)]


def vocabulary(m, words):
    stoi, itos = m.build_vocab(words)
    return [dict(stoi), [itos[i] for i in range(len(itos))]]


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


def built(m, words, stoi, block_size):
    """The examples of the second of two calls, and what the caller's words are then."""
    m.build_dataset(words, stoi, block_size)
    X, Y = m.build_dataset(words, stoi, block_size)
    return [X, Y, words]


@task("build_dataset")
def test_every_word_counts(student):
    """A word that is there twice, one with a capital, one without any letter: the label 0 alone."""
    words = ["box", "", "Abe", "box", "a"]
    close(student.run(built, list(words), MIXED, 2), [*right_dataset(words, MIXED, 2), words])


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


def sizes(m, counts):
    return [[len(p) for p in m.split_words([f"w{i}" for i in range(n)])] for n in counts]


@task("split_words")
def test_where_it_is_cut(student):
    """10, 11, 19, 0, 1 and 47 words are cut at int(0.8·n) and int(0.9·n)."""
    counts = [10, 11, 19, 0, 1, 47]
    cuts = [(int(0.8 * n), int(0.9 * n), n) for n in counts]
    close(student.run(sizes, counts), [[a, b - a, n - b] for a, b, n in cuts])


def split_twice(m, words, seed):
    """The caller's list afterwards, two splits with the seed while chance differs, and another."""
    import random

    import torch

    splits = []
    for i, s in enumerate((seed, seed, seed + 1)):
        random.seed(i)
        torch.manual_seed(i)
        splits.append([[str(word) for word in part] for part in m.split_words(words, s)])
    first, second, other = splits
    return {"list": words, "first": first, "second": second, "other": other}


@task("split_words")
def test_every_word_is_in_one_part(student, rng):
    """No word is lost or in two parts; one that is there twice stays twice; your list is kept."""
    words = [*some_words(rng, 30, "abcdefghijklmnop"), "twice", "twice"]
    answer = student.run(split_twice, list(words), 7)
    parts = answer["first"] if isinstance(answer, dict) else answer
    all_of_them = sorted(word for part in parts for word in part)
    close([answer["list"], all_of_them], [words, sorted(words)])


@task("split_words")
def test_the_seed_decides(student):
    """The same seed gives the same parts (called twice), and another seed gives others."""
    words = [f"word{i}" for i in range(40)]
    answer = student.run(split_twice, words, 3)
    close(answer["second"], answer["first"])
    assert answer["other"] != answer["first"], "seeds 3 and 4 give the same parts"
    zero = student.run(split_twice, words, 0)
    close(zero["second"], zero["first"])
    default = student.run(split_without_a_seed, words)[0]
    assert zero["first"] != default, "seed 0 gives the parts of seed 42"


def split_without_a_seed(m, words):
    """A split without a seed, and those with 42 and 43, from a fixed state of chance."""
    import random

    random.seed(0)
    splits = [m.split_words(words), m.split_words(words, 42), m.split_words(words, 43)]
    return [[[str(word) for word in part] for part in split] for split in splits]


@task("split_words")
def test_forty_two_unless_said(student):
    """Without a seed it is 42, the lecture's."""
    answer = student.run(split_without_a_seed, [f"word{i}" for i in range(40)])
    close(answer[0], answer[1])
    assert answer[0] != answer[2], "seed 43 gives the same parts"


@task("split_words")
def test_all_parts_are_mixed(student):
    """The words are shuffled before they are cut: each part has some from all over the list."""
    words = [f"word{i:03}" for i in range(400)]
    answer = student.run(split_twice, words, 3)
    late = [sum(word >= "word200" for word in part) / len(part) for part in answer["first"]]
    # a fair draw of 40 has 20 ± 3 of the second half
    close(late, [0.5] * 3, rtol=0.0, atol=0.4, reason="five sigma of the smallest part")
    assert answer["first"][0] != sorted(answer["first"][0]), "train is in the list's order"


# ---------------------------------------------------------------------------- the network


def looked_up(m, C, X, weights):
    """What comes out, and the gradient of its weighted sum at the table."""
    out = m.embed(C, X)
    (out * weights).sum().backward()
    return [out.detach(), C.grad]


@task("embed")
def test_rows_and_gradients(student, rng, device):
    """Each letter becomes its row; a row that is used several times collects all gradients."""
    C = some(rng, (V, E), device).requires_grad_()
    X, weights = some_letters(rng, (7, BLOCK), device, 6), some(rng, (7, BLOCK, E), device)
    out = F.embedding(X, C)
    (gradient,) = torch.autograd.grad((out * weights).sum(), C)
    close(student.run(looked_up, C, X, weights), [out, gradient], **ROUNDED)


@task("embed")
def test_other_shapes(student, rng, device):
    """A context of one letter and one of eight."""
    C = some(rng, (7, 5), device)
    for block in (1, 8):
        X = some_letters(rng, (4, block), device, 7)
        close(student.embed(C, X), F.embedding(X, C))


@task("concat")
def test_letters_in_their_order(student, rng, device):
    """(7, 3, 2) becomes (7, 6), and (1, 8, 5) becomes (1, 40), letter after letter."""
    for shape in ((7, BLOCK, E), (1, 8, 5)):
        emb = some(rng, shape, device, torch.float64)
        close(student.concat(emb), torch.cat(torch.unbind(emb, 1), 1))


def turned(m, emb, order):
    """concat of the same memory, seen with its dimensions in another order."""
    return m.concat(emb.permute(order))


@task("concat")
def test_not_contiguous(student, rng, device):
    """A tensor whose numbers don't lie side by side gives the right columns, too."""
    emb = some(rng, (BLOCK, 7, E), device, torch.float64)
    for order in ([1, 0, 2], [1, 2, 0]):
        expected = torch.cat(torch.unbind(emb.permute(order), 1), 1)
        close(student.run(turned, emb, order), expected)


def gradient_of_concat(m, emb, weights):
    (m.concat(emb) * weights).sum().backward()
    return emb.grad


@task("concat")
def test_gradients_come_through(student, rng, device):
    """Every number of emb gets its column's gradient."""
    emb = some(rng, (7, BLOCK, E), device, torch.float64).requires_grad_()
    weights = some(rng, (7, BLOCK * E), device, torch.float64)
    close(student.run(gradient_of_concat, emb, weights), weights.reshape(7, BLOCK, E))


def can_view(shape, stride):
    """PyTorch's own answer."""
    try:
        torch.empty_strided(shape, stride, device="cpu").view(-1)
    except RuntimeError:
        return False
    return True


def described(m, cases):
    return [m.describe_view(tuple(shape), tuple(stride)) for shape, stride in cases]


def check_views(student, cases):
    close(student.run(described, cases), [can_view(*case) for case in cases])


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
        shape = torch.randint(1, 5, (3,), generator=rng).tolist()
        a, b = torch.randint(0, 3, (2,), generator=rng).tolist()
        x = torch.zeros(shape, device="cpu")
        kind = torch.randint(0, 5, (1,), generator=rng).item()
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


def made(m, arguments, seeds):
    """Networks made with generators of these seeds, while torch's own chance differs."""
    import torch

    networks = []
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        params = m.init_params(*arguments, torch.Generator().manual_seed(seed))
        params = list(params.values()) if isinstance(params, dict) else list(params)
        networks.append(params)
    first = networks[0]
    return {
        "shapes": [p.shape for p in first],
        "count": sum(p.numel() for p in first),
        "leaves": [p.requires_grad and p.is_leaf for p in first],
        "numbers": [[p.flatten().tolist() for p in params] for params in networks],
    }


@task("init_params")
def test_shapes(student):
    """A vocabulary of 7, 5 dimensions, 3 letters, 4 neurons: five shapes, five leaves."""
    answer = student.run(made, [7, 5, 3, 4], [1])
    got = [answer["shapes"], answer["leaves"]]
    close(got, [[[7, 5], [15, 4], [4], [4, 7], [7]], [True] * 5])


def size_of(m, arguments):
    import torch

    params = m.init_params(*arguments, torch.Generator().manual_seed(1))
    params = list(params.values()) if isinstance(params, dict) else list(params)
    return sum(p.numel() for p in params)


@task("init_params")
def test_the_lectures_last_network(student):
    """27 letters in 10 dimensions, 3 of them, 200 neurons: 11,897 parameters."""
    close(student.run(size_of, [27, 10, 3, 200]), 11897)


@task("init_params")
def test_the_generator_decides(student):
    """Generators of the same seed make the same numbers, whatever else is drawn; others others."""
    answer = student.run(made, [7, 5, 3, 4], [11, 11, 12])
    first, second, other = answer["numbers"]
    close(second, first)
    assert other[0] != first[0], "generators of different seeds make the same table"


@task("init_params")
def test_numbers_on_both_sides_of_zero(student):
    """C, W1 and W2 hold different numbers, about as many below zero as above."""
    numbers = student.run(made, [27, 3, 5, 20], [5])["numbers"][0]
    tables = [numbers[i] for i in (0, 1, 3)]
    close([len(set(t)) / len(t) for t in tables], [1.0] * 3, rtol=0, atol=0.05, reason="all differ")
    # 81, 300 and 540 numbers: five sigma of the smallest table is 0.28
    below = [sum(x < 0 for x in t) / len(t) for t in tables]
    close(below, [0.5] * 3, rtol=0, atol=0.28, reason="five sigma")


def spread(m, arguments):
    """Of each parameter: mean and share beyond two, in standard deviations; share of others."""
    import torch

    params = m.init_params(*arguments, torch.Generator().manual_seed(9))
    params = list(params.values()) if isinstance(params, dict) else list(params)
    found = []
    for p in params:
        x = p.detach().double().flatten()
        z = x / x.std().clamp(min=1e-30)
        far = ((z - z.mean()).abs() > 2).double().mean().item()
        found.append([z.mean().item(), far, len(set(x.tolist())) / len(x)])
    return found


@task("init_params")
def test_a_normal_distribution(student):
    """Around 0, and about one number in 22 beyond two standard deviations; all differ."""
    found = student.run(spread, [200, 30, 3, 100])  # C has 6000 numbers, W1 9000, W2 20000
    tables = [found[i] for i in (0, 1, 3)]
    close([t[0] for t in tables], [0.0] * 3, rtol=0, atol=0.07, reason="five sigma of C's mean")
    far = [t[1] for t in tables]
    close(far, [0.0455] * 3, rtol=0, atol=0.0135, reason="five sigma of C's share")
    close([t[2] for t in tables], [1.0] * 3, rtol=0, atol=0.05, reason="drawn numbers all differ")


def logits(m, names, tensors, X):
    params = dict(zip(names, tensors)) if names else tensors
    return m.forward(params, X)


@task("forward")
def test_logits(student, rng, device):
    """Seven examples, five neurons, eleven letters: the logits are PyTorch's."""
    params, X = network(rng, device), some_letters(rng, (7, BLOCK), device)
    close(student.run(logits, names(student), params, X), right_logits(params, X), **ROUNDED)


@task("forward")
def test_a_network_of_another_shape(student, rng, device):
    """One example, eight letters of context, three dimensions, thirteen neurons."""
    params = network(rng, device, 6, 3, 8, 13)
    with torch.no_grad():
        params[4] += 30.0  # logits are as large as they are
    X = some_letters(rng, (1, 8), device, 6)
    close(student.run(logits, names(student), params, X), right_logits(params, X), **ROUNDED)


def logit_gradients(m, names, tensors, X, weights):
    params = dict(zip(names, tensors)) if names else tensors
    (m.forward(params, X) * weights).sum().backward()
    return [p.grad for p in tensors]


@task("forward")
def test_every_parameter_gets_its_gradient(student, rng, device):
    """The gradients of all five parameters are PyTorch's."""
    params, X = network(rng, device), some_letters(rng, (7, BLOCK), device)
    weights = some(rng, (7, V), device)
    expected = torch.autograd.grad((right_logits(params, X) * weights).sum(), params)
    close(student.run(logit_gradients, names(student), params, X, weights), expected, **TRAINED)


def loss_and_gradient(m, rows, Y):
    loss = m.cross_entropy(rows, Y)
    loss.backward()
    return [loss.detach(), rows.grad, rows.detach()]


def loss_as_a_number(m, rows, Y):
    """The loss, whatever the dtype of the tensor that it is in."""
    loss = m.cross_entropy(rows, Y)
    return float(loss) if loss.dim() == 0 else loss


def check_cross_entropy(student, rows, Y):
    rows = rows.requires_grad_()
    loss = F.cross_entropy(rows, Y)
    (gradient,) = torch.autograd.grad(loss, rows)
    close(student.run(loss_and_gradient, rows, Y), [loss, gradient, rows])


@task("cross_entropy")
def test_loss_and_gradient(student, rng, device):
    """Seven examples of eleven letters: the mean loss and its gradient are PyTorch's."""
    rows = 3 * some(rng, (7, V), device, torch.float64)
    check_cross_entropy(student, rows, some_letters(rng, (7,), device))


@task("cross_entropy")
def test_logits_of_a_hundred(student, rng, device):
    """float32 logits around 100 and around -120, whose exps are too large and too small."""
    rows = torch.stack([some(rng, (V,), device) + shift for shift in (100.0, -120.0, 0.0, 95.0)])
    Y = some_letters(rng, (4,), device)
    close(student.run(loss_as_a_number, rows, Y), F.cross_entropy(rows, Y).item(), **ROUNDED)


@task("cross_entropy")
def test_a_single_example(student, rng, device):
    """One example of eleven letters, and one of a single letter, whose loss is 0."""
    check_cross_entropy(
        student, some(rng, (1, V), device, torch.float64), some_letters(rng, (1,), device)
    )
    check_cross_entropy(
        student, some(rng, (1, 1), device, torch.float64), some_letters(rng, (1,), device, 1)
    )


@task("cross_entropy")
def test_rows_of_very_different_size(student, rng, device):
    """A row around 1e4 and one around -1e4 in one batch: each row has a maximum of its own."""
    rows = some(rng, (5, V), device, torch.float64)
    rows[1] += 1e4
    rows[3] -= 1e4
    check_cross_entropy(student, rows, some_letters(rng, (5,), device))


@task("cross_entropy")
def test_wrong_and_sure_of_it(student, device):
    """A network that puts 1e4 on the wrong letter pays 1e4, not infinity; on the right one 0."""
    rows = torch.zeros(3, 4, dtype=torch.float64, device=device)
    rows[0, 2], rows[1, 1], rows[2, 3] = 1e4, 1e4, -1e4
    check_cross_entropy(student, rows, torch.tensor([0, 1, 3], device=device))


# ------------------------------------------------------------------------------- training


def batches(m, N, size, n, seeds):
    """n minibatches for each seed, while torch's own chance differs: shapes, dtypes, numbers."""
    import torch

    numbers, kinds = [], set()
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        g = torch.Generator().manual_seed(seed)
        drawn = [m.minibatch(N, size, g) for _ in range(n)]
        kinds |= {(tuple(ix.shape), str(ix.dtype).removeprefix("torch.")) for ix in drawn}
        numbers.append([i for ix in drawn for i in ix.tolist()])
    return {"kinds": sorted([list(kind) for kind in kinds]), "numbers": numbers}


@task("minibatch")
def test_each_example_is_as_likely(student):
    """300 minibatches of 5 of 7 examples: each of 0 to 6 comes up about as often, no other."""
    answer = student.run(batches, 7, 5, 300, [5])
    close(answer["kinds"], [[[5], "int64"]])
    numbers = answer["numbers"][0]
    counts = [float(numbers.count(i)) for i in range(7)]
    close(counts, [1500 / 7] * 7, rtol=0, atol=68, reason="five sigma of 1500 draws")
    close(sum(counts), 1500.0)


@task("minibatch")
def test_one_and_all(student):
    """A minibatch of a single example, and one of as many as there are."""
    close(student.run(batches, 7, 1, 3, [1])["kinds"], [[[1], "int64"]])
    close(student.run(batches, 7, 7, 3, [1])["kinds"], [[[7], "int64"]])


@task("minibatch")
def test_the_generator_draws(student):
    """The same generator draws the same batches, another one others; each batch is another."""
    answer = student.run(batches, 97, 6, 3, [1, 1, 2])
    first, second, other = answer["numbers"]
    close(second, first)
    assert other != first, "generators of different seeds draw the same"
    assert first[:6] != first[6:12], "two batches of one generator are the same"
    steps = [(b - a) % 97 for a, b in pairwise(first[:6])]
    assert set(steps) != {1}, "a batch is a run of neighbours"


def trained(m, names, tensors, Xs, Ys, rates):
    """Losses; what the caller's own tensors hold; whether they are leaves that can be trained."""
    params = dict(zip(names, tensors)) if names else list(tensors)
    losses = [m.train_step(params, X, Y, lr) for X, Y, lr in zip(Xs, Ys, rates)]
    held = list(params.values()) if isinstance(params, dict) else params
    return {
        "losses": losses,
        "graphs": [bool(getattr(loss, "requires_grad", False)) for loss in losses],
        "now": [p.detach() for p in tensors],
        "leaves": [p.is_leaf and p.requires_grad for p in tensors],
        "same": [a is b for a, b in zip(held, tensors)],
    }


@task("train_step")
def test_three_steps(student, rng, device):
    """Three steps on three minibatches: each by the gradients of its own batch alone."""
    params, rates = network(rng, device), [0.7, 2.5, 0.5]
    Xs = [some_letters(rng, (7, BLOCK), device) for _ in rates]
    Ys = [some_letters(rng, (7,), device) for _ in rates]
    losses, now = right_steps(params, list(zip(Xs, Ys)), rates)
    answer = student.run(trained, names(student), params, Xs, Ys, rates)
    close([answer["losses"], answer["now"]], [losses, now], **TRAINED)
    close(answer["graphs"], [False] * 3)


@task("train_step")
def test_parameters_stay_what_they_are(student, rng, device):
    """After two steps the list holds the same five tensors: leaves, to be trained further."""
    params = network(rng, device)
    Xs, Ys = [some_letters(rng, (4, BLOCK), device)] * 2, [some_letters(rng, (4,), device)] * 2
    _, now = right_steps(params, list(zip(Xs, Ys)), [0.2, 0.1])
    answer = student.run(trained, names(student), params, Xs, Ys, [0.2, 0.1])
    close([answer["leaves"], answer["same"]], [[True] * 5, [True] * 5])
    close(answer["now"], now, **TRAINED)


@task("train_step")
def test_fifty_steps_learn_a_word(student, device):
    """Fifty steps on the six examples of one word bring the loss below 0.7."""
    # always the same start: the loss arrives at 0.1
    params = network(torch.Generator().manual_seed(5), device, n_hidden=20)
    ids = [0, 0, 0, 5, 2, 9, 7, 2, 0]
    X = torch.tensor([ids[i : i + 3] for i in range(6)], device=device)
    Y = torch.tensor(ids[3:], device=device)
    expected, _ = right_steps(params, [(X, Y)] * 50, [0.5] * 50)
    answer = student.run(trained, names(student), params, [X] * 50, [Y] * 50, [0.5] * 50)
    losses = answer["losses"]
    close(losses, expected, rtol=1e-2, atol=1e-3, reason="rounding grows over fifty steps")
    assert losses[-1] < 0.7, f"the last loss is {losses[-1]}"


def as_numbers(m, arguments):
    """The rates as floats; a rate that is a row itself stays one."""
    rates = m.lr_candidates(*arguments)
    rates = rates.tolist() if hasattr(rates, "tolist") else list(rates)
    return [rate if isinstance(rate, list) else float(rate) for rate in rates]


@task("lr_candidates")
def test_a_thousand_from_a_thousandth_to_one(student):
    """Without arguments: 1000 rates from 0.001 to 1, with one ratio from each to the next."""
    expected = [10 ** (-3 + 3 * i / 999) for i in range(1000)]
    close(student.run(as_numbers, []), expected, **ROUNDED)


@task("lr_candidates")
def test_other_ends(student):
    """Other exponents, between whole numbers too, and other counts: both ends are in."""
    for low, high, n in ((-4, -1, 4), (-2.5, 0.5, 7), (-1, 2, 2)):
        expected = [10 ** (low + (high - low) * i / (n - 1)) for i in range(n)]
        close(student.run(as_numbers, [low, high, n]), expected, **ROUNDED)


def tried(m, names, tensors, X, Y, lrs, batch_size, seeds):
    """Losses for each seed, and what the caller's tensors hold in the end."""
    import torch

    params = dict(zip(names, tensors)) if names else list(tensors)
    losses = []
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        g = torch.Generator().manual_seed(seed)
        losses.append([float(x) for x in m.find_lr(params, X, Y, lrs, batch_size, g)])
    held = list(params.values()) if isinstance(params, dict) else params
    return {
        "losses": losses,
        "now": [p.detach() for p in held],
        "tensors": [p.detach() for p in tensors],
        "leaves": [p.is_leaf and p.requires_grad for p in held],
    }


@task("find_lr")
def test_a_step_for_each_rate(student, rng, device):
    """Five rates, in their order: each loss is that before a step on top of the last ones."""
    params = network(rng, device)
    # equal rows: any minibatch has the same loss
    X = some_letters(rng, (1, BLOCK), device).repeat(7, 1)
    Y = some_letters(rng, (1,), device).repeat(7)
    lrs = torch.tensor([0.3, 0.02, 0.4, 0.1, 0.6], device=device)
    losses, _ = right_steps(params, [(X, Y)] * 5, lrs.tolist())
    answer = student.run(tried, names(student), params, X, Y, lrs, 4, [3])
    close(answer["losses"], [losses], **TRAINED)


@task("find_lr")
def test_the_callers_parameters(student, rng, device):
    """Trying rates is an experiment: the network handed in is as it was, and the list, too."""
    params = network(rng, device)
    X, Y = some_letters(rng, (7, BLOCK), device), some_letters(rng, (7,), device)
    lrs = torch.tensor([0.1, 0.5, 1.0], device=device)
    answer = student.run(tried, names(student), params, X, Y, lrs, 4, [3])
    close([len(losses) for losses in answer["losses"]], [3])
    close([answer["now"], answer["tensors"], answer["leaves"]], [params, params, [True] * 5])


@task("find_lr")
def test_rates_that_ruin_the_network(student, rng, device):
    """Where rates are so large that the loss explodes there is still one loss for each."""
    params = network(rng, device)
    X, Y = some_letters(rng, (60, BLOCK), device), some_letters(rng, (60,), device)
    lrs = torch.tensor([0.1, 0.1, *[1e3] * 6, 0.1, 0.1], device=device)
    losses = student.run(tried, names(student), params, X, Y, lrs, 4, [3])["losses"][0]
    close(len(losses), 10)
    assert max(losses[2:8]) > 50.0, "no loss is large, though rates of 1000 ruin any network"


@task("find_lr")
def test_batches_of_the_asked_size(student, rng, device):
    """Each loss is that of a fresh minibatch of batch_size examples, drawn by the generator."""
    params = network(rng, device)
    # Two kinds of examples: a batch of 4 has 0 to 4 of the second kind, and its loss tells
    # how many. The rates are so small that nothing moves.
    pair = torch.tensor([[1, 2, 3], [4, 5, 6]], device=device)
    kinds = torch.tensor([0, 0, 0, 0, 1, 1, 1], device=device)  # the first batch_size are alike
    X = pair[kinds]
    labels = right_logits(params, pair).argmin(1)[0], right_logits(params, pair).argmax(1)[1]
    Y = torch.stack(labels)[kinds]
    first, second = (right_loss(params, X[i : i + 1], Y[i : i + 1]).item() for i in (0, 6))
    lrs = torch.full((16,), 1e-12, device=device)
    answer = student.run(tried, names(student), params, X, Y, lrs, 4, [3, 3, 4])
    a, again, b = answer["losses"]
    shares = [(loss - first) / (second - first) for loss in a]
    nearest = [round(4 * share) / 4 for share in shares]
    close(shares, nearest, rtol=0.0, atol=1e-3, reason="quarters, after rounding in float32")
    assert set(nearest) - {0.0, 1.0}, "every batch has one kind of examples only"
    assert len(set(nearest)) > 1, "every batch is the same"
    close(again, a)
    assert b != a, "generators of different seeds draw the same batches"


def exponent(rate):
    """log10 of a rate, if it is one."""
    rate = rate.item() if isinstance(rate, torch.Tensor) and rate.dim() == 0 else rate
    return math.log10(rate) if isinstance(rate, float) and 0 < rate < 1e9 else "not a rate"


def valley(rng, device):
    """240 rates and noisy losses: 3.5 on both sides, 2.3 at a bottom that lies anywhere."""
    bottom = -2.0 + torch.rand((), generator=rng).item()
    exponents = torch.linspace(-3, 0, 240, device="cpu")
    noise = 0.1 * torch.rand(240, generator=rng) - 0.05
    losses = 2.3 + (3 * (exponents - bottom).abs()).clamp(max=1.2) + noise
    return bottom, (10**exponents).to(device), losses


def check_suggestion(student, bottom, lrs, losses, window, device):
    answer = student.suggest_lr(lrs, losses.to(device), window)
    close(exponent(answer), bottom, rtol=0.0, atol=0.3, reason="a factor of two to either side")


@task("suggest_lr")
def test_the_bottom_of_a_valley(student, rng, device):
    """Noisy losses with a valley: the suggestion is within a factor of two of its bottom."""
    bottom, lrs, losses = valley(rng, device)
    check_suggestion(student, bottom, lrs, losses, 11, device)
    check_suggestion(student, bottom, lrs, losses, 8, device)


@task("suggest_lr")
def test_a_lucky_minibatch_does_not_win(student, rng, device):
    """One single low loss far from the valley changes nothing."""
    bottom, lrs, losses = valley(rng, device)
    losses[225] = 0.5
    check_suggestion(student, bottom, lrs, losses, 11, device)


@task("suggest_lr")
def test_a_lucky_minibatch_at_the_end(student, rng, device):
    """A low loss at the very end counts once, like any other."""
    bottom, lrs, losses = valley(rng, device)
    losses[239] = 0.0
    check_suggestion(student, bottom, lrs, losses, 11, device)


@task("suggest_lr")
def test_as_many_neighbours_as_asked(student, device):
    """A narrow, deep dip wins with a window of 3, a wide, shallow one with a window of 61."""
    exponents = torch.linspace(-3, 0, 240, device="cpu")
    losses = torch.full((240,), 3.0, device="cpu")
    losses[40:43], losses[130:191] = 0.5, 2.2 + 0.001 * (torch.arange(61.0) - 30).abs()
    lrs, losses = (10**exponents).to(device), losses.to(device)
    narrow = exponent(student.suggest_lr(lrs, losses, 3))
    close(narrow, exponents[41].item(), rtol=0.0, atol=0.1, reason="the dip and its neighbours")
    # the wide one's middle is 160: means over those before have their minimum at its end, 190
    wide = exponent(student.suggest_lr(lrs, losses, 61))
    close(wide, exponents[175].item(), rtol=0.0, atol=0.3, reason="its middle or its end")


@task("suggest_lr")
def test_few_rates(student, device):
    """With a window of 1 the smallest loss decides, wherever it is; six rates have room for 5."""
    lrs = 10 ** torch.linspace(-3, 0, 6, device=device)
    for place in (0, 2, 5):
        losses = torch.full((6,), 3.0, device=device)
        losses[place] = 2.0
        answer = exponent(student.suggest_lr(lrs, losses, 1))
        close(answer, -3 + 0.6 * place, rtol=0.0, atol=1e-3, reason="the rate itself")
    losses = torch.tensor([9.0, 1.0, 1.0, 1.0, 1.0, 1.0], device=device)
    answer = exponent(student.suggest_lr(lrs, losses, 5))
    close(answer, -0.6, rtol=0.0, atol=0.61, reason="the last three rates")
    answer = exponent(student.suggest_lr(lrs, losses.flip(0), 5))
    close(answer, -1.8, rtol=0.0, atol=1.21, reason="all but the last rate")


@task("suggest_lr")
def test_one_rate_that_fails(student, rng, device):
    """An infinite loss and a NaN at small rates spoil the means they are in, and no others."""
    bottom, lrs, losses = valley(rng, device)
    losses[10], losses[25] = math.inf, math.nan
    check_suggestion(student, bottom, lrs, losses, 11, device)


@task("suggest_lr")
def test_rates_that_blow_up(student, rng, device):
    """Where large rates end in infinity and NaN, those don't win."""
    bottom, lrs, losses = valley(rng, device)
    losses[210:222] = math.inf
    losses[222:] = math.nan
    check_suggestion(student, bottom, lrs, losses, 11, device)


@task("lr_at")
def test_the_second_half_begins(student):
    """Of 200,000 steps number 99,999 still has 0.1, and number 100,000 has 0.01."""
    steps = [(0, 2), (1, 2), (4, 10), (5, 10), (99_999, 200_000), (100_000, 200_000), (9, 10)]
    close([student.lr_at(*s) for s in steps], [0.1, 0.01, 0.1, 0.01, 0.1, 0.01, 0.01])


# --------------------------------------------------------------------------- how good is it?


def evaluated(m, names, tensors, X, Y, recording):
    """The loss; whether it has a graph; whether gradients are recorded; parameters, gradients."""
    import torch

    params = dict(zip(names, tensors)) if names else tensors
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(recording)
    loss = m.evaluate(params, X, Y)
    after = torch.is_grad_enabled()
    torch.set_grad_enabled(before)
    graph = bool(getattr(loss, "requires_grad", False))
    wanted = [p.requires_grad for p in tensors]
    return [loss, graph, after, [p.detach() for p in tensors], [p.grad for p in tensors], wanted]


@task("evaluate")
def test_all_examples_count_once(student, rng, device):
    """The loss over 37 examples: PyTorch's, without a graph; no parameter moves or has a grad."""
    params = network(rng, device)
    X, Y = some_letters(rng, (37, BLOCK), device), some_letters(rng, (37,), device)
    expected = [right_loss(params, X, Y).item(), False, True, params, [None] * 5, [True] * 5]
    close(student.run(evaluated, names(student), params, X, Y, True), expected, **ROUNDED)


@task("evaluate")
def test_six_thousand_examples(student, rng, device):
    """The last seven of 6,007 examples, the hardest, count as much as any others."""
    params, X = network(rng, device), some_letters(rng, (6007, BLOCK), device)
    Y = right_logits(params, X).argmax(1)
    Y[-7:] = right_logits(params, X[-7:]).argmin(1)
    expected = [right_loss(params, X, Y).item(), False, True]
    answer = student.run(evaluated, names(student), params, X, Y, True)
    close(answer[:3], expected, rtol=1e-4, atol=1e-5, reason="a float32 sum of 6,007 losses")


@task("evaluate")
def test_recording_is_as_before(student, rng, device):
    """Called where no gradients are recorded it leaves that as it is."""
    params = network(rng, device)
    X, Y = some_letters(rng, (5, BLOCK), device), some_letters(rng, (5,), device)
    expected = [right_loss(params, X, Y).item(), False, False, params, [None] * 5, [True] * 5]
    close(student.run(evaluated, names(student), params, X, Y, False), expected, **ROUNDED)


@task("perplexity")
def test_e_to_the_loss(student, rng):
    """Some losses between 0.5 and 4, and the lecture's 2.17: about 8.76 letters."""
    losses = [2.17, 6.0, *(0.5 + 3.5 * torch.rand(3, generator=rng, dtype=torch.float64)).tolist()]
    close([student.perplexity(x) for x in losses], [math.exp(x) for x in losses], **ROUNDED)


def dead(m, arguments):
    share, dead = m.dead_neurons(*arguments)
    dead = dead.tolist() if hasattr(dead, "tolist") else dead
    return [[float(x) for x in share], dead, arguments[0]]


@task("dead_neurons")
def test_nearly_dead(student, device):
    """Far out for 299 of 300 examples isn't dead: something is learnt from the last."""
    h = torch.full((300, 2), -0.995, device=device)
    h[123, 0] = 0.9875
    close(student.run(dead, [h]), [[299 / 300, 1.0], [False, True], h], **ROUNDED)


@task("dead_neurons")
def test_shares_and_the_dead(student, rng, device):
    """Seven examples, five neurons: far out on either side counts, and dead is far out always."""
    h = 0.9 * (2 * torch.rand((7, 5), generator=rng) - 1)
    h[:, 1] = torch.tensor([0.995, -0.999, 1.0, 0.993, -1.0, -0.992, 0.998])
    h[:, 3] = -0.997
    h[:6, 4] = torch.tensor([0.991, -0.996, -1.0, 0.999, 1.0, -0.994])
    h[0, 0], h[6, 2] = -1.0, 0.995
    h = h.to(device)
    expected = [[1 / 7, 1.0, 1 / 7, 1.0, 6 / 7], [False, True, False, True, False], h]
    close(student.run(dead, [h]), expected, **ROUNDED)


@task("dead_neurons")
def test_another_limit(student, device):
    """With a limit of 0.5 exactly 0.5 isn't beyond it."""
    h = [[0.5, 0.75, -0.5], [0.5, -0.625, -0.75], [0.25, 0.875, -0.875], [-0.5, -0.75, 0.625]]
    h = torch.tensor(h, device=device)
    close(student.run(dead, [h, 0.5]), [[0.0, 1.0, 0.75], [False, True, False], h])


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


def say(m, names, tensors, itos, block, max_len, seeds, n):
    """n words from one generator for each seed, while torch's own chance differs."""
    import torch

    params = dict(zip(names, tensors)) if names else tensors
    said = []
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        g = torch.Generator().manual_seed(seed)
        said.append([m.sample(params, itos, block, g, max_len) for _ in range(n)])
    return said


# Words are drawn where the generator is, on the CPU: so these networks are there, too.


@task("sample")
def test_a_network_that_knows_a_word(student):
    """It is sure of every letter, given the three before: "katkaz", and then the end."""
    with torch.device("cpu"):
        params = knows([[1, 2, 3, 1, 2, 4]], 3)
    answer = student.run(say, names(student), params, LETTERS, 3, 20, [1], 3)
    close(answer, [["katkaz"] * 3])


@task("sample")
def test_contexts_of_other_sizes(student):
    """Two letters of context, then five: the oldest letter leaves on the left."""
    with torch.device("cpu"):
        two, five = knows([[1, 2, 2, 3]], 2), knows([[4, 2, 3, 2, 4, 2, 3, 1, 1]], 5)
    close(student.run(say, names(student), two, LETTERS, 2, 20, [1], 1), [["kaat"]])
    close(student.run(say, names(student), five, LETTERS, 5, 20, [1], 1), [["zatazatkk"]])


@task("sample")
def test_where_a_word_ends(student):
    """At "." at once: the word is empty. Never at "." by itself: after max_len letters."""
    with torch.device("cpu"):
        silent, endless = knows([[]], 3), knows([[2]], 3)
        endless[3] = torch.zeros_like(endless[3])
        endless[4] = torch.tensor([-90.0, 0.0, 60.0, 0.0, 0.0])
    close(student.run(say, names(student), silent, LETTERS, 3, 9, [1], 1), [[""]])
    close(student.run(say, names(student), endless, LETTERS, 3, 7, [1], 1), [["aaaaaaa"]])
    close(student.run(say, names(student), endless, LETTERS, 3, 0, [1], 1), [[""]])
    close(student.run(say, names(student), endless, LETTERS, 3, 40, [1], 1), [["a" * 40]])


@task("sample")
def test_letters_are_drawn(student):
    """Of 200 letters, "k" with 0.8 and "t" with 0.2, about 160 are "k"; the generator decides."""
    with torch.device("cpu"):
        params = knows([[1]], 3)
        params[3] = torch.zeros_like(params[3])
        params[4] = torch.log(torch.tensor([1e-9, 0.8, 1e-9, 0.2, 1e-9]))
    kept = names(student)
    said = student.run(say, kept, params, LETTERS, 3, 1, [1], 200)
    count = float(said[0].count("k"))
    close(count, 160.0, rtol=0.0, atol=29.0, reason="five sigma of 200 draws")
    answer = student.run(say, kept, params, LETTERS, 3, 1, [1, 1, 2], 40)
    close(answer[1], answer[0])
    assert answer[2] != answer[0], "generators of different seeds say the same"


@task("sample")
def test_each_letter_is_drawn(student):
    """100 words of 20 letters, with 0.6, 0.2, 0.15 and 0.05: each letter as often as it should."""
    with torch.device("cpu"):
        params, shares = knows([[1]], 3), torch.tensor([1e-12, 0.6, 0.2, 0.15, 0.05])
        params[3], params[4] = torch.zeros_like(params[3]), torch.log(shares)
    text = "".join(student.run(say, names(student), params, LETTERS, 3, 20, [1], 100)[0])
    for letter, share in zip("kat", (0.6, 0.2, 0.15)):
        five_sigma = 5 * (2000 * share * (1 - share)) ** 0.5
        count = float(text.count(letter))
        close(count, 2000 * share, rtol=0.0, atol=five_sigma, reason="five sigma of 2000 draws")
    close(float(text.count("z")), 100.0, rtol=0.0, atol=49.0, reason="five sigma of 2000 draws")
    close(len(text), 2000)


@task("capacity")
def test_other_networks(student):
    """Networks of other sizes, even a single letter, dimension and neuron."""
    sizes = [(65, 6, 8, 31), (7, 5, 4, 3), (1, 1, 1, 1), (2, 3, 5, 11)]
    expected = [v * e + b * e * h + h + h * v + v for v, e, b, h in sizes]
    close([student.capacity(*s) for s in sizes], expected)
