"""Which limit is meant, and what counts against it."""

from __future__ import annotations

import pytest
from assessed_values import run, statistics

from memmon.assessment.limits import limit_of
from memmon.units import MIB

GROUP = run(limit_origin="cgroup v2 /docker/ab12")
HOST = run(limit_origin="host")
READ = {
    "rss_bytes": 300 * MIB,
    "limit_bytes": 1000 * MIB,
    "limit_used_bytes": 400 * MIB,
    "available_bytes": 2000 * MIB,
    "system_percent": 75.0,
}


def test_the_group_that_is_in_force_decides():
    """In a container what its group uses counts, and the process may grow by the headroom."""
    limit = limit_of(statistics(**READ), [GROUP])
    assert limit is not None
    assert (limit.limit_bytes, limit.used_bytes) == (1000 * MIB, 400 * MIB)
    assert limit.used_percent == pytest.approx(40.0)


def test_the_hosts_memory_is_reckoned_from_what_is_available():
    """Where no group limits, or the host is asked for, its used memory counts against all of it."""
    for runs, wanted in (([HOST], "recorded"), ([GROUP], "host"), ([], "recorded")):
        limit = limit_of(statistics(**READ), runs, wanted)
        assert limit is not None
        assert (limit.origin, limit.limit_bytes, limit.used_bytes) == ("host", 8000 * MIB, 6000 * MIB)


def test_what_is_charged_counts_where_it_was_read():
    """All that is charged to the group counts, never beside the older measure; the headroom is what is left of it."""
    limit = limit_of(statistics(**READ, charged_bytes=910 * MIB), [GROUP])
    assert (limit.limit_bytes, limit.used_bytes, limit.counts) == (1000 * MIB, 910 * MIB, "charged")
    assert limit_of(statistics(**READ), [GROUP]).counts == "used"


def test_the_machines_memory_is_the_recorded_one_to_the_byte():
    """What was recorded is the limit, not what a rounded share gives, in older rows too; what is charged counts."""
    known = {**READ, "limit_bytes": 8013 * MIB + 7}
    older, newer = statistics(**known), statistics(**known, charged_bytes=6300 * MIB)
    found = [limit_of(stats, [HOST]) for stats in (older, newer)]
    assert [one.limit_bytes for one in found] == [8013 * MIB + 7] * 2
    assert [(one.used_bytes, one.counts) for one in found] == [
        (6013 * MIB + 7, "used"),
        (6300 * MIB, "charged"),
    ]
    inside = limit_of(statistics(**READ, charged_bytes=910 * MIB), [GROUP], "host")
    assert (inside.limit_bytes, inside.used_bytes) == (8000 * MIB, 6000 * MIB)


def test_a_given_limit_is_one_on_the_process_itself():
    """A number of bytes limits what the process can't give back, whatever was recorded; else resident memory."""
    limit = limit_of(statistics(**READ), [GROUP], 500 * MIB)
    assert limit is not None
    assert (limit.origin, limit.used_bytes, limit.limit_bytes) == ("given", 300 * MIB, 500 * MIB)
    read = statistics(**READ, charged_bytes=910 * MIB, footprint_bytes=280 * MIB)
    known = limit_of(read, [GROUP], 500 * MIB)
    assert (known.used_bytes, known.counts) == (280 * MIB, "footprint")


def test_what_was_not_recorded_is_no_limit():
    """Without a group `container` is unknown; without readings everything is."""
    assert limit_of(statistics(**READ), [HOST], "container") is None
    assert limit_of(statistics(rss_bytes=MIB), [GROUP]) is None
    assert limit_of(statistics(), [GROUP], 2**30) is None
    assert limit_of(statistics(**{**READ, "system_percent": 100.0}), [HOST]) is None
