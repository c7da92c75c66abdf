"""leaks, check, forecast, report and deques: what they answer and with which exit code."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from cli_helpers import ramp_csv

from memmon.cli.commands.check import plugin_text
from memmon.cli.commands.leaks import exit_code, worst


def leaks(call, database, *arguments):
    return call("leaks", "--db", database, *arguments)


@pytest.mark.parametrize(("source", "code"), [("leaky", 1), ("flat", 0), ("young", 3)])
def test_leaks_answers_in_its_exit_code(call, histories, source, code):
    """A leak is 1, none is 0, too little to say is 3; the database is named on standard error."""
    answer = leaks(call, histories, "--source", source)
    assert answer.code == code
    assert answer.out.startswith(f"{source}: ")
    assert f"database: {histories}" in answer.err


def test_leaks_judges_all_sources_and_the_worst_decides(call, histories):
    """Without a source all are judged, and one leak makes the code 1."""
    answer = leaks(call, histories, "--json")
    assert answer.code == 1
    assert [finding["source"] for finding in answer.json["findings"]] == ["flat", "leaky", "young"]
    assert answer.json["exit_code"] == 1


def test_leaks_finding_has_the_fields_of_the_value(call, histories):
    """A finding of --json has the names of LeakFinding and a slope close to the truth."""
    (finding,) = leaks(call, histories, "--source", "leaky", "--json").json["findings"]
    assert finding["verdict"] == "leaking"
    assert finding["is_leak"] is True
    assert finding["slope_mb_per_hour"] == pytest.approx(25.0, rel=0.02)
    assert (
        finding["slope_low_mb_per_hour"] <= finding["slope_mb_per_hour"] <= finding["slope_high_mb_per_hour"]
    )
    assert finding["policy"]["threshold_mb_per_hour"] == 10.0


def test_threshold_option_and_setting_decide(call, histories, monkeypatch):
    """Above the growth the threshold makes it no leak; the option is stronger than the variable."""
    assert leaks(call, histories, "--source", "leaky", "--threshold", 100).code == 0
    monkeypatch.setenv("MEMMON_LEAK_THRESHOLD_MB_PER_HOUR", "100")
    assert leaks(call, histories, "--source", "leaky").code == 0
    assert leaks(call, histories, "--source", "leaky", "--threshold", 10).code == 1


def test_since_counts_back_from_the_last_sample(call, histories):
    """--since 6h judges the last 6 hours of the history, whenever it ended."""
    (finding,) = leaks(call, histories, "--source", "leaky", "--since", "6h", "--json").json["findings"]
    assert finding["duration_hours"] == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_fail_on_counts_that_level_and_above(call, histories, level):
    """A leak of high confidence fails at every level."""
    assert leaks(call, histories, "--source", "leaky", "--fail-on", level).code == 1


def test_worst_of_several_codes():
    """A leak outweighs doubt, doubt outweighs none."""
    assert worst([0, 3, 1]) == 1
    assert worst([0, 3]) == 3
    assert worst([0, 0]) == 0


def test_low_confidence_leak_passes_a_high_bar():
    """A leak below the level asked for is no failure."""

    class Finding:
        is_leak, confidence, verdict = True, "medium", "leaking"

    assert exit_code(Finding(), "high") == 0
    assert exit_code(Finding(), "medium") == 1


def test_several_sources_need_a_name_elsewhere(call, histories):
    """Commands that show one source list the known ones and exit 2."""
    for command in (["report"], ["forecast"], ["deques"], ["annotate", "x"], ["export"]):
        answer = call(*command, "--db", histories)
        assert answer.code == 2
        assert "flat, leaky, young" in answer.last_line
        assert answer.out == ""


def test_unknown_source_and_run_list_the_known(call, histories):
    """An unknown source or run is refused with what there is."""
    unknown = leaks(call, histories, "--source", "nobody")
    assert (unknown.code, "flat, leaky, young" in unknown.last_line) == (2, True)
    run = leaks(call, histories, "--source", "flat", "--run", "999")
    assert run.code == 2
    assert "its newest runs: 2" in run.last_line
    assert leaks(call, histories, "--source", "flat", "--run", "last").code == 0


def test_window_without_data_says_what_there_is(call, histories):
    """A window with no sample is refused with the span that has some; one that ends first, too."""
    for command in ("leaks", "report", "forecast"):
        answer = call(
            command, "--db", histories, "--source", "flat", "--since", "2020-01-01", "--until", "2020-02-01"
        )
        assert answer.code == 2
        assert "there are some from" in answer.last_line
    backwards = leaks(call, histories, "--source", "flat", "--since", "1h", "--until", "2h")
    assert (backwards.code, "is after" in backwards.last_line) == (2, True)


@pytest.mark.parametrize(
    ("source", "code", "name"), [("leaky", 1, "WARNING"), ("flat", 0, "OK"), ("young", 3, "UNKNOWN")]
)
def test_check_speaks_the_plugins_language(call, histories, source, code, name):
    """A leak far from its limit warns, none is OK, no verdict is UNKNOWN; performance data follow a bar; the database is named."""
    answer = call("check", "--db", histories, "--source", source)
    assert answer.code == code
    first, *rest = answer.out.splitlines()
    assert first.startswith(f"MEMMON {name} - {source}: ")
    assert "| 'rss'=" in first
    assert f"database: {histories}" in rest
    assert answer.err == ""


def test_check_worst_source_decides(call, histories):
    """Over all sources the worst state is told, and each has its line and its own labels."""
    answer = call("check", "--db", histories)
    assert answer.code == 1
    assert answer.out.startswith("MEMMON WARNING - leaky: ")
    assert "'flat rss'=" in answer.out.splitlines()[0]
    assert "OK flat: " in answer.out


def test_check_carries_the_whole_assessment(call, histories):
    """Each source has its assessment in the JSON, and the one that decides stands beside the exit code."""
    found = call("check", "--db", histories, "--json").json
    by_source = {one["source"]: one["assessment"] for one in found["sources"]}
    assert set(by_source) >= {"leaky", "flat", "young"}
    assert found["assessment"] == by_source["leaky"]
    assert found["assessment"]["severity"] == "warning"
    assert found["assessment"]["headline"].startswith("Memory leaks: 25.0")
    assert f"--db {histories} --source leaky" in found["assessment"]["advice"][-1]
    assert by_source["flat"]["advice"] == []


def test_check_finds_the_limit_near_and_used(call, histories):
    """A limit reached within 24 h is CRITICAL, 80 % of it used is WARNING."""
    near = call("check", "--db", histories, "--source", "leaky", "--limit", "1GiB", "--threshold", 1000)
    assert near.code == 2
    assert "limit reached in" in near.out
    used = call("check", "--db", histories, "--source", "flat", "--limit", "240MB")
    assert used.code == 1
    assert "(83 %)" in used.out


def test_check_medium_leak_is_a_warning(call, tmp_path):
    """A leak of medium confidence is WARNING, not CRITICAL."""
    database = tmp_path / "m.db"
    call("import", "--db", database, ramp_csv(tmp_path / "b.csv", hours=14, mb_per_hour=30.0))
    finding = leaks(call, database, "--json").json["findings"][0]
    assert (finding["is_leak"], finding["confidence"]) == (True, "medium")
    answer = call("check", "--db", database)
    assert answer.code == 1
    assert answer.out.startswith("MEMMON WARNING - b: leak of 30")


def test_check_old_data_are_unknown(call, histories, tmp_path):
    """Data older than --max-age are UNKNOWN, also by default after three intervals."""
    stale = call("check", "--db", histories, "--source", "flat", "--max-age", "0.001s")
    assert (stale.code, "stale: last sample" in stale.out) == (3, True)
    database = tmp_path / "old.db"
    path = ramp_csv(tmp_path / "old.csv", hours=30, mb_per_hour=0.0)
    start = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    call("import", "--db", database, "--start", start, path)
    assert call("check", "--db", database).code == 3
    assert call("check", "--db", database, "--max-age", "30d").code == 0
    assert "STALE" in leaks(call, database).out


@pytest.mark.parametrize(
    "arguments",
    [["--bogus"], ["--max-age", "soon"], ["--limit", "much"], ["--db", "/nowhere/x.db"], ["--source", "nobody"], ["--threshold", "nan"], ["surplus"]],
)  # fmt: skip
def test_check_errors_are_unknown(call, histories, arguments):
    """Whatever goes wrong in check is 3, one line on standard error, and an UNKNOWN for the plugin's reader."""
    base = [] if "--db" in arguments else ["--db", histories]
    answer = call("check", *base, *arguments)
    assert answer.code == 3
    assert len(answer.err.strip().splitlines()) == 1
    assert answer.out.startswith("MEMMON UNKNOWN - ")


