"""The report's picture as PNG: the SVG of `html.picture`, rendered by resvg (the extra `png`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import MissingExtraError
from memmon.report.html.picture import FAMILY, picture_svg

if TYPE_CHECKING:
    from datetime import tzinfo

    from memmon.report.chart_values import Charts
    from memmon.report.data import Report

WIDTH_PIXELS = 1080
"""As wide as most phones' screens."""

_TRIAL = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="16" font-size="16" font-family="{family}">{words}</text></svg>'


def render_png(
    report: Report, charts: Charts | None, *, tz: tzinfo | None = None, is_dark: bool = False
) -> bytes:
    """Return a PNG of the page's first words and its picture of memory, `WIDTH_PIXELS` wide.

    Raises MissingExtraError without the renderer, or where there is no font to write with: a picture
    without its words would say nothing.
    """
    check_renderer()
    return _rendered(picture_svg(report, charts, tz=tz, is_dark=is_dark), width=WIDTH_PIXELS)


def check_renderer() -> None:
    """Raise MissingExtraError where no picture can be made here, before any work is done for it."""
    blank, written = (_rendered(_TRIAL.format(family=FAMILY, words=words), width=40) for words in ("", "Ag5"))
    if blank == written:
        raise MissingExtraError(
            "the picture needs a font, and none is installed here: apt-get install fonts-dejavu-core (or any other)"
        )


def _rendered(svg: str, *, width: int) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError("a PNG needs resvg-py: pip install 'memmon[png]'") from None
    return resvg_py.svg_to_bytes(svg_string=svg, width=width)
