from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from memmon.analysis.leak.soak import judge_soak
from memmon.cli import app
from memmon.cli.commands.soak import junit_xml
from memmon.history import History

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "detection"))
from simulator import background_case, leak_case

CALM = ("white", "ar_fast", "gc_sawtooth", "warm_up", "cache_fill", "steps")


def _history(slope_mb_per_hour, *, hours=24.0, noise_mb=0.2, name="suite") -> History:
    at = np.arange(0, hours, 1 / 12)
    noise = np.random.default_rng(3).normal(0, noise_mb, at.size)
    return History.from_arrays(
        at_seconds=1.77e9 + at * 3600, rss_bytes=(200 + slope_mb_per_hour * at + noise) * 2**20, source=name
    )


def test_soak_says_pass_fail_and_inconclusive():
    """A flat day passes, a leak fails, and too short or too noisy a run proves nothing and says what could hide."""
    flat = judge_soak(_history(0.0))
    assert flat.outcome == "PASS"
    assert flat.smallest_visible_slope_mb_per_hour < 0.25
    assert judge_soak(_history(2.0)).outcome == "FAIL"
    for unclear in (judge_soak(_history(0.0, hours=1)), judge_soak(_history(0.0, noise_mb=40.0))):
        assert unclear.outcome == "INCONCLUSIVE"
        assert "can't be ruled out" in unclear.summary
    assert judge_soak(_history(0.0, noise_mb=40.0)).smallest_visible_slope_mb_per_hour > 0.25


@pytest.mark.parametrize("kind", CALM)
def test_soak_never_passes_a_slow_leak(kind):
    """A leak of 0.48 MB/h over 24 simulated hours passes on no background."""
    outcomes = [
        judge_soak(leak_case(kind, "linear", 0.48, 24.0, n, "evaluation").history()).outcome
        for n in range(12)
    ]
    assert "PASS" not in outcomes


def test_soak_rarely_fails_a_plateau():
    """Of 120 plateaus of six kinds, at most one is called a leak."""
    outcomes = [
        judge_soak(background_case(kind, 24.0, n, "evaluation").history()).outcome
        for kind in CALM
        for n in range(20)
    ]
    assert outcomes.count("FAIL") <= 1
    assert outcomes.count("PASS") > 20


def test_soak_junit_report_is_well_formed():
    """The report is valid XML whatever the program is called: a failure for FAIL, a skip for INCONCLUSIVE."""
    for slope, hours, tag in ((0.0, 24, None), (2.0, 24, "failure"), (0.0, 1, "skipped")):
        verdict = judge_soak(_history(slope, hours=hours))
        root = ET.fromstring(junit_xml(verdict, source='odd <&"\x1b> name', seconds=3.0).encode())
        (case,) = root.iter("testcase")
        assert {child.tag for child in case} == ({tag} if tag else set()) | {"system-out"}
        assert root.find("testsuite").attrib["failures"] == str(int(tag == "failure"))


def _soak(tmp_path, *words, program):
    return subprocess.run(
        [sys.executable, "-m", "memmon", "soak", *words, "--", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=120,
    )


def test_soak_gates_a_real_program(tmp_path):
    """A real program is recorded and judged; its output passes through, and a failing one hands its code on."""
    done = _soak(
        tmp_path,
        "--interval",
        "0.1s",
        "--junit",
        "soak.xml",
        program="import time; time.sleep(1.5); print('hello')",
    )
    assert (done.returncode, done.stdout) == (3, "hello\n"), done.stderr
    assert "INCONCLUSIVE" in done.stderr
    assert "Insufficient d" in done.stderr
    assert ET.parse(tmp_path / "soak.xml").getroot().tag == "testsuites"
    failing = _soak(tmp_path, "--allow-inconclusive", program="raise SystemExit(7)")
    assert failing.returncode == 7
    kept = _soak(
        tmp_path, "--allow-inconclusive", "--db", "kept.db", "--json", program="import time; time.sleep(1)"
    )
    assert kept.returncode == 0, kept.stderr
    found = json.loads(kept.stdout)
    assert (found["outcome"], found["program_exit_code"]) == ("INCONCLUSIVE", 0)
    assert (tmp_path / "kept.db").exists()


def test_soak_wrong_words_are_one_line(tmp_path, capfd):
    """No program, a program that is not there, and a report that can't be written are told in one line."""
    for words in (
        ["soak"],
        ["soak", "--", "/no/such/program"],
        ["soak", "--junit", "/no/folder/x.xml", "--", "true"],
    ):
        assert app.run(words) != 0
        told = capfd.readouterr().err
        assert "Traceback" not in told
        assert "fault in memmon" not in told
