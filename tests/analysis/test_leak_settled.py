"""A word that says no leak changes when the evidence has lasted; leaks are told as early as ever."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.settled import settled
from memmon.analysis.leak.states import judge_as_it_is
from memmon.facts.verdicts import Verdict
from memmon.history import History

BEGIN = 1_767_571_200.0  # 2026-01-05 0:00 UTC


def history_of(hours, mb, *, begin=BEGIN):
    return History.from_arrays(at_seconds=begin + hours * 3600, rss_bytes=mb * 2**20)


def at(history, hour):
    first = float(history.at_seconds[0])
    return detect_leak(history.slice_time(first + (hour - 168) * 3600, first + hour * 3600))


def noisy(hours, seed, *, memory=0.985, sd=25.0):
    shocks = np.random.default_rng(seed).normal(0, sd * np.sqrt(1 - memory**2), hours.size)
    found = [0.0]
    for shock in shocks[1:].tolist():
        found.append(memory * found[-1] + shock)
    return 300 + np.array(found)


def changes(history, first, last):
    words = [at(history, hour).verdict for hour in np.arange(first, last, 2.0)]
    return sum(1 for before, word in pairwise(words) if before is not word)


def test_noise_at_the_edge_between_two_words_does_not_flap():
    """Of wandering noise whose words would change 18 times in four days of checks, a few changes are left."""
    hours = np.arange(0, 144, 1 / 6)
    counts = [changes(history_of(hours, noisy(hours, seed)), 48, 144) for seed in (1, 3, 4, 6)]
    assert sum(counts) <= 6


def test_a_word_that_has_not_lasted_says_what_the_newest_readings_look_like():
    """A step is no step until it has lasted: the finding stays with the word before, and says that it looks otherwise."""
    hours = np.arange(0, 137, 1 / 12)
    mb = 300 + np.random.default_rng(3).normal(0, 0.5, hours.size) + 40.0 * (hours > 90)
    history = history_of(hours, mb)
    early = at(history, 106)
    assert early.verdict == "stable"
    assert any("look otherwise (stepped)" in line for line in early.details)
    assert {at(history, hour).verdict for hour in (121, 126, 132, 136)} == {"stepped"}


def test_a_leak_needs_not_to_last():
    """A leak that begins in a process long called stable is told at the hour that shows it."""
    hours = np.arange(0, 84, 1 / 12)
    mb = 300 + np.random.default_rng(4).normal(0, 0.5, hours.size) + 30.0 * np.maximum(hours - 72, 0)
    assert at(history_of(hours, mb), 70).verdict == "stable"
    assert at(history_of(hours, mb), 77).is_leak


def test_growth_about_the_threshold_is_not_called_stable_because_it_was():
    """What grows by eight MB an hour all of a sudden is no longer stable, though the checks before said so."""
    hours = np.arange(0, 96, 1 / 12)
    mb = 300 + np.random.default_rng(5).normal(0, 0.5, hours.size) + 8.0 * np.maximum(hours - 60, 0)
    found = at(history_of(hours, mb), 84)
    assert found.verdict in ("growing", "cannot_say")


def test_between_two_fixed_hours_the_word_is_one():
    """The checks made again see fixed hours of the clock, all within the week: their word does not move with the reader."""
    hours = np.arange(0, 240, 1 / 6)
    for seed in range(6):
        history = history_of(hours, noisy(hours, 20 + seed, memory=0.99))
        assert len({at(history, hour).verdict for hour in np.arange(216, 228, 1.0)}) == 1


def test_what_is_young_is_judged_by_what_there_is():
    """Before two checks can be made again the present word stands."""
    hours = np.arange(0, 18, 1 / 12)
    mb = 300 + np.random.default_rng(6).normal(0, 0.5, hours.size)
    assert at(history_of(hours, mb), 17.5).verdict == "stable"


def word_now(mb, now, *, before="stable"):
    """Return what is said where the newest readings say `now` and each check made again says `before`."""
    hours = np.arange(0, 96, 1 / 12)
    run = run_series(history_of(hours, mb(hours)), warm_up_hours=1.0)
    found = judge_as_it_is([run], 10.0)
    present = Judgement(verdict=Verdict(now), reason="too_noisy", evidence=found.evidence)
    earlier = Judgement(verdict=Verdict(before), reason="trend", evidence=found.evidence)
    return settled(present, [run], run, 10.0, lambda _: earlier).verdict


def level(hours):
    return 300 + np.random.default_rng(7).normal(0, 5, hours.size)


def test_no_calm_word_stands_where_memory_is_higher_than_ever():
    """What nothing can be said of now is not called stable by earlier checks while it is in new territory."""
    assert word_now(level, "cannot_say") == "stable"
    assert word_now(lambda hours: level(hours) + 60 * (hours > 86), "cannot_say") == "cannot_say"
    assert word_now(lambda hours: level(hours) + 60 * (hours > 40), "cannot_say") == "stable"


def test_a_calm_word_has_to_last_whatever_was_said():
    """What could not be said of is not called stable by the newest readings alone."""
    assert word_now(level, "stable", before="cannot_say") == "cannot_say"


def test_an_interval_that_allows_for_another_onset_is_no_growth_about_the_threshold():
    """Slow growth on a settled level is not told by the hour in which its onset may be late: its word lasts as any other."""

    def slow(hours):
        return 300 + np.random.default_rng(8).normal(0, 0.3, hours.size)

    hours = np.arange(0, 96, 1 / 12)
    run = run_series(history_of(hours, slow(hours)), warm_up_hours=1.0)
    evidence = judge_as_it_is([run], 10.0).evidence
    earlier = Judgement(verdict=Verdict.STABLE, reason="trend", evidence=evidence)
    for above, said in ((0.0, "stable"), (30.0, "stable")):
        grown = replace(evidence, slope=0.4, error=0.05, above=above)
        present = Judgement(verdict=Verdict.GROWING, reason="trend", evidence=grown)
        assert settled(present, [run], run, 10.0, lambda _: earlier).verdict == said
    fast = Judgement(
        verdict=Verdict.GROWING, reason="trend", evidence=replace(evidence, slope=6.0, error=0.5)
    )
    assert settled(fast, [run], run, 10.0, lambda _: earlier).verdict == "growing"


def test_a_slope_within_its_error_takes_no_word_back():
    """Of noise whose slope is as large as a leak's, and no larger than its error, the word before stands; of a clear one not."""
    hours = np.arange(0, 96, 1 / 12)
    run = run_series(history_of(hours, level(hours)), warm_up_hours=1.0)
    evidence = judge_as_it_is([run], 10.0).evidence
    earlier = Judgement(verdict=Verdict.STEPPED, reason="steps_explain", evidence=evidence)
    for error, said in ((35.0, "stepped"), (6.0, "cannot_say")):
        noise = replace(evidence, slope=9.0, error=error)
        present = Judgement(verdict=Verdict.CANNOT_SAY, reason="too_noisy", evidence=noise)
        assert settled(present, [run], run, 10.0, lambda _: earlier).verdict == said


