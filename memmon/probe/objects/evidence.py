"""Evidence of what grows, gathered twice while a leak is suspected, and what changed between.

Each instrument is blind to something, and the evidence says so: Python's types don't show memory
that C code holds; tracemalloc shows only what was allocated since the program started it.
"""

from __future__ import annotations

import gc
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.facts.names import clean_name
from memmon.facts.python_memory import USUAL_BLOCK_BYTES
from memmon.formatting import megabytes
from memmon.guest.shielding import attempt
from memmon.probe.objects.chain import Chain, chain_of_counted, chains_of
from memmon.probe.objects.plain import is_module, module_at
from memmon.probe.objects.roots import KEPT_BY_ATEXIT, counted_beside, task_count, unfinished_tasks
from memmon.probe.objects.survey import Survey, survey
from memmon.probe.process.cause import CauseProbe
from memmon.probe.process.process import ProcessProbe
from memmon.units import KIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUSPECT_COUNT = 5
SMALLEST_GROWTH_BYTES = 64 * 1024
_SLICE_PAUSE_SECONDS = 0.001
_LEAST_HIDDEN_BYTES = 512 * KIB
"""By so much what two looks themselves keep may differ, and a small program's start goes on."""

_LEAST_TASKS = 20
_LEAST_COUNTED = 100
_LEAST_UNCOLLECTED = 10_000
_TRACE_LINES = 10
_TRACED_BYTES_LIMIT = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvidence:
    """What was found at one moment."""

    survey: Survey
    rss_bytes: int | None
    used_before_bytes: int | None = None
    """What the allocators had handed out when the look began: unlike RSS it has no holes in it."""
    used_bytes: int | None = None
    """The same at its end, with what the look itself keeps."""
    thread_count: int
    task_count: int | None
    open_file_count: int | None
    trace_lines: tuple[tuple[str, int], ...] = ()
    """(file:line, bytes) of the largest allocations, where the program runs tracemalloc."""
    waiting_tasks: dict[str, int] = field(default_factory=dict)
    """Unfinished tasks by function and the line on which it waits."""
    counted: dict[str, int] = field(default_factory=dict)
    """What no way leads to or through: functions registered with atexit, modules, variables of a module that has very many."""
    uncollected_count: int | None = None
    """Objects made and not freed since Python's collector last ran, where it is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """What grew between two moments, the largest growth first; (name, growth in bytes)."""

    types: tuple[tuple[str, int], ...]
    roots: tuple[tuple[str, int], ...]
    containers: tuple[tuple[str, int], ...]
    """(name, entries that were added)."""
    process_growth_bytes: int | None
    """Of what the allocators handed out; of the resident memory where they don't tell."""
    python_growth_bytes: int
    sentences: tuple[str, ...] = field(default=())
    chains: tuple[Chain, ...] = ()
    """What grew, the largest growth first: where it hangs, of which class, and where that is created."""


def gather(*, pause: Callable[[float], object] | None = None) -> ObjectEvidence:
    """Gather evidence in this thread, in slices; `pause(seconds)` is called between them."""
    wait = pause or threading.Event().wait
    used_before_bytes = attempt(_used_bytes)
    found = survey(pause=lambda: wait(_SLICE_PAUSE_SECONDS))
    reading = ProcessProbe().read()
    return ObjectEvidence(
        survey=found,
        rss_bytes=reading.rss_bytes,
        used_before_bytes=used_before_bytes,
        used_bytes=attempt(_used_bytes),
        thread_count=threading.active_count(),
        task_count=attempt(task_count),
        open_file_count=reading.fd_count,
        trace_lines=attempt(_trace_lines) or (),
        waiting_tasks=attempt(unfinished_tasks) or {},
        counted=attempt(counted_beside) or {},
        uncollected_count=None if gc.isenabled() else gc.get_count()[0],
    )


def _used_bytes() -> int | None:
    """Return about how many bytes the C library and Python's own allocator have handed out; None where either doesn't tell."""
    found = CauseProbe(SystemClock().monotonic).read()
    sizes = found.heap_used_bytes, found.heap_mmap_bytes, found.python_block_count
    if None in sizes:
        return None
    return (sizes[0] or 0) + (sizes[1] or 0) + round(USUAL_BLOCK_BYTES * (sizes[2] or 0))


