"""What a report costs, against a plain script that does the same job with pandas, statsmodels and matplotlib.

Run: python benchmarks/report/cost.py [folder]    (records a year of a bot with 56 deques there, once)

Each command runs in a process of its own; its CPU seconds (user + system) and peak resident memory are the kernel's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "report")]

PLAIN = """
import sqlite3, sys
import pandas as pd
import statsmodels.api as sm
path, days, robust, picture = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "robust", sys.argv[4]
con = sqlite3.connect(path)
last = pd.read_sql("SELECT max(at_ms) m FROM snapshot", con).m[0]
df = pd.read_sql("SELECT run_id, seq, at_ms, rss_bytes FROM snapshot WHERE at_ms > ?", con, params=[int(last - days * 86400000)])
df["at"] = pd.to_datetime(df.at_ms, unit="ms", utc=True)
df["mb"] = df.rss_bytes / 2**20
hours = (df.at_ms - df.at_ms.iloc[0]) / 3600000
print(df.mb.iloc[-1], df.mb.mean(), df.mb.min(), df.mb.max(), len(df))
fit = sm.OLS(df.mb, sm.add_constant(hours.rename("h"))).fit(cov_type="HAC", cov_kwds={"maxlags": 24})
print(fit.params["h"], fit.conf_int().loc["h"].tolist())
if robust:
    from scipy.stats import theilslopes
    print(theilslopes(df.mb, hours))
r = pd.read_sql("SELECT r.run_id, r.seq, s.name, r.value FROM reading r JOIN series s ON s.id = r.series_id WHERE s.metric = 'length' AND r.run_id >= ?", con, params=[int(df.run_id.min())])
wide = r.pivot_table(index=["run_id", "seq"], columns="name", values="value")
lengths = wide.reindex(pd.MultiIndex.from_frame(df[["run_id", "seq"]])).groupby(level=0).ffill()
print(lengths.iloc[-1].describe())
if picture == "html":
    import matplotlib; matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    fig, axes = plt.subplots(15, 4, figsize=(16, 40))
    axes[0, 0].plot(df["at"], df.mb)
    for ax, name in zip(axes.flat[1:], lengths.columns):
        ax.plot(df["at"], lengths[name].to_numpy()); ax.set_title(name)
    fig.savefig(sys.argv[5])
"""


def cost(arguments):
    """Return (CPU seconds, peak MB) of a command."""
    child = os.posix_spawn(
        arguments[0],
        arguments,
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{arguments[:6]} failed with {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def recorded(folder):
    """Return the year's database, recorded at the first call."""
    from report_store import record_bot
    from report_values import NOW

    path = folder / "year.db"
    if not path.exists():
        for month in range(12):
            until = NOW - timedelta(days=365 * (11 - month) / 12)
            record_bot(path, days=365 / 12, deques=56, runs=3, seed=month + 1, until=until)
    return path


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    database = str(recorded(folder))
    plain = folder / "plain.py"
    plain.write_text(PLAIN)
    print(f"{'':24}{'memmon':>22}{'plain script':>22}{'CPU':>8}{'memory':>8}")
    for days, window in ((1, "24h"), (30, "30d"), (365, "365d")):
        for shape in ("text", "html"):
            ours = [sys.executable, "-m", "memmon", "report", "--db", database, "--format", shape, "-o"]
            ours += [str(folder / f"out.{shape}"), "--force", *([] if days == 1 else ["--since", window])]
            mine = min(cost(ours) for _ in range(2))
            for robust in ("ols", "robust") if days == 30 else ("ols",):
                theirs = min(
                    cost(
                        [
                            sys.executable,
                            str(plain),
                            database,
                            str(days),
                            robust,
                            shape,
                            str(folder / "p.png"),
                        ]
                    )
                    for _ in range(2)
                )
                name = f"{window} {shape}" + (" (theilslopes)" if robust == "robust" else "")
                print(
                    f"{name:24}{mine[0]:10.2f} s {mine[1]:6.0f} MB{theirs[0]:10.2f} s {theirs[1]:6.0f} MB"
                    f"{theirs[0] / mine[0]:7.1f}x{theirs[1] / mine[1]:7.1f}x"
                )


if __name__ == "__main__":
    main()
