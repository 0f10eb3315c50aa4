"""What counts: other sizes, edges, gradients, and weights that hide no mistake.

A model with fresh weights (0.02) writes nearly the same token whatever stands before. So the tests
of written text give it random weights of full size, gains and shifts included.
"""

import functools
import math

import torch
from oracles import (
    EXACT,
    F64,
    GPT2,
    LARGER,
    RIGHT,
    ROUNDED,
    SMALL,
    TINY,
    WTE,
    check_cache,
    check_file,
    check_frozen,
    check_gpt,
    check_layer,
    check_spread,
    for_attention,
    for_block,
    for_gpt,
    for_mlp,
    for_norm,
    for_practice,
    judge,
    loud,
    new_rows,
    published,
    right_attention,
    right_clip,
    right_gpt,
    right_greedy,
    right_groups,
    right_last,
    right_loss,
    right_norm,
    right_sum,
    with_loss,
)
from probes import (
    accumulated,
    clipped,
    counted,
    cut,
    gap,
    heads_fit,
    models,
    rates,
    resumed,
    saved,
    slopes,
    utilised,
)

from autograder.suite import close, close_to_one, task, within

F = torch.nn.functional

# other sizes, no two alike, and no biases
OTHER = {"block_size": 9, "vocab_size": 13, "n_layer": 3, "n_head": 2, "n_embd": 10}
OTHER |= {"dropout": 0.0, "bias": False}
ATTENTION = "CausalSelfAttention"
WPE = "transformer.wpe.weight"
MANY = within(1e-4, 1e-4, "float32 through many operations")


def single(w):
    """The same weights in float32."""
    return {name: t.float() for name, t in w.items()}


def right_gradient(x, f):
    """The gradient of a function's sum at x."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(f(leaf).sum(), leaf)[0]


def loss_gradients(names, idx, targets, w, c, form):
    """The loss's gradients for these weights, by name."""
    leaves = w | {name: w[name].clone().requires_grad_() for name in names}
    loss = with_loss(idx, targets, leaves, c, form)[1]
    return dict(zip(names, torch.autograd.grad(loss, [leaves[name] for name in names])))


# ------------------------------------------------------------------------- the nonlinearity


@task("gelu")
def test_many_places(student, rng, device):
    """From -6 to 6, in three dimensions, and far out, where it is x or 0."""
    far = torch.tensor([-50.0, -9.0, 9.0, 50.0], dtype=F64, device=device)
    for x in (rng.normal(3, 5, 7, scale=2.0, dtype=F64), far):
        close(student.gelu(x), F.gelu(x, approximate="tanh"))


@task("gelu")
def test_in_float32(student, rng):
    """float32 in, float32 out; and what was given is as it was."""
    x = rng.normal(5, 7)
    close(student.gelu(x), F.gelu(x, approximate="tanh"))


@task("gelu")
def test_its_slope(student, rng):
    """The gradient is that of PyTorch's tanh form."""
    x = rng.normal(5, 7, dtype=F64)
    close(student.run(slopes, x), right_gradient(x, lambda x: F.gelu(x, approximate="tanh")))


@task("gelu_gap")
def test_only_these_places(student, rng, device):
    """The largest at the places that are given: far out it is tiny, and sign doesn't matter."""
    near = torch.tensor([-2.3, 0.1, 1.0], dtype=F64, device=device)
    one = torch.tensor([-1.7], dtype=F64, device=device)
    for xs in (rng.normal(40, dtype=F64), near, one, 0.1 * near):
        right = (F.gelu(xs) - F.gelu(xs, approximate="tanh")).abs().max().item()
        close(student.run(gap, xs), right, within(1e-6, 1e-12, "the gap is small"))


# ------------------------------------------------------------------------------- the layers


@task("LayerNorm")
def test_hardly_any_variance(student, rng):
    """Where the variance is about 1e-5, too, eps counts as much as it."""
    x, w = rng.normal(3, 5, 12, scale=3e-3, dtype=F64), for_norm(12, True, rng)
    answer = student.run(models, "LayerNorm", [12, True], w, [["call", x]])
    close(answer, [right_norm(x, w)])


@task("LayerNorm")
def test_its_first_values(student, rng):
    """Gains of 1, shifts of 0, and gradients for both; other shapes of x."""
    x, direction = rng.normal(4, 9, scale=0.5, dtype=F64), rng.normal(4, 9, dtype=F64)
    jobs = [["read", ["weight", "bias"]], ["input_gradient", x, direction], ["count"]]
    answer = student.run(models, "LayerNorm", [9, True], None, jobs, x)
    first = {"weight": torch.ones_like(x[0]), "bias": torch.zeros_like(x[0])}
    gradient = right_gradient(x, lambda x: F.layer_norm(x, (9,)) * direction)
    close(answer, [first, gradient, 18])


