"""The child's side of the recorder's requests: one JSON object in, one out, nothing else said.

Commands: `migrate`, `inspect` (is the file damaged), `check` (hourly), `leak` and `report` (for MemoryMonitor). Each imports what
it needs, so that a migration loads no pandas.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from memmon.child.mortal import end_with_request, lower_own_priority
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Answer the request on standard input; returns the exit code."""
    request = json.loads(sys.stdin.buffer.readline().decode())
    end_with_request(request)
    return answer(request)


def answer(request: dict[str, Any]) -> int:
    """Answer a request on standard output; returns the exit code. Its end was seen to before (`end_with_request`)."""
    command = request["command"]
    # The host's next write waits for it, save for a look at all pages.
    lower_own_priority(is_urgent=command in _URGENT and not request.get("in_all_pages"))
    try:
        found = COMMANDS[command](request)
    except MemmonError as error:
        found = {"error": str(error), **_codes(error)}
    except Exception as error:  # noqa: BLE001 -- the host logs it as one line
        found = {"error": f"{type(error).__name__}: {error}", **_codes(error)}
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    return 0


def _codes(error: Exception) -> dict[str, Any]:
    """Return what lets the host tell what kind of trouble it was."""
    from memmon.store.engine import sqlite_code

    number = error.errno if isinstance(error, OSError) else None
    return {"kind": type(error).__name__, "sqlite_code": sqlite_code(error), "error_number": number}


def _migrate(request: dict[str, Any]) -> dict[str, Any]:
    from memmon.config import parse_database
    from memmon.store.migrate import upgrade

    done = upgrade(parse_database(request["database"]), file_mode=int(request.get("file_mode", 0o600)))
    return {"before": done.before, "after": done.after}


def _inspect(request: dict[str, Any]) -> dict[str, Any]:
    from memmon.config import parse_database
    from memmon.store.condition import find_damage

    in_all_pages = bool(request.get("in_all_pages"))
    return {"damage": find_damage(parse_database(request["database"]), in_all_pages=in_all_pages)}


def _judged(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def run(request: dict[str, Any]) -> dict[str, Any]:
        from memmon.cli import child_judge

        found: dict[str, Any] = getattr(child_judge, name)(request)
        return found

    return run


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "migrate": _migrate,
    "inspect": _inspect,
    "leak": _judged("leak"),
    "report": _judged("report"),
    "check": _judged("check"),
}
_URGENT = frozenset({"migrate", "inspect"})
