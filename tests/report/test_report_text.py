from __future__ import annotations

import subprocess
import sys
import unicodedata
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from report_values import NOW, bounded, finding, held

from memmon.report.data import EventRow, HistorySection, RunRow, Staleness, StoredSections
from memmon.report.from_snapshots import judge_snapshots, report_from_snapshots
from memmon.report.text import WIDTH_COLUMNS, render_text

RULE = "=" * 80


def text_of(snapshots=None, deques=(), *, encoding="utf-8", max_deques=10, **kwargs):
    snapshots = held([220.1, 251.4, 245.3]) if snapshots is None else snapshots
    report = report_from_snapshots(snapshots, deques, source="orderbot", now=NOW, **kwargs)
    return render_text(report, encoding=encoding, max_deques=max_deques, tz=UTC)


def test_the_report_has_the_rules_the_title_and_the_memory_figures_to_the_letter():
    """The head and the memory section stand exactly as the contract shows them."""
    lines = text_of(finding=finding()).splitlines()
    assert lines[:11] == [
        RULE,
        "24-HOUR MEMORY USAGE REPORT",
        RULE,
        "",
        "MEMORY USAGE:",
        "  Current: 245.3 MB",
        "  Average: 238.9 MB",
        "  Min: 220.1 MB",
        "  Max: 251.4 MB",
        "  Samples: 3",
        "",
    ]
    assert lines[11:15] == [
        "MEMORY LEAK DETECTION:",
        "  ✅ No leak detected",
        "  Growth rate: 2.15 MB/hour (threshold: 10.0)",
        "  Details: No sustained growth in 24 hours.",
    ]
    assert lines[-2:] == ["", RULE]


def test_the_deque_section_is_to_the_letter():
    """A deque's line shows length, limit and percentage, and a long list says how many there are."""
    deques = [bounded("binance_price_history_BTC", 8234, 10000)] + [bounded(f"d{i:02}", 1) for i in range(31)]
    text = text_of(deques=deques, finding=finding(), max_deques=3)
    assert (
        "DEQUE SIZE LIMITS:\n"
        "  ✅ All deques within limits\n"
        "  ✅ binance_price_history_BTC: 8234/10000 (82.3% full)\n"
        "  ✅ d00: 1/100 (1.0% full)\n"
        "  ✅ d01: 1/100 (1.0% full)\n"
        "  ... (32 deques total)\n"
    ) in text


def test_failing_deques_come_first_and_the_headline_warns():
    """Deques without a limit, above it or with another than registered fail, first in the list."""
    deques = [
        bounded("fine", 100),
        bounded("no_limit", 5, None),
        bounded("above", 120),
        bounded("other", 3, 100, expected_maxlen_count=50),
        bounded("dead", None, None, is_alive=False),
    ]
    section = text_of(deques=deques, finding=finding()).split("DEQUE SIZE LIMITS:\n")[1].splitlines()
    assert section[0] == "  ⚠️ Some deques exceeded limits!"
    assert sorted(section[1:4]) == [
        "  ❌ above: 120/100 (120.0% full) above its limit",
        "  ❌ no_limit: 5 (no maxlen)",
        "  ❌ other: 3/100 (3.0% full) (expected maxlen 50)",
    ]
    assert section[4] == "  ⚠️ dead: gone (the deque no longer exists)"
    assert section[5] == "  ✅ fine: 100/100 (100.0% full)"


