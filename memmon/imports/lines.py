"""Lines of a text file, plain or gzip, with their numbers and the digest of the whole."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
import weakref
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from memmon.errors import ImportFileError
from memmon.imports.progress import Progress, tell_nobody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memmon.imports.progress import Tell

STANDARD_INPUT = "-"
LONGEST_LINE_BYTES = 16 * 2**20
TORN = "the last line was torn (its writer was killed) and left out"
_GZIP_MAGIC = b"\x1f\x8b"
_NOT_DECODED = "\ufffd"
_PIECE_BYTES = 2**16
_HELD_BYTES = 2**22
"""What can be read only once is held in memory up to this size, beyond it in a temporary file."""
_TOLD_LINE_COUNT = 4_096


class Lines:
    """Iterates over the decoded lines of a file; errors become ImportFileError with file and line.

    UTF-8 and, where the file says so in its first bytes, UTF-16. What can be read only once (`-` for
    standard input, a pipe) is kept, so that each pass finds all of it. No pass holds more than a line.
    """

    def __init__(self, path: Path, tell: Tell = tell_nobody) -> None:
        self.path = path
        self._tell = tell
        self.number = 0
        """The number of the line that was yielded last."""
        self.is_unfinished = False
        """True when the line that was yielded last has no end: it is the file's last, perhaps torn."""
        self._hash = hashlib.sha256()
        self._kept: SpooledTemporaryFile[bytes] | None = None

    def __iter__(self) -> Iterator[str]:
        """Yield the lines from the first on; each pass reads the file anew."""
        try:
            with self._opened() as (stream, packed):
                yield from self._lines(stream, packed)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise self.error(
                f"the gzip data are damaged or cut off ({error}); expected a whole .gz file"
            ) from None
        except FileNotFoundError:
            raise ImportFileError(f"{self.path}: no such file") from None
        except IsADirectoryError:
            raise ImportFileError(f"{self.path}: is a folder; name the files in it") from None
        except PermissionError:
            raise ImportFileError(f"{self.path}: may not be read by this user") from None

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Open the file at its beginning; yield it unpacked and as it is."""
        if self._kept is None and str(self.path) == STANDARD_INPUT:
            self._keep(sys.stdin.buffer)
        elif self._kept is None and (self.path.is_fifo() or self.path.is_char_device()):
            with self.path.open("rb") as stream:
                self._keep(stream)
        if self._kept is not None:
            yield from self._unpacked(self._kept)
            return
        with self.path.open("rb") as stream:
            yield from self._unpacked(stream)

    def _unpacked(self, stream: IO[bytes]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        stream.seek(0)
        is_packed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        stream.seek(0)
        if not is_packed:
            yield stream, stream
            return
        with gzip.open(stream, "rb") as unpacked:
            yield unpacked, stream  # type: ignore[misc]  # GzipFile is an IO[bytes]

    def _keep(self, stream: IO[bytes]) -> None:
        self._kept = SpooledTemporaryFile(max_size=_HELD_BYTES)  # noqa: SIM115 -- it lives as long as the lines
        weakref.finalize(self, self._kept.close)
        shutil.copyfileobj(stream, self._kept)

    def _say_progress(self, packed: IO[bytes]) -> None:
        if self.number % _TOLD_LINE_COUNT == 1:
            total = self.path.stat().st_size if self._kept is None else None
            done = packed.tell()
            self._tell(Progress(step="reading", name=self.path.name, done=done, total=total, unit="bytes"))

    def _lines(self, stream: IO[bytes], packed: IO[bytes]) -> Iterator[str]:
        self.number, self.is_unfinished = 0, False
        self._hash = hashlib.sha256()
        while raw := stream.readline(LONGEST_LINE_BYTES + 1):
            if self.number == 0 and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                yield from self._wide_lines(raw, stream, packed)
                return
            self.number += 1
            if len(raw) > LONGEST_LINE_BYTES:
                raise self.error("the line is longer than 16 MB; expected lines of text")
            self._hash.update(raw)
            self._say_progress(packed)
            self.is_unfinished = not raw.endswith(b"\n")
            yield self._decoded(raw.removeprefix(BOM_UTF8) if self.number == 1 else raw)

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if self.is_unfinished and error.end == len(raw):
                return raw[: error.start].decode("utf-8")  # torn within a character
            raise self.error("not UTF-8 text; save the file as UTF-8") from None

    def _wide_lines(self, first: bytes, stream: IO[bytes], packed: IO[bytes]) -> Iterator[str]:
        for line in self._wide_text(first, stream):
            self.number += 1
            self._say_progress(packed)
            self.is_unfinished = not line.endswith("\n")
            if _NOT_DECODED in line and not self.is_unfinished:
                raise self.error("not UTF-16 text; save the file as UTF-8")
            yield line.rstrip(_NOT_DECODED)

    def _wide_text(self, first: bytes, stream: IO[bytes]) -> Iterator[str]:
        """Yield the lines of UTF-16, decoded piece by piece."""
        decoder = getincrementaldecoder("utf-16")("replace")
        piece, text = first, ""
        while piece:
            self._hash.update(piece)
            *whole, text = (text + decoder.decode(piece)).split("\n")
            yield from (f"{line}\n" for line in whole)
            if len(text) > LONGEST_LINE_BYTES:
                self.number += 1
                raise self.error("the line is longer than 16 MB; expected lines of text")
            piece = stream.read(_PIECE_BYTES)
        text += decoder.decode(b"", final=True)
        if text:
            yield text

    @property
    def digest(self) -> str:
        """SHA-256 of all that was read."""
        return self._hash.hexdigest()

    def error(self, message: str) -> ImportFileError:
        """Return the error for the present line: what is wrong and what was expected."""
        return ImportFileError(f"{self.path}, line {self.number}: {message}; nothing was imported")

    def first(self) -> str:
        """Return the first line that is not blank, "" for an empty file."""
        return next((line for line in self if line.strip()), "")
