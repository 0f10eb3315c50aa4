"""What both suites expect: PyTorch's own answers, and a `close` that takes float32 for float64."""

import torch
from probes import folded

from autograder import suite

F = torch.nn.functional
F64 = torch.float64

ROUNDED = suite.within(1e-5, 1e-5, "float32 rounds in the seventh digit")


def close(got, right, tolerance=None):
    """As the suite's; but an answer in float32, which torch.zeros makes, is right for float64."""
    suite.close(got, as_answered(got, right), tolerance)


def as_answered(got, right):
    """What is expected, in float32 where the answer is."""
    if isinstance(right, (list, tuple)) and isinstance(got, (list, tuple)):
        same = len(got) == len(right)
        return [as_answered(g, r) for g, r in zip(got, right)] if same else right
    tensors = isinstance(got, torch.Tensor) and isinstance(right, torch.Tensor)
    single = tensors and (got.dtype, right.dtype) == (torch.float32, torch.float64)
    return right.float() if single else right


def right_train(x, gain, bias):
    mean, std = x.mean(0, keepdim=True), x.std(0, keepdim=True)
    return [gain * (x - mean) / std + bias, mean, std]


def check_fold(student, x, args, eps=None):
    """x through the folded layer is as through the layer and PyTorch's norm in eval."""
    W, b, gain, bias, mean, var = args
    z = x @ W if b is None else x @ W + b
    right = F.batch_norm(z, mean, var, gain, bias, False, 0.0, 1e-5 if eps is None else eps)
    W2, b2 = student.run(folded, args, eps)
    close([W2.shape, b2.shape], [W.shape, mean.shape])
    close(x.to(W2) @ W2 + b2.to(W2), right)


def right_stats(outs):
    right = [[t.mean(), t.std(), 100 * (t.abs() > 0.97).double().mean()] for t in outs]
    return [[x.item() for x in row] for row in right]


def right_grad_stats(pairs):
    """pairs: data and gradient of each parameter."""
    right = [[g.mean(), g.std(), g.std() / p.std()] for p, g in pairs if p.dim() == 2]
    return [[x.item() for x in row] for row in right]


def right_ratios(pairs, lr):
    return [(lr * g.std() / p.std()).log10().item() for p, g in pairs if p.dim() == 2]
