"""Retired words (CONTRIBUTING.md, Words) are found wherever a person reads."""

from __future__ import annotations

import re
import subprocess

from conftest import ROOT

RETIRED = {
    r"hand-ins?\b": "submission",
    r"\bzygote": "worker server",
    r"\bjail": "isolation",
    r"\bwalls?\b(?! time| clock)": "isolation layer",
    r"\bmuseum\b": "attack suite",
    r"\bpayoffs?\b": "demo program",
    r"\bright ways?\b|\bright_ways\b": "alternative solution",
    r"\bmend(s|ed|ing)?\b": "fix",
}
# the list of the words itself, the history, other people's texts, and the attacks' own
EXCEPT = (
    "CONTRIBUTING.md",
    "bench/same_verdicts.py",
    "tests/test_words.py",
    "tests/attacks/",
    "tests/corpus/",
    "data/shakespeare",
)
READ = {".md", ".py", ".toml", ".html", ".dot", ".yml", ""}


def test_no_retired_word_is_left() -> None:
    """File, line, the word, and the one to use."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name.startswith(EXCEPT) or path.suffix not in READ or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for pattern, word in RETIRED.items():
                if match := re.search(pattern, line, re.IGNORECASE):
                    found.append(f"{name}:{number}: {match.group()}: write {word}")
    assert found == []


def test_contributing_lists_the_retired_words() -> None:
    """Each with the word to use."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    for word in set(RETIRED.values()):
        assert re.search(rf"^\| [^|]*\b{word}\b[^|]* \|", page, re.M), word
