"""Edge cases, other sizes and dtypes, what each layer must and must not see.

No layer is judged at its first values: every weight, gain, shift and bias is set, or what is
lost, shared or exchanged would hide behind ones and zeros. Sizes are B=2, T=7, C=12, three
heads of 4, V=11, where a test doesn't say others.
"""

import math

import torch
from oracles import (
    GPT,
    ROUNDED,
    TENTH,
    Layer,
    check_training,
    judge,
    norm_weights,
    random_layer,
    right_estimate,
    right_gpt,
    right_text,
    survivors,
    the_past,
)
from probes import (
    V,
    arrows,
    batches,
    batches_of,
    drawn,
    dropped,
    estimated,
    forms_of_text,
    learnt,
    losses_of,
    masks,
    norm_gradients,
    normed,
    patterns,
    two_tokenizers,
    variances,
    written,
)
from torch import float64

from autograder.suite import close, each, task, within

F = torch.nn.functional

MANY = within(1e-4, 1e-4, "many operations in float32")
EXACT = within(0.0, 0.0, "the same operations on the same numbers")


def single(tree):
    """The weights in float32."""
    if isinstance(tree, dict):
        return {name: single(part) for name, part in tree.items()}
    return [single(part) for part in tree] if isinstance(tree, list) else tree.float()


def not_a_bit(first, second):
    """The two answers are bit-equal before the last position, and differ there."""
    close(second[:, :-1], first[:, :-1], EXACT)
    assert not torch.equal(second[:, -1], first[:, -1]), "the last position sees nothing"


def other_end(x):
    """x with another last position."""
    changed = x.clone()
    changed[:, -1] = x[:, -1].flip(-1) + 1.0
    return changed


def both_modes(student, layer, *inputs):
    """The layer's answer: its second item is the output in training, its fourth in evaluation."""
    return layer.ask(student, ["train"], ["call", *inputs], ["eval"], ["call", *inputs])


# ------------------------------------------------------------------------------- the data


@task("char_tokenizer")
def test_any_text(student):
    """Newlines, capitals, "é" and "🙂" are characters like any other; in the order of Unicode."""
    text = "Zoë said: 🙂\nzoo & Zürich, à bientôt!\n"
    words = ["Zoë", "🙂\n\n", "zoo!"]
    order = sorted(set(text))
    numbers = [[order.index(ch) for ch in word] for word in words]
    ids = [order.index(ch) for ch in "\nto Zürich"]
    expected = [numbers, ["int"], ["\nto Zürich"] * 4, "", [], len(order)]
    close(student.run(forms_of_text, text, words, ids), expected)


@task("char_tokenizer")
def test_two_texts_at_once(student):
    """A second text's tokenizer doesn't change the first one's."""
    close(student.run(two_tokenizers, "dcba", "zb,a", "ab"), [[0, 1], [1, 2], 4, 1])


@task("train_val_split")
def test_sizes_that_do_not_fit(student, device):
    """int(fraction · n) numbers are for training: 6 of 7 by default, 2 of 7 for 0.3."""
    data = torch.arange(7, device=device) * 3 + 1
    for fraction, n in ((0.3, 2), (0.5, 3), (0.95, 6)):
        close(student.train_val_split(data, fraction), [data[:n], data[n:]])
    close(student.train_val_split(data), [data[:6], data[6:]])


def pieces(answer, data, n, block_size):
    """x and y as they must be, if x begins where it says."""
    x = answer[0] if isinstance(answer, (list, tuple)) and answer else None
    fits = isinstance(x, torch.Tensor) and x.shape == (n, block_size)
    first = x[:, 0] if fits else torch.full((n,), -1, device=data.device)
    match = data[None] == first.to(data.device)[:, None]
    starts = match.long().argmax(1).clamp(max=len(data) - block_size - 1)
    places = starts[:, None] + torch.arange(block_size, device=data.device)
    return [data[places], data[places + 1]], starts


@task("get_batch")
def test_every_place_is_used(student, rng):
    """Of 12 numbers and blocks of 4, places 0 to 7 come up, each in about an eighth of 1,600."""
    data = rng.permutation(50)[:12]
    answer = student.run(batches, data, 4, 1600, int(rng.integers(0, 99)))
    expected, starts = pieces(answer, data, 1600, 4)
    close(answer, expected)
    counts = torch.bincount(starts.cpu(), minlength=8).double()
    equal = torch.full((8,), 200.0, dtype=float64, device="cpu")
    close(counts, equal, within(0.0, 66.5, "five sigma of 1,600 draws"))


