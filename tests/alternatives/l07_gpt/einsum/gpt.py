"""einsum everywhere; weights are bare parameters, heads one stack of them."""
import math

import torch
from torch import nn


def char_tokenizer(text):
    known = []
    for ch in text:
        if ch not in known:
            known.append(ch)
    known.sort()

    def encode(s):
        numbers = []
        for ch in s:
            numbers.append(known.index(ch))
        return numbers

    def decode(ids):
        s = ""
        for i in ids:
            s += known[i]
        return s

    return [encode, decode, len(known)]


def train_val_split(data, fraction=0.9):
    cut = int(len(data) * fraction)
    return [data[:cut].clone(), data[cut:].clone()]


def get_batch(data, block_size, batch_size, generator=None, device="cpu"):
    x = torch.zeros(batch_size, block_size, dtype=torch.long)
    y = torch.zeros(batch_size, block_size, dtype=torch.long)
    for b in range(batch_size):
        start = torch.randint(0, len(data) - block_size, (1,), generator=generator).item()
        for t in range(block_size):
            x[b, t] = data[start + t]
            y[b, t] = data[start + t + 1]
    return [x.to(device), y.to(device)]


def average_loop(x):
    return torch.cat([x[:, : t + 1].mean(1, keepdim=True) for t in range(x.shape[1])], 1)


def average_matmul(x):
    w = torch.ones(x.shape[1], x.shape[1]).to(x).tril()
    return torch.einsum("ij,bjc->bic", w / w.sum(-1)[:, None], x)


def average_softmax(x):
    T = x.shape[1]
    future = torch.full((T, T), -torch.inf).to(x).triu(1)
    return torch.einsum("ij,bjc->bic", future.softmax(-1), x)


def causal_mask(T):
    at = torch.arange(T)
    return at[:, None] >= at[None, :]


def attention_weights(q, k, mask=None, scale=True):
    hs = k.shape[-1]
    scores = torch.einsum("...td,...sd->...ts", q, k) / (hs**0.5 if scale else 1.0)
    if mask is not None:
        scores = torch.where(mask, scores, -torch.inf)
    return (scores - scores.logsumexp(-1, keepdim=True)).exp()


def weight(*shape):
    return nn.Parameter(torch.randn(*shape) * shape[-2] ** -0.5)


class Head(nn.Module):
    def __init__(self, head_size, n_embd, block_size, dropout=0.0):
        super().__init__()
        self.key = weight(n_embd, head_size)
        self.query = weight(n_embd, head_size)
        self.value = weight(n_embd, head_size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, context=None, causal=True):
        c = x if context is None else context
        q, k, v = x @ self.query, c @ self.key, c @ self.value
        mask = causal_mask(x.shape[1]).to(x.device) if causal else None
        return torch.einsum("bts,bsd->btd", self.drop(attention_weights(q, k, mask)), v)


class EncoderHead(Head):
    def __init__(self, head_size, n_embd, dropout=0.0):
        super().__init__(head_size, n_embd, None, dropout)

    def forward(self, x):
        return super().forward(x, causal=False)


class CrossHead(EncoderHead):
    def forward(self, x, context):
        return Head.forward(self, x, context, causal=False)


def scaled_variance(head_size, generator=None):
    q = torch.randn(30000, head_size, generator=generator, dtype=torch.float64)
    k = torch.randn(30000, head_size, generator=generator, dtype=torch.float64)
    dots = torch.einsum("nd,nd->n", q, k)
    return dots.var(), dots.div(head_size**0.5).var()


class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size, n_embd, block_size, dropout=0.0):
        super().__init__()
        self.key = weight(num_heads, n_embd, head_size)
        self.query = weight(num_heads, n_embd, head_size)
        self.value = weight(num_heads, n_embd, head_size)
        self.proj = weight(num_heads * head_size, n_embd)
        self.proj_bias = nn.Parameter(torch.zeros(n_embd))
        self.drop, self.out_drop = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x):
        q, k, v = (
            torch.einsum("btc,hcd->bhtd", x, w) for w in (self.query, self.key, self.value)
        )
        wei = self.drop(attention_weights(q, k, causal_mask(x.shape[1]).to(x.device)))
        out = torch.einsum("bhts,bhsd->bthd", wei, v).flatten(2)
        return self.out_drop(out @ self.proj + self.proj_bias)


def communication_graph(mask):
    return {(int(j), int(i)) for i, j in mask.nonzero()}


