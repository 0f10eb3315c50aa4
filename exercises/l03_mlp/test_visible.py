"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

`student.embed(…)` calls your function. `student.run(probe, …)` runs a function of probes.py
beside your code, and its result comes back here. Lists and tuples stand for each other, and so
do numbers and 0-d tensors.
"""

import math

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
    concat_twice,
    dead,
    evaluated,
    logits,
    minibatches,
    networks,
    rates,
    splits,
    trained,
    tried,
    vocabulary,
    written,
)

from autograder.suite import close, task

F = torch.nn.functional

FIVE = ["emma", "olivia", "ava", "isabella", "sophia"]
STOI = {".": 0, "a": 1, "b": 2, "e": 3, "h": 4, "i": 5, "l": 6, "m": 7, "o": 8, "p": 9}
STOI |= {"s": 10, "v": 11}

# ------------------------------------------------------------------------------- the data


@task("build_vocab")
def test_letters_of_three_words(student):
    """The letters of "cab", "abba" and "dad" are a, b, c, d: 1 to 4, and "." is 0."""
    stoi = {".": 0, "a": 1, "b": 2, "c": 3, "d": 4}
    close(student.run(vocabulary, ["cab", "abba", "dad"]), [stoi, [".", "a", "b", "c", "d"]])


@task("build_dataset")
def test_the_first_five_names(student):
    """Five names give 32 examples; the first is "..." → e, the fifth "mma" → "."."""
    X, Y = student.build_dataset(FIVE, STOI)
    rows = torch.tensor([[0, 0, 0], [0, 0, 3], [0, 3, 7], [3, 7, 7], [7, 7, 1]])
    close([X.shape, Y.shape], [[32, 3], [32]])
    close([X[:5], Y[:5]], [rows, torch.tensor([3, 7, 7, 1, 0])])


@task("split_words")
def test_eight_one_one(student):
    """Ten words become 8, 1 and 1, and none is lost."""
    words = [*FIVE, "mia", "amelia", "zoe", "ann", "bo"]
    (parts,) = student.run(splits, words, [None])
    all_of_them = sorted(word for part in parts for word in part)
    close([[len(part) for part in parts], all_of_them], [[8, 1, 1], sorted(words)])


# ---------------------------------------------------------------------------- the network


@task("embed")
def test_rows_of_the_table(student, rng):
    """Each letter becomes its row of C: (4, 3) letters give (4, 3, 2) numbers."""
    C, X = rng.normal(V, E), rng.integers(0, V, 4, BLOCK)
    close(student.embed(C, X), F.embedding(X, C))


@task("concat")
def test_side_by_side(student, rng):
    """The three points of an example stand side by side, the oldest letter's first."""
    emb = rng.normal(4, BLOCK, E)
    close(student.concat(emb), torch.cat(torch.unbind(emb, 1), 1))


@task("concat")
def test_whatever_the_storage(student, rng, tell):
    """Called again after emb has changed it sees that; a copy is told of, and costs no point."""
    emb = rng.normal(4, BLOCK, E)
    again, shared = student.run(concat_twice, emb)
    close(again, (emb + 1.0).reshape(4, 6))
    if not shared:
        tell("concat is right, but it copies: flatten, view and reshape look at the same memory")


@task("describe_view")
def test_views_of_a_table(student):
    """A (3, 4) table can be one row, its transpose can't, nor can its first two columns."""
    cases = [((3, 4), (4, 1)), ((4, 3), (1, 4)), ((3, 2), (4, 1))]
    close([student.describe_view(*case) for case in cases], [True, False, False])


@task("init_params")
def test_the_lectures_first_network(student):
    """27 letters in 2 dimensions, 3 of them, 100 hidden neurons: 3,481 parameters."""
    (params,) = student.run(networks, [27, 2, 3, 100], [2147483647])
    close([p.shape for p in params], [(27, 2), (6, 100), (100,), (100, 27), (27,)])
    close(sum(p.numel() for p in params), 3481)


@task("forward")
def test_logits(student, rng):
    """Four examples, eleven letters: the logits are PyTorch's."""
    params, (X, _) = network(rng), examples(rng, 4)
    close(student.run(logits, params, X), right_logits(params, X), ROUNDED)


@task("cross_entropy")
def test_equal_logits(student, device):
    """Whoever knows nothing has the loss log 27 = 3.2958, whatever the labels are."""
    Y = torch.tensor([0, 5, 13, 26], device=device)
    flat = torch.full((4, 27), 2.5, dtype=torch.float64, device=device)
    close(student.cross_entropy(flat, Y), math.log(27))