@task("LayerNorm")
def test_a_norm_in_float32(student, rng):
    """float32 in, float32 out, one gain a number, no shift."""
    x, w = rng.normal(2, 3, 8, scale=2.0), single(for_norm(8, False, rng))
    answer = student.run(models, "LayerNorm", [8, False], w, [["call", x], ["count"]])
    close(answer, [right_norm(x, w), 8], ROUNDED)


@task(ATTENTION)
def test_nobody_sees_the_future(student, rng):
    """Another fifth position changes no output before it, not by a bit, and some from there on."""
    w, x = for_attention(SMALL, rng), rng.normal(2, 7, 12, dtype=F64)
    other = x.clone()
    other[:, 4] = 3.0 - other[:, 4]
    answer = check_layer(student, ATTENTION, SMALL, w, [x, other])
    close(answer[1][:, :4], answer[0][:, :4], EXACT)


@task(ATTENTION)
def test_other_sizes_without_bias(student, rng):
    """Two heads of five, no biases; one position, a few, all; five rows."""
    w, x = for_attention(OTHER, rng), rng.normal(5, 9, 10, dtype=F64)
    check_layer(student, ATTENTION, OTHER, w, [x, x[:2, :1], x[1:, 3:7]])


@task(ATTENTION)
def test_heads_are_independent(student, rng):
    """Without the values of the second head only its columns of c_proj are missed."""
    w, x = for_attention(SMALL, rng), rng.normal(2, 7, 12, dtype=F64)
    w["c_attn.weight"][28:32], w["c_attn.bias"][28:32] = 0.0, 0.0
    less = w | {"c_proj.weight": w["c_proj.weight"].clone()}
    less["c_proj.weight"][:, 4:8] = 0.0
    jobs = [["call", x], ["set", less], ["call", x]]
    answer = student.run(models, ATTENTION, SMALL, w, jobs)
    right = right_attention(x, w, SMALL, None)
    close(answer, [right, None, right])


@task(ATTENTION)
def test_one_head_and_twelve(student, rng):
    """A single head as wide as the model, and twelve of one number each."""
    w, x = for_attention(SMALL, rng), rng.normal(2, 5, 12, dtype=F64)
    for n_head in (1, 12):
        check_layer(student, ATTENTION, SMALL | {"n_head": n_head}, w, [x])


@task(ATTENTION)
def test_attention_in_float32(student, rng):
    """float32 in, float32 out."""
    w, x = single(for_attention(SMALL, rng)), rng.normal(2, 7, 12)
    check_layer(student, ATTENTION, SMALL, w, [x], ROUNDED)


@task(ATTENTION)
def test_gradients_of_attention(student, rng):
    """The gradient that comes back to x is that of PyTorch's attention."""
    w, (x, direction) = for_attention(SMALL, rng), rng.normal(2, 2, 6, 12, dtype=F64)
    answer = student.run(models, ATTENTION, SMALL, w, [["input_gradient", x, direction]])
    close(answer, [right_gradient(x, lambda x: right_attention(x, w, SMALL, None) * direction)])


@task(ATTENTION)
def test_heads_that_do_not_fit(student):
    """12 numbers can't be parted among 5 heads: an error; among 4 they can."""
    close([student.run(heads_fit, 5, 12), student.run(heads_fit, 4, 12)], [False, True])


def check_dropout(student, cls, w, x, times):
    """In training each number is 0 or multiplied by one of `times`; in evaluation it stays."""
    jobs = [["train"], ["call", x], ["eval"], ["call", x]]
    _, drawn, _, whole = student.run(models, cls, SMALL | {"dropout": 0.5}, w, jobs)
    right = functools.partial(RIGHT[cls], x, w, SMALL)
    judge(whole, right)
    ratio = (drawn / right("tanh")).round()
    kept = torch.where(sum(ratio == t for t in times) > 0, ratio, float(times[0]))
    kept = torch.where(drawn == 0, 0.0, kept)
    judge(drawn, lambda form: kept * right(form))
    lost = (drawn == 0).double().mean().item()
    assert 0.3 < lost < 0.95, "nothing is dropped in training, or all"


