"""uvicorn: one process, workers, its reloader; ended in order, through the lifespan or by the signal alone."""

from __future__ import annotations

import time

import pytest
from host_page import command, lay
from server_kit import Host, assert_as_without, both, figure_of, needs

from memmon import open_store

pytestmark = pytest.mark.programs
CHANGE_SECONDS = 3.0

WITHOUT_LIFESPAN = """
import logging

import memmon

logging.basicConfig(filename="log.txt", level=logging.INFO)
recorder = memmon.Recorder("api.db", source="api")
recorder.start()


async def app(scope, receive, send):
    assert scope["type"] == "http"
    recorder.count_work()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})
"""


def change_program(host):
    """Change the program while it runs, and wait until the host has loaded it again."""
    host.wait_for_recorded(1)
    count = host.out.count("Started server")
    file = host.folder / "api.py"
    changed, last_change = file.read_text(encoding="utf-8") + "\n# changed\n", 0.0

    def is_detected():
        # What changes before the reloader has looked for the first time it takes for the state that it
        # began with: the change is made anew until it is seen, with many of its looks between.
        nonlocal last_change
        if time.monotonic() > last_change + CHANGE_SECONDS:
            file.write_text(changed, encoding="utf-8")
            last_change = time.monotonic()
        return "StatReload detected changes" in host.out

    host.wait_for(is_detected, "change that is seen")
    host.wait_for(lambda: host.out.count("Started server") == count + 1, "reload")
    host.ask()


@pytest.mark.parametrize(
    ("text", "process_count", "recorded_count", "act", "run_count"),
    [
        ("uvicorn api:app", 1, 1, None, 1),
        ("uvicorn --workers 2", 4, 2, None, 2),
        ("uvicorn --reload", 3, 1, change_program, 2),
    ],
    ids=["plain", "workers", "reload"],
)
def test_ends_with_its_lifespan(text, process_count, recorded_count, act, run_count, tmp_path, figures):
    """A server that is asked to end by SIGTERM, or reloads, has stored all that it took, and its runs end as stopped."""
    needs("uvicorn")
    needs("starlette")

    def run(folder, is_recorded):
        lay(folder, "api.py")
        host = Host(folder, [*command(text), "--uds", "SOCKET"], is_recorded=is_recorded)
        host.ask()
        if act is not None:
            act(host)
        host.measure(process_count, recorded_count=recorded_count)
        return host.end()

    found, plain = both(tmp_path, run)
    figures(text, figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=recorded_count)
    assert found.ends == ["stopped"] * run_count


def test_a_server_that_ends_itself_by_sigterm_is_no_death(tmp_path, figures):
    """Without a lifespan nobody tells the end: the next start says that it ended without a word, at INFO, and warns of nothing."""
    needs("uvicorn")

    def run(folder, is_recorded):
        (folder / "api.py").write_text(WITHOUT_LIFESPAN, encoding="utf-8")
        words = [*command("uvicorn api:app"), "--uds", "SOCKET", "--lifespan", "off"]
        for _ in range(2):
            host = Host(folder, words, is_recorded=is_recorded)
            host.ask()
            host.measure(1, recorded_count=1)
            seen = host.end()
        return seen

    found, plain = both(tmp_path, run)
    figures("uvicorn, no lifespan", figure_of(found, plain))
    assert (found.code, found.out_lines) == (plain.code, plain.out_lines)
    assert found.ends == ["unknown", None]
    assert found.words == ["ended"]
    log = (tmp_path / "with" / "log.txt").read_text(encoding="utf-8")
    (line,) = [line for line in log.splitlines() if "an earlier run" in line]
    assert line.startswith("INFO:memmon:memmon: api: an earlier run ended without a word (os._exit, SIGTERM")
    assert "WARNING" not in log
    with open_store(tmp_path / "with" / "api.db") as store:
        assert len(store.runs("api")) == 2
