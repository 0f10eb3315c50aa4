"""Attention, and a small GPT: a model that reads characters and writes the next ones.

Every position of a text is a vector. In a head, each sends out a query (what am I looking
for?) and a key (what do I have?); where they match, the value flows. Between heads, each
position thinks on its own. That, six times over, is GPT.

    idx (B, T)  ->  tokens + positions (B, T, C)  ->  blocks  ->  norm  ->  logits (B, T, V)
"""

import torch
from torch import nn

F = nn.functional

# ------------------------------------------------------------------------------- the data


def char_tokenizer(text):
    """Number the characters of a text, in sorted order from 0.

    text: str  ->  (encode, decode, vocab_size): encode makes a list of int of a str; decode
    makes the str again of any iterable of numbers, a tensor included

    >>> encode, decode, vocab_size = char_tokenizer("abracadabra")
    >>> encode("cab"), decode([3, 0, 3]), vocab_size
    ([2, 0, 1], 'dad', 5)
    """
    ### BEGIN SOLUTION
    chars = sorted(set(text))
    stoi = {ch: i for i, ch in enumerate(chars)}

    def encode(s):
        return [stoi[ch] for ch in s]

    def decode(numbers):
        return "".join(chars[int(i)] for i in numbers)

    return encode, decode, len(chars)
    ### END SOLUTION


def train_val_split(data, fraction=0.9):
    """Cut the data at int(fraction · n): the first part is for training, the rest is held back.

    data: (n,) tensor  ->  (train, val)

    >>> train_val_split(torch.tensor([5, 6, 7, 8]), 0.8)
    (tensor([5, 6, 7]), tensor([8]))
    """
    ### BEGIN SOLUTION
    n = int(fraction * len(data))
    return data[:n], data[n:]
    ### END SOLUTION


def get_batch(data, block_size, batch_size, generator=None, device="cpu"):
    """Pieces of the data from random places, and what follows each of their characters.

    data: (n,) int64, n > block_size; generator: torch.Generator on the CPU
    ->  x, y: (batch_size, block_size) int64 on the device; y is x one place further on

    Each place where x and y fit into the data is equally likely, the last one included.
    """
    ### BEGIN SOLUTION
    starts = torch.randint(len(data) - block_size, (batch_size,), generator=generator).tolist()
    x = torch.stack([data[i : i + block_size] for i in starts])
    y = torch.stack([data[i + 1 : i + 1 + block_size] for i in starts])
    return x.to(device), y.to(device)
    ### END SOLUTION


# ----------------------------------------------------------------- the mean of the past, thrice


def average_loop(x):
    """Each position's mean of itself and all before it, with loops.

    x: (B, T, C)  ->  (B, T, C)

    >>> average_loop(torch.tensor([[[2.0], [4.0], [0.0]]]))
    tensor([[[2.],
             [3.],
             [2.]]])
    """
    ### BEGIN SOLUTION
    B, T, _ = x.shape
    out = torch.zeros_like(x)
    for b in range(B):
        for t in range(T):
            out[b, t] = x[b, : t + 1].mean(0)
    return out
    ### END SOLUTION


def average_matmul(x):
    """The same as one matrix product: a triangle of weights whose rows sum to 1, times x.

    x: (B, T, C)  ->  (B, T, C)
    """
    ### BEGIN SOLUTION
    T = x.shape[1]
    wei = torch.tril(torch.ones(T, T, dtype=x.dtype, device=x.device))
    wei = wei / wei.sum(1, keepdim=True)
    return wei @ x
    ### END SOLUTION


def average_softmax(x):
    """The same once more: weights of 0, the future masked with -inf, and a softmax.

    x: (B, T, C)  ->  (B, T, C)
    """
    ### BEGIN SOLUTION
    T = x.shape[1]
    wei = torch.zeros(T, T, dtype=x.dtype, device=x.device)
    future = torch.ones(T, T, device=x.device).tril() == 0
    wei = wei.masked_fill(future, float("-inf"))
    return F.softmax(wei, dim=1) @ x
    ### END SOLUTION


# -------------------------------------------------------------------------------- attention