@task(ATTENTION)
def test_dropout_of_attention(student, rng):
    """With dropout 0.5 some of a lone position's output is lost, the rest grows; not in eval."""
    w, x = for_attention(SMALL, rng), rng.normal(60, 1, 12, dtype=F64)
    w["c_proj.weight"] = torch.eye(12, dtype=F64, device=x.device)
    w["c_proj.bias"] = torch.zeros_like(w["c_proj.bias"])
    check_dropout(student, ATTENTION, w, x, (2, 4))


@task("MLP")
def test_without_biases(student, rng):
    """Ten numbers, no biases, each position by itself."""
    w, x = for_mlp(OTHER, rng), rng.normal(3, 4, 10, dtype=F64)
    check_layer(student, "MLP", OTHER, w, [x, x[1:2, 2:3]])


@task("MLP")
def test_dropout_at_the_end(student, rng):
    """With dropout 0.5 half of the output is lost and the rest doubled; not in evaluation."""
    w, x = for_mlp(SMALL, rng), rng.normal(60, 2, 12, dtype=F64)
    check_dropout(student, "MLP", w, x, (2,))


@task("Block")
def test_a_block_of_other_sizes(student, rng):
    """Ten wide, two heads, no biases; a single position as well."""
    w, x = for_block(OTHER, rng), rng.normal(3, 8, 10, dtype=F64)
    check_layer(student, "Block", OTHER, w, [x, x[:, :1]])


@task("Block")
def test_the_residual_pathway(student, rng):
    """With both c_proj at 0 a block returns its input, to the bit."""
    w, x = mute(for_block(SMALL, rng)), rng.normal(2, 7, 12, scale=9.0, dtype=F64)
    close(student.run(models, "Block", SMALL, w, [["call", x]]), [x], EXACT)


def mute(w):
    """The same with blocks that add nothing."""
    return {name: 0.0 * t if "c_proj" in name else t for name, t in w.items()}


# -------------------------------------------------------------------------------- the model


@task("GPT.forward")
def test_other_sizes(student, rng):
    """Three blocks, ten wide, no biases; all positions, a few, a single one."""
    w = for_gpt(OTHER, rng)
    pairs = [rng.integers(0, 13, 2, *size) for size in ((4, 9), (3, 5), (1, 1))]
    check_gpt(student, OTHER, w, pairs)
    idx = pairs[0][0]
    answer = student.run(models, "GPT", OTHER, w, [["last", idx]])
    judge(answer, lambda form: [right_last(idx, w, OTHER, form)])


@task("GPT.forward")
def test_a_gpt_does_not_see_the_future(student, rng):
    """Another fifth token changes no earlier logits, not by a bit."""
    w, (idx, targets) = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 2, 7)
    other = idx.clone()
    other[:, 4] = (idx[:, 4] + 3) % 11
    answer = check_gpt(student, SMALL, w, [(idx, targets), (other, targets)])
    close(answer[1][0][:, :4], answer[0][0][:, :4], EXACT)


@task("GPT.forward")
def test_targets_that_do_not_count(student, rng):
    """Where the target is -1 there is no loss, and the mean is over the others."""
    w, (idx, targets) = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 3, 7)
    targets[0, :3], targets[2, 5] = -1, -1
    check_gpt(student, SMALL, w, [(idx, targets)])


@task("GPT.forward")
def test_too_many_tokens(student, rng):
    """Eight tokens are more than block_size: an error; seven are not."""
    idx = rng.integers(0, 11, 2, 8).cpu()  # on a GPU such an index would end the process
    jobs = [["raises", idx], ["raises", idx[:, :7]]]
    like = torch.zeros(1, device="cpu")
    close(student.run(models, "GPT", SMALL, None, jobs, like), [True, False])


@task("GPT.forward")
def test_gradients_of_all(student, rng):
    """Every parameter but the token table (which is tied or not) has the right gradient."""
    w, (idx, targets) = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 3, 7)
    names = [name for name in w if name != WTE]
    answer = student.run(models, "GPT", SMALL, w, [["gradients", idx, targets, names]])
    judge(answer, lambda form: [loss_gradients(names, idx, targets, w, SMALL, form)])


@task("GPT.forward")
def test_a_gpt_in_float32(student, rng):
    """float32 in, float32 out."""
    w, pair = single(for_gpt(SMALL, rng)), rng.integers(0, 11, 2, 2, 7)
    check_gpt(student, SMALL, w, [pair], MANY)


