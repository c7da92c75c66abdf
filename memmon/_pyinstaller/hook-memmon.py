"""What PyInstaller can't see in memmon: names that are loaded when first used, revisions, data files.

The rest it finds by itself, imports inside functions included. Who leaves out pandas, scipy,
statsmodels or matplotlib (`--exclude-module`) has a smaller program in which recording and the
hourly check work all the same.
"""

from __future__ import annotations

from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

import memmon
from memmon.store.upkeep.migrate import migrations_path

_REVISIONS = migrations_path()

hiddenimports = sorted({*memmon._HOMES.values(), "memmon.tasks.serve"})
# The revisions are run from their files, so that nobody sees what they import.
hiddenimports += ["alembic.context", "alembic.op"]
if find_spec("psycopg") is not None:  # which a database's URL asks for
    hiddenimports.append("psycopg")

datas = collect_data_files("memmon", excludes=["_migrations", "_pyinstaller"])
datas += [
    (str(path), str("memmon/_migrations" / path.relative_to(_REVISIONS).parent))
    for path in _REVISIONS.rglob("*")
    if path.suffix in {".py", ".mako"}
]
datas += copy_metadata("memmon")
