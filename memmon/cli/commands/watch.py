"""`memmon watch`: the live terminal view."""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING

import click

from memmon.cli.assessed import finding_object
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import stdout_encoding, write_json, write_text
from memmon.cli.parameter_types import DURATION
from memmon.cli.selection import opened
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from memmon.assessment.explainable import KnownGrowth
    from memmon.cli.selection import Opened
    from memmon.cli.watch_all import ViewOfAll
    from memmon.cli.watch_view import View

_COLOURS = {"good": "green", "warn": "red", "wait": "yellow", "bad": "red"}
_WIDTH = 72
_MOST_LINES = 10_000
_EDGES = 4
"""Columns of the screen that the panel's edges take."""
_HEAD_LINES = 3
"""Of the screen: the panel's edges and the headline."""
_FRAME_LINES = 6
"""Of the screen: the panel's edges, the headline, the table's head, and how many there are in all."""


@click.command("watch")
@click.option(
    "--every", type=DURATION, default="5s", show_default=True, metavar="5s", help="Time between looks."
)
@click.option("--once", is_flag=True, help="Look once and end (always so when the output is no terminal).")
@click.option("--all", "is_all", is_flag=True, help="A line for each source, the most urgent first.")
@judging
@common
def command(*, every: float, once: bool, is_all: bool, common: Common, window: WindowOptions) -> None:
    """Watch a source: sparkline, verdict, forecast, fullest deques; or all of them. Ctrl-C ends."""
    if is_all and (common.source is not None or window.is_narrowed):
        raise click.UsageError(
            "--all watches every source as it is now: leave out --source, --since, --until and --run"
        )
    with opened(common) as found:
        if is_all:
            _all(found, common, window, every, once=once)
            return
        found.one()
        if common.as_json:
            view = _look(found, window)
            findings = [finding_object(view.judged)]
            lines = [view.headline, *view.lines]
            write_json(common, command="watch", database=found.place.database, findings=findings, lines=lines)
        elif once or common.output is not None or not sys.stdout.isatty():
            write_text(common, _plain(_look(found, window)))
        else:
            _live(found, window, every)


def _all(found: Opened, common: Common, window: WindowOptions, every_seconds: float, *, once: bool) -> None:
    """Look at all sources; a single look takes the time that it takes, one of many no longer than the screen waits."""
    from memmon.cli.assessed import policy_of
    from memmon.cli.source_table import is_screen
    from memmon.cli.watch_all import look_at_all
    from memmon.clock import SystemClock
    from memmon.many.said import JUDGING_SECONDS, SourceTable

    clock = SystemClock()
    is_single = common.as_json or once or common.output is not None or not sys.stdout.isatty()
    seconds = math.inf if is_single else JUDGING_SECONDS
    known = SourceTable(clock=clock, policy=policy_of(found, window), judging_seconds=seconds)

    def look(most: int) -> ViewOfAll:
        on_screen = not is_single or is_screen(common.output)
        return look_at_all(
            found, known, now=clock.now(), most=most, is_screen=on_screen and not common.as_json
        )

    if not is_single:
        _keep_looking(lambda _width, height: _panel_of_all(look, height), every_seconds)
        return
    view = look(_MOST_LINES)
    lines = [view.headline, *view.lines]
    if common.as_json:
        seen = [one.assessment for one in view.rows if one.assessment is not None]
        findings = [{**one.finding.to_dict(), "source": one.source} for one in seen]
        write_json(common, command="watch", database=found.place.database, findings=findings, lines=lines)
    else:
        write_text(common, "\n".join(lines))


def _look(
    found: Opened, window: WindowOptions, *, width: int = _WIDTH, known_growth: KnownGrowth | None = None
) -> View:
    from memmon.cli.watch_view import look
    from memmon.clock import SystemClock

    plain = not stdout_encoding().lower().startswith("utf")
    now = SystemClock().now()
    return look(found, found.one(), window, now=now, width=width, plain=plain, known_growth=known_growth)


def _plain(view: View) -> str:
    return "\n".join([f"{view.title}: {view.headline}", *view.lines])


def _live(found: Opened, window: WindowOptions, every_seconds: float) -> None:
    from memmon.assessment.explainable import KnownGrowth

    known = KnownGrowth()
    _keep_looking(lambda width, height: _panel(found, window, width, height, known), every_seconds)


def _keep_looking(panel: Callable[[int, int], RenderableType], every_seconds: float) -> None:
    """Show the view anew until Ctrl-C; what can't be read for a moment is said, and tried again."""
    from rich.console import Console
    from rich.live import Live

    console = Console()  # honours NO_COLOR
    pause = threading.Event()
    try:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while True:
                live.update(panel(console.width, console.height), refresh=True)
                pause.wait(every_seconds)
    except KeyboardInterrupt:
        return


def _panel_of_all(look: Callable[[int], ViewOfAll], height: int) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    try:
        view = look(max(height - _FRAME_LINES, 1))
    except MemmonError as error:
        return Panel(Text(str(error), style="yellow"), title="memmon watch")
    body = Text(no_wrap=True, overflow="ellipsis")
    body.append(f"{view.headline}\n", style="bold")
    for line, colour in zip(
        view.lines, [None, *(one.ranked.urgency.row.tone for one in view.rows)], strict=False
    ):
        body.append(f"{line}\n", style="" if colour is None else _COLOURS[colour])
    return Panel(body, title="memmon watch", subtitle="Ctrl-C ends")


def _panel(
    found: Opened, window: WindowOptions, width: int, height: int, known: KnownGrowth
) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    try:
        inside = max(width - _EDGES, 10)
        view = _look(found, window, width=min(inside, _WIDTH), known_growth=known)
    except MemmonError as error:
        return Panel(Text(str(error), style="yellow"), title="memmon watch")
    body = Text(no_wrap=True, overflow="ellipsis")
    body.append(f"{view.headline}\n", style=f"bold {_COLOURS[view.mood]}")
    body.append("\n".join(view.fitted(width=inside, height=height - _HEAD_LINES)))
    return Panel(body, title=Text(view.title), subtitle="Ctrl-C ends")
