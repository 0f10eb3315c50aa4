"""A device that isn't there: CPU tensors that say they are on `cuda`, and refuse to be mixed.

It finds what only a GPU would: a tensor made without `device=`, a CPU generator for a tensor
elsewhere, a number read by `.numpy()`. Operations run on the CPU. A tensor of which nothing is
known (one that C++ made behind our back) is let through.

python tests/pretend.py LECTURE     its suites ask the reference on that device
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from autograder.course import find_course
from autograder.sandbox import wire
from autograder.suite.collect import collect
from autograder.suite.run import run_on_reference

NAME = "cuda"
INDEXING = {Tensor.__getitem__, Tensor.__setitem__, torch.bincount}
ON_CPU: set[Any] = {Tensor.numpy, Tensor.__array__}
MOVING = {Tensor.to, Tensor.copy_, Tensor.type, Tensor.new_tensor}
SET_DATA = Tensor.data.__set__  # type: ignore[attr-defined]
PLAIN = {torch.device, torch._C._nn._parse_to, torch._has_compatible_shallow_copy_type}
DEVICE, CPU = Tensor.device.__get__, Tensor.cpu
IS_CUDA = Tensor.is_cuda.__get__  # type: ignore[attr-defined]


class Mixed(RuntimeError):
    """What torch would have said on a machine with that device."""


class Pretend(TorchFunctionMode):
    """Within it `cuda` is a device like any other."""

    def __enter__(self) -> Any:
        self.make = torch.nn.Parameter.__new__
        made, bare = self.make, Tensor.as_subclass

        def parameter(cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
            return _put(made(cls, data, requires_grad), _place(data))

        def as_subclass(tensor: Tensor, kind: Any) -> Any:
            return _put(bare(tensor, kind), _place(tensor))

        torch.nn.Parameter.__new__ = parameter  # type: ignore[method-assign]
        Tensor.as_subclass = as_subclass  # type: ignore[method-assign, assignment]
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: Any) -> None:
        torch.nn.Parameter.__new__ = self.make  # type: ignore[method-assign]
        del Tensor.as_subclass
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in PLAIN:
            return func(*args, **kwargs)
        if func == DEVICE:
            return torch.device(_place(args[0]) or "cpu")
        if func == IS_CUDA:
            return _place(args[0]) == NAME
        if func == SET_DATA:
            _put(args[0], _place(args[1]))
            return func(*args)
        given = list(_tensors((args, kwargs)))
        places = {_place(t) for t in given if t.dim() > 0 or func in ON_CPU} - {""}
        places = places or {_place(t) for t in given} - {""}
        if func in ON_CPU and NAME in places:
            raise Mixed(f"{func.__name__}: can't convert a {NAME} tensor to numpy; use .cpu()")
        if len(places) > 1 and func not in MOVING and not _indexed(func, args):
            raise Mixed(f"{func.__name__}: expected all tensors on the same device, got {places}")
        wanted = next(filter(None, map(_named, (*args, *kwargs.values()))), "")
        if func == CPU:
            wanted = "cpu"
        elif func in MOVING or func in INDEXING:
            wanted = wanted or (_place(args[1]) if func is Tensor.to else "") or _place(args[0])
        place = wanted or next(iter(places), "") or "cpu"
        generator = kwargs.get("generator")
        if generator is not None and place != generator.device.type:
            raise Mixed(f"{func.__name__}: expected a '{place}' generator, found a CPU one")
        args, kwargs = _here(args), {key: _here(value) for key, value in kwargs.items()}
        result = func(*args, **kwargs)
        if func in (Tensor.to, CPU) and result is args[0] and place != _place(result):
            result = result.clone()  # a move makes another tensor
        return _put_all(result, place)


def _indexed(func: Any, args: Any) -> bool:
    """An index may lie on the CPU; what is indexed by one elsewhere may not."""
    if func not in INDEXING or _place(args[0]) != NAME:
        return False
    written = args[2:]  # of __setitem__
    return all(_place(t) != "cpu" or t.dim() == 0 for t in _tensors(written))


def _named(value: Any) -> str:
    """The device that an argument names."""
    if isinstance(value, torch.device):
        return value.type
    return value if isinstance(value, str) and value in (NAME, "cpu") else ""


def _here(value: Any) -> Any:
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(_here, value))
    return "cpu" if _named(value) == NAME else value


def _place(value: Any) -> str:
    return getattr(value, "_pretended", "") if isinstance(value, Tensor) else ""


def _put(tensor: Tensor, place: str) -> Tensor:
    if place:
        tensor._pretended = place  # type: ignore[attr-defined]
    return tensor


def _put_all(value: Any, place: str) -> Any:
    for tensor in _tensors(value):
        if tensor.device.type != "meta":
            _put(tensor, place)
    return value


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))


def main(name: str) -> None:
    """Every test of a lecture, asked of its reference; a line for each that fails."""

    ran: list[str] = []
    wire.use_device(NAME)
    course = find_course(Path(__file__).parent)
    suite = collect(course, course.lecture(name), NAME)
    for test in suite.tests:
        with Pretend():
            error = run_on_reference(suite, test)
        wrong = error is not None and not isinstance(error, pytest.skip.Exception)
        ran.append(f"{test.id}: {type(error).__name__}: {error}" if wrong else "")
    print(*filter(None, ran), f"{len(ran)} tests, {sum(map(bool, ran))} fail", sep="\n")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
