"""The signals that memory is judged by: all of it, and the parts of it that the allocators count.

A leak lives in one part; the noise lies mostly in another.
"""

from __future__ import annotations

from enum import StrEnum


class Signal(StrEnum):
    """Which series a verdict rests on; a `str` that equals its plain text."""

    FOOTPRINT = "footprint"
    """What the process can't give back, or resident memory where that is not known."""
    ANONYMOUS = "anonymous"
    """Anonymous and swapped memory, where shared memory moves beside it."""
    HEAP = "heap"
    """What the C library has handed out, large mappings included."""
    BLOCKS = "blocks"
    """What Python's own allocator has handed out: its blocks, at so many bytes each as the others show."""
    IN_USE = "in_use"
    """The last two together: what the program uses of its memory."""

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def words(self) -> str:
        """What grows, as a sentence begins."""
        return _WORDS[self]

    @property
    def verb(self) -> str:
        """How it grows: alone or as several."""
        return "grow" if self is Signal.BLOCKS else "grows"


_WORDS = {
    Signal.FOOTPRINT: "memory",
    Signal.ANONYMOUS: "anonymous memory",
    Signal.HEAP: "the native heap",
    Signal.BLOCKS: "Python objects",
    Signal.IN_USE: "memory in use",
}
