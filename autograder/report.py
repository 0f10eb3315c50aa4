"""Reports as terminal text, JSON, JUnit, CSV, HTML: pure functions."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import msgspec
from rich.table import Table
from rich.text import Text

from autograder.verdict import MistakeFound, Report, TaskResult, TestResult, harmless

SIGNS: dict[str, tuple[str, str]] = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "error": ("!", "red"),
    "timeout": ("◔", "red"),
    "crashed": ("☠", "red"),
    "refused": ("⊘", "magenta"),
    "missing": ("·", "dim"),
    "blocked": ("↑", "yellow"),
    "skipped": ("–", "dim"),
    "broken": ("?", "bold magenta"),
}


WRONG = ("failed", "error", "timeout", "crashed", "refused")


def student_text(report: Report, title: str = "", hint: str = "autograder hint") -> Text:
    """One submission for its author: each task a line, and under it what to look at.

    Give it `verdict.for_student(report)`: it prints each `why` that it finds.
    """
    text = Text()
    text.append(title or report.lecture, style="bold")
    text.append(f"   {number(report.score)} of {number(report.points)} points\n")
    if report.problem:
        text.append(f"\n{report.problem}\n", style="red")
        return text
    for task in report.tasks:
        _task_lines(text, task, hint)
    told = [test.told for task in report.tasks for test in task.tests if test.told]
    text.append("\n" + "\n".join(told) + "\n" if told else "")
    if report.output:
        text.append("\nprinted while it was imported:\n", style="dim")
        text.append(_indent(report.output, 2, 20), style="dim")
    return text


def _task_lines(text: Text, task: TaskResult, hint: str) -> None:
    sign, style = SIGNS[task.outcome]
    text.append(f" {sign} ", style=style)
    points = f"{number(task.score)}/{number(task.points)}" + (" bonus" if task.bonus else "")
    text.append(f"{task.id:<24} {points:<8} ")
    text.append("" if task.outcome == "passed" else task.outcome, style=style)
    text.append("\n")
    if task.outcome in ("passed", "missing", "blocked"):
        return
    for test in task.tests:
        if test.outcome not in {"passed", "skipped", "blocked"}:
            _test_lines(text, test)
    if task.mistake is not None:
        text.append(f"     → {task.mistake.says}\n", style="bold cyan")
    if task.outcome != "broken":
        text.append(f"     {hint} {task.id}\n", style="dim")


def _test_lines(text: Text, test: TestResult) -> None:
    text.append(f"     {test.says}\n")
    shown = test.why or test.reason
    if shown:
        text.append(_indent(shown, 7, 12), style="dim")
    if test.output:
        text.append("       it printed:\n", style="dim")
        text.append(_indent(test.output, 9, 12), style="dim")


def _indent(text: str, by: int, most: int) -> str:
    lines = text.rstrip("\n").split("\n")
    shown = lines if len(lines) <= most else [*lines[: most - 1], "…"]
    return "".join(" " * by + line + "\n" for line in shown)


def number(points: float) -> str:
    """Points for a person: two digits behind the point at most.

    >>> number(7.50), number(38.8611)
    ('7.5', '38.86')
    """
    return f"{round(points, 2):g}"


def class_table(reports: Sequence[Report]) -> Table:
    """A line for each submission: score, outcomes, and the first thing to look at."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("submission", "left"), ("score", "right"), ("of", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("tasks")
    table.add_column("first to look at", overflow="fold")
    for report in reports:
        table.add_row(
            Text(harmless(report.submission)),
            number(report.score),
            number(report.points),
            _counts(report),
            Text(harmless(first_problem(report))),
        )
    return table


def _counts(report: Report) -> Text:
    counts: Counter[str] = Counter(task.outcome for task in report.tasks)
    text = Text()
    for outcome, (sign, style) in SIGNS.items():
        if counts[outcome]:
            text.append(f"{sign}{counts[outcome]} ", style=style)
    return text


def first_problem(report: Report) -> str:
    """One line that says where to begin with a submission; empty if all is well."""
    if report.problem:
        return report.problem.split("\n")[0]
    for task in report.tasks:
        if task.outcome not in ("passed", "skipped", "blocked") and not task.bonus:
            named = task.mistake.id if task.mistake else ""
            return f"{task.id}: {task.outcome}" + (f" ({named})" if named else "")
    return ""


def signs_text() -> str:
    """What the signs of the table mean."""
    return "  ".join(f"{sign} {outcome}" for outcome, (sign, _) in SIGNS.items())


@dataclass(frozen=True)
class Trouble:
    """A task of the class: how many have it wrong, and with which mistakes."""

    task: str
    wrong: int
    mistakes: list[tuple[MistakeFound, int]]


def troubles(reports: Sequence[Report]) -> list[Trouble]:
    """The tasks that the class got wrong, most first; not what is missing or blocked."""
    wrong: Counter[str] = Counter()
    named: dict[str, Counter[MistakeFound]] = {}
    for report in reports:
        for task in () if report.problem else report.tasks:
            if task.outcome in WRONG and not task.bonus:
                wrong[task.id] += 1
                if task.mistake is not None:
                    named.setdefault(task.id, Counter())[task.mistake] += 1
    return [
        Trouble(id, count, named.get(id, Counter()).most_common())
        for id, count in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    ]


def to_json(reports: Sequence[Report]) -> str:
    """A list of reports, as docs/report.md has them."""
    data = msgspec.json.encode(list(reports), order="deterministic")
    return msgspec.json.format(data, indent=1).decode() + "\n"


