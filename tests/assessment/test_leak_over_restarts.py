"""What is told of a leak names since when it leaks over restarts, and to which release to go back."""

from __future__ import annotations

from page_histories import NOW, READERS, write

from memmon.child.requests import Check
from memmon.tasks.check import check


def told(tmp_path, reader):
    """Return the leak's alert as the hourly check in a program hands it over."""
    past = READERS[reader]
    found = check(
        Check(
            database=write(tmp_path / "m.db", past),
            source=past.source,
            now=NOW,
            leak_check=True,
            daily_report=False,
            threshold_mb_per_hour=10.0,
            look_at_all_pages=False,
        )
    )
    (leak,) = [one for one in found.alerts if one.kind == "leak"]
    return leak


def test_an_alert_says_that_the_run_before_leaked_too_and_where_to_go_back_to(tmp_path):
    """Whoever is woken learns when it began and with which release; the values say the same to a program."""
    leak = told(tmp_path, "5")
    begun = "2026-03-03 16:31 +00:00"
    assert (
        f", since 2026-03-04 19:49 +00:00; the run before leaked too, since {begun}, with release 2.7.0; "
        in leak.message
    )
    assert leak.message.endswith(" Go back to 2.6.0 until the leak is mended.")
    before = leak.values["before_restart"]
    assert (before["run_count"], before["since"][:16], before["release"]) == (1, "2026-03-03T16:31", "2.7.0")


def test_a_leak_that_began_with_its_run_says_nothing_of_runs_before(tmp_path):
    """Beside a run before that was well there is only the way back to it."""
    leak = told(tmp_path, "1")
    assert " too, since" not in leak.message
    assert leak.message.endswith(" Go back to 5.1.1 until the leak is mended.")
    assert "before_restart" not in leak.values
