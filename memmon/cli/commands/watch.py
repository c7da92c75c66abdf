"""`memmon watch`: the live terminal view."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import click

from memmon.cli.assessed import finding_object
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import stdout_encoding, write_json, write_text
from memmon.cli.selection import opened
from memmon.cli.values import DURATION
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from memmon.cli.selection import Opened
    from memmon.cli.watch_view import View

_COLOURS = {"good": "green", "warn": "red", "wait": "yellow", "bad": "red"}
_WIDTH = 72


@click.command("watch")
@click.option(
    "--every", type=DURATION, default="5s", show_default=True, metavar="5s", help="Time between looks."
)
@click.option("--once", is_flag=True, help="Look once and end (always so when the output is no terminal).")
@judging
@common
def command(*, every: float, once: bool, common: Common, window: WindowOptions) -> None:
    """Watch a source: sparkline, verdict, forecast, fullest deques. Ctrl-C ends."""
    with opened(common) as found:
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


def _look(found: Opened, window: WindowOptions) -> View:
    from memmon.cli.watch_view import look
    from memmon.clock import SystemClock

    plain = not stdout_encoding().lower().startswith("utf")
    return look(found, found.one(), window, now=SystemClock().now(), width=_WIDTH, plain=plain)


def _plain(view: View) -> str:
    return "\n".join([f"{view.title}: {view.headline}", *view.lines])


def _live(found: Opened, window: WindowOptions, every_seconds: float) -> None:
    """Show the view anew until Ctrl-C; what can't be read for a moment is said, and tried again."""
    from rich.console import Console
    from rich.live import Live

    console = Console()  # honours NO_COLOR
    pause = threading.Event()
    try:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while True:
                live.update(_panel(found, window), refresh=True)
                pause.wait(every_seconds)
    except KeyboardInterrupt:
        return


def _panel(found: Opened, window: WindowOptions) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    try:
        view = _look(found, window)
    except MemmonError as error:
        return Panel(Text(str(error), style="yellow"), title="memmon watch")
    body = Text()
    body.append(f"{view.headline}\n", style=f"bold {_COLOURS[view.mood]}")
    body.append("\n".join(view.lines))
    return Panel(body, title=Text(view.title), subtitle="Ctrl-C ends")
