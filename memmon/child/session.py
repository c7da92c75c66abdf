"""Ending a child with all that it started: the whole session, and nobody else's process.

A child leads a session of its own. The number of a process that has ended and was waited for
(perhaps by the program, which may wait for any child) can be another's by now, so nobody is
ended by number alone: the leader by a descriptor for it (pidfd) where there is one, the others
because the system still counts them to this session.
"""

from __future__ import annotations

import os
import posix
import signal
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_ROUNDS = 5
_OVER = "ZXx"
_NEVER = -1
"""The start of a leader that was gone before anybody saw it: no process has it."""
_PARENT_FIELD, _SESSION_FIELD, _START_FIELD = 1, 3, 19
"""Places in /proc/PID/stat behind the name in parentheses (proc(5): fields 4, 6 and 22)."""


class ChildSession:
    """The session that one child leads."""

    def __init__(self, leader_pid: int, *, is_own: bool = True) -> None:
        """Follow the child `leader_pid`, which was started just now and not waited for yet.

        One that is not this process's own may have ended and been waited for by now.
        """
        self.leader_pid = leader_pid
        self.pidfd: int | None = None
        """A descriptor for the leader, where there is one."""
        with suppress(OSError, AttributeError):
            self.pidfd = os.pidfd_open(leader_pid)
        found = _stat(leader_pid)
        self._started = found[1] if found is not None else None if is_own else _NEVER

    def kill(self) -> None:
        """End every process of the session at once."""
        if self.pidfd is not None:
            with suppress(OSError, AttributeError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if self._is_leader_there():
            with suppress(OSError):
                os.killpg(self.leader_pid, signal.SIGKILL)
        for _ in range(_ROUNDS):  # who is being ended may have started another meanwhile
            members = self._members()
            if not members:
                return
            for pid in members:
                self._kill_member(pid)

    def close(self) -> None:
        """Let go of the leader; nothing is ended."""
        descriptor, self.pidfd = self.pidfd, None
        if descriptor is not None:
            with suppress(OSError):
                posix.close(descriptor)

    def has_members(self) -> bool:
        """Tell whether the child's process group still holds anybody; cheap."""
        try:
            os.killpg(self.leader_pid, 0)
        except OSError:
            return False
        return not self._is_stranger()

    def is_leader_running(self) -> bool:
        """Tell whether the leader has not ended, waited for or not; for one that is not ours to wait for."""
        found = _stat(self.leader_pid)
        return found is not None and found[1] == self._started and found[2] not in _OVER

    def _is_leader_there(self) -> bool:
        """Tell whether the leader runs, or has ended and was not waited for."""
        if self._started is None:  # no /proc: the caller has not waited for it yet
            return True
        found = _stat(self.leader_pid)
        return found is not None and found[1] == self._started

    def _is_stranger(self) -> bool:
        """Tell whether the leader's number is another process's by now."""
        found = _stat(self.leader_pid)
        return found is not None and self._started is not None and found[1] != self._started

    def _members(self) -> list[int]:
        if self._started is None or self._is_stranger():
            return []
        numbers = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        return [pid for pid in numbers if self._is_alive_member(pid)]

    def _is_alive_member(self, pid: int) -> bool:
        found = _stat(pid)
        return found is not None and found[0] == self.leader_pid and found[2] not in _OVER

    def kill_others(self) -> None:
        """End every process of the session but this one."""
        for pid in self._members():
            if pid != os.getpid():
                self._kill_member(pid)

    def _kill_member(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except (OSError, AttributeError):  # an older kernel, or a sandbox that forbids it
            if self._is_alive_member(pid):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            return
        try:
            if self._is_alive_member(pid):
                with suppress(OSError):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            posix.close(descriptor)


def end_own_session(code: int) -> None:
    """End this process with all that it started; for the child itself."""
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            ChildSession(os.getpid()).kill_others()
            os.killpg(0, signal.SIGKILL)
    os._exit(code)


def started_ticks(pid: int) -> int | None:
    """Return when a process that runs was started, in clock ticks since boot; None: it has ended, or can't be seen."""
    found = _stat(pid)
    return None if found is None or found[2] in _OVER else found[1]


def _stat(pid: int) -> tuple[int, int, str, int] | None:
    """Return a process's session, start (clock ticks since boot), state and parent; None: there is none."""
    try:
        # Of every process there is: a Path of each would leave its number in the interpreter's table of names.
        with open(f"{_PROC}/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (
            int(fields[_SESSION_FIELD]),
            int(fields[_START_FIELD]),
            fields[0],
            int(fields[_PARENT_FIELD]),
        )
    except (OSError, ValueError, IndexError):
        return None


def left_unwaited(*, by: int, seconds: float) -> bool:
    """Tell whether a process leaves children that have ended unwaited for, which began `seconds` ago or more."""
    try:
        up_seconds = float((_PROC / "uptime").read_text(encoding="utf-8").split()[0])
        latest = (up_seconds - seconds) * os.sysconf("SC_CLK_TCK")
        numbers = [entry.name for entry in _PROC.iterdir() if entry.name.isdigit()]
    except (OSError, ValueError, IndexError):
        return True  # it can't be seen
    return any(_is_unwaited(int(number), by, latest) for number in numbers)


def _is_unwaited(pid: int, parent_pid: int, latest_ticks: float) -> bool:
    found = _stat(pid)
    return found is not None and found[2] == "Z" and found[3] == parent_pid and found[1] <= latest_ticks
