"""The answers of every surface on every history: rendered once a session, in stores of their own."""

from __future__ import annotations

import pytest
from consistency_kit.histories import stores
from consistency_kit.surfaces import everything_said, fixed_present
from consistency_kit.writing import write_all


@pytest.fixture(scope="session", params=["often", pytest.param("whole", marks=pytest.mark.slow)])
def answers(request, tmp_path_factory):
    """What is said by history and surface: of a part of the histories, sixty at least, of all of them where it may be slow."""
    folder = tmp_path_factory.mktemp("consistency")
    said = {}
    with fixed_present(folder):
        for name, stories in stores(request.param).items():
            write_all(folder / f"{name}.db", stories)
            said.update(everything_said(folder / f"{name}.db", stories))
    return said
