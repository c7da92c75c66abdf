"""Letting go of names that came and went, on a real server: there keys refer to series for real."""

from __future__ import annotations

import pytest
from store_kit import StoreMaker
from test_names_by_ids import (
    test_a_name_that_comes_back_after_it_was_let_go_is_recorded,
    test_known_names_come_back_at_once_or_within_the_hour,
    test_what_lived_for_a_day_or_is_alive_stays,
)

__all__ = [
    "test_a_name_that_comes_back_after_it_was_let_go_is_recorded",
    "test_known_names_come_back_at_once_or_within_the_hour",
    "test_what_lived_for_a_day_or_is_alive_stays",
]
pytestmark = pytest.mark.slow


@pytest.fixture
def store(pg_url) -> StoreMaker:
    return StoreMaker(pg_url)
