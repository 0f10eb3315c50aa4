"""README's table of the course is what the command makes of it."""

from __future__ import annotations

import subprocess
import sys

from conftest import ROOT


def test_readme_has_the_table_that_the_command_makes() -> None:
    """What can be counted is counted again: a task more, and README is old."""
    code = "import sys; sys.path.insert(0, 'bench'); import figures; print(figures.table(), end='')"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert made.stdout in (ROOT / "README.md").read_text(), (
        "README's table is old: python bench/figures.py"
    )
