"""The role of PostgreSQL for SQL of users: its rights, and the names that a query may contain."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy

from storage.database.views import READER_ROLE, VIEWS
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql as statements
    from sqlalchemy import Connection
else:
    statements = LazyModule("psycopg.sql")

HARMLESS = (
    "random", "random_normal", "array_sample", "array_shuffle", "clock_timestamp", "timeofday",
    "gen_random_uuid", "uuidv4", "uuidv7",
)  # fmt: skip
"""Volatile functions that a query may call: they only return a value."""
FOR_CLIENTS = (
    "pg_is_in_recovery", "pg_last_wal_replay_lsn", "pg_current_wal_insert_lsn",
    "pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size",
    "pg_database_size", "pg_advisory_unlock_all",
)  # fmt: skip
"""Volatile functions that Lesart itself, psql, DBeaver and other clients call with this role."""
ACTING = r"(table|schema|database|query|cursor)_to_xml\w*|txid_current\w*|pg_current_xact_id\w*"
"""Functions that run a query from a text or assign a number to a transaction, also stable ones."""
_ACTING = re.compile(ACTING)
_ESCAPED = re.compile(r'\bu&"[^"]*+"?', re.IGNORECASE)
MOST_FAULTS = 3
SUPERUSER = "is a superuser"
TEMP_FILE_LIMIT = "1GB"
"""Maximum size of the temporary files of a query with this role; only a superuser can set it."""

_CALLABLE = """
prokind <> 'p' AND NOT 'internal'::regtype = ANY (proargtypes::oid[])
AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)"""
_REFUSED = f"""
SELECT DISTINCT proname FROM pg_proc
WHERE (provolatile = 'v' OR provolatile = 's' AND pronamespace <> 'pg_catalog'::regnamespace)
AND has_function_privilege(oid, 'EXECUTE') AND NOT proname = ANY (%s) AND {_CALLABLE}"""
_TAKEN = f"""
FROM pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND {_CALLABLE}
AND (provolatile = 'v' OR proname ~ :acting) AND NOT proname = ANY (:spared)
AND NOT EXISTS (SELECT FROM pg_init_privs WHERE objoid = p.oid AND classoid = 'pg_proc'::regclass)
"""
_SIGNATURE = "format('pg_catalog.%I(%s)', proname, pg_get_function_identity_arguments(p.oid))"
_PUBLIC = f"""
SELECT {_SIGNATURE} {_TAKEN} AND EXISTS (
    SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
    WHERE grantee = 0 AND privilege_type = 'EXECUTE')"""
_OTHER_ROLES = """
SELECT rolname, quote_ident(rolname) FROM pg_roles
WHERE NOT rolsuper AND rolname <> :reader AND rolname !~ '^pg_' ORDER BY rolname"""
_LACKING = f"SELECT {_SIGNATURE} {_TAKEN} AND NOT has_function_privilege(:role, p.oid, 'EXECUTE')"
_OTHER_RELATIONS = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname <> 'information_schema'
AND nspname !~ '^pg_' AND NOT (nspname = current_schema() AND relname = ANY (:own))"""

_FAULTS = f"""
WITH me AS (SELECT * FROM pg_roles WHERE rolname = current_user),
things AS (
    SELECT c.oid, relkind, relname, nspname = current_schema() AND relname = ANY (%s) AS is_view
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname <> 'information_schema'
    AND nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.deptype = 'e')
)
SELECT '{SUPERUSER}' FROM me WHERE rolsuper
UNION ALL SELECT 'can become ' || session_user FROM me WHERE current_user <> session_user
UNION ALL SELECT 'may create roles, create databases, replicate or ignore row security' FROM me
    WHERE rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
UNION ALL SELECT 'is a member of ' || other.rolname FROM me, pg_roles other
    WHERE other.oid <> me.oid AND pg_has_role(other.oid, 'MEMBER')
UNION ALL SELECT 'may create schemas' WHERE has_database_privilege(current_database(), 'CREATE')
UNION ALL SELECT 'may create objects in the schema ' || nspname FROM pg_namespace
    WHERE nspname !~ '^pg_(toast_)?temp' AND has_schema_privilege(oid, 'CREATE')
UNION ALL SELECT 'may call ' || proname || ', which has the rights of its owner' FROM pg_proc
    WHERE prosecdef AND pronamespace <> 'pg_catalog'::regnamespace
    AND has_schema_privilege(pronamespace, 'USAGE') AND has_function_privilege(oid, 'EXECUTE')
UNION ALL SELECT 'may read ' || relname FROM things
    WHERE NOT is_view AND has_any_column_privilege(oid, 'SELECT')
UNION ALL SELECT 'may change ' || relname FROM things
    WHERE has_any_column_privilege(oid, 'INSERT, UPDATE')
    OR has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER')
    OR CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, UPDATE') END
"""

