"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

`student.f(…)` calls your f; `student.run(probe, …)` runs a function of probes.py beside your
code. What is right for your classes, with the same weights, is in oracles.py.
"""

import math

import torch
from oracles import (
    GPT,
    ROUNDED,
    TENTH,
    Layer,
    check_training,
    random_layer,
    right_estimate,
    right_text,
    survivors,
    the_past,
)
from probes import (
    V,
    arrows,
    batches,
    dropped,
    estimated,
    masks,
    normed,
    variances,
    words_and_back,
    written,
)
from torch import float64

from autograder.suite import close, each, task, within

F = torch.nn.functional

TEXT = "to be, or not to be, that is the question"


# ------------------------------------------------------------------------------- the data


@task("char_tokenizer")
def test_characters_of_a_line(student):
    """The line has 16 characters; " " is 0, "," is 1, "a" is 2; decode brings the words back."""
    words = ["a, b", "that", TEXT]
    order = sorted(set(TEXT))
    numbers = [[order.index(ch) for ch in word] for word in words]
    close(student.run(words_and_back, TEXT, words), [numbers, words, len(order)])


@task("train_val_split")
def test_nine_tenths(student, device):
    """Of 21 numbers the first 18 are for training, the last 3 are not."""
    data = torch.arange(40, 61, device=device)
    close(student.train_val_split(data), [data[:18], data[18:]])


@task("get_batch")
def test_y_is_one_further(student, device):
    """Of the numbers 100, 101 … each in y is the one after its neighbour in x."""
    data = torch.arange(100, 120, device=device)
    answer = student.run(batches, data, 6, 5, 1)
    starts = answer[0][:, 0] if isinstance(answer, (list, tuple)) else torch.zeros(5)
    x = starts[:, None] + torch.arange(6, device=device)
    close(answer, [x, x + 1])


# ----------------------------------------------------------------- the mean of the past, thrice


@task("average_{way}")
@each(way=("loop", "matmul", "softmax"), by=("two loops", "a matrix product", "a softmax"))
def test_mean_of_the_past(student, rng, way, by):
    """By {by}: position t holds the mean of positions 0 to t, and the first is what it was."""
    x = rng.normal(2, 5, 3, dtype=float64)
    close(getattr(student, f"average_{way}")(x), the_past(x))


# -------------------------------------------------------------------------------- attention


@task("causal_mask")
def test_a_triangle(student):
    """Four positions: the first sees itself alone, the last sees all."""
    rows = [[True] * (i + 1) + [False] * (3 - i) for i in range(4)]
    close(student.run(masks, [4]), [torch.tensor(rows, device="cpu")])


@task("attention_weights")
def test_weights_without_a_mask(student, rng):
    """Three queries and five keys: softmax of q kᵀ / √hs, each row sums to 1."""
    q, k = rng.normal(3, 4, dtype=float64), rng.normal(5, 4, dtype=float64)
    close(student.attention_weights(q, k), F.softmax(q @ k.T / 2.0, -1))


@task("Head")
def test_a_head(student, rng):
    """With the same weights your head says what PyTorch's causal attention says."""
    random_layer(rng, "Head").check(student, rng.normal(2, 7, 12, dtype=float64))


@task("EncoderHead")
def test_an_encoder_s_head(student, rng):
    """With the same weights your head says what PyTorch's attention without a mask says."""
    random_layer(rng, "EncoderHead").check(student, rng.normal(2, 7, 12, dtype=float64))


@task("CrossHead")
def test_a_head_between_two_texts(student, rng):
    """Seven positions ask, five others answer: PyTorch's attention from x to context."""
    head, x = random_layer(rng, "CrossHead"), rng.normal(2, 7, 12, dtype=float64)
    head.check(student, (x, rng.normal(2, 5, 12, dtype=float64)))


@task("scaled_variance")
def test_sixteen_dimensions(student):
    """q·k of 16 unit normal numbers each has the variance 16; after scaling it has 1."""
    close(student.run(variances, 16, 1), [16.0, 1.0], TENTH)


@task("MultiHeadAttention")
def test_three_heads(student, rng):
    """Three heads of 4 side by side, projected: PyTorch's numbers with the same weights."""
    random_layer(rng, "MultiHeadAttention").check(student, rng.normal(2, 7, 12, dtype=float64))