def test_check_source_without_data_is_unknown(call, tmp_path):
    """A source that never gave a sample is UNKNOWN, with no traceback."""
    database = tmp_path / "e.db"
    call("import", "--db", database, ramp_csv(tmp_path / "b.csv", hours=30, mb_per_hour=0.0))
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO source (name, created_ms) VALUES ('empty', 0)")
    connection.commit()
    connection.close()
    answer = call("check", "--db", database)
    assert answer.code == 3
    assert "empty has no samples yet" in answer.out
    assert leaks(call, database).code == 0


def test_hostile_source_names_stay_text(call, tmp_path):
    """A bar, a quote or an escape in a source's name changes neither performance data nor the terminal."""
    database = tmp_path / "h.db"
    name = "a|b'c=d\x1b[31m"
    call(
        "import", "--db", database, "--source", name, ramp_csv(tmp_path / "b.csv", hours=30, mb_per_hour=0.0)
    )
    call("import", "--db", database, "--source", "z", ramp_csv(tmp_path / "b.csv", hours=30, mb_per_hour=0.0))
    for command in ("check", "leaks", "runs", "db status"):
        answer = call(*command.split(), "--db", database)
        assert "\x1b" not in answer.out + answer.err
    first = call("check", "--db", database).out.splitlines()[0]
    assert first.count("|") == 1
    assert leaks(call, database, "--json").json["findings"][0]["source"] == name