WORD = re.compile(r"[^\W\d][\w$]*")
MOST_NAME_BYTES = 63
"""PostgreSQL ignores the rest of a longer name."""


def pin_schema(database: "psycopg.Connection[Any]") -> None:
    """Let names mean objects of the archive's schema until the transaction ends.

    Otherwise temporary tables of a session, which a pooler may share, would come first.
    """
    row = database.execute("SELECT current_schema()").fetchone()
    if row is not None and row[0] is not None:
        path = statements.SQL("SET LOCAL search_path = {}, pg_temp")
        database.execute(path.format(statements.Identifier(row[0])))


def find_faults(database: "psycopg.Connection[Any]") -> list[str]:
    """Return the rights of the role of a connection in addition to selecting from the views.

    It reads privileges, not the name of the role. Call `pin_schema` first.
    """
    own = [*VIEWS, "alembic_version"]
    faults = [row[0] for row in database.execute(_FAULTS, [own]).fetchmany(MOST_FAULTS)]
    return faults[:1] if faults[:1] == [SUPERUSER] else faults


def find_refused_name(database: "psycopg.Connection[Any]", query: str) -> str | None:
    """Return the first word of a query that users may not write, also not inside of a text.

    These are catalogs, functions that the role may execute and that are not HARMLESS, and names
    with escapes. The functions come from the server, so those of an extension are refused too.
    """
    if (escaped := _ESCAPED.search(query)) is not None:
        return escaped[0]
    rows = database.execute(_REFUSED, [list(HARMLESS)])
    return find_word(query, {row[0].lower() for row in rows})


def find_word(query: str, functions: Iterable[str]) -> str | None:
    """Return the first word of a query that is a catalog or one of the functions.

    >>> find_word('SELECT "NEXTVAL"(a) FROM information_schema.tables', {"nextval"})
    'NEXTVAL'
    >>> find_word("SELECT title FROM articles", {"nextval"})
    """
    for word in WORD.findall(query):
        name = word.lower()[:MOST_NAME_BYTES]
        if name in functions or name.startswith("pg_") or name == "information_schema":
            return str(word)
        if _ACTING.fullmatch(name):
            return str(word)
    return None


def confine_reader(connection: "Connection", own: Iterable[str]) -> None:
    """Take from `lesart_reader` functions that act beyond rows, if a superuser asks for it.

    PostgreSQL can take them from everybody only. Every other role gets them back by name; so does
    a role that was made since the last upgrade. A database that has more than the `own` relations
    is left as it is: roles of other programs would miss the functions.
    """
    is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    if not connection.execute(sqlalchemy.text(is_super)).scalar():
        return
    limit = f"ALTER ROLE {READER_ROLE} SET temp_file_limit = '{TEMP_FILE_LIMIT}'"
    has_limit = (
        "SELECT array_to_string(rolconfig, ' ') LIKE '%temp_file_limit=%' FROM pg_roles "
        "WHERE rolname = :reader"
    )
    query = sqlalchemy.text(has_limit)
    if not connection.execute(query, {"reader": READER_ROLE}).scalar():
        connection.execute(sqlalchemy.text(limit))
    if connection.execute(sqlalchemy.text(_OTHER_RELATIONS), {"own": list(own)}).scalar():
        return
    named = {"acting": f"^({ACTING})$", "spared": [*HARMLESS, *FOR_CLIENTS]}
    _change_functions(connection, _PUBLIC, named, "REVOKE", "FROM PUBLIC")
    others = connection.execute(sqlalchemy.text(_OTHER_ROLES), {"reader": READER_ROLE}).all()
    for role, quoted in others:
        _change_functions(connection, _LACKING, {**named, "role": role}, "GRANT", f"TO {quoted}")


def _change_functions(
    connection: "Connection", query: str, named: dict[str, Any], verb: str, whom: str
) -> None:
    functions = connection.execute(sqlalchemy.text(query), named).scalars().all()
    if functions:
        connection.exec_driver_sql(f"{verb} EXECUTE ON FUNCTION {', '.join(functions)} {whom}")