@task("GPT.forward")
def test_dropout_of_the_tables(student, rng):
    """With dropout 0.5 two calls differ in training, by the tables' sum alone, and not in eval."""
    w, pair = mute(for_gpt(SMALL, rng)), rng.integers(0, 11, 2, 2, 7)
    jobs = [["train"], ["logits", *pair], ["logits", *pair], ["eval"], ["logits", *pair]]
    answer = student.run(models, "GPT", SMALL | {"dropout": 0.5}, w, jobs)
    judge(answer[4], lambda form: with_loss(*pair, w, SMALL, form))
    assert not torch.equal(answer[1][0], answer[2][0]), "nothing is dropped in training"


def check_normal(tensors, std, size):
    """So many normal numbers with this deviation, by 5 sigma."""
    close(sum(t.numel() for t in tensors), size)
    fourth = (check_spread(tensors, std) ** 4).mean().item()
    close(fourth, 3.0, within(0.0, 49 / math.sqrt(size), "5 sigma of the fourth moment"))


def check_first_values(student, device, fields, std, families):
    """The weights of a new model. families: [(names, how many numbers they have)]"""
    jobs = [["read", names] for names, _ in families]
    answer = student.run(models, "GPT", fields, None, jobs, torch.zeros(1, device=device))
    for found, (_, size) in zip(answer, families):
        check_normal(found.values(), std, size)


def of_blocks(kind, n_layer):
    return [f"transformer.h.{i}.{kind}" for i in range(n_layer)]


@task("init_weights")
def test_matrices_and_tables(student, device):
    """0.02 for both tables, c_attn and c_fc."""
    families = [(of_blocks("attn.c_attn.weight", 2), 6144), (of_blocks("mlp.c_fc.weight", 2), 8192)]
    families += [([WTE], 2080), ([WPE], 512)]
    check_first_values(student, device, LARGER, 0.02, families)


@task("init_weights")
def test_what_is_added_to_the_pathway(student, device):
    """c_proj.weight: 0.02 / √4 with two layers, 0.02 / √16 with eight, in both places."""
    for n_layer in (2, 8):
        families = [(of_blocks("attn.c_proj.weight", n_layer), 1024 * n_layer)]
        families += [(of_blocks("mlp.c_proj.weight", n_layer), 4096 * n_layer)]
        std = 0.02 / math.sqrt(2 * n_layer)
        check_first_values(student, device, LARGER | {"n_layer": n_layer}, std, families)


@task("init_weights")
def test_biases_and_norms(student, rng, device):
    """Biases of linear layers are 0; norms have gains of 1 and shifts of 0."""
    vectors = {name: t.float() for name, t in for_gpt(SMALL, rng).items() if t.dim() == 1}
    like = torch.zeros(1, device=device)
    answer = student.run(models, "GPT", SMALL, None, [["read", list(vectors)]], like)
    gains = ("ln_1.weight", "ln_2.weight", "ln_f.weight")
    close(answer, [{n: torch.full_like(t, n.endswith(gains)) for n, t in vectors.items()}])


@task("init_weights")
def test_the_first_loss(student, rng, device):
    """A new model guesses: with 65 tokens its loss is about log 65 = 4.17."""
    like, pair = torch.zeros(1, device=device), rng.integers(0, 65, 2, 3, 8)
    answer = student.run(models, "GPT", LARGER, None, [["logits", *pair]], like)
    close(float(answer[0][1]), math.log(65), within(0.0, 0.25, "weights begin small, not at 0"))


@task("weight_tying")
def test_both_uses_teach(student, rng):
    """The table's gradient is the sum of what comes from reading and from writing."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 3, 7)
    answer = student.run(models, "GPT", SMALL, w, [["gradients", *pair, [WTE]], ["count"]])
    count = sum(t.numel() for t in w.values())
    judge(answer, lambda form: [loss_gradients([WTE], *pair, w, SMALL, form), count])


@task("count_params")
def test_all_sizes(student, rng):
    """GPT-2 large and XL; without biases; small ones, counted."""
    large = GPT2 | {"n_layer": 36, "n_head": 20, "n_embd": 1280}
    huge = GPT2 | {"n_layer": 48, "n_head": 25, "n_embd": 1600}
    close([student.run(counted, large), student.run(counted, huge)], [774_030_080, 1_557_611_200])
    for c in (SMALL, OTHER):
        close(student.run(counted, c), sum(t.numel() for t in for_gpt(c, rng).values()))


@task("load_gpt2")
def test_all_of_it_arrives(student, rng):
    """Every weight at its place, the head tied, and no file's number changed."""
    w = for_gpt(LARGER, rng)
    load = ["load", published(w)]
    jobs = [load, ["read", [*w, "lm_head.weight"]], load, ["nudge", 3.0]]
    answer = student.run(models, "GPT", LARGER, None, jobs, w[WTE])
    close(answer, [None, w | {"lm_head.weight": w[WTE]}, None, [3.0 * w[WTE]] * 2])


