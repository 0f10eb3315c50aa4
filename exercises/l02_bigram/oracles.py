"""What both suites expect: PyTorch's answers, and how far off an answer may be."""

import torch

from autograder.suite import within

LOOSE = within(1e-5, 1e-6, "sums and logarithms in float32, in any order")


def chances(P, pairs, stoi):
    """The probabilities of pairs of letters, as Python floats."""
    return [P[stoi[first], stoi[second]].item() for first, second in pairs]


def loss_and_gradient(W, xs, ys):
    leaf = W.detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(leaf[xs], ys)
    return loss.item(), torch.autograd.grad(loss, leaf)[0]


def torch_training(W, xs, ys, steps, lr):
    """The loss that each step begins with, and W in the end."""
    losses = []
    for _ in range(steps):
        loss, gradient = loss_and_gradient(W, xs, ys)
        losses.append(loss)
        W = W - lr * gradient
    return losses, W
