"""Where results go: standard output or a file; messages and progress go to standard error.

A file is written whole or not at all, and an existing one only with --force.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from memmon.cli.text import printable
from memmon.errors import OutputError
from memmon.facts.json_schema import JSON_SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memmon.cli.options import Common
    from memmon.config import Database


def say(message: str) -> None:
    """Tell the operator something that is not the result."""
    click.echo(printable(message), err=True)


def say_database(database: Database) -> None:
    """Say which database is read."""
    say(f"database: {database.shown}")


def check_output(common: Common) -> None:
    """Refuse an output that can't be written, before any work is done for it.

    Raises OutputError.
    """
    if is_file(common.output):
        assert common.output is not None
        _refuse_unwritable(Path(common.output), force=common.force)


def is_file(output: str | None) -> bool:
    """Tell whether `-o` names a file, not standard output."""
    return output not in {None, "-"}


def write_text(common: Common, text: str) -> None:
    """Write a result where the operator asked for it."""
    with open_output(common) as stream:
        stream.write(
            (text if text.endswith("\n") else text + "\n").encode(_encoding(common), "backslashreplace")
        )


def write_json(common: Common, *, command: str, database: Database | None = None, **values: Any) -> None:
    """Write the one JSON object of a command."""
    write_text(common, json_text(command=command, database=database, **values))


def json_text(*, command: str, database: Database | None = None, **values: Any) -> str:
    """Return the one JSON object of a command: `schema_version`, `command`, `database` and its own values."""
    from memmon.facts.plain import as_plain

    head: dict[str, Any] = {"schema_version": JSON_SCHEMA_VERSION, "command": command}
    if database is not None:
        head["database"] = database.shown
    plain: Mapping[str, Any] = as_plain(values)
    return json.dumps({**head, **plain}, ensure_ascii=False, allow_nan=False, indent=2)


@contextmanager
def open_output(common: Common, *, as_private_as: Path | None = None) -> Iterator[IO[bytes]]:
    """Yield a binary stream for the result; a file appears only when all of it was written.

    `as_private_as`: nobody may read a new file who may not read that one (a database).

    Raises OutputError when it can't be written; a reader that left a pipe stays a BrokenPipeError.
    """
    try:
        with _opened(common, as_private_as) as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        where = common.output if is_file(common.output) else "standard output"
        raise OutputError(
            f"{where}: can't be written ({error.strerror or error}); write elsewhere with -o"
        ) from None


@contextmanager
def _opened(common: Common, as_private_as: Path | None) -> Iterator[IO[bytes]]:
    if not is_file(common.output):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    assert common.output is not None
    path = Path(common.output)
    _refuse_unwritable(path, force=common.force)
    if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
        with path.open("wb") as stream:
            yield stream
        return
    with _replacing(path, new_file_mode(as_private_as)) as stream:
        yield stream


@contextmanager
def _replacing(path: Path, new_mode: int) -> Iterator[IO[bytes]]:
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else new_mode
    from tempfile import mkstemp  # with all that it loads: few commands write a file

    descriptor, name = mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _refuse_unwritable(path: Path, *, force: bool) -> None:
    folder = path.parent
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give -o a file's name, or - for standard output")
    if path.is_file() and not force:
        raise OutputError(f"{path}: exists already; add --force to replace it")
    if not folder.is_dir():
        raise OutputError(f"{path}: there is no folder {folder}; create it or write elsewhere")
    if not os.access(folder if not path.exists() else path, os.W_OK):
        raise OutputError(f"{path}: may not be written by this user; write elsewhere with -o")


def _encoding(common: Common) -> str:
    return "utf-8" if is_file(common.output) or common.as_json else stdout_encoding()


def stdout_encoding() -> str:
    """Return the encoding that standard output's reader expects."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def new_file_mode(as_private_as: Path | None) -> int:
    """Return the mode of a new file: as the umask has it, and no wider than a database's."""
    mode = 0o666 & ~_umask()
    if as_private_as is not None:
        with suppress(OSError):
            mode &= as_private_as.stat().st_mode | 0o600
    return mode
