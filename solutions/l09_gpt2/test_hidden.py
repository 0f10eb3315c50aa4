"""What counts: other sizes, edges, gradients, and weights that hide no mistake.

Fresh weights (0.02) write nearly the same token whatever stands before: all that is judged by a
model's words has random weights of full size, gains and shifts included.
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


# other sizes, no two alike, and no biases
OTHER = {"block_size": 9, "vocab_size": 13, "n_layer": 3, "n_head": 2, "n_embd": 10}
OTHER |= {"dropout": 0.0, "bias": False}
MANY = {"rtol": 1e-4, "atol": 1e-4, "reason": "float32 through many operations"}


def single(tree):
    """The same numbers in float32."""
    if isinstance(tree, dict):
        return {name: single(part) for name, part in tree.items()}
    return tree.float()


def with_loss(idx, targets, w, c, form):
    logits = right_gpt(idx, w, c, form)
    return [logits, right_loss(logits, targets)]


# ------------------------------------------------------------------------- the nonlinearity


@task("gelu")
def test_many_places(student, rng, device):
    """From -6 to 6, in three dimensions, and far out, where it is x or 0."""
    x = some((3, 5, 7), rng, device, 2.0)
    close(student.gelu(x), F.gelu(x, approximate="tanh"))
    far = torch.tensor([-50.0, -9.0, 9.0, 50.0], dtype=torch.float64, device=device)
    close(student.gelu(far), F.gelu(far, approximate="tanh"))


@task("gelu")
def test_in_float32(student, rng, device):
    """float32 in, float32 out; and what was given is as it was."""
    x = some((5, 7), rng, device).float()
    close(student.gelu(x), F.gelu(x, approximate="tanh"))


def slopes(m, x):
    x = x.clone().requires_grad_()
    m.gelu(x).sum().backward()
    return x.grad


@task("gelu")
def test_its_slope(student, rng, device):
    """The gradient is that of PyTorch's tanh form."""
    x = some((5, 7), rng, device)
    leaf = x.clone().requires_grad_()
    right = torch.autograd.grad(F.gelu(leaf, approximate="tanh").sum(), leaf)
    close(student.run(slopes, x), right[0])


@task("gelu_gap")
def test_only_these_places(student, rng, device):
    """The largest at the places that are given: far out it is tiny, and sign doesn't matter."""
    near = torch.tensor([-2.3, 0.1, 1.0], dtype=torch.float64, device=device)
    one = torch.tensor([-1.7], dtype=torch.float64, device=device)
    for xs in (some((40,), rng, device), near, one, 0.1 * near):
        right = (F.gelu(xs) - F.gelu(xs, approximate="tanh")).abs().max().item()
        close(student.run(gap, xs), right, rtol=1e-6, atol=1e-12, reason="the gap is small")


# ------------------------------------------------------------------------------- the layers


@task("LayerNorm")
def test_hardly_any_variance(student, rng, device):
    """Where the variance is about 1e-5, too, eps counts as much as it."""
    x = some((3, 5, 12), rng, device, 3e-3)
    w = {name[2:]: t for name, t in for_norm("n", 12, True, rng, device).items()}
    answer = student.run(models, "LayerNorm", None, [12, True], x, [["set", w], ["call", x]])
    close(answer, [None, F.layer_norm(x, (12,), w["weight"], w["bias"])])


@task("LayerNorm")
def test_its_first_values(student, rng, device):
    """Gains of 1, shifts of 0, and gradients for both; other shapes of x."""
    x, direction = some((4, 9), rng, device, 0.5), some((4, 9), rng, device)
    jobs = [["read", ["weight", "bias"]], ["input_gradient", x, direction], ["count"]]
    answer = student.run(models, "LayerNorm", None, [9, True], x, jobs)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((F.layer_norm(leaf, (9,)) * direction).sum(), leaf)
    first = {"weight": torch.ones_like(x[0]), "bias": torch.zeros_like(x[0])}
    close(answer, [first, gradient, 18])


@task("LayerNorm")
def test_a_norm_in_float32(student, rng, device):
    """float32 in, float32 out, one gain a number, no shift."""
    x = some((2, 3, 8), rng, device, 2.0).float()
    w = {"weight": 1.0 + some((8,), rng, device, 0.5).float()}
    jobs = [["set", w], ["call", x], ["count"]]
    answer = student.run(models, "LayerNorm", None, [8, False], x, jobs)
    close(answer, [None, F.layer_norm(x, (8,), w["weight"]), 8], **ROUNDED)


ATTENTION = "CausalSelfAttention"


@task(ATTENTION)
def test_nobody_sees_the_future(student, rng, device):
    """Another fifth position changes no output before it, not by a bit, and some from there on."""
    w, x = for_attention(SMALL, rng, device), some((2, 7, 12), rng, device)
    other = x.clone()
    other[:, 4] = 3.0 - other[:, 4]
    answer = student.run(models, ATTENTION, SMALL, w, x, [["call", x], ["call", other]])
    close(answer, [right_attention(y, w, 3) for y in (x, other)])
    close(answer[1][:, :4], answer[0][:, :4], **EXACT)


@task(ATTENTION)
def test_other_sizes_without_bias(student, rng, device):
    """Two heads of five, no biases; one position, a few, all; five rows."""
    w, x = for_attention(OTHER, rng, device), some((5, 9, 10), rng, device)
    parts = [x, x[:2, :1], x[1:, 3:7]]
    answer = student.run(models, ATTENTION, OTHER, w, x, [["call", y] for y in parts])
    close(answer, [right_attention(y, w, 2) for y in parts])


