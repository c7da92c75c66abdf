"""Quantiles of the normal and Student's t distribution without scipy.

The verdict must not load scipy (it alone costs more memory than the recorder), yet every interval needs a
quantile. Both are computed to the last digits of a float; the tests compare them with scipy.
"""

from __future__ import annotations

import math
from functools import lru_cache

_SQRT_2 = math.sqrt(2.0)
"""Square root of 2: the normal law in terms of erfc. By definition."""
_SQRT_2_PI = math.sqrt(2.0 * math.pi)
"""Square root of 2 pi: the normal density's divisor. By definition."""
_NEWTON_DEGREES = 3.0
"""Degrees of freedom from which Newton's steps find t. Chosen: below, tails are too heavy for them."""


def normal_two_sided_p(z: float) -> float:
    """Probability that a standard normal value is further from zero than `z`."""
    return math.erfc(abs(z) / _SQRT_2)


@lru_cache(maxsize=64)
def normal_quantile(probability: float) -> float:
    """Return z with P(Z <= z) = `probability`, 0 < probability < 1.

    Halley's iteration on the complementary error function: the tail is inverted, never its complement, so that
    small probabilities keep their digits.
    """
    _require_open_unit(probability)
    tail = min(probability, 1.0 - probability)
    # Abramowitz & Stegun 26.2.23: a start within 4.5e-4 for every tail.
    t = math.sqrt(-2.0 * math.log(tail))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    for _ in range(4):
        density = math.exp(-0.5 * z * z) / _SQRT_2_PI
        if density == 0.0:
            break
        step = (0.5 * math.erfc(z / _SQRT_2) - tail) / density
        z += step / (1.0 - 0.5 * z * step)
    return z if probability > 0.5 else -z  # noqa: PLR2004 - one half is the median


@lru_cache(maxsize=256)
def student_t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return t with P(T <= t) = `probability` for Student's t with `degrees_of_freedom` > 0.

    The distribution function comes from the regularised incomplete beta function (continued fraction by Lentz,
    as in Abramowitz & Stegun 26.5.8). From three degrees on, Newton's iteration starts at their series 26.7.5 and
    takes some 50 microseconds; below, the root is bisected.
    """
    _require_open_unit(probability)
    if not degrees_of_freedom > 0.0:
        raise ValueError(f"degrees_of_freedom must be above zero, not {degrees_of_freedom!r}")
    if math.isinf(degrees_of_freedom):
        return normal_quantile(probability)
    tail = min(probability, 1.0 - probability)
    if tail == 0.5:  # noqa: PLR2004 - one half is the median
        return 0.0
    root = _newton(tail, degrees_of_freedom) if degrees_of_freedom >= _NEWTON_DEGREES else None
    if root is None:
        root = _bisected(tail, degrees_of_freedom)
    return root if probability > 0.5 else -root  # noqa: PLR2004 - one half is the median


def _newton(tail: float, degrees: float) -> float | None:
    """Return the upper quantile by Newton's iteration, or None where it does not settle."""
    z = -normal_quantile(tail)
    t = z
    t += (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    log_scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(degrees * math.pi)
    for _ in range(12):
        log_density = log_scale - (degrees + 1) / 2 * math.log1p(t * t / degrees)
        step = (_t_upper_tail(t, degrees) - tail) / math.exp(log_density)
        t += step
        if abs(step) <= 1e-14 * t:
            return t
    return None


def _bisected(tail: float, degrees: float) -> float:
    low, high = 0.0, 1.0
    while _t_upper_tail(high, degrees) > tail:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if _t_upper_tail(middle, degrees) > tail:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _require_open_unit(probability: float) -> None:
    if not 0.0 < probability < 1.0:
        raise ValueError(f"a probability must lie between 0 and 1, not {probability!r}")


def _t_upper_tail(t: float, degrees_of_freedom: float) -> float:
    share = degrees_of_freedom / (degrees_of_freedom + t * t)
    return 0.5 * _incomplete_beta(0.5 * degrees_of_freedom, 0.5, share, t * t / (degrees_of_freedom + t * t))


def _incomplete_beta(a: float, b: float, x: float, one_minus_x: float) -> float:
    if x <= 0.0:
        return 0.0
    if one_minus_x <= 0.0:
        return 1.0
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(one_minus_x)
    )
    front = math.exp(log_front)
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, one_minus_x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0), tiny)
    value = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d, tiny)
            c = _away_from_zero(1.0 + term / c, tiny)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:  # noqa: PLR2004 - the last digit of a float
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
