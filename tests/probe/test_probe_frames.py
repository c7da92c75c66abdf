"""Variables of running and waiting functions: read, and left as they were."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref

import pytest

from memmon.probe.objects.frames import stack, variable_names, variable_of
from memmon.probe.objects.survey import survey


class Thing:
    pass


def running(begun, ended, told):
    seen = {number: str(number) for number in range(500)}
    thing = Thing()
    told.append(weakref.ref(thing))
    begun.set()
    ended.wait(30)
    thing = None
    told.append(told[0]())
    return seen


def keeping(begun, ended, told):
    kept = locals()
    kept["extra"] = 1
    late = [2]
    begun.set()
    ended.wait(30)
    told.append(dict(kept))
    return late


class Running:
    """A function that runs in another thread until it is told to end."""

    def __init__(self, function):
        self.told = []
        self.begun, self.ended = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=function, args=(self.begun, self.ended, self.told))

    def __enter__(self):
        self.thread.start()
        self.begun.wait(30)
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()


def frame_of(thread, function):
    return next(one for one in stack(thread.ident) if one.f_code is function.__code__)


def test_a_local_variable_of_a_running_function_is_a_root():
    """What a running function collects in a variable is found under the variable's and the function's name."""
    with Running(running):
        found = survey(monotonic=lambda: 0.0)
    assert found.container_lengths["local seen of running()"] == 1000
    assert found.root_bytes["local seen of running()"] > 500 * 50


def test_reading_a_variable_keeps_nothing_alive():
    """What the function lets go after it was read is freed there and then."""
    with Running(running) as one:
        assert type(variable_of(frame_of(one.thread, running), "thing")) is Thing
        survey(monotonic=lambda: 0.0)
    assert one.told[1] is None


def test_a_program_that_keeps_its_locals_finds_them_whole():
    """A function that holds `locals()` isn't read: what it added is there, and nothing newer is."""
    assert variable_names(keeping.__code__) == ()
    with Running(keeping) as one:
        survey(monotonic=lambda: 0.0)
    assert one.told[0]["extra"] == 1
    assert "late" not in one.told[0]


def test_locals_that_somebody_else_holds_are_not_emptied():
    """A debugger's dict of another function's variables stays filled."""
    with Running(running) as one:
        frame = frame_of(one.thread, running)
        held = frame.f_locals
        assert len(variable_of(frame, "seen")) == 500
        assert len(held["seen"]) == 500
        del held, frame


def test_a_variable_without_a_value_is_none():
    """A variable that isn't set yet has no value, and nothing is raised."""
    with Running(running) as one:
        assert variable_of(frame_of(one.thread, running), "no such") is None


def test_asyncios_sets_get_no_dict():
    """Counting the tasks doesn't make a dict of the attributes of asyncio's weak set."""
    if sys.version_info >= (3, 13):
        pytest.skip("its attributes stay inline there, with or without a dict")

    async def main():
        survey(monotonic=lambda: 0.0)
        return [type(one) for one in gc.get_referents(asyncio.tasks._all_tasks)]

    before = [type(one) for one in gc.get_referents(asyncio.tasks._all_tasks)]
    assert asyncio.run(main())[: len(before)] == before


def test_a_local_variable_of_a_waiting_task_is_a_root():
    """What a coroutine collects in a variable while it waits is found under the variable's and the function's name."""

    async def collecting(begun):
        kept = {number: str(number) for number in range(400)}
        begun.set()
        await asyncio.sleep(30)
        return kept

    async def main():
        begun = asyncio.Event()
        task = asyncio.create_task(collecting(begun))
        await begun.wait()
        await asyncio.sleep(0)
        found = await asyncio.to_thread(survey, monotonic=lambda: 0.0)
        task.cancel()
        return found

    lengths = asyncio.run(main()).container_lengths
    assert [length for name, length in lengths.items() if name.startswith("local kept of ")] == [800]
