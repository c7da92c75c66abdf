"""Opens pages in the system's Chromium; skips with the reason where there is none."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Seen:
    """What the page asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium():
    """Yield `opening(url, **options)`: a context manager for (page, what it did), in a context of its own."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'"
    )
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, headless=True, args=ARGUMENTS)

        @contextmanager
        def opening(url, **options):
            options.setdefault("viewport", {"width": 1280, "height": 900})
            context = browser.new_context(**options)
            page, seen = context.new_page(), Seen()
            page.set_default_timeout(10_000)
            page.on("request", lambda request: seen.requests.append(request.url))
            page.on("pageerror", lambda error: seen.complaints.append(str(error)))
            page.on("console", lambda line: _note(seen, line))
            page.goto(url)
            try:
                yield page, seen
            finally:
                context.close()

        yield opening
        browser.close()


def _note(seen, line):
    if line.type in {"error", "warning"}:
        seen.complaints.append(line.text)


def axe_findings(page):
    """Return axe's findings that are more than minor, as lines."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    violations = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations if one["impact"] != "minor"]
