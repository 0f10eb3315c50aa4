"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

A probe is a function that runs beside your code: `m` is your gpt.py. Only its result, plain
data, comes back here. The large probe `modules` makes one of your classes, finds its layers by
the names that the README lists, and gives them the weights that PyTorch gets, too.
"""

import math

import torch
from probes import (
    GPT,
    ROUNDED,
    arrows,
    batches,
    estimated,
    for_block,
    for_ffwd,
    for_gpt,
    for_head,
    for_heads,
    judge,
    modules,
    normed,
    right_block,
    right_ffwd,
    right_gpt,
    right_head,
    right_heads,
    right_loss,
    right_text,
    shown,
    some,
    some_tokens,
    trained,
)

from autograder.suite import close, task

F = torch.nn.functional

TEXT = "to be, or not to be, that is the question"


# ------------------------------------------------------------------------------- the data


def there_and_back(m, text, words):
    encode, decode, vocab_size = m.char_tokenizer(text)
    numbers = [[int(i) for i in encode(word)] for word in words]
    return [numbers, [decode(ids) for ids in numbers], int(vocab_size)]


@task("char_tokenizer")
def test_characters_of_a_line(student):
    """The line has 16 characters; " " is 0, "," is 1, "a" is 2; decode brings the words back."""
    words = ["a, b", "that", TEXT]
    order = sorted(set(TEXT))
    numbers = [[order.index(ch) for ch in word] for word in words]
    close(student.run(there_and_back, TEXT, words), [numbers, words, len(order)])


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


def the_past(x):
    """The mean up to each position: a running sum over how many there are."""
    counts = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
    return x.cumsum(1) / counts[:, None]


@task("average_loop")
def test_mean_of_the_past_by_loops(student, device):
    """Position t holds the mean of positions 0 to t: the first is what it was."""
    x = some((2, 5, 3), torch.Generator().manual_seed(1), device)
    close(student.average_loop(x), the_past(x))


@task("average_matmul")
def test_mean_of_the_past_by_a_product(student, device):
    """The same means by a matrix product."""
    x = some((2, 5, 3), torch.Generator().manual_seed(2), device)
    close(student.average_matmul(x), the_past(x))


@task("average_softmax")
def test_mean_of_the_past_by_a_softmax(student, device):
    """The same means by a softmax."""
    x = some((2, 5, 3), torch.Generator().manual_seed(3), device)
    close(student.average_softmax(x), the_past(x))


# -------------------------------------------------------------------------------- attention


def mask_of(m, T):
    return m.causal_mask(T).cpu()


@task("causal_mask")
def test_a_triangle(student):
    """Four positions: the first sees itself alone, the last sees all."""
    rows = [[True] * (i + 1) + [False] * (3 - i) for i in range(4)]
    close(student.run(mask_of, 4), torch.tensor(rows, device="cpu"))


@task("attention_weights")
def test_weights_without_a_mask(student, device):
    """Three queries and five keys: softmax of q kᵀ / √hs, each row sums to 1."""
    g = torch.Generator().manual_seed(4)
    q, k = some((3, 4), g, device), some((5, 4), g, device)
    close(student.attention_weights(q, k), F.softmax(q @ k.T / 2.0, -1))


@task("Head")
def test_a_head(student, device):
    """With the same weights your head says what PyTorch's causal attention says."""
    g = torch.Generator().manual_seed(5)
    w, x = for_head(12, 4, g, device), some((2, 7, 12), g, device)
    args = {"head_size": 4, "n_embd": 12, "block_size": 7, "dropout": 0.0}
    answer = student.run(modules, ["Head"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_head(x, w, has)])


@task("EncoderHead")
def test_an_encoder_s_head(student, device):
    """With the same weights your head says what PyTorch's attention without a mask says."""
    g = torch.Generator().manual_seed(6)
    w, x = for_head(12, 4, g, device), some((2, 7, 12), g, device)
    args = {"head_size": 4, "n_embd": 12, "dropout": 0.0}
    answer = student.run(modules, ["EncoderHead"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_head(x, w, has, causal=False)])


@task("CrossHead")
def test_a_head_between_two_texts(student, device):
    """Seven positions ask, five others answer: PyTorch's attention from x to context."""
    g = torch.Generator().manual_seed(7)
    w, x, context = for_head(12, 4, g, device), some((2, 7, 12), g, device), None
    context = some((2, 5, 12), g, device)
    args = {"head_size": 4, "n_embd": 12, "dropout": 0.0}
    answer = student.run(modules, ["CrossHead"], args, w, x, [["call", x, context]])
    judge(answer, lambda has: [right_head(x, w, has, causal=False, context=context)])


