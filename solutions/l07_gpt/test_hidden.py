"""Edge cases, other sizes and dtypes, what each layer must and must not see.

No layer is judged at its first values: every weight, gain, shift and bias is set, or what is
lost, shared or exchanged would hide behind ones and zeros. Sizes are B=2, T=7, C=12, three
heads of 4, V=11. The probe `modules` and the oracles are in probes.py.
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
    for_norm,
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

MANY = {"rtol": 1e-4, "atol": 1e-4, "reason": "many operations in float32"}
SAME = {"rtol": 0.0, "atol": 0.0, "reason": "the same operations on the same numbers"}


def single(tree):
    """The weights in float32."""
    if isinstance(tree, dict):
        return {name: single(part) for name, part in tree.items()}
    return [single(part) for part in tree] if isinstance(tree, list) else tree.float()


def not_a_bit(answer, last):
    """The jobs' first two answers are bit-equal before the position `last`, and differ there."""
    first, second = (out[0] if isinstance(out, list) else out for out in answer["out"][:2])
    close(second[:, :last], first[:, :last], **SAME)
    assert not torch.equal(second[:, last], first[:, last]), "the last position sees nothing"


def other_end(x):
    """x with another last position."""
    changed = x.clone()
    changed[:, -1] = x[:, -1].flip(-1) + 1.0
    return changed


# ------------------------------------------------------------------------------- the data


def tokenizer(m, text, words, decoded):
    import torch

    encode, decode, vocab_size = m.char_tokenizer(text)
    numbers = [list(encode(word)) for word in words]
    kinds = sorted({type(i).__name__ for ids in numbers for i in ids})
    forms = [decode(decoded), decode(tuple(decoded)), decode(torch.tensor(decoded))]
    forms.append(decode(i for i in decoded))
    return [numbers, kinds, forms, decode([]), list(encode("")), vocab_size]


@task("char_tokenizer")
def test_any_text(student):
    """Newlines, capitals, "é" and "🙂" are characters like any other; in the order of Unicode."""
    text = "Zoë said: 🙂\nzoo & Zürich, à bientôt!\n"
    words = ["Zoë", "🙂\n\n", "zoo!"]
    order = sorted(set(text))
    numbers = [[order.index(ch) for ch in word] for word in words]
    ids = [order.index(ch) for ch in "\nto Zürich"]
    expected = [numbers, ["int"], ["\nto Zürich"] * 4, "", [], len(order)]
    close(student.run(tokenizer, text, words, ids), expected)


def two_tokenizers(m, one, two, word):
    encode = m.char_tokenizer(one)[0]
    other, _, size = m.char_tokenizer(two)
    return [list(encode(word)), list(other(word)), size, m.char_tokenizer("a")[2]]


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
def test_every_place_is_used(student, device, rng):
    """Of 12 numbers and blocks of 4, places 0 to 7 come up, each in about an eighth of 1,600."""
    data = torch.randperm(50, generator=rng)[:12].to(device)
    answer = student.run(batches, data, 4, 1600, int(torch.randint(99, (1,), generator=rng)))
    expected, starts = pieces(answer, data, 1600, 4)
    close(answer, expected)
    counts = torch.bincount(starts.cpu(), minlength=8).double()
    equal = torch.full((8,), 200.0, dtype=torch.float64, device="cpu")
    close(counts, equal, rtol=0.0, atol=66.5, reason="five sigma of 1,600 draws")


@task("get_batch")
def test_hardly_enough_data(student, device):
    """Six numbers and blocks of five: the only place is the beginning, and nothing fails."""
    data = torch.tensor([5, 3, 8, 1, 9, 2], device=device)
    answer = student.run(batches, data, 5, 30, 3)
    close(answer, [data[:5].expand(30, 5), data[1:].expand(30, 5)])


def batches_of(m, data, seeds):
    import torch

    torch.manual_seed(1337)
    gs = [torch.Generator().manual_seed(seed) for seed in seeds]
    given = [m.get_batch(data, 3, 8, generator=g, device=str(data.device))[0] for g in gs]
    return [*given, m.get_batch(data.cpu(), 3, 8)]


@task("get_batch")
def test_the_generator_decides(student, device):
    """The same seed gives the same batch, another one gives another; without one it works too."""
    data = torch.arange(1000, device=device)
    answer = student.run(batches_of, data, [1, 1, 2])
    expected, _ = pieces(answer[3], data.cpu(), 8, 3)
    close(answer, [answer[0]] * 2 + [answer[2], expected])
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds give one batch"


# ----------------------------------------------------------------- the mean of the past, thrice


def the_past(x):
    counts = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
    return x.cumsum(1) / counts[:, None]


def averaged(m, name, x):
    before = x.clone()
    out = getattr(m, name)(x)
    return [out, bool((x == before).all())]


def check_average(student, name, rng, device):
    x = some((3, 7, 5), rng, device, 4.0)
    close(student.run(averaged, name, x), [the_past(x), True])
    tall = some((2, 4, 9), rng, device, 4.0)
    close(student.run(averaged, name, tall), [the_past(tall), True])
    one = some((1, 1, 1), rng, device)
    close(student.run(averaged, name, one), [one, True])


def check_average_single(student, name, rng, device):
    x = some((2, 6, 3), rng, device, dtype=torch.float32)
    close(student.run(averaged, name, x), [the_past(x), True], **ROUNDED)


@task("average_loop")
def test_loops_with_other_sizes(student, rng, device):
    """More channels than positions and fewer, one position alone; x stays as it was."""
    check_average(student, "average_loop", rng, device)


@task("average_loop")
def test_loops_in_float32(student, rng, device):
    """float32 in, float32 out."""
    check_average_single(student, "average_loop", rng, device)


@task("average_matmul")
def test_products_with_other_sizes(student, rng, device):
    """More channels than positions and fewer, one position alone; x stays as it was."""
    check_average(student, "average_matmul", rng, device)


