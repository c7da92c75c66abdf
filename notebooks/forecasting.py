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
# # When does it die? Forecasts and how far to trust them
#
# A forecast is worth what its past was worth. memmon asks of every history: had we forecast from earlier
# moments, how far off would we have been? It widens its interval by the answer, and shows it.

# %%
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import style  # beside this notebook: it draws as the report does
from IPython.display import display

from memmon import forecast_limit, open_store

style.use()

database = os.environ.get("MEMMON_NOTEBOOK_DATABASE")  # your own history, if you name one
if database is None:
    database = str(Path(tempfile.mkdtemp()) / "three_months.db")
    command = [sys.executable, "-m", "memmon", "import", "data/three_months.jsonl.gz", "--db", database]
    subprocess.run(command, check=True, capture_output=True)
store = open_store(database)
source = os.environ.get("MEMMON_NOTEBOOK_SOURCE") or store.sources()[0].name


runs = [run for run in store.runs(source) if run.first_at is not None]
run = max(runs, key=lambda one: one.last_rss_bytes - one.first_rss_bytes)  # the one that grew most
limit_bytes = run.limit_bytes or 2 * run.peak_rss_bytes  # none was recorded: twice the peak
print(
    f"run {run.run_id}, release {run.release}: {(run.last_at - run.first_at).total_seconds() / 3600:.0f} h, "
    f"ended: {run.end_reason}; limit {limit_bytes / 2**20:,.0f} MB"
)

# %% [markdown]
# ## Looking ahead from six past moments
#
# We know how this run ended. At six moments before that we ask for the time at which memory reaches the
# limit, with the interval that should hold it four times out of five.

# %%
history = store.history(source, since=run.first_at, until=run.last_at)
rows = []
span = run.last_at - run.first_at
for share in (0.25, 0.4, 0.55, 0.7, 0.8, 0.9):
    now = run.first_at + share * span
    forecast = forecast_limit(history.slice_time(None, now), limit_bytes)
    rows.append(
        {
            "hours known": (now - run.first_at).total_seconds() / 3600,
            "forecast": forecast.at,
            "low": forecast.at_low,
            "high": forecast.at_high,
        }
    )
table = pd.DataFrame(rows)
dates = table[["forecast", "low", "high"]].apply(pd.to_datetime, utc=True)
table.assign(**{name: dates[name].dt.strftime("%m-%d %H:%M") for name in dates}).round(0)

# %%
figure, axis = plt.subplots(figsize=(11, 4.4))
frame = store.snapshots(source, run.first_at, run.last_at)
memory = frame["rss_bytes"] / 2**20
style.line(axis, memory)
style.say(
    axis, "resident memory", (memory.index[len(memory) // 3], memory.iloc[len(memory) // 3]), name="mean"
)
style.limit(axis, limit_bytes / 2**20, f"the limit, {limit_bytes / 2**20:,.0f} MB")
style.ends(axis, [run])
peak = frame["rss_bytes"].max() / 2**20
for place, (_, row) in enumerate(table.dropna(subset=["low", "high"]).iterrows()):
    height = max(limit_bytes / 2**20, peak) * (0.87 - 0.075 * place)
    ends = [row["low"], row["high"]]
    axis.plot(ends, [height, height], color=style.colour("cone")[:3], alpha=0.3, linewidth=6)
    axis.plot(row["forecast"], height, "o", color=style.colour("forecast"), markersize=4)
    words = f"{row['hours known']:.0f} h known "
    axis.annotate(words, (row["low"], height), ha="right", va="center", color=style.colour("forecast"))
axis.set_ylabel("MB")
style.days(axis)
plt.show()

# %% [markdown]
# ## The back-test
#
# The same is done inside every forecast, from many origins; here it is for the one made at 70 % of the run. `coverage` is how often the readings lay in the
# interval *before* it was widened, `spread_factor` what it was widened by.

# %%
middle = history.slice_time(None, run.first_at + 0.7 * span)
forecast = forecast_limit(middle, limit_bytes, cross_check=True)
backtest = forecast.backtest
if backtest is None:
    print("too little history to look back from any earlier moment")
else:
    display(
        pd.Series(
            {
                "origins": backtest.origin_count,
                "blocks compared": backtest.comparison_count,
                "longest look ahead, h": backtest.longest_hours,
                "median error, MB": backtest.median_error_mb,
                "coverage": backtest.coverage,
                "spread factor": backtest.spread_factor,
            }
        ).round(2)
    )

# %%
print(forecast.summary)
print(*forecast.details[-1:])  # what a second model says

# %% [markdown]
# ## A history that goes nowhere
#
# "Never within the horizon" is an answer too. The present release has one.

# %%
present = max(runs, key=lambda one: one.started_at)
calm = forecast_limit(store.history(source, since=present.first_at), present.limit_bytes or limit_bytes)
print(calm.summary)

# %% [markdown]
# ## Decision
#
# Half-way through its life the leaking run's end was known to within hours: early enough to restart it by day.
# The operator sets `memmon check` to warn when the limit is less than a day away, and does not restart the
# present release on a schedule, because it reaches no limit.
