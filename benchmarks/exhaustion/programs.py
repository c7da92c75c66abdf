"""Small programs whose start is recorded: each is a piece of Python that starts, then goes on at its level."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = (
    "numpy", "pandas", "scipy.stats", "scipy.optimize", "statsmodels.api", "statsmodels.tsa.api", "sqlalchemy",
    "sqlalchemy.orm", "alembic.command", "jinja2", "click", "rich.console", "psutil", "msgspec", "matplotlib.pyplot",
    "pygments.lexers", "hypothesis", "asyncio", "http.server", "xml.dom.minidom", "unittest", "email.message",
    "multiprocessing.pool", "sqlite3", "decimal", "tkinter", "lib2to3.pygram", "distutils", "nbformat", "zmq",
    "IPython", "pyarrow", "pyarrow.parquet", "pydantic", "requests", "yaml", "mypy.api", "pytest", "memmon", "grimp",
)  # fmt: skip

_PRELUDE = "import time, random, sys\ndef rest(seconds):\n    time.sleep(seconds)\n"

_IMPORTS = """
import importlib
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
    rest({pause})
rest({idle})
"""

_LRU = """
import functools
@functools.lru_cache(maxsize={size})
def answer(key):
    return bytes({weight})
pick = random.Random({seed})
for turn in range({turns}):
    for _ in range({batch}):
        answer({draw})
    rest(0.02)
"""

_FILL = """
cache = {{}}
for turn in range({turns}):
    if len(cache) < {size}:
        for _ in range({batch}):
            cache[len(cache)] = bytes({weight})
    rest(0.02)
rest({idle})
"""

_LOAD = """
rows = []
pick = random.Random({seed})
for part in range({parts}):
    rows.extend([pick.random(), str(pick.random()), {{"n": pick.random()}}] for _ in range({batch}))
    rest({pause})
rest({idle})
"""

_FRAME = """
import numpy as np, pandas as pd
parts = []
for part in range({parts}):
    parts.append(pd.DataFrame({{"a": np.random.rand({batch}), "b": [str(i) for i in range({batch})]}}))
    rest({pause})
whole = pd.concat(parts)
del parts
whole = whole.groupby("b").a.mean()
rest({idle})
"""

_POOL = """
import threading
from concurrent.futures import ThreadPoolExecutor
def work(n):
    held.buffer = bytearray({weight})
    for place in range(0, {weight}, 4096):
        held.buffer[place] = 1
    time.sleep({pause})
held = threading.local()
with ThreadPoolExecutor({workers}) as pool:
    for n in range({tasks}):
        pool.submit(work, n)
        rest({gap})
    rest({idle})
"""

_SQL = """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table t (a integer primary key, b text)")
for part in range({parts}):
    db.executemany("insert into t (b) values (?)", [(str(i) * 5,) for i in range({batch})])
    rest({pause})
db.execute("create index i on t (b)")
rest({idle})
"""

_SERVER = """
import asyncio, json, re
from string import Template
seen, patterns = {{}}, {{}}
pick = random.Random({seed})
async def handle():
    user = int(pick.paretovariate({alpha}) * 10) % {users}
    if user not in seen:
        seen[user] = {{"name": str(user) * 20, "items": [str(i) for i in range({items})]}}
    key = "a{{%d}}b" % (user % 200)
    patterns.setdefault(key, re.compile(key))
    json.dumps(seen[user])
async def main():
    for turn in range({turns}):
        for _ in range({batch}):
            await handle()
        await asyncio.sleep(0.02)
asyncio.run(main())
"""

_CYCLES = """
import gc
class Node:
    pass
gc.set_threshold({threshold}, {ten}, {ten})
base = [bytes(1000) for _ in range({base})]
for turn in range({turns}):
    for _ in range({batch}):
        a, b = Node(), Node()
        a.other, b.other, a.load = b, a, bytes({weight})
    rest(0.02)
"""

_TEMPLATES = """
import jinja2, sqlalchemy as sa
env = jinja2.Environment(cache_size={size})
engine = sa.create_engine("sqlite://")
table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer), sa.Column("b", sa.String))
table.metadata.create_all(engine)
for turn in range({turns}):
    template = env.from_string("{{% for x in y %}}{{{{ x }}}}" + str(turn) + "{{% endfor %}}")
    template.render(y=range(50))
    with engine.begin() as c:
        c.execute(table.insert(), [dict(a=turn, b="x" * 200) for _ in range(20)])
        c.execute(sa.select(table).where(table.c.a == turn)).all()
    if turn < {size}:
        env.cache[turn] = template
    rest(0.01)
