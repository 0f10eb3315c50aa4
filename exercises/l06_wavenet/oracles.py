"""What both suites expect: torch's own answers, and how far a submission's may be off."""

import torch

from autograder.suite import within

F = torch.nn.functional

ROUNDED = within(1e-5, 1e-5, "float32 rounds in the seventh digit")
TRAINED = within(1e-4, 2e-5, "gradients of many operations in float32")


# BatchNorm1d: in training the variance may be the lecture's (n - 1 below the line) or
# PyTorch's (n); the running one is the lecture's in both, or PyTorch's with PyTorch's.
# Of each pair: whether the variance is the lecture's, and whether the running one is.
VARIANCES = ((True, True), (False, True), (False, False))


def as_rows(x):
    return x.reshape(-1, x.shape[-1])


def trained_norm(x, values, unbiased, eps=1e-5):
    mean, var = as_rows(x).mean(0), as_rows(x).var(0, correction=int(unbiased))
    return values["gamma"] * (x - mean) / (var + eps).sqrt() + values["beta"]


def eval_norm(x, values, eps=1e-5):
    scaled = (x - values["running_mean"]) / (values["running_var"] + eps).sqrt()
    return values["gamma"] * scaled + values["beta"]


def moved_on(x, values, unbiased, momentum=0.1):
    """The running numbers after x."""
    new = {
        "running_mean": as_rows(x).mean(0),
        "running_var": as_rows(x).var(0, correction=int(unbiased)),
    }
    return {name: (1 - momentum) * values[name] + momentum * new[name] for name in new}


def new_norm(x):
    """What a new BatchNorm1d for x holds."""
    zeros = torch.zeros_like(as_rows(x)[0])
    ones = zeros + 1
    return {"gamma": ones, "beta": zeros, "running_mean": zeros, "running_var": ones}
