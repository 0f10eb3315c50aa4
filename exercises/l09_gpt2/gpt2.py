"""GPT-2's shape, as nanoGPT has it, and the techniques around it.

Lecture 7's model grown up: a smoother nonlinearity, all heads in one matrix product, tied tables,
careful first values. Around it: decay where it belongs, a learning rate with a schedule, large
batches in pieces, checkpoints, a cache for writing, and surgery on a trained model.

    idx (B, T)  ->  wte + wpe (B, T, C)  ->  n_layer Blocks  ->  ln_f  ->  lm_head (B, T, V)

Weights are found by nanoGPT's names: transformer.wte, transformer.wpe, transformer.h.0.ln_1,
.attn.c_attn, .attn.c_proj, .ln_2, .mlp.c_fc, .mlp.c_proj, transformer.ln_f, lm_head.
"""

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
    """GELU's tanh form: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    x: a floating tensor of any shape  ->  a tensor like x

    >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1588,  0.0000,  0.8412])
    """
    raise NotImplementedError("gelu")


def gelu_gap(xs):
    """The largest difference, at these places, between the exact GELU and the tanh form.

    xs: (n,) floating tensor  ->  float; the exact form is x Φ(x) = 0.5 x (1 + erf(x / √2))
    """
    raise NotImplementedError("gelu_gap")


# ------------------------------------------------------------------------------- the layers


class LayerNorm(nn.Module):
    """Layer normalisation whose shift can be left out."""

    def __init__(self, ndim, bias):
        """self.weight: (ndim,) ones; self.bias: (ndim,) zeros, or None if bias is False"""
        super().__init__()
        raise NotImplementedError("LayerNorm.__init__")

    def forward(self, x):
        """x: (…, ndim)  ->  (…, ndim): (x - mean) / √(var + 1e-5) · weight + bias"""
        raise NotImplementedError("LayerNorm.forward")


class CausalSelfAttention(nn.Module):
    """All heads at once: the heads are a dimension of the batch."""

    def __init__(self, config):
        """self.c_attn: linear, C to 3C (queries, keys, values, in this order); self.c_proj:
        linear, C to C; biases if config.bias; dropout on the weights and after c_proj.

        An n_embd that n_head doesn't divide is an error (any exception).
        """
        super().__init__()
        raise NotImplementedError("CausalSelfAttention.__init__")

    def forward(self, x):
        """x: (B, T, C), T at most block_size  ->  (B, T, C)

        q, k, v as (B, n_head, T, hs): head h has the columns h·hs to (h + 1)·hs of each.
        """
        raise NotImplementedError("CausalSelfAttention.forward")


class MLP(nn.Module):
    """Each position by itself."""

    def __init__(self, config):
        """self.c_fc: linear, C to 4C; self.c_proj: linear, 4C to C; biases if config.bias"""
        super().__init__()
        raise NotImplementedError("MLP.__init__")

    def forward(self, x):
        """x: (B, T, C)  ->  (B, T, C): c_fc, GELU, c_proj, dropout"""
        raise NotImplementedError("MLP.forward")


class Block(nn.Module):
    """Attention, then the MLP, each on a side road of the residual pathway."""

    def __init__(self, config):
        """self.ln_1, self.attn, self.ln_2, self.mlp"""
        super().__init__()
        raise NotImplementedError("Block.__init__")

    def forward(self, x):
        """x: (B, T, C)  ->  (B, T, C): x + attn(ln_1(x)), and on that + mlp(ln_2(…))"""
        raise NotImplementedError("Block.forward")


# -------------------------------------------------------------------------------- the model


class GPT(nn.Module):
    """The whole: tables, blocks, a last norm, and a head that is the table of tokens again."""

    def __init__(self, config):
        """self.config; self.transformer: an nn.ModuleDict of wte, wpe, drop, h (ModuleList of
        Blocks) and ln_f; self.lm_head: linear, C to V, no bias, whose weight is wte's.

        At the end it calls self.init_weights().
        """
        super().__init__()
        raise NotImplementedError("GPT.__init__")

    def init_weights(self):
        """First values: every matrix and table normal with std 0.02, but each c_proj.weight
        0.02 / √(2 · n_layer); biases of linear layers 0; norms 1 and 0.
        """
        raise NotImplementedError("GPT.init_weights")

    def forward(self, idx, targets=None):
        """idx, targets: (B, T) int64, T at most block_size (more is an error)  ->  (logits, loss)

        With targets: logits (B, T, V), the mean cross-entropy over the targets that aren't -1.
        Without: loss None, and logits of the last position, (B, 1, V), are enough.
        """
        raise NotImplementedError("GPT.forward")

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        """An AdamW with two groups: what has two dimensions or more decays, the rest doesn't.

        betas: pair of floats; device_type: "cpu" or "cuda" (for a fused AdamW, if you like)
        ->  torch.optim.AdamW that holds every parameter once
        """
        raise NotImplementedError("GPT.configure_optimizers")

    def crop_block_size(self, block_size):
        """Make the model read block_size tokens at most, fewer than before; in place.

        The first positions stay; self.config.block_size changes, too.
        """
        raise NotImplementedError("GPT.crop_block_size")

    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None):
        """Write: the last position's logits / temperature, the top_k largest, softmax, draw.

        idx: (B, T) int64, any T: the model reads the last block_size; temperature: positive;
        top_k: int or None for all; more than V stands for V; generator: on the CPU
        ->  (B, T + max_new_tokens): idx and what follows it
        """
        raise NotImplementedError("GPT.generate")


