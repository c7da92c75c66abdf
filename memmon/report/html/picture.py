"""The picture for phones: the page's first words and its picture of memory, as one SVG that needs no style sheet.

It is drawn of the page's own view model. One point is one of CSS on a phone; the renderer makes pixels of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.formatting import shown
from memmon.report.html import environment
from memmon.report.html.geometry import BOX
from memmon.report.html.page import page_of
from memmon.report.html.palette import palette, picture_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from memmon.report.chart_values import Charts
    from memmon.report.data import Report
    from memmon.report.html.view_model import Figure, LegendEntry, Page

WIDTH_POINTS = 432
"""A large phone's width: letters of 12 points are read there without zooming."""

FAMILY = "DejaVu Sans, Liberation Sans, Noto Sans, Roboto, Arial, Helvetica, sans-serif"
"""The first that is there; the widths below are those of the first."""

_MARGIN = 16.0
_AXIS_POINTS = 56.0
_BAND_POINTS = 22.0
_LEGEND_KEY_POINTS = 22.0
_LINE_HEIGHT = 1.4
_BOLD_WIDTH = 1.13
_EM_BY_CHARACTER = {
    **dict.fromkeys(" ,.;:'|iIjl!", 0.34),
    **dict.fromkeys('()[]-/tfrJ`"', 0.42),
    **dict.fromkeys("mwMW%@+=<>", 0.95),
}
_EM = 0.64
_EM_OF_OTHERS = 1.0
"""Widths of letters in parts of their size: DejaVu Sans's, which is the widest of the usual; others are as wide as high."""

