"""Requests read exactly: a field that is missing, of another kind or unknown is refused, with its place.

The one who asks may be another version of memmon, which a program loaded before this one was installed.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import msgspec

from memmon.child.requests import REQUESTS, Envelope, SnapshotColumns
from memmon.child.wire import UnknownMessageError, encode
from memmon.model import DequeReading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memmon.child.requests import AnyRequest

MessageT = TypeVar("MessageT")

ENVELOPE_NAMES = frozenset(one.name for one in fields(Envelope))
LATER_NAMES = frozenset(
    one.name
    for kind in (DequeReading, SnapshotColumns)
    for one in fields(kind)
    if one.metadata.get("was_added_later")
)
"""What earlier versions of memmon don't send of a deque, or of what a program holds: it may be missing."""


def read_request(raw: Mapping[str, object]) -> AnyRequest:
    """Return the request in a line of JSON; raises UnknownMessageError when it is none of this version."""
    try:
        return read_exactly(_kind(raw), {k: v for k, v in raw.items() if k not in ENVELOPE_NAMES})
    except UnknownMessageError as error:
        from memmon.recorder.run_identity import memmon_version

        msg = f"the memmon installed now ({memmon_version()}) does not know what it is asked ({error}): restart the program, which loaded another version"
        raise UnknownMessageError(msg) from error


def _kind(raw: Mapping[str, object]) -> type[AnyRequest]:
    command = raw.get("command")
    if not isinstance(command, str) or command not in REQUESTS:
        msg = f"no command is called {str(command)[:40]!r}"
        raise UnknownMessageError(msg)
    return REQUESTS[command]


def read_exactly(kind: type[MessageT], raw: Mapping[str, object]) -> MessageT:
    """Return a message whose every field is there, and none besides; raises UnknownMessageError."""
    try:
        message = msgspec.convert(raw, kind)
    except (msgspec.ValidationError, ValueError) as error:  # a name may be text that no encoding has
        raise UnknownMessageError(str(error)) from None
    # It passes over what it doesn't know, and fills in what has a default.
    if odd := next(_other_names(raw, encode(message), "$"), None):
        raise UnknownMessageError(odd)
    return message


def _other_names(given: object, read: object, path: str) -> Iterator[str]:
    """Yield what only one of both has."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name in (given.keys() ^ read.keys()) - LATER_NAMES:
            state = "unknown" if name in given else "missing"
            yield f"Object has the {state} field `{str(name)[:40]}` - at `{path}`"
        for name in given.keys() & read.keys():
            yield from _other_names(given[name], read[name], f"{path}.{name}")
    elif isinstance(given, list) and isinstance(read, list):
        for index, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from _other_names(one, other, f"{path}[{index}]")
