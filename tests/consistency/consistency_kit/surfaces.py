"""Renders every surface of a store at one fixed present, and reads each back."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from consistency_kit import read_alerts, read_html, read_json, read_metrics, read_text
from consistency_kit.said import Said
from consistency_kit.writing import NOW, snapshots_of
from memmon import open_store
from memmon.alerts.conditions import observe as observe_present
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import Memory, PresentState
from memmon.child.requests import Check, Checked
from memmon.cli import app
from memmon.clock import ManualClock, SystemClock
from memmon.dashboard import create_app
from memmon.evaluator.observe import observe
from memmon.facts.recording_order import FUTURE_AFTER_SECONDS
from memmon.probe.process import file_limit
from memmon.tasks.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from consistency_kit.histories import Story

Answers = dict[str, dict[str, Said]]
"""What is said, by history and surface."""

CLOCK_SKEW = timedelta(seconds=FUTURE_AFTER_SECONDS)
FILE_LIMIT = 1_024
"""Open files that every process of the histories may have."""
EXIT_CODES = {0, 1, 2, 3}


@contextmanager
def fixed_present(home: Path) -> Iterator[None]:
    """Let every surface see the fixed present, and no settings but the defaults."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MEMMON_")]:
            patch.delenv(name)
        for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(home))
        patch.setenv("MEMMON_RAISE_INTERNAL_ERRORS", "1")
        patch.chdir(home)
        patch.setattr(SystemClock, "now", lambda _self: NOW)
        # The processes of the histories were never there.
        patch.setattr(file_limit, "open_file_limit", lambda _pid, **_known: FILE_LIMIT)
        yield


