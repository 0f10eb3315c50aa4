"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

A probe is a function that runs beside your code: `m` is your gpt2.py. Only its result, plain
data, comes back here. The large probe `models` makes one of your classes, finds its layers by
nanoGPT's names (or others, which it lists), gives them weights, and does what `jobs` says.
"""

import math

import torch
from probes import (
    ALL_THERE,
    EXACT,
    LARGER,
    ROUNDED,
    SMALL,
    WTE,
    accumulated,
    clipped,
    counted,
    for_attention,
    for_block,
    for_gpt,
    for_mlp,
    for_norm,
    for_practice,
    gap,
    judge,
    loud,
    models,
    published,
    rates,
    right_attention,
    right_block,
    right_clip,
    right_gpt,
    right_greedy,
    right_groups,
    right_loss,
    right_mlp,
    right_sum,
    some,
    some_tokens,
    there,
    utilised,
)

from autograder.suite import close, task

F = torch.nn.functional


# ------------------------------------------------------------------------- the nonlinearity


@task("gelu")
def test_the_tanh_form(student, device):
    """At -3, -1, 0, 0.5 and 2: what PyTorch's tanh form says."""
    x = torch.tensor([-3.0, -1.0, 0.0, 0.5, 2.0], dtype=torch.float64, device=device)
    close(student.gelu(x), F.gelu(x, approximate="tanh"))


@task("gelu_gap")
def test_two_forms_hardly_differ(student, device):
    """From -4 to 4 the largest difference of the two forms is about 0.00047."""
    xs = torch.linspace(-4, 4, 161, dtype=torch.float64, device=device)
    close(student.run(gap, xs), (F.gelu(xs) - F.gelu(xs, approximate="tanh")).abs().max().item())


# ------------------------------------------------------------------------------- the layers


@task("LayerNorm")
def test_with_and_without_shift(student, device):
    """PyTorch's layer norm with the same gains and shifts; with bias=False there is no shift."""
    g = torch.Generator().manual_seed(1)
    x, w = some((2, 5, 12), g, device, 3.0), for_norm("n", 12, True, g, device)
    for bias in (True, False):
        given = {name[2:]: t for name, t in w.items() if bias or name == "n.weight"}
        jobs = [["set", given], ["none", ["weight", "bias"]], ["call", x]]
        answer = student.run(models, "LayerNorm", None, [12, bias], x, jobs)
        right = F.layer_norm(x, (12,), given["weight"], given.get("bias"))
        close(answer, [None, [] if bias else ["bias"], right])


@task("CausalSelfAttention")
def test_three_heads(student, device):
    """Three heads with the same weights: what PyTorch's causal attention says, head by head."""
    g = torch.Generator().manual_seed(2)
    w, x = for_attention(SMALL, g, device), some((2, 7, 12), g, device)
    answer = student.run(models, "CausalSelfAttention", SMALL, w, x, [["call", x]])
    close(answer, [right_attention(x, w, 3)])


@task("MLP")
def test_each_position(student, device):
    """12 to 48 numbers, GELU (either form), and back to 12."""
    g = torch.Generator().manual_seed(3)
    w, x = for_mlp(SMALL, g, device), some((2, 7, 12), g, device)
    answer = student.run(models, "MLP", SMALL, w, x, [["call", x]])
    judge(answer, lambda form: [right_mlp(x, w, form)])


@task("Block")
def test_two_side_roads(student, device):
    """x + attn(ln_1(x)), and on that + mlp(ln_2(…)), with the same weights."""
    g = torch.Generator().manual_seed(4)
    w, x = for_block(SMALL, g, device), some((2, 7, 12), g, device)
    answer = student.run(models, "Block", SMALL, w, x, [["call", x]])
    judge(answer, lambda form: [right_block(x, w, 3, form)])


# -------------------------------------------------------------------------------- the model


@task("GPT.forward")
def test_logits_and_loss(student, device):
    """Two blocks with the same weights: logits at every place and the mean cross-entropy."""
    g = torch.Generator().manual_seed(5)
    w, idx, targets = for_gpt(SMALL, g, device), *some_tokens((2, 2, 7), g, device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["logits", idx, targets]])

    def right(form):
        logits = right_gpt(idx, w, SMALL, form)
        return [[logits, right_loss(logits, targets)]]

    judge(answer, right)


@task("GPT.forward")
def test_without_targets(student, device):
    """Without targets: the last position's logits (or all), and None for the loss."""
    g = torch.Generator().manual_seed(6)
    w, idx = for_gpt(SMALL, g, device), some_tokens((2, 5), g, device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["last", idx]])
    judge(answer, lambda form: [[right_gpt(idx, w, SMALL, form)[:, -1:], None]])


def spread(t, std):
    """Mean and standard deviation of t, over std: 0 and 1 are expected."""
    if not isinstance(t, torch.Tensor) or not std:
        return [math.nan, math.nan]
    return [(t.mean() / std).item(), (t.std() / std).item()]