@task(ATTENTION)
def test_heads_are_independent(student, rng, device):
    """Without the values of the second head only its columns of c_proj are missed."""
    w, x = for_attention(SMALL, rng, device), some((2, 7, 12), rng, device)
    w["c_attn.weight"][28:32], w["c_attn.bias"][28:32] = 0.0, 0.0
    less = dict(w)
    less["c_proj.weight"] = w["c_proj.weight"].clone()
    less["c_proj.weight"][:, 4:8] = 0.0
    jobs = [["call", x], ["set", less], ["call", x]]
    answer = student.run(models, ATTENTION, SMALL, w, x, jobs)
    right = right_attention(x, w, 3)
    close(answer, [right, None, right])


@task(ATTENTION)
def test_one_head_and_twelve(student, rng, device):
    """A single head as wide as the model, and twelve of one number each."""
    w, x = for_attention(SMALL, rng, device), some((2, 5, 12), rng, device)
    for n_head in (1, 12):
        answer = student.run(models, ATTENTION, SMALL | {"n_head": n_head}, w, x, [["call", x]])
        close(answer, [right_attention(x, w, n_head)])


@task(ATTENTION)
def test_attention_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, x = single(for_attention(SMALL, rng, device)), some((2, 7, 12), rng, device).float()
    answer = student.run(models, ATTENTION, SMALL, w, x, [["call", x]])
    close(answer, [right_attention(x, w, 3)], **ROUNDED)


@task(ATTENTION)
def test_gradients_of_attention(student, rng, device):
    """The gradient that comes back to x is that of PyTorch's attention."""
    w, x = for_attention(SMALL, rng, device), some((2, 6, 12), rng, device)
    direction = some((2, 6, 12), rng, device)
    jobs = [["input_gradient", x, direction]]
    answer = student.run(models, ATTENTION, SMALL, w, x, jobs)
    leaf = x.clone().requires_grad_()
    right = torch.autograd.grad((right_attention(leaf, w, 3) * direction).sum(), leaf)
    close(answer, list(right))


def made(m, n_head, n_embd):
    """Whether such a layer can't be made (or used)."""
    import torch

    fields = {"block_size": 7, "vocab_size": 11, "n_layer": 2, "n_head": n_head, "n_embd": n_embd}
    try:
        m.CausalSelfAttention(m.GPTConfig(**fields))(torch.zeros(1, 2, n_embd))
    except NotImplementedError:
        raise
    except Exception:
        return False
    return True


@task(ATTENTION)
def test_heads_that_do_not_fit(student):
    """12 numbers can't be parted among 5 heads: an error; among 4 they can."""
    close([student.run(made, 5, 12), student.run(made, 4, 12)], [False, True])


def check_dropout(student, cls, w, x, right, times):
    """In training each number is lost or comes times as large; in evaluation it comes."""
    jobs = [["train"], ["call", x], ["eval"], ["call", x]]
    answer = student.run(models, cls, SMALL | {"dropout": 0.5}, w, x, jobs)
    drawn = answer[1] if isinstance(answer, list) and isinstance(answer[1], torch.Tensor) else x
    drawn = drawn if drawn.shape == x.shape else x
    ratio = (drawn / right(form="tanh")).round()
    kept = torch.where(sum(ratio == t for t in times) > 0, ratio, float(times[0]))
    kept = torch.where(drawn == 0, 0.0, kept)
    judge(answer, lambda form: [None, kept * right(form), None, right(form)])
    lost = (drawn == 0).double().mean().item()
    assert 0.3 < lost < 0.95, "nothing is dropped in training, or all"


@task(ATTENTION)
def test_dropout_of_attention(student, rng, device):
    """With dropout 0.5 some of a lone position's output is lost, the rest grows; not in eval."""
    w, x = for_attention(SMALL, rng, device), some((60, 1, 12), rng, device)
    w["c_proj.weight"] = torch.eye(12, dtype=torch.float64, device=device)
    w["c_proj.bias"] = torch.zeros_like(w["c_proj.bias"])
    check_dropout(student, ATTENTION, w, x, lambda form: right_attention(x, w, 3), (2, 4))


@task("MLP")
def test_without_biases(student, rng, device):
    """Ten numbers, no biases, each position by itself."""
    w, x = for_mlp(OTHER, rng, device), some((3, 4, 10), rng, device)
    answer = student.run(models, "MLP", OTHER, w, x, [["call", x], ["call", x[1:2, 2:3]]])
    judge(answer, lambda form: [right_mlp(x, w, form), right_mlp(x[1:2, 2:3], w, form)])


@task("MLP")
def test_dropout_at_the_end(student, rng, device):
    """With dropout 0.5 half of the output is lost and the rest doubled; not in evaluation."""
    w, x = for_mlp(SMALL, rng, device), some((60, 2, 12), rng, device)
    check_dropout(student, "MLP", w, x, lambda form: right_mlp(x, w, form), (2,))


@task("Block")
def test_a_block_of_other_sizes(student, rng, device):
    """Ten wide, two heads, no biases; a single position as well."""
    w, x = for_block(OTHER, rng, device), some((3, 8, 10), rng, device)
    answer = student.run(models, "Block", OTHER, w, x, [["call", x], ["call", x[:, :1]]])
    judge(answer, lambda form: [right_block(y, w, 2, form) for y in (x, x[:, :1])])


