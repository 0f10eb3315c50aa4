"""Reports in each format: what is said, and that nothing in them acts."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from conftest import Grade
from rich.console import Console

from autograder.grading.entries import student_name
from autograder.grading.intake import read_submission
from autograder.learn.check import for_student
from autograder.report import FORMATS, renderer
from autograder.report.class_statistics import common_failures, totals
from autograder.report.junit import to_junit
from autograder.report.page import to_html
from autograder.report.plain import to_json
from autograder.report.signs import SIGNS, first_problem, signs_text
from autograder.report.spreadsheet import to_csv
from autograder.report.terminal import class_table, student_text, totals_table
from autograder.sandbox.text import sanitize
from autograder.verdict import Diagnosis, Outcome, Report, TaskResult, TestResult

COLUMNS = Diagnosis(id="columns", explanation="The columns sum to 1, not the rows.")
# A submission's text, as wild as it gets: terminal, browser, parser, spreadsheet.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>\" onload='x' ]]> -->"
    "\0\x08\x0b\x9b\ud800\ufffe\u202e &lt; {{ 7*7 }} {% raw %}"
)


def made_test(outcome: str, **more: Any) -> TestResult:
    given = {"id": "test_hidden.py::test_a", "visible": False, "title": "Rows sum to one."}
    return TestResult(outcome=Outcome(outcome), **{**given, **more})


def made_task(
    id: str, *outcomes: str, diagnosis: Diagnosis | None = None, **more: Any
) -> TaskResult:
    made = [made_test(outcome, **more) for outcome in outcomes]
    outcome = next(o for o in Outcome if o in outcomes)
    score = 1.0 if outcome == "passed" else 0.5
    return TaskResult(
        id=id, outcome=outcome, score=score, points=1.0, diagnosis=diagnosis, tests=made
    )


def made_report(name: str, *tasks: TaskResult, **more: Any) -> Report:
    given = {
        "course": "c", "lecture": "l01_sums", "digest": "sha256:1", "suite": "sha256:2",
        "device": "cpu", "versions": {"torch": "2"}, "isolation": ["seccomp"], "seconds": 0.5,
    }  # fmt: skip
    score = sum(task.score for task in tasks)
    numbers = {"score": score, "points": float(len(tasks))}
    return Report(submission=name, tasks=list(tasks), **{**given, **numbers, **more})


@pytest.fixture
def reports() -> list[Report]:
    """Three of a class: all well, some wrong, unreadable."""
    alice = made_report("alice", made_task("double", "passed"), made_task("share", "passed"))
    wrong = made_task("double", "passed", "failed", diagnosis=COLUMNS, detail="got 1, expected 2")
    bob = made_report("bob", wrong, made_task("share", "blocked"), output="hello\n")
    carol = made_report("carol", made_task("double", "refused"), problem="a.py is empty\nat all")
    return [alice, bob, carol]


def shown(renderable: Any, width: int = 100) -> str:
    """As a terminal gets it."""
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, legacy_windows=False).print(renderable)
    return out.getvalue()


# For one student


def test_every_outcome_has_a_sign() -> None:
    """And the line below the table tells each."""
    assert SIGNS.keys() == set(Outcome)
    assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)
    for outcome, (sign, _) in SIGNS.items():
        assert f"{sign} {outcome}" in signs_text()


def test_a_student_reads_a_line_for_each_task(reports: list[Report]) -> None:
    """What is wrong in words, the named mistake, where to go on; no word on what's right."""
    text = student_text(reports[1], title="Sums").plain
    assert text.startswith("Sums   1 of 2 points\n")
    assert re.search(r"✗ double +0\.5/1 +failed\n     Rows sum to one\.\n", text)
    assert "       got 1, expected 2\n" in text
    assert "     → The columns sum to 1, not the rows.\n     autograder hint double\n" in text
    assert re.search(r"↑ share +0\.5/1 +blocked\n\n", text)
    assert text.endswith("output of the import:\n  hello\n")
    assert text.count("Rows sum to one") == 1
    assert re.fullmatch(
        r"l01_sums   2 of 2 points\n( ✓ \w+ +1/1 +\n){2}", student_text(reports[0]).plain
    )


def test_a_student_s_view_has_no_hidden_value(reports: list[Report]) -> None:
    """The reason stands where the values would."""
    reports[1].tasks[0].tests[1].summary = "the values differ"
    text = student_text(for_student(reports[1])).plain
    assert "expected 2" not in text
    assert "       the values differ\n" in text


def test_what_can_t_be_read_is_all_that_is_said(reports: list[Report]) -> None:
    """One problem, no list of red tasks."""
    text = student_text(reports[2]).plain
    assert "a.py is empty" in text
    assert "double" not in text


