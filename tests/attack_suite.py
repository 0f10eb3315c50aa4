"""The attack suite: grade each folder of tests/attacks with all layers, then without some.

`python tests/attack_suite.py [NAME…]` grades all attacks with all layers, then each without the
layer that stops it, and prints a line for each and the sums. The exit code is 1 if a result isn't
as the headers say. tests/attacks/README.md explains the headers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attack import (
    CANARY,
    CHANGED,
    GUARDS,
    IN_PROCESS,
    LAYERS,
    LEFT,
    OUTSIDE,
    Attack,
    Without,
    load_attacks,
)
from in_process_grader import SUITE
from planted_environment import HERE, REFERENCE, Place, disabled, planted, unchanged
from render_checks import acting_formats, texts
from submissions import submissions_of

from autograder.grading.entries import Names
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.results import report_json
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.verdict import Outcome, Report

POINTS = {"double": 1, "row_sums": 2, "share": 3, "Counter": 2, "extra": 1}


@dataclass
class Seen:
    """What shows one attack: outcomes of its task and of the others, and the reports' texts."""

    outcome: str
    others: set[str]
    text: str
    gained: bool
    reports: list[Report] = field(default_factory=list)

    @property
    def got_in(self) -> bool:
        return bool(re.search(f"GOT IN|{CANARY}", self.text)) or self.gained


@dataclass
class Run:
    """One graded class: what shows each attack, the neighbours' reports, the machine's changes."""

    seen: dict[str, Seen]
    neighbours: dict[str, Report]
    machine: list[str]


def grade(
    place: Place,
    attacks: Mapping[str, Attack],
    off: frozenset[str] = frozenset(),
    limits: str = "",
    neighbours: bool = True,
    jobs: int = 2,
    server: ForkServer | None = None,
) -> Run:
    """Grade the attacks in one class, honest neighbours among them, without the layers in `off`.

    Their changes to the machine are recorded and undone.
    """
    course = place.course(off, limits)
    names = Names()
    class_: list[Submission] = []
    owner: dict[str, str] = {}
    for attack in attacks.values():
        submissions = submissions_of(attack, place, names, "intake" in off)
        class_ += submissions
        owner |= {one.name: attack.name for one in submissions}
    honest = honest_submissions() if neighbours else {}
    layers = tuple(layer for layer in machine.available() if layer not in off)
    options = GradeOptions(course, course.lectures[0], jobs=jobs, layers=layers, fork_server=server)
    with disabled(off), unchanged(place, server) as changes:
        reports = list(grade_submissions(options, [*class_, *honest.values()], many=True))
    found: dict[str, list[Report]] = defaultdict(list)
    for one in reports:
        found[owner.get(one.submission, one.submission)].append(one)
    gone = place.gone()
    return Run(
        {
            name: _see(attack, found[name], name in gone, "renderers" in off)
            for name, attack in attacks.items()
        },
        {name: found[name][0] for name in honest},
        changes,
    )


def honest_submissions() -> dict[str, Submission]:
    """Two neighbours: a right one, and one with a known mistake that prints."""
    right = REFERENCE.read_text()
    wrong = right.replace('"nm->n"', '"nm->m"').replace("return 2 * x", 'return print("x is", x)')
    assert wrong.count('"nm->m"') == wrong.count("print") == 1
    return {
        name: Submission(name=name, files={"sums.py": text.encode()})
        for name, text in (("honest", right), ("beginner", wrong))
    }


def _see(attack: Attack, reports: list[Report], gone: bool, plainly: bool) -> Seen:
    outcomes = [{task.id: task.outcome for task in report.tasks} for report in reports]
    lines = ["the victim is gone"] if gone else []
    for found in reports:
        lines += [found.problem, found.output]
        for task in found.tasks:
            if task.id == attack.task:
                lines.append(task.outcome)
                lines += [part for test in task.tests for part in (test.detail, test.output)]
    lines += [f"acts in {name}" for name in acting_formats(reports, plainly)]
    others: set[str] = {found[id] for found in outcomes for id in found if id != attack.task}
    lines.append(f"others: {' '.join(sorted(others))}")
    own = sorted({found[attack.task] for found in outcomes})
    passed = {id for found in outcomes for id, one in found.items() if one is Outcome.PASSED}
    most = sum(POINTS[id] for id in POINTS if id != attack.task or id in passed)
    partly = attack.task == "row_sums" or "visible_answers" in attack.name
    return Seen(
        outcome=" and ".join(own),
        others=others,
        text="\n".join(lines) + "".join(t for r in reports for t in texts(r) if CANARY in t),
        gained="passed" not in attack.outcomes
        and ("passed" in own or any(r.score > most + partly for r in reports)),
        reports=reports,
    )