def test_a_dead_deque_alone_is_no_exceeded_limit():
    """A deque that is gone is reported, but it exceeds nothing."""
    text = text_of(deques=[bounded("dead", None, None, is_alive=False)], finding=finding())
    assert "All deques within limits" in text
    assert "dead: gone" in text


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"verdict": "stable"}, "✅ No leak detected"),
        ({"verdict": "stepped"}, "✅ No leak detected"),
        ({"verdict": "load_driven"}, "✅ No leak detected"),
        (
            {"verdict": "leaking", "is_leak": True, "confidence": "high"},
            "⚠️ LEAK DETECTED (confidence: high)",
        ),
        ({"verdict": "growing"}, "⚠️ Growing below the threshold"),
        ({"verdict": "saturating"}, "⏳ Still warming up"),
        ({"verdict": "filling"}, "⏳ Deques still filling"),
        ({"verdict": "cannot_say"}, "⏳ Cannot say yet (smallest visible: 1.25 MB/hour)"),
    ],
)
def test_the_headline_follows_the_verdict(changes, headline):
    """Each verdict has its own headline, worded as in the contract."""
    assert f"MEMORY LEAK DETECTION:\n  {headline}\n" in text_of(finding=finding(**changes))


@pytest.mark.parametrize(("verdict", "word"), [("stepped", "step"), ("load_driven", "load")])
def test_quiet_verdicts_that_are_not_stable_are_named_in_the_details(verdict, word):
    """Steps and load stand behind 'No leak detected'; the details say which."""
    details = text_of(finding=finding(verdict=verdict, summary="So it is.")).split("Details:")[1]
    assert word in details.split("\n\n")[0]


def test_a_leak_shows_rate_and_total_growth():
    """The leak's headline is followed by its rate and total growth in the contract's wording."""
    leak = finding(
        verdict="leaking", is_leak=True, confidence="high", slope_mb_per_hour=16.2, growth_mb=389.04
    )
    assert (
        "  ⚠️ LEAK DETECTED (confidence: high)\n"
        "  Growth rate: 16.20 MB/hour (threshold: 10.0)\n"
        "  Total growth: 389.0 MB over 24.0h\n"
    ) in text_of(finding=leak)


def test_a_missing_verdict_says_why_and_the_other_sections_still_come():
    """When the analysis can't run, memory and deques are shown and the leak section has the reason."""
    text = text_of(deques=[bounded("d", 1)], leak_missing_reason="no headroom under the container's limit")
    assert "Details: no verdict: no headroom under the container's limit" in text
    assert "Current: 245.3 MB" in text
    assert "d: 1/100 (1.0% full)" in text


def test_no_snapshot_is_no_data():
    """Without a single snapshot the whole answer is one sentence."""
    assert text_of([]) == "No memory data available"


def test_failed_readings_count_for_nothing():
    """A NaN reading changes neither the figures nor the count of samples."""
    text = text_of(held([100.0, float("nan"), 200.0]), finding=finding())
    assert "Average: 150.0 MB" in text
    assert "Samples: 2" in text


def test_least_squares_stands_beside_and_a_disagreement_is_explained():
    """Where OLS crosses the threshold and the robust slope does not, one sentence says why."""
    apart = finding(
        ols_slope_mb_per_hour=14.0, ols_slope_low_mb_per_hour=12.0, ols_slope_high_mb_per_hour=16.0
    )
    text = text_of(finding=apart)
    assert "Least squares: 14.00 MB/hour (95 %: 12.00 to 16.00)" in text
    assert "Least squares differs because" in text
    assert "Least squares differs" not in text_of(finding=finding())


