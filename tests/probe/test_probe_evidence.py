"""Evidence of what grows: named rightly, cheap for the host, and honest about what it can't see."""

from __future__ import annotations

import asyncio
import atexit
import json
import subprocess
import sys
import textwrap
import time
import types
from dataclasses import replace
from unittest.mock import patch

import pytest
from look_kit import told_alone

from memmon.clock import ManualClock
from memmon.model import RunRecord
from memmon.probe.objects import places, variables
from memmon.probe.objects.evidence import compare, event_data, gather
from memmon.probe.objects.roots import KEPT_BY_ATEXIT
from memmon.probe.objects.survey import survey
from memmon.recorder.alerts.evidence import EvidenceGatherer
from memmon.store.write.open_run import OpenRun

held_rows: list[dict[str, str]] = []
held_classes: list[type] = []


class Figure:
    """Something large that somebody forgets to close."""

    def __init__(self) -> None:
        self.canvas = [bytearray(20_000), {"axes": [object() for _ in range(50)]}]


class Manager:
    figures: dict[int, Figure] = {}  # noqa: RUF012 -- a module-level registry, as plotting packages keep


@pytest.fixture(autouse=True)
def released():
    yield
    held_rows.clear()
    held_classes.clear()
    Manager.figures.clear()


def grown(grow):
    before = gather(pause=lambda seconds: None)
    grow()
    return compare(before, gather(pause=lambda seconds: None))


def test_a_growing_list_of_rows():
    """A module's list that collects rows is named first, with about its size."""
    suspects = grown(lambda: held_rows.extend({"id": str(index)} for index in range(20_000)))
    name, size = suspects.roots[0]
    assert name.endswith("held_rows")
    assert 0.5 < size / (20_000 * (184 + 54)) < 1.5
    assert suspects.types[0][0] == "dict"
    assert ("held_rows", 20_000) in [(one.rsplit(".", 1)[-1], count) for one, count in suspects.containers]


def test_a_leak_of_classes():
    """Classes made and kept at run time: `type` grew most, and the list that keeps them is named."""
    suspects = grown(lambda: held_classes.extend(type(f"Made{index}", (), {}) for index in range(2_000)))
    assert suspects.types[0][0] == "type"
    assert suspects.roots[0][0].endswith("held_classes")


def test_what_has_no_place_of_its_own_is_no_root(monkeypatch):
    """Where there are more places than are told apart, what is counted together is never named as what grew."""
    monkeypatch.setattr(places, "_PLACE_LIMIT", 20)
    monkeypatch.setattr(places, "_LIMIT_OF_MANY", 20)
    before = gather(pause=lambda seconds: None)
    held_classes.extend(type(f"Made{index}", (), {}) for index in range(2_000))
    after = gather(pause=lambda seconds: None)
    found = after.survey
    assert found.places.total_bytes[0] > 1_000_000
    assert found.places.labels[0] == places.REST
    assert places.REST not in found.root_bytes
    told = compare(before, after)
    assert "" not in dict(told.types)
    assert not [one for one in told.chains if places.REST in one.culprit.path]
    assert not [
        path for path in map(found.places.path_of, range(len(found.places))) if places.REST in path[:-5]
    ]


def test_unclosed_figures():
    """Figures that a registry keeps are found under the registry's name."""
    suspects = grown(lambda: Manager.figures.update({index: Figure() for index in range(300)}))
    assert suspects.roots[0][0].endswith("Manager")


