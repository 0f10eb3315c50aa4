"""What one submission may use: part of course.toml, and of the settings of a worker."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submission may use: seconds, and MiB where a name says so.

    call: one answer; submission: all; cpu: of one process. memory_mib: beyond an idle process,
    with all that it starts. answer_depth: lists in lists.
    """

    call: float = 5.0
    submission: float = 60.0
    cpu: int = 90
    memory_mib: int = 1024
    file_mib: int = 64
    processes: int = 64
    open_files: int = 64
    output_kib: int = 1024
    answer_mib: int = 64
    answer_depth: int = 32
    kills_per_task: int = 3
