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
    raise NotImplementedError("char_tokenizer")


def train_val_split(data, fraction=0.9):
    """Cut the data at int(fraction · n): the first part is for training, the rest is held back.

    data: (n,) tensor  ->  (train, val)

    >>> train_val_split(torch.tensor([5, 6, 7, 8]), 0.8)
    (tensor([5, 6, 7]), tensor([8]))
    """
    raise NotImplementedError("train_val_split")


def get_batch(data, block_size, batch_size, generator=None, device="cpu"):
    """Pieces of the data from random places, and what follows each of their characters.

    data: (n,) int64, n > block_size; generator: torch.Generator on the CPU
    ->  x, y: (batch_size, block_size) int64 on the device; y is x one place further on

    Each place where x and y fit into the data is equally likely, the last one included.
    """
    raise NotImplementedError("get_batch")


# ----------------------------------------------------------------- the mean of the past, thrice


def average_loop(x):
    """Each position's mean of itself and all before it, with loops.

    x: (B, T, C)  ->  (B, T, C)

    >>> average_loop(torch.tensor([[[2.0], [4.0], [0.0]]]))
    tensor([[[2.],
             [3.],
             [2.]]])
    """
    raise NotImplementedError("average_loop")


def average_matmul(x):
    """The same as one matrix product: a triangle of weights whose rows sum to 1, times x.

    x: (B, T, C)  ->  (B, T, C)
    """
    raise NotImplementedError("average_matmul")


def average_softmax(x):
    """The same once more: weights of 0, the future masked with -inf, and a softmax.

    x: (B, T, C)  ->  (B, T, C)
    """
    raise NotImplementedError("average_softmax")


# -------------------------------------------------------------------------------- attention


def causal_mask(T):
    """Who may look at whom when nobody sees the future: True at [i, j] where j is at most i.

    T: int  ->  (T, T) bool

    >>> causal_mask(3)
    tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]])
    """
    raise NotImplementedError("causal_mask")


def attention_weights(q, k, mask=None, scale=True):
    """How much each query listens to each key: softmax(q kᵀ / √hs) over the keys.

    q: (…, T, hs), k: (…, S, hs); mask: (T, S) bool, True where the query may look; scale:
    whether to divide by √hs  ->  (…, T, S); each row sums to 1, and is 0 where it may not look
    """
    raise NotImplementedError("attention_weights")


class Head(nn.Module):
    """One head of self-attention that never looks ahead."""

    def __init__(self, head_size, n_embd, block_size, dropout=0.0):
        """self.key, self.query, self.value: linear layers from n_embd to head_size, no bias.

        Also the mask for block_size positions, and dropout for the weights.
        """
        super().__init__()
        raise NotImplementedError("Head.__init__")

    def forward(self, x):
        """x: (B, T, n_embd), T at most block_size  ->  (B, T, head_size)"""
        raise NotImplementedError("Head.forward")


class EncoderHead(nn.Module):
    """One head of self-attention in which everybody sees everybody."""

    def __init__(self, head_size, n_embd, dropout=0.0):
        """self.key, self.query, self.value as in Head; no mask."""
        super().__init__()
        raise NotImplementedError("EncoderHead.__init__")

    def forward(self, x):
        """x: (B, T, n_embd), any T  ->  (B, T, head_size)"""
        raise NotImplementedError("EncoderHead.forward")


class CrossHead(nn.Module):
    """One head of cross-attention: a text asks, another one answers."""

    def __init__(self, head_size, n_embd, dropout=0.0):
        """self.key, self.query, self.value as in Head; no mask."""
        super().__init__()
        raise NotImplementedError("CrossHead.__init__")

    def forward(self, x, context):
        """x: (B, T, n_embd) asks, context: (B, S, n_embd) answers  ->  (B, T, head_size)"""
        raise NotImplementedError("CrossHead.forward")


def scaled_variance(head_size, generator=None):
    """The variance of q·k for unit normal q and k, before and after scaling by 1/√head_size.

    head_size: int; generator: torch.Generator  ->  (before, after): floats

    By arithmetic, or measured on so many pairs (some 20,000) that it is right within 10 %.
    """
    raise NotImplementedError("scaled_variance")


class MultiHeadAttention(nn.Module):
    """Several heads side by side, and a projection of what they found."""

    def __init__(self, num_heads, head_size, n_embd, block_size, dropout=0.0):
        """self.heads: num_heads Heads; self.proj: linear, num_heads · head_size to n_embd."""
        super().__init__()
        raise NotImplementedError("MultiHeadAttention.__init__")

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd): heads side by side, projection, dropout"""
        raise NotImplementedError("MultiHeadAttention.forward")


def communication_graph(mask):
    """The arrows of attention: (j, i) where position i may listen to j.

    mask: (T, T) bool, True at [i, j] where i may look at j  ->  list or set of pairs of int

    >>> communication_graph(torch.tensor([[True, False], [True, True]]))
    [(0, 0), (0, 1), (1, 1)]
    """
    raise NotImplementedError("communication_graph")


# ------------------------------------------------------------------------------- the block


class FeedForward(nn.Module):
    """Each position thinks about what it heard, by itself."""

    def __init__(self, n_embd, dropout=0.0):
        """Linear from n_embd to 4 · n_embd, ReLU, linear back, dropout (self.net)."""
        super().__init__()
        raise NotImplementedError("FeedForward.__init__")

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd)"""
        raise NotImplementedError("FeedForward.forward")


