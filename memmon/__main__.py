"""Run memmon's command line: `memmon` or `python -m memmon`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["_child"]:  # the recorder's own request: no command line is loaded for it
        from memmon.cli.child import main as answer

        sys.exit(answer())
    from memmon.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