def test_nothing_grew():
    """When nothing grew, no type is accused."""
    suspects = grown(lambda: None)
    assert suspects.types == ()
    assert "the type that grew most" not in " ".join(suspects.sentences)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda number: atexit.register(held_rows.append, number), f"{KEPT_BY_ATEXIT}: "),
        (lambda number: sys.modules.update({f"made_{number}": types.ModuleType(f"made_{number}")}), "modules: "),
        (lambda number: globals().update({f"result_{number}": [number]}), f"variables of the module {__name__}: "),
    ],
    ids=["atexit", "modules", "variables"],
)  # fmt: skip
def test_what_no_way_leads_to_is_counted(make, words):
    """Functions registered with atexit, modules and a module's variables are told with their numbers before and after."""
    for number in range(400):
        make(number)
    try:
        said = grown(lambda: [make(number) for number in range(400, 700)]).sentences
    finally:
        atexit.unregister(held_rows.append)
        for number in range(700):
            sys.modules.pop(f"made_{number}", None)
            globals().pop(f"result_{number}", None)
    told = [one for one in said if one.startswith(words)]
    assert len(told) == 1
    earlier, later = (int(one.replace(",", "")) for one in told[0].removeprefix(words).split(" to "))
    assert later - earlier == 300


def test_native_growth_is_said_to_be_unseen():
    """Memory that C code holds shows in no type: the evidence says so and names a profiler."""
    code = """
        import ctypes
        from memmon.probe.objects.evidence import compare, gather
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        before = gather()
        for _ in range(3000):
            ctypes.memset(libc.malloc(20_000), 1, 20_000)
        print(" ".join(compare(before, gather()).sentences))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "C code" in done.stdout
    assert "memray attach" in done.stdout


def test_hostile_objects():
    """Objects that raise whenever they are touched are counted and passed over."""

    class Hostile(dict):
        def __getattribute__(self, name):
            raise RuntimeError("do not touch")

        def __len__(self):
            raise RuntimeError("nor count")

        def __sizeof__(self):
            raise RuntimeError("nor measure")

    held_rows.append(Hostile(a=1))
    assert survey().object_count > 1000


def test_the_loop_runs_on():
    """At three million objects the walk holds an asyncio loop up for less than 50 ms at a time."""
    held_rows.extend({"a": index, "b": str(index)} for index in range(1_000_000))

    async def measure():
        # Of this process's own processor time: what other programs take of it is no gap.
        gaps, last = [], time.process_time()

        async def beat():
            nonlocal last
            while True:
                await asyncio.sleep(0.001)
                now = time.process_time()
                gaps.append(now - last)
                last = now

        beating = asyncio.create_task(beat())
        await asyncio.sleep(0.2)
        gaps.clear()
        found = await asyncio.to_thread(gather)
        beating.cancel()
        return found, sorted(gaps)

    found, gaps = asyncio.run(measure())
    assert found.survey.object_count > 2_900_000
    # One outlier is the machine's own; a walk in one piece would make every run fail by far.
    assert gaps[-2] < 0.05


def test_tracemalloc_lines(tmp_path):
    """Where the host runs tracemalloc, its top lines are part of the evidence."""
    program = tmp_path / "tracing_host.py"
    program.write_text(
        textwrap.dedent(
            """
            import tracemalloc
            from memmon.probe.objects.evidence import gather

            tracemalloc.start()
            kept = [bytearray(1000) for _ in range(1000)]
            print(gather(pause=lambda seconds: None).trace_lines[0][0])
            """
        ),
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert "tracing_host.py" in done.stdout


def test_the_event_is_plain_and_bounded():
    """The stored evidence is plain JSON of a bounded size."""
    before = gather(pause=lambda seconds: None)
    data = event_data(before, compare(before, before))
    assert len(json.dumps(data)) < 20_000


def test_the_witness_tells_a_suspect_and_then_evidence():
    """Nothing is told at the first suspicion, a suspect at the second, evidence at the third, and nothing after that."""
    told = told_alone(__file__, "what_the_witness_tells")
    assert [len(after) for after in told] == [0, 1, 2, 2, 2]
    (first, second) = told[-1]
    assert [kind for kind, _, _ in told[-1]] == ["suspect", "evidence"]
    assert "what grew most: " in first[1]
    assert "confirmed by another look" in second[1]
    assert "held_rows (list): 0 to 5,000 dict" in first[1]
    assert "held_rows (list): 0 to 10,000 dict" in second[1]
    assert second[2] == "confirmed"


def what_the_witness_tells():
    """Return what has been told after each of five looks, rows added after each: (kind, text, state)."""
    without_rss = lambda: replace(gather(pause=lambda seconds: None), rss_bytes=None)  # noqa: E731
    found = []
    with patch("memmon.probe.objects.evidence.gather", without_rss):
        told, clock, gatherer, state = witness()
        for _ in range(5):
            gatherer.look(state)
            if gatherer._thread is not None:
                gatherer._thread.join(30)
            found.append([(one.kind, one.text, one.data["state"]) for one in told])
            held_rows.extend({"id": str(index)} for index in range(5_000))
            clock.advance(3_600.0)
    return found


def test_the_witness_looks_ever_more_rarely(monkeypatch):
    """The first three checks that find growth are followed by a look each, then only the 5th, the 9th and the 17th."""
    looked, asked = [], []
    monkeypatch.setattr("memmon.probe.objects.evidence.gather", lambda: looked.append(len(asked)) or empty)
    empty = replace(gather(pause=lambda seconds: None), rss_bytes=None)
    _, _, gatherer, state = witness()
    for number in range(19):
        asked.append(number)
        gatherer.look(state)
        gatherer._thread.join(30)
    assert looked == [1, 2, 3, 5, 9, 17]


def test_what_was_not_looked_at_is_said(monkeypatch):
    """Where modules have very many variables it is told of how many small containers one was looked at; of few nothing is said."""
    for number in range(200):
        monkeypatch.setitem(globals(), f"small_{number}", [str(number)])
    told = grown(lambda: None)
    assert not any("was looked at" in one for one in told.sentences)
    monkeypatch.setattr(variables, "_MANY_VARIABLES", 20)
    monkeypatch.setattr(variables, "_FEW_VARIABLES", 10)
    before = gather(pause=lambda seconds: None)
    after = gather(pause=lambda seconds: None)
    one_of = event_data(after, None)["one_of"]
    assert one_of >= 16
    assert not event_data(after, None)["is_whole"]
    assert f"very many variables one in {one_of} was looked at" in " ".join(compare(before, after).sentences)


def witness():
    """Return what is told, a clock, a gatherer that tells it, and its run."""
    clock, told = ManualClock(), []
    record = RunRecord(
        uuid="u",
        source="bot",
        source_was_given=True,
        started_at=clock.now(),
        interval_seconds=300.0,
        host="h",
        pid=1,
    )
    gatherer = EvidenceGatherer(clock=clock, put=lambda state, item: told.append(item))
    return told, clock, gatherer, OpenRun(record, started_monotonic=clock.monotonic())


def test_unfinished_tasks_are_told_by_where_they_wait():
    """Tasks that pile up are counted by their function, with the line of the program's on which they wait."""

    async def forgotten():
        await asyncio.sleep(30)

    async def main():
        before = gather(pause=lambda seconds: None)
        tasks = [asyncio.create_task(forgotten()) for _ in range(50)]
        await asyncio.sleep(0)
        after = gather(pause=lambda seconds: None)
        for task in tasks:
            task.cancel()
        return compare(before, after)

    said = " ".join(asyncio.run(main()).sentences)
    assert "unfinished tasks: 50 more of" in said
    assert f"test_probe_evidence.py:{forgotten_line()}" in said


def forgotten_line():
    code = next(
        one for one in test_unfinished_tasks_are_told_by_where_they_wait.__code__.co_consts
        if hasattr(one, "co_name") and one.co_name == "forgotten"
    )  # fmt: skip
    return code.co_firstlineno + 1


def test_the_collector_that_is_off():
    """Where the program turned Python's collector off and leaves cycles, that is said, with what helps."""
    code = """
        import gc
        from memmon.probe.objects.evidence import compare, gather
        gc.disable()
        before = gather(pause=lambda seconds: None)
        for _ in range(20_000):
            cycle = []
            cycle.append(cycle)
        print(" ".join(compare(before, gather(pause=lambda seconds: None)).sentences))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "gc.enable()" in done.stdout
