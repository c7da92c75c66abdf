"""Leaks that libraries published and fixed: what the fix touched is named, the fixed version stays silent.

``python benchmarks/cause/published.py [--only aiohttp] [--folder /tmp/published] [--show]``

Each version gets an environment of its own in `--folder` (packages come from the index that pip uses; they are kept
for the next time), in which the program below runs under memmon's looks, at 3 looks within seconds. Of a leak that C code keeps from Python's
collector it must be said that no Python object explains it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).resolve()
NATIVE = "held by C code"


@dataclass(frozen=True)
class Case:
    """A published leak: the pins without and with the fix, what the fix touched, and a program that leaks."""

    leaking: str
    fixed: str
    named: str
    """A pattern for the path, the class or the words; NATIVE for what C code keeps."""
    text: str
    units: int = 3000
    beside: tuple[str, ...] = ()
    source: str = ""
    """Where it was published."""


CASES = {
    "aiohttp": Case("aiohttp==3.10.10", "aiohttp==3.10.11", "_cached_build_middleware|_build_middlewares", """
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
@web.middleware
async def timed(request, handler):
    return await handler(request)
async def known(request):
    return web.Response()
APP = web.Application(middlewares=[timed])
APP.router.add_get("/known", known)
APP.freeze()
async def aunit(number):
    try:
        await APP._handle(make_mocked_request("POST", "/known", app=APP))
    except web.HTTPException:
        pass
""", units=1000, source="CVE-2024-52303"),
    "pydantic": Case("pydantic==1.9.0", "pydantic==1.9.1", "_generic_types_cache|_assigned_parameters", """
from typing import Generic, List, TypeVar
from pydantic import create_model
from pydantic.generics import GenericModel
T = TypeVar("T")
class Page(GenericModel, Generic[T]):
    items: List[T]
def unit(number):
    Page[create_model(f"Item{number}", value=(int, 0))]
""", units=1200, source="changelog of 1.9.1, #4083"),
    "aiocache": Case("aiocache==0.12.2", "aiocache==0.12.3", "_handlers", """
from aiocache import SimpleMemoryCache
from aiocache.lock import RedLock
CACHE = SimpleMemoryCache()
async def aunit(number):
    async with RedLock(CACHE, f"key-{number}", lease=3600):
        pass
""", source="#807"),
    "async-lru": Case("async-lru==2.0.4", "async-lru==2.0.5", "fetch|_LRUCacheWrapper|Refused", """
from async_lru import alru_cache
class Refused(Exception):
    pass
@alru_cache(maxsize=None)
async def fetch(number):
    raise Refused("r" * 500 + str(number))
async def aunit(number):
    try:
        await fetch(number)
    except Refused:
        pass
""", source="changelog of 2.0.5"),
    "param": Case("param==2.4.1", "param==2.4.2", "watchers|_param__private|rx", """
import param
SOURCE = param.rx(1)
def unit(number):
    (SOURCE + number).rx.value
""", units=1000, source="release 2.4.2, #1156"),
    "marshmallow": Case("marshmallow==2.16.2", "marshmallow==2.16.3", "class_registry._registry", """
from marshmallow import Schema, fields
def unit(number):
    type("OrderSchema", (Schema,), {"name": fields.Str()})
""", units=300, source="#732, #1036"),
    "flake8": Case("flake8==4.0.1", "flake8==5.0.4", "style_guide_for|StyleGuideManager", """
import argparse
from flake8 import style_guide
from flake8.formatting.default import Nothing
def unit(number):
    options = argparse.Namespace(
        select=["E"], ignore=["W"], extend_ignore=[], extended_default_ignore=[], extended_default_select=[],
        extend_select=[], enable_extensions=[], per_file_ignores=[], disable_noqa=False, diff=False, verbose=0,
        output_file=None, tee=False, show_source=False, color="never", format="default", notes="n" * 900 + str(number),
        extended_select=[], extended_ignore=[])
    style_guide.StyleGuideManager(options, Nothing(options)).style_guide_for(f"file{number}.py")
