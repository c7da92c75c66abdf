"""The present state of every source for Prometheus: a custom collector over the store.

Base units in every name; labels are the source and what belongs to it, never a process number or a
run, so that restarts add no series. What is older than three intervals is left out and thereby
becomes stale; only when the last snapshot was taken stays, so that its age can be watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.errors import MissingExtraError
from memmon.export.metric_values import SourceState, read_states
from memmon.export.metric_verdicts import read_verdicts
from memmon.facts.readings import metrics

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.core import GaugeMetricFamily, Metric

    from memmon.clock import Clock
    from memmon.store.read import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SCRAPE_JUDGING_SECONDS = 0.4
"""What one scrape may take to judge sources of which no kept assessment holds; the next goes on with them."""


class MetricsCollector:
    """A collector for a `prometheus_client` registry: `REGISTRY.register(MetricsCollector("memmon.db"))`.

    `with_verdicts`: also say which sources leak: by the assessments that the hourly checks keep, where these hold; the
    others are judged, at most every five minutes each, as many in a scrape as there is time for.
    """

    def __init__(
        self,
        database_url: str | os.PathLike[str] | None = None,
        *,
        with_verdicts: bool = True,
        clock: Clock | None = None,
    ) -> None:
        require_client()
        self._database_url = database_url
        self._with_verdicts = with_verdicts
        self._clock = clock or SystemClock()

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: registering must not read the database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families of the present state."""
        from memmon.store.read import open_store

        with open_store(self._database_url) as store:
            yield from families(
                store,
                now=self._clock.now(),
                with_verdicts=self._with_verdicts,
                judging_seconds=SCRAPE_JUDGING_SECONDS,
            )


def render_metrics(
    store: Store,
    *,
    now: datetime | None = None,
    with_verdicts: bool = True,
    openmetrics: bool = False,
    judging_seconds: float | None = None,
) -> str:
    """Return the present state as text, in the format of `CONTENT_TYPE` (or OpenMetrics).

    `judging_seconds`: how long sources may be judged of which no kept assessment holds; those that are left have
    no verdict until the next call. None: all are judged.
    Raises MissingExtraError without prometheus-client.
    """
    require_client()
    from prometheus_client import CollectorRegistry, exposition
    from prometheus_client.openmetrics import exposition as openmetrics_exposition

    registry = CollectorRegistry()
    moment = now or SystemClock().now()
    registry.register(_Once(store, moment, with_verdicts=with_verdicts, judging_seconds=judging_seconds))
    generate = openmetrics_exposition.generate_latest if openmetrics else exposition.generate_latest
    return generate(registry).decode()


def require_client() -> None:
    """Raise MissingExtraError with the install command unless prometheus-client is there."""
    try:
        import prometheus_client  # noqa: F401 -- only whether it is there
    except ImportError:
        msg = "metrics need prometheus-client: pip install 'memmon[metrics]'"
        raise MissingExtraError(msg) from None


class _Once:
    """A collector over a store that is open already."""

    def __init__(
        self, store: Store, now: datetime, *, with_verdicts: bool, judging_seconds: float | None
    ) -> None:
        self._store, self._now = store, now
        self._with_verdicts, self._judging_seconds = with_verdicts, judging_seconds

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the names are known when they are collected."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        yield from families(
            self._store,
            now=self._now,
            with_verdicts=self._with_verdicts,
            judging_seconds=self._judging_seconds,
        )


def families(
    store: Store, *, now: datetime, with_verdicts: bool = True, judging_seconds: float | None = None
) -> Iterator[Metric]:
    """Yield one metric family after the other, sources in the order of their names.

    `judging_seconds`: how long sources are judged of which no kept assessment holds (None: until all are).
    """
    states = read_states(store, now=now)
    yield from _of_sources(states)
    yield from _of_readings(states)
    yield from _of_deques(states)
    yield from _of_components(states)
    yield from _of_runs(states)
    yield from _of_alerts(states)
    if with_verdicts:
        yield from _of_verdicts(store, states, now=now, judging_seconds=judging_seconds)


