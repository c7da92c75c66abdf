"""What functions hold in their variables while they run or wait, read so that nothing stays behind.

From Python 3.13 on `f_locals` of a function is a view, which is read and never written to. Before, it
is a dict that the frame fills and keeps, and that keeps the values alive for as long as the function
runs: it is emptied at once when nobody else holds it. Functions that may use that dict themselves are
not read: another filling of it would change what they see.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType, FrameType

_FRAMES_LIMIT = 300
_VARIABLES_LIMIT = 200
_IS_OPTIMISED = 0x1
_USES_OF_LOCALS = frozenset({"locals", "vars", "eval", "exec", "f_locals", "_getframe", "currentframe"})
_OWN_REFERENCES = 3  # of the dict: the frame's, the variable's here, and the question's


def variable_names(code: CodeType) -> tuple[str, ...]:
    """Return the variables of a function that may be read; none where reading could be noticed."""
    if not code.co_flags & _IS_OPTIMISED or not _USES_OF_LOCALS.isdisjoint(code.co_names):
        return ()
    return (code.co_varnames + code.co_cellvars + code.co_freevars)[:_VARIABLES_LIMIT]


def variable_of(frame: FrameType, name: str) -> Any:
    """Return the value of a function's variable, None when it has none."""
    values: Any = frame.f_locals
    if type(values) is not dict:
        return _of_view(values, name)
    found = dict.get(values, name)
    if sys.getrefcount(values) <= _OWN_REFERENCES:
        dict.clear(values)
    return found


def _of_view(values: Any, name: str) -> Any:
    try:
        return values[name]
    except KeyError:
        return None


def stack(thread_id: int) -> list[FrameType]:
    """Return the frames of a thread, the outermost first: its place stays as long as it runs."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 -- documented; there is no other way
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    found.reverse()
    return found[:_FRAMES_LIMIT]


def other_threads() -> list[int]:
    """Return the identities of the running threads but for this one, the main thread's first."""
    found = [one for one in sys._current_frames() if one != threading.get_ident()]  # noqa: SLF001
    return sorted(found, key=lambda one: one != threading.main_thread().ident)
