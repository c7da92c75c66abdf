"""The short-lived child process: everything heavy happens there, never in the host.

The child is `python -P -m memmon _child`: without `-P`, a `click.py` in the bot's folder would
shadow the real one. It gets one JSON object on its standard input and answers one on its
standard output; a password in a URL therefore shows in no process list. It lowers its own
priority and offers itself first to the kernel's OOM killer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmon.errors import ChildError
from memmon.guest.locks import ForkLock
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.model import Snapshot

JUDGE_HEADROOM_BYTES = 300 * MIB
"""Memory that must be free under the limit before an analysis is started."""

_POLL_SECONDS = 0.02
_KILL_WAIT_SECONDS = 1.0

spawn_lock = ForkLock()
"""Held while a process is being started; a fork waits for it.

A process forked at that moment would inherit the pipe on which the start waits, and hold it open
for its whole life: the thread that starts the child would wait as long.
"""


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


class Child:
    """One running child; poll it, it never blocks."""

    def __init__(
        self,
        request: Mapping[str, object],
        *,
        timeout_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the child; raises ChildError when there is no interpreter to start."""
        executable = sys.executable
        if not executable:
            msg = "there is no Python interpreter to run the analysis with (sys.executable is empty)"
            raise ChildError(msg)
        self._monotonic = monotonic
        self._deadline = monotonic() + timeout_seconds
        self._timeout_seconds = timeout_seconds
        body = {**request, "timeout_seconds": timeout_seconds}
        # One line: a process forked from the host may hold the pipe open, so that its end never comes.
        self._input: bytes | None = json.dumps(body, default=str).encode() + b"\n"
        try:
            with spawn_lock:
                self._process = subprocess.Popen(
                    [executable, "-P", "-m", "memmon", "_child"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=_environment(),
                    start_new_session=True,
                )
        except (OSError, ValueError, subprocess.SubprocessError, RuntimeError) as error:
            msg = f"the analysis process could not be started: {error}"
            raise ChildError(msg) from error

    def poll(self, *, wait_seconds: float = 0.0) -> dict[str, Any] | None:
        """Return the child's answer, or None while it is still at work.

        Raises ChildError when it failed or took longer than its time-out (it is then killed).
        """
        try:
            out, err = self._communicate(wait_seconds)
        except subprocess.TimeoutExpired:
            if self._monotonic() < self._deadline:
                return None
            self.kill()
            msg = f"the analysis process took longer than {self._timeout_seconds:g} s and was ended"
            raise ChildError(msg) from None
        except (OSError, ValueError) as error:
            self.kill()
            msg = f"the analysis process broke off: {error}"
            raise ChildError(msg) from error
        return _answer(out, err, self._process.returncode)

    def _communicate(self, wait_seconds: float) -> tuple[bytes, bytes]:
        body, self._input = self._input, None
        out, err = self._process.communicate(body, timeout=max(wait_seconds, 0.001))
        return out, err

    def kill(self) -> None:
        """End the child at once."""
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired, OSError, ValueError):
            self._process.communicate(timeout=_KILL_WAIT_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError, ValueError):
                    pipe.close()

    def abandon(self) -> None:
        """Forget a child that is another process's: this one was forked from its parent."""
        # Nobody to be waited for, and nothing to be said about it when it is collected.
        self._process.returncode = -1


def run_child(request: Mapping[str, object], *, timeout_seconds: float) -> dict[str, Any]:
    """Run a child to its end and return its answer; raises ChildError."""
    child = Child(request, timeout_seconds=timeout_seconds)
    while True:
        answer = child.poll(wait_seconds=_POLL_SECONDS)
        if answer is not None:
            return answer


def require_headroom(snapshot: Snapshot | None, *, needed_bytes: int = JUDGE_HEADROOM_BYTES) -> None:
    """Raise ChildError when a child could push the host over its limit."""
    if snapshot is None:
        return
    room = [snapshot.system_available_bytes]
    if snapshot.limit_bytes is not None and snapshot.limit_used_bytes is not None:
        room.append(snapshot.limit_bytes - snapshot.limit_used_bytes)
    known = [value for value in room if value is not None]
    if known and min(known) < needed_bytes:
        msg = (
            f"only {mb_from_bytes(min(known)):.0f} MB are free under the memory limit, "
            f"an analysis beside the program needs {mb_from_bytes(needed_bytes):.0f} MB"
        )
        raise ChildError(msg)


def lower_own_priority(timeout_seconds: float, *, is_urgent: bool = False) -> None:
    """Make this process (the child) last in line for the processor, first for the OOM killer, and mortal.

    `is_urgent`: the host's first write waits for it, so that it keeps its turn on the processor.
    """
    if not is_urgent:
        with suppress(OSError, AttributeError):
            os.nice(19)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    # If the host dies, nobody is left to end this process.
    watchdog = threading.Timer(timeout_seconds + 5.0, os._exit, args=(3,))
    watchdog.daemon = True
    watchdog.start()


def _environment() -> dict[str, str]:
    env = dict(os.environ)
    root = str(Path(__file__).resolve().parent.parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(part for part in (root, env.get("PYTHONPATH", "")) if part)
    env["PYTHONIOENCODING"] = "utf-8"
    # A host's own start-up hooks and warnings settings must not speak on the child's channel.
    for name in (
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "PYTHONWARNINGS",
        "PYTHONFAULTHANDLER",
        "COVERAGE_PROCESS_START",
    ):
        env.pop(name, None)
    return env


def _answer(out: bytes, err: bytes, code: int | None) -> dict[str, Any]:
    try:
        answer = json.loads(out.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1])
    except ValueError:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        msg = f"the analysis process ended with code {code}: {lines[-1][:300] if lines else 'no word'}"
        raise ChildError(msg) from None
    if not isinstance(answer, dict):
        msg = "the analysis process gave an answer that is none"
        raise ChildError(msg)
    if "error" in answer:
        raise AnsweredError(
            str(answer["error"]),
            kind=answer.get("kind"),
            sqlite_errorcode=answer.get("sqlite_code"),
            error_number=answer.get("error_number"),
        )
    return answer
