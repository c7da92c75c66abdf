"""What the C library has handed out: glibc's own word, which lets other threads run, or psutil's `heap_info` elsewhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from memmon.guest.shielding import attempt

if TYPE_CHECKING:
    from collections.abc import Callable

# The fields of glibc's `struct mallinfo2`, in its order; each a size_t.
_FIELDS = [
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
]


class HeapInfo(NamedTuple):
    """As psutil's: bytes in use in the arenas, and in blocks with a mapping of their own."""

    heap_used: int
    mmap_used: int


def heap_info() -> Any:
    """Return `heap_used` and `mmap_used` in bytes; raises where nobody can tell.

    psutil's word is the same on glibc, and holds the interpreter for as long as it takes.
    """
    return psutil.heap_info() if _mallinfo2() is None else glibc_heap_info()


def prepare_heap_info() -> None:
    """Load what `heap_info` needs, so that its first call is as quick as the others; never raises."""
    attempt(_mallinfo2)


def glibc_heap_info() -> HeapInfo:
    """Return what glibc says of all its arenas; the interpreter's lock is not held meanwhile."""
    mallinfo2 = _mallinfo2()
    if mallinfo2 is None:
        msg = "the C library of this process has no mallinfo2"
        raise OSError(msg)
    told = mallinfo2()
    return HeapInfo(heap_used=told.uordblks, mmap_used=told.hblkhd)


def glibc_heap_trim() -> None:
    """Give free heap back to the system; raises AttributeError where the C library has no such call."""
    import ctypes

    ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


@cache
def _mallinfo2() -> Callable[[], Any] | None:
    import ctypes

    class Mallinfo2(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_size_t) for name in _FIELDS)

    try:
        function = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return None
    function.restype = Mallinfo2
    function.argtypes = ()
    return function
