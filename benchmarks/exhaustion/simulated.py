"""Simulated growth towards a limit: rates, limits, starts, intervals and noise of many kinds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from memmon.alerts.pace import Pace, PaceReading, PresentReadings
from memmon.units import MIB, SECONDS_PER_MINUTE

BEGAN_AT = datetime(2026, 3, 1, tzinfo=UTC)

NOISES = ("none", "white", "wandering", "sawtooth", "bursts")
SHAPES = ("flat", "jump", "warm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Growth that goes on until it meets the limit; noise in MB."""

    rate_mb_per_hour: float = 480.0
    limit_mb: float = 1_024.0
    start_mb: float = 80.0
    every_minutes: float = 5.0
    noise: str = "white"
    noise_mb: float = 5.0
    shape: str = "flat"
    flat_minutes: float = 0.0
    """How long nothing grows before it begins."""
    seed: int = 0

    @property
    def dead_minutes(self) -> float:
        """When the limit is reached."""
        return self.flat_minutes + 60 * (self.limit_mb - self.start_mb) / self.rate_mb_per_hour

    def readings(self) -> list[tuple[float, float]]:
        """Return (minutes, MB) up to the limit."""
        pick = random.Random(self.seed)
        found, at, wandering = [], 0.0, 0.0
        phase = pick.uniform(0, 20)
        while at < self.dead_minutes:
            wandering = 0.9 * wandering + pick.gauss(0, 0.436)
            beside = {
                "none": 0.0,
                "white": pick.gauss(0, 1),
                "wandering": wandering,
                "sawtooth": 2 * ((at + phase) / 7 % 1) - 1,
                "bursts": pick.gauss(0, 0.2) + (pick.random() < 0.1) * abs(pick.gauss(0, 3)),
            }[self.noise] * self.noise_mb  # fmt: skip
            level = self.start_mb + self.rate_mb_per_hour / 60 * max(at - self.flat_minutes, 0.0)
            found.append((at, max(level + beside - self._still_missing(at), 5.0)))
            at += self.every_minutes * pick.uniform(0.98, 1.02)
        return found

    def _still_missing(self, at: float) -> float:
        """Return what the start-up has not brought yet."""
        if self.shape == "jump":
            return max(self.start_mb - 25, 0) * math.exp(-at)
        return 0.5 * self.start_mb * math.exp(-at / 6) if self.shape == "warm" else 0.0


def first_told(
    readings: list[tuple[float, float]], limit_mb: float, *, every_minutes: float
) -> tuple[float, Pace] | None:
    """Return when (minutes) the pace is first told, and what; None: never."""
    held = PresentReadings(interval_seconds=every_minutes * SECONDS_PER_MINUTE)
    for minutes, mb in readings:
        held.add(
            PaceReading(
                at=BEGAN_AT + timedelta(minutes=minutes),
                uptime_seconds=minutes * SECONDS_PER_MINUTE,
                charged_bytes=mb * MIB,
                limit_bytes=round(limit_mb * MIB),
                limit_origin="cgroup v2 /simulated",
            )
        )
        pace = held.pace()
        if pace is not None:
            return minutes, pace
    return None
