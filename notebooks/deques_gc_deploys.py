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
# # Deques, garbage collection and deploys: what to change
#
# Three small questions to one history. Are the deques sized right? Does the forced garbage collection help?
# What did each deploy change? Each ends in one line for the to-do list.

# %%
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import style  # beside this notebook: it draws as the report does

from memmon import open_store

style.use()

database = os.environ.get("MEMMON_NOTEBOOK_DATABASE")  # your own history, if you name one
if database is None:
    database = str(Path(tempfile.mkdtemp()) / "three_months.db")
    command = [sys.executable, "-m", "memmon", "import", "data/three_months.jsonl.gz", "--db", database]
    subprocess.run(command, check=True, capture_output=True)
store = open_store(database)
source = os.environ.get("MEMMON_NOTEBOOK_SOURCE") or store.sources()[0].name


# %% [markdown]
# ## Deques
#
# `deque_readings` gives one row a snapshot, filled forward, so that an average weighs time.

# %%
lengths = store.deque_readings(source)
bounds = store.deque_readings(source, value="maxlen")
columns = [name for name in lengths.columns if name != "run_id"]
summary = pd.DataFrame(
    {
        "maxlen": bounds[columns].max(),
        "mean": lengths[columns].mean(),
        "most": lengths[columns].max(),
        "share of time full": (lengths[columns] >= bounds[columns]).mean(),
    }
)
summary["fill %"] = 100 * summary["most"] / summary["maxlen"]
summary.round(2)

# %% [markdown]
# In the shipped history `audit_log` has no maxlen and only grows; `open_orders` never used more than a fraction of
# its room. The others are full for most of the time: they are windows over a stream, and full is what they should be.

# %%
figure, axes = plt.subplots(2, 3, figsize=(12, 5))
newest = lengths.loc[lengths.index.max() - pd.Timedelta(days=10) :] if columns else lengths
run_ids = store.snapshots(source)["run_id"].reindex(newest.index)
for axis, name in zip(axes.flat, columns, strict=False):
    style.line(axis, newest[name], run_ids=run_ids, linewidth=1)
    bound = summary.loc[name, "maxlen"]
    axis.set_ylim(0, 1.2 * max(newest[name].max(), 0 if pd.isna(bound) else bound))
    if pd.notna(bound):
        style.limit(axis, bound, f"maxlen {bound:,.0f}")
    axis.set_title(name)
    style.days(axis)
plt.show()

# %% [markdown]
# ## Garbage collection
#
# The recorder keeps a ledger of each forced pass: what it cost, what it freed.

# %%
passes = pd.DataFrame(
    [
        (event.at, event.data.get("pause_ms", 0.0), event.data.get("freed_bytes", 0) / 2**20)
        for event in store.events(source, kinds=("gc",))
    ],
    columns=["at", "pause ms", "freed MB"],
)
print(
    f"{len(passes)} passes, {passes['pause ms'].sum() / 1000:.1f} s of pauses, {passes['freed MB'].sum():.1f} MB freed"
)
passes[["pause ms", "freed MB"]].agg(["mean", "max"]).round(1)

# %% [markdown]
# In the shipped history they cost a quarter of a second each and freed nothing: what grew was still referenced. The
# collector is the wrong tool there.
#
# ## Deploys and the culprit
#
# In the shipped history the component `order_cache` was registered with the recorder. How much of each run's growth is
# its own? (In yours: that of the component that grew most.)

# %%
frame = store.snapshots(source)
components = store.component_readings(source).drop(columns="run_id", errors="ignore")
most = (components.max() - components.min()).idxmax() if len(components.columns) else None
cache = pd.Series(0.0, index=frame.index) if most is None else components[most]
name = most or "no component"
rows = []
for run in store.runs(source):
    own = frame[frame["run_id"] == run.run_id]
    if len(own) < 20:
        continue
    settled = own.iloc[6:]
    grown = (settled["rss_bytes"].iloc[-1] - settled["rss_bytes"].iloc[0]) / 2**20
    part = cache.reindex(settled.index)
    grown_cache = (part.iloc[-1] - part.iloc[0]) / 2**20
    rows.append({"release": run.release, "growth MB": grown, f"{name} MB": grown_cache})
growth = pd.DataFrame(rows, columns=["release", "growth MB", f"{name} MB"])
totals = growth.groupby("release", dropna=False).sum()
totals[f"share of {name} %"] = 100 * totals[f"{name} MB"] / totals["growth MB"]
totals.round(1)

# %% [markdown]
# ## Decision
#
# For the shipped history:
#
# 1. Give `audit_log` a maxlen, or write it to disk; it is the one deque without a bound.
# 2. Turn the forced collection off for this bot (`gc_threshold_mb=0`): it never freed anything.
# 3. The growth of 1.4.1 was in `order_cache`, by far the most of it: it is bounded since 1.4.2, and stays registered
#    so that the next one is seen on its first day.
