"""A report as one JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memmon.facts.json_schema import JSON_SCHEMA_VERSION

if TYPE_CHECKING:
    from memmon.report.data import Report


def report_object(report: Report) -> dict[str, Any]:
    """Return the object that `memmon report --json` prints, as plain data.

    `findings` holds the leak finding with the source's name beside its fields (empty when there is
    none); `assessment` is what the report is rendered from (None where nothing could be judged); `report`
    holds every section.
    """
    plain = report.to_dict()
    assessment = plain.pop("assessment")
    finding = plain["leak"]["finding"]
    findings = [] if finding is None else [{**finding, "source": report.source}]
    return {
        "schema_version": JSON_SCHEMA_VERSION,
        "command": "report",
        "findings": findings,
        "assessment": assessment,
        "report": plain,
    }


def render_json(report: Report, *, indent: int | None = 2) -> str:
    """Return `report` as JSON text (ASCII only, so that any file can carry it; no NaN), ending in a newline."""
    return json.dumps(report_object(report), ensure_ascii=True, allow_nan=False, indent=indent) + "\n"
