"""Index notation throughout: einsum, scatter, where."""

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
    return torch.nn.functional.gelu(x, approximate="tanh")


def gelu_gap(xs):
    exact = xs * torch.special.ndtr(xs)
    return torch.linalg.vector_norm(exact - gelu(xs), torch.inf)


# ------------------------------------------------------------------------------- the layers


class LayerNorm(nn.LayerNorm):
    def __init__(self, ndim, bias):
        super().__init__(ndim, eps=1e-5, bias=bias)


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.c_attn(x).reshape(B, T, 3, self.n_head, C // self.n_head).unbind(2)
        scores = torch.einsum("bihd,bjhd->bhij", q, k) * (C // self.n_head) ** -0.5
        scores = scores + torch.full((T, T), -torch.inf, device=x.device, dtype=x.dtype).triu(1)
        weights = self.dropout(scores.softmax(3))
        heard = torch.einsum("bhij,bjhd->bihd", weights, v)
        return self.dropout(self.c_proj(heard.reshape(B, T, C)))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias),
            nn.Dropout(config.dropout),
        )

    def forward(self, x):
        return self.net(x)


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
    def __init__(self, config):
        super().__init__()
        self.config = config
        C = config.n_embd
        self.transformer = nn.Module()
        self.transformer.wte = nn.Embedding(config.vocab_size, C)
        self.transformer.wpe = nn.Embedding(config.block_size, C)
        self.transformer.drop = nn.Dropout(config.dropout)
        self.transformer.h = nn.Sequential(*[Block(config) for _ in range(config.n_layer)])
        self.transformer.ln_f = LayerNorm(C, config.bias)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, (nn.Linear, nn.Embedding)):
                    module.weight.normal_(0.0, 0.02)
                    if getattr(module, "bias", None) is not None:
                        module.bias.fill_(0.0)
            for block in self.transformer.h:
                block.attn.c_proj.weight.div_((2 * config.n_layer) ** 0.5)
                block.mlp.net[2].weight.div_((2 * config.n_layer) ** 0.5)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, idx, targets=None):
        B, T = idx.shape
        if T > self.config.block_size:
            raise ValueError("more tokens than positions")
        x = self.transformer.wte(idx) + self.transformer.wpe.weight[None, :T]
        x = self.transformer.ln_f(self.transformer.h(self.transformer.drop(x)))
        logits = torch.einsum("btc,vc->btv", x, self.lm_head.weight)
        if targets is None:
            return logits, None
        loss = nn.functional.cross_entropy(logits.mT, targets, ignore_index=-1)
        return logits.reshape(B * T, -1), loss

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        names = [n for n, p in self.named_parameters() if p.dim() > 1]
        groups = {True: [], False: []}
        for n, p in self.named_parameters():
            groups[n in names].append(p)
        make = [{"params": groups[d], "weight_decay": weight_decay * d} for d in (True, False)]
        return torch.optim.AdamW(make, lr=learning_rate, betas=betas)

    def crop_block_size(self, block_size):
        self.config.block_size = block_size
        self.transformer.wpe.weight = nn.Parameter(
            self.transformer.wpe.weight.detach()[:block_size]
        )

    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None):
        for _ in range(max_new_tokens):
            with torch.no_grad():
                logits = self(idx[:, -self.config.block_size :])[0][:, -1, :] / temperature
            if top_k is not None:
                kept, where = logits.topk(min(top_k, logits.shape[-1]))
                logits = torch.full_like(logits, -torch.inf).scatter(1, where, kept)
            new = torch.multinomial(logits.softmax(-1), 1, generator=generator)
            idx = torch.hstack([idx, new])
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
    here = dict(model.named_parameters())
    for name, values in sd.items():
        if name.endswith((".attn.bias", "masked_bias")) or name == "lm_head.weight":
            continue
        mine = name.replace("mlp.c_fc", "mlp.net.0").replace("mlp.c_proj", "mlp.net.2")
        if values.dim() == 2 and ".h." in name:
            values = torch.einsum("io->oi", values)
        here[mine].data = values.to(here[mine]).clone()
    model.lm_head.weight = model.transformer.wte.weight
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
    grads = [p.grad for p in params if p.grad is not None]
    norm = (
        torch.linalg.vector_norm(torch.cat([g.flatten() for g in grads]))
        if grads
        else torch.zeros(())
    )
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    for g in grads:
        g *= factor
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
    old = model.transformer.wte.weight.detach()
    mean = torch.einsum("vc->c", old) / old.shape[0]
    table = nn.Parameter(torch.vstack([old, mean.expand(n_new, -1)]))
    model.transformer.wte.weight = model.lm_head.weight = table
    return model


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    table = model.transformer.wte.weight
    for p in model.parameters():
        p.requires_grad = p is table
    optimizer = torch.optim.AdamW([table], lr=lr, weight_decay=weight_decay)
    keep = table.detach().clone()
    mask = (torch.arange(len(table), device=table.device) < n_old)[:, None]

    def hook(opt, args, kwargs):
        table.data = torch.where(mask, keep, table.data)

    optimizer.register_step_post_hook(hook)
    return optimizer


def learn_prompt(model, X, Y, n, steps, lr):
    C = model.config.n_embd
    t = model.transformer
    prompt = torch.zeros(n, C, dtype=t.wte.weight.dtype, device=X.device, requires_grad=True)
    optimizer = torch.optim.SGD([prompt], lr=lr)
    losses = torch.zeros(steps, dtype=torch.float64)
    for i in range(steps):
        x = torch.cat([prompt.repeat(len(X), 1, 1), t.wte(X).detach()], 1)
        x = t.ln_f(t.h(x + t.wpe.weight[: x.shape[1]].detach()))[:, n:]
        logits = torch.einsum("btc,vc->bvt", x, model.lm_head.weight)
        loss = nn.functional.cross_entropy(logits, Y)
        prompt.grad = torch.autograd.grad(loss, prompt)[0]
        optimizer.step()
        losses[i] = loss.item()
    return prompt.detach(), losses.tolist()


# ------------------------------------------------------------------------ writing with a cache


@torch.no_grad()
def generate_cached(model, idx, max_new_tokens):
    t, H = model.transformer, model.config.n_head
    B, T = idx.shape
    L, C = len(t.h), model.config.n_embd
    K = torch.zeros(
        L, B, T + max_new_tokens, H, C // H, dtype=t.wte.weight.dtype, device=idx.device
    )
    V = torch.zeros_like(K)
    out = torch.cat([idx, idx.new_zeros(B, max_new_tokens)], 1)
    logits = None
    for p in range(T + max_new_tokens):
        if p >= T:
            out[:, p] = logits.argmax(-1)
        if p == T + max_new_tokens - 1:
            break
        x = t.wte(out[:, p]) + t.wpe.weight[p]
        for i, block in enumerate(t.h):
            q, K[i, :, p], V[i, :, p] = block.attn.c_attn(block.ln_1(x)).view(B, 3, H, -1).unbind(1)
            w = torch.einsum("bhd,bjhd->bhj", q, K[i, :, : p + 1]) / (C // H) ** 0.5
            y = torch.einsum("bhj,bjhd->bhd", w.softmax(-1), V[i, :, : p + 1])
            x = x + block.attn.c_proj(y.reshape(B, C))
            x = x + block.mlp(block.ln_2(x))
        logits = t.ln_f(x) @ model.lm_head.weight.T
    return out
