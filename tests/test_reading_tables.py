"""The tables of readings in the documentation."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from memmon.facts.readings import READINGS, ReadingMetric

UNPLACED = ReadingMetric(name="", help="").place
ROOT = Path(__file__).resolve().parent.parent


def _maker():
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted(_maker().TABLES))
def test_tables_of_readings_are_written_from_their_facts(page):
    """The table of a page is what the facts say today."""
    maker = _maker()
    committed = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert committed == maker.page_text(page), f"renew it: {maker.COMMAND}"


def test_places_of_metrics_are_given_once():
    """No two readings stand at the same place of an export: their order would hang on something else."""
    for kind in ("metric", "backfill"):
        metrics = [getattr(one, kind) for one in READINGS if getattr(one, kind) is not None]
        places = [one.place for one in metrics if one.place != UNPLACED]
        assert len(set(places)) == len(places)
