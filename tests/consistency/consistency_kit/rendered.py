"""Renders the stores side by side, one process each: one after another they would take most of a run of the suite."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from consistency_kit.histories import stores
from consistency_kit.surfaces import everything_said, fixed_present
from consistency_kit.writing import write_all

if TYPE_CHECKING:
    from pathlib import Path

    from consistency_kit.histories import Extent
    from consistency_kit.surfaces import Answers


def all_answers(extent: Extent, folder: Path) -> Answers:
    """Return what every surface says of every history of `extent`; databases are made in `folder`."""
    named = stores(extent)
    largest_first = sorted(named, key=lambda name: -len(named[name]))
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn"))
    said: Answers = {}
    with pool:
        for answers in pool.map(partial(_answers_of, extent, folder), largest_first):
            said.update(answers)
    return said


def _answers_of(extent: Extent, folder: Path, name: str) -> Answers:
    home = folder / name
    home.mkdir()
    stories = stores(extent)[name]
    with fixed_present(home):
        write_all(home / f"{name}.db", stories)
        return everything_said(home / f"{name}.db", stories)
