"""Full-text index: insert the tokens of wordings into FTS5 or as a tsvector."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, select, text

from storage.database.engine import DatabaseError
from storage.database.tables import DERIVATION, SEARCH_DUE, WORDING
from storage.database.unit import Unit, rows_in
from storage.language.sentences import key_array, wording_keys
from storage.language.vocabulary import wording_tokens
from storage.record.reading import IndexInput
from storage.relations import relate as relating
from storage.relations.candidates import ComparisonCandidates, IndexedWording
from storage.write.archive import Archive

T = TypeVar("T")

REST_AFTER = timedelta(seconds=5)
"""Time after which wordings that are not indexed or compared yet are part of the backlog."""


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
        for table in ("search_text", "sentence_text"):
            statement = text(f"DELETE FROM {table} WHERE wording_id = ANY(:ids)")
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
    keys = {each.wording_id: each.sentence_keys for each in items if each.wording_id in mine}
    copy_sentence_keys(connection, keys)


def copy_sentence_keys(connection: Connection, keys: Mapping[int, Sequence[str]]) -> None:
    """Insert the sentence keys of wordings into the index of PostgreSQL."""
    raw = connection.connection.driver_connection
    assert raw is not None
    copying = "COPY sentence_text (wording_id, keys) FROM STDIN"
    with raw.cursor() as cursor, cursor.copy(copying) as copy:
        for number, own in keys.items():
            copy.write_row((number, key_array(own)))


def relate_backlog(archive: Archive, limit: int = 50, older_than: timedelta = REST_AFTER) -> int:
    """Relate wordings that a crash left unrelated; return their number."""
    due = archive.read(relating.due, archive.clock() - older_than, limit)
    candidates = {number: each for number, each in due.items() if each is not None}
    if unindexed := due.keys() - candidates.keys():
        candidates |= archive.transact(relating.index, unindexed)
    relate_candidates(archive, candidates)
    return len(due)


def relate_candidates(archive: Archive, candidates: Mapping[int, ComparisonCandidates]) -> None:
    """Compare new wordings with their candidates outside the write lock, and store the
    relations.

    A wording that cannot be compared is postponed and does not affect the others.
    """
    if not candidates:
        return
    try:
        answers = archive.read(relating.compare, candidates)
        archive.transact(relating.keep_relations, answers, list(candidates))
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001  # one bad text must not stop the others
        if len(candidates) > 1:
            for number, each in candidates.items():
                relate_candidates(archive, {number: each})
            return
        archive.transact(relating.put_off, next(iter(candidates)))


def index_backlog(archive: Archive, limit: int = 500, older_than: timedelta = REST_AFTER) -> int:
    """Index wordings that a crash left out of full text; return their number."""
    return archive.transact_unnumbered(index_due, archive.clock() - older_than, limit)


def index_within(archive: Archive, unit: Unit, wordings: Sequence[IndexInput]) -> None:
    """Index wordings in the same transaction: SQLite has only one writer anyway."""
    if archive.engine.dialect.name == "sqlite":
        index_now(unit.connection, wordings)


def index_after(archive: Archive, wordings: Sequence[IndexInput]) -> None:
    """Index wordings after the commit: on PostgreSQL no writer waits for it."""
    if wordings and archive.engine.dialect.name != "sqlite":
        _run_with_async_commit(archive, index_now, wordings)


def add_index_keys_within(
    archive: Archive, unit: Unit, wordings: Sequence[IndexedWording]
) -> dict[int, ComparisonCandidates]:
    """Add index keys on SQLite, within the transaction; return the comparison candidates."""
    if not wordings or archive.engine.dialect.name != "sqlite":
        return {}
    return relating.add_new_index_keys(unit.connection, wordings, unit.now)


def add_index_keys_after(
    archive: Archive, wordings: Sequence[IndexedWording]
) -> dict[int, ComparisonCandidates]:
    if not wordings or archive.engine.dialect.name == "sqlite":
        return {}
    return _run_with_async_commit(archive, relating.add_index_keys, wordings, archive.clock())


def _run_with_async_commit(archive: Archive, work: Callable[..., T], *args: Any) -> T:
    """Call `work` in a transaction with asynchronous commit.

    A crash of the server may lose it; the work is due again then.
    """
    with archive.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        return work(connection, *args)
