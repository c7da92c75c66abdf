"""How the notebooks draw: in the HTML report's colours and by its rules, so that one story looks the same everywhere.

Colours are those of the report's style sheet. Lines carry their words instead of a legend, end at gaps and restarts,
stand on a white ground with level lines only; releases are bands, a limit is a line, a run that was killed for want of
memory ends in a cross.
"""

from __future__ import annotations

import re

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import patheffects

from memmon.facts.run_endings import OUT_OF_MEMORY
from memmon.report.chart_pauses import breaks_of
from memmon.report.html.geometry import value_frame
from memmon.report.html.palette import palette
from memmon.units import MIB


def colour(name):
    """Return a colour of the report as matplotlib takes it: `mean`, `trend`, `limit`, `culprit-0`, ..."""
    text = palette()[name]
    parts = re.fullmatch(r"rgba\((\d+), (\d+), (\d+), ([\d.]+)\)", text)
    if parts is None:
        return mpl.colors.to_rgba(text)
    red, green, blue, alpha = map(float, parts.groups())
    return (red / 255, green / 255, blue / 255, alpha)


SERIES = ("mean", "culprit-0", "layer-1", "culprit-1", "part-0")
"""Colours of several series in one picture, in their order."""


def use():
    """Draw like the report from here on."""
    plt.rcParams.update(
        {
            "figure.facecolor": colour("panel"),
            "figure.constrained_layout.use": True,
            "figure.dpi": 72,
            "axes.facecolor": colour("panel"),
            "axes.edgecolor": colour("line"),
            "axes.labelcolor": colour("soft"),
            "axes.titlecolor": colour("ink"),
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.labelsize": 9,
            "axes.spines.left": False,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            "axes.prop_cycle": mpl.cycler(color=[colour(name) for name in SERIES]),
            "grid.color": colour("grid"),
            "xtick.color": colour("soft"),
            "ytick.color": colour("soft"),
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "ytick.left": False,
            "lines.linewidth": 1.4,
            "font.size": 9,
        }
    )


def days(axis):
    """Write dates as the report does: 5 Mar, and hours between them where there is room."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=6)
    axis.xaxis.set_major_locator(locator)
    form = mdates.AutoDateFormatter(locator, defaultfmt="%-d %b")
    form.scaled = {365.0: "%Y", 30.0: "%-d %b", 1.0: "%-d %b", 1 / 24: "%H:%M", 1 / 1440: "%H:%M"}
    axis.xaxis.set_major_formatter(form)


def sizes(axis, *series):
    """Show these sizes as the report does: with a little air, and so that next to nothing never looks like a cliff."""
    frame = value_frame(0.0, 1.0, [float(end) for one in series for end in (one.min(), one.max())])
    axis.set_ylim(frame.bottom, frame.top)


def cut(series, run_ids=None):
    """Return a series with an empty value wherever its line must end: at a gap, and at a restart (`run_ids` change)."""
    seconds = (series.index - series.index[0]).total_seconds().to_numpy()
    runs = np.zeros(len(series)) if run_ids is None else np.asarray(run_ids)
    breaks = breaks_of(seconds, runs, bucket_seconds=0.0)
    between = series.index[breaks - 1] + (series.index[breaks] - series.index[breaks - 1]) / 2
    whole, halves = (index.as_unit("ns").asi8 for index in (series.index, between))
    index = pd.DatetimeIndex(np.insert(whole, breaks, halves), tz=series.index.tz)
    return pd.Series(np.insert(series.to_numpy(dtype=float), breaks, np.nan), index=index)


def line(axis, series, *, run_ids=None, name="mean", words="", **options):
    """Draw a series, cut where nothing ran, with its words at its end."""
    pieces = cut(series, run_ids)
    axis.plot(pieces.index, pieces, color=colour(name), solid_joinstyle="round", **options)
    if words:
        say(axis, words, (series.index[-1], series.iloc[-1]), name=name)


def band(axis, low, high, *, run_ids=None, name="band"):
    """Fill what lies between two series, cut as lines are."""
    below, above = cut(low, run_ids), cut(high, run_ids)
    axis.fill_between(below.index, below, above, color=colour(name), linewidth=0)


def say(axis, words, at, *, name="soft", right=False, below=False):
    """Write words at a place of the picture, in the colour of what they name; they end there, or begin (`right`)."""
    axis.annotate(
        words,
        at,
        xytext=(4 if right else 0, -12 if below else 6),
        textcoords="offset points",
        ha="left" if right else "right",
        color=colour(name)[:3],
        fontsize=9,
        path_effects=[patheffects.withStroke(linewidth=3, foreground=colour("panel"))],
    )


def limit(axis, limit_mb, words):
    """Draw a limit over the whole width, with its name at the left."""
    axis.axhline(limit_mb, color=colour("limit"), linewidth=1.4, zorder=1.5)  # readings stand above it
    place = axis.get_yaxis_transform()
    label = axis.annotate(words, (0.006, limit_mb), xycoords=place, xytext=(0, 4), textcoords="offset points")
    label.set(color=colour("limit"), fontsize=9)


def releases(axis, runs):
    """Shade every other release behind the picture, the newest among them, and name each; releases in a row are one."""
    found = []
    for run in sorted(runs, key=lambda one: one.started_at):
        if found and found[-1][0] == run.release:
            found[-1][2] = run.last_at or run.started_at
        else:
            found.append([run.release, run.started_at, run.last_at or run.started_at])
    for number, (name, begin, end) in enumerate(reversed(found)):
        if number % 2 == 0:
            axis.axvspan(begin, end, color=colour("shade"), linewidth=0, zorder=0)
        if name:
            place = (mdates.date2num(begin), 1.0)
            text = axis.annotate(
                name, place, xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points"
            )
            text.set(color=colour("soft"), fontsize=9)


def ends(axis, runs):
    """Mark how runs ended: a cross where memory ran out, a dot for every other end but the newest run's."""
    ended = [run for run in runs if run.end_reason and run.last_at]
    for run in ended:
        is_death = run.end_reason == OUT_OF_MEMORY
        axis.plot(
            run.last_at,
            run.last_rss_bytes / MIB,
            "x" if is_death else "o",
            color=colour("death" if is_death else "end"),
            markersize=9 if is_death else 3,
            markeredgewidth=2.2 if is_death else 0,
            zorder=5,
        )
    if any(run.end_reason == OUT_OF_MEMORY for run in ended):
        words = axis.annotate(
            "crosses: killed out of memory",
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
        )
        words.set(color=colour("death"), fontsize=9)