@task("communication_graph")
def test_who_speaks_to_whom(student, device):
    """0 and 2 listen to themselves, 1 listens to 0: three arrows, speakers first."""
    mask = [[True, False, False], [True, False, False], [False, False, True]]
    answer = student.run(arrows, torch.tensor(mask, device=device))
    close(answer, [[0, 0], [0, 1], [2, 2]])


# ------------------------------------------------------------------------------- the block


@task("FeedForward")
def test_a_feed_forward_layer(student, rng):
    """12 to 48 numbers, ReLU, and back to 12: PyTorch's numbers with the same weights."""
    random_layer(rng, "FeedForward").check(student, rng.normal(2, 7, 12, dtype=float64))


@task("LayerNorm1d")
def test_a_new_norm(student, rng):
    """As it begins, gains of 1 and shifts of 0: each position has mean 0 and variance 1."""
    x = rng.normal(2, 7, 12, scale=3.0, dtype=float64)
    first = [torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])]
    close(student.run(normed, x, None, None), [F.layer_norm(x, (12,)), first])


@task("Block")
def test_a_block(student, rng):
    """x + sa(ln1(x)), and on that + ffwd(ln2(…)): PyTorch's numbers with the same weights."""
    random_layer(rng, "Block").check(student, rng.normal(2, 7, 12, dtype=float64))


@task("dropout")
def test_dropped_or_scaled(student, rng):
    """With p = 0.75 each number is gone or four times as large; in evaluation nothing happens."""
    x = 1.0 + rng.normal(9, 11, dtype=float64).abs()
    answer = student.run(dropped, x, 0.75, True, 1)
    kept = survivors(answer, x)
    close(answer, torch.where(kept, 4.0 * x, 0.0))
    close(float(kept.sum()), 24.75, within(0.0, 21.5, "five sigma of 99 draws"))
    close(student.run(dropped, x, 0.75, False, 1), x)


# ----------------------------------------------------------------------------- the models


@task("BigramLanguageModel")
def test_rows_as_logits(student, rng):
    """The logits are rows of the table, the loss is PyTorch's mean cross-entropy."""
    table = rng.normal(V, V, dtype=float64)
    idx, targets = rng.integers(0, V, 2, 2, 7)
    model = Layer("BigramLanguageModel", {"vocab_size": V}, table)
    model.check(student, idx, (idx, targets))


@task("GPTLanguageModel")
def test_logits_and_loss(student, rng):
    """Two blocks, with the same weights: PyTorch's logits and loss."""
    model = random_layer(rng, "GPTLanguageModel")
    idx, targets = rng.integers(0, V, 2, 2, 7)
    model.check(student, idx, (idx, targets))


@task("GPTLanguageModel")
def test_the_first_loss(student, rng):
    """A new model guesses: with 65 characters its loss is about log 65 = 4.17."""
    sizes = {"vocab_size": 65, "n_embd": 48, "n_head": 3, "n_layer": 1, "block_size": 16}
    model = Layer("GPTLanguageModel", {**GPT, **sizes})
    answer = model.ask(student, ["loss", *rng.integers(0, 65, 2, 40, 16)])
    far = within(0.0, 0.55, "logits of variance 1/3 add 0.17, of 1 add 0.5")
    close(answer, {"biases": [], "out": [math.log(65) + 0.25]}, far)


@task("generate")
def test_a_certain_model_writes(student, device):
    """Three tokens, five more: all that the model says at the last position, one by one."""
    idx = torch.tensor([[4, 0, 7], [1, 9, 2]], device=device)
    close(student.run(written, idx, 5, 8, 1), right_text(idx, 5, 8))


# ------------------------------------------------------------------------------- training


@task("estimate_loss")
def test_the_mean_of_four_batches(student, device):
    """Four batches of each part: their mean, in evaluation mode, without a graph."""
    w = torch.tensor(0.37, dtype=float64, device=device)
    close(student.run(estimated, w, 4, True), right_estimate(w, 4, True), ROUNDED)


@task("train")
def test_three_steps(student, rng):
    """Three steps of AdamW on a table: each loss before its step, and the table after them."""
    table, data = rng.normal(V, V, dtype=float64), rng.integers(0, V, 60)
    check_training(student, table, data, 3, (4, 6), 0.1, 1)


@task("count_parameters")
def test_the_lecture_s_model(student):
    """65 characters, 384 wide, 6 heads, 6 blocks, 256 positions: 10,788,929 parameters."""
    close(student.count_parameters(65, 384, 6, 6, 256), 10_788_929)
