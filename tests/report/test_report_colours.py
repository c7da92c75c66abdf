"""The page's colours: what must be told apart can be, by everybody, in the light and in the dark; what carries meaning stands out."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from memmon.report.html.palette import palette

LEAST_DISTANCE = 15.0
LEAST_CONTRAST = 3.0
SIGHTS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What is seen of linear light (Machado, Oliveira and Fernandes 2009, severity 1)."""

TOGETHER = (
    ("mean", "trend", "forecast", "limit", "alert"),
    ("culprit-0", "culprit-1", "part-0"),
    ("part-0", "part-1"),
    ("part-1", "part-2"),
    ("part-2", "part-3"),
    ("layer-0", "layer-1"),
    ("layer-1", "layer-2"),
    ("layer-2", "layer-3"),
    ("death", "alert", "end"),
)
"""Colours that lie beside each other in one picture."""

MEANING = (
    "mean",
    "peak",
    "trend",
    "forecast",
    "limit",
    "culprit-0",
    "culprit-1",
    "end",
    "death",
    "alert",
    "gc",
    "note",
)


def colours(scheme):
    """Return the scheme's colours by their names."""
    known = palette(is_dark=scheme == "dark")
    return {name: colour for name, colour in known.items() if colour.startswith("#")}


def linear(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(light):
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    xyz = [
        sum(a * b for a, b in zip(row, light, strict=True)) / w for row, w in zip(rows, white, strict=True)
    ]
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def seen(colour, sight):
    light = linear(colour)
    parts = (sum(a * b for a, b in zip(row, light, strict=True)) for row in SIGHTS[sight])
    return lab([min(max(part, 0.0), 1.0) for part in parts])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_what_lies_side_by_side_is_told_apart(scheme, sight):
    """Two colours of one picture are at least 15 apart (CIE 1976), in each kind of sight."""
    known = colours(scheme)
    near = {
        (one, other): round(distance, 1)
        for names in TOGETHER
        for one, other in combinations(names, 2)
        if (distance := math.dist(seen(known[one], sight), seen(known[other], sight))) < LEAST_DISTANCE
    }
    assert near == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_carries_meaning_stands_out_from_the_ground(scheme):
    """Lines, signs and the culprit have a contrast of 3 to 1 and more against the panel."""
    known = colours(scheme)

    def luminance(name):
        return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear(known[name]), strict=True))

    pale = {}
    for name in MEANING:
        low, high = sorted((luminance(name), luminance("panel")))
        if (contrast := (high + 0.05) / (low + 0.05)) < LEAST_CONTRAST:
            pale[name] = round(contrast, 2)
    assert pale == {}
