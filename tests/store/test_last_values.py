"""What is written of each series: what differs from what was written last, and that alone."""

from __future__ import annotations

import pytest

from memmon.store.write.known_series import LastValues

A, B, LONG = ("deque", "a", "length"), ("deque", "b", "length"), ("deque", "a", "bytes")


def values(*pairs):
    return {key[:2]: tuple(pair for pair in pairs if pair[0][:2] == key[:2]) for key, _ in pairs}


def test_only_what_differs_is_written():
    """A value that is as before is not told again, whether its name's values are the same tuple or an equal one."""
    known = LastValues()
    first = values((A, 1), (LONG, 10), (B, 2))
    assert known.change_to(first) == {A: 1, LONG: 10, B: 2}
    assert known.change_to(first) == {}
    assert known.change_to(values((A, 1), (LONG, 11), (B, 2))) == {LONG: 11}


def test_what_has_left_is_told_as_unknown_once():
    """A name, or one series of a name, that is no more is None from then on; what was None already is not told."""
    known = LastValues()
    known.change_to(values((A, 1), (LONG, 10), (B, None)))
    assert known.change_to(values((A, 1))) == {LONG: None}
    assert known.change_to({}) == {A: None}
    assert known.change_to({}) == {}
    assert not known.has(A)


def test_what_was_not_written_is_told_again():
    """After a transaction that failed, or of names that were refused, it is told with the next snapshot."""
    known = LastValues()
    first, second = values((A, 1), (B, 2)), values((A, 1), (B, 3))
    known.change_to(first)
    mark = known.mark()
    known.change_to(second)
    known.back_to(mark)
    assert known.change_to(second) == {B: 3}
    known.forget([A])
    assert known.change_to(second) == {A: 1}
    known.forget()
    assert known.change_to(second) == {A: 1, B: 3}


@pytest.mark.parametrize("key", [A, LONG])
def test_what_is_known_is_told(key):
    """A series is known while its name was written with it."""
    known = LastValues()
    known.change_to(values((A, 1)))
    assert known.has(key) is (key == A)


def test_names_that_are_not_told_stay_as_they_are():
    """Of a part of the names only these are looked at: the others have not left."""
    known = LastValues()
    known.change_to(values((A, 1), (B, 2)))
    assert known.change_to(values((A, 3)), is_all=False) == {A: 3}
    assert known.change_to(values((A, 3), (B, 2))) == {}