@task("init_weights")
def test_the_tables_begin_small(student, device):
    """The token table's 65 · 32 numbers have mean 0 and standard deviation 0.02."""
    like = torch.zeros(1, device=device)
    answer = student.run(models, "GPT", LARGER, None, like, [["read", [WTE]]])
    table = answer[0].get(WTE) if answer and isinstance(answer[0], dict) else None
    sigma = 1 / math.sqrt(65 * 32)
    close(spread(table, 0.02)[0], 0.0, rtol=0.0, atol=5 * sigma, reason="5 sigma of the mean")
    close(spread(table, 0.02)[1], 1.0, rtol=0.0, atol=3.6 * sigma, reason="5 sigma of the std")


@task("weight_tying")
def test_one_tensor(student, device):
    """What happens to wte's weight happens to lm_head's: both are doubled here by doubling one."""
    w = for_gpt(SMALL, torch.Generator().manual_seed(7), device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["nudge", 2.0]])
    close(answer, [[2.0 * w[WTE], 2.0 * w[WTE]]])


@task("count_params")
def test_gpt2_small(student):
    """12 layers of 768 have 124,439,808 parameters, 24 of 1024 have 354,823,168."""
    sizes = {"block_size": 1024, "vocab_size": 50257}
    small = sizes | {"n_layer": 12, "n_head": 12, "n_embd": 768}
    medium = sizes | {"n_layer": 24, "n_head": 16, "n_embd": 1024}
    close(student.run(counted, small), 124_439_808)
    close(student.run(counted, medium), 354_823_168)


@task("load_gpt2")
def test_the_published_layout(student, device):
    """With weights as they were published, four kinds (in, out), the logits are GPT-2's."""
    g = torch.Generator().manual_seed(8)
    w, idx, targets = for_gpt(SMALL, g, device), *some_tokens((2, 2, 7), g, device)
    job = ["load", published(w), ["logits", idx, targets]]
    answer = student.run(models, "GPT", SMALL, None, w[WTE], [job])

    def right(form):
        logits = right_gpt(idx, w, SMALL, form)
        return [[logits, right_loss(logits, targets)]]

    judge(answer, right)


@task("configure_optimizers")
def test_who_decays(student, device):
    """Matrices and tables decay by 0.1, biases and norms by 0; each is there once."""
    like = torch.zeros(1, dtype=torch.float64, device=device)
    job = ["groups", 0.1, 3e-4, (0.9, 0.95), "cpu"]
    answer = student.run(models, "GPT", SMALL, None, like, [job])
    close(answer, right_groups(answer, 0.1, 3e-4, [0.9, 0.95]))


# ------------------------------------------------------------------------------- training


@task("get_lr")
def test_after_the_warm_up(student):
    """10 steps of warm-up, the end at 50: the highest at 10, halfway at 30, the lowest from 50."""
    answer = student.run(rates, [10, 30, 50, 51, 90], (10, 50, 6e-4, 6e-5))
    close(answer, [6e-4, 3.3e-4, 6e-5, 6e-5, 6e-5], rtol=1e-9, atol=1e-15, reason="they are small")


@task("accumulate")
def test_six_rows_by_twos(student, device):
    """Six rows in pieces of two: loss and gradients are those of all six at once."""
    g = torch.Generator().manual_seed(9)
    table, shift = some((11, 11), g, device), some((11,), g, device)
    X, Y = some_tokens((2, 6, 5), g, device)
    answer = student.run(accumulated, table, shift, X, Y, 2)
    close(answer, right_sum(table, shift, X, Y, [2, 2, 2]), **ROUNDED)


@task("clip_grad")
def test_one_norm_for_all(student, device):
    """Gradients (3, 0) and (0, 4): the norm is 5, and clipped to 1 they are (0.6, 0), (0, 0.8)."""
    grads = [[3.0, 0.0], [0.0, 4.0]]
    grads = [torch.tensor(g, dtype=torch.float64, device=device) for g in grads]
    close(student.run(clipped, grads, 1.0), right_clip(grads, 1.0), **ROUNDED)


@task("save_checkpoint")
def test_what_is_in_the_file(student):
    """torch.load(path, weights_only=True) finds weights, AdamW's moments, random state, step."""
    x, y = for_practice(torch.Generator().manual_seed(10))
    answer = student.run(models, None, None, None, x, [["saved", x, y, 4321]])
    close(there(answer[0], 4321), ALL_THERE)


@task("load_checkpoint")
def test_as_if_nothing_had_happened(student):
    """Three steps, a checkpoint, three more in a new model: to the bit what six steps give."""
    x, y = for_practice(torch.Generator().manual_seed(11))
    answer = student.run(models, None, None, None, x, [["resumed", x, y, 3, 3, 77]])
    six = answer[0][1] if isinstance(answer, list) else None
    close(answer, [[77, six, six, six]], **EXACT)


