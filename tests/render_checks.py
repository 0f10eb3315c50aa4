"""Whether a part of a report acts: in a terminal, a browser, a spreadsheet, a parser."""

from __future__ import annotations

import contextlib
import csv
import html.parser
import io
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import jinja2
import msgspec
from rich.console import Console

from autograder.report import junit, page, spreadsheet, terminal
from autograder.sandbox.text import sanitize
from autograder.verdict import Report


def texts(value: object) -> list[str]:
    """Each text of a report."""
    value = msgspec.to_builtins(value)
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


class _Page(html.parser.HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attributes if name.startswith("on"))}


def acting_formats(reports: Sequence[Report], plainly: bool = False) -> list[str]:
    """The formats in which a part of the reports would act. plainly: nothing is escaped."""
    with plain_renderers() if plainly else contextlib.nullcontext():
        found = [("json", any(sanitize(t, len(t)) != t for r in reports for t in texts(r)))]
        found.append(("terminal", _acts_in_a_terminal(reports)))
        rows = csv.reader(io.StringIO(spreadsheet.to_csv(reports)))
        found.append(("csv", any(c.lstrip()[:1] in ("=", "+", "-", "@") for r in rows for c in r)))
        parser = _Page()
        parser.feed(page.to_html(reports))
        found.append(("html", bool(parser.found & {"script", "img", "svg", "onload", "onerror"})))
        try:
            ElementTree.fromstring(junit.to_junit(reports))
        except ElementTree.ParseError:
            found.append(("junit", True))
    return [name for name, acts in found if acts]


def _acts_in_a_terminal(reports: Sequence[Report]) -> bool:
    out = io.StringIO()
    console = Console(file=out, width=200, color_system=None)
    console.print(terminal.class_table(reports))
    for one in reports:
        console.print(terminal.student_text(one))
    return sanitize(out.getvalue(), 10**9) != out.getvalue()


@contextlib.contextmanager
def plain_renderers() -> Iterator[None]:
    """The renderers, which write texts as they come meanwhile."""
    own = jinja2.Environment

    def unescaped(**options: Any) -> jinja2.Environment:
        return own(**options | {"autoescape": False})

    with contextlib.ExitStack() as stack:
        for module in (terminal, spreadsheet, junit, page):
            stack.enter_context(mock.patch.object(module, "sanitize", lambda text, most=0: text))
        stack.enter_context(mock.patch.object(spreadsheet, "_cell", lambda text: text))
        stack.enter_context(mock.patch.object(jinja2, "Environment", unescaped))
        yield
