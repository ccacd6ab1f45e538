"""Create the schema of an archive or upgrade it: tables, full text, guards, views, grants."""

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    text,
)

from storage.database.archive_errors import ForeignDatabaseError
from storage.database.columns import JSON_TYPE
from storage.database.engine import database_epoch, place_of
from storage.database.schema_version import (
    MIGRATIONS,
    head,
    names_in,
    read_revision,
    refuse_newer,
    revisions,
)
from storage.database.servers.reader_role import confine_reader
from storage.database.table_facts import EMPTIED, ERASABLE, RECORD, STATE_TABLES
from storage.database.tables.kept import create_kept, kept_records, store_facts, table_named
from storage.database.tables.metadata import METADATA
from storage.database.view_queries.sql_words import INDEXED_TOKENS
from storage.database.views import COLUMNS, READER_ROLE, VIEWS, create_views, drop_views
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from alembic import command as migrations
    from alembic import config as migration_config
else:
    migrations = LazyModule("alembic.command")
    migration_config = LazyModule("alembic.config")

WORKER_ROLE = "lesart_worker"
PAGE_ROLE = "lesart_page"
NOT_FOR_THE_PAGE = frozenset(table.name for table in STATE_TABLES if table.is_secret)
"""Tables with credentials, or with data that would allow texts to be guessed."""


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Upgrade to the newest schema in one transaction; return the revisions before and after.

    Raises: SchemaNewerError, ForeignDatabaseError; the database is unchanged then.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('lesart schema'))"))
        before = read_revision(connection)
        known = head()
        if before == known and _is_whole(connection):
            store_facts(connection)
            _grant_roles(connection)
            return before, known
        refuse_newer(connection, before, known)
        if before is None:
            _refuse_foreign(connection)
        drop_views(connection)
        if before is None:
            _create_tables(connection)
        else:
            _drop_guards(connection)
            _migrate(connection, before)
        _create_guards(connection)
        create_views(connection)
        _insert_archive(connection)
        store_facts(connection)
        _grant_roles(connection)
        return before, known


def _refuse_foreign(connection: Connection) -> None:
    """Raise ForeignDatabaseError if a database that is no archive has one of the archive's names.

    An SQLite file has nothing else; a PostgreSQL schema may contain tables of other programs.
    """
    there = names_in(connection)
    if connection.dialect.name == "postgresql":
        there &= {*METADATA.tables, *VIEWS, "alembic_version", *_TEXT_INDEXES}
    if there:
        raise ForeignDatabaseError(place_of(connection.engine.url), there)


def missing_guards(connection: Connection) -> list[str]:
    """Return the names of missing guard triggers."""
    third = "truncate" if connection.dialect.name == "postgresql" else "insert"
    events = ("update", "delete", third)
    names = {f"guard_{table}_{event}" for table in _records(connection) for event in events}
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    return sorted(names - set(connection.execute(text(query)).scalars()))


