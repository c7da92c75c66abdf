"""How runs end, in words."""

from __future__ import annotations

END_WORDS = {
    "stopped": "stopped",
    "exit": "exited",
    "exception": "ended by an exception",
    "sigterm": "ended by SIGTERM",
    "sigint": "interrupted (SIGINT)",
    "sigkill": "killed (SIGKILL)",
    "oom": "killed: out of memory",
    "lost": "lost: no end recorded",
    "replaced": "replaced by another run",
    "imported": "imported",
}
"""How a run ended, by its `end_reason`."""
