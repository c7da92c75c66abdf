"""A dashboard over recorded histories; the values and the browser are those of the report's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from asgi_client import AsgiClient

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from chromium_pages import chromium
from report_store import record_bot
from report_values import NOW

from memmon.clock import ManualClock
from memmon.dashboard import create_app


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("dash") / "m.db"
    record_bot(path, days=2, runs=2, deques=5, source="quiet")
    record_bot(path, days=2, runs=1, deques=2, source="leaky", slope_mb_per_hour=15.0, seed=2)
    record_bot(path, days=1, deques=3, source="<script>window.pwned=1</script>", hostile=True, seed=3)
    return str(path)


@pytest.fixture
def client(database):
    return AsgiClient(create_app(database, clock=ManualClock(NOW)))


@pytest.fixture(scope="module")
def open_page():
    with chromium() as opening:
        yield opening