def test_a_bonus_and_a_fault_of_ours_are_told(reports: list[Report]) -> None:
    """No hint is offered for what the student can't fix; long output is cut."""
    task = made_task("double", "broken", output="\n".join(map(str, range(99))))
    task.bonus = True
    text = student_text(made_report("x", task)).plain
    assert "1 bonus" in text
    assert "hint" not in text
    assert "       output:\n         0\n" in text
    assert "         10\n         …\n" in text


# For a class


def test_the_class_is_a_line_each(reports: list[Report]) -> None:
    """Score, outcomes, and where to begin."""
    lines = shown(class_table(reports)).splitlines()
    assert " ".join(lines[0].split()) == "submission score of tasks first to look at"
    assert [line.split() for line in lines[1:3]] == [
        ["alice", "2", "2", "✓2"],
        ["bob", "1", "2", "✗1", "↑1", "double:", "failed", "(columns)"],
    ]
    assert lines[3].split() == ["carol", "0.5", "1", "⊘1", "a.py", "is", "empty"]


def test_the_first_problem_is_one_that_can_be_fixed(reports: list[Report]) -> None:
    """Not what is blocked or skipped."""
    assert [first_problem(report) for report in reports] == [
        "",
        "double: failed (columns)",
        "a.py is empty",
    ]
    tasks = [made_task("a", "skipped"), made_task("b", "blocked"), made_task("c", "missing")]
    assert first_problem(made_report("x", *tasks)) == "c: missing"


def test_names_are_text_and_not_markup() -> None:
    """A student may be called [bold]."""
    report = made_report("[red]x[/red]", made_task("[b]t[/b]", "failed"))
    assert "[red]x[/red]" in shown(class_table([report]))
    assert "[b]t[/b]: failed" in shown(class_table([report]))
    assert "[b]t[/b]" in shown(student_text(report))


def test_troubles_come_most_first() -> None:
    """Then by name; each with its mistakes, most first; a bonus and the rest aren't counted."""
    other = Diagnosis(id="other", explanation="…")
    class_ = [
        made_report(
            "1", made_task("b", "failed"), made_task("c", "error"), made_task("a", "crashed")
        ),
        made_report("2", made_task("b", "failed", diagnosis=other), made_task("z", "missing")),
        made_report("3", made_task("b", "timeout", diagnosis=COLUMNS), made_task("z", "broken")),
        made_report("4", made_task("b", "refused", diagnosis=COLUMNS), made_task("z", "blocked")),
        made_report("5", made_task("b", "failed"), problem="unreadable"),
    ]
    class_[0].tasks.append(made_task("extra", "failed"))
    class_[0].tasks[-1].bonus = True
    found = common_failures(class_)
    assert [(t.task, t.wrong) for t in found] == [("b", 4), ("a", 1), ("c", 1)]
    assert found[0].mistakes == [(COLUMNS, 2), (other, 1)]
    assert found[1].mistakes == []


# For machines


def test_json_comes_back(reports: list[Report]) -> None:
    """The same reports, and the same text twice."""
    text = to_json(reports)
    assert msgspec.json.decode(text, type=list[Report]) == reports
    assert to_json(msgspec.json.decode(text, type=list[Report])) == text
    assert to_json([]) == "[]\n"


def test_csv_is_a_row_for_each(reports: list[Report]) -> None:
    """A column for each task, empty where a report lacks it."""
    rows = list(csv.reader(io.StringIO(to_csv(reports))))
    assert rows == [
        ["submission", "lecture", "score", "points", "double", "share", "mistakes", "problem"],
        ["alice", "l01_sums", "2", "2", "1", "1", "", ""],
        ["bob", "l01_sums", "1", "2", "0.5", "0.5", "double:columns", ""],
        ["carol", "l01_sums", "0.5", "1", "0.5", "", "", "a.py is empty"],
    ]


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", "x\r=", " \t=", "＝", "x;=", "x; '\"@", "\u200b="],
)
def test_no_cell_is_a_formula(start: str) -> None:
    """A spreadsheet runs what begins with one of these; after a quote mark it is text."""
    evil = start + "cmd|' /C calc'!A0"
    report = made_report(evil, made_task(evil, "failed", diagnosis=COLUMNS), problem=evil)
    for row in csv.reader(io.StringIO(to_csv([report]), newline="")):
        assert len(row) == 7
        assert not any(re.match(r"\s*[=+\-@＝＋－＠\t\r\n]", cell) for cell in row)
        for part in ";".join(row).split(";"):  # as a spreadsheet of another country has it
            assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", part)
    quoted = '"a, b"\n'
    assert list(csv.reader(io.StringIO(to_csv([made_report(quoted)]))))[1][0] == quoted


