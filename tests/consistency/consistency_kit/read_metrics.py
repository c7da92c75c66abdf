"""Reader of `/metrics`, through the Prometheus client's own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from consistency_kit.said import MB, VERDICTS, Number, Said

LEAKING = frozenset({"leaking"})
SECONDS_PER_HOUR = 3600.0
KINDS = ("leak", "deque", "high_memory", "silent", "forecast", "restart_loop", "recorder")


def read(text: str) -> dict[str, Said]:
    """Return what the metrics say, by source."""
    said: dict[str, Said] = {}
    limits: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if "source" in sample.labels:
                _take(said.setdefault(sample.labels["source"], {}), sample, limits)
    for facts in said.values():
        for kind in KINDS:
            facts.setdefault(f"alert_{kind}", frozenset({"none"}))
    return said


def _take(said: Said, sample, limits: dict[str, float]) -> None:
    name, value, source = sample.name, sample.value, sample.labels["source"]
    if name == "memmon_source_up":
        said["freshness"] = frozenset({"live", "clock_ahead"} if value else {"silent", "ended_badly"})
    elif name == "memmon_leak":
        said["verdict"] = LEAKING if value else VERDICTS - LEAKING
    elif name == "memmon_trend_bytes_per_second":
        said["slope_mb_per_hour"] = Number(value * SECONDS_PER_HOUR / MB)
    elif name == "memmon_limit_bytes":
        said["limit_bytes"] = Number(value, 1.0)
        limits[source] = value
    elif name == "memmon_limit_used_bytes":
        said["used_percent"] = Number(100 * value / limits[source])
    elif name == "memmon_alert_firing":
        said[f"alert_{sample.labels['kind']}"] = frozenset({sample.labels["severity"]})
