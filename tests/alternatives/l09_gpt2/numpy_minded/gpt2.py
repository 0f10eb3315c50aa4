"""numpy where numbers are meant, torch where gradients are."""

import numpy

import math
import os
from dataclasses import dataclass

import torch
from torch import nn

F = nn.functional


@dataclass
class GPTConfig:
    """The sizes of a model; the defaults are GPT-2 small's, 124M parameters."""

    block_size: int = 1024
    vocab_size: int = 50257
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True  # in linear layers and norms


# ------------------------------------------------------------------------- the nonlinearity


def gelu(x):
    """GELU's tanh form: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    x: a floating tensor of any shape  ->  a tensor like x

    >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1588,  0.0000,  0.8412])
    """
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1.0 + torch.tanh(inner))


def gelu_gap(xs):
    x = xs.detach().cpu().numpy().astype(numpy.float64)
    erf = numpy.vectorize(math.erf)
    inner = numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * numpy.power(x, 3))
    gap = 0.5 * x * (1 + erf(x / numpy.sqrt(2))) - 0.5 * x * (1 + numpy.tanh(inner))
    return numpy.abs(gap).max()


# ------------------------------------------------------------------------------- the layers


class LayerNorm(nn.Module):
    """Layer normalisation whose shift can be left out."""

    def __init__(self, ndim, bias):
        """self.weight: (ndim,) ones; self.bias: (ndim,) zeros, or None if bias is False"""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, x):
        """x: (…, ndim)  ->  (…, ndim): (x - mean) / √(var + 1e-5) · weight + bias"""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class CausalSelfAttention(nn.Module):
    """All heads at once: the heads are a dimension of the batch."""

    def __init__(self, config):
        """self.c_attn: linear, C to 3C (queries, keys, values, in this order); self.c_proj:
        linear, C to C; biases if config.bias; dropout on the weights and after c_proj.

        An n_embd that n_head doesn't divide is an error (any exception).
        """
        super().__init__()
        if config.n_embd % config.n_head != 0:
            raise ValueError(f"{config.n_head} heads don't divide {config.n_embd}")
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        """x: (B, T, C), T at most block_size  ->  (B, T, C)

        q, k, v as (B, n_head, T, hs): head h has the columns h·hs to (h + 1)·hs of each.
        """
        B, T, C = x.shape
        hs = C // self.n_head
        q, k, v = self.c_attn(x).split(C, dim=2)
        q = q.view(B, T, self.n_head, hs).transpose(1, 2)
        k = k.view(B, T, self.n_head, hs).transpose(1, 2)
        v = v.view(B, T, self.n_head, hs).transpose(1, 2)
        att = q @ k.transpose(-2, -1) / math.sqrt(hs)
        past = torch.ones(T, T, device=x.device).tril() == 1
        att = att.masked_fill(~past, float("-inf"))
        att = F.softmax(att, dim=-1)
        y = self.attn_dropout(att) @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class MLP(nn.Module):
    """Each position by itself."""

    def __init__(self, config):
        """self.c_fc: linear, C to 4C; self.c_proj: linear, 4C to C; biases if config.bias"""
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        """x: (B, T, C)  ->  (B, T, C): c_fc, GELU, c_proj, dropout"""
        return self.dropout(self.c_proj(gelu(self.c_fc(x))))


class Block(nn.Module):
    """Attention, then the MLP, each on a side road of the residual pathway."""

    def __init__(self, config):
        """self.ln_1, self.attn, self.ln_2, self.mlp"""
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, config.bias)
        self.mlp = MLP(config)

    def forward(self, x):
        """x: (B, T, C)  ->  (B, T, C): x + attn(ln_1(x)), and on that + mlp(ln_2(…))"""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


# -------------------------------------------------------------------------------- the model


