"""Read a TOML file as a struct; each fault is one sentence with file and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from autograder.errors import CourseError, nearest

T = TypeVar("T")


def read_toml(file: Path, schema: type[T]) -> T:
    """The file as a struct. Raises `CourseError`."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(f"{file}: the file is missing") from None
    except UnicodeDecodeError as error:
        raise CourseError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{file}: not TOML: {error}") from None
    _known_keys(file, data, schema)
    try:
        return msgspec.convert(data, schema)
    except msgspec.ValidationError as error:
        raise CourseError(f"{file}: {_sentence(error)}") from None


def _sentence(error: msgspec.ValidationError) -> str:
    text, _, place = str(error).partition(" - at ")
    return f"{place.strip('`$.') or 'top level'}: {text}"


def _known_keys(file: Path, data: Any, schema: Any, where: str = "") -> None:
    """Walk the tables along the struct's fields, so that an unknown key has a name and a place."""
    if not (isinstance(schema, type) and issubclass(schema, msgspec.Struct)):
        return
    fields = {field.name: field.type for field in msgspec.structs.fields(schema)}
    for key, value in data.items():
        if key not in fields:
            raise CourseError(f'{file}: {where}unknown key "{key}"{nearest(key, fields)}')
        inner = getattr(fields[key], "__args__", (fields[key],))[0]
        for i, entry in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(entry, dict):
                name = entry.get("id", i + 1) if isinstance(value, list) else ""
                _known_keys(file, entry, inner, f"{where}{key} {name}".strip() + ": ")
