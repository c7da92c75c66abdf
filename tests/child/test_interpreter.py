"""Which program a child may be started with, told without running any."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from memmon.child import interpreter
from memmon.child.interpreter import Interpreter, NoInterpreterError, find_interpreter

BASE = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """An installation of our own: a folder with a copy of the real interpreter."""
    own = tmp_path / "prefix" / "bin" / BASE.name
    own.parent.mkdir(parents=True)
    shutil.copy(BASE.resolve(), own)
    monkeypatch.setattr(sys, "base_prefix", str(own.parent.parent))
    monkeypatch.setattr(sys, "base_exec_prefix", str(own.parent.parent))
    return own


def test_the_running_one_under_its_own_name(monkeypatch):
    """The interpreter of a virtual environment is the installation's under another name, and is kept."""
    assert Path(sys.executable).samefile(BASE)
    assert find_interpreter(serves_itself=False) == Interpreter(path=sys.executable)


@pytest.mark.parametrize("name", ["empty", "none", "script", "server", "dangling", "folder", "nul"])
def test_what_is_not_proved_is_never_taken(name, tmp_path, monkeypatch, installation):
    """Whatever else stands in sys.executable, the installation's own interpreter is taken in its place."""
    program = tmp_path / "python3"
    if name == "script":
        program.write_text("#!/bin/sh\nexec true\n", encoding="utf-8")
        program.chmod(0o755)
    elif name == "server":
        shutil.copy("/bin/true", program)
    elif name == "dangling":
        program.symlink_to(tmp_path / "nothing")
    elif name == "folder":
        program.mkdir()
    value = {"empty": "", "none": None, "nul": "py\0thon"}.get(name, str(program))
    monkeypatch.setattr(sys, "executable", value)
    assert find_interpreter(serves_itself=False).path == str(installation)


def test_a_link_to_the_installations_own_is_kept(tmp_path, monkeypatch, installation):
    """A link or a hard link to the proved file is the proved file."""
    link = tmp_path / "anything"
    link.symlink_to(installation)
    monkeypatch.setattr(sys, "executable", str(link))
    assert find_interpreter(serves_itself=False).path == str(link)


def test_a_script_in_the_installation_is_no_proof(monkeypatch, installation):
    """A wrapper that bears the interpreter's name may start anything: none is found."""
    installation.write_text("#!/bin/sh\nexec true\n", encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(installation))
    with pytest.raises(NoInterpreterError, match="not proved"):
        find_interpreter(serves_itself=False)


def test_no_installation(tmp_path, monkeypatch):
    """Where the installation has no interpreter, the running file is taken if it bears Python's name."""
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    assert find_interpreter(serves_itself=False).path == sys.executable
    # The same file, called as a server that embeds Python is called.
    server = tmp_path / "server"
    server.symlink_to(BASE)
    monkeypatch.setattr(interpreter, "_RUNNING_FILE", server)
    monkeypatch.setattr(interpreter.os.path, "realpath", str)
    monkeypatch.setattr(sys, "executable", str(server))
    with pytest.raises(NoInterpreterError, match="no Python"):
        find_interpreter(serves_itself=False)


@pytest.mark.parametrize("value", [None, ""])
def test_an_installation_that_is_not_named(value, tmp_path, monkeypatch):
    """An application that embeds Python and names no installation: none is found, and that is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "base_prefix", value)
    monkeypatch.setattr(sys, "base_exec_prefix", value)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(NoInterpreterError, match="no Python"):
        find_interpreter(serves_itself=False)


def test_another_python_is_not_this_one(tmp_path, monkeypatch):
    """A real interpreter that is neither the running file nor the installation's is not taken."""
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    other = tmp_path / "python3"
    shutil.copy(BASE.resolve(), other)
    monkeypatch.setattr(sys, "executable", str(other))
    with pytest.raises(NoInterpreterError):
        find_interpreter(serves_itself=False)


@pytest.mark.parametrize("name", ["frozen", "oxidized", "_MEIPASS"])
def test_a_packed_program_is_no_interpreter(name, monkeypatch):
    """A packed program is never started, although an interpreter lies about, unless it serves as its own child."""
    monkeypatch.setattr(sys, name, True, raising=False)
    with pytest.raises(NoInterpreterError, match="freeze_support"):
        find_interpreter(serves_itself=False)
    assert find_interpreter(serves_itself=True) == Interpreter(path=sys.executable, is_program=True)


@pytest.mark.parametrize("tells", [True, False])
def test_a_packed_program_serves_by_its_own_binary_only(tells, tmp_path, monkeypatch):
    """A script that launches a packed program, or nothing at all, is not started in its place."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    if not tells:
        monkeypatch.setattr(interpreter, "_RUNNING_FILE", tmp_path / "unknown")
    launcher = tmp_path / "bot"
    launcher.write_text("#!/bin/sh\nexec true\n", encoding="utf-8")
    launcher.chmod(0o755)
    for value in (str(launcher), str(tmp_path), str(tmp_path / "gone"), "", None):
        monkeypatch.setattr(sys, "executable", value)
        with pytest.raises(NoInterpreterError, match="is not that binary"):
            find_interpreter(serves_itself=True)


def test_a_packed_program_that_was_replaced_is_not_started(tmp_path, monkeypatch):
    """Where a newer version lies at the path of the running binary, that one is not started as its child."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    newer = tmp_path / "bot"
    shutil.copy("/bin/true", newer)
    monkeypatch.setattr(sys, "executable", str(newer))
    with pytest.raises(NoInterpreterError, match="is not that binary"):
        find_interpreter(serves_itself=True)