def _used_growth(before: ObjectEvidence, after: ObjectEvidence, *, is_first: bool) -> int | None:
    """Return by how much more the allocators had handed out; the first look's own tables aren't the program's."""
    earlier = before.used_bytes if is_first else before.used_before_bytes
    if earlier is None or after.used_before_bytes is None:
        return None
    return after.used_before_bytes - earlier


def compare(
    before: ObjectEvidence,
    after: ObjectEvidence,
    *,
    is_first: bool = True,
    pause: Callable[[float], object] | None = None,
) -> Suspects:
    """Return what grew from `before` to `after`, in slices; `pause(seconds)` is called between them.

    `is_first`: nothing that an earlier look found was still held when `before` was gathered.
    """
    wait = pause or threading.Event().wait
    types = _growth(before.survey.type_bytes, after.survey.type_bytes, smallest=SMALLEST_GROWTH_BYTES)
    roots = _growth(before.survey.root_bytes, after.survey.root_bytes, smallest=SMALLEST_GROWTH_BYTES)
    containers = _growth(before.survey.container_lengths, after.survey.container_lengths, smallest=1)
    rss_growth = None
    if before.rss_bytes is not None and after.rss_bytes is not None:
        rss_growth = after.rss_bytes - before.rss_bytes
    places = before.survey.places, after.survey.places
    chains = attempt(chains_of, *places, lambda: wait(_SLICE_PAUSE_SECONDS)) or ()
    total = sum(after.survey.type_bytes.values()) - sum(before.survey.type_bytes.values())
    used_growth = _used_growth(before, after, is_first=is_first)
    process_growth = rss_growth if used_growth is None else used_growth
    chains += _of_atexit(before, after, chains, process_growth, lambda: wait(_SLICE_PAUSE_SECONDS))
    return Suspects(
        types=types,
        roots=roots,
        containers=containers,
        process_growth_bytes=process_growth,
        python_growth_bytes=total,
        sentences=_sentences(before, after, types, roots, process_growth, total, chains),
        chains=chains,
    )


def _of_atexit(
    before: ObjectEvidence,
    after: ObjectEvidence,
    chains: tuple[Chain, ...],
    process_growth: int | None,
    between: Callable[[], object],
) -> tuple[Chain, ...]:
    """Return the functions that atexit keeps as a chain, where nothing else explains most of the growth: no way leads to them."""
    counts = before.counted.get(KEPT_BY_ATEXIT, 0), after.counted.get(KEPT_BY_ATEXIT, 0)
    explained = sum(chain.culprit.grown_bytes for chain in chains)
    left_bytes = (process_growth or 0) - explained
    if counts[1] - counts[0] < _LEAST_COUNTED or left_bytes < max(explained, SMALLEST_GROWTH_BYTES):
        return ()
    found = attempt(chain_of_counted, "atexit", *counts, left_bytes, between)
    return () if found is None else (found,)


def event_data(evidence: ObjectEvidence, suspects: Suspects | None) -> dict[str, object]:
    """Return the evidence as plain JSON values, bounded in size, with names cleaned."""
    found = evidence.survey
    data: dict[str, object] = {
        "object_count": found.object_count,
        "is_whole": found.is_whole,
        "one_of": found.one_of,
        "type_counts": _cleaned(found.type_counts),
        "root_bytes": _cleaned(found.root_bytes),
        "container_lengths": _cleaned(found.container_lengths),
        "thread_count": evidence.thread_count,
        "task_count": evidence.task_count,
        "open_file_count": evidence.open_file_count,
        "waiting_tasks": _cleaned(evidence.waiting_tasks),
        "uncollected_count": evidence.uncollected_count,
        "trace_lines": [list(line) for line in evidence.trace_lines],
    }
    if suspects is not None:
        data["growing_type_bytes"] = _cleaned(dict(suspects.types))
        data["growing_root_bytes"] = _cleaned(dict(suspects.roots))
        data["growing_container_lengths"] = _cleaned(dict(suspects.containers))
        data["chains"] = [chain.as_data() for chain in suspects.chains]
        data["sentences"] = list(suspects.sentences)
    return data


def profiler_command() -> str:
    """Return the ready-made command that attaches a memory profiler to this process."""
    return f"memray attach --aggregate --duration 60 --output leak.bin {os.getpid()}"


def _growth(
    before: Mapping[str, int], after: Mapping[str, int], *, smallest: int
) -> tuple[tuple[str, int], ...]:
    # What is counted together, of whatever types, has no name and is none of them.
    grown = [(name, value - before.get(name, 0)) for name, value in after.items() if name]
    kept = sorted((one for one in grown if one[1] >= smallest), key=lambda one: -one[1])
    return tuple(kept[:SUSPECT_COUNT])