def to_csv(reports: Sequence[Report]) -> str:
    """A row for each submission, a column for each task; no cell that a spreadsheet would run."""
    tasks = list(dict.fromkeys(task.id for report in reports for task in report.tasks))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        map(_cell, ["submission", "lecture", "score", "points", *tasks, "mistakes", "problem"])
    )
    for report in reports:
        scores = {task.id: f"{task.score:g}" for task in report.tasks}
        mistakes = [f"{task.id}:{task.mistake.id}" for task in report.tasks if task.mistake]
        row = [report.submission, report.lecture, f"{report.score:g}", f"{report.points:g}"]
        row += [scores.get(task, "") for task in tasks]
        writer.writerow(map(_cell, [*row, " ".join(mistakes), report.problem.split("\n")[0]]))
    return out.getvalue()


def _cell(text: str) -> str:
    """One line, and none that a spreadsheet would run.

    Some of them part cells at a semicolon, whatever stands around it, or know signs of double
    width.
    """
    line = re.sub(r"[\t\r\n]+", " ", text) if re.search(r"[\t\r]|^\n", text) else text
    return re.sub(r"(^|;)(?=[\s\"']*[=+\-@＝＋－＠])", r"\1'", harmless(line, len(line)))


def to_junit(reports: Sequence[Report]) -> str:
    """JUnit XML: a suite for each submission, a case for each test."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        tests = [(task, test) for task in report.tasks for test in task.tests]
        kinds = Counter(_junit_kind(test) for _, test in tests)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=harmless(report.submission),
            tests=str(len(tests)),
            failures=str(kinds["failure"]),
            errors=str(kinds["error"]),
            skipped=str(kinds["skipped"]),
            time=f"{report.seconds:.3f}",
        )
        for task, test in tests:
            _junit_case(suite, report, task, test)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_kind(test: TestResult) -> str:
    if test.outcome == "passed":
        return ""
    if test.outcome in ("skipped", "blocked", "missing"):
        return "skipped"
    return "failure" if test.outcome == "failed" else "error"


def _junit_case(
    suite: ElementTree.Element, report: Report, task: TaskResult, test: TestResult
) -> None:
    name = harmless(f"{report.lecture}.{task.id}")
    case = ElementTree.SubElement(
        suite, "testcase", classname=name, name=harmless(test.says), time=f"{test.seconds:.3f}"
    )
    if kind := _junit_kind(test):
        said = task.mistake.says if task.mistake else test.reason
        inner = ElementTree.SubElement(case, kind, message=harmless(said or test.outcome))
        if kind != "skipped":
            inner.set("type", test.outcome)
            inner.text = harmless(test.why)
    if test.output:
        ElementTree.SubElement(case, "system-out").text = harmless(test.output)


@dataclass(frozen=True)
class Total:
    """One student's scores in all lectures that they handed something in for."""

    student: str
    scores: dict[str, float]
    points: float

    @property
    def score(self) -> float:
        return sum(self.scores.values())


def lectures(reports: Sequence[Report]) -> dict[str, list[Report]]:
    """The reports of each lecture, lectures in their order."""
    found: dict[str, list[Report]] = {}
    for report in sorted(reports, key=lambda report: report.lecture):
        found.setdefault(report.lecture, []).append(report)
    return found


def totals(reports: Sequence[Report]) -> list[Total]:
    """A total for each student, by name; the same of points for all."""
    points = sum(of[0].points for of in lectures(reports).values())
    scores: dict[str, dict[str, float]] = {}
    for report in reports:
        scores.setdefault(report.submission, {})[report.lecture] = report.score
    return [Total(student, scores[student], points) for student in sorted(scores)]


def totals_table(reports: Sequence[Report]) -> Table:
    """A line for each student: the score in each lecture, and in all."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    ids = list(lectures(reports))
    for name in ("student", "total", "of", *(id.split("_")[0] for id in ids)):
        table.add_column(name, justify="left" if name == "student" else "right", no_wrap=True)
    for total in totals(reports):
        scores = [number(total.scores[id]) if id in total.scores else "" for id in ids]
        student = Text(harmless(total.student))
        table.add_row(student, number(total.score), number(total.points), *scores)
    return table


def to_html(reports: Sequence[Report], title: str = "") -> str:
    """The page of a class: one file, no script, nothing fetched; a part for each lecture."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("autograder", "pages"),
        autoescape=True,
        finalize=lambda value: harmless(value, len(value)) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = [_part(id, of) for id, of in lectures(reports).items()] or [_part("", [])]
    return environment.get_template("class.html").render(
        title=title or ", ".join(lectures(reports)) or "no reports",
        parts=parts,
        totals=totals(reports),
        signs=SIGNS,
        number=number,
    )


def _part(id: str, reports: Sequence[Report]) -> dict[str, Any]:
    """What the page says of one lecture."""
    tasks: list[dict[str, TaskResult]] = [{task.id: task for task in r.tasks} for r in reports]
    return {
        "lecture": id,
        "reports": list(zip(reports, tasks, strict=True)),
        "tasks": list(dict.fromkeys((t.id, t.points) for r in reports for t in r.tasks)),
        "troubles": troubles(reports),
        "mean": sum(r.score for r in reports) / len(reports) if reports else 0.0,
    }


FORMATS: dict[str, Callable[[Sequence[Report]], str]] = {
    "html": to_html,
    "csv": to_csv,
    "junit": to_junit,
    "json": to_json,
}
