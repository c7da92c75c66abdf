"""What a process holds beside memory and can run out of, as it is told of."""

from __future__ import annotations

# ruff: noqa: TC003 -- the JSON Schema is made from these annotations
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from memmon.analysis.resources.finding import ResourceState
from memmon.formatting import local_time, per_hour, span, span_range

ResourceName = Literal["threads", "open_files"]

WORDS: dict[ResourceName, str] = {"threads": "threads", "open_files": "open files"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A count of one process at its last sample, and what it does; None: not known.

    `name`: `threads`, or `open_files` (file descriptors: files, sockets, pipes). `limit_count`: how many it may have,
    known only of open files of a process that lives on the machine where this is asked. `state`: `growing` only where
    the count surely grows on and on, `cannot_say` with less than a day of one run. `slope_*_per_hour`: the robust
    trend of its lower envelope with its 95 % interval, over the newest run; `since`: when the growth began.
    `hours_to_limit*`: until the limit is reached at that pace, only of what grows. `run_id`, `pid`: of which process.
    """

    name: ResourceName
    count: int
    state: ResourceState
    limit_count: int | None = None
    slope_per_hour: float | None = None
    slope_low_per_hour: float | None = None
    slope_high_per_hour: float | None = None
    since: datetime | None = None
    hours_to_limit: float | None = None
    hours_to_limit_low: float | None = None
    hours_to_limit_high: float | None = None
    run_id: int | None = None
    pid: int | None = None

    def __post_init__(self) -> None:
        """Take a state that was given as plain text, as from JSON."""
        object.__setattr__(self, "state", ResourceState(self.state))

    @property
    def is_growing(self) -> bool:
        """Tell whether it surely grows."""
        return self.state is ResourceState.GROWING

    @property
    def words(self) -> str:
        """What it is called."""
        return WORDS[self.name]

    @property
    def used(self) -> str:
        """How many there are, and may be."""
        return f"{self.count:,}" if self.limit_count is None else f"{self.count:,} of {self.limit_count:,}"

    @property
    def pace(self) -> str:
        """How fast it grows, and since when; empty where it does not."""
        if not self.is_growing or self.slope_per_hour is None:
            return ""
        since = "" if self.since is None else f" since {local_time(self.since)}"
        return f"{per_hour(self.slope_per_hour)} an hour{since}"

    @property
    def state_words(self) -> str:
        """What it does."""
        if self.state is ResourceState.CANNOT_SAY:
            return "growth can't be told before a day of one run"
        return f"growing by {self.pace}" if self.is_growing else "steady"

    @property
    def interval_words(self) -> str:
        """How sure the pace is; empty where it does not grow."""
        low, high = self.slope_low_per_hour, self.slope_high_per_hour
        if not self.is_growing or low is None or high is None:
            return ""
        return f"95 % interval {per_hour(low)} to {per_hour(high)}"

    def line(self, label: str = "") -> str:
        """Return what is said of it; `label`: how the process is named that it is of, where there are several."""
        whose = f" of {label}" if label else ""
        sure = f" ({self.interval_words})" if self.interval_words else ""
        words = f"{self.words.capitalize()}{whose}: {self.used}, {self.state_words}{sure}"
        return f"{words}; {self.reached}" if self.reached else words

    def clause(self, label: str = "") -> str:
        """Return the same in a clause of a sentence; empty where it does not grow."""
        where = f" in {label}" if label else ""
        reached = self.reached
        return f"{self.words} grow by {self.pace}{where}: {self.used}{f', {reached}' if reached else ''}"

    @property
    def reached(self) -> str:
        """When as many are in use as may be; empty where that is not known."""
        if self.hours_to_limit is None:
            return ""
        if self.hours_to_limit <= 0:
            return "all of them are used"
        low, high = self.hours_to_limit_low, self.hours_to_limit_high
        sure = "" if low is None else f" ({span_range(low, high)})"
        return f"used up in about {span(self.hours_to_limit)}{sure}"
