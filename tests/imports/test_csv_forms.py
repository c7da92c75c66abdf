"""One history in the forms that people have gives the same readings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_kit import FIRST, MB, NOW, csv_of, log, ms, samples_in

from memmon.errors import ImportFileError
from memmon.imports.importing import read_file
from memmon.imports.lines import TORN
from memmon.imports.options import ReadOptions

LOG = log(96)
PLAIN = csv_of(LOG)
WANTED = [(ms(at), rss) for at, rss in LOG]


def lines_of(template: str) -> str:
    return "".join(
        template.format(at=at, epoch=int(at.timestamp()), rss=rss, kb=rss / 1024, mb=rss / MB)
        for at, rss in LOG
    )


FORMS = {
    "case": PLAIN.replace("at,rss_bytes", "AT , Rss_Bytes"),
    "epoch": "at,rss_bytes\n" + lines_of("{epoch},{rss}\n"),
    "epoch_fraction": "at,rss_bytes\n" + lines_of("{epoch}.000,{rss}\n"),
    "milliseconds": "at,rss_bytes\n" + lines_of("{epoch}000,{rss}\n"),
    "semicolon": PLAIN.replace(",", ";"),
    "tab": PLAIN.replace(",", "\t"),
    "no_last_end": PLAIN[:-1],
    "utf16": PLAIN.replace("\n", "\r\n").encode("utf-16"),
    "utf16_big": b"\xfe\xff" + PLAIN.replace("\n", "\r\n").encode("utf-16-be"),
    "bom": b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
    "kb": "at,RSS_KB\n" + lines_of("{at},{kb:.4f}\n"),
    "mib": "at,rss_mib\n" + lines_of("{at},{mb:.7f}\n"),
    "suffix": "at,rss_bytes\n" + lines_of("{at},{mb:.7f}MiB\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_one_history_are_one_history(bench, form):
    """Header case, epoch times, separators, encodings and units by name or suffix give the same 96 readings."""
    bench.take(bench.put("bot.csv", FORMS[form]))
    found = bench.readings()
    assert [at for at, _ in found] == [at for at, _ in WANTED]
    assert all(abs(got - rss) <= 1 for (_, got), (_, rss) in zip(found, WANTED, strict=True))


@pytest.mark.parametrize(
    ("form", "note"),
    [
        ("epoch", "`at` was read as seconds since 1970 (UTC)"),
        ("milliseconds", "`at` was read as milliseconds since 1970 (UTC)"),
        ("kb", "`RSS_KB` was read as KB of 1,024 bytes"),
        ("mib", "`rss_mib` was read as MB of 1,048,576 bytes"),
    ],
)
def test_what_was_understood_is_said(bench, form, note):
    """A note says how times and sizes were read where the file leaves it to the reader."""
    assert note in bench.take(bench.put("bot.csv", FORMS[form])).notes


def test_columns_and_separator_can_be_said(bench):
    """--column gives a file's columns memmon's names, --separator says what stands between cells."""
    text = "Time | Mem | RSS\n" + lines_of("{at} | 7 | {kb:.4f}\n")
    bench.take(bench.put("bot.csv", text), columns={"at": "time", "rss_kb": "rss"}, separator="|")
    assert bench.readings()[0] == WANTED[0]
    blanks = "Time   RSS\n" + lines_of("{epoch}   {kb:.4f}\n")
    bench.take(bench.put("b.txt", blanks), columns={"at": "Time", "rss_kb": "RSS"}, separator="space")
    assert bench.rows("SELECT count(*) FROM snapshot") == [(192,)]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("time,rss_bytes\n1,2\n", {}, "say --column at=time"),
        ("at,RSS\n1,2\n", {}, "say --column rss_kb=rss"),
        ("at,rss_bytes\n1,2\n", {"columns": {"at": "when"}}, "names 'when', which is no column"),
        ("at,rss_kb\n2026-01-01,90000\n", {"unit": "MB"}, "is in kB, --unit says MB"),
        ("At,at,rss_bytes\n1,1,2\n", {}, "stands twice"),
        ("at,rss_bytes\n300,90000000\n", {}, "expected ISO 8601 such as"),
        ("at,rss_kb\n2026-01-01,many\n2026-01-02,1\n", {}, "expected a size in kB"),
    ],
)
def test_what_is_not_understood_says_what_to_do(bench, text, options, expected):
    """A header or cell that leaves a doubt is refused with the option that ends it, and nothing is stored."""
    with pytest.raises(ImportFileError, match=r"bot\.csv, line \d+: ") as caught:
        bench.take(bench.put("bot.csv", text), **options)
    assert expected in str(caught.value)
    assert not bench.database.path.exists()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    cut=st.integers(min_value=1, max_value=40),
    form=st.sampled_from(["plain", "epoch", "semicolon", "kb", "swapped", "percent"]),
    is_wide=st.booleans(),
)
def test_a_file_cut_anywhere_has_no_false_reading(bench, cut, form, is_wide):
    """Wherever a kill cuts the last line, every reading kept is as it was written, and what is lost is said."""
    text = {
        **FORMS,
        "plain": PLAIN,
        "swapped": "rss_bytes,at\n" + lines_of("{rss},{at}\n"),
        "percent": "at,rss_bytes,system_percent\n" + lines_of("{at},{rss},48.25\n"),
    }[form][: -1 - cut]
    path = bench.put("bot.csv", text.encode("utf-16") if is_wide else text)
    recording = read_file(path)
    (run,) = recording.runs
    whole = [(at.timestamp(), rss) for at, rss in LOG]
    read = samples_in(run)
    assert len(read) >= 94
    tolerance = 5_000 if form == "kb" else 0  # a last cell that lost its decimals
    for (at, rss), (true_at, true_rss) in zip(read, whole, strict=False):
        assert at == true_at
        assert abs(rss - true_rss) <= max(1, tolerance)
    assert (TORN in recording.notes) == (len(read) < text.count("\n") - 1 + (not text.endswith("\n")))


def test_a_torn_line_elsewhere_is_an_error(bench):
    """A line that is torn but not the last is refused, with its number."""
    lines = PLAIN.splitlines(keepends=True)
    with pytest.raises(ImportFileError, match="line 51: "):
        bench.take(bench.put("bot.csv", "".join([*lines[:50], lines[50][:9] + "\n", *lines[51:]])))


def test_torn_files_of_other_kinds_keep_their_rows(bench):
    """memory_profiler, psrecord, OpenMetrics and JSON Lines files lose their torn last line alone, and say so."""
    seconds = FIRST.timestamp()
    mprof = "CMDLINE x\n" + "".join(f"MEM {100 + step:.6f} {seconds + step:.4f}\n" for step in range(9))
    psrecord = "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n" + "".join(
        f"  {step}.0  1.0  {100 + step}.0  200.0\n" for step in range(9)
    )
    gauge = 'process_resident_memory_bytes{job="x"} '
    metrics = "".join(f"{gauge}{(100 + step) * MB} {seconds + step:.3f}\n" for step in range(9))
    for name, text, cut in (
        ("a.dat", mprof, 14),
        ("b.txt", psrecord, 4),
        ("b2.txt", psrecord, 14),
        ("c.om", metrics, 14),
    ):
        result = bench.take(bench.put(name, text[:-cut]))
        assert (result.snapshot_count, result.notes[0]) == (8, TORN)


def test_rows_later_than_now_are_left_out(bench):
    """A row of a clock that was not set is left out and said; a file that has no other is refused."""
    text = PLAIN + "2038-01-19T03:14:00+00:00,209715200\n"
    result = bench.take(bench.put("bot.csv", text))
    assert result.snapshot_count == 96
    assert any(note.startswith("1 row later than now") for note in result.notes)
    with pytest.raises(ImportFileError, match="every row is later than now"):
        bench.take(bench.put("f.csv", csv_of([(NOW + timedelta(hours=1), 90 * MB)])))
    with_start = bench.put("s.csv", "t_seconds,rss_bytes\n0,90000000\n7200,90000001\n")
    assert bench.take(with_start, start=NOW - timedelta(hours=1)).snapshot_count == 1


def test_a_command_of_several_lines(bench):
    """All before the first line of data is memory_profiler's command, also where it begins with its words."""
    text = (
        "CMDLINE python -c 'import time\nMEM = 5\nFUNC of nothing\nCHLD\n\nheld = []\n'\n"
        "FUNC __main__.f 10.1 1767225600.1 10.2 1767225600.2 0\n"
        "MEM 8.5 1767225600.0\nCHLD 77 9.0 1767225600.5\nMEM 9.5 1767225601.0\n"
    )
    result = bench.take(bench.put("p.dat", text))
    assert (result.snapshot_count, result.run_count) == (3, 2)
    with pytest.raises(ImportFileError, match=r"line 12: .*expected `MEM"):
        bench.take(bench.put("q.dat", text + "MOM = []\n"))


def test_unknown_options_are_refused():
    """A unit or separator that memmon does not know is refused with those that it does."""
    with pytest.raises(ValueError, match="expected one of B, kB, MB, GB"):
        ReadOptions(unit="stone")
    with pytest.raises(ValueError, match="expected `,`"):
        ReadOptions(separator="x")
