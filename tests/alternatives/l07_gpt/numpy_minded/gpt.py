"""numpy-minded: what is no layer is done by numpy; layers take all their arguments."""
import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F

batch_size = 4
block_size = 8
device = 'cuda' if torch.cuda.is_available() else 'cpu'
n_embd = 32
n_head = 4
n_layer = 3
p_drop = 0.0
vocab_size = 65


def char_tokenizer(text):
    chars, ids = np.unique(list(text), return_inverse=True)
    stoi = dict(zip(chars.tolist(), range(len(chars))))
    return (
        lambda s: [stoi[c] for c in s],
        lambda ids: "".join(chars[np.array([int(i) for i in ids], dtype=np.int64)].tolist()),
        len(chars),
    )


def train_val_split(data, fraction=0.9):
    n = int(fraction * len(data))
    return data[:n], data[n:]


def get_batch(data, block_size, batch_size, generator=None, device="cpu"):
    starts = torch.randint(0, data.shape[0] - block_size, (batch_size, 1), generator=generator)
    at = (starts + torch.arange(block_size + 1)).to(data.device)
    both = data[at]
    return both[:, :-1].to(device), both[:, 1:].to(device)


def _average(x, weights):
    out = np.einsum("ij,bjc->bic", weights, x.detach().cpu().numpy().astype(np.float64))
    return torch.from_numpy(out).to(x)


def average_loop(x):
    a = x.detach().cpu().numpy()
    out = np.empty_like(a)
    for t in range(a.shape[1]):
        out[:, t] = a[:, : t + 1].mean(1)
    return torch.from_numpy(out).to(x.device)


def average_matmul(x):
    w = np.tri(x.shape[1])
    return _average(x, w / w.sum(1, keepdims=True))


def average_softmax(x):
    e = np.exp(np.where(np.tri(x.shape[1]) == 1, 0.0, -np.inf))
    return _average(x, e / e.sum(1, keepdims=True))


def causal_mask(T):
    return torch.from_numpy(np.tri(T, dtype=bool))


def attention_weights(q, k, mask=None, scale=True):
    scores = q @ k.mT
    if scale:
        scores /= np.sqrt(k.shape[-1]).item()
    if mask is not None:
        scores[..., ~mask] = -np.inf
    scores = scores - scores.amax(-1, keepdim=True)
    e = scores.exp()
    return e / e.sum(-1, keepdim=True)


class Head(nn.Module):
    def __init__(self, head_size, n_embd, block_size=64, dropout=0.0):
        super().__init__()
        p_drop = dropout
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))
        self.dropout = nn.Dropout(p_drop)

    def forward(self, x):
        B, T, C = x.shape
        k = self.key(x)
        q = self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))
        wei = F.softmax(wei, dim=-1)
        wei = self.dropout(wei)
        v = self.value(x)
        return wei @ v


class EncoderHead(nn.Module):
    def __init__(self, head_size, n_embd, block_size=64, dropout=0.0):
        super().__init__()
        p_drop = dropout
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.dropout = nn.Dropout(p_drop)

    def forward(self, x):
        k, q = self.key(x), self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = self.dropout(F.softmax(wei, dim=-1))
        return wei @ self.value(x)


class CrossHead(EncoderHead):
    def forward(self, x, context):
        k, q = self.key(context), self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = self.dropout(F.softmax(wei, dim=-1))
        return wei @ self.value(context)


def scaled_variance(head_size, generator=None):
    q = torch.randn(400, 100, head_size, generator=generator)
    k = torch.randn(400, 100, head_size, generator=generator)
    wei = (q * k).sum(-1)
    return wei.var(), (wei * head_size ** -0.5).var()


class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size, n_embd, block_size, dropout=0.0):
        super().__init__()
        p_drop = dropout
        self.heads = nn.ModuleList([Head(head_size, n_embd, block_size, dropout) for _ in range(num_heads)])
        self.proj = nn.Linear(head_size * num_heads, n_embd)
        self.dropout = nn.Dropout(p_drop)

    def forward(self, x):
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        out = self.dropout(self.proj(out))
        return out