@task("load_gpt2")
def test_buffers_of_another_size(student, rng):
    """In any order of names, in float32, one layer and a vocabulary of 64."""
    c = SMALL | {"n_layer": 1, "vocab_size": 64, "n_head": 1}
    w, pair = single(for_gpt(c, rng)), rng.integers(0, 64, 2, 2, 7)
    sd = dict(reversed(published(w).items()))
    answer = student.run(models, "GPT", c, None, [["load", sd], ["logits", *pair]], w[WTE])
    judge(answer, lambda form: [None, with_loss(*pair, w, c, form)], MANY)


@task("configure_optimizers")
def test_other_settings(student, device):
    """Without biases the norms' gains alone don't decay; lr and betas are those given."""
    like = torch.zeros(1, device=device)
    jobs = [["groups", 0.25, 0.02, (0.8, 0.99), "cpu"]]
    answer = student.run(models, "GPT", OTHER, None, jobs, like)
    close(answer, [right_groups(answer[0][1], 0.25, 0.02, [0.8, 0.99])])


# ------------------------------------------------------------------------------- training


def right_rises(warmup, lr):
    """The three warm-ups that are in use."""
    its = range(warmup)
    return (
        [lr * (it + 1) / (warmup + 1) for it in its],
        [lr * it / warmup for it in its],
        [lr * (it + 1) / warmup for it in its],
    )


def right_rate(it, warmup, end, lr, least):
    if it >= end:
        return least
    return least + (lr - least) * (1 + math.cos(math.pi * (it - warmup) / (end - warmup))) / 2


@task("get_lr")
def test_the_whole_schedule(student):
    """Every step from the first to past the end: a straight rise, half a cosine, level."""
    for settings in ((7, 40, 3e-3, 2e-4), (1, 12, 0.5, 0.0), (5, 6, 1e-3, 1e-4)):
        warmup, end, lr, _ = settings
        answer = student.run(rates, list(range(end + 9)), settings)
        after = [right_rate(it, *settings) for it in range(warmup, end + 9)]
        close_to_one(answer, *(rise + after for rise in right_rises(warmup, lr)), tolerance=TINY)


@task("get_lr")
def test_no_warm_up(student):
    """Without a warm-up it begins at the top."""
    its, settings = [0, 1, 4, 7, 8, 100], (0, 8, 0.3, 0.1)
    close(student.run(rates, its, settings), [right_rate(it, *settings) for it in its], TINY)


def check_accumulation(student, rng, sizes):
    table, shift = rng.normal(11, 11, dtype=F64), rng.normal(11, dtype=F64)
    for n, micro, rows in sizes:
        X, Y = rng.integers(0, 11, 2, n, 5)
        loss, *others = student.run(accumulated, table, shift, X, Y, micro)
        right_loss, *gradients = right_sum(table, shift, X, Y)
        close(others, [*gradients, rows])
        close(loss, right_loss, ROUNDED)


@task("accumulate")
def test_a_smaller_last_piece(student, rng):
    """5 = 2 + 2 + 1 and 7 = 4 + 3: a piece counts as much as it has rows."""
    check_accumulation(student, rng, ((5, 2, [2, 2, 1]), (7, 4, [4, 3])))


@task("accumulate")
def test_one_piece(student, rng):
    """A piece as large as the batch, or larger; pieces of one row."""
    check_accumulation(student, rng, ((3, 3, [3]), (3, 8, [3]), (4, 1, [1] * 4)))


@task("clip_grad")
def test_gradients_of_any_shape(student, rng):
    """Tables, vectors and a single number; one parameter has no gradient."""
    grads = [rng.normal(*shape, dtype=F64) for shape in ((3, 5), (7,), (), (2, 1, 4))]
    for max_norm in (0.5, 2.0):
        close(student.run(clipped, grads, max_norm), right_clip(grads, max_norm), ROUNDED)


@task("clip_grad")
def test_small_gradients_stay(student, rng):
    """Below the limit nothing changes, not by a bit."""
    grads = [rng.normal(*shape, scale=0.01, dtype=F64) for shape in ((3, 5), (7,))]
    norm, clipped_grads = student.run(clipped, grads, 1.0)
    close(norm, right_clip(grads, 1.0)[0], ROUNDED)
    close(clipped_grads, [None, *grads], EXACT)


