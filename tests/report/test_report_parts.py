"""Who holds the memory over time: what was named, the culprit in colour, and what nobody named hatched above it."""

from __future__ import annotations

import math
from datetime import UTC, timedelta

import numpy as np
import pytest
from report_store import record_bot
from report_values import NOW

from memmon.config import parse_database
from memmon.model import ComponentReading, RunRecord, Snapshot
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.payload import payload_of
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer
from memmon.units import MIB

HOURS = 60
OTHERS = ("frames", "model", "symbols", "sessions", "routes")


@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    """Return database, report and charts of a program whose cache grows by 9 of the 12 MB that it grows an hour."""
    database = parse_database(tmp_path_factory.mktemp("parts") / "parts.db")
    upgrade(database)
    start = NOW - timedelta(hours=HOURS)
    record = RunRecord(
        uuid="one",
        source="bot",
        source_was_given=True,
        started_at=start,
        interval_seconds=300.0,
        host="h",
        pid=7,
    )
    Writer(database).write(
        Batch(
            run=record, snapshots=[_snapshot(start, number) for number in range(1, HOURS * 24 + 1)], events=[]
        )
    )
    with open_store(database.url) as store:
        report = build_report(store, now=NOW)
        return database, report, build_charts(store, report, tz=UTC)


def _snapshot(start, number):
    hours = number / 24  # two readings in each interval
    rss = 300 + 12 * hours + math.sin(number * 12.9898) * 1.5
    sizes = [("cache", 20 + 9 * hours), *((name, 30 - 5 * place) for place, name in enumerate(OTHERS))]
    return Snapshot(
        at=start + timedelta(hours=hours),
        sequence=number,
        uptime_seconds=hours * 3600,
        rss_bytes=int(rss * MIB),
        components=tuple(ComponentReading(name=name, size_bytes=int(size * MIB)) for name, size in sizes),
    )


def test_the_culprit_lies_lowest_then_the_largest_then_all_others_then_what_nobody_named(leak):
    """The layers stand in this order, each drawn as what it is."""
    _, _, charts = leak
    layers = [(layer.name, layer.kind) for layer in charts.parts.layers]
    assert layers == [
        ("cache", "culprit-0"),
        ("frames", "part-0"),
        ("model", "part-1"),
        ("symbols", "part-2"),
        ("2 others", "part-3"),
        ("not registered", "nobodys"),
    ]


def test_the_layers_add_up_to_memory_and_are_what_the_store_has(leak):
    """At every point their sum is resident memory, and the culprit's layer its recorded size."""
    database, _, charts = leak
    parts = charts.parts
    with open_store(database.url) as store:
        matrix = store.part_matrix("bot")
    total = np.array([layer.value_mb for layer in parts.layers]).sum(axis=0)
    for place in range(0, len(parts.at_seconds), 37):
        begin = parts.at_seconds[place]
        rows = (matrix.at_seconds >= begin) & (matrix.at_seconds < begin + parts.bucket_seconds)
        assert total[place] == pytest.approx(matrix.rss_bytes[rows].mean() / MIB, abs=0.02)
        cache = matrix.size_bytes[rows, matrix.names.index("cache")].mean() / MIB
        assert parts.layers[0].value_mb[place] == pytest.approx(cache, abs=0.02)


def test_parts_that_claim_more_than_there_is_leave_nothing_below_zero(tmp_path):
    """Sizes are estimates: where they exceed memory, what nobody named is nothing, never less."""
    database = parse_database(tmp_path / "more.db")
    upgrade(database)
    start = NOW - timedelta(hours=3)
    record = RunRecord(
        uuid="m",
        source="bot",
        source_was_given=True,
        started_at=start,
        interval_seconds=300.0,
        host="h",
        pid=7,
    )
    snapshots = [
        Snapshot(
            at=start + timedelta(minutes=5 * number),
            sequence=number,
            uptime_seconds=300.0 * number,
            rss_bytes=100 * MIB,
            components=(ComponentReading(name="claims", size_bytes=150 * MIB),),
        )
        for number in range(1, 37)
    ]
    Writer(database).write(Batch(run=record, snapshots=snapshots, events=[]))
    with open_store(database.url) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    nobodys = charts.parts.layers[-1]
    assert nobodys.kind == "nobodys"
    assert set(nobodys.value_mb) - {None} == {0.0}


def test_where_nothing_has_a_size_there_is_no_picture_of_it(tmp_path):
    """A history without a size of anything has no picture of who holds the memory."""
    database = record_bot(tmp_path / "none.db", days=1, deques=0)
    with open_store(database) as store:
        report = build_report(store, now=NOW)
        charts = build_charts(store, report, tz=UTC)
    assert charts.parts is None
    page = render_html(report, charts, tz=UTC)
    assert "Who holds the memory" not in page


def test_the_page_draws_the_same_layers_with_and_without_scripts(leak):
    """The script has the names and styles of the layers; without it they are shapes, the last one hatched."""
    _, report, charts = leak
    kinds = [layer.kind for layer in charts.parts.layers]
    assert [style for _, _, style in payload_of(charts, UTC)["parts"]["layers"]] == kinds
    page = render_html(report, charts, tz=UTC)
    for kind in kinds:
        assert f'<path class="layer {kind}"' in page
    assert 'pattern id="hatch"' in page