class Rendering:
    """One store, and what its surfaces answer."""

    def __init__(self, database: Path, stories: Sequence[Story]) -> None:
        self.database = database
        self.stories = {story.name: story for story in stories}
        self._output = database.with_suffix(".out")

    def command(self, *arguments: str) -> str:
        """Run a command of memmon in this process; returns what it writes, "" where it has no answer."""
        self._output.unlink(missing_ok=True)
        code = app.run([*arguments, "--db", str(self.database), "-o", str(self._output)])
        assert code in EXIT_CODES, (arguments, code)
        return self._output.read_text(encoding="utf-8") if self._output.exists() else ""

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json`; None where it has no answer."""
        text = self.command(*arguments, "--json")
        return json.loads(text) if text else None

    def page(self, path: str) -> str:
        """Return a page of the dashboard."""

        async def ask() -> httpx.Response:
            made = create_app(str(self.database), clock=ManualClock(NOW))
            transport = httpx.ASGITransport(app=made)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8787") as client:
                return await client.get(path)

        answer = asyncio.run(ask())
        assert answer.status_code == 200, (path, answer.text[:500])
        return answer.text


def everything_said(database: Path, stories: Sequence[Story]) -> Answers:
    """Return what every surface says of every history, and of all of them together (the store's name)."""
    rendering = Rendering(database, stories)
    answers: Answers = {story.name: {} for story in stories}
    orders: dict[str, list[str]] = {}
    for surface, said in _of_all(rendering):
        for name, facts in said.items():
            answers[name][surface] = facts
        orders[surface] = list(said)
    for story in stories:
        answers[story.name].update(of_one(rendering, story))
    # A source without a sample is not in every table.
    tables = ("fleet", "fleet --json", "overview")
    everywhere = set.intersection(*(set(orders[surface]) for surface in tables))
    answers[f"all of {database.stem}"] = {
        surface: {"worst_first": tuple(name for name in orders[surface] if name in everywhere)}
        for surface in tables
    }
    return answers


def _of_all(rendering: Rendering) -> Iterator[tuple[str, dict[str, Said]]]:
    """Yield what the surfaces say that show all sources at once."""
    yield "leaks", read_text.leaks(rendering.command("leaks"))
    yield "leaks --json", read_json.leaks(rendering.json("leaks"))
    yield "check", read_text.check(rendering.command("check"))
    checked = rendering.json("check")
    yield "check --json", read_json.check(checked)
    yield "headline", read_json.headlines(checked)
    yield "fleet", read_text.fleet(rendering.command("fleet", "--limit", "1000"))
    yield "fleet --json", read_json.fleet(rendering.json("fleet"))
    yield "overview", read_html.overview(rendering.page("/"))
    yield "evaluator", _evaluator(rendering)
    rendering.command("alerts", "run", "--once")
    yield "metrics", read_metrics.read(rendering.page("/metrics"))


def _evaluator(rendering: Rendering) -> dict[str, Said]:
    said: dict[str, list[Any]] = {name: [] for name in rendering.stories}
    with open_store(str(rendering.database)) as store:
        seen, failed = observe(store, now=NOW, policy=AlertPolicy())
        assert not failed
        for observation, _ in seen:
            said[observation.source].append(observation)
    return {
        name: read_alerts.evaluator(seen, _deque_names(rendering.stories[name]))
        for name, seen in said.items()
    }


def _deque_names(story: Story) -> list[str]:
    return [] if not story.runs else [one.name for one in story.runs[-1].deques(0, 1)]


def of_one(rendering: Rendering, story: Story) -> dict[str, Said]:
    """Return what the surfaces say that show one source."""
    said: dict[str, Said] = {}
    for read in (_report, _forecast, _deques, _watch, _recorder):
        said.update(read(rendering, story))
    return said


def _report(rendering: Rendering, story: Story) -> dict[str, Said]:
    one = ("--source", story.name)
    page = rendering.command("report", "--format", "html", *one)
    live = rendering.page(f"/source?name={story.name}")
    text, answer = rendering.command("report", *one), rendering.json("report", *one)
    growths = read_text.growths(text)
    is_judged_so = "growth_mb" in (in_json := read_json.report(answer))
    return {
        "report": read_text.report(text),
        "report, cause": growths[0] if growths and is_judged_so else {},
        "report, culprits": growths[-1] if len(growths) > 1 and is_judged_so else {},
        "report --json": in_json,
        "report --json, culprits": read_json.growth(answer),
        "report html": read_html.report(page),
        "report html, sentence": read_html.sentence(page),
        "report html, hero": read_html.hero(page),
        "source page, hero": read_html.hero(live),
        "source page": read_html.report(live),
        "source page, sentence": read_html.sentence(live),
    }


def _forecast(rendering: Rendering, story: Story) -> dict[str, Said]:
    arguments = ("forecast", "--no-cross-check", "--source", story.name)
    text, answer = rendering.command(*arguments), rendering.json(*arguments)
    if answer is None:
        return {}
    return {
        "forecast": read_text.forecast(text),
        "forecast, sentence": read_text.forecast_sentence(text),
        "forecast --json": read_json.forecast(answer),
    }


def _deques(rendering: Rendering, story: Story) -> dict[str, Said]:
    if not _deque_names(story):
        return {}
    one = ("--source", story.name)
    return {
        "deques": read_text.deques(rendering.command("deques", *one)),
        "deques --json": read_json.deques(rendering.json("deques", *one)),
    }


def _watch(rendering: Rendering, story: Story) -> dict[str, Said]:
    answer = rendering.json("watch", "--once", "--source", story.name)
    return {
        "watch": read_text.watch(answer["lines"]),
        "watch, sentence": read_text.watch_sentence(answer["lines"]),
        "watch --json": read_json.watch(answer),
    }


def _recorder(rendering: Rendering, story: Story) -> dict[str, Said]:
    """Return what a program is told from inside (while it lives), and what the store remembers of it."""
    with open_store(str(rendering.database)) as store:
        said = {"Store.alerts()": read_alerts.stored(store.alerts(story.name))}
    if story.is_live:
        # What a clock ahead has labelled is no present to anybody else.
        newest = [one for one in snapshots_of(story, story.runs[-1]) if one.at <= NOW + CLOCK_SKEW][-1]
        present = PresentState(
            at=newest.at, source=story.name, memory=Memory.of_snapshot(newest), deques=newest.deques
        )
        seen = observe_present(present, AlertPolicy(), in_process=True)
        said["recorder"] = read_alerts.evaluator(seen, _deque_names(story))
        said["hourly check"] = read_alerts.hourly_check(_hourly_answer(rendering.database, story.name))
    return said


def _hourly_answer(database: Path, source: str) -> Checked:
    return check(
        Check(
            database=str(database),
            source=source,
            leak_check=True,
            daily_report=False,
            threshold_mb_per_hour=10.0,
            now=NOW,
            look_at_all_pages=False,
        )
    )
