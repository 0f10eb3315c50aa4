"""What both suites expect: answers that may have several forms; and a check for packages."""

import pytest

from autograder.suite import close_to_one

BYTES = {i: bytes([i]) for i in range(256)}


def installed(name):
    """The package, or a test that is skipped."""
    return pytest.importorskip(name, reason=f"{name} is missing: pip install 'autograder[text]'")


def tokens_or_counts(answer, *rows):
    """How many tokens each text has, or the tokens."""
    close_to_one(answer, [len(row) for row in rows], rows)


def tokens_of_numbers(answer, numbers, rows, vocab):
    """The tokens of each number, their count, or their texts; in order, or by the number."""
    texts = [[vocab[idx].decode() for idx in row] for row in rows]
    forms = [rows, [len(row) for row in rows], texts]
    keys = [numbers, [str(number) for number in numbers]]
    close_to_one(answer, *forms, *(dict(zip(key, form)) for form in forms for key in keys))


def untrained(answer, ids, vocab):
    """The ids in order, or their bytes."""
    close_to_one(answer, ids, sorted(vocab[idx] for idx in ids))
