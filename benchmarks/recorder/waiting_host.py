"""A host that waits for any child while memmon starts its own: how often it is handed one of memmon's, and for how long it could be.

A thread of the host blocks in `os.waitpid(-1, 0)` all the time, beside a child of its own; meanwhile memmon's children are started one after
another, each is asked something small and answers. Once as memmon starts them where it may (nobody's children here), and once in the usual way,
as where the program is process 1, takes in orphans, or is packed.

    python benchmarks/recorder/waiting_host.py [--starts 1000] [--ways hidden usual] [--answer]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import threading
import time

from memmon.child import Child, hidden
from memmon.child.interpreter import find_interpreter
from memmon.child.requests import Inspect

REQUEST = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--starts", type=int, default=1000)
    options.add_argument("--ways", nargs="+", choices=("hidden", "usual"), default=("hidden", "usual"))
    options.add_argument(
        "--answer", action="store_true", help="wait for each one's answer, instead of ending it at once"
    )
    chosen = options.parse_args()
    for way in chosen.ways:
        hidden.is_possible = lambda way=way: way == "hidden"
        _measure(way, chosen.starts, has_to_answer=chosen.answer)


def _measure(way: str, count: int, *, has_to_answer: bool) -> None:
    own = subprocess.Popen(["sleep", "86400"])
    handed: list[int] = []
    waiting = threading.Thread(target=_wait, args=(own.pid, handed))
    waiting.start()
    starts, windows, pids = [], [], []
    interpreter = find_interpreter(serves_itself=False)
    for _ in range(count):
        begun = time.monotonic()
        child = Child(REQUEST, interpreter=interpreter, timeout_seconds=60.0)
        starts.append(time.monotonic() - begun)
        started = child._process  # noqa: SLF001 -- who it is, is nobody else's business
        pids.append(started.pid)
        while has_to_answer and child.poll() is None:
            time.sleep(0.002)
        child.kill()
        # A child of the program's can be handed over from its start to the moment in which it is waited for.
        windows.append(time.monotonic() - begun if started.is_own else 0.0)
    own.kill()
    waiting.join()
    foreign = [pid for pid in handed if pid != own.pid]
    print(
        f"{way}: {count} starts, the host was handed {len(foreign)} foreign processes"
        f" ({len(set(foreign) & set(pids))} of them memmon's children)\n"
        f"  one could be handed over for {_span(windows)}; a start takes {_span(starts)}"
    )


def _wait(own_pid: int, handed: list[int]) -> None:
    while own_pid not in handed:
        handed.append(os.waitpid(-1, 0)[0])


def _span(seconds: list[float]) -> str:
    found = sorted(seconds)
    middle, most = found[len(found) // 2], found[-1]
    return f"{1000 * middle:.1f} ms in the middle, {1000 * most:.1f} ms at most"


if __name__ == "__main__":
    main()
