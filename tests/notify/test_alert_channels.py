from __future__ import annotations

import http.server
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from alert_kit import START, Bot, FlakyChannel, make_store

from memmon.alerts.records import Message
from memmon.clock import ManualClock, SystemClock
from memmon.errors import ChannelError, MissingExtraError, SettingsError
from memmon.evaluator.runner import deliver
from memmon.notify import CallbackChannel, LoggingChannel, WebhookChannel, parse_channel, run_once, verify

KEY = "hmac-Quokka-99417"
TOKEN = "T0kenWombat5583"


@pytest.fixture
def receiver():
    """A real webhook server on loopback: keeps what it gets; answers with `codes`, then 204."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = self.server.codes.pop(0) if self.server.codes else 204
            self.server.got.append((self.path, dict(self.headers), body, code))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.codes = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/services/{TOKEN}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _message(**more) -> Message:
    values = {
        "uuid": "u1",
        "source_id": 1,
        "source": "bot",
        "fingerprint": "x",
        "kind": "leak",
        "event": "firing",
        "severity": "warning",
        "at": START,
        "title": "title",
        "text": "text ✓",
        "values": {"growth_mb": 1.5},
    }
    return Message(**{**values, **more})


def test_alert_webhook_is_signed_and_verified(receiver):
    """A real server gets one JSON object whose signature it can verify; a changed body, key or age is refused."""
    WebhookChannel(receiver.url, secret=KEY).send(_message())
    ((_, headers, body, _),) = receiver.got
    assert json.loads(body) | {"text": "text ✓", "id": "u1", "values": {"growth_mb": 1.5}} == json.loads(body)
    assert headers["Idempotency-Key"] == "u1"
    assert verify(body, headers, KEY)
    assert not verify(body + b" ", headers, KEY)
    assert not verify(body, headers, "other")
    assert not verify(body, {**headers, "X-Memmon-Timestamp": "0"}, KEY)
    assert not verify(body, {}, KEY)
    later = ManualClock(SystemClock().now() + timedelta(minutes=6))
    assert not verify(body, headers, KEY, clock=later)


@pytest.mark.parametrize("code", [302, 404, 500, 503])
def test_alert_webhook_that_refuses_has_not_delivered(receiver, code):
    """Whatever is not success is a failure, redirects too: they are not followed."""
    receiver.codes = [code]
    with pytest.raises(ChannelError, match=str(code)) as raised:
        WebhookChannel(receiver.url, secret=KEY).send(_message())
    assert TOKEN not in str(raised.value)
    assert len(receiver.got) == 1


def test_alert_webhook_retries_with_the_same_identity(receiver, tmp_path):
    """A message that was refused is sent again until it is accepted, and keeps its identity."""
    clock = ManualClock(START)
    url = make_store(tmp_path / "m.db")
    Bot(url).take(clock.now(), percent=90.0)
    receiver.codes = [503, 500]
    channel = WebhookChannel(receiver.url, secret=KEY)
    sent = []
    for _ in range(6):
        sent.append(run_once(url, channels=[channel], clock=clock).sent_count)
        clock.advance(60)
    assert sum(sent) == 1
    assert [code for *_, code in receiver.got] == [503, 500, 204]
    assert len({headers["Idempotency-Key"] for _, headers, *_ in receiver.got}) == 1


def test_alert_channel_that_can_not_be_reached_says_so_without_its_secret():
    """An unreachable receiver gives one line with the host and no token."""
    channel = WebhookChannel(f"http://127.0.0.1:1/services/{TOKEN}", secret=KEY)
    with pytest.raises(ChannelError, match="can't be reached") as raised:
        channel.send(_message())
    assert TOKEN not in f"{raised.value} {channel.name}"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("pigeon:somewhere", "no channel of the kind 'pigeon'"),
        ("", "no channel of the kind"),
        ("webhook:ftp://host/x", "https://"),
        (f"webhook:https://u:{TOKEN}@host/x", "webhook:env:NAME"),
        (f"webhook:https://host/x?key={TOKEN}", "webhook:env:NAME"),
        (f"apprise:slack://{TOKEN}/b/c", "apprise:env:NAME"),
        ("webhook:env:NOT_SET", "the variable NOT_SET is empty or not set"),
        ("webhook:file:/no/such/file", "can't be read"),
        ("callback:no_such_module:f", "can't be imported"),
        ("callback:os:sep", "is no function"),
        (f"{TOKEN}://x", "no channel of the kind"),
    ],
)
def test_alert_channels_that_are_wrong_are_told_at_once(spec, words):
    """A channel that can't be is refused with what to give instead, and no secret is repeated."""
    with pytest.raises(SettingsError, match=words) as raised:
        parse_channel(spec)
    if not spec.startswith(TOKEN):
        assert TOKEN not in str(raised.value)


