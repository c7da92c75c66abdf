"""A bench for each test."""

from __future__ import annotations

import pytest
from import_kit import Bench


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)