def said_of(slope, error, *, now, before):
    """Return what is said where the newest readings say `now` of such a slope, and each check made again says `before`."""
    hours = np.arange(0, 96, 1 / 12)
    run = run_series(history_of(hours, level(hours)), warm_up_hours=1.0)
    evidence = replace(judge_as_it_is([run], 10.0).evidence, slope=slope, error=error)
    earlier = Judgement(verdict=Verdict(before), reason="trend", evidence=evidence)
    present = Judgement(verdict=Verdict(now), reason="trend", evidence=evidence)
    return settled(present, [run], run, 10.0, lambda _: earlier)


def test_what_takes_a_calm_word_back_takes_back_no_other():
    """Growth of nearly a leak's rate is told at once instead of a calm word; where nothing could be said it has to last as well."""
    assert said_of(6.0, 0.5, now="growing", before="stable").verdict == "growing"
    lasting = said_of(6.0, 0.5, now="growing", before="cannot_say")
    assert (lasting.verdict, lasting.instead_of) == ("cannot_say", "growing")
    assert said_of(9.0, 6.0, now="cannot_say", before="growing").verdict == "growing"
    assert said_of(20.0, 1.0, now="leaking", before="cannot_say").verdict == "leaking"


def test_growth_of_a_third_of_the_threshold_takes_no_calm_word_back():
    """Slow growth has to last, even where its interval reaches to half the threshold: it reaches there in one hour and not in the next."""
    assert said_of(3.5, 1.5, now="growing", before="stable").verdict == "stable"


