"""Which modules and classes are the program's own: neither the standard library's, nor installed ones, nor ours."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.probe.objects.plain import entry_of, is_module, module_values, namespace_of

if TYPE_CHECKING:
    from types import FunctionType, ModuleType

_OURS = "memmon"


def program_modules() -> list[tuple[str, ModuleType]]:
    """Return the loaded modules of the program's own code with their names, `__main__` first."""
    loaded = attempt(lambda: list(sys.modules.items())) or []
    found = [
        (name, module)
        for name, module in loaded
        if type(name) is str and is_module(module) and is_program_module(name, _file_of(module))
    ]
    return sorted(found, key=lambda item: (item[0] != "__main__", item[0]))


def is_program_class(kind: type) -> bool:
    """Return whether a class was defined in the program's own code."""
    return _is_of_program(namespace_of(kind).get("__module__"))


def is_program_function(function: FunctionType) -> bool:
    """Return whether a function was defined in the program's own code."""
    return _is_of_program(entry_of(function.__globals__, "__name__"))


def is_program_module(name: str, file: str | None) -> bool:
    """Return whether a module of this name and file is the program's own."""
    top = name.partition(".")[0]
    if name == "__main__":
        return True
    if top == _OURS or top in sys.stdlib_module_names or file is None:
        return False
    if "site-packages" in file or "dist-packages" in file:
        return False
    path = os.path.realpath(file)
    return not any(path.startswith(folder) for folder in _installed_folders())


def _is_of_program(name: object) -> bool:
    if type(name) is not str or name == "builtins":
        return False
    module = sys.modules.get(name)
    return is_module(module) and is_program_module(name, _file_of(module))


def _file_of(module: object) -> str | None:
    file = entry_of(module_values(module), "__file__")
    return file if type(file) is str else None


@lru_cache(maxsize=1)
def _installed_folders() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed packages, with a separator at the end."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {sysconfig.get_path(name) for name in names} - {None}
    return tuple(os.path.realpath(path) + os.sep for path in paths if path)
