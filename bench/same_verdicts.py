"""Do two versions of the kit give the same verdicts?

    python bench/same_verdicts.py collect RESULTS --root CHECKOUT --every 12
    python bench/same_verdicts.py compare OLD_RESULTS NEW_RESULTS

`collect` lets the checkout's own command grade the sample classes, the alternative solutions and
every twelfth catalogued mistake of each lecture. `compare` prints each task whose outcome, score
or diagnosis differs. Both report formats (1 and 2) are read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ALTERNATIVES = ("tests/alternatives", "tests/right_ways")  # today's folder, and that of format 1


Verdicts = dict[tuple[str, str, str], tuple[str, float, str]]


def write_mistakes(root: Path, lecture: str, every: int, entries: Path) -> None:
    """A submission for every n-th mistake: the reference with the mistake's edits."""
    home = root / "solutions" / lecture
    tasks = tomllib.loads((home / "lecture.toml").read_text())["task"]
    file_of = {task["id"]: task["file"] for task in tasks}
    mistakes = tomllib.loads((home / "mistakes.toml").read_text())["mistake"]
    for mistake in mistakes[::every]:
        folder = entries / f"mistake {mistake['task']} {mistake['id']}"
        folder.mkdir()
        for name in set(file_of.values()):
            shutil.copy(home / name, folder / name)
        changed = folder / file_of[mistake["task"]]
        text = changed.read_text()
        for edit in mistake.get("edits") or [mistake]:
            text = text.replace(edit["find"], edit["replace"])
        changed.write_text(text)


def write_class(root: Path, lecture: str, every: int, entries: Path) -> None:
    """All submissions to one lecture, a folder or an archive each."""
    write_mistakes(root, lecture, every, entries)
    alternatives = [root / place / lecture for place in ALTERNATIVES]
    for kind, place in [("sample", root / "data" / "sample_class" / lecture)] + [
        ("alternative", place) for place in alternatives
    ]:
        for entry in sorted(place.iterdir()) if place.is_dir() else []:
            copy = shutil.copytree if entry.is_dir() else shutil.copy
            copy(entry, entries / f"{kind} {entry.name}")


def collect(results: Path, root: Path, every: int, lectures: list[str]) -> None:
    lectures = lectures or tomllib.loads((root / "course.toml").read_text())["lectures"]
    command = [str(root / ".venv" / "bin" / "python"), "-m", "autograder.cli", "grade"]
    for lecture in lectures:
        with tempfile.TemporaryDirectory() as folder:
            write_class(root, lecture, every, Path(folder))
            arguments = [*command, lecture, folder, "--out", str(results.resolve())]
            subprocess.run(arguments, cwd=root, check=True, stdout=subprocess.DEVNULL)


def verdicts(results: Path, lectures: list[str]) -> Verdicts:
    """(lecture, submission, task) -> (outcome, score, diagnosis)."""
    found = {}
    for file in sorted(results.glob("*/*.json")):
        report = json.loads(file.read_text())
        if lectures and report["lecture"] not in lectures:
            continue
        for task in report["tasks"]:
            key = (report["lecture"], report["submission"], task["id"])
            found[key] = (task["outcome"], task["score"], _diagnosis(task))
    return found


def _diagnosis(task: dict[str, Any]) -> str:
    found = task.get("diagnosis") or task.get("mistake") or {}
    return str(found.get("id", "-"))


def differences(old: Verdicts, new: Verdicts) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield f"{' / '.join(key)}: {old.get(key)} -> {new.get(key)}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["collect", "compare"])
    parser.add_argument("results", type=Path)
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--every", type=int, default=12)
    parser.add_argument("--lectures", nargs="*", default=[])
    chosen = parser.parse_args()
    if chosen.what == "collect":
        collect(chosen.results, chosen.root, chosen.every, chosen.lectures)
        return 0
    if chosen.other is None:
        parser.error("compare needs two folders of results")
    old, new = (verdicts(place, chosen.lectures) for place in (chosen.results, chosen.other))
    lines = list(differences(old, new))
    print("\n".join(lines))
    print(f"{len(old)} verdicts of tasks compared; {len(lines)} differ")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
