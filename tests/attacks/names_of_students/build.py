# tries: to be called something that terminals, browsers, spreadsheets or shells act on
# stopped by: intake
# seen: passed, ""
# without: got in, "acts in json"
# without intake, renderers: got in, "acts in csv"

from __future__ import annotations

from pathlib import Path


NAMES = (
    "=cmd|' !A0",
    "+1+1",
    "-rf",
    "@SUM(1)",
    "<img src=x onerror=alert(1)>",
    "'\"><svg onload=1>",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202eright to left",
    "\ufeffmark",
    "two\nlines",
    "[red]x[bold]",
    "{{ 7 * 7 }}",
    "%s%n$(id)`id`",
    "...",
    "x" * 200,
    "\u0441\u0430ur",
    "nul\x01",
)


def build(entries: Path, honest: bytes, outside: Path) -> None:
    for name in NAMES:
        (entries / name).mkdir()
        (entries / name / "sums.py").write_bytes(honest)
