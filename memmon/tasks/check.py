"""The hourly check: the stored history is judged, reported once a day, and kept small."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.alerts.conditions import observe
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import PresentState
from memmon.child.requests import AlertAnswer, Checked, DailyReport, SeenAnswer
from memmon.errors import MemmonError
from memmon.facts.recording_order import latest_at
from memmon.tasks.keep import keep_assessment
from memmon.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.alerts.state_machine import Observation
    from memmon.assessment.gather import Judged
    from memmon.child.requests import Check
    from memmon.store.read import Store

REPORT_EVERY = timedelta(seconds=SECONDS_PER_DAY)
# A report that is due within minutes comes with this check and not an hour late.
_REPORT_SLACK = timedelta(minutes=20)
RETENTION_SECONDS = 60.0


def check(request: Check) -> Checked:
    """Judge the stored history as every hour: alerts to tell, and the daily report when it is due.

    `look_at_all_pages`: first look for damage that no read or write has met; none is judged then.
    """
    from memmon.config import parse_database
    from memmon.store.read import open_store
    from memmon.store.upkeep.integrity import find_damage

    if request.look_at_all_pages:
        damage = find_damage(parse_database(request.database), in_all_pages=True)
        if damage is not None:
            return Checked(damage=damage, alerts=(), seen=(), report=None, is_suspicious=False)
    seen: tuple[Observation, ...] = ()
    report, is_suspicious = None, False
    with open_store(request.database) as opened:
        store = opened.as_of(request.now)
        if request.leak_check:
            seen, is_suspicious = _judged(store, request)
        if request.daily_report and _is_report_due(store, request.source, request.now):
            report = _daily_report(store, request)
    _keep_small(request.database, request.now)
    return Checked(
        damage=None,
        alerts=tuple(AlertAnswer.of(one) for one in seen if one.level == "active"),
        seen=tuple(SeenAnswer.of(one) for one in seen),
        report=report,
        is_suspicious=is_suspicious,
    )


def _keep_small(url: str, now: datetime) -> None:
    """Fold and prune what the settings call old; what is not done in a minute is done the next time."""
    from memmon.config import load_settings, parse_database
    from memmon.store.retention import prune
    from memmon.store.retention.recorded_time import recorded_now

    stop = threading.Event()
    timer = threading.Timer(RETENTION_SECONDS, stop.set)
    timer.daemon = True
    timer.start()
    try:
        database = parse_database(url)
        # Nobody looks on: a clock that is ahead must not make all of the history old.
        prune.apply(database, load_settings(), now=recorded_now(database, now), stop=stop)
    except MemmonError as error:
        # The verdict must not be lost over it; `memmon doctor` and the log of `db prune` tell more.
        sys.stderr.write(f"retention: {error}\n")
    finally:
        timer.cancel()


def _judged(store: Store, request: Check) -> tuple[tuple[Observation, ...], bool]:
    """Judge the history once: the assessment is kept, and the alerts are seen in it.

    Returns what is seen (also that no leak is), and whether evidence of the growth should be gathered.
    """
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.gather import Question, judge, looked_back
    from memmon.assessment.grown import is_looked_for
    from memmon.evaluator.observe import judged as judged_until
    from memmon.evaluator.observe import newest_run, with_assessment

    source = store.resolve_source(request.source)
    runs = tuple(store.runs(request.source))
    if source.last_at is None:
        return (), False
    rules = LeakPolicy(threshold_mb_per_hour=request.threshold_mb_per_hour)
    question = Question(bounds=looked_back(source.last_at, rules), policy=rules)
    found = judge(store, source, question, now=request.now, runs=runs)
    keep_assessment(store, found.assessment)
    last_at = newest_run(runs).last_at
    if last_at is None:
        return (), False
    policy = AlertPolicy(leak_threshold_mb_per_hour=request.threshold_mb_per_hour)
    present = PresentState(at=request.now, source=request.source)
    if last_at == source.last_at:
        present = with_assessment(present, found, is_leak_confirmed=_is_confirmed(store, found))
    else:  # a clock was set: the alerts are those of the run that was heard of last
        present = judged_until(store, present, runs, at=last_at, policy=policy)
    finding = present.leak
    is_suspicious = finding is not None and is_looked_for(finding)
    return tuple(observe(present, policy, in_process=True)), is_suspicious


def _is_confirmed(store: Store, found: Judged) -> bool:
    """Tell whether the check an hour before agrees that memory leaks: it had looked back as far, over an hour more."""
    from memmon.assessment.gather import CHECK_STEP, WEEK, is_confirmed

    since = found.bounds.since
    if not found.assessment.finding.is_leak or since is None:
        return False
    first = since - CHECK_STEP if found.known is None else since - CHECK_STEP - WEEK
    history = store.history(found.source.name, first, found.bounds.until)
    return is_confirmed(replace(found, history=history, known=None))


def _is_report_due(store: Store, source: str, now: datetime) -> bool:
    stored = store.reports(source)
    # A clock that was ahead must not put off the next report by years.
    made = [item.at for item in stored if item.at <= latest_at(now)]
    if made:
        last = max(made)
    elif stored:
        return True
    else:
        starts = [run.clock_start_at or run.started_at for run in store.runs(source)]
        if not starts:
            return False
        last = min(starts)
    return now - last >= REPORT_EVERY - _REPORT_SLACK


def _daily_report(store: Store, request: Check) -> DailyReport:
    from memmon.analysis.leak.detect import LeakPolicy
    from memmon.report.build import build_report
    from memmon.report.render_json import render_json
    from memmon.report.text import headline, render_text

    policy = LeakPolicy(threshold_mb_per_hour=request.threshold_mb_per_hour)
    built = build_report(store, request.source, policy=policy, now=request.now)
    return DailyReport(
        window_hours=24.0, text=render_text(built), data=render_json(built), headline=headline(built)
    )
