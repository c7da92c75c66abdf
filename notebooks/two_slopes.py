# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two slopes by hand: pandas, scipy and statsmodels beside memmon
#
# A report shows two slopes, each with a 95 % interval: a robust one and least squares. Here both are computed with
# the tools that everybody has: Theil-Sen in scipy, least squares in statsmodels, rolling windows of 24 hours in
# pandas, and memmon's answers stand beside them. The slopes hardly differ. The intervals do, and that is what decides
# whether somebody is woken.
#
# Set `MEMMON_NOTEBOOK_DATABASE` to the path of your own database to work on that one instead of the shipped,
# simulated history. Sizes are in MB (2**20 bytes), slopes in MB per hour.

# %%
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.api as sm
import style  # beside this notebook: it draws as the report does
from scipy import signal, stats
from sqlalchemy import text
from statsmodels.graphics.tsaplots import plot_acf
from statsmodels.regression.rolling import RollingOLS

from memmon import detect_leak, open_store, theil_sen, trend_model, trend_windows

style.use()


def shipped():
    path = str(Path(tempfile.mkdtemp()) / "three_months.db")
    command = [sys.executable, "-m", "memmon", "import", "data/three_months.jsonl.gz", "--db", path]
    subprocess.run(command, check=True, capture_output=True)
    return path


# Your own history, if you name one; a run of two hours and 24 samples is the least that can be looked at.
store = open_store(os.environ.get("MEMMON_NOTEBOOK_DATABASE") or shipped())
source = os.environ.get("MEMMON_NOTEBOOK_SOURCE") or store.sources()[0].name
enough = text("select count(*) from v_run where source = :s and hours >= 2 and snapshot_count >= 24")
if not pd.read_sql(enough, store.engine, params={"s": source}).iloc[0, 0]:
    print(f"{source} has no run of two hours and 24 samples yet: here is the shipped history instead")
    store = open_store(shipped())
    source = store.sources()[0].name

# %% [markdown]
# ## Out of the database
#
# `store.engine` is an SQLAlchemy engine that only reads, so `pd.read_sql` works on every view (docs/sql.md). Of the
# runs of three days or more (or nearly the longest, where none is) we take two: the one that was recorded longest, and
# the one that grew fastest.

# %%
query = text(
    "select run_id, release, started_at, hours, snapshot_count, end_reason from v_run where source = :s"
)
runs = pd.read_sql(query, store.engine, params={"s": source}).set_index("run_id")
snapshots = pd.read_sql(
    text("select * from v_snapshot where source = :s"), store.engine, params={"s": source}
)
by_run = snapshots.groupby("run_id")["rss_mb"]
runs["grown MB/h"] = (by_run.last() - by_run.first()) / runs["hours"]
long = runs[(runs["snapshot_count"] >= 24) & (runs["hours"] >= 2)]
long = long[long["hours"] >= min(72, 0.95 * long["hours"].max())].sort_values("hours", ascending=False)
chosen = {"longest": long.index[0], "fastest": long["grown MB/h"].idxmax()}
frames = {name: snapshots[snapshots["run_id"] == run_id] for name, run_id in chosen.items()}
runs.loc[list(chosen.values())].assign(chosen=list(chosen)).round(2)

# %% [markdown]
# ## What is fitted
#
# memmon judges the footprint (what the process can't give back), without the first hour of a run. `trend_model` takes
# the frame as it is and returns statsmodels' own results; what it has fitted is in there, so that everything below
# works on the very same samples.