def causal_mask(T):
    """Who may look at whom when nobody sees the future: True at [i, j] where j is at most i.

    T: int  ->  (T, T) bool

    >>> causal_mask(3)
    tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]])
    """
    ### BEGIN SOLUTION
    return torch.ones(T, T).tril() == 1
    ### END SOLUTION


def attention_weights(q, k, mask=None, scale=True):
    """How much each query listens to each key: softmax(q kᵀ / √hs) over the keys.

    q: (…, T, hs), k: (…, S, hs); mask: (T, S) bool, True where the query may look; scale:
    whether to divide by √hs  ->  (…, T, S); each row sums to 1, and is 0 where it may not look
    """
    ### BEGIN SOLUTION
    wei = q @ k.transpose(-2, -1)
    if scale:
        wei = wei * k.shape[-1] ** -0.5
    if mask is not None:
        wei = wei.masked_fill(~mask, float("-inf"))
    return torch.softmax(wei, dim=-1)
    ### END SOLUTION


class Head(nn.Module):
    """One head of self-attention that never looks ahead."""

    def __init__(self, head_size, n_embd, block_size, dropout=0.0):
        """self.key, self.query, self.value: linear layers from n_embd to head_size, no bias.

        Also the mask for block_size positions, and dropout for the weights.
        """
        super().__init__()
        ### BEGIN SOLUTION
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer("tril", causal_mask(block_size))
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x):
        """x: (B, T, n_embd), T at most block_size  ->  (B, T, head_size)"""
        ### BEGIN SOLUTION
        T = x.shape[1]
        k = self.key(x)
        q = self.query(x)
        wei = attention_weights(q, k, self.tril[:T, :T])
        wei = self.dropout(wei)
        return wei @ self.value(x)
        ### END SOLUTION


class EncoderHead(nn.Module):
    """One head of self-attention in which everybody sees everybody."""

    def __init__(self, head_size, n_embd, dropout=0.0):
        """self.key, self.query, self.value as in Head; no mask."""
        super().__init__()
        ### BEGIN SOLUTION
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x):
        """x: (B, T, n_embd), any T  ->  (B, T, head_size)"""
        ### BEGIN SOLUTION
        wei = attention_weights(self.query(x), self.key(x))
        return self.dropout(wei) @ self.value(x)
        ### END SOLUTION


class CrossHead(nn.Module):
    """One head of cross-attention: a text asks, another one answers."""

    def __init__(self, head_size, n_embd, dropout=0.0):
        """self.key, self.query, self.value as in Head; no mask."""
        super().__init__()
        ### BEGIN SOLUTION
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x, context):
        """x: (B, T, n_embd) asks, context: (B, S, n_embd) answers  ->  (B, T, head_size)"""
        ### BEGIN SOLUTION
        q, k, v = self.query(x), self.key(context), self.value(context)
        wei = attention_weights(q, k)
        return self.dropout(wei) @ v
        ### END SOLUTION


def scaled_variance(head_size, generator=None):
    """The variance of q·k for unit normal q and k, before and after scaling by 1/√head_size.

    head_size: int; generator: torch.Generator  ->  (before, after): floats

    By arithmetic, or measured on so many pairs (some 20,000) that it is right within 10 %.
    """
    ### BEGIN SOLUTION
    q = torch.randn(20_000, head_size, generator=generator)
    k = torch.randn(20_000, head_size, generator=generator)
    scores = (q * k).sum(1)
    scaled = scores * head_size**-0.5
    return scores.var().item(), scaled.var().item()
    ### END SOLUTION


