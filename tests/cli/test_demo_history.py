"""The demo's history: what its page says, at whatever time of day it is made, and the README's picture of it."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memmon.assessment.plainly import plainly
from memmon.cli.demo_history import CULPRIT, LEAK_MB_PER_HOUR, LIVES, SOURCE, write_demo_history
from memmon.config import parse_database
from memmon.report.build import build_report
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("hour", [3, 11, 20])
def test_the_first_words_name_pace_moment_release_culprit_and_end(tmp_path, hour):
    """Morning, noon and night: a leak at its pace, with its release and culprit, and a limit that is met within a day."""
    now = datetime(2026, 5, 14, hour, 10, tzinfo=UTC)
    database = parse_database(tmp_path / "demo.db")
    upgrade(database)
    write_demo_history(database, now=now)
    with open_store(database.url) as store:
        found = build_report(store, SOURCE, now=now).assessment
        ends = [run.end_reason for run in store.runs(SOURCE)]
    assert found.finding.slope_mb_per_hour == pytest.approx(LEAK_MB_PER_HOUR, rel=0.05)
    assert abs(found.finding.since - (now - timedelta(hours=LIVES[-1].hours))) < timedelta(hours=3)
    assert found.since_release == "1.8.1"
    assert (found.culprits.parts[0].name, found.severity) == (CULPRIT, "critical")
    assert found.forecast.hours_to_limit < 24
    assert ends == ["stopped", "oom", "sigterm", "stopped", None]
    words = plainly(found, tz=UTC)
    assert words[0].startswith("Leaking ")
    assert "release 1.8.1" in words[0]
    assert words[1].startswith(CULPRIT)


def test_the_readme_begins_with_a_picture_of_the_present_page(tmp_path):
    """The picture's words are what the page says now; where they differ, `docs/make_picture.py` draws it anew."""
    spec = importlib.util.spec_from_file_location("make_picture", ROOT / "docs" / "make_picture.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page, words = script.page_and_words(tmp_path)
    assert words.split(". ")[0] in page
    assert f"![{words}](docs/page.png)" in (ROOT / "README.md").read_text(encoding="utf-8").split("## ")[0]
    assert script.PICTURE.stat().st_size < 150_000
