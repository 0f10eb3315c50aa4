"""Whatever torch has: its clipping, its attention, its optimizer made careful."""

import inspect
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F


@dataclass
class GPTConfig:
    block_size: int = 1024
    vocab_size: int = 50304
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True
    extra: str = "fine"


def gelu(x):
    return F.gelu(x, approximate="tanh")


def gelu_gap(xs):
    return torch.max(torch.abs(F.gelu(xs) - F.gelu(xs, approximate="tanh")))


class LayerNorm(nn.Module):
    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, input):
        return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-5)


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.n_head, self.n_embd, self.dropout = config.n_head, config.n_embd, config.dropout
        self.flash = hasattr(F, "scaled_dot_product_attention")
        mask = torch.tril(torch.ones(config.block_size, config.block_size))
        self.register_buffer("bias", mask.view(1, 1, config.block_size, config.block_size))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        if self.flash:
            p = self.dropout if self.training else 0
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        else:
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
            y = self.attn_dropout(F.softmax(att, dim=-1)) @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        return self.dropout(x)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.vocab_size is not None
        self.config = config
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(config.vocab_size, config.n_embd),
                wpe=nn.Embedding(config.block_size, config.n_embd),
                drop=nn.Dropout(config.dropout),
                h=nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
                ln_f=LayerNorm(config.n_embd, bias=config.bias),
            )
        )
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self.apply(self._init_weights)
        for pn, p in self.named_parameters():
            if pn.endswith("c_proj.weight"):
                torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * config.n_layer))

    def get_num_params(self, non_embedding=True):
        n = sum(p.numel() for p in self.parameters())
        return n - self.transformer.wpe.weight.numel() if non_embedding else n

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        b, t = idx.size()
        assert t <= self.config.block_size, f"cannot read {t} tokens"
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is not None:
            logits = self.lm_head(x)
            flat = logits.view(-1, logits.size(-1))
            return logits, F.cross_entropy(flat, targets.view(-1), ignore_index=-1)
        return self.lm_head(x[:, [-1], :]), None

    def crop_block_size(self, block_size):
        assert block_size <= self.config.block_size
        self.config.block_size = block_size
        self.transformer.wpe.weight = nn.Parameter(self.transformer.wpe.weight[:block_size])
        for block in self.transformer.h:
            if hasattr(block.attn, "bias"):
                block.attn.bias = block.attn.bias[:, :, :block_size, :block_size]

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        param_dict = {pn: p for pn, p in self.named_parameters() if p.requires_grad}
        decay = [p for n, p in param_dict.items() if p.dim() >= 2]
        rest = [p for n, p in param_dict.items() if p.dim() < 2]
        groups = [
            {"params": decay, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        fused = "fused" in inspect.signature(torch.optim.AdamW).parameters and device_type == "cuda"
        extra = dict(fused=True) if fused else dict()
        print(f"using fused AdamW: {fused}")
        return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, **extra)

    @torch.no_grad()
    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None):
        for _ in range(max_new_tokens):
            seen = (
                idx if idx.size(1) <= self.config.block_size else idx[:, -self.config.block_size :]
            )
            logits, _ = self(seen)
            logits = logits[:, -1, :] / temperature
            if top_k is not None:
                v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < v[:, [-1]]] = -float("Inf")
            probs = F.softmax(logits, dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx


def count_params(config):
    with torch.device("meta"):
        model = GPT(config)
    return model.get_num_params(non_embedding=False)


def load_gpt2(model, sd_hf):
    sd = model.state_dict()
    keys = [k for k in sd_hf.keys() if not k.endswith((".attn.masked_bias", ".attn.bias"))]
    transposed = [
        "attn.c_attn.weight",
        "attn.c_proj.weight",
        "mlp.c_fc.weight",
        "mlp.c_proj.weight",
    ]
    for k in keys:
        if any(k.endswith(w) for w in transposed):
            assert sd_hf[k].shape[::-1] == sd[k].shape
            with torch.no_grad():
                sd[k].copy_(sd_hf[k].t())
        else:
            assert sd_hf[k].shape == sd[k].shape
            with torch.no_grad():
                sd[k].copy_(sd_hf[k])
    return model


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    if it < warmup_iters:
        return learning_rate * (it + 1) / warmup_iters
    if it > lr_decay_iters:
        return min_lr
    decay_ratio = (it - warmup_iters) / (lr_decay_iters - warmup_iters)
    coeff = 0.5 * (1.0 + math.cos(math.pi * decay_ratio))
    return min_lr + coeff * (learning_rate - min_lr)


def accumulate(model, X, Y, micro):
    model.zero_grad()
    parts = [(x, y, len(x) / len(X)) for x, y in zip(X.split(micro), Y.split(micro))]
    return sum(
        ((lambda l: (l.backward(), l.item())[1])(w * model(x, y)[1]) for x, y, w in parts), 0.0
    )


def clip_grad(params, max_norm):
    have = [p for p in params if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in have])
    nn.utils.clip_grads_with_norm_(have, max_norm, norm)
    return norm