@task("get_batch")
def test_hardly_enough_data(student, device):
    """Six numbers and blocks of five: the only place is the beginning, and nothing fails."""
    data = torch.tensor([5, 3, 8, 1, 9, 2], device=device)
    answer = student.run(batches, data, 5, 30, 3)
    close(answer, [data[:5].expand(30, 5), data[1:].expand(30, 5)])


@task("get_batch")
def test_the_generator_decides(student, device):
    """The same seed gives the same batch, another one gives another; without one it works too."""
    data = torch.arange(1000, device=device)
    answer = student.run(batches_of, data, [1, 1, 2])
    expected, _ = pieces(answer[3], data.cpu(), 8, 3)
    close(answer, [answer[0]] * 2 + [answer[2], expected])
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds give one batch"


# ----------------------------------------------------------------- the mean of the past, thrice

WAYS = ("loop", "matmul", "softmax")


@task("average_{way}")
@each(way=WAYS)
def test_averages_of_other_sizes(student, rng, way):
    """More channels than positions and fewer, one position alone; x stays as it was."""
    for shape, scale in (((3, 7, 5), 4.0), ((2, 4, 9), 4.0), ((1, 1, 1), 1.0)):
        x = rng.normal(*shape, scale=scale, dtype=float64)
        close(getattr(student, f"average_{way}")(x), the_past(x))


@task("average_{way}")
@each(way=WAYS)
def test_averages_in_float32(student, rng, way):
    """float32 in, float32 out."""
    x = rng.normal(2, 6, 3)
    close(getattr(student, f"average_{way}")(x), the_past(x), ROUNDED)


# -------------------------------------------------------------------------------- attention


@task("causal_mask")
def test_other_triangles(student):
    """One position, two, seven: True at and below the diagonal, bool everywhere."""
    with torch.device("cpu"):
        rights = [torch.arange(T)[:, None] >= torch.arange(T) for T in (1, 2, 7)]
    close(student.run(masks, [1, 2, 7]), rights)


def right_weights(q, k, mask, scale):
    return F.softmax((q @ k.mT / scale).masked_fill(~mask, -math.inf), -1)


@task("attention_weights")
def test_a_mask(student, rng, device):
    """Where a query may not look its weight is 0, and what is left of the row still sums to 1."""
    q, k = (rng.normal(2, 7, 4, scale=2.0, dtype=float64) for _ in range(2))
    mask = torch.ones(7, 7, device=device, dtype=torch.bool).tril()
    close(student.attention_weights(q, k, mask), right_weights(q, k, mask, 2.0))


@task("attention_weights")
def test_a_mask_that_is_no_triangle(student, rng):
    """Five queries, seven keys, some allowed and some not: True means that it may look."""
    q, k = (rng.normal(2, 3, n, 4, scale=2.0, dtype=float64) for n in (5, 7))
    mask = rng.uniform(5, 7) < 0.5
    mask[:, 2] = True
    mask[0, 3], mask[1, 3] = True, False
    close(student.attention_weights(q, k, mask=mask), right_weights(q, k, mask, 2.0))


@task("attention_weights")
def test_without_scaling(student, rng, device):
    """scale=False leaves the products as they are, with a mask and without one."""
    q, k = rng.normal(5, 9, dtype=float64), rng.normal(7, 9, dtype=float64)
    mask = torch.ones(5, 7, device=device, dtype=torch.bool).tril(2)
    close(student.attention_weights(q, k, scale=False), F.softmax(q @ k.T, -1))
    close(student.attention_weights(q, k, mask, False), right_weights(q, k, mask, 1.0))


@task("attention_weights")
def test_head_sizes_and_spread(student, rng):
    """Of head size 16 and 64 the scaled scores have variance 1; unscaled, softmax is sharper."""
    for hs in (16, 64):
        q, k = rng.normal(60, hs, dtype=float64), rng.normal(50, hs, dtype=float64)
        answers = [student.attention_weights(q, k, None, scale) for scale in (True, False)]
        close(answers, [F.softmax(q @ k.T / hs**0.5, -1), F.softmax(q @ k.T, -1)])
        spread = answers[0].log().var(-1).mean().item()
        # 60 queries' lengths, each |q|²/hs, and 50 keys: five sigma are less than this
        close(spread, 1.0, within(0.0, 0.55, "five sigma of 60 queries and 50 keys"))
        tops = [answer.max(-1).values.mean().item() for answer in answers]
        assert tops[1] > tops[0], "unscaled weights should be sharper"


