"""A new database: equal to what the revisions make, made without a child, and nothing else harmed."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from create_kit import ask, assert_whole_and_empty, made, record_one

from memmon import open_store
from memmon.config import parse_database
from memmon.errors import ForeignStoreError
from memmon.store.connect import create as creation
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.migrate import upgrade

ROOT = Path(__file__).resolve().parents[2]
PRAGMAS = ("application_id", "auto_vacuum", "encoding", "page_size", "user_version")
NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV)


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location(
        "make_fresh_script", ROOT / "migrations" / "make_fresh_script.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def schema_of(path) -> dict[str, object]:
    """All that SQLite knows of a database's schema, whatever its statements' white space."""
    objects = ask(path, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    found: dict[str, object] = {
        f"{kind} {name}": (
            table,
            sql and re.sub(r"\s+", " ", sql).strip().replace(" )", ")").replace("( ", "("),
        )
        for kind, name, table, sql in objects
    }
    for kind, name, _, _ in objects:
        if kind in {"table", "view"}:
            for pragma in ("table_xinfo", "foreign_key_list", "index_list"):
                found[f"{pragma} {name}"] = ask(path, f"PRAGMA {pragma}('{name}')")
        if kind == "index":
            found[f"index_xinfo {name}"] = ask(path, f"PRAGMA index_xinfo('{name}')")
    found |= {pragma: ask(path, f"PRAGMA {pragma}") for pragma in PRAGMAS}
    found["revision"] = ask(path, "SELECT version_num FROM alembic_version")
    found["tables"] = ask(path, "PRAGMA table_list")
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_create_script_is_what_the_revisions_say(generator, dialect):
    """The committed script is what its generator makes of the revisions today."""
    committed = generator.module_path(dialect).read_text(encoding="utf-8")
    assert committed == generator.module_text(dialect), f"renew it: {generator.COMMAND}"


def test_create_makes_what_the_revisions_make(tmp_path):
    """Table by table, column by column, index by index and view by view the script makes what Alembic makes from nothing."""
    by_script, by_revisions = tmp_path / "script.db", tmp_path / "revisions.db"
    assert made(by_script)
    upgrade(parse_database(str(by_revisions)), revision=HEAD_REVISION)
    found, wanted = schema_of(by_script), schema_of(by_revisions)
    assert len([name for name in wanted if name.startswith("view ")]) == 10
    assert found["revision"] == [(HEAD_REVISION,)]
    assert found["auto_vacuum"] == [(2,)]
    for name in wanted | found:
        assert found.get(name) == wanted.get(name), name


@pytest.mark.parametrize("way", ["link", "place", "touched"])
def test_create_makes_the_same_whichever_way(tmp_path, monkeypatch, way):
    """Linked, made in place or filled into an empty file: it is the same database."""
    linked, other = tmp_path / "linked.db", tmp_path / "other.db"
    assert made(linked)
    if way == "place":
        monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    elif way == "touched":
        other.touch()
    assert made(other)
    assert schema_of(other) == schema_of(linked)
    assert ask(other, "PRAGMA integrity_check") == [("ok",)]


def refusing(number):
    def refuse(*_args, **_more):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("code", ["record", "upgrade"])
def test_create_starts_no_process_and_loads_no_alembic(tmp_path, code):
    """The first snapshot into a new database, and `upgrade` of one, start nothing and load no Alembic."""
    program = {
        "record": "from memmon import Recorder; r = Recorder(sys.argv[1], source='bot'); r.take_snapshot(); "
        "assert r.flush(30), r.status; r.stop()",
        "upgrade": "from memmon.config import parse_database; from memmon.store.upkeep.migrate import upgrade; "
        "assert upgrade(parse_database(sys.argv[1])).before is None",
    }[code]
    watched = (
        "import sys\nstarted = []\nsys.addaudithook(lambda name, _: started.append(name) if name in "
        "('subprocess.Popen', 'os.fork', 'os.posix_spawn', 'os.exec', 'os.system', 'os.forkpty') else None)\n"
        f"{program}\nassert not started, started\nassert 'alembic' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watched, tmp_path / "m.db"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(tmp_path / "m.db", "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]


def test_create_honours_modes_and_leaves_nothing_beside(tmp_path):
    """The file has the mode that is set whatever the umask, a new folder is its owner's alone, no other file stays."""
    path = tmp_path / "new" / "m.db"
    before = os.umask(0o077)
    try:
        assert made(path, file_mode=0o640)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_nlink == 1
    assert [found.name for found in path.parent.iterdir()] == ["m.db"]
    assert_whole_and_empty(path)


@pytest.mark.parametrize("umask", [0o777, 0o177])
def test_create_makes_folders_that_their_owner_may_enter(tmp_path, umask):
    """A umask that takes bits from the owner too does not lock the program out of the folders made for it."""
    path = tmp_path / "a" / "b" / "m.db"
    before = os.umask(umask)
    try:
        assert made(path)
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o700 == 0o700
    assert_whole_and_empty(path)


