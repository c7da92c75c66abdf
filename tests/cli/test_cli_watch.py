"""The live view: what it shows, and that it ends when asked."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from datetime import UTC, datetime

import pytest
from cli_helpers import PACKAGE_FOLDER, ramp_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.assessment import explainable
from memmon.cli.commands import watch
from memmon.cli.demo_history import write_demo_history
from memmon.cli.options import Common, WindowOptions
from memmon.cli.selection import opened
from memmon.cli.source_table import HEADINGS, SCREEN_LETTERS, SourceCells
from memmon.cli.watch_view import sparkline
from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade


def test_watch_looks_once_into_a_pipe(call, histories):
    """Without a terminal one look is printed: verdict, since when and what to do, memory, sparkline, forecast."""
    answer = call("watch", "--db", histories, "--source", "leaky")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "leaky: LEAK DETECTED (confidence: high)"
    assert re.match(r"Leaking \d+\.\d\d MB/hour since \w+", lines[1])
    figures = next(place for place, line in enumerate(lines) if line.startswith("RSS 9"))
    assert any(line.startswith("Do: ") for line in lines[1:figures])
    assert lines[figures + 1].startswith("▁")
    assert lines[figures + 1].endswith("█")
    assert "\x1b" not in answer.out


def test_watch_names_the_culprit(call, tmp_path):
    """Who holds what grows, and that it is to be bound, stand above all figures."""
    database = parse_database(tmp_path / "demo.db")
    upgrade(database)
    write_demo_history(database, now=datetime.now(UTC))
    lines = call("watch", "--db", tmp_path / "demo.db").out.splitlines()
    assert lines[1].endswith(", with release 1.8.1.")
    assert lines[2].startswith("order_cache holds 8")
    assert lines[4] == "Do: Bound or clear order_cache: it holds what grows."


def test_watch_reads_the_cause_once_while_nothing_is_new(histories, monkeypatch):
    """The live view looks every few seconds; what the growth's cause rests on comes every few minutes."""
    looks, reads, real = [], [], explainable.read_growth
    monkeypatch.setattr(explainable, "read_growth", lambda *given: reads.append(given) or real(*given))

    def look_thrice(panel, every_seconds):
        looks.extend(panel(80, 24) for _ in range(3))

    monkeypatch.setattr(watch, "_keep_looking", look_thrice)
    window = WindowOptions(since=None, until=None, run=None, threshold_mb_per_hour=None)
    asked = Common(db=str(histories), source="leaky", as_json=False, output=None, force=False)
    with opened(asked) as found:
        watch._live(found, window, 5.0)
    assert len(looks) == 3
    assert len(reads) == 1


def test_watch_names_sources(call, histories):
    """Several sources need a name; JSON has the finding."""
    assert call("watch", "--db", histories).code == 2
    (finding,) = call("watch", "--db", histories, "--source", "flat", "--json").json["findings"]
    assert (finding["source"], finding["is_leak"]) == ("flat", False)


def test_watch_shows_all_in_the_order_of_the_fleet(call, histories):
    """With --all a line for each source, the most urgent first, in the words of `memmon fleet`; options of one source don't go with it."""
    answer = call("watch", "--db", histories, "--all")
    assert answer.code == 0
    headline, _, *lines = answer.out.splitlines()
    fleet = call("fleet", "--db", histories, "--json").json["findings"]
    assert headline.startswith(f"{len(fleet)} sources: ")
    assert [re.split(r"\s{2,}", line)[:2] for line in lines] == [
        [one["urgency_words"], one["source"]] for one in fleet
    ]
    found = call("watch", "--db", histories, "--all", "--json").json
    assert [one["source"] for one in found["findings"]] == [one["source"] for one in fleet]
    assert found["lines"][0] == headline
    assert call("watch", "--db", histories, "--all", "--source", "flat").code == 2


def test_fleet_and_watch_say_the_same_of_each_source(call, histories):
    """Their tables begin alike: state, name, memory, use of the limit, time to it, growth, and the newest sample's age."""
    watched = [
        re.split(r"\s{2,}", line)[:7]
        for line in call("watch", "--db", histories, "--all").out.splitlines()[1:]
    ]
    table = call("fleet", "--db", histories).out.split("\n\n")[1]
    judged = [re.split(r"\s{2,}", line)[:7] for line in table.splitlines()]
    assert watched[0] == judged[0] == list(HEADINGS)
    assert [row[:6] for row in judged] == [row[:6] for row in watched]
    assert all(row[6].endswith(" ago") for row in judged[1:])
    findings = call("fleet", "--db", histories, "--json").json["findings"]
    assert [one["time_words"] for one in findings] == [row[4] for row in judged[1:]]