@task("Block")
def test_the_residual_pathway(student, rng, device):
    """With both c_proj at 0 a block says what it hears, to the bit."""
    w, x = for_block(SMALL, rng, device), some((2, 7, 12), rng, device, 9.0)
    w = {name: 0.0 * t if "c_proj" in name else t for name, t in w.items()}
    close(student.run(models, "Block", SMALL, w, x, [["call", x]]), [x], **EXACT)


# -------------------------------------------------------------------------------- the model


@task("GPT.forward")
def test_other_sizes(student, rng, device):
    """Three blocks, ten wide, no biases; all positions, a few, a single one."""
    w, pairs = for_gpt(OTHER, rng, device), []
    for size in ((4, 9), (3, 5), (1, 1)):
        pairs.append(list(some_tokens((2, *size), rng, device, 13)))
    jobs = [["logits", *pair] for pair in pairs] + [["last", pairs[0][0]]]
    answer = student.run(models, "GPT", OTHER, w, w[WTE], jobs)

    def right(form):
        all_of_them = [with_loss(*pair, w, OTHER, form) for pair in pairs]
        return [*all_of_them, [all_of_them[0][0][:, -1:], None]]

    judge(answer, right)


@task("GPT.forward")
def test_a_gpt_does_not_see_the_future(student, rng, device):
    """Another fifth token changes no earlier logits, not by a bit."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 2, 7), rng, device)
    other = idx.clone()
    other[:, 4] = (idx[:, 4] + 3) % 11
    jobs = [["logits", idx, targets], ["logits", other, targets]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    judge(answer, lambda form: [with_loss(i, targets, w, SMALL, form) for i in (idx, other)])
    close(answer[1][0][:, :4], answer[0][0][:, :4], **EXACT)


@task("GPT.forward")
def test_targets_that_do_not_count(student, rng, device):
    """Where the target is -1 there is no loss, and the mean is over the others."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 3, 7), rng, device)
    targets[0, :3], targets[2, 5] = -1, -1
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["logits", idx, targets]])
    judge(answer, lambda form: [with_loss(idx, targets, w, SMALL, form)])


@task("GPT.forward")
def test_too_many_tokens(student, rng, device):
    """Eight tokens are more than block_size: an error; seven are not."""
    like, idx = torch.zeros(1, device="cpu"), some_tokens((2, 8), rng, "cpu")
    jobs = [["raises", idx], ["raises", idx[:, :7]]]
    close(student.run(models, "GPT", SMALL, None, like, jobs), [True, False])


@task("GPT.forward")
def test_gradients_of_all(student, rng, device):
    """Every parameter but the token table (which is tied or not) has the right gradient."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 3, 7), rng, device)
    names = [name for name in w if name != WTE]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["gradients", idx, targets, names]])

    def right(form):
        leaves = {name: t.clone().requires_grad_() for name, t in w.items()}
        loss = with_loss(idx, targets, leaves, SMALL, form)[1]
        return [dict(zip(names, torch.autograd.grad(loss, [leaves[n] for n in names])))]

    judge(answer, right)


@task("GPT.forward")
def test_a_gpt_in_float32(student, rng, device):
    """float32 in, float32 out."""
    w, (idx, targets) = single(for_gpt(SMALL, rng, device)), some_tokens((2, 2, 7), rng, device)
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["logits", idx, targets]])
    judge(answer, lambda form: [with_loss(idx, targets, w, SMALL, form)], **MANY)


@task("GPT.forward")
def test_dropout_of_the_tables(student, rng, device):
    """With dropout 0.5 two calls differ in training, by the tables' sum alone, and not in eval."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 2, 7), rng, device)
    w = {name: 0.0 * t if "c_proj" in name else t for name, t in w.items()}  # the blocks are mute
    pair = [idx, targets]
    jobs = [["train"], ["logits", *pair], ["logits", *pair], ["eval"], ["logits", *pair]]
    answer = student.run(models, "GPT", SMALL | {"dropout": 0.5}, w, w[WTE], jobs)
    drawn = answer[1:3]
    judge(answer, lambda form: [None, *drawn, None, with_loss(*pair, w, SMALL, form)])
    assert not torch.equal(drawn[0][0], drawn[1][0]), "nothing is dropped in training"


def spreads(answer, names, std):
    """(mean, deviation) of these tensors together, over std; and the fourth moment."""
    parts = answer if isinstance(answer, dict) else {}
    parts = [parts.get(name) for name in names]
    if not all(isinstance(t, torch.Tensor) and t.numel() > 1 for t in parts):
        return [math.nan] * 3, 1
    t = torch.cat([t.flatten() for t in parts]).double() / std
    return [t.mean().item(), t.std().item(), (t**4).mean().item()], len(t)


def check_spread(answer, names, std, size):
    """Normal with this standard deviation, by 5 sigma."""
    found, n = spreads(answer, names, std)
    sigma = 1 / math.sqrt(size)
    close(n, size)
    close(found[0], 0.0, rtol=0.0, atol=5 * sigma, reason="5 sigma of the mean")
    close(found[1], 1.0, rtol=0.0, atol=3.6 * sigma, reason="5 sigma of the deviation")
    close(found[2], 3.0, rtol=0.0, atol=49 * sigma, reason="5 sigma of the fourth moment")