_NUMBER = re.compile(r"-?\d+")
_STEP = re.compile(r"[MhvlLz](?:-?\d+ ?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line of text: where its letters stand, in points."""

    text: str
    y: float
    size: float
    colour: str
    is_bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of the legend and where it stands, in points."""

    entry: LegendEntry
    x: float
    y: float


def picture_svg(
    report: Report, charts: Charts | None, *, tz: tzinfo | None = None, is_dark: bool = False
) -> str:
    """Return the picture of `report` as SVG text, `WIDTH_POINTS` wide and as high as its words need.

    `charts` None, or a report without a sample: the words alone. Times are as on the page (`tz`).
    """
    page = page_of(report, charts, tz=tz)
    colours = palette(is_dark=is_dark)
    column = _Column()
    column.add(page.source, size=17, colour=colours["ink"], is_bold=True)
    column.space(14)
    hero_top = column.y
    column.space(6)
    for words, style in _hero(page):
        column.add(words, size=style.size, colour=colours[style.colour], is_bold=style.is_bold, inset=14)
        column.space(5)
    column.space(5)
    hero_bottom = column.y
    figure = page.memory
    chart_top = column.y + 14
    keys: tuple[Key, ...] = ()
    if figure is not None:
        column.y = chart_top + figure.height + 8
        keys = tuple(_keys(figure.legend, column))
        if figure.note:
            column.add(figure.note, size=12, colour=colours["soft"])
    column.space(6)
    column.add(" · ".join(page.sub), size=11.5, colour=colours["soft"])
    template = environment().get_template("picture.svg.jinja")
    return template.render(
        page=page,
        figure=None if figure is None else _scaled(figure),
        keys=keys,
        words=column.lines,
        width=WIDTH_POINTS,
        height=round(column.y + _MARGIN),
        margin=_MARGIN,
        axis=_AXIS_POINTS,
        band=_BAND_POINTS if figure is not None and figure.bands else 6,
        hero_top=hero_top,
        hero_height=round(hero_bottom - hero_top, 1),
        chart_top=chart_top,
        colours=colours,
        rules=picture_rules(is_dark=is_dark),
        family=FAMILY,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    size: float
    colour: str
    is_bold: bool = False


def _hero(page: Page) -> Iterator[tuple[str, _Style]]:
    """Yield the page's first words and what they look like."""
    body = _Style(size=14, colour="ink")
    if page.is_empty:
        yield page.headline, _Style(size=17, colour=page.mood, is_bold=True)
        yield page.empty_words, body
    else:
        first, *rest = page.plain
        yield first, _Style(size=17, colour=page.mood, is_bold=True)
        if rest:
            yield " ".join(rest), body
    if page.stale_words:
        yield f"Stale. {page.stale_words}", _Style(size=14, colour="bad")
    if page.set_aside:
        yield f"{page.set_aside}.", _Style(size=14, colour="bad")
    for step in page.steps[:1]:
        yield f"Do: {step.words} {step.command}".strip(), body


class _Column:
    """Lines under each other."""

    def __init__(self) -> None:
        self.y = _MARGIN
        self.lines: list[Words] = []

    def space(self, points: float) -> None:
        self.y = round(self.y + points, 1)

    def add(self, text: str, *, size: float, colour: str, is_bold: bool = False, inset: float = 0.0) -> None:
        room = WIDTH_POINTS - 2 * (_MARGIN + inset)
        for line in wrapped(shown(text), room, size=size, is_bold=is_bold):
            self.space(size * _LINE_HEIGHT)
            y = round(self.y - 0.3 * size, 1)
            self.lines.append(Words(text=line, y=y, size=size, colour=colour, is_bold=is_bold))


def _keys(entries: Iterable[LegendEntry], column: _Column) -> Iterator[Key]:
    """Yield where the legend's entries stand, beside each other as far as they have room."""
    x, size = _MARGIN, 12.0
    column.space(size)
    for entry in entries:
        label = wrapped(shown(entry.label), WIDTH_POINTS - 2 * _MARGIN - _LEGEND_KEY_POINTS, size=size)[0]
        width = _LEGEND_KEY_POINTS + text_width(label, size=size) + 12
        if x > _MARGIN and x + width > WIDTH_POINTS - _MARGIN:
            x = _MARGIN
            column.space(size * _LINE_HEIGHT)
        yield Key(entry=replace(entry, label=label), x=round(x, 1), y=column.y)
        x += width
    column.space(4)


def text_width(text: str, *, size: float, is_bold: bool = False) -> float:
    """Return about how wide a text is, in points: rather too wide than too narrow."""
    ems = sum(_EM_BY_CHARACTER.get(char, _EM if char.isascii() else _EM_OF_OTHERS) for char in text)
    return ems * size * (_BOLD_WIDTH if is_bold else 1.0)


def wrapped(text: str, room: float, *, size: float, is_bold: bool = False) -> list[str]:
    """Return a text in lines that fit `room` points; a word that is too long for one is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in _pieces(word, room, size=size, is_bold=is_bold):
            longer = f"{line} {piece}" if line else piece
            if line and text_width(longer, size=size, is_bold=is_bold) > room:
                lines.append(line)
                longer = piece
            line = longer
    return [*lines, line]


def _pieces(word: str, room: float, *, size: float, is_bold: bool) -> Iterator[str]:
    piece = ""
    for char in word:
        if piece and text_width(piece + char, size=size, is_bold=is_bold) > room:
            yield piece
            piece = ""
        piece += char
    yield piece


def _scaled(figure: Figure) -> dict[str, object]:
    """Return a figure's shapes in points: a renderer need not know lines that keep their width in a stretched box."""
    width = WIDTH_POINTS - 2 * _MARGIN - _AXIS_POINTS
    height = figure.height - 24 - (_BAND_POINTS if figure.bands else 6)
    across, down = width / BOX, height / BOX
    return {
        "shapes": [(shape.style, scaled_path(shape.path, across, down)) for shape in figure.shapes],
        "width": round(width, 1),
        "height": round(height, 1),
        "figure": figure,
        "labels": [label for label in figure.labels if label.least_width_points <= width],
        "bands": [
            replace(band, name=shortened(shown(band.name), band.width * width / 100 - 6, size=12))
            for band in figure.bands
        ],
    }


def shortened(text: str, room: float, *, size: float) -> str:
    """Return a text cut to `room` points, with a sign that it is cut; nothing where no letter fits."""
    if text_width(text, size=size) <= room:
        return text
    lengths = range(len(text), 0, -1)
    return next((cut for n in lengths if text_width(cut := f"{text[:n]}…", size=size) <= room), "")


def scaled_path(path: str, across: float, down: float) -> str:
    """Return a path of `geometry` with every step made longer or shorter.

    >>> scaled_path("M0 500h1000l10-20z", 0.3, 0.2)
    'M0 100h300l3-4z'
    """
    return _STEP.sub(lambda step: _scaled_step(step[0], across, down), path)


def _scaled_step(step: str, across: float, down: float) -> str:
    letter, numbers = step[0], [int(number) for number in _NUMBER.findall(step)]
    if letter in "hv":
        return f"{letter}{numbers[0] * (across if letter == 'h' else down):.6g}"
    if not numbers:
        return letter
    x, y = (f"{number * factor:.6g}" for number, factor in zip(numbers, (across, down), strict=True))
    return f"{letter}{x}{y}" if y.startswith("-") else f"{letter}{x} {y}"
