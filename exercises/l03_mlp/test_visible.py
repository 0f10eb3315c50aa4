"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

A probe is a function that runs beside your code: `m` is your mlp.py. Only its result, plain
data, comes back here. Lists and tuples stand for each other, and so do numbers and 0-d tensors.
"""

import math

import torch

from autograder.suite import close, task

F = torch.nn.functional

FIVE = ["emma", "olivia", "ava", "isabella", "sophia"]
STOI = {".": 0, "a": 1, "b": 2, "e": 3, "h": 4, "i": 5, "l": 6, "m": 7, "o": 8, "p": 9}
STOI |= {"s": 10, "v": 11}
ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}
TRAINED = {"rtol": 1e-4, "atol": 1e-5, "reason": "gradients of many operations in float32"}


def some(shape, seed, device):
    """Numbers around 0, the same each time."""
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return (0.7 * numbers).to(device)


def network(seed, device):
    """Parameters for 11 letters as points in 2 dimensions, a context of 3, 5 hidden neurons."""
    shapes = [(11, 2), (6, 5), (5,), (5, 11), (11,)]
    return [some(s, seed + i, device).requires_grad_() for i, s in enumerate(shapes)]


def some_letters(shape, seed, device):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, 11, shape, generator=g).to(device)


def right_logits(params, X):
    C, W1, b1, W2, b2 = params
    return F.linear(torch.tanh(F.linear(F.embedding(X, C).flatten(1), W1.T, b1)), W2.T, b2)


def right_step(params, X, Y, lr):
    """Loss, and the parameters after one step."""
    loss = F.cross_entropy(right_logits(params, X), Y)
    gradients = torch.autograd.grad(loss, params)
    after = [(p - lr * g).detach().requires_grad_() for p, g in zip(params, gradients)]
    return loss.item(), after


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


def vocabulary(m, words):
    stoi, itos = m.build_vocab(words)
    return [dict(stoi), [itos[i] for i in range(len(itos))]]


@task("build_vocab")
def test_letters_of_three_words(student):
    """The letters of "cab", "abba" and "dad" are a, b, c, d: 1 to 4, and "." is 0."""
    stoi = {".": 0, "a": 1, "b": 2, "c": 3, "d": 4}
    close(student.run(vocabulary, ["cab", "abba", "dad"]), [stoi, [".", "a", "b", "c", "d"]])


def first_examples(m, words, stoi, n):
    X, Y = m.build_dataset(words, stoi)
    return [X.shape, Y.shape, str(X.dtype), str(Y.dtype), X[:n].tolist(), Y[:n].tolist()]


@task("build_dataset")
def test_the_first_five_names(student):
    """Five names give 32 examples; the first is "..." → e, the fifth "mma" → "."."""
    X = [[0, 0, 0], [0, 0, 3], [0, 3, 7], [3, 7, 7], [7, 7, 1]]
    expected = [[32, 3], [32], "torch.int64", "torch.int64", X, [3, 7, 7, 1, 0]]
    close(student.run(first_examples, FIVE, STOI, 5), expected)


def sizes_and_all(m, words):
    parts = m.split_words(words)
    return [[len(part) for part in parts], sorted(str(word) for part in parts for word in part)]


@task("split_words")
def test_eight_one_one(student):
    """Ten words become 8, 1 and 1, and none is lost."""
    words = [*FIVE, "mia", "amelia", "zoe", "ann", "bo"]
    close(student.run(sizes_and_all, words), [[8, 1, 1], sorted(words)])


# ---------------------------------------------------------------------------- the network


@task("embed")
def test_rows_of_the_table(student, device):
    """Each letter becomes its row of C: (4, 3) letters give (4, 3, 2) numbers."""
    C, X = some((11, 2), 1, device), some_letters((4, 3), 2, device)
    close(student.embed(C, X), F.embedding(X, C))


@task("concat")
def test_side_by_side(student, device):
    """The three points of an example stand side by side, the oldest letter's first."""
    emb = some((4, 3, 2), 3, device)
    close(student.concat(emb), torch.cat(torch.unbind(emb, 1), 1))


def concat_and_look(m, emb):
    out = m.concat(emb)
    emb += 1.0
    return [m.concat(emb), bool(out.flatten()[0] == emb.flatten()[0])]


