"""Wrong gradients by script: what `close` says of each is the reason that was planted.

python tests/planted.py [LECTURE]     a row for each gradient, a column for each kind

A gradient is a task whose function gets `c`, the names of the way forward. In each of them a
constant is planted, a sum is left out, a transposition swapped and a branch left out, wherever
its solution has such a thing.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autograder.course import Lecture, Task, load_course
from autograder.diagnosis.mistakes import reference_files
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.verdict import Report

ROOT = Path(__file__).parent.parent.parent
KINDS = ("constant", "sum", "transposition", "branch")
CONSTANTS = ("-1", "2", "0.5", "c.n", "1 / c.n", "(c.n - 1)", "(c.n - 1) / c.n", "c.n / (c.n - 1)")
RIGHT = {
    "constant": r"−?(1|2|½|n|1/n|\(n−1\)|\(n−1\)/n|n/\(n−1\)) times the right one",
    "sum": r"the sum over dimensions? .* is missing",
    "transposition": r"transposed|in another order",
    "branch": r"the gradient through .* is missing",
}


@dataclass(frozen=True)
class Planted:
    """One wrong solution: of which task, with what in it."""

    task: str
    kind: str
    line: str
    text: str


def planted(text: str, task: Task) -> Iterator[Planted]:
    """Every wrong version of the task's function."""
    tree = ast.parse(text)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == task.id)
    if function.args.args[0].arg != "c":
        return
    for kind, plant in (
        ("constant", constants),
        ("sum", sums),
        ("transposition", transpositions),
        ("branch", branches),
    ):
        for wrong in plant(function):
            changed = copy.copy(tree)
            changed.body = [wrong if node is function else node for node in tree.body]
            line = ast.unparse(wrong.body[-1]).replace("\n", "; ")
            yield Planted(task.id, kind, line, ast.unparse(ast.fix_missing_locations(changed)))


def edited(node: ast.FunctionDef, edit: Callable[[ast.AST], ast.AST | None]) -> ast.FunctionDef:
    """A copy with each node that `edit` changes replaced by what it gives."""

    class Edit(ast.NodeTransformer):
        def visit(self, at: ast.AST) -> ast.AST:
            changed = edit(at)
            return self.generic_visit(at) if changed is None else changed

    changed = Edit().visit(copy.deepcopy(node))
    assert isinstance(changed, ast.FunctionDef)
    return changed


def _instead(at: str, other: ast.AST, node: ast.AST) -> ast.AST | None:
    """The other node in the place of the one with this dump."""
    return other if ast.dump(node) == at else None


def expression(text: str, **parts: ast.expr) -> ast.expr:
    """The expression of a text, with nodes in the place of names."""
    tree = ast.parse(text, mode="eval").body

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return parts.get(node.id, node)

    return Fill().visit(tree)  # type: ignore[no-any-return]


def returned(function: ast.FunctionDef, text: str) -> ast.FunctionDef:
    """The function with another expression (of `it`, what it returned) behind its return."""
    wrong = copy.deepcopy(function)
    last = wrong.body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    last.value = expression(text, it=last.value)
    return wrong


