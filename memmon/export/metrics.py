"""The present state of every source for Prometheus: a custom collector over the store.

Base units in every name; labels are the source and what belongs to it, never a process number or a
run, so that restarts add no series. What is older than three intervals is left out and thereby
becomes stale; only when the last snapshot was taken stays, so that its age can be watched.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.errors import MissingExtraError
from memmon.export.metric_values import SourceState, read_states
from memmon.facts.readings import metrics

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.core import GaugeMetricFamily, Metric

    from memmon.clock import Clock
    from memmon.store.read import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_VERDICT_EVERY = timedelta(minutes=5)


class MetricsCollector:
    """A collector for a `prometheus_client` registry: `REGISTRY.register(MetricsCollector("memmon.db"))`.

    `with_verdicts`: also judge each source for a leak, at most every five minutes each.
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
            yield from families(store, now=self._clock.now(), with_verdicts=self._with_verdicts)


def render_metrics(
    store: Store, *, now: datetime | None = None, with_verdicts: bool = True, openmetrics: bool = False
) -> str:
    """Return the present state as text, in the format of `CONTENT_TYPE` (or OpenMetrics).

    Raises MissingExtraError without prometheus-client.
    """
    require_client()
    from prometheus_client import CollectorRegistry, exposition
    from prometheus_client.openmetrics import exposition as openmetrics_exposition

    registry = CollectorRegistry()
    registry.register(_Once(store, now or SystemClock().now(), with_verdicts=with_verdicts))
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

    def __init__(self, store: Store, now: datetime, *, with_verdicts: bool) -> None:
        self._store, self._now, self._with_verdicts = store, now, with_verdicts

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the names are known when they are collected."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        yield from families(self._store, now=self._now, with_verdicts=self._with_verdicts)


def families(store: Store, *, now: datetime, with_verdicts: bool = True) -> Iterator[Metric]:
    """Yield one metric family after the other, sources in the order of their names."""
    states = read_states(store, now=now)
    yield from _of_sources(states)
    yield from _of_readings(states)
    yield from _of_deques(states)
    yield from _of_alerts(states)
    if with_verdicts:
        yield from _of_verdicts(store, states)


def _of_sources(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    last = _gauge("memmon_last_snapshot_timestamp", "When the newest snapshot was taken (epoch).", "seconds")
    up = _gauge(
        "memmon_source_up",
        "1 while snapshots arrive, 0 when none is left; absent after an end that was meant.",
    )
    processes = _gauge("memmon_processes", "Processes of the source that record at present.")
    runs = CounterMetricFamily("memmon_runs", "Runs begun so far: restarts add to it.", labels=("source",))
    for state in states:
        if state.last_at is not None:
            last.add_metric([state.source], state.last_at.timestamp())
        if not state.is_ended:
            up.add_metric([state.source], float(state.is_fresh))
        processes.add_metric([state.source], state.process_count)
        runs.add_metric([state.source], state.run_count)
    yield from (last, up, processes, runs)


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


def _of_alerts(states: tuple[SourceState, ...]) -> Iterator[Metric]:
    firing = _gauge(
        "memmon_alert_firing", "1 for each alert that fires.", labels=("source", "kind", "severity")
    )
    for state in states:
        for kind, severity in state.firing:
            firing.add_metric([state.source, kind, severity], 1.0)
    yield firing


def _of_verdicts(store: Store, states: tuple[SourceState, ...]) -> Iterator[Metric]:
    from memmon.units import MIB, SECONDS_PER_HOUR

    leak = _gauge("memmon_leak", "1 where the verdict is a leak.")
    slope = _gauge("memmon_trend", "Robust trend of memory, bytes per second.", "bytes_per_second")
    for state in states:
        verdict = _verdicts.of(store, state)
        if verdict is None:
            continue
        is_leak, slope_mb_per_hour = verdict
        leak.add_metric([state.source], float(is_leak))
        if slope_mb_per_hour is not None:
            slope.add_metric([state.source], slope_mb_per_hour * MIB / SECONDS_PER_HOUR)
    yield from (leak, slope)


def _gauge(name: str, text: str, unit: str = "", labels: tuple[str, ...] = ("source",)) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, labels=labels, unit=unit)


class _Verdicts:
    """Verdicts of this process, kept for five minutes: a scrape every 15 s must not judge every time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[datetime, tuple[bool, float | None]]] = {}

    def of(self, store: Store, state: SourceState) -> tuple[bool, float | None] | None:
        """Return (is a leak, slope in MB per hour); None for a source that is silent or too young."""
        if not state.is_fresh or state.last_at is None:
            return None
        key = (store.database.shown, state.source)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and abs(state.last_at - kept[0]) < _VERDICT_EVERY:
            return kept[1]
        from memmon.analysis.leak.detect import DEFAULT_POLICY, detect_leak

        since = state.last_at - timedelta(hours=DEFAULT_POLICY.look_back_hours)
        finding = detect_leak(store.history(state.source, since, state.last_at))
        found = (finding.is_leak, finding.slope_mb_per_hour)
        with self._lock:
            self._kept[key] = (state.last_at, found)
        return found


_verdicts = _Verdicts()
