"""What the student may read."""

import torch

from autograder.suite import close, task


@task("double")
def test_three(student):
    """Twice three is six."""
    close(student.double(3), 6)


@task("row_sums")
def test_ones(student, device):
    """A row of ones sums to its length."""
    close(student.row_sums(torch.ones(2, 3, device=device)), torch.full((2,), 3.0, device=device))