def grade_in_process(place: Place, attacks: Mapping[str, Attack]) -> dict[str, Seen]:
    """What shows attacks where the tests import them; only those that harm that process alone.

    tests/in_process_grader.py runs them, in a process of its own.
    """
    folders = {name: place.folder / "entries" / name for name in attacks}
    for name, attack in attacks.items():
        shutil.rmtree(folders[name], ignore_errors=True)
        for path, data in submissions_of(attack, place, Names(), False)[0].files.items():
            (folders[name] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[name] / path).write_bytes(data)
        (folders[name] / "test_in_process.py").write_text(SUITE.format(canary=CANARY))
    command = [sys.executable, str(HERE / "in_process_grader.py"), *map(str, folders.values())]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return {name: _see_in_process(attacks[name], folder) for name, folder in folders.items()}


def _see_in_process(attack: Attack, folder: Path) -> Seen:
    output = (folder / "output").read_text(errors="replace")[-20_000:]
    code = (folder / "code").read_text()
    verdicts: dict[str, str] = dict(
        re.findall(r"test_in_process.py::test_(\w+) .*?(PASSED|FAILED|SKIPPED)", output)
    )
    ended = re.search(r"=+ .*(passed|failed|error|skipped|xfailed).* in [\d.]+s", output)
    lines = [output, f"exit code {code}", str(verdicts), "" if ended else "no verdicts"]
    right = "passed" in attack.outcomes
    mine = {verdicts.get(name, "") for name in ("three", "negative")}
    return Seen(
        outcome=f"exit code {code}",
        others=set(verdicts.values()),
        text="\n".join(lines),
        gained=not right and (code == "0" or "PASSED" in mine),
    )


def faults(attack: Attack, seen: Seen) -> list[str]:
    """What isn't, with all layers, as the attack's header says; in words."""
    found = []
    if not set(seen.outcome.split(" and ")) <= attack.outcomes:
        found.append(f"is {seen.outcome}")
    if not seen.others <= attack.others:
        found.append(f"others are {', '.join(sorted(seen.others))}")
    if not re.search(attack.pattern, seen.text):
        found.append(f"no text has {attack.pattern!r}")
    if seen.got_in:
        found.append("got in")
    if seen.gained:
        found.append("gained points")
    found += [line for line in seen.text.splitlines() if re.match("acts in|the victim", line)]
    if any(len(report_json(r)) > 200_000 for r in seen.reports):
        found.append("the report is large")
    return found


def faults_without(without: Without, seen: Seen) -> list[str]:
    """What isn't as a line `without` says; in words."""
    if not re.search(without.pattern, seen.text):
        if not without.by and without.pattern.startswith("GOT IN|") and seen.gained:
            return []
        return [f"without {_names(without.off)} no text has {without.pattern!r}"]
    if without.by and seen.got_in:
        return [f"without {_names(without.off)} it got in"]
    return []


def _names(layers: Iterable[str]) -> str:
    return ", ".join(sorted(layers, key=LAYERS.index))


def with_all_layers(place: Place, attacks: Mapping[str, Attack]) -> Run:
    """One class of all attacks; those with limits of their own are graded apart."""
    whole = Run({}, {}, [])
    for limits in sorted({attack.limits for attack in attacks.values()}):
        some = {name: a for name, a in attacks.items() if a.limits == limits}
        run = grade(place, some, limits=limits, neighbours=not limits)
        whole.seen |= run.seen
        whole.neighbours |= run.neighbours
        whole.machine += run.machine
    return whole


