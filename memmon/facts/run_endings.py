"""How runs end: the words for what stands in `end_reason`."""

from __future__ import annotations

OUT_OF_MEMORY = "oom"
"""The kernel killed it for want of memory."""

WITHOUT_A_WORD = "ended without a word (os._exit, SIGTERM, SIGKILL or a crash)"

END_WORDS = {
    "stopped": "stopped",
    "exit": "exited",
    "exception": "ended by an exception",
    "sigterm": "ended by SIGTERM",
    "sigint": "interrupted (SIGINT)",
    "sigkill": "killed (SIGKILL)",
    "crash": "crashed",
    "signal": "ended by a signal",
    "unknown": WITHOUT_A_WORD,
    "killed": WITHOUT_A_WORD,  # as earlier versions wrote it
    OUT_OF_MEMORY: "killed: out of memory",
    "reboot": "ended when the machine was started anew",
    "lost": "lost: no end recorded",
    "replaced": "replaced by another run",
    "imported": "imported",
}
"""How a run ended, by its `end_reason`."""

PROVED_ENDS = frozenset({OUT_OF_MEMORY, "reboot"})
"""Ends that the run could not tell, for which there is evidence: they are deaths, and a warning."""

MEANT_ENDS = frozenset({"stopped", "exit", "sigterm", "sigint", "replaced", "imported"})
"""Ends that somebody meant: nobody is missed afterwards."""

IMPORTED = "imported"
"""Ends where its file does: how the program ended, or whether it did, nobody knows."""

ENDS_ON_PURPOSE = MEANT_ENDS - {IMPORTED}
"""Ends after which no sample is due any more."""
