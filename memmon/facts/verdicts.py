"""What can be said of a history, and what each answer means: every list, order and word of verdicts derives from here.

A new verdict is a member, its row and its line in `_row`; mypy names the match that forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never

Tone = Literal["good", "warn", "wait", "bad"]
"""How a line should look: all is well, take care, wait for more data, broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """What is known of one verdict.

    `headline` may name `{confidence}` and `{smallest}` (the smallest visible slope); `sentence`, the
    finding's summary, `{rate}`, `{threshold}` and `{footprint}`, the rate of what can't be given back.
    `remark` is said in the details where the headline alone would hide it.
    """

    rank: int
    """Its place where the worst comes first: what leaks, what is in doubt, what is harmless."""
    tone: Tone
    headline: str
    meaning: str
    sentence: str
    beginning: str
    """How a headline begins."""
    grows: bool
    """Memory grows by this verdict, so that there is a time since when."""
    is_explained: bool
    """What the growth consists of is worth a look."""
    ends: bool = False
    """The growth ends by itself."""
    part_sentence: str = ""
    """The summary where the rate is that of a part of memory: `{who}` (`{Who}`) `{grows}` by it, `{since}` when."""
    needs_all_parts: bool = False
    """It is only said where no part of memory that is known clearly rises, and no growth from the start on may pause."""
    may_be_pause: bool = False
    """A pause of a leak looks so; deques, load and mapped files explain growth otherwise."""
    lasts: bool = False
    """It is said once the evidence has lasted; a leak, and what deques or mapped files explain, is said at once."""
    asks_week_before: bool = False
    """A leak may hide in it that shows beside the week before."""
    plain: str = ""
    """How the sentence in plain words begins, with `{rate}`, where that is not as a headline does."""
    plain_end: str = ""
    """How its first sentence ends; it may name `{threshold}`."""
    remark: str | None = None
    past: str = ""
    """What memory did by it in an earlier run; empty where that is nothing that goes on over a restart."""
    apart: str = ""
    """What grows is no part of what is judged, and is told at resident memory's rate: how the judged rate stands beside it."""
    dateless: str = ""
    """Why waiting brings no date for the limit, where that is so."""


