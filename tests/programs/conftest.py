"""Real hosts of memmon: `pytest -m programs`. With `MEMMON_FAULTS=full` packed programs run for a quarter of an hour."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("server_kit")

HERE = Path(__file__).resolve().parent
FIGURES = pytest.StashKey[list[str]]()
BUILD = pytest.StashKey[tuple[Path, subprocess.Popen]]()
_BUILD_TIMEOUT_SECONDS = 600.0


def pytest_configure(config):
    config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter, config):
    if found := config.stash.get(FIGURES, []):
        terminalreporter.section("hosts, with the figures of this run")
        for text in found:
            terminalreporter.write_line(text)


@pytest.fixture
def figures(request):
    """Note a line on a host: `figures("gunicorn", "2 workers: ...")`."""
    return lambda host, text: request.config.stash[FIGURES].append(f"{host}: {text}")


def pytest_collection_modifyitems(items):
    """Packed programs come last: they are built while the other tests run."""
    items.sort(key=lambda item: "packed" in getattr(item, "fixturenames", ()))


def pytest_collection_finish(session):
    is_wanted = any("packed" in getattr(item, "fixturenames", ()) for item in session.items)
    if is_wanted and not session.config.option.collectonly and _has_packer():
        folder = session.config._tmp_path_factory.mktemp("packed")
        session.config.stash[BUILD] = (folder, _begin_build(folder))


def pytest_unconfigure(config):
    if BUILD in config.stash:
        config.stash[BUILD][1].kill()


def _has_packer() -> bool:
    from importlib.util import find_spec

    return find_spec("PyInstaller") is not None


def _begin_build(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", folder / "dist", "--workpath", folder / "build", HERE / "packed.spec"]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def packed(request) -> dict[str, Path]:
    """The bot, packed in both forms; packed with memmon's own hook, which PyInstaller finds by itself."""
    if BUILD not in request.config.stash:
        pytest.skip("PyInstaller is not installed (pip install -e '.[programs]')")
    folder, process = request.config.stash[BUILD]
    code = process.wait(_BUILD_TIMEOUT_SECONDS)
    assert code == 0, (folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-4000:]
    return {
        "onedir": folder / "dist" / "onedir" / "bot-onedir",
        "onefile": folder / "dist" / "bot-onefile",
    }


@pytest.fixture(scope="session")
def packed_seconds() -> float:
    """How long packed programs trade."""
    if os.environ.get("MEMMON_FAULTS") == "full":
        return 900.0
    return float(os.environ.get("PACKED_SECONDS", "110"))


@pytest.fixture(scope="session")
def witness(tmp_path_factory) -> Path:
    """A library that notes every program that is executed; see witness.c."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("who is started is noted by a preloaded library: needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("witness") / "witness.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "witness.c"], check=True)
    return library
