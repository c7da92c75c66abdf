"""Reader of the HTML report and of the dashboard's pages, through a parser that builds a tree."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

from consistency_kit.before import before_says
from consistency_kit.said import (
    FAILING,
    NOT_FAILING,
    SIZE,
    SPAN,
    Number,
    Said,
    fill_state,
    forecast_says,
    grown_says,
    headline_says,
    known,
    number,
    plain_facts,
    processes_say,
    resources_say,
    size_bytes,
    slope_in,
    span_hours,
    told_rates,
)

_SEVERITIES = {
    "good": frozenset({"ok"}),
    "wait": frozenset({"ok", "notice"}),
    "warn": frozenset({"warning"}),
    "bad": frozenset({"critical"}),
}
"""What a page's look means; what is silent or can't be judged yet never looks healthy."""
_LOOKS = _SEVERITIES.keys()
_VOID = frozenset({"meta", "link", "br", "img", "input", "hr", "path", "rect", "circle"})


class _Tree(HTMLParser):
    """Builds a tree of a page; elements without an end are closed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()

    def handle_starttag(self, tag, attrs):
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)

    def handle_startendtag(self, tag, attrs):
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag):
        if tag not in _VOID:
            self.builder.end(tag)

    def handle_data(self, data):
        self.builder.data(data)


def tree(page: str) -> Element:
    """Return the page as a tree."""
    parser = _Tree()
    parser.builder.start("page", {})
    parser.feed(page)
    parser.builder.end("page")
    return parser.builder.close()


def words(element: Element | None) -> str:
    """Return all text of an element in one line."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _of_class(root: Element, tag: str, name: str) -> list[Element]:
    return [one for one in root.iter(tag) if name in one.get("class", "").split()]


def report(page: str) -> Said:
    """Read a source's page, of the report or of the dashboard."""
    root = tree(page)
    (hero,) = _of_class(root, "section", "hero")
    cards = {words(card.find("h3")): card for card in _of_class(root, "div", "card")}
    (judged,) = _of_class(root, "details", "judged")
    said = headline_says(words(_of_class(judged, "p", "verdict")[0]))
    method = " ".join(words(one) for one in _of_class(root, "ol", "method"))
    if found := re.search(r"The verdict is “([a-z ]+)”", method):
        said["verdict"] = frozenset({found[1].replace(" ", "_")})
    if found := re.search(r"confidence: (\w+)\)", method):
        said["confidence"] = found[1]
    growth = [*_of_class(cards["Growth"], "p", "big"), *_of_class(cards["Growth"], "p", "note")]
    said.update(told_rates(said, " ".join(map(words, growth))))
    said.update(_limit_card(cards["Limit"]))
    sentences = " ".join(words(one) for one in judged.iter("p"))
    said.update(processes_say(sentences))
    said.update(resources_say(sentences))
    for title in ("Threads", "Open files"):
        if title in cards:
            said.update(_resource_card(title, cards[title]))
    said.update(grown_says(words(root)))
    if states := _deques(root):
        said["deques"] = states
    if severity := _LOOKS & set(hero.get("class", "").split()):
        said["severity"] = _SEVERITIES[severity.pop()]
    return {**said, "is_stale": bool(_of_class(hero, "p", "stale"))}


def sentence(page: str) -> Said:
    """Read the forecast's sentence among those under how it was judged."""
    (judged,) = _of_class(tree(page), "details", "judged")
    return forecast_says(" ".join(words(one) for one in judged.iter("p")))


def hero(page: str) -> Said:
    """Read what the page says first, in plain words."""
    (section,) = _of_class(tree(page), "section", "hero")
    (plain,) = [one for one in section.iter("h2") if one.get("id") == "verdict"]
    said = " ".join([words(plain), *(words(one) for one in _of_class(section, "p", "plain"))])
    return {**plain_facts(said), **before_says(said)}


def _resource_card(title: str, card: Element) -> Said:
    big, *lines = (words(one) for one in card.iter("p"))
    whose = f" of {lines.pop(0)}" if lines[0].startswith("pid ") else ""
    reached = "".join(f"; {one}" for one in lines if one.startswith("used up"))
    return resources_say(f"{title}{whose}: {big}, {lines[0]}{reached}")


def _limit_card(card: Element) -> Said:
    said: Said = {}
    text = " ".join(words(one) for one in card.iter("p"))
    big = words(_of_class(card, "p", "big")[0])
    if found := re.search(rf"\bof {SIZE}", text):
        said["limit_bytes"] = size_bytes(found[1])
    elif re.fullmatch(SIZE, big):
        said["limit_bytes"] = size_bytes(big)
    if found := re.search(r"used \((\d+) %\)", text):
        said["used_percent"] = number(found[1])
    if found := re.match(rf"in {SPAN}", big):
        said["hours_to_limit"] = span_hours(found[1])
    elif big == "not in sight":
        said["hours_to_limit"] = Number(math.inf)
    return said


def _deques(root: Element) -> dict[str, frozenset[str]]:
    states = {}
    for item in _of_class(root, "li", "deque"):
        (name,), (fill,) = _of_class(item, "p", "name"), _of_class(item, "p", "fill")
        is_failing = "bad" in item.get("class", "").split()
        states[words(name)] = fill_state(words(fill)) & (FAILING if is_failing else NOT_FAILING)
    return states


def overview(page: str) -> dict[str, Said]:
    """Read the dashboard's table of sources, in its order."""
    (table,) = _of_class(tree(page), "table", "sources")
    said = {}
    for row in table.find("tbody").findall("tr"):
        state, _memory, used, left, slope, _release, last = row.findall("td")
        urgency = {
            "urgency": row.get("data-state"),
            "urgency_words": words(_of_class(state, "span", "badge")[0]),
        }
        here = {
            **headline_says(words(state)),
            **before_says(words(state)),
            **urgency,
            "is_stale": words(last).endswith("stale"),
        }
        if found := re.match(r"(\d+) %", words(used)):
            here["used_percent"] = number(found[1])
        if found := re.fullmatch(SPAN, words(left)):
            here["hours_to_limit"] = span_hours(found[1])
        elif words(left) in {"reached", "not in sight"}:
            here["hours_to_limit"] = Number(0.0 if words(left) == "reached" else math.inf)
        said[words(row.find("th").find("a"))] = {**here, **known(slope_mb_per_hour=slope_in(words(slope)))}
    return said
