"""Run memmon's command line: `memmon` or `python -m memmon`."""

from __future__ import annotations

import gc
import sys

_COLLECT_EVERY_COUNT = 10_000
"""New objects between two passes of the collector. Chosen: what loading a command makes is 60,000 of them."""


def freeze_support() -> None:
    """Let a program that a freezing tool packed serve as its own child process.

    Call it first in the program's main, like `multiprocessing.freeze_support`: memmon then starts
    the binary again for its checks, and that one answers here and never reaches the program's own
    code. Without it such a program is recorded, and nothing is ever started in it. In a program that is not
    packed it does nothing.
    """
    from memmon.child.interpreter import FROZEN_FLAG, is_frozen
    from memmon.child.mark import is_marked
    from memmon.child.starts import serve_itself

    if not is_frozen():
        return
    if sys.argv[1:2] == [FROZEN_FLAG] and is_marked():
        from memmon.tasks.serve import main as answer

        sys.exit(answer())
    serve_itself()


def main() -> None:
    """Run the command line and exit with its code."""
    # A process of memmon's own, which begins by loading much that stays: looked through less often.
    gc.set_threshold(_COLLECT_EVERY_COUNT)
    if sys.argv[1:2] == ["_child"]:  # the recorder's own request: no command line is loaded for it
        from memmon.tasks.serve import main as answer

        sys.exit(answer())
    from memmon.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
