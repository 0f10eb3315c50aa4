"""What both suites ask with, and what is right, by PyTorch.

The tests give each model weights by nanoGPT's names; a linear layer's are (out, in). None is at
its first value: with those (0.02) nearly every mistake would go unseen.
"""

import math

import torch
from probes import PLAIN, models

from autograder.suite import close, close_to_one, within

F = torch.nn.functional
F64 = torch.float64

GPT2 = {"block_size": 1024, "vocab_size": 50257, "n_layer": 12, "n_head": 12, "n_embd": 768}
SMALL = {"block_size": 7, "vocab_size": 11, "n_layer": 2, "n_head": 3, "n_embd": 12} | PLAIN
LARGER = {"block_size": 16, "vocab_size": 65, "n_layer": 2, "n_head": 2, "n_embd": 32} | PLAIN
WTE = "transformer.wte.weight"

ROUNDED = within(1e-5, 1e-6, "float32 rounds in the seventh digit")
EXACT = within(0.0, 0.0, "nothing may change, not by a bit")
TINY = within(1e-9, 1e-15, "rates are small")


def judge(answer, right, tolerance=None):
    """Is the answer right, with one of GELU's forms? `right` says what is right with a form."""
    close_to_one(answer, right("tanh"), right("none"), tolerance=tolerance)


# --------------------------------------------------------------------------------- the weights


def for_linear(name, n_in, n_out, bias, rng):
    made = {f"{name}.weight": rng.normal(n_out, n_in, scale=n_in**-0.5, dtype=F64)}
    return made | ({f"{name}.bias": rng.normal(n_out, scale=0.5, dtype=F64)} if bias else {})


def for_norm(C, bias, rng, name=""):
    made = {f"{name}weight": 1.0 + rng.normal(C, scale=0.5, dtype=F64)}
    return made | ({f"{name}bias": rng.normal(C, scale=0.5, dtype=F64)} if bias else {})


def for_attention(c, rng, name=""):
    C, bias = c["n_embd"], c["bias"]
    made = for_linear(name + "c_attn", C, 3 * C, bias, rng)
    made[name + "c_attn.weight"][:C] *= 2.0  # so that the softmax isn't flat
    return made | for_linear(name + "c_proj", C, C, bias, rng)


def for_mlp(c, rng, name=""):
    C, bias = c["n_embd"], c["bias"]
    made = for_linear(name + "c_fc", C, 4 * C, bias, rng)
    return made | for_linear(name + "c_proj", 4 * C, C, bias, rng)


def for_block(c, rng, name=""):
    made = for_norm(c["n_embd"], c["bias"], rng, name + "ln_1.")
    made |= for_attention(c, rng, name + "attn.")
    made |= for_norm(c["n_embd"], c["bias"], rng, name + "ln_2.")
    return made | for_mlp(c, rng, name + "mlp.")


def for_gpt(c, rng):
    made = {WTE: rng.normal(c["vocab_size"], c["n_embd"], dtype=F64)}
    made["transformer.wpe.weight"] = rng.normal(c["block_size"], c["n_embd"], dtype=F64)
    for i in range(c["n_layer"]):
        made |= for_block(c, rng, f"transformer.h.{i}.")
    return made | for_norm(c["n_embd"], c["bias"], rng, "transformer.ln_f.")


def loud(w):
    """The same with blocks that count for more: otherwise each token would repeat itself."""
    return {name: 5.0 * t if "c_proj.weight" in name else t for name, t in w.items()}


def published(w):
    """These weights as GPT-2's file has them: four kinds turned, the head, and buffers."""
    sd = {}
    for name, t in w.items():
        layer, kind = name.split(".")[-2:]
        turn = layer in ("c_attn", "c_proj", "c_fc") and kind == "weight"
        sd[name] = t.T.contiguous() if turn else t
        if name.endswith("ln_1.weight"):
            at = name.replace("ln_1.weight", "attn.")
            T = w["transformer.wpe.weight"].shape[0]
            sd[at + "bias"] = torch.ones(1, 1, T, T, device=t.device).tril()
            sd[at + "masked_bias"] = torch.tensor(-1e4, device=t.device)
    return sd | {"lm_head.weight": w[WTE]}


def for_practice(rng):
    """A batch for the checkpoint tests: on the CPU, where the next step is the same to the bit."""
    return rng.normal(4, 6, dtype=F64).cpu(), rng.normal(4, 5, dtype=F64).cpu()


# ------------------------------------------------------------------------------ what is right


def right_linear(x, w, name):
    return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))


def right_norm(x, w, name=""):
    return F.layer_norm(x, x.shape[-1:], w[f"{name}weight"], w.get(f"{name}bias"))


def right_attention(x, w, c, form, name=""):
    q, k, v = right_linear(x, w, name + "c_attn").chunk(3, -1)
    heads = zip(*(t.chunk(c["n_head"], -1) for t in (q, k, v)))
    y = [F.scaled_dot_product_attention(*head, is_causal=True) for head in heads]
    return right_linear(torch.cat(y, -1), w, name + "c_proj")


def right_mlp(x, w, c, form, name=""):
    x = F.gelu(right_linear(x, w, name + "c_fc"), approximate=form)
    return right_linear(x, w, name + "c_proj")


def right_block(x, w, c, form, name=""):
    x = x + right_attention(right_norm(x, w, name + "ln_1."), w, c, form, name + "attn.")
    return x + right_mlp(right_norm(x, w, name + "ln_2."), w, c, form, name + "mlp.")


