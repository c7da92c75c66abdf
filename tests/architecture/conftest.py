"""The syntax trees of the package are a million objects: they go with the tests that read them."""

from __future__ import annotations

import pytest
import tree


@pytest.fixture(scope="package", autouse=True)
def trees_are_not_kept():
    """Let go of the trees after the folder's last test: other tests look at all objects of the process."""
    yield
    tree.modules.cache_clear()