def _of_sources(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    last = _gauge("memmon_last_snapshot_timestamp", "When the newest snapshot was taken (epoch).", "seconds")
    up = _gauge(
        "memmon_source_up",
        "1 while snapshots arrive, 0 when none is left; absent after an end that was meant.",
    )
    ahead = _gauge("memmon_clock_ahead", "1 where the newest samples lie in the future: a clock is wrong.")
    processes = _gauge("memmon_processes", "Processes of the source that record at present.")
    runs = CounterMetricFamily("memmon_runs", "Runs begun so far: restarts add to it.", labels=("source",))
    for state in states:
        if state.last_at is not None:
            last.add_metric([state.source], state.last_at.timestamp())
        if not state.is_ended:
            up.add_metric([state.source], float(state.is_fresh))
        if state.is_clock_ahead:
            ahead.add_metric([state.source], 1.0)
        processes.add_metric([state.source], state.process_count)
        runs.add_metric([state.source], state.run_count)
    yield from (last, up, ahead, processes, runs)


def _of_readings(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    for reading, metric in metrics():
        made = _gauge(metric.name, metric.help, metric.unit)
        for state in states:
            if reading.column in state.values:
                made.add_metric([state.source], state.values[reading.column])
        yield made


def _of_deques(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    labels = ("source", "deque")
    length = _gauge("memmon_deque_length", "Items in a registered deque.", labels=labels)
    maxlen = _gauge("memmon_deque_maxlen", "Bound of a registered deque.", labels=labels)
    for state in states:
        for item in state.deques:
            if item.length_count is not None:
                length.add_metric([state.source, item.name], item.length_count)
            if item.maxlen_count is not None:
                maxlen.add_metric([state.source, item.name], item.maxlen_count)
    yield from (length, maxlen)


def _of_components(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    size = _gauge("memmon_component", "Memory of a registered component.", "bytes", ("source", "component"))
    for state in states:
        for name, size_bytes in state.components:
            size.add_metric([state.source, name], size_bytes)
    yield size


def _of_runs(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    release = _gauge(
        "memmon_release_timestamp",
        "When the release that runs began to (epoch).",
        "seconds",
        ("source", "release"),
    )
    end = _gauge(
        "memmon_run_end_timestamp",
        "When a run ended last, and how; for a day after it (epoch).",
        "seconds",
        ("source", "reason"),
    )
    for state in states:
        if state.release is not None:
            release.add_metric([state.source, state.release[0]], state.release[1].timestamp())
        if state.end is not None:
            end.add_metric([state.source, state.end[0]], state.end[1].timestamp())
    yield from (release, end)


def _of_alerts(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    firing = _gauge(
        "memmon_alert_firing", "1 for each alert that fires.", labels=("source", "kind", "severity")
    )
    for state in states:
        for kind, severity in state.firing:
            firing.add_metric([state.source, kind, severity], 1.0)
    yield firing


def _of_verdicts(
    store: Store, states: tuple[SourceState, ...], *, now: datetime, judging_seconds: float | None
) -> Iterator[Metric]:
    from memmon.units import MIB, SECONDS_PER_HOUR

    leak = _gauge("memmon_leak", "1 where the verdict is a leak.")
    slope = _gauge("memmon_trend", "Robust trend of memory, bytes per second.", "bytes_per_second")
    judged = _gauge("memmon_verdict_timestamp", "When the verdict was given (epoch).", "seconds")
    left = _gauge("memmon_time_to_limit", "Until the memory limit is reached, by the forecast.", "seconds")
    earliest = _gauge("memmon_time_to_limit_low", "The same at the earliest, by its interval.", "seconds")
    for source, verdict in read_verdicts(store, states, now=now, judging_seconds=judging_seconds):
        leak.add_metric([source], float(verdict.is_leak))
        judged.add_metric([source], verdict.at.timestamp())
        if verdict.slope_mb_per_hour is not None:
            slope.add_metric([source], verdict.slope_mb_per_hour * MIB / SECONDS_PER_HOUR)
        for gauge, reached_at in ((left, verdict.limit_at), (earliest, verdict.limit_at_low)):
            if reached_at is not None:
                gauge.add_metric([source], max((reached_at - now).total_seconds(), 0.0))
    yield from (leak, slope, judged, left, earliest)


def _gauge(name: str, text: str, unit: str = "", labels: tuple[str, ...] = ("source",)) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, labels=labels, unit=unit)
