"""What stays with staff."""

import torch
from probes import counted

from autograder.suite import close, task


@task("double")
def test_negative(student):
    """A negative number doubles too."""
    close(student.double(-4), -8)


@task("row_sums")
def test_rows(student, rng, device):
    """Rows are summed, columns are not."""
    x = torch.randn(5, 7, generator=rng, dtype=torch.float64).to(device)
    close(student.row_sums(x), x.sum(1))


@task("share")
def test_shares(student, reference, rng, device):
    """Every row of the shares sums to one."""
    x = torch.rand(5, 7, generator=rng, dtype=torch.float64).to(device)
    close(student.share(x), reference.share(x))


@task("share")
def test_one_column(student, device):
    """A single column is all of its row."""
    x = torch.tensor([[2.0], [3.0]], device=device)
    close(student.share(x), torch.ones(2, 1, device=device))


@task("Counter")
def test_counter(student, reference):
    """A counter adds up what came."""
    close(student.run(counted, [1, 2, 4]), counted(reference, [1, 2, 4]))


@task("extra")
def test_extra(student):
    """The sum of a list."""
    close(student.extra([1, 2, 3]), 6)
