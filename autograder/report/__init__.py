"""Reports as text: for a terminal, and as HTML, CSV, JUnit and JSON. Pure functions.

`terminal`, `page`, `spreadsheet`, `junit` and `plain` write one format each; `FORMATS` lists those
of `autograder report`. `class_statistics` counts what a class got wrong.

Runs in: the command. It imports `verdict`, and `sanitize` from `sandbox`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.verdict import Report

# name -> module:function; a new format is a module and a line here
FORMATS = {
    "html": "page:to_html",
    "csv": "spreadsheet:to_csv",
    "junit": "junit:to_junit",
    "json": "plain:to_json",
}


def renderer(name: str) -> Callable[[Sequence[Report]], str]:
    """The function that writes a format. Raises KeyError."""
    module, _, function = FORMATS[name].partition(":")
    found: Callable[[Sequence[Report]], str] = getattr(
        import_module(f"autograder.report.{module}"), function
    )
    return found
