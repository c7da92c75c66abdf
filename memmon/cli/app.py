"""The `memmon` command: its list of commands, and the gate that turns every error into one line.

Exit codes: 0 done; 2 for an error (3 from `check`, whose 2 means CRITICAL); `leaks`, `check`
and `run` have their own. 130 after Ctrl-C, 141 when the reader of a pipe left.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.lazy import LazyGroup
from memmon.cli.text import one_line
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_ERROR = 2
EXIT_UNKNOWN = 3
"""The monitoring plugins' UNKNOWN: what `check` answers where others answer 2."""
_EXIT_INTERRUPTED = 130
_NO_ARGUMENTS: Any = getattr(
    click.exceptions, "NoArgsIsHelpError", ()
)  # click before 8.2 shows the help by itself
_EXIT_PIPE = 141
DEBUG_VARIABLE = "MEMMON_DEBUG"
EXTRA_OF = {
    "psycopg": "postgres",
    "duckdb": "duckdb",
    "starlette": "dashboard",
    "uvicorn": "dashboard",
    "apprise": "alerts",
    "prometheus_client": "metrics",
    "distributed": "dask",
    "resvg_py": "png",
}
"""Optional packages, and the extra that brings each."""

_AT = "memmon.cli.commands."
COMMANDS = {
    "demo": (_AT + "demo", "Show memmon at work: two weeks with a leak, and a live bot."),
    "run": (_AT + "run", "Start a program and record its memory."),
    "record": (_AT + "record", "Record the memory of a running program."),
    "report": (_AT + "report", "Print the report of the last 24 hours."),
    "leaks": (_AT + "leaks", "Say whether memory leaks; the exit code tells."),
    "check": (_AT + "check", "Answer a monitoring system (plugin exit codes)."),
    "forecast": (_AT + "forecast", "Say when memory reaches its limit."),
    "deques": (_AT + "deques", "Show the registered deques and their limits."),
    "compare": (_AT + "compare", "Say what a release changed: fixed or worse."),
    "watch": (_AT + "watch", "Watch a source live in the terminal."),
    "serve": (_AT + "serve", "Show the dashboard in a browser."),
    "runs": (_AT + "runs", "List what is recorded: sources and their runs."),
    "import": (_AT + "import_", "Import histories recorded elsewhere."),
    "export": (_AT + "export", "Write the history to a file for other tools."),
    "annotate": (_AT + "annotate", "Put an event on the time axis."),
    "sql": (_AT + "sql", "Ask the database a question, reading only."),
    "alerts": (_AT + "alerts", "Tell the right people, once."),
    "fleet": (_AT + "fleet", "Judge every source: one table, worst first."),
    "soak": (_AT + "soak", "Gate a program in CI: PASS, FAIL, INCONCLUSIVE."),
    "db": (_AT + "db", "Keep the database: upgrade, status, back up, mend."),
    "config": (_AT + "config", "Show the settings and where they come from."),
    "doctor": (_AT + "doctor", "Say what is wrong with this installation."),
    "_bot": (_AT + "_bot", "The demo's live bot."),
}


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("memmon")
    except PackageNotFoundError:
        return "unknown (not installed)"


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's
    if value and not ctx.resilient_parsing:
        click.echo(f"memmon {_version()}")
        ctx.exit()


@click.group(cls=LazyGroup, lazy_commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def main() -> None:
    """Record the memory of long-running Python programs, and judge it.

    Begin with `memmon demo`; then `memmon run -- python bot.py` and `memmon report`.
    """


_SHOWN_LETTERS = 60
_ENDLESS = re.compile(r"\w{500,}")
"""A word that nobody reads to its end, such as a number of thousands of digits."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line with `arguments` and return the exit code; only one line per error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # absent on fakes
    failed = EXIT_UNKNOWN if _command_name(arguments) == "check" else EXIT_ERROR
    try:
        result = main.main(args=list(arguments), prog_name="memmon", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return _EXIT_INTERRUPTED
    except SystemExit:
        # Nothing of ours exits so: click does, with 1, when the reader of a pipe has left.
        return _leave_pipe()
    except Exception as error:  # noqa: BLE001 -- the gate: no traceback reaches an operator
        return _explain(error, failed)
    return result if isinstance(result, int) else 0


def _command_name(arguments: Sequence[str]) -> str | None:
    return next((word for word in arguments if not word.startswith("-")), None)


def _explain(error: Exception, failed: int) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        from traceback import print_exception

        print_exception(error)
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _leave_pipe()
    if isinstance(error, _NO_ARGUMENTS):
        click.echo(error.format_message())
        return 0 if failed == EXIT_ERROR else failed
    message = _ENDLESS.sub(lambda found: f"{found[0][:_SHOWN_LETTERS]}…", _message(error))
    _say(message)
    if failed == EXIT_UNKNOWN:  # a monitoring system reads standard output alone
        with suppress(OSError, ValueError):
            click.echo(f"MEMMON UNKNOWN - {one_line(message).replace('|', '/')}")
    return failed


def _message(error: Exception) -> str:
    """Return what went wrong and what to do, for each kind of error."""
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "memmon"
        return f"{error.format_message().rstrip('.')}; '{where} --help' shows the usage"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, MemmonError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (extra := EXTRA_OF.get((error.name or "").split(".")[0])):
        return f"this needs {error.name}, which is not installed: pip install 'memmon[{extra}]'"
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    if isinstance(error, UnicodeDecodeError):
        return "the database holds text that is not UTF-8, so it is damaged; `memmon db salvage` brings back its rows"
    if isinstance(error, MemoryError):
        return "not enough memory for this; ask for a shorter window with --since"
    detail = f"{type(error).__name__}: {error}"
    return f"a fault in memmon itself ({detail}); {DEBUG_VARIABLE}=1 shows where, please report it"


def _say(message: str) -> None:
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():  # a line of progress may stand there
            click.echo("\r\x1b[K", err=True, nl=False)
        click.echo(f"memmon: {one_line(message)}", err=True)


def _leave_pipe() -> int:
    # The reader has gone: what the interpreter still flushes at exit must not fail again.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _EXIT_PIPE
