"""The contradictions that are known: which surfaces, why, and on which histories they are seen.

The test wants each of them to be seen still, and no other: one that is mended leaves this table.
"""

from __future__ import annotations

from dataclasses import dataclass

RECORDER = frozenset({"recorder"})
PAGES = frozenset({"report html", "report html, hero", "source page", "source page, hero"})
FORECAST = frozenset({"forecast", "forecast --json"})
LIMIT_SHARES = (
    PAGES
    | FORECAST
    | {"check", "check --json", "evaluator", "fleet", "fleet --json", "headline", "overview"}
    | {"report --json", "watch"}
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Surfaces on one side and on the other that contradict each other on a fact."""

    fact: str
    one: frozenset[str]
    other: frozenset[str]
    why: str
    histories: frozenset[str]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN_CONTRADICTIONS: tuple[Known, ...] = (
    Known(
        fact="used_percent",
        one=RECORDER,
        other=LIMIT_SHARES | {"metrics"},
        why="of processes side by side each recorder tells its own share, the others that of whichever was heard of last",
        histories=_names("beside-one-silent"),
    ),
)
