"""A student who knows more of PyTorch: vmap, index_put, dataclasses, functional_call-like steps."""
import math
import random
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor


class Params(NamedTuple):
    C: Tensor
    W1: Tensor
    b1: Tensor
    W2: Tensor
    b2: Tensor


def build_vocab(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    itos = {0: "."} | {i: c for i, c in enumerate(sorted(set().union(*words)), 1)}
    return {c: i for i, c in itos.items()}, itos


def build_dataset(words: list[str], stoi: dict[str, int], block_size: int = 3):
    X: list[list[int]] = []
    Y: list[int] = []
    for word in words:
        context = deque([0] * block_size, maxlen=block_size)
        for ix in map(stoi.__getitem__, word + "."):
            X.append(list(context))
            Y.append(ix)
            context.append(ix)
    return torch.LongTensor(X).view(-1, block_size), torch.LongTensor(Y)


def split_words(words: list[str], seed: int = 42):
    state = random.getstate()
    random.seed(seed)
    mixed = sorted(words, key=lambda _: random.random())
    random.setstate(state)
    n1, n2 = len(mixed) * 8 // 10, len(mixed) * 9 // 10
    return mixed[:n1], mixed[n1:n2], mixed[n2:]


def embed(C: Tensor, X: Tensor) -> Tensor:
    return torch.nn.Embedding.from_pretrained(C, freeze=False)(X) if not C.requires_grad else C[X]


def concat(emb: Tensor) -> Tensor:
    return torch.nn.Flatten()(emb)


def describe_view(shape, stride) -> bool:
    it = [(n, s) for n, s in zip(shape, stride) if n > 1]
    return 0 in shape or all(s1 == n2 * s2 for (_, s1), (n2, s2) in zip(it[:-1], it[1:]))


def init_params(vocab, n_embd, block, n_hidden, generator) -> Params:
    def weight(*shape):
        w = torch.empty(*shape).normal_(generator=generator)
        return w.requires_grad_()

    C, W1 = weight(vocab, n_embd), weight(block * n_embd, n_hidden)
    b1, W2, b2 = weight(n_hidden), weight(n_hidden, vocab), weight(vocab)
    return Params(C, W1, b1, W2, b2)


def hidden(params, X: Tensor) -> Tensor:
    C, W1, b1, *_ = params
    chunks = W1.chunk(X.shape[1], 0)
    return torch.tanh(sum(C[X[:, i]] @ chunk for i, chunk in enumerate(chunks)) + b1)


def forward(params, X: Tensor) -> Tensor:
    *_, W2, b2 = params
    return torch.nn.functional.linear(hidden(params, X), W2.t(), b2)


def cross_entropy(logits: Tensor, Y: Tensor) -> Tensor:
    def one(row: Tensor, y: Tensor) -> Tensor:
        return torch.logaddexp(row, row.new_tensor(-math.inf)).logsumexp(0) - row[y]

    return torch.stack([one(row, y) for row, y in zip(logits, Y)]).mean()


def minibatch(N: int, size: int, generator) -> Tensor:
    weights = torch.ones(N)
    return torch.multinomial(weights, size, replacement=True, generator=generator)


def train_step(params, Xb: Tensor, Yb: Tensor, lr) -> float:
    for p in params:
        p.grad = None
    with torch.enable_grad():
        loss = torch.nn.CrossEntropyLoss()(forward(params, Xb), Yb)
    loss.backward()
    with torch.no_grad():
        torch._foreach_add_(list(params), [p.grad for p in params], alpha=-float(lr))
    return loss.detach().item()


def lr_candidates(low=-3, high=0, n=1000) -> Tensor:
    return torch.pow(10, torch.linspace(low, high, steps=n))


def find_lr(params, X, Y, lrs, batch_size, generator) -> Tensor:
    state = torch.cat([p.detach().flatten() for p in params]).clone()
    try:
        losses = []
        for lr in lrs:
            ix = minibatch(Y.numel(), batch_size, generator).to(X.device)
            losses.append(train_step(params, X[ix], Y[ix], lr))
    finally:
        with torch.no_grad():
            for p, saved in zip(params, state.split([p.numel() for p in params])):
                p.copy_(saved.view_as(p))
                p.grad = None
    return torch.tensor(losses, dtype=torch.float64)


def suggest_lr(lrs, losses, window) -> float:
    series = losses.double().masked_fill(~losses.isfinite(), 1e30)
    means = torch.nn.functional.avg_pool1d(series[None, None], window, stride=1)[0, 0]
    start = int(means.argmin())
    return float(lrs[start : start + window].log().mean().exp())


def lr_at(step: int, steps: int) -> float:
    first_half = range(steps // 2)
    return 0.1 if step in first_half else 0.01


def evaluate(params, X: Tensor, Y: Tensor) -> float:
    frozen = [p.detach() for p in params]
    return torch.nn.functional.cross_entropy(forward(frozen, X), Y).item()


def perplexity(loss: float) -> float:
    return 2 ** (loss / math.log(2))


def dead_neurons(h: Tensor, limit: float = 0.99):
    far = (h > limit) | (h < -limit)
    return far.to(torch.float64).mean(0), ~(~far).any(0)


def sample(params, itos, block, generator, max_len) -> str:
    context = torch.zeros(block, dtype=torch.int64)
    word = ""
    for _ in range(max_len):
        p = torch.distributions.Categorical(logits=forward(params, context[None]).detach()[0]).probs
        ix = torch.multinomial(p, 1, generator=generator)[0]
        if itos[int(ix)] == ".":
            break
        word = f"{word}{itos[int(ix)]}"
        context = context.roll(-1)
        context[-1] = ix
    return word


def capacity(vocab, n_embd, block, n_hidden) -> int:
    table = vocab * n_embd
    first = n_hidden * (1 + block * n_embd)
    second = vocab * (1 + n_hidden)
    return table + first + second
