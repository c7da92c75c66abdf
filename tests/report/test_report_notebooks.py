"""The notebooks draw as the report does: its colours, its breaks of a line, its releases and ends."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from memmon.report.html.palette import palette

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

FOLDER = Path(__file__).parents[2] / "notebooks"
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What is drawn of a run."""

    release: str
    started_at: datetime
    last_at: datetime
    end_reason: str | None = None
    last_rss_bytes: int = 300 * 2**20


@pytest.fixture(scope="module")
def style():
    spec = importlib.util.spec_from_file_location("notebook_style", FOLDER / "style.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


def test_no_notebook_has_a_colour_of_its_own():
    """Colours are asked for by the report's names: none is written out, and each name is one of the report's."""
    for path in FOLDER.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"#[0-9a-fA-F]{6}\b|legend\(|\"grey\"", text) == [], path.name
        named = re.findall(r"colour\(\"([\w-]+)\"\)", text)
        named += re.findall(r"style\.\w+\([^\n]*name=\"([\w-]+)\"", text)
        assert set(named) - set(palette()) == set(), path.name


def test_every_notebook_with_pictures_draws_in_the_style():
    """Whoever draws begins with the style."""
    for path in FOLDER.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "plt.subplots" in text:
            assert "style.use()" in text, path.name


def test_colours_are_the_reports(style):
    """A colour and a translucent one are those of the style sheet."""
    assert matplotlib.colors.to_hex(style.colour("mean")) == palette()["mean"]
    assert style.colour("band")[3] == pytest.approx(float(palette()["band"].rpartition(",")[2].strip(" )")))


def test_a_line_ends_at_gaps_and_restarts_even_within_one_moment(style):
    """Where nothing was recorded, and where another run begins, an empty value parts the line; nothing else is lost."""
    index = pd.DatetimeIndex([START + timedelta(hours=hours) for hours in (0, 1, 2, 3, 12, 13, 14, 14, 15)])
    series = pd.Series(np.arange(9.0), index=index)
    pieces = style.cut(series, [1, 1, 1, 1, 1, 1, 1, 2, 2])
    assert pieces.isna().tolist() == [False] * 4 + [True] + [False] * 3 + [True] + [False] * 2
    assert pieces.dropna().tolist() == series.tolist()
    assert pieces.dropna().index.equals(index.as_unit("ns"))
    assert style.cut(series[:4]).equals(series[:4].set_axis(index[:4].as_unit("ns")))


def test_releases_are_bands_with_names_and_the_newest_is_shaded(style, axis):
    """Runs of one release in a row are one band; every other is shaded, the newest among them."""
    day = timedelta(days=1)
    names = ("1.0", "1.0", "1.1", "1.2")
    runs = [Run(name, START + n * day, START + (n + 1) * day) for n, name in enumerate(names)]
    style.releases(axis, runs)
    assert [text.get_text() for text in axis.texts] == ["1.2", "1.1", "1.0"]
    assert len(axis.patches) == 2
    plt.gcf().canvas.draw()
    assert {matplotlib.colors.to_hex(patch.get_facecolor()) for patch in axis.patches} == {
        matplotlib.colors.to_hex(style.colour("shade"))
    }


def test_a_kill_for_want_of_memory_is_a_cross_and_other_ends_are_dots(style, axis):
    """A cross in the colour of a death where memory ran out, a dot where a run ended, nothing while it lives."""
    hour = timedelta(hours=1)
    runs = [
        Run("1", START, START + hour, "oom"),
        Run("1", START + 2 * hour, START + 3 * hour, "stopped"),
        Run("1", START + 4 * hour, START + 5 * hour),
    ]
    style.ends(axis, runs)
    assert [line.get_marker() for line in axis.lines] == ["x", "o"]
    assert matplotlib.colors.to_hex(axis.lines[0].get_color()) == palette()["death"]
    assert [text.get_text() for text in axis.texts] == ["crosses: killed out of memory"]


def test_next_to_nothing_is_no_cliff(style, axis):
    """The axis of sizes spans at least a fifth of them, as the report's does."""
    style.sizes(axis, pd.Series([100.0, 100.5]))
    low, high = axis.get_ylim()
    assert high - low >= 20
    assert low < 100
    assert high > 100.5