@task("clip_grad")
def test_no_gradient_at_all(student, device):
    """Gradients of zero have the norm 0, and stay zero: no NaN."""
    grads = [torch.zeros(2, 3, device=device, dtype=F64)] * 2
    for max_norm in (1.0, 0.0):
        close(student.run(clipped, grads, max_norm), [0.0, [None, *grads]])


@task("save_checkpoint")
def test_another_file(student, rng):
    """Another batch, another step: all that the next one depends on is in the file."""
    x, y = for_practice(rng)
    step = int(rng.integers(1000, 9999, 1))
    check_file(student.run(saved, x, y, step), step)


@task("load_checkpoint")
def test_other_steps(student, rng):
    """Before the first step, and after one; weights, moments, learning rate, dropout go on."""
    x, y = for_practice(rng)
    for before, after, step in ((0, 2, 0), (1, 4, 5)):
        answer = student.run(resumed, x, y, before, after, step)
        close(answer, [step, *[answer[1]] * 3], EXACT)


@task("load_checkpoint")
def test_a_file_that_was_cut_off(student, rng):
    """Half a file raises and changes nothing; the whole one can still be loaded."""
    answer = student.run(cut, *for_practice(rng), 9)
    before, good = answer[1], answer[4]
    close(answer, [True, before, before, 9, good, good], EXACT)


@task("generate")
def test_only_the_last_tokens_are_read(student, rng):
    """Ten tokens and six more with block_size 7, greedily; none more; one token's text."""
    w, idx = loud(for_gpt(SMALL, rng)), rng.integers(0, 11, 40, 10)
    w |= {name: 0.05 * t for name, t in w.items() if ".ln_f." in name}  # chances are near
    greedy = {"top_k": 1}
    jobs = [["generate", idx, 6, greedy, 1], ["generate", idx, 0, greedy, 1]]
    jobs += [["generate", idx[:, :1], 3, greedy | {"temperature": 0.3}, 2]]
    answer = student.run(models, "GPT", SMALL, w, jobs)

    def right(form):
        longer = right_greedy(idx, 6, w, SMALL, form)
        return [longer, idx, right_greedy(idx[:, :1], 3, w, SMALL, form)]

    judge(answer, right)


CHANCES = [0.05, 0.3, 0.2, 0.1, 0.35]


def check_shares(student, device, options, weights):
    """Of 6,000 rows, the tokens drawn share them as the weights say; logits are log CHANCES."""
    n, V = 6000, len(CHANCES)
    row = torch.tensor(CHANCES, dtype=F64, device="cpu").log().to(device)
    idx = torch.full((n, 1), 2, device=device)
    rows = row.expand(V, V).contiguous()
    jobs = [["write", rows, idx, 1, options, 5]]
    answer = student.run(models, "GPT", SMALL | {"vocab_size": V}, None, jobs, row)
    text, read = answer[0]
    drawn = text[:, 1:] if text.shape == (n, 2) else idx
    close([text, read], [torch.cat([idx, drawn], 1), 1])
    for i, weight in enumerate(weights):
        share = weight / sum(weights)
        far = 5 * math.sqrt(n * share * (1 - share)) + 40 * share  # 40: logits are a bit off
        count = float((drawn == i).sum())
        close(count, n * share, within(0.0, far, "5 sigma of 6,000 draws"))


@task("generate")
def test_tokens_are_drawn(student, device):
    """With nothing else said, each token comes as often as its probability says."""
    check_shares(student, device, {}, CHANCES)


@task("generate")
def test_temperature(student, device):
    """Temperature 0.5 squares the chances, temperature 2 takes their roots."""
    for temperature in (0.5, 2.0):
        powers = [c ** (1 / temperature) for c in CHANCES]
        check_shares(student, device, {"temperature": temperature}, powers)


@task("generate")
def test_top_k(student, device):
    """Two likeliest tokens share all; three, with a temperature; more than there are are all."""
    check_shares(student, device, {"top_k": 2}, [0.0, 0.3, 0.0, 0.0, 0.35])
    powers = [0.0, 0.3**2, 0.2**2, 0.0, 0.35**2]
    check_shares(student, device, {"top_k": 3, "temperature": 0.5}, powers)
    check_shares(student, device, {"top_k": 50}, CHANCES)


@task("generate")
def test_a_generator_decides(student, rng):
    """If generate takes a generator, the same one writes the same."""
    w, idx = for_gpt(SMALL, rng), rng.integers(0, 11, 3, 2)
    w = {name: 0.3 * t for name, t in w.items()}
    answer = student.run(models, "GPT", SMALL, w, [["twice", idx, 20, 4]])
    text = answer[0][0]
    close(answer, [[text if isinstance(text, torch.Tensor) else idx] * 2])