@task("attention_weights")
def test_huge_scores(student, device):
    """Scores of thousands: exp of them is infinite, the weights are not."""
    q = torch.tensor([[40.0, -30.0], [-50.0, 60.0]], dtype=float64, device=device)
    k = torch.tensor([[50.0, 20.0], [-30.0, 40.0], [50.0, 20.01]], dtype=float64, device=device)
    close(student.attention_weights(q, k), F.softmax(q @ k.T / 2**0.5, -1))


@task("attention_weights")
def test_weights_in_float32(student, rng, device):
    """float32 in, float32 out."""
    q, k = (rng.normal(3, 5, 8) for _ in range(2))
    mask = torch.ones(5, 5, device=device, dtype=torch.bool).tril()
    close(student.attention_weights(q, k, mask), right_weights(q, k, mask, 8**0.5), ROUNDED)


@task("Head")
def test_nobody_sees_the_future(student, rng):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    head, x = random_layer(rng, "Head"), rng.normal(2, 7, 12, dtype=float64)
    not_a_bit(*head.check(student, x, other_end(x)))


@task("Head")
def test_short_and_wide(student, rng):
    """Fewer positions than block_size, a single one, a head that is wider than its input."""
    head = random_layer(rng, "Head", head_size=9, n_embd=5, block_size=8)
    x = rng.normal(3, 8, 5, dtype=float64)
    head.check(student, x[:, :1], x[:, 2:6], x)


@task("Head")
def test_batches_never_talk(student, rng):
    """Another second row leaves the first as it was."""
    head, x = random_layer(rng, "Head"), rng.normal(2, 7, 12, dtype=float64)
    first, second = head.check(student, x, torch.stack([x[0], 2.0 * x[1].flip(0)]))
    close(second[0], first[0], EXACT)


@task("{name}")
@each(name=("Head", "MultiHeadAttention", "FeedForward", "Block"))
def test_layers_in_float32(student, rng, name):
    """float32 in, float32 out."""
    layer = random_layer(rng, name)
    layer.weights = single(layer.weights)
    layer.check(student, rng.normal(2, 7, 12), tolerance=MANY)


@task("{name}")
@each(name=("Head", "EncoderHead", "CrossHead"))
def test_dropout_of_messages(student, rng, name):
    """With dropout 0.5 a message is lost as a whole or comes doubled; in evaluation it comes."""
    head, x = random_layer(rng, name, dropout=0.5), rng.normal(200, 1, 12, dtype=float64)
    inputs = [x, x] if name == "CrossHead" else [x]
    answer = both_modes(student, head, *inputs)
    heard = survivors(answer["out"][1], x[..., :4]).any(-1, keepdim=True)

    def right(has):  # a position that hears one value gets all of it or nothing
        whole = head.right(has, *inputs)
        return [None, torch.where(heard, 2.0 * whole, 0.0), None, whole]

    judge(answer, right)
    close(float(heard.sum()), 100.0, within(0.0, 35.4, "five sigma of 200 draws"))


@task("EncoderHead")
def test_no_notion_of_space(student, rng, device):
    """Positions in another order give the same outputs in that order."""
    head, x = random_layer(rng, "EncoderHead"), rng.normal(2, 7, 12, dtype=float64)
    order = torch.tensor([3, 6, 0, 5, 1, 4, 2], device=device)
    first, second = head.check(student, x, x[:, order])
    close(second, first[:, order], within(1e-9, 1e-9, "sums in another order"))


@task("EncoderHead")
def test_any_length(student, rng):
    """One position, three, thirty: an encoder's head knows no block_size."""
    head = random_layer(rng, "EncoderHead", head_size=9, n_embd=5)
    x = rng.normal(2, 30, 5, dtype=float64)
    head.check(student, x[:, :1], x[:, 4:7], x)


@task("CrossHead")
def test_contexts_of_other_lengths(student, rng):
    """Contexts of one position, and of more positions than ask."""
    head, x = random_layer(rng, "CrossHead"), rng.normal(2, 3, 12, dtype=float64)
    head.check(student, *((x, rng.normal(2, S, 12, dtype=float64)) for S in (1, 3, 8)))


