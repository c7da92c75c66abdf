"""What a limit is called: one name for each, wherever it is told."""

from __future__ import annotations

HOST = "host"
GIVEN = "given"
"""Where a limit comes from that is no control group's."""

_NAMES = {HOST: "the machine's memory", GIVEN: "the limit given"}


def limit_name(origin: str | None) -> str:
    """Return the operator's name of a limit by where it comes from; a control group's is the container's.

    >>> limit_name("cgroup v2 /"), limit_name("host"), limit_name("given"), limit_name(None)
    ("the container's limit", "the machine's memory", 'the limit given', 'the limit')
    """
    if not origin:
        return "the limit"
    return _NAMES.get(origin, "the container's limit")
