"""Separate queries, keys and values; own parameters for new rows; no transformer dict."""

import math

import torch
from torch import nn
import torch.nn.functional as F


class GPTConfig:
    def __init__(
        self,
        block_size=1024,
        vocab_size=50257,
        n_layer=12,
        n_head=12,
        n_embd=768,
        dropout=0.0,
        bias=True,
    ):
        self.block_size, self.vocab_size, self.n_layer = block_size, vocab_size, n_layer
        self.n_head, self.n_embd, self.dropout, self.bias = n_head, n_embd, dropout, bias


def gelu(x):
    c = (2 / torch.pi) ** 0.5
    return x * (torch.tanh(c * x * (1 + 0.044715 * x * x)) + 1) / 2


def gelu_gap(xs):
    gaps = []
    for x in xs.tolist():
        exact = x * 0.5 * math.erfc(-x / 2**0.5)
        tanh = 0.5 * x * (1 + math.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3)))
        gaps.append(abs(exact - tanh))
    return max(gaps)


class LayerNorm(nn.Module):
    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        if bias:
            self.bias = nn.Parameter(torch.zeros(ndim))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        d = x - x.mean(-1, keepdim=True)
        out = d * (d.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt() * self.weight
        return out if self.bias is None else out + self.bias


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        C, H = config.n_embd, config.n_head
        if C % H:
            raise ValueError("heads don't fit")
        self.heads, self.size = H, C // H
        self.query = nn.Linear(C, C, bias=config.bias)
        self.key = nn.Linear(C, C, bias=config.bias)
        self.value = nn.Linear(C, C, bias=config.bias)
        self.proj = nn.Linear(C, C, bias=config.bias)
        self.drop = nn.Dropout(config.dropout)

    def keys_values(self, x):
        return self.key(x), self.value(x)

    def listen(self, x, k, v, start=0):
        q = self.query(x)
        T, S = x.shape[1], k.shape[1]
        rows = torch.arange(start, start + T, device=x.device)[:, None]
        late = torch.arange(S, device=x.device)[None, :] > rows
        out = []
        for h in range(self.heads):
            cols = slice(h * self.size, (h + 1) * self.size)
            wei = q[..., cols] @ k[..., cols].mT * self.size**-0.5
            wei = wei + torch.zeros_like(wei).masked_fill(late, -torch.inf)
            out.append(self.drop(wei.softmax(-1)) @ v[..., cols])
        return self.drop(self.proj(torch.cat(out, -1)))

    def forward(self, x):
        return self.listen(x, *self.keys_values(x))


class MLP(nn.Sequential):
    def __init__(self, config):
        C = config.n_embd
        super().__init__(
            nn.Linear(C, 4 * C, config.bias),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * C, C, config.bias),
            nn.Dropout(config.dropout),
        )


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln1 = LayerNorm(config.n_embd, config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln2 = LayerNorm(config.n_embd, config.bias)
        self.mlp = MLP(config)

    def forward(self, x):
        h = x + self.attn(self.ln1(x))
        return h + self.mlp(self.ln2(h))


class Tokens(nn.Module):
    """The table: a trunk, and rows that were added, as parameters of their own."""

    def __init__(self, rows):
        super().__init__()
        self.trunk = nn.Parameter(rows)
        self.added = nn.Parameter(rows[:0].clone())

    @property
    def weight(self):
        return torch.cat([self.trunk, self.added]) if len(self.added) else self.trunk

    def forward(self, idx):
        return F.embedding(idx, self.weight)


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        C = config.n_embd
        self.wte = nn.Embedding(config.vocab_size, C)
        self.wpe = nn.Embedding(config.block_size, C)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.drop = nn.Dropout(config.dropout)
        self.ln_f = LayerNorm(C, config.bias)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        self.lm_head.weight = self.wte.weight
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                module.weight.data.normal_(0, 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.data.zero_()
        for block in self.h:
            for last in (block.attn.proj, block.mlp[2]):
                last.weight.data.mul_((2 * config.n_layer) ** -0.5)

    def trunk(self, x):
        T = x.shape[1]
        x = self.drop(x + self.wpe.weight[:T])
        for block in self.h:
            x = block(x)
        return self.ln_f(x)

    def forward(self, idx, targets=None):
        if idx.shape[1] > self.config.block_size:
            raise IndexError("too long")
        logits = self.lm_head(self.trunk(self.wte(idx)))
        if targets is None:
            return logits, None
        kept = targets.reshape(-1) != -1
        logp = logits.log_softmax(-1).reshape(-1, logits.shape[-1])[kept]
        return logits, -logp.gather(1, targets.reshape(-1, 1)[kept]).mean()

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        yes, no = [], []
        for p in self.parameters():
            (no, yes)[p.ndim > 1].append(p)
        opt = torch.optim.AdamW(no, lr=learning_rate, betas=betas, weight_decay=0.0)
        opt.add_param_group({"params": yes, "weight_decay": weight_decay})
        return opt

    def crop_block_size(self, block_size):
        kept = nn.Embedding(block_size, self.config.n_embd).to(self.wpe.weight)
        kept.weight.data.copy_(self.wpe.weight.data[:block_size])
        self.wpe = kept
        self.config.block_size = block_size

    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None):
        V = self.lm_head.weight.shape[0]
        with torch.inference_mode():
            for _ in range(max_new_tokens):
                scores = self(idx[:, -self.config.block_size :])[0][:, -1] / temperature
                k = V if top_k is None else min(top_k, V)
                best, places = scores.sort(-1, descending=True)
                chances = best[:, :k].softmax(-1)
                if generator is not None:
                    chances = chances.to(generator.device)
                pick = torch.multinomial(chances, 1, generator=generator).to(idx.device)
                idx = torch.cat([idx, places.gather(1, pick)], 1)
        return idx.clone()


def count_params(config):
    C = config.n_embd
    lin = lambda i, o: i * o + (o if config.bias else 0)
    norm = C * (1 + bool(config.bias))
    block = 2 * norm + 4 * lin(C, C) + lin(C, 4 * C) + lin(4 * C, C)
    return (config.vocab_size + config.block_size) * C + config.n_layer * block + norm


def load_gpt2(model, sd):
    g = lambda name: sd["transformer." + name]
    put = lambda p, t: p.data.copy_(t) if p is not None else None
    put(model.wte.weight, g("wte.weight"))
    put(model.wpe.weight, g("wpe.weight"))
    for i, b in enumerate(model.h):
        at = f"h.{i}."
        for mine, theirs in ((b.ln1, "ln_1"), (b.ln2, "ln_2")):
            put(mine.weight, g(at + theirs + ".weight"))
            put(mine.bias, g(at + theirs + ".bias"))
        ws, bs = g(at + "attn.c_attn.weight").chunk(3, 1), g(at + "attn.c_attn.bias").chunk(3)
        for layer, w, bias in zip((b.attn.query, b.attn.key, b.attn.value), ws, bs):
            put(layer.weight, w.T)
            put(layer.bias, bias)
        for layer, name in (
            (b.attn.proj, "attn.c_proj"),
            (b.mlp[0], "mlp.c_fc"),
            (b.mlp[2], "mlp.c_proj"),
        ):
            put(layer.weight, g(f"{at}{name}.weight").T)
            put(layer.bias, g(f"{at}{name}.bias"))
    put(model.ln_f.weight, g("ln_f.weight"))
    put(model.ln_f.bias, g("ln_f.bias"))


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    if it < warmup_iters:
        return learning_rate * it / warmup_iters
    x = min(1.0, (it - warmup_iters) / (lr_decay_iters - warmup_iters))
    return min_lr + (learning_rate - min_lr) * math.cos(math.pi * x / 2) ** 2


def accumulate(model, X, Y, micro):
    for p in model.parameters():
        p.grad = None
    n, start, losses = len(X), 0, []
    while start < n:
        stop = min(n, start + micro)
        loss = model(X[start:stop], Y[start:stop])[1]
        (loss * ((stop - start) / n)).backward()
        losses.append(loss.item() * (stop - start))
        start = stop
    return sum(losses) / n


def clip_grad(params, max_norm):
    total = 0.0
    for p in params:
        if p.grad is not None:
            total = total + float((p.grad.double() ** 2).sum())
    total = total**0.5
    scale = min(1.0, max_norm / (total + 1e-12))
    for p in params:
        if p.grad is not None and scale < 1:
            p.grad = p.grad * scale
    return total


def save_checkpoint(path, model, optimizer, step):
    torch.save(
        [
            step,
            dict(model.named_parameters()),
            dict(model.named_buffers()),
            optimizer.state_dict(),
            torch.random.get_rng_state().tolist(),
        ],
        path,
    )


def load_checkpoint(path, model, optimizer):
    step, params, buffers, opt, rng = torch.load(path)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(params[name])
        for name, b in model.named_buffers():
            b.copy_(buffers[name])
    optimizer.load_state_dict(opt)
    torch.random.set_rng_state(torch.tensor(rng, dtype=torch.uint8))
    return step


def resize_vocab(model, n_new, generator=None):
    old = model.wte.weight.detach()
    rows = old.mean(0, keepdim=True).repeat(n_new, 1)
    emb = nn.Embedding.from_pretrained(torch.cat([old, rows]), freeze=False)
    model.wte = emb
    model.lm_head.weight = emb.weight
    return model


class Head(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.tokens = [tokens]

    @property
    def weight(self):
        return self.tokens[0].weight

    def forward(self, x):
        return x @ self.weight.T


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    for p in model.parameters():
        p.requires_grad_(False)
    old = model.wte.weight.detach()
    tokens = Tokens(old[:n_old].clone())
    tokens.trunk.requires_grad_(False)
    tokens.added = nn.Parameter(old[n_old:].clone())
    model.wte, model.lm_head = tokens, Head(tokens)
    return torch.optim.AdamW([tokens.added], lr=lr, weight_decay=weight_decay)


def learn_prompt(model, X, Y, n, steps, lr):
    prompt = model.wte.weight.detach()[:n].clone()
    losses = []
    for _ in range(steps):
        leaf = prompt.clone().requires_grad_()
        x = torch.cat([leaf.expand(X.shape[0], n, -1), model.wte(X)], 1)
        logits = model.lm_head(model.trunk(x))[:, -X.shape[1] :]
        loss = F.cross_entropy(logits.transpose(1, 2), Y)
        (grad,) = torch.autograd.grad(loss, leaf)
        prompt = prompt - lr * grad
        losses.append(float(loss))
    return prompt, losses


@torch.no_grad()
def generate_cached(model, idx, max_new_tokens):
    kept = {}
    start, fresh = 0, idx
    for _ in range(max_new_tokens):
        stop = start + fresh.shape[1]
        x = model.wte(fresh) + model.wpe.weight[start:stop]
        for i, block in enumerate(model.h):
            normed = block.ln1(x)
            k, v = block.attn.keys_values(normed)
            if i in kept:
                k, v = torch.cat([kept[i][0], k], 1), torch.cat([kept[i][1], v], 1)
            kept[i] = k, v
            x = x + block.attn.listen(normed, k, v, start)
            x = x + block.mlp(block.ln2(x))
        fresh = model.lm_head(model.ln_f(x))[:, -1:].argmax(-1)
        idx, start = torch.cat([idx, fresh], 1), stop
    return idx


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    tokens = sequences * config.block_size
    token = 6 * n_params + 12 * config.n_layer * config.n_embd * config.block_size
    return tokens * token / (dt * peak_flops)