def _sentences(
    before: ObjectEvidence,
    after: ObjectEvidence,
    types: tuple[tuple[str, int], ...],
    roots: tuple[tuple[str, int], ...],
    grown_bytes: int | None,
    python_growth: int,
    chains: tuple[Chain, ...],
) -> tuple[str, ...]:
    said = [chain.sentence() for chain in chains[:1]]
    if roots and not said:
        name, size = roots[0]
        said.append(f"what grew most hangs on {clean_name(name)} (+{megabytes(mb_from_bytes(size))} MB)")
    if types and not chains:
        name, size = types[0]
        count = after.survey.type_counts.get(name, 0) - before.survey.type_counts.get(name, 0)
        said.append(
            f"the type that grew most is {clean_name(name)} (+{count}, +{megabytes(mb_from_bytes(size))} MB)"
        )
    hidden = _of_the_hidden(grown_bytes, python_growth, chains)
    if hidden:
        said.append(hidden)
    elif not types and not chains:
        said.append("no Python type grew")
    said += _of_tasks(before, after) + _of_counts(before, after) + _of_the_collector(after)
    said += _of_what_was_left_out(after)
    if after.thread_count > before.thread_count:
        said.append(f"threads: {before.thread_count} to {after.thread_count}")
    if None not in {before.open_file_count, after.open_file_count}:
        opened = (after.open_file_count or 0) - (before.open_file_count or 0)
        if opened > 0:
            said.append(f"{opened} more open files")
    return tuple(said)


def _of_the_hidden(grown_bytes: int | None, python_growth: int, chains: tuple[Chain, ...]) -> str:
    """Return what is said of growth that the look saw less than a third of; nothing where it saw more."""
    if grown_bytes is None or grown_bytes <= _LEAST_HIDDEN_BYTES or python_growth >= grown_bytes / 3:
        return ""
    if chains and chains[0].culprit.is_cut:
        return (
            "that explains less than a third of the growth: more hangs on it than a look follows, or C code "
            f"holds the rest. A profiler sees which: {profiler_command()}"
        )
    return (
        "Python's own objects explain less than a third of the growth: what grows is held by C code, "
        "or by objects that no module, frame or task leads to; the types can't show it. "
        f"A profiler sees it: {profiler_command()}"
    )


def _of_tasks(before: ObjectEvidence, after: ObjectEvidence) -> list[str]:
    grown = _growth(before.waiting_tasks, after.waiting_tasks, smallest=_LEAST_TASKS)
    if not grown:
        return []
    name, count = grown[0]
    return [f"unfinished tasks: {count:,} more of {clean_name(name)}, {after.waiting_tasks[name]:,} now"]


def _of_counts(before: ObjectEvidence, after: ObjectEvidence) -> list[str]:
    grown = _growth(before.counted, after.counted, smallest=_LEAST_COUNTED)
    return [
        f"{clean_name(name)}: {after.counted[name] - count:,} to {after.counted[name]:,}"
        for name, count in grown
    ]


def _of_the_collector(after: ObjectEvidence) -> list[str]:
    count = after.uncollected_count
    if count is None or count < _LEAST_UNCOLLECTED:
        return []
    said = (
        f"Python's collector is off (gc.disable()), and {count:,} objects made since it last ran are not freed: "
        "those in cycles never are; gc.enable(), or gc.collect() now and then, frees them"
    )
    return [said]


def _of_what_was_left_out(after: ObjectEvidence) -> list[str]:
    one_of = after.survey.one_of
    if one_of == 1:
        return []
    return [f"of the small containers among the modules' very many variables one in {one_of} was looked at"]


def _cleaned(values: Mapping[str, int]) -> dict[str, int]:
    return {clean_name(name): value for name, value in list(values.items())[:50]}


def _trace_lines() -> tuple[tuple[str, int], ...]:
    module: Any = module_at("tracemalloc")
    if not is_module(module) or not module.is_tracing():
        return ()
    if module.get_tracemalloc_memory() > _TRACED_BYTES_LIMIT:
        return ()  # copying so many traces is one call that would hold every other thread up
    statistics = module.take_snapshot().statistics("lineno")[:_TRACE_LINES]
    return tuple((f"{one.traceback[0].filename}:{one.traceback[0].lineno}", one.size) for one in statistics)
