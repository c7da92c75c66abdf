"""Checks that repeat every hour: an alert needs two in a row, so that the error rate counts per month."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.leak.finding import LeakFinding

CHECKS_THAT_AGREE = 2
"""Hourly findings in a row that make an alert. Chosen: 7 false alarms in 90 process-months."""


def confirmed(findings: Sequence[LeakFinding]) -> bool:
    """Return True when the last two of these successive hourly findings (oldest first) say `leaking`.

    One finding alone never confirms.
    """
    newest = findings[-CHECKS_THAT_AGREE:]
    return len(newest) == CHECKS_THAT_AGREE and all(finding.is_leak for finding in newest)
