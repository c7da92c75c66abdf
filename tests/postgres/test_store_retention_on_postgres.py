"""Retention's own suite, once more, on a real server."""

from __future__ import annotations

import pytest
from store_kit import StoreMaker
from test_retention import *  # noqa: F403 -- every test of retention runs here too

pytestmark = pytest.mark.slow

# These two are about files: the ceiling on a file's size, and a file changed by hand through sqlite3.
del test_retention_under_a_ceiling_drops_the_oldest_detail_first  # noqa: F821 -- imported above
del test_retention_leaves_a_newer_store_alone  # noqa: F821 -- same


@pytest.fixture
def store(pg_url) -> StoreMaker:
    return StoreMaker(pg_url)
