"""Programs that get their packages in unusual ways: their children get the same, behind the standard library."""

from __future__ import annotations

import os
import shutil
import sysconfig
import venv
import zipapp
from pathlib import Path

import pytest
from program_kit import (
    BASE_PYTHON,
    BOT,
    DEPENDENCIES,
    ROOT,
    VERSION,
    assert_alone_and_stored,
    assert_only_python_started,
    assert_real_answers,
    bot_environment,
    copy_as_installed,
    make_history,
    run_program,
    side_by_side,
)

pytestmark = pytest.mark.programs

LAUNCHER = """
import runpy, sys
sys.path[:] = {first!r} + sys.path + {last!r}
sys.argv = [{bot!r}]
runpy.run_path({bot!r}, run_name="__main__")
"""

FINDER = """
import sys
from importlib.util import spec_from_file_location

MAPPING = {mapping!r}


class _EditableFinder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            folder = MAPPING[fullname]
            return spec_from_file_location(fullname, folder + "/__init__.py", submodule_search_locations=[folder])


def install():
    if not any(one is _EditableFinder for one in sys.meta_path):
        sys.meta_path.append(_EditableFinder)
"""

OWN_JSON = """
import importlib.util, os, sys
with open(os.environ["BOT_FOLDER"] + "/own_json.txt", "a") as file:
    file.write(f"{os.getpid()}\\n")
_home = %r
_spec = importlib.util.spec_from_file_location("json", _home + "/__init__.py", submodule_search_locations=[_home])
sys.modules["json"] = _module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
"""
"""A module of the bot's own that works, and tells who loads it."""

TRAP = 'raise SystemExit(f"{__name__} of another one was loaded")\n'


def launch(folder: Path, *, first=(), last=()) -> Path:
    launcher = folder / "launcher.py"
    text = LAUNCHER.format(first=[str(one) for one in first], last=[str(one) for one in last], bot=str(BOT))
    launcher.write_text(text, encoding="utf-8")
    return launcher


def environment_of_its_own(folder: Path, *lines: object) -> tuple[Path, Path]:
    """A virtual environment with a .pth of these lines; returns its interpreter and its packages' folder."""
    venv.create(folder / "env", symlinks=True, with_pip=False)
    packages = folder / "env" / "lib" / f"python{VERSION}" / "site-packages"
    (packages / "own.pth").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder / "env" / "bin" / "python3", packages


def link_packages(
    folder: Path, *, left_out: frozenset[str] = frozenset({"memmon"}), is_split: bool = False
) -> Path:
    """The third-party packages, linked into one folder or each into a folder of its own."""
    for entry in DEPENDENCIES.iterdir():
        if entry.suffix in {".pth", ".dist-info"} or entry.name in {"__pycache__", "memmon"} | left_out:
            continue
        home = folder / entry.stem.split(".")[0] if is_split else folder
        home.mkdir(parents=True, exist_ok=True)
        (home / entry.name).symlink_to(entry)
    return folder


def install_hook(packages: Path, name: str, mapping: dict[str, Path]) -> None:
    """An editable installation of these packages, as setuptools makes it: found by an import hook alone."""
    module = f"__editable___{name}_finder"
    text = FINDER.format(mapping={one: str(path) for one, path in mapping.items()})
    (packages / f"{module}.py").write_text(text, encoding="utf-8")
    (packages / f"__editable__.{name}.pth").write_text(
        f"import {module}; {module}.install()\n", encoding="utf-8"
    )


def split(folder):
    """Each package in a folder of its own, as some build tools lay them out."""
    homes = link_packages(folder / "split", is_split=True)
    (homes / "of-memmon").mkdir()
    (homes / "of-memmon" / "memmon").symlink_to(ROOT / "memmon")
    return [BASE_PYTHON, "-S", launch(folder, first=sorted(homes.iterdir()))], {}


def zipped(folder):
    """The bot and memmon in one executable archive; what is compiled lies on the path beside it."""
    inside = folder / "inside"
    copy_as_installed(inside)
    shutil.copy(BOT, inside / "__main__.py")
    zipapp.create_archive(inside, folder / "bot.pyz", compressed=True)
    shutil.rmtree(inside)
    return [BASE_PYTHON, folder / "bot.pyz"], {"PYTHONPATH": str(DEPENDENCIES)}


def safe_path(folder):
    """`-P`: the script's own folder is not searched."""
    python, _ = environment_of_its_own(folder, ROOT, DEPENDENCIES)
    return [python, "-P", BOT], {}


def isolated(folder):
    """`-I`: neither variables nor the user's packages count; the variables that would mislead are set."""
    python, _ = environment_of_its_own(folder, ROOT, DEPENDENCIES)
    trap = folder / "trap"
    trap.mkdir()
    for name in ("sqlalchemy", "memmon", "numpy", "json"):
        (trap / f"{name}.py").write_text(TRAP, encoding="utf-8")
    return [python, "-I", BOT], {
        "PYTHONPATH": str(trap),
        "PYTHONHOME": str(trap),
        "PYTHONSTARTUP": str(trap / "json.py"),
    }


def python_path(folder):
    """Only PYTHONPATH says where packages are; the interpreter is the bare one."""
    return [BASE_PYTHON, BOT], {"PYTHONPATH": os.pathsep.join((str(ROOT), str(DEPENDENCIES)))}


