"""Whether open pages stay live for an hour while their server is restarted under them.

    python benchmarks/dashboard/live_hour.py [--minutes 60] [--restarts 2] [--folder DIR]

A program is recorded every 10 seconds, `memmon serve` shows it among other sources, and Chromium holds the overview and a
source page open, zoomed, scrolled and with a part of it opened. The server is killed and started again at even distances.
Once a minute is noted how old the overview is, whether zoom, scroll and what was opened are kept, and what either page and
the browser hold of memory. It ends with 1 where a page was not alive, something of that was lost, or memory did not stay level.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "report"))

from chromium_pages import chromium  # noqa: E402 - after the path
from report_store import record_bot  # noqa: E402

ROUND_SECONDS = 60.0
AWAY_SECONDS = 20.0
OLDEST_SECONDS = 150.0
"""The overview asks every minute, and a sample comes every ten seconds."""
MOST_GROWTH = 1.1
"""Memory is level while the last third of the rounds holds at most this share of what the third before held."""
FEWEST_ROUNDS = 9
OTHER_COUNT = 24
"""Sources beside the live one: the overview is longer than its window; what the live one is found to be may move it."""
ROUNDING_PIXELS = 2
"""Heights of parts are fractions of a pixel; a line of text is 20 high."""
WINDOW = {"width": 1280, "height": 500}
PROGRAM = "import time; kept = []\nwhile True: kept.append(bytes(10_000)); time.sleep(1)"
STANDS = """first => {
    const titles = Array.from(document.querySelectorAll("main h2, main h3, main summary, tr.row th a[href*=other]"));
    const one = titles.find(each => first ? each.textContent === first : each.getBoundingClientRect().top >= 0);
    return {
        zoom: document.documentElement.getAttribute("data-view"), charts: document.querySelectorAll(".uplot").length,
        first: one ? one.textContent : "", place: one ? Math.round(one.getBoundingClientRect().top) : -1,
        opened: Array.from(document.querySelectorAll("details"), each => each.open),
        focus: document.activeElement === document.body ? "" : document.activeElement.textContent,
    };
}"""


@dataclass
class Watched:
    """An open page, what it must keep, and what it held of memory at each round."""

    name: str
    page: object
    session: object
    kept: dict[str, object] = field(default_factory=dict)
    heaps_mb: list[float] = field(default_factory=list)
    node_counts: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Let the page ask for itself as it does when its reader comes back to it."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def stands(self) -> dict[str, object]:
        """Return what a reader would miss if it changed; `place`: where in the window stands what stood first in it."""
        found: dict[str, object] = self.page.evaluate(STANDS, self.kept.get("first"))
        if self.kept and abs(found["place"] - self.kept["place"]) <= ROUNDING_PIXELS:
            found["place"] = self.kept["place"]
        return found

    def measure(self) -> None:
        """Note what the page holds once its garbage is collected."""
        self.session.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}
        self.heaps_mb.append(found["JSHeapUsedSize"] / 2**20)
        self.node_counts.append(int(found["Nodes"]))


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
    record_bot(database, days=2, deques=20, source="history", until=begun)
    for number in range(OTHER_COUNT):
        # A sample an hour: they are not missed within the time, and so none of them moves by itself.
        name, until = f"other-{number:02}", begun - timedelta(minutes=number)
        record_bot(database, days=2, minutes=60, deques=0, source=name, seed=number, until=until)
    recorded = memmon(
        "run", "--db", database, "--source", "live", "--interval", "10s", "--", sys.executable, "-c", PROGRAM
    )
    server = serve(database, port)
    try:
        server, faults = watched_for(options, database, port, server, begun)
    finally:
        end(recorded, signal.SIGTERM)
        end(server, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
    words = "; ".join(faults) if faults else "alive, zoom, scroll and what was opened kept, memory level"
    print(f"{options.restarts} restarts in {options.minutes:g} minutes: {words}")
    return 1 if faults else 0


def watched_for(options, database: str, port: int, server, begun: datetime):
    """Watch both pages for the time that is asked; returns the server that runs then, and what was wrong."""
    faults: list[str] = []
    browser_mb: list[float] = []
    with chromium() as opening, ExitStack() as stack:
        pages = opened(opening, stack, f"http://127.0.0.1:{port}", begun)
        started, restarted = time.monotonic(), 0
        while (passed := time.monotonic() - started) < options.minutes * 60:
            if restarted < options.restarts and passed > options.minutes * 60 * (restarted + 1) / (
                options.restarts + 1
            ):
                restarted += 1
                end(server, signal.SIGKILL)
                faults += away(pages, passed)
                server = serve(database, port)
            pages[0].page.wait_for_timeout(ROUND_SECONDS * 1000)
            faults += noted(pages, browser_mb, passed)
    for words, values in (("browser", browser_mb), *((one.name, one.heaps_mb) for one in pages)):
        faults += grown(words, values)
    return server, faults


def opened(opening, stack: ExitStack, address: str, begun: datetime) -> list[Watched]:
    """Open the overview, scrolled, and a source's page, zoomed, with a part of it opened, and scrolled."""
    zoom = f"{int(begun.timestamp()) - 40_000}-{int(begun.timestamp()) - 4_000}"
    pages = []
    for name, url in (("overview", address + "/"), ("source", f"{address}/source?name=history#{zoom}")):
        page, _ = stack.enter_context(opening(url, viewport=WINDOW))
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        pages.append(Watched(name=name, page=page, session=session))
    overview, source = (one.page for one in pages)
    source.wait_for_selector(".uplot", timeout=60_000)
    source.locator("details > summary").last.click()
    while "not judged yet" in overview.locator('[data-part="sub"]').inner_text():
        overview.wait_for_timeout(1000)
    for page in (overview, source):
        page.evaluate("scrollTo(0, 400)")
        page.wait_for_timeout(500)
    for one in pages:
        one.kept = one.stands()
        print(f"{one.name}: {one.kept}", flush=True)
    return pages


