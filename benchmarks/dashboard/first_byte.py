"""How long the dashboard takes to answer for 500 sources, cold, and a source's page over a year.

The year is there twice: as the default settings keep it (90 days of snapshots, hours before), and with every snapshot.

    python benchmarks/dashboard/first_byte.py [--sources 500] [--folder DIR] [--against TREE] [--server URL] [--deques 8] [--rounds 3]

Each answer is the first of its process: nothing is judged beforehand, only `/healthz` was asked. Told are the seconds from
the request to the whole of the answer's body, the processor's seconds meanwhile (on a machine that does other work these
say more), and the largest resident memory of the process; the least of the rounds counts. "First seen": what a browser
is given while the page is made; the processor's seconds then hold a part of the page as well. "All rows": so long the
overview is asked again until no source is left that is not judged yet. `--against`: another checkout of
memmon, measured in the same run, in turns, over a store of its own. Where the tree can keep assessments, each source
has one as of its last sample, as an hour of the evaluator leaves it; "none kept" is the same store without.

`--server`: a PostgreSQL whose user may create databases, such as postgresql://USER:PASSWORD@HOST/postgres. The stores are
copied into databases of their own there (named memmon_first_byte_..., made where they are not there), and read from them. Processor seconds
are then those of both; the server's are known where it is on this machine and its user may read `postmaster.pid`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from on_server import COPY, ServerLoad, database_url

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

FORGET = """
import shutil, sqlite3, sys
_, many, unkept = sys.argv[1:]
shutil.copy(many, unkept)
with sqlite3.connect(unkept) as connection:
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'assessment'").fetchone()[0]:
        connection.execute("DELETE FROM assessment")
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
        while True:
            asked = [client.get(page, headers={"accept": accept}, timeout=None) for _ in range(abs(count))]
            answers = await asyncio.gather(*asked)
            for answer in answers:
                answer.raise_for_status()
            if count > 0 or "Not judged yet" not in answers[0].text:
                break
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
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


class Question(NamedTuple):
    """A page that is asked for."""

    said: str
    page: str
    store: str
    accept: str = ANY
    count: int = 1
    """By how many visitors at once; -1: by one, until every source is judged."""


YEAR_PAGE = "/source?name=orderbot&window=1y"
QUESTIONS = (
    Question("/", "/", "many"),
    Question("/, ten at once", "/", "many", count=10),
    Question("/metrics", "/metrics", "many"),
    Question("/metrics, ten at once", "/metrics", "many", count=10),
    Question("/, none kept", "/", "unkept"),
    Question("/, none kept, all rows", "/", "unkept", count=-1),
    Question("a year as kept, first seen", YEAR_PAGE, "year", READER),
    Question("a year as kept", YEAR_PAGE, "year"),
    Question("a year of snapshots, first seen", YEAR_PAGE, "raw", READER),
    Question("a year of snapshots", YEAR_PAGE, "raw"),
)


def stores_of(tree: Path, number: int, options: argparse.Namespace) -> dict[str, str]:
    """Return where the stores of a tree are, filled where they are not there yet."""
    folder = Path(options.folder)
    many = folder / f"dashboard-{number}-{options.sources}.db"
    year, raw = (folder / f"{name}-{number}-{options.deques}.db" for name in ("year", "raw-year"))
    if not many.exists():
        run(tree, FILL, many, year, raw, options.sources, options.deques)
    unkept = folder / f"unkept-{number}-{options.sources}.db"
    if not unkept.exists():
        run(tree, FORGET, many, unkept)
    return {"many": str(many), "unkept": str(unkept), "year": str(year), "raw": str(raw)}


def on_server(tree: Path, stores: dict[str, str], server: str) -> dict[str, str]:
    """Return the addresses of the same stores on a server, copied where they are not there yet."""
    found = {}
    for name, path in stores.items():
        database = "memmon_first_byte_" + re.sub(r"[^a-z0-9]+", "_", Path(path).stem)
        found[name] = database_url(server, database)
        run(tree, COPY, path, server, database, database_url(server, f"{database}_new"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--deques", type=int, default=8, help="of the source with a year")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--against", type=Path)
    parser.add_argument("--server", help="URL of a PostgreSQL; default: the files are read")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[one.said for one in QUESTIONS])
    options = parser.parse_args()
    trees = [ROOT, *([options.against.resolve()] if options.against else [])]
    stores = [stores_of(tree, number, options) for number, tree in enumerate(trees)]
    asked = [one for one in QUESTIONS if not options.only or one.said in options.only]
    if options.server:
        needed = {one.store for one in asked}
        stores = [
            on_server(tree, {name: one[name] for name in needed}, options.server)
            for tree, one in zip(trees, stores, strict=True)
        ]
    load = ServerLoad(options.server)
    print(f"{'seconds, of processor, MB':32s}" + "".join(f"{tree.name:>24s}" for tree in trees))
    for one in asked:
        found: list[list[tuple[float, ...]]] = [[] for _ in trees]
        for _ in range(options.rounds):
            for number, tree in enumerate(trees):
                before = load.seconds()
                printed = run(tree, ASK, stores[number][one.store], one.page, one.accept, one.count)
                wall, cpu, size = map(float, printed.split())
                found[number].append((wall, cpu + load.seconds() - before, size))
        least = [tuple(map(min, zip(*of_tree, strict=True))) for of_tree in found]
        print(
            f"{one.said:32s}" + "".join(f"{wall:10.2f} {cpu:6.2f} {size:6.0f}" for wall, cpu, size in least),
            flush=True,
        )


if __name__ == "__main__":
    main()
