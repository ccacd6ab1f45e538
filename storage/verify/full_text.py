"""Compare the full-text index with the tokens of the stored wordings."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    Select,
    Text,
    cast,
    column,
    func,
    select,
    table,
)

from storage.database.rows import STREAMING
from storage.database.tables import DERIVATION, SEARCH_DUE, WORDING
from storage.language.sentences import key_array, wording_keys
from storage.language.vocabulary import wording_tokens
from storage.verify.finding import PASSED, BrokenObject, Findings, PassedItem, Scope

WORDINGS_AT_ONCE = 200_000
"""Number of wordings per part; SQLite reads its whole index for each part."""
CACHED_HASHES = 200_000
LANGUAGES = (None, "de", "en")
"""Languages in which a wording may be stemmed, besides those of its derivations."""
_EVERYTHING = 1 << 62
_MASK = (1 << 64) - 1


def full_text(connection: Connection, scope: Scope) -> Findings:
    """Compare the tokens in the index with those of each text."""
    if connection.dialect.name == "postgresql":
        query = _WITH_TOKENS.where(WORDING.c.id > scope.first)
        yield from _compare(connection, scope, _SearchTable(), query)
        return
    with _vocabularies(connection) as vocabularies:
        for low, high in pairwise(_bounds(connection, scope.first)):
            index = _read_index(connection, vocabularies, low, high)
            query = _WORDINGS.where(WORDING.c.id > low, WORDING.c.id <= high)
            yield from _compare(connection, scope, index, query)
            for number in index.left():
                yield BrokenObject(
                    "wording", number, "index_unfounded", "full text has no text for it"
                )


class _Index(Protocol):
    """The index entries of some wordings."""

    def entry(self, row: Any) -> object:
        """Return the index entry of a wording, or None."""

    def entry_of(self, row: Any, language: str | None) -> object:
        """Return the expected entry if the wording was stemmed in this language."""


def _compare(
    connection: Connection, scope: Scope, index: _Index, query: Select[Any]
) -> Iterator[PassedItem | BrokenObject]:
    for row in connection.execute(query.execution_options(**STREAMING)):
        scope.reached = row.id
        entry = index.entry(row)
        if row.text is None:
            is_right, kind = entry is None, "index_unfounded"
        elif entry is None:
            is_right, kind = row.due is not None, "not_searchable"
        else:
            kind = "index_wrong"
            is_right = not scope.takes(row.id) or any(
                entry == index.entry_of(row, language) for language in _languages(connection, row)
            )
        yield PASSED if is_right else BrokenObject("wording", row.id, kind, _MESSAGES[kind])


_MESSAGES = {
    "index_unfounded": "full text finds it by words that are in no stored text",
    "not_searchable": "no search can find it",
    "index_wrong": "full text finds it by other words than those of its text",
}


def _languages(connection: Connection, row: Any) -> Iterator[str | None]:
    """Yield the languages in which a wording may have been indexed, most likely first."""
    yield row.language
    query = select(DERIVATION.c.language).where(DERIVATION.c.wording_id == row.id)
    others = connection.execute(query.distinct()).scalars().all()
    yield from {*LANGUAGES, *others} - {row.language}


_LANGUAGE = (
    select(DERIVATION.c.language)
    .where(DERIVATION.c.wording_id == WORDING.c.id)
    .order_by(DERIVATION.c.id)
    .limit(1)
    .scalar_subquery()
)
_WORDINGS: Select[Any] = (
    select(
        WORDING.c.id, WORDING.c.title, WORDING.c.text, SEARCH_DUE.c.wording_id.label("due"),
        _LANGUAGE.label("language"),
    )
    .outerjoin(SEARCH_DUE, SEARCH_DUE.c.wording_id == WORDING.c.id)
    .order_by(WORDING.c.id)
)  # fmt: skip


# ------------------------------------------------------------------------ PostgreSQL

_SEARCH_TEXT = table("search_text", column("wording_id", BigInteger), column("tokens"))
_SENTENCE_TEXT = table("sentence_text", column("wording_id", BigInteger), column("keys"))
_WITH_TOKENS = (
    _WORDINGS.add_columns(
        func.tsvectorsend(_SEARCH_TEXT.c.tokens, type_=LargeBinary).label("tokens"),
        cast(_SENTENCE_TEXT.c["keys"], Text).label("keys"),
    )
    .outerjoin(_SEARCH_TEXT, _SEARCH_TEXT.c.wording_id == WORDING.c.id)
    .outerjoin(_SENTENCE_TEXT, _SENTENCE_TEXT.c.wording_id == WORDING.c.id)
)


class _SearchTable:
    """The indexes of PostgreSQL: a row in each of two tables per wording."""

    def entry(self, row: Any) -> object:
        if row.tokens is None:  # an emptied text must leave no sentences either
            return row.keys if row.text is None else None
        return _lexemes(bytes(row.tokens)), row.keys and sorted(row.keys.strip("{}").split(","))

    def entry_of(self, row: Any, language: str | None) -> object:
        keys = key_array(wording_keys(row.text))
        tokens = wording_tokens(row.title, row.text, language).tsvector()
        return _lexemes(tokens), sorted(keys.strip("{}").split(","))


def _lexemes(vector: bytes) -> dict[bytes, bytes]:
    r"""Return the positions of each lexeme of a tsvector in binary form.

    >>> _lexemes(b"\x00\x00\x00\x01b\x00\x00\x02\x00\x01\x00\x03")
    {b'b': b'\x00\x01\x00\x03'}
    """
    found: dict[bytes, bytes] = {}
    place = 4
    while place < len(vector):
        end = vector.index(0, place)
        size = 2 * int.from_bytes(vector[end + 1 : end + 3], "big")
        found[vector[place:end]] = vector[end + 3 : end + 3 + size]
        place = end + 3 + size
    return found


# ------------------------------------------------------------------------ SQLite


def _hasher() -> Callable[[str], int]:
    """Return a hash function that no other process can compute."""
    key = secrets.token_bytes(16)

    @lru_cache(CACHED_HASHES)
    def hash_word(word: str) -> int:
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        return int.from_bytes(digest, "big")

    return hash_word


@dataclass(frozen=True, slots=True)
class _SearchIndex:
    """The index of SQLite for some wordings.

    FTS5 stores tokens only, in the order of tokens. So the tokens of each wording are summed up as
    hashes times positions.
    """

    hash_word: Callable[[str], int]
    tokens: dict[int, int]
    keys: dict[int, int]
    sizes: dict[int, bytes]

    def entry(self, row: Any) -> object:
        size, keys = self.sizes.pop(row.id, None), self.keys.pop(row.id, 0)
        return None if size is None else (size, self.tokens.pop(row.id, 0), keys)

    def entry_of(self, row: Any, language: str | None) -> object:
        words = wording_tokens(row.title, row.text, language).words()
        tokens = sum(self.hash_word(word) * place for place, word in enumerate(words, 1)) & _MASK
        keys = wording_keys(row.text)
        return _varint(len(words)), tokens, sum(map(self.hash_word, {*keys})) & _MASK

    def left(self) -> list[int]:
        """Return the wordings in the index that are not stored."""
        return sorted({*self.tokens, *self.keys, *self.sizes})


def _varint(number: int) -> bytes:
    r"""Return a number in the format of SQLite: seven bits per byte, highest first.

    >>> _varint(5), _varint(300)
    (b'\x05', b'\x82,')
    """
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))


def _bounds(connection: Connection, first: int) -> Iterator[int]:
    """Yield the numbers that divide the wordings into parts that fit into memory."""
    low = -_EVERYTHING if first < 0 else first
    part = select(WORDING.c.id).order_by(WORDING.c.id).offset(WORDINGS_AT_ONCE - 1).limit(1)
    while True:
        yield low
        high = connection.execute(part.where(WORDING.c.id > low)).scalar()
        if high is None:
            yield _EVERYTHING
            return
        low = high


@contextmanager
def _vocabularies(connection: Connection) -> Iterator[dict[str, str]]:
    """Provide, for each index, a temporary table of its tokens: token, wording and position."""
    names = {index: f"temp.{index}_tokens" for index in ("search_text", "sentence_text")}
    is_reader = connection.exec_driver_sql("PRAGMA query_only").scalar()
    connection.exec_driver_sql("PRAGMA query_only = OFF")  # it forbids temporary tables
    try:
        for index, name in names.items():
            connection.exec_driver_sql(
                f"CREATE VIRTUAL TABLE {name} USING fts5vocab('main', '{index}', 'instance')"
            )
        yield names
    finally:
        for name in names.values():
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        connection.exec_driver_sql(f"PRAGMA query_only = {is_reader}")


def _read_index(connection: Connection, names: dict[str, str], low: int, high: int) -> _SearchIndex:
    hash_word = _hasher()
    tokens: defaultdict[int, int] = defaultdict(int)
    keys: defaultdict[int, int] = defaultdict(int)
    driver = connection.connection.driver_connection
    assert driver is not None
    within = f"WHERE doc > {low} AND doc <= {high}"
    for word, number, place in driver.execute(
        f'SELECT term, doc, "offset" FROM {names["search_text"]} {within}'
    ):
        tokens[number] += hash_word(word) * (place + 1)
    for key, number in driver.execute(f"SELECT term, doc FROM {names['sentence_text']} {within}"):
        keys[number] += hash_word(key)
    sizes = driver.execute(
        f"SELECT id, sz FROM search_text_docsize WHERE id > {low} AND id <= {high}"
    )
    return _SearchIndex(
        hash_word=hash_word,
        tokens={number: total & _MASK for number, total in tokens.items()},
        keys={number: total & _MASK for number, total in keys.items()},
        sizes=dict(sizes),
    )
