"""How often what leaks is named: the root, the path, the class, the line and the size; healthy programs accused.

``python benchmarks/cause/lines.py [--only z01] [--busy] [--looks 3] [--programs FOLDER] [--baseline FOLDER]``

Each program of `leaks/` (`unseen/` has more, written after the method was frozen) runs in a fresh process: it does some units of work, is looked at, does more, and is
looked at again. What a third look confirms is counted too. `--busy`: in a host of 350,000 tracked objects. `--baseline`: a checkout of another version.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve()
UNITS, FEW_UNITS, WARM_UNITS = 3000, 300, 400
BUSY_UNITS = 12_000
"""After so many the busy host's own tables and caches are full."""

TOLD = ("root", "path", "class", "line", "line of two", "size", "confirmed")


class Driver:
    """Lets a program do units of work, whichever form it has."""

    def __init__(self, module, busy) -> None:
        self.module, self.busy, self.done = module, busy, 0
        self.allowed = 0
        self.condition = threading.Condition()
        for number in range(BUSY_UNITS if busy else 0):
            busy.churn(number)
        if hasattr(module, "main"):
            threading.Thread(target=module.main, args=(self.clock,), daemon=True).start()
        elif hasattr(module, "amain") or hasattr(module, "aunit"):
            threading.Thread(target=asyncio.run, args=(self.serve(),), daemon=True).start()

    def clock(self):
        with self.condition:
            self.done += 1
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.allowed > 0)
            self.allowed -= 1
        return True

    async def aclock(self):
        self.done += 1
        while self.allowed <= 0:  # noqa: ASYNC110 -- set by another thread
            await asyncio.sleep(0.002)
        self.allowed -= 1
        return True

    async def serve(self):
        if hasattr(self.module, "amain"):
            await self.module.amain(self.aclock)
        number = 0
        while await self.aclock():
            await self.module.aunit(number)
            number += 1

    def work(self, count: int) -> None:
        begun = self.done
        if hasattr(self.module, "unit"):
            for number in range(begun, begun + count):
                self.module.unit(number)
            self.done += count
        else:
            self.allowed += count
            while self.done < begun + count:
                with self.condition:
                    self.condition.notify_all()
                time.sleep(0.005)
        if self.busy:
            for number in range(begun, begun + count):
                self.busy.churn(number)


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_use() -> int:
    """Return the bytes that the C library has handed out; with PYTHONMALLOC=malloc that is all that objects take.

    The process's own size hides some hundred kilobytes: they fill holes that the start left.
    """
    from memmon.probe.process.heap import heap_info

    return sum(heap_info())


def look(name: str, folder: str, *, is_busy: bool, looks: int, units: int) -> dict:
    """Run one program in this process and return what was told of it."""
    sys.path[:0] = [folder, str(HERE.with_name("leaks"))]
    busy = importlib.import_module("bg_app") if is_busy else None
    driver = Driver(importlib.import_module(name), busy)
    import gc

    from memmon.probe.objects.evidence import compare, gather  # loaded in each, whether it looks or not

    try:
        from memmon.probe.objects.confirm import Confirmation
    except ImportError:  # an older version
        Confirmation = None

    driver.work(WARM_UNITS if units > FEW_UNITS else 60)
    if looks == 0:
        gc.collect()
        begun, resident_before = in_use(), resident()
        driver.work(units)
        gc.collect()
        return {"memory": in_use() - begun, "resident": resident() - resident_before}
    gather(pause=lambda _: None)  # what is loaded and set up at the first look
    told, before, first = None, None, None
    cpu, followed, confirmed = [], Confirmation and Confirmation(), []
    for number in range(looks):
        if number:
            driver.work(units)
        gc.collect()
        begun = time.thread_time()
        after = gather(pause=lambda _: None)
        cpu.append(time.thread_time() - begun)
        if before is not None:
            told = compare(before, after)
            first = first or told
        before = after
        news = followed and followed.add(after, float(driver.done), pause=lambda _: None)
        if news is not None and news.state == "confirmed":
            confirmed += [chain["path"] for chain in news.data["chains"]]
        elif news is not None and news.state == "cleared":
            gone = {chain["path"] for chain in news.data["cleared"]}
            confirmed = [path for path in confirmed if path not in gone]
    told = first
    chains = [chain.as_data() for chain in getattr(told, "chains", ())]
    return {
        "chains": chains,
        "confirmed": confirmed,
        "roots": told.roots,
        "types": told.types,
        "sentences": told.sentences,
        "cpu": max(cpu),
    }


