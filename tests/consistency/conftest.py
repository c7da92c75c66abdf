"""The answers of every surface on every history: rendered once a session, in stores of their own."""

from __future__ import annotations

import os

import pytest
from consistency_kit.rendered import all_answers

PARTS = (
    ["often", pytest.param("whole", marks=pytest.mark.slow)]
    if os.environ.get("MEMMON_CONSISTENCY") == "full"
    else ["often"]
)


@pytest.fixture(scope="session", params=PARTS)
def answers(request, tmp_path_factory):
    """What is said by history and surface: of sixty histories and more; of five hundred with `MEMMON_CONSISTENCY=full`."""
    return all_answers(request.param, tmp_path_factory.mktemp("consistency"))
