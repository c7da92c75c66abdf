from __future__ import annotations

import random
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from store_kit import START, deque_of, kept_of, ticks

from memmon.config import Settings
from memmon.model import ComponentReading, EventRecord
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store
from memmon.store.retention import prune
from memmon.store.retention.rollup_columns import DAY_MS, HOUR_MS
from memmon.store.schema import tables
from memmon.store.schema.views import VIEWS
from memmon.store.upkeep.migrate import alembic_config
from memmon.store.write.assessments import keep_assessments
from memmon.store.write.writer import RunEnd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
TEXT = PAGE.read_text(encoding="utf-8")
PAGES = sorted((PAGE.parents[1] / "README.md", *PAGE.parent.glob("*.md")))
COMMANDS = sorted(
    {
        one
        for page in PAGES
        for one in re.findall(r'memmon sql [^"\n]*"(SELECT [^"]+)"', page.read_text(encoding="utf-8"))
    }
)
QUESTIONS = re.findall(r"### ([^\n]+)\n(?:(?!###).)*?```sql\n(.*?)```", TEXT, flags=re.DOTALL)
DAY = 288


@pytest.fixture
def recorded(store):
    """Three days, two releases: a bounded deque that fills, one that is always half full, a component, a deploy."""
    rng = random.Random(3)
    busy = [0]
    while len(busy) < 2 * DAY:
        busy.append(rng.randrange(90) if rng.random() < 0.2 else busy[-1])
    store.busy = busy
    store.add_run(
        ticks(
            2 * DAY,
            rss_mb=lambda n: 500.0 if n == 100 else 100.0 + n / 12,
            deques=lambda n: [deque_of("busy", busy[n], 100), deque_of("filling", min(n, 50), 50)],
            components=lambda n: [ComponentReading(name="cache", size_bytes=n * 2**20)],
        ),
        source="orderbot",
        release="1.0",
        end=RunEnd(at=START + timedelta(days=2), reason="oom"),
        events=[EventRecord(at=START + timedelta(hours=30), sequence=1, kind="annotation", text="flag on")],
    )
    store.add_run(
        ticks(DAY, start=START + timedelta(days=2, hours=5), rss_mb=lambda n: 120.0),
        source="orderbot",
        release="1.1",
    )
    verdicts = ["stable", "stable", "leaking", "leaking"]
    kept = [kept_of("orderbot", START + timedelta(hours=n), verdict=one) for n, one in enumerate(verdicts)]
    keep_assessments(store.database, kept)
    return store


def ask(store, statement: str) -> list[tuple]:
    return list(open_store(store.database.url).query(statement, row_limit=100_000).rows)


def answer(store, title: str) -> list[tuple]:
    (statement,) = [sql for name, sql in QUESTIONS if title in name]
    return ask(store, statement)


def test_views_average_of_deques_is_that_of_a_full_recording(recorded):
    """AVG over v_deque weighs time: it equals the mean of all lengths, changed or not."""
    ((mean, rows),) = ask(recorded, "SELECT avg(length), count(*) FROM v_deque WHERE name = 'busy'")
    assert float(mean) == pytest.approx(np.mean(recorded.busy))
    assert rows == len(recorded.busy)
    assert ask(recorded, "SELECT count(*) FROM v_deque_change WHERE name = 'busy' AND metric = 'length'") < [
        (200,)
    ]


def test_views_go_on_over_rollups(recorded):
    """After old snapshots were folded, weighted means, peaks and counts in the views are the same."""
    statements = [
        "SELECT sum(1.0 * length * sample_count) / sum(sample_count) FROM v_deque WHERE name = 'busy'",
        "SELECT max(max_length) FROM v_deque WHERE name = 'busy'",
        "SELECT sum(sample_count) FROM v_deque",
        "SELECT max(maxlen) FROM v_deque WHERE name = 'filling'",
        "SELECT sum(sample_count), max(max_rss_mb), min(min_rss_mb) FROM v_snapshot",
        "SELECT max(max_size_mb), sum(sample_count) FROM v_component",
        "SELECT sum(snapshot_count), max(peak_rss_mb) FROM v_run",
    ]
    before = [ask(recorded, one)[0] for one in statements]
    prune.apply(
        recorded.database,
        Settings(raw_days=2, hourly_days=2.5),
        now=START + timedelta(days=3.5),
        pause_seconds=0,
    )
    after = [ask(recorded, one)[0] for one in statements]
    assert len(ask(recorded, "SELECT DISTINCT resolution_seconds FROM v_snapshot")) == 3
    for number, (first, second) in enumerate(zip(before, after, strict=True)):
        assert [float(one) for one in second] == pytest.approx([float(one) for one in first]), statements[
            number
        ]


def whole(store, view: str) -> tuple[list[str], list[tuple]]:
    """Return the columns of a view and all its rows, in an order that the rows give, whatever the revision."""
    with write_engine(store.database).connect() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {view}")
        return list(found.keys()), sorted(map(tuple, found), key=repr)


def moved(store, direction: str, revision: str) -> None:
    """Bring the database to another revision, by the revisions themselves."""
    from alembic import command

    config = alembic_config()
    with write_engine(store.database).begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, direction)(config, revision)


