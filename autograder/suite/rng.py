"""Random numbers of a test."""

from __future__ import annotations

import torch


class Random(torch.Generator):
    """A test's random numbers: the same on every machine, made on the CPU, put on the device.

    It is a `torch.Generator` on the CPU too, for functions that take one.
    """

    def __new__(cls, seed: int, device: str = "cpu") -> Random:
        return super().__new__(cls)

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.manual_seed(seed)
        self.place = device

    def normal(
        self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        """Normal numbers of that shape, times `scale`."""
        return (torch.randn(shape, generator=self, dtype=dtype) * scale).to(self.place)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Numbers between 0 and 1, of that shape."""
        return torch.rand(shape, generator=self, dtype=dtype).to(self.place)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """int64 numbers from `low` to `high` - 1, of that shape."""
        return torch.randint(low, high, shape, generator=self).to(self.place)

    def permutation(self, n: int) -> torch.Tensor:
        """0 to n - 1 in a random order, int64."""
        return torch.randperm(n, generator=self).to(self.place)
