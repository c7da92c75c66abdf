"""Saying what grows where the way leads through a library's function, another thread's values, a generator or very many keys."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import threading
from collections import defaultdict
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from look_kit import all_chains

from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.confirm import Confirmation
from memmon.probe.objects.evidence import gather
from memmon.probe.objects.survey import survey

HERE = __name__


pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Lease:
    def __init__(self, number):
        self.text = "l" * 700 + str(number)

    async def release(self):
        self.text = ""


class Held:
    """What the tests fill."""


HELD = Held()


@pytest.fixture(autouse=True)
def released():
    HELD.__dict__.update(
        stack=contextlib.AsyncExitStack(),
        deals=defaultdict(lambda: defaultdict(lambda: defaultdict(list))),
        file=io.BytesIO(),
        jar={},
        patterns={},
    )
    yield
    HELD.stack.pop_all()._exit_callbacks.clear()
    HELD.__dict__.clear()


def on_a_stack(number):
    lease = Lease(number)
    HELD.stack.push_async_callback(lease.release)


def under_many_keys(number):
    HELD.deals[f"venue{number % 3}"][f"s{number % 5}"][f"day{number % 2}"].append(Lease(number))


def written(number):
    HELD.file.write(b"w" * 600 + str(number).encode())


def in_a_loop(number):
    for name, value in {f"k{number}": f"{number}" + "l" * 700}.items():
        HELD.jar[name] = value


def pattern_of(text):
    if text not in HELD.patterns:
        HELD.patterns[text] = re.compile(text)
    return HELD.patterns[text]


def pattern(number):
    re.purge()
    pattern_of(rf"/users/{number}/(?P<order>[0-9]+)$")


@pytest.mark.parametrize(
    ("grow", "path", "name", "function", "statement"),
    [
        (on_a_stack, "HELD.stack._exit_callbacks", "Lease", "on_a_stack", "lease = Lease("),
        (under_many_keys, "HELD.deals[*][*][*]", "Lease", "under_many_keys", "append(Lease("),
        (written, "HELD.file", None, "written", "HELD.file.write"),
        (in_a_loop, "HELD.jar", "str", "in_a_loop", "HELD.jar[name] = value"),
        (pattern, "HELD.patterns", "Pattern", "pattern_of", "= re.compile(text)"),
    ],
    ids=["in a library's function", "many keys", "a file in memory", "a loop", "called like its class"],
)
def test_where_it_hangs_and_is_made(grow, path, name, function, statement):
    """The place, the class and the line are named, whatever lies between."""
    told = all_chains(grow, begun=400)[0]
    assert told.culprit.path == f"{HERE}.{path}"
    assert (told.culprit.class_name or "None").rpartition(".")[2] == str(name)
    assert told.created_at[0].function == function
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert statement in lines[told.created_at[0].line - 1]


def test_what_each_thread_has_for_itself_is_named_by_its_attribute(monkeypatch):
    """The list that a thread keeps in a `threading.local` is told as an attribute, not as an entry of a table of threads."""
    state, numbers, is_over = threading.local(), count(), threading.Event()
    wanted, done = threading.Semaphore(0), threading.Semaphore(0)
    monkeypatch.setitem(globals(), "STATE", state)

    def work():
        state.unsent = []
        while wanted.acquire() and not is_over.is_set():
            state.unsent += [Lease(next(numbers)) for _ in range(400)]
            done.release()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    wanted.release()
    done.acquire()
    before = survey(monotonic=lambda: 0.0)
    for _ in range(4):
        wanted.release()
        done.acquire()
    told = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)[0]
    is_over.set()
    wanted.release()
    thread.join()
    assert told.culprit.path == f"{HERE}.STATE.unsent"
    assert not hasattr(state, "unsent")  # this thread has none, and got none by the look


def test_a_variable_of_an_asynchronous_generator_that_a_task_waits_for():
    """A task that waits for an asynchronous generator's next value leads to the generator's own variables."""

    async def ticks(step, taken):
        history = []
        while await step.acquire():
            history += [Lease(number) for number in range(400)]
            taken.release()
            yield len(history)

    async def read(step, taken):
        async for _ in ticks(step, taken):
            pass

    async def main():
        step, taken = asyncio.Semaphore(0), asyncio.Semaphore(0)
        task = asyncio.ensure_future(read(step, taken))
        step.release()
        await taken.acquire()
        await asyncio.sleep(0)
        before = survey(monotonic=lambda: 0.0)
        for _ in range(4):
            step.release()
            await taken.acquire()
            await asyncio.sleep(0)
        found = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
        task.cancel()
        return found

    told = asyncio.run(main())[0]
    assert "local history of " in told.culprit.path
    assert told.culprit.class_name == f"{HERE}.Lease"


def test_what_grew_under_many_keys_is_confirmed():
    """Growth that is spread over many keys is followed as one, and confirmed when it goes on."""
    confirmation, numbers, told = Confirmation(), count(), None
    for more in (400, 2_000, 2_000):
        for _ in range(more):
            under_many_keys(next(numbers))
        found = replace(
            gather(pause=lambda _: None), rss_bytes=None
        )  # of the process, in which other tests ran
        told = confirmation.add(found, float(next(numbers)), pause=lambda _: None)
    assert told.state.value == "confirmed"
    assert told.data["chains"][0]["path"] == f"{HERE}.HELD.deals[*][*][*]"
