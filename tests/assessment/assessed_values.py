"""Values for the tests of the assessment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from memmon.analysis.forecast.finding import Forecast
from memmon.history import History
from memmon.store.read import RunInfo, WindowStatistics
from memmon.units import MIB

START = datetime(2026, 3, 1, tzinfo=UTC)


def forecast(hours=None, low=None, high=None, *, state="dated", slope_low=None) -> Forecast:
    return Forecast(
        source="bot",
        limit_bytes=2**30,
        level=0.8,
        state=state,
        hours_to_limit=hours,
        hours_to_limit_low=low,
        hours_to_limit_high=high,
        at=None,
        at_low=None,
        at_high=None,
        as_of=None,
        horizon_hours=168.0,
        current_bytes=2**29,
        headroom_bytes=2**29,
        slope_mb_per_hour=slope_low,
        slope_low_mb_per_hour=slope_low,
        slope_high_mb_per_hour=slope_low,
        window_hours=24.0,
        sample_count=288,
        deques_full_hours=None,
        summary="",
        details=(),
    )


def history(mb_per_hour=0.0, *, hours=30.0, start_mb=300.0) -> History:
    at_hours = np.arange(round(hours * 12) + 1) / 12
    noise = np.random.default_rng(3).normal(0, 0.2, at_hours.size)
    return History.from_arrays(
        at_seconds=START.timestamp() + at_hours * 3600,
        rss_bytes=(start_mb + mb_per_hour * at_hours + noise) * MIB,
        source="bot",
    )


def statistics(**last) -> WindowStatistics:
    unknown = WindowStatistics(
        first_at=None,
        last_at=None,
        sample_count=0,
        last_rss_bytes=None,
        average_rss_bytes=None,
        min_rss_bytes=None,
        max_rss_bytes=None,
        last_available_bytes=None,
        last_system_percent=None,
        max_system_percent=None,
        last_limit_bytes=None,
        last_limit_used_bytes=None,
    )
    return replace(unknown, **{f"last_{name}": value for name, value in last.items()})


def run(number=1, *, last_at=START, interval=300.0, end_reason=None, limit_origin=None) -> RunInfo:
    return RunInfo(
        run_id=number,
        uuid=f"{number:032d}",
        source="bot",
        host="trader-1",
        pid=number,
        process_started_at=None,
        boot_id=None,
        parent_uuid=None,
        role=None,
        script_path=None,
        external_id=None,
        release=None,
        python_version=None,
        memmon_version=None,
        interval_seconds=interval,
        limit_bytes=None,
        limit_origin=limit_origin,
        started_at=START,
        ended_at=None if end_reason is None else last_at,
        end_reason=end_reason,
        end_detail=None,
        first_at=START,
        last_at=last_at,
        snapshot_count=1,
        first_rss_bytes=None,
        last_rss_bytes=None,
        peak_rss_bytes=None,
    )