def names_of(kind, n_layer):
    return [f"transformer.h.{i}.{kind}" for i in range(n_layer)]


@task("init_weights")
def test_matrices_and_tables(student, device):
    """0.02 for both tables, c_attn and c_fc."""
    names = {kind: names_of(kind, 2) for kind in ("attn.c_attn.weight", "mlp.c_fc.weight")}
    names |= {"wte": [WTE], "wpe": ["transformer.wpe.weight"]}
    sizes = {"attn.c_attn.weight": 6144, "mlp.c_fc.weight": 8192, "wte": 2080, "wpe": 512}
    like = torch.zeros(1, device=device)
    jobs = [["read", [name for some_names in names.values() for name in some_names]]]
    answer = student.run(models, "GPT", LARGER, None, like, jobs)
    for kind, some_names in names.items():
        check_spread(answer[0], some_names, 0.02, sizes[kind])


@task("init_weights")
def test_what_is_added_to_the_pathway(student, device):
    """c_proj.weight: 0.02 / √4 with two layers, 0.02 / √16 with eight, in both places."""
    like = torch.zeros(1, device=device)
    for n_layer in (2, 8):
        jobs = [["read", names_of("attn.c_proj.weight", n_layer)]]
        jobs += [["read", names_of("mlp.c_proj.weight", n_layer)]]
        fields = LARGER | {"n_layer": n_layer}
        answer = student.run(models, "GPT", fields, None, like, jobs)
        std = 0.02 / math.sqrt(2 * n_layer)
        for found, size in ((answer[0], 1024), (answer[1], 4096)):
            kind = "attn" if size == 1024 else "mlp"
            names = names_of(f"{kind}.c_proj.weight", n_layer)
            check_spread(found, names, std, size * n_layer)


@task("init_weights")
def test_biases_and_norms(student, device):
    """Biases of linear layers are 0; norms have gains of 1 and shifts of 0."""
    like = torch.zeros(1, device=device)
    w = for_gpt(SMALL, torch.Generator().manual_seed(1), device)
    names = [name for name, t in w.items() if t.dim() == 1]
    answer = student.run(models, "GPT", SMALL, None, like, [["read", names]])
    ones = ("ln_1.weight", "ln_2.weight", "ln_f.weight")
    right = {n: torch.full_like(w[n], float(n.endswith(ones)), dtype=like.dtype) for n in names}
    close(answer, [right])


@task("init_weights")
def test_the_first_loss(student, rng, device):
    """A new model guesses: with 65 tokens its loss is about log 65 = 4.17."""
    like, pair = torch.zeros(1, device=device), some_tokens((2, 3, 8), rng, device, 65)
    answer = student.run(models, "GPT", LARGER, None, like, [["loss", *pair]])
    close(answer, [math.log(65)], rtol=0.0, atol=0.25, reason="weights begin small, not at 0")


@task("weight_tying")
def test_both_uses_teach(student, rng, device):
    """The table's gradient is the sum of what comes from reading and from writing."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 3, 7), rng, device)
    jobs = [["gradients", idx, targets, [WTE]], ["count"]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    count = sum(t.numel() for t in w.values())

    def right(form):
        leaves = w | {WTE: w[WTE].clone().requires_grad_()}
        loss = with_loss(idx, targets, leaves, SMALL, form)[1]
        return [{WTE: torch.autograd.grad(loss, leaves[WTE])[0]}, count]

    judge(answer, right)


@task("count_params")
def test_all_sizes(student, device):
    """GPT-2 large and XL; without biases; small ones, counted."""
    sizes = {"block_size": 1024, "vocab_size": 50257}
    large = sizes | {"n_layer": 36, "n_head": 20, "n_embd": 1280}
    huge = sizes | {"n_layer": 48, "n_head": 25, "n_embd": 1600}
    close([student.run(counted, large), student.run(counted, huge)], [774_030_080, 1_557_611_200])
    for c in (SMALL, OTHER):
        w = for_gpt(c, torch.Generator().manual_seed(1), device)
        close(student.run(counted, c), sum(t.numel() for t in w.values()))


@task("load_gpt2")
def test_all_of_it_arrives(student, rng, device):
    """Every weight at its place, the head tied, and no file's number changed."""
    w = for_gpt(LARGER, rng, device)
    job = ["load", published(w), ["read", [*w, "lm_head.weight"]]]
    tied = ["load", published(w), ["nudge", 3.0]]
    answer = student.run(models, "GPT", LARGER, None, w[WTE], [job, tied])
    close(answer, [w | {"lm_head.weight": w[WTE]}, [3.0 * w[WTE]] * 2])


@task("load_gpt2")
def test_buffers_of_another_size(student, rng, device):
    """In any order of names, in float32, one layer and a vocabulary of 64."""
    c = SMALL | {"n_layer": 1, "vocab_size": 64, "n_head": 1}
    w, (idx, targets) = single(for_gpt(c, rng, device)), some_tokens((2, 2, 7), rng, device, 64)
    sd = dict(reversed(published(w).items()))
    answer = student.run(models, "GPT", c, None, w[WTE], [["load", sd, ["logits", idx, targets]]])
    judge(answer, lambda form: [with_loss(idx, targets, w, c, form)], **MANY)