def communication_graph(mask):
    listeners, speakers = np.nonzero(mask.cpu().numpy())
    return np.stack([speakers, listeners], 1)


class FeedFoward(nn.Module):
    def __init__(self, n_embd, dropout=0.0):
        super().__init__()
        p_drop = dropout
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.ReLU(),
            nn.Linear(4 * n_embd, n_embd),
            nn.Dropout(p_drop),
        )

    def forward(self, x):
        return self.net(x)


class LayerNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)

    def __call__(self, x):
        xmean = x.mean(-1, keepdim=True)
        xvar = x.var(-1, keepdim=True, correction=0)
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]


class Block(nn.Module):
    def __init__(self, n_embd, n_head, block_size, dropout=0.0):
        super().__init__()
        self.sa = MultiHeadAttention(n_head, n_embd // n_head, n_embd, block_size, dropout)
        self.ffwd = FeedFoward(n_embd, dropout)
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        x = x + self.ffwd(self.ln2(x))
        return x


def dropout(x, p, training, generator=None):
    if not training or p == 0:
        return x.clone()
    seed = torch.randint(2**31, (1,), generator=generator).item()
    keep = np.random.default_rng(seed).random(tuple(x.shape)) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return x * torch.from_numpy(keep).to(x) * scale


class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)

    def forward(self, idx, targets=None):
        logits = self.token_embedding_table(idx)
        if targets is None:
            loss = None
        else:
            B, T, C = logits.shape
            logits = logits.view(B * T, C)
            targets = targets.view(B * T)
            loss = F.cross_entropy(logits, targets)
        return logits, loss

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, loss = self(idx)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx


class GPTLanguageModel(nn.Module):
    def __init__(self, vocab_size, n_embd, n_head, n_layer, block_size, dropout=0.0):
        super().__init__()
        self.block_size = block_size
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*[Block(n_embd, n_head, block_size, dropout) for _ in range(n_layer)])
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        tok_emb = self.token_embedding_table(idx)
        pos_emb = self.position_embedding_table(torch.arange(T, device=idx.device))
        x = tok_emb + pos_emb
        x = self.blocks(x)
        x = self.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            loss = None
        else:
            B, T, C = logits.shape
            logits = logits.view(B * T, C)
            targets = targets.view(B * T)
            loss = F.cross_entropy(logits, targets)
        return logits, loss

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            idx_cond = idx[:, -self.block_size:]
            logits, loss = self(idx_cond)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx


def generate(model, idx, max_new_tokens, block_size, generator=None):
    for _ in range(max_new_tokens):
        logits, loss = model(idx[:, -block_size:])
        probs = F.softmax(logits[:, -1, :], dim=-1)
        idx_next = torch.multinomial(probs, num_samples=1, generator=generator)
        idx = torch.cat((idx, idx_next), dim=1)
    return idx


@torch.no_grad()
def estimate_loss(model, get_batch, eval_iters):
    out = {}
    before = model.training
    model.eval()
    for split in ['train', 'val']:
        losses = torch.zeros(eval_iters)
        for k in range(eval_iters):
            X, Y = get_batch(split)
            logits, loss = model(X, Y)
            losses[k] = loss.item()
        out[split] = losses.mean()
    model.train(before)
    return out


def count_parameters(vocab_size, n_embd, n_head, n_layer, block_size):
    head_size = n_embd // n_head
    heads = n_head * 3 * n_embd * head_size
    proj = n_embd * n_embd + n_embd
    ffwd = n_embd * 4 * n_embd + 4 * n_embd + 4 * n_embd * n_embd + n_embd
    per_block = heads + proj + ffwd + 4 * n_embd
    total = vocab_size * n_embd + block_size * n_embd + n_layer * per_block
    total += 2 * n_embd + n_embd * vocab_size + vocab_size
    return total


def train(model, data, steps, batch_size, block_size, lr=1e-3, generator=None):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    lossi = []
    for iter in range(steps):
        xb, yb = get_batch(data, block_size, batch_size, generator, data.device)
        logits, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        lossi.append(loss.item())
    return lossi
