"""How children are started in these tests: as the program's own, unless a test asks otherwise."""

from __future__ import annotations

import pytest

from memmon.child import hidden


@pytest.fixture(autouse=True)
def usual_start(monkeypatch):
    """Most interpreters here are stand-ins, which leave their descriptors and session to whoever starts them."""
    monkeypatch.setattr(hidden, "_has_failed", False)
    monkeypatch.setattr(hidden, "is_possible", lambda: False)
