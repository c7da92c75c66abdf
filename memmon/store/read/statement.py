"""What an operator's statement is made of: its first word, and the names that it uses.

Read as PostgreSQL's own lexer reads it, with `standard_conforming_strings` on. Where the two could
differ (an escaped identifier, a literal in two parts) the statement is refused: text that we take
for a literal must never be code to the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from memmon.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READING = frozenset({"select", "with", "values", "table", "explain"})
_EXPLAIN_WORDS = frozenset({"analyze", "analyse", "verbose", "query", "plan"})
_WRITING = frozenset({"insert", "update", "delete", "merge"})
_LONGEST_NAME_BYTES = 63
"""The server cuts a longer one, and would look up another name than ours."""

_OPERATORS_OF = {
    "like": "~~ !~~",
    "ilike": "~~* !~~*",
    "similar": "~ !~",
    "between": ">= <= > <",
    **dict.fromkeys(("in", "distinct", "nullif", "case", "using", "natural"), "= <>"),
}
"""Words that the server reads as operators, which it looks up by name like any other."""

_START, _PART = "A-Za-z_\x80-\U0010ffff", "0-9A-Za-z_\x80-\U0010ffff"
_COMMENT_MARK = re.compile(r"/\*|\*/")


@cache
def _pieces() -> re.Pattern[str]:
    """Return what finds the next piece: made for the first statement that is asked, for it takes long to make."""
    return re.compile(
        rf"""
      (?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escape>[eE]'(?:[^'\\]|\\.|'')*+')
    | (?P<refused>[uU]&"|[eE]')
    | (?P<literal>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+')
    | (?P<dollar>\$(?:[{_START}][{_PART}]*+)?\$)
    | (?P<quoted>"(?:[^"]|"")++")
    | (?P<word>[{_START}][{_PART}$]*+)
    | (?P<symbol>.)
    """,
        re.VERBOSE | re.DOTALL,
    )


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement; words and quoted names in lower case (ASCII), so that no spelling hides one."""

    kind: str
    """`word`, `quoted`, `literal` or `symbol` (one character)."""
    text: str

    @property
    def is_name(self) -> bool:
        """Whether it can name something of the database."""
        return self.kind in {"word", "quoted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a statement names, in lower case."""

    used: tuple[str, ...]
    called: tuple[str, ...]
    """Those followed by a parenthesis: functions, or words like IN."""
    members: tuple[str, ...]
    """Those behind a dot: `t.f` calls f(t) where t has no such column."""
    symbols: str
    """The signs between the words, in order, and those that words stand for: operators are somewhere in it."""


def check_reading(statement: str, *, dialect: str) -> None:
    """Raise SqlError unless `statement` begins as one that reads (`dialect`: `sqlite` or `postgresql`)."""
    if "\0" in statement:
        msg = "the statement holds a NUL character: leave it out"
        raise SqlError(msg)
    first = _reading_word(statement, dialect)
    if dialect == "sqlite":
        return  # the rest is read by other rules there; its authorizer judges it
    if first == "with":
        _refuse_writing_with(statement)
    _refuse_second(statement)


def _reading_word(statement: str, dialect: str) -> str:
    """Return the word that a reading statement begins with, behind EXPLAIN where that stands before it."""
    first = next(_first_words(statement, dialect), None)
    if first is None:
        msg = "no statement given: try SELECT * FROM v_run"
        raise SqlError(msg)
    if first == "table" and dialect == "sqlite":
        msg = "SQLite has no TABLE statement: write SELECT * FROM and the name"
        raise SqlError(msg)
    if first not in READING:
        raise SqlError(_only_reading(first))
    if first == "explain":
        first = _explained(statement, nested=dialect != "sqlite")
        if first not in READING - {"explain"}:
            raise SqlError(_only_reading(f"explain {first}"))
    return first


def names_of(statement: str) -> Names:
    """Return what a statement names; raises SqlError where it can't be told."""
    found = list(tokens(statement))
    after = [*found[1:], Token("symbol", "")]
    before = [Token("symbol", ""), *found[:-1]]
    return Names(
        used=_names(one for one in found if one.is_name),
        called=_names(
            one for one, next_ in zip(found, after, strict=True) if one.is_name and next_.text == "("
        ),
        members=_names(
            one
            for one, last in zip(found, before, strict=True)
            if one.is_name and last == Token("symbol", ".")
        ),
        symbols="".join(
            one.text if one.kind == "symbol" else f" {_OPERATORS_OF.get(one.text, '')} " for one in found
        ),
    )


def tokens(statement: str, *, nested: bool = True) -> Iterator[Token]:
    """Yield the tokens of a statement without its comments; raises SqlError for what has no end.

    `nested`: a comment may hold comments, as on PostgreSQL.
    """
    at, is_escaped = 0, False
    while at < len(statement):
        match = _pieces().match(statement, at)
        assert match is not None
        kind, text, at = str(match.lastgroup), match.group(), match.end()
        if kind == "space":
            continue
        if kind == "comment":
            at = _end_of_comment(statement, at, nested=nested)
            continue
        if kind == "dollar":
            at = _end_of_dollar(statement, text, at)
        if kind == "refused" or (kind == "symbol" and text in "'\"") or (is_escaped and text[0] == "'"):
            raise SqlError(_unclear(text))
        is_escaped = kind == "escape"
        yield _token(kind, text)


def _token(kind: str, text: str) -> Token:
    if kind == "quoted":
        return Token(kind, _name(text[1:-1].replace('""', '"')))
    if kind == "word":
        return Token(kind, _name(text))
    return Token("symbol" if kind == "symbol" else "literal", text)


def _name(name: str) -> str:
    encoded = name.encode(errors="surrogatepass")
    if len(encoded) > _LONGEST_NAME_BYTES:
        msg = f"the name {name[:20]}... is longer than {_LONGEST_NAME_BYTES} bytes: no table or column is called so"
        raise SqlError(msg)
    return encoded.lower().decode(errors="surrogatepass")


def _end_of_comment(statement: str, at: int, *, nested: bool) -> int:
    depth = 1
    while match := _COMMENT_MARK.search(statement, at):
        at = match.end()
        if match.group() == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if not depth:
            return at
    msg = "a comment has no end: close it with */"
    raise SqlError(msg)


def _end_of_dollar(statement: str, mark: str, at: int) -> int:
    end = statement.find(mark, at)
    if end < 0:
        msg = f"the literal that begins with {mark} has no end"
        raise SqlError(msg)
    return end + len(mark)


def _first_words(statement: str, dialect: str) -> Iterator[str]:
    """Yield the words of a statement from its first on, past comments and opening parentheses."""
    for token in tokens(statement, nested=dialect != "sqlite"):
        if token.kind == "symbol" and token.text == "(":
            continue
        yield _shown(token)


def _explained(statement: str, *, nested: bool) -> str:
    """Return the first word of what an EXPLAIN explains, past its options and opening parentheses."""
    rest = tokens(statement, nested=nested)
    next(rest)  # EXPLAIN itself
    is_option, last = False, ""
    for token in rest:
        if not last and token.text == "(":
            is_option = True
        elif is_option and not (last == "(" and token.text in {"(", *READING}):
            is_option = token.text != ")"
        elif token.kind != "symbol" and (token.kind != "word" or token.text not in _EXPLAIN_WORDS):
            return _shown(token)
        else:
            is_option = False
        last = token.text
    return "without a statement"


def _refuse_writing_with(statement: str) -> None:
    """Raise SqlError where a parenthesis of a WITH opens or is followed by a statement that writes."""
    last = Token("symbol", "")
    for token in tokens(statement):
        if (
            token.kind == "word"
            and token.text in _WRITING
            and last.kind == "symbol"
            and last.text in {"(", ")"}
        ):
            raise SqlError(_only_reading(f"with ... {token.text}"))
        last = token


def _refuse_second(statement: str) -> None:
    last = Token("symbol", "")
    for token in tokens(statement):
        if last == Token("symbol", ";") != token:
            msg = "one statement is run at a time: this text holds a second one behind a ';'"
            raise SqlError(msg)
        last = token


def _shown(token: Token) -> str:
    return token.text if token.kind == "word" else f"{token.text[:20]!r}"


def _names(found: Iterable[Token]) -> tuple[str, ...]:
    """Return the names, and as a server with a one-byte encoding would fold them."""
    return tuple(sorted({form for one in found for form in (one.text, one.text.lower())}))


def _only_reading(what: str) -> str:
    return (
        f"{what.upper()} is not run: only reading statements (SELECT, WITH, VALUES, TABLE, EXPLAIN) are; "
        "use `memmon db` to maintain a database"
    )


def _unclear(text: str) -> str:
    if text.endswith('&"'):
        return 'a name written U&"..." is not read: write the name itself'
    if len(text) > 2:  # noqa: PLR2004 -- E' alone has no end
        return "a literal E'...' in two parts is not read: write it as one"
    return f"a literal or name that begins with {text} has no end"
