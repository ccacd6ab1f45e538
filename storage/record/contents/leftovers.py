"""Recognise redacted content in bytes, by its salted digests alone.

A redacted passage or title is recognised in captures at its address, and in bytes that name the
address; redacted bytes are recognised in any container.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import Connection, select

from storage.database.tables import (
    ARTICLE_ORIGIN,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    REDACTION,
    SNAPSHOT,
    SUPPRESSION,
)
from storage.database.unit import rows_in
from storage.record.contents.phrases import Phrases, TextIdentity
from storage.record.contents.views import Views
from storage.record.suppressed_passages import keyed
from storage.record.suppression import (
    OF_BYTES,
    OF_PASSAGE,
    OF_TITLE,
    SuppressionLookup,
    load_passages,
    place_digest,
    words_of,
)
from storage.values.digest import raw_digest
from storage.values.redaction import is_emptied

FEWEST_TITLE_WORDS = 2
"""A title of one word is recognised in lists only, because it may be any word."""
_BETWEEN_WORDS = re.compile(r"[\"<>={}\[\]|*_+]")


class Leftovers:
    """The redacted passages, titles and bytes of an archive, as one connection sees them."""

    def __init__(self, connection: Connection) -> None:
        self._salt = SuppressionLookup(connection).salt
        self._passages = load_passages(connection, self._salt or b"")
        self._bytes: dict[bytes, int] = {}
        self._texts: dict[bytes, int] = {}
        self._sizes: dict[int, set[int]] = defaultdict(set)
        query = select(
            SUPPRESSION.c.digest, SUPPRESSION.c.kind, SUPPRESSION.c.words, SUPPRESSION.c.act_id
        ).where(SUPPRESSION.c.kind.in_((OF_BYTES, OF_PASSAGE, OF_TITLE)))
        for digest, kind, words, act in connection.execute(query):
            if kind == OF_BYTES:
                self._bytes[bytes(digest)] = act
            elif words >= (FEWEST_TITLE_WORDS if kind == OF_TITLE else 0):
                self._texts[bytes(digest)] = act
                self._sizes[act] |= {words} - {0}
        self._places = dict(_places_of_acts(connection, self._sizes))
        self._names: dict[str, str] = {}
        for place in self._places:
            identity = TextIdentity()
            identity.add_address(place)
            self._names |= dict.fromkeys(identity.addresses, place)
        self._naming = Phrases(self._names)

    def __bool__(self) -> bool:
        return bool(self._bytes or self._texts)

    def find(self, raw: bytes, own: Collection[str], texts: Sequence[str]) -> int | None:
        """Return the act that redacted something in these bytes; None if there is nothing.

        `own` are the addresses of the bytes, `texts` what was read from them: what another text
        says itself is a quotation, and no remainder.
        """
        if self._salt is None or not self:
            return None
        for number, view in enumerate(Views(raw)):
            if isinstance(view, bytes):
                held = keyed(self._salt, OF_BYTES, raw_digest(view))
                if number and held in self._bytes:
                    return self._bytes[held]
            elif self._places:
                named = {self._names[str(each)] for each in self._naming.find_in_folded(view)}
                for place in self._places.keys() & {*own, *named}:
                    act = self._find_at(place, view)
                    if act is not None and not any(self._find_at(place, each) for each in texts):
                        return act
        return None

    def _find_at(self, place: str, text: str) -> int | None:
        assert self._salt is not None
        if (act := self._passages.find(text, [place])) is not None:
            return act
        sizes = {size for act in self._places[place] for size in self._sizes[act]}
        for tag in (("", " ") if "\0" in text else (" ",)) if sizes else ():
            words = words_of(_BETWEEN_WORDS.sub(" ", text.replace("\0", tag)))
            for size in sizes:
                for at in range(len(words) - size + 1):
                    value = place_digest(place, words[at : at + size])
                    for kind in (OF_PASSAGE, OF_TITLE):
                        act = self._texts.get(keyed(self._salt, kind, value))
                        if act is not None:
                            return act
        return None


def _places_of_acts(connection: Connection, acts: Iterable[int]) -> Iterator[tuple[str, set[int]]]:
    """Yield the addresses of the articles of which acts redacted something, with these acts."""
    act_of: dict[tuple[str, int], set[int]] = defaultdict(set)
    query = select(REDACTION.c.id, REDACTION.c.act_id, REDACTION.c.table_name, REDACTION.c.row_id)
    for column in (REDACTION.c.act_id, REDACTION.c.id):
        for number, act, table, row in rows_in(connection, query, column, acts):
            act_of[table, row].add(number if act is None else act)
    captures: dict[int, set[int]] = defaultdict(set)
    for (table, row), found in act_of.items():
        if table == "capture":
            captures[row] |= found
    read = select(DERIVATION.c.id, DERIVATION.c.capture_id)
    derivations = [row for table, row in act_of if table == "derivation"]
    for number, capture in rows_in(connection, read, DERIVATION.c.id, derivations):
        captures[capture] |= act_of["derivation", number]
    articles: dict[int, set[int]] = defaultdict(set)
    seen = select(SNAPSHOT.c.article_id, OBSERVATION.c.capture_id).join(
        OBSERVATION, OBSERVATION.c.id == SNAPSHOT.c.observation_id
    )
    for article, capture in rows_in(connection, seen, OBSERVATION.c.capture_id, captures):
        articles[article] |= captures[capture]
    named = select(ARTICLE_ORIGIN.c.article_id, ORIGIN.c.origin).join(
        ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id
    )
    places: dict[str, set[int]] = defaultdict(set)
    for article, origin in rows_in(connection, named, ARTICLE_ORIGIN.c.article_id, articles):
        if not is_emptied(origin):
            places[origin] |= articles[article]
    yield from places.items()


def find_capture_places(connection: Connection, captures: Collection[int]) -> dict[int, set[str]]:
    """Return the addresses at which captures were made, and those of their articles."""
    found: dict[int, set[str]] = defaultdict(set)
    at_place = select(OBSERVATION.c.capture_id, ORIGIN.c.origin).join(
        ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id
    )
    of_article = (
        select(OBSERVATION.c.capture_id, ORIGIN.c.origin)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.article_id == SNAPSHOT.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id)
    )
    for query in (at_place, of_article):
        for capture, origin in rows_in(connection, query, OBSERVATION.c.capture_id, captures):
            found[capture].add(origin)
    return found