# %%
models = {name: trend_model(frame) for name, frame in frames.items()}
series = {
    name: pd.Series(model.model.endog, index=model.fittedvalues.index, name="footprint MB")
    for name, model in models.items()
}
hours = {name: model.model.exog[:, 1] for name, model in models.items()}
print(models["fastest"].summary())

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3.4))
for axis, (name, footprint) in zip(axes, series.items(), strict=True):
    line = models[name].get_prediction().summary_frame().set_index(footprint.index)
    style.band(axis, line["mean_ci_lower"], line["mean_ci_upper"], name="trend-band")
    style.line(axis, line["mean"], name="trend", linewidth=2)
    style.line(axis, footprint, linewidth=1)
    first, last = footprint.index[len(footprint) // 4], footprint.index[3 * len(footprint) // 4]
    style.say(axis, "footprint", (first, footprint[:first].max()), name="mean")
    style.say(axis, "least squares", (last, line["mean"][last]), name="trend", right=True, below=True)
    style.sizes(axis, footprint)
    axis.set_title(f"{name} run ({runs.loc[chosen[name], 'release']})")
    style.days(axis)
axes[0].set_ylabel("MB")
plt.show()

# %% [markdown]
# ## The same line, and five intervals
#
# * **Theil-Sen**, the median of all pairwise slopes: `scipy.stats.theilslopes`, and `memmon.theil_sen`, which gives the
#   same numbers at any size.
# * **Least squares**: statsmodels with plain errors, then with HAC errors (Newey-West), which allow for noise that
#   remembers. memmon chooses the number of lags by what the residuals remember; `trend_model` is that.
# * **The verdict's robust slope**: Theil-Sen on the lower envelope, its interval from a model of the noise.


# %%
def slopes(name):
    x, y = hours[name], series[name].to_numpy()
    scipys, ours = stats.theilslopes(y, x), theil_sen(x, y)
    assert (ours.slope, ours.slope_low, ours.slope_high) == (
        scipys.slope,
        scipys.low_slope,
        scipys.high_slope,
    )
    plain = sm.OLS(y, sm.add_constant(x)).fit()
    default = plain.get_robustcov_results("HAC", maxlags=None, use_correction=True, use_t=True)
    model, finding = models[name], detect_leak(frames[name])
    return pd.DataFrame(
        {
            "Theil-Sen (scipy and memmon)": (ours.slope, ours.slope_low, ours.slope_high),
            "least squares, plain errors": (plain.params[1], *plain.conf_int()[1]),
            "least squares, HAC, statsmodels' lags": (default.params[1], *default.conf_int()[1]),
            f"trend_model: HAC, {model.cov_kwds['maxlags']} lags": (
                model.params["slope_mb_per_hour"],
                *model.conf_int().loc["slope_mb_per_hour"],
            ),
            f"detect_leak: {finding.verdict}": (
                finding.slope_mb_per_hour,
                finding.slope_low_mb_per_hour,
                finding.slope_high_mb_per_hour,
            ),
        },
        index=["slope", "low", "high"],
        dtype="float64",
    ).T


tables = {name: slopes(name) for name in frames}
pd.concat(tables).round(3)

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 2.8))
for axis, (name, table) in zip(axes, tables.items(), strict=True):
    places = np.arange(len(table))[::-1]
    axis.hlines(places, table["low"], table["high"], color=style.colour("trend"), alpha=0.4, linewidth=5)
    axis.plot(table["slope"], places, "o", color=style.colour("trend"), markersize=4)
    axis.set_yticks(places, table.index, fontsize=8)
    axis.set_ylim(-0.6, len(table) - 0.4)
    if table["low"].min() <= 0 <= table["high"].max():
        axis.axvline(0, color=style.colour("soft"), linewidth=1)
    axis.set_title(f"{name} run")
    axis.set_xlabel("MB per hour, 95 % intervals")
plt.show()

