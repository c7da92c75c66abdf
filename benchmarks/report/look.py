"""Pictures of the page to look at: seven histories on every screen, and the six that strangers read.

Run: python benchmarks/report/look.py [folder]    (needs Chromium and the extra `browser`; nothing of it is kept in git)

Each history is recorded into a file of its own, its page written beside it, and seen as a laptop, a small laptop and a
phone see it, dark, printed, without scripts, at 200 %, by keyboard and by finger: `NAME-MODE.png` is the first screen,
`NAME-MODE-whole.png` the whole page. What a page does wrong by machine (sideways scrolling, complaints of scripts,
requests, findings of axe) is printed, a line each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "report")]

from chromium_pages import axe_findings, chromium  # noqa: E402 -- they lie beside the report's tests
from page_histories import NOW, READERS, SEVEN, write  # noqa: E402

from memmon.report.build import build_report  # noqa: E402
from memmon.report.chart_data import build_charts  # noqa: E402
from memmon.report.html import render_html  # noqa: E402
from memmon.store.read import open_store  # noqa: E402

LAPTOP, SMALL, PHONE = ({"width": w, "height": h} for w, h in ((1440, 900), (1024, 768), (390, 844)))
FINGERS = {"has_touch": True, "is_mobile": True}
MODES = {
    "laptop": {"viewport": LAPTOP},
    "small": {"viewport": SMALL},
    "phone": {"viewport": PHONE, **FINGERS},
    "dark": {"viewport": LAPTOP, "color_scheme": "dark"},
    "dark-phone": {"viewport": PHONE, "color_scheme": "dark", **FINGERS},
    "print": {"viewport": {"width": 703, "height": 1000}},
    "no-scripts": {"viewport": LAPTOP, "java_script_enabled": False},
    "double": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
    "keyboard": {"viewport": LAPTOP},
    "touch": {"viewport": PHONE, **FINGERS},
}
WINDOWS = {"month": timedelta(days=30), "level-year": timedelta(days=365)}
"""What is shown where the last day alone would hide what the history is for."""
KEPT_BYTES = 4_096 * 9
DAMAGED_BYTES = 4_096 * 6


def page_of(folder: Path, name: str, past) -> Path:
    """Record a history, and write its page; a damaged one is salvaged first, as its owner would."""
    database = write(folder / f"{name}.db", past)
    if name == "damaged":
        database = salvaged(Path(database))
    with open_store(database) as store:
        report = build_report(store, now=NOW, since=NOW - WINDOWS[name] if name in WINDOWS else None)
        charts = None if report.is_empty else build_charts(store, report, tz=UTC)
        text = render_html(report, charts, tz=UTC)
    page = folder / f"{name}.html"
    page.write_text(text.replace(f"{folder}/", ""), encoding="utf-8")
    return page


def salvaged(database: Path) -> str:
    """Overwrite six pages in the middle of a file, say what `memmon report` says of it, and salvage it."""
    damaged = database.with_name("damaged-file.db")
    whole = bytearray(database.read_bytes())
    middle = len(whole) // 2 // 4_096 * 4_096
    whole[middle : middle + DAMAGED_BYTES] = b"\xa5" * DAMAGED_BYTES
    damaged.write_bytes(whole)
    out = database.with_name("salvaged.db")
    for arguments in (["report", "--db", str(damaged)], ["db", "salvage", str(damaged), str(out)]):
        done = subprocess.run(
            [sys.executable, "-m", "memmon", *arguments], capture_output=True, text=True, check=False
        )
        print(f"memmon {arguments[0]}: exit {done.returncode}: {(done.stdout + done.stderr).strip()[:400]}")
    return str(out)


def prepare(page, mode: str) -> None:
    """Bring the page into the state that the mode is about."""
    if mode == "print":
        page.emulate_media(media="print")
    elif mode == "keyboard" and page.locator("#chart-memory .plot").count():
        page.locator("#chart-memory .plot").focus()
        for key in ("+", "+", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
            page.keyboard.press(key)
    elif mode == "touch" and page.locator("#chart-memory .u-over").count():
        box = page.locator("#chart-memory .u-over").bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    page.wait_for_timeout(150)


def look(opening, folder: Path, name: str, address: str) -> None:
    """Take the pictures of one page in every mode."""
    for mode, options in MODES.items():
        with opening("about:blank", **options) as (page, seen):
            page.clock.set_fixed_time(NOW)  # else each page says how old it is
            page.goto(address)
            if mode != "no-scripts" and page.locator("#chart-memory .plot").count():
                page.wait_for_selector(".uplot", state="attached")
            prepare(page, mode)
            page.screenshot(path=str(folder / f"{name}-{mode}.png"))
            page.screenshot(path=str(folder / f"{name}-{mode}-whole.png"), full_page=True)
            faults = [
                f"asks for {one}" for one in seen.requests if one not in {address, "about:blank"}
            ] + seen.complaints
            wide = (
                page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if mode != "no-scripts"
                else 0
            )
            faults += [f"{wide} points too wide"] if wide > 0 else []
            if mode in {"laptop", "phone", "dark", "dark-phone"}:
                faults += axe_findings(page)
            for fault in faults:
                print(f"{name}, {mode}: {fault}")


def main() -> None:
    """Make all pages, and all pictures of them."""
    folder = (
        Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="memmon-look-"))
    )
    wanted = sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as opening:
        for name, past in {**SEVEN, **{f"reader-{key}": one for key, one in READERS.items()}}.items():
            if not wanted or name in wanted:
                look(opening, folder, name, page_of(folder, name, past).as_uri())
    print(f"pictures: {folder}")


if __name__ == "__main__":
    main()
