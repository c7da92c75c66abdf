"""The child's side of a request: one JSON object in, one out, nothing else said."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, assert_never

from memmon.child.mortal import end_with_request, lower_own_priority
from memmon.child.requests import (
    Check,
    Failed,
    Inspect,
    JudgeLeak,
    Migrate,
    RenderReport,
)
from memmon.child.wire import encode
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.child.requests import AnyAnswer, AnyRequest


def main() -> int:
    """Answer the request on standard input; returns the exit code."""
    request = json.loads(sys.stdin.buffer.readline().decode())
    end_with_request(request)
    return answer(request)


def answer(raw: Mapping[str, object]) -> int:
    """Answer a request on standard output; returns the exit code. Its end was seen to before (`end_with_request`)."""
    sys.stdout.write(_answer_line(raw) + "\n")
    sys.stdout.flush()
    return 0


def _answer_line(raw: Mapping[str, object]) -> str:
    try:
        from memmon.tasks.decode import read_request

        request = read_request(raw)
        # The program's next write waits for it, save for a look at all pages.
        lower_own_priority(is_urgent=_is_urgent(request))
        return json.dumps(encode(perform(request)))
    except MemmonError as error:
        found = _failed(str(error), error)
    except Exception as error:  # noqa: BLE001 -- the program logs it as one line
        found = _failed(f"{type(error).__name__}: {error}", error)
    return json.dumps(encode(found))


def _is_urgent(request: AnyRequest) -> bool:
    return isinstance(request, Migrate) or (isinstance(request, Inspect) and not request.in_all_pages)


def _failed(text: str, error: Exception) -> Failed:
    """Return what lets the program tell what kind of trouble it was."""
    from memmon.store.connect.engine import sqlite_code

    number = error.errno if isinstance(error, OSError) else None
    return Failed(error=text, kind=type(error).__name__, sqlite_code=sqlite_code(error), error_number=number)


def perform(request: AnyRequest) -> AnyAnswer:
    """Do what is asked; raises whatever comes up."""
    match request:
        case Migrate():
            from memmon.tasks.upkeep import migrate

            return migrate(request)
        case Inspect():
            from memmon.tasks.upkeep import inspect

            return inspect(request)
        case Check():
            from memmon.tasks.check import check

            return check(request)
        case JudgeLeak():
            from memmon.tasks.judge import judge_leak

            return judge_leak(request)
        case RenderReport():
            from memmon.tasks.render import render_report

            return render_report(request)
        case _:
            assert_never(request)
