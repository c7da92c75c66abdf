"""A kind of alert is said in one place, and everything else follows from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import memmon
from memmon.alerts import kinds
from memmon.alerts.kinds import AlertKind
from memmon.alerts.policy import AlertPolicy

TREE = Path(memmon.__file__).resolve().parent
DOCS = TREE.parent / "docs" / "alerts.md"


def test_the_documented_table_is_the_one_of_the_kinds():
    """docs/alerts.md has the table that the kinds make."""
    assert kinds.table() in DOCS.read_text(encoding="utf-8"), "renew it: memmon.alerts.kinds.table()"


def test_a_severity_is_worded_where_it_rises():
    """What is a warning and can become an error says when; what is an error already does not."""
    for kind in AlertKind:
        assert kind.row.severe is None or kind.row.severity == "warning", kind


def test_patience_in_the_program_is_that_of_the_kind():
    """In the program a momentary kind is told again after the cooldown, a lasting one after a day."""
    policy = AlertPolicy(cooldown_minutes=30.0)
    for kind in AlertKind:
        rule = policy.rule_in_process(kind.value)
        expected = 1_800.0 if kind is AlertKind.HIGH_MEMORY else 86_400.0
        assert (rule.cooldown_seconds, rule.repeat_seconds) == (expected, expected), kind


NEW_KIND = (
    ('    RECORDER = "recorder"\n', '    RECORDER = "recorder"\n    LARGE = "large"\n'),
    (
        "def _row(kind: AlertKind)",
        """_LARGE = KindRow(title="Large", severity="error", fires="f", ends="e", action="a")


def _row(kind: AlertKind)""",
    ),
    (
        "        case _:\n            assert_never(kind)",
        "        case AlertKind.LARGE:\n            return _LARGE\n        case _:\n            assert_never(kind)",
    ),
)
NEW_CONDITION = (
    (
        "        case _:\n            assert_never(kind)",
        "        case AlertKind.LARGE:\n            return large\n        case _:\n            assert_never(kind)",
    ),
    (
        "def silent(",
        """def large(present, _policy):
    if present.memory is None:
        return None
    level = "active" if present.memory.rss_bytes else "clear"
    return seen(present, AlertKind.LARGE, level, message="m", values={})


def silent(""",
    ),
)
BOTH_TELL = """
    import json, sys
    from memmon import Recorder
    from memmon.notify import CallbackChannel, run_once

    inside, outside = [], []
    recorder = Recorder(sys.argv[1], source="bot", on_alert=inside.append, daily_report=False, leak_check=False)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    run_once(sys.argv[1], channels=[CallbackChannel(outside.append)])
    recorder.stop()
    print(json.dumps([sorted({one.kind for one in told}) for told in (inside, outside)]))
"""


def changed(path: Path, pairs) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def test_a_new_kind_is_a_row_and_a_function(tmp_path):
    """A kind that is added in kinds.py and conditions.py alone is told by the program and by the evaluator."""
    copy = tmp_path / "memmon"
    shutil.copytree(TREE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TREE.parent / "migrations", copy / "_migrations", dirs_exist_ok=True)
    changed(copy / "alerts" / "kinds.py", NEW_KIND)
    changed(copy / "alerts" / "conditions.py", NEW_CONDITION)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOTH_TELL), str(tmp_path / "m.db")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    inside, outside = json.loads(done.stdout)
    assert "large" in inside
    assert "large" in outside
