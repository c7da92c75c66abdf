"""Chart data as small JSON: whole-number steps, with runs of equal steps counted."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SMALLEST_STEP = 1e-300
"""Below this a division by the step would overflow, and its logarithm may not exist."""
_LEVELS = 2_000
"""Values keep at least this many levels over their range: finer than any screen."""


def encode_times(at_seconds: Sequence[float]) -> dict[str, Any]:
    """Return times as `{"o": first, "r": [[step, count], ...]}` in whole seconds."""
    whole = [round(at) for at in at_seconds]
    runs: list[list[int]] = []
    for before, after in itertools.pairwise(whole):
        step = after - before
        if runs and runs[-1][0] == step:
            runs[-1][1] += 1
        else:
            runs.append([step, 1])
    return {"o": whole[0] if whole else 0, "n": len(whole), "r": runs}


def encode_values(values: Sequence[float | None], *, finest: float = math.inf) -> dict[str, Any]:
    """Return values as `{"q": quantum, "d": [first, step, step, ...]}`; None stays null.

    They are true to a two-thousandth of their range, or to `finest` where that is less.
    """
    known = [value for value in values if value is not None]
    if not known:
        return {"q": 1, "d": [None] * len(values)}
    quantum = min(_quantum(max(known) - min(known), max(abs(value) for value in known)), finest)
    steps: list[int | None] = []
    before = 0
    for value in values:
        if value is None:
            steps.append(None)
            continue
        whole = round(value / quantum)
        steps.append(whole - before)
        before = whole
    return {"q": quantum, "d": steps}


def _quantum(spread: float, largest: float) -> float:
    """Return the step of the values: a power of ten, fine enough for a picture, and never one that floats lack."""
    rough = max((spread or largest or 1.0) / _LEVELS, _SMALLEST_STEP)
    return float(10.0 ** math.floor(math.log10(rough)))


def script_json(value: Mapping[str, Any]) -> str:
    """Return `value` as JSON that is inert inside a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
