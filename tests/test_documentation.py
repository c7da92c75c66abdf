"""Every example in the README and the docs runs."""

from __future__ import annotations

import importlib.util
import logging
import re
import tomllib
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


def test_every_example_on_hosts_is_run_in_its_host():
    """Each program and each command of the page on hosts is named by a test of real programs, which runs it."""
    text = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    programs = re.findall(r'^```python(?: title="(.+?)")?$', text, re.MULTILINE)
    hosts = {line.split()[0] for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE)}
    tests = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "programs").glob("test_*.py")
    )
    tests = tests.replace("green_{kind}.py", "green_gevent.py green_eventlet.py")
    assert all(programs), "a program of this page needs a name: it is run as a file"
    assert [name for name in programs if name not in tests] == []
    assert [host for host in hosts if f'"{host}' not in tests] == []


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


def test_generated_pages_are_those_of_the_code():
    """Settings, public names and layers stand in the pages as they stand in the code."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        there = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert there == text, f"docs/{name} is not what the code says: run `{generate.COMMAND}`"


def test_every_layer_has_a_line():
    """The page on the architecture names each layer of pyproject.toml, and none that is not there."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in contracts["contracts"] if one["id"] == "layers")
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("<!-- layers: ")[1]
    named = re.findall(r"^\| \d+ \| `([^`]+)` \| .+ \|$", table, re.MULTILINE)
    assert sorted(named) == sorted(name for floor in layers for name in re.split(r" *[|:] *", floor))


def links_of(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)", text)


def anchors_of(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "notebooks" / "README.md"], ids=lambda page: page.name
)
def test_every_link_leads_somewhere(page):
    """A link of a page leads to a file or folder of the project, and its anchor to a title there."""
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors_of(target), f"{page.name}: {link}"


def test_every_page_is_linked_from_the_index():
    """Whoever begins at docs/index.md finds every page; the README leads there."""
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links_of(index)}
    assert set(PAGES) - {index} - linked == set()
    assert "docs/index.md" in links_of(ROOT / "README.md")


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").replace("\\_", "_")


def test_every_place_that_the_architecture_names_is_there():
    """Each file and folder on the page on the architecture is in the project: what moves takes its row along."""
    named = set(
        re.findall(r"(?<![\w/])(?:memmon|tests|migrations|docs|benchmarks)/[\w/]*(?:\.py)?", ARCHITECTURE)
    )
    assert len(named) > 100
    assert (
        sorted(name for name in named if name != "memmon/imports/x.py" and not (ROOT / name).exists()) == []
    )


def test_every_file_beside_another_is_beside_it():
    """A row that gives a file by its name alone ("levels.py beside it") gives the folder in which it lies, too."""
    lost = []
    for row in (one for one in ARCHITECTURE.splitlines() if one.startswith("|")):
        folders = [ROOT / one for one in re.findall(r"((?:memmon|migrations|tests|docs)/[\w/]*)/", row)]
        names = re.findall(r"(?<![\w/.])[a-z_0-9]+\.py\b", row)
        lost += [name for name in names if not any((folder / name).exists() for folder in folders)]
    assert lost == []


def test_every_name_in_the_architecture_is_used():
    """What the page on the architecture sets as code is a name that the code still has."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for place in ("memmon", "migrations", "docs")
        for path in (ROOT / place).rglob("*.py")
    )
    words = set(re.findall(r"\w+", code))
    names = {one.split(".")[-1] for one in re.findall(r"`([A-Za-z_][\w.]*)(?:\(\))?`", ARCHITECTURE)}
    assert len(names) > 40
    assert sorted(names - words - {""}) == []
