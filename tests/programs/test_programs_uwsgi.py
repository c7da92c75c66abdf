"""An application server that embeds Python: `sys.executable` names the server, which is never started again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from program_kit import (
    BASE_PYTHON,
    DEPENDENCIES,
    HERE,
    ROOT,
    Ended,
    bot_environment,
    make_history,
    query,
    residue,
)

pytestmark = pytest.mark.programs

WORKER_COUNT = 2
_PORT = re.compile(rb"bound to TCP address 127\.0\.0\.1:(\d+)")
_START_SECONDS, _END_SECONDS, _CHECK_SECONDS = 60.0, 30.0, 60.0


class Server:
    """A running server, asked over loopback."""

    def __init__(self, binary: str, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._log = folder / "server.log"
        options = ["--http-socket", "127.0.0.1:0", "--master", "--workers", str(WORKER_COUNT), "--lazy-apps"]
        options += [
            "--enable-threads",
            "--die-on-term",
            "--need-app",
            "--wsgi-file",
            str(HERE / "uwsgi_app.py"),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [binary, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        self._port = int(self.wait_for(lambda: _PORT.search(self._log.read_bytes()), _START_SECONDS)[1])

    def wait_for(self, look, seconds: float):
        end = time.monotonic() + seconds
        while not (found := look()):
            assert self._process.poll() is None, self._log.read_text(errors="replace")
            assert time.monotonic() < end, self._log.read_text(errors="replace")
            time.sleep(0.1)
        return found

    def ask(self, path: str = "/") -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def ask_each(self, path: str) -> dict[int, dict]:
        """The answers of all workers, by their numbers."""
        answers: dict[int, dict] = {}

        def ask() -> bool:
            answer = self.ask(path)
            answers[answer["pid"]] = answer
            return len(answers) == WORKER_COUNT

        self.wait_for(ask, _START_SECONDS)
        return answers

    def end(self) -> Ended:
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_END_SECONDS)
        finally:
            left = residue(self.folder)
            self._process.wait()
        return Ended(folder=self.folder, code=code, out="", err="", left=left)


@pytest.fixture
def server(tmp_path, witness):
    """A uWSGI with two workers, whose application was recorded before."""
    beside = str(Path(sys.executable).parent)
    binary = shutil.which("uwsgi", path=os.pathsep.join((beside, os.environ["PATH"])))
    if binary is None:
        pytest.skip("uWSGI is not installed (pip install -e '.[programs]', with a C compiler)")
    make_history(tmp_path / "bot.db")
    paths = os.pathsep.join((str(HERE), str(ROOT), str(DEPENDENCIES)))
    started = Server(binary, tmp_path, bot_environment(tmp_path, witness, PYTHONPATH=paths))
    yield started
    residue(tmp_path, wait_seconds=0.0)


def test_server_that_embeds_python_is_never_started_again(server):
    """A uWSGI binary is executed once; its workers' children are real Python, all is stored, and nothing is left."""
    database = server.folder / "bot.db"
    workers = server.ask_each("/")
    assert {Path(one["executable"]).name for one in workers.values()} == {"uwsgi"}
    server.wait_for(lambda: query(database, "SELECT 1 FROM report"), _CHECK_SECONDS)
    judged = server.ask_each("/judge")
    flushed = server.ask_each("/flush")
    ended = server.end()

    assert [one["judged"][:8] for one in judged.values()] == ["True 60 "] * WORKER_COUNT
    for pid, answer in flushed.items():
        assert answer["is_flushed"], answer
        status = answer["status"]
        assert status["stored_count"] == status["taken_count"] > 0
        assert status["checks_off"] is None
        rows = query(database, f"SELECT 1 FROM snapshot JOIN run ON run.id = run_id WHERE pid = {pid}")
        assert len(rows) >= status["taken_count"]
    assert ended.start_count == ended.load_count == WORKER_COUNT
    servers = [one for one in ended.executed if not one.is_marked]
    assert len(servers) == 1, ended.executed
    assert ended.children
    assert {Path(one.exe).resolve() for one in ended.children} == {BASE_PYTHON.resolve()}
    assert ended.left == []
    assert "put off" not in ended.log
