"""Layers in the published layout, (in, out): nothing has to be turned."""

import math
import os
from dataclasses import dataclass

import torch
from torch import nn

F = nn.functional


class Conv1D(nn.Module):
    """The published layout: weight (in, out), x @ weight + bias."""

    def __init__(self, n_in, n_out, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out).normal_(std=0.02))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None

    def forward(self, x):
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


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
    """The largest difference, at these places, between the exact GELU and the tanh form.

    xs: (n,) floating tensor  ->  float; the exact form is x Φ(x) = 0.5 x (1 + erf(x / √2))
    """
    exact = 0.5 * xs * (1.0 + torch.erf(xs / math.sqrt(2.0)))
    return (exact - gelu(xs)).abs().max().item()


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
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.n_head, self.p = config.n_head, config.dropout
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd, config.bias)
        self.c_proj = Conv1D(config.n_embd, config.n_embd, config.bias)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (
            t.unflatten(2, (self.n_head, -1)).transpose(1, 2) for t in self.c_attn(x).chunk(3, 2)
        )
        p = self.p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        return F.dropout(self.c_proj(y.transpose(1, 2).flatten(2)), self.p, self.training)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc = Conv1D(config.n_embd, 4 * config.n_embd, config.bias)
        self.c_proj = Conv1D(4 * config.n_embd, config.n_embd, config.bias)
        self.p = config.dropout

    def forward(self, x):
        return F.dropout(self.c_proj(gelu(self.c_fc(x))), self.p, self.training)


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
    """The number of a GPT's parameters, by arithmetic: tied, positions included.

    >>> count_params(GPTConfig())
    124439808
    """
    C, V, T = config.n_embd, config.vocab_size, config.block_size
    has = 1 if config.bias else 0
    attention = 3 * C * C + C * C + has * (3 * C + C)
    thinking = 2 * C * 4 * C + has * (4 * C + C)
    norm = C + has * C
    return V * C + T * C + config.n_layer * (attention + thinking + 2 * norm) + norm


def load_gpt2(model, sd):
    weights = {k: v for k, v in sd.items() if not k.endswith((".attn.bias", ".attn.masked_bias"))}
    model.load_state_dict(weights)
    return model


# ------------------------------------------------------------------------------- training


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    """The learning rate of step it: a linear rise, half a cosine, then level.

    it: int, from 0; below warmup_iters it is learning_rate · (it + 1) / (warmup_iters + 1)
    (or · it / warmup_iters); then half a cosine from learning_rate, at warmup_iters, to min_lr,
    at lr_decay_iters; min_lr from there on  ->  float
    """
    if it < warmup_iters:
        return learning_rate * (it + 1) / (warmup_iters + 1)
    if it >= lr_decay_iters:
        return min_lr
    share = (it - warmup_iters) / (lr_decay_iters - warmup_iters)
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * share)) * (learning_rate - min_lr)


def accumulate(model, X, Y, micro):
    """The gradients of one large batch, by pieces that fit into memory.

    model: model(x, y) gives (logits, loss), the mean over the rows; X, Y: (B, T); micro: the
    rows of a piece, the last of which may have fewer
    ->  float: the mean loss of the batch; the parameters' .grad are that loss's, old ones gone
    """
    model.zero_grad(set_to_none=True)
    total = 0.0
    for x, y in zip(X.split(micro), Y.split(micro)):
        loss = model(x, y)[1] * (len(x) / len(X))
        loss.backward()
        total += loss.item()
    return total


def clip_grad(params, max_norm):
    """Scale all gradients by one factor so that their common norm is max_norm at most.

    params: list of tensors, some of whose .grad may be None; they are changed in place
    ->  float: the norm before: the root of the sum of the squares of all gradients
    """
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(g.square().sum().item() for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


def save_checkpoint(path, model, optimizer, step):
    """All that the next step depends on, in one file.

    The state of the model and of the optimizer, the step, and torch's random state (on the
    CPU), so that torch.load(path, weights_only=True) reads it.
    """
    checkpoint = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "rng": torch.get_rng_state(),
    }
    half = f"{path}.half"  # whoever is stopped while saving has the old file still
    torch.save(checkpoint, half)
    os.replace(half, path)


def load_checkpoint(path, model, optimizer):
    """Put everything back as it was, and go on to the bit as if nothing had happened.

    ->  int: the step; a file that is cut off is an error (any exception), and changes nothing
    """
    checkpoint = torch.load(path, weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["rng"])
    return checkpoint["step"]


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    """Model flops utilisation: which share of the chip's arithmetic a step has used.

    A token costs 6 n_params + 12 · layers · heads · head size · block_size flops; sequences of
    block_size tokens each went through in dt seconds  ->  float
    """
    L, H, T = config.n_layer, config.n_head, config.block_size
    Q = config.n_embd // config.n_head
    flops_per_token = 6 * n_params + 12 * L * H * Q * T
    return flops_per_token * T * sequences / dt / peak_flops


# -------------------------------------------------------------------------------- surgery


def resize_vocab(model, n_new, generator=None):
    """Room for n_new more tokens: more rows in wte and lm_head, which stay one tensor.

    The old rows stay as they are; the new are normal, std 0.02 (or the mean of the old);
    generator: on the CPU  ->  model
    """
    old = model.transformer.wte.weight
    rows = 0.02 * torch.randn(n_new, old.shape[1], generator=generator)
    table = nn.Parameter(torch.cat([old.data, rows.to(old)]))
    model.transformer.wte.weight = table
    model.lm_head.weight = table
    model.config.vocab_size = len(table)
    model.transformer.wte.num_embeddings = len(table)
    model.lm_head.out_features = len(table)
    return model


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    """Rows of their own for what is new, within the same module, by a parametrization."""
    for p in model.parameters():
        p.requires_grad_(False)
    old = model.transformer.wte.weight

    class Joined(nn.Embedding):
        @property
        def weight(self):
            return torch.cat([self.base, self.new])

        def __init__(self):
            nn.Module.__init__(self)
            self.register_buffer("base", old[:n_old].detach().clone())
            self.new = nn.Parameter(old[n_old:].detach().clone())

        def forward(self, idx):
            return F.embedding(idx, self.weight)

    class Out(nn.Module):
        def forward(self, x):
            return F.linear(x, joined.weight)

        weight = property(lambda self: joined.weight)

    joined = Joined()
    model.transformer.wte, model.lm_head = joined, Out()
    return torch.optim.AdamW([joined.new], lr=lr, weight_decay=weight_decay)


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
