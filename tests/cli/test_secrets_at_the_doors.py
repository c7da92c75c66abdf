"""No door shows a secret: errors and tracebacks, logs, status, pages, files, whatever the spelling."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from memmon import Recorder
from memmon.store.read import open_store

CORE = "Quokka7781"
PASSWORDS = (
    CORE,
    f"a@{CORE}",
    f"{CORE}@b",
    f"a/{CORE}",
    f"a:{CORE}",
    f"a?{CORE}",
    f"a#{CORE}",
    f"%41{CORE}",
    f"[{CORE}",
)
SHAPES = (
    "postgresql://bob:{}@127.0.0.1:1/db?connect_timeout=1",
    "postgresql+psycopg://bob:{}@host.invalid/db",
    "postgres:bob:{}@127.0.0.1",
    "sqlite://bob:{}@h",
)
OTHERS = (
    f"postgresql://bob@127.0.0.1:1/db?password={CORE}",
    f"postgresql://bob@127.0.0.1:1/db?passw%6Frd={CORE}",
    f"postgresql://127.0.0.1:1/db?sslpassword={CORE}&sslkey=/none",
    f"postgresql://127.0.0.1:1/db?passfile=/none/{CORE}",
    f"postgresql://bob:{CORE}@127.0.0.1:1,127.0.0.2:x/db",
    f"postgresql://bob:{CORE}@/db?host=127.0.0.1&port=1",
    f"postgresql://bob:{CORE}@127.0.0.1:1/db?passwrd={CORE}",
    f"host=127.0.0.1 port=1 password={CORE}",
    f"host=127.0.0.1 port=1 password='{CORE} x'",
    "postgresql:///db?service=bot",
    f"sqlite:///x.db?key={CORE}",
)
URLS = (
    *(shape.format(password) for shape in SHAPES for password in PASSWORDS),
    *(f"postgresql://bob:{password}/db" for password in PASSWORDS if "@" not in password),
    *OTHERS,
)


@pytest.fixture
def everything_logged(caplog, tmp_path, monkeypatch):
    """All loggers speak, down to the drivers'; a service file holds the password too."""
    service = tmp_path / "services.conf"
    service.write_text(f"[bot]\nhost=127.0.0.1\nport=1\npassword={CORE}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("MEMMON_DEBUG", "1")  # tracebacks
    caplog.set_level(logging.DEBUG)
    for name in ("memmon", "sqlalchemy", "psycopg", "alembic"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def told_by(attempt):
    """Return what an error says, with its traceback and those of its causes."""
    try:
        return str(attempt())
    except Exception as error:
        return "".join(traceback.format_exception(error))


def record(url):
    recorder = Recorder(url, source="bot")
    try:
        recorder.take_snapshot()
        recorder.flush(0.2)
        return f"{recorder.status} {recorder!r}"
    finally:
        recorder.stop(timeout_seconds=0.2)


def read(url):
    with open_store(url) as store:
        return store.sources()


def ask_dashboard(url):
    pytest.importorskip("starlette", reason="the dashboard is an extra: pip install 'memmon[dashboard]'")
    from asgi_client import AsgiClient

    from memmon.dashboard import create_app

    client = AsgiClient(create_app(url))
    return " ".join(client.get(path).text for path in ("/", "/healthz", "/metrics", "/source?name=x"))


@pytest.mark.parametrize("url", URLS)
def test_no_door_shows_the_password_of_a_database(url, call, everything_logged, tmp_path, monkeypatch):
    """A database that can't be reached is told of by library, recorder, commands and pages without its password."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "dashboard"))
    monkeypatch.chdir(tmp_path)
    told = [told_by(partial(do, url)) for do in (read, record, ask_dashboard)]
    for words in (("doctor",), ("check",), ("alerts", "run", "--once")):
        answer = call(*words, "--db", url)
        told += [answer.out, answer.err]
    told.append(everything_logged.text)
    told += [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    told += [
        path.read_text("utf-8", "replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != "services.conf"
    ]
    assert not any("TypeError" in text for text in told)
    assert [text for text in told if CORE in text] == []


@pytest.mark.parametrize("path", [CORE, f"T0/B1/{CORE}?x=1", f"{CORE} x", f"{CORE}\n", f"ab/{CORE}#x", "q7Z"])
@pytest.mark.parametrize("host", ["127.0.0.1:1", "host.invalid", "[::1", "127.0.0.1:port", "h/../"])
def test_no_failed_delivery_shows_a_webhooks_path(path, host, everything_logged):
    """A receiver that can't be reached, or an address that is none, is told of without what opens it."""
    from memmon.alerts.records import Message
    from memmon.evaluator.channels.channels import parse_channel

    message = Message(
        uuid="u",
        source_id=1,
        source="bot",
        fingerprint="x",
        kind="leak",
        event="firing",
        severity="warning",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        title="t",
        text="t",
        values={},
    )
    for spec, environ in (
        (f"webhook:http://{host}/{path}", {}),
        ("webhook:env:HOOK", {"HOOK": f"http://{host}/{path}", "MEMMON_WEBHOOK_SECRET": CORE}),
        ("apprise:env:HOOK", {"HOOK": f"json://{host}/{path}"}),
        ("apprise:env:HOOK", {"HOOK": f"unknown://{CORE}/{path}"}),
        (f"unknown:{path}", {}),
    ):

        def send(spec=spec, environ=environ):
            parse_channel(spec, environ).send(message)

        told = told_by(send)
        own = "\n".join(
            one.getMessage() for one in everything_logged.records if one.name.startswith("memmon")
        )
        for secret in (CORE, "q7Z"):
            assert secret not in told
            assert secret not in own