@task("scaled_variance")
def test_other_head_sizes(student, rng):
    """The variance before is head_size, after it is 1: for 4, 24 and 64, generator or not."""
    seed = int(rng.integers(0, 1000))
    for head_size, given in ((4, seed), (24, None), (64, seed)):
        close(student.run(variances, head_size, given), [float(head_size), 1.0], TENTH)


@task("MultiHeadAttention")
def test_heads_do_not_see_the_future(student, rng):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    heads, x = random_layer(rng, "MultiHeadAttention"), rng.normal(2, 7, 12, dtype=float64)
    first, second, _ = heads.check(student, x, other_end(x), x[:, :4])
    not_a_bit(first, second)


@task("MultiHeadAttention")
def test_one_wide_head_and_two(student, rng):
    """One head of 6, two heads of 3, six of 1: the head size decides about the scaling."""
    for n in (1, 2, 6):
        sizes = {"num_heads": n, "head_size": 6 // n, "n_embd": 6, "block_size": 5}
        heads = random_layer(rng, "MultiHeadAttention", **sizes)
        heads.check(student, rng.normal(2, 5, 6, dtype=float64))


@task("MultiHeadAttention")
def test_dropout_after_the_projection(student, rng):
    """With dropout 0.5 half of the numbers are 0, and heads lose messages; in evaluation none."""
    heads = random_layer(rng, "MultiHeadAttention", dropout=0.5)
    x = rng.normal(150, 1, 12, dtype=float64)
    answer = both_modes(student, heads, x)
    out = answer["out"][1]
    judge(answer, lambda has: [None, out, None, heads.right(has, x)])
    share = (out == 0).double().mean().item()
    close(share, 0.5, within(0.0, 0.06, "five sigma of 1,800 draws"))
    kept = out != 0
    apart = ((out - 2.0 * heads.right(answer["biases"], x)).abs() > 1e-6) & kept
    assert apart.sum() > 0.5 * kept.sum(), "no head loses a message"


@task("communication_graph")
def test_a_triangle_and_others(student, device, rng):
    """A triangle with its loops, a random mask, one position, nobody: each arrow once."""
    masks = [torch.ones(5, 5).tril() > 0, torch.rand(6, 6, generator=rng) < 0.4]
    masks += [torch.ones(1, 1) > 0, torch.zeros(3, 3) > 0]
    for mask in masks:
        rows = mask.tolist()
        expected = [[j, i] for j in range(len(rows)) for i in range(len(rows)) if rows[i][j]]
        close(student.run(arrows, mask.to(device)), expected)


# ------------------------------------------------------------------------------- the block


@task("FeedForward")
def test_each_position_alone(student, rng):
    """Another last position changes no other output; five wide, and one position alone."""
    ffwd = random_layer(rng, "FeedForward", n_embd=5)
    x = rng.normal(3, 7, 5, scale=2.0, dtype=float64)
    first, second, _ = ffwd.check(student, x, other_end(x), x[:, :1])
    not_a_bit(first, second)


@task("FeedForward")
def test_dropout_at_the_end(student, rng):
    """With dropout 0.5 each number is 0 or doubled; in evaluation all are as without."""
    ffwd = random_layer(rng, "FeedForward", n_embd=5, dropout=0.5)
    x = rng.normal(4, 7, 5, dtype=float64)
    answer = both_modes(student, ffwd, x)
    kept = survivors(answer["out"][1], x)

    def right(has):
        whole = ffwd.right(has, x)
        return [None, torch.where(kept, 2.0 * whole, 0.0), None, whole]

    judge(answer, right)
    close(float(kept.sum()), 70.0, within(0.0, 29.6, "five sigma of 140 draws"))


def check_norm(student, x, gains, eps=None, tolerance=None):
    answer = student.run(normed, x, gains, eps)
    right = F.layer_norm(x, x.shape[-1:], *gains, 1e-5 if eps is None else eps)
    close(answer, [right, sorted(gains, key=lambda p: -p.sum())], tolerance)


@task("LayerNorm1d")
def test_gains_and_shifts(student, rng):
    """Gains and shifts of their own, for inputs of two, three and four dimensions."""
    for shape in ((5, 12), (2, 7, 12), (2, 3, 4, 9)):
        gains = norm_weights(rng, shape[-1])
        check_norm(student, 2.0 + rng.normal(*shape, scale=3.0, dtype=float64), gains)


@task("LayerNorm1d")
def test_each_position_by_itself(student, rng):
    """Other positions and rows may be a thousand times as large: mean 0 and variance 1 for each."""
    x = rng.normal(3, 4, 7, dtype=float64)
    x[1] *= 1000.0
    x[:, 2] -= 500.0
    check_norm(student, x, norm_weights(rng, 7))
    answer = student.run(normed, x, None, None)
    first = [torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])]
    close(answer, [F.layer_norm(x, (7,)), first])
    spread = answer[0].var(-1, unbiased=False)
    close(spread, torch.ones_like(spread), within(1e-3, 1e-3, "eps"))


