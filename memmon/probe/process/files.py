"""Reading the kernel's small files: whole, and with as few calls as it takes.

Each call lets the program's other threads have the interpreter, and a program whose threads compute
gives it back 5 ms later at the earliest: a file object makes seven calls where three are enough.
"""

from __future__ import annotations

import os

_PIECE_BYTES = 65_536


def told_after(content: bytes, key: bytes) -> bytes:
    """Return what the last line that begins with `key` says after it; empty where there is none.

    Such files have many lines, of which few are wanted: they are looked for, and the others not looked at.
    """
    begin = 0 if content.startswith(key) else -1
    if (found := content.rfind(b"\n" + key)) >= 0:
        begin = found + 1
    if begin < 0:
        return b""
    end = content.find(b"\n", begin)
    return content[begin + len(key) : end if end >= 0 else len(content)]


def read_bytes(path: str, *, in_pieces: bool = False) -> bytes:
    """Return the content of a file such as /proc/self/status; raises OSError.

    `in_pieces`: for tables (/proc/self/mountinfo), which the kernel hands over some lines at a
    time: only an empty piece is the end. Other files come whole.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        content = piece = os.read(descriptor, _PIECE_BYTES)
        while piece and (in_pieces or len(piece) == _PIECE_BYTES):
            piece = os.read(descriptor, _PIECE_BYTES)
            content += piece
    finally:
        os.close(descriptor)
    return content
