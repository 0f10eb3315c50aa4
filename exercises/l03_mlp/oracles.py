"""What both suites expect: PyTorch's own answers, and how near to them is near enough."""

import math

import torch

from autograder.suite import within

F = torch.nn.functional

ROUNDED = within(1e-5, 1e-5, "float32 rounds in the seventh digit")
TRAINED = within(1e-4, 1e-5, "gradients of many operations in float32")
FACTOR_OF_TWO = within(0.0, 0.3, "a factor of two to either side")
V, E, BLOCK, H = 11, 2, 3, 5


def network(rng, vocab=V, n_embd=E, block=BLOCK, n_hidden=H):
    """Parameters under which tanh bends, but is not flat."""
    shapes = [
        (vocab, n_embd),
        (block * n_embd, n_hidden),
        (n_hidden,),
        (n_hidden, vocab),
        (vocab,),
    ]
    return [rng.normal(*shape, scale=0.7).requires_grad_() for shape in shapes]


def examples(rng, n):
    """Contexts and labels."""
    return rng.integers(0, V, n, BLOCK), rng.integers(0, V, n)


def right_logits(params, X):
    C, W1, b1, W2, b2 = params
    return F.linear(torch.tanh(F.linear(F.embedding(X, C).flatten(1), W1.T, b1)), W2.T, b2)


def right_loss(params, X, Y):
    return F.cross_entropy(right_logits(params, X), Y)


def right_steps(params, batches, rates):
    """The losses before each step, and the parameters after the last."""
    losses = []
    for batch, lr in zip(batches, rates, strict=True):
        loss = right_loss(params, *batch)
        gradients = torch.autograd.grad(loss, params)
        params = [(p - lr * g).detach().requires_grad_() for p, g in zip(params, gradients)]
        losses.append(loss.item())
    return losses, params


def exponent(rate):
    """log10 of a rate, if it is one."""
    rate = rate.item() if isinstance(rate, torch.Tensor) and rate.dim() == 0 else rate
    return math.log10(rate) if isinstance(rate, float) and 0 < rate < 1e9 else "not a rate"
