"""What a comparison of two releases says: plain, frozen, JSON-able."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from memmon.facts.grown import GrownThing  # noqa: TC001 -- read when the JSON schema is made
from memmon.facts.plain import as_plain

CompareVerdict = Literal["looks_fixed", "worse", "no_difference", "cannot_say"]

COMPARE_WORDS: dict[CompareVerdict, str] = {
    "looks_fixed": "looks fixed",
    "worse": "worse",
    "no_difference": "no difference",
    "cannot_say": "cannot say",
}
"""How each verdict reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEstimate:
    """What one release does; None where its runs are too short to tell.

    `slope_*`: common robust trend of its runs with its 95 % interval, MB (2**20 bytes) per hour;
    `plateau_*`: level of the lower envelope once a run has settled, in MB, with its 95 % interval.
    `run_count`: its runs; `used_run_count`: those of them that are long enough to be compared;
    `run_hours`: the length of each of its runs without the first hour, which is left out; `hours`: their sum.
    """

    release: str
    run_count: int
    sample_count: int
    hours: float
    used_run_count: int = 0
    run_hours: tuple[float, ...] = ()
    slope_mb_per_hour: float | None = None
    slope_low_mb_per_hour: float | None = None
    slope_high_mb_per_hour: float | None = None
    plateau_mb: float | None = None
    plateau_low_mb: float | None = None
    plateau_high_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two releases side by side; changes are after minus before, with their 98 % intervals.

    `verdict`: `looks_fixed` (the growth, or with equal growth the plateau, got lower), `worse`,
    `no_difference`, `cannot_say` (too little history of one of them). A change is called only when its
    interval leaves out zero and it is large enough to matter. `smallest_visible_*`: what would have
    been seen. `compared_hours`: the uptime up to which runs are compared, the same for both.
    """

    before: ReleaseEstimate
    after: ReleaseEstimate
    verdict: CompareVerdict
    compared_hours: float
    slope_change_mb_per_hour: float | None
    slope_change_low_mb_per_hour: float | None
    slope_change_high_mb_per_hour: float | None
    plateau_change_mb: float | None
    plateau_change_low_mb: float | None
    plateau_change_high_mb: float | None
    smallest_visible_slope_mb_per_hour: float | None
    smallest_visible_plateau_mb: float | None
    decided_by: Literal["slope", "plateau"] | None
    """Which change decided; None for no difference."""
    summary: str
    details: tuple[str, ...] = ()
    source: str = ""
    grown_before: GrownThing | None = None
    """What looks at the objects have shown to grow in the first release, where the source's store tells."""
    grown_after: GrownThing | None = None

    @property
    def grown_sentences(self) -> tuple[str, ...]:
        """What grows in either release, and whether it is the same thing."""
        before, after = self.grown_before, self.grown_after
        if before is not None and after is not None and before.signature == after.signature:
            return (f"The same thing grows in both. {after.sentence}",)
        found = ((self.before.release, before), (self.after.release, after))
        return tuple(f"In {release}: {one.sentence}" for release, one in found if one is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names."""
        plain: dict[str, Any] = as_plain(self)
        return plain