@task("generate")
def test_the_likeliest(student, device):
    """With top_k=1 nothing is left to chance: the likeliest token at each step."""
    g = torch.Generator().manual_seed(12)
    w, idx = loud(for_gpt(SMALL, g, device)), some_tokens((2, 3), g, device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["generate", idx, 4, {"top_k": 1}, 1]])
    judge(answer, lambda form: [right_greedy(idx, 4, w, SMALL, form)])


@task("estimate_mfu")
def test_half_a_chip(student):
    """GPT-2 small, 320 sequences of 1,024 tokens in 1.8 seconds, on the usual chip."""
    sizes = {"block_size": 1024, "vocab_size": 50257, "n_layer": 12, "n_head": 12, "n_embd": 768}
    a_token = 6 * 124_439_808 + 12 * 12 * 12 * 64 * 1024
    right = a_token * 1024 * 320 / 1.8 / 312e12
    close(student.run(utilised, 124_439_808, sizes, 320, 1.8), right)


# -------------------------------------------------------------------------------- surgery


@task("crop_block_size")
def test_fewer_positions(student, device):
    """Cropped to 4, four tokens have the logits that they had, and five are too many."""
    g = torch.Generator().manual_seed(13)
    w, idx = for_gpt(SMALL, g, device), some_tokens((2, 5), g, device)
    jobs = [["crop", 4], ["last", idx[:, :4]], ["raises", idx], ["config", "block_size", 4]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)

    def right(form):
        return [None, [right_gpt(idx[:, :4], w, SMALL, form)[:, -1:], None], True, 4]

    judge(answer, right)


def rows_below(answer, at, n_old, n_new, like):
    """The new rows that a table has, or zeros where there is no such table."""
    try:
        table = answer[at][0]
        rows = table[n_old:].to(like)
        return rows if rows.shape == (n_new, like.shape[1]) else like[:1].expand(n_new, -1) * 0
    except (TypeError, IndexError, KeyError, AttributeError, RuntimeError):
        return like[:1].expand(n_new, -1) * 0


@task("resize_vocab")
def test_three_more_tokens(student, device):
    """Three rows more, small and not zero, in wte and lm_head alike; the old ones as they were."""
    w = for_gpt(SMALL, torch.Generator().manual_seed(14), device)
    jobs = [["resize", 3, 5], ["table"]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    new = rows_below(answer, 1, 11, 3, w[WTE])
    table = torch.cat([w[WTE], new])
    close(answer, [True, [table, table]])
    assert bool((new != 0).any(1).all()), "a new row is zero"


@task("freeze_base")
def test_only_new_rows_move(student, device):
    """One step with decay 0.5: rows 0 to 7 and all else stay, to the bit; rows 8 to 10 move."""
    g = torch.Generator().manual_seed(15)
    w, idx, targets = for_gpt(SMALL, g, device), *some_tokens((2, 4, 7), g, device)
    others = [name for name in w if name != WTE]
    job = ["freeze", 8, 0.1, 0.5, idx, targets, 1, others]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [job])
    moved = rows_below([answer[0][1:]] if isinstance(answer, list) else None, 0, 8, 3, w[WTE])
    table = torch.cat([w[WTE][:8], moved])
    close(answer, [[True, table, table, {name: w[name] for name in others}]], **EXACT)
    assert bool((moved != w[WTE][8:]).any(1).all()), "a new row hasn't moved"


@task("learn_prompt")
def test_a_prompt_helps(student, device):
    """Two vectors before five tokens: the first loss is right, and after ten steps it is lower."""
    g = torch.Generator().manual_seed(16)
    w, X, Y = for_gpt(SMALL, g, device), *some_tokens((2, 3, 5), g, device)
    jobs = [["prompt", X, Y, 2, 2, 0.0, list(w), []], ["prompt", X, Y, 2, 10, 0.05, [], []]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    prompt, _, before, _, _ = answer[0]
    flags = [True] * len(before)

    def right(form):
        loss = right_loss(right_gpt(X, w, SMALL, form, prompt), Y).item()
        return [[prompt, [loss, loss], flags, flags, w], answer[1]]

    close(tuple(prompt.shape), (2, 12))
    judge(answer, right, **ROUNDED)
    losses = answer[1][1]
    close(len(losses), 10)
    assert losses[-1] < losses[0], "the loss doesn't fall"


# ------------------------------------------------------------------------ writing with a cache


@task("generate_cached")
def test_the_same_tokens(student, device):
    """Three tokens and four more: those of the whole model, with 7 positions read at most."""
    g = torch.Generator().manual_seed(17)
    w, idx = loud(for_gpt(SMALL, g, device)), some_tokens((1, 3), g, device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["cached", idx, 4]])
    read = answer[0][1] if isinstance(answer, list) else 0
    judge(answer, lambda form: [[right_greedy(idx, 4, w, SMALL, form), read]])
    assert read <= 7, "positions are read again"
