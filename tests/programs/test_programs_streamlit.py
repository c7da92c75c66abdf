"""A dashboard that runs its user's script again at each click, in one process: Streamlit's own server."""

from __future__ import annotations

import importlib.util
import re
import signal
import sys
from pathlib import Path

import pytest
from host_kit import Running, assert_unharmed, both, lay
from program_kit import query

pytestmark = pytest.mark.programs

RUN_COUNT, EARLY_RUN = 20, 5
MOST_GROWN_MB = 3.0
"""What the later runs may cost more than without memmon: one recorder that is left over holds 0.8 MB."""

PAGE = """
    import streamlit as st
    from memmon import Recorder

    Recorder("host.db", source="page", OPTIONS).start()
    st.session_state["count"] = st.session_state.get("count", 0) + 1
    st.write("run", st.session_state["count"])
"""


def shown_by_a_run(socket) -> list[str]:
    """Have the script run again, as a browser does; returns what the page shows."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    asked = BackMsg()
    asked.rerun_script.query_string = ""
    socket.send(asked.SerializeToString())
    shown = []
    while True:
        message = ForwardMsg.FromString(socket.recv(60))
        if message.WhichOneof("type") == "delta" and (text := message.delta.new_element.markdown.body):
            shown.append(text)
        if message.WhichOneof("type") == "script_finished":
            return shown


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def run(folder, is_recorded):
    """Run the page so often; returns what was seen, what the page showed, and how much the process has grown since the fifth run."""
    from websockets.sync.client import connect

    page = lay(folder, PAGE, is_recorded=is_recorded)
    options = ["--server.headless", "true", "--server.port", "0", "--server.address", "127.0.0.1"]
    options += ["--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    with Running(folder, [sys.executable, "-m", "streamlit", "run", page, *options]) as server:
        found = re.compile(r"started on \S*:(\d+)")
        said = server.wait_for(
            lambda: found.search(server.read("out.txt") + server.read("err.txt")), "the port"
        )
        shown, early_mb = [], 0.0
        with connect(f"ws://127.0.0.1:{said[1]}/_stcore/stream") as socket:
            for number in range(RUN_COUNT):
                shown.append(shown_by_a_run(socket))
                if is_recorded:
                    wait_for_runs(server, number + 1)
                if number == EARLY_RUN:
                    early_mb = rss_mb(server.process.pid)
            server.look("page", server.process.pid)
            grown_mb = rss_mb(server.process.pid) - early_mb
        return server.end(signal.SIGTERM), shown, grown_mb


def wait_for_runs(server: Running, count: int) -> None:
    """Wait until so many runs have stored their snapshot, and all but one have ended."""
    text = "SELECT count(DISTINCT run_id), sum(ended_ms IS NULL) FROM snapshot JOIN run ON run.id = run_id"
    server.wait_for(lambda: query(server.folder / "host.db", text) == [(count, 1)], f"run {count}")


def test_script_that_is_run_again(tmp_path):
    """After twenty runs one recorder lives; all have stored what they took; threads and memory stay, and the server ends as it does."""
    if importlib.util.find_spec("streamlit") is None:
        pytest.skip("Streamlit is not installed (pip install -e '.[programs]')")
    (recorded, shown, grown_mb), (without, plainly_shown, plainly_grown_mb) = both(tmp_path, run)
    print(f"grown by {grown_mb:.1f} MB since the fifth run, without memmon {plainly_grown_mb:.1f} MB")
    assert_unharmed(recorded, without, recording=("page",))
    assert shown == plainly_shown
    assert str(RUN_COUNT) in shown[-1][-1], shown
    assert recorded.stored_counts == {"page": RUN_COUNT}
    assert recorded.ends == {"page": ["replaced"] * (RUN_COUNT - 1) + ["exit"]}
    assert grown_mb - plainly_grown_mb <= MOST_GROWN_MB
