"""What an import costs: its peak memory and its speed, by format and by length.

Each import is a process of its own into a new database. An earlier version stands beside it in the same run,
turn by turn, so that what else the machine does meets both:

    git worktree add ../earlier REVISION
    python benchmarks/imports/import_cost.py --baseline ../earlier [--rows 200000 2000000] [--formats csv csv.gz parquet]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
FORMATS = ("csv", "csv.gz", "shuffled.csv", "parquet", "openmetrics", "dat")
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MB = 2**20

PROGRAM = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from memmon.cli.app import run
import memmon
assert memmon.__file__.startswith(sys.argv[1]), memmon.__file__
begun = time.perf_counter()
code = run(["import", sys.argv[2], "--db", sys.argv[3], "--source", "bot"])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, time.perf_counter() - begun]))
"""


def times(count):
    return (FIRST + timedelta(seconds=10 * step) for step in range(count))


def rows(count):
    for step, at in enumerate(times(count)):
        yield at, 200 * MB + 97 * step, 900 * MB + step


def write_csv(path, count, *, is_shuffled=False):
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt") as stream:
        stream.write("at,rss_bytes,vms_bytes\n")
        waiting = None
        for step, (at, rss, vms) in enumerate(rows(count)):
            line = f"{at.isoformat()},{rss},{vms}\n"
            if is_shuffled and step % 20 == 0:
                waiting = line  # comes a row too late
                continue
            stream.write(line + (waiting or ""))
            waiting = None


def write_openmetrics(path, count):
    with path.open("w") as stream:
        for name, column in (("memmon_rss_bytes", 1), ("memmon_vms_bytes", 2)):
            stream.write(f"# TYPE {name} gauge\n")
            for row in rows(count):
                stream.write(f'{name}{{source="bot",run="1"}} {row[column]} {row[0].timestamp():.3f}\n')
        stream.write("# EOF\n")


def write_dat(path, count):
    with path.open("w") as stream:
        stream.write("CMDLINE python bot.py\n")
        stream.writelines(f"MEM {rss / MB:.6f} {at.timestamp():.4f}\n" for at, rss, _ in rows(count))


def write_parquet(path, count):
    import duckdb

    duckdb.sql(
        'COPY (SELECT to_timestamp(1735689600 + 10 * i) AS "at", 209715200 + 97 * i AS rss_bytes,'
        f" 943718400 + i AS vms_bytes FROM range({count}) t(i)) TO '{path}' (FORMAT PARQUET)"
    )


def write(path, form, count):
    if form == "parquet":
        write_parquet(path, count)
    elif form == "openmetrics":
        write_openmetrics(path, count)
    elif form == "dat":
        write_dat(path, count)
    else:
        write_csv(path, count, is_shuffled=form.startswith("shuffled"))


def measure(tree, path, folder):
    """Return peak memory in MB, processor seconds and seconds of one import."""
    database = folder / "m.db"
    for old in folder.glob("m.db*"):
        old.unlink()
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tree), str(path), str(database)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    code, *found = json.loads(made.stdout.splitlines()[-1]) if made.stdout else (1, 0, 0, 0)
    if code:
        raise SystemExit(f"{tree}: {made.stderr[-500:]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", type=Path, help="a checkout of an earlier version")
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 2_000_000])
    parser.add_argument("--formats", nargs="+", default=["csv", "csv.gz", "parquet"], choices=FORMATS)
    asked = parser.parse_args()
    trees = {"now": HERE} | ({"earlier": asked.baseline.resolve()} if asked.baseline else {})
    print(f"{'format':14}{'rows':>10} {'version':10}{'peak MB':>9}{'rows/s':>9}{'rows/CPU s':>12}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for form in asked.formats:
            for count in asked.rows:
                path = folder / f"log.{form}"
                write(path, form, count)
                for name, tree in trees.items():
                    peak_mb, cpu_seconds, seconds = measure(tree, path, folder)
                    print(
                        f"{form:14}{count:10,} {name:10}{peak_mb:9.0f}{count / seconds:9,.0f}{count / cpu_seconds:12,.0f}",
                        flush=True,
                    )
                path.unlink()


if __name__ == "__main__":
    main()
