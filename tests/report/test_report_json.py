from __future__ import annotations

import json

from report_values import NOW, bounded, finding, held

from memmon.report.from_snapshots import report_from_snapshots
from memmon.report.render_json import render_json


def test_the_object_has_version_command_findings_and_the_whole_report():
    """One object: schema version, command, findings with the finding's own names plus the source."""
    report = report_from_snapshots(
        held([1.0, float("nan"), 3.0]), [bounded("d", 3)], source="bot", now=NOW, finding=finding()
    )
    data = json.loads(render_json(report))
    assert data["schema_version"] == 2
    assert data["command"] == "report"
    (only,) = data["findings"]
    assert only["source"] == "bot"
    assert only["verdict"] == "stable"
    assert only["policy"]["threshold_mb_per_hour"] == 10.0
    assert data["report"]["memory"] == {
        "current_mb": 3.0,
        "average_mb": 2.0,
        "min_mb": 1.0,
        "max_mb": 3.0,
        "sample_count": 2,
        "process_count": 1,
    }
    assert data["report"]["deques"]["rows"][0]["percent_full"] == 3.0
    assert data["report"]["generated_at"] == "2026-03-01T12:00:00+00:00"


def test_without_a_verdict_there_is_no_finding_but_a_reason():
    """A missing verdict leaves findings empty and the reason in the report."""
    report = report_from_snapshots(
        held([1.0]), source="bot\x1b\ud800", now=NOW, leak_missing_reason="time-out"
    )
    text = render_json(report)
    text.encode("ascii")
    data = json.loads(text)
    assert data["findings"] == []
    assert data["report"]["leak"]["missing_reason"] == "time-out"
