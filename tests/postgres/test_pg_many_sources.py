"""What is read of many sources in one statement is the same on both kinds of store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from store_kit import MB, START, StoreMaker, deque_of, ticks

from memmon.facts.children import CHILDREN_KIND, ChildRow, children_data
from memmon.model import ComponentReading, EventRecord
from memmon.store.read import open_store
from memmon.store.read.children import unrecorded_children
from memmon.store.read.many_sources import component_sizes, deque_statuses
from memmon.store.read.shares import newest_shares

NOW = START + timedelta(hours=1)
ITEM = {"item_bytes": 40, "item_low_bytes": 30, "item_high_bytes": 50}
CHILDREN = children_data([ChildRow(77, None, 5_000, None, "worker")])


def fill(place):
    """Write three sources: with sizes of an item, with sizes of all, and without a deque but with a child."""
    store = StoreMaker(place)
    by_item = ticks(12, deques=lambda n: [deque_of("q", n, **ITEM), deque_of("gone", None, is_alive=False)])
    by_size = ticks(
        12,
        deques=lambda n: [deque_of("q", 20 + n, size_bytes=5_000 if n == 3 else None)],
        components=lambda n: [ComponentReading(name="cache", size_bytes=n)],
    )
    store.add_run([replace(one, pss_bytes=50 * MB) for one in by_item], source="a")
    store.add_run(by_size, source="b")
    noted = EventRecord(at=START, sequence=1, kind=CHILDREN_KIND, data=CHILDREN)
    store.add_run(ticks(12), source="c", events=[noted])


def said_of(url):
    """Return everything that is read of all sources at once."""
    with open_store(url) as opened:
        store = opened.as_of(NOW)
        sources = store.sources()
        runs = [store.runs(one.name)[0] for one in sources]
        return (
            deque_statuses(store.database, sources, NOW),
            component_sizes(store.database, sources, NOW),
            newest_shares(store.database, [run.run_id for run in runs], until=NOW),
            unrecorded_children(store.database, runs, at=NOW),
            [one.deque_bytes is not None for one in store.histories(sources)],
        )


def test_pg_tells_of_many_sources_what_a_file_tells(pg_url, tmp_path):
    """Deques, components, shares and children of three sources agree between SQLite and PostgreSQL, and none is missing."""
    from memmon.config import parse_database
    from memmon.store.upkeep.migrate import upgrade

    path = tmp_path / "m.db"
    upgrade(parse_database(str(path)))
    fill(Path(path))
    fill(pg_url)
    deques, components, shares, children, have_bytes = said = said_of(pg_url)
    assert said == said_of(str(path))
    assert {one.name: (one.is_alive, one.size_bytes is None) for one in deques[1]} == {
        "gone": (False, True),
        "q": (True, False),
    }
    assert deques[2][0].size_bytes > 5_000
    assert components == {2: (("cache", 11),)}
    assert [one.pss_bytes for one in shares.values()] == [50 * MB]
    assert [one.child.pid for one in children] == [77]
    assert have_bytes == [True, True, False]
