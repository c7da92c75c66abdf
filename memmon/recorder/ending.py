"""How the program ends, as a recorder in it can know: by itself, by an exception, by an interrupt."""

from __future__ import annotations

import sys


def end_by(kind: type[BaseException]) -> tuple[str, str | None]:
    """Return (reason, detail) of an end that an exception brings: `sys.exit` and Ctrl-C are meant."""
    if issubclass(kind, SystemExit):
        return "exit", None
    if issubclass(kind, KeyboardInterrupt):
        return "sigint", None
    return "exception", kind.__name__


def fatal_error() -> BaseException | None:
    """Return the exception that ends the interpreter; None: it ends as it was meant to.

    In a worker of multiprocessing it is on its way while the finalizers run. Else it has been printed by now, and
    the interpreter keeps it; but whoever shows its user an error and goes on (a notebook's kernel, a prompt, a test
    runner) keeps it there too. What was raised through to the program's outermost frame has ended the program.
    """
    printed: BaseException | None = getattr(sys, "last_value", None)
    if printed is not None and _reached_the_top(printed) and not hasattr(sys, "ps1"):
        return printed
    return sys.exc_info()[1]


def _reached_the_top(error: BaseException) -> bool:
    trace = error.__traceback__
    # Without a trace nothing tells where it went: a syntax error in the script itself has none.
    return trace is None or trace.tb_frame.f_back is None
