"""README's table of the course, made anew: counted where it can be counted, else as measured.

python bench/figures.py            writes the table into README
python bench/figures.py --measure  measures each hidden suite's CPU seconds first (a minute)

What is measured stands in bench/measured.json: `cpu_seconds` by `bench/suites.py`, `mutants`
(those that differ, all of which die) by `tests/mutation.py`, what a lecture's program `reached`
by the command beside it.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from suites import apart, cpu_seconds

from autograder.course import HIDDEN, VISIBLE, load_course
from autograder.mistake import load_mistakes
from autograder.plugin import Suite, collect

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "bench" / "measured.json"
README = ROOT / "README.md"
MARKS = "<!-- figures: python bench/figures.py -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True)
class Row:
    """One lecture's figures.

    mutants: those that aren't equivalent; cpu_seconds: of the hidden suite with the reference.
    """

    lecture: str
    tasks: int
    visible: int
    hidden: int
    mistakes: int
    right_ways: int
    mutants: int
    cpu_seconds: float
    published: str
    reached: str

    def text(self) -> str:
        number, name = re.fullmatch(r"l0*(\d+)_(\w+)", self.lecture).groups()  # type: ignore[union-attr]
        cells = (
            f"[{number} {name}](solutions/{self.lecture}/README.md)",
            self.tasks,
            f"{self.visible} visible, {self.hidden} hidden",
            self.mistakes,
            self.right_ways,
            f"100 % of {self.mutants}",
            f"{self.cpu_seconds:.1f}",
            f"{self.published} → {self.reached}",
        )
        return f"| {' | '.join(map(str, cells))} |\n"


HEAD = (
    "| lecture | tasks | tests | mistakes | right ways | mutation | CPU s |"
    " published → reached |\n|---|---|---|---|---|---|---|---|\n"
)


def tests_of(id: str) -> tuple[int, int]:
    """(visible, hidden) tests of a lecture, as pytest collects them."""
    course = load_course(ROOT)
    suite = Suite(course, course.lecture(id), "cpu")
    collect(suite, lambda suite: None)
    files = [test.item.path.name for test in suite.tests]
    return files.count(VISIBLE), files.count(HIDDEN)


def rows() -> list[Row]:
    """Each lecture's figures as they are now."""
    known = json.loads(MEASURED.read_text())
    ways = ROOT / "tests" / "right_ways"
    lectures = load_course(ROOT).lectures
    counts = apart(tests_of, [lecture.id for lecture in lectures])
    return [
        Row(
            lecture.id,
            len(lecture.tasks),
            *count,
            len(load_mistakes(lecture)),
            sum(entry.name != "__pycache__" for entry in (ways / lecture.id).iterdir()),
            known[lecture.id]["mutants"],
            known[lecture.id]["cpu_seconds"],
            known[lecture.id]["published"],
            known[lecture.id]["reached"],
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
