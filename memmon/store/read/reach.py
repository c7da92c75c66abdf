"""What an operator's statement would run on a server, found in the server's catalogues before it runs.

Looked up by name in every schema: all functions that it may call; views and policies, whose
expressions are read as the server stores them; domains, casts and operators of the types concerned.
A name that means something else only makes the look stricter, never weaker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import SqlError
from memmon.store.read.harmless import FIRST_OWN_OID, reason_to_refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.store.read.ports import Rows
    from memmon.store.read.statement import Names

# A rule, a policy or a check is stored as a tree, in which these fields hold the numbers of functions.
_FUNCTION_FIELDS = r":(?:funcid|aggfnoid|winfnoid|tsmhandler) (\d+)"
_OPERATOR_FIELDS = r":opnos? (?:\(o )?(\d+)"

_REACHED = rf"""
WITH RECURSIVE relations(oid) AS (
  SELECT c.oid FROM pg_class c
  WHERE lower(c.relname::text COLLATE "C") = ANY(%(used)s) AND c.oid >= {FIRST_OWN_OID} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION
  SELECT deeper.oid FROM relations r CROSS JOIN LATERAL (
    SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = r.oid
    UNION ALL
    SELECT found[1]::oid
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class, regexp_matches(w.ev_action::text, ':relid (\d+)', 'g') found
    WHERE w.ev_class = r.oid AND w.ev_type = '1' AND c.relkind = 'v' AND found[1]::oid >= {FIRST_OWN_OID}
  ) deeper
), rules(name, tree) AS (
  SELECT c.relname::text, w.ev_action::text
  FROM relations r JOIN pg_class c ON c.oid = r.oid JOIN pg_rewrite w ON w.ev_class = r.oid AND w.ev_type = '1'
  WHERE c.relkind = 'v'
  UNION ALL
  SELECT c.relname::text, p.polqual::text
  FROM relations r JOIN pg_class c ON c.oid = r.oid JOIN pg_policy p ON p.polrelid = r.oid
  WHERE p.polqual IS NOT NULL
), types(oid) AS (
  SELECT t.oid FROM pg_type t WHERE lower(t.typname::text COLLATE "C") = ANY(%(used)s) AND t.oid >= {FIRST_OWN_OID}
  UNION
  SELECT a.atttypid FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.atttypid >= {FIRST_OWN_OID}
  UNION
  SELECT found[1]::oid FROM rules, regexp_matches(tree, ':resulttype (\d+)', 'g') found
  WHERE found[1]::oid >= {FIRST_OWN_OID}
  UNION
  SELECT deeper.oid FROM types y JOIN pg_type t ON t.oid = y.oid CROSS JOIN LATERAL (
    SELECT t.typelem AS oid UNION ALL SELECT t.typbasetype
    UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND t.typrelid <> 0
    -- servers before version 14 have no column for multiranges
    UNION ALL SELECT g.rngsubtype FROM pg_range g WHERE t.oid IN (g.rngtypid, (to_jsonb(g) ->> 'rngmultitypid')::oid)
    UNION ALL SELECT found[1]::oid FROM pg_constraint k, regexp_matches(k.conbin::text, ':resulttype (\d+)', 'g') found
      WHERE k.contypid = t.oid
  ) deeper WHERE deeper.oid >= {FIRST_OWN_OID}
), trees(name, tree) AS (
  SELECT name, tree FROM rules
  UNION ALL
  SELECT t.typname::text, k.conbin::text
  FROM types y JOIN pg_type t ON t.oid = y.oid JOIN pg_constraint k ON k.contypid = y.oid
  WHERE k.conbin IS NOT NULL
), functions(oid, via) AS (
  SELECT p.oid, '' FROM pg_proc p WHERE lower(p.proname::text COLLATE "C") = ANY(%(called)s)
  UNION
  SELECT p.oid, '' FROM pg_proc p LEFT JOIN pg_type t ON t.oid = p.proargtypes[0]
  WHERE lower(p.proname::text COLLATE "C") = ANY(%(members)s) AND p.pronargs - p.pronargdefaults <= 1 AND p.pronargs > 0
    AND t.typtype IN ('c', 'd', 'p')
  UNION
  SELECT found[1]::oid, name FROM trees, regexp_matches(tree, '{_FUNCTION_FIELDS}', 'g') found
  UNION
  SELECT o.oprcode::oid, name
  FROM trees, regexp_matches(tree, '{_OPERATOR_FIELDS}', 'g') found JOIN pg_operator o ON o.oid = found[1]::oid
  UNION
  SELECT o.oprcode::oid, 'operator ' || o.oprname FROM pg_operator o
  WHERE o.oid >= {FIRST_OWN_OID} AND strpos(%(symbols)s, o.oprname) > 0 AND (
    o.oprleft IN (SELECT oid FROM types) OR o.oprright IN (SELECT oid FROM types)
    OR greatest(o.oprleft, o.oprright) < {FIRST_OWN_OID}
  )
  UNION
  SELECT k.castfunc::oid, 'cast to ' || format_type(k.casttarget, NULL) FROM pg_cast k
  WHERE k.oid >= {FIRST_OWN_OID} AND k.castfunc <> 0 AND (
    k.castsource IN (SELECT oid FROM types) OR k.casttarget IN (SELECT oid FROM types)
    OR (greatest(k.castsource, k.casttarget) < {FIRST_OWN_OID} AND (
      k.castcontext = 'i' OR %(used)s && (
        string_to_array(format_type(k.casttarget, NULL), ' ')
        || (SELECT t.typname::text FROM pg_type t WHERE t.oid = k.casttarget)
      )
    ))
  )
), inner_functions(oid, via) AS (
  SELECT oid, via FROM functions
  UNION
  SELECT part.oid, 'aggregate ' || f.oid::regproc::text
  FROM functions f JOIN pg_aggregate g ON g.aggfnoid = f.oid AND f.oid >= {FIRST_OWN_OID} CROSS JOIN LATERAL unnest(ARRAY[
    g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn,
    g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn]::oid[]) part(oid)
  WHERE part.oid <> 0
)
SELECT p.proname::text, p.oid::bigint, p.provolatile::text, l.lanname::text, p.prosecdef, EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  ), min(f.via)
FROM inner_functions f JOIN pg_proc p ON p.oid = f.oid JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= {FIRST_OWN_OID} OR p.provolatile = 'v' OR f.via = ''
GROUP BY p.oid, l.lanname
UNION ALL
SELECT c.relname::text, 0, '', '', false, false, '' FROM relations r JOIN pg_class c ON c.oid = r.oid
WHERE c.relkind = 'f'
"""


def check_reach(ask: Callable[[str, Mapping[str, object]], Rows], names: Names) -> None:
    """Raise SqlError when a statement with these names may run what isn't harmless.

    `ask` runs a query (parameters are written `%(name)s`) with only pg_catalog on its search path.
    """
    parameters = {
        "used": list(names.used),
        "called": list(names.called),
        "members": list(names.members),
        "symbols": names.symbols,
    }
    for name, oid, volatility, language, is_definer, is_of_extension, via in ask(_REACHED, parameters):
        if not oid:
            msg = f"{name} is a foreign table, which another server or a program answers for: it is not read here"
            raise SqlError(msg)
        reason = reason_to_refuse(
            name=name,
            oid=oid,
            volatility=volatility,
            language=language,
            is_of_extension=is_of_extension,
            is_definer=is_definer,
        )
        if reason:
            where = f" (through {via})" if via else ""
            msg = f"the function {name}{where} is not run: {reason}; use psql where you mean it"
            raise SqlError(msg)