class MultiHeadAttention(nn.Module):
    """Several heads side by side, and a projection of what they found."""

    def __init__(self, num_heads, head_size, n_embd, block_size, dropout=0.0):
        """self.heads: num_heads Heads; self.proj: linear, num_heads · head_size to n_embd."""
        super().__init__()
        ### BEGIN SOLUTION
        heads = [Head(head_size, n_embd, block_size, dropout) for _ in range(num_heads)]
        self.heads = nn.ModuleList(heads)
        self.proj = nn.Linear(num_heads * head_size, n_embd)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd): heads side by side, projection, dropout"""
        ### BEGIN SOLUTION
        out = torch.cat([head(x) for head in self.heads], dim=-1)
        return self.dropout(self.proj(out))
        ### END SOLUTION


def communication_graph(mask):
    """The arrows of attention: (j, i) where position i may listen to j.

    mask: (T, T) bool, True at [i, j] where i may look at j  ->  list or set of pairs of int

    >>> communication_graph(torch.tensor([[True, False], [True, True]]))
    [(0, 0), (0, 1), (1, 1)]
    """
    ### BEGIN SOLUTION
    T = len(mask)
    return [(j, i) for j in range(T) for i in range(T) if mask[i, j]]
    ### END SOLUTION


# ------------------------------------------------------------------------------- the block


class FeedForward(nn.Module):
    """Each position thinks about what it heard, by itself."""

    def __init__(self, n_embd, dropout=0.0):
        """Linear from n_embd to 4 · n_embd, ReLU, linear back, dropout (self.net)."""
        super().__init__()
        ### BEGIN SOLUTION
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.ReLU(),
            nn.Linear(4 * n_embd, n_embd),
            nn.Dropout(dropout),
        )
        ### END SOLUTION

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd)"""
        ### BEGIN SOLUTION
        return self.net(x)
        ### END SOLUTION


class LayerNorm1d:
    """Layer normalisation by hand: each position's numbers to mean 0 and variance 1."""

    def __init__(self, dim, eps=1e-5):
        """self.gamma: (dim,) ones, self.beta: (dim,) zeros"""
        ### BEGIN SOLUTION
        self.eps = eps
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        ### END SOLUTION

    def __call__(self, x):
        """x: (…, dim)  ->  (…, dim): (x - mean) / √(variance + eps) · gamma + beta

        Mean and variance (the biased one: divided by dim) are taken over the last dimension.
        """
        ### BEGIN SOLUTION
        mean = x.mean(-1, keepdim=True)
        var = x.var(-1, keepdim=True, unbiased=False)
        xhat = (x - mean) / torch.sqrt(var + self.eps)
        return self.gamma * xhat + self.beta
        ### END SOLUTION

    def parameters(self):
        """[gamma, beta]"""
        ### BEGIN SOLUTION
        return [self.gamma, self.beta]
        ### END SOLUTION


class Block(nn.Module):
    """Communication, then computation; both on a side road of the residual pathway."""

    def __init__(self, n_embd, n_head, block_size, dropout=0.0):
        """self.sa: MultiHeadAttention with n_head heads of n_embd // n_head; self.ffwd:
        FeedForward; self.ln1, self.ln2: layer norms (nn.LayerNorm or your own)
        """
        super().__init__()
        ### BEGIN SOLUTION
        self.sa = MultiHeadAttention(n_head, n_embd // n_head, n_embd, block_size, dropout)
        self.ffwd = FeedForward(n_embd, dropout)
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)
        ### END SOLUTION

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd): x + sa(ln1(x)), and on that + ffwd(ln2(…))"""
        ### BEGIN SOLUTION
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))
        ### END SOLUTION


def dropout(x, p, training, generator=None):
    """In training, set each number to 0 with probability p and scale the others by 1 / (1 - p).

    x: a tensor of any shape, left as it is; p: from 0 to 1; generator: torch.Generator on the
    CPU  ->  a tensor like x: the same numbers if not training, zeros if p is 1 (and never NaN)
    """
    ### BEGIN SOLUTION
    if not training or p == 0:
        return x
    if p == 1:
        return torch.zeros_like(x)
    kept = (torch.rand(x.shape, generator=generator) >= p).to(x.device)
    return torch.where(kept, x / (1 - p), 0.0)
    ### END SOLUTION


# ----------------------------------------------------------------------------- the models


def generate(model, idx, max_new_tokens, block_size, generator=None):
    """Let a model write: sample a token from what it says at the last position, append, repeat.

    model: model(idx) gives (logits, loss), logits (B, T, V); idx: (B, T) int64; block_size:
    the most tokens that the model reads, the last ones; generator: torch.Generator on the CPU
    ->  (B, T + max_new_tokens): idx and what follows it
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx[:, -block_size:])
            probs = F.softmax(logits[:, -1, :], dim=-1)
            if generator is not None:
                probs = probs.to(generator.device)
            new = torch.multinomial(probs, 1, generator=generator).to(idx.device)
            idx = torch.cat([idx, new], dim=1)
    return idx
    ### END SOLUTION


