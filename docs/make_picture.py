"""The README's picture: the first screen of the page of the demo's history, as `.venv/bin/python docs/make_picture.py` draws it.

It needs Chromium and the extra `browser`. The picture's words in the README are the page's own: a test compares them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from memmon.assessment.plainly import plainly
from memmon.cli.demo_history import write_demo_history
from memmon.config import parse_database
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade

NOW = datetime(2026, 3, 5, 16, 20, tzinfo=UTC)
PICTURE = Path(__file__).with_name("page.png")
README = Path(__file__).resolve().parents[1] / "README.md"
WIDTH, HEIGHT = 1120, 688


def page_and_words(folder: Path) -> tuple[str, str]:
    """Return the page of the demo's history, written into `folder`, and the sentences that it begins with."""
    database = parse_database(folder / "orderbot.db")
    upgrade(database)
    write_demo_history(database, now=NOW)
    with open_store(database.url) as store:
        report = build_report(store, now=NOW)
        page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert report.assessment is not None
    return page.replace(f"{folder}/", ""), " ".join(plainly(report.assessment, tz=UTC))


def main() -> None:
    """Draw the picture, and say which words the README needs."""
    from playwright.sync_api import sync_playwright

    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        page, words = page_and_words(Path(name))
        path = Path(name) / "page.html"
        path.write_text(page, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        view.clock.set_fixed_time(NOW)  # else the page says how old it is
        view.goto(path.as_uri())
        view.wait_for_selector(".uplot")
        view.screenshot(path=str(PICTURE))
        browser.close()
    line = f"![{words}](docs/{PICTURE.name})"
    if line not in README.read_text(encoding="utf-8"):
        sys.stdout.write(f"The README's picture needs this line:\n{line}\n")


if __name__ == "__main__":
    main()
