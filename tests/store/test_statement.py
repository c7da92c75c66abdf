"""Reading an operator's statement as the server would."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from memmon.errors import SqlError
from memmon.store.read.statement import check_reading, names_of


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        "SELECT 1;",
        "values (1) ; -- end",
        "((select 1) union (select 2))",
        "/* a /* nested */ comment */ -- and a line\n with x as (select 1) table x",
        "explain select 1",
        "explain (analyze, format json) select 1",
        "explain (select 1)",
        "explain analyze verbose (table x)",
        "select ';' || $$;$$ || E'\\';'",
        'select "insert", x.delete from t x',
    ],
)
def test_statement_that_reads_passes(statement):
    """What begins with a reading word passes, whatever comments and parentheses stand before it."""
    check_reading(statement, dialect="postgresql")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("", "no statement"),
        ("-- select 1", "no statement"),
        ("/* select */ delete from t", "DELETE is not run"),
        ("/* /* */ select 1 */ delete from t", "DELETE is not run"),
        ("/* /* */ select 1", "no end"),
        ("select 'a", "no end"),
        ('select "a', "no end"),
        ("select $a$ 1 $b$", "no end"),
        ("select E'\\'", "no end"),
        ("select 1; select 2", "one statement"),
        ("select 1; ; select 2", "one statement"),
        ("select 1 \0", "NUL"),
        ("'select' 1", "not run"),
        ('"select" 1', "not run"),
        ("(((copy t to stdout)))", "COPY is not run"),
        ("explain", "EXPLAIN WITHOUT"),
        ("explain analyze delete from t", "EXPLAIN DELETE"),
        ("explain (analyze, buffers) (insert into t values (1))", "EXPLAIN INSERT"),
        ("explain (analyze) explain analyze delete from t", "EXPLAIN EXPLAIN"),
        ("with x as (select 1) insert into t select 1", "WITH ... INSERT"),
        (
            "with x as not materialized (merge into t using u on true when matched then delete) select 1",
            "MERGE",
        ),
        ("explain analyze with x as (delete from t returning 1) table x", "WITH ... DELETE"),
        ('select U&"\\0061"', "write the name itself"),
        ("select E'a'\n'b'", "in two parts"),
        (f"select {'a' * 64}", "longer than 63"),
    ],
)
def test_statement_that_might_write_is_refused(statement, words):
    """What doesn't begin so, has no clear end, or reads differently to the server is refused, and the message says why."""
    with pytest.raises(SqlError, match=words.replace("...", r"\.\.\.").replace("(", r"\(")):
        check_reading(statement, dialect="postgresql")
        names_of(statement)


def test_statement_names_are_found_outside_literals():
    """Names that are called, members and signs are found in any spelling, and none in literals and comments."""
    found = names_of(
        """select "Odd""Name"(1), Pg_Catalog . LO_EXPORT /* x( */ (2), t.member, 'hidden(1)', E'\\'inner(', $a$body($a$
        -- line(
        from Ä(3) where a @@@ b and 1 between 2 and 3 and x like 'y' and e'z' <> u&'w('"""
    )
    assert {'odd"name', "lo_export", "Ä", "ä"} <= set(found.called)
    assert not {"hidden", "inner", "body", "line", "x", "w"} & set(found.called)
    assert {"lo_export", "member"} <= set(found.members)
    assert all(sign in found.symbols for sign in ("@@@", "~~", ">=", "<>"))
    assert "'" not in found.symbols


def test_statement_with_a_comment_inside_a_call_is_seen_through():
    """Comments, line ends and numbers right before a name don't hide that it is called."""
    for text in ("a--\n(1)", "a/* /* */ */(1)", "1a(1)", "$1a(1)", "'x'a(1)", "$$x$$a(1)", "e'x'a(1)"):
        assert "a" in names_of(f"select {text}").called, text


@pytest.mark.parametrize("length", [10_000, 200_000])
def test_statement_is_read_in_a_time_that_grows_with_its_length(length):
    """No text makes the reading take longer than its length asks for."""
    for piece in ("'", "''", "/*", "--", "$a", "E'\\", '"', '""', "((", "u&'", "-"):
        begun = time.process_time()
        with suppress(SqlError):
            names_of("select " + piece * (length // len(piece)))
        assert time.process_time() - begun < 5, piece
