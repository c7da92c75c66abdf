"""memmon: the memory recorder that long-running Python programs embed, and the verdict on it.

>>> from memmon import Recorder

The names below are loaded when they are first used: importing `memmon` and recording load
neither numpy nor pandas, scipy or statsmodels.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.__main__ import freeze_support
    from memmon.analysis.forecast import Forecast, forecast_limit
    from memmon.analysis.leak import LeakFinding, LeakPolicy, detect_leak
    from memmon.analysis.robust import TheilSen, theil_sen
    from memmon.analysis.windows import trend_windows
    from memmon.errors import MemmonError
    from memmon.history import History
    from memmon.model import Alert, DequeReading, RecorderStatus, Snapshot
    from memmon.probe.counting import CountingDeque
    from memmon.probe.discover import discover
    from memmon.recorder.identity import memmon_version
    from memmon.recorder.monitor import MemoryMonitor
    from memmon.recorder.monitor_values import MemoryLeakReport, MemorySnapshot
    from memmon.recorder.recorder import Recorder
    from memmon.report.fleet import fleet
    from memmon.store.read import Store, open_store

    __version__ = memmon_version()

_HOMES = {
    "Alert": "memmon.model",
    "CountingDeque": "memmon.probe.counting",
    "DequeReading": "memmon.model",
    "Forecast": "memmon.analysis.forecast",
    "History": "memmon.history",
    "LeakFinding": "memmon.analysis.leak",
    "LeakPolicy": "memmon.analysis.leak",
    "MemmonError": "memmon.errors",
    "MemoryLeakReport": "memmon.recorder.monitor_values",
    "MemoryMonitor": "memmon.recorder.monitor",
    "MemorySnapshot": "memmon.recorder.monitor_values",
    "Recorder": "memmon.recorder.recorder",
    "RecorderStatus": "memmon.model",
    "Snapshot": "memmon.model",
    "Store": "memmon.store.read",
    "TheilSen": "memmon.analysis.robust",
    "detect_leak": "memmon.analysis.leak",
    "discover": "memmon.probe.discover",
    "fleet": "memmon.report.fleet",
    "freeze_support": "memmon.__main__",
    "forecast_limit": "memmon.analysis.forecast",
    "open_store": "memmon.store.read",
    "theil_sen": "memmon.analysis.robust",
    "trend_windows": "memmon.analysis.windows",
}

__all__ = [
    "Alert",
    "CountingDeque",
    "DequeReading",
    "Forecast",
    "History",
    "LeakFinding",
    "LeakPolicy",
    "MemmonError",
    "MemoryLeakReport",
    "MemoryMonitor",
    "MemorySnapshot",
    "Recorder",
    "RecorderStatus",
    "Snapshot",
    "Store",
    "TheilSen",
    "__version__",
    "detect_leak",
    "discover",
    "fleet",
    "forecast_limit",
    "freeze_support",
    "open_store",
    "theil_sen",
    "trend_windows",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module, once."""
    if name == "__version__":
        value: object = importlib.import_module("memmon.recorder.identity").memmon_version()
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        msg = f"module 'memmon' has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