@task("LayerNorm1d")
def test_hardly_any_variance(student, rng):
    """Where variance is as small as eps, eps counts: under the root, and the eps that is given."""
    x, gains = rng.normal(2, 3, 5, scale=0.003, dtype=float64), norm_weights(rng, 5)
    check_norm(student, x, gains)
    check_norm(student, x, gains, eps=0.01)
    check_norm(student, torch.full_like(x, 0.25), gains, eps=0.01)


@task("LayerNorm1d")
def test_a_norm_in_float32(student, rng):
    """float32 in, float32 out."""
    x = rng.normal(2, 7, 12, scale=2.0)
    check_norm(student, x, single(norm_weights(rng, 12)), tolerance=ROUNDED)


@task("LayerNorm1d")
def test_gradients_of_a_norm(student, rng):
    """Gradients reach x, gamma and beta, and are PyTorch's."""
    x, direction = (rng.normal(2, 3, 5, dtype=float64) for _ in range(2))
    ones = torch.ones_like(x[0, 0])
    inputs = [t.clone().requires_grad_() for t in (x, ones, 0.0 * ones)]
    out = F.layer_norm(inputs[0], (5,), *inputs[1:])
    right, *both = torch.autograd.grad((out * direction).sum(), inputs)
    answer = student.run(norm_gradients, x, direction)
    close(answer, [right, sorted(both, key=lambda g: -g.sum())])


@task("Block")
def test_a_block_does_not_see_the_future(student, rng):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    block, x = random_layer(rng, "Block"), rng.normal(2, 7, 12, dtype=float64)
    first, second, *_ = block.check(student, x, other_end(x), x[:, :3], 10.0 * x)
    not_a_bit(first, second)


@task("Block")
def test_the_residual_pathway(student, rng):
    """With projections of zero nothing is added: what comes in goes out."""
    block, x = random_layer(rng, "Block"), rng.normal(2, 7, 12, scale=3.0, dtype=float64)
    for layer in (block.weights["sa"]["proj"], block.weights["ffwd"]["down"]):
        layer[:] = [torch.zeros_like(t) for t in layer]
    judge(block.ask(student, ["call", x]), lambda has: [x])


@task("Block")
def test_two_wide_heads(student, rng):
    """Two heads of 5 in a block of 10."""
    block = random_layer(rng, "Block", n_embd=10, n_head=2, block_size=6)
    block.check(student, rng.normal(3, 4, 10, dtype=float64))


@task("Block")
def test_dropout_on_both_side_roads(student, rng):
    """With dropout 0.9 on both side roads much comes out as it went in; in evaluation nothing."""
    block, x = random_layer(rng, "Block", dropout=0.9), rng.normal(60, 1, 12, dtype=float64)
    answer = both_modes(student, block, x)
    out = answer["out"][1]
    judge(answer, lambda has: [None, out, None, block.right(has, x)])
    share = (out == x).double().mean().item()
    close(share, 0.81, within(0.0, 0.075, "five sigma of 720 draws"))


@task("dropout")
def test_shares_and_scale(student, rng):
    """For p = 0.1 and 0.8 that share is lost, and what is kept is scaled up by 1 / (1 - p)."""
    x = 1.0 + rng.normal(2000, 1, dtype=float64).abs()  # draws by the row are as many here
    for p, most in ((0.1, 67.1), (0.8, 89.5)):
        answer = student.run(dropped, x, p, True, int(rng.integers(0, 1000)))
        kept = survivors(answer, x)
        close(answer, torch.where(kept, x / (1.0 - p), 0.0))
        lost = float((~kept).sum())
        close(lost, 2000.0 * p, within(0.0, most, "five sigma of 2,000 draws"))


@task("dropout")
def test_where_nothing_is_drawn(student, rng):
    """p = 0 and evaluation leave x as it is; p = 1 gives zeros, and never NaN."""
    x = rng.normal(3, 4, 5, dtype=float64)
    close(student.run(dropped, x, 0.0, True, 1), x)
    close(student.run(dropped, x, 0.9, False, 1), x)
    close(student.run(dropped, x, 1.0, False, 1), x)
    close(student.run(dropped, x, 1.0, True, 1), torch.zeros_like(x))


