"""How long the dashboard takes to answer for 500 sources, cold, and a source's page over a year.

The year is there twice: as the default settings keep it (90 days of snapshots, hours before), and with every snapshot.

    python benchmarks/dashboard/first_byte.py [--sources 500] [--folder DIR] [--against TREE] [--deques 8] [--rounds 3]

Each answer is the first of its process: nothing is judged beforehand, only `/healthz` was asked. Told are the seconds from
the request to the whole of the answer's body, the processor's seconds meanwhile (on a machine that does other work these
say more), and the largest resident memory of the process; the least of the rounds counts. "First seen": what a browser
is given while the page is made; the processor's seconds then hold a part of the page as well. `--against`: another checkout of
memmon, measured in the same run, in turns, over a store of its own. Where the tree can keep assessments, each source
has one as of its last sample, as an hour of the evaluator leaves it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ANY, READER = "*/*", "text/html"
ROOT = Path(__file__).resolve().parents[2]

FILL = """
import importlib.util, sys
from datetime import UTC, datetime, timedelta
import shutil
tree, path, year, raw, count, deques = *sys.argv[1:5], int(sys.argv[5]), int(sys.argv[6])
sys.path[:0] = [tree + "/benchmarks/fleet", tree + "/tests/report"]
from simulated import START_MS, build
from report_store import record_bot
build(path, source_count=count)
until = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=7)
for month in range(12):
    at = until - timedelta(days=365 * (11 - month) / 12)
    record_bot(raw, days=365 / 12, deques=deques, runs=3, seed=month + 1, until=at)
shutil.copy(raw, year)
from memmon.config import Settings, parse_database
try:
    from memmon.store.retention.prune import apply
except ImportError:  # as it was before it was a package
    from memmon.store.retention import apply
apply(parse_database(year), Settings(), now=until, pause_seconds=0.0)
if importlib.util.find_spec("memmon.evaluator") and importlib.util.find_spec("memmon.evaluator.keep"):
    from memmon.alerts.policy import AlertPolicy
    from memmon.clock import ManualClock
    from memmon.evaluator.keep import keep_hourly
    from memmon.store.read import open_store
    with open_store(path) as store:
        print(keep_hourly(store, source=None, policy=AlertPolicy(), clock=ManualClock(until)))
"""

ASK = """
import asyncio, resource, sys, time
from datetime import UTC, datetime, timedelta
import httpx
from memmon.clock import SystemClock
from memmon.dashboard import create_app
tree, path, page, accept, count = *sys.argv[1:5], int(sys.argv[5])
sys.path[:0] = [tree + "/benchmarks/fleet"]
from simulated import START_MS
class Then(SystemClock):
    def now(self):
        return datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=7)
async def ask():
    transport = httpx.ASGITransport(app=create_app(path, clock=Then()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8787") as client:
        await client.get("/healthz")
        started, used = time.perf_counter(), time.process_time()
        asked = [client.get(page, headers={"accept": accept}, timeout=None) for _ in range(count)]
        answers = await asyncio.gather(*asked)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        for answer in answers:
            answer.raise_for_status()
        print(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
asyncio.run(ask())
"""


def run(tree: Path, program: str, *arguments: object) -> str:
    """Return what a program prints that imports memmon from `tree`."""
    command = [sys.executable, "-c", program, str(tree), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        command, env=environment, cwd=tree, check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--deques", type=int, default=8, help="of the source with a year")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--against", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    trees = [ROOT, *([options.against.resolve()] if options.against else [])]
    stores = []
    for number, tree in enumerate(trees):
        names = (
            f"dashboard-{number}-{options.sources}.db",
            f"year-{number}-{options.deques}.db",
            f"raw-year-{number}-{options.deques}.db",
        )
        store, year, raw = (Path(options.folder) / name for name in names)
        if not store.exists():
            run(tree, FILL, store, year, raw, options.sources, options.deques)
        stores.append((store, year, raw))
    print(f"{'seconds, of processor, MB':32s}" + "".join(f"{tree.name:>24s}" for tree in trees))
    year_page = "/source?name=orderbot&window=1y"
    for said, page, place, accept, count in (
        ("/", "/", 0, ANY, 1),
        ("/, ten at once", "/", 0, ANY, 10),
        ("/metrics", "/metrics", 0, ANY, 1),
        ("/metrics, ten at once", "/metrics", 0, ANY, 10),
        ("a year as kept, first seen", year_page, 1, READER, 1),
        ("a year as kept", year_page, 1, ANY, 1),
        ("a year of snapshots, first seen", year_page, 2, READER, 1),
        ("a year of snapshots", year_page, 2, ANY, 1),
    ):
        found: list[list[tuple[float, ...]]] = [[] for _ in trees]
        for _ in range(options.rounds):
            for number, tree in enumerate(trees):
                printed = run(tree, ASK, stores[number][place], page, accept, count)
                found[number].append(tuple(map(float, printed.split())))
        least = [tuple(map(min, zip(*one, strict=True))) for one in found]
        print(
            f"{said:32s}" + "".join(f"{wall:10.2f} {cpu:6.2f} {size:6.0f}" for wall, cpu, size in least),
            flush=True,
        )


if __name__ == "__main__":
    main()
