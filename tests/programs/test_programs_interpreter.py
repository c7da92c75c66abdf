"""`sys.executable` is another program, or none: it is never run, and the real interpreter is found."""

from __future__ import annotations

import os
import venv
from pathlib import Path

import pytest
from program_kit import (
    BASE_PYTHON,
    BOT,
    DEPENDENCIES,
    ROOT,
    assert_alone_and_stored,
    assert_only_python_started,
    assert_real_answers,
    bot_environment,
    make_history,
    run_program,
    side_by_side,
)

pytestmark = pytest.mark.programs

SCRIPT = '#!/bin/sh\necho "$0 $*" >> "$BOT_FOLDER/calls.txt"\n'
"""Whoever runs this is found out."""

LAUNCHER = """
import runpy, sys
{change}
sys.argv = [{bot!r}]
runpy.run_path({bot!r}, run_name="__main__")
"""


def script(folder: Path, name: str, then: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT + then + "\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def server_binary(folder):
    """An application server, which knows none of Python's options."""
    return script(folder, "server-binary", "exit 1")


def bot_itself(folder):
    """What a freezing tool leaves there: the program."""
    return script(folder, "bot", f'exec "{BASE_PYTHON}" "{folder}/launcher.py" "$@"')


def namesake(folder):
    """A script that bears Python's name, in another folder."""
    return script(folder, "tools/python3", f'exec "{BASE_PYTHON}" "{folder}/launcher.py" "$@"')


def wrapper(folder):
    """A wrapper that does start Python, among other things."""
    return script(folder, f"bin/{BASE_PYTHON.name}", f'exec "{BASE_PYTHON}" "$@"')


def dangling(folder):
    """A link into an installation that was removed."""
    link = folder / "python3"
    link.symlink_to(folder / "removed" / "bin" / "python3")
    return str(link)


def directory(folder):
    (folder / "python").mkdir()
    return str(folder / "python")


def copied(folder):
    """A copy of the interpreter in another environment."""
    venv.create(folder / "other", symlinks=False, with_pip=False)
    return str(folder / "other" / "bin" / "python3")


STAND_INS = {
    "server": server_binary,
    "bot": bot_itself,
    "namesake": namesake,
    "wrapper": wrapper,
    "dangling": dangling,
    "directory": directory,
    "copied": copied,
    "empty": lambda _folder: "",
    "none": lambda _folder: None,
}
LEFT_ALONE = {
    "frozen": lambda folder: f"sys.executable, sys.frozen = {bot_itself(folder)!r}, True",
    "bundled": lambda folder: f"sys.executable, sys._MEIPASS = {bot_itself(folder)!r}, {str(folder)!r}",
    "served": lambda folder: (
        f"import os, sys\nos.environ['BOT_FREEZE_SUPPORT'] = '1'\n"
        f"sys.executable, sys.frozen = {bot_itself(folder)!r}, True"
    ),
    "nothing": lambda folder: (
        f"sys.executable = {server_binary(folder)!r}\n"
        f"sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = {str(folder)!r}"
    ),
    "posing": lambda folder: (
        f"sys.executable = {wrapper(folder)!r}\n"
        f"sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = {str(folder)!r}"
    ),
}
"""Where no interpreter can be proved: none is run."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory, witness):
    """All of them, run side by side."""

    def task(name, change):
        folder = tmp_path_factory.mktemp(name)

        def run():
            make_history(folder / "bot.db")
            text = change(folder)
            launcher = folder / "launcher.py"
            launcher.write_text(LAUNCHER.format(change=text, bot=str(BOT)), encoding="utf-8")
            paths = os.pathsep.join((str(ROOT), str(DEPENDENCIES)))
            environment = bot_environment(folder, witness, PYTHONPATH=paths, BOT_WAITS_SECONDS="60")
            return run_program(folder, [BASE_PYTHON, launcher], environment, timeout_seconds=150)

        return run

    def stand_in(make):
        return lambda folder: f"sys.executable = {make(folder)!r}"

    changes = {name: stand_in(make) for name, make in STAND_INS.items()} | LEFT_ALONE
    return side_by_side({name: task(name, change) for name, change in changes.items()})


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_in_is_never_run(ended, name):
    """Whatever `sys.executable` names, only the interpreter of this installation is started, and everything works."""
    found = ended[name].result()
    assert not (found.folder / "calls.txt").exists(), (found.folder / "calls.txt").read_text()
    assert_alone_and_stored(found)
    assert_only_python_started(found)
    assert_real_answers(found)


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_nothing_is_run_where_no_interpreter_is_proved(ended, name):
    """Without an interpreter that is proved to be Python nothing is started; what that means is said once."""
    found = ended[name].result()
    assert not (found.folder / "calls.txt").exists(), (found.folder / "calls.txt").read_text()
    assert_alone_and_stored(found)
    assert found.children == []
    assert found.status["child_start_count"] == 0
    assert found.status["checks_off"]
    assert found.log.count("no hourly check") == 1, found.log
    assert "memmon alerts run" in found.log
    assert found.said["judged"].startswith("False 0 Analysis not available"), found.said


def test_program_run_by_a_copied_interpreter(tmp_path, witness):
    """A program of an environment that was made with copies gets real answers from its children."""
    venv.create(tmp_path / "env", symlinks=False, with_pip=False)
    make_history(tmp_path / "bot.db")
    paths = os.pathsep.join((str(ROOT), str(DEPENDENCIES)))
    environment = bot_environment(tmp_path, witness, PYTHONPATH=paths, BOT_WAITS_SECONDS="60")
    found = run_program(tmp_path, [tmp_path / "env/bin/python3", BOT], environment, timeout_seconds=150)
    assert_alone_and_stored(found)
    assert_real_answers(found)
    assert all(Path(one.exe).name.startswith("python") for one in found.executed), found.executed
