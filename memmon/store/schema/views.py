"""The views for analysts: their names, and what a row of each is (docs/sql.md has every column)."""

from __future__ import annotations

VIEWS: dict[str, str] = {
    "v_source": "one row per source: what is monitored",
    "v_run": "one row per run: from one start of a recorder to its stop",
    "v_snapshot": "one row per sample: a snapshot, or a rollup where snapshots are past their time",
    "v_event": "one row per event: a gc pass, an alert, a deploy, a clock step",
    "v_deque": "one row per deque and sample, filled forward, so that AVG weighs time",
    "v_deque_change": "one row per recorded change of a deque's length, bound, bytes or drops",
    "v_component": "one row per component and sample, filled forward",
    "v_assessment": "one row per hourly check that was kept: the verdict, its severity and what they rest on",
}
"""Each view and its row in one sentence, in the order in which one would explore them."""