def test_alert_channels_by_reference(tmp_path, monkeypatch, caplog):
    """Channels are named by variable, file, module or `log`, and their names hold no secret."""
    (tmp_path / "hook").write_text(f"https://host/{TOKEN}\n")
    monkeypatch.setenv("HOOK", f"https://host/{TOKEN}?a=b")
    for spec in (
        "webhook:env:HOOK",
        f"webhook:file:{tmp_path}/hook",
        "apprise:env:HOOK",
        "callback:builtins:print",
        "log",
    ):
        channel = parse_channel(spec)
        assert TOKEN not in channel.name
    with caplog.at_level(logging.INFO, logger="memmon"):
        LoggingChannel().send(_message())
    assert "title: text ✓" in caplog.text
    got = []
    CallbackChannel(got.append).send(_message())
    assert got[0].uuid == "u1"
    with pytest.raises(ChannelError, match="ZeroDivisionError"):
        CallbackChannel(lambda _: 1 / 0).send(_message())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise's own imports
def test_alert_apprise_carries_to_other_services(receiver, monkeypatch):
    """Through apprise a message reaches another kind of service; an URL that apprise does not know is told."""
    pytest.importorskip("apprise")
    target = receiver.url.replace("http://", "json://")
    parse_channel("apprise:env:A", {"A": target}).send(_message())
    assert json.loads(receiver.got[0][2])["message"] == "text ✓"
    for url, words in (
        (f"nonsense://{TOKEN}", "does not understand"),
        (f"json://127.0.0.1:1/{TOKEN}", "not delivered"),
    ):
        with pytest.raises(ChannelError, match=words) as raised:
            parse_channel("apprise:env:A", {"A": url}).send(_message())
        assert TOKEN not in str(raised.value)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"memmon\[alerts\]"):
        parse_channel("apprise:env:A", {"A": target}).send(_message())