class Confidence(StrEnum):
    """How sure a verdict is, the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def rank(self) -> int:
        """Its place among the confidences, the least first."""
        return tuple(Confidence).index(self)


class Verdict(StrEnum):
    """The answer to "does it leak?"; a `str` that equals its plain text."""

    LEAKING = "leaking"
    GROWING = "growing"
    SATURATING = "saturating"
    FILLING = "filling"
    MAPPED_FILES = "mapped_files"
    STEPPED = "stepped"
    LOAD_DRIVEN = "load_driven"
    STABLE = "stable"
    CANNOT_SAY = "cannot_say"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def row(self) -> VerdictRow:
        """What is known of this verdict."""
        return _row(self)

    @property
    def rank(self) -> int:
        """Its place where the worst comes first."""
        return self.row.rank

    @property
    def words(self) -> str:
        """The verdict as it reads in a sentence."""
        return self.value.replace("_", " ")

    @property
    def heading(self) -> str:
        """The verdict as it heads a report, without its figures: for tables that have these in columns of their own."""
        return self.row.headline.partition(" (")[0]

    @property
    def may_reach_limit(self) -> bool:
        """Tell whether memory rose by this verdict, so that asking when a limit is reached makes sense."""
        return self.row.grows or self.row.is_explained


_LEAKING = VerdictRow(
    rank=0,
    tone="warn",
    headline="LEAK DETECTED (confidence: {confidence})",
    meaning="memory grows at or above the threshold, steadily, and nothing harmless explains it",
    sentence="Memory leaks: it grows by {rate}, at or above the threshold of {threshold}",
    beginning="Memory leaks",
    grows=True,
    is_explained=True,
    part_sentence="Memory leaks: {who} {grows} by {rate}{since}, at or above the threshold of {threshold}",
    plain="Leaking {rate}",
    past="leaked",
)
_GROWING = VerdictRow(
    rank=1,
    tone="warn",
    headline="Growing below the threshold",
    meaning="memory grows for certain, but slower than the threshold",
    sentence="Memory grows by {rate}, below the threshold of {threshold}",
    beginning="Memory grows below the threshold",
    grows=True,
    is_explained=True,
    part_sentence="{Who} {grows} by {rate}{since}, below the threshold of {threshold}",
    may_be_pause=True,
    lasts=True,
    asks_week_before=True,
    plain="Growing, too slowly to count as a leak: {rate}",
    past="grew",
    plain_end=" (a leak is {threshold} or more)",
)
_SATURATING = VerdictRow(
    rank=3,
    tone="wait",
    headline="Still warming up",
    meaning="memory still rises, ever more slowly, as caches and pools do after a start",
    sentence="Memory still warms up: growth of {rate} so far, and it slows down",
    beginning="Memory still warms up",
    plain="No leak so far: memory still warms up, {rate}",
    grows=True,
    is_explained=True,
    ends=True,
    needs_all_parts=True,
    may_be_pause=True,
    lasts=True,
)
_FILLING = VerdictRow(
    apart="containers apart at most",
    rank=4,
    tone="wait",
    headline="Deques still filling",
    meaning="bounded containers (deques, caches, queues) are still filling; the growth ends when they are full",
    sentence="Bounded containers are still filling; beside them memory grows by at most {rate}",
    beginning="Bounded containers are still filling",
    plain="No leak: bounded containers are still filling, {rate}",
    grows=True,
    is_explained=True,
    ends=True,
)
_MAPPED_FILES = VerdictRow(
    apart="mapped files apart",
    dateless="the kernel takes pages of files back when it needs them, so that waiting brings no date",
    rank=5,
    tone="wait",
    headline="Growth in mapped files",
    meaning="resident memory grows by pages of mapped files, which the kernel takes back when it needs them",
    sentence=(
        "Resident memory grows by {rate} in mapped files, whose pages the kernel can take back; "
        "what it can't take back changes by {footprint}"
    ),
    beginning="Mapped files grow, which the kernel can take back",
    plain="No leak: mapped files grow {rate}",
    plain_end=", and the kernel can take them back",
    grows=True,
    is_explained=True,
)
_STEPPED = VerdictRow(
    dateless="steps have no pace, so that waiting brings no date: another step would, or growth between them",
    rank=6,
    tone="good",
    headline="No leak detected",
    meaning="memory rose in a step and stayed there; it does not grow steadily",
    sentence="Memory rose in steps and is level between them: no steady growth (overall {rate})",
    beginning="Memory rose in a step and is level since",
    plain="No leak: memory rose in a step",
    plain_end=" and is level since",
    grows=False,
    is_explained=True,
    remark="Memory rose in a step, not steadily: no leak.",
    needs_all_parts=True,
    may_be_pause=True,
    lasts=True,
)
_LOAD_DRIVEN = VerdictRow(
    dateless="memory follows the load, which has no date",
    rank=7,
    tone="good",
    headline="No leak detected",
    meaning="memory follows the load and gives it back",
    sentence="Memory follows the work being done: its growth of {rate} is explained by the load",
    beginning="Memory follows the load",
    plain="No leak: memory follows the load, {rate}",
    grows=True,
    is_explained=False,
    remark="Memory follows the load: no leak.",
    lasts=True,
)
_STABLE = VerdictRow(
    rank=8,
    tone="good",
    headline="No leak detected",
    meaning="no steady growth",
    sentence="Memory is stable: {rate}",
    beginning="Memory is stable",
    plain="No leak: memory is stable",
    grows=False,
    is_explained=False,
    part_sentence="{Who} is stable: {rate}",
    needs_all_parts=True,
    may_be_pause=True,
    lasts=True,
)
_CANNOT_SAY = VerdictRow(
    rank=2,
    tone="wait",
    headline="Cannot say yet (smallest visible: {smallest})",
    meaning="there is too little data, or too much noise, for a verdict yet",
    sentence="Cannot say yet: {rate} so far",
    beginning="No verdict can be given yet",
    grows=False,
    is_explained=False,
    part_sentence="Cannot say yet: {who} {grows} by {rate}{since}, while memory as a whole does not",
    may_be_pause=True,
    lasts=True,
    asks_week_before=True,
)


def _row(verdict: Verdict) -> VerdictRow:  # noqa: C901 -- one line for each verdict, held whole by mypy
    match verdict:
        case Verdict.LEAKING:
            return _LEAKING
        case Verdict.GROWING:
            return _GROWING
        case Verdict.SATURATING:
            return _SATURATING
        case Verdict.FILLING:
            return _FILLING
        case Verdict.MAPPED_FILES:
            return _MAPPED_FILES
        case Verdict.STEPPED:
            return _STEPPED
        case Verdict.LOAD_DRIVEN:
            return _LOAD_DRIVEN
        case Verdict.STABLE:
            return _STABLE
        case Verdict.CANNOT_SAY:
            return _CANNOT_SAY
        case _:
            assert_never(verdict)
