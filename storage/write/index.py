"""Full text: hand finished tokens of wordings to FTS5 or to a tsvector."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, text

from storage.database.tables import SearchDueRow, WordingRow
from storage.database.unit import table_of
from storage.language.vocabulary import Tokens, tokens_of

DUE, WORDING = table_of(SearchDueRow), table_of(WordingRow)

ToIndex = tuple[int, Tokens]
"""A wording's id with its finished tokens."""


def index_now(connection: Connection, items: Sequence[ToIndex]) -> None:
    """Index wordings and strike them off the list of those that are due.

    On PostgreSQL the list decides: what a rival has struck off is indexed by him.
    """
    if not items:
        return
    if connection.dialect.name == "postgresql":
        _index_postgres(connection, items)
        return
    connection.execute(
        text("INSERT INTO search_text (rowid, tokens) VALUES (:id, :tokens)"),
        [{"id": number, "tokens": " ".join(tokens.words())} for number, tokens in items],
    )


def index_due(connection: Connection, before: datetime, limit: int) -> int:
    """Index up to `limit` wordings, kept `before` then, that a crash left out."""
    query = (
        select(WORDING.c.id, WORDING.c.title, WORDING.c.text, DUE.c.language)
        .join(DUE, DUE.c.wording_id == WORDING.c.id)
        .where(WORDING.c.recorded_at < before)
        .order_by(WORDING.c.id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    index_now(
        connection, [(row.id, wording_tokens(row.title, row.text, row.language)) for row in rows]
    )
    return len(rows)


def wording_tokens(title: str | None, body: str | None, language: str | None) -> Tokens:
    """Return the tokens of a wording: its title, then its paragraphs."""
    return tokens_of([title or "", *(body or "").split("\n\n")], language).truncated()[0]


def _index_postgres(connection: Connection, items: Sequence[ToIndex]) -> None:
    ids = [number for number, _tokens in items]
    struck = delete(DUE).where(DUE.c.wording_id.in_(ids)).returning(DUE.c.wording_id)
    mine = set(connection.execute(struck).scalars())
    raw = connection.connection.driver_connection
    assert raw is not None
    with (
        raw.cursor() as cursor,
        cursor.copy("COPY search_text (wording_id, tokens) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int8", "bytea"])  # of what is sent: bytes that are a tsvector
        for number, tokens in items:
            if number in mine:
                copy.write_row((number, tokens.tsvector()))