""", units=1000, source="PyCQA/flake8#1573"),
    "uvicorn": Case("uvicorn==0.17.0.post1", "uvicorn==0.17.1", "handle_http|StreamReader|HttpToolsProtocol", """
import socket, threading, time, uvicorn
async def app(scope, receive, send):
    pass
SERVER = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
SERVER.install_signal_handlers = lambda: None
threading.Thread(target=SERVER.run, daemon=True).start()
def unit(number):
    while not SERVER.started:
        time.sleep(0.01)
    socket.create_connection(SERVER.servers[0].sockets[0].getsockname()).close()
    time.sleep(0.002)
""", units=200, beside=("uvloop==0.23.0", "httptools==0.9.0"), source="release 0.17.1, #1226, #1332"),
    "marshmallow-dataclass": Case("marshmallow-dataclass==8.6.0", "marshmallow-dataclass==8.6.1", "_internal_class_schema", """
import dataclasses, marshmallow_dataclass
@dataclasses.dataclass
class Row:
    name: str
def unit(number):
    text = "t" * 2000 + str(number)
    marshmallow_dataclass.class_schema(Row)
""", units=300, beside=("marshmallow==3.19.0",), source="#198"),
    "opentelemetry-sdk": Case("opentelemetry-sdk==1.27.0", "opentelemetry-sdk==1.28.0", "_all_metric_readers", """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
def unit(number):
    provider = MeterProvider(metric_readers=[InMemoryMetricReader()])
    provider.get_meter("orders").create_counter("filled").add(1, {"number": number})
    provider.shutdown()
""", units=1000, source="#4220, #4224"),
    "opentelemetry-fork": Case("opentelemetry-sdk==1.31.1", "opentelemetry-sdk==1.32.0", "at_fork|BatchSpanProcessor", """
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
def unit(number):
    BatchSpanProcessor(InMemorySpanExporter()).shutdown()
""", units=300, source="#4422, #4449"),
    "prompt-toolkit": Case("prompt-toolkit==3.0.36", "prompt-toolkit==3.0.47", "_and_cache|_or_cache|_invert_cache|memoized|has_focus", """
from prompt_toolkit import PromptSession
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput
def unit(number):
    PromptSession(f"{number}> ", input=DummyInput(), output=DummyOutput())
""", units=100, source="#1688, #1690"),
    "prompt-toolkit-always": Case("prompt-toolkit==3.0.43", "prompt-toolkit==3.0.47", "_and_cache|_or_cache", """
from prompt_toolkit import PromptSession
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput
def unit(number):
    PromptSession(f"{number}> ", input=DummyInput(), output=DummyOutput())
""", units=200, source="#1835, #1836"),
    "sentry-sdk": Case("sentry-sdk==2.60.0", "sentry-sdk==2.61.0", "global_event_processors", """
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sentry_sdk.integrations.opentelemetry.propagator import SentryPropagator
sentry_sdk.init(dsn=None, traces_sample_rate=1.0)
TRACER = TracerProvider().get_tracer("orders")
def unit(number):
    with TRACER.start_as_current_span("send") as span:
        SentryPropagator().inject({}, trace.set_span_in_context(span))
""", beside=("opentelemetry-sdk==1.39.1",), source="#6267, #6271"),
    "multidict": Case("multidict==6.6.3", "multidict==6.6.4", NATIVE, """
from multidict import CIMultiDict
def unit(number):
    values = CIMultiDict({f"key-{number}": "v" * 900 + str(number)})
    del values[f"key-{number}"]
""", units=12_000, source="changelog of 6.6.4, #1233"),
    "multidict-keys": Case("multidict==6.3.2", "multidict==6.4.0", NATIVE, """
from multidict import CIMultiDict
def unit(number):
    list(CIMultiDict({"Key" * 300 + str(number): 1}).items())