def without_layers(
    place: Place, attacks: Mapping[str, Attack]
) -> Iterator[tuple[str, Without, Seen]]:
    """Each attack without the layers that the `without` lines of its header name."""
    with ForkServer(place.course(frozenset(), "").imports) as server:
        for pairs in _groups(attacks):
            seen = _seen_without(place, pairs, server)
            yield from ((attack.name, without, seen[attack.name]) for attack, without in pairs)


def _groups(attacks: Mapping[str, Attack]) -> list[list[tuple[Attack, Without]]]:
    """Attacks that are graded together; one is alone where the machine shows that it got in."""
    groups: dict[tuple[str, ...], list[tuple[Attack, Without]]] = defaultdict(list)
    for attack in attacks.values():
        for without in attack.without:
            if not without.reason:
                alone = any(sign in without.pattern for sign in (LEFT, CHANGED, OUTSIDE))
                key = (_names(without.off), attack.limits, attack.name if alone else "")
                groups[key].append((attack, without))
    return list(groups.values())


def _seen_without(
    place: Place, pairs: Sequence[tuple[Attack, Without]], server: ForkServer
) -> dict[str, Seen]:
    some = {attack.name: attack for attack, _ in pairs}
    off = pairs[0][1].off
    if off & set(IN_PROCESS):
        return grade_in_process(place, some)
    alone = len(pairs) == 1
    mine = None if off & set(GUARDS) else server  # guards are disabled in a fork server
    limits = pairs[0][0].limits
    run = grade(place, some, off, limits, neighbours=alone, jobs=1 if alone else 2, server=mine)
    if alone:
        lines = [*run.machine, *_changed(run.neighbours)]
        run.seen[pairs[0][0].name].text += "\n" + "\n".join(lines)
    return run.seen


def _changed(neighbours: Mapping[str, Report]) -> list[str]:
    return [CHANGED] if neighbours["honest"].score < sum(POINTS.values()) else []


def without_seconds(one: Report) -> bytes:
    return re.sub(rb'"seconds": ?[\d.e-]+', b"", report_json(one))


def changed_neighbours(place: Place, run: Run) -> list[str]:
    """The neighbours whose reports differ from those of a class without attacks."""
    alone = grade(place, {}).neighbours
    return [n for n in alone if without_seconds(alone[n]) != without_seconds(run.neighbours[n])]


def main(names: Sequence[str]) -> int:
    attacks = load_attacks(names)
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder, planted(Path(folder)) as place:
        run = with_all_layers(place, attacks)
        changed = changed_neighbours(place, run)
        wrong = {name: faults(attack, run.seen[name]) for name, attack in attacks.items()}
        for name, without, seen in without_layers(place, attacks):
            wrong[name] += faults_without(without, seen)
    print_table(attacks, run, wrong)
    for line in run.machine:
        print(line)
    print(sums(attacks, run, changed))
    return int(any(wrong.values()) or bool(run.machine) or bool(changed))


def print_table(attacks: Mapping[str, Attack], run: Run, wrong: Mapping[str, list[str]]) -> None:
    """A line for each attack, and under it what isn't as it should be."""
    width = max(map(len, attacks))
    for name, attack in attacks.items():
        row = (_names(attack.layers), run.seen[name].outcome, attack.without[0].summary())
        print(f"{name:<{width}}  {row[0]:<16} {row[1]:<10} {row[2]}")
        for fault in wrong[name]:
            print(f"    WRONG: {fault}")


def sums(attacks: Mapping[str, Attack], run: Run, changed: Sequence[str]) -> str:
    """The last line of the table."""
    gained = sum(seen.gained for seen in run.seen.values())
    leaked = sum(CANARY in seen.text for seen in run.seen.values())
    processes = run.machine.count(LEFT)
    first = [attack.without[0] for attack in attacks.values()]
    caught, untried = sum(bool(w.by) for w in first), sum(bool(w.reason) for w in first)
    return (
        f"{len(attacks)} attacks: {gained} points gained, {leaked} canaries leaked,"
        f" {len(changed)} neighbours changed, {processes} processes and"
        f" {len(run.machine) - processes} files left; without their layer"
        f" {len(first) - caught - untried} got in, {caught} were caught by another,"
        f" {untried} not tried"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