def relative_path(folder):
    """PYTHONPATH is relative to the folder that the program is started in."""
    (folder / "lib").mkdir()
    (folder / "lib" / "packages").symlink_to(DEPENDENCIES)
    (folder / "lib" / "checkout").symlink_to(ROOT)
    return [BASE_PYTHON, BOT], {"PYTHONPATH": "lib/checkout:lib/packages"}


def moved_on(folder):
    """Relative entries on the path, and a program that changes its folder once it has loaded what it needs, as daemons do."""
    relative_path(folder)
    launcher = launch(folder, first=["lib/checkout", "lib/packages"])
    text = launcher.read_text(encoding="utf-8")
    loads = "import memmon.recorder.recorder, os; os.chdir('/')\nsys.argv"
    launcher.write_text(text.replace("sys.argv", loads, 1), encoding="utf-8")
    return [BASE_PYTHON, "-P", launcher], {}


def editable_by_path(folder):
    """An editable installation whose .pth names the checkout."""
    python, packages = environment_of_its_own(folder, DEPENDENCIES)
    (packages / "_editable_impl_memmon.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    return [python, BOT], {}


def editable_by_hook(folder):
    """No folder on the path leads to memmon: an import hook finds it."""
    python, packages = environment_of_its_own(folder, link_packages(folder / "linked"))
    install_hook(packages, "memmon_0_1_0", {"memmon": ROOT / "memmon"})
    return [python, BOT], {}


def dependencies_by_hook(folder):
    """A folder on the path leads to memmon, and an import hook finds two packages that it needs."""
    hooked = frozenset({"sqlalchemy", "alembic", "psutil"})
    linked = link_packages(folder / "linked", left_out=hooked)
    python, packages = environment_of_its_own(folder, ROOT, linked)
    install_hook(packages, "others_1", {name: DEPENDENCIES / name for name in hooked})
    return [python, BOT], {}


def own_files(folder):
    """Modules of the bot's own bear names of memmon's dependencies, and one that of a standard module."""
    python, _ = environment_of_its_own(folder, ROOT, DEPENDENCIES)
    shutil.copy(BOT, folder / "trader.py")
    for name in ("click", "numpy", "alembic", "statsmodels"):
        (folder / f"{name}.py").write_text(TRAP, encoding="utf-8")
    standard = Path(sysconfig.get_path("stdlib"), "json")
    (folder / "json.py").write_text(OWN_JSON % str(standard), encoding="utf-8")
    return [python, folder / "trader.py"], {}


def back_ports(folder):
    """Installed back-ports bear the names of three standard modules, in the folder that memmon lies in."""
    python, packages = environment_of_its_own(folder, DEPENDENCIES)
    copy_as_installed(packages)
    (packages / "asyncio").mkdir()
    (packages / "asyncio" / "__init__.py").write_text(
        "import asyncio.tasks_of_another_age\n", encoding="utf-8"
    )
    (packages / "typing.py").write_text("List = Dict = Optional = None\n", encoding="utf-8")
    (packages / "uuid.py").write_text(TRAP, encoding="utf-8")
    return [python, BOT], {}


def back_ports_split(folder):
    """The same back-ports, each in a folder of its own, with everything else."""
    command, more = split(folder)
    for name in ("typing", "uuid", "asyncio", "enum", "dataclasses"):
        (folder / "ports" / name).mkdir(parents=True)
        (folder / "ports" / name / f"{name}.py").write_text(TRAP, encoding="utf-8")
    ports = sorted((folder / "ports").iterdir())
    return [*command[:-1], launch(folder, last=[*sorted((folder / "split").iterdir()), *ports])], more


WAYS = (
    split,
    zipped,
    safe_path,
    isolated,
    python_path,
    relative_path,
    moved_on,
    editable_by_path,
    editable_by_hook,
    dependencies_by_hook,
    own_files,
    back_ports,
    back_ports_split,
)


@pytest.fixture(scope="module")
def ended(tmp_path_factory, witness):
    """All of them, run side by side."""

    def task(way):
        folder = tmp_path_factory.mktemp(way.__name__)

        def run():
            make_history(folder / "bot.db")
            command, more = way(folder)
            environment = bot_environment(folder, witness, BOT_WAITS_SECONDS="60", **more)
            return run_program(folder, command, environment, timeout_seconds=150)

        return run

    return side_by_side({way.__name__: task(way) for way in WAYS})


@pytest.mark.parametrize("name", [way.__name__ for way in WAYS])
def test_children_see_what_the_program_sees(ended, name):
    """However its packages come to it, the program is started once, all is stored, and its children answer."""
    found = ended[name].result()
    assert_alone_and_stored(found)
    assert_only_python_started(found)
    assert_real_answers(found)


def test_children_load_no_module_of_the_programs_folder(ended):
    """A module beside the bot that is named like one of the standard library is loaded by the bot alone."""
    found = ended["own_files"].result()
    loaded_by = set((found.folder / "own_json.txt").read_text(encoding="utf-8").split())
    assert found.children
    assert not loaded_by & {str(one.pid) for one in found.children}


@pytest.mark.parametrize("way", [back_ports, back_ports_split])
def test_fresh_database_beside_back_ports(tmp_path, witness, way):
    """Three installed back-ports of standard modules: a new database is made, and all is stored in it."""
    command, more = way(tmp_path)
    environment = bot_environment(tmp_path, witness, BOT_SECONDS="4", **more)
    found = run_program(tmp_path, command, environment, timeout_seconds=100)
    assert_alone_and_stored(found)
    assert_only_python_started(found)
    assert found.said["judged"].startswith("True 60 ")