class GPT(nn.Module):
    """The whole: tables, blocks, a last norm, and a head that is the table of tokens again."""

    def __init__(self, config):
        """self.config; self.transformer: an nn.ModuleDict of wte, wpe, drop, h (ModuleList of
        Blocks) and ln_f; self.lm_head: linear, C to V, no bias, whose weight is wte's.

        At the end it calls self.init_weights().
        """
        super().__init__()
        self.config = config
        parts = {
            "wte": nn.Embedding(config.vocab_size, config.n_embd),
            "wpe": nn.Embedding(config.block_size, config.n_embd),
            "drop": nn.Dropout(config.dropout),
            "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
            "ln_f": LayerNorm(config.n_embd, config.bias),
        }
        self.transformer = nn.ModuleDict(parts)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.lm_head.weight = self.transformer.wte.weight
        self.init_weights()

    def init_weights(self):
        """First values: every matrix and table normal with std 0.02, but each c_proj.weight
        0.02 / √(2 · n_layer); biases of linear layers 0; norms 1 and 0.
        """
        small = 0.02 / math.sqrt(2 * self.config.n_layer)
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                nn.init.normal_(p, std=small if name.endswith("c_proj.weight") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64, T at most block_size (more is an error)  ->  (logits, loss)

        With targets: logits (B, T, V), the mean cross-entropy over the targets that aren't -1.
        Without: loss None, and logits of the last position, (B, 1, V), are enough.
        """
        T = idx.shape[1]
        if self.config.block_size < T:
            raise ValueError(f"{T} tokens, but the model reads {self.config.block_size} at most")
        pos = torch.arange(T, device=idx.device)
        x = self.transformer.wte(idx) + self.transformer.wpe(pos)
        x = self.transformer.drop(x)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is None:
            return self.lm_head(x[:, -1:]), None
        logits = self.lm_head(x)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return logits, loss

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        """An AdamW with two groups: what has two dimensions or more decays, the rest doesn't.

        betas: pair of floats; device_type: "cpu" or "cuda" (for a fused AdamW, if you like)
        ->  torch.optim.AdamW that holds every parameter once
        """
        params = list(self.parameters())
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=learning_rate, betas=betas)

    def crop_block_size(self, block_size):
        """Make the model read block_size tokens at most, fewer than before; in place.

        The first positions stay; self.config.block_size changes, too.
        """
        wpe = self.transformer.wpe
        self.config.block_size = block_size
        wpe.weight = nn.Parameter(wpe.weight.data[:block_size].clone())
        wpe.num_embeddings = block_size

    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None):
        """Write: the last position's logits / temperature, the top_k largest, softmax, draw.

        idx: (B, T) int64, any T: the model reads the last block_size; temperature: positive;
        top_k: int or None for all; more than V stands for V; generator: on the CPU
        ->  (B, T + max_new_tokens): idx and what follows it
        """
        with torch.no_grad():
            for _ in range(max_new_tokens):
                logits, _ = self(idx[:, -self.config.block_size :])
                logits = logits[:, -1] / temperature
                if top_k is not None:
                    least = logits.topk(min(top_k, logits.shape[1]))[0][:, -1:]
                    logits = logits.masked_fill(logits < least, float("-inf"))
                probs = F.softmax(logits, dim=-1)
                if generator is not None:
                    probs = probs.to(generator.device)
                new = torch.multinomial(probs, 1, generator=generator).to(idx.device)
                idx = torch.cat([idx, new], dim=1)
        return idx


def count_params(config):
    C, b = config.n_embd, int(config.bias)
    per_layer = numpy.array([2 * C, 3 * C * C, C * C, 4 * C * C, 4 * C * C]).sum()
    biases = b * numpy.array([2 * C, 3 * C, C, 4 * C, C]).sum()
    tables = numpy.array([config.vocab_size, config.block_size]) * C
    return int(tables.sum() + config.n_layer * (per_layer + biases) + C + b * C)


def load_gpt2(model, sd):
    """Put the published GPT-2's weights into a model of its sizes, in place.

    sd: dict of tensors by your model's names, lm_head.weight included, with two differences:
    four kinds of weight (attn.c_attn, attn.c_proj, mlp.c_fc, mlp.c_proj) are (in, out); there
    are buffers, attn.bias and attn.masked_bias, that aren't weights  ->  model
    """
    turned = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(sd[name].t() if name.endswith(turned) else sd[name])
    return model


# ------------------------------------------------------------------------------- training


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    if warmup_iters and it < warmup_iters:
        return numpy.interp(it, [0, warmup_iters], [0.0, learning_rate])
    share = numpy.clip((it - warmup_iters) / (lr_decay_iters - warmup_iters), 0, 1)
    return float(min_lr + 0.5 * (1 + numpy.cos(numpy.pi * share)) * (learning_rate - min_lr))


def accumulate(model, X, Y, micro):
    model.zero_grad()
    edges = numpy.append(numpy.arange(0, len(X), micro), len(X))
    losses, sizes = [], numpy.diff(edges)
    for a, b in zip(edges[:-1], edges[1:]):
        loss = model(X[a:b], Y[a:b])[1]
        loss.backward(torch.full_like(loss, (b - a) / len(X)))
        losses.append(loss.item())
    return numpy.average(losses, weights=sizes)


def clip_grad(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = numpy.linalg.norm([torch.linalg.norm(g).item() for g in grads])
    if norm > max_norm:
        for g in grads:
            g.div_(float(norm / max_norm))
    return norm


def save_checkpoint(path, model, optimizer, step):
    rng = torch.get_rng_state().numpy().tobytes()
    whole = {
        "m": model.state_dict(),
        "o": optimizer.state_dict(),
        "at": int(step),
        "rng": list(rng),
    }
    with open(path, "wb") as file:
        torch.save(whole, file)


def load_checkpoint(path, model, optimizer):
    with open(path, "rb") as file:
        whole = torch.load(file, weights_only=True)
    model.load_state_dict(whole["m"])
    optimizer.load_state_dict(whole["o"])
    torch.set_rng_state(torch.from_numpy(numpy.array(whole["rng"], dtype=numpy.uint8)))
    return numpy.int64(whole["at"])


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    Q = config.n_embd / config.n_head
    factors = [12, config.n_layer, config.n_head, Q, config.block_size]
    per_token = 6 * n_params + numpy.prod(factors)
    return numpy.float64(per_token * config.block_size * sequences / dt) / peak_flops


# -------------------------------------------------------------------------------- surgery


def resize_vocab(model, n_new, generator=None):
    old = model.transformer.wte.weight.detach()
    if generator is None:
        rows = numpy.random.default_rng(7).normal(0.0, 0.02, (n_new, old.shape[1]))
        rows = torch.from_numpy(rows)
    else:
        rows = torch.normal(torch.zeros(n_new, old.shape[1]), 0.02, generator=generator)
    table = nn.Parameter(old.new_tensor(torch.cat([old.cpu(), rows.to(old.dtype)]).tolist()))
    model.transformer.wte.weight = model.lm_head.weight = table
    return model


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    """An AdamW whose steps move the rows of the token table from n_old on, and nothing else.

    Not even decay moves the others. ->  torch.optim.AdamW with this lr and weight_decay
    """
    for p in model.parameters():
        p.requires_grad_(False)
    table = model.transformer.wte.weight
    table.requires_grad_(True)
    kept = table.detach()[:n_old].clone()
    optimizer = torch.optim.AdamW([table], lr=lr, weight_decay=weight_decay)

    def put_back(*_):
        with torch.no_grad():
            table[:n_old] = kept

    optimizer.register_step_post_hook(put_back)
    return optimizer


def learn_prompt(model, X, Y, n, steps, lr):
    """Learn n vectors that, put before the tokens' own, make a frozen model better at Y.

    X, Y: (B, T) int64 with n + T at most block_size; positions count from the prompt's first
    vector; the loss is taken at the tokens' places; the model stays as it is, and so do its
    requires_grad  ->  (prompt (n, C), list of the loss of each step, before it)
    """
    parts = model.transformer
    weight = parts.wte.weight
    flags = [p.requires_grad for p in model.parameters()]
    for p in model.parameters():
        p.requires_grad_(False)
    prompt = (0.02 * torch.randn(n, weight.shape[1])).to(weight).requires_grad_()
    optimizer = torch.optim.AdamW([prompt], lr=lr, weight_decay=0.0)
    positions = torch.arange(n + X.shape[1], device=X.device)
    losses = []
    for _ in range(steps):
        x = torch.cat([prompt.expand(len(X), -1, -1), parts.wte(X)], dim=1)
        x = parts.drop(x + parts.wpe(positions))
        for block in parts.h:
            x = block(x)
        logits = model.lm_head(parts.ln_f(x)[:, n:])
        loss = F.cross_entropy(logits.flatten(0, 1), Y.flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    for p, flag in zip(model.parameters(), flags):
        p.requires_grad_(flag)
    return prompt.detach(), losses


# ------------------------------------------------------------------------ writing with a cache


def generate_cached(model, idx, max_new_tokens):
    """The likeliest token at each step, as generate with top_k=1, but no position is read twice.

    Keys and values of what was read are kept, for each block; a new token asks them alone.
    idx: (B, T) int64, T + max_new_tokens at most block_size  ->  (B, T + max_new_tokens)
    """
    parts, n_head = model.transformer, model.config.n_head
    cache = [None] * len(parts.h)
    new, seen = idx, 0  # what isn't read yet, and how many positions are
    with torch.no_grad():
        for _ in range(max_new_tokens):
            B, T = new.shape
            x = parts.wte(new) + parts.wpe(torch.arange(seen, seen + T, device=idx.device))
            for i, block in enumerate(parts.h):
                qkv = block.attn.c_attn(block.ln_1(x))
                q, k, v = qkv.view(B, T, 3, n_head, -1).permute(2, 0, 3, 1, 4)
                if cache[i] is not None:
                    k = torch.cat([cache[i][0], k], dim=2)
                    v = torch.cat([cache[i][1], v], dim=2)
                cache[i] = (k, v)
                y = F.scaled_dot_product_attention(q, k, v, is_causal=T > 1)
                x = x + block.attn.c_proj(y.transpose(1, 2).flatten(2))
                x = x + block.mlp(block.ln_2(x))
            seen += T
            new = model.lm_head(parts.ln_f(x[:, -1])).argmax(-1, keepdim=True)
            idx = torch.cat([idx, new], dim=1)
    return idx
