"""How full a deque is, how fast it fills, which size would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.deques.finding import DequeFinding, DequeSeries, DequeSuggestion
    from memmon.analysis.deques.judge import judge_deque, judge_deques

__all__ = ["DequeFinding", "DequeSeries", "DequeSuggestion", "judge_deque", "judge_deques"]

__getattr__ = forward(
    __name__,
    {"judge": ("judge_deque", "judge_deques"), "finding": ("DequeFinding", "DequeSeries", "DequeSuggestion")},
)
