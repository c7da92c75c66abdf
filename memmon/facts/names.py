"""Names of deques and components, made safe once, where they enter.

A name comes from the program's code, and through it perhaps from a network. It will be shown in
terminals, HTML, CSV and SQL: what is invisible there, or steers a terminal, is taken out here.
(Escaping for HTML, CSV and the like is still the renderer's task: `<b>` and `=1+1` are
ordinary names.)
"""

from __future__ import annotations

import re

MAX_NAME_LENGTH = 200
"""Longest cleaned name in characters."""

REPLACEMENT = "?"
UNNAMED = "unnamed"

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_TAG_LENGTH = 8
_CUT_LENGTH = MAX_NAME_LENGTH - _TAG_LENGTH - 2
_LONGEST_READ = 4 * MAX_NAME_LENGTH
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LOW_16_BITS = 0xFFFF
_FIRST_OF_LAST_TWO = 0xFFFE


def plain_string(name: str) -> str:
    """Return `name` as an exact `str`: a subclass's own `__str__`, `__eq__` or `__hash__` never runs."""
    return str.__str__(name)


def component_name(name: str) -> str:
    """Return how a component is called where a deque has its name."""
    return f"{name} (component)"


def clean_name(name: str) -> str:
    r"""Return `name` fit to be shown and stored: visible, one line, at most 200 characters.

    Terminal escape sequences are cut out; control, format (bidi, zero width), surrogate and
    line-separating characters become `?`. A name that had to be changed ends in `~` and a tag made
    from the original, so that two names stay two whatever the order in which, or the run in
    which, they are registered. A name that needs no change is returned as it is.

    >>> clean_name("binance_price_history_BTC")
    'binance_price_history_BTC'
    >>> clean_name("price\x1b[31m\x00")
    'price?~0e8192d1'
    """
    name = plain_string(name)
    if name.isascii() and name.isprintable() and len(name) <= MAX_NAME_LENGTH and name == name.strip():
        return name or UNNAMED
    visible = "".join(map(_visible, _ANSI.sub("", name[:_LONGEST_READ]))).strip()
    if visible == name and len(name) <= MAX_NAME_LENGTH:
        return name
    tag = short_digest(name.encode("utf-8", "surrogatepass"), _TAG_LENGTH // 2)
    shown = visible if len(visible) <= _CUT_LENGTH else visible[: _CUT_LENGTH - 1].rstrip() + "…"
    return f"{shown or UNNAMED}~{tag}"


def short_digest(data: bytes, byte_count: int) -> str:
    """Return what tells one text from another, in hex; by the module behind hashlib, which would bring OpenSSL along."""
    try:
        from _blake2 import blake2b
    except ImportError:  # pragma: no cover -- a Python without it has it in hashlib
        from hashlib import blake2b
    return str(blake2b(data, digest_size=byte_count).hexdigest())


def is_hidden(character: str) -> bool:
    """Tell whether a character is invisible, or steers what shows it: control, format, surrogate, line separator."""
    if character.isprintable():
        return False
    from unicodedata import category  # few programs name anything so

    return category(character) in _HIDDEN_CATEGORIES


def _visible(character: str) -> str:
    if is_hidden(character):
        return REPLACEMENT
    if ord(character) & _LOW_16_BITS >= _FIRST_OF_LAST_TWO or "\ufdd0" <= character <= "\ufdef":
        return REPLACEMENT  # code points that Unicode reserves as "not a character"
    return character