@task("dropout")
def test_each_number_by_itself(student, rng):
    """The same generator drops the same numbers, another one others; not whole rows or columns."""
    x = 1.0 + rng.normal(9, 8, 11, dtype=float64).abs()
    answer = student.run(patterns, x, [3, 3, 4])
    close(answer, [answer[0]] * 2 + list(answer[2:]))
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds drop the same"
    for dim in range(3):
        whole = answer[0].all(dim) | ~answer[0].any(dim)
        assert not whole.all(), "whole rows or columns are dropped"
        few = within(0.0, 0.2, "rows of 8, 9 or 11 are rarely all alike")
        close(whole.double().mean().item(), 0.0, few)


@task("dropout")
def test_dropout_in_float32(student, device):
    """float32 in, float32 out, whatever the mode is."""
    x = torch.full((6, 5), 3.0, device=device)
    for p, training, scale in ((0.5, True, 2.0), (0.5, False, 1.0), (1.0, True, 1.0)):
        answer = student.run(dropped, x, p, training, 1)
        close(answer, torch.where(survivors(answer, x), scale * x, 0.0))


# ----------------------------------------------------------------------------- the models


@task("BigramLanguageModel")
def test_bigrams_of_other_sizes(student, rng):
    """One sequence of one token, five of three; logits without targets are (B, T, V)."""
    table = rng.normal(9, 9, scale=2.0, dtype=float64)
    pairs = [tuple(rng.integers(0, 9, 2, *shape)) for shape in ((1, 1), (5, 3), (3, 5))]
    model = Layer("BigramLanguageModel", {"vocab_size": 9}, table)
    model.check(student, *pairs, *(idx for idx, _ in pairs))


@task("BigramLanguageModel")
def test_a_bigram_model_writes(student, device):
    """A table that is certain of 3 after 0, 1 after 3 and so on: idx first, then the chain."""
    table = 1000.0 * F.one_hot(torch.tensor([3, 4, 0, 1, 2]), 5).double().to(device)
    idx = torch.tensor([[2, 2, 0], [4, 3, 4]], device=device)
    right = torch.tensor([[2, 2, 0, 3, 1, 4, 2, 0], [4, 3, 4, 2, 0, 3, 1, 4]], device=device)
    model = Layer("BigramLanguageModel", {"vocab_size": 5}, table)
    answer = model.ask(student, ["generate", idx, 5], ["generate", idx[:, :1], 0])
    judge(answer, lambda has: [right, idx[:, :1]])


@task("BigramLanguageModel")
def test_a_bigram_model_draws(student, device):
    """Of 300 tokens with 0.8 and 0.2, about 240 are the likely one."""
    row = torch.tensor([0.8, 0.2, 1e-30], dtype=float64, device="cpu").log()
    idx = torch.zeros(300, 1, dtype=torch.int64, device=device)
    model = Layer("BigramLanguageModel", {"vocab_size": 3}, row.expand(3, 3).to(device))
    answer = model.ask(student, ["generate", idx, 1])
    new = answer["out"][0][:, 1:]
    judge(answer, lambda has: [torch.cat([idx, (new != 0).long()], 1)])
    close(float((new == 0).sum()), 240.0, within(0.0, 34.7, "five sigma of 300 draws"))


@task("BigramLanguageModel")
def test_a_bigram_model_learns(student, rng):
    """A gradient reaches the table."""
    model = Layer("BigramLanguageModel", {"vocab_size": V})
    answer = model.ask(student, ["unreached", *rng.integers(0, V, 2, 4, 7)], ["count"])
    judge(answer, lambda has: [[True, 0], 121])


@task("GPTLanguageModel")
def test_a_gpt_does_not_see_the_future(student, rng):
    """Another last token changes no earlier logits, not by a bit, and it changes its own."""
    model, idx = random_layer(rng, "GPTLanguageModel"), rng.integers(0, V, 2, 7)
    other = idx.clone()
    other[:, -1] = (idx[:, -1] + 3) % V
    first, second = model.check(student, idx, other)
    not_a_bit(first[0], second[0])


