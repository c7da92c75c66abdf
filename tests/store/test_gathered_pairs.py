"""Pairs of numbers that a database gathers into one text are read back by the first of them, whatever its order."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import numpy as np

from memmon.store.read.samples import gathered_pairs, parsed_pairs


def test_pairs_are_read_back_in_order_with_what_is_missing():
    """Each number keeps its partner, a NULL is NaN, and the largest and least whole numbers survive."""
    rows = [(7, -3), (1, None), (900, 2**53), (2, 0)]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    aggregate = gathered_pairs(SimpleNamespace(dialect="sqlite"), "a", "b")
    (text,) = connection.execute(f"SELECT {aggregate} FROM t").fetchone()
    first, second = parsed_pairs(text)
    assert first.tolist() == [1, 2, 7, 900]
    np.testing.assert_array_equal(second, [np.nan, 0, -3, 2**53])


def test_of_no_rows_there_are_no_pairs():
    """An empty aggregate is NULL, and that is nothing."""
    assert [part.size for part in parsed_pairs(None)] == [0, 0]
