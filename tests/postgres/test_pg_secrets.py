"""A server that does answer: nothing that is made of its history holds the password."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from memmon import Recorder
from memmon.cli import app

CORE = "Quokka7781"
COMMANDS = (
    ("doctor",),
    ("report", "--format", "html", "-o", "report.html"),
    ("report", "--format", "text"),
    ("report", "--json"),
    ("runs", "--json"),
    ("check",),
    ("fleet",),
    ("db", "status"),
    ("db", "check"),
    ("config", "show"),
    ("export", "--format", "jsonl", "-o", "all.jsonl"),
    ("export", "--format", "csv", "-o", "all.csv"),
    ("sql", "SELECT nothing FROM nowhere"),
    ("alerts", "run", "--once"),
    ("report", "--source", "unknown"),
)


@pytest.fixture
def secret_url(pg_server, pg_url):
    """The database of this test, for a user whose password is the secret."""
    pg_server.execute(f"CREATE ROLE spy SUPERUSER LOGIN PASSWORD '{CORE}@/?#1'")
    yield pg_url.replace(pg_url.split("//")[1].split("@")[0], f"spy:{CORE}%40%2F%3F%231")
    pg_server.execute("DROP OWNED BY spy")
    pg_server.execute("DROP ROLE spy")


def test_pg_no_page_no_file_and_no_log_holds_the_password(secret_url, tmp_path, monkeypatch, caplog, capfd):
    """Reports, exports, answers and errors of each command, the dashboard's pages and every log are free of it."""
    pytest.importorskip("starlette", reason="the dashboard is an extra: pip install 'memmon[dashboard]'")
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "dashboard"))
    from asgi_client import AsgiClient

    from memmon.dashboard import create_app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMMON_DEBUG", "1")
    monkeypatch.setenv("MEMMON_DATABASE_URL", secret_url)
    for name in (None, "memmon", "sqlalchemy", "psycopg", "alembic"):
        caplog.set_level(logging.DEBUG, logger=name)
    recorder = Recorder(secret_url, source="bot")
    for _ in range(30):
        recorder.take_snapshot()
    assert recorder.flush(60)
    told = [str(recorder.status), repr(recorder)]
    recorder.stop()
    codes = [app.run(list(words)) for words in COMMANDS]
    assert codes.count(0) >= 8
    told += [caplog.text, *capfd.readouterr()]
    client = AsgiClient(create_app(secret_url))
    pages = [client.get(path) for path in ("/", "/source?name=bot", "/data", "/metrics", "/events", "/x")]
    assert pages[0].status_code == 200
    told += [page.text for page in pages]
    told += [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert [text[:200] for text in told if CORE in text] == []