def away(pages: list[Watched], passed: float) -> list[str]:
    """Look at the pages while their server is away: they say so, and stay as they are."""
    for one in pages:
        one.look()
    pages[0].page.wait_for_timeout(AWAY_SECONDS * 1000)
    words = [one.page.locator(".live-state").inner_text() for one in pages]
    print(f"{passed / 60:5.1f} min: the server is away, the pages say {words}", flush=True)
    return [
        f"at {passed / 60:.1f} min the {one.name} said {said!r}, or changed, while the server was away"
        for one, said in zip(pages, words, strict=True)
        if not said or one.stands() != one.kept
    ]


def noted(pages: list[Watched], browser_mb: list[float], passed: float) -> list[str]:
    """Print how both pages stand, and return what is wrong."""
    overview, source = (one.page for one in pages)
    source.wait_for_selector(".uplot", timeout=60_000)
    made = overview.locator('[data-part="sub"] span').last.inner_text()
    age = (datetime.now(UTC) - datetime.fromisoformat(made)).total_seconds()
    row = overview.locator("tr.row", has_text="live").locator("td.last").inner_text()
    for one in pages:
        one.measure()
    browser_mb.append(browser_held_mb())
    held = ", ".join(
        f"{one.name} {one.heaps_mb[-1]:.1f} MB in {one.node_counts[-1]:,} nodes" for one in pages
    )
    print(
        f"{passed / 60:5.1f} min: overview made {age:.0f} s ago, last sample {row!r}; {held}, browser {browser_mb[-1]:.0f} MB",
        flush=True,
    )
    faults = []
    if age > OLDEST_SECONDS:
        faults.append(f"at {passed / 60:.1f} min the overview was {age:.0f} s old")
    for one in pages:
        if (now := one.stands()) != one.kept:
            faults.append(f"at {passed / 60:.1f} min the {one.name} stood at {now}, not {one.kept}")
            print(faults[-1], flush=True)
    return faults


def browser_held_mb() -> float:
    """Return what the browser's processes hold that no other shares."""
    total = 0
    for one in psutil.Process().children(recursive=True):
        try:
            total += one.memory_full_info().uss if "chrom" in one.name() else 0
        except psutil.Error:  # it has ended meanwhile
            continue
    return total / 2**20


def grown(name: str, values: list[float]) -> list[str]:
    """Say how the last third of the rounds stands to the third before, and return it where that is growth."""
    if len(values) < FEWEST_ROUNDS:
        return []
    third = len(values) // 3
    before, last = statistics.median(values[-2 * third : -third]), statistics.median(values[-third:])
    words = f"{name} held {before:.1f} MB in the middle and {last:.1f} MB in the last third"
    print(words)
    return [words] if last > before * MOST_GROWTH else []


if __name__ == "__main__":
    sys.exit(main())
