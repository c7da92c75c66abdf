"""Lines of a text file, plain or gzip, with their numbers and the digest of the whole."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import IO, TYPE_CHECKING

from memmon.errors import ImportFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE_BYTES = 16 * 2**20


class Lines:
    """Iterates over the decoded lines of a file; errors become ImportFileError with file and line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        """The number of the line that was yielded last."""
        self._hash = hashlib.sha256()

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
        with self.path.open("rb") as stream:
            packed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        # The caller closes it, through its own `with`.
        return gzip.open(self.path, "rb") if packed else self.path.open("rb")  # type: ignore[return-value]  # GzipFile is an IO[bytes]

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        self.number = 0
        self._hash = hashlib.sha256()
        while raw := stream.readline(LONGEST_LINE_BYTES + 1):
            self.number += 1
            if len(raw) > LONGEST_LINE_BYTES:
                raise self.error("the line is longer than 16 MB; expected lines of text")
            self._hash.update(raw)
            if self.number == 1:
                raw = raw.removeprefix(_BYTE_ORDER_MARK)
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError:
                raise self.error("not UTF-8 text; save the file as UTF-8") from None

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
