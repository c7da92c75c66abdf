"""The views' own suite, once more, on a real server."""

from __future__ import annotations

import pytest
from store_kit import StoreMaker
from test_views import *  # noqa: F403 -- every test of the views runs here too


@pytest.fixture
def store(pg_url) -> StoreMaker:
    return StoreMaker(pg_url)
