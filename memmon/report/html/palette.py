"""The page's colours for whoever draws beside it: read from the style sheet, which alone has them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from memmon.report.html import asset

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIGHT = re.compile(r"\A:root \{(.*?)\n\}", re.DOTALL)
_DARK = re.compile(r"dark\) \{\s*:root \{(.*?)\n  \}", re.DOTALL)
_COLOUR = re.compile(r"--([\w-]+): ([^;]+);")
_RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
_USE = re.compile(r"var\(--([\w-]+)\)")
_DRAWN = (".static", ".release", ".gridlines", ".labels", ".mark", "svg.mark", ".hatch")
"""What the rules of a picture begin with."""


@cache
def palette(*, is_dark: bool = False) -> Mapping[str, str]:
    """Return the colours by their names, as CSS writes them: `#1f5fbf`, `rgba(31, 95, 191, .18)`.

    What the dark has no colour of its own for is as in the light.
    """
    style = asset("report.css")
    schemes = (_LIGHT, _DARK) if is_dark else (_LIGHT,)
    found: dict[str, str] = {}
    for scheme in schemes:
        block = scheme.search(style)
        assert block is not None  # the style sheet begins with its colours; the tests read both schemes
        found.update(_COLOUR.findall(block[1]))
    return found


def picture_rules(*, is_dark: bool = False) -> str:
    """Return the style sheet's rules of a picture, each colour put in: for renderers that know no variables."""
    colours = palette(is_dark=is_dark)
    rules = _RULE.findall(asset("report.css").partition("* { box-sizing")[2])
    return "\n".join(
        f"{selector.strip()} {{{_USE.sub(lambda use: colours[use[1]], body)}}}"
        for selector, body in rules
        if selector.strip().startswith(_DRAWN)
    )
