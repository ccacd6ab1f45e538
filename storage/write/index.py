"""Full-text index: insert the tokens of wordings into FTS5 or as a tsvector."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, text

from storage.database.tables import DERIVATION, SEARCH_DUE, WORDING
from storage.database.unit import rows_in
from storage.language.sentences import wording_keys
from storage.language.vocabulary import wording_tokens
from storage.record.reading import IndexInput


def index_now(connection: Connection, items: Sequence[IndexInput]) -> None:
    """Index wordings and delete them from the list of pending ones.

    On PostgreSQL a wording that another process deleted from the list is left to that process.
    """
    if not items:
        return
    if connection.dialect.name == "postgresql":
        _index_postgres(connection, items)
        return
    connection.execute(
        text("INSERT INTO search_text (rowid, tokens) VALUES (:id, :tokens)"),
        [{"id": each.wording_id, "tokens": each.tokens.text()} for each in items],
    )
    connection.execute(
        text("INSERT INTO sentence_text (rowid, keys) VALUES (:id, :keys)"),
        [{"id": each.wording_id, "keys": " ".join(each.sentence_keys)} for each in items],
    )


def forget_words(connection: Connection, wording_ids: Collection[int]) -> None:
    """Remove wordings from the full-text index before their title and text are deleted."""
    if connection.dialect.name == "postgresql":
        statement = text("DELETE FROM search_text WHERE wording_id = ANY(:ids)")
        connection.execute(statement, {"ids": list(wording_ids)})
        return
    query = select(WORDING.c.id, WORDING.c.title, WORDING.c.text)
    for number, title, body in rows_in(connection, query, WORDING.c.id, wording_ids):
        tokens = _tokens_of_index(connection, number, title, body)
        if tokens:
            connection.execute(_FORGET, {"id": number, "tokens": " ".join(tokens)})
            connection.execute(_FORGET_KEYS, {"id": number, "keys": " ".join(wording_keys(body))})


_FORGET = text(
    "INSERT INTO search_text (search_text, rowid, tokens) VALUES ('delete', :id, :tokens)"
)
_FORGET_KEYS = text(
    "INSERT INTO sentence_text (sentence_text, rowid, keys) VALUES ('delete', :id, :keys)"
)
_INDEXED = text("SELECT 1 FROM search_text_docsize WHERE id = :id")
_HAS_TOKEN = text("SELECT 1 FROM search_text WHERE search_text MATCH :token AND rowid = :id")


def _tokens_of_index(
    connection: Connection, number: int, title: str | None, body: str | None
) -> Sequence[str]:
    """Return the tokens under which SQLite indexed a wording: the index itself stores no text.

    They depend on the language that the first extractor detected.
    """
    if body is None or connection.execute(_INDEXED, {"id": number}).first() is None:
        return ()
    for language in _languages(connection, number):
        tokens = wording_tokens(title, body, language).words()
        asked = [{"id": number, "token": f'"{token}"'} for token in sorted({*tokens})]
        if all(connection.execute(_HAS_TOKEN, each).first() for each in asked):
            return tokens
    return _tokens_in_index(connection, number)


def _languages(connection: Connection, number: int) -> list[str | None]:
    query = (
        select(DERIVATION.c.language)
        .where(DERIVATION.c.wording_id == number)
        .order_by(DERIVATION.c.id)
    )
    known = connection.execute(query).scalars().all()
    return list(dict.fromkeys((*known, None, "de", "en")))


def _tokens_in_index(connection: Connection, number: int) -> Sequence[str]:
    """Return the tokens of a wording by scanning the whole index."""
    connection.execute(
        text("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'search_text', 'instance')")
    )
    query = text('SELECT term FROM temp.words WHERE doc = :id ORDER BY "offset"')
    found = connection.execute(query, {"id": number}).scalars().all()
    connection.execute(text("DROP TABLE temp.words"))
    return found


def index_due(connection: Connection, before: datetime, limit: int) -> int:
    """Index up to `limit` wordings stored before a time and not indexed yet."""
    query = (
        select(WORDING.c.id, WORDING.c.title, WORDING.c.text, SEARCH_DUE.c.language)
        .join(SEARCH_DUE, SEARCH_DUE.c.wording_id == WORDING.c.id)
        .where(WORDING.c.recorded_at < before)
        .order_by(SEARCH_DUE.c.wording_id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    index_now(connection, [to_index(row) for row in rows])
    return len(rows)


def to_index(row: Any) -> IndexInput:
    """Return the input of the index from a row of id, title, text and language."""
    tokens = wording_tokens(row.title, row.text, row.language)
    return IndexInput(row.id, tokens, wording_keys(row.text))


def _index_postgres(connection: Connection, items: Sequence[IndexInput]) -> None:
    ids = [each.wording_id for each in items]
    struck = (
        delete(SEARCH_DUE)
        .where(SEARCH_DUE.c.wording_id.in_(ids))
        .returning(SEARCH_DUE.c.wording_id)
    )
    mine = set(connection.execute(struck).scalars())
    raw = connection.connection.driver_connection
    assert raw is not None
    with (
        raw.cursor() as cursor,
        cursor.copy("COPY search_text (wording_id, tokens) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int8", "bytea"])  # of the query: bytes of a tsvector
        for each in items:
            if each.wording_id in mine:
                copy.write_row((each.wording_id, each.tokens.tsvector()))
