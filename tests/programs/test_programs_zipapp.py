"""A program that is one archive, with memmon inside."""

from __future__ import annotations

import shutil
import zipapp

import pytest
from host_kit import assert_unharmed, both, lay, watch
from program_kit import BASE_PYTHON, DEPENDENCIES, copy_as_installed

pytestmark = pytest.mark.programs

PROGRAM = """
    import logging, sys
    from memmon import Recorder
    from pausing import pause

    logging.basicConfig(filename="host.log", level=logging.INFO)
    recorder = Recorder("host.db", source="archive", OPTIONS)
    recorder.start()
    for number in range(3):
        print("trade", number, flush=True)
        recorder.take_snapshot()
    assert recorder.flush(60)
    pause("archive")
    sys.exit(7)
"""


def run(folder, is_recorded):
    file = lay(folder, PROGRAM, is_recorded=is_recorded)
    inside = folder / "inside"
    if is_recorded:
        copy_as_installed(inside)
    else:
        shutil.move(folder / "without", inside)
    shutil.move(file, inside / "__main__.py")
    shutil.move(folder / "pausing.py", inside)
    zipapp.create_archive(inside, folder / "host.pyz", compressed=True)
    shutil.rmtree(inside)
    # What is compiled lies beside it.
    return watch(folder, [BASE_PYTHON, folder / "host.pyz"], ("archive",), PYTHONPATH=str(DEPENDENCIES))


def test_archive(tmp_path):
    """What it took is stored at its end, which is its own, and nothing of memmon shows."""
    recorded, without = both(tmp_path, run)
    # Once it has been asked for a version, the interpreter keeps the archive open.
    assert_unharmed(recorded, without, recording=("archive",), own_descriptors=1)
    assert recorded.code == 7
    assert recorded.stored_counts == {"archive": 4}
    assert recorded.ends == {"archive": ["exit"]}
    assert recorded.log == ""
