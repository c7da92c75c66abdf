"""Who is recorded: what is made without the standard library's modules says the same as they do."""

from __future__ import annotations

import platform
import uuid
from datetime import UTC, datetime

from memmon.recorder.run_identity import new_run

START = datetime(2026, 3, 1, tzinfo=UTC)


def run():
    return new_run(source="bot", release=None, interval_seconds=300.0, started_at=START)


def test_each_run_has_a_random_uuid_of_its_own():
    """A run's uuid is one of version 4, written as `uuid` writes it, and no two are equal."""
    made = [run().uuid for _ in range(500)]
    assert len(set(made)) == 500
    for one in made:
        read = uuid.UUID(one)
        assert str(read) == one
        assert (read.version, read.variant) == (4, uuid.RFC_4122)


def test_host_and_version_are_those_that_platform_tells():
    """The host's name and Python's version are the ones that earlier runs were stored with."""
    found = run()
    assert (found.host, found.python_version) == (platform.node(), platform.python_version())