@task("estimate_mfu")
def test_other_chips(student):
    """Other sizes, sequences, seconds; another chip."""
    right = (6 * 9000 + 12 * 3 * 2 * 5 * 9) * 9 * 17 / 0.25
    close(student.run(utilised, 9000, OTHER, 17, 0.25, 4e9), right / 4e9)
    close(student.run(utilised, 9000, OTHER, 17, 0.25) * 1e6, right / 312e6)


# -------------------------------------------------------------------------------- surgery


@task("crop_block_size")
def test_the_first_positions_stay(student, rng):
    """Cropped to 5 and to 2: the first rows of wpe, all else as it was."""
    w, idx = for_gpt(SMALL, rng), rng.integers(0, 11, 3, 5)
    jobs = [["crop", 5], ["read", list(w)], ["last", idx], ["crop", 2], ["last", idx[:, :2]]]
    jobs += [["raises", idx[:, :3]], ["config", "block_size", 2]]
    answer = student.run(models, "GPT", SMALL, w, jobs)

    def right(form):
        five, two = (right_last(i, w, SMALL, form) for i in (idx, idx[:, :2]))
        return [None, w | {WPE: w[WPE][:5]}, five, None, two, True, 2]

    judge(answer, right)


@task("crop_block_size")
def test_a_cropped_model_learns(student, rng):
    """Its positions still get gradients."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 3, 4)
    jobs = [["crop", 4], ["gradients", *pair, [WPE]]]
    answer = student.run(models, "GPT", SMALL, w, jobs)
    cropped = w | {WPE: w[WPE][:4]}
    judge(answer, lambda form: [None, loss_gradients([WPE], *pair, cropped, SMALL, form)])


@task("resize_vocab")
def test_the_new_rows(student, rng):
    """40 new rows: normal with deviation 0.02, or all the mean of the old ones."""
    w = for_gpt(LARGER, rng)
    answer = student.run(models, "GPT", LARGER, w, [["resize", 40, None], ["table"]])
    new = new_rows(answer[1][0], w[WTE], 40)
    table = torch.cat([w[WTE], new])
    close(answer, [True, [table, table]])
    if not torch.allclose(new, w[WTE].mean(0).expand(40, -1), atol=1e-5):
        check_normal([new], 0.02, 40 * 32)
        assert len(torch.unique(new, dim=0)) == 40, "two new rows are the same"


@task("resize_vocab")
def test_a_larger_model(student, rng, device):
    """Old logits for old tokens as before; new tokens can be read, predicted and learnt."""
    w, (idx, targets) = for_gpt(SMALL, rng), rng.integers(0, 14, 2, 3, 6)
    old = idx % 11
    targets[0, :3] = torch.tensor([11, 12, 13], device=device)
    idx[1, :2] = torch.tensor([13, 11], device=device)
    jobs = [["resize", 3, 6], ["read", [*w, "lm_head.weight"]]]
    jobs += [["logits", old, targets], ["logits", idx, targets]]
    jobs += [["gradients", idx, targets, [WTE]], ["count"]]
    answer = student.run(models, "GPT", SMALL, w, jobs)
    table = torch.cat([w[WTE], new_rows(answer[1][WTE], w[WTE], 3)])
    grown = w | {WTE: table}
    count = sum(t.numel() for t in grown.values())

    def right(form):
        both = [with_loss(i, targets, grown, SMALL, form) for i in (old, idx)]
        gradient = loss_gradients([WTE], idx, targets, grown, SMALL, form)
        return [True, grown | {"lm_head.weight": table}, *both, gradient, count]

    judge(answer, right)
    judge(answer[2][0][..., :11], lambda form: right_gpt(old, w, SMALL, form))


@task("resize_vocab")
def test_tied_rows_and_a_generator(student, rng):
    """wte and lm_head are one tensor still; the same generator makes the same rows."""
    w = for_gpt(SMALL, rng)
    jobs = [["resize", 2, 7], ["nudge", 2.0], ["resize", 1, 7], ["table"]]
    answer = student.run(models, "GPT", SMALL, w, jobs)
    again = student.run(models, "GPT", SMALL, w, [["seed", 5], ["resize", 2, 7], ["table"]])
    first = torch.cat([w[WTE], new_rows(again[2][0], w[WTE], 2)])
    close(again, [None, True, [first, first]])
    doubled = 2.0 * first
    second = torch.cat([doubled, new_rows(answer[3][0], doubled, 1)])
    close(answer, [True, [doubled, doubled], True, [second, second]])


@task("freeze_base")
def test_five_steps_with_decay(student, rng):
    """Five steps with a large decay: the old rows and all other weights stay, to the bit."""
    w, pair = for_gpt(OTHER, rng), rng.integers(0, 13, 2, 4, 9)
    check_frozen(student, OTHER, w, 10, [0.2, 2.0], pair, 5)


@task("freeze_base")
def test_new_rows_step_as_adamw_does(student, rng):
    """The first step of a new row: shrunk by lr · decay, then lr against its gradient's sign."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 4, 7)
    # whether the gradient is right is another task's
    before = student.run(models, "GPT", SMALL, w, [["gradients", *pair, [WTE]]])[0][WTE]
    gradient = new_rows(before, w[WTE][:8], 3)
    for given in ([0.05, 0.5], []):
        moved = check_frozen(student, SMALL, w, 8, given, pair, 1)
        lr, decay = given or (1e-3, 0.1)
        step = lr * gradient / (gradient.abs() + 1e-8)
        close(moved, (1 - lr * decay) * w[WTE][8:] - step)


