"""Whether open pages stay live for an hour while their server is restarted under them.

    python benchmarks/dashboard/live_hour.py [--minutes 60] [--restarts 2] [--folder DIR]

A program is recorded every 10 seconds, `memmon serve` shows it, and Chromium holds the overview and a zoomed source page
open. The server is killed and started again at even distances. Once a minute is noted how old the overview's last sample
is, whether the zoom is kept, and what either page holds of memory. It ends with 1 where a page was not alive or the zoom
was lost.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "report"))

from chromium_pages import chromium  # noqa: E402 - after the path
from report_store import record_bot  # noqa: E402

ROUND_SECONDS = 60.0
AWAY_SECONDS = 20.0
OLDEST_SECONDS = 150.0
"""The overview asks every minute, and a sample comes every ten seconds."""
PROGRAM = "import time; kept = []\nwhile True: kept.append(bytes(10_000)); time.sleep(1)"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def memmon(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "memmon", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def serve(database: str, port: int) -> subprocess.Popen[bytes]:
    server = memmon("serve", "--db", database, "--port", str(port))
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return server


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(dir=options.folder)
    database, port = str(Path(folder) / "m.db"), free_port()
    begun = datetime.now(UTC)
    record_bot(database, days=2, deques=5, source="history", until=begun)
    zoom = f"{int(begun.timestamp()) - 40_000}-{int(begun.timestamp()) - 4_000}"
    recorded = memmon(
        "run", "--db", database, "--source", "live", "--interval", "10s", "--", sys.executable, "-c", PROGRAM
    )
    server = serve(database, port)
    faults: list[str] = []
    try:
        with chromium() as opening, ExitStack() as stack:
            address = f"http://127.0.0.1:{port}"
            overview, _ = stack.enter_context(opening(address + "/"))
            source, _ = stack.enter_context(opening(f"{address}/source?name=history#{zoom}"))
            source.wait_for_selector(".uplot", timeout=60_000)
            view = source.locator("html").get_attribute("data-view")
            started, restarted = time.monotonic(), 0
            while (passed := time.monotonic() - started) < options.minutes * 60:
                if restarted < options.restarts and passed > options.minutes * 60 * (restarted + 1) / (
                    options.restarts + 1
                ):
                    restarted += 1
                    end(server, signal.SIGKILL)
                    overview.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
                    overview.wait_for_timeout(AWAY_SECONDS * 1000)
                    print(
                        f"{passed / 60:5.1f} min: the server is away: {overview.locator('.live-state').inner_text()!r}"
                    )
                    server = serve(database, port)
                overview.wait_for_timeout(ROUND_SECONDS * 1000)
                faults += noted(overview, source, view, passed)
    finally:
        end(recorded, signal.SIGTERM)
        end(server, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{restarted} restarts; " + ("; ".join(faults) if faults else "alive, and the zoom kept, throughout")
    )
    return 1 if faults else 0


def noted(overview, source, view: str, passed: float) -> list[str]:
    """Print how both pages stand, and return what is wrong."""
    made = overview.locator('[data-part="sub"] span').last.inner_text()
    age = (datetime.now(UTC) - datetime.fromisoformat(made)).total_seconds()
    zoom = source.locator("html").get_attribute("data-view")
    charts = source.locator(".uplot").count()
    heaps = [
        one.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 1048576 : 0")
        for one in (overview, source)
    ]
    row = overview.locator("tr.row", has_text="live").locator("td.last").inner_text()
    print(
        f"{passed / 60:5.1f} min: overview made {age:.0f} s ago, last sample {row!r}, charts {charts}, zoom {zoom!r}, heaps {heaps[0]:.1f} and {heaps[1]:.1f} MB",
        flush=True,
    )
    faults = []
    if age > OLDEST_SECONDS:
        faults.append(f"at {passed / 60:.1f} min the overview was {age:.0f} s old")
    if zoom != view or not charts:
        faults.append(
            f"at {passed / 60:.1f} min the source page showed {charts} charts and {zoom!r}, not {view!r}"
        )
    return faults


if __name__ == "__main__":
    sys.exit(main())
