"""What you may read: the basic case of every task. PyTorch, arithmetic or a literal says
what is right.

`student.run(probe, …)` runs a function of probes.py beside your code. The large probe `models`
makes one of your classes, gives it weights, and does the jobs that are listed.
"""

import torch
from oracles import (
    EXACT,
    F64,
    GPT2,
    LARGER,
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
from probes import accumulated, clipped, counted, gap, models, rates, resumed, saved, utilised

from autograder.suite import close, task

F = torch.nn.functional


# ------------------------------------------------------------------------- the nonlinearity


@task("gelu")
def test_the_tanh_form(student, device):
    """At -3, -1, 0, 0.5 and 2: what PyTorch's tanh form says."""
    x = torch.tensor([-3.0, -1.0, 0.0, 0.5, 2.0], dtype=F64, device=device)
    close(student.gelu(x), F.gelu(x, approximate="tanh"))


@task("gelu_gap")
def test_two_forms_hardly_differ(student, device):
    """From -4 to 4 the largest difference of the two forms is about 0.00047."""
    xs = torch.linspace(-4, 4, 161, dtype=F64, device=device)
    close(student.run(gap, xs), (F.gelu(xs) - F.gelu(xs, approximate="tanh")).abs().max().item())


# ------------------------------------------------------------------------------- the layers


@task("LayerNorm")
def test_with_and_without_shift(student, rng):
    """PyTorch's layer norm with the same gains and shifts; with bias=False there is no shift."""
    x, w = rng.normal(2, 5, 12, scale=3.0, dtype=F64), for_norm(12, True, rng)
    for bias in (True, False):
        given = w if bias else {"weight": w["weight"]}
        jobs = [["none", ["weight", "bias"]], ["call", x]]
        answer = student.run(models, "LayerNorm", [12, bias], given, jobs)
        close(answer, [[] if bias else ["bias"], right_norm(x, given)])


@task("CausalSelfAttention")
def test_three_heads(student, rng):
    """Three heads with the same weights: what PyTorch's causal attention says, head by head."""
    w, x = for_attention(SMALL, rng), rng.normal(2, 7, 12, dtype=F64)
    check_layer(student, "CausalSelfAttention", SMALL, w, [x])


@task("MLP")
def test_each_position(student, rng):
    """12 to 48 numbers, GELU (either form), and back to 12."""
    w, x = for_mlp(SMALL, rng), rng.normal(2, 7, 12, dtype=F64)
    check_layer(student, "MLP", SMALL, w, [x])


@task("Block")
def test_two_side_roads(student, rng):
    """x + attn(ln_1(x)), and on that + mlp(ln_2(…)), with the same weights."""
    w, x = for_block(SMALL, rng), rng.normal(2, 7, 12, dtype=F64)
    check_layer(student, "Block", SMALL, w, [x])


# -------------------------------------------------------------------------------- the model


@task("GPT.forward")
def test_logits_and_loss(student, rng):
    """Two blocks with the same weights: logits at every place and the mean cross-entropy."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 2, 7)
    check_gpt(student, SMALL, w, [pair])


@task("GPT.forward")
def test_without_targets(student, rng):
    """Without targets: the last position's logits (or all), and None for the loss."""
    w, idx = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 5)
    answer = student.run(models, "GPT", SMALL, w, [["last", idx]])
    judge(answer, lambda form: [right_last(idx, w, SMALL, form)])


@task("init_weights")
def test_the_tables_begin_small(student, device):
    """The token table's 65 · 32 numbers have mean 0 and standard deviation 0.02."""
    like = torch.zeros(1, device=device)
    answer = student.run(models, "GPT", LARGER, None, [["read", [WTE]]], like)
    check_spread([answer[0][WTE]], 0.02)


@task("weight_tying")
def test_one_tensor(student, rng):
    """What happens to wte's weight happens to lm_head's: both are doubled here by doubling one."""
    w = for_gpt(SMALL, rng)
    answer = student.run(models, "GPT", SMALL, w, [["nudge", 2.0]])
    close(answer, [[2.0 * w[WTE], 2.0 * w[WTE]]])


@task("count_params")
def test_gpt2_small(student):
    """12 layers of 768 have 124,439,808 parameters, 24 of 1024 have 354,823,168."""
    medium = GPT2 | {"n_layer": 24, "n_head": 16, "n_embd": 1024}
    close(student.run(counted, GPT2), 124_439_808)
    close(student.run(counted, medium), 354_823_168)