@task("average_matmul")
def test_products_in_float32(student, rng, device):
    """float32 in, float32 out."""
    check_average_single(student, "average_matmul", rng, device)


@task("average_softmax")
def test_softmax_with_other_sizes(student, rng, device):
    """More channels than positions and fewer, one position alone; x stays as it was."""
    check_average(student, "average_softmax", rng, device)


@task("average_softmax")
def test_softmax_in_float32(student, rng, device):
    """float32 in, float32 out."""
    check_average_single(student, "average_softmax", rng, device)


# -------------------------------------------------------------------------------- attention


def masks_of(m, sizes):
    return [m.causal_mask(T).cpu() for T in sizes]


@task("causal_mask")
def test_other_triangles(student):
    """One position, two, seven: True at and below the diagonal, bool everywhere."""
    with torch.device("cpu"):
        rights = [torch.arange(T)[:, None] >= torch.arange(T) for T in (1, 2, 7)]
    close(student.run(masks_of, [1, 2, 7]), rights)


@task("attention_weights")
def test_a_mask(student, rng, device):
    """Where a query may not look its weight is 0, and what is left of the row still sums to 1."""
    q, k = some((2, 7, 4), rng, device, 2.0), some((2, 7, 4), rng, device, 2.0)
    mask = torch.ones(7, 7, device=device, dtype=torch.bool).tril()
    scores = (q @ k.mT / 2.0).masked_fill(~mask, -math.inf)
    close(student.attention_weights(q, k, mask), F.softmax(scores, -1))


@task("attention_weights")
def test_a_mask_that_is_no_triangle(student, rng, device):
    """Five queries, seven keys, some allowed and some not: True means that it may look."""
    q, k = some((2, 3, 5, 4), rng, device, 2.0), some((2, 3, 7, 4), rng, device, 2.0)
    mask = torch.rand(5, 7, generator=rng).to(device) < 0.5
    mask[:, 2] = True
    mask[0, 3], mask[1, 3] = True, False
    scores = (q @ k.mT / 2.0).masked_fill(~mask, -math.inf)
    close(student.attention_weights(q, k, mask=mask), F.softmax(scores, -1))


@task("attention_weights")
def test_without_scaling(student, rng, device):
    """scale=False leaves the products as they are, with a mask and without one."""
    q, k = some((5, 9), rng, device), some((7, 9), rng, device)
    mask = torch.ones(5, 7, device=device, dtype=torch.bool).tril(2)
    close(student.attention_weights(q, k, scale=False), F.softmax(q @ k.T, -1))
    scores = (q @ k.T).masked_fill(~mask, -math.inf)
    close(student.attention_weights(q, k, mask, False), F.softmax(scores, -1))


@task("attention_weights")
def test_head_sizes_and_spread(student, rng, device):
    """Of head size 16 and 64 the scaled scores have variance 1; unscaled, softmax is sharper."""
    for hs in (16, 64):
        q, k = some((60, hs), rng, device), some((50, hs), rng, device)
        answers = [student.attention_weights(q, k, None, scale) for scale in (True, False)]
        close(answers, [F.softmax(q @ k.T / hs**0.5, -1), F.softmax(q @ k.T, -1)])
        spread = answers[0].log().var(-1).mean().item()
        # 60 queries' lengths, each |q|²/hs, and 50 keys: five sigma are less than this
        close(spread, 1.0, rtol=0.0, atol=0.55, reason="five sigma of 60 queries and 50 keys")
        tops = [answer.max(-1).values.mean().item() for answer in answers]
        assert tops[1] > tops[0], "unscaled weights should be sharper"


@task("attention_weights")
def test_huge_scores(student, device):
    """Scores of thousands: exp of them is infinite, the weights are not."""
    q = torch.tensor([[40.0, -30.0], [-50.0, 60.0]], dtype=torch.float64, device=device)
    k = torch.tensor([[50.0, 20.0], [-30.0, 40.0], [50.0, 20.01]], dtype=q.dtype, device=device)
    close(student.attention_weights(q, k), F.softmax(q @ k.T / 2**0.5, -1))


@task("attention_weights")
def test_weights_in_float32(student, rng, device):
    """float32 in, float32 out."""
    q, k = (some((3, 5, 8), rng, device, dtype=torch.float32) for _ in range(2))
    mask = torch.ones(5, 5, device=device, dtype=torch.bool).tril()
    scores = (q @ k.mT / 8**0.5).masked_fill(~mask, -math.inf)
    close(student.attention_weights(q, k, mask), F.softmax(scores, -1), **ROUNDED)


def head(T=7, C=12, hs=4, p=0.0, causal=True):
    args = {"head_size": hs, "n_embd": C}
    return {**args, "block_size": T, "dropout": p} if causal else {**args, "dropout": p}


@task("Head")
def test_nobody_sees_the_future(student, rng, device):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    w, x = for_head(12, 4, rng, device), some((2, 7, 12), rng, device)
    jobs = [["call", x], ["call", other_end(x)]]
    answer = student.run(modules, ["Head"], head(), w, x, jobs)
    judge(answer, lambda has: [right_head(y, w, has) for y in (x, other_end(x))])
    not_a_bit(answer, 6)


@task("Head")
def test_short_and_wide(student, rng, device):
    """Fewer positions than block_size, a single one, a head that is wider than its input."""
    w, x = for_head(5, 9, rng, device), some((3, 8, 5), rng, device)
    xs = [x[:, :1], x[:, 2:6], x]
    answer = student.run(modules, ["Head"], head(8, 5, 9), w, x, [["call", y] for y in xs])
    judge(answer, lambda has: [right_head(y, w, has) for y in xs])


@task("Head")
def test_batches_never_talk(student, rng, device):
    """Another second row leaves the first as it was."""
    w, x = for_head(12, 4, rng, device), some((2, 7, 12), rng, device)
    other = torch.stack([x[0], 2.0 * x[1].flip(0)])
    answer = student.run(modules, ["Head"], head(), w, x, [["call", x], ["call", other]])
    judge(answer, lambda has: [right_head(y, w, has) for y in (x, other)])
    close(answer["out"][1][0], answer["out"][0][0], **SAME)


