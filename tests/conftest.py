"""What every test stands on: a home of its own, and internal errors that are raised, not logged."""

from __future__ import annotations

import os
import signal

import pytest


def pytest_configure():
    """A shell ignores some signals in what it runs in the background, and every program that a test starts would too."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: pytest.exit("a signal came"))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """No test sees or touches the operator's own settings and database."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("MEMMON_") and name != "MEMMON_FAULTS"]:
        if name != "MEMMON_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("MEMMON_RAISE_INTERNAL_ERRORS", "1")
    return home
