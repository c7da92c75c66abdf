"""`memmon serve`: the dashboard in a browser."""

from __future__ import annotations

import os

import click

from memmon.cli.locate import locate
from memmon.cli.options import Common, common
from memmon.cli.output import say, say_database

TOKEN_VARIABLE = "MEMMON_TOKEN"  # noqa: S105 -- the variable's name
_LAST_PORT = 65_535


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, _LAST_PORT), default=8787, show_default=True, help="0: any free one."
)
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="NAME", help="Also answer to this name."
)
@common
def command(*, host: str, port: int, allowed_hosts: tuple[str, ...], common: Common) -> None:
    """Show the dashboard: all sources, their reports live, /metrics and /healthz. Reading only; Ctrl-C ends.

    Beyond this machine a token is asked: MEMMON_TOKEN, else a new one, which is printed.
    """
    from memmon.dashboard import serve

    if common.as_json or common.output is not None or common.source is not None:
        raise click.UsageError(
            "the dashboard shows every source in a browser: leave out --json, -o and --source"
        )
    place = locate(common)
    say_database(place.database)
    serve(
        place.database,
        host=host,
        port=port,
        token=os.environ.get(TOKEN_VARIABLE) or None,
        allowed_hosts=allowed_hosts,
        on_ready=lambda address: say(f"open {address} in a browser; Ctrl-C ends"),
        on_token=lambda token: say(f"it asks for this token: {token}"),
    )
