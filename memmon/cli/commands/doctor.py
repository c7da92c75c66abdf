"""`memmon doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import click

from memmon.cli.diagnosis import diagnose
from memmon.cli.locate import locate
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say_database, write_json, write_text
from memmon.cli.text import printable

EXIT_PROBLEM = 1
_SIGNS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


@click.command("doctor")
@common
def command(common: Common) -> int:
    """Say what is wrong with this installation and database, and how to mend it.

    Exit code: 0 nothing is wrong, 1 there is a problem.
    """
    from memmon.clock import SystemClock

    check_output(common)
    place = locate(common)
    say_database(place.database)
    found = list(diagnose(place, now=SystemClock().now()))
    code = EXIT_PROBLEM if any(one.state == "problem" for one in found) else 0
    if common.as_json:
        write_json(common, command="doctor", database=place.database, exit_code=code, diagnoses=found)
        return code
    lines = []
    for one in found:
        lines.append(f"{_SIGNS[one.state]}  {one.subject}: {printable(one.finding)}")
        if one.advice:
            lines.append(f"         -> {printable(one.advice)}")
    lines.append("nothing is wrong" if code == 0 else "there are problems: see the lines marked PROBLEM")
    write_text(common, "\n".join(lines))
    return code
