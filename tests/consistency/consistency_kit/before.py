"""What a surface says of the runs before the one that was judged: how many grew alike, and since when."""

from __future__ import annotations

import re

from consistency_kit.said import Said, Unknown, known, moment, moment_in

_BEFORE = re.compile(
    r"(?i:(the run before|an earlier run|the (\d+) runs before|(\d+) earlier runs)) (?:leaked|grew) too, since "
    r"(\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d)?"
)


def before_says(words: str) -> Said:
    """Return what a text says; the time only where it is told by its date."""
    found = _BEFORE.search(" ".join(words.split()))
    if found is None:
        return {}
    count = int(found[2] or found[3] or 1)
    return {"before_restart": known(run_count=count, since=moment_in(found[4]) if found[4] else None)}


def before_of(found: dict[str, object] | None) -> Said:
    """Read the same of JSON, which also says that there was none."""
    if found is None:
        return {"before_restart": Unknown()}
    return {"before_restart": known(run_count=found["run_count"], since=moment(found["since"]))}
