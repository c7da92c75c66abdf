"""Confirming before accusing: what grew between two looks must have gone on growing at the next.

Two looks can't tell a leak from a cache that warms up. What grew is a suspect; at the next look it is
confirmed where it grew on in proportion to the time, or to the process where that grew less, and
cleared where it did not although the process grew. Where the process hardly grew, nothing is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.facts.suspicion import Suspicion
from memmon.guest.shielding import attempt
from memmon.probe.objects.culprit import SMALLEST_GROWTH_BYTES, grown_place
from memmon.probe.objects.evidence import compare, event_data
from memmon.probe.objects.filling import Followed

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.probe.objects.chain import Chain
    from memmon.probe.objects.culprit import GrownPlace
    from memmon.probe.objects.evidence import ObjectEvidence, Suspects
    from memmon.probe.objects.filling import FillingContainer

GOES_ON_SHARE = 0.4
"""Of the growth that was to be expected by the one before: a cache that fills slows down."""

_LEVEL_SHARE = 0.25
_LEAST_SHARE_OF_PROCESS, _LEAST_SHARE_OF_CUT = 0.1, 0.01
"""Of the process's growth, for what grew to be confirmed; of that on which more hangs than was looked at a part alone is known."""

_SHORTEST_SECONDS = 1e-3
_HELD_COUNT = 6
_FILLING_SHOWN = 3
_SLICE_PAUSE_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSuspect:
    """One thing that grew, how much between the last two looks at which it did, and in which time."""

    chain: Chain
    """With all its growth since the first look."""
    grown: float
    """Entries of a container, bytes of anything else."""
    seconds: float
    process_bytes: int | None
    """By how much the process grew meanwhile."""
    state: Suspicion = Suspicion.SUSPECT


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthNews:
    """What is to be told of a look."""

    state: Suspicion
    text: str
    data: dict[str, object]


class Confirmation:
    """Follows what grows from look to look; holds the newest look and a few suspects."""

    def __init__(self) -> None:
        """Know no look yet."""
        self._before: ObjectEvidence | None = None
        self._before_seconds = 0.0
        self._is_first = True
        self._held: tuple[HeldSuspect, ...] = ()
        self._followed = Followed()
        self.filling: tuple[FillingContainer, ...] = ()
        """What the newest look has seen filling for the second time."""

    def add(
        self, found: ObjectEvidence, at_seconds: float, *, pause: Callable[[float], object]
    ) -> GrowthNews | None:
        """Take another look, had at `at_seconds` of a clock that is never set; return what is new, None where nothing is."""
        before, self._before = self._before, found
        seconds, self._before_seconds = at_seconds - self._before_seconds, at_seconds
        if before is None:
            self.filling = self._followed.add(found.survey.bounded, seconds, None)
            return None
        seconds = max(seconds, _SHORTEST_SECONDS)
        suspects = compare(before, found, is_first=self._is_first, pause=pause)
        self._is_first = False
        is_first = not self._held
        seen = [_seen_again(one, before, found, suspects, seconds, pause) for one in self._held]
        confirmed = [
            new.chain
            for old, new in zip(self._held, seen, strict=True)
            if new.state is Suspicion.CONFIRMED and old.state is not Suspicion.CONFIRMED
        ]
        cleared = [one.chain for one in seen if one.state is Suspicion.CLEARED]
        kept = [one for one in seen if one.state is not Suspicion.CLEARED]
        known = {one.chain.signature for one in seen}
        added = [
            HeldSuspect(
                chain=chain,
                grown=_grown_number(chain.culprit),
                seconds=seconds,
                process_bytes=suspects.process_growth_bytes,
            )
            for chain in suspects.chains
            if chain.signature not in known
        ]
        self._held = (*kept, *added)[:_HELD_COUNT]
        fills = self.filling = self._followed.add(
            found.survey.bounded, seconds, suspects.process_growth_bytes
        )
        if confirmed:
            return _news(Suspicion.CONFIRMED, found, suspects, confirmed, fills)
        if cleared:
            return _news(Suspicion.CLEARED, found, suspects, cleared, fills)
        if is_first or fills:
            return _news(Suspicion.SUSPECT, found, suspects, list(suspects.chains), fills)
        return None