class BigramLanguageModel(nn.Module):
    """The simplest model: each character's row of a table is the logits of what follows."""

    def __init__(self, vocab_size):
        """self.token_embedding_table: nn.Embedding(vocab_size, vocab_size)"""
        super().__init__()
        ### BEGIN SOLUTION
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)
        ### END SOLUTION

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64  ->  (logits, loss)

        logits: (B, T, V); with targets (B·T, V) is right as well. loss: the mean cross-entropy
        of all B·T positions; None without targets.
        """
        ### BEGIN SOLUTION
        logits = self.token_embedding_table(idx)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        ### END SOLUTION

    def generate(self, idx, max_new_tokens):
        """idx: (B, T)  ->  (B, T + max_new_tokens); one character of context is enough"""
        ### BEGIN SOLUTION
        return generate(self, idx, max_new_tokens, block_size=1)
        ### END SOLUTION


class GPTLanguageModel(nn.Module):
    """Tokens and positions, blocks, a last norm, and logits: a decoder-only transformer."""

    def __init__(self, vocab_size, n_embd, n_head, n_layer, block_size, dropout=0.0):
        """self.token_embedding_table, self.position_embedding_table: nn.Embedding;
        self.blocks: n_layer Blocks; self.ln_f: layer norm; self.lm_head: linear to vocab_size
        """
        super().__init__()
        ### BEGIN SOLUTION
        self.block_size = block_size
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        blocks = [Block(n_embd, n_head, block_size, dropout) for _ in range(n_layer)]
        self.blocks = nn.Sequential(*blocks)
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)
        ### END SOLUTION

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64, T at most block_size (more is an error)  ->  (logits, loss)

        As BigramLanguageModel.forward: loss is None without targets.
        """
        ### BEGIN SOLUTION
        T = idx.shape[1]
        if self.block_size < T:
            raise ValueError(f"{T} tokens, but the model reads {self.block_size} at most")
        positions = torch.arange(T, device=idx.device)
        x = self.token_embedding_table(idx) + self.position_embedding_table(positions)
        x = self.ln_f(self.blocks(x))
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        ### END SOLUTION

    def generate(self, idx, max_new_tokens):
        """idx: (B, T), any T  ->  (B, T + max_new_tokens); the model reads the last block_size"""
        ### BEGIN SOLUTION
        return generate(self, idx, max_new_tokens, self.block_size)
        ### END SOLUTION


def count_parameters(vocab_size, n_embd, n_head, n_layer, block_size):
    """The number of GPTLanguageModel's parameters, by arithmetic (n_head divides n_embd).

    >>> count_parameters(65, 384, 6, 6, 256)
    10788929
    """
    ### BEGIN SOLUTION
    C = n_embd
    attention = 3 * C * C + C * C + C
    thinking = C * 4 * C + 4 * C + 4 * C * C + C
    norms = 2 * 2 * C
    head = 2 * C + C * vocab_size + vocab_size
    return vocab_size * C + block_size * C + n_layer * (attention + thinking + norms) + head
    ### END SOLUTION


# ------------------------------------------------------------------------------- training


def estimate_loss(model, get_batch, eval_iters):
    """The mean loss over eval_iters batches of each part, as a judge and not as a teacher.

    model: nn.Module, model(x, y) gives (logits, loss); get_batch: get_batch("train") or
    get_batch("val") gives x, y  ->  {"train": mean, "val": mean}

    In evaluation mode and without a graph; afterwards the model is in the mode that it was in.
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    out = {}
    with torch.no_grad():
        for split in ("train", "val"):
            losses = [model(*get_batch(split))[1].item() for _ in range(eval_iters)]
            out[split] = sum(losses) / eval_iters
    model.train(was_training)
    return out
    ### END SOLUTION


def train(model, data, steps, batch_size, block_size, lr=1e-3, generator=None):
    """Train with AdamW (torch.optim), each step on a fresh batch of get_batch.

    model: nn.Module, model(x, y) gives (logits, loss), on data's device; data: (n,) int64;
    lr: AdamW's, whose other settings stay as they are; generator: for the batches
    ->  list of floats: the loss of each step, before it
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        x, y = get_batch(data, block_size, batch_size, generator, data.device)
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION
