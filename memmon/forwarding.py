"""Names that a package hands on from its modules, each loaded when it is first used, and what loading them weighs."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

_weighed: list[int] = []


def forward(package: str, homes: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """Return the `__getattr__` of `package`, which has the names of `homes` (module: its names).

    So that to import one light module of a package does not load the heavy ones beside it.
    """
    home_of = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def load(name: str) -> object:
        if name not in home_of:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value: object = getattr(importlib.import_module(home_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


def import_weighed(module: str) -> ModuleType:
    """Import a module; the resident memory that it takes, with all that it loads, is added to `loaded_bytes`."""
    before = _resident_bytes()
    found = importlib.import_module(module)
    after = _resident_bytes()
    if before is not None and after is not None:
        _weighed.append(max(0, after - before))
    return found


def loaded_bytes() -> int | None:
    """Return what memmon's public names and all that they load took in this process; None: it can't be told.

    From the resident memory before and after: what other threads allocate meanwhile is in it, what was loaded already is not.
    """
    return sum(_weighed) if _weighed else None


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 -- this comes before pathlib is loaded
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
