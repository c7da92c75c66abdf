"""Fixtures of the report's tests."""

from __future__ import annotations

import pytest
from chromium_pages import chromium


@pytest.fixture(scope="module")
def open_page():
    """Open pages in one Chromium for a whole module; skips with the reason where there is none."""
    with chromium() as opening:
        yield opening
