"""Writes small leaking programs of many shapes, and healthy ones, with what is true of each.

``python benchmarks/cause/shapes.py FOLDER``, then ``python benchmarks/cause/lines.py --programs FOLDER``

A leak is a holder (where the container hangs), a container and what is put into it. Each holder meets several
containers and each kind of item several holders; the truth is made with the program, not found by looking.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
from pathlib import Path

HERE = Path(__file__).resolve()
MARK = "  # HERE"
HEAD = """import collections, dataclasses, functools, queue, threading
class Order:
    def __init__(self, n): self.number, self.text = n, "o" * 700 + str(n)
class Slim:
    __slots__ = ("number", "text")
    def __init__(self, n): self.number, self.text = n, "s" * 700 + str(n)
@dataclasses.dataclass
class Row:
    number: int
    text: str
Pair = collections.namedtuple("Pair", "number text")
"""
ITEMS = {
    "order": ("Order(n)", "Order"),
    "slim": ("Slim(n)", "Slim"),
    "row": ('Row(n, "r" * 700 + str(n))', "Row"),
    "pair": ('Pair(n, "p" * 700 + str(n))', "Pair"),
    "dict": ('{"number": n, "text": "d" * 700 + str(n)}', "dict"),
    "text": ('"t" * 900 + str(n)', "str"),
    "bytes": ('b"b" * 900 + str(n).encode()', "bytes"),
}
CONTAINERS = {
    "list": ("[]", "{0}.append({1})", ""),
    "dict": ("{}", "{0}[n] = {1}", ""),
    "deque": ("collections.deque()", "{0}.append({1})", ""),
    "ordered": ("collections.OrderedDict()", "{0}[n] = {1}", ""),
    "lists": ("collections.defaultdict(list)", "{0}[n % 50].append({1})", "\\[\\*\\]"),
    "queue": ("queue.Queue()", "{0}.put({1})", "\\.queue"),
}
HOLDERS = {
    "module": ("STORE = {c}\ndef unit(n):\n    {a}\n", "STORE", "{m}.STORE"),
    "class": ("class Registry:\n    store = {c}\ndef unit(n):\n    {a}\n", "Registry.store", "{m}.Registry.store"),
    "object": (
        ("class Service:\n    def __init__(self): self.store = {c}\n    def handle(self, n):\n        {a}\n"
        "SERVICE = Service()\ndef unit(n): SERVICE.handle(n)\n"),
        "self.store",
        "{m}.SERVICE.store",
    ),
    "key": (
        "STATE = {{'open': {c}, 'name': 'bot'}}\ndef unit(n):\n    {a}\n",
        "STATE['open']",
        "{m}.STATE['open']",
    ),
    "deep": (
        ("class Inner:\n    def __init__(self): self.store = {c}\nclass Outer:\n    def __init__(self): self.parts = {{'a': Inner(), 'b': Inner()}}\n"
        "OUTER = Outer()\ndef unit(n):\n    inner = OUTER.parts['a']\n    {a}\n"),
        "inner.store",
        "{m}.OUTER.parts['a'].store",
    ),
    "local": ("def main(clock):\n    n, store = 0, {c}\n    while clock():\n        {a}\n        n += 1\n", "store", "local store of main()"),
    "default": ("def unit(n, store={c}):\n    {a}\n", "store", "{m}.unit"),
    "closure": (
        "def make():\n    store = {c}\n    def unit(n):\n        {a}\n    return unit\nunit = make()\n",
        "store",
        "{m}.unit",
    ),
    "task": ("async def amain(clock):\n    n, store = 0, {c}\n    while await clock():\n        {a}\n        n += 1\n", "store", "local store of amain()"),
}  # fmt: skip
HEALTHY = {
    "bounded_deque": "KEPT = collections.deque(maxlen=500)\ndef unit(n):\n    KEPT.append(Order(n))\n",
    "rotating": "KEPT = {}\ndef unit(n):\n    KEPT[n] = Order(n)\n    KEPT.pop(n - 300, None)\n",
    "cleared": "KEPT = {}\ndef unit(n):\n    KEPT[n] = Order(n)\n    if len(KEPT) >= 700: KEPT.clear()\n",
    "lru": "@functools.lru_cache(maxsize=400)\ndef unit(n): return Order(n)\n",
    "same_keys": "KEPT = {}\ndef unit(n):\n    KEPT[n % 900] = Order(n)\n",
    "drained": "WAITING = queue.Queue()\ndef unit(n):\n    WAITING.put(Order(n))\n    if n % 200 == 199:\n        while not WAITING.empty(): WAITING.get()\n",
    "halved": "KEPT = []\ndef unit(n):\n    KEPT.append(Order(n))\n    if len(KEPT) > 600: del KEPT[:300]\n",
    "table": "TABLE = [Order(n) for n in range(20_000)]\ndef unit(n): TABLE[n % 20_000].number += 1\n",
    "warm_up": "KEPT = {}\ndef unit(n):\n    if len(KEPT) < 4_000: KEPT[n] = Order(n)\n",
    "locals": "def unit(n):\n    rows = [Order(n) for _ in range(50)]\n    return len(rows)\n",
}
"""Each is full, or gives back what it takes; `warm_up` fills between the first two looks and a little after."""


def programs() -> dict[str, tuple[str, dict[str, object]]]:
    """Return the text of each program and what is true of it, by name."""
    found = {}
    items = itertools.cycle(ITEMS)
    for holder, container in itertools.product(HOLDERS, CONTAINERS):
        item = next(items)
        found[f"{holder}_{container}_{item}"] = _leak(holder, container, item)
    for name, body in HEALTHY.items():
        found[f"healthy_{name}"] = (HEAD + body, {"kind": "healthy", "lines": []})
    return found


def _leak(holder: str, container: str, item: str) -> tuple[str, dict[str, object]]:
    body, reached, root = HOLDERS[holder]
    make, add, below = CONTAINERS[container]
    value, kind = ITEMS[item]
    text = HEAD + body.format(c=make, a=add.format(reached, value) + MARK)
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if MARK in one)
    root = root.format(m=f"{holder}_{container}_{item}")
    end = f"{below}$" if holder not in {"default", "closure"} else ""
    truth = {"kind": "leak", "root": root, "path": re.escape(root) + end, "cls": kind, "lines": [line]}
    return text, truth


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    truths = {}
    for name, (text, truth) in programs().items():
        compile(text, name, "exec")
        (folder / f"{name}.py").write_text(text.replace(MARK, ""))
        truths[name] = truth
    (folder / "truth.json").write_text(json.dumps(truths, indent=1))
    shutil.copy(HERE.with_name("leaks") / "bg_app.py", folder)
    print(f"{len(truths)} programs in {folder}")


if __name__ == "__main__":
    main()
