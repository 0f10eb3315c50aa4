"""Wrong solutions by the hundred: each is the reference with one small edit.

python tests/course/mutation.py [LECTURE…]     the table of tests/README.md

A mutant that has full points is either equivalent (tests/course/mutants/LECTURE.toml says why) or
shows that a suite is weak. Edits are made inside of the solution regions only.
"""

from __future__ import annotations

import ast
import copy
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course, Lecture, load_course
from autograder.diagnosis.mistakes import reference_files
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.suite.stub import BEGIN, END

ROOT = Path(__file__).parent.parent.parent
EQUIVALENT = Path(__file__).parent / "mutants"

BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Pow: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv,
}  # fmt: skip
COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """`name` is `function: statement -> statement`, the same whatever stands around it."""

    name: str
    text: str


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a reference's text."""
    tree = ast.parse(text)
    inside = _solution_lines(text)
    seen: dict[str, int] = {}
    for node, path in _nodes(tree, ""):
        if getattr(node, "lineno", 0) not in inside:
            continue
        for changed in _edits(node):
            name = f"{path}: {_line(tree, node)} -> {_line(tree, node, changed)}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            yield Mutant(name, ast.unparse(_replaced(tree, node, changed)))


def _solution_lines(text: str) -> set[int]:
    lines, inside = set(), False
    for number, line in enumerate(text.split("\n"), 1):
        inside = line.strip() == BEGIN or (inside and line.strip() != END)
        if inside:
            lines.add(number)
    return lines


def _nodes(tree: ast.AST, path: str) -> Iterator[tuple[ast.AST, str]]:
    for child in ast.iter_child_nodes(tree):
        inner = path
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            inner = f"{path}.{child.name}".lstrip(".")
        yield child, inner
        yield from _nodes(child, inner)


def _edits(node: ast.AST) -> Iterator[ast.AST | None]:
    """The node with one edit, again and again; None where it is left out."""
    match node:
        case ast.BinOp() if type(node.op) in BINARY:
            yield ast.BinOp(node.left, BINARY[type(node.op)](), node.right)
        case ast.AugAssign() if type(node.op) in BINARY:
            yield ast.AugAssign(node.target, BINARY[type(node.op)](), node.value)
            yield ast.Assign([node.target], node.value)
        case ast.Compare() if type(node.ops[0]) in COMPARE:
            yield ast.Compare(node.left, [COMPARE[type(node.ops[0])]()], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp() if isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
            yield node.operand
        case ast.Constant():
            yield from _constants(node.value)
        case ast.Call():
            yield from _calls(node)
        case ast.If() | ast.IfExp() | ast.While():
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed
        case ast.Expr() | ast.Raise() | ast.Assert() | ast.Delete():
            yield ast.Pass()


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 or 1.0)
    elif isinstance(value, str) and value:
        yield ast.Constant(value + "x")


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    if len(node.args) == 2:
        yield ast.Call(node.func, node.args[::-1], node.keywords)
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield node.func.value


def _replaced(tree: ast.AST, node: ast.AST, changed: ast.AST | None) -> ast.AST:
    class Replace(ast.NodeTransformer):
        def visit(self, at: ast.AST) -> ast.AST | None:
            return changed if at is node else self.generic_visit(at)

    # A transformer changes lists in place: work on a tree whose lists are its own.
    whole = Replace().visit(_shallow(tree, node))
    assert isinstance(whole, ast.AST)
    return ast.fix_missing_locations(whole)


def _shallow(tree: ast.AST, keep: ast.AST) -> ast.AST:
    """A copy of the tree that has the very node `keep` in it."""
    return copy.deepcopy(tree, {id(keep): keep})


def _line(tree: ast.AST, node: ast.AST, *changed: ast.AST | None) -> str:
    """The first line of the statement around a node, as it is or with the node changed."""
    around = [
        outer
        for outer in ast.walk(tree)
        if isinstance(outer, ast.stmt)
        and not isinstance(outer, (ast.FunctionDef, ast.ClassDef))
        and any(inner is node for inner in ast.walk(outer))
    ]
    statement: ast.AST = max(around, key=lambda outer: outer.lineno, default=node)
    if not changed:
        return ast.unparse(statement).split("\n")[0]
    (other,) = changed
    if statement is node:
        return ast.unparse(ast.fix_missing_locations(other)).split("\n")[0] if other else "pass"
    return ast.unparse(_replaced(statement, node, other)).split("\n")[0]


@dataclass(frozen=True)
class Score:
    """What became of a lecture's mutants."""

    lecture: str
    count: int
    survivors: tuple[str, ...]
    equivalent: dict[str, str]

    @property
    def weak(self) -> list[str]:
        """Survivors without an explanation."""
        return [name for name in self.survivors if name not in self.equivalent]

    @property
    def stale(self) -> list[str]:
        """Explained ones that don't survive, or don't exist any more."""
        return [name for name in self.equivalent if name not in self.survivors]

    @property
    def percent(self) -> float:
        different = self.count - len(self.survivors) + len(self.weak)
        return 100 * (1 - len(self.weak) / different) if different else 100.0


def score(course: Course, lecture: Lecture, jobs: int = 2) -> Score:
    """Grade every mutant of a lecture's reference."""
    reference = reference_files(lecture)
    found: dict[str, str] = {}
    class_: list[Submission] = []
    for file, data in reference.items():
        for mutant in mutants(data.decode()):
            files = {**reference, file: mutant.text.encode()}
            class_.append(Submission(name=f"m{len(found)}", files=files))
            found[class_[-1].name] = mutant.name
    with tempfile.TemporaryDirectory() as folder:
        options = GradeOptions(
            _hasty(course, Path(folder)), lecture, jobs=jobs, layers=machine.available()
        )
        survivors = [
            found[report.submission]
            for report in grade_submissions(options, class_, many=True)
            if not report.problem and all(t.outcome in ("passed", "skipped") for t in report.tasks)
        ]
    return Score(lecture.id, len(found), tuple(sorted(survivors)), equivalent(lecture.id))


def _hasty(course: Course, folder: Path) -> Course:
    """The same course with short limits: a mutant that loops costs a second, not a minute."""
    for name in ("solutions", "data"):
        (folder / name).symlink_to(course.root / name)
    text = (course.root / "course.toml").read_text()
    head = text.split("[limits]")[0]
    limits = "[limits]\ncall = 1.0\nsubmission = 6.0\nkills_per_task = 1\n"
    rest = text.split("[limits]")[1].split("\n[", 1)[1]
    (folder / "course.toml").write_text(f"{head}{limits}\n[{rest}")
    return load_course(folder)


def equivalent(lecture: str) -> dict[str, str]:
    """Mutant -> why it is as right as the reference."""
    file = EQUIVALENT / f"{lecture}.toml"
    if not file.is_file():
        return {}
    return {
        mutant: entry["why"]
        for entry in tomllib.loads(file.read_text())["equivalent"]
        for mutant in entry["mutants"]
    }


def main(names: list[str]) -> None:
    course = load_course(ROOT)
    lectures = [course.lecture(name) for name in names] or list(course.lectures)
    print("| lecture | mutants | equivalent | died | score |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for lecture in lectures:
        result = score(course, lecture)
        same, died = len(result.survivors) - len(result.weak), result.count - len(result.survivors)
        print(  # noqa: T201
            f"| {lecture.id} | {result.count} | {same} | {died} | {result.percent:.1f} % |"
        )
        for what, mutant_names in (("survives", result.weak), ("stale", result.stale)):
            for name in mutant_names:
                print(f"{what}: {name}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
