"""What `memmon check` costs as a monitoring system starts it: a fresh process that reads, judges and says one line.

Two histories, one flat and one that leaks, are imported by each version into a file of its own; then
`check` is started on them again and again, turn by turn with an earlier version, so that what else the
machine does meets both. What is measured is processor time, of the command and of whatever it starts:

    git worktree add ../earlier REVISION
    python benchmarks/cold_check.py --baseline ../earlier [--rounds 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
MB = 2**20
LEAKS = {"flat": 0.0, "leaking": 20.0}
"""MB an hour of each history, twice the default threshold where it leaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One version of the program, and where its bytecode and its files lie."""

    root: Path
    folder: Path

    def run(self, *arguments: str) -> tuple[float, str]:
        """Run a command in a fresh process; returns its processor time in seconds and what it said."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder),
        }
        for unwanted in ("PYTHONDONTWRITEBYTECODE", "MEMMON_CONFIG", "MEMMON_DATABASE_URL"):
            environment.pop(unwanted, None)
        process = subprocess.Popen(
            [sys.executable, "-m", "memmon", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, _, used = os.wait4(process.pid, 0)  # with what it started and waited for
        process.returncode = 0
        return used.ru_utime + used.ru_stime, said


def written(path: Path, *, mb_per_hour: float, hours: float, interval_seconds: float) -> Path:
    """Write a history as CSV: 300 MB, the noise of a quiet program, a straight leak, on a machine of 16 GB."""
    random = np.random.default_rng(11)
    seconds = np.arange(0.0, hours * 3600.0, interval_seconds)
    rss = 300.0 + mb_per_hour * seconds / 3600.0 + random.normal(0.0, 1.0, len(seconds))
    rows = [f"{at:.1f},{value * MB:.0f},50.0,{8192 * MB}" for at, value in zip(seconds, rss, strict=True)]
    text = "\n".join(["t_seconds,rss_bytes,system_percent,available_bytes", *rows])
    path.write_text(text + "\n", encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", type=Path, help="a checkout of an earlier version")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between two samples")
    arguments = parser.parse_args()
    roots = {"this": HERE} | ({} if arguments.baseline is None else {"earlier": arguments.baseline.resolve()})
    with tempfile.TemporaryDirectory(prefix="memmon-check-") as name:
        checkouts = {who: Checkout(root=root, folder=Path(name) / who) for who, root in roots.items()}
        for checkout in checkouts.values():
            checkout.folder.mkdir()
        for kind, mb_per_hour in LEAKS.items():
            table = written(
                Path(name) / f"{kind}.csv",
                mb_per_hour=mb_per_hour,
                hours=arguments.hours,
                interval_seconds=arguments.interval,
            )
            for checkout in checkouts.values():
                checkout.run("import", str(table), "--db", f"{kind}.db", "--source", kind)
            compared(kind, checkouts, rounds=arguments.rounds)


def compared(kind: str, checkouts: dict[str, Checkout], *, rounds: int) -> None:
    """Check a history turn by turn, and print what each version took and the median of the turns' ratios."""
    took: dict[str, list[float]] = {who: [] for who in checkouts}
    for number in range(rounds + 1):
        for who, checkout in checkouts.items():
            seconds, said = checkout.run("check", "--db", f"{kind}.db", "--max-age", "30d")
            assert said.startswith("MEMMON "), said
            if number:  # the first writes the bytecode
                took[who].append(seconds)
            else:
                print(f"{kind:>8}, {who}: {said.splitlines()[0]}")
    for who, seconds in took.items():
        print(
            f"{kind:>8}, {who}: CPU {min(seconds) * 1000:.0f} ms at least, median {statistics.median(seconds) * 1000:.0f}"
        )
    if "earlier" in took:
        turns = [mine / theirs for mine, theirs in zip(took["this"], took["earlier"], strict=True)]
        least = min(took["this"]) / min(took["earlier"])
        print(f"{kind:>8}: {statistics.median(turns):.3f} x the earlier (of the least {least:.3f})")


if __name__ == "__main__":
    main()