@task("GPTLanguageModel")
def test_short_texts_and_strangers(student, rng):
    """Fewer tokens than block_size, one alone, five rows; each row is as if it were alone."""
    model, idx = random_layer(rng, "GPTLanguageModel"), rng.integers(0, V, 5, 7)
    model.check(student, idx[:, :1], idx[:2, 3:6], idx[3:4], idx)


@task("GPTLanguageModel")
def test_the_same_token_at_every_place(student, rng, device):
    """ "aaaa" has other logits at each place: positions count."""
    model = random_layer(rng, "GPTLanguageModel", n_layer=1)
    model.check(student, torch.full((2, 7), 4, device=device))


@task("GPTLanguageModel")
def test_losses_of_other_sizes(student, rng):
    """One block, ten wide, two heads; the loss is the mean over all positions."""
    sizes = {"vocab_size": 5, "n_embd": 10, "n_head": 2, "n_layer": 1, "block_size": 6}
    model = random_layer(rng, "GPTLanguageModel", **sizes)
    pairs = [tuple(rng.integers(0, 5, 2, *shape)) for shape in ((3, 6), (1, 1), (4, 2))]
    model.check(student, *pairs)


@task("GPTLanguageModel")
def test_a_gpt_in_float32(student, rng):
    """float32 in, float32 out."""
    model = random_layer(rng, "GPTLanguageModel")
    model.weights = single(model.weights)
    model.check(student, rng.integers(0, V, 2, 7), tolerance=MANY)


@task("GPTLanguageModel")
def test_too_many_tokens(student, rng):
    """Eight tokens are more than block_size: an error, and no guess."""
    idx = rng.integers(0, V, 2, 8).cpu()
    answer = Layer("GPTLanguageModel", GPT).ask(student, ["raises", idx], ["raises", idx[:, 1:]])
    judge(answer, lambda has: [True, False])


def likeliest(w, has, idx, new):
    """idx and `new` tokens more, each the likeliest one of the last seven read."""
    for _ in range(new):
        logits, _ = right_gpt(w, has, idx[:, -7:])
        idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return idx


def talking_gpt(rng, device):
    """A random one that has more than two things to say, whatever its layers' biases."""
    start = torch.arange(V, device=device)[:, None]
    while True:
        model = random_layer(rng, "GPTLanguageModel")
        says = [likeliest(model.weights, has, start, 1)[:, 1] for has in ([], ["lm_head"])]
        if all(len(said.unique()) > 4 for said in says):
            return model


def turning_gpt(rng, device):
    """After token t it says t + 1, and so round through all; a random one may end in one token."""
    model = random_layer(rng, "GPTLanguageModel")
    square = torch.linalg.qr(rng.normal(12, 12, dtype=float64).cpu())[0].to(device)
    model.weights["tokens"] = 40.0 * square[:V]
    model.weights["lm_head"][0] = model.weights["tokens"].roll(1, 0)
    return model


@task("GPTLanguageModel")
def test_a_gpt_writes(student, rng, device):
    """With a head that is certain, twelve tokens are the likeliest ones of the last seven read."""
    for model in (talking_gpt(rng, device), turning_gpt(rng, device)):
        w, idx = model.weights, rng.integers(0, V, 8, 3)
        w["lm_head"] = [1e7 * t for t in w["lm_head"]]
        answer = model.ask(student, ["eval"], ["generate", idx, 12])
        judge(answer, lambda has, w=w, idx=idx: [None, likeliest(w, has, idx, 12)])


@task("GPTLanguageModel")
def test_every_parameter_learns(student, rng):
    """A gradient reaches each of them, and their number is the lecture's."""
    jobs = [["unreached", *rng.integers(0, V, 2, 4, 7)]]
    judge(Layer("GPTLanguageModel", GPT).ask(student, *jobs), lambda has: [[True, 0]])


@task("GPTLanguageModel")
def test_dropout_reaches_the_blocks(student, rng):
    """With dropout 0.5 two calls differ in training and are the same in evaluation."""
    model = random_layer(rng, "GPTLanguageModel", dropout=0.5)
    idx = rng.integers(0, V, 2, 7)
    calls = ["model", idx]
    answer = model.ask(student, ["train"], calls, calls, ["eval"], calls)
    one, two = answer["out"][1:3]
    judge(answer, lambda has: [None, one, two, None, model.right(has, idx)])
    assert not torch.equal(one[0], two[0]), "dropout isn't handed on"


