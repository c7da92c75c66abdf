"""Workers of multiprocessing, by each way that it starts them, beside a parent that records too."""

from __future__ import annotations

import pytest
from host_kit import assert_unharmed, run_both

pytestmark = pytest.mark.programs

PROGRAM = """
    import logging, multiprocessing, os, sys
    from memmon import Recorder
    from pausing import pause

    def work(way):
        recorder = Recorder("host.db", source=way, OPTIONS)
        recorder.start()
        for number in range(3):
            recorder.take_snapshot()
        print(way, "works", flush=True)
        assert recorder.flush(60)
        pause(way)
        if way == "raises":
            raise LookupError("no such order")
        if way == "leaves":
            os._exit(3)

    if __name__ == "__main__":
        logging.basicConfig(filename="host.log", level=logging.INFO)
        recorder = Recorder("host.db", source="parent", OPTIONS)
        recorder.start()
        assert recorder.flush(60)
        context = multiprocessing.get_context(sys.argv[1])
        for way in ("returns", "raises", "leaves"):
            worker = context.Process(target=work, args=(way,), name=way)
            worker.start()
            if way == "returns":
                pause("parent")
            worker.join()
            print(way, worker.exitcode, flush=True)
        later = Recorder("host.db", source="leaves", OPTIONS)
        later.take_snapshot()
        assert later.flush(60)
        later.stop()
        sys.exit(7)
"""
WAYS = ("returns", "raises", "leaves")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_multiprocessing(tmp_path, method):
    """Each worker records itself: all that it took is stored, it ends as it did, and neither it nor its parent is changed."""
    recorded, without = run_both(tmp_path, PROGRAM, ("parent", *WAYS), method)
    assert_unharmed(recorded, without, recording=("parent", *WAYS))
    assert recorded.code == 7
    assert recorded.stored_counts == {"parent": 1, "returns": 4, "raises": 4, "leaves": 5}
    assert recorded.ends == {
        "parent": ["exit"],
        "returns": ["exit"],
        "raises": ["exception"],
        "leaves": ["unknown", "stopped"],
    }
    assert "an earlier run ended without a word" in recorded.log
    assert "WARNING" not in recorded.log, recorded.log
