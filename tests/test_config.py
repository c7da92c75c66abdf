"""Where settings and the default database are looked for, above all for accounts whose home is of no use."""

from __future__ import annotations

import errno
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from memmon import Recorder
from memmon.config import load_settings, parse_database, resolve_database
from memmon.errors import SettingsError
from memmon.places import config_path, default_database_path, unread_config
from memmon.store.upkeep.migrate import upgrade

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


@pytest.fixture
def closed():
    """A folder that another user may not enter, with a configuration file in it."""
    base = Path(tempfile.mkdtemp(prefix="memmon-home-"))
    folder = base / "home" / ".config" / "memmon"
    folder.mkdir(parents=True)
    (folder / "memmon.toml").write_text('source = "of-the-file"\n', encoding="utf-8")
    base.chmod(0o755)
    (base / "home").chmod(0o700)
    yield base / "home"
    shutil.rmtree(base)


@pytest.mark.parametrize(
    "number",
    [errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE, errno.EIO, errno.ENOENT],
)
def test_a_default_file_that_cannot_be_read_is_none(monkeypatch, number):
    """Whatever keeps the default file from being read, the settings are the defaults; a named one must be readable."""

    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert load_settings({"HOME": "/home/somebody"}).source is None
    with pytest.raises(SettingsError, match=r"somewhere\.toml"):
        load_settings({"MEMMON_CONFIG": "/somewhere.toml"})


def test_paths_that_lead_nowhere(tmp_path):
    """A file for a home, a loop of links, a name that is too long and a folder for a file are no configuration."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder" / "memmon" / "memmon.toml").mkdir(parents=True)
    for name in ("file", "loop", "x" * 300, "folder", "absent"):
        environ = {"XDG_CONFIG_HOME": str(tmp_path / name), "HOME": str(tmp_path / name)}
        assert load_settings(environ).source is None
        assert load_settings({"HOME": str(tmp_path / name)}).source is None


def test_a_default_file_that_is_wrong_is_told(tmp_path):
    """A default file that can be read and makes no sense is an error as before."""
    folder = tmp_path / "memmon"
    folder.mkdir()
    for content in (b"source = ", b"\xff\xfe", b"no_such_setting = 1"):
        (folder / "memmon.toml").write_bytes(content)
        with pytest.raises(SettingsError, match=r"memmon\.toml"):
            load_settings({"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.parametrize("home", ["", "relative/home", ".", "~"])
def test_a_home_that_is_not_absolute_is_none(home, monkeypatch, tmp_path):
    """The account's own home stands in for an empty or relative HOME, wherever the program was started."""
    monkeypatch.chdir(tmp_path)
    own = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    environ = {"HOME": home, "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config"}
    assert default_database_path(environ) == own / ".local" / "state" / "memmon" / "memmon.db"
    assert config_path(environ) == own / ".config" / "memmon" / "memmon.toml"


def test_an_account_without_a_home(monkeypatch, tmp_path):
    """A user id that no account has writes into the present folder; when that is gone too, there is still an answer."""

    def refuse(_uid):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", refuse)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert default_database_path({}) == gone / ".local" / "state" / "memmon" / "memmon.db"
    gone.rmdir()
    assert default_database_path({}) == Path("/.local/state/memmon/memmon.db")
    assert load_settings({}).source is None
    with pytest.raises(SettingsError, match="write the whole path"):
        parse_database("relative.db")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", ["~nobody-of-that-name/m.db", "sqlite:///~nobody-of-that-name/m.db"])
def test_an_unknown_home_in_a_path(given):
    """`~` of an unknown account is a wrong setting and says so."""
    with pytest.raises(SettingsError, match="write the whole path"):
        parse_database(given)


def test_an_unknown_home_in_the_variable():
    """So in MEMMON_CONFIG."""
    with pytest.raises(SettingsError, match=r"MEMMON_CONFIG=~nobody-of-that-name/x\.toml"):
        load_settings({"MEMMON_CONFIG": "~nobody-of-that-name/x.toml"})


def test_the_note_of_a_file_that_is_not_read(tmp_path):
    """What is there and can't be read is noted; what is absent, read or named is not."""
    assert unread_config({"XDG_CONFIG_HOME": str(tmp_path)}) is None
    (tmp_path / "memmon" / "memmon.toml").mkdir(parents=True)
    assert "memmon.toml: can't be read (Is a directory)" in unread_config({"XDG_CONFIG_HOME": str(tmp_path)})
    (tmp_path / "memmon" / "memmon.toml").rmdir()
    (tmp_path / "memmon" / "memmon.toml").touch()
    assert unread_config({"XDG_CONFIG_HOME": str(tmp_path)}) is None
    assert unread_config({"MEMMON_CONFIG": str(tmp_path)}) is None


@needs_root
@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_a_recorder_of_another_user_than_the_home_is_of(closed, variable):
    """After a change of user a recorder records, though the home that the environment names may not be entered."""
    base = closed.parent
    path = base / "records" / "m.db"
    path.parent.mkdir()
    upgrade(parse_database(str(path)))
    for one in (path.parent, path):
        os.chown(one, NOBODY, NOBODY)
    warm = base / "warm.db"
    upgrade(parse_database(str(warm)))
    code = f"""
import json, os, sys
from memmon import Recorder
def record(path):
    recorder = Recorder(path, leak_check=False, daily_report=False)
    recorder.take_snapshot()
    stored = recorder.flush(30)
    answer = [stored, recorder.source, recorder.status.last_error]
    recorder.stop(5)
    return answer
record({str(warm)!r})
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
found = [record({str(path)!r})]
default = Recorder(source="bot", leak_check=False, daily_report=False)
default.take_snapshot()
found.append([default.flush(10), default.pending_count, default.status.last_error])
default.stop(1)
print(json.dumps(found))
"""
    place = closed if variable == "HOME" else closed / ".config"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "HOME": str(closed), variable: str(place)},
        capture_output=True,
        text=True,
        check=False,
        cwd=base,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    of_a_path, of_the_default = json.loads(done.stdout)
    assert (of_a_path[0], of_a_path[2]) == (True, None)
    assert of_a_path[1] != "of-the-file"
    assert of_the_default[:2] == [False, 1]
    assert "the database may not be written" in of_the_default[2]
    assert "MEMMON_DATABASE_URL" in of_the_default[2]


def test_the_default_database_is_one_whatever_its_path_looks_like(monkeypatch, tmp_path):
    """A home whose name looks like a URL is a path all the same."""
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}/x://y")
    assert resolve_database().path == tmp_path / "x:" / "y" / "memmon" / "memmon.db"
    assert Recorder(source="bot").status.last_error is None
