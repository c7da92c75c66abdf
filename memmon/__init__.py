"""memmon: the memory recorder that long-running Python programs embed, and the verdict on it.

>>> from memmon import Recorder

The names below are loaded when they are first used: importing `memmon` and recording load
neither numpy nor pandas, scipy or statsmodels.

What this package exports is public: it keeps its name and its meaning. Modules and what else stands
in them may move. docs/api.md lists the names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import import_weighed

if TYPE_CHECKING:
    from memmon.__main__ import freeze_support
    from memmon.alerts.pace import Pace
    from memmon.alerts.policy import AlertPolicy
    from memmon.analysis.cause.attribution import attribute_growth
    from memmon.analysis.cause.attribution_finding import AttributedPart, Attribution, AttributionSeries
    from memmon.analysis.cause.per_work import PerWork, WorkSeries, growth_per_work
    from memmon.analysis.cause.split import split_cause
    from memmon.analysis.cause.split_finding import CauseFinding, CausePart, CauseSeries
    from memmon.analysis.compare.finding import Comparison, ReleaseEstimate
    from memmon.analysis.compare.releases import compare_releases
    from memmon.analysis.deques.finding import DequeFinding, DequeSeries
    from memmon.analysis.deques.judge import judge_deques
    from memmon.analysis.forecast.finding import Backtest, CrossCheck, ForecastCurve
    from memmon.analysis.forecast.limit import Forecast, forecast_limit
    from memmon.analysis.leak.detect import LeakFinding, LeakPolicy, detect_leak
    from memmon.analysis.leak.finding import LeakWindow
    from memmon.analysis.leak.model import trend_model
    from memmon.analysis.leak.soak import SoakVerdict, judge_soak
    from memmon.analysis.leak.windows import trend_windows
    from memmon.analysis.resources.finding import ResourceState
    from memmon.analysis.robust import TheilSen, theil_sen
    from memmon.assessment.assess import assess
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.before_restart import BeforeRestart
    from memmon.assessment.culprits import Culprit, Culprits
    from memmon.assessment.freshness import Freshness, FreshnessState
    from memmon.assessment.gather import assess_source
    from memmon.assessment.limits import Limit
    from memmon.assessment.present import GrowthReadings, Present
    from memmon.assessment.process import SourceProcess
    from memmon.assessment.resource import Resource
    from memmon.assessment.severity import SeverityReason
    from memmon.assessment.unrecorded import Unrecorded
    from memmon.errors import (
        ChannelError,
        ChildError,
        ForeignStoreError,
        ImportFileError,
        MemmonError,
        MissingExtraError,
        NoDataError,
        OutputError,
        SettingsError,
        SqlError,
        StoreBusyError,
        StoreDamagedError,
        StoreError,
        StoreNotFoundError,
        StorePermissionError,
        StoreTooNewError,
        StoreTooOldError,
        UnknownSourceError,
    )
    from memmon.export.metrics import MetricsCollector, render_metrics
    from memmon.facts.deque_state import DequeState
    from memmon.facts.grown import GrownThing
    from memmon.facts.severity import Severity
    from memmon.facts.signals import Signal
    from memmon.facts.staleness import Staleness
    from memmon.facts.suspicion import Suspicion
    from memmon.facts.urgency import Urgency, UrgencyRow
    from memmon.facts.verdicts import Confidence, Verdict
    from memmon.history import History, HistoryRun
    from memmon.many.processes import ProcessSeries, process_series
    from memmon.many.run import Fleet, LeakGroup, fleet
    from memmon.many.series import SeriesResult
    from memmon.model import Alert, AlertInfo, ComponentReading, DequeReading, RecorderStatus, Snapshot
    from memmon.monitor.monitor import MemoryMonitor
    from memmon.monitor.values import MemoryLeakReport, MemorySnapshot
    from memmon.probe.objects.discover import Discovery, discover
    from memmon.probe.registered.counting import CountingDeque
    from memmon.recorder.recorder import Recorder
    from memmon.recorder.rejuvenation import Rejuvenation, RejuvenationPolicy
    from memmon.recorder.run_identity import memmon_version
    from memmon.store.read import (
        Buckets,
        DequeMatrix,
        DequeStatus,
        EventInfo,
        PartMatrix,
        QueryResult,
        ReadingStatistics,
        ReportInfo,
        RunInfo,
        SourceInfo,
        Store,
        WindowStatistics,
        open_store,
    )
    from memmon.store.read.shares import ProportionalShare

    __version__ = memmon_version()

_HOMES = {
    "Alert": "memmon.model",
    "AlertInfo": "memmon.model",
    "AlertPolicy": "memmon.alerts.policy",
    "Assessment": "memmon.assessment.assessment",
    "AttributedPart": "memmon.analysis.cause.attribution_finding",
    "Attribution": "memmon.analysis.cause.attribution_finding",
    "AttributionSeries": "memmon.analysis.cause.attribution_finding",
    "Backtest": "memmon.analysis.forecast.finding",
    "BeforeRestart": "memmon.assessment.before_restart",
    "Buckets": "memmon.store.read",
    "CauseFinding": "memmon.analysis.cause.split_finding",
    "CausePart": "memmon.analysis.cause.split_finding",
    "CauseSeries": "memmon.analysis.cause.split_finding",
    "ChannelError": "memmon.errors",
    "ChildError": "memmon.errors",
    "Comparison": "memmon.analysis.compare.finding",
    "ComponentReading": "memmon.model",
    "Confidence": "memmon.facts.verdicts",
    "CountingDeque": "memmon.probe.registered.counting",
    "CrossCheck": "memmon.analysis.forecast.finding",
    "Culprit": "memmon.assessment.culprits",
    "Culprits": "memmon.assessment.culprits",
    "DequeFinding": "memmon.analysis.deques.finding",
    "DequeMatrix": "memmon.store.read",
    "DequeReading": "memmon.model",
    "DequeSeries": "memmon.analysis.deques.finding",
    "DequeState": "memmon.facts.deque_state",
    "DequeStatus": "memmon.store.read",
    "Discovery": "memmon.probe.objects.discover",
    "EventInfo": "memmon.store.read",
    "Fleet": "memmon.many.run",
    "Forecast": "memmon.analysis.forecast.limit",
    "ForecastCurve": "memmon.analysis.forecast.finding",
    "ForeignStoreError": "memmon.errors",
    "Freshness": "memmon.assessment.freshness",
    "FreshnessState": "memmon.assessment.freshness",
    "GrownThing": "memmon.facts.grown",
    "GrowthReadings": "memmon.assessment.present",
    "History": "memmon.history",
    "HistoryRun": "memmon.history",
    "ImportFileError": "memmon.errors",
    "LeakFinding": "memmon.analysis.leak.detect",
    "LeakGroup": "memmon.many.run",
    "LeakPolicy": "memmon.analysis.leak.detect",
    "LeakWindow": "memmon.analysis.leak.finding",
    "Limit": "memmon.assessment.limits",
    "MemmonError": "memmon.errors",
    "MemoryLeakReport": "memmon.monitor.values",
    "MemoryMonitor": "memmon.monitor.monitor",
    "MemorySnapshot": "memmon.monitor.values",
    "MetricsCollector": "memmon.export.metrics",
    "MissingExtraError": "memmon.errors",
    "NoDataError": "memmon.errors",
    "OutputError": "memmon.errors",
    "PartMatrix": "memmon.store.read",
    "PerWork": "memmon.analysis.cause.per_work",
    "Present": "memmon.assessment.present",
    "ProcessSeries": "memmon.many.processes",
    "QueryResult": "memmon.store.read",
    "ReadingStatistics": "memmon.store.read",
    "Recorder": "memmon.recorder.recorder",
    "RecorderStatus": "memmon.model",
    "ProportionalShare": "memmon.store.read.shares",
    "Rejuvenation": "memmon.recorder.rejuvenation",
    "RejuvenationPolicy": "memmon.recorder.rejuvenation",
    "ReleaseEstimate": "memmon.analysis.compare.finding",
    "ReportInfo": "memmon.store.read",
    "RunInfo": "memmon.store.read",
    "SeriesResult": "memmon.many.series",
    "SettingsError": "memmon.errors",
    "Severity": "memmon.facts.severity",
    "SeverityReason": "memmon.assessment.severity",
    "Signal": "memmon.facts.signals",
    "Snapshot": "memmon.model",
    "SoakVerdict": "memmon.analysis.leak.soak",
    "SourceInfo": "memmon.store.read",
    "SqlError": "memmon.errors",
    "SourceProcess": "memmon.assessment.process",
    "Resource": "memmon.assessment.resource",
    "ResourceState": "memmon.analysis.resources.finding",
    "Pace": "memmon.alerts.pace",
    "Staleness": "memmon.facts.staleness",
    "Store": "memmon.store.read",
    "StoreBusyError": "memmon.errors",
    "StoreDamagedError": "memmon.errors",
    "StoreError": "memmon.errors",
    "StoreNotFoundError": "memmon.errors",
    "StorePermissionError": "memmon.errors",
    "StoreTooNewError": "memmon.errors",
    "StoreTooOldError": "memmon.errors",
    "Suspicion": "memmon.facts.suspicion",
    "TheilSen": "memmon.analysis.robust",
    "UnknownSourceError": "memmon.errors",
    "Unrecorded": "memmon.assessment.unrecorded",
    "Urgency": "memmon.facts.urgency",
    "UrgencyRow": "memmon.facts.urgency",
    "Verdict": "memmon.facts.verdicts",
    "WindowStatistics": "memmon.store.read",
    "WorkSeries": "memmon.analysis.cause.per_work",
    "assess": "memmon.assessment.assess",
    "assess_source": "memmon.assessment.gather",
    "attribute_growth": "memmon.analysis.cause.attribution",
    "compare_releases": "memmon.analysis.compare.releases",
    "detect_leak": "memmon.analysis.leak.detect",
    "discover": "memmon.probe.objects.discover",
    "fleet": "memmon.many.run",
    "forecast_limit": "memmon.analysis.forecast.limit",
    "freeze_support": "memmon.__main__",
    "growth_per_work": "memmon.analysis.cause.per_work",
    "judge_deques": "memmon.analysis.deques.judge",
    "judge_soak": "memmon.analysis.leak.soak",
    "open_store": "memmon.store.read",
    "process_series": "memmon.many.processes",
    "render_metrics": "memmon.export.metrics",
    "split_cause": "memmon.analysis.cause.split",
    "theil_sen": "memmon.analysis.robust",
    "trend_model": "memmon.analysis.leak.model",
    "trend_windows": "memmon.analysis.leak.windows",
}

__all__ = [
    "Alert",
    "AlertInfo",
    "AlertPolicy",
    "Assessment",
    "AttributedPart",
    "Attribution",
    "AttributionSeries",
    "Backtest",
    "BeforeRestart",
    "Buckets",
    "CauseFinding",
    "CausePart",
    "CauseSeries",
    "ChannelError",
    "ChildError",
    "Comparison",
    "ComponentReading",
    "Confidence",
    "CountingDeque",
    "CrossCheck",
    "Culprit",
    "Culprits",
    "DequeFinding",
    "DequeMatrix",
    "DequeReading",
    "DequeSeries",
    "DequeState",
    "DequeStatus",
    "Discovery",
    "EventInfo",
    "Fleet",
    "Forecast",
    "ForecastCurve",
    "ForeignStoreError",
    "Freshness",
    "FreshnessState",
    "GrownThing",
    "GrowthReadings",
    "History",
    "HistoryRun",
    "ImportFileError",
    "LeakFinding",
    "LeakGroup",
    "LeakPolicy",
    "LeakWindow",
    "Limit",
    "MemmonError",
    "MemoryLeakReport",
    "MemoryMonitor",
    "MemorySnapshot",
    "MetricsCollector",
    "MissingExtraError",
    "NoDataError",
    "OutputError",
    "Pace",
    "PartMatrix",
    "PerWork",
    "Present",
    "ProcessSeries",
    "ProportionalShare",
    "QueryResult",
    "ReadingStatistics",
    "Recorder",
    "RecorderStatus",
    "Rejuvenation",
    "RejuvenationPolicy",
    "ReleaseEstimate",
    "ReportInfo",
    "Resource",
    "ResourceState",
    "RunInfo",
    "SeriesResult",
    "SettingsError",
    "Severity",
    "SeverityReason",
    "Signal",
    "Snapshot",
    "SoakVerdict",
    "SourceInfo",
    "SourceProcess",
    "SqlError",
    "Staleness",
    "Store",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreError",
    "StoreNotFoundError",
    "StorePermissionError",
    "StoreTooNewError",
    "StoreTooOldError",
    "Suspicion",
    "TheilSen",
    "UnknownSourceError",
    "Unrecorded",
    "Urgency",
    "UrgencyRow",
    "Verdict",
    "WindowStatistics",
    "WorkSeries",
    "__version__",
    "assess",
    "assess_source",
    "attribute_growth",
    "compare_releases",
    "detect_leak",
    "discover",
    "fleet",
    "forecast_limit",
    "freeze_support",
    "growth_per_work",
    "judge_deques",
    "judge_soak",
    "open_store",
    "process_series",
    "render_metrics",
    "split_cause",
    "theil_sen",
    "trend_model",
    "trend_windows",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module, once."""
    if name == "__version__":
        value: object = import_weighed("memmon.recorder.run_identity").memmon_version()
    elif name in _HOMES:
        value = getattr(import_weighed(_HOMES[name]), name)
    else:
        msg = f"module 'memmon' has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