@given(st.text(alphabet="abc-", min_size=1, max_size=200), st.booleans())
@settings(deadline=None, max_examples=100)
def test_a_long_name_takes_no_column_from_a_screen(name, is_screen):
    """On a screen both ends of a long name are shown, within so many letters; in a file or a pipe it stands whole."""
    cells = SourceCells(
        state="well",
        source=name,
        rss_bytes=None,
        used_percent=None,
        left="-",
        slope_mb_per_hour=None,
        age_seconds=None,
    )
    shown = cells.texts(is_screen=is_screen)[1]
    if not is_screen or len(name) <= SCREEN_LETTERS:
        assert shown == name
        return
    assert len(shown) == SCREEN_LETTERS
    head, tail = shown.split("...")
    assert name.startswith(head)
    assert name.endswith(tail)


@pytest.mark.parametrize("command", [("fleet",), ("watch", "--all", "--once")])
def test_a_terminal_is_known_for_a_screen(tmp_path, command):
    """In a terminal a name of 180 letters is shortened, as it is not in a pipe."""
    name = "x" * 180
    path = ramp_csv(tmp_path / f"{name}.csv", hours=30, mb_per_hour=0.0)
    words = [sys.executable, "-m", "memmon"]
    environment = {**os.environ, "PYTHONPATH": PACKAGE_FOLDER, "NO_COLOR": "1", "TERM": "xterm"}
    database = str(tmp_path / "m.db")
    subprocess.run(
        [*words, "import", "--db", database, str(path)], check=True, env=environment, capture_output=True
    )
    main, other = pty.openpty()
    with subprocess.Popen(
        [*words, *command, "--db", database], stdout=other, stderr=subprocess.DEVNULL, env=environment
    ) as shown:
        os.close(other)
        text = b""
        while part := _read(main):
            text += part
    os.close(main)
    assert shown.returncode == 0
    assert b"xxx...xxx" in text
    assert name.encode() not in text
    piped = subprocess.run(
        [*words, *command, "--db", database], check=True, env=environment, capture_output=True
    )
    assert name.encode() in piped.stdout


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 12)])
def test_watch_lives_in_a_terminal_until_interrupted(histories, columns, rows):
    """In a terminal the view is shown anew until Ctrl-C, which ends it with 0; NO_COLOR is honoured.

    However small the terminal, the verdict, since when, what to do and how fresh it is fit into it.
    """
    main, other = pty.openpty()
    termios.tcsetwinsize(other, (rows, columns))
    words = ["watch", "--db", str(histories), "--source", "leaky", "--every", "200ms"]
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    environment = {**kept, "PYTHONPATH": PACKAGE_FOLDER, "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "memmon", *words],
        stdin=other,
        stdout=other,
        stderr=subprocess.PIPE,
        env=environment,
    ) as watching:
        os.close(other)
        shown = b""
        while shown.count(b"Ctrl-C ends") < 2:
            shown += os.read(main, 4096)
        watching.send_signal(signal.SIGINT)
        while _read(main):
            pass
        said = watching.communicate(timeout=20)[1].decode()
    os.close(main)
    assert watching.returncode == 0, said
    frame = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).split("Ctrl-C ends")[0]
    seen = [line.strip("│ \r") for line in frame.splitlines() if line.startswith("│")]
    assert "LEAK DETECTED" in seen[0]
    assert len(seen) <= rows - 2
    assert all(len(line) <= columns for line in frame.splitlines())
    text = " ".join(seen)
    assert " since " in text
    assert " Do: " in text
    assert "last sample " in text
    assert b"\x1b[1;31m" not in shown
    assert "Traceback" not in said


def _read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


@given(st.lists(st.one_of(st.none(), st.floats(min_value=0, max_value=1e6)), max_size=50))
@settings(deadline=None, max_examples=60)
def test_sparkline_has_a_bar_per_value(values):
    """One character per value, a gap where there is none, the highest at the highest value."""
    shown = sparkline(values)
    known = [value for value in values if value is not None]
    assert len(shown) == (len(values) if known else 0)
    if known and max(known) - min(known) > 1e-6:
        assert shown[values.index(max(known))] == "█"
        assert shown[values.index(min(known))] == "▁"