def _news(
    state: Suspicion,
    found: ObjectEvidence,
    suspects: Suspects,
    chains: list[Chain],
    filling: tuple[FillingContainer, ...],
) -> GrowthNews:
    """Return what is told: of a suspect and of one that is cleared also what grew most meanwhile; what fills comes first."""
    said = list(suspects.sentences)
    if state is not Suspicion.SUSPECT:
        is_told = bool(suspects.chains) and suspects.chains[0].signature in {one.signature for one in chains}
        said = [one.sentence(state) for one in chains] + (said[1:] if is_told else said)
    data = event_data(found, suspects)
    data["state"] = state.value
    if state is Suspicion.CONFIRMED:
        data["chains"] = [one.as_data() for one in chains]
    elif state is Suspicion.CLEARED:
        data["cleared"] = [one.as_data() for one in chains]
    if filling:
        data["filling"] = [one.as_data() for one in filling]
        said = [one.sentence() for one in filling[:_FILLING_SHOWN]] + said
    data["sentences"] = said
    return GrowthNews(state=state, text="; ".join(said) or "nothing was found to grow", data=data)


def _seen_again(
    held: HeldSuspect,
    before: ObjectEvidence,
    after: ObjectEvidence,
    suspects: Suspects,
    seconds: float,
    pause: Callable[[float], object],
) -> HeldSuspect:
    """Return a suspect as it is after another look."""
    chain = next((one for one in suspects.chains if one.signature == held.chain.signature), None)
    if chain is not None:
        place: GrownPlace | None = chain.culprit
    else:
        place = attempt(
            grown_place,
            before.survey.places,
            after.survey.places,
            held.chain.culprit,
            lambda: pause(_SLICE_PAUSE_SECONDS),
        )
    grown = 0.0 if place is None else _grown_number(place)
    process_bytes = suspects.process_growth_bytes
    is_cut = place is not None and place.is_cut
    state = judged_again(
        held,
        grown=grown,
        grown_bytes=0 if place is None else place.grown_bytes,
        seconds=seconds,
        process_bytes=process_bytes,
        is_cut=is_cut,
    )
    if state is None or (state is Suspicion.CLEARED and is_cut):
        return held
    told = held.chain if place is None else _summed(chain or held.chain, held.chain.culprit, place)
    return replace(held, chain=told, grown=grown, seconds=seconds, process_bytes=process_bytes, state=state)


def judged_again(
    held: HeldSuspect,
    *,
    grown: float,
    grown_bytes: int,
    seconds: float,
    process_bytes: int | None,
    is_cut: bool = False,
) -> Suspicion | None:
    """Return what another look says of a suspect: None where it shows nothing.

    `grown`: entries (of what is no container bytes) that it grew by in `seconds`, `grown_bytes` in bytes, while the
    process grew by `process_bytes` (None: not known). `is_cut`: more may hang on it than those bytes.
    """
    share = seconds / held.seconds
    if process_bytes is not None:
        before_bytes = max(held.process_bytes or 0, 0)
        if process_bytes < max(_LEVEL_SHARE * before_bytes * share, SMALLEST_GROWTH_BYTES):
            return None
        if before_bytes > 0:
            share = min(share, process_bytes / before_bytes)
    if grown <= 0 or grown < GOES_ON_SHARE * held.grown * share:
        return Suspicion.CLEARED
    least = _LEAST_SHARE_OF_CUT if is_cut else _LEAST_SHARE_OF_PROCESS
    if process_bytes is not None and grown_bytes < least * process_bytes:
        return None
    return Suspicion.CONFIRMED


def _grown_number(place: GrownPlace) -> float:
    if place.entry_count is None or place.entry_count_before is None:
        return place.grown_bytes
    return place.entry_count - place.entry_count_before


def _summed(chain: Chain, first: GrownPlace, newest: GrownPlace) -> Chain:
    """Return a chain with all its growth since the first look."""
    grown_bytes = first.grown_bytes + newest.grown_bytes
    culprit = replace(
        chain.culprit,
        grown_bytes=grown_bytes,
        entry_count_before=first.entry_count_before,
        entry_count=newest.entry_count,
    )
    return replace(chain, culprit=culprit)
