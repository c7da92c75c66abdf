"""`memmon run` where the program's orphans come to it: as process 1, as in a container, and as a subreaper."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
from program_kit import ROOT, query

pytestmark = pytest.mark.programs

PROGRAM = """
    import json, os, sqlite3, subprocess, sys, time

    def until(what):
        deadline = time.monotonic() + 60
        while not (found := what()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def children_of(pid):
        return {
            int(one): open(f"/proc/{one}/stat").read().rpartition(")")[2].split()[0]
            for task in os.listdir(f"/proc/{pid}/task")
            for one in open(f"/proc/{pid}/task/{task}/children").read().split()
        }

    def recorded():
        try:
            with sqlite3.connect("file:host.db?mode=ro", uri=True) as database:
                sql = "SELECT r.pid FROM run r WHERE EXISTS (SELECT 1 FROM snapshot s WHERE s.run_id = r.id)"
                return {pid for (pid,) in database.execute(sql)}
        except sqlite3.Error:
            return set()

    keeper = os.getppid()
    short = [subprocess.run(["sh", "-c", "sleep 0.2 & echo $!"], stdout=subprocess.PIPE).stdout for _ in range(5)]
    holds = "import time; held = b'x' * (40 * 2**20); time.sleep(600)"
    left = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" >/dev/null & echo $!', sys.executable, holds], stdout=subprocess.PIPE
    )
    orphan = int(left.stdout)
    print(json.dumps({
        "keeper": keeper,
        "adopted": bool(until(lambda: orphan in children_of(keeper))),
        "recorded": bool(until(lambda: orphan in recorded())),
        "waited_for": until(lambda: not {int(one) for one in short} & set(children_of(keeper))),
        "zombies": [pid for pid, state in children_of(keeper).items() if state == "Z"],
        "orphan": orphan,
    }), flush=True)
    os.kill(orphan, 9)
    assert until(lambda: orphan not in children_of(keeper))
    sys.exit(5)
"""
SUBREAPER = """
    import ctypes, os, sys
    assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER; it outlives the execution of another program
    os.execv(sys.argv[1], sys.argv[1:])
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--user", "--map-root-user")


def prefix_of(kind):
    if kind == "subreaper":
        return (sys.executable, "-c", textwrap.dedent(SUBREAPER))
    try:
        done = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program can be made process 1 here: there is no unshare")
    if done.returncode:
        pytest.skip(f"no program can be made process 1 here: {done.stderr.strip()}")
    return NAMESPACE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans come to process 1 alone elsewhere")
@pytest.mark.parametrize("kind", ["process 1", "subreaper"])
def test_orphans_under_run_are_recorded_and_waited_for(tmp_path, kind, figures):
    """What outlives its parent under `memmon run` is recorded as the program's, and what has ended stays no zombie."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    options = ["run", "--db", "host.db", "--source", "host", "--interval", "0.5s", "--"]
    command = [*prefix_of(kind), sys.executable, "-m", "memmon", *options, sys.executable, str(script)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 5, done.stderr
    said = json.loads(done.stdout)
    assert (said["keeper"] == 1) == (kind == "process 1")
    assert said["adopted"]
    assert said["recorded"]
    assert said["waited_for"]
    assert said["zombies"] == []
    largest = f"SELECT max(s.rss_bytes) FROM snapshot s JOIN run r ON r.id = s.run_id WHERE r.pid = {said['orphan']}"
    ((held,),) = query(tmp_path / "host.db", largest)
    assert held > 40 * 2**20
    figures("memmon run", f"{kind}: an orphan of {held / 2**20:.0f} MB recorded, 5 that ended waited for")
