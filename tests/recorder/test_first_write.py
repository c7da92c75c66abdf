"""How soon the first snapshot of a run is stored: with the run's beginning, in one transaction."""

from __future__ import annotations

import threading

import pytest

from memmon import Recorder
from memmon.recorder import writer_thread
from memmon.store.write.writer import Writer


@pytest.fixture
def batches(monkeypatch):
    """What was written, batch by batch."""
    written, write = [], Writer.write

    def kept(self, batch):
        done = write(self, batch)
        written.append(([one.sequence for one in batch.snapshots], [one.kind for one in batch.events]))
        return done

    monkeypatch.setattr(Writer, "write", kept)
    return written


@pytest.fixture
def recorder(tmp_path):
    made = Recorder(tmp_path / "f.db", source="bot", gc_threshold_mb=0, leak_check=False, daily_report=False)
    yield made
    made.stop()


def test_the_first_snapshot_is_written_with_the_beginning_of_its_run(recorder, batches, monkeypatch):
    """The writer thread, which takes the beginning while the first snapshot is being read, writes both at once."""
    monkeypatch.setattr(writer_thread, "_FIRST_SNAPSHOT_SECONDS", 30.0)
    inbox = recorder._writer_thread._inbox

    def read():
        while not inbox.empty():  # until the thread has the beginning of the run
            threading.Event().wait(0.001)
        return []

    recorder.register_component("slow", lambda: len(read()))
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    assert batches == [([1], ["run_start"])]


def test_a_run_whose_first_snapshot_hangs_is_stored(recorder, batches, monkeypatch):
    """A reading of the program's that hangs does not keep the beginning of the run from the file."""
    monkeypatch.setattr(writer_thread, "_FIRST_SNAPSHOT_SECONDS", 0.0)
    stored = threading.Event()
    recorder._keeper.on_stored = lambda *_: stored.set()

    def hang():
        assert stored.wait(30.0)
        return 1

    recorder.register_component("hanging", hang)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    assert batches == [([], ["run_start"]), ([1], [])]