@task("Head")
def test_a_head_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, x = single(for_head(12, 4, rng, device)), some((2, 7, 12), rng, device).float()
    answer = student.run(modules, ["Head"], head(), w, x, [["call", x]])
    judge(answer, lambda has: [right_head(x, w, has)], **MANY)


def check_message_dropout(student, name, args, w, x, right):
    """A position that hears one value gets all of it, doubled, or nothing; both occur."""
    inputs = [x, x] if name == "CrossHead" else [x]
    jobs = [["train"], ["call", *inputs], ["eval"], ["call", *inputs]]
    answer = student.run(modules, [name], args, w, x, jobs)
    out = answer["out"][1] if isinstance(answer, dict) else x
    fits = isinstance(out, torch.Tensor) and out.shape == (*x.shape[:2], args["head_size"])
    heard = (out != 0).any(-1, keepdim=True) if fits else x[..., :1] > 0
    judge(
        answer,
        lambda has: [None, torch.where(heard, 2.0 * right(has), 0.0), None, right(has)],
    )
    few = {"rtol": 0.0, "atol": 35.4, "reason": "five sigma of 200 draws"}
    close(float(heard.sum()), 100.0, **few)


@task("Head")
def test_dropout_of_messages(student, rng, device):
    """With dropout 0.5 a message is lost as a whole or comes doubled; in evaluation it comes."""
    w, x = for_head(12, 4, rng, device), some((200, 1, 12), rng, device)
    args = head(p=0.5)
    check_message_dropout(student, "Head", args, w, x, lambda has: right_head(x, w, has))


@task("EncoderHead")
def test_no_notion_of_space(student, rng, device):
    """Positions in another order give the same outputs in that order."""
    w, x = for_head(12, 4, rng, device), some((2, 7, 12), rng, device)
    order = torch.tensor([3, 6, 0, 5, 1, 4, 2], device=device)
    args = head(causal=False)
    jobs = [["call", x], ["call", x[:, order]]]
    answer = student.run(modules, ["EncoderHead"], args, w, x, jobs)
    right = [x, x[:, order]]
    judge(answer, lambda has: [right_head(y, w, has, causal=False) for y in right])
    rounding = {"rtol": 1e-9, "atol": 1e-9, "reason": "sums in another order"}
    close(answer["out"][1], answer["out"][0][:, order], **rounding)


@task("EncoderHead")
def test_any_length(student, rng, device):
    """One position, three, thirty: an encoder's head knows no block_size."""
    w, x = for_head(5, 9, rng, device), some((2, 30, 5), rng, device)
    xs = [x[:, :1], x[:, 4:7], x]
    args = head(C=5, hs=9, causal=False)
    answer = student.run(modules, ["EncoderHead"], args, w, x, [["call", y] for y in xs])
    judge(answer, lambda has: [right_head(y, w, has, causal=False) for y in xs])


@task("EncoderHead")
def test_dropout_of_an_encoder_s_messages(student, rng, device):
    """With dropout 0.5 a message is lost as a whole or comes doubled; in evaluation it comes."""
    w, x = for_head(12, 4, rng, device), some((200, 1, 12), rng, device)
    args = head(p=0.5, causal=False)
    check_message_dropout(student, "EncoderHead", args, w, x, lambda has: right_head(x, w, has))


@task("CrossHead")
def test_contexts_of_other_lengths(student, rng, device):
    """Contexts of one position, and of more positions than ask."""
    w, x = for_head(12, 4, rng, device), some((2, 3, 12), rng, device)
    contexts = [some((2, S, 12), rng, device) for S in (1, 3, 8)]
    args, jobs = head(causal=False), [["call", x, context] for context in contexts]
    answer = student.run(modules, ["CrossHead"], args, w, x, jobs)
    judge(answer, lambda has: [right_head(x, w, has, False, c) for c in contexts])


@task("CrossHead")
def test_dropout_of_answers(student, rng, device):
    """With dropout 0.5 a message is lost as a whole or comes doubled; in evaluation it comes."""
    w, x = for_head(12, 4, rng, device), some((200, 1, 12), rng, device)
    args = head(p=0.5, causal=False)
    check_message_dropout(student, "CrossHead", args, w, x, lambda has: right_head(x, w, has))


def variances(m, head_size, seed):
    import torch

    torch.manual_seed(1337)
    g = None if seed is None else torch.Generator().manual_seed(seed)
    return [float(v) for v in m.scaled_variance(head_size, g)]


@task("scaled_variance")
def test_other_head_sizes(student, rng):
    """The variance before is head_size, after it is 1: for 4, 24 and 64, generator or not."""
    tenth = {"rtol": 0.1, "atol": 0.0, "reason": "it may be measured"}
    seed = int(torch.randint(1000, (1,), generator=rng))
    for head_size, given in ((4, seed), (24, None), (64, seed)):
        close(student.run(variances, head_size, given), [float(head_size), 1.0], **tenth)


def heads(p=0.0):
    sizes = {"num_heads": 3, "head_size": 4, "n_embd": 12, "block_size": 7}
    return {**sizes, "dropout": p}


@task("MultiHeadAttention")
def test_heads_do_not_see_the_future(student, rng, device):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    w, x = for_heads(12, 3, rng, device), some((2, 7, 12), rng, device)
    jobs = [["call", x], ["call", other_end(x)], ["call", x[:, :4]]]
    answer = student.run(modules, ["MultiHeadAttention"], heads(), w, x, jobs)
    judge(answer, lambda has: [right_heads(y, w, has) for y in (x, other_end(x), x[:, :4])])
    not_a_bit(answer, 6)


