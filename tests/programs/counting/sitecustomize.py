"""Counts, beside memmon's own count, the snapshots that each process of a host takes: a line of a file for each.

Recorders that say nothing of their interval take them as often as the test wants. Loaded by the interpreter's own start.
"""

import os
import sys
from importlib.util import find_spec

TAKER = "memmon.recorder.recorder"


class Finder:
    """Finds the module of the recorder as others do, and changes it once it is loaded: in no other order than the program's."""

    def find_spec(self, name, path=None, target=None):
        if name != TAKER:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            count(module.Recorder)

        spec.loader.exec_module = exec_module
        return spec


def count(recorder):
    take = recorder._take_locked
    recorder.__init__.__kwdefaults__["interval_seconds"] = float(os.environ["HOST_INTERVAL_SECONDS"])

    def counted(self, **options):
        snapshot = take(self, **options)
        line = f"{os.getpid()}\n".encode()
        file = os.open(os.environ["HOST_TAKEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line)
        os.close(file)
        return snapshot

    recorder._take_locked = counted


if "HOST_TAKEN" in os.environ and "MEMMON_CHILD" not in os.environ:
    sys.meta_path.insert(0, Finder())
    for name in os.environ.get("HOST_WITHOUT", "").split():
        sys.modules[name] = None  # as if it were not installed
