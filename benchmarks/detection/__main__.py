"""The benchmark of the verdict.

`python -m benchmarks.detection [--full] [--parts ...] [--keep FOLDER] [--jobs 2] [--into-page]`

Without --full a reduced run of some minutes. With --keep it goes on where an ended run with the same code and numbers was.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from benchmarks.detection import page, real, short  # noqa: E402 - after the path, for `python benchmarks/detection`
from benchmarks.detection.experiments import Plan  # noqa: E402
from benchmarks.detection.kept import Folder, commit, measured, stamp_of, tell  # noqa: E402
from benchmarks.detection.tables import PARTS, TABLES  # noqa: E402

FULL, QUICK = (96, 12, 12), (6, 1, 1)


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the published tables")
    parser.add_argument("--purpose", choices=("evaluation", "tuning"), default="evaluation")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--cases", type=int, help="cases per class, instead of the preset")
    parser.add_argument("--rival-cases", type=int, help="of which the rivals judge so many")
    parser.add_argument("--processes", type=int, help="processes per class for hourly checks over a month")
    parser.add_argument("--counters", type=Path, help="the folder of the recordings with counters")
    parser.add_argument("--keep", type=Path, help="keep what is measured in this folder, and go on from it")
    parser.add_argument("--jobs", type=int, default=1, help="processes that measure at a time")
    parser.add_argument(
        "--into-page", action="store_true", help="write the tables into docs/how-memmon-judges.md"
    )
    return parser.parse_args()


def plan_of(chosen: argparse.Namespace) -> Plan:
    """Return how much is simulated, and where the recordings are."""
    preset = FULL if chosen.full else QUICK
    given = (chosen.cases, chosen.rival_cases, chosen.processes)
    cases, rival_cases, processes = (g if g is not None else p for g, p in zip(given, preset, strict=True))
    shared = real.shared_folder()
    recordings = chosen.counters or (shared / "counters" if shared else None)
    if recordings is not None and not (recordings / "manifest.json").is_file():
        recordings = None
    return Plan(chosen.purpose, cases, rival_cases, processes, recordings=recordings)


def main() -> None:
    """Measure what is asked for, print its tables, and write them into the page where that is asked for."""
    chosen = options()
    plan = plan_of(chosen)
    wanted = [table for table in TABLES if table.part in chosen.parts]
    names = {name for table in wanted for name in table.pieces}
    folder = None if chosen.keep is None else Folder(chosen.keep, stamp_of(plan))
    known, begun = {}, time.monotonic()
    for one in measured(names, plan, folder, jobs=chosen.jobs):
        known[one.name] = one.data
        state = "kept" if one.is_kept else f"{one.cpu_seconds:.1f} s of processor time"
        tell(f"{len(known)} of {len(names)}, {time.monotonic() - begun:.0f} s: {one.name}: {state}")
    sizes = short.sizes_of(plan, commit())
    written = {
        part: sizes + "\n\n" + "\n\n".join(table.text(known) for table in wanted if table.part == part)
        for part in dict.fromkeys(table.part for table in wanted)
    }
    if set(chosen.parts) == set(PARTS):
        written = {"short": f"{sizes}\n\n{short.table(known)}", **written}
    for part, text in written.items():
        print(f"### {part}\n\n{text}", end="\n\n", flush=True)
    if chosen.into_page:
        page.write(written)


if __name__ == "__main__":
    main()