def test_views_in_few_words_show_what_they_showed(recorded):
    """Each view has the columns, the rows and the values that it had at the revision before, rollups included."""
    recorded.add_run(
        ticks(
            40,
            start=START + timedelta(days=1),
            rss_mb=lambda n: None if n % 3 == 0 else 80.0 - n,
            deques=lambda n: [deque_of("bound", n, 10 if n < 15 else None), deque_of("none", 7, None)][
                : n % 4
            ],
            components=lambda n: [ComponentReading(name="cache", size_bytes=None if n % 2 else n)],
        ),
        source="other",
    )
    prune.apply(
        recorded.database,
        Settings(raw_days=2, hourly_days=2.5),
        now=START + timedelta(days=3.5),
        pause_seconds=0,
    )
    # Days are folded from whole hours, which go then; were an hour left, it would begin with its day.
    with write_engine(recorded.database).begin() as connection:
        for table in (tables.rollup, tables.reading_rollup):
            days = connection.execute(table.select().where(table.c.resolution_ms == DAY_MS)).mappings().all()
            connection.execute(table.insert(), [{**row, "resolution_ms": HOUR_MS} for row in days])
    moved(recorded, "downgrade", "0009")  # what a later revision adds is no matter of these two
    now = {view: whole(recorded, view) for view in VIEWS}
    assert all(rows for _, rows in now.values())
    assert {row[-1] for row in now["v_deque"][1]} == {0, 3600, 86400}
    moved(recorded, "downgrade", "0008")
    assert {view: whole(recorded, view) for view in VIEWS} == now
    moved(recorded, "upgrade", "0009")
    assert {view: whole(recorded, view) for view in VIEWS} == now


def test_views_show_times_and_sizes_readably(recorded):
    """Times are ISO 8601 in UTC with a blank for the T, sizes in MB beside bytes."""
    rows = ask(
        recorded,
        "SELECT at, hour, day, rss_bytes, rss_mb, uptime_hours FROM v_snapshot WHERE run_id = 1 AND seq = 13",
    )
    assert [tuple(rows[0][:3])] == [("2026-03-01 01:00:00Z", "2026-03-01 01", "2026-03-01")]
    assert rows[0][3] == 101 * 2**20
    assert (float(rows[0][4]), float(rows[0][5])) == (101.0, 1.0)


@pytest.mark.parametrize("hours", [1, 2, 5, 30])
def test_times_of_views_compare_with_those_of_sqlite(recorded, hours):
    """What lies within so many hours, by SQLite's own `datetime`, is what lies within them by the milliseconds."""
    ((last_ms,),) = ask(recorded, "SELECT max(at_ms) FROM v_snapshot")
    if recorded.database.path is None:
        pytest.skip("only SQLite has SQLite's times")
    since = f"datetime({last_ms} / 1000, 'unixepoch', '-{hours} hours')"
    for view in ("v_snapshot", "v_deque", "v_component", "v_event", "v_assessment"):
        by_text = ask(recorded, f"SELECT count(*) FROM {view} WHERE at >= {since}")
        by_ms = ask(recorded, f"SELECT count(*) FROM {view} WHERE at_ms >= {last_ms} - {hours} * 3600000")
        assert by_text == by_ms, view
    assert ask(recorded, "SELECT count(*) FROM v_snapshot WHERE hour != strftime('%Y-%m-%d %H', at)") == [
        (0,)
    ]


@pytest.mark.parametrize("statement", COMMANDS)
def test_the_sql_of_the_pages_runs(recorded, statement):
    """Each `memmon sql` of the README and the documentation runs on a recorded history."""
    if "..." in statement or ("datetime(" in statement and recorded.database.path is None):
        pytest.skip("a placeholder, or SQLite's own")
    ask(recorded, statement)


def test_the_readme_asks_in_sql():
    """There are statements to run: a changed README must not empty the test."""
    assert len(COMMANDS) >= 3


def test_views_and_columns_are_documented(recorded):
    """Every view, and every column of it, stands in the page on SQL, and no other does."""
    for view in VIEWS:
        columns = set(open_store(recorded.database.url).query(f"SELECT * FROM {view}", row_limit=1).columns)
        section = TEXT.split(f"### {view}:")[1].split("\n### ")[0]
        first_cells = "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
        assert set(re.findall(r"`(\w+)`", first_cells)) == columns, view


def test_views_have_eleven_questions_of_at_most_five_lines(recorded):
    """The page has eleven worked questions, short enough to be read at a glance, and each runs."""
    assert len(QUESTIONS) == 11
    for title, statement in QUESTIONS:
        assert len(statement.strip().splitlines()) <= 5, title
        assert ask(recorded, statement), title


def test_views_answer_the_questions_rightly(recorded):
    """The answers are those that the recording has by construction."""
    hourly = answer(recorded, "Hourly peaks")
    assert max(float(row[1]) for row in hourly) == 500.0
    growth = {row[0]: float(row[2]) for row in answer(recorded, "each release grow")}
    assert growth["1.1"] == pytest.approx(0.0, abs=0.01)
    assert growth["1.0"] == pytest.approx(1.0, rel=0.1)
    assert answer(recorded, "worst gap")[0][1:] == ("2026-03-03 05:00:00Z", 305)
    assert answer(recorded, "ever full") == [("filling", 50, "2026-03-01 04:10:00Z", 2 * DAY - 50)]
    (before, after) = [float(one) for one in answer(recorded, "deploy change")[0][2:]]
    assert after - before == pytest.approx(13 / 12, rel=0.05)
    assert [row[1] for row in answer(recorded, "runs end")] == ["oom", "running or lost"]
    assert float(answer(recorded, "component grew")[0][2]) == 2 * DAY - 1
    assert len(answer(recorded, "Years at a glance")) == 4
    (change,) = answer(recorded, "verdict change")
    assert change[:3] == ("2026-03-01 02:00:00Z", "stable", "leaking")
