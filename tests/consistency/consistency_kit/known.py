"""The contradictions that are known: which surfaces, why, and on which histories they are seen.

The test wants each of them to be seen still, and no other: one that is mended leaves this table.
"""

from __future__ import annotations

from dataclasses import dataclass

RECORDER = frozenset({"recorder"})
FLEET = frozenset({"fleet", "fleet --json"})
DEQUES = frozenset({"deques", "deques --json"})
PAGES = frozenset({"report html", "source page"})
REPORT = frozenset({"report", "report --json"}) | PAGES
FORECAST = frozenset({"forecast", "forecast --json"})
TOLD_OUTSIDE = frozenset({"evaluator", "metrics"})
SILENCE = REPORT | FORECAST | {"leaks", "leaks --json", "check --json", "overview", "watch"}
OWN_SENTENCE = frozenset({"forecast, sentence", "watch, sentence"})
REPORT_SENTENCE = frozenset({"report", "report html, sentence", "source page, sentence"})
LIMIT_ITSELF = PAGES | FORECAST | {"check", "check --json", "report --json", "watch", "metrics"}
EXACT_SLOPES = frozenset(
    {"check --json", "evaluator", "fleet --json", "leaks --json", "metrics", "report --json", "watch --json"}
)
LIMIT_SHARES = PAGES | FORECAST | {"check", "check --json", "evaluator", "overview", "report --json", "watch"}


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
        fact="growth_ahead",
        one=frozenset({"forecast --json"}),
        other=frozenset({"leaks --json"}),
        why="the forecast goes on with a slope of its own, from another stretch of the newest run, outside the verdict's interval",
        histories=_names(
            """
            beside-flat-and-leak leak-ar_slow-late-60 leak-white-late-40
            """
        ),
    ),
    Known(
        fact="outlook",
        one=frozenset({"forecast --json"}),
        other=frozenset({"leaks --json"}),
        why="the forecast gives a date where the verdict sees no steady growth, or can't say",
        histories=_names(
            """
            class-mixed_service-24-h class-steps-24-h class-warm_up-12-h class-warm_up-24-h
            class-warm_up-8-h free-warm_up silent-2-min-of-10-s
            """
        ),
    ),
    Known(
        fact="limit_bytes",
        one=OWN_SENTENCE,
        other=LIMIT_ITSELF,
        why="the forecast's sentence names as the limit what the process's own memory will be when the limit is reached",
        histories=_names(
            """
            deque-40 deque-all free-bounded_walk free-cache_fill free-gc_sawtooth free-heavy_tails
            free-load_following free-staircase hourly-fresh leak-ar_fast-linear-50
            leak-ar_fast-working_hours-30 leak-gaps-linear-20 leak-restarts-linear-40
            leak-white-linear-5 limit-box-shared limit-host-78 limit-host-82 limit-host-97
            restart-each-4-h restart-loop restart-out-of-box silent-2-min-of-10-s trace-lru_warmup
            trace-minidom_cycles trace-pandas_readcsv_fixed trace-pandas_readcsv_leak
            trace-pydantic_typeadapter_fixed trace-pydantic_typeadapter_leak trace-sqlite_cache
            trace-thread_arenas was-high-is-over was-high-still-is young-half-hour
            """
        ),
    ),
    Known(
        fact="limit_bytes",
        one=REPORT_SENTENCE,
        other=LIMIT_ITSELF,
        why="the same in the report, which adds the limit itself only where it gives a date",
        histories=_names(
            """
            deque-40 deque-all free-bounded_walk free-cache_fill free-gc_sawtooth free-heavy_tails
            free-load_following free-staircase hourly-fresh leak-ar_fast-working_hours-30
            leak-restarts-linear-40 leak-white-linear-5 limit-box-shared limit-host-78 limit-host-97
            restart-each-4-h restart-out-of-box trace-lru_warmup trace-minidom_cycles
            trace-pandas_readcsv_fixed trace-pydantic_typeadapter_fixed
            trace-pydantic_typeadapter_leak trace-sqlite_cache trace-thread_arenas was-high-is-over
            was-high-still-is
            """
        ),
    ),
    Known(
        fact="limit_bytes",
        one=frozenset({"evaluator"}),
        other=LIMIT_ITSELF,
        why="the same in the evaluator's alert",
        histories=_names(
            """
            class-staircase-12-h class-steps-24-h class-warm_up-24-h class-warm_up-8-h
            free-filling_deque free-load_following leak-ar_fast-linear-50 leak-gaps-linear-20
            leak-restarts-linear-40 leak-white-linear-20 leak-white-linear-5 limit-host-82
            young-3h-leak
            """
        ),
    ),
    Known(
        fact="limit_bytes",
        one=OWN_SENTENCE | {"evaluator"},
        other=REPORT_SENTENCE,
        why="only the report adds the limit itself to the sentence",
        histories=_names(
            """
            leak-ar_fast-linear-50 leak-gaps-linear-20 limit-host-82 trace-pandas_readcsv_leak
            """
        ),
    ),
    Known(
        fact="used_percent",
        one=RECORDER,
        other=LIMIT_SHARES | {"metrics"},
        why="of processes side by side each recorder tells its own share, the others that of whichever was heard of last",
        histories=_names("beside-flat-and-leak beside-one-silent"),
    ),
)
