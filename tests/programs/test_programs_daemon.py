"""A daemon: it forks twice, leaves its folder and closes every descriptor, also those that it knows nothing of."""

from __future__ import annotations

import pytest
from host_kit import assert_unharmed, run_both
from program_kit import query

pytestmark = pytest.mark.programs

PROGRAM = """
    import logging, os, sys
    from memmon import Recorder
    from pausing import FOLDER, pause

    recorder = Recorder("host.db", source="daemon", OPTIONS)
    recorder.start()
    assert recorder.flush(60)
    print("goes into the background", flush=True)

    def leave_to_a_fork():
        if os.fork():
            os._exit(0)

    leave_to_a_fork()
    os.setsid()
    leave_to_a_fork()
    os.chdir("/")
    os.closerange(0, 1024)
    for number in range(3):
        os.open(os.devnull, os.O_RDWR)
    logging.basicConfig(filename=os.path.join(FOLDER, "host.log"), level=logging.INFO)
    log = logging.getLogger().handlers[0].stream.fileno()
    recorder.start()
    recorder.take_snapshot()
    assert recorder.flush(60)
    # Whatever is open by now is closed as well, but for its own log.
    os.closerange(3, log)
    os.closerange(log + 1, 1024)
    recorder.take_snapshot()
    assert recorder.flush(60)
    pause("daemon")
    logging.info("the daemon ends")
"""


def test_daemon_that_closes_all_descriptors(tmp_path):
    """The daemon records under the name that its first process had, to its end; the first one has left to it."""
    recorded, without = run_both(tmp_path, PROGRAM, ("daemon",))
    assert_unharmed(recorded, without, recording=("daemon",))
    assert recorded.code == 0
    assert recorded.stored_counts == {"daemon": 4}
    assert recorded.ends == {"daemon": ["unknown", "exit"]}
    ((detail,),) = query(
        recorded.folder / "host.db", "SELECT end_detail FROM run WHERE end_reason = 'unknown'"
    )
    assert detail.startswith("a process that it forked goes on")
    assert "the daemon ends" in recorded.log
    assert "WARNING" not in recorded.log, recorded.log
