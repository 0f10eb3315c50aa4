"""Sums of several kinds."""

import torch


def double(x):
    """Twice x.

    >>> double(3)
    6
    """
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


def row_sums(x: torch.Tensor):
    """(N, M) -> (N,), each row's sum."""
    ### BEGIN SOLUTION
    return torch.einsum("nm->n", x)
    ### END SOLUTION


def share(x: torch.Tensor):
    """(N, M) -> (N, M), each row sums to 1."""
    ### BEGIN SOLUTION
    return x / row_sums(x)[:, None]
    ### END SOLUTION


class Counter:
    """Counts what it is given."""

    def __init__(self):
        self.seen = []

    def add(self, x):
        """Take one number."""
        ### BEGIN SOLUTION
        self.seen.append(x)
        ### END SOLUTION

    def total(self):
        """The sum of what came."""
        ### BEGIN SOLUTION
        return sum(self.seen)
        ### END SOLUTION


def extra(xs):
    """The sum of a list."""
    ### BEGIN SOLUTION
    return sum(xs)
    ### END SOLUTION