def test_junit_counts_and_tells(reports: list[Report]) -> None:
    """A suite for each submission, a case for each test, the mistake as its message."""
    reports[1].tasks[0].tests[1].output = "printed"
    root = ElementTree.fromstring(to_junit(reports))
    counts = [[s.get(k) for k in ("name", "tests", "failures", "errors", "skipped")] for s in root]
    assert counts == [
        ["alice", "2", "0", "0", "0"],
        ["bob", "3", "1", "0", "1"],
        ["carol", "1", "0", "1", "0"],
    ]
    case = root[1][1]
    assert case.attrib == {
        "classname": "l01_sums.double",
        "name": "Rows sum to one.",
        "time": "0.000",
    }
    assert case[0].attrib == {"message": COLUMNS.explanation, "type": "failed"}
    assert (case[0].tag, case[0].text, case[1].text) == ("failure", "got 1, expected 2", "printed")
    assert root[1][2][0].attrib == {"message": "blocked"}


@pytest.mark.parametrize("clean", [sanitize, str], ids=["from the engine", "from anywhere"])
def test_junit_is_xml_whatever_was_printed(clean: Callable[[str], str]) -> None:
    """Control characters and half characters aren't XML: they are written out."""
    text = clean(HOSTILE)
    task = made_task(text, "failed", title=text, detail=text, output=text, summary=text)
    task.diagnosis = Diagnosis(id=text, explanation=text)
    case = ElementTree.fromstring(to_junit([made_report(text, task)]).encode())[0][0]
    assert "<script>alert(1)</script>" in str(case[0].text)
    assert r"\x1b[31m" in str(case[0].text)


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(re.sub(r"(?s)<style>.*?</style>", "<style></style>", text))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


def hostile_page() -> str:
    task = made_task(HOSTILE, "failed", title=HOSTILE, detail=HOSTILE, output=HOSTILE)
    task.tests[0].id = HOSTILE
    task.diagnosis = Diagnosis(id=HOSTILE, explanation=HOSTILE)
    wild = made_report(HOSTILE, task, output=HOSTILE, digest=HOSTILE, isolation=[HOSTILE])
    return to_html([wild, made_report("b", problem=HOSTILE)], title=HOSTILE)


