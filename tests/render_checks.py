"""Whether something of a report acts: in a terminal, a browser, a spreadsheet, a parser."""

from __future__ import annotations

import contextlib
import csv
import html.parser
import io
from collections.abc import Iterator, Sequence
from unittest import mock
from xml.etree import ElementTree

import msgspec
from rich.console import Console

from autograder import report
from autograder.verdict import Report, harmless


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


def acting(reports: Sequence[Report], plainly: bool = False) -> list[str]:
    """The formats in which something of the reports would act. plainly: without our escaping."""
    with plain_renderers() if plainly else contextlib.nullcontext():
        found = [("json", any(harmless(t, len(t)) != t for r in reports for t in texts(r)))]
        found.append(("terminal", _terminal_acts(reports)))
        rows = csv.reader(io.StringIO(report.to_csv(reports)))
        found.append(("csv", any(c.lstrip()[:1] in ("=", "+", "-", "@") for r in rows for c in r)))
        page = _Page()
        page.feed(report.to_html(reports))
        found.append(("html", bool(page.found & {"script", "img", "svg", "onload", "onerror"})))
        try:
            ElementTree.fromstring(report.to_junit(reports))
        except ElementTree.ParseError:
            found.append(("junit", True))
    return [form for form, acts in found if acts]


def _terminal_acts(reports: Sequence[Report]) -> bool:
    out = io.StringIO()
    console = Console(file=out, width=200, color_system=None)
    console.print(report.class_table(reports))
    for one in reports:
        console.print(report.student_text(one))
    return harmless(out.getvalue(), 10**9) != out.getvalue()


@contextlib.contextmanager
def plain_renderers() -> Iterator[None]:
    """The renderers without what makes a submission's text harmless in them."""
    import jinja2

    own = jinja2.Environment
    with (
        mock.patch.object(report, "harmless", lambda text, most=0: text),
        mock.patch.object(report, "_cell", lambda text: text),
        mock.patch.object(jinja2, "Environment", lambda **k: own(**{**k, "autoescape": False})),
    ):
        yield