@task("concat")
def test_whatever_the_storage(student, device, tell):
    """Called again after emb has changed it sees that; a copy is told of, and costs no point."""
    emb = some((4, 3, 2), 4, device)
    again, shared = student.run(concat_and_look, emb)
    close(again, (emb + 1.0).reshape(4, 6))
    if not shared:
        tell("concat is right, but it copies: flatten, view and reshape look at the same memory")


@task("describe_view")
def test_views_of_a_table(student):
    """A (3, 4) table can be one row, its transpose can't, nor can its first two columns."""
    cases = [((3, 4), (4, 1)), ((4, 3), (1, 4)), ((3, 2), (4, 1))]
    close([student.describe_view(*case) for case in cases], [True, False, False])


def shapes_and_count(m, sizes):
    import torch

    params = m.init_params(*sizes, torch.Generator().manual_seed(2147483647))
    params = list(params.values()) if isinstance(params, dict) else list(params)
    return [[p.shape for p in params], sum(p.numel() for p in params)]


@task("init_params")
def test_the_lectures_first_network(student):
    """27 letters in 2 dimensions, 3 of them, 100 hidden neurons: 3,481 parameters."""
    shapes = [(27, 2), (6, 100), (100,), (100, 27), (27,)]
    close(student.run(shapes_and_count, [27, 2, 3, 100]), [shapes, 3481])


def logits(m, names, tensors, X):
    params = dict(zip(names, tensors)) if names else tensors
    return m.forward(params, X)


@task("forward")
def test_logits(student, device):
    """Four examples, eleven letters: the logits are PyTorch's."""
    params, X = network(10, device), some_letters((4, 3), 5, device)
    close(student.run(logits, names(student), params, X), right_logits(params, X), **ROUNDED)


@task("cross_entropy")
def test_equal_logits(student, device):
    """Whoever knows nothing has the loss log 27 = 3.2958, whatever the labels are."""
    Y = torch.tensor([0, 5, 13, 26], device=device)
    flat = torch.full((4, 27), 2.5, dtype=torch.float64, device=device)
    close(student.cross_entropy(flat, Y), math.log(27))


@task("cross_entropy")
def test_the_mean_over_examples(student, device):
    """For five examples of eleven letters the loss is PyTorch's."""
    rows, Y = some((5, 11), 6, device).double(), some_letters((5,), 7, device)
    close(student.cross_entropy(rows, Y), F.cross_entropy(rows, Y))


# ------------------------------------------------------------------------------- training


def drawn(m, N, size):
    import torch

    ix = m.minibatch(N, size, torch.Generator().manual_seed(1))
    return [len(ix), str(ix.dtype).removeprefix("torch."), [i for i in ix.tolist() if i >= N]]


@task("minibatch")
def test_four_of_nine(student):
    """Four whole numbers, none above 8."""
    close(student.run(drawn, 9, 4), [4, "int64", []])


def stepped(m, names, tensors, X, Y, lr):
    params = dict(zip(names, tensors)) if names else tensors
    loss = m.train_step(params, X, Y, lr)
    return [loss, [p.detach() for p in tensors]]


@task("train_step")
def test_a_step(student, device):
    """One step at 0.5: the loss before it, and all five parameters after it, are PyTorch's."""
    params = network(20, device)
    X, Y = some_letters((4, 3), 8, device), some_letters((4,), 9, device)
    expected = right_step(params, X, Y, 0.5)
    close(student.run(stepped, names(student), params, X, Y, 0.5), expected, **TRAINED)


def as_numbers(m, low, high, n):
    return [float(rate) for rate in m.lr_candidates(low, high, n)]


@task("lr_candidates")
def test_three_decades(student):
    """Seven rates from 0.001 to 1: each about 3.16 times the one before."""
    expected = [0.001, 0.00316227766, 0.01, 0.0316227766, 0.1, 0.316227766, 1.0]
    close(student.run(as_numbers, -3, 0, 7), expected, **ROUNDED)


def found(m, names, tensors, X, Y, lrs):
    import torch

    params = dict(zip(names, tensors)) if names else tensors
    losses = m.find_lr(params, X, Y, lrs, 4, torch.Generator().manual_seed(1))
    return [[float(loss) for loss in losses], [p.detach() for p in tensors]]