def count_params(config):
    """The number of a GPT's parameters, by arithmetic: tied, positions included.

    >>> count_params(GPTConfig())
    124439808
    """
    raise NotImplementedError("count_params")


def load_gpt2(model, sd):
    """Put the published GPT-2's weights into a model of its sizes, in place.

    sd: dict of tensors by your model's names, lm_head.weight included, with two differences:
    four kinds of weight (attn.c_attn, attn.c_proj, mlp.c_fc, mlp.c_proj) are (in, out); there
    are buffers, attn.bias and attn.masked_bias, that aren't weights  ->  model
    """
    raise NotImplementedError("load_gpt2")


# ------------------------------------------------------------------------------- training


def get_lr(it, warmup_iters, lr_decay_iters, learning_rate, min_lr):
    """The learning rate of step it: a linear rise, half a cosine, then level.

    it: int, from 0; below warmup_iters it is learning_rate · (it + 1) / (warmup_iters + 1)
    (or · it / warmup_iters); then half a cosine from learning_rate, at warmup_iters, to min_lr,
    at lr_decay_iters; min_lr from there on  ->  float
    """
    raise NotImplementedError("get_lr")


def accumulate(model, X, Y, micro):
    """The gradients of one large batch, by pieces that fit into memory.

    model: model(x, y) gives (logits, loss), the mean over the rows; X, Y: (B, T); micro: the
    rows of a piece, the last of which may have fewer
    ->  float: the mean loss of the batch; the parameters' .grad are that loss's, old ones gone
    """
    raise NotImplementedError("accumulate")


def clip_grad(params, max_norm):
    """Scale all gradients by one factor so that their common norm is max_norm at most.

    params: list of tensors, some of whose .grad may be None; they are changed in place
    ->  float: the norm before: the root of the sum of the squares of all gradients
    """
    raise NotImplementedError("clip_grad")


def save_checkpoint(path, model, optimizer, step):
    """All that the next step depends on, in one file.

    The state of the model and of the optimizer, the step, and torch's random state (on the
    CPU), so that torch.load(path, weights_only=True) reads it.
    """
    raise NotImplementedError("save_checkpoint")


def load_checkpoint(path, model, optimizer):
    """Put everything back as it was, and go on to the bit as if nothing had happened.

    ->  int: the step; a file that is cut off is an error (any exception), and changes nothing
    """
    raise NotImplementedError("load_checkpoint")


def estimate_mfu(n_params, config, sequences, dt, peak_flops=312e12):
    """Model flops utilisation: which share of the chip's arithmetic a step has used.

    A token costs 6 n_params + 12 · layers · heads · head size · block_size flops; sequences of
    block_size tokens each went through in dt seconds  ->  float
    """
    raise NotImplementedError("estimate_mfu")


# -------------------------------------------------------------------------------- surgery


def resize_vocab(model, n_new, generator=None):
    """Room for n_new more tokens: more rows in wte and lm_head, which stay one tensor.

    The old rows stay as they are; the new are normal, std 0.02 (or the mean of the old);
    generator: on the CPU  ->  model
    """
    raise NotImplementedError("resize_vocab")


def freeze_base(model, n_old, lr=1e-3, weight_decay=0.1):
    """An AdamW whose steps move the rows of the token table from n_old on, and nothing else.

    Not even decay moves the others. ->  torch.optim.AdamW with this lr and weight_decay
    """
    raise NotImplementedError("freeze_base")


def learn_prompt(model, X, Y, n, steps, lr):
    """Learn n vectors that, put before the tokens' own, make a frozen model better at Y.

    X, Y: (B, T) int64 with n + T at most block_size; positions count from the prompt's first
    vector; the loss is taken at the tokens' places; the model stays as it is, and so do its
    requires_grad  ->  (prompt (n, C), list of the loss of each step, before it)
    """
    raise NotImplementedError("learn_prompt")


# ------------------------------------------------------------------------ writing with a cache


def generate_cached(model, idx, max_new_tokens):
    """The likeliest token at each step, as generate with top_k=1, but no position is read twice.

    Keys and values of what was read are kept, for each block; a new token asks them alone.
    idx: (B, T) int64, T + max_new_tokens at most block_size  ->  (B, T + max_new_tokens)
    """
    raise NotImplementedError("generate_cached")
