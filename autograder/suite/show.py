"""Values as short text, for messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

SHOWN = 120  # characters of a value


def kind(value: Any) -> str:
    """What a value is, in one word."""
    if isinstance(value, torch.Tensor):
        return f"{value.dim()}-d tensor" if value.dim() == 0 else "tensor"
    if value is None:
        return "None"
    if isinstance(value, (list, tuple)):
        return "list"
    return type(value).__name__


def show(value: Any) -> str:
    """A value as text, short; numbers keep nine digits."""
    try:
        text = "".join(pieces(value, SHOWN))
    except ValueError:  # somewhere in it is an integer that Python won't print
        text = f"a {type(value).__name__} with numbers too long to show"
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def pieces(value: Any, room: int) -> Iterator[str]:
    if isinstance(value, float):
        yield f"{value:.9g}"
    elif isinstance(value, torch.Tensor):
        yield f"tensor of shape {tuple(value.shape)}, {str(value.dtype).removeprefix('torch.')}"
    elif isinstance(value, int) and value.bit_length() > 256:
        yield f"an integer of {value.bit_length()} bits"
    elif isinstance(value, (list, tuple)):
        yield "["
        length = 0
        for i, item in enumerate(value):
            if i * 2 > room or length > SHOWN:  # nested lists would make it too long to read
                break
            piece = (", " if i else "") + "".join(pieces(item, room // 2))
            length += len(piece)
            yield piece
        yield "]"
    elif isinstance(value, (str, bytes)):
        yield repr(value[:room])
    elif isinstance(value, (dict, set)):
        yield f"a {type(value).__name__} of {len(value)}"
    else:
        yield repr(value)
