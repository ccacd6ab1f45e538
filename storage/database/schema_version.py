"""The schema revision of an archive, and whether this program supports it."""

from pathlib import Path
from typing import TYPE_CHECKING

from storage.database.archive_errors import ArchiveError, ArchiveMissingError
from storage.database.ownership import is_ours
from storage.database.rows import fetch, fetch_row, stream
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from alembic import script
    from sqlalchemy import Connection, Engine

    from storage.database import engine as engines
    from storage.database.sqlite_file import SqliteReader
else:
    script = LazyModule("alembic.script")
    engines = LazyModule("storage.database.engine")

FIRST, OLD_TABLE, LAST_OLD_TABLE = "0001", "sight", "restriction"
"""The revision with which the numbers were restarted; a table of all schemas until then, and one
that most of them lack.
"""
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(each.name[:4] for each in (MIGRATIONS / "versions").glob("[0-9]*.py"))
"""The newest revision, by the names of the files: reading need not import Alembic."""


class SchemaNewerError(ArchiveError):
    """A newer program created the archive."""

    def __init__(self, place: str, found: str, known: str) -> None:
        super().__init__(
            f"the archive at {place} has schema {found}, this program knows {known}: "
            "install a newer lesart"
        )
        self.place, self.found, self.known = place, found, known


class SchemaUnreleasedError(ArchiveError):
    """The archive has a schema from before the numbers of the schemas were restarted."""

    def __init__(self, place: str, found: str) -> None:
        super().__init__(
            f"the archive at {place} has the old schema {found}, which only the program that wrote "
            "it can read: with that one run `lesart export --format warc -o captures.warc.gz`, "
            "then with this one `lesart ingest captures.warc.gz` into a new archive"
        )
        self.place, self.found = place, found


class SchemaOlderError(ArchiveError):
    """The archive has an older schema than this program needs."""

    def __init__(self, place: str, found: str, known: str) -> None:
        super().__init__(
            f"the archive at {place} has schema {found}, this program needs {known}: "
            "run `lesart db upgrade`"
        )
        self.place, self.found, self.known = place, found, known


def require_current(engine: "Engine | SqliteReader") -> None:
    """Check, without changing anything, that the archive exists in the current schema.

    Raises: ArchiveMissingError, SchemaOlderError, SchemaNewerError, SchemaUnreleasedError.
    """
    with engine.connect() as connection:
        found = read_revision(connection)
        place = _place(connection)
        known = head()
        refuse_newer(connection, found, known)
    if found is None:
        raise ArchiveMissingError(place)
    if found != known:
        raise SchemaOlderError(place, found, known)


def head() -> str:
    """Return the newest revision of this program."""
    return HEAD


def revisions() -> list[str]:
    """Return all revisions with a migration, the newest first."""
    scripts = script.ScriptDirectory(str(MIGRATIONS))
    return [each.revision for each in scripts.walk_revisions()]


def read_revision(connection: "Connection") -> str | None:
    """Return the revision of the schema in a database; None if there is no archive.

    Raises: SchemaUnreleasedError.
    """
    names = names_in(connection)
    if not is_ours(names):
        return None
    rows = fetch(connection, "SELECT version_num FROM alembic_version", {})
    found: str | None = rows[0]["version_num"] if rows else None
    if found is not None and OLD_TABLE in names and (found > FIRST or LAST_OLD_TABLE not in names):
        raise SchemaUnreleasedError(_place(connection), found)
    return found


def names_in(connection: "Connection") -> set[str]:
    """Return the names of all tables, views and indexes of a database, or of its schema."""
    query = "SELECT name FROM sqlite_master"
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT relname AS name FROM pg_class "
            "WHERE relnamespace = current_schema()::regnamespace"
        )
    return {row["name"] for row in stream(connection, query, {})}


def refuse_newer(connection: "Connection", found: str | None, known: str) -> None:
    """Raise SchemaNewerError for a revision that no archive until this program had."""
    if found is not None and not FIRST <= found <= known:
        raise SchemaNewerError(_place(connection), found, known)


def _place(connection: "Connection") -> str:
    """Return the location of a database from a connection that may hold its lock."""
    if connection.dialect.name == "postgresql":
        return engines.place_of(connection.engine.url)
    query = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    return str(fetch_row(connection, query, {})["file"])
