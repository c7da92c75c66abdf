"""Lines of a text file, plain or gzip, with their numbers and the digest of the whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import IO, TYPE_CHECKING

from memmon.errors import ImportFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STANDARD_INPUT = "-"
LONGEST_LINE_BYTES = 16 * 2**20
TORN = "the last line was torn (its writer was killed) and left out"
_GZIP_MAGIC = b"\x1f\x8b"
_NOT_DECODED = "\ufffd"


class Lines:
    """Iterates over the decoded lines of a file; errors become ImportFileError with file and line.

    UTF-8 and, where the file says so in its first bytes, UTF-16. What can be read only once (`-` for
    standard input, a pipe) is kept, so that each pass finds all of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        """The number of the line that was yielded last."""
        self.is_unfinished = False
        """True when the line that was yielded last has no end: it is the file's last, perhaps torn."""
        self._hash = hashlib.sha256()
        self._kept: bytes | None = None

    def __iter__(self) -> Iterator[str]:
        """Yield the lines from the first on; each pass reads the file anew."""
        try:
            with self._open() as stream:
                yield from self._lines(stream)
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

    def _open(self) -> IO[bytes]:
        if self._kept is None and str(self.path) == STANDARD_INPUT:
            self._kept = sys.stdin.buffer.read()
        elif self._kept is None and (self.path.is_fifo() or self.path.is_char_device()):
            self._kept = self.path.read_bytes()
        with self._raw() as stream:
            packed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        # The caller closes it, through its own `with`.
        return gzip.open(self.path if self._kept is None else self._raw(), "rb") if packed else self._raw()  # type: ignore[return-value]  # GzipFile is an IO[bytes]

    def _raw(self) -> IO[bytes]:
        return self.path.open("rb") if self._kept is None else io.BytesIO(self._kept)

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        self.number, self.is_unfinished = 0, False
        self._hash = hashlib.sha256()
        while raw := stream.readline(LONGEST_LINE_BYTES + 1):
            if self.number == 0 and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                yield from self._wide_lines(raw + stream.read())
                return
            self.number += 1
            if len(raw) > LONGEST_LINE_BYTES:
                raise self.error("the line is longer than 16 MB; expected lines of text")
            self._hash.update(raw)
            self.is_unfinished = not raw.endswith(b"\n")
            yield self._decoded(raw.removeprefix(BOM_UTF8) if self.number == 1 else raw)

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if self.is_unfinished and error.end == len(raw):
                return raw[: error.start].decode("utf-8")  # torn within a character
            raise self.error("not UTF-8 text; save the file as UTF-8") from None

    def _wide_lines(self, content: bytes) -> Iterator[str]:
        self._hash.update(content)
        text = content.decode("utf-16", "replace")
        for line in io.StringIO(text, newline="\n"):
            self.number += 1
            self.is_unfinished = not line.endswith("\n")
            if _NOT_DECODED in line and not self.is_unfinished:
                raise self.error("not UTF-16 text; save the file as UTF-8")
            yield line.rstrip(_NOT_DECODED)

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