def constants(function: ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    """The result times each constant, and each summand of a sum times one."""
    for constant in CONSTANTS:
        yield returned(function, f"({constant}) * it")
    for only in summands(function):
        for constant in ("-1", "2", "c.n"):
            yield only(f"left + ({constant}) * right")
            yield only(f"({constant}) * left + right")


def sums(function: ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    """Without the sum of what was broadcast; what is added at an index is written there."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            at, called = ast.dump(node), node.func
            if called.attr == "sum":
                yield edited(function, partial(_instead, at, called.value))
            if called.attr == "index_add_":
                parts = dict(zip(("i", "index", "values"), node.args, strict=True), to=called.value)
                written = expression("to.index_copy_(i, index, values)", **parts)
                yield edited(function, partial(_instead, at, written))


def transpositions(function: ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    """A product of matrices the other way round; a view with its dimensions in another order."""
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            at = ast.dump(node)
            swapped = expression("right.T @ left.T", left=node.left, right=node.right)
            yield edited(function, partial(_instead, at, swapped))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".view"):
            yield returned(function, "it.transpose(0, 1).reshape(it.shape)")


def branches(function: ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    """One summand of a sum alone, then the other."""
    for only in summands(function):
        yield only("left")
        yield only("right + 0 * left")


def summands(function: ast.FunctionDef) -> Iterator[Callable[[str], ast.FunctionDef]]:
    """For each sum in the result: the function with another expression of `left` and `right`."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add)
            and _returns(function, node)
        ):
            left, right = node.left, node.right
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            left, right = expression(ast.unparse(node.target)), node.value
        else:
            continue
        at = ast.dump(node)

        def only(
            text: str,
            node: ast.AST = node,
            at: str = at,
            left: ast.expr = left,
            right: ast.expr = right,
        ) -> ast.FunctionDef:
            whole: ast.AST = expression(text, left=left, right=right)
            if isinstance(node, ast.AugAssign):
                whole = ast.Assign([node.target], whole)  # type: ignore[arg-type]
            return edited(function, lambda n: whole if ast.dump(n) == at else None)

        yield only


def _returns(function: ast.FunctionDef, node: ast.AST) -> bool:
    last = function.body[-1]
    return isinstance(last, ast.Return) and last.value is node


@dataclass(frozen=True)
class Found:
    """What a planted error got: did its task fail, and with which reasons."""

    planted: Planted
    failed: bool
    reasons: tuple[str, ...]
    mistake: str

    @property
    def right(self) -> bool:
        """Every test that failed names what was planted."""
        pattern = RIGHT[self.planted.kind]
        return bool(self.reasons) and all(re.search(pattern, reason) for reason in self.reasons)


def judge(lecture: Lecture) -> list[Found]:
    """Grade all of them, as a class."""
    course = load_course(ROOT)
    reference = reference_files(lecture)
    by_name: dict[str, tuple[Planted, dict[str, bytes]]] = {}
    for task in lecture.tasks:
        for one in planted(reference[task.file].decode(), task):
            by_name[f"p{len(by_name)}"] = (one, {**reference, task.file: one.text.encode()})
    options = GradeOptions(course, lecture, jobs=2, layers=machine.available())
    class_ = [Submission(name=name, files=files) for name, (_, files) in by_name.items()]
    reports = grade_submissions(options, class_, many=True)
    return [found(by_name[report.submission][0], report) for report in reports]


def found(one: Planted, report: Report) -> Found:
    (task,) = (task for task in report.tasks if task.id == one.task)
    wrong = [test for test in task.tests if test.outcome != "passed"]
    reasons = tuple(test.summary for test in wrong if not test.visible)
    return Found(one, bool(wrong), reasons, task.diagnosis.id if task.diagnosis else "")


def main(names: list[str]) -> None:
    course = load_course(ROOT)
    lecture = course.lecture(names[0] if names else "backprop")
    results = judge(lecture)
    table: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for one in results:
        table[one.planted.task][one.planted.kind].append(one)
    print("| gradient | " + " | ".join(KINDS) + " |")  # noqa: T201
    print("|---|" + "---|" * len(KINDS))  # noqa: T201
    for task in (task.id for task in lecture.tasks if task.id in table):
        cells = [cell(table[task][kind]) for kind in KINDS]
        print(f"| {task} | " + " | ".join(cells) + " |")  # noqa: T201
    for one in results:
        if not one.failed or not one.right:
            what = "PASSED" if not one.failed else f"{one.reasons} ({one.mistake or 'not named'})"
            print(f"{one.planted.task}, {one.planted.kind}: {one.planted.line}: {what}")  # noqa: T201
    failed, right = sum(one.failed for one in results), sum(one.right for one in results)
    print(  # noqa: T201
        f"{len(results)} planted: {failed} fail, {right} with the right reason"
        f" ({100 * right / len(results):.0f} %)"
    )


def cell(ones: list[Found]) -> str:
    """right reasons / planted, of one kind in one gradient."""
    return f"{sum(one.right for one in ones)}/{len(ones)}" if ones else "–"


if __name__ == "__main__":
    main(sys.argv[1:])
