"""The URI by which SQLite opens a file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from memmon.store.connect.engine import sqlite_uri

NAMES = ["plain.db", "a b?c#d%20.db", "bücher €.db", "~x_y-z.1.db", "it's;&=+,@:!*().db", "bad\udcff.db"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_is_found_again(tmp_path, name):
    """Whatever a file is called, the URI opens that file, and is what `urllib.parse.quote` makes."""
    path = tmp_path / name
    path.touch()
    uri = sqlite_uri(path, mode="rw")
    assert uri == f"file:{quote(os.fsencode(path))}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.text_factory = os.fsdecode  # not every name is UTF-8
        opened = connection.execute("PRAGMA database_list").fetchone()[2]
    assert Path(opened) == path
