"""README's table of the course: counted, or as measured.

python bench/figures.py            writes the table into README
python bench/figures.py --measure  measures each hidden suite's CPU seconds first (a minute)

Measured figures are in bench/measured.json: `cpu_seconds` by `bench/suites.py`, `mutants` (those
that are not equivalent; all of them fail a test) by `tests/course/mutation.py`, the loss that a
demo program `reached` by the command beside it.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites import apart, cpu_seconds

from autograder.course import load_course
from autograder.diagnosis.mistakes import load_mistakes
from autograder.suite.collect import collect

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "bench" / "measured.json"
README = ROOT / "README.md"
MARKS = "<!-- figures: python bench/figures.py -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True)
class Row:
    """One lecture's figures."""

    lecture: str
    tasks: int
    visible: int
    hidden: int
    mistakes: int
    alternatives: int
    measured: dict[str, Any]  # of bench/measured.json; empty for a new lecture

    def text(self) -> str:
        number, name = re.fullmatch(r"l0*(\d+)_(\w+)", self.lecture).groups()  # type: ignore[union-attr]
        cells = (
            f"[{number} {name}](solutions/{self.lecture}/README.md)",
            self.tasks,
            f"{self.visible} visible, {self.hidden} hidden",
            self.mistakes,
            self.alternatives,
            *self.measured_cells(),
        )
        return f"| {' | '.join(map(str, cells))} |\n"

    def measured_cells(self) -> tuple[str, str, str]:
        of = self.measured
        if not of:
            return "–", "–", "–"
        reached = f"{of['published']} → {of['reached']}"
        return f"100 % of {of['mutants']}", f"{of['cpu_seconds']:.1f}", reached


HEAD = (
    "| lecture | tasks | tests | mistakes | alternative solutions | mutation | CPU s |"
    " published → reached |\n|---|---|---|---|---|---|---|---|\n"
)


def tests_of(id: str) -> tuple[int, int]:
    """(visible, hidden) tests of a lecture, as pytest collects them."""
    course = load_course(ROOT)
    tests = collect(course, course.lecture(id), "cpu").tests
    visible = sum(test.visible for test in tests)
    return visible, len(tests) - visible


def rows() -> list[Row]:
    """Each lecture's figures as they are now."""
    known = json.loads(MEASURED.read_text())
    folder = ROOT / "tests" / "alternatives"
    lectures = load_course(ROOT).lectures
    counts = apart(tests_of, [lecture.id for lecture in lectures])
    return [
        Row(
            lecture.id,
            len(lecture.tasks),
            *count,
            len(load_mistakes(lecture)),
            sum(path.is_dir() for path in (folder / lecture.id).glob("[!_]*")),
            known.get(lecture.id, {}),
        )
        for lecture, count in zip(lectures, counts, strict=True)
    ]


def table() -> str:
    return HEAD + "".join(row.text() for row in rows())


def measure() -> None:
    """CPU seconds of each suite, into bench/measured.json."""
    known = json.loads(MEASURED.read_text())
    for figures, seconds in zip(known.values(), apart(cpu_seconds, known), strict=True):
        figures["cpu_seconds"] = round(seconds, 3)
    MEASURED.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def main(arguments: list[str]) -> None:
    if arguments == ["--measure"]:
        measure()
    text = README.read_text()
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    README.write_text(before + MARKS[0] + table() + MARKS[1] + after)


if __name__ == "__main__":
    main(sys.argv[1:])
