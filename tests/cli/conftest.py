from __future__ import annotations

import cli_helpers
import pytest

from memmon.cli import app


@pytest.fixture(autouse=True)
def in_own_folder(own_home, monkeypatch):
    """Each test works in its own home, where no other database lies."""
    monkeypatch.chdir(own_home)


@pytest.fixture
def call(capfdbinary):
    return cli_helpers.caller(capfdbinary)


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """A store with one leaking, one flat and one very short history, all fresh."""
    folder = tmp_path_factory.mktemp("histories")
    paths = [
        cli_helpers.ramp_csv(folder / "leaky.csv", hours=30, mb_per_hour=25.0),
        cli_helpers.ramp_csv(folder / "flat.csv", hours=30, mb_per_hour=0.0),
        cli_helpers.ramp_csv(folder / "young.csv", hours=0.5, mb_per_hour=0.0),
    ]
    database = folder / "histories.db"
    assert app.run(["import", "--db", str(database), *map(str, paths)]) == 0
    return database
