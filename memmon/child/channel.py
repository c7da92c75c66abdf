"""What is said to a child and what it answers, both bounded, and nothing that anybody waits for.

The request goes through a socket that stays open as long as the program lives: its end is how a
child learns that nobody waits for it any more. A socket and no pipe, because writing to a pipe
whose reader has ended kills a program that has given SIGPIPE its default back. It is made below
Python's own class of sockets, which programs replace: by one that goes through a proxy, by one
that refuses to be made, by a green thread's; what is read is read by the system's own function for the
same reason: a green thread's waits.
"""

from __future__ import annotations

import _socket
import os
import posix
from contextlib import suppress

from memmon.errors import ChildError

ANSWER_LIMIT_BYTES = 4 * 2**20
"""So much of an answer is kept; a daily report takes some 100 kB."""
_ERRORS_LIMIT_BYTES = 1 * 2**20
_ERRORS_KEPT_BYTES = 8 * 2**10
_READ_BYTES = 64 * 2**10
_NO_SIGPIPE = getattr(_socket, "MSG_NOSIGNAL", 0)


class FloodError(ChildError):
    """A child said more than any answer is long."""


class Lifeline:
    """The program's end of the channel on which a child gets its request."""

    def __init__(self) -> None:
        self._own, self.childs = _socket.socketpair()
        self._own.setblocking(False)
        # The program's `socket.setdefaulttimeout` makes both ends such that a reader does not wait:
        # the child would take a request that comes in pieces for a broken one.
        self.childs.setblocking(True)
        if hasattr(_socket, "SO_NOSIGPIPE"):
            self._own.setsockopt(_socket.SOL_SOCKET, _socket.SO_NOSIGPIPE, 1)
        self._waiting = memoryview(b"")

    def say(self, request: bytes) -> None:
        """Take a request; `advance` sends it, piece by piece, as the child takes it in."""
        self._waiting = memoryview(request)
        self.advance()

    def advance(self) -> None:
        """Send what the child takes now; never waits. Raises OSError when the child has ended."""
        with suppress(BlockingIOError):
            while self._waiting:
                self._waiting = self._waiting[self._own.send(self._waiting, _NO_SIGPIPE) :]

    def close(self) -> None:
        """Let go: the child ends, if it has not."""
        for end in (self._own, self.childs):
            with suppress(OSError):
                end.close()


class Output:
    """What comes through one of a child's pipes: at most `limit_bytes`, of which `kept_bytes` are kept."""

    def __init__(self, descriptor: int, *, limit_bytes: int, kept_bytes: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._limit_bytes = limit_bytes
        self._kept_bytes = kept_bytes
        self._read_bytes = 0
        self.content = bytearray()
        """The newest that was read."""

    def advance(self) -> None:
        """Read what is there; never waits. Raises FloodError."""
        while True:
            try:
                piece = posix.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            if not piece:
                return
            self._read_bytes += len(piece)
            self.content += piece
            del self.content[: -self._kept_bytes]
            if self._read_bytes > self._limit_bytes:
                msg = f"the analysis process said more than {self._limit_bytes // 2**20} MB and was ended"
                raise FloodError(msg)


def answer_output(descriptor: int) -> Output:
    """Return the reader of a child's answer."""
    return Output(descriptor, limit_bytes=ANSWER_LIMIT_BYTES, kept_bytes=ANSWER_LIMIT_BYTES)


def errors_output(descriptor: int) -> Output:
    """Return the reader of what a child complains of: its last words are kept."""
    return Output(descriptor, limit_bytes=_ERRORS_LIMIT_BYTES, kept_bytes=_ERRORS_KEPT_BYTES)