class FeedForward(nn.Module):
    def __init__(self, n_embd, dropout=0.0):
        super().__init__()
        self.W1, self.b1 = weight(n_embd, 4 * n_embd), nn.Parameter(torch.zeros(4 * n_embd))
        self.W2, self.b2 = weight(4 * n_embd, n_embd), nn.Parameter(torch.zeros(n_embd))
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop((x @ self.W1 + self.b1).relu() @ self.W2 + self.b2)


class LayerNorm1d(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim)), eps

    def forward(self, x):
        x = x - x.mean(-1, keepdim=True)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight + self.bias


class Block(nn.Module):
    def __init__(self, n_embd, n_head, block_size, dropout=0.0):
        super().__init__()
        self.ln1 = LayerNorm1d(n_embd)
        self.sa = MultiHeadAttention(n_head, n_embd // n_head, n_embd, block_size, dropout)
        self.ln2 = LayerNorm1d(n_embd)
        self.ffwd = FeedForward(n_embd, dropout)

    def forward(self, x):
        heard = self.sa(self.ln1(x))
        x = x + heard
        thought = self.ffwd(self.ln2(x))
        return x + thought


def dropout(x, p, training, generator=None):
    if training and 0 < p < 1:
        keep = torch.empty(x.shape).bernoulli_(1 - p, generator=generator)
        return x * keep.to(x) / (1 - p)
    return torch.zeros_like(x) if training and p == 1 else x


def generate(model, idx, max_new_tokens, block_size, generator=None):
    with torch.no_grad():
        for _ in range(max_new_tokens):
            T = idx.shape[1]
            seen = idx[:, max(0, T - block_size) :]
            logits = model(seen)[0]
            probs = torch.softmax(logits[:, logits.shape[1] - 1], 1).cpu()
            new = [torch.multinomial(row, 1, generator=generator) for row in probs]
            idx = torch.cat([idx, torch.stack(new).to(idx.device)], 1)
    return idx


def mean_loss(logits, targets):
    logp = logits.log_softmax(-1)
    picked = logp.gather(-1, targets.unsqueeze(-1))
    return -picked.mean()


class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)

    def forward(self, idx, targets=None):
        logits = self.token_embedding_table(idx)
        return logits, None if targets is None else mean_loss(logits, targets)

    def generate(self, idx, max_new_tokens):
        return generate(self, idx, max_new_tokens, 10**9)


class GPTLanguageModel(nn.Module):
    def __init__(self, vocab_size, n_embd, n_head, n_layer, block_size, dropout=0.0):
        super().__init__()
        self.block_size = block_size
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.ModuleList()
        for _ in range(n_layer):
            self.blocks.append(Block(n_embd, n_head, block_size, dropout))
        self.ln_f = LayerNorm1d(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)

    def forward(self, idx, targets=None):
        assert idx.shape[1] <= self.block_size
        x = self.token_embedding_table(idx)
        x = x + self.position_embedding_table(torch.arange(idx.shape[1]).to(idx.device))
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        return logits, None if targets is None else mean_loss(logits, targets)

    def generate(self, idx, max_new_tokens):
        return generate(self, idx, max_new_tokens, self.block_size)


def count_parameters(vocab_size, n_embd, n_head, n_layer, block_size):
    total = vocab_size * n_embd + block_size * n_embd
    for _ in range(n_layer):
        for _ in range(n_head):
            total += 3 * n_embd * (n_embd // n_head)
        total += n_embd * n_embd + n_embd
        total += n_embd * 4 * n_embd + 4 * n_embd
        total += 4 * n_embd * n_embd + n_embd
        total += 4 * n_embd
    return total + 2 * n_embd + n_embd * vocab_size + vocab_size


def estimate_loss(model, get_batch, eval_iters):
    mode = model.training
    model.eval()
    sums = {"train": 0.0, "val": 0.0}
    with torch.inference_mode():
        for _ in range(eval_iters):
            for split in sums:
                x, y = get_batch(split)
                sums[split] += float(model(x, targets=y)[1])
    if mode:
        model.train()
    return {"val": sums["val"] / eval_iters, "train": sums["train"] / eval_iters}


def train(model, data, steps, batch_size, block_size, lr=1e-3, generator=None):
    opt = torch.optim.AdamW(list(model.parameters()), lr)
    losses = []
    while len(losses) < steps:
        opt.zero_grad()
        loss = model(*get_batch(data, block_size, batch_size, generator, str(data.device)))[1]
        losses.append(float(loss))
        loss.backward()
        opt.step()
    return losses