def two_variances(m, head_size, seed):
    import torch

    torch.manual_seed(1337)
    return [float(v) for v in m.scaled_variance(head_size, torch.Generator().manual_seed(seed))]


@task("scaled_variance")
def test_sixteen_dimensions(student):
    """q·k of 16 unit normal numbers each has the variance 16; after scaling it has 1."""
    tenth = {"rtol": 0.1, "atol": 0.0, "reason": "it may be measured"}
    close(student.run(two_variances, 16, 1), [16.0, 1.0], **tenth)


@task("MultiHeadAttention")
def test_three_heads(student, device):
    """Three heads of 4 side by side, projected: PyTorch's numbers with the same weights."""
    g = torch.Generator().manual_seed(8)
    w, x = for_heads(12, 3, g, device), some((2, 7, 12), g, device)
    args = {"num_heads": 3, "head_size": 4, "n_embd": 12, "block_size": 7, "dropout": 0.0}
    answer = student.run(modules, ["MultiHeadAttention"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_heads(x, w, has)])


@task("communication_graph")
def test_who_speaks_to_whom(student, device):
    """0 and 2 listen to themselves, 1 listens to 0: three arrows, speakers first."""
    mask = [[True, False, False], [True, False, False], [False, False, True]]
    answer = student.run(arrows, torch.tensor(mask, device=device))
    close(answer, [[0, 0], [0, 1], [2, 2]])


# ------------------------------------------------------------------------------- the block


@task("FeedForward")
def test_a_feed_forward_layer(student, device):
    """12 to 48 numbers, ReLU, and back to 12: PyTorch's numbers with the same weights."""
    g = torch.Generator().manual_seed(9)
    w, x = for_ffwd(12, g, device), some((2, 7, 12), g, device)
    args = {"n_embd": 12, "dropout": 0.0}
    answer = student.run(modules, ["FeedFoward", "FeedForward"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_ffwd(x, w, has)])


@task("LayerNorm1d")
def test_a_new_norm(student, device):
    """As it begins, gains of 1 and shifts of 0: each position has mean 0 and variance 1."""
    x = some((2, 7, 12), torch.Generator().manual_seed(10), device, 3.0)
    first = [torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])]
    answer = student.run(normed, x, None, None, None)
    close(answer, [F.layer_norm(x, (12,)), first])


@task("Block")
def test_a_block(student, device):
    """x + sa(ln1(x)), and on that + ffwd(ln2(…)): PyTorch's numbers with the same weights."""
    g = torch.Generator().manual_seed(11)
    w, x = for_block(12, 3, g, device), some((2, 7, 12), g, device)
    args = {"n_embd": 12, "n_head": 3, "block_size": 7, "dropout": 0.0}
    answer = student.run(modules, ["Block"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_block(x, w, has)])


def dropped(m, x, p, training, seed):
    import torch

    torch.manual_seed(1337)
    return m.dropout(x, p, training, torch.Generator().manual_seed(seed))


@task("dropout")
def test_dropped_or_scaled(student, device):
    """With p = 0.75 each number is gone or four times as large; in evaluation nothing happens."""
    x = 1.0 + some((9, 11), torch.Generator().manual_seed(12), device).abs()
    answer = student.run(dropped, x, 0.75, True, 1)
    kept = answer != 0 if isinstance(answer, torch.Tensor) else x > 0
    close(answer, torch.where(kept, 4.0 * x, 0.0))
    close(float(kept.sum()), 24.75, rtol=0.0, atol=21.5, reason="five sigma of 99 draws")
    close(student.run(dropped, x, 0.75, False, 1), x)


# ----------------------------------------------------------------------------- the models


@task("BigramLanguageModel")
def test_rows_as_logits(student, device):
    """The logits are rows of the table, the loss is PyTorch's mean cross-entropy."""
    g = torch.Generator().manual_seed(13)
    w, idx, targets = some((11, 11), g, device), *some_tokens((2, 2, 7), g, device)
    jobs = [["model", idx], ["model", idx, targets]]
    answer = student.run(modules, ["BigramLanguageModel"], {"vocab_size": 11}, w, w, jobs)
    logits = F.embedding(idx, w)
    judge(answer, lambda has: [[logits, None], [logits, right_loss(logits, targets)]])


