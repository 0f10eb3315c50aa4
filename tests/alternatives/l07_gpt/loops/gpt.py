"""Loops wherever there is one to write; heads one position at a time; no buffer for the mask."""
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
    rows = []
    for row in x:
        means, total = [], torch.zeros_like(row[0])
        for t, position in enumerate(row):
            total = total + position
            means.append(total / (t + 1))
        rows.append(torch.stack(means))
    return torch.stack(rows)


def average_matmul(x):
    T = x.size(1)
    w = torch.zeros(T, T, dtype=x.dtype, device=x.device)
    for i in range(T):
        for j in range(i + 1):
            w[i, j] = 1 / (i + 1)
    return torch.stack([w @ row for row in x])


def average_softmax(x):
    T = x.size(1)
    w = torch.full((T, T), -math.inf, dtype=x.dtype, device=x.device)
    for i in range(T):
        w[i, : i + 1] = 3.0
    return torch.matmul(w.softmax(1), x)


def causal_mask(T):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        for j in range(T):
            mask[i, j] = j <= i
    return mask


def attention_weights(q, k, mask=None, scale=True):
    scores = torch.matmul(q, k.transpose(-1, -2))
    if scale:
        scores = scores / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.clone()
        for i in range(mask.shape[0]):
            for j in range(mask.shape[1]):
                if not mask[i, j]:
                    scores[..., i, j] = -1e30
    top = scores.max(-1, keepdim=True).values
    e = torch.exp(scores - top)
    return e / e.sum(-1, keepdim=True)


class Head(nn.Module):
    def __init__(self, head_size, n_embd, block_size, dropout=0.0):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size)
        self.query = nn.Linear(n_embd, head_size)
        self.value = nn.Linear(n_embd, head_size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        B, T, _ = x.shape
        k, q, v = self.key(x), self.query(x), self.value(x)
        outs = []
        for t in range(T):
            scores = (q[:, t : t + 1] * k[:, : t + 1]).sum(-1) / math.sqrt(k.size(-1))
            weights = self.drop(scores.softmax(-1))
            outs.append((weights.unsqueeze(-1) * v[:, : t + 1]).sum(1))
        return torch.stack(outs, 1)


class EncoderHead(nn.Module):
    def __init__(self, head_size, n_embd, dropout=0.0):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size)
        self.query = nn.Linear(n_embd, head_size)
        self.value = nn.Linear(n_embd, head_size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, context=None):
        context = x if context is None else context
        w = self.drop(attention_weights(self.query(x), self.key(context)))
        return torch.bmm(w, self.value(context))


class CrossHead(EncoderHead):
    pass


def scaled_variance(head_size, generator=None):
    return float(head_size), head_size * (1 / math.sqrt(head_size)) ** 2


class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size, n_embd, block_size, dropout=0.0):
        super().__init__()
        self.heads = nn.ModuleList()
        for _ in range(num_heads):
            self.heads.append(Head(head_size, n_embd, block_size, dropout))
        self.proj = nn.Linear(num_heads * head_size, n_embd)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        found = []
        for head in self.heads:
            found.append(head(x))
        return self.drop(self.proj(torch.cat(found, 2)))


def communication_graph(mask):
    edges = []
    for i, row in enumerate(mask.tolist()):
        for j, may in enumerate(row):
            if may:
                edges.append([j, i])
    return edges


class FeedForward(nn.Module):
    def __init__(self, n_embd, dropout=0.0):
        super().__init__()
        self.fc1 = nn.Linear(n_embd, 4 * n_embd)
        self.fc2 = nn.Linear(4 * n_embd, n_embd)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.fc2(self.fc1(x).clamp(min=0)))


class LayerNorm1d(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        n = x.size(-1)
        mean = x.sum(-1, keepdim=True) / n
        var = ((x - mean) ** 2).sum(-1, keepdim=True) / n
        return (x - mean) * (var + self.eps) ** -0.5 * self.gamma + self.beta


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
    out = x.clone()
    if training:
        draws = torch.rand(x.numel(), generator=generator).tolist()
        flat = out.view(-1)
        for i, u in enumerate(draws):
            flat[i] = 0.0 if u < p else flat[i] / (1 - p)
    return out


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
