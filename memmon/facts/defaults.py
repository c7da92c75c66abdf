"""The defaults of settings, arguments and policies, each once; MB are 2**20 bytes."""

from __future__ import annotations

INTERVAL_SECONDS = 300.0
"""Between two snapshots; also how often one is taken to be due where that was not recorded."""

LEAK_THRESHOLD_MB_PER_HOUR = 10.0
"""Growth from here on is a leak."""

HIGH_MEMORY_PERCENT = 80.0
"""From this use of memory on it is worth a word."""
