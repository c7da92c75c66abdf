"""Fixtures: an empty store that is copied for each test, and a maker that writes runs into it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from store_kit import StoreMaker

from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade(parse_database(str(path)))
    return path


@pytest.fixture
def store(tmp_path, empty_store) -> StoreMaker:
    path = tmp_path / "memmon.db"
    shutil.copy(empty_store, path)
    return StoreMaker(path)
