"""About a hundred names that break careless programs; for the tests of whatever shows a name."""

MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></tr></table>", "&lt;b&gt;", "<!--", "-->",
    "]]>", "{{7*7}}", "{% raw %}", "${jndi:ldap://x}", "[red]rich markup[/red]", "[/]", "[link=file:///etc]x[/link]",
    "*bold*", "_under_", "`code`", "# heading", "| pipe | table |", "javascript:alert(1)", '" onmouseover="x',
]  # fmt: skip
TERMINAL = [
    "\x1b[31mred", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "\x1bc", "\x9b31m",
    "\x1b[", "\x1b", "\x07bell", "a\bb", "over\rwritten", "tab\there", "line\nbreak", "cr\r\nlf", "form\ffeed", "\x7f",
    "\x85next line", "\x1bP0;1|17/ab\x1b\\", "\u2028separator", "\u2029paragraph",
]  # fmt: skip
UNICODE = [
    "\x00", "nul\x00inside", "\x00leading", "\u202eright to left", "\u202d\u202a\u202b\u202c", "\u2066isolate\u2069",
    "\u200e\u200f\u061c", "zero\u200bwidth", "\u200djoin\u200c", "\ufeffbom", "soft\u00adhyphen", "\ud800", "\udfff tail",
    "a\ud83d", "\udc80\udcff", "e\u0301", "\u00e9", "Z\u0335\u0322\u0321" * 20, "\U0001f469\u200d\U0001f4bb",
    "\U000e0041tag", "\uffff", "\ufffe", "\ufdd0", "\U0001ffff", "\ue000private", "\u115f", "\u3164", "価格履歴",
    "цена", "سعر", "price\u00a0nbsp", "\u2003em space", "\ufffd", "ﬁ", "K", "\u017f",
]  # fmt: skip
QUERIES = [
    "'; DROP TABLE snapshot; --", '" OR 1=1 --', "Robert'); DROP TABLE series;--", "%s", "%(name)s", ":name", "?",
    "{0}", "{name}", "{0.__class__}", "%", "%%", "%n%n%n", "\\", "\\'", "''", '""', "NULL", "null", "None", "nan",
]  # fmt: skip
FILES = [
    "../../etc/passwd", "/dev/null", "C:\\Windows", "con", "a/b", ".", "..", "~", "$HOME", "`id`", "$(id)", "; rm -rf /",
    "| cat", "&& true", "-rf", "--help", "file:///etc/passwd",
]  # fmt: skip
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://x")',
    "=cmd|' /C calc'!A0",
    "a,b",
    'a"b',
    "a;b",
    "0",
    "1e9",
]
BLANKS = [" ", "  ", "\t", "\n", " lead", "trail ", "\u00a0", "\u200b", "__proto__", "constructor"]
LONG = [
    "x" * 200,
    "x" * 201,
    "x" * 10_000,
    "é" * 10_000,
    "\x00" * 10_000,
    "x" * 9_999 + "y",
    "\x1b[31m" * 2_000,
]

NAMES: list[str] = [*MARKUP, *TERMINAL, *UNICODE, *QUERIES, *FILES, *FORMULAS, *BLANKS, *LONG]
"""All of them, each once."""
