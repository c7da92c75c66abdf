"""A real Prometheus with its defaults that scrapes one address; skips with the reason where there is none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest

CONFIGURATION = """\
scrape_configs:
  - job_name: memmon
    scrape_interval: {seconds}s
    static_configs:
      - targets: ["{target}"]
"""
"""The time-out is the default one: ten seconds."""


class Prometheus:
    def __init__(self, address):
        self._address = address

    def ask(self, path, **parameters):
        """Return the data of an answer; raises AssertionError with Prometheus' words where it refuses."""
        url = f"{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def value(self, expression):
        """Return the one value that an expression has now, None where there is none yet."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def lines(self, expression, *, seconds=300):
        """Return the series that an expression has over the last `seconds`, as a panel asks for them."""
        now = time.time()
        return self.ask("query_range", query=expression, start=now - seconds, end=now, step="15s")["result"]

    def wait_for(self, expression, *, seconds=60):
        """Return the first value that an expression has."""
        for _ in range(seconds * 5):
            found = self.value(expression)
            if found is not None:
                return found
            time.sleep(0.2)
        pytest.fail(f"never: {expression}; targets: {self.ask('targets')}")


@contextmanager
def prometheus(folder, target, *, seconds=10):
    """Run Prometheus over `target` (host:port), scraping every `seconds`; yields it once it answers."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed (Debian package prometheus)")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(seconds=seconds, target=target))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(300):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(20)
