"""Write the tables of readings in the documentation from `memmon/facts/readings.py`.

    python docs/make_tables.py

A test compares what this would write with what is there.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from memmon import open_store
from memmon.config import parse_database
from memmon.facts.readings import READINGS
from memmon.store.connect.create import create

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.facts.readings import Reading

COMMAND = "python docs/make_tables.py"
FOLDER = Path(__file__).resolve().parent
_PLACE = re.compile(r"(<!-- readings -->\n).*?(<!-- end of readings -->)", re.DOTALL)
_BETWEEN = " (hourly at most: NULL between)"


def page_text(name: str) -> str:
    """Return the text of a page with its table made anew."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    table = "".join(f"{line}\n" for line in TABLES[name]())
    if len(_PLACE.findall(text)) != 1:
        msg = f"docs/{name} has no place, or more than one, for the table of readings"
        raise ValueError(msg)
    return _PLACE.sub(lambda found: f"{found[1]}{table}{found[2]}", text)


def view_table() -> list[str]:
    """Return the readings that v_snapshot shows, each with all its columns there."""
    shown = _view_columns()
    rows = []
    for one in READINGS:
        names = ", ".join(f"`{name}`" for name in shown if name in _forms(one))
        fold = "the last" if one.fold == "counter" else "mean"
        beside = ", ".join(f"`{name}`" for name in one.beside_columns if not name.startswith("last_"))
        rows.append(f"| {names} | {one.meaning}{_BETWEEN if one.is_rare else ''} | {fold} | {beside} |")
    return ["| column | meaning | in a rollup | beside it in `Store.snapshots` |", "|---|---|---|---|", *rows]


def _view_columns() -> Sequence[str]:
    with tempfile.TemporaryDirectory(prefix="memmon-") as folder:
        database = parse_database(str(Path(folder) / "memmon.db"))
        create(database)
        with open_store(database.url) as store:
            return tuple(store.query("SELECT * FROM v_snapshot").columns)


def _forms(one: Reading) -> set[str]:
    """Return the names under which a view may show a reading: in bytes or MB, itself or its extremes."""
    names = {one.column, one.column.removesuffix("_bytes") + "_mb"}
    return names | {f"{prefix}_{name}" for prefix in ("min", "max") for name in names}


def metric_table() -> list[str]:
    """Return the readings that are exported: at present, and as a backfill of the past."""
    rows = []
    for one in sorted(READINGS, key=lambda one: one.metric.place if one.metric else 0):
        if one.metric is None and one.backfill is None:
            continue
        names = [f"`{found.name}`" if found else "" for found in (one.metric, one.backfill)]
        across = ", summed over the live processes" if one.across == "sum" else ""
        rare = "; read hourly at most" if one.is_rare else ""
        rows.append(f"| {names[0]} | {names[1]} | {one.meaning}{across}{rare} |")
    return ["| at `/metrics` | in a backfill, per run | meaning |", "|---|---|---|", *rows]


TABLES = {"sql.md": view_table, "metrics.md": metric_table}


def main() -> None:
    """Write the tables into their pages."""
    for name in TABLES:
        (FOLDER / name).write_text(page_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
