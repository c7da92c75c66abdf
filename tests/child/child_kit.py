"""Programs that stand for the interpreter of a child, and what is left of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import psutil

from memmon.child.interpreter import Interpreter
from memmon.child.mark import MARK_VARIABLE
from memmon.child.requests import Inspect, Inspected

if TYPE_CHECKING:
    from pathlib import Path


INSPECT = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
NOTHING_FOUND = Inspected(damage=None)
ANSWER = '{"command": "inspect", "damage": null}'
"""What a stand-in says that has found nothing."""


def stand_in(folder: Path, body: str, *, name: str = "stand-in") -> Interpreter:
    """A program that is started in the interpreter's place; its arguments are Python's."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return Interpreter(path=str(path))


def marked_processes() -> list[psutil.Process]:
    """Every living process of memmon's own that this test run has started."""
    return [one for one in psutil.process_iter() if _is_of_this_test(one)]


def _is_of_this_test(process: psutil.Process) -> bool:
    name = "PYTEST_CURRENT_TEST"
    try:
        environ = process.environ()
        is_ours = MARK_VARIABLE in environ and environ.get(name) == os.environ.get(name)
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def until(condition, *, timeout_seconds: float = 20.0) -> bool:
    """Wait until `condition()` holds; False when it never does."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def answer_of(child, *, timeout_seconds: float = 60.0):
    """Poll a child to its end."""
    found = []
    assert until(lambda: found.append(child.poll()) or found[-1] is not None, timeout_seconds=timeout_seconds)
    return found[-1]
