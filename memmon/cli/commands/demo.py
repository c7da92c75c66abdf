"""`memmon demo`: a leak to read about and a live bot, with no set-up and a database of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, stdout_encoding, write_json, write_text
from memmon.cli.parameter_types import NumberRange
from memmon.cli.text import printable
from memmon.errors import ChildError, OutputError
from memmon.facts.defaults import LEAK_HOURS

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.config import Database
    from memmon.report.data import Report
    from memmon.store.read import Store

NAME = "demo.db"
BOT_SOURCE = "demo-bot"
NAME_OF_PROGRAM = "memmon"
_WIDTH = 80
_BOT_PATIENCE_SECONDS = 60.0
_EXPLAINED = "Two weeks of a simulated trading bot in a container: three releases, four restarts, and a leak."
_BOT_EXPLAINED = """\
And a live one, demo-bot: recorded just now for {seconds:g} s, with 32 deques.
  {deques}
  A bot that goes on has its first verdict after {first:g} hours; this one has ended.
"""


@click.command("demo")
@click.option(
    "--folder", type=click.Path(file_okay=False), help="Where to work (default: a new temporary folder)."
)
@click.option(
    "--seconds", type=NumberRange(1, 600), default=6.0, show_default=True, help="How long the bot runs."
)
@common
def command(folder: str | None, seconds: float, common: Common) -> None:
    """Show memmon at work: judge a bot's two weeks, record a live one, write HTML reports.

    Nothing is set up and your own database is not touched.
    """
    from memmon.cli.demo_history import SOURCE, write_demo_history
    from memmon.clock import SystemClock
    from memmon.config import parse_database
    from memmon.store.read import open_store

    if common.source is not None:
        raise click.UsageError("the demo has sources of its own: leave out --source")
    check_output(common)
    database = parse_database(common.db) if common.db is not None else parse_database(_home(folder) / NAME)
    if database.path is None or database.path.exists():
        raise OutputError(
            f"{database.shown}: the demo wants a new file of its own; leave out --db or name another"
        )
    home = database.path.parent
    say(f"recording a live bot for {seconds:g} s ...")
    with _bot(database, seconds) as bot:
        write_demo_history(database, now=SystemClock().now())
        _wait(bot, seconds)
    now = SystemClock().now()
    with open_store(database.url) as store:
        reports = {source: _build(store, source, now=now) for source in (SOURCE, BOT_SOURCE)}
        pages = {source: _write_page(home, store, report) for source, report in reports.items()}
    if common.as_json:
        _write_json(common, database, reports, pages)
    else:
        write_text(common, _text(database, reports, pages, seconds=seconds))


def _home(folder: str | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="memmon-demo-"))
    home = Path(folder).absolute()
    home.mkdir(parents=True, exist_ok=True)
    return home


def _bot(database: Database, seconds: float) -> subprocess.Popen[bytes]:
    """Start the bot as a process of its own, as any bot is; its store is made first."""
    from memmon.store.transfer.dump import ensure_store

    ensure_store(database)
    package_folder = str(Path(__file__).resolve().parents[3])
    code = f"import sys; sys.path.insert(0, {package_folder!r}); from memmon.__main__ import main; main()"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, "_bot", str(database.path), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _wait(bot: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        _, said = bot.communicate(timeout=seconds + _BOT_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        bot.kill()
        raise ChildError("the demo's bot did not end; try again with --seconds 2") from None
    if bot.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise ChildError(f"the demo's bot failed ({bot.returncode}): {' '.join(last) or 'no message'}")


def _build(store: Store, source: str, *, now: datetime) -> Report:
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.report.build import build_report

    return build_report(store, source, policy=LeakPolicy(), now=now)


def _write_page(home: Path, store: Store, report: Report) -> Path:
    from memmon.cli.pages import html_page

    path = home / f"{report.source}.html"
    path.write_text(html_page(store, report), encoding="utf-8")
    return path


def _write_json(
    common: Common, database: Database, reports: dict[str, Report], pages: dict[str, Path]
) -> None:
    findings = [
        {**report.leak.finding.to_dict(), "source": source}
        for source, report in reports.items()
        if report.leak.finding is not None
    ]
    html = {source: str(path) for source, path in pages.items()}
    write_json(common, command="demo", database=database, findings=findings, html=html)


def _text(database: Database, reports: dict[str, Report], pages: dict[str, Path], *, seconds: float) -> str:
    from memmon.report.text import render_text

    history, bot = reports.values()
    live = _BOT_EXPLAINED.format(seconds=seconds, first=LEAK_HOURS, deques=_deque_words(bot))
    where = "\n".join(f"  {printable(path)}" for path in pages.values())
    db = printable(database.path)
    own = _own_name()
    after = f"""\
HTML reports (open them in a browser):
{where}

What to try next:
  {own} leaks --db {db}
  {own} deques --db {db} --source {BOT_SOURCE}
  {own} sql --db {db} "SELECT * FROM v_run"
  {own} run -- python your_bot.py      record a program as it is
  {own} report                         and read its report
"""  # noqa: S608 -- a command for the reader to type, not one that runs
    return "\n".join(
        [
            _EXPLAINED,
            "",
            _first_words(history),
            "",
            render_text(history, encoding=stdout_encoding()),
            "",
            live,
            after,
        ]
    )


def _first_words(report: Report) -> str:
    """Return what is going on, in plain words, as the page begins."""
    from memmon.assessment.plainly import plainly

    sentences = () if report.assessment is None else plainly(report.assessment)
    return fill(" ".join(sentences), width=_WIDTH, break_long_words=False, break_on_hyphens=False)


def _own_name() -> str:
    """Return how this program is called again: by its name where that is found, else by its path."""
    return NAME_OF_PROGRAM if shutil.which(NAME_OF_PROGRAM) else printable(Path(sys.argv[0]))


def _deque_words(report: Report) -> str:
    count, failing = len(report.deques.rows), report.deques.failing_count
    words = f"{failing} outside its limit" if failing else "all within their limits"
    return f"Deques: {words} ({count} deques total)."