_COLUMNS_OF_SQLITE = """
SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
WHERE m.type IN ('table', 'view')"""
_COLUMNS_OF_POSTGRES = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"""


def missing_columns(connection: Connection) -> list[str]:
    """Return the columns that tables and views of this program have and the archive lacks."""
    is_postgres = connection.dialect.name == "postgresql"
    query = _COLUMNS_OF_POSTGRES if is_postgres else _COLUMNS_OF_SQLITE
    wanted = {
        *((name, column) for name, columns in COLUMNS.items() for column in columns),
        *(
            (name, column.name)
            for name, table in METADATA.tables.items()
            for column in table.columns
        ),
    }
    there = {(name, column) for name, column in connection.execute(text(query))}
    return [f"{name}.{column}" for name, column in sorted(wanted - there)]


def _migrate(connection: Connection, before: str) -> None:
    """Run the steps after a revision; `migrations/env.py` then creates the missing tables."""
    last = next(revision for revision in revisions() if revision <= before)
    connection.execute(text("UPDATE alembic_version SET version_num = :last"), {"last": last})
    config = migration_config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    migrations.upgrade(config, "head")


def _create_tables(connection: Connection) -> None:
    """Create the tables of the newest schema and record its revision.

    The migrations run on older archives only. They lead to the same schema.
    """
    METADATA.create_all(connection, checkfirst=False)
    revision = Table(
        "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
    )
    revision.create(connection)
    connection.execute(insert(revision).values(version_num=head()))
    if connection.dialect.name == "postgresql":
        _create_postgres_indexes(connection)
    else:
        connection.execute(text(_SEARCH_INDEX))
        connection.execute(text(_SENTENCE_INDEX))


def _is_whole(connection: Connection) -> bool:
    return not (missing_columns(connection) or missing_guards(connection))


def _insert_archive(connection: Connection) -> None:
    """Give a new archive its counter and its id."""
    counter, facts = METADATA.tables["counter"], METADATA.tables["archive"]
    if connection.execute(select(counter.c.name)).first() is None:
        connection.execute(insert(counter).values(name="seq", value=0))
        connection.execute(insert(facts).values(key="id", value=secrets.token_hex(16)))
        created_at = str(database_epoch(connection))
        connection.execute(insert(facts).values(key="created_at", value=created_at))


_INCOMPRESSIBLE = (
    ("capture", "data"),
    ("derivation", "raw_output"),
    ("search_text", "tokens"),
    ("log_run", "entries"),
    ("log_run", "openings"),
)
"""Columns that PostgreSQL would always try to compress without success: compressed bytes,
numbers.
"""

_BY_LZ4 = (("wording", "text"), ("search_text", "tokens"))
"""Columns compressed with lz4 if the server supports it: texts take a third of the time then."""
_KNOWS_LZ4 = (
    "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
)


PENDING_KB = 512
"""Size of the pending list of the full-text index in kB: each search reads all of it."""
CREATE_TOKENS_INDEX = (
    "CREATE INDEX search_text_tokens ON search_text "
    f"USING gin ({INDEXED_TOKENS.replace('s.', '')}) WITH (gin_pending_list_limit = {PENDING_KB})"
)

_TEXT_INDEXES = ("search_text", "sentence_text")
CREATE_SENTENCE_INDEX = (
    "CREATE TABLE sentence_text (wording_id bigint PRIMARY KEY, keys int[] NOT NULL)",
    "CREATE INDEX sentence_text_keys ON sentence_text USING gin (keys) WITH (fastupdate = off)",
)
"""An answer looks up a hundred sentences: none of them should read a pending list first."""


_SEARCH_INDEX = "CREATE VIRTUAL TABLE search_text USING fts5(tokens, content='', tokenize='ascii')"
_SENTENCE_INDEX = (
    "CREATE VIRTUAL TABLE sentence_text USING fts5("
    "keys, content='', detail=none, columnsize=0, tokenize='ascii')"
)


ANALYZE_EMPTY_TABLES = "ANALYZE restriction, restriction_lifted, corrected_scan"
"""Tables that are empty in most archives: until they are analysed, which autovacuum does not do,
PostgreSQL assumes hundreds of rows and avoids the index of a list.
"""


def _create_postgres_indexes(connection: Connection) -> None:
    """Create the full-text index and set storage options that only PostgreSQL has.

    Index keys get a plain index: writers hold a lock that prevents duplicates, and an index on the
    number alone is a third smaller than the primary key.
    """
    statements = [
        "CREATE TABLE search_text (wording_id bigint PRIMARY KEY, tokens tsvector NOT NULL)",
        CREATE_TOKENS_INDEX,
        *CREATE_SENTENCE_INDEX,
        "ALTER TABLE index_key DROP CONSTRAINT index_key_pkey",
        "CREATE INDEX index_key_by_key ON index_key (key)",
        "ALTER TABLE index_key REPLICA IDENTITY FULL",
    ]
    for table, column in _INCOMPRESSIBLE:
        statements.append(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
    if connection.execute(text(_KNOWS_LZ4)).scalar():
        for table, column in _BY_LZ4:
            change = f"ALTER TABLE {table} ALTER COLUMN {column}"
            statements += [f"{change} SET STORAGE EXTENDED", f"{change} SET COMPRESSION lz4"]
    for statement in [*statements, ANALYZE_EMPTY_TABLES]:
        connection.execute(text(statement))


_GUARDS_OF_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
_GUARDS_OF_POSTGRES = """
SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"""


def _records(connection: Connection) -> tuple[str, ...]:
    """Return the tables of the record, with those that the program does not know."""
    return (*RECORD, *(each.name for each in kept_records(connection)))


def copy_kept(old: Connection, new: Connection) -> list[Table]:
    """Create the tables in a copy that the program does not know, guarded; return them."""
    tables = create_kept(old, new)
    if tables and missing_guards(new):
        _drop_guards(new)
        _create_guards(new)
        _grant_roles(new)
    return tables


def _drop_guards(connection: Connection) -> None:
    """Drop the guards that are created again."""
    records = _records(connection)
    is_postgres = connection.dialect.name == "postgresql"
    found = connection.execute(text(_GUARDS_OF_POSTGRES if is_postgres else _GUARDS_OF_SQLITE))
    for name, table in found.all():
        if table in records and name.startswith("guard_"):
            place = f" ON {table}" if is_postgres else ""
            connection.execute(text(f"DROP TRIGGER {name}{place}"))


def _create_guards(connection: Connection) -> None:
    """Forbid changing or deleting rows of the record, except by a redaction.

    A redaction also deletes the salt in the log entry, which would allow content to be guessed.
    """
    make = _postgres_guard if connection.dialect.name == "postgresql" else _sqlite_guard
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRES_GUARD_FUNCTION.replace("{IN_THE_RUN}", _in_the_run())))
    for table in _records(connection):
        for statement in make(table):
            connection.execute(text(statement))


def _in_the_run() -> str:
    """Return SQL: this run of log entries contains a redacted one, whose salt may be deleted."""
    return (
        f"EXISTS (SELECT 1 FROM redaction WHERE table_name IN ({', '.join(map(repr, EMPTIED))}) "
        "AND row_id <= OLD.seq "
        "AND row_id > coalesce((SELECT max(seq) FROM log_run WHERE seq < OLD.seq), -1))"
    )


_POSTGRES_GUARD_FUNCTION = """
CREATE OR REPLACE FUNCTION lesart_guard() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    emptied text[] := TG_ARGV[0]::text[];
    old_row jsonb;
    new_row jsonb;
    name text;
