"""Every example in the README and the docs runs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page, tmp_path, monkeypatch, own_home):
    """The Python examples of a page run from top to bottom, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    logging.getLogger("memmon").setLevel(logging.NOTSET)
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent), patterns=[page.name]).parse(
        page
    )
    for example in document.examples():
        example.evaluate()


def test_the_readme_keeps_its_two_commands():
    """The two commands of the README are the ones that are proved on old versions of pip."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (
        "\npython3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt . && .venv/bin/memmon demo\n"
        in text
    )
    assert (
        "\npython3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[test]' && .venv/bin/pytest -q\n"
        in text
    )