@task("MultiHeadAttention")
def test_one_wide_head_and_two(student, rng, device):
    """One head of 6, two heads of 3, six of 1: the head size decides about the scaling."""
    for H in (1, 2, 6):
        w, x = for_heads(6, H, rng, device), some((2, 5, 6), rng, device)
        args = {**heads(), "num_heads": H, "head_size": 6 // H, "n_embd": 6, "block_size": 5}
        answer = student.run(modules, ["MultiHeadAttention"], args, w, x, [["call", x]])
        judge(answer, lambda has, w=w, x=x: [right_heads(x, w, has)])


@task("MultiHeadAttention")
def test_heads_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, x = single(for_heads(12, 3, rng, device)), some((2, 7, 12), rng, device).float()
    answer = student.run(modules, ["MultiHeadAttention"], heads(), w, x, [["call", x]])
    judge(answer, lambda has: [right_heads(x, w, has)], **MANY)


@task("MultiHeadAttention")
def test_dropout_after_the_projection(student, rng, device):
    """With dropout 0.5 half of the numbers are 0, and heads lose messages; in evaluation none."""
    w, x = for_heads(12, 3, rng, device), some((150, 1, 12), rng, device)
    jobs = [["train"], ["call", x], ["eval"], ["call", x]]
    answer = student.run(modules, ["MultiHeadAttention"], heads(0.5), w, x, jobs)
    drawn = answer["out"][1]
    judge(answer, lambda has: [None, drawn, None, right_heads(x, w, has)])
    few = {"rtol": 0.0, "atol": 0.06, "reason": "five sigma of 1,800 draws"}
    close((drawn == 0).double().mean().item(), 0.5, **few)
    whole = 2.0 * right_heads(x, w, set(answer["biases"]))
    kept = drawn != 0
    apart = ((drawn - whole).abs() > 1e-6) & kept
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

FFWD = ["FeedFoward", "FeedForward"]


@task("FeedForward")
def test_each_position_alone(student, rng, device):
    """Another last position changes no other output; five wide, and one position alone."""
    w, x = for_ffwd(5, rng, device), some((3, 7, 5), rng, device, 2.0)
    xs = [x, other_end(x), x[:, :1]]
    args = {"n_embd": 5, "dropout": 0.0}
    answer = student.run(modules, FFWD, args, w, x, [["call", y] for y in xs])
    judge(answer, lambda has: [right_ffwd(y, w, has) for y in xs])
    not_a_bit(answer, 6)


@task("FeedForward")
def test_feed_forward_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, x = single(for_ffwd(12, rng, device)), some((2, 7, 12), rng, device).float()
    args = {"n_embd": 12, "dropout": 0.0}
    answer = student.run(modules, FFWD, args, w, x, [["call", x]])
    judge(answer, lambda has: [right_ffwd(x, w, has)], **MANY)


@task("FeedForward")
def test_dropout_at_the_end(student, rng, device):
    """With dropout 0.5 each number is 0 or doubled; in evaluation all are as without."""
    w, x = for_ffwd(5, rng, device), some((4, 7, 5), rng, device)
    jobs = [["train"], ["call", x], ["eval"], ["call", x]]
    answer = student.run(modules, FFWD, {"n_embd": 5, "dropout": 0.5}, w, x, jobs)
    out = answer["out"][1] if isinstance(answer, dict) else x
    kept = out != 0 if isinstance(out, torch.Tensor) and out.shape == x.shape else x > 0

    def right(has):
        whole = right_ffwd(x, w, has)
        return [None, torch.where(kept, 2.0 * whole, 0.0), None, whole]

    judge(answer, right)
    few = {"rtol": 0.0, "atol": 29.6, "reason": "five sigma of 140 draws"}
    close(float(kept.sum()), 70.0, **few)


def check_norm(student, x, gamma, beta, eps, **tolerance):
    both = sorted([gamma, beta], key=lambda p: -p.sum())
    answer = student.run(normed, x, gamma, beta, eps)
    right = F.layer_norm(x, x.shape[-1:], gamma, beta, 1e-5 if eps is None else eps)
    close(answer, [right, both], **tolerance)


@task("LayerNorm1d")
def test_gains_and_shifts(student, rng, device):
    """Gains and shifts of their own, for inputs of two, three and four dimensions."""
    for shape in ((5, 12), (2, 7, 12), (2, 3, 4, 9)):
        gamma, beta = for_norm(shape[-1], rng, device)
        check_norm(student, 2.0 + some(shape, rng, device, 3.0), gamma, beta, None)


@task("LayerNorm1d")
def test_each_position_by_itself(student, rng, device):
    """Other positions and rows may be a thousand times as large: mean 0 and variance 1 for each."""
    x = some((3, 4, 7), rng, device)
    x[1] *= 1000.0
    x[:, 2] -= 500.0
    check_norm(student, x, *for_norm(7, rng, device), None)
    answer = student.run(normed, x, None, None, None)
    first = [torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])]
    close(answer, [F.layer_norm(x, (7,)), first])
    loose = {"rtol": 1e-3, "atol": 1e-3, "reason": "eps"}
    close(answer[0].var(-1, unbiased=False), torch.ones_like(x[..., 0]), **loose)


@task("LayerNorm1d")
def test_hardly_any_variance(student, rng, device):
    """Where variance is as small as eps, eps counts: under the root, and the eps that is given."""
    x = some((2, 3, 5), rng, device, 0.003)
    gamma, beta = for_norm(5, rng, device)
    check_norm(student, x, gamma, beta, None)
    check_norm(student, x, gamma, beta, 0.01)
    check_norm(student, torch.full_like(x, 0.25), gamma, beta, 0.01)


@task("LayerNorm1d")
def test_a_norm_in_float32(student, rng, device):
    """float32 in, float32 out."""
    x = some((2, 7, 12), rng, device, 2.0).float()
    check_norm(student, x, *single(for_norm(12, rng, device)), None, **ROUNDED)


