"""The store's own suite, once more, on a real server: the same tests with another `store`."""

from __future__ import annotations

import pytest
from store_kit import StoreMaker
from test_order_of_recording import *  # noqa: F403 -- and every test of the order of recording
from test_read_side import *  # noqa: F403 -- every test of the read side runs here too


@pytest.fixture
def store(pg_url) -> StoreMaker:
    return StoreMaker(pg_url)
