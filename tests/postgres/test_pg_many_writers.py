"""Hundreds of recorders on one server, more than it has connections for.

MEMMON_WRITER_COUNT=1000 takes two minutes; with MEMMON_WRITER_SECONDS=60 beside it each records by itself for a minute,
a snapshot every ten seconds.
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

PROCESS_COUNT, ROUND_COUNT = 10, 2
RECORDER_COUNT = int(os.environ.get("MEMMON_WRITER_COUNT", "300")) // PROCESS_COUNT
SECONDS = int(os.environ.get("MEMMON_WRITER_SECONDS", "0"))
"""So long each records by itself, at its own rhythm; 0: it takes its snapshots at once."""
RHYTHM_SECONDS = 10.0

HOST = textwrap.dedent(
    """
    import json, sys, time
    from memmon import Recorder

    url, (number, recorders, rounds, seconds), rhythm = sys.argv[1], map(int, sys.argv[2:6]), float(sys.argv[6])
    options = dict(leak_check=False, daily_report=False, gc_threshold_mb=0, interval_seconds=rhythm)
    made = [Recorder(url, source=f"bot-{number}-{one}", **options) for one in range(recorders)]
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    for _ in range(rounds):
        for one in made:
            one.take_snapshot() if not seconds else one.start()
    time.sleep(seconds)
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
    rounds = 1 if SECONDS else ROUND_COUNT
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-c",
                        HOST,
                        pg_url,
                        *map(str, (number, RECORDER_COUNT, rounds, SECONDS, RHYTHM_SECONDS)),
                    ],
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
    found = [json.loads(out) for out, _ in answers]
    every = PROCESS_COUNT * RECORDER_COUNT
    taken = sum(one["taken_count"] for one in found)
    assert [one | {"stored_count": one["taken_count"], "dropped_count": 0} for one in found] == found
    least = every * (int(SECONDS // RHYTHM_SECONDS) or ROUND_COUNT)
    assert taken == least if not SECONDS else taken >= least // 2  # on a busy machine a rhythm slows down
    print(f"{every} writers, {SECONDS or 'no'} seconds: {taken} taken")
    query = open_store(pg_url).query
    assert [tuple(row) for row in query("SELECT count(*), count(DISTINCT source_id) FROM run").rows] == [
        (every, every)
    ]
    assert [tuple(row) for row in query("SELECT count(*) FROM snapshot").rows] == [(taken,)]
    kinds = query("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind").rows
    assert [tuple(row) for row in kinds] == [("run_end", every), ("run_start", every)]
