"""Sums of several kinds."""

import torch


def double(x):
    """Twice x.

    >>> double(3)
    6
    """
    raise NotImplementedError("double")


def row_sums(x: torch.Tensor):
    """(N, M) -> (N,), each row's sum."""
    raise NotImplementedError("row_sums")


def share(x: torch.Tensor):
    """(N, M) -> (N, M), each row sums to 1."""
    raise NotImplementedError("share")


class Counter:
    """Counts what it is given."""

    def __init__(self):
        self.seen = []

    def add(self, x):
        """Take one number."""
        raise NotImplementedError("Counter.add")

    def total(self):
        """The sum of what came."""
        raise NotImplementedError("Counter.total")


def extra(xs):
    """The sum of a list."""
    raise NotImplementedError("extra")
