"""Hundreds of recorders on one server, more than it has connections for.

MEMMON_WRITER_COUNT=1000 takes two minutes; with MEMMON_WRITER_SECONDS=60 beside it each takes its snapshots over a minute, one
every ten seconds, instead of all at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from contextlib import ExitStack

import pytest

from memmon.store.read import open_store

pytestmark = pytest.mark.slow

PROCESS_COUNT, RHYTHM_SECONDS = 10, 10
RECORDER_COUNT = int(os.environ.get("MEMMON_WRITER_COUNT", "300")) // PROCESS_COUNT
SECONDS = int(os.environ.get("MEMMON_WRITER_SECONDS", "0"))
ROUND_COUNT = SECONDS // RHYTHM_SECONDS or 2

HOST = textwrap.dedent(
    """
    import json, sys, time
    from memmon import Recorder

    url, (number, recorders, rounds, rhythm) = sys.argv[1], map(int, sys.argv[2:])
    options = dict(leak_check=False, daily_report=False, gc_threshold_mb=0)
    made = [Recorder(url, source=f"bot-{number}-{one}", **options) for one in range(recorders)]
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    for turn in range(rounds):
        for place, one in enumerate(made):
            due_at = begun + rhythm * (turn + place / recorders)
            time.sleep(max(due_at - time.monotonic(), 0.0))
            one.take_snapshot()
    # Whom the server has no connection for is told so at once, and tries again by itself.
    while time.monotonic() < begun + 400.0 and not all([one.flush(60.0) for one in made]):
        time.sleep(0.5)
    for one in made:
        one.stop()
    states = [one.status for one in made]
    print(json.dumps({
        "taken_count": sum(one.taken_count for one in states),
        "stored_count": sum(one.stored_count for one in states),
        "dropped_count": sum(one.dropped_count for one in states),
    }))
    """
)


def test_pg_hundreds_of_recorders_lose_and_repeat_nothing(pg_url):
    """Of hundreds of recorders that write at once into a server with 120 connections, each snapshot is stored, once."""
    numbers = (RECORDER_COUNT, ROUND_COUNT, RHYTHM_SECONDS if SECONDS else 0)
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", HOST, pg_url, *map(str, (number, *numbers))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(PROCESS_COUNT)
        ]
        for host in hosts:
            assert host.stdout.readline() == "ready\n", host.stderr.read()
        for host in hosts:
            host.stdin.write("\n")
            host.stdin.flush()
        answers = [(host.stdout.read(), host.stderr.read()) for host in hosts]
    wanted = RECORDER_COUNT * ROUND_COUNT
    assert [json.loads(out) for out, _ in answers] == [
        {"taken_count": wanted, "stored_count": wanted, "dropped_count": 0}
    ] * PROCESS_COUNT
    query = open_store(pg_url).query
    every = PROCESS_COUNT * RECORDER_COUNT
    assert [tuple(row) for row in query("SELECT count(*), count(DISTINCT source_id) FROM run").rows] == [
        (every, every)
    ]
    assert [tuple(row) for row in query("SELECT count(*) FROM snapshot").rows] == [(every * ROUND_COUNT,)]
    kinds = query("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind").rows
    assert [tuple(row) for row in kinds] == [("run_end", every), ("run_start", every)]
