"""The mark of memmon's own processes: whoever bears it records nothing and starts nothing.

Should another program than was meant be started (or a start-up hook run the program's code in
the child), its recorders must not record, and above all start no further process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK_VARIABLE = "MEMMON_CHILD"
"""Set to 1 in the environment of every process that memmon starts for itself."""

MARK_SENTENCE = (
    f"not recording: this process was started by memmon itself ({MARK_VARIABLE} is set in its environment)"
)


def is_marked(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether this process was started by memmon for itself, or by such a process."""
    return bool((os.environ if environ is None else environ).get(MARK_VARIABLE))
