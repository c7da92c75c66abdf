"""Giving free heap back: what a trim really returned is in the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

HOST = """
    import ctypes, json, sys
    from memmon import Recorder, open_store

    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(2000) for _ in range(100_000)]
    for block in blocks:
        ctypes.memset(block, 1, 2000)
    # Every page's neighbour stays: the heap keeps the rest, full of holes.
    for index, block in enumerate(blocks):
        if index % 50:
            libc.free(block)
    recorder = Recorder(sys.argv[1], source="bot", gc_threshold_mb=50, heap_trim=sys.argv[2] == "trim")
    recorder.take_snapshot()
    assert recorder.flush(60.0)
    recorder.stop()
    with open_store(sys.argv[1]) as store:
        print(json.dumps([dict(event.data) for event in store.events("bot") if event.kind == "gc"]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is of the GNU C library")
def test_a_fragmented_heap(tmp_path):
    """A fragmented program gets most of its free heap back by the trim, and the ledger has the bytes."""
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(HOST), encoding="utf-8")
    returned = {}
    for way in ("trim", "plain"):
        done = subprocess.run(
            [sys.executable, script, tmp_path / f"{way}.db", way], capture_output=True, text=True, check=True
        )
        (ledger,) = json.loads(done.stdout)
        returned[way] = ledger
    assert returned["plain"]["trimmed_bytes"] is None
    assert returned["trim"]["trimmed_bytes"] > 80_000_000
    assert returned["trim"]["freed_bytes"] > 0.9 * returned["trim"]["trimmed_bytes"]
