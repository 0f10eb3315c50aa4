"""Typed messages between the command and a suite process, in msgpack."""

from __future__ import annotations

import msgspec

from autograder.grading.submission import Submission
from autograder.verdict import Report


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The first message to a suite process.

    engine: the command's, which the suite process must run too. environment: variables for
    suites. readable, folder: what workers may read, and where their private folders lie.
    """

    engine: str
    root: str
    lecture: str
    device: str
    layers: tuple[str, ...]
    readable: tuple[str, ...]
    folder: str
    secret: str = ""
    environment: dict[str, str] = {}
    tasks: tuple[str, ...] = ()


class AskWrongAnswers(msgspec.Struct, frozen=True, tag=True):
    """Make the lecture's wrong_answers.json."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The first reply: the suite is collected."""


class Graded(msgspec.Struct, frozen=True, tag=True):
    """The report of a submission."""

    report: Report


class WrongAnswers(msgspec.Struct, frozen=True, tag=True):
    """The bytes of wrong_answers.json."""

    data: bytes


class Failed(msgspec.Struct, frozen=True, tag=True):
    """An error that stops the run, with its exit code."""

    error: str
    exit_code: int


Request = Submission | AskWrongAnswers
Reply = Ready | Graded | WrongAnswers | Failed
encode = msgspec.msgpack.encode
_setups = msgspec.msgpack.Decoder(Setup)
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
decode_setup, decode_request, decode_reply = _setups.decode, _requests.decode, _replies.decode
