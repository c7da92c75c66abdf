"""Which functions an operator's statement may call on a server, and why not the others.

A read-only transaction keeps tables as they are, and nothing else: a superuser's SELECT writes
files (lo_export), ends other sessions, reloads settings, opens a second connection (dblink). All
that can are declared volatile, so the server's own declaration decides, with two short lists: what
is volatile and harmless, and what is not volatile and hides a second statement from this look.
"""

from __future__ import annotations

HARMLESS_VOLATILE = frozenset(
    {
        # chance and the clock
        *("random", "random_normal", "array_sample", "array_shuffle", "clock_timestamp", "timeofday"),
        *("gen_random_uuid", "uuidv4", "uuidv7", "pg_sleep", "pg_sleep_for", "pg_sleep_until"),
        # the methods of TABLESAMPLE
        *("bernoulli", "system"),
        # how large the database is
        *("pg_database_size", "pg_relation_size", "pg_table_size", "pg_indexes_size"),
        *("pg_total_relation_size", "pg_tablespace_size"),
        # what runs now
        *("pg_blocking_pids", "pg_is_in_recovery", "pg_lock_status", "pg_current_wal_lsn"),
    }
)
HIDING = frozenset(
    {
        # they read tables and views whose names stand in a literal, or in none
        *("table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema"),
        *("schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema"),
        *("database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema"),
        # they apply a type, and its checks, by a name in a literal
        *("pg_input_is_valid", "pg_input_error_info"),
    }
)
TAKING_A_NUMBER = frozenset({"txid_current", "pg_current_xact_id"})
"""Not volatile by declaration, though the server counts on for each call."""

FIRST_OWN_OID = 16_384
"""Objects below came with the server."""
TRUSTED_LANGUAGES = frozenset({"internal", "c", "sql"})
"""Of an extension's functions; an untrusted language is untrusted there too."""


def reason_to_refuse(
    *, name: str, oid: int, volatility: str, language: str, is_of_extension: bool, is_definer: bool
) -> str | None:
    """Return why a function is not called for an operator; None: it is harmless.

    A function of the server's must not be volatile, one of an extension must be immutable. One that
    somebody wrote is never called: its declaration binds only itself, not what it calls in turn.
    """
    if oid < FIRST_OWN_OID:
        if name in HIDING:
            return "it reads what the statement doesn't name"
        if name in TAKING_A_NUMBER:
            return "it uses up a number of the server's transactions"
        if volatility == "v" and name not in HARMLESS_VOLATILE:
            return "it is volatile: it may change what a read-only transaction doesn't protect"
        return None
    if is_definer:
        return "it runs with its owner's rights"
    if not is_of_extension:
        return "it is not the server's own, so what it calls in turn isn't known"
    if volatility != "i" or language not in TRUSTED_LANGUAGES:
        return "it is an extension's, and not declared immutable in a trusted language"
    return None
