"""The other examples of docs/hosts.md: pools of processes, scripts that are run again, notebooks, uWSGI, packed programs."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from host_page import command, commands, files, lay
from program_kit import BOT, DEPENDENCIES, ROOT
from server_kit import Host, assert_as_without, both, figure_of, needs

pytestmark = pytest.mark.programs

RERUN = """
import threading
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("board.py", default_timeout=60)
for _ in range(5):
    app.run()
    assert not app.exception
print(sum(thread.name == "memmon-sampler" for thread in threading.enumerate()), "of", len(app.markdown))
"""
NOTEBOOK = """
import pathlib
TAKEN = '''
import time
while not getattr(recorder.status, "taken_count", 1):  # without memmon there is none to wait for
    time.sleep(0.01)
'''
from jupyter_client import KernelManager
manager = KernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
for _ in range(2):
    answer = client.execute_interactive(pathlib.Path("cell.py").read_text(), timeout=60)
    assert answer["content"]["status"] == "ok", answer
    # A recorder that is replaced before its first snapshot stores none: it waits for that, as a reader would.
    answer = client.execute_interactive(TAKEN, silent=True, timeout=60)
    assert answer["content"]["status"] == "ok", answer
client.execute_interactive("recorder.flush(60)", silent=True, timeout=90)
client.shutdown()
client.stop_channels()
import time
deadline = time.monotonic() + 60
while manager.is_alive() and time.monotonic() < deadline:
    time.sleep(0.05)
manager.cleanup_resources()
print("shut down")
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_workers_of_multiprocessing(method, tmp_path, figures):
    """The program and each worker have a run that ends as exit, and the sum is right."""

    def run(folder, is_recorded):
        lay(folder, "jobs.py")
        words = [*command("python jobs.py")[:-1], method]
        return Host(folder, words, is_recorded=is_recorded).end(None)

    found, plain = both(tmp_path, run)
    figures(f"multiprocessing, {method}", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=3)
    assert found.out == "332833500\n"
    assert set(found.ends) == {"exit"}


def test_a_script_that_streamlit_runs_again(tmp_path, figures):
    """Five runs of the script have one recorder."""
    needs("streamlit")

    def run(folder, is_recorded):
        lay(folder, "board.py")
        (folder / "rerun.py").write_text(RERUN, encoding="utf-8")
        assert any(line == "streamlit run board.py" for line in commands())
        return Host(folder, [sys.executable, "rerun.py"], is_recorded=is_recorded).end(None)

    found, plain = both(tmp_path, run)
    figures("streamlit, 5 runs of the script", figure_of(found, plain))
    assert found.code == plain.code == 0, found.out
    assert found.out.splitlines()[-1] == "1 of 1"
    assert found.stored_counts == found.taken_counts
    assert (found.ends, found.left) == (["exit"], [])


def test_a_cell_of_a_notebook(tmp_path, figures):
    """A cell that is run again takes over, and the kernel's shutdown ends the run as exit."""
    needs("ipykernel")
    needs("jupyter_client")

    def run(folder, is_recorded):
        lay(folder, "cell.py")
        (folder / "notebook.py").write_text(NOTEBOOK, encoding="utf-8")
        return Host(folder, [sys.executable, "notebook.py"], is_recorded=is_recorded).end(None)

    found, plain = both(tmp_path, run)
    figures("jupyter, a cell run twice", figure_of(found, plain))
    assert found.code == plain.code == 0, found.out
    assert found.stored_counts == found.taken_counts
    assert (found.ends, found.left) == (["replaced", "exit"], [])


def test_the_workers_of_uwsgi(tmp_path, figures):
    """The example of the page serves; each worker is recorded, and ends as it does."""
    beside = str(Path(sys.executable).parent)
    binary = shutil.which(
        "uwsgi", path=os.pathsep.join((beside, str(DEPENDENCIES.parents[2] / "bin"), os.environ["PATH"]))
    )
    if binary is None:
        pytest.skip("uWSGI is not installed (pip install -e '.[programs]', with a C compiler)")
    (line,) = [line for line in commands() if line.startswith("uwsgi")]
    words = line.replace("127.0.0.1:8000", "SOCKET").split()[1:]

    def run(folder, is_recorded):
        lay(folder, "shop.py")
        paths = os.pathsep.join((str(folder), *Host.paths(is_recorded), str(ROOT), str(DEPENDENCIES)))
        host = Host(folder, [binary, *words], is_recorded=is_recorded, PYTHONPATH=paths)
        host.ask()
        host.measure(3, recorded_count=2)
        return host.end()

    found, plain = both(tmp_path, run)
    figures("uwsgi --lazy-apps", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=2, out=False)


def test_the_packed_program_begins_as_the_page_says():
    """The bot that the tests pack calls what the page has a packed program call first."""
    called = files()["bot.py"].strip().splitlines()[-1]
    assert re.search(rf"^ +{re.escape(called)}$", BOT.read_text(encoding="utf-8"), re.MULTILINE)