class LayerNorm1d:
    """Layer normalisation by hand: each position's numbers to mean 0 and variance 1."""

    def __init__(self, dim, eps=1e-5):
        """self.gamma: (dim,) ones, self.beta: (dim,) zeros"""
        raise NotImplementedError("LayerNorm1d.__init__")

    def __call__(self, x):
        """x: (…, dim)  ->  (…, dim): (x - mean) / √(variance + eps) · gamma + beta

        Mean and variance (the biased one: divided by dim) are taken over the last dimension.
        """
        raise NotImplementedError("LayerNorm1d.__call__")

    def parameters(self):
        """[gamma, beta]"""
        raise NotImplementedError("LayerNorm1d.parameters")


class Block(nn.Module):
    """Communication, then computation; both on a side road of the residual pathway."""

    def __init__(self, n_embd, n_head, block_size, dropout=0.0):
        """self.sa: MultiHeadAttention with n_head heads of n_embd // n_head; self.ffwd:
        FeedForward; self.ln1, self.ln2: layer norms (nn.LayerNorm or your own)
        """
        super().__init__()
        raise NotImplementedError("Block.__init__")

    def forward(self, x):
        """x: (B, T, n_embd)  ->  (B, T, n_embd): x + sa(ln1(x)), and on that + ffwd(ln2(…))"""
        raise NotImplementedError("Block.forward")


def dropout(x, p, training, generator=None):
    """In training, set each number to 0 with probability p and scale the others by 1 / (1 - p).

    x: a tensor of any shape, left as it is; p: from 0 to 1; generator: torch.Generator on the
    CPU  ->  a tensor like x: the same numbers if not training, zeros if p is 1 (and never NaN)
    """
    raise NotImplementedError("dropout")


# ----------------------------------------------------------------------------- the models


def generate(model, idx, max_new_tokens, block_size, generator=None):
    """Let a model write: sample a token from what it says at the last position, append, repeat.

    model: model(idx) gives (logits, loss), logits (B, T, V); idx: (B, T) int64; block_size:
    the most tokens that the model reads, the last ones; generator: torch.Generator on the CPU
    ->  (B, T + max_new_tokens): idx and what follows it
    """
    raise NotImplementedError("generate")


class BigramLanguageModel(nn.Module):
    """The simplest model: each character's row of a table is the logits of what follows."""

    def __init__(self, vocab_size):
        """self.token_embedding_table: nn.Embedding(vocab_size, vocab_size)"""
        super().__init__()
        raise NotImplementedError("BigramLanguageModel.__init__")

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64  ->  (logits, loss)

        logits: (B, T, V); with targets (B·T, V) is right as well. loss: the mean cross-entropy
        of all B·T positions; None without targets.
        """
        raise NotImplementedError("BigramLanguageModel.forward")

    def generate(self, idx, max_new_tokens):
        """idx: (B, T)  ->  (B, T + max_new_tokens); one character of context is enough"""
        raise NotImplementedError("BigramLanguageModel.generate")


class GPTLanguageModel(nn.Module):
    """Tokens and positions, blocks, a last norm, and logits: a decoder-only transformer."""

    def __init__(self, vocab_size, n_embd, n_head, n_layer, block_size, dropout=0.0):
        """self.token_embedding_table, self.position_embedding_table: nn.Embedding;
        self.blocks: n_layer Blocks; self.ln_f: layer norm; self.lm_head: linear to vocab_size
        """
        super().__init__()
        raise NotImplementedError("GPTLanguageModel.__init__")

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64, T at most block_size (more is an error)  ->  (logits, loss)

        As BigramLanguageModel.forward: loss is None without targets.
        """
        raise NotImplementedError("GPTLanguageModel.forward")

    def generate(self, idx, max_new_tokens):
        """idx: (B, T), any T  ->  (B, T + max_new_tokens); the model reads the last block_size"""
        raise NotImplementedError("GPTLanguageModel.generate")


def count_parameters(vocab_size, n_embd, n_head, n_layer, block_size):
    """The number of GPTLanguageModel's parameters, by arithmetic (n_head divides n_embd).

    >>> count_parameters(65, 384, 6, 6, 256)
    10788929
    """
    raise NotImplementedError("count_parameters")


# ------------------------------------------------------------------------------- training


def estimate_loss(model, get_batch, eval_iters):
    """The mean loss over eval_iters batches of each part, as a judge and not as a teacher.

    model: nn.Module, model(x, y) gives (logits, loss); get_batch: get_batch("train") or
    get_batch("val") gives x, y  ->  {"train": mean, "val": mean}

    In evaluation mode and without a graph; afterwards the model is in the mode that it was in.
    """
    raise NotImplementedError("estimate_loss")


def train(model, data, steps, batch_size, block_size, lr=1e-3, generator=None):
    """Train with AdamW (torch.optim), each step on a fresh batch of get_batch.

    model: nn.Module, model(x, y) gives (logits, loss), on data's device; data: (n,) int64;
    lr: AdamW's, whose other settings stay as they are; generator: for the batches
    ->  list of floats: the loss of each step, before it
    """
    raise NotImplementedError("train")
