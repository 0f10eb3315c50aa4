"""What both suites expect: PyTorch's numbers for your classes, and arithmetic for the rest."""

from dataclasses import dataclass

import torch
from probes import QKV, V, trained, try_class
from torch import float64

from autograder.suite import close, within

F = torch.nn.functional

ROUNDED = within(1e-5, 1e-5, "float32 rounds in the seventh digit")
TENTH = within(0.1, 0.0, "it may be measured")

# The usual sizes: three heads of 4, 7 positions, 11 tokens.
HEAD = {"head_size": 4, "n_embd": 12, "block_size": 7, "dropout": 0.0}
ENCODER = {"head_size": 4, "n_embd": 12, "dropout": 0.0}
BLOCK = {"n_embd": 12, "n_head": 3, "block_size": 7, "dropout": 0.0}
GPT = {"vocab_size": V, "n_embd": 12, "n_head": 3, "n_layer": 2, "block_size": 7, "dropout": 0.0}


# --------- random weights, none at its first value; a linear layer's are [W (out, in), b (out,)]


def linear_weights(rng, n_in, n_out):
    return [
        rng.normal(n_out, n_in, scale=n_in**-0.5, dtype=float64),
        rng.normal(n_out, scale=0.5, dtype=float64),
    ]


def head_weights(rng, head_size, n_embd, **_):
    made = {what: linear_weights(rng, n_embd, head_size) for what in QKV}
    made["key"][0] *= 2.0  # so that the softmax isn't flat
    return made


def heads_weights(rng, num_heads, head_size, n_embd, **_):
    heads = [head_weights(rng, head_size, n_embd) for _ in range(num_heads)]
    return {"heads": heads, "proj": linear_weights(rng, n_embd, n_embd)}


def feed_forward_weights(rng, n_embd, **_):
    up, down = (n_embd, 4 * n_embd), (4 * n_embd, n_embd)
    return {"up": linear_weights(rng, *up), "down": linear_weights(rng, *down)}


def norm_weights(rng, n_embd):
    gamma, beta = (rng.normal(n_embd, scale=0.5, dtype=float64) for _ in range(2))
    return [1.0 + gamma, beta]


def block_weights(rng, n_embd, n_head, **_):
    return {
        "sa": heads_weights(rng, n_head, n_embd // n_head, n_embd),
        "ffwd": feed_forward_weights(rng, n_embd),
        "ln1": norm_weights(rng, n_embd),
        "ln2": norm_weights(rng, n_embd),
    }


def gpt_weights(rng, vocab_size, n_embd, n_head, n_layer, block_size, **_):
    return {
        "tokens": rng.normal(vocab_size, n_embd, dtype=float64),
        "positions": rng.normal(block_size, n_embd, dtype=float64),
        "blocks": [block_weights(rng, n_embd, n_head) for _ in range(n_layer)],
        "ln_f": norm_weights(rng, n_embd),
        "lm_head": linear_weights(rng, n_embd, vocab_size),
    }


# ---------- PyTorch's numbers with weights w; has: the names of the linear layers with a bias


def right_linear(w, has, name, x):
    return F.linear(x, w[name][0], w[name][1] if name in has else None)


def right_cross_head(w, has, x, context, causal=False):
    q = right_linear(w, has, "query", x)
    k, v = (right_linear(w, has, what, context) for what in ("key", "value"))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def right_head(w, has, x):
    return right_cross_head(w, has, x, x, causal=True)


def right_encoder_head(w, has, x):
    return right_cross_head(w, has, x, x)


def right_heads(w, has, x):
    out = torch.cat([right_head(head, has, x) for head in w["heads"]], -1)
    return right_linear(w, has, "proj", out)


def right_feed_forward(w, has, x):
    return right_linear(w, has, "down", F.relu(right_linear(w, has, "up", x)))


def right_norm(w, x):
    return F.layer_norm(x, x.shape[-1:], *w)


def right_block(w, has, x):
    x = x + right_heads(w["sa"], has, right_norm(w["ln1"], x))
    return x + right_feed_forward(w["ffwd"], has, right_norm(w["ln2"], x))


def right_model(logits, targets):
    """[logits, loss], the loss None without targets."""
    if targets is None:
        return [logits, None]
    return [logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())]


def right_bigram(w, has, idx, targets=None):
    return right_model(F.embedding(idx, w), targets)


def right_gpt(w, has, idx, targets=None):
    x = F.embedding(idx, w["tokens"]) + w["positions"][: idx.shape[1]]
    for block in w["blocks"]:
        x = right_block(block, has, x)
    return right_model(right_linear(w, has, "lm_head", right_norm(w["ln_f"], x)), targets)


# ----------------------------------------------------------------------------- your classes

CLASSES = {  # their usual sizes, their weights, and what is right
    "Head": (HEAD, head_weights, right_head),
    "EncoderHead": (ENCODER, head_weights, right_encoder_head),
    "CrossHead": (ENCODER, head_weights, right_cross_head),
    "MultiHeadAttention": ({"num_heads": 3, **HEAD}, heads_weights, right_heads),
    "FeedForward": ({"n_embd": 12, "dropout": 0.0}, feed_forward_weights, right_feed_forward),
    "Block": (BLOCK, block_weights, right_block),
    "BigramLanguageModel": ({"vocab_size": V}, None, right_bigram),
    "GPTLanguageModel": (GPT, gpt_weights, right_gpt),
}


@dataclass
class Layer:
    """One of your classes, with weights for it; None leaves those that it begins with."""

    name: str
    sizes: dict
    weights: object = None

    def ask(self, student, *jobs):
        """What your class gives for each job, and which of its layers have a bias."""
        return student.run(try_class, self.name, self.sizes, self.weights, jobs)

    def right(self, has, *inputs):
        return CLASSES[self.name][2](self.weights, has, *inputs)

    def check(self, student, *calls, tolerance=None):
        """For each input, or tuple of inputs, your class gives PyTorch's numbers."""
        calls = [inputs if isinstance(inputs, tuple) else (inputs,) for inputs in calls]
        job = "model" if self.name.endswith("Model") else "call"
        answer = self.ask(student, *([job, *inputs] for inputs in calls))
        judge(answer, lambda has: [self.right(has, *inputs) for inputs in calls], tolerance)
        return answer["out"]


def random_layer(rng, name, **sizes):
    """A class with random weights, of the usual sizes but for these."""
    usual, weights, _ = CLASSES[name]
    sizes = {**usual, **sizes}
    return Layer(name, sizes, weights(rng, **sizes))


def judge(answer, right, tolerance=None):
    """Is what the jobs gave right? `right` gets the names of the layers that have a bias."""
    has = answer["biases"]
    close(answer, {"biases": has, "out": right(has)}, tolerance)


def survivors(out, x):
    """Where `out` isn't 0; everywhere if it has another shape than x, which `close` tells then."""
    fits = isinstance(out, torch.Tensor) and out.shape == x.shape
    return out != 0 if fits else torch.ones_like(x, dtype=torch.bool)


# ------------------------------------------------------------------------------ all the rest


def the_past(x):
    """The mean up to each position: a running sum over how many there are."""
    counts = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
    return x.cumsum(1) / counts[:, None]


def right_text(idx, new, block_size):
    """What the probes' certain model writes."""
    rows = idx.tolist()
    for row in rows:
        for _ in range(new):
            row.append((sum(row[-block_size:]) + 3 * row[-1] + 1) % V)
    return torch.tensor(rows, device=idx.device)


def right_estimate(w, eval_iters, training):
    """The means by arithmetic."""
    sums = [6 + i**2 for i in range(1, eval_iters + 1)]
    mean = sum(3 * s / 4 for s in sums) / eval_iters
    # in float32 if their losses are kept in a float32 tensor
    losses = {"train": float(w) * (mean + 10), "val": float(w) * (mean + 20)}
    counts = {"train": eval_iters, "val": eval_iters}
    return [losses, counts, [str([False, False])], False, [training, True, True]]


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


def check_training(student, table, data, steps, shape, lr, seed):
    """Losses and table are right for the batches that the model was shown; returns these."""
    answer = student.run(trained, table, data, steps, *shape, lr, seed)
    seen = [[t.to(table.device) for t in pair] for pair in answer[2]]
    kinds = [(t.shape, t.dtype) for pair in seen for t in pair]
    if kinds != [(shape, torch.int64)] * 2 * steps:
        seen = [[data.new_zeros(shape)] * 2] * steps  # so that `close` names what is wrong
    close(answer, [*right_training(table, seen, lr), seen], ROUNDED)
    return seen