rest({idle})
"""


def programs(seed: int = 1, *, count: int = 330) -> Iterator[tuple[str, str]]:
    """Yield (kind, source) of `count` programs, no two alike, of every kind in turn."""
    pick = random.Random(seed)
    kinds = (
        _imports, _imports, _imports, _lru, _lru, _fill, _load, _frame, _pool, _sql, _server, _server, _cycles, _templates,
    )  # fmt: skip
    for number in range(count):
        make = kinds[number % len(kinds)]
        yield make.__name__.strip("_"), _PRELUDE + make(pick)


def _imports(pick: random.Random) -> str:
    names = pick.sample(LIBRARIES, pick.randint(1, 6))
    return _IMPORTS.format(names=names, pause=pick.choice((0, 0, 0.05, 0.3)), idle=pick.uniform(1, 3))


def _lru(pick: random.Random) -> str:
    size = int(10 ** pick.uniform(2.5, 4.5))
    draws = (
        f"pick.randrange({int(size * pick.uniform(0.5, 4))})",
        f"int(pick.expovariate({1 / size * pick.uniform(1, 6):.6f}))",
        f"int(pick.paretovariate({pick.uniform(0.3, 1.2):.2f}))",
    )
    return _LRU.format(
        size=size,
        weight=int(10 ** pick.uniform(2.5, 4)),
        seed=pick.random(),
        turns=pick.randint(150, 300),
        batch=max(int(size / pick.uniform(20, 150)), 1),
        draw=pick.choice(draws),
    )


def _fill(pick: random.Random) -> str:
    size = int(10 ** pick.uniform(3, 4.5))
    return _FILL.format(
        size=size,
        weight=int(10 ** pick.uniform(2.5, 4)),
        turns=pick.randint(150, 250),
        batch=max(int(size / pick.uniform(20, 150)), 1),
        idle=pick.uniform(0, 2),
    )


def _load(pick: random.Random) -> str:
    return _LOAD.format(
        seed=pick.random(),
        parts=pick.randint(3, 60),
        batch=pick.randint(500, 15_000),
        pause=pick.choice((0, 0.02, 0.1)),
        idle=pick.uniform(1, 3),
    )


def _frame(pick: random.Random) -> str:
    return _FRAME.format(
        parts=pick.randint(3, 30),
        batch=pick.randint(5_000, 40_000),
        pause=pick.choice((0, 0.05)),
        idle=pick.uniform(1, 3),
    )


def _pool(pick: random.Random) -> str:
    return _POOL.format(
        workers=pick.randint(4, 60),
        weight=int(10 ** pick.uniform(5, 6.5)),
        tasks=pick.randint(20, 150),
        pause=pick.uniform(0.02, 0.5),
        gap=pick.uniform(0.005, 0.04),
        idle=pick.uniform(0.5, 2),
    )


def _sql(pick: random.Random) -> str:
    return _SQL.format(
        parts=pick.randint(5, 40),
        batch=pick.randint(2_000, 20_000),
        pause=pick.choice((0, 0.03, 0.1)),
        idle=pick.uniform(1, 3),
    )


def _server(pick: random.Random) -> str:
    return _SERVER.format(
        seed=pick.random(),
        alpha=pick.uniform(0.2, 1.5),
        users=int(10 ** pick.uniform(2.5, 5)),
        items=pick.randint(5, 200),
        turns=pick.randint(150, 300),
        batch=pick.randint(5, 100),
    )


def _cycles(pick: random.Random) -> str:
    return _CYCLES.format(
        threshold=int(10 ** pick.uniform(2.8, 4)),
        ten=pick.choice((5, 10, 20)),
        base=pick.randint(100, 20_000),
        turns=pick.randint(150, 300),
        batch=pick.randint(2, 60),
        weight=int(10 ** pick.uniform(2, 4)),
    )


def _templates(pick: random.Random) -> str:
    return _TEMPLATES.format(
        size=pick.randint(50, 400), turns=pick.randint(150, 300), idle=pick.uniform(0, 2)
    )
