"""The hidden command behind the demo's live bot: a process of its own, like any bot."""

from __future__ import annotations

import click


@click.command("_bot", hidden=True)
@click.argument("database")
@click.argument("seconds", type=float)
def command(database: str, seconds: float) -> None:
    """Run the demo's bot for some seconds, recorded into a database."""
    from memmon.cli.demo_bot import main

    main(database, seconds)
