"""A dashboard that others can reach, as a process of its own: what an attacker on the network meets."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress

import pytest
from cli_helpers import PACKAGE_FOLDER

pytest.importorskip("uvicorn", reason="the dashboard is an extra: pip install 'memmon[dashboard]'")

TOKEN = "Wombat-5583-quokka-7781-x"
SERVE = """
import sys
from memmon.dashboard import connections
connections.HEAD_SECONDS, connections.MOST_CONNECTIONS = 0.5, 8
from memmon.cli.app import run
sys.exit(run(["serve", "--host", "0.0.0.0", "--port", "0", *sys.argv[1:]]))
"""


def started(*arguments, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MEMMON_")}
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "PYTHONPATH": PACKAGE_FOLDER, **environment},
    )


class Open:
    """A dashboard that runs, and what it said."""

    def __init__(self, process):
        self.process = process
        self.said = ""
        while "open http" not in self.said:
            line = process.stderr.readline()
            assert line, self.said
            self.said += line
        self.port = int(re.search(r"http://[^:]+:(\d+)/", self.said).group(1))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, head, body=b""):
        """Send a request and return the whole answer."""
        with self.connect() as one:
            one.sendall(head.encode() + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n" + body)
            return everything(one)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, rest = self.process.communicate(timeout=30)
        return out + self.said + rest


def everything(connection):
    """Return what comes until the other side closes; it does, or the socket's time-out is raised."""
    got = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            got += piece
    return got.decode()


@pytest.fixture
def dashboard(histories):
    running = Open(started("--db", histories, MEMMON_TOKEN=TOKEN))
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.mark.parametrize("token", ["short", "a" * 40, "password", "1234512345123451234512345"])
def test_a_token_that_can_be_guessed_is_refused(histories, token):
    """Beyond this machine no weak token opens the dashboard: it does not start, and the token is not told."""
    process = started("--db", histories, MEMMON_TOKEN=token)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "the token can be guessed" in err
    assert token not in out + err.replace("password", token if token != "password" else "")


def test_a_token_of_its_own_is_told_once_and_in_no_address(histories):
    """Without a token one is made: it stands in a line of its own, and no address holds it."""
    running = Open(started("--db", histories))
    running.said += running.process.stderr.readline()
    said = running.end()
    assert not re.search(r"http\S*token", said)
    (token,) = re.findall(r"[\w-]{32,}", said)
    assert said.count(token) == 1


def test_a_token_in_an_address_opens_nothing(dashboard):
    """What would stand in histories and logs is not taken, the right token neither; in a header it is, in no log."""
    for target in (f"/?token={TOKEN}", f"/metrics?token={TOKEN}&access_token={TOKEN}", f"/{TOKEN}"):
        assert dashboard.ask(f"GET {target} HTTP/1.1").startswith("HTTP/1.1 401")
    assert dashboard.ask("GET / HTTP/1.1").startswith("HTTP/1.1 401")
    assert dashboard.ask(f"GET / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}").startswith("HTTP/1.1 200")
    assert TOKEN not in dashboard.end()


def test_guessing_is_slowed_also_for_the_form(dashboard):
    """After five wrong tokens an address waits, whichever door it tries, and the right one does not help."""
    answers = []
    for number in range(8):
        body = f"token=guess{number}".encode()
        head = f"POST /login HTTP/1.1\r\nContent-Length: {len(body)}"
        answers.append(
            dashboard.ask(head, body)
            if number % 2
            else dashboard.ask(f"GET / HTTP/1.1\r\nAuthorization: Bearer guess{number}")
        )
    codes = [answer.split()[1] for answer in answers]
    assert codes == ["401"] * 5 + ["429"] * 3
    assert re.search(r"retry-after: \d+", answers[-1])
    right = dashboard.ask(f"GET / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}")
    assert right.startswith("HTTP/1.1 429")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ],
)
def test_who_drips_is_cut(dashboard, begun):
    """A head, a second head or a body that comes byte by byte ends the connection; others are answered meanwhile."""
    with dashboard.connect() as slow:
        slow.sendall(begun)
        slow.settimeout(0.05)
        for _ in range(600):
            with suppress(TimeoutError, BlockingIOError):
                if slow.recv(65536) == b"":
                    break
            slow.sendall(b"y")
        else:
            pytest.fail("still open")
        assert dashboard.ask("GET /healthz HTTP/1.1").startswith("HTTP/1.1 200")


def test_a_crowd_is_bounded(dashboard):
    """More connections than the dashboard holds are cut at once, and when the crowd has gone it answers."""
    with ExitStack() as held:
        crowd = [held.enter_context(dashboard.connect()) for _ in range(12)]
        for one in crowd:
            assert everything(one) == ""
    assert dashboard.ask("GET /healthz HTTP/1.1").startswith("HTTP/1.1 200")


def test_an_endless_head_is_refused(dashboard):
    """A head of megabytes is not collected: it is refused, and the process lives."""
    with dashboard.connect() as one, suppress(ConnectionError):
        one.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(20_000):
            one.sendall(b"X-%d: %s\r\n" % (number, b"a" * 500))
        assert not everything(one).startswith("HTTP/1.1 200")
    assert dashboard.ask("GET /healthz HTTP/1.1").startswith("HTTP/1.1 200")