RIGHT = {"CausalSelfAttention": right_attention, "MLP": right_mlp, "Block": right_block}


def right_gpt(idx, w, c, form, prompt=None):
    """Logits at every place, those of a prompt's own left out."""
    x = F.embedding(idx, w[WTE])
    n = 0 if prompt is None else len(prompt)
    if n:
        x = torch.cat([prompt.expand(len(idx), -1, -1), x], 1)
    x = x + w["transformer.wpe.weight"][: x.shape[1]]
    for i in range(c["n_layer"]):
        x = right_block(x, w, c, form, f"transformer.h.{i}.")
    return right_norm(x, w, "transformer.ln_f.")[:, n:] @ w[WTE].T


def right_last(idx, w, c, form):
    """What a model says without targets: the last position's logits, and no loss."""
    return [right_gpt(idx, w, c, form)[:, -1:], None]


def right_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


def with_loss(idx, targets, w, c, form):
    logits = right_gpt(idx, w, c, form)
    return [logits, right_loss(logits, targets)]


def right_greedy(idx, new, w, c, form):
    for _ in range(new):
        logits = right_gpt(idx[:, -c["block_size"] :], w, c, form)[:, -1]
        idx = torch.cat([idx, logits.argmax(-1, keepdim=True)], 1)
    return idx


def right_groups(dims, decay, lr, betas):
    """By the model's own names and dimensions: who decays and who doesn't."""
    many = sorted(name for name, dim in dims.items() if dim >= 2)
    few = sorted(name for name, dim in dims.items() if dim < 2)
    return [True, dims, sorted([[decay, many], [0.0, few]]), [[lr, betas]] * 2]


def right_sum(table, shift, X, Y):
    """Loss and gradients of all rows at once."""
    table, shift = table.clone().requires_grad_(), shift.clone().requires_grad_()
    loss = F.cross_entropy((table[X] + shift).flatten(0, 1), Y.flatten())
    return [loss.item(), *torch.autograd.grad(loss, (table, shift))]


def right_clip(grads, max_norm):
    norm = math.sqrt(sum(g.square().sum().item() for g in grads))
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return [norm, [None] + [factor * g for g in grads]]


# ---------------------------------------------------------------------- what several tests ask


def check_layer(student, cls, c, w, inputs, tolerance=None):
    """What a layer with these weights makes of each input; returns the answers."""
    answer = student.run(models, cls, c, w, [["call", x] for x in inputs])
    judge(answer, lambda form: [RIGHT[cls](x, w, c, form) for x in inputs], tolerance)
    return answer


def check_gpt(student, c, w, pairs, tolerance=None):
    """Logits and loss of a GPT with these weights, for each (idx, targets)."""
    answer = student.run(models, "GPT", c, w, [["logits", *pair] for pair in pairs])
    judge(answer, lambda form: [with_loss(*pair, w, c, form) for pair in pairs], tolerance)
    return answer


def check_spread(tensors, std):
    """Mean 0 and this deviation, by 5 sigma; returns the numbers over std."""
    t = torch.cat([t.flatten() for t in tensors]).double() / std
    sigma = 1 / math.sqrt(len(t))
    close(t.mean().item(), 0.0, within(0.0, 5 * sigma, "5 sigma of the mean"))
    close(t.std().item(), 1.0, within(0.0, 3.6 * sigma, "5 sigma of the deviation"))
    return t


def check_file(answer, step):
    """Whether all that the next step depends on is among what was found in the file."""
    found, model, moments, rng = answer
    assert isinstance(found, list), f"torch.load can't read the file: {found}"
    tensors = [torch.as_tensor(t, device="cpu") for t in found]

    def holds(wanted):
        return any(t.shape == wanted.shape and bool((t == wanted).all()) for t in tensors)

    wanted = {"model": model, "moments": moments, "random state": [rng]}
    wanted["step"] = [torch.tensor(step, device="cpu")]
    there = {name: all(map(holds, parts)) for name, parts in wanted.items()}
    close(there, dict.fromkeys(wanted, True))


def new_rows(table, old, n_new):
    """The rows after the old ones; zeros where there aren't so many, so that `close` tells."""
    rows = table[len(old) :].to(old)
    return rows if rows.shape == (n_new, old.shape[1]) else old.new_zeros(n_new, old.shape[1])


def check_frozen(student, c, w, n_old, given, pair, steps):
    """Only the token table's rows from n_old on move, all of them; returns these rows."""
    others = {name: t for name, t in w.items() if name != WTE}
    jobs = [["freeze", n_old, given, pair, steps, list(others)]]
    answer = student.run(models, "GPT", c, w, jobs)
    old, free = w[WTE][:n_old], w[WTE][n_old:]
    moved = new_rows(answer[0][1], old, len(free))
    table = torch.cat([old, moved])
    close(answer, [[True, table, table, others]], EXACT)
    assert bool((moved != free).any(1).all()), "a new row hasn't moved"
    return moved


def check_cache(student, c, w, jobs):
    """The whole model's tokens, with T + new positions read at most."""
    answer = student.run(models, "GPT", c, w, [["cached", *job] for job in jobs])
    judge(
        [text for text, _ in answer], lambda form: [right_greedy(*job, w, c, form) for job in jobs]
    )
    for (idx, new), (_, read) in zip(jobs, answer):
        assert read <= idx.numel() + new * len(idx), "positions are read again"