def test_plugin_text_without_any_data():
    """A check with nothing but a reason still gives a plugin's line."""
    from memmon.assessment.check_state import CheckState
    from memmon.cli.commands.check import CheckedSource

    unknown = CheckState.UNKNOWN
    text = plugin_text(
        unknown, [CheckedSource(source="s", state=unknown, reasons=("no | data",))], database="d"
    )
    assert text.splitlines() == ["MEMMON UNKNOWN - s: no / data", "database: d"]


def test_forecast_says_when_the_limit_is_reached(call, histories):
    """Straight growth of 25 MB/h from 950 MB reaches 2 GiB in about 44 hours."""
    answer = call(
        "forecast", "--db", histories, "--source", "leaky", "--limit", "2GiB", "--no-cross-check", "--json"
    )
    (finding,) = answer.json["findings"]
    assert answer.code == 0
    assert finding["hours_to_limit"] == pytest.approx((2048 - 950) / 25, rel=0.05)
    assert finding["hours_to_limit_low"] <= finding["hours_to_limit"] <= finding["hours_to_limit_high"]
    assert finding["source"] == "leaky"
    text = call("forecast", "--db", histories, "--source", "leaky", "--limit", "host", "--no-cross-check").out
    assert text.startswith("leaky: ")


def test_forecast_needs_a_limit_that_is_known(call, histories):
    """A container limit that was never recorded is refused with what to give instead."""
    answer = call("forecast", "--db", histories, "--source", "flat", "--limit", "container")
    assert answer.code == 2
    assert "--limit 2GiB" in answer.last_line


def test_report_formats(call, histories, tmp_path):
    """The report comes as text, as one JSON object, and as a page; the suffix of -o chooses."""
    text = call("report", "--db", histories, "--source", "leaky")
    assert text.code == 0
    assert "24-HOUR MEMORY USAGE REPORT" in text.out
    assert "LEAK DETECTED (confidence: high)" in text.out
    found = call("report", "--db", histories, "--source", "leaky", "--json").json
    assert found["findings"][0]["source"] == "leaky"
    assert found["report"]["memory"]["sample_count"] > 280
    assert found == call("report", "--db", histories, "--source", "leaky", "--format", "json").json | {
        "report": found["report"],
        "assessment": found["assessment"],
    }
    assert "assessment" not in found["report"]
    assert found["assessment"]["finding"] == found["report"]["leak"]["finding"]
    assert (found["assessment"]["severity"], found["assessment"]["source"]) == ("warning", "leaky")
    page = tmp_path / "r.html"
    assert call("report", "--db", histories, "--source", "leaky", "-o", page).code == 0
    assert page.read_text().lower().startswith("<!doctype html>")


def test_report_stored_ones(call, histories, tmp_path):
    """--list lists the stored reports, --saved prints the one of a day, an unknown day names the known."""
    database = tmp_path / "s.db"
    call("import", "--db", database, ramp_csv(tmp_path / "b.csv", hours=3, mb_per_hour=0.0))
    empty = call("report", "--db", database, "--list")
    assert (empty.code, "no stored reports yet" in empty.err) == (0, True)
    connection = sqlite3.connect(database)
    at = datetime(2026, 1, 31, 12).astimezone()
    for number in range(2):
        moment = round((at + timedelta(hours=number)).timestamp() * 1000)
        connection.execute(
            "INSERT INTO report (source_id, at_ms, window_ms, text, data) VALUES (1, ?, 86400000, ?, '{}')",
            (moment, f"report {number}\nMEMORY LEAK DETECTION:\n  headline {number}"),
        )
    connection.commit()
    connection.close()
    assert "headline 1" in call("report", "--db", database, "--list").out
    assert call("report", "--db", database, "--saved", "2026-01-31").out.startswith("report 1")
    assert call("report", "--db", database, "--saved", "last").out.startswith("report 1")
    missing = call("report", "--db", database, "--saved", "2026-02-01")
    assert (missing.code, "2026-01-31" in missing.last_line) == (2, True)
    wrong = call("report", "--db", database, "--saved", "someday")
    assert wrong.code == 2
