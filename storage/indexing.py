"""Full text: hand finished tokens of wordings to FTS5 or to a tsvector."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, text

from storage.tables import SearchDueRow, WordingRow
from storage.tokens import index_tokens, to_tsvector, truncate
from storage.writing import table_of

DUE, WORDING = table_of(SearchDueRow), table_of(WordingRow)

ToIndex = tuple[int, Sequence[str]]
"""A wording's id with its finished tokens."""


def index_now(connection: Connection, items: Sequence[ToIndex]) -> None:
    """Index wordings and strike them off the list of those that are due."""
    if not items:
        return
    ids = [number for number, _tokens in items]
    if connection.dialect.name == "postgresql":
        _index_postgres(connection, items)
        connection.execute(delete(DUE).where(DUE.c.wording_id.in_(ids)))
        return
    connection.execute(
        text("INSERT INTO search_text (rowid, tokens) VALUES (:id, :tokens)"),
        [{"id": number, "tokens": " ".join(tokens)} for number, tokens in items],
    )


def index_due(connection: Connection, limit: int) -> int:
    """Index up to `limit` wordings that a crash between two transactions left out."""
    query = (
        select(WORDING.c.id, WORDING.c.title, WORDING.c.text, DUE.c.language)
        .join(DUE, DUE.c.wording_id == WORDING.c.id)
        .order_by(WORDING.c.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(of=DUE, skip_locked=True)
    rows = connection.execute(query).all()
    items = [(row.id, wording_tokens(row.title, row.text, row.language)) for row in rows]
    index_now(connection, items)
    return len(items)


def wording_tokens(title: str | None, body: str | None, language: str | None) -> tuple[str, ...]:
    """Return the tokens of a wording: its title, then its paragraphs."""
    return truncate(index_tokens([title or "", *(body or "").split("\n\n")], language))[0]


def _index_postgres(connection: Connection, items: Sequence[ToIndex]) -> None:
    """COPY into a staging table first: a rival may have indexed the same wording meanwhile."""
    raw = connection.connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS search_stage (wording_id bigint, tokens tsvector) "
            "ON COMMIT DELETE ROWS"
        )
        with cursor.copy("COPY search_stage (wording_id, tokens) FROM STDIN") as copy:
            for number, tokens in items:
                copy.write_row((number, to_tsvector(tokens)))
        cursor.execute(
            "INSERT INTO search_text SELECT wording_id, tokens FROM search_stage "
            "ON CONFLICT (wording_id) DO NOTHING"
        )
        cursor.execute("DELETE FROM search_stage")
