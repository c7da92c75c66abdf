"""A database full of traps: whatever runs one of its functions leaves a file; and what a database looks like."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

CLERK, CLERK_PASSWORD = "clerk", "pw-Clerk-1"

_TRAPS = """
CREATE TABLE victim (a int, b text);
INSERT INTO victim SELECT n, 'row ' || n FROM generate_series(1, 50) n;
CREATE SEQUENCE counter;
SELECT nextval('counter');
SELECT lo_from_bytea(4711, 'large');
-- It runs a program with its owner's rights, also in a read-only transaction.
CREATE FUNCTION spring(name text) RETURNS int LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $f$
BEGIN
  EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'touch {out}/' || name);
  RETURN 1;
END $f$;
CREATE FUNCTION liar(name text) RETURNS int LANGUAGE sql STABLE AS 'SELECT spring(name)';
CREATE FUNCTION worse_liar(name text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT spring(name)';
CREATE FUNCTION innocent() RETURNS int LANGUAGE internal VOLATILE AS 'pg_reload_conf';
CREATE FUNCTION by_default(n int DEFAULT spring('default')) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n';
CREATE FUNCTION of_row(victim) RETURNS int LANGUAGE sql STABLE AS $f$ SELECT spring('member') $f$;
CREATE FUNCTION "Odd Name"() RETURNS int LANGUAGE sql AS $f$ SELECT spring('odd') $f$;
CREATE FUNCTION step(state int, item int) RETURNS int LANGUAGE sql AS $f$ SELECT spring('aggregate') $f$;
CREATE AGGREGATE total_of(int) (sfunc = step, stype = int, initcond = '0');
CREATE FUNCTION compare(a int, b int) RETURNS bool LANGUAGE sql AS $f$ SELECT spring('operator') > 0 $f$;
CREATE OPERATOR @@@ (leftarg = int, rightarg = int, function = compare);
CREATE FUNCTION alike(a bool, b bool) RETURNS bool LANGUAGE sql AS $f$ SELECT spring('alike') > 0 $f$;
CREATE OPERATOR ~~ (leftarg = bool, rightarg = bool, function = alike);
CREATE FUNCTION "Äther"() RETURNS int LANGUAGE sql AS $f$ SELECT spring('beyond') $f$;
CREATE TYPE shoe AS (size int);
CREATE FUNCTION to_shoe(text) RETURNS shoe LANGUAGE sql AS $f$ SELECT ROW(spring('cast'))::shoe $f$;
CREATE CAST (text AS shoe) WITH FUNCTION to_shoe(text);
CREATE DOMAIN checked AS int CHECK (spring('domain') = VALUE);
CREATE TYPE box_of AS (inner_value checked);
CREATE TYPE span AS RANGE (subtype = checked, multirange_type_name = many_spans);
CREATE VIEW hidden AS SELECT spring('view') AS a;
CREATE VIEW deeper AS SELECT a FROM hidden;
CREATE VIEW by_operator AS SELECT 1 @@@ 2 AS a;
CREATE VIEW by_domain AS SELECT b.a::checked AS a FROM victim b;
CREATE VIEW exports AS SELECT lo_export(4711, '{out}/by-view') AS a;
CREATE VIEW notifies AS SELECT pg_notify('channel', 'x')::text AS a;
CREATE TABLE guarded (a int);
INSERT INTO guarded VALUES (1);
CREATE POLICY watch ON guarded USING (spring('policy') = a);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE RULE loud AS ON INSERT TO guarded DO ALSO SELECT spring('rule');
CREATE PROCEDURE proceed() LANGUAGE sql AS $f$ SELECT spring('procedure') $f$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO {clerk};
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {clerk};
GRANT ALL ON LARGE OBJECT 4711 TO {clerk};
GRANT CREATE ON SCHEMA public TO {clerk};
GRANT EXECUTE ON FUNCTION lo_export(oid, text), pg_read_file(text), pg_switch_wal(), pg_ls_dir(text) TO {clerk};
"""


@dataclass(frozen=True)
class Trapped:
    """A database with traps, and the folder where they leave their files."""

    url: str
    out: Path
    server: object

    def url_of(self, role: str) -> str:
        if role == "superuser":
            return self.url
        return self.url.replace(self.url.split("//")[1].split("@")[0], f"{CLERK}:{CLERK_PASSWORD}")

    @property
    def database(self) -> str:
        return self.url.rpartition("/")[2]

    def state(self) -> dict[str, object]:
        """Return everything that a statement might change, in the database, its server and its files."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found: dict[str, object] = {}
            tables = connection.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm', 'S') AND oid >= 16384 ORDER BY 1"
            ).fetchall()
            for (name,) in tables:
                rows = f"SELECT count(*), md5(string_agg(t::text, '|')) FROM (SELECT * FROM {name}) t"
                found[name] = connection.execute(rows).fetchone()
            for name, query in _CATALOGUES.items():
                found[name] = connection.execute(query).fetchall()
        found["out"] = sorted(path.name for path in self.out.iterdir())
        found["files"] = self._files()
        return found

    def _files(self) -> list[str]:
        """Return the files of the server's folder, without those that come and go by themselves."""
        data = self.server._data
        found = []
        for folder, folders, names in os.walk(data):
            place = Path(folder).relative_to(data)
            if place.parts[:1] in {
                ("base",),
                ("pg_wal",),
                ("pg_stat_tmp",),
                ("pg_stat",),
                ("pg_subtrans",),
                ("pg_xact",),
            }:
                folders.clear()
                continue
            found += [str(place / name) for name in names if name != "pg_internal.init"]
        return sorted(found)


