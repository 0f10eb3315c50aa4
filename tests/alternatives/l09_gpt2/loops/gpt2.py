"""Loops where others have products; the same numbers."""

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
    rows = []
    for t in x:
        cube = t
        for _ in range(2):
            cube = cube * t
        rows.append(0.5 * t * (1 + torch.tanh(math.sqrt(2 / math.pi) * (t + 0.044715 * cube))))
    return torch.stack(rows)


def gelu_gap(xs):
    largest = 0.0
    for x in xs:
        x = float(x)
        exact = 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
        tanh = 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
        if abs(exact - tanh) > largest:
            largest = abs(exact - tanh)
    return largest


# ------------------------------------------------------------------------------- the layers


class LayerNorm(nn.Module):
    def __init__(self, ndim, bias):
        super().__init__()
        self.ndim = ndim
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.zeros(ndim))

    def forward(self, x):
        mean = sum(x[..., i] for i in range(self.ndim)) / self.ndim
        var = sum((x[..., i] - mean) ** 2 for i in range(self.ndim)) / self.ndim
        columns = []
        for i in range(self.ndim):
            column = (x[..., i] - mean) / (var + 1e-5).sqrt() * self.weight[i]
            if self.bias is not None:
                column = column + self.bias[i]
            columns.append(column)
        return torch.stack(columns, -1)


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        if config.n_embd % config.n_head:
            raise AssertionError("no")
        self.config = config
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        C = self.config.n_embd
        hs = C // self.config.n_head
        all_three = self.c_attn(x)
        rows = []
        for t in range(x.shape[1]):
            heads = []
            for h in range(self.config.n_head):
                q = all_three[:, t, h * hs : (h + 1) * hs]
                k = all_three[:, : t + 1, C + h * hs : C + (h + 1) * hs]
                v = all_three[:, : t + 1, 2 * C + h * hs : 2 * C + (h + 1) * hs]
                weights = ((k * q[:, None]).sum(-1) / hs**0.5).softmax(-1)
                heads.append((self.dropout(weights)[..., None] * v).sum(1))
            rows.append(torch.cat(heads, -1))
        return self.dropout(self.c_proj(torch.stack(rows, 1)))


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
    total = config.vocab_size * config.n_embd + config.block_size * config.n_embd
    shapes = []
    for _ in range(config.n_layer):
        C = config.n_embd
        shapes += [(C,), (3 * C, C), (C, C), (C,), (4 * C, C), (C, 4 * C)]
        if config.bias:
            shapes += [(C,), (3 * C,), (C,), (C,), (4 * C,), (C,)]
    shapes += [(config.n_embd,)] * (2 if config.bias else 1)
    for shape in shapes:
        total += math.prod(shape)
    return total


def load_gpt2(model, sd):
    for name in list(sd):
        if ".attn.bias" in name or "masked_bias" in name:
            continue
        target = model
        for part in name.split("."):
            target = target[int(part)] if part.isdigit() else getattr(target, part)
        values = sd[name]
        for kind in (
            "attn.c_attn.weight",
            "attn.c_proj.weight",
            "mlp.c_fc.weight",
            "mlp.c_proj.weight",
        ):
            if name.endswith(kind):
                values = values.transpose(0, 1)
        with torch.no_grad():
            for i in range(len(target)):
                target[i] = values[i]


# ------------------------------------------------------------------------------- training


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    if it < warmup_iters:
        return learning_rate / (warmup_iters + 1) * (it + 1)
    elif it <= lr_decay_iters:
        angle = math.pi * (it - warmup_iters) / (lr_decay_iters - warmup_iters)
        return (learning_rate + min_lr) / 2 + (learning_rate - min_lr) / 2 * math.cos(angle)
    else:
        return min_lr


def accumulate(model, X, Y, micro):
    sums, total = {}, 0.0
    for i in range(0, len(X), micro):
        for p in model.parameters():
            p.grad = None
        part = X[i : i + micro]
        _, loss = model(part, Y[i : i + micro])
        loss.backward()
        share = len(part) / len(X)
        for name, p in model.named_parameters():
            sums[name] = sums.get(name, 0) + p.grad * share
        total = total + loss.item() * share
    for name, p in model.named_parameters():
        p.grad = sums[name]
    return total


def clip_grad(params, max_norm):
    squares = 0.0
    for p in params:
        if p.grad is None:
            continue
        for g in p.grad.flatten():
            squares += g.item() ** 2
    norm = squares**0.5
    for p in params:
        if p.grad is not None and norm > max_norm:
            p.grad.copy_(p.grad * max_norm / norm)
    return norm


def save_checkpoint(path, model, optimizer, step):
    state = {}
    for name, p in model.state_dict().items():
        state["model." + name] = p.clone()
    torch.save(
        (
            state,
            optimizer.state_dict(),
            {"step": torch.tensor(step)},
            torch.default_generator.get_state(),
        ),
        path,
    )


def load_checkpoint(path, model, optimizer):
    state, opt, more, rng = torch.load(path)
    model.load_state_dict({name[6:]: p for name, p in state.items()})
    optimizer.load_state_dict(opt)
    torch.default_generator.set_state(rng)
    return more["step"].item()


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    flops = 0
    for _ in range(sequences):
        flops += (
            6 * n_params + 12 * config.n_layer * config.n_embd * config.block_size
        ) * config.block_size
    return flops / dt / peak_flops


# -------------------------------------------------------------------------------- surgery


def resize_vocab(model, n_new, generator=None):
    old = model.transformer.wte.weight.data
    rows = [row for row in old]
    for _ in range(n_new):
        row = torch.normal(0.0, 0.02, (old.shape[1],), generator=generator)
        rows.append(row.to(old))
    model.transformer.wte = nn.Embedding(len(rows), old.shape[1])
    model.transformer.wte.weight = nn.Parameter(torch.stack(rows))
    model.lm_head = nn.Linear(old.shape[1], len(rows), bias=False)
    model.lm_head.weight = model.transformer.wte.weight
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
    C, H = model.config.n_embd, model.config.n_head
    rows = []
    for row in idx.tolist():
        kept = [[] for _ in model.transformer.h]
        row, done = list(row), 0
        for _ in range(max_new_tokens):
            with torch.no_grad():
                while done < len(row):
                    at = torch.tensor(done, device=idx.device)
                    token = torch.tensor(row[done], device=idx.device)
                    x = model.transformer.wte(token) + model.transformer.wpe(at)
                    for block, past in zip(model.transformer.h, kept):
                        q, k, v = block.attn.c_attn(block.ln_1(x)[None])[0].split(C)
                        past.append((k, v))
                        out = []
                        for h in range(H):
                            part = slice(h * C // H, (h + 1) * C // H)
                            w = torch.stack(
                                [q[part] @ k[part] / (C / H) ** 0.5 for k, _ in past]
                            ).softmax(0)
                            out.append(sum(a * v[part] for a, (_, v) in zip(w, past)))
                        x = x + block.attn.c_proj(torch.cat(out))
                        x = x + block.mlp(block.ln_2(x)[None])[0]
                    done += 1
                row.append(int(model.lm_head(model.transformer.ln_f(x)).argmax()))
        rows.append(row)
    return torch.tensor(rows, device=idx.device)