@task("configure_optimizers")
def test_other_settings(student, device):
    """Without biases the norms' gains alone don't decay; lr and betas are those given."""
    like = torch.zeros(1, device=device)
    job = ["groups", 0.25, 0.02, (0.8, 0.99), "cpu"]
    answer = student.run(models, "GPT", OTHER, None, like, [job])
    close(answer, right_groups(answer, 0.25, 0.02, [0.8, 0.99]))


# ------------------------------------------------------------------------------- training


def warm_ups(answer, n, warmup, lr):
    """The rise that the answer is nearest to: one of three that are in use."""
    rises = [[lr * (it + 1) / (warmup + 1) for it in range(n)]]
    rises.append([lr * it / warmup for it in range(n)])
    rises.append([lr * (it + 1) / warmup for it in range(n)])
    try:
        return min(rises, key=lambda rise: sum(abs(a - r) for a, r in zip(answer, rise)))
    except TypeError:
        return rises[0]


def right_rate(it, warmup, end, lr, least):
    if it >= end:
        return least
    return least + (lr - least) * (1 + math.cos(math.pi * (it - warmup) / (end - warmup))) / 2


TINY = {"rtol": 1e-9, "atol": 1e-15, "reason": "rates are small"}


@task("get_lr")
def test_the_whole_schedule(student):
    """Every step from the first to past the end: a straight rise, half a cosine, level."""
    for warmup, end, lr, least in ((7, 40, 3e-3, 2e-4), (1, 12, 0.5, 0.0), (5, 6, 1e-3, 1e-4)):
        its = list(range(end + 9))
        answer = student.run(rates, its, (warmup, end, lr, least))
        rise = warm_ups(answer, warmup, warmup, lr)
        close(
            answer, rise + [right_rate(it, warmup, end, lr, least) for it in its[warmup:]], **TINY
        )


@task("get_lr")
def test_no_warm_up(student):
    """Without a warm-up it begins at the top."""
    right = [right_rate(it, 0, 8, 0.3, 0.1) for it in (0, 1, 4, 7, 8, 100)]
    close(student.run(rates, [0, 1, 4, 7, 8, 100], (0, 8, 0.3, 0.1)), right, **TINY)


def check_accumulation(student, rng, device, sizes):
    table, shift = some((11, 11), rng, device), some((11,), rng, device)
    for n, micro, rows in sizes:
        X, Y = some_tokens((2, n, 5), rng, device)
        answer = student.run(accumulated, table, shift, X, Y, micro)
        right = right_sum(table, shift, X, Y, rows)
        close(answer, [answer[0], *right[1:]])
        close(answer, right, **ROUNDED)


@task("accumulate")
def test_a_smaller_last_piece(student, rng, device):
    """5 = 2 + 2 + 1 and 7 = 4 + 3: a piece counts as much as it has rows."""
    check_accumulation(student, rng, device, ((5, 2, [2, 2, 1]), (7, 4, [4, 3])))


@task("accumulate")
def test_one_piece(student, rng, device):
    """A piece as large as the batch, or larger; pieces of one row."""
    check_accumulation(student, rng, device, ((3, 3, [3]), (3, 8, [3]), (4, 1, [1] * 4)))


@task("clip_grad")
def test_gradients_of_any_shape(student, rng, device):
    """Tables, vectors and a single number; one parameter has no gradient."""
    grads = [some(shape, rng, device) for shape in ((3, 5), (7,), (), (2, 1, 4))]
    for max_norm in (0.5, 2.0):
        close(student.run(clipped, grads, max_norm), right_clip(grads, max_norm), **ROUNDED)


@task("clip_grad")
def test_small_gradients_stay(student, rng, device):
    """Below the limit nothing changes, not by a bit."""
    grads = [some(shape, rng, device, 0.01) for shape in ((3, 5), (7,))]
    answer = student.run(clipped, grads, 1.0)
    close(answer, [right_clip(grads, 1.0)[0], [None, *grads]], **ROUNDED)
    close(answer[1][1:], grads, **EXACT)


@task("clip_grad")
def test_no_gradient_at_all(student, device):
    """Gradients of zero have the norm 0, and stay zero: no NaN."""
    grads = [torch.zeros(2, 3, device=device, dtype=torch.float64)] * 2
    close(student.run(clipped, grads, 1.0), [0.0, [None, *grads]])
    close(student.run(clipped, grads, 0.0), [0.0, [None, *grads]])


@task("save_checkpoint")
def test_another_file(student, rng):
    """Another batch, another step: all that the next one depends on is in the file."""
    x, y = for_practice(rng)
    step = int(torch.randint(1000, 9999, (1,), generator=rng))
    answer = student.run(models, None, None, None, x, [["saved", x, y, step]])
    close(there(answer[0], step), ALL_THERE)


@task("load_checkpoint")
def test_other_steps(student, rng):
    """Before the first step, and after one; weights, moments, learning rate, dropout go on."""
    x, y = for_practice(rng)
    jobs = [["resumed", x, y, 0, 2, 0], ["resumed", x, y, 1, 4, 5]]
    answer = student.run(models, None, None, None, x, jobs)
    one, other = (answer[i][1] if isinstance(answer, list) else None for i in (0, 1))
    close(answer, [[0, one, one, one], [5, other, other, other]], **EXACT)


