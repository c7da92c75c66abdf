"""Measures pieces, several at a time, and keeps each in a folder: a run that was ended goes on where it was.

A piece is measured anew where it was kept by other code, or with other numbers of cases.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.detection.pieces import PIECES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.detection.experiments import Plan

CHECKOUT = Path(__file__).resolve().parents[2]
CODE = ("memmon", "benchmarks/detection")
"""What the figures depend on."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A piece that was measured: its data, the processor seconds that it took, and whether it was kept from before."""

    name: str
    data: Any
    cpu_seconds: float
    is_kept: bool


def commit() -> str:
    """Return the checkout's commit, with `+` where the code is another than the commit's; `unknown` where git has none."""
    changed = _git("status", "--porcelain", "--", *CODE)
    return (_git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(CHECKOUT), *words], check=False, capture_output=True, text=True)
    return done.stdout.strip()


def code() -> str:
    """Return what tells one state of the code from another, whatever else was committed."""
    digest = hashlib.sha256()
    for folder in CODE:
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            digest.update(str(file.relative_to(CHECKOUT)).encode() + file.read_bytes())
    return digest.hexdigest()


def stamp_of(plan: Plan) -> dict[str, Any]:
    """Return what figures depend on: the plan and the code."""
    return {
        "purpose": plan.purpose,
        "cases": plan.cases,
        "rival_cases": plan.rival_cases,
        "processes": plan.processes,
        "code": code(),
    }


class Folder:
    """A folder of pieces, one file each."""

    def __init__(self, path: Path, stamp: dict[str, Any]) -> None:
        self.path, self.stamp = path, stamp
        path.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> Measured | None:
        """Return a piece that was kept by this code and plan, None where there is none."""
        file = self._file(name)
        if not file.is_file():
            return None
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["stamp"] != self.stamp:
            return None
        return Measured(name, known["data"], known["cpu_seconds"], is_kept=True)

    def keep(self, one: Measured) -> None:
        """Keep a piece; a run that is ended meanwhile leaves none that is half written."""
        file = self._file(one.name)
        text = json.dumps({"stamp": self.stamp, "cpu_seconds": one.cpu_seconds, "data": one.data})
        half = file.with_suffix(".half")
        half.write_text(text, encoding="utf-8")
        half.replace(file)

    def _file(self, name: str) -> Path:
        return self.path / ("".join(c if c.isalnum() else "_" for c in name) + ".json")


def measured(names: Iterable[str], plan: Plan, folder: Folder | None, *, jobs: int) -> Iterator[Measured]:
    """Yield each piece as it is ready: first those that were kept, at last those that measure time, one by one."""
    missing = []
    for name in names:
        known = None if folder is None else folder.read(name)
        if known is None:
            missing.append(name)
        else:
            yield known
    for found in _fresh(missing, plan, jobs):
        if folder is not None:
            folder.keep(found)
        yield found


def _fresh(names: list[str], plan: Plan, jobs: int) -> Iterator[Measured]:
    # In the order of the registry, where the longest come first.
    ordered = [name for name in PIECES if name in set(names)]
    together = [name for name in ordered if not PIECES[name].is_timed]
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            for done in as_completed([pool.submit(_measure, name, plan) for name in together]):
                yield done.result()
    else:
        yield from (_measure(name, plan) for name in together)
    yield from (_measure(name, plan) for name in ordered if PIECES[name].is_timed)


def _measure(name: str, plan: Plan) -> Measured:
    begun = time.process_time()
    # What was kept and what is fresh look the same: as json gives it back.
    data = json.loads(json.dumps(PIECES[name].measure(plan)))
    return Measured(name, data, time.process_time() - begun, is_kept=False)


def tell(text: str) -> None:
    """Tell how far it is, beside the tables."""
    print(text, file=sys.stderr, flush=True)