@task("GPTLanguageModel")
def test_logits_and_loss(student, device):
    """Two blocks, with the same weights: PyTorch's logits and loss."""
    g = torch.Generator().manual_seed(14)
    w, idx, targets = for_gpt(11, 12, 3, 2, 7, g, device), *some_tokens((2, 2, 7), g, device)
    jobs = [["model", idx], ["model", idx, targets]]
    answer = student.run(modules, ["GPT", "GPTLanguageModel"], GPT, w, w["tokens"], jobs)

    def right(has):
        logits = right_gpt(idx, w, has)
        return [[logits, None], [logits, right_loss(logits, targets)]]

    judge(answer, right)


@task("GPTLanguageModel")
def test_the_first_loss(student, device):
    """A new model guesses: with 65 characters its loss is about log 65 = 4.17."""
    g = torch.Generator().manual_seed(15)
    idx, targets = some_tokens((2, 40, 16), g, device, 65)
    like = torch.zeros(1, device=device)
    sizes = {"vocab_size": 65, "n_embd": 48, "n_head": 3, "n_layer": 1, "block_size": 16}
    jobs = [["loss", idx, targets]]
    names = ["GPT", "GPTLanguageModel"]
    answer = student.run(modules, names, {**sizes, "dropout": 0.0}, None, like, jobs)
    far = {"rtol": 0.0, "atol": 0.55, "reason": "logits of variance 1/3 add 0.17, of 1 add 0.5"}
    close(answer, {"biases": [], "out": [math.log(65) + 0.25]}, **far)


def written(m, idx, new, block_size, seed, V):
    """What `generate` makes of a model that is certain: all that it sees decides."""
    import torch

    torch.manual_seed(1337)

    class Certain(torch.nn.Module):
        def forward(self, idx, targets=None):
            seen = torch.cumsum(idx, 1) + 3 * idx + 1  # (B, T)
            next_one = seen.remainder(V)
            return 1000.0 * torch.nn.functional.one_hot(next_one, V).double(), None

    g = torch.Generator().manual_seed(seed)
    return m.generate(Certain(), idx, new, block_size, g)


@task("generate")
def test_a_certain_model_writes(student, device):
    """Three tokens, five more: all that the model says at the last position, one by one."""
    idx = torch.tensor([[4, 0, 7], [1, 9, 2]], device=device)
    close(student.run(written, idx, 5, 8, 1, 11), right_text(idx, 5, 8))


# ------------------------------------------------------------------------------- training


def right_estimate(w, eval_iters, training):
    """The means by arithmetic."""
    sums = [6 + i**2 for i in range(1, eval_iters + 1)]
    mean = sum(3 * s / 4 for s in sums) / eval_iters
    # in float32 if their losses are kept in a float32 tensor
    losses = {"train": float(w) * (mean + 10), "val": float(w) * (mean + 20)}
    counts = {"train": eval_iters, "val": eval_iters}
    return [losses, counts, [str([False, False])], False, [training, True, True]]


@task("estimate_loss")
def test_the_mean_of_four_batches(student, device):
    """Four batches of each part: their mean, in evaluation mode, without a graph."""
    w = torch.tensor(0.37, dtype=torch.float64, device=device)
    close(student.run(estimated, w, 4, True), right_estimate(w, 4, True), **ROUNDED)


def right_training(table, seen, lr):
    """Losses and table after AdamW's steps on these batches, by its formulas."""
    table = table.clone().requires_grad_()
    mean, square, losses = torch.zeros_like(table), torch.zeros_like(table), []
    for step, (x, y) in enumerate(seen, 1):
        loss = F.cross_entropy(table[x].flatten(0, 1), y.flatten())
        (gradient,) = torch.autograd.grad(loss, table)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = (square / (1 - 0.999**step)).sqrt() + 1e-8
        shrunk = table.detach() * (1 - 0.01 * lr)
        table = (shrunk - lr * mean / (1 - 0.9**step) / root).requires_grad_()
        losses.append(loss.item())
    return losses, table.detach()


@task("train")
def test_three_steps(student, device):
    """Three steps of AdamW on a table: each loss before its step, and the table after them."""
    g = torch.Generator().manual_seed(16)
    table, data = some((11, 11), g, device), some_tokens((60,), g, device)
    answer = student.run(trained, table, data, 3, 4, 6, 0.1, 1)
    seen = [[t.to(device) for t in pair] for pair in shown(answer, 3, (4, 6))]
    close(answer, [*right_training(table, seen, 0.1), seen], **ROUNDED)


@task("count_parameters")
def test_the_lecture_s_model(student):
    """65 characters, 384 wide, 6 heads, 6 blocks, 256 positions: 10,788,929 parameters."""
    close(student.count_parameters(65, 384, 6, 6, 256), 10_788_929)
