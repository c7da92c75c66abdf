"""Every message, and made-up ones of each kind."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies

from memmon.child.requests import REQUESTS

REQUEST_TYPES = tuple(REQUESTS.values())
ANSWER_TYPES = tuple(one.answer_type for one in REQUEST_TYPES)

TEXT = strategies.text(max_size=12)
NUMBERS = strategies.floats(allow_nan=False, allow_infinity=False)
WHOLE = strategies.integers(-(2**62), 2**62)
JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | WHOLE | NUMBERS | TEXT,
    lambda each: strategies.lists(each, max_size=3) | strategies.dictionaries(TEXT, each, max_size=3),
    max_leaves=5,
)
TIMES = strategies.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1))  # noqa: DTZ001
PLAIN = {
    str: TEXT,
    int: WHOLE,
    float: NUMBERS,
    bool: strategies.booleans(),
    object: JSON,
    NoneType: strategies.none(),
    datetime: TIMES | TIMES.map(lambda one: one.replace(tzinfo=UTC)),
}


@functools.cache
def made_up(hint):
    """Values of a type as it stands in a message."""
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        names = [one.name for one in dataclasses.fields(hint)]
        return strategies.builds(hint, **{name: made_up(hints[name]) for name in names})
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return strategies.lists(made_up(inner[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return strategies.dictionaries(TEXT, made_up(inner[1]), max_size=3)
    if origin is Literal:
        return strategies.sampled_from(inner)
    if origin is not None:
        return strategies.one_of(*map(made_up, inner))
    return PLAIN[hint]


def objects_of(hint, value):
    """Every JSON object in a message's plain form whose names are fixed, the outermost first."""
    if dataclasses.is_dataclass(hint):
        yield value
        hints = get_type_hints(hint)
        for one in dataclasses.fields(hint):
            yield from objects_of(hints[one.name], value[one.name])
        return
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        for one in value:
            yield from objects_of(inner[0], one)
    elif get_origin(hint) is not None and get_origin(hint) is not Mapping and value is not None:
        for one in inner:
            yield from objects_of(one, value) if dataclasses.is_dataclass(one) else ()
