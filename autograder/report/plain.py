"""Reports as JSON, as docs/report.md describes it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autograder.verdict import Report


def to_json(reports: Sequence[Report]) -> str:
    """A list of reports, as docs/report.md has them."""
    data = msgspec.json.encode(list(reports), order="deterministic")
    return msgspec.json.format(data, indent=1).decode() + "\n"
