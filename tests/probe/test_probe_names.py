from __future__ import annotations

import unicodedata

import pytest
from hostile_names import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.facts.names import MAX_NAME_LENGTH, clean_name


class Traitor(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no text")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    __hash__ = None


def is_harmless(name):
    name.encode("utf-8")
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return (
        0 < len(name) <= MAX_NAME_LENGTH
        and name == name.strip()
        and not any(unicodedata.category(character) in hidden for character in name)
    )


def test_an_ordinary_name_stays_as_it_is():
    """A name that shows well, in any script, is stored exactly as the host wrote it."""
    for name in ("binance_price_history_BTC", "mtf/price 1m", "価格履歴", "цена", "<b>", "=1+1", "x" * 200):
        assert clean_name(name) == name


def test_about_a_hundred_hostile_names_become_harmless():
    """Every hostile name becomes visible, encodable, one line long and at most 200 characters."""
    assert len(NAMES) >= 100
    for name in NAMES:
        assert is_harmless(clean_name(name)), name


def test_two_names_stay_two_after_cleaning():
    """Names that differ only in what is cleaned away are still told apart, in whatever order they come."""
    cleaned = [clean_name(name) for name in NAMES]
    assert len(set(cleaned)) == len(set(NAMES))
    assert clean_name("price\x00") != clean_name("price\x01")
    assert clean_name("x" * 10_000) != clean_name("x" * 9_999 + "y")


def test_cleaning_gives_the_same_name_in_every_run():
    """A cleaned name depends on the original alone, so that a restarted bot continues its series."""
    assert clean_name("price\x1b[31m\x00") == clean_name("price\x1b[31m\x00") == "price?~0e8192d1"
    assert clean_name(clean_name("price\x00")) == clean_name("price\x00")


def test_a_subclass_of_str_runs_none_of_its_own_code():
    """A str subclass with raising methods gives its plain text."""
    cleaned = clean_name(Traitor("price"))
    assert type(cleaned) is str
    assert cleaned == "price"


def test_a_name_of_nothing_visible_is_called_unnamed_or_marked():
    """A name that consists of what is cleaned away still gets a name."""
    assert clean_name("") == "unnamed"
    assert clean_name(" \t").startswith(("unnamed~", "?~"))


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(), max_size=300))
def test_any_text_becomes_a_harmless_name(text):
    """Whatever the text, its cleaned name is harmless, and cleaning it again changes nothing."""
    cleaned = clean_name(text)
    assert is_harmless(cleaned)
    assert clean_name(cleaned) == cleaned


@pytest.mark.parametrize("name", ["\ud800", "a\ud83d", "\udc80\udcff"])
def test_lone_surrogates_can_be_stored(name):
    """A name with lone surrogates, which no database takes, can be encoded after cleaning."""
    assert clean_name(name).encode("utf-8")