def test_higher_than_ever_is_above_all_that_was_before():
    """What was higher for some hours before is no new territory, and takes no calm word back."""

    def mb(hours):
        return level(hours) + 60 * (hours > 86) + 90 * ((hours > 30) & (hours < 33))

    assert word_now(mb, "cannot_say") == "stable"


def test_in_its_first_day_a_word_does_not_flap():
    """Of noise that wanders, hourly checks of the first day change their word half as often as the newest readings do, or less."""
    hours = np.arange(0, 24, 1 / 12)
    said, seen = 0, 0
    for seed in range(30, 70):
        history = history_of(hours, noisy(hours, seed, memory=0.99, sd=6.0))
        parts = [history.slice_time(None, BEGIN + hour * 3600) for hour in np.arange(8, 24, 1.0).tolist()]
        newest = [judge_as_it_is([run_series(part, warm_up_hours=1.0)], 10.0).verdict for part in parts]
        said += sum(a != b for a, b in pairwise(detect_leak(part).verdict for part in parts))
        seen += sum(a != b for a, b in pairwise(newest))
    assert seen >= 8
    assert said <= 0.5 * seen


def test_from_a_day_on_the_checks_made_again_lie_twelve_hours_apart():
    """In the first day they lie three hours apart, from then on at the hours of the clock that every later check sees too."""
    for length, apart in ((20, 3), (30, 12), (90, 12)):
        hours = np.arange(0, length + 1e-9, 1 / 12)
        run = run_series(history_of(hours, level(hours)), warm_up_hours=1.0)
        found = judge_as_it_is([run], 10.0)
        words, ends = iter(("growing", "stable", "growing", "stable")), []

        def judge(runs, found=found, words=words, ends=ends):
            ends.append((float(runs[0].at_seconds[-1]) - BEGIN) / 3600)
            return replace(found, verdict=Verdict(next(words)))

        settled(replace(found, verdict=Verdict.CANNOT_SAY), [run], run, 10.0, judge)
        assert len(ends) >= 2
        assert -np.diff(ends) == pytest.approx(apart, abs=0.2)


def test_a_warm_up_that_is_over_is_told_at_once_in_the_first_day():
    """What the checks before called a warm-up is called stable as soon as the newest readings say so."""
    hours = np.arange(0, 26, 1 / 12)
    run = run_series(history_of(hours, level(hours)), warm_up_hours=1.0)
    evidence = judge_as_it_is([run], 10.0).evidence
    for first, said in (("saturating", "stable"), ("growing", "growing")):
        earlier = Judgement(verdict=Verdict(first), reason="trend", evidence=evidence)
        present = Judgement(verdict=Verdict.STABLE, reason="growth_ended", evidence=evidence)
        assert settled(present, [run], run, 10.0, lambda _, earlier=earlier: earlier).verdict == said


def test_a_step_that_does_not_stand_out_is_no_word_beside_stable():
    """Wandering noise has no steps, however level it is; a step many times as large as what is left beside it is told."""
    hours = np.arange(0, 96, 1 / 12)
    words = []
    for seed in range(40):
        run = run_series(history_of(hours, noisy(hours, seed, sd=4.0)), warm_up_hours=1.0)
        words.append(judge_as_it_is([run], 10.0).verdict)
    assert words.count(Verdict.STABLE) > 30
    assert Verdict.STEPPED not in words
    clear = 300 + np.random.default_rng(3).normal(0, 1.0, hours.size) + 20.0 * (hours > 50)
    assert (
        judge_as_it_is([run_series(history_of(hours, clear), warm_up_hours=1.0)], 10.0).verdict == "stepped"
    )


def test_in_its_first_day_a_calm_word_waits_for_two_checks():
    """One check and the newest readings do not take back a calm word that two checks said, where no leak is about; another word they do."""
    hours = np.arange(0, 23, 1 / 12)
    run = run_series(history_of(hours, level(hours)), warm_up_hours=1.0)
    evidence = judge_as_it_is([run], 10.0).evidence
    for before, expected in (("stable", "stable"), ("growing", "stepped")):
        checks = iter(("stepped", before, before, before))

        def judge(_, checks=checks):
            return Judgement(verdict=Verdict(next(checks)), reason="trend", evidence=evidence)

        present = Judgement(verdict=Verdict.STEPPED, reason="steps_explain", evidence=evidence)
        assert settled(present, [run], run, 10.0, judge).verdict == expected