def norm_gradients(m, x, direction):
    import torch

    dtype = torch.get_default_dtype()
    torch.set_default_dtype(x.dtype)
    try:
        norm = m.LayerNorm1d(x.shape[-1])
    finally:
        torch.set_default_dtype(dtype)
    if isinstance(norm, torch.nn.Module):
        norm.to(x.device)
    else:
        for name, part in vars(norm).items():
            if isinstance(part, torch.Tensor):
                setattr(norm, name, part.detach().to(x.device))
    x = x.clone().requires_grad_()
    params = list(norm.parameters())
    for p in params:
        p.requires_grad_()
    out = norm(x) if callable(norm) else norm.forward(x)
    (out * direction).sum().backward()
    return [x.grad, sorted((p.grad for p in params), key=lambda g: -g.sum())]


@task("LayerNorm1d")
def test_gradients_of_a_norm(student, rng, device):
    """Gradients reach x, gamma and beta, and are PyTorch's."""
    x, direction = some((2, 3, 5), rng, device), some((2, 3, 5), rng, device)
    x.requires_grad_()
    ones = torch.ones(5, dtype=x.dtype, device=device).requires_grad_()
    zeros = torch.zeros_like(ones).requires_grad_()
    loss = (F.layer_norm(x, (5,), ones, zeros) * direction).sum()
    right, *both = torch.autograd.grad(loss, [x, ones, zeros])
    answer = student.run(norm_gradients, x.detach(), direction)
    close(answer, [right, sorted(both, key=lambda g: -g.sum())])


def block(p=0.0):
    return {"n_embd": 12, "n_head": 3, "block_size": 7, "dropout": p}


@task("Block")
def test_a_block_does_not_see_the_future(student, rng, device):
    """Another last position changes no earlier output, not by a bit, and it changes its own."""
    w, x = for_block(12, 3, rng, device), some((2, 7, 12), rng, device)
    xs = [x, other_end(x), x[:, :3], 10.0 * x]
    answer = student.run(modules, ["Block"], block(), w, x, [["call", y] for y in xs])
    judge(answer, lambda has: [right_block(y, w, has) for y in xs])
    not_a_bit(answer, 6)


@task("Block")
def test_the_residual_pathway(student, rng, device):
    """With projections of zero nothing is added: what comes in goes out."""
    w, x = for_block(12, 3, rng, device), some((2, 7, 12), rng, device, 3.0)
    for layer in (w["sa"]["proj"], w["ffwd"]["down"]):
        layer[:] = [torch.zeros_like(t) for t in layer]
    answer = student.run(modules, ["Block"], block(), w, x, [["call", x]])
    judge(answer, lambda has: [x])


@task("Block")
def test_two_wide_heads(student, rng, device):
    """Two heads of 5 in a block of 10."""
    w, x = for_block(10, 2, rng, device), some((3, 4, 10), rng, device)
    args = {"n_embd": 10, "n_head": 2, "block_size": 6, "dropout": 0.0}
    answer = student.run(modules, ["Block"], args, w, x, [["call", x]])
    judge(answer, lambda has: [right_block(x, w, has)])


@task("Block")
def test_a_block_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, x = single(for_block(12, 3, rng, device)), some((2, 7, 12), rng, device).float()
    answer = student.run(modules, ["Block"], block(), w, x, [["call", x]])
    judge(answer, lambda has: [right_block(x, w, has)], **MANY)


@task("Block")
def test_dropout_on_both_side_roads(student, rng, device):
    """With dropout 0.9 on both side roads much comes out as it went in; in evaluation nothing."""
    w, x = for_block(12, 3, rng, device), some((60, 1, 12), rng, device)
    jobs = [["train"], ["call", x], ["eval"], ["call", x]]
    answer = student.run(modules, ["Block"], block(0.9), w, x, jobs)
    drawn = answer["out"][1]
    judge(answer, lambda has: [None, drawn, None, right_block(x, w, has)])
    share = (drawn == x).double().mean().item()
    close(share, 0.81, rtol=0.0, atol=0.075, reason="five sigma of 720 draws")


def dropped(m, x, p, training, seed):
    import torch

    torch.manual_seed(1337)
    before = x.clone()
    g = None if seed is None else torch.Generator().manual_seed(seed)
    return [m.dropout(x, p, training, g).clone(), bool((x == before).all())]


@task("dropout")
def test_shares_and_scale(student, rng, device):
    """For p = 0.1 and 0.8 that share is lost, and what is kept is scaled up by 1 / (1 - p)."""
    x = 1.0 + some((2000, 1), rng, device).abs()  # draws by the row are as many here
    for p, most in ((0.1, 67.1), (0.8, 89.5)):
        seed = int(torch.randint(1000, (1,), generator=rng))
        answer = student.run(dropped, x, p, True, seed)
        out = answer[0] if isinstance(answer, list) else x
        kept = out != 0 if isinstance(out, torch.Tensor) and out.shape == x.shape else x > 0
        close(answer, [torch.where(kept, x / (1.0 - p), 0.0), True])
        lost = float((~kept).sum())
        close(lost, 2000.0 * p, rtol=0.0, atol=most, reason="five sigma of 2,000 draws")


@task("dropout")
def test_where_nothing_is_drawn(student, rng, device):
    """p = 0 and evaluation leave x as it is; p = 1 gives zeros, and never NaN."""
    x = some((3, 4, 5), rng, device)
    close(student.run(dropped, x, 0.0, True, 1), [x, True])
    close(student.run(dropped, x, 0.9, False, 1), [x, True])
    close(student.run(dropped, x, 1.0, False, 1), [x, True])
    close(student.run(dropped, x, 1.0, True, 1), [torch.zeros_like(x), True])


def patterns(m, x, seeds):
    import torch

    torch.manual_seed(1337)
    gs = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = [m.dropout(x, 0.5, True, generator=g) != 0 for g in gs]
    return [*drawn, m.dropout(x, 0.5, True) != 0]


