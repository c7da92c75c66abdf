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
# # Leak or not?
#
# Eight real programs were recorded: two leak, two are the same programs at the version that fixed the
# leak, four only look suspicious. Which ones should wake an operator at night? We go from the picture
# over the two regressions to the verdict, and end with a decision for each program.
#
# Sizes are in MB (2**20 bytes). The clock of these recordings is scaled: one sample stands for five minutes.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import style  # beside this notebook: it draws as the report does

from memmon import History, detect_leak, forecast_limit, theil_sen, trend_windows

style.use()
traces = Path("../tests/data/traces")
truth = {entry["name"]: entry for entry in json.loads((traces / "manifest.json").read_text())["traces"]}


def load(name):
    frame = pd.read_csv(traces / f"{name}.csv.gz")
    return frame.rename(columns={"t_seconds_scaled": "t_seconds"})


frames = {name: load(name) for name in truth}
{name: len(frame) for name, frame in frames.items()}

# %% [markdown]
# ## What an eye sees
#
# Each panel has its own scale. Six of the eight grow at first; the question is which go on growing.

# %%
figure, axes = plt.subplots(2, 4, figsize=(13, 5.4), sharex=True)
for axis, (name, frame) in zip(axes.flat, frames.items(), strict=True):
    axis.plot(frame["t_seconds"] / 3600, frame["rss_bytes"] / 2**20)
    style.sizes(axis, frame["rss_bytes"] / 2**20)
    axis.set_title(name)
for axis in axes[1]:
    axis.set_xlabel("hours")
for axis in axes[:, 0]:
    axis.set_ylabel("resident memory in MB")
plt.show()

# %% [markdown]
# ## A line through everything is not enough
#
# The plain Theil-Sen slope is the median over the slopes of all pairs of samples. Its textbook interval
# takes the samples as independent. Memory is not: what was allocated at noon is there at one. The
# interval is therefore far too narrow, and a rule such as "the lower end is above zero" calls seven of
# these eight programs a leak.

# %%
rows = []
for name, frame in frames.items():
    line = theil_sen(frame["t_seconds"] / 3600, frame["rss_bytes"] / 2**20)
    rows.append((name, line.slope, line.slope_low, line.slope_high, line.slope_low > 0))
pd.DataFrame(rows, columns=["program", "slope MB/h", "low", "high", "textbook says leak"]).round(3)

# %% [markdown]
# ## The verdict
#
# `detect_leak` looks at the lower envelope (block minima), takes the noise's memory into its interval, and asks
# whether the growth goes on to the end, evenly, and not along a bend. Beside it stands least squares with
# HAC errors.

# %%
findings = {name: detect_leak(History.from_frame(frame, source=name)) for name, frame in frames.items()}
table = pd.DataFrame(
    [
        {
            "program": name,
            "truth MB/h": truth[name]["true_leak_mb_per_hour"],
            "verdict": finding.verdict,
            "confidence": finding.confidence,
            "slope MB/h": finding.slope_mb_per_hour,
            "low": finding.slope_low_mb_per_hour,
            "high": finding.slope_high_mb_per_hour,
            "OLS MB/h": finding.ols_slope_mb_per_hour,
        }
        for name, finding in findings.items()
    ]
)
table.round(2)

# %%
assert {name for name, finding in findings.items() if finding.is_leak} == {"pandas_readcsv_leak"}
assert findings["pydantic_typeadapter_leak"].verdict == "growing"

# %% [markdown]
# One program leaks at or above the default threshold of 10 MB/h, one grows for real but slower. No
# leak-free program is called a leak, and neither is a fixed version.
#
# ## Does the slope hold?
#
# A leak has the same slope in every window; a warm-up does not. Rolling windows of 24 hours show it.

# %%
figure, axis = plt.subplots(figsize=(10, 4))
for name, colour in (
    ("pandas_readcsv_leak", "culprit-0"),
    ("pydantic_typeadapter_leak", "culprit-1"),
    ("thread_arenas", "mean"),
    ("sqlite_cache", "layer-1"),
):
    history = History.from_frame(frames[name])
    windows = trend_windows(history, window="24h", step="3h")
    hours = (windows.index - history.first_at).total_seconds() / 3600
    slopes = windows["slope_mb_per_hour"]
    axis.plot(hours, slopes, marker="o", markersize=3, color=style.colour(colour))
    is_below = name == "sqlite_cache"  # beside another line's end
    style.say(axis, name, (hours[-1], slopes.iloc[-1]), name=colour, right=True, below=is_below)
style.limit(axis, 10, "threshold, 10 MB/h")
axis.set_xlabel("end of the 24-hour window, hours since the start")
axis.set_ylabel("slope in MB/h")
plt.show()

# %% [markdown]
# ## When would it end?
#
# In a container of 2 GB, the leaking program would be killed; the forecast says when, with an interval.

# %%
forecast = forecast_limit(History.from_frame(frames["pandas_readcsv_leak"]), 2 * 2**30)
print(
    f"reached in {forecast.hours_to_limit:.0f} h "
    f"({forecast.level:.0%}: {forecast.hours_to_limit_low:.0f} to {forecast.hours_to_limit_high:.0f} h)"
)

# %% [markdown]
# ## Decision
#
# * `pandas_readcsv_leak`: **act**. It leaks 16.2 MB/h; upgrade pandas (the fixed version, recorded beside it, is flat).
# * `pydantic_typeadapter_leak`: **plan**. It grows 2.6 MB/h, which a weekly restart hides; build the adapter once, or upgrade.
# * All others: **sleep on**. What grew there has ended.