_CATALOGUES = {
    "relations": "SELECT oid, relname, relkind, relowner, relacl::text FROM pg_class WHERE relpersistence <> 't' ORDER BY 1",
    "functions": "SELECT oid, proname, prosrc FROM pg_proc WHERE oid >= 16384 ORDER BY 1",
    "types": "SELECT count(*), max(oid::bigint) FROM pg_type",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_t%' ORDER BY 1",
    "roles": "SELECT rolname, rolsuper FROM pg_roles ORDER BY 1",
    "databases": "SELECT datname FROM pg_database WHERE datname NOT LIKE 'memmon%' ORDER BY 1",
    "large": "SELECT l.oid, l.lomacl::text, md5(string_agg(p.data::text, '')) FROM pg_largeobject_metadata l LEFT JOIN pg_largeobject p ON p.loid = l.oid GROUP BY 1, 2 ORDER BY 1",
    "slots": "SELECT slot_name FROM pg_replication_slots ORDER BY 1",
    "origins": "SELECT roname FROM pg_replication_origin ORDER BY 1",
    "settings": "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
    "reloaded": "SELECT pg_conf_load_time()",
    "prepared": "SELECT gid FROM pg_prepared_xacts",
    "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "idle": "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
}


def set_traps(server, url: str, out: Path) -> Trapped:
    """Fill a database with traps."""
    out.chmod(0o777)
    exists = f"SELECT 1 FROM pg_roles WHERE rolname = '{CLERK}'"
    if not server.execute(exists):
        server.execute(f"CREATE ROLE {CLERK} LOGIN PASSWORD '{CLERK_PASSWORD}'")
    with psycopg.connect(url) as connection:
        connection.execute(_TRAPS.replace("{out}", str(out)).replace("{clerk}", CLERK))
        offered = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
        for name in sorted(offered & set(_EXTENSIONS)):
            connection.execute(
                _EXTENSIONS[name].replace("{out}", str(out)).replace("{clerk}", CLERK).replace("{url}", url)
            )
    return Trapped(url=url, out=out, server=server)


_EXTENSIONS = {
    "dblink": """
        CREATE EXTENSION dblink;
        CREATE VIEW elsewhere AS SELECT * FROM dblink('{url}', 'DELETE FROM victim RETURNING a') AS t(a int);
        GRANT SELECT ON elsewhere TO {clerk};
    """,
    "file_fdw": """
        CREATE EXTENSION file_fdw;
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE program (line text) SERVER files OPTIONS (program 'touch {out}/foreign; echo x');
        CREATE TABLE parent (line text);
        ALTER FOREIGN TABLE program INHERIT parent;
        CREATE VIEW of_program AS SELECT * FROM program;
        GRANT SELECT ON program, parent, of_program TO {clerk};
    """,
    "tablefunc": "CREATE EXTENSION tablefunc;",
    "xml2": "CREATE EXTENSION xml2;",
    "citext": "CREATE EXTENSION citext;",
}