@task("dropout")
def test_each_number_by_itself(student, rng, device):
    """The same generator drops the same numbers, another one others; not whole rows or columns."""
    x = 1.0 + some((9, 8, 11), rng, device).abs()
    answer = student.run(patterns, x, [3, 3, 4])
    close(answer, [answer[0]] * 2 + list(answer[2:]))
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds drop the same"
    for dim in range(3):
        whole = answer[0].all(dim) | ~answer[0].any(dim)
        assert not whole.all(), "whole rows or columns are dropped"
        few = {"rtol": 0.0, "atol": 0.2, "reason": "rows of 8, 9 or 11 are rarely all alike"}
        close(whole.double().mean().item(), 0.0, **few)


@task("dropout")
def test_dropout_in_float32(student, device):
    """float32 in, float32 out, whatever the mode is."""
    x = torch.full((6, 5), 3.0, device=device)
    for p, training in ((0.5, True), (0.5, False), (1.0, True)):
        answer = student.run(dropped, x, p, training, 1)
        out = answer[0] if isinstance(answer, list) else x
        kept = out != 0 if isinstance(out, torch.Tensor) and out.shape == x.shape else x > 0
        scale = 2.0 if training and p < 1 else 1.0
        close(answer, [torch.where(kept, scale * x, 0.0), True])


# ----------------------------------------------------------------------------- the models

BIGRAM = ["BigramLanguageModel"]


@task("BigramLanguageModel")
def test_bigrams_of_other_sizes(student, rng, device):
    """One sequence of one token, five of three; logits without targets are (B, T, V)."""
    w, sizes = some((9, 9), rng, device, 2.0), [(1, 1), (5, 3), (3, 5)]
    pairs = [some_tokens((2, *size), rng, device, 9) for size in sizes]
    jobs = [["model", idx, targets] for idx, targets in pairs]
    jobs += [["call", idx] for idx, _ in pairs]
    answer = student.run(modules, BIGRAM, {"vocab_size": 9}, w, w, jobs)
    logits = [F.embedding(idx, w) for idx, _ in pairs]
    losses = [[o, right_loss(o, targets)] for o, (_, targets) in zip(logits, pairs)]
    judge(answer, lambda has: losses + [[o, None] for o in logits])


@task("BigramLanguageModel")
def test_a_bigram_model_writes(student, device):
    """A table that is certain of 3 after 0, 1 after 3 and so on: idx first, then the chain."""
    w = 1000.0 * F.one_hot(torch.tensor([3, 4, 0, 1, 2]), 5).double().to(device)
    idx = torch.tensor([[2, 2, 0], [4, 3, 4]], device=device)
    right = torch.tensor([[2, 2, 0, 3, 1, 4, 2, 0], [4, 3, 4, 2, 0, 3, 1, 4]], device=device)
    jobs = [["generate", idx, 5], ["generate", idx[:, :1], 0]]
    answer = student.run(modules, BIGRAM, {"vocab_size": 5}, w, w, jobs)
    judge(answer, lambda has: [right, idx[:, :1]])


@task("BigramLanguageModel")
def test_a_bigram_model_draws(student, device):
    """Of 300 tokens with 0.8 and 0.2, about 240 are the likely one."""
    row = torch.tensor([0.8, 0.2, 1e-30], dtype=torch.float64, device="cpu").log()
    w, idx = row.expand(3, 3).to(device), torch.zeros(300, 1, dtype=torch.int64, device=device)
    answer = student.run(modules, BIGRAM, {"vocab_size": 3}, w, w, [["generate", idx, 1]])
    out = answer["out"][0]
    judge(answer, lambda has: [torch.cat([idx, (out[:, 1:] != 0).long()], 1)])
    count = float((out[:, 1] == 0).sum())
    close(count, 240.0, rtol=0.0, atol=34.7, reason="five sigma of 300 draws")


@task("BigramLanguageModel")
def test_a_bigram_model_learns(student, rng, device):
    """A gradient reaches the table."""
    idx, like = some_tokens((2, 4, 7), rng, device), torch.zeros(1, device=device)
    jobs = [["lonely", *idx], ["count"]]
    answer = student.run(modules, BIGRAM, {"vocab_size": 11}, None, like, jobs)
    judge(answer, lambda has: [[True, 0], 121])


NAMES = ["GPT", "GPTLanguageModel"]


@task("GPTLanguageModel")
def test_a_gpt_does_not_see_the_future(student, rng, device):
    """Another last token changes no earlier logits, not by a bit, and it changes its own."""
    w, idx = for_gpt(11, 12, 3, 2, 7, rng, device), some_tokens((2, 7), rng, device)
    other = idx.clone()
    other[:, -1] = (idx[:, -1] + 3) % 11
    jobs = [["model", idx], ["model", other]]
    answer = student.run(modules, NAMES, GPT, w, w["tokens"], jobs)
    judge(answer, lambda has: [[right_gpt(i, w, has), None] for i in (idx, other)])
    not_a_bit(answer, 6)


@task("GPTLanguageModel")
def test_short_texts_and_strangers(student, rng, device):
    """Fewer tokens than block_size, one alone, five rows; each row is as if it were alone."""
    w, idx = for_gpt(11, 12, 3, 2, 7, rng, device), some_tokens((5, 7), rng, device)
    parts = [idx[:, :1], idx[:2, 3:6], idx[3:4], idx]
    jobs = [["model", part] for part in parts]
    answer = student.run(modules, NAMES, GPT, w, w["tokens"], jobs)
    judge(answer, lambda has: [[right_gpt(part, w, has), None] for part in parts])


@task("GPTLanguageModel")
def test_the_same_token_at_every_place(student, rng, device):
    """ "aaaa" has other logits at each place: positions count."""
    w, idx = for_gpt(11, 12, 3, 1, 7, rng, device), torch.full((2, 7), 4, device=device)
    answer = student.run(modules, NAMES, {**GPT, "n_layer": 1}, w, w["tokens"], [["model", idx]])
    judge(answer, lambda has: [[right_gpt(idx, w, has), None]])