BEGIN
    IF TG_OP = 'UPDATE' AND array_length(emptied, 1) IS NOT NULL THEN
        old_row := to_jsonb(OLD);
        new_row := to_jsonb(NEW);
        FOREACH name IN ARRAY emptied LOOP
            IF new_row -> name NOT IN (
                'null'::jsonb, old_row -> name, '[]'::jsonb, to_jsonb('redacted:' || OLD.id),
                to_jsonb(convert_to('redacted' || lpad(OLD.id::text, 24, '0'), 'UTF8'))
            ) THEN
                RAISE EXCEPTION 'the record is only added to: %', TG_TABLE_NAME;
            END IF;
            old_row := old_row - name;
            new_row := new_row - name;
        END LOOP;
        IF old_row = new_row AND EXISTS (
            SELECT 1 FROM redaction WHERE row_id = OLD.id
            AND table_name IN (TG_TABLE_NAME, TG_TABLE_NAME || '_address')
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'log_run' THEN
        IF to_jsonb(OLD) - 'openings' = to_jsonb(NEW) - 'openings' AND {IN_THE_RUN} THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the record is only added to: %', TG_TABLE_NAME;
END $body$
"""


def _postgres_guard(table: str) -> list[str]:
    emptied = "{" + ",".join(ERASABLE.get(table, ())) + "}"
    return [
        f"CREATE TRIGGER guard_{table}_{event} BEFORE {event.upper()} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION lesart_guard('{emptied}')"
        for event in ("update", "delete")
    ] + [
        f"CREATE TRIGGER guard_{table}_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION lesart_guard('{}')"
    ]


def _sqlite_guard(table: str) -> list[str]:
    refuse = f"SELECT RAISE(ABORT, 'the record is only added to: {table}')"
    update = f"CREATE TRIGGER guard_{table}_update BEFORE UPDATE ON {table}"
    if table in ERASABLE:
        emptied = ERASABLE[table]
        columns = table_named(table).columns
        kept = [c.name for c in columns if c.name not in emptied]
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in kept)
        gone = " AND ".join(_is_gone(columns[name]) for name in emptied)
        is_redacted = (
            f"EXISTS (SELECT 1 FROM redaction WHERE table_name IN ('{table}', '{table}_address') "
            "AND row_id = OLD.id)"
        )
        update += f" WHEN NOT ({same} AND {gone} AND {is_redacted})"
    if table == "log_run":
        same = "NEW.seq IS OLD.seq AND NEW.start IS OLD.start AND NEW.entries IS OLD.entries"
        update += f" WHEN NOT ({same} AND {_in_the_run()})"
    return [
        f"{update} BEGIN {refuse}; END",
        f"CREATE TRIGGER guard_{table}_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
        # INSERT OR REPLACE deletes conflicting rows without firing a trigger
        f"CREATE TRIGGER guard_{table}_insert BEFORE INSERT ON {table} "
        f"WHEN {_in_the_way(table)} BEGIN {refuse}; END",
    ]


def _is_gone(column: Column[Any]) -> str:
    """Return the SQL condition that a column is unchanged or empty (`storage.values.redaction`)."""
    new, old = f"NEW.{column.name}", f"OLD.{column.name}"
    if column.nullable:
        return f"({new} IS NULL OR {new} IS {old})"
    if isinstance(column.type, LargeBinary):
        return f"{new} IN ({old}, CAST('redacted' || printf('%024d', OLD.id) AS BLOB))"
    if column.type is JSON_TYPE:
        return f"{new} IN ({old}, '[]')"
    return f"{new} IN ({old}, 'redacted:' || OLD.id)"


def _in_the_way(table: str) -> str:
    """Return the SQL condition that a row has the key of the new one, or of its unique columns."""
    found = table_named(table)
    unique = [each for each in found.constraints if isinstance(each, UniqueConstraint)]
    keys = [[c.name for c in each.columns] for each in (found.primary_key, *unique)]
    keys += [[c.name] for c in found.columns if c.unique]
    same = [" AND ".join(f"{name} = NEW.{name}" for name in names) for names in keys]
    return " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {each})" for each in same)


def _grant_roles(connection: Connection) -> None:
    """Grant each role its privileges; only the owner of the tables can do so."""
    if connection.dialect.name != "postgresql":
        return
    owns = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'origin'::regclass"
    if connection.execute(text(owns)).scalar():
        _grant_reading(connection)
        _grant_writing(connection)
        _grant_page(connection)


def _grant_reading(connection: Connection) -> None:
    """Let `lesart_reader` select from the views and open the archive, if we may grant that."""
    exists = connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": READER_ROLE}
    ).scalar()
    may_create = connection.execute(
        text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    ).scalar()
    if not exists and may_create:
        connection.execute(text(f"CREATE ROLE {READER_ROLE} NOLOGIN"))
        exists = True
    if exists:
        schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {READER_ROLE}"))
        connection.execute(
            text(f"GRANT SELECT ON alembic_version, {', '.join(VIEWS)} TO {READER_ROLE}")
        )
        confine_reader(connection, ("alembic_version", *_TEXT_INDEXES, *VIEWS, *METADATA.tables))


def _grant_page(connection: Connection) -> None:
    """Let `lesart_page`, if it exists, select from everything but secrets; it writes nothing.

    Queries as of another time use its own temporary views.
    """
    query = text("SELECT 1 FROM pg_roles WHERE rolname = :role AND rolname <> current_user")
    if not connection.execute(query, {"role": PAGE_ROLE}).scalar():
        return
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    tables = [name for name in METADATA.tables if name not in NOT_FOR_THE_PAGE]
    names = ", ".join(("alembic_version", *_TEXT_INDEXES, *VIEWS, *tables))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {PAGE_ROLE}"))
    connection.execute(text(f"GRANT SELECT ON {names} TO {PAGE_ROLE}"))


def _grant_writing(connection: Connection) -> None:
    """Let `lesart_worker`, if it exists, insert into the record and change the state.

    It may empty redacted rows; the guards allow nothing else.
    """
    exists = connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :role AND rolname <> current_user"),
        {"role": WORKER_ROLE},
    ).scalar()
    if not exists:
        return
    state = [name for name in METADATA.tables if name not in RECORD]
    record = _records(connection)
    erasable = [(table, each) for table, each in ERASABLE.items() if table in record]
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for grant in (
        f"USAGE ON SCHEMA {schema}",
        f"SELECT ON alembic_version, {', '.join(VIEWS)}",
        f"SELECT, INSERT ON {', '.join(record)}",
        f"SELECT, INSERT, UPDATE, DELETE ON {', '.join((*_TEXT_INDEXES, *state))}",
        *(
            f"UPDATE ({', '.join(columns)}) ON {table}"
            for table, columns in [*erasable, ("log_run", ("openings",))]
        ),
    ):
        connection.execute(text(f"GRANT {grant} TO {WORKER_ROLE}"))