def only_ours(page: Page) -> None:
    """Our elements, no attribute that acts, links into the page itself, and its policy."""
    allowed = "html head meta title style body h1 h2 p table tr th td div span b a details summary"
    assert {tag for tag, _ in page.tags} <= {*allowed.split(), "pre", "blockquote", "ul", "li"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert tag != "a" or re.fullmatch(r"#s\d+(-\d+)?", attributes["href"] or "")
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_a_page_holds_no_script_and_fetches_nothing() -> None:
    """Whatever the submission wrote, the page has our elements only, and its policy."""
    only_ours(Page(hostile_page()))


def test_a_page_shows_markup_as_text() -> None:
    """Everywhere that a submission's words stand; and a template's braces are only braces."""
    text = hostile_page()
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 12
    assert "{{ 7*7 }}" in Page(text).said
    assert "&lt; {{" in Page(text).said


def test_a_page_tells_of_the_class(reports: list[Report]) -> None:
    """Mean, troubles, everyone, and nothing of what is right."""
    said = " ".join(Page(to_html(reports, title="Sums")).said.split())
    assert re.search(r"Sums 3 submissions, mean 1\.\d+ of 2 points; isolation: seccomp", said)
    assert "1 × columns: The columns sum to 1, not the rows." in said
    assert "got 1, expected 2" in said
    assert "a.py is empty" in said
    assert "hello" in said


def test_a_page_of_a_course_has_totals_first() -> None:
    """Each student's score in each lecture and in all; then a part for each lecture."""
    ada = made_report("ada", made_task("a", "passed"))
    bob = made_report("bob", made_task("a", "failed"))
    more = msgspec.structs.replace(ada, lecture="l02_more", score=1.0, points=2.0)
    both = [more, bob, ada]
    assert [(t.student, t.score, t.points) for t in totals(both)] == [
        ("ada", ada.score + 1, ada.points + 2),
        ("bob", bob.score, ada.points + 2),
    ]
    said = " ".join(Page(to_html(both, title="Both")).said.split())
    assert said.index("2 students, 2 lectures") < said.index("What the class got wrong")
    assert said.count("One by one") == 2
    console = Console(width=100, file=io.StringIO())
    console.print(totals_table(both))
    assert re.search(r"bob +\S+ +\S+ +\S+ *\n", console.file.getvalue())  # type: ignore[attr-defined]


def test_a_page_of_nobody() -> None:
    """No reports are no error, in any format."""
    for name in FORMATS:
        assert renderer(name)([]).strip(), name
    assert "0 submissions, mean 0" in Page(to_html([])).said


# All formats, and a class that was graded


# What a terminal, a browser, a spreadsheet, a parser or a reader's eye would fall for.
WILD = (
    "\x1b]0;owned\x07\x1b[31m\x9b31m\r\x08\0<script>alert(1)</script>\" onload='x' ]]> -->"
    "=cmd|' /C calc'!A0\t;@SUM(1) {{ 7*7 }} [link=http://x]here[/] :boom: &lt; 1e400 NaN"
    "\u202enp.exe\u2066\u200f \u200bzero\u2060\ufeff\xad \U000e0041tag \u2028line\u2029\x85"
    "\ue000own \ufe0f\u3164\U0001ffff \udc80half " + "overlong" * 200
)
NAME = WILD.replace("\udc80", "").replace("\0", "")  # of a class: Python wants text
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def acting(text: str) -> set[str]:
    """The signs in it that would act or that nobody sees, as Unicode's tables have them."""
    found = {sign for sign in text if unicodedata.category(sign) in UNSEEN}
    return (found | set(text).intersection("\ufe0f\u3164\U0001ffff")) - {"\n", "\t"}


@pytest.fixture
def wild_class(grade: Grade, reference: str, tmp_path: Path) -> list[Report]:
    """Graded for real: wild texts in names, output, exceptions, classes, values, keys, files."""

    def doing(body: str) -> str:
        return f"WILD, NAME = {WILD!a}, {NAME!a}\n" + reference.replace("return 2 * x", body)

    texts = {
        "prints": doing("print(WILD); return 3 * x") + "\nprint(WILD)\n",
        "raises": doing("raise type(NAME, (Exception,), {})(WILD)"),
        "object": doing("return type(NAME, (), {})()"),
        "text": doing("return WILD"),
        "keys": doing("return {WILD: [WILD], (WILD, b'x'): NAME}"),
        "import": doing("return 0") + "\nraise type(NAME, (Exception,), {})(WILD)\n",
        "line": doing("raise ValueError('\u202e\U000e0041\u200b')"),
    }
    file = WILD.replace("/", "").replace("\0", "")[:60]
    names = {name: student_name(Path(f"{name} {file}")) for name in texts}
    reports = list(grade({names[name]: texts[name] for name in texts}).values())
    for entry in (f"{file}\udcff.zip", "=1+1.zip"):
        (tmp_path / entry).write_bytes(b"no archive")
        name = student_name(tmp_path / entry)
        bad = read_submission(name, tmp_path / entry, "l01_sums", ["sums.py"])
        reports.append(made_report(bad.name, problem=bad.problem))
    arrived = [report for report in reports if b"x1b[31m" in msgspec.json.encode(report)]
    assert len(arrived) >= 5
    return reports


def test_nothing_of_a_graded_class_acts_in_any_format(wild_class: list[Report]) -> None:
    """The reports themselves, and each way to see them, parsed as its reader parses it."""
    for report in wild_class:
        for text in (shown(student_text(report), 80), shown(student_text(for_student(report)), 80)):
            assert acting(text) == set()
    for table in (class_table(wild_class), totals_table(wild_class)):
        assert acting(shown(table)) == set()
    for name in FORMATS:
        assert acting(renderer(name)(wild_class)) == set(), name

    data = json.loads(to_json(wild_class), parse_constant=pytest.fail)
    assert acting(json.dumps(data, ensure_ascii=False)) == set()
    root = ElementTree.fromstring(to_junit(wild_class).encode())
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"),
    }
    for row in csv.reader(io.StringIO(to_csv(wild_class), newline="")):
        for part in ";".join(row).split(";"):
            assert not re.match(r"[\s\"]*[=+\-@]", part)
    only_ours(Page(to_html(wild_class)))


def test_colours_are_the_only_escape_codes(wild_class: list[Report]) -> None:
    """What a terminal gets is text and our own colours: no link, no title, no cursor."""
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system="standard")
    for report in wild_class:
        console.print(student_text(report), soft_wrap=True)
    console.print(class_table(wild_class))
    assert "\x1b[" in out.getvalue()
    assert acting(re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())) == set()


def test_a_report_from_anywhere_doesn_t_act() -> None:
    """A results folder may hold what isn't ours: the formats for others don't rely on it."""
    task = made_task(WILD, "failed", title=WILD, detail=WILD, output=WILD, summary=WILD)
    task.tests[0].id = WILD
    task.diagnosis = Diagnosis(id=WILD, explanation=WILD)
    wild = made_report(WILD, task, output=WILD, digest=WILD, isolation=[WILD])
    reports = [wild, made_report("b", problem=WILD)]
    for write in (to_csv, to_junit, to_html):
        assert acting(write(reports)) == set()
    for table in (class_table(reports), totals_table(reports)):
        assert acting(shown(table, 9999)) == set()
    only_ours(Page(to_html(reports, title=WILD)))
