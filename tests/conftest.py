"""What every test stands on: a home of its own, and internal errors that are raised, not logged."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from memmon.config import Database

DEFAULT_MARKS = "not slow and not faults and not programs"
WRITERS = ("sqlite3", "sqlalchemy")
KEPT_VARIABLES = ("MEMMON_FAULTS", "MEMMON_SHARED", "MEMMON_WRITER")

# No test of a rule fails for how quick the machine just is.
settings.register_profile("any pace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any pace")


def pytest_addoption(parser):
    parser.addoption(
        "--writer",
        choices=WRITERS,
        default=WRITERS[0],
        help="what writes database files wherever a test does not say it: in this process and in the programs that it starts",
    )


def pytest_configure(config):
    """Let the chosen writer be everybody's, and signals be as they are in a terminal.

    A shell ignores some signals in what it runs in the background, and every program that a test starts would too.
    """
    os.environ.pop("MEMMON_WRITER", None)
    if config.option.writer != WRITERS[0]:
        os.environ["MEMMON_WRITER"] = config.option.writer
        # What asks no settings, such as `parse_database` in a fixture, has its writer from here.
        Database.__init__.__kwdefaults__["writer"] = config.option.writer
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
    for name in [name for name in os.environ if name.startswith("MEMMON_") and name not in KEPT_VARIABLES]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("MEMMON_RAISE_INTERNAL_ERRORS", "1")
    return home
