"""Answer requests about one submission: import it, call its functions, run probes beside it."""

from __future__ import annotations

import contextlib
import importlib
import linecache
import operator
import os
import socket
import sys
import traceback
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from autograder.sandbox import messages, wire
from autograder.sandbox.inside import gates, search, state
from autograder.sandbox.messages import TEXT_LIMIT

FRAMES = 6  # lines of a traceback
PROBES_FILE = "<probes>"  # the file name of the lecture's probes in a traceback


class ChangedError(Exception):
    """A call changed what belongs to its caller."""


class RequestLoop:
    """Receives one request and sends one reply at a time."""

    def __init__(self, connection: socket.socket, folder: str, probes: types.ModuleType) -> None:
        self.connection = connection
        self.folder = folder
        self.probes = probes
        self.files: list[str] = []  # the tasks' files
        self.modules: dict[str, types.ModuleType] = {}
        self.snapshot: state.Snapshot | None = None  # of the moment after the import

    def run(self) -> None:
        while True:
            request = messages.receive(self.connection, messages.WorkerRequest)
            reply = self.reply(request)
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(BaseException):  # the submission's own, perhaps
                    stream.flush()
            messages.send(self.connection, reply)

    def reply(self, request: messages.WorkerRequest) -> messages.WorkerReply:
        number = request.number
        try:
            state.settle(request.seed, self.folder)
            if isinstance(request, messages.Sources):
                return messages.Found(number, self.take(request))
            if isinstance(request, messages.Import):
                self.import_files()
                return messages.Value(number, wire.encode(None))
            if self.snapshot is not None and request.first:
                self.snapshot.restore()
            return messages.Value(number, self.call(request))
        except ChangedError as error:
            return messages.Changed(number, _cut(f"{error}"))
        except (wire.WireError, gates.ForbiddenCall) as error:
            return messages.Refused(number, _cut(f"{error}"))
        except BaseException as error:
            if _out_of_memory(error):
                return messages.Refused(number, "the submission needs more memory than allowed")
            return self.raised(number, error)

    def take(self, request: messages.Sources) -> dict[str, str]:
        """Write the files and install the gates; task -> the forbidden call in its sources.

        Nothing of the submission has run yet.
        """
        for name in sorted({name for rules in request.rules for name in rules.forbid}):
            gates.install(name)
        for path, data in request.files.items():
            target = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(data)
        self.files = list(dict.fromkeys(rules.file for rules in request.rules))
        found: dict[str, str] = {}
        for name in self.files:
            of_file = [rules for rules in request.rules if rules.file == name]
            found |= search.forbidden_calls(request.files[name], of_file)
        return found

    def import_files(self) -> None:
        """Import the tasks' files; each test begins with the state that they leave."""
        for file in self.files:
            name = file.removesuffix(".py")
            sys.modules.pop(name, None)
            importlib.invalidate_caches()
            self.modules[file] = importlib.import_module(name)
        self.snapshot = state.Snapshot()

    def call(self, request: messages.Call) -> bytes:
        """The bytes of the value of a function or probe, with its task's gates closed.

        Raises `ChangedError` if an argument or a mode of torch is changed.
        """
        args, kwargs = wire.decode(request.arguments)
        function = self.function(request)
        with gates.closed(request.forbid):
            value = function(*args, **kwargs)
        own = not isinstance(request, messages.Probe)
        name = request.name if own else "your code"
        if not request.mutates and (place := _changed(request.arguments, args, kwargs)):
            what = f"its argument {place}" if own else "a value of the test"
            raise ChangedError(
                f"{name} changed {what}, which belongs to its caller; work on a copy"
            )
        _check_modes(name)
        return wire.encode(value)

    def function(self, request: messages.Call) -> Callable[..., Any]:
        """The submission's function of that name, or a probe for its module."""
        module = self.modules[request.file]
        if isinstance(request, messages.Probe):
            return partial(getattr(self.probes, request.name), module)
        return operator.attrgetter(request.name)(module)  # type: ignore[no-any-return]

    def raised(self, number: int, error: BaseException) -> messages.Raised:
        """The reply for an exception: class name, message, place; as text and cut."""
        try:
            text = _cut(str(error))
        except BaseException:
            text = "(its text could not be made)"
        kind, where = messages.Raised, ""
        with contextlib.suppress(BaseException):
            frames = traceback.extract_tb(error.__traceback__)
            where = self.where(error, frames)
            if isinstance(error, AttributeError) and self.absent(error, frames[-1].filename):
                kind = messages.Missing
        return kind(number, _cut(type(error).__name__, 100), text, _cut(where))

    def absent(self, error: AttributeError, file: str) -> bool:
        """Whether a probe, or this file, asked the submission for a name that it lacks."""
        owner = error.obj if isinstance(error.obj, type) else type(error.obj)
        theirs = owner.__module__ in {name.removesuffix(".py") for name in self.modules}
        asked = file in (PROBES_FILE, __file__)
        return asked and (theirs or type(error.obj) is types.ModuleType)

    def where(self, error: BaseException, frames: Any) -> str:
        """The lines of the submission that the exception passed, innermost last."""
        lines = []
        for frame in frames:
            name = os.path.relpath(frame.filename, self.folder)
            if not name.startswith("..") and os.path.isabs(frame.filename):
                source = frame.line or linecache.getline(frame.filename, frame.lineno).strip()
                lines.append(f"{name}, line {frame.lineno}, in {frame.name}: {source}")
        if isinstance(error, SyntaxError) and error.filename:
            name = os.path.basename(error.filename)
            lines.append(f"{name}, line {error.lineno}: {(error.text or '').strip()}")
        return "\n".join(line[:200] for line in lines[-FRAMES:])


def _changed(arguments: bytes, args: list[Any], kwargs: dict[str, Any]) -> int:
    """The place of the first argument that isn't as it came, from 1; 0 if there is none."""
    if _bytes([args, kwargs]) == arguments:
        return 0
    old_args, old_kwargs = wire.decode(arguments)
    came = [*old_args, *old_kwargs.values()]
    now = [*args, *kwargs.values()]
    return next((i for i, pair in enumerate(zip(came, now), 1) if _differ(*pair)), 0)


def _differ(came: Any, now: Any) -> bool:
    return wire.encode(came) != _bytes(now)


def _check_modes(name: str) -> None:
    torch = sys.modules.get("torch")
    if torch and not torch.is_grad_enabled():
        raise ChangedError(
            f"{name} turned gradients off and not on again;"
            " write `with torch.no_grad():` around the lines that need it"
        )
    if torch and torch.get_default_dtype() != torch.float32:
        raise ChangedError(f"{name} changed torch's default dtype; give dtype= instead")


def _cut(text: str, most: int = TEXT_LIMIT) -> str:
    """The beginning of a text, by str's own methods; a lone surrogate is written out."""
    return str.encode(str.__getitem__(text, slice(most)), "utf-8", "backslashreplace").decode()


def _bytes(value: Any) -> bytes:
    try:
        return wire.encode(value)
    except wire.WireError:
        return b""  # no longer plain data, so it is changed


def _out_of_memory(error: BaseException) -> bool:
    """Whether Python or torch ran out of memory."""
    if isinstance(error, MemoryError):
        return True
    return type(error) is RuntimeError and "can't allocate memory" in str(error)
