"""How a connection is opened, and for SQLite with which pragmas and why; engines for what goes by SQLAlchemy.

A connection lives for one flush or one query (NullPool): a kept one goes on "succeeding" into
a file that was deleted under it. Transactions are begun by us, IMMEDIATE for writers: with
SQLite's default (DEFERRED) two writers that both read first dead-lock into "locked".

SQLAlchemy is loaded when an engine is made, and not before: a recorder on a file makes none.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmon.errors import ForeignStoreError, MissingExtraError, SettingsError, StoreDamagedError
from memmon.guest.hooks import fork_free
from memmon.store.connect.access import must_be_immutable, repair_side_files, require_writable
from memmon.store.connect.plain_sqlite import connect_sqlite
from memmon.store.schema.identity import APPLICATION_ID

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import ConnectionPoolEntry

    from memmon.config import Database

BUSY_TIMEOUT_MS = 5_000
# A server that vanished without a word must not hold the writer thread for ever; a URL's own options win.
_SERVER_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "30000",
    "client_encoding": "utf8",  # whatever PGCLIENTENCODING says
}
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/")
"""What stands in a URI as it is: what `urllib.parse.quote` leaves."""
_OWN_TABLES = frozenset({"alembic_version", "source", "run", "series", "snapshot", "reading"})
# At once, not one by one: they are said before each write.
_SAFE_WRITER = (
    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA foreign_keys=ON"
)
_DURABLE_WRITER = "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0"
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"}
)


def write_engine(database: Database) -> Engine:
    """Return an engine whose transactions write; it never creates a file."""
    if not database.is_sqlite:
        return _server_engine(database)
    return _sqlite_engine(database, mode="rw", begin="BEGIN IMMEDIATE")


def read_engine(database: Database, *, immutable: bool | None = False) -> Engine:
    """Return an engine that only reads.

    `immutable` reads a file on whose folder this user may not write the side files that WAL
    needs; the caller must retry when the file changed meanwhile. None: as each connection finds it.
    """
    if not database.is_sqlite:
        return _server_engine(database, execution_options={"postgresql_readonly": True})
    return _sqlite_engine(database, mode="ro", begin="BEGIN DEFERRED", immutable=immutable)


def _server_engine(database: Database, **options: Any) -> Engine:
    from sqlalchemy import event, make_url
    from sqlalchemy.exc import ArgumentError

    from memmon.store.connect.secluded import make_engine
    from memmon.store.connect.server_options import typed_options

    try:
        url, typed = typed_options(make_url(database.url), shown=database.shown)
        unsaid: dict[str, Any] = {
            name: value for name, value in _SERVER_DEFAULTS.items() if name not in url.query
        }
        engine = make_engine(url, connect_args=unsaid | typed, **options)
    except ModuleNotFoundError as error:
        msg = f"{database.shown}: a PostgreSQL server needs psycopg: pip install 'memmon[postgres]'"
        raise MissingExtraError(msg) from error
    except SettingsError:
        raise
    except (ArgumentError, ValueError):
        # The library's own words may quote the URL with its password.
        msg = f"{database.shown}: not a URL that can be understood; write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        raise SettingsError(msg) from None
    event.listen(engine, "connect", _unheard)
    return engine


def _unheard(connection: Any, _record: object) -> None:
    """Take away the handler by which SQLAlchemy logs a server's notices, through the program's logging."""
    from sqlalchemy.dialects.postgresql import psycopg

    with suppress(AttributeError, ValueError):
        connection.remove_notice_handler(psycopg._log_notices)  # noqa: SLF001 -- it has no other name


def sqlite_uri(path: Path, *, mode: str, immutable: bool = False) -> str:
    """Return SQLite's URI of a file; `mode` is `ro`, `rw` or `rwc`."""
    return f"file:{_escaped(os.fspath(path))}?mode={mode}{'&immutable=1' if immutable else ''}"


@lru_cache(maxsize=8)
def _escaped(path: str) -> str:
    """Return a path as it stands in a URI."""
    return "".join(chr(one) if one in _PLAIN_BYTES else f"%{one:02X}" for one in os.fsencode(path))


def create_private_file(path: Path, *, file_mode: int = 0o600) -> None:
    """Create an empty database file with `file_mode`, and its folder; an existing file is left alone.

    It is not even opened: closing a second descriptor would drop the locks that this process
    holds on it. A symbolic link that leads nowhere is not followed (OSError).
    """
    make_folder(path.parent)
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        fork_free(partial(_create_file, path, flags, file_mode))
    except FileExistsError:
        if not path.exists():
            words = "a symbolic link that leads nowhere is not followed: remove it, or make the file that it names"
            raise FileExistsError(errno.EEXIST, words, str(path)) from None