@task("generate")
def test_only_the_last_tokens_are_read(student, rng):
    """Five new tokens after nine, the last four read; after three, and one read; none at all."""
    for T, new, block_size in ((9, 5, 4), (3, 9, 4), (3, 4, 1), (5, 0, 3), (4, 2, 4)):
        idx = rng.integers(0, V, 3, T)
        answer = student.run(written, idx, new, block_size, None)
        close(answer, right_text(idx, new, block_size))


@task("generate")
def test_tokens_are_drawn(student, rng, device):
    """Of 8,000 rows, 0.7 for one token and 0.3 for another, about 5,600 get the first."""
    chances = torch.tensor([[1e-40, 0.7, 0.3], [0.5, 0.25, 0.25]], dtype=float64)
    rows = chances.log()[[1, 1, 0]].to(device)
    idx = torch.tensor([0, 1, 2], device=device).repeat(8000, 1)
    answer = student.run(drawn, idx, rows, 1, [int(rng.integers(0, 99))])
    fits = isinstance(answer[0], torch.Tensor) and answer[0].shape == (8000, 4)
    ones = (answer[0][:, 3:] == 1) if fits else idx[:, :1] > 0
    close(answer, [torch.cat([idx, torch.where(ones, 1, 2)], 1)])
    close(float(ones.sum()), 5600.0, within(0.0, 205.0, "five sigma of 8,000 draws"))


@task("generate")
def test_the_generator_writes(student, device):
    """The same generator writes the same, another one something else."""
    rows = torch.zeros(7, 7, dtype=float64, device=device)
    idx = torch.tensor([[1], [2]], device=device)
    answer = student.run(drawn, idx, rows, 20, [5, 5, 6])
    close(answer, [answer[0]] * 2 + [answer[2]])
    assert answer[0].shape == (2, 21), "not idx and twenty tokens"
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds write the same"


# ------------------------------------------------------------------------------- training


@task("estimate_loss")
def test_one_batch_and_seven(student, rng):
    """As many batches of each part as asked for, and their mean; then training goes on."""
    w = 1.0 + rng.normal(dtype=float64).abs()
    for n in (1, 7):
        close(student.run(estimated, w, n, True), right_estimate(w, n, True), ROUNDED)


@task("estimate_loss")
def test_the_mode_that_was(student, rng):
    """A model that was in evaluation mode stays in it."""
    w = 1.0 + rng.normal(dtype=float64).abs()
    close(student.run(estimated, w, 3, False), right_estimate(w, 3, False), ROUNDED)


@task("train")
def test_fresh_batches(student, rng):
    """Each step has its own batch, of the sizes asked for, from the data, y one further than x."""
    table, data = rng.normal(30, 30, dtype=float64), rng.permutation(30)
    seen = check_training(student, table, data, 5, (3, 4), 0.03, 2)
    close(seen, [pieces(pair, data, 3, 4)[0] for pair in seen])
    firsts = [x for x, _ in seen]
    assert not all(torch.equal(x, firsts[0]) for x in firsts), "one batch for all steps"


@task("train")
def test_the_generator_chooses(student, rng):
    """The same generator gives the same losses, another one others; lr is 0.001 by itself."""
    table, data = rng.normal(V, V, dtype=float64), rng.integers(0, V, 80)
    answer = student.run(losses_of, table, data, [1, 1, 2])
    close(answer, [answer[0]] * 2 + [answer[2]])
    assert answer[0] != answer[2], "generators of different seeds give the same losses"
    assert len(answer[0]) == 4, "not a loss for each step"


@task("train")
def test_better_than_bigrams(student, device):
    """In "aabbaabb…" one letter says nothing about the next, and two say all: 60 steps find out."""
    data = torch.tensor([0, 0, 1, 1], device=device).repeat(20)
    answer = student.run(learnt, data, 2, 60)
    close(answer, [60, math.log(2), 0.075], within(0.0, 0.075, "it has to be learnt"))


@task("count_parameters")
def test_other_models(student):
    """Narrow and wide, one block and many, a single character; heads cost nothing."""
    for n, C, H, L, T in (
        (11, 12, 3, 2, 7),
        (65, 32, 4, 4, 8),
        (1, 6, 1, 1, 5),
        (300, 40, 2, 9, 16),
    ):
        attention = 3 * C * C + C * C + C
        thinking = (C + 1) * 4 * C + (4 * C + 1) * C
        expected = (n + T) * C + L * (attention + thinking + 4 * C) + 2 * C + (C + 1) * n
        close(student.count_parameters(n, C, H, L, T), expected)