@task("learn_prompt")
def test_the_loss_of_a_prompt(student, rng):
    """With a rate of 0 each loss is that of the prompt returned; the model stays as it was."""
    w, (X, Y) = for_gpt(OTHER, rng), rng.integers(0, 13, 2, 3, 5)
    still = [WPE, "transformer.h.1.mlp.c_fc.weight"]
    jobs = [["prompt", X, Y, 4, 3, 0.0, list(w), still], ["prompt", X, Y, 1, 1, 0.0, [], []]]
    answer = student.run(models, "GPT", OTHER, w, jobs)
    prompts = [a[0] for a in answer]
    close([tuple(p.shape) for p in prompts], [(4, 10), (1, 10)])
    flags = answer[0][2]
    close(sum(flags), len(flags) - 2)

    def right(form):
        losses = [right_loss(right_gpt(X, w, OTHER, form, p), Y).item() for p in prompts]
        first = [prompts[0], [losses[0]] * 3, flags, flags, w]
        return [first, [prompts[1], [losses[1]], flags, flags, {}]]

    judge(answer, right, MANY)


@task("learn_prompt")
def test_a_prompt_learns(student, rng):
    """After twelve steps the prompt returned has a lower loss than the first; weights stay."""
    w, (X, Y) = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 4, 5)
    jobs = [["prompt", X, Y, 2, 12, lr, list(w), []] for lr in (0.0, 0.0, 0.03)]
    answer = student.run(models, "GPT", SMALL, w, jobs)
    start, again, prompt = (a[0] for a in answer)
    _, losses, before, *_ = answer[2]
    flags = [True] * len(before)
    close(answer[2], [prompt, losses, flags, flags, w], EXACT)
    close(len(losses), 12)
    starts, ends = (
        [right_loss(right_gpt(X, w, SMALL, form, p), Y).item() for form in ("none", "tanh")]
        for p in (start, prompt)
    )
    if torch.equal(start, again):  # the same beginning each time: its loss is known
        assert min(abs(losses[0] - loss) for loss in starts) < 1e-3, "the first loss is wrong"
    assert losses[-1] < losses[0], "the loss doesn't fall"
    assert min(ends) < losses[0], "the prompt returned isn't the one that has learnt"


# ------------------------------------------------------------------------ writing with a cache


@task("generate_cached")
def test_up_to_the_last_position(student, rng):
    """One token and eight more, two and seven, four and five, nine and none, without biases."""
    w, idx = loud(for_gpt(OTHER, rng)), rng.integers(0, 13, 8, 9)
    jobs = [[idx[:, :1], 8], [idx[:, :2], 7], [idx[:, :4], 5], [idx, 0], [idx[:, :8], 1]]
    check_cache(student, OTHER, w, jobs)


@task("generate_cached")
def test_several_texts_at_once(student, rng):
    """Nine rows at once, with a longer context and wider heads; two tokens each, and six."""
    w, idx = loud(for_gpt(LARGER, rng)), rng.integers(0, 65, 9, 6)
    check_cache(student, LARGER, w, [[idx, 10], [idx[:, :2], 14]])


@task("generate_cached")
def test_twice_the_same(student, rng):
    """Nothing of the first text is left in the second one's cache."""
    w, idx = loud(for_gpt(SMALL, rng)), rng.integers(0, 11, 16, 3)
    check_cache(student, SMALL, w, [[idx[:8], 4], [idx[8:], 4], [idx[:8], 4]])
