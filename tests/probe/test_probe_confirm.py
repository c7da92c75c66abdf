"""Confirming before accusing: a suspect that grows on is confirmed, one that is full is cleared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memmon.facts.suspicion import Suspicion
from memmon.probe.objects import roots
from memmon.probe.objects.chain import Chain
from memmon.probe.objects.confirm import Confirmation, HeldSuspect, judged_again
from memmon.probe.objects.culprit import GrownPlace
from memmon.probe.objects.evidence import gather
from memmon.units import MIB

LEAK: list[str] = []
CACHE: dict[int, str] = {}
HOUR = 3_600.0


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """The program is this file; what it holds is let go after each test."""
    is_own = roots._is_own
    monkeypatch.setattr(roots, "_is_own", lambda name: is_own(name) and name == __name__)
    yield
    LEAK.clear()
    CACHE.clear()


def looks(*grow, process_mb=10):
    """Return what is told after each growth, one an hour, while the process grows by so many MB each, or by those given."""
    grown_mb = process_mb if isinstance(process_mb, tuple) else (process_mb,) * len(grow)
    followed, told = Confirmation(), []
    for number, one in enumerate((lambda: None, *grow)):
        one()
        found = replace(gather(pause=lambda seconds: None), rss_bytes=sum(grown_mb[:number]) * MIB)
        told.append(followed.add(found, number * HOUR, pause=lambda seconds: None))
    assert told[0] is None
    return told[1:]


def leak():
    begun = len(LEAK)
    LEAK.extend(f"{number} " + "x" * 500 for number in range(begun, begun + 4_000))


def fill():
    CACHE.update((number, f"{number} " + "y" * 900) for number in range(4_000))


def test_what_grows_on_is_confirmed_once():
    """A list that grows between all looks is a suspect, then confirmed with all its growth, then not told again."""
    first, second, third = looks(leak, leak, leak, process_mb=2)
    assert first.state is Suspicion.SUSPECT
    assert f"{__name__}.LEAK (list): 0 to 4,000" in first.text
    assert second.state is Suspicion.CONFIRMED
    assert f"{__name__}.LEAK (list): 0 to 8,000" in second.text
    (chain,) = second.data["chains"]
    assert chain["grown_bytes"] == pytest.approx(8_000 * 560, rel=0.2)
    assert third is None


def test_a_cache_that_has_filled_is_cleared():
    """What grew most between two looks and no further, while the process grew, is no suspect any more; the leak is."""
    first, second, third = looks(lambda: (fill(), leak()), leak, leak, process_mb=2)
    assert f"what grew most: {__name__}.CACHE" in first.text
    assert second.state is Suspicion.CONFIRMED
    assert "CACHE" not in second.text
    assert f"{__name__}.LEAK (list): 0 to 8,000" in second.text
    assert third is None


def test_a_lone_cache_that_has_filled_is_told_to_be_cleared():
    """Where nothing is confirmed, it is told that the suspect grew on no further, and what grew instead."""
    _, second, third = looks(fill, leak, leak, process_mb=2)
    assert second.state is Suspicion.CLEARED
    assert "no suspect any more" in second.text
    assert f"what grew most: {__name__}.LEAK" in second.text
    assert [one["path"] for one in second.data["cleared"]] == [f"{__name__}.CACHE"]
    assert third.state is Suspicion.CONFIRMED
    assert third.data["state"] == "confirmed"


def test_a_process_that_stands_still_shows_nothing():
    """Where the process grew no more, a suspect that did not either is neither confirmed nor cleared; later it may be."""
    first, second, third = looks(fill, lambda: None, leak, process_mb=(4, 0, 4))
    assert first.state is Suspicion.SUSPECT
    assert second is None
    assert third.state is Suspicion.CLEARED
    assert [one["path"] for one in third.data["cleared"]] == [f"{__name__}.CACHE"]


def test_where_the_process_never_grew_nothing_is_confirmed():
    """What filled memory that the process had already is a suspect; while the process does not grow it stays one."""
    first, second = looks(fill, lambda: None, process_mb=0)
    assert first.state is Suspicion.SUSPECT
    assert second is None


@pytest.mark.parametrize(
    ("grown", "hours", "process_mb", "expected"),
    [
        (1_000, 1.0, 10, Suspicion.CONFIRMED),
        (450, 1.0, 10, Suspicion.CONFIRMED),
        (350, 1.0, 10, Suspicion.CLEARED),
        (0, 1.0, 10, Suspicion.CLEARED),
        (-500, 1.0, None, Suspicion.CLEARED),
        (450, 4.0, 40, Suspicion.CLEARED),
        (450, 4.0, 10.5, Suspicion.CONFIRMED),
        (0, 1.0, 2, None),
        (1_000, 1.0, 200, None),
        (1_000, 1.0, None, Suspicion.CONFIRMED),
    ],
)
def test_in_proportion(grown, hours, process_mb, expected):
    """Growth that goes on in proportion to the time, or to the process where that is less, is confirmed.

    What grew less is cleared; where the process hardly grew, or grew by far more than that, nothing is shown.
    """
    place = GrownPlace(path="m.A", kind="list", grown_bytes=MIB, entry_count_before=0, entry_count=1_000)
    held = HeldSuspect(chain=Chain(culprit=place), grown=1_000, seconds=HOUR, process_bytes=10 * MIB)
    found = judged_again(
        held,
        grown=grown,
        grown_bytes=2 * MIB,
        seconds=hours * HOUR,
        process_bytes=None if process_mb is None else round(process_mb * MIB),
    )
    assert found is expected


@pytest.mark.parametrize(
    ("is_cut", "process_mb", "expected"),
    [(True, 100, Suspicion.CONFIRMED), (True, 300, None), (False, 100, None)],
)
def test_what_is_not_seen_whole_may_be_a_small_part(is_cut, process_mb, expected):
    """Of what grows on, and on which more hangs than was looked at, 2 of 100 MB are enough to confirm it; seen whole they are not."""
    place = GrownPlace(path="m.A", kind="dict", grown_bytes=MIB, entry_count_before=0, entry_count=1_000)
    held = HeldSuspect(chain=Chain(culprit=place), grown=1_000, seconds=HOUR, process_bytes=process_mb * MIB)
    found = judged_again(
        held, grown=1_000, grown_bytes=2 * MIB, seconds=HOUR, process_bytes=process_mb * MIB, is_cut=is_cut
    )
    assert found is expected
