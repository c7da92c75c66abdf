"""`Assessment`: everything that is said of a source at one time, as one frozen value."""

from __future__ import annotations

# ruff: noqa: TC001, TC003 -- the JSON Schema is made from these annotations
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from memmon.analysis.leak.finding import LeakFinding
from memmon.assessment.culprits import Culprits
from memmon.assessment.elsewhere import elsewhere_sentence
from memmon.assessment.freshness import Freshness
from memmon.assessment.process import SourceProcess, also_leaking, labels, lines_of, together_sentence
from memmon.assessment.resource import Resource
from memmon.assessment.severity import SeverityReason, severity_reasons
from memmon.assessment.unrecorded import Unrecorded, unrecorded_of
from memmon.facts.plain import as_plain
from memmon.facts.severity import Severity
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:  # the schema's maker knows these by itself: few assessments have all of them
    from memmon.alerts.pace import Pace
    from memmon.analysis.cause.split_finding import CauseFinding
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.before_restart import BeforeRestart
    from memmon.facts.grown import GrownThing
    from memmon.model import AlertInfo, DequeReading

_HUNDRED_PERCENT = 100.0
"""By definition: a whole in per cent."""
_SHARE_SLACK = 1e-9
"""By so much shares may differ and be the same. Chosen: above the rounding of a float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A source at one time; sizes in bytes, times aware, None (and an empty tuple): not known, or not asked for.

    `at`: the moment that the freshness refers to; the finding and the forecast are as of the last sample.
    `charged_bytes`: what counts against the limit in force, `limit_share` its share of the limit (0 to 1);
    `held_elsewhere_bytes`: what of it no recorded process holds, `elsewhere_slope_mb_per_hour` how fast that grows
    where it does for sure, `elsewhere` what is said of both.
    `finding`: the verdict; `forecast`: when the limit is reached; `pace`: that it is reached soon if the growth of the
    last hour goes on, where the forecast has no date within a day; `cause`: what the growth consists of;
    `culprits`: whose it is among what the operator named.
    `footprint_bytes`: what the process can't give back, at its last sample, the quantity that is judged.
    `processes`: those that live side by side, the worst first, then those that nobody records; of several `rss_bytes`
    and `footprint_bytes` are the sums over those that are recorded, exact where `is_sum_exact`, else at most: pages
    that processes share count in each of them. `finding_run_id`: of which of several the finding is (None: of all
    together). `limited_run_id`: of which of several `charged_bytes`, `limit_share` and `forecast` are, where the limit
    is each process's own (None: the limit holds for all together).
    `resources`: what else a process can run out of, threads and open files: of several processes the one in which it
    stands worst. Empty where it was not recorded; in what is made of a kept assessment they are of when it was kept.
    `severity` is None where what it rests on was not asked for.
    `waits_for`: where no verdict, or no date, can be given yet, what is missing, in a clause without an end;
    `ready_at`: from when on it can be given, where waiting is enough.
    `before_restart`: that the runs before the one that was judged grew alike, and since when; None where they did not.
    `since_release`: the release that the growth began with, over restarts too; empty where it began with none.
    `release_before`: the one to go back to, which ran before it and does not leak as far as that was looked at; empty
    where all did, None where it has no name.
    `grown`: which container or object of the program's grows, and where what it holds is created: beside a leak or
    growth below the threshold, where looks at the objects have shown it.
    `headline`: one sentence; `advice`: what to do, in sentences with the ready command.

    What contradicts itself can't be built: a share is that of its own figures, a forecast that can say nothing
    gives no date, a pace stands beside no other answer, an age is never below zero, and the severity is the one that its table gives.
    """

    source: str
    at: datetime | None
    freshness: Freshness | None
    rss_bytes: int | None
    footprint_bytes: int | None = None
    charged_bytes: int | None = None
    limit_bytes: int | None = None
    limit_origin: str | None = None
    limit_share: float | None = None
    held_elsewhere_bytes: int | None = None
    elsewhere_slope_mb_per_hour: float | None = None
    finding: LeakFinding
    forecast: Forecast | None = None
    pace: Pace | None = None
    culprits: Culprits | None = None
    cause: CauseFinding | None = None
    deques: tuple[DequeReading, ...] = ()
    processes: tuple[SourceProcess, ...] = ()
    resources: tuple[Resource, ...] = ()
    alerts: tuple[AlertInfo, ...] = ()
    severity: Severity | None = None
    waits_for: str = ""
    ready_at: datetime | None = None
    headline: str = ""
    advice: tuple[str, ...] = ()
    is_sum_exact: bool = True
    finding_run_id: int | None = None
    limited_run_id: int | None = None
    before_restart: BeforeRestart | None = None
    since_release: str = ""
    release_before: str | None = None
    grown: GrownThing | None = None

    def __post_init__(self) -> None:
        """Hold the rules that no two fields may break."""
        assert self.at is None or self.at.tzinfo is not None, "at must be timezone-aware"
        assert self.freshness is None or (self.freshness.age_seconds or 0.0) >= 0.0, (
            "an age is never below zero"
        )
        self._hold_limit()
        forecast = self.forecast
        if forecast is not None and forecast.state == "cannot_say":
            assert forecast.hours_to_limit is None, "a forecast that can say nothing gives no date"
        assert self.pace is None or forecast is None or forecast.state == "cannot_say", (
            "a pace is told only where the forecast can't say"
        )
        assert self.before_restart is None or self.before_restart.release == self.since_release, (
            "growth began with one release"
        )
        if self.severity is not None:
            expected = self.severity_reasons[0].severity
            assert self.severity is expected, f"the severity is {expected}, not {self.severity}"

    def _hold_limit(self) -> None:
        known = [value is not None for value in (self.limit_bytes, self.charged_bytes, self.limit_share)]
        assert all(known) or not any(known), (
            "a limit, what counts against it and its share are known together"
        )
        assert any(known) == (self.limit_origin is not None), "a limit comes from somewhere"
        if self.limit_bytes and self.charged_bytes is not None and self.limit_share is not None:
            share = self.charged_bytes / self.limit_bytes
            assert abs(share - self.limit_share) <= _SHARE_SLACK * max(share, 1.0), (
                "the share is of this limit"
            )

    @property
    def severity_reasons(self) -> tuple[SeverityReason, ...]:
        """What was looked at for the severity, the most urgent first: its severity is that of the source."""
        return severity_reasons(
            self.finding,
            forecast=self.forecast,
            limit_share=self.limit_share,
            deques=self.deques,
            pace=self.pace,
            resources=self.resources,
            unrecorded=self.unrecorded,
        )

    def rated(self) -> Assessment:
        """Return the same with the severity that all of it together calls for."""
        return replace(self, severity=self.severity_reasons[0].severity)

    @property
    def used_percent(self) -> float | None:
        """What counts against the limit, in percent of it."""
        if self.charged_bytes is None or not self.limit_bytes:
            return None
        return _HUNDRED_PERCENT * self.charged_bytes / self.limit_bytes

    @property
    def elsewhere(self) -> str:
        """What is held by nobody that is recorded, and how it grows; empty where there is nothing to say."""
        return elsewhere_sentence(
            self.held_elsewhere_bytes, self.charged_bytes, slope_mb_per_hour=self.elsewhere_slope_mb_per_hour
        )

    @property
    def outlook(self) -> tuple[str, ...]:
        """What is said beside a verdict or a forecast that can't be given yet: the present pace, and what is missing."""
        waits = f"{self.waits_for[:1].upper()}{self.waits_for[1:]}." if self.waits_for else ""
        return tuple(filter(None, ("" if self.pace is None else self.pace.summary, waits)))

    @property
    def is_level(self) -> bool:
        """Tell whether nothing rises that counts against the limit: not here, not where nobody records, not of late."""
        rises = self.finding.verdict.may_reach_limit or self.elsewhere_slope_mb_per_hour is not None
        return not rises and self.pace is None and self.finding.verdict is not Verdict.CANNOT_SAY

    @property
    def rss_at_limit_bytes(self) -> int | None:
        """Resident memory at which the limit is reached, all else staying as it is: of the process that it limits."""
        rss = self.limited_rss_bytes
        if self.limit_bytes is None or self.charged_bytes is None or rss is None:
            return None
        return max(rss + self.limit_bytes - self.charged_bytes, 1)

    @property
    def limited_rss_bytes(self) -> int | None:
        """Resident memory of what the limit holds for: one process, or all together."""
        limited = self.process_of(self.limited_run_id)
        return self.rss_bytes if limited is None else limited.rss_bytes

    @property
    def recorded(self) -> tuple[SourceProcess, ...]:
        """The processes that live side by side and are recorded, the worst first."""
        return tuple(one for one in self.processes if one.is_recorded)

    def process_of(self, run_id: int | None) -> SourceProcess | None:
        """Return the process of several whose newest run that is; None where there is none, or only one."""
        recorded = self.recorded
        if run_id is None or len(recorded) < 2:  # noqa: PLR2004 -- a single one needs no name
            return None
        return next((one for one in recorded if one.run_id == run_id), None)

    def label_of(self, run_id: int | None) -> str:
        """Return how a sentence names one of several processes; empty where there is only one."""
        found = self.process_of(run_id)
        return "" if found is None else labels(self.processes)[self.processes.index(found)]

    @property
    def worst_label(self) -> str:
        """How a sentence names the one of several processes whose growth was found; empty where there is none."""
        return self.label_of(self.finding_run_id) if self.finding.verdict.row.grows else ""

    @property
    def whose(self) -> str:
        """Of which of several processes the growth is; empty of a single one, and where it is of all together."""
        name = self.worst_label
        if not name:
            return ""
        others = also_leaking(self.processes, self.finding_run_id)
        return f"This is {name}, the worst of {len(self.recorded)} processes side by side{others}."

    @property
    def process_lines(self) -> tuple[str, ...]:
        """One line for each process, where there are several, and for each that nobody records."""
        told = self.processes if len(self.processes) > 1 else ()
        return lines_of(told)

    @property
    def growing_resources(self) -> tuple[Resource, ...]:
        """The resources that surely grow, the one that reaches its limit first before others."""
        grown = [one for one in self.resources if one.is_growing]
        return tuple(sorted(grown, key=lambda one: (one.hours_to_limit is None, one.hours_to_limit or 0.0)))

    def resource_line(self, one: Resource) -> str:
        """Return what is said of a resource, and in which of several processes."""
        return one.line(self.label_of(one.run_id))

    @property
    def unrecorded(self) -> Unrecorded | None:
        """The living children that nobody records; None where there are none."""
        return unrecorded_of(
            self.processes,
            recorded_bytes=self.footprint_bytes,
            limit_bytes=self.limit_bytes,
            limit_origin=self.limit_origin,
            used_bytes=self.charged_bytes,
        )

    @property
    def not_recorded(self) -> str:
        """How many children nobody records and about how much they hold, in a sentence; empty where there are none."""
        found = self.unrecorded
        return "" if found is None else f"{found.words}: nothing here judges what they hold."

    @property
    def together(self) -> str:
        """What several processes hold together; empty of a single one."""
        return together_sentence(self.recorded, self.footprint_bytes, is_exact=self.is_sum_exact)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text in UTC, no NaN."""
        return {field.name: as_plain(getattr(self, field.name)) for field in fields(self)}