""", source="changelog of 6.4.0, #1133"),
    "msgpack": Case("msgpack==1.2.2", "msgpack==1.2.3", NATIVE, """
import msgpack
DATA = msgpack.packb({1.5: "v" * 900})
def unit(number):
    try:
        msgpack.unpackb(msgpack.packb({"known": "v" * 900, number: "w" * 900}))
    except ValueError:
        pass
""", source="GHSA-j586-36cw-2gc2"),
    "ujson": Case("ujson==5.12.0", "ujson==5.12.1", NATIVE, """
import ujson
class Full:
    def write(self, text):
        raise OSError("no space left")
def unit(number):
    try:
        ujson.dump({"name": "v" * 900 + str(number)}, Full())
    except OSError:
        pass
""", source="CVE-2026-44660"),
    "orjson": Case("orjson==3.9.0", "orjson==3.9.1", NATIVE, """
import orjson
class Order:
    pass
def refuse(value):
    raise TypeError("an order is not JSON")
def unit(number):
    try:
        orjson.dumps({"number": number, "order": Order()}, default=refuse)
    except orjson.JSONEncodeError:
        pass
""", source="changelog of 3.9.1"),
}  # fmt: skip


def environment(folder: Path, name: str, packages: list[str]) -> Path:
    """Return the interpreter of an environment that holds these packages, made if need be."""
    place = folder / name
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        venv.create(place, with_pip=False, clear=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "-q",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, *packages], check=True)
        (place / "complete").touch()
    return python


def look(python: Path, program: str, folder: Path, units: int) -> dict:
    """Run a program under looks in an environment; return what was told."""
    command = [str(python), str(HERE.with_name("lines.py")), "--here", program, "--programs", str(folder)]
    command += ["--looks", "3", "--units", str(units)]
    paths = {**os.environ, "PYTHONPATH": str(HERE.parents[2]), "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=paths, timeout=600)
    if done.returncode:
        return {"error": done.stderr.splitlines()[-1:], "chains": [], "sentences": [], "confirmed": []}
    return json.loads(done.stdout.splitlines()[-1])


def is_named(case: Case, answer: dict) -> bool:
    """Return whether the first thing that is told is what the fix touched."""
    if case.named == NATIVE:
        return not answer["confirmed"] and any(NATIVE in said for said in answer["sentences"])
    first = [f"{one['path']} {one['class_name']}" for one in answer["chains"][:1]]
    return any(re.search(case.named, one) for one in first or answer["sentences"][:1])


def is_accused(case: Case, answer: dict) -> bool:
    """Return whether of the fixed version the same is said: confirmed, or that C code holds what grows."""
    if case.named == NATIVE:
        return any(NATIVE in said for said in answer["sentences"])
    return any(re.search(case.named, path) for path in answer["confirmed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/published"))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    named, silent, count = 0, 0, 0
    for name, case in CASES.items():
        if options.only not in name:
            continue
        count += 1
        program = "published_" + name.replace("-", "_")
        (options.folder / f"{program}.py").write_text(case.text)
        beside = [*case.beside, f"psutil=={psutil.__version__}"]
        answers = {}
        for kind, pin in (("leaking", case.leaking), ("fixed", case.fixed)):
            python = environment(options.folder, f"{name}-{kind}", [pin, *beside])
            answers[kind] = look(python, program, options.folder, case.units)
        is_right = is_named(case, answers["leaking"])
        is_wrong = is_accused(case, answers["fixed"])
        named += is_right
        silent += not is_wrong
        print(
            f"{case.leaking:30} named: {is_right!s:5}  {case.fixed:30} named: {is_wrong!s:5}  {case.source}"
        )
        for kind, answer in answers.items() if options.show or not is_right or is_wrong else ():
            print(
                "   ",
                kind,
                answer.get("error", ""),
                answer["sentences"][:2],
                "confirmed",
                answer["confirmed"],
            )
        sys.stdout.flush()
    print(f"named {named} of {count}, the fixed version silent {silent} of {count}")


if __name__ == "__main__":
    main()
