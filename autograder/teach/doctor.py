"""What works on this machine, and what is lost without the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.sandbox import machine


@dataclass(frozen=True)
class Finding:
    """One part of the machine: whether it is there, and what follows."""

    name: str
    good: bool
    text: str


def examine() -> Iterator[Finding]:
    """Every part that the kit uses; imports nothing heavy."""
    yield Finding("python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield Finding("cores", True, f"{os.cpu_count()}: --jobs {os.cpu_count()} uses them all")
    for package in ("torch", "numpy", "pytest", "msgspec", "click", "rich", "graphviz"):
        yield _package(package, f"pip install {package}")
    layers = machine.available()
    for layer, lost in machine.RISK_WITHOUT.items():
        if layer in layers:
            yield Finding(layer, True, "on")
        elif layer == "uid" and "namespaces" in layers:
            yield Finding(layer, True, "not needed: namespaces are on")
        elif layer == "namespaces" and "uid" in layers:
            yield Finding(layer, False, "off: submissions run as another user instead")
        else:
            yield Finding(layer, False, f"off: {lost}")
    good = machine.strong(layers)
    text = "strong" if good else "not strong: `grade` needs --isolation basic, for people you trust"
    yield Finding("isolation", good, text)
    dot = shutil.which("dot")
    yield Finding("dot", bool(dot), dot or "not found: graphs are written as DOT text (graphviz)")
    yield _package("matplotlib", "pictures are left out: pip install matplotlib")


def _package(name: str, otherwise: str) -> Finding:
    if importlib.util.find_spec(name) is None:
        return Finding(name, False, f"not installed: {otherwise}")
    return Finding(name, True, importlib.metadata.version(name))
