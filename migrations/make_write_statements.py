"""Write the text of the statements by which a recorder writes, from their SQLAlchemy expressions.

    python migrations/make_write_statements.py

A program that records on SQLite runs the text as it is; a server gets the same. `make_fresh_script.py`
does this as well. A test compares what it would write with what is there, for both kinds of database.
"""

from __future__ import annotations

import re
from pathlib import Path

from alembic.util import load_python_file
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

COMMAND = "python migrations/make_write_statements.py"
PATH = Path(__file__).resolve().parent.parent / "memmon" / "store" / "write" / "sql.py"

_DIALECTS = {"sqlite": SQLiteDialect, "postgresql": PGDialect}
_LINE_LENGTH = 110
_EXPANDING = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")


def texts(dialect_name: str) -> dict[str, str]:
    """Return the statements' text for one kind of database, by name."""
    expressions = load_python_file(str(Path(__file__).parent), "write_statements.py")
    dialect = _DIALECTS[dialect_name](paramstyle="named")
    return {
        name: _text(str(one.compile(dialect=dialect)))
        for name, one in expressions.statements(dialect_name).items()
    }


def _text(rendered: str) -> str:
    text = _EXPANDING.sub(r"(:\1)", " ".join(rendered.split()))
    if '"' in text or "\\" in text or "POSTCOMPILE" in text:
        msg = f"a statement holds what the generated module can't carry: {text[:80]}"
        raise ValueError(msg)
    return text


def module_text() -> str:
    """Return the text of the generated module; raises ValueError where the two kinds of database differ."""
    found, other = texts("sqlite"), texts("postgresql")
    for name, text in found.items():
        if other[name] != text:
            msg = f"{name} differs:\n{text}\n{other[name]}"
            raise ValueError(msg)
    lines = "".join(_assigned(name, f'"{text}"') for name, text in found.items())
    return (
        '"""What a recorder says to a database of either kind: generated from SQLAlchemy expressions, not edited by hand.\n'
        "\n"
        f"Renewed by `{COMMAND}`, which reads migrations/write_statements.py.\n"
        '"""\n'
        "\n"
        "from __future__ import annotations\n"
        "\n"
        f"{lines}"
    )


def _assigned(name: str, literal: str) -> str:
    """Return an assignment as the formatter leaves it."""
    line = f"{name} = {literal}"
    is_wrapped = len(line) > _LINE_LENGTH >= len(literal) + 4
    return f"{name} = (\n    {literal}\n)\n" if is_wrapped else f"{line}\n"


def main() -> None:
    """Write the module."""
    PATH.write_text(module_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
