"""Write the scripts by which a new database is made in one go, from the revisions.

    python migrations/make_fresh_script.py

A recorder makes its database in its own process, where neither Alembic nor these revisions are
loaded. Run this after a revision was added; a test compares what it would write with what is there.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import load_python_file

from memmon.store.upkeep.migrate import alembic_config

COMMAND = "python migrations/make_fresh_script.py"
FOLDER = Path(__file__).resolve().parent.parent / "memmon" / "store" / "schema"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_VERSION = re.compile(r"(INSERT INTO|UPDATE) alembic_version\b")
_VIEW = re.compile(r"(?:DROP|CREATE(?: OR REPLACE)?) VIEW (?:IF EXISTS )?(\w+)\b")
_TERMINATOR = ";\n\n"


def statements(dialect_name: str) -> tuple[str, ...]:
    """Return what the revisions run on an empty database, in order, with one stamp at the end."""
    load_python_file(str(Path(__file__).parent), "reading_columns.py")
    config = alembic_config()
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with EnvironmentContext(
        config,
        script,
        fn=lambda found, _context: script._upgrade_revs("head", found),  # noqa: SLF001 -- as Alembic's own command
        as_sql=True,
        destination_rev="head",
    ) as environment:
        written = io.StringIO()
        environment.configure(dialect_name=dialect_name, literal_binds=True, output_buffer=written)
        environment.run_migrations()
    parts = (_without_comments(part) for part in written.getvalue().split(_TERMINATOR))
    made = _without_replaced_views([part for part in parts if part and not _VERSION.match(part)])
    stamp = f"INSERT INTO alembic_version (version_num) VALUES ('{head}')"
    for text in (*made, stamp):
        # psycopg would look for parameters where it sees a per cent sign.
        _require_plain(text, ('"""', "\\", ";", "--", *("%" if dialect_name == "postgresql" else "")))
    return (*made, stamp)


def _without_replaced_views(parts: list[str]) -> tuple[str, ...]:
    """Return the statements without the views that a later one drops or replaces: an empty database needs the last."""
    named = [_VIEW.match(part) for part in parts]
    last = {found[1]: place for place, found in enumerate(named) if found}
    return tuple(
        part
        for place, (part, found) in enumerate(zip(parts, named, strict=True))
        if found is None or last[found[1]] == place
    )


def _without_comments(text: str) -> str:
    """Return a statement without the comments before it and the blanks at the ends of its lines."""
    lines = [line.rstrip() for line in text.strip().splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip()


def _require_plain(text: str, refused: tuple[str, ...]) -> None:
    """Raise ValueError for a statement that would not mean the same in the generated module."""
    for sign in refused:
        if sign in text:
            msg = f"a statement holds {sign!r}, which the generated module can't carry: {text[:80]}"
            raise ValueError(msg)


def module_text(dialect_name: str) -> str:
    """Return the text of the generated module of one kind of database."""
    shown = "".join(f"    {_literal(text)},\n" for text in statements(dialect_name))
    return (
        f'"""What makes a new {NAMES[dialect_name]} database: generated from the revisions, not edited by hand.\n'
        "\n"
        f"Renewed by `{COMMAND}`.\n"
        '"""\n'
        "\n"
        "from __future__ import annotations\n"
        "\n"
        f"STATEMENTS: tuple[str, ...] = (\n{shown})\n"
    )


def _literal(text: str) -> str:
    """Return a string literal as the formatter leaves it."""
    return f'"""{text}"""' if "\n" in text or '"' in text else f'"{text}"'


def module_path(dialect_name: str) -> Path:
    """Return where the generated module lies."""
    return FOLDER / f"fresh_{dialect_name}.py"


def main() -> None:
    """Write both modules, and the statements by which a recorder writes: both follow from the columns."""
    for dialect_name in NAMES:
        module_path(dialect_name).write_text(module_text(dialect_name), encoding="utf-8")
    load_python_file(str(Path(__file__).parent), "make_write_statements.py").main()


if __name__ == "__main__":
    main()