@task("cross_entropy")
def test_the_mean_over_examples(student, rng):
    """For five examples of eleven letters the loss is PyTorch's."""
    rows, Y = rng.normal(5, V, dtype=torch.float64), rng.integers(0, V, 5)
    close(student.cross_entropy(rows, Y), F.cross_entropy(rows, Y))


# ------------------------------------------------------------------------------- training


@task("minibatch")
def test_four_of_nine(student):
    """Four whole numbers, none above 8."""
    ((ix,),) = student.run(minibatches, 9, 4, 1, [1])
    close([ix.shape, ix.dtype, ix[ix > 8].tolist()], [[4], torch.int64, []])


@task("train_step")
def test_a_step(student, rng):
    """One step at 0.5: the loss before it, and all five parameters after it, are PyTorch's."""
    params, batch = network(rng), examples(rng, 4)
    answer = student.run(trained, params, [batch], [0.5])
    close([answer["losses"], answer["held"]], right_steps(params, [batch], [0.5]), TRAINED)


@task("lr_candidates")
def test_three_decades(student):
    """Seven rates from 0.001 to 1: each about 3.16 times the one before."""
    expected = [0.001, 0.00316227766, 0.01, 0.0316227766, 0.1, 0.316227766, 1.0]
    close(student.run(rates, -3, 0, 7), expected, ROUNDED)


@task("find_lr")
def test_three_rates(student, rng, device):
    """Three rates, three steps, three losses; the caller's parameters are as they were."""
    params, (X, Y) = network(rng), examples(rng, 1)
    X, Y = X.repeat(6, 1), Y.repeat(6)  # equal rows: any minibatch will do
    lrs = torch.tensor([0.05, 0.5, 0.2], device=device)
    losses, _ = right_steps(params, [(X, Y)] * 3, lrs.tolist())
    answer = student.run(tried, params, X, Y, lrs, 4, [1])
    close([answer["losses"], answer["held"]], [[losses], params], TRAINED)


@task("suggest_lr")
def test_a_valley(student, device):
    """The losses fall to a valley at 0.1 and rise again: the suggestion lies in it."""
    exponents = torch.linspace(-3, 0, 200, device=device)
    losses = 2.3 + (3 * (exponents + 1).abs()).clamp(max=1.2)
    close(exponent(student.suggest_lr(10**exponents, losses, 9)), -1.0, FACTOR_OF_TWO)


@task("lr_at")
def test_two_rates(student):
    """0.1 at the beginning, 0.01 at the end."""
    close([student.lr_at(0, 100), student.lr_at(99, 100)], [0.1, 0.01])


# --------------------------------------------------------------------------- how good is it?


@task("evaluate")
def test_the_loss_over_all(student, rng):
    """The loss over nine examples is PyTorch's."""
    params, batch = network(rng), examples(rng, 9)
    close(student.run(evaluated, params, *batch)[0], right_loss(params, *batch).item(), ROUNDED)


@task("perplexity")
def test_as_good_as_a_guess(student):
    """The loss log 27 is a guess among 27 letters; the loss 0 leaves no choice."""
    close([student.perplexity(math.log(27)), student.perplexity(0.0)], [27.0, 1.0], ROUNDED)


@task("dead_neurons")
def test_three_neurons(student, device):
    """Far out always, sometimes, never: shares 1, 0.5 and 0, and only the first is dead."""
    h = [[1.0, 0.1, -0.5], [-0.995, 1.0, 0.3], [0.999, -1.0, 0.2], [-1.0, -0.8, 0.98]]
    answer = student.run(dead, torch.tensor(h, device=device))
    close(answer, [[1.0, 0.5, 0.0], [True, False, False]])


@task("sample")
def test_a_network_that_knows_one_letter(student, rng):
    """A network that is sure of "o" says "ooo" where three letters are allowed."""
    # drawn where the generator is, on the CPU; only the last bias says anything
    params = [p.detach().cpu() for p in network(rng, vocab=4, n_embd=3, block=2)]
    params[3:] = [torch.zeros(5, 4), torch.tensor([0.0, 0.0, 80.0, 0.0])]
    itos = {0: ".", 1: "n", 2: "o", 3: "p"}
    close(student.run(written, params, itos, 2, 3, [1], 1), [["ooo"]])


@task("capacity")
def test_both_networks_of_the_lecture(student):
    """3,481 with 2 dimensions and 100 neurons, 11,897 with 10 and 200."""
    close([student.capacity(27, 2, 3, 100), student.capacity(27, 10, 3, 200)], [3481, 11897])
