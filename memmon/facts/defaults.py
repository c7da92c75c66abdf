"""The defaults of settings, arguments and policies, each once; MB are 2**20 bytes."""

from __future__ import annotations

INTERVAL_SECONDS = 300.0
"""Between two snapshots; also how often one is taken to be due where that was not recorded."""

LEAK_THRESHOLD_MB_PER_HOUR = 10.0
"""Growth from here on is a leak."""

LEAK_HOURS = 2.0
"""With less history than this nothing is said of a leak."""

LEAK_SAMPLE_COUNT = 24
"""Nor with fewer samples."""

LOOK_BACK_HOURS = 168.0
"""How much of the past is judged, and forecast from."""

HIGH_MEMORY_PERCENT = 80.0
"""From this use of memory on it is worth a word."""

ALERT_COOLDOWN_MINUTES = 30.0
"""So long the same alert is not repeated."""

NEW_NAMES_PER_DAY = 1000
"""So many new names of deques, components and work a run gives series of their own in a day."""
