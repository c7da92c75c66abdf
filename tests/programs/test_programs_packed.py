"""The bot packed by PyInstaller, as a folder and as one file: its binary is no interpreter, and is started once.

All variants trade side by side, with all schedules shortened; `PACKED_SECONDS` says for how long.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass

import pytest
from program_kit import (
    EXIT_CODE,
    assert_alone_and_stored,
    assert_real_answers,
    bot_environment,
    make_history,
    make_older,
    processes_of,
    query,
    residue,
    run_program,
    side_by_side,
)

from memmon.child.interpreter import FROZEN_FLAG
from memmon.recorder.store_keeper import LOG_EVERY_SECONDS
from memmon.store.schema.identity import HEAD_REVISION

pytestmark = pytest.mark.programs

FORMS = ("onedir", "onefile")
SERVING_CHECKS_AT_MOST = 6
"""A check that runs is a process with NumPy in it: with six programs side by side not every two seconds."""
PLAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Variant:
    form: str
    database: str
    is_serving: bool = False
    """True: the program calls `memmon.freeze_support()` first."""
    with_memmon: bool = True

    @property
    def name(self) -> str:
        kind = "serving" if self.is_serving else "plain" if self.with_memmon else "without memmon"
        return f"{self.form} {self.database} {kind}"


VARIANTS = [
    *(
        Variant(form, database, serving)
        for form in FORMS
        for database in ("fresh", "ready", "older")
        for serving in (False, True)
    ),
    *(Variant(form, "none", with_memmon=False) for form in FORMS),
]
PREPARE = {
    "fresh": lambda _path: None,
    "none": lambda _path: None,
    "ready": make_history,
    "older": make_older,
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory, packed, packed_seconds, witness):
    """All of them at once."""

    def task(variant):
        folder = tmp_path_factory.mktemp(variant.name.replace(" ", "-"))

        def run():
            PREPARE[variant.database](folder / "bot.db")
            environment = bot_environment(
                folder,
                witness,
                BOT_SECONDS=str(packed_seconds if variant.with_memmon else PLAIN_SECONDS),
                BOT_FREEZE_SUPPORT=str(int(variant.is_serving)),
                BOT_WITHOUT_MEMMON=str(int(not variant.with_memmon)),
                BOT_CHECK_SECONDS=str(packed_seconds / SERVING_CHECKS_AT_MOST if variant.is_serving else 2.0),
            )
            return run_program(
                folder, [packed[variant.form]], environment, timeout_seconds=packed_seconds + 180.0
            )

        return run

    return side_by_side({one.name: task(one) for one in VARIANTS}, at_once=len(VARIANTS))


def found_in(ended, form, database, *, is_serving):
    return ended[Variant(form, database, is_serving).name].result()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("database", ["fresh", "ready"])
def test_packed_program_is_started_once(ended, form, database, packed_seconds):
    """A packed program that knows nothing of memmon's needs is started once and stores all; what is off is said once."""
    found = found_in(ended, form, database, is_serving=False)
    assert_alone_and_stored(found)
    assert found.load_count == 1
    assert found.children == []
    assert found.status["child_start_count"] == 0
    assert "memmon.freeze_support()" in found.status["checks_off"]
    assert found.log.count("no hourly check") == 1, found.log
    assert "memmon alerts run" in found.log
    assert found.said["judged"].startswith("False 0 Analysis not available")
    assert found.stored_count >= packed_seconds
    assert query(found.folder / "bot.db", "SELECT count(*) FROM event WHERE kind = 'checks_off'") == [(1,)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("database", ["fresh", "ready"])
def test_packed_program_serves_as_its_own_child(ended, form, database, packed_seconds):
    """With `freeze_support()` its children are its own binary, which never reach its own code, and they answer."""
    found = found_in(ended, form, database, is_serving=True)
    assert_alone_and_stored(found)
    assert found.status["child_start_count"] >= 1
    assert found.status["child_failure_count"] == 0, found.log
    assert found.status["checks_off"] is None
    assert found.load_count > 1
    assert {one.exe for one in found.children} <= {one.exe for one in found.executed if not one.is_marked}
    assert found.said["judged"].startswith("True 60 ")
    assert found.stored_count >= packed_seconds
    if database == "ready":
        assert_real_answers(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_serving", [False, True])
def test_packed_program_is_executed_as_without_memmon(ended, form, is_serving):
    """What memmon starts for itself left aside, the same files are executed as without it, and it ends as without it."""
    without = ended[Variant(form, "none", with_memmon=False).name].result()
    assert (without.code, without.err, without.left) == (EXIT_CODE, "", [])
    found = found_in(ended, form, "ready", is_serving=is_serving)
    own = [one for one in found.executed if not one.is_marked]
    assert len(own) == len(without.executed)
    assert len({one.pid for one in own}) == len({one.pid for one in without.executed})
    assert found.out.startswith(without.out)


@pytest.mark.parametrize("form", FORMS)
def test_killed_program_takes_its_children_along(tmp_path, packed, witness, form):
    """A packed program that is killed while its child is at work leaves no process behind."""
    make_history(tmp_path / "bot.db")
    environment = bot_environment(
        tmp_path, witness, BOT_SECONDS="120", BOT_FREEZE_SUPPORT="1", BOT_CHECK_SECONDS="1"
    )
    program = subprocess.Popen(
        [packed[form]],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60.0
        while not any(FROZEN_FLAG in command for command in processes_of(tmp_path).values()):
            assert time.monotonic() < end, processes_of(tmp_path)
            time.sleep(0.02)
        # As one file it is two processes: one unpacks it and waits, the other is the program.
        own = [pid for pid, command in processes_of(tmp_path).items() if FROZEN_FLAG not in command]
        os.kill(max(own), signal.SIGKILL)
        program.wait(30)
    finally:
        left = residue(tmp_path)
        program.wait()
    assert left == []


@pytest.mark.parametrize("form", FORMS)
def test_packed_program_leaves_an_older_database_alone(ended, form, packed_seconds):
    """An older database is not written by a program that can't migrate it: all is held, and the command is named."""
    found = found_in(ended, form, "older", is_serving=False)
    assert (found.start_count, found.load_count, found.children) == (1, 1, [])
    assert (found.code, found.left, found.err) == (EXIT_CODE, [], "")
    database = found.folder / "bot.db"
    assert query(database, "SELECT version_num FROM alembic_version") == [("0003",)]
    assert query(database, "SELECT count(*) FROM snapshot") == [(40,)]
    status = found.said["status"]
    assert status["held_count"] == status["taken_count"] > 0
    assert status["dropped_count"] == status["stored_count"] == 0
    assert "memmon db upgrade" in status["last_error"]
    most_lines = 1 + packed_seconds // LOG_EVERY_SECONDS
    told = [line for line in found.log.splitlines() if "memmon db upgrade" in line]
    assert ["could not be stored" in line for line in told[-1:]] == [True], found.log
    assert 1 <= len(told) - 1 <= most_lines, found.log


@pytest.mark.parametrize("form", FORMS)
def test_packed_program_that_serves_migrates(ended, form):
    """A program that serves as its own child has memmon's revisions in it, and brings an older database forward."""
    found = found_in(ended, form, "older", is_serving=True)
    assert_alone_and_stored(found)
    database = found.folder / "bot.db"
    assert query(database, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
    assert query(database, "SELECT count(*) FROM snapshot") == [(40 + found.stored_count,)]
    assert len(list(found.folder.glob("bot.db.before-upgrade-from-0003-*"))) == 1