@task("load_checkpoint")
def test_a_file_that_was_cut_off(student, rng):
    """Half a file raises and changes nothing; the whole one can still be loaded."""
    x, y = for_practice(rng)
    answer = student.run(models, None, None, None, x, [["cut", x, y, 9]])
    before, good = (answer[0][i] if isinstance(answer, list) else None for i in (1, 4))
    close(answer, [[True, before, before, 9, good, good]], **EXACT)


@task("generate")
def test_only_the_last_tokens_are_read(student, rng, device):
    """Ten tokens and six more with block_size 7, greedily; none more; one token's text."""
    w, idx = loud(for_gpt(SMALL, rng, device)), some_tokens((40, 10), rng, device)
    w |= {name: 0.05 * t for name, t in w.items() if ".ln_f." in name}  # chances are near
    greedy = {"top_k": 1}
    jobs = [["generate", idx, 6, greedy, 1], ["generate", idx, 0, greedy, 1]]
    jobs += [["generate", idx[:, :1], 3, greedy | {"temperature": 0.3}, 2]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)

    def right(form):
        longer = right_greedy(idx, 6, w, SMALL, form)
        return [longer, idx, right_greedy(idx[:, :1], 3, w, SMALL, form)]

    judge(answer, right)


def check_shares(student, rng, device, chances, options, right):
    """Of 6,000 rows, the shares of the tokens that are drawn; logits are log chances."""
    n, V = 6000, len(chances)
    row = torch.tensor(chances, dtype=torch.float64, device="cpu").log().to(device)
    idx = torch.full((n, 1), 2, device=device)
    like = torch.zeros(1, dtype=torch.float64, device=device)
    job = ["write", idx, 1, row.expand(V, V).contiguous(), options, 5]
    fields = SMALL | {"vocab_size": V}
    answer = student.run(models, "GPT", fields, None, like, [job])
    out = answer[0][0] if isinstance(answer, list) else None
    fits = isinstance(out, torch.Tensor) and out.shape == (n, 2)
    drawn = out[:, 1] if fits else idx[:, 0]
    close(answer, [[torch.stack([idx[:, 0], drawn], 1), 1]])
    counts = torch.stack([(drawn == i).sum() for i in range(V)]).tolist()
    for count, share in zip(counts, right):
        far = 5 * math.sqrt(n * share * (1 - share)) + 40 * share  # 40: logits are a bit off
        close(float(count), n * share, rtol=0.0, atol=far, reason="5 sigma of 6,000 draws")


CHANCES = [0.05, 0.3, 0.2, 0.1, 0.35]


@task("generate")
def test_tokens_are_drawn(student, rng, device):
    """With nothing else said, each token comes as often as its probability says."""
    check_shares(student, rng, device, CHANCES, {}, CHANCES)


@task("generate")
def test_temperature(student, rng, device):
    """Temperature 0.5 squares the chances, temperature 2 takes their roots."""
    for temperature in (0.5, 2.0):
        powers = [c ** (1 / temperature) for c in CHANCES]
        right = [p / sum(powers) for p in powers]
        check_shares(student, rng, device, CHANCES, {"temperature": temperature}, right)


@task("generate")
def test_top_k(student, rng, device):
    """Two likeliest tokens share all; three, with a temperature; more than there are are all."""
    right = [0.0, 0.3 / 0.65, 0.0, 0.0, 0.35 / 0.65]
    check_shares(student, rng, device, CHANCES, {"top_k": 2}, right)
    powers = [0.0, 0.3**2, 0.2**2, 0.0, 0.35**2]
    right = [p / sum(powers) for p in powers]
    check_shares(student, rng, device, CHANCES, {"top_k": 3, "temperature": 0.5}, right)
    check_shares(student, rng, device, CHANCES, {"top_k": 50}, CHANCES)


@task("generate")
def test_a_generator_decides(student, rng, device):
    """If generate takes a generator, the same one writes the same."""
    w, idx = for_gpt(SMALL, rng, device), some_tokens((3, 2), rng, device)
    w = {name: 0.3 * t for name, t in w.items()}
    answer = student.run(models, "GPT", SMALL, w, w[WTE], [["twice", idx, 20, 4]])
    text = answer[0][0] if isinstance(answer, list) and isinstance(answer[0], list) else None
    close(answer, [[text if isinstance(text, torch.Tensor) else idx] * 2])


@task("estimate_mfu")
def test_other_chips(student):
    """Other sizes, sequences, seconds; another chip."""
    right = (6 * 9000 + 12 * 3 * 2 * 5 * 9) * 9 * 17 / 0.25
    close(student.run(utilised, 9000, OTHER, 17, 0.25, 4e9), right / 4e9)
    close(student.run(utilised, 9000, OTHER, 17, 0.25) * 1e6, right / 312e6)


# -------------------------------------------------------------------------------- surgery


@task("crop_block_size")
def test_the_first_positions_stay(student, rng, device):
    """Cropped to 5 and to 2: the first rows of wpe, all else as it was."""
    w, idx = for_gpt(SMALL, rng, device), some_tokens((3, 5), rng, device)
    wpe = "transformer.wpe.weight"
    jobs = [["crop", 5], ["read", list(w)], ["last", idx], ["crop", 2], ["last", idx[:, :2]]]
    jobs += [["raises", idx[:, :3]], ["config", "block_size", 2]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)

    def right(form):
        lasts = [[right_gpt(i, w, SMALL, form)[:, -1:], None] for i in (idx, idx[:, :2])]
        cropped = w | {wpe: w[wpe][:5]}
        return [None, cropped, lasts[0], None, lasts[1], True, 2]

    judge(answer, right)


