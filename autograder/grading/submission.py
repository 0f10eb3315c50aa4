"""A submission: its sources, or the sentence that says why there are none."""

from __future__ import annotations

import hashlib

import msgspec

from autograder.verdict import Outcome


class Submission(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What one student handed in for one lecture.

    files: path -> bytes. problem: why it can't be read; outcome: what its tests become then.
    """

    name: str
    files: dict[str, bytes] = {}
    problem: str = ""
    outcome: Outcome = Outcome.REFUSED

    @property
    def digest(self) -> str:
        """Of names and contents: two submissions with the same digest get the same report."""
        sha = hashlib.sha256(self.problem.encode("utf-8", "replace"))
        for path, data in sorted(self.files.items()):
            sha.update(f"\0{path}\0{len(data)}\0".encode("utf-8", "replace") + data)
        return f"sha256:{sha.hexdigest()}"