@task("GPTLanguageModel")
def test_losses_of_other_sizes(student, rng, device):
    """One block, ten wide, two heads; the loss is the mean over all positions."""
    w = for_gpt(5, 10, 2, 1, 6, rng, device)
    sizes = {"vocab_size": 5, "n_embd": 10, "n_head": 2, "n_layer": 1, "block_size": 6}
    pairs = [some_tokens((2, *size), rng, device, 5) for size in ((3, 6), (1, 1), (4, 2))]
    jobs = [["model", idx, targets] for idx, targets in pairs]
    answer = student.run(modules, NAMES, {**sizes, "dropout": 0.0}, w, w["tokens"], jobs)

    def right(has):
        logits = [right_gpt(idx, w, has) for idx, _ in pairs]
        return [[o, right_loss(o, targets)] for o, (_, targets) in zip(logits, pairs)]

    judge(answer, right)


@task("GPTLanguageModel")
def test_a_gpt_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, idx = single(for_gpt(11, 12, 3, 2, 7, rng, device)), some_tokens((2, 7), rng, device)
    answer = student.run(modules, NAMES, GPT, w, w["tokens"], [["model", idx]])
    judge(answer, lambda has: [[right_gpt(idx, w, has), None]], **MANY)


@task("GPTLanguageModel")
def test_too_many_tokens(student, rng):
    """Eight tokens are more than block_size: an error, and no guess."""
    idx, like = some_tokens((2, 8), rng, "cpu"), torch.zeros(1, device="cpu")
    jobs = [["raises", idx], ["raises", idx[:, 1:]]]
    answer = student.run(modules, NAMES, GPT, None, like, jobs)
    judge(answer, lambda has: [True, False])


def likeliest(idx, w, has, new):
    """idx and `new` tokens more, each the likeliest one of the last seven read."""
    for _ in range(new):
        logits = right_gpt(idx[:, -7:], w, has)[:, -1]
        idx = torch.cat([idx, logits.argmax(-1, keepdim=True)], 1)
    return idx


def talking_gpt(rng, device):
    """A random one that has more than two things to say, whatever its layers' biases."""
    start = torch.arange(11, device=device)[:, None]
    while True:
        w = for_gpt(11, 12, 3, 2, 7, rng, device)
        says = [likeliest(start, w, has, 1)[:, 1] for has in ([], ["lm_head"])]
        if all(len(said.unique()) > 4 for said in says):
            return w


def turning_gpt(rng, device):
    """After token t it says t + 1, and so round through all; a random one may end in one token."""
    w = for_gpt(11, 12, 3, 2, 7, rng, device)
    square = torch.linalg.qr(some((12, 12), rng, "cpu"))[0].to(device)
    w["tokens"] = 40.0 * square[:11]
    w["lm_head"][0] = w["tokens"].roll(1, 0)
    return w


@task("GPTLanguageModel")
def test_a_gpt_writes(student, rng, device):
    """With a head that is certain, twelve tokens are the likeliest ones of the last seven read."""
    for w in (talking_gpt(rng, device), turning_gpt(rng, device)):
        idx = some_tokens((8, 3), rng, device)
        w["lm_head"] = [1e7 * t for t in w["lm_head"]]
        jobs = [["eval"], ["generate", idx, 12]]
        answer = student.run(modules, NAMES, GPT, w, w["tokens"], jobs)
        judge(answer, lambda has, w=w, idx=idx: [None, likeliest(idx, w, has, 12)])


@task("GPTLanguageModel")
def test_every_parameter_learns(student, rng, device):
    """A gradient reaches each of them, and their number is the lecture's."""
    idx, like = some_tokens((2, 4, 7), rng, device), torch.zeros(1, device=device)
    jobs = [["lonely", *idx]]
    answer = student.run(modules, NAMES, GPT, None, like, jobs)
    judge(answer, lambda has: [[True, 0]])


@task("GPTLanguageModel")
def test_dropout_reaches_the_blocks(student, rng, device):
    """With dropout 0.5 two calls differ in training and are the same in evaluation."""
    w, idx = for_gpt(11, 12, 3, 2, 7, rng, device), some_tokens((2, 7), rng, device)
    jobs = [["train"], ["model", idx], ["model", idx], ["eval"], ["model", idx]]
    answer = student.run(modules, NAMES, {**GPT, "dropout": 0.5}, w, w["tokens"], jobs)
    drawn = answer["out"][1:3]
    judge(answer, lambda has: [None, *drawn, None, [right_gpt(idx, w, has), None]])
    assert not torch.equal(drawn[0][0], drawn[1][0]), "dropout isn't handed on"


def written(m, idx, new, block_size, seed, V):
    """What `generate` makes of a model that is certain: all that it sees decides."""
    import torch

    torch.manual_seed(1337)

    class Certain(torch.nn.Module):
        def forward(self, idx, targets=None):
            seen = torch.cumsum(idx, 1) + 3 * idx + 1  # (B, T)
            next_one = seen.remainder(V)
            return 1000.0 * torch.nn.functional.one_hot(next_one, V).double(), None

    g = None if seed is None else torch.Generator().manual_seed(seed)
    return m.generate(Certain(), idx, new, block_size, g)


@task("generate")
def test_only_the_last_tokens_are_read(student, rng, device):
    """Five new tokens after nine, the last four read; after three, and one read; none at all."""
    for T, new, block_size in ((9, 5, 4), (3, 9, 4), (3, 4, 1), (5, 0, 3), (4, 2, 4)):
        idx = some_tokens((3, T), rng, device)
        answer = student.run(written, idx, new, block_size, None, 11)
        close(answer, right_text(idx, new, block_size))


def drawn(m, idx, rows, new, seeds):
    """Continuations by a model whose logits are those of the last token's row."""
    import torch

    torch.manual_seed(1337)

    class Rows(torch.nn.Module):
        def forward(self, idx, targets=None):
            return rows[idx], None

    gs = [torch.Generator().manual_seed(seed) for seed in seeds]
    return [m.generate(Rows(), idx, new, 8, generator=g) for g in gs]