@task("load_gpt2")
def test_the_published_layout(student, rng):
    """With weights as they were published, four kinds (in, out), the logits are GPT-2's."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 2, 7)
    jobs = [["load", published(w)], ["logits", *pair]]
    answer = student.run(models, "GPT", SMALL, None, jobs, w[WTE])
    judge(answer, lambda form: [None, with_loss(*pair, w, SMALL, form)])


@task("configure_optimizers")
def test_who_decays(student, device):
    """Matrices and tables decay by 0.1, biases and norms by 0; each is there once."""
    like = torch.zeros(1, dtype=F64, device=device)
    jobs = [["groups", 0.1, 3e-4, (0.9, 0.95), "cpu"]]
    answer = student.run(models, "GPT", SMALL, None, jobs, like)
    close(answer, [right_groups(answer[0][1], 0.1, 3e-4, [0.9, 0.95])])


# ------------------------------------------------------------------------------- training


@task("get_lr")
def test_after_the_warm_up(student):
    """10 steps of warm-up, the end at 50: the highest at 10, halfway at 30, the lowest from 50."""
    answer = student.run(rates, [10, 30, 50, 51, 90], (10, 50, 6e-4, 6e-5))
    close(answer, [6e-4, 3.3e-4, 6e-5, 6e-5, 6e-5], TINY)


@task("accumulate")
def test_six_rows_by_twos(student, rng):
    """Six rows in pieces of two: loss and gradients are those of all six at once."""
    table, shift = rng.normal(11, 11, dtype=F64), rng.normal(11, dtype=F64)
    X, Y = rng.integers(0, 11, 2, 6, 5)
    answer = student.run(accumulated, table, shift, X, Y, 2)
    close(answer, [*right_sum(table, shift, X, Y), [2, 2, 2]], ROUNDED)


@task("clip_grad")
def test_one_norm_for_all(student, device):
    """Gradients (3, 0) and (0, 4): the norm is 5, and clipped to 1 they are (0.6, 0), (0, 0.8)."""
    grads = [torch.tensor(g, dtype=F64, device=device) for g in ([3.0, 0.0], [0.0, 4.0])]
    close(student.run(clipped, grads, 1.0), right_clip(grads, 1.0), ROUNDED)


@task("save_checkpoint")
def test_what_is_in_the_file(student, rng):
    """torch.load(path, weights_only=True) finds weights, AdamW's moments, random state, step."""
    check_file(student.run(saved, *for_practice(rng), 4321), 4321)


@task("load_checkpoint")
def test_as_if_nothing_had_happened(student, rng):
    """Three steps, a checkpoint, three more in a new model: to the bit what six steps give."""
    answer = student.run(resumed, *for_practice(rng), 3, 3, 77)
    close(answer, [77, *[answer[1]] * 3], EXACT)


@task("generate")
def test_the_likeliest(student, rng):
    """With top_k=1 nothing is left to chance: the likeliest token at each step."""
    rng.manual_seed(12)  # with it, most wrong models write something else
    w, idx = loud(for_gpt(SMALL, rng)), rng.integers(0, 11, 2, 3)
    answer = student.run(models, "GPT", SMALL, w, [["generate", idx, 4, {"top_k": 1}, 1]])
    judge(answer, lambda form: [right_greedy(idx, 4, w, SMALL, form)])


@task("estimate_mfu")
def test_half_a_chip(student):
    """GPT-2 small, 320 sequences of 1,024 tokens in 1.8 seconds, on the usual chip."""
    a_token = 6 * 124_439_808 + 12 * 12 * 12 * 64 * 1024
    right = a_token * 1024 * 320 / 1.8 / 312e12
    close(student.run(utilised, 124_439_808, GPT2, 320, 1.8), right)


# -------------------------------------------------------------------------------- surgery


@task("crop_block_size")
def test_fewer_positions(student, rng):
    """Cropped to 4, four tokens have the logits that they had, and five are too many."""
    w, idx = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 5)
    jobs = [["crop", 4], ["last", idx[:, :4]], ["raises", idx], ["config", "block_size", 4]]
    answer = student.run(models, "GPT", SMALL, w, jobs)
    judge(answer, lambda form: [None, right_last(idx[:, :4], w, SMALL, form), True, 4])


@task("resize_vocab")
def test_three_more_tokens(student, rng):
    """Three rows more, small and not zero, in wte and lm_head alike; the old ones as they were."""
    w = for_gpt(SMALL, rng)
    answer = student.run(models, "GPT", SMALL, w, [["resize", 3, 5], ["table"]])
    new = new_rows(answer[1][0], w[WTE], 3)
    table = torch.cat([w[WTE], new])
    close(answer, [True, [table, table]])
    assert bool((new != 0).any(1).all()), "a new row is zero"


@task("freeze_base")
def test_only_new_rows_move(student, rng):
    """One step with decay 0.5: rows 0 to 7 and all else stay, to the bit; rows 8 to 10 move."""
    w, pair = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 4, 7)
    check_frozen(student, SMALL, w, 8, [0.1, 0.5], pair, 1)


@task("learn_prompt")
def test_a_prompt_helps(student, rng):
    """Two vectors before five tokens: the first loss is right, and after ten steps it is lower."""
    w, (X, Y) = for_gpt(SMALL, rng), rng.integers(0, 11, 2, 3, 5)
    jobs = [["prompt", X, Y, 2, 2, 0.0, list(w), []], ["prompt", X, Y, 2, 10, 0.05, [], []]]
    still, (_, losses, *_) = student.run(models, "GPT", SMALL, w, jobs)
    prompt, _, before, *_ = still
    flags = [True] * len(before)

    def right(form):
        loss = right_loss(right_gpt(X, w, SMALL, form, prompt), Y).item()
        return [prompt, [loss, loss], flags, flags, w]

    close(tuple(prompt.shape), (2, 12))
    judge(still, right, ROUNDED)
    close(len(losses), 10)
    assert losses[-1] < losses[0], "the loss doesn't fall"


# ------------------------------------------------------------------------ writing with a cache


@task("generate_cached")
def test_the_same_tokens(student, rng):
    """Three tokens and four more: those of the whole model, with 7 positions read at most."""
    rng.manual_seed(17)  # with it, most wrong models write something else
    w, idx = loud(for_gpt(SMALL, rng)), rng.integers(0, 11, 1, 3)
    check_cache(student, SMALL, w, [[idx, 4]])
