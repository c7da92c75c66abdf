"""What people type: lengths of time, times, sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.cli import app
from memmon.cli.app import COMMANDS
from memmon.cli.parameter_types import (
    LEAST_INTERVAL_SECONDS,
    MOMENT,
    RATE,
    parse_duration,
    parse_size,
    parse_time,
)
from memmon.cli.record_process import end_of, source_of_command
from memmon.cli.text import printable, table


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("15m", 900), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("1h30m", 5400), ("90", 90), ("500ms", 0.5), (" 1 h ", 3600), ("1.5h", 5400), ("5MIN", 300)],
)  # fmt: skip
def test_lengths_of_time(text, seconds):
    """A number with a unit, several of them, or bare seconds are understood."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "-5m", "0", "0s", "5 parsecs", "1h and 5m", "inf", "nan", "1e400", "999999999999d"]
)
def test_no_lengths_of_time(text):
    """Zero, negative, endless and unknown lengths are refused."""
    with pytest.raises(ValueError, match=r"length of time|above zero"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=3000), st.sampled_from(["s", "m", "h", "d"]))
@settings(deadline=None, max_examples=50)
def test_any_whole_length_is_understood(amount, unit):
    """Every whole amount of every unit comes back as that many seconds."""
    assert parse_duration(f"{amount}{unit}") == amount * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("2GiB", 2**31), ("512MB", 2**29), ("1.5g", 3 * 2**29), ("100", 100), ("64 KiB", 2**16)],
)
def test_sizes(text, size_bytes):
    """Sizes are binary in every spelling: 1 MB is 2**20 bytes."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "GiB", "-1GB", "0", "2 PiB", "9999999TB", "1e9"])
def test_no_sizes(text):
    """What is no size, zero or absurd is refused."""
    with pytest.raises(ValueError, match=r"size|above zero"):
        parse_size(text)


def test_times_have_offsets():
    """A time with offset is that moment; one without is local or, where told so, UTC."""
    assert parse_time("2026-01-31T14:00+01:00") == datetime(2026, 1, 31, 13, tzinfo=UTC)
    assert parse_time("2026-01-31", naive_is_utc=True) == datetime(2026, 1, 31, tzinfo=UTC)
    assert parse_time("2026-01-31") == datetime(2026, 1, 31).astimezone().astimezone(UTC)
    with pytest.raises(ValueError, match="is not a time"):
        parse_time("31.1.2026")


def test_since_counts_back_from_the_last_sample():
    """A length in --since is taken from the last sample, a time as it is."""
    last_at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert MOMENT.convert("24h", None, None).resolve(last_at) == last_at - timedelta(hours=24)
    assert MOMENT.convert("2026-01-01T00:00Z", None, None).resolve(last_at) == datetime(
        2026, 1, 1, tzinfo=UTC
    )
    assert MOMENT.convert("24h", None, None).resolve(None) is None


@pytest.mark.parametrize("text", ["nan", "inf", "0", "-3", "ten"])
def test_absurd_thresholds_are_refused(text):
    """A threshold is a finite number above zero."""
    with pytest.raises(click.BadParameter, match="MB per hour"):
        RATE.convert(text, None, None)


@pytest.mark.parametrize("name", [name for name in COMMANDS if not name.startswith("_")])
def test_no_option_takes_what_is_no_number(name):
    """Of every command and subcommand, an option that takes a number refuses `nan`, which no bound keeps out."""
    command = app.main.get_command(None, name)
    below = list(command.commands.values()) if isinstance(command, click.Group) else []
    for option in (option for one in [command, *below] for option in one.params):
        if isinstance(option.type, click.types.FloatParamType):
            with pytest.raises(click.BadParameter):
                option.type.convert("nan", option, None)


def test_least_interval_is_above_zero():
    """Recording more often than the recorder allows is refused at the option."""
    assert LEAST_INTERVAL_SECONDS > 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["python", "bot.py"], "bot"),
        (["/usr/bin/python3.11", "-u", "-W", "error", "a/b/orderbot.py", "--x"], "orderbot"),
        (["python", "-m", "shop.bot", "-v"], "shop.bot"),
        (["python", "-c", "pass"], "python"),
        (["/usr/sbin/nginx"], "nginx"),
        (["./serve.py"], "serve"),
        (["python", "-m"], "python"),
    ],
)
def test_source_of_a_command(words, name):
    """A recorded program is named by its script or module under Python, else by itself."""
    assert source_of_command(words) == name


def test_ends_of_programs():
    """A return code tells how a program ended: by itself, by its own fault, or by which signal."""
    assert end_of(0) == ("exit", "exit code 0")
    assert end_of(3) == ("exit", "exit code 3")
    assert end_of(-15) == ("sigterm", "SIGTERM")
    assert end_of(-9) == ("sigkill", "SIGKILL")
    assert end_of(-11) == ("crash", "SIGSEGV")
    assert end_of(-6) == ("crash", "SIGABRT")
    assert end_of(-1) == ("signal", "SIGHUP")
    assert end_of(-62) == ("signal", "signal 62")


def test_tables_show_hostile_text_as_escapes():
    """Control characters in a cell are shown, never sent to the terminal; columns stay aligned."""
    shown = table(["name", "n"], [("a\x1b[31m", 1), ("\u202egnp", 22), ("日本", None)])
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m" in shown
    assert shown.splitlines()[1].endswith(" 1")
    assert printable("a\nb") == "a\\nb"


@pytest.mark.parametrize("text", ["24", "7", "90", " 3600 ", "1.5"])
def test_a_moment_without_a_unit_is_refused(text):
    """A bare number is no moment: hours are meant and seconds would be taken; the message offers the units."""
    with pytest.raises(click.BadParameter, match=f"{text.strip()}h\\?"):
        MOMENT.convert(text, None, None)
    assert MOMENT.convert(f"{text.strip()}h", None, None).back_seconds == float(text) * 3600
