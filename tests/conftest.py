"""What every test stands on: a home of its own, and internal errors that are raised, not logged."""

from __future__ import annotations

import os
import signal

import pytest

DEFAULT_MARKS = "not slow and not faults and not programs"


def pytest_configure():
    """A shell ignores some signals in what it runs in the background, and every program that a test starts would too."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: pytest.exit("a signal came"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """The default suite as a whole is shared out among the processors; what is asked for by name or mark runs in this process."""
    is_whole = config.args_source is config.ArgsSource.TESTPATHS
    is_chosen = config.option.keyword or config.getoption("lf", default=False)
    is_default = config.option.markexpr == DEFAULT_MARKS and not is_chosen
    return _processor_count() if is_whole and is_default else 0


def _processor_count() -> int:
    """Return how many processes share the tests, 0 for this one alone: more than eight would spend their time on collecting."""
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(len(own), 8) if len(own) > 1 else 0


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
