"""Numbers of thousands of digits are a clear error wherever somebody may write one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memmon.facts.whole_numbers import whole_number

ENDLESS = "9" * 5000
"""Python refuses to read so many digits."""


@pytest.mark.parametrize("text", [ENDLESS, "²", "-1", "", "1_000", " 1", "٣", "1" * 19])
def test_what_is_no_number_of_64_bits_is_none(text):
    """Nothing but ASCII digits that fit a column is a number, and nothing raises."""
    assert whole_number(text) is None
    assert whole_number("9" * 18) == 10**18 - 1


def memmon(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "memmon", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "at,rss_bytes\n2026-01-01T00:00:00+00:00,{}\n", "expected a size in bytes"),
        ("a.csv", "at,rss_bytes\n{},1000\n", "expected ISO 8601"),
        (
            "a.csv",
            "at,rss_bytes,thread_count\n2026-01-01T00:00:00+00:00,1000,{}\n",
            "expected a whole number",
        ),
        ("a.jsonl", '{{"type": "memmon", "format": {}}}\n', "a number of thousands of digits"),
    ],
)
def test_a_file_with_an_endless_number_is_refused_in_one_short_line(tmp_path, name, text, said):
    """The error names file and line, what was expected, and does not quote the number to its end."""
    path = tmp_path / name
    path.write_text(text.format(ENDLESS), encoding="utf-8")
    done = memmon("import", "--db", tmp_path / "m.db", path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "a fault in memmon" not in done.stderr
    assert len(done.stderr.splitlines()[-1]) < 400


def test_a_process_number_of_thousands_of_digits_is_a_name(tmp_path):
    """A log that calls a child so is read: the number is no process's, but it tells rows apart."""
    path = tmp_path / "mprofile.dat"
    path.write_text(f"CMDLINE x\nMEM 1 1772452800.1\nCHLD {ENDLESS} 2.0 1772452800.2\n", encoding="utf-8")
    done = memmon("import", "--db", tmp_path / "m.db", path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--since", ENDLESS),
        ("serve", "--port", ENDLESS),
        ("leaks", "--run", ENDLESS),
        ("forecast", "--limit", ENDLESS),
    ],
)
def test_an_option_with_an_endless_number_is_refused_in_one_short_line(tmp_path, arguments):
    """A wrong option is the operator's: exit code 2 and a line that can be read."""
    path = tmp_path / "a.csv"
    path.write_text(
        "at,rss_mb\n2026-01-01T00:00:00+00:00,100\n2026-01-01T01:00:00+00:00,100\n", encoding="utf-8"
    )
    assert memmon("import", "--db", tmp_path / "m.db", path).returncode == 0
    done = memmon(*arguments, "--db", tmp_path / "m.db")
    assert done.returncode == 2
    assert "a fault in memmon" not in done.stderr
    assert len(done.stderr.splitlines()[-1]) < 400