def judge(truth: dict, answer: dict, name: str) -> dict[str, bool]:
    """Return which of the answers are right."""
    chains = answer["chains"]
    if not chains:
        path = answer["roots"][0][0] if answer["roots"] else ""
        kind = answer["types"][0][0] if answer["types"] else ""
        size = answer["roots"][0][1] if answer["roots"] else 0
        lines = []
    else:
        first = chains[0]
        path, kind, size = first["path"], first["class_name"] or first["kind"], first["grown_bytes"]
        lines = [one["line"] for one in first["created_at"] if name in one["file"]]
    kinds = {kind.removesuffix("()").rpartition(".")[2]}
    return {
        "root": any(path.startswith(root) for root in truth["root"].split("|")),
        "path": re.search(truth["path"], path) is not None,
        "class": bool(kinds & set(truth["cls"].split(","))),
        "line": lines[:1] != [] and lines[0] in truth["lines"],
        "line of two": any(line in truth["lines"] for line in lines[:2]),
        "confirmed": any(re.search(truth["path"], path) for path in answer["confirmed"]),
        "size": 0.5 <= size / max(1, answer["memory"]) <= 2.0,
    }


def run(name: str, options, folder: Path, units: int, looks: int) -> dict:
    command = [sys.executable, str(HERE), "--here", name, "--programs", str(options.programs)]
    command += ["--looks", str(looks), "--units", str(units)] + ["--busy"] * bool(options.busy and looks)
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "1"}
    if looks == 0:
        environment["PYTHONMALLOC"] = "malloc"
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=900)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


class Count:
    """Counts what was told rightly of the programs."""

    def __init__(self) -> None:
        self.right, self.nasty = dict.fromkeys(TOLD, 0), dict.fromkeys(TOLD, 0)
        self.leaking = self.nasty_count = self.healthy = self.accused = self.wrongly = self.sure_and_wrong = 0

    def of_healthy(self, name: str, answer: dict) -> None:
        self.healthy += 1
        self.accused += bool(answer["chains"])
        self.wrongly += bool(answer["confirmed"])
        said, confirmed = answer["sentences"][:1], answer["confirmed"]
        print(f"  {name:22} healthy, accused: {bool(answer['chains'])} {said} {confirmed}", flush=True)

    def of_leaking(self, name: str, answer: dict, truth: dict, *, show: bool) -> None:
        found = judge(truth, answer, name)
        self.leaking += 1
        self.nasty_count += "nasty" in truth
        self.sure_and_wrong += bool(answer["confirmed"]) and not found["confirmed"]
        for key, is_right in found.items():
            self.right[key] += is_right
            self.nasty[key] += is_right and "nasty" in truth
        wrong = [key for key in TOLD if not found[key]]
        print(f"  {name:22} cpu {answer['cpu']:.2f} wrong: {', '.join(wrong) or '-'}", flush=True)
        if wrong or show:
            print(f"      {answer['sentences'][:1]} grown {answer['memory'] / 2**20:.1f} MB")
            for chain in answer["chains"][:3] if wrong else ():
                lines = [(one["line"], one["function"]) for one in chain["created_at"]]
                print("     ", chain["path"], chain["kind"], chain["class_name"], chain["grown_bytes"], lines)

    def show(self) -> None:
        print(f"of {self.leaking}: " + ", ".join(f"{key} {count}" for key, count in self.right.items()))
        if self.nasty_count:
            nasty = ", ".join(f"{key} {count}" for key, count in self.nasty.items())
            print(f"of them nasty {self.nasty_count}: {nasty}")
        print(f"confirmed and not the culprit: {self.sure_and_wrong}")
        print(f"healthy told as what grew most: {self.accused} of {self.healthy}, confirmed: {self.wrongly}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--looks", type=int, default=3)
    parser.add_argument("--programs", type=Path, default=HERE.with_name("leaks"))
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--processes", type=int, default=1, help="programs that run at one time")
    parser.add_argument("--show", action="store_true", help="show what was told of each")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    parser.add_argument("--units", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        folder, looks = str(options.programs), options.looks
        answer = look(options.here, folder, is_busy=options.busy, looks=looks, units=options.units)
        print(json.dumps(answer), flush=True)
        os._exit(0)  # what the program registered to run at its end is not asked for
    folder = (options.baseline or HERE.parents[2]).resolve()
    truth_file = options.programs / "truth.json"
    if not truth_file.is_file():
        parser.error(
            f"--programs: a folder with programs and their truth.json is expected; there is no {truth_file}"
        )
    truths = json.loads(truth_file.read_text())
    truths = {name: truth for name, truth in truths.items() if options.only in name}
    count = Count()
    with ThreadPoolExecutor(options.processes) as threads:
        answers = threads.map(lambda name: answered(name, truths[name], options, folder), truths)
        for (name, truth), answer in zip(truths.items(), answers, strict=True):
            if truth["kind"] == "leak":
                count.of_leaking(name, answer, truth, show=options.show)
            else:
                count.of_healthy(name, answer)
    count.show()


def answered(name: str, truth: dict, options, folder: Path) -> dict:
    """Return what was told of a program, and for one that leaks what it took without any look."""
    units = FEW_UNITS if truth.get("few") else UNITS
    answer = run(name, options, folder, units, options.looks)
    if truth["kind"] == "leak":
        answer |= run(name, options, folder, units, 0)
    return answer


if __name__ == "__main__":
    main()