@task("crop_block_size")
def test_a_cropped_model_learns(student, rng, device):
    """Its positions still get gradients."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 3, 4), rng, device)
    wpe = "transformer.wpe.weight"
    jobs = [["crop", 4], ["gradients", idx, targets, [wpe]]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)

    def right(form):
        leaves = w | {wpe: w[wpe][:4].clone().requires_grad_()}
        loss = with_loss(idx, targets, leaves, SMALL, form)[1]
        return [None, {wpe: torch.autograd.grad(loss, leaves[wpe])[0]}]

    judge(answer, right)


def new_rows(answer, at, n_old, n_new, like):
    """The new rows that a table has, or zeros where there is no such table."""
    try:
        rows = answer[at][0][n_old:].to(like)
        return rows if rows.shape == (n_new, like.shape[1]) else 0.0 * like[:1].expand(n_new, -1)
    except (TypeError, IndexError, KeyError, AttributeError, RuntimeError):
        return 0.0 * like[:1].expand(n_new, -1)


@task("resize_vocab")
def test_the_new_rows(student, rng, device):
    """40 new rows: normal with deviation 0.02, or all the mean of the old ones."""
    w = for_gpt(LARGER, rng, device)
    answer = student.run(models, "GPT", LARGER, w, w[WTE], [["resize", 40, None], ["table"]])
    new = new_rows(answer, 1, 65, 40, w[WTE])
    table = torch.cat([w[WTE], new])
    close(answer, [True, [table, table]])
    mean = w[WTE].mean(0).expand(40, -1)
    if not torch.allclose(new, mean, atol=1e-5):
        check_spread({WTE: new}, [WTE], 0.02, 40 * 32)
        assert len(torch.unique(new, dim=0)) == 40, "two new rows are the same"


@task("resize_vocab")
def test_a_larger_model(student, rng, device):
    """Old logits for old tokens as before; new tokens can be read, predicted and learnt."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 3, 6), rng, device, 14)
    old = idx % 11
    targets[0, :3], idx[1, :2] = (
        torch.arange(11, 14, device=device),
        torch.arange(13, 10, -2, device=device),
    )
    names = [*w, "lm_head.weight"]
    jobs = [["resize", 3, 6], ["read", names], ["logits", old, targets], ["logits", idx, targets]]
    jobs += [["gradients", idx, targets, [WTE]], ["count"]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    tables = [[answer[1].get(WTE)] if isinstance(answer[1], dict) else None]
    table = torch.cat([w[WTE], new_rows(tables, 0, 11, 3, w[WTE])])
    grown = w | {WTE: table}
    count = sum(t.numel() for t in grown.values())

    def right(form):
        leaves = grown | {WTE: table.clone().requires_grad_()}
        loss = with_loss(idx, targets, leaves, SMALL, form)[1]
        gradient = torch.autograd.grad(loss, leaves[WTE])[0]
        both = [with_loss(i, targets, grown, SMALL, form) for i in (old, idx)]
        return [True, grown | {"lm_head.weight": table}, *both, {WTE: gradient}, count]

    judge(answer, right)
    judge(answer[2][0][..., :11], lambda form: right_gpt(old, w, SMALL, form))


@task("resize_vocab")
def test_tied_rows_and_a_generator(student, rng, device):
    """wte and lm_head are one tensor still; the same generator makes the same rows."""
    w = for_gpt(SMALL, rng, device)
    jobs = [["resize", 2, 7], ["nudge", 2.0], ["resize", 1, 7], ["table"]]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    jobs = [["seed", 5], ["resize", 2, 7], ["table"]]
    again = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    rows = new_rows(again, 2, 11, 2, w[WTE])
    first = torch.cat([w[WTE], rows])
    last = new_rows(answer, 3, 13, 1, w[WTE])
    second = torch.cat([2.0 * first, last])
    close(again, [None, True, [first, first]])
    close(answer, [True, [2.0 * first] * 2, True, [second, second]])


def frozen(student, w, c, n_old, lr, decay, pair, steps):
    """(answer, table, others, gradients): what a frozen base gives, and the table that belongs
    to it; the table's gradient before, as the model itself has it."""
    others = [name for name in w if name != WTE]
    jobs = [["gradients", *pair, [WTE]], ["freeze", n_old, lr, decay, *pair, steps, others]]
    both = student.run(models, "GPT", c, w, w[WTE], jobs)
    fits = isinstance(both, list) and isinstance(both[0], dict)
    gradients, answer = ([list(both[0].values())], both[1:]) if fits else (None, both)
    n_new = len(w[WTE]) - n_old
    tables = [answer[0][1:]] if isinstance(answer, list) and isinstance(answer[0], list) else None
    moved = new_rows(tables, 0, n_old, n_new, w[WTE])
    table = torch.cat([w[WTE][:n_old], moved])
    return answer, table, {name: w[name] for name in others}, gradients


@task("freeze_base")
def test_five_steps_with_decay(student, rng, device):
    """Five steps with a large decay: the old rows and all other weights stay, to the bit."""
    w, pair = for_gpt(OTHER, rng, device), some_tokens((2, 4, 9), rng, device, 13)
    answer, table, others, _ = frozen(student, w, OTHER, 10, 0.2, 2.0, list(pair), 5)
    close(answer, [[True, table, table, others]], **EXACT)
    assert bool((table[10:] != w[WTE][10:]).any(1).all()), "a new row hasn't moved"


@task("freeze_base")
def test_new_rows_step_as_adamw_does(student, rng, device):
    """The first step of a new row: shrunk by lr · decay, then lr against its gradient's sign."""
    w, (idx, targets) = for_gpt(SMALL, rng, device), some_tokens((2, 4, 7), rng, device)
    for lr, decay in ((0.05, 0.5), (None, None)):
        answer, table, others, before = frozen(student, w, SMALL, 8, lr, decay, [idx, targets], 1)
        lr, decay = (1e-3, 0.1) if lr is None else (lr, decay)
        close(answer, [[True, table, table, others]], **EXACT)
        gradient = new_rows(before, 0, 8, 3, w[WTE])  # whether that is right is another task's
        step = lr * gradient / (gradient.abs() + 1e-8)
        close(table[8:], (1 - lr * decay) * w[WTE][8:] - step)


@task("learn_prompt")
def test_the_loss_of_a_prompt(student, rng, device):
    """With a rate of 0 each loss is that of the prompt returned; the model stays as it was."""
    w, (X, Y) = for_gpt(OTHER, rng, device), some_tokens((2, 3, 5), rng, device, 13)
    still = ["transformer.wpe.weight", "transformer.h.1.mlp.c_fc.weight"]
    names = list(w)
    jobs = [["prompt", X, Y, 4, 3, 0.0, names, still], ["prompt", X, Y, 1, 1, 0.0, [], []]]
    answer = student.run(models, "GPT", OTHER, w, w[WTE], jobs)
    prompts = [a[0] for a in answer]
    close([tuple(p.shape) for p in prompts], [(4, 10), (1, 10)])
    flags = answer[0][2]
    close(sum(flags), len(flags) - 2)

    def right(form):
        losses = [right_loss(right_gpt(X, w, OTHER, form, p), Y).item() for p in prompts]
        first = [prompts[0], [losses[0]] * 3, flags, flags, w]
        return [first, [prompts[1], [losses[1]], flags, flags, {}]]

    judge(answer, right, **MANY)


@task("learn_prompt")
def test_a_prompt_learns(student, rng, device):
    """After twelve steps the prompt returned has a lower loss than the first; weights stay."""
    w, (X, Y) = for_gpt(SMALL, rng, device), some_tokens((2, 4, 5), rng, device)
    jobs = [["prompt", X, Y, 2, 12, lr, list(w), []] for lr in (0.0, 0.0, 0.03)]
    answer = student.run(models, "GPT", SMALL, w, w[WTE], jobs)
    start, again = (a[0] for a in answer[:2])
    prompt, losses, before = answer[2][:3]
    flags = [True] * len(before)
    close(answer[2:], [[prompt, losses, flags, flags, w]], **EXACT)
    close(len(losses), 12)
    if torch.equal(start, again):  # the same beginning each time: its loss is known
        firsts = [right_loss(right_gpt(X, w, SMALL, form, start), Y) for form in ("none", "tanh")]
        assert min(abs(losses[0] - float(f)) for f in firsts) < 1e-3, "the first loss is wrong"
    ends = [right_loss(right_gpt(X, w, SMALL, form, prompt), Y) for form in ("none", "tanh")]
    assert losses[-1] < losses[0], "the loss doesn't fall"
    assert min(ends) < losses[0], "the prompt returned isn't the one that has learnt"


# ------------------------------------------------------------------------ writing with a cache


def check_cache(student, c, w, jobs):
    """The whole model's tokens, with T + new positions read at most."""
    answer = student.run(models, "GPT", c, w, w[WTE], [["cached", *job] for job in jobs])
    reads = [a[1] if isinstance(a, list) and type(a[1]) is int else 0 for a in answer]

    def right(form):
        return [[right_greedy(*job, w, c, form), read] for job, read in zip(jobs, reads)]

    judge(answer, right)
    for (idx, new), read in zip(jobs, reads):
        assert read <= idx.numel() + new * len(idx), "positions are read again"


@task("generate_cached")
def test_up_to_the_last_position(student, rng, device):
    """One token and eight more, two and seven, four and five, nine and none, without biases."""
    w, idx = loud(for_gpt(OTHER, rng, device)), some_tokens((8, 9), rng, device, 13)
    jobs = [[idx[:, :1], 8], [idx[:, :2], 7], [idx[:, :4], 5], [idx, 0], [idx[:, :8], 1]]
    check_cache(student, OTHER, w, jobs)


@task("generate_cached")
def test_several_texts_at_once(student, rng, device):
    """Nine rows at once, with a longer context and wider heads; two tokens each, and six."""
    w, idx = loud(for_gpt(LARGER, rng, device)), some_tokens((9, 6), rng, device, 65)
    check_cache(student, LARGER, w, [[idx, 10], [idx[:, :2], 14]])


@task("generate_cached")
def test_twice_the_same(student, rng, device):
    """Nothing of the first text is left in the second one's cache."""
    w, idx = loud(for_gpt(SMALL, rng, device)), some_tokens((16, 3), rng, device)
    check_cache(student, SMALL, w, [[idx[:8], 4], [idx[8:], 4], [idx[:8], 4]])
