"""The short-lived child process: how it is started, asked, bounded and ended.

A child is started only by an interpreter that is proved to be Python; a variable in its
environment makes every recorder in it inert; it has a session of its own that is bounded in time
and output, and ends with its program.
"""

from __future__ import annotations

from memmon.child.process import Child
from memmon.child.starts import Children, require_headroom
from memmon.child.wire import AnsweredError

__all__ = ["AnsweredError", "Child", "Children", "require_headroom"]