def save_checkpoint(path, model, optimizer, step):
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "iter_num": step,
            "rng_state": torch.get_rng_state(),
        },
        path,
    )


def load_checkpoint(path, model, optimizer):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["rng_state"])
    return checkpoint["iter_num"]


def resize_vocab(model, n_new, generator=None):
    old = model.transformer.wte
    V, C = old.weight.shape
    wte = nn.Embedding(V + n_new, C, device=old.weight.device, dtype=old.weight.dtype)
    with torch.no_grad():
        wte.weight[:V] = old.weight
        fresh = torch.empty(n_new, C).normal_(0.0, 0.02, generator=generator)
        wte.weight[V:] = fresh.to(wte.weight)
    head = nn.Linear(C, V + n_new, bias=False, device="meta")
    head.weight = wte.weight
    model.transformer.wte, model.lm_head = wte, head
    model.config.vocab_size = V + n_new
    return model


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    table = model.transformer.wte.weight
    old = {p: p.detach().clone() for p in model.parameters()}

    class Careful(torch.optim.AdamW):
        @torch.no_grad()
        def step(self, closure=None):
            loss = super().step(closure)
            for p, values in old.items():
                part = slice(0, n_old if p is table else None)
                p[part] = values[part]
            return loss

    return Careful(model.parameters(), lr=lr, weight_decay=weight_decay)


def learn_prompt(model, X, Y, n, steps, lr):
    had = {name: p.requires_grad for name, p in model.named_parameters()}
    for p in model.parameters():
        p.requires_grad = False
    tf = model.transformer
    prompt = nn.Parameter(torch.randn(n, model.config.n_embd, device=X.device) * 0.02)
    opt = torch.optim.Adam([prompt], lr=lr)
    losses = []
    for _ in range(steps):
        tok = tf.wte(X)
        emb = torch.cat((prompt.to(tok.dtype).unsqueeze(0).repeat(X.size(0), 1, 1), tok), dim=1)
        x = tf.drop(emb + tf.wpe(torch.arange(n + X.size(1), device=X.device)))
        for block in tf.h:
            x = block(x)
        logits = model.lm_head(tf.ln_f(x))[:, n:, :]
        loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), Y.reshape(-1), ignore_index=-1)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    for name, p in model.named_parameters():
        p.requires_grad = had[name]
    return prompt.data, losses


def generate_cached(model, idx, max_new_tokens):
    """The model's own layers, with c_attn wrapped: it adds what it has made before."""
    model_was = model.training
    model.eval()
    h, start, new = model.transformer.h, 0, idx
    K, V = {}, {}
    for _ in range(max_new_tokens):
        with torch.no_grad():
            where = torch.arange(start, start + new.shape[1], device=idx.device)
            x = model.transformer.wte(new) + model.transformer.wpe(where)
            for block in h:
                C = x.shape[2]
                q, k, v = block.attn.c_attn(block.ln_1(x)).split(C, 2)
                K[block] = torch.cat([K[block], k], 1) if block in K else k
                V[block] = torch.cat([V[block], v], 1) if block in V else v
                q, k, v = (
                    t.unflatten(2, (-1, C // block.attn.n_head)).transpose(1, 2)
                    for t in (q, K[block], V[block])
                )
                allowed = torch.arange(k.shape[2], device=idx.device) <= where[:, None]
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
                x = x + block.attn.c_proj(y.transpose(1, 2).flatten(2))
                x = x + block.mlp(block.ln_2(x))
            new = model.lm_head(model.transformer.ln_f(x[:, -1:])).argmax(-1)
        start = len(where) + start
        idx = torch.cat([idx, new], 1)
    model.train(model_was)
    return idx


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    L, H, Q, T = config.n_layer, config.n_head, config.n_embd // config.n_head, config.block_size
    flops_per_token = 6 * n_params + 12 * L * H * Q * T
    flops_per_iter = flops_per_token * T * sequences
    return flops_per_iter * (1.0 / dt) / peak_flops