# %% [markdown]
# ## Why the plain intervals are too narrow
#
# They take the residuals as independent. Memory is not: what was allocated at noon is there at one. The
# autocorrelation says for how long.

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 2.6))
for axis, (name, model) in zip(axes, models.items(), strict=True):
    lags = min(96, len(model.resid) // 2)
    plot_acf(model.resid, ax=axis, lags=lags, title=f"{name} run: residuals", zero=False, markersize=3)
    axis.set_xlabel("lag in samples")
plt.show()

# %% [markdown]
# How often does an interval that says 95 % hold the truth? 200 simulated programs that do not grow at all, two days of
# readings every five minutes, with noise that forgets by a tenth a reading: the share of intervals that hold zero.

# %%
random = np.random.default_rng(2026)
index = pd.date_range("2026-01-01", periods=576, freq="5min", tz="UTC")
x = np.arange(index.size) / 12
held = []
for _ in range(200):
    noise = signal.lfilter([1], [1, -0.9], random.normal(0, 1, index.size))
    program = pd.Series((300 + noise) * 2**20, index=index)
    scipys = stats.theilslopes(program / 2**20, x)
    plain = sm.OLS(program / 2**20, sm.add_constant(x)).fit()
    finding, model = detect_leak(program), trend_model(program)
    ends = {
        "Theil-Sen": (scipys.low_slope, scipys.high_slope),
        "least squares, plain errors": plain.conf_int().iloc[1],
        "trend_model (HAC)": model.conf_int().loc["slope_mb_per_hour"],
        "detect_leak": (finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour),
    }
    held.append({name: low <= 0 <= high for name, (low, high) in ends.items()})
coverage = pd.DataFrame(held).mean()
coverage.map("{:.0%}".format).to_frame("holds the truth")

# %%
assert coverage["least squares, plain errors"] < 0.6
assert coverage["detect_leak"] > 0.9

# %% [markdown]
# The textbook's intervals hold the truth in a third of the cases. HAC errors mend most of that, the verdict's
# interval the rest: it is the only one of the four that a threshold can be held against.
#
# ## Rolling windows of 24 hours
#
# By hand: a window's samples are counted off, `RollingOLS` fits each. `trend_windows` gives a row per window with both
# slopes, their intervals and the verdict; its least squares are statsmodels' as well.


# %%
def rolling(name):
    footprint = series[name]
    step = pd.Series(hours[name]).diff().median()
    count = round(24 / step)
    design = sm.add_constant(pd.Series(hours[name], index=footprint.index, name="slope"))
    if count < 3 or count > len(footprint):
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([], tz="UTC"))
    return RollingOLS(footprint, design, window=count).fit(params_only=True).params["slope"].dropna()


figure, axes = plt.subplots(1, 2, figsize=(11, 3.6))
windows = {}
for axis, (name, frame) in zip(axes, frames.items(), strict=True):
    by_hand, rows = rolling(name), trend_windows(frame, window="24h", step="6h")
    windows[name] = rows
    axis.plot(by_hand.index, by_hand, color=style.colour("part-0"), linewidth=1)
    axis.plot(rows.index, rows["ols_slope_mb_per_hour"], "x", color=style.colour("culprit-0"))
    low, high = rows["slope_low_mb_per_hour"], rows["slope_high_mb_per_hour"]
    middle = rows["slope_mb_per_hour"]
    axis.errorbar(
        rows.index,
        middle,
        yerr=[(middle - low).clip(lower=0), (high - middle).clip(lower=0)],
        fmt="o",
        color=style.colour("mean"),
        markersize=3,
        linewidth=1,
    )
    axis.axhline(0, color=style.colour("soft"), linewidth=1)
    axis.set_title(f"{name} run")
    style.days(axis)
axes[0].set_ylabel("MB per hour in the 24 h before")
for height, (words, name) in enumerate(
    [("robust, 95 %", "mean"), ("least squares (crosses)", "culprit-0"), ("RollingOLS by hand", "part-0")]
):
    place = {"ha": "right", "va": "top", "transform": axes[1].transAxes}
    axes[1].text(1, 0.6 - 0.09 * height, words, color=style.colour(name), fontsize=9, **place)
plt.show()

# %%
columns = [
    "slope_mb_per_hour",
    "slope_low_mb_per_hour",
    "slope_high_mb_per_hour",
    "ols_slope_mb_per_hour",
    "verdict",
]
windows["fastest"][columns].tail(5).round(2)

# %% [markdown]
# ## Decision
#
# * The slope by itself decides nothing: all ways give nearly the same one.
# * A plain interval is no evidence: it calls a program a leak that does not grow. Use HAC errors with lags that follow the
#   residuals (`trend_model`), or the verdict's own interval (`detect_leak`).
# * One window of 24 hours can mislead, since a day has a shape. Slopes that stay above zero from window to window don't.
