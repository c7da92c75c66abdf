"""How far a long command has come: a bar on a terminal, over standard error; elsewhere nothing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memmon.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.cli.options import Common
    from memmon.imports.progress import Progress, Tell

_NAME_WIDTH = 40


@contextmanager
def import_progress(common: Common) -> Iterator[Tell]:
    """Yield what shows an import's progress; nothing of it stays on the terminal."""
    from memmon.imports.progress import tell_nobody

    if common.as_json or not sys.stderr.isatty():
        yield tell_nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, amount="")
        shown = ""

        def tell(progress: Progress) -> None:
            nonlocal shown
            begins, shown = progress.step != shown, progress.step
            bars.update(
                task,
                description=f"{progress.step} {printable(progress.name)[:_NAME_WIDTH]}",
                completed=progress.done,
                total=progress.total,
                amount=_amount(progress),
                refresh=begins,  # a step that is over before the next frame is seen, too
            )

        yield tell


def _amount(progress: Progress) -> str:
    from memmon.formatting import size
    from memmon.units import MIB

    if progress.unit == "bytes":
        return size(progress.done / MIB)
    return f"{progress.done:,} {progress.unit}"
