"""What a child imports, and from where."""

from __future__ import annotations

import importlib
import sys
import venv

import pytest
from child_kit import INSPECT, NOTHING_FOUND, answer_of

from memmon.child import Child, bootstrap
from memmon.child.interpreter import find_interpreter


def ask(request=INSPECT):
    return answer_of(Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0))


@pytest.mark.parametrize("place", [0, 1, -1])
def test_packages_named_like_the_standard_library_shadow_nothing(tmp_path, monkeypatch, place):
    """Back-ports on the program's import paths, wherever they stand there, are not what a child imports."""
    for name in ("typing", "uuid", "asyncio", "json", "threading", "select"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} is shadowed')\n", encoding="utf-8")
    paths = list(sys.path)
    paths.insert(len(paths) if place == -1 else place, str(tmp_path))
    monkeypatch.setattr(sys, "path", paths)
    assert ask() == NOTHING_FOUND


def test_the_programs_variables_and_start_up_hooks_are_not_the_childs(tmp_path, monkeypatch):
    """PYTHON* variables and a `sitecustomize` that would speak, wait or fail have no effect in a child."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text("print('said by the hook', flush=True)\nraise SystemExit(9)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(hook))
    monkeypatch.setenv("PYTHONINSPECT", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert ask() == NOTHING_FOUND


def test_the_start_up_hooks_of_an_environment_do_not_run(tmp_path, monkeypatch):
    """What the packages of the program's environment do at the start of every interpreter is not done in a child."""
    venv.create(tmp_path / "env", symlinks=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "sitecustomize.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    (site / "hook.pth").write_text("import sys; sys.stdout.write('said by the hook')\n", encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env" / "bin" / "python"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    assert find_interpreter(serves_itself=False).path == sys.executable
    assert ask() == NOTHING_FOUND


def test_the_programs_own_folder_comes_last(tmp_path, monkeypatch):
    """A module beside the program that bears the name of a package memmon needs is not loaded for it."""
    for name in ("sqlalchemy", "msgspec", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "bot.py"), raising=False)
    found = bootstrap.envelope(timeout_seconds=60.0).import_paths
    packages = next(path for path in sys.path if path.endswith("-packages"))
    assert found.index(packages) < found.index(str(tmp_path))
    assert ask() == NOTHING_FOUND


def test_relative_paths_are_the_programs(tmp_path, monkeypatch):
    """A relative import path means the folder that it means in the program, and what is no text is left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "src", *sys.path, None, b"x"])
    found = bootstrap.envelope(timeout_seconds=60.0).import_paths
    assert {str(tmp_path), str(tmp_path / "src")} <= set(found)
    assert ask() == NOTHING_FOUND


def test_a_package_that_only_a_hook_finds(tmp_path, monkeypatch):
    """A package installed for editing, which an import hook finds and no path leads to, is found in a child."""
    real = tmp_path / "checkout" / "hidden_package"
    real.mkdir(parents=True)
    (real / "__init__.py").write_text("", encoding="utf-8")
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "__editable___hidden_finder.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class EditableFinder:\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        return PathFinder.find_spec(name, [{str(real.parent)!r}]) if name == 'hidden_package' else None\n"
        "def install():\n"
        "    sys.meta_path.append(EditableFinder)\n",
        encoding="utf-8",
    )
    (site / "__editable__.hidden-1.0.pth").write_text(
        "import __editable___hidden_finder; __editable___hidden_finder.install()\n", encoding="utf-8"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    import_hook = __import__("__editable___hidden_finder")
    import_hook.install()
    monkeypatch.setattr(
        bootstrap,
        "CODE",
        bootstrap.CODE.replace("from memmon.tasks", "import hidden_package\nfrom memmon.tasks"),
    )
    assert ask() == NOTHING_FOUND


def test_relative_paths_mean_what_they_meant_when_they_were_used(tmp_path, monkeypatch):
    """A program that has gone to another folder since still finds on a relative path what it found there before."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "found_by_a_relative_path.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["vendor", *sys.path])
    importlib.import_module("found_by_a_relative_path")
    monkeypatch.chdir("/")
    assert str(tmp_path / "vendor") in bootstrap.envelope(timeout_seconds=60.0).import_paths
    assert "/vendor" not in bootstrap.envelope(timeout_seconds=60.0).import_paths


class _Asked:
    """An import hook of the program's whose class is not to be asked for."""

    @property
    def __class__(self):
        raise AssertionError("asked")

    def find_spec(self, *_):
        return None


def test_paths_that_no_folder_has_and_hooks_that_mind_being_asked(tmp_path, monkeypatch):
    """A child starts whatever lies in the program's `sys.path` and `sys.meta_path`, and asks its hooks nothing."""
    bytes_name = tmp_path / "\udcff\udcfe"
    bytes_name.mkdir()
    odd = [
        "/a\0b",
        str(bytes_name),
        "/etc/hostname",
        "\n",
        "~/x",
        "a?#%41",
        *(f"/nowhere/{n}" for n in range(300)),
    ]
    monkeypatch.setattr(sys, "path", [*odd, *sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, _Asked()])
    assert str(bytes_name) in bootstrap.envelope(timeout_seconds=60.0).import_paths
    assert ask() == NOTHING_FOUND