@task("find_lr")
def test_three_rates(student, device):
    """Three rates, three steps, three losses; the caller's parameters are as they were."""
    params = network(30, device)
    X = some_letters((1, 3), 11, device).repeat(6, 1)  # equal rows: any minibatch will do
    Y = some_letters((1,), 12, device).repeat(6)
    lrs = torch.tensor([0.05, 0.5, 0.2], device=device)
    losses, now = [], params
    for lr in lrs.tolist():
        loss, now = right_step(now, X, Y, lr)
        losses.append(loss)
    close(student.run(found, names(student), params, X, Y, lrs), [losses, params], **TRAINED)


def exponent(rate):
    """log10 of a rate, if it is one."""
    rate = rate.item() if isinstance(rate, torch.Tensor) and rate.dim() == 0 else rate
    return math.log10(rate) if isinstance(rate, float) and 0 < rate < 1e9 else "not a rate"


@task("suggest_lr")
def test_a_valley(student, device):
    """The losses fall to a valley at 0.1 and rise again: the suggestion lies in it."""
    exponents = torch.linspace(-3, 0, 200, device=device)
    losses = 2.3 + (3 * (exponents + 1).abs()).clamp(max=1.2)
    answer = student.suggest_lr(10**exponents, losses, 9)
    close(exponent(answer), -1.0, rtol=0.0, atol=0.3, reason="a factor of two to either side")


@task("lr_at")
def test_two_rates(student):
    """0.1 at the beginning, 0.01 at the end."""
    close([student.lr_at(0, 100), student.lr_at(99, 100)], [0.1, 0.01])


# --------------------------------------------------------------------------- how good is it?


def evaluated(m, names, tensors, X, Y):
    params = dict(zip(names, tensors)) if names else tensors
    return m.evaluate(params, X, Y)


@task("evaluate")
def test_the_loss_over_all(student, device):
    """The loss over nine examples is PyTorch's."""
    params = network(40, device)
    X, Y = some_letters((9, 3), 13, device), some_letters((9,), 14, device)
    expected = F.cross_entropy(right_logits(params, X), Y).item()
    close(student.run(evaluated, names(student), params, X, Y), expected, **ROUNDED)


@task("perplexity")
def test_as_good_as_a_guess(student):
    """The loss log 27 is a guess among 27 letters; the loss 0 leaves no choice."""
    close([student.perplexity(math.log(27)), student.perplexity(0.0)], [27.0, 1.0], **ROUNDED)


def dead(m, h):
    share, dead = m.dead_neurons(h)
    return [[float(x) for x in share], dead.tolist() if hasattr(dead, "tolist") else dead]


@task("dead_neurons")
def test_three_neurons(student, device):
    """Far out always, sometimes, never: shares 1, 0.5 and 0, and only the first is dead."""
    h = [[1.0, 0.1, -0.5], [-0.995, 1.0, 0.3], [0.999, -1.0, 0.2], [-1.0, -0.8, 0.98]]
    answer = student.run(dead, torch.tensor(h, device=device))
    close(answer, [[1.0, 0.5, 0.0], [True, False, False]])


def sure_of_three(m, names, tensors, itos, n):
    import torch

    params = dict(zip(names, tensors)) if names else tensors
    return m.sample(params, itos, 2, torch.Generator().manual_seed(1), n)


@task("sample")
def test_a_network_that_knows_one_letter(student):
    """A network that is sure of "o" says "ooo" where three letters are allowed."""
    # drawn where the generator is, on the CPU; only the last bias says anything
    params = [some(s, 50, "cpu") for s in [(4, 3), (6, 5), (5,)]]
    params += [torch.zeros(5, 4, device="cpu"), torch.tensor([0.0, 0.0, 80.0, 0.0], device="cpu")]
    itos = {0: ".", 1: "n", 2: "o", 3: "p"}
    close(student.run(sure_of_three, names(student), params, itos, 3), "ooo")


@task("capacity")
def test_both_networks_of_the_lecture(student):
    """3,481 with 2 dimensions and 100 neurons, 11,897 with 10 and 200."""
    close([student.capacity(27, 2, 3, 100), student.capacity(27, 10, 3, 200)], [3481, 11897])
