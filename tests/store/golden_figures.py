"""What is read from a golden store: the same in every later version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon import detect_leak, open_store

if TYPE_CHECKING:
    from pathlib import Path


COUNTED = ("gc_pending_count", "min_heap_used_bytes", "min_heap_mmap_bytes", "min_python_block_count")


def figures(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with open_store(path) as store:
        for source in (info.name for info in store.sources()):
            history = store.history(source)
            matrix = store.deque_matrix(source)
            snapshots = store.snapshots(source)
            verdict = detect_leak(history)
            found[source] = {
                "runs": [(run.release, run.end_reason) for run in store.runs(source)],
                "samples": int(snapshots["sample_count"].sum()),
                "highest_mb": round(float(snapshots["max_rss_bytes"].max()) / 2**20, 3),
                "mean_mb": round(float(snapshots["rss_bytes"].mean()) / 2**20, 3),
                "deques": {
                    name: [float(np.nanmax(lengths)), round(float(np.nanmean(lengths)), 3)]
                    for name, lengths in zip(matrix.names, matrix.length_count.T, strict=True)
                },
                "events": [(event.kind, event.text) for event in store.events(source)],
                "alerts": [
                    (one.holder, one.fingerprint, one.state, one.severity, one.since.isoformat())
                    for one in store.alerts(source, holder=None)
                ],
                "verdict": verdict.verdict,
            }
            counted = snapshots[[*COUNTED]]
            if counted.notna().all(axis=None):  # schemas before 0010 have none
                found[source]["counted"] = {
                    name: round(value, 3) for name, value in counted.mean().to_dict().items()
                }
            kept = store.assessments(source).drop(columns=["version"]).astype(object)
            if len(kept):  # schemas before 0007 have none
                found[source]["assessments"] = json.loads(
                    kept.reset_index().to_json(orient="records", date_format="iso")
                )
    return found
