"""The examples of docs/hosts.md: what the tests run is what stands there."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from program_kit import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "hosts.md"
_FILE = re.compile(r'^```python title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The programs of the page, by their names."""
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))


def commands() -> list[str]:
    """The command lines of the page, without the prompt and what is said beside them."""
    lines = "".join(_CONSOLE.findall(PAGE.read_text(encoding="utf-8"))).splitlines()
    return [line.removeprefix("$ ").partition("  #")[0].rstrip() for line in lines if line.startswith("$ ")]


def lay(folder: Path, *names: str) -> None:
    """Put programs of the page into a folder."""
    for name in names:
        (folder / name).write_text(files()[name], encoding="utf-8")


def command(text: str) -> list[str]:
    """The one command of the page that begins so, run by this interpreter: `gunicorn ...` is `python -m gunicorn ...`."""
    (found,) = [line for line in commands() if line.startswith(text)]
    program, *options = found.split()
    if program == "python":
        return [sys.executable, *options]
    return [sys.executable, "-m", program, *options]
