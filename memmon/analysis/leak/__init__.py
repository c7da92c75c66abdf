"""Does it leak: evidence, states, onset, wording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.leak.detect import DEFAULT_POLICY, detect_leak
    from memmon.analysis.leak.finding import Confidence, LeakFinding, LeakPolicy, LeakWindow, Verdict

__all__ = [
    "DEFAULT_POLICY",
    "Confidence",
    "LeakFinding",
    "LeakPolicy",
    "LeakWindow",
    "Verdict",
    "detect_leak",
]

__getattr__ = forward(
    __name__,
    {
        "detect": ("detect_leak", "DEFAULT_POLICY"),
        "finding": ("Confidence", "LeakFinding", "LeakPolicy", "LeakWindow", "Verdict"),
    },
)
