"""Series per second: in this process, in two, and on a local Dask cluster; SQLite and PostgreSQL.

    python benchmarks/fleet/throughput.py --sources 1000 [--postgres | --url postgresql://...] [--folder DIR]

Prints one line per way, and whether all gave the same result. Without --url a SQLite file in --folder.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from simulated import build

import memmon
from memmon.analysis.leak.finding import LeakPolicy
from memmon.many.run import _tasks
from memmon.store.read import open_store


def timed(name: str, source_count: int, work):
    started, cpu_started = time.perf_counter(), time.process_time()
    found = work()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    print(
        f"{name:28s} {seconds:8.1f} s  {source_count / seconds:8.1f} series/s  "
        f"(processor time of this process {cpu_seconds:.1f} s = {1000 * cpu_seconds / source_count:.1f} ms a series)",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--url")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--postgres", action="store_true", help="start the tests' own server")
    parser.add_argument("--no-dask", action="store_true")
    options = parser.parse_args()
    if options.postgres:
        sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "postgres"))
        from pg_server import PgServer

        server = PgServer()
        server.start()
        server.execute("CREATE DATABASE fleet")
        options.url = server.url("fleet")
        try:
            measure(options)
        finally:
            server.close()
    else:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    count = options.sources
    url = options.url or str(Path(options.folder) / f"fleet-{count}.db")
    if options.url or not Path(url).exists():
        timed("(writing the simulation)", count, lambda: build(url, source_count=count))
    if not options.url:
        print(f"file: {Path(url).stat().st_size / 2**20:.0f} MB")

    def read_only() -> int:
        with open_store(url) as store:
            sources = store.sources()
            return sum(len(batch) for batch in _tasks(store, sources, policy=LeakPolicy(), since=None))

    timed("reading alone", count, read_only)
    results = {"in this process": timed("in this process", count, lambda: memmon.fleet(url))}
    results["--jobs 2"] = timed("--jobs 2", count, lambda: memmon.fleet(url, jobs=2))
    if not options.no_dask:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            results["dask, 2 workers"] = timed(
                "dask, 2 workers", count, lambda: memmon.fleet(url, executor=client.get_executor())
            )
    first = results["in this process"]
    print("equal results:", {name: found == first for name, found in results.items()})
    print(f"{first.leak_count} leak, {first.new_leak_count} new; verdicts:", end=" ")
    print(
        {
            name: sum(one.verdict == name for one in first.results)
            for name in sorted({one.verdict for one in first.results})
        }
    )
    print(
        f"largest resident memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
