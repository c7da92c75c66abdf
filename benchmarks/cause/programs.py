"""Seven small programs, each of which grows for one cause while the probe samples it.

``python programs.py CAUSE SEED`` prints one JSON object with the counters of its snapshots. The seed
chooses sizes and shapes, so that repeats are not copies.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from memmon.clock import SystemClock
from memmon.probe.registered.components import ComponentRegistry
from memmon.probe.registered.deques import DequeRegistry
from memmon.probe.sampler import Sampler

MB = 2**20
STEPS = 30
COLUMNS = (
    "rss_bytes",
    "rss_anon_bytes",
    "rss_file_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "heap_used_bytes",
    "heap_mmap_bytes",
    "python_block_count",
)
EXPECTED = {
    "python_objects": "python",
    "malloc_main": "native",
    "malloc_thread": "native",
    "fragmented": "retained",
    "big_malloc": "native",
    "shared_mapping": "shared",
    "file_mapping": "file",
}


def libc():
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    return library


class Order:
    def __init__(self, number):
        self.number, self.price, self.tags = number, number / 7, [number]


def python_objects(rng, step_bytes):
    """Objects kept for ever: dicts, instances, strings, tuples, lists or bytes, by seed."""
    shape = rng.choice(["dict", "instance", "string", "tuple", "list", "bytes", "mixed"])
    length = rng.randrange(40, 3000)
    makers = {
        "dict": lambda i: {"id": i, "price": i / 7, "symbol": f"s{i}"},
        "instance": Order,
        "string": lambda i: f"{i}" + "x" * length,
        "tuple": lambda i: (i / 3, i / 7, str(i)),
        "list": lambda i: [i / 3] * rng.randrange(1, 30),
        "bytes": lambda _: bytes(length),
        "mixed": lambda i: rng.choice([{"id": i}, Order(i), "y" * rng.randrange(1000), (i / 3,)]),
    }
    kept = []

    def step(_):
        before = len(kept)
        kept.append(makers[shape](len(kept) + 1000))
        size = max(60, sys.getsizeof(kept[-1]) + 40)
        kept.extend(makers[shape](before + i + 1000) for i in range(step_bytes // size))

    return step


def malloc_main(rng, step_bytes):
    """Blocks of the C library's heap, never freed; their addresses are kept or forgotten, by seed."""
    library, size, is_kept, kept = libc(), rng.randrange(1024, 60_000), rng.random() < 0.5, []

    def step(_):
        for _ in range(step_bytes // size):
            address = library.malloc(size)
            library.memset(address, 1, size)
            if is_kept:
                kept.append(address)

    return step


def malloc_thread(rng, step_bytes):
    """Allocate the same in another thread, which has an arena of its own."""
    inner = malloc_main(rng, step_bytes)
    wanted, done = threading.Semaphore(0), threading.Semaphore(0)

    def work():
        while True:
            wanted.acquire()
            inner(0)
            done.release()

    threading.Thread(target=work, daemon=True).start()

    def step(_):
        wanted.release()
        done.acquire()

    return step


def fragmented(rng, step_bytes):
    """Much is allocated, most of it freed, and the allocator keeps the pages: native or Python, by seed."""
    keep_each = rng.randrange(16, 60)
    hole_maker = native_holes if rng.random() < 0.5 else python_holes
    grow, shrink = hole_maker(rng, step_bytes, keep_each)

    def step(number):
        if number < STEPS // 2:
            grow()
        elif number == STEPS // 2:
            shrink()

    return step


def native_holes(rng, step_bytes, keep_each):
    """Return what allocates blocks of the C library's heap, and what frees all but each `keep_each`th of them."""
    library, size, addresses = libc(), rng.randrange(600, 8000), []

    def grow():
        for _ in range(step_bytes // size):
            address = library.malloc(size)
            library.memset(address, 1, size)
            addresses.append(address)

    def shrink():
        for number, address in enumerate(addresses):
            if number % keep_each:
                library.free(address)
        addresses.clear()

    return grow, shrink


def python_holes(rng, step_bytes, keep_each):
    """Return what makes objects of Python, and what drops all but each `keep_each`th of them."""
    size, objects = rng.randrange(30, 400), []

    def grow():
        objects.extend(b"z" * (size + i % 2) for i in range(step_bytes // (size + 33)))

    def shrink():
        objects[:] = [kept for number, kept in enumerate(objects) if number % keep_each == 0]

    return grow, shrink


def big_malloc(rng, step_bytes):
    """Blocks that the C library maps one by one."""
    library, size = libc(), rng.randrange(256 * 1024, 2 * MB)

    def step(_):
        for _ in range(max(1, step_bytes // size)):
            library.memset(library.malloc(size), 1, size)

    return step


def shared_mapping(_rng, step_bytes):
    """Shared anonymous mappings, as between a parent and its workers."""
    kept = []

    def step(_):
        mapping = mmap.mmap(-1, step_bytes)
        mapping.write(b"s" * step_bytes)
        kept.append(mapping)

    return step


def file_mapping(rng, step_bytes):
    """Pages of a mapped file, read step by step."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the program
    for _ in range(STEPS):
        file.write(bytes([rng.randrange(256)]) * step_bytes)
    file.flush()
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    total = [0, file]

    def step(number):
        for place in range(number * step_bytes, (number + 1) * step_bytes, 4096):
            total[0] += mapping[place]

    return step


def main():
    cause, seed = sys.argv[1], int(sys.argv[2])
    rng = random.Random(f"{cause} {seed}")
    step = globals()[cause](rng, rng.randrange(MB, 3 * MB))
    clock = SystemClock()
    sampler = Sampler(deques=DequeRegistry(), components=ComponentRegistry(), clock=clock)
    begun, cost_seconds, snapshots = clock.monotonic(), [], []
    for number in range(STEPS):
        before = time.perf_counter()
        snapshots.append(sampler.sample(sequence=number, started_monotonic=begun, work_count=None))
        cost_seconds.append(time.perf_counter() - before)
        step(number)
        [str(i) for i in range(rng.randrange(2000))]  # ordinary garbage beside it
    snapshots.append(sampler.sample(sequence=STEPS, started_monotonic=begun, work_count=None))
    columns = {name: [getattr(s, name) for s in snapshots] for name in COLUMNS}
    hours = [s.uptime_seconds / 3600 for s in snapshots]
    print(json.dumps({"hours": hours, "columns": columns, "cost_seconds": cost_seconds}))
    sys.stdout.flush()
    if Path("/proc").exists():
        sys.exit(0)


if __name__ == "__main__":
    main()