@pytest.mark.slow
def test_alert_secrets_are_in_no_file_and_no_output(receiver, tmp_path, own_home):
    """After real rounds through the command line, delivered and refused, no file and no output holds a secret."""
    url = make_store(tmp_path / "memmon.db")
    Bot(url).take(SystemClock().now(), percent=90.0)
    receiver.codes = [500]
    environment = {
        **os.environ,
        "HOOK_URL": receiver.url,
        "MEMMON_WEBHOOK_SECRET": KEY,
        "MEMMON_DEBUG": "1",
        "MEMMON_ALERT_CHANNELS": "webhook:env:HOOK_URL apprise:env:HOOK_URL log",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    told = ""
    for words in (
        ["run", "--once"],
        ["run", "--json"],
        ["list", "--all", "--json"],
        ["test"],
        ["silence"],
        ["list"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "memmon", "alerts", *words, "--db", url],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr
        told += done.stdout + done.stderr
    assert "the receiver answered 500" in told
    assert receiver.got
    assert all(
        verify(body, headers, KEY) for _, headers, body, _ in receiver.got if "X-Memmon-Signature" in headers
    )
    files = [path for folder in (tmp_path, own_home) for path in folder.rglob("*") if path.is_file()]
    contents = b"".join(path.read_bytes() for path in files)
    assert b"alert_delivery" in contents
    for secret in (KEY, TOKEN):
        assert secret not in told
        assert secret.encode() not in contents


def test_alert_answers_through_the_command_line(tmp_path, capfd):
    """An operator lists, acknowledges and silences; what does not fire is refused with what does."""
    from memmon.cli import app

    url = make_store(tmp_path / "memmon.db")
    Bot(url).take(SystemClock().now(), percent=90.0)
    assert app.run(["alerts", "run", "--to", "log", "--db", url]) == 0
    assert "WARNING memmon: [WARNING] High memory usage: bot on host-1" in capfd.readouterr().err
    assert app.run(["alerts", "list", "--db", url]) == 0
    assert "high_memory" in capfd.readouterr().out
    assert app.run(["alerts", "ack", "leak", "--db", url]) == 2
    assert "there fires: high_memory" in capfd.readouterr().err
    assert app.run(["alerts", "ack", "high_memory", "--db", url]) == 0
    assert app.run(["alerts", "silence", "--for", "2h", "--reason", "deploy", "--db", url]) == 0
    assert app.run(["alerts", "list", "--db", url]) == 0
    assert "every kind: deploy" in capfd.readouterr().out
    assert app.run(["alerts", "silence", "--end", "--db", url]) == 0
    assert "1 silences" in capfd.readouterr().out
    assert app.run(["alerts", "run", "--to", "pigeon:x", "--db", url]) == 2
    assert app.run(["alerts", "run", "--db", str(tmp_path / "none.db")]) == 2
    assert app.run(["alerts", "test", "--db", url]) == 2
    assert app.run(["alerts", "test", "--to", "log", "--db", url]) == 0


def test_alert_evaluator_goes_on_until_it_is_told_to_end(tmp_path):
    """`--every` looks at once and again, ends at SIGTERM with code 0, and gives its lease back."""
    url = make_store(tmp_path / "memmon.db")
    Bot(url).take(SystemClock().now(), percent=90.0)
    process = subprocess.Popen(
        [sys.executable, "-m", "memmon", "alerts", "run", "--every", "10s", "--to", "log", "--db", url],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for line in process.stderr:
        if "High memory" in line:
            break
    process.terminate()
    assert process.wait(timeout=20) == 0
    process.stderr.close()
    channel = FlakyChannel(ManualClock(SystemClock().now()))
    assert run_once(url, channels=[channel], clock=channel.clock).is_holder


def test_alert_channels_are_shown_without_their_secrets(monkeypatch, capfd):
    """`memmon config show` shows of a channel with a plain URL the host alone."""
    from memmon.cli import app

    monkeypatch.setenv(
        "MEMMON_ALERT_CHANNELS", f"log webhook:https://host/{TOKEN} webhook:env:HOOK apprise:{TOKEN}"
    )
    assert app.run(["config", "show"]) == 0
    told = capfd.readouterr().out
    assert "log webhook:https://host/*** webhook:env:HOOK apprise:***" in told
    assert TOKEN not in told


@pytest.fixture
def dripping():
    """A receiver that answers with one byte of a header now and then, and never comes to its end."""
    told = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        with suppress(OSError):
            while not told.is_set():
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    while not told.wait(0.02):
                        connection.sendall(b"x")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    told.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_alert_webhook_has_one_deadline_over_the_whole_delivery(dripping):
    """A receiver that drips bytes holds a delivery until the deadline and no longer, and its connection is cut."""
    with pytest.raises(ChannelError, match=r"no answer within 0\.3 s"):
        WebhookChannel(dripping, deadline_seconds=0.3).send(_message())
    for thread in threading.enumerate():
        if thread.name == "memmon-webhook":
            thread.join(10)
            assert not thread.is_alive()


def test_alert_slow_channel_delays_no_other():
    """While one channel still sends, the next has delivered: the slow one waits here for just that."""
    arrived = threading.Event()
    waited = []

    class Slow:
        name = "slow"

        def send(self, _message):
            waited.append(arrived.wait(10))

    class Quick:
        name = "quick"

        def send(self, _message):
            arrived.set()

    class Waiting:
        """One message for each channel."""

        def __init__(self):
            self.left = {"slow": 1, "quick": 1}

        def claim(self, name, **_):
            self.left[name] -= 1
            return SimpleNamespace(message=_message(), attempt_count=1) if self.left[name] == 0 else None

        def delivered(self, *_args, **_options):
            pass

    assert deliver(Waiting(), [Slow(), Quick()], clock=ManualClock(START)) == (2, [])
    assert waited == [True]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Memmon-Timestamp": "9" * 5000, "X-Memmon-Signature": "sha256=0"},
        {"X-Memmon-Timestamp": "²", "X-Memmon-Signature": "sha256=0"},
        {"X-Memmon-Timestamp": "1", "X-Memmon-Signature": "sha256=é"},
        {"X-Memmon-Timestamp": "1", "X-Memmon-Signature": "\ud800"},
        {"X-Memmon-Timestamp": "-1", "X-Memmon-Signature": ""},
        {"X-Memmon-Timestamp": "1"},
        {"X-Memmon-Signature": "sha256=0"},
        {"X-Memmon-Timestamp": 1, "X-Memmon-Signature": None},
        {b"X-Memmon-Timestamp": b"1", 3: ["sha256=0"]},
        {"X-Memmon-Timestamp": ["1"], "X-Memmon-Signature": b"sha256=0"},
    ],
)
def test_alert_verify_refuses_any_malformed_header(headers):
    """Headers that no sender of ours writes are not genuine, and nothing is raised over them."""
    assert verify(b"{}", headers, KEY) is False
