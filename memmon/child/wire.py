"""Messages to and from plain JSON values, with the standard library alone: a program's own end.

An answer may say more than this version knows, when memmon was replaced by a later one while the
program ran: that is passed over. What is missing (but for fields added later) or of another kind makes it no answer. A request is
taken exactly (`memmon.tasks.decode`): who asks for what can't be done should hear so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from memmon.child.requests import Failed
from memmon.errors import ChildError

if TYPE_CHECKING:
    from memmon.child.requests import Request

MessageT = TypeVar("MessageT")

_NUMBERS: tuple[type, ...] = (int, float)


class UnknownMessageError(ChildError):
    """A request or an answer is not of this version of memmon."""


class AnsweredError(ChildError):
    """The child ran, and answered that it failed.

    `kind`: the name of the error's class there. `sqlite_errorcode` and `error_number`: SQLite's
    and the system's code, where there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        sqlite_errorcode: int | None = None,
        error_number: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.sqlite_errorcode = sqlite_errorcode
        self.error_number = error_number

    @property
    def is_of_another_version(self) -> bool:
        """Tell whether program and child did not understand each other: it will be so until a restart."""
        return self.kind == UnknownMessageError.__name__


def encode(message: object) -> dict[str, object]:
    """Return a message as plain values, with its `command` when it has one."""
    command = getattr(message, "command", None)
    return {**({} if command is None else {"command": command}), **_fields(message)}


def decode_answer(request: Request[MessageT], raw: Mapping[str, object]) -> MessageT:
    """Return the answer to a request; raises AnsweredError when it is a failure, or none of this version."""
    if "error" in raw:
        raise _answered_error(raw)
    try:
        _require_command(raw, request.command)
        return _message(request.answer_type, raw, "answer")
    except UnknownMessageError as error:
        # It ran: what it can't be understood in may be its own alone.
        msg = f"the analysis process answered as another version of memmon ({error}): restart the program"
        raise AnsweredError(msg, kind=UnknownMessageError.__name__) from error


def _require_command(raw: Mapping[str, object], command: str) -> None:
    if raw.get("command") != command:
        msg = f"it answers {str(raw.get('command'))[:40]!r} to {command!r}"
        raise UnknownMessageError(msg)


def _answered_error(raw: Mapping[str, object]) -> AnsweredError:
    """Return a failure as it was answered; every version must understand another's, so that nothing is required."""
    known = {one.name: raw.get(one.name) for one in fields(Failed)}
    kind, code, number = known["kind"], known["sqlite_code"], known["error_number"]
    return AnsweredError(
        str(known["error"]),
        kind=kind if isinstance(kind, str) else None,
        sqlite_errorcode=code if isinstance(code, int) else None,
        error_number=number if isinstance(number, int) else None,
    )


def _fields(message: object) -> dict[str, object]:
    return {one.name: _plain(getattr(message, one.name)) for one in fields(cast("Any", message))}


def _plain(value: object) -> object:
    if isinstance(value, datetime):  # of an offset of seconds, as zones of old have, not all can read
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _message(kind: type[MessageT], raw: object, path: str) -> MessageT:
    given = _required(raw, dict, path)
    hints = _hints(cast("Any", kind))
    missing = [name for name in hints if name not in given]
    if lacking := [name for name in missing if name not in _added_later(cast("Any", kind))]:
        msg = f"{path} lacks {', '.join(lacking)}"
        raise UnknownMessageError(msg)
    told = {name: hint for name, hint in hints.items() if name in given}
    return kind(**{name: _value(hint, given[name], f"{path}.{name}") for name, hint in told.items()})


@cache
def _added_later(kind: type) -> frozenset[str]:
    return frozenset(one.name for one in fields(kind) if one.metadata.get("was_added_later"))


@cache
def _hints(kind: type) -> dict[str, Any]:
    found = get_type_hints(kind)
    return {one.name: found[one.name] for one in fields(kind)}


def _value(hint: Any, raw: object, path: str) -> object:
    if hint is object:
        return raw
    if is_dataclass(hint):
        return _message(cast("type[object]", hint), raw, path)
    if hint is float:
        return _number(raw, path)
    if get_origin(hint) is not None:
        return _composed(hint, raw, path)
    return _required(raw, hint, path)


def _composed(hint: Any, raw: object, path: str) -> object:
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is tuple:
        each = arguments[0]
        return tuple(_value(each, one, path) for one in _required(raw, list, path))
    if origin is Mapping:
        each = arguments[1]
        return {key: _value(each, one, path) for key, one in _required(raw, dict, path).items()}
    if origin is Literal:
        if raw not in arguments:
            raise _refused(raw, path)
        return raw
    return None if raw is None else _value(_other_than_none(arguments), raw, path)


def _other_than_none(arguments: tuple[Any, ...]) -> Any:
    (only,) = (one for one in arguments if one is not NoneType)
    return only


def _required(raw: object, kind: type[MessageT], path: str) -> MessageT:
    if type(raw) is not kind:  # a bool is no int
        raise _refused(raw, path)
    return raw


def _number(raw: object, path: str) -> float:
    if type(raw) not in _NUMBERS:
        raise _refused(raw, path)
    try:
        return float(cast("float", raw))
    except OverflowError:
        raise _refused(raw, path) from None


def _refused(raw: object, path: str) -> UnknownMessageError:
    return UnknownMessageError(f"{path} is of the kind {type(raw).__name__}")
