"""Saying what grows in what Python makes or keeps itself: handlers of signals, threads, wrappers, views, enumerations, errors."""

from __future__ import annotations

import enum
import functools
import io
import linecache
import logging
import signal
import threading

import pytest
from look_kit import all_chains

HERE = __name__
pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Note:
    def __init__(self, number):
        self.text = "n" * 700 + str(number)

    def tell(self):
        return self.text


class Job(Note):
    pass


class Right(enum.IntFlag, boundary=enum.KEEP):
    READ = 1


class Word(str):
    __slots__ = ("notes",)


class Head:
    def __init__(self, number):
        self.view = memoryview(b"f" * 3_000 + str(number).encode())[:8]


class OrderError(Exception):
    pass


class Held:
    last = None
    rows = ()
    log = None
    heads = ()
    word = Word("all")


HELD = Held()


@functools.singledispatch
def shown(value):
    return value


@pytest.fixture(autouse=True)
def released():
    HELD.heads, HELD.word.notes, HELD.rows, HELD.log = [], [], (), io.StringIO()
    before = signal.getsignal(signal.SIGUSR2)
    yield
    signal.signal(signal.SIGUSR2, before)
    while HELD.last is not None:  # one after the other: dropped at once, it would recurse
        HELD.last = HELD.last.__context__ or HELD.last.__cause__
    while HELD.rows:
        HELD.rows = HELD.rows[1]
    HELD.heads, HELD.word.notes = [], []
    for one in threading.enumerate():
        if isinstance(one, threading.Timer):
            one.cancel()


def handled(number):
    before, note = signal.getsignal(signal.SIGUSR2), Note(number)

    def handler(*_):
        note.tell()
        before()

    signal.signal(signal.SIGUSR2, handler)


def timed(number):
    timer = threading.Timer(3_600.0, Job(number).tell)
    timer.daemon = True
    timer.start()


def registered(number):
    class Made:
        text = "m" * 1_000 + str(number)

    shown.register(Made, lambda value: value.text)


def viewed(number):
    HELD.heads.append(Head(number))


def granted(number):
    for one in range(4):
        Right((number * 4 + one) << 4)


def worded(number):
    HELD.word.notes.append(Note(number))


def failed_while_handled(number):
    try:
        try:
            raise HELD.last or OrderError("first")
        except OrderError:
            raise OrderError("o" * 500 + str(number))  # noqa: B904 -- the one before is its context
    except OrderError as error:
        HELD.last = error.with_traceback(None)


def failed_because(number):
    error = OrderError("o" * 500 + str(number))
    error.__cause__, HELD.last = HELD.last, error


def linked(number):
    HELD.rows = (Note(number), HELD.rows)


def written(number):
    HELD.log.write("l" * 700 + str(number))


LOG = logging.getLogger("test_probe_python_s_own")
LOG.setLevel(logging.INFO)
LOG.propagate = False


def logged(number):
    LOG.info("%s%d", "l" * 700, number)


@pytest.mark.parametrize(
    ("grow", "path", "name", "counts"),
    [
        (handled, "signal.getsignal(SIGUSR2).__closure__", "Note", (100, 500)),
        (timed, "threading._active", "Job", (20, 110)),
        (registered, f"{HERE}.shown.register.__closure__.registry", "function", (100, 500)),
        (viewed, f"{HERE}.HELD.heads", "Head", (100, 500)),
        (granted, f"{HERE}.Right._value2member_map_", "Right", (100, 500)),
        (worded, f"{HERE}.Held.word.notes", "Note", (100, 500)),
        (failed_while_handled, f"{HERE}.HELD.last.__context__", "OrderError", (100, 500)),
        (failed_because, f"{HERE}.HELD.last.__cause__", "OrderError", (100, 500)),
        (linked, f"{HERE}.HELD.rows[*]", "Note", (100, 500)),
    ],
)
def test_what_python_keeps_is_told_by_its_way(grow, path, name, counts):
    """What hangs on a signal's handler, a waiting thread, a library's wrapper, an enumeration, a text's attribute or an error is named."""
    told = all_chains(grow, begun=counts[0], more=counts[1])[0]
    assert told.culprit.path == path
    assert told.culprit.class_name.rpartition(".")[2] == name
    assert told.created_at[0].function == grow.__name__


def test_an_error_s_context_is_told_by_what_is_raised_while_another_is_handled():
    """Of two lines that raise errors of a class, the one in a handler makes each keep the one before."""
    told = all_chains(failed_while_handled, begun=100, more=500)[0]
    assert '"o" * 500' in linecache.getline(__file__, told.created_at[0].line)


def test_what_a_view_looks_into_is_weighed_with_it():
    """A slice of eight bytes keeps the three thousand that it is cut from."""
    told = all_chains(viewed, begun=100, more=500)[0]
    assert told.culprit.grown_bytes == pytest.approx(500 * 3_350, rel=0.1)


def test_a_released_view_is_passed_over():
    """A view that looks into nothing any more is no fault of the look."""
    view = memoryview(b"x")
    view.release()
    HELD.word.notes.append(view)
    told = all_chains(worded, begun=100, more=500)[0]
    assert told.culprit.path == f"{HERE}.Held.word.notes"


def test_a_text_file_in_memory_is_told_with_what_was_written():
    """A log that is written into memory and never read is told as what got larger, by what it holds."""
    told = all_chains(written, begun=100, more=500)[0]
    assert told.culprit.path == f"{HERE}.HELD.log"
    assert told.culprit.grown_bytes == pytest.approx(500 * 703, rel=0.1)
    assert told.created_at[0].function == "written"


def test_a_log_in_memory_is_told_by_the_line_that_logs(monkeypatch):
    """What a logger's handler keeps in memory is created where the program logs."""
    monkeypatch.setattr(LOG, "handlers", [logging.StreamHandler(io.StringIO())])
    told = all_chains(logged, begun=100, more=500)[0]
    assert told.culprit.kind == "_io.StringIO"
    assert told.created_at[0].function == "logged"
