"""The dashboard's command: it says where it is, answers, and ends when told to."""

from __future__ import annotations

import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest
from cli_helpers import process


def read(address):
    """The port is said when it is bound; the server answers a moment later."""
    for attempt in range(100):
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            if attempt == 99:
                raise
            time.sleep(0.1)
    return ""


def test_serve_answers_until_told_to_stop(histories):
    """The address is said on standard error, the pages answer there, SIGTERM ends it."""
    pytest.importorskip("uvicorn", reason="the dashboard is an extra: pip install 'memmon[dashboard]'")
    started = process("serve", "--db", histories, "--port", 0)
    try:
        said = ""
        while "open http" not in said:
            line = started.stderr.readline().decode()
            assert line, "ended before it was ready"
            said += line
        address = re.search(r"http://\S+", said).group()
        assert read(address + "healthz")
        assert "leaky" in read(address)
    finally:
        started.send_signal(signal.SIGTERM)
        _, rest = started.communicate(timeout=20)
    assert "Traceback" not in rest.decode()


def test_serve_bad_arguments(call, histories):
    """A port in use, a wrong port and options without meaning are one line and 2."""
    pytest.importorskip("uvicorn", reason="the dashboard is an extra: pip install 'memmon[dashboard]'")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = call("serve", "--db", histories, "--port", busy.getsockname()[1])
    assert (taken.code, "in use" in taken.last_line) == (2, True)
    nowhere = call("serve", "--db", histories, "--host", "9" * 5000)
    assert (nowhere.code, "can't be bound" in nowhere.last_line) == (2, True)
    for words in (["--port", "99999"], ["--json"], ["--source", "flat"]):
        assert call("serve", "--db", histories, *words).code == 2


def test_serve_without_the_extra_gives_the_install_command(call, histories, monkeypatch):
    """Without Starlette one line tells the exact command."""
    import sys

    for name in [name for name in sys.modules if name.startswith("memmon.dashboard.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    answer = call("serve", "--db", histories)
    assert answer.code == 2
    assert "pip install 'memmon[dashboard]'" in answer.last_line
