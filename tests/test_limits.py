"""What a submission may use: the course sets each limit, and crossing one costs one test."""

from __future__ import annotations

import textwrap

import pytest
from conftest import Grade, outcomes

from autograder.course import Course

# limit in course.toml, the body of `double` for its first question, outcome, words of the detail
CROSSINGS = {
    "call": ("call = 0.3", "while True: pass", "timeout", "no answer before the deadline"),
    "cpu": ("call = 60.0\ncpu = 1", "while True: pass", "timeout", "its 1 seconds of CPU"),
    "memory": ("memory_mib = 100", "bytearray(2**28)", "refused", "more memory than allowed"),
    "a tensor": ("memory_mib = 100", "torch.ones(2**26)", "refused", "more memory than allowed"),
    "memory in many": (
        "memory_mib = 150\ncall = 60.0",
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        kept = bytearray(60 * 2**20)\n        time.sleep(60)\n"
        "time.sleep(60)",
        "refused",
        "the submission took more than 150 MiB, with the processes that it started",
    ),
    "a file": ("file_mib = 2", "open('f', 'wb').write(bytes(3 * 2**20))", "error", "OSError"),
    "open files": ("open_files = 20", "[open('/dev/null') for _ in range(30)]", "error", "open"),
    "processes": (
        "processes = 20",
        "import threading\nlock = threading.Lock()\nlock.acquire()\n"
        "for _ in range(600): threading.Thread(target=lock.acquire, daemon=True).start()",
        "error",
        "can't start new thread",
    ),
    "output": ("output_kib = 4", "print('x' * 5000)", "refused", "printed more than 4 KiB"),
    "an answer": ("answer_mib = 1", "return bytes(2**20)", "refused", "1048576 are allowed"),
    "depth": ("answer_depth = 8", "return [[[[[[[[[x]]]]]]]]]", "refused", "deeper than 8 levels"),
}


@pytest.mark.parametrize("what", CROSSINGS)
def test_crossing_a_limit_costs_one_test(
    grade: Grade, mini: Course, reference: str, what: str
) -> None:
    """Its detail names the limit; the task's other test and all other tasks pass."""
    limits, body, outcome, says = CROSSINGS[what]
    toml = mini.root / "course.toml"
    head = toml.read_text().split("[limits]")[0]
    rest = "" if "call" in limits else "call = 5.0\n"
    toml.write_text(f"{head}[limits]\nsubmission = 60.0\n{rest}{limits}\n")
    crossing = textwrap.indent(body, " " * 8)
    bad = reference.replace("    return 2 * x", f"    if x == 3:\n{crossing}\n    return 2 * x")
    report = grade({"bad": bad})["bad"]
    first, second = report.tasks[0].tests
    assert (first.outcome, second.outcome) == (outcome, "passed")
    assert says in first.detail
    assert {o for task, o in outcomes(report).items() if task != "double"} == {"passed"}
