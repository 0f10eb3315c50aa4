"""An attack as its header describes it: what it tries, what stops it, what shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ATTACKS = Path(__file__).parent / "attacks"
CANARY = "CANARY"
ISOLATION = ("landlock", "seccomp", "namespaces", "rlimits")
GUARDS = (  # tests/disabled_guards.py takes them off
    *("numbers", "decoder", "wire limits", "capped text"),
    *("tree", "fresh worker", "restored", "gate", "search", "renderers"),
)
IN_PROCESS = ("another process", "plain data")  # tests/in_process_grader.py grades without them
LAYERS = (  # in the order of tests/attacks/README.md
    *ISOLATION,
    *IN_PROCESS,
    *("numbers", "decoder", "wire limits", "capped text", "deadline", "output cap"),
    *("tree", "fresh worker", "restored", "gate", "search", "secret"),
    *("hidden suite", "intake", "renderers"),
)
# What an attack may leave on the machine: it is graded alone, so that it is clear which one did.
LEFT, CHANGED, OUTSIDE = "left a process behind", "a neighbour changed", "a file outside"


@dataclass(frozen=True)
class Without:
    """What shows an attack while some layers are off. by: the layer that stops it then, if any."""

    off: frozenset[str]
    by: str = ""
    pattern: str = ""
    reason: str = ""  # why it isn't tried

    def summary(self) -> str:
        if self.reason:
            return "not tried"
        return f"caught by {self.by}" if self.by else "got in"


@dataclass(frozen=True)
class Attack:
    """One folder of the attack suite, as its header describes it."""

    name: str
    tries: str
    layers: frozenset[str]
    outcomes: frozenset[str]
    pattern: str
    others: frozenset[str]
    task: str
    limits: str
    without: tuple[Without, ...]

    @property
    def folder(self) -> Path:
        return ATTACKS / self.name

    @property
    def builds(self) -> bool:
        """Whether a build.py makes its submission: an archive, or an entry's odd name."""
        return (self.folder / "build.py").is_file()

    def files(self) -> dict[str, bytes]:
        """The Python files of the submission."""
        paths = [path for path in self.folder.rglob("*.py") if "__pycache__" not in path.parts]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def text(self) -> str:
        return b"".join(self.files().values()).decode()


class HeaderError(Exception):
    """A header that isn't of the form that tests/attacks/README.md describes."""


def load_attacks(names: Sequence[str] = ()) -> dict[str, Attack]:
    """All attacks by name, or those with these names."""
    folders = sorted(path for path in ATTACKS.iterdir() if path.is_dir() and path.name[0] != "_")
    return {f.name: load_attack(f) for f in folders if not names or f.name in names}


def load_attack(folder: Path) -> Attack:
    """The record of one folder. Raises `HeaderError`."""
    path = folder / "sums.py"
    path = path if path.is_file() else folder / "build.py"
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("# "):
            break
        key, colon, value = line[2:].partition(": ")
        if not colon:
            raise HeaderError(f"{folder.name}: no `key: value`: {line}")
        lines.append((key, value))
    try:
        return _attack(folder.name, lines)
    except (KeyError, ValueError) as error:
        raise HeaderError(f"{folder.name}: {error!r}") from None


def _attack(name: str, lines: Sequence[tuple[str, str]]) -> Attack:
    header = {key: value for key, value in lines if not key.startswith("without")}
    layers = _layers(header["stopped by"])
    outcomes, pattern = _seen(header["seen"])
    without = [
        _without(_layers(key.removeprefix("without")) or layers, value)
        for key, value in lines
        if key.startswith("without")
    ]
    if not without or without[0].off != layers:
        raise ValueError("no line `without` for the layer that stops it")
    return Attack(
        name=name,
        tries=header["tries"],
        layers=layers,
        outcomes=frozenset(outcomes.split(" or ")),
        pattern=pattern,
        others=frozenset(header.get("others", "passed").split()),
        task=header.get("task", "double"),
        limits=header.get("limits", ""),
        without=tuple(without),
    )


def _layers(text: str) -> frozenset[str]:
    names = frozenset(filter(None, (part.strip() for part in text.split(","))))
    if not names.issubset(LAYERS):
        raise ValueError(f"not a layer: {', '.join(sorted(names.difference(LAYERS)))}")
    return names


def _seen(text: str) -> tuple[str, str]:
    """`failed, "pattern"` in its two parts."""
    first, _, quoted = text.partition(", ")
    if quoted and not (quoted.startswith('"') and quoted.endswith('"')):
        raise ValueError(f"not in quotes: {quoted}")
    return first, quoted[1:-1]


def _without(off: frozenset[str], text: str) -> Without:
    if text.startswith("not tried: "):
        return Without(off, reason=text.removeprefix("not tried: "))
    by, pattern = _seen(text)
    if by == "got in":
        return Without(off, pattern=pattern or f"GOT IN|{CANARY}")
    if by not in LAYERS:
        raise ValueError(f"not a layer: {by}")
    return Without(off, by, pattern)