def _create_file(path: Path, flags: int, file_mode: int) -> None:
    descriptor = os.open(path, flags, file_mode)
    try:
        # The umask may have taken bits that the setting asks for (a group that may read).
        with suppress(OSError):
            os.fchmod(descriptor, file_mode)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, and those above it, where they are not there; raises OSError.

    The program's umask may take bits from its owner too (0177 around a socket that it makes, say),
    and then nothing could be made in the folder, now or after.
    """
    missing: list[Path] = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        is_last = one is missing[0]
        with suppress(FileExistsError):  # another process made it meanwhile, or it is a file: found out below
            one.mkdir(mode=0o700 if is_last else 0o777)
            mode = stat.S_IMODE(one.stat().st_mode)
            if mode | stat.S_IRWXU != mode:
                with suppress(OSError):
                    one.chmod(mode | stat.S_IRWXU)
    if missing and not missing[0].is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(missing[0]))


def file_identity(path: str | Path) -> tuple[int, int] | None:
    """Return what tells this file from another at the same path; None: there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 -- of a text too
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _sqlite_engine(database: Database, *, mode: str, begin: str, immutable: bool | None = False) -> Engine:
    from sqlalchemy import event

    from memmon.store.connect.secluded import make_engine

    path = database.path
    assert path is not None

    def connect() -> sqlite3.Connection:
        is_immutable = immutable
        if mode != "ro":
            require_writable(path)
        elif immutable is None:
            repair_side_files(path)
            is_immutable = must_be_immutable(path)
        return open_sqlite(path, mode=mode, immutable=bool(is_immutable))

    engine = make_engine("sqlite+pysqlite://", begin=begin, creator=connect)
    event.listen(engine, "connect", _prepare_reader if mode == "ro" else _prepare_writer)
    return engine


def open_sqlite(path: Path, *, mode: str, immutable: bool = False) -> sqlite3.Connection:
    """Return a connection that more than one thread may use, and that waits for others' writes."""
    uri = sqlite_uri(path, mode=mode, immutable=immutable)
    return connect_sqlite(uri, timeout_seconds=BUSY_TIMEOUT_MS / 1000, is_shared=True)


def _prepare_writer(dbapi_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    record.info.update(prepare_writer(dbapi_connection))


def _prepare_reader(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    prepare_reader(dbapi_connection)


def prepare_writer(connection: sqlite3.Connection) -> dict[Any, Any]:
    """Make a new connection one that writes durably; return its `path` and `journal`."""
    refuse_foreign(connection)
    connection.executescript(_SAFE_WRITER)
    path = _path_of(connection)
    journal = _set_journal(connection, path)
    connection.executescript(_DURABLE_WRITER)
    return {"path": path, "journal": journal}


def prepare_reader(connection: sqlite3.Connection) -> None:
    """Make a new connection one that only reads."""
    refuse_foreign(connection)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA mmap_size=0")


def refuse_foreign(connection: sqlite3.Connection) -> None:
    """Raise ForeignStoreError for a database that is not memmon's, before any pragma changes it."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id == APPLICATION_ID:
        return
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if names >= _OWN_TABLES:
        msg = "the head of the file is damaged (it has memmon's tables but not its mark): `memmon db salvage` brings its rows back"
        raise StoreDamagedError(msg)
    if application_id != 0 or names:
        msg = "the file is another program's SQLite database; memmon left it untouched: give it a file of its own"
        raise ForeignStoreError(msg)


def _set_journal(connection: sqlite3.Connection, path: str) -> str:
    (current,) = connection.execute("PRAGMA journal_mode").fetchone()
    wanted = "truncate" if _lies_in_network(path, file_identity(path)) else "wal"
    if current == wanted:
        return wanted
    (got,) = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()
    if got not in {"wal", "truncate"}:
        connection.execute("PRAGMA journal_mode=TRUNCATE")
    return str(got)


def _path_of(connection: sqlite3.Connection) -> str:
    """Return where SQLite says the file lies; its name need not be text."""
    kept, connection.text_factory = connection.text_factory, bytes
    try:
        return os.fsdecode(connection.execute("PRAGMA database_list").fetchone()[2])
    finally:
        connection.text_factory = kept


@lru_cache(maxsize=8)
def _lies_in_network(path: str, _identity: object) -> bool:
    """Tell it of a file; the table of mounts is read once for each, and not at each flush."""
    return is_network_file_system(Path(path))


def is_network_file_system(path: Path) -> bool:
    """Tell whether a file lies on a file system without the shared memory that WAL needs."""
    return file_system_type(path) in _NETWORK_FILE_SYSTEMS


def file_system_type(path: Path) -> str | None:
    """Return the type of the file system that holds `path` (Linux), such as `ext4` or `tmpfs`."""
    best, kind = "", None
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    text = str(path)
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 -- device, mount point, type
            continue
        point = fields[1].replace("\\040", " ")
        inside = text == point or text.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def sqlite_code(error: BaseException) -> int | None:
    """Return SQLite's primary result code behind an error, or None."""
    code = sqlite_extended_code(error)
    return None if code is None else code & 0xFF


def sqlite_extended_code(error: BaseException) -> int | None:
    """Return SQLite's extended result code behind an error, or None."""
    cause: Any = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # an error can be its own cause
        code = getattr(cause, "sqlite_errorcode", None)
        if isinstance(code, int):
            return code
        seen.add(id(cause))
        cause = getattr(cause, "orig", None) or cause.__cause__
    return None