@pytest.mark.parametrize(
    ("known", "robust", "least_squares"),
    [
        ({}, "2.15 MB/hour (95 %: -0.20 to 4.50)", "2.20 MB/hour (95 %: -0.40 to 4.80)"),
        (
            {"slope_mb_per_hour": None, "slope_low_mb_per_hour": None, "slope_high_mb_per_hour": None},
            "unknown",
            "2.20 MB/hour (95 %: -0.40 to 4.80)",
        ),
        ({"ols_slope_mb_per_hour": None}, "2.15 MB/hour (95 %: -0.20 to 4.50)", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_both_slopes_always_have_their_line(known, robust, least_squares):
    """Whatever is known, and where nothing could be judged: one line each, with its 95 % interval or `unknown`."""
    given = {"leak_missing_reason": "no headroom"} if known is None else {"finding": finding(**known)}
    lines = text_of(**given).splitlines()
    assert [line for line in lines if "Robust slope:" in line] == [f"  Robust slope: {robust}"]
    assert [line for line in lines if "Least squares:" in line] == [f"  Least squares: {least_squares}"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "no-such-encoding"])
def test_plain_signs_stand_in_where_the_encoding_cannot_carry_them(encoding):
    """OK, !!, .. and XX replace the signs, and the text can be written in that encoding."""
    deques = [bounded("é日本", 1), bounded("bad", 5, None)]
    text = text_of(deques=deques, finding=finding(verdict="saturating"), encoding=encoding)
    text.encode("ascii" if encoding == "no-such-encoding" else encoding)
    assert "  .. Still warming up" in text
    assert "  !! Some deques exceeded limits!" in text
    assert "  XX bad: 5 (no maxlen)" in text
    assert "  OK " in text


@settings(deadline=None, max_examples=60)
@given(name=st.text(max_size=300), reason=st.text(max_size=300))
@example(name="0" * 60 + "\u0300" * 2, reason="")
@example(name="日" * 60, reason="\uff21" * 90)
def test_hostile_names_neither_break_lines_nor_reach_the_terminal(name, reason):
    """Whatever a name holds, no control character passes and no line is wider than 80 columns."""
    text = text_of(
        deques=[bounded(name, 5, None)],
        leak_missing_reason=reason,
        stored=StoredSections(database=name, events=(EventRow(at=NOW, kind="note", text=reason),)),
    )
    allowed = {"\n"}
    assert not [
        c for c in text if c not in allowed and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u202e")
    ]
    text.encode("utf-8")
    assert max(map(columns, text.splitlines())) <= WIDTH_COLUMNS


def columns(line):
    """How wide a terminal shows a line: a combining mark takes no room, a wide letter takes two columns."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in line
    )


def test_times_are_local_with_their_offset_and_staleness_is_said():
    """People read local time with its UTC offset; an old last sample is pointed out."""
    stored = StoredSections(
        database="/var/lib/bot/memmon.db",
        history=HistorySection(
            run_count=3,
            first_at=NOW - timedelta(days=9),
            last_at=NOW,
            runs=(
                RunRow(
                    run_id=3,
                    started_at=NOW - timedelta(hours=5),
                    ended_at=None,
                    last_at=NOW,
                    end_reason="oom",
                    release="1.4.2",
                    first_mb=100.0,
                    last_mb=180.0,
                ),
            ),
            sample_count=2000,
            max_mb=400.0,
        ),
        staleness=Staleness(last_at=NOW, age_seconds=7200.0, interval_seconds=300.0, is_stale=True),
    )
    report = report_from_snapshots(held([1.0, 2.0]), source="bot", now=NOW, finding=finding(), stored=stored)
    text = render_text(report, tz=timezone(timedelta(hours=5, minutes=30)))
    assert "Stale: the last sample is of 2026-03-01 17:30 +05:30, 2.0 h ago" in text
    assert "Runs: 3 (2 restarts)" in text
    assert "2026-03-01 12:30 +05:30, 5.0 h, release 1.4.2, 100 to 180 MB, killed: out of" in text


def test_the_host_renders_without_the_analysis():
    """Building and rendering a report without a verdict loads neither numpy nor pandas nor Jinja2."""
    code = (
        "import sys\n"
        "from datetime import datetime, UTC\n"
        "from memmon.report.from_snapshots import report_from_snapshots\n"
        "from memmon.report.text import render_text\n"
        "r = report_from_snapshots([], source='s', now=datetime.now(UTC), leak_missing_reason='x')\n"
        "render_text(r)\n"
        "print(sorted({'numpy', 'pandas', 'sqlalchemy', 'jinja2', 'statsmodels'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_steady_growth_is_judged_from_what_the_host_holds():
    """1 MB every 3.6 minutes for three hours is a leak in the report, too."""
    snapshots = held([100.0 + i for i in range(51)], minutes=3.6)
    report_finding = judge_snapshots(snapshots, source="bot")
    assert report_finding.is_leak
    assert "LEAK DETECTED" in text_of(snapshots, finding=report_finding)
