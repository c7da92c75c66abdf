"""What the choice among several signals costs.

The mean of the e-values exp(z Z - z^2 / 2) of k signals is an e-value, however they depend on one another; its largest
term is at least a k-th of it. So the largest Z of k has to reach z + ln k / z where one alone has to reach z.
"""

from __future__ import annotations

import math


def paid_margin(margin: float, signal_count: int) -> float:
    """Return the standard errors that the best of so many signals has to stand above the threshold."""
    return margin + math.log(signal_count) / max(margin, 1.0)