@pytest.mark.parametrize("name", [b"\xff.db", b"\xe9 b?c#d%41&.db", b"x\ny.db"])
def test_create_takes_every_name_that_the_system_takes(tmp_path, name):
    """A name that is no text, or holds what a URL minds, is recorded to, brought forward and read like another."""
    path = Path(tmp_path, os.fsdecode(name))
    upgrade(parse_database(str(path)), revision="0003")
    record_one(path)
    assert [one for one in tmp_path.iterdir() if ".before-upgrade" not in one.name] == [path]
    with open_store(path) as store:
        assert [source.name for source in store.sources()] == ["bot"]


def test_create_again_changes_nothing(tmp_path):
    """A database with tables is left as it is, byte for byte, of whichever schema."""
    path = tmp_path / "m.db"
    upgrade(parse_database(str(path)), revision="0001")
    before = path.read_bytes()
    assert not made(path)
    assert path.read_bytes() == before
    assert upgrade(parse_database(str(path))).before == "0001"
    assert not made(path)


def test_create_fills_a_file_that_an_operator_made(tmp_path):
    """An empty file is filled in place and keeps its identity and mode, through a symbolic link as well."""
    path, link = tmp_path / "m.db", tmp_path / "link.db"
    path.touch()
    path.chmod(0o664)
    link.symlink_to(path)
    identity = path.stat().st_ino
    record_one(link)
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (identity, 0o664)
    assert link.is_symlink()


@pytest.mark.parametrize("prepared", ["PRAGMA journal_mode=WAL", "VACUUM"])
def test_create_fills_a_file_that_has_only_a_head(tmp_path, prepared):
    """A SQLite file without any table, as an earlier start may have left it, is filled without a child."""
    path = tmp_path / "m.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute(prepared)
    assert path.stat().st_size > 0
    assert made(path)
    assert_whole_and_empty(path)
    record_one(path)


def test_create_leaves_a_foreign_file_alone(tmp_path):
    """Another program's database is refused and not changed."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(ForeignStoreError):
        made(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("has_links", [True, False])
def test_create_does_not_follow_a_link_that_leads_nowhere(tmp_path, monkeypatch, has_links):
    """A dangling symbolic link is refused: neither it nor its target is made."""
    path, target = tmp_path / "m.db", tmp_path / "elsewhere.db"
    path.symlink_to(target)
    if not has_links:
        monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    with pytest.raises(OSError, match="leads nowhere"):
        made(path)
    assert path.is_symlink()
    assert not target.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", NO_LINKS, ids=errno.errorcode.get)
def test_create_works_where_there_are_no_hard_links(tmp_path, monkeypatch, number):
    """Where a hard link is refused, for whichever reason, the file is made in place with the mode that is set."""
    monkeypatch.setattr(os, "link", refusing(number))
    path = tmp_path / "m.db"
    assert made(path, file_mode=0o660)
    assert path.stat().st_mode & 0o777 == 0o660
    assert list(tmp_path.iterdir()) == [path]
    assert_whole_and_empty(path)


def test_create_works_with_a_name_as_long_as_can_be(tmp_path):
    """A name that leaves no room for one beside it is made in place."""
    path = tmp_path / ("m" * (os.pathconf(tmp_path, "PC_NAME_MAX") - len("-journal")))
    assert made(path)
    assert_whole_and_empty(path)


def test_create_leaves_the_journal_to_the_file_system(tmp_path, monkeypatch):
    """A new file is ready for its log at once; on a network file system it never is."""
    plain, network = tmp_path / "plain.db", tmp_path / "network.db"
    assert made(plain)
    monkeypatch.setattr(creation, "is_network_file_system", lambda _: True)
    assert made(network)
    assert ask(plain, "PRAGMA journal_mode") == [("wal",)]
    assert ask(network, "PRAGMA journal_mode") == [("delete",)]
    assert not list(tmp_path.glob("*-wal"))


def test_create_drops_no_locks_of_this_process(tmp_path):
    """Looking at a database that this process has locked leaves other processes locked out of it."""
    path = tmp_path / "m.db"
    assert made(path)
    take = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'x', 0)")
        assert not made(path)
        done = subprocess.run([sys.executable, "-c", take, path], capture_output=True, text=True, check=False)
        assert "locked" in done.stderr
        connection.execute("ROLLBACK")


def test_create_holds_a_fork_up_only_while_a_connection_is_open(tmp_path, monkeypatch):
    """No disk is waited for under the lock for which a fork waits, and no connection is open outside it."""
    held, told = [], []

    class Lock:
        def __enter__(self):
            held.append(1)

        def __exit__(self, *_):
            held.pop()

    real_sync, real_connect = os.fsync, creation.connect_sqlite
    monkeypatch.setattr(os, "fsync", lambda found: (told.append(("sync", len(held))), real_sync(found)))
    monkeypatch.setattr(
        creation,
        "connect_sqlite",
        lambda *args, **more: (told.append(("open", len(held))), real_connect(*args, **more))[1],
    )
    assert made(tmp_path / "m.db", flush_lock=Lock())
    assert told == [("open", 1), ("sync", 0), ("sync", 0)]
    assert not held


def test_create_costs_the_recorder_next_to_nothing(tmp_path):
    """What creation adds to a recorder's modules is no package, and the script is loaded only when it is run."""
    code = (
        "import sys; import memmon.store.connect.engine, memmon.store.schema.revision; before = set(sys.modules); "
        "import memmon.store.connect.create; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['memmon.store.connect.create']"
