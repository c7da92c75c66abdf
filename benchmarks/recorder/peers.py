"""What others add to a program that is watched: memory over the bare program, and processor time per reading.

    python benchmarks/recorder/peers.py [--repeats 5]

Each runs in fresh processes of its own, beside the same idle program, and reads its memory fifty times:
memmon (with a durable write of each reading), prometheus-client's process metrics, OpenTelemetry's process
metrics, a loop that compares snapshots of tracemalloc, and psrecord, which looks from outside and loads
nothing in the program. What is not installed is left out. The medians are shown, in MB of 2**20 bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READINGS = 50
PEERS = {
    "memmon": (
        "",
        "from memmon import Recorder\nrecorder = Recorder(path, source='bench', gc_threshold_mb=0)",
        "recorder.take_snapshot(); assert recorder.flush(60.0)",
    ),
    "prometheus-client": (
        "prometheus_client",
        "from prometheus_client import REGISTRY, generate_latest",
        "generate_latest(REGISTRY)",
    ),
    "OpenTelemetry": (
        "opentelemetry.instrumentation.system_metrics",
        (
            "from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor\n"
            "from opentelemetry.sdk.metrics import MeterProvider\n"
            "from opentelemetry.sdk.metrics.export import InMemoryMetricReader\n"
            "reader = InMemoryMetricReader()\n"
            "names = ('process.memory.usage', 'process.memory.virtual', 'process.cpu.time')\n"
            "SystemMetricsInstrumentor(config={name: None for name in names}).instrument(\n"
            "    meter_provider=MeterProvider(metric_readers=[reader]))"
        ),
        "reader.get_metrics_data()",
    ),
    "tracemalloc loop": (
        "",
        "import tracemalloc\ntracemalloc.start()\nlast = tracemalloc.take_snapshot()",
        "now = tracemalloc.take_snapshot(); now.compare_to(last, 'lineno')[:10]; last = now",
    ),
}
PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})
path = {path!r}
kept = [str(number) * 3 for number in range(20_000)]
{begin}
{reading}
begun = time.process_time()
for _ in range({count}):
    {reading}
used = time.process_time() - begun
import gc; gc.collect()
print(int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20, used / {count} * 1000, flush=True)
import os; os._exit(0)
"""


def measure(begin: str, reading: str) -> tuple[float, float]:
    """Return resident MB at the end and processor milliseconds per reading."""
    with tempfile.TemporaryDirectory() as folder:
        code = PROGRAM.format(
            root=str(ROOT), path=f"{folder}/b.db", begin=begin, reading=reading, count=READINGS
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    resident, used = done.stdout.split()
    return float(resident), float(used)


def from_outside() -> float:
    """Return the resident MB of psrecord itself while it watches another process."""
    with tempfile.TemporaryDirectory() as folder:
        watched = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(8)"])
        arguments = [str(watched.pid), "--interval", "0.1", "--duration", "4", "--log", f"{folder}/log"]
        code = f"import sys; sys.argv = ['psrecord', *{arguments!r}]; from psrecord.main import main; main()"
        done = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
        _, _, usage = os.wait4(done.pid, 0)
        done.returncode = 0
        watched.kill()
        watched.wait()
    return usage.ru_maxrss / 1024


def is_there(module: str) -> bool:
    try:
        return not module or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    present = {name: peer[1:] for name, peer in PEERS.items() if is_there(peer[0])}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("nothing", *present)}
    for _ in range(repeats):  # turn by turn, so that what else the machine does meets all of them
        for name, (begin, reading) in {"nothing": ("", "pass"), **present}.items():
            found[name].append(measure(begin, reading))
    base = statistics.median(resident for resident, _ in found.pop("nothing"))
    for name, figures in found.items():
        resident, used = (statistics.median(values) for values in zip(*figures, strict=True))
        print(f"{name}: {resident - base:.1f} MB in the program, {used:.2f} ms of processor time per reading")
    if is_there("psrecord"):
        print(f"psrecord: nothing in the program, {from_outside():.1f} MB in a process of its own")
    print(f"left out: {', '.join(sorted(set(PEERS) - set(present))) or 'none'}")


if __name__ == "__main__":
    main()
