"""What the tests of the command line share: a quick way to call it, and a store to ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memmon.cli import app

PACKAGE_FOLDER = str(Path(app.__file__).resolve().parents[2])
MB = 2**20


@dataclass(frozen=True)
class Answer:
    """What a call gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def caller(capfdbinary):
    """Return a function that calls the command line in this process."""

    def call(*arguments: object) -> Answer:
        capfdbinary.readouterr()
        code = app.run([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Answer(code, out.decode(), err.decode())

    return call


def process(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
    """Start the command line as a process of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MEMMON_")}
    return subprocess.Popen(
        [sys.executable, "-m", "memmon", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**env, "PYTHONPATH": PACKAGE_FOLDER, **environment},
    )


def finished(
    *arguments: object, cwd: Path | None = None, timeout: float = 60.0, **environment: str
) -> Answer:
    """Run the command line as a process of its own to its end."""
    started = process(*arguments, cwd=cwd, **environment)
    out, err = started.communicate(timeout=timeout)
    return Answer(started.returncode, out.decode(), err.decode())


def ramp_csv(path: Path, *, hours: float, mb_per_hour: float, start_mb: float = 200.0) -> Path:
    """Write a history of straight growth with a sample every 5 minutes and a little noise."""
    lines = ["t_seconds,rss_bytes,system_percent,available_bytes"]
    for number in range(round(hours * 12) + 1):
        size = start_mb + mb_per_hour * number / 12 + (number * 7919 % 11 - 5) * 0.02
        lines.append(f"{number * 300},{round(size * MB)},50.0,{8 * 1024 * MB}")
    path.write_text("\n".join(lines) + "\n")
    return path