@task("generate")
def test_tokens_are_drawn(student, rng, device):
    """Of 8,000 rows, 0.7 for one token and 0.3 for another, about 5,600 get the first."""
    chances = torch.tensor([[1e-40, 0.7, 0.3], [0.5, 0.25, 0.25]], dtype=torch.float64)
    rows = chances.log()[[1, 1, 0]].to(device)
    idx = torch.tensor([0, 1, 2], device=device).repeat(8000, 1)
    answer = student.run(drawn, idx, rows, 1, [int(torch.randint(99, (1,), generator=rng))])
    out = answer[0] if isinstance(answer, list) and answer else None
    fits = isinstance(out, torch.Tensor) and out.shape == (8000, 4)
    ones = (out[:, 3:] == 1) if fits else idx[:, :1] > 0
    close(answer, [torch.cat([idx, torch.where(ones, 1, 2)], 1)])
    close(float(ones.sum()), 5600.0, rtol=0.0, atol=205.0, reason="five sigma of 8,000 draws")


@task("generate")
def test_the_generator_writes(student, device):
    """The same generator writes the same, another one something else."""
    rows = torch.zeros(7, 7, dtype=torch.float64, device=device)
    idx = torch.tensor([[1], [2]], device=device)
    answer = student.run(drawn, idx, rows, 20, [5, 5, 6])
    close(answer, [answer[0]] * 2 + [answer[2]])
    assert answer[0].shape == (2, 21), "not idx and twenty tokens"
    assert not torch.equal(answer[0], answer[2]), "generators of different seeds write the same"


# ------------------------------------------------------------------------------- training


def right_estimate(w, eval_iters, training):
    sums = [6 + i**2 for i in range(1, eval_iters + 1)]
    mean = sum(3 * s / 4 for s in sums) / eval_iters
    # in float32 if their losses are kept in a float32 tensor
    losses = {"train": float(w) * (mean + 10), "val": float(w) * (mean + 20)}
    counts = {"train": eval_iters, "val": eval_iters}
    return [losses, counts, [str([False, False])], False, [training, True, True]]


@task("estimate_loss")
def test_one_batch_and_seven(student, rng, device):
    """As many batches of each part as asked for, and their mean; then training goes on."""
    w = 1.0 + some((), rng, device).abs()
    for n in (1, 7):
        close(student.run(estimated, w, n, True), right_estimate(w, n, True), **ROUNDED)


@task("estimate_loss")
def test_the_mode_that_was(student, rng, device):
    """A model that was in evaluation mode stays in it."""
    w = 1.0 + some((), rng, device).abs()
    close(student.run(estimated, w, 3, False), right_estimate(w, 3, False), **ROUNDED)


def right_training(table, seen, lr):
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
def test_fresh_batches(student, rng, device):
    """Each step has its own batch, of the sizes asked for, from the data, y one further than x."""
    table = some((30, 30), rng, device)
    data = torch.randperm(30, generator=rng).to(device)
    answer = student.run(trained, table, data, 5, 3, 4, 0.03, 2)
    seen = [[t.to(device) for t in pair] for pair in shown(answer, 5, (3, 4))]
    close(answer, [*right_training(table, seen, 0.03), seen], **ROUNDED)
    places = [pieces(pair, data, 3, 4)[0] for pair in seen]
    close(seen, places)
    firsts = [x for x, _ in seen]
    assert not all(torch.equal(x, firsts[0]) for x in firsts), "one batch for all steps"


def trained_twice(m, table, data, seeds):
    import torch

    torch.manual_seed(1337)

    class Table(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(table.clone())

        def forward(self, idx, targets=None):
            logits = self.table[idx]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, loss

    gs = [torch.Generator().manual_seed(seed) for seed in seeds]
    runs = [m.train(Table(), data, 4, 2, 3, generator=g) for g in gs]
    return [[float(loss) for loss in losses] for losses in runs]


@task("train")
def test_the_generator_chooses(student, rng, device):
    """The same generator gives the same losses, another one others; lr is 0.001 by itself."""
    table, data = some((11, 11), rng, device), some_tokens((80,), rng, device)
    answer = student.run(trained_twice, table, data, [1, 1, 2])
    close(answer, [answer[0]] * 2 + [answer[2]])
    assert answer[0] != answer[2], "generators of different seeds give the same losses"
    assert len(answer[0]) == 4, "not a loss for each step"


def learnt(m, data, V, steps):
    """Train a model that reads two tokens, by a table for each pair."""
    import torch

    torch.manual_seed(1337)

    class Pairs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(torch.zeros((V + 1) * V, V, device=data.device))

        def forward(self, idx, targets=None):
            before = torch.nn.functional.pad(idx[:, :-1], (1, 0), value=V)
            logits = self.table[before * V + idx]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, loss

    model, g = Pairs(), torch.Generator().manual_seed(1337)
    losses = m.train(model, data, steps, 4, 12, 0.1, g)
    return [len(losses), float(losses[0]), sum(float(loss) for loss in losses[-5:]) / 5]


@task("train")
def test_better_than_bigrams(student, device):
    """In "aabbaabb…" one letter says nothing about the next, and two say all: 60 steps find out."""
    data = torch.tensor([0, 0, 1, 1], device=device).repeat(20)
    answer = student.run(learnt, data, 2, 60)
    close(answer, [60, math.log(2), 0.075], rtol=0.0, atol=0.075, reason="it has to be learnt")


@task("count_parameters")
def test_other_models(student):
    """Narrow and wide, one block and many, a single character; heads cost nothing."""
    for V, C, H, L, T in (
        (11, 12, 3, 2, 7),
        (65, 32, 4, 4, 8),
        (1, 6, 1, 1, 5),
        (300, 40, 2, 9, 16),
    ):
        attention = 3 * C * C + C * C + C
        thinking = (C + 1) * 4 * C + (4 * C + 1) * C
        expected = (V + T) * C + L * (attention + thinking + 4 * C) + 2 * C + (C + 1) * V
        close(student.count_parameters(V, C, H, L, T), expected)
