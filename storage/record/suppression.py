"""Redacted content that must not return, recognised by digests with a secret salt.

Without the salt of the archive, an entry does not reveal whether it belongs to a certain text.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from sqlalchemy import Connection, insert, select

from storage.database.tables import ARCHIVE, REDACTION, SUPPRESSION
from storage.database.unit import Unit, rows_in
from storage.language.passage import Passage
from storage.record.suppressed_passages import (
    SuppressedPassages,
    form_of,
    keyed,
    passage_value,
)
from storage.values.digest import canonical
from storage.values.redaction import name_placeholder

SALT = "suppression_salt"
OF_BYTES, OF_WORDING, OF_PASSAGE, OF_TITLE = "raw", "w1", "passage", "title"
OF_ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class RedactedAddresses:
    """A snapshot of all redacted addresses that needs no connection."""

    salt: bytes | None
    origins: Mapping[bytes, int]

    def left_of(self, *names: str) -> str | None:
        """Return the anonymised form of the first redacted address, None if none was redacted."""
        if self.salt is None or not self.origins:
            return None
        digests = (keyed(self.salt, OF_ADDRESS, _encode(each)) for each in names)
        found = (self.origins[each] for each in digests if each in self.origins)
        return next(map(name_placeholder, found), None)


class SuppressionLookup:
    """Recognises redacted content, as one connection sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def salt(self) -> bytes | None:
        """The salt of the archive; None if nothing was redacted."""
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == SALT)
        found = self._connection.execute(query).scalar()
        return None if found is None else bytes.fromhex(found)

    def raw(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Return the redacted ones of these digests of bytes, each with the act."""
        return self._among(OF_BYTES, digests)

    def wordings(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Return the redacted ones of these digests of wordings, each with the act."""
        return self._among(OF_WORDING, digests)

    def passage_in(self, texts: Sequence[str], places: Sequence[str]) -> int | None:
        """Return the act that removed a passage from one of these places.

        One of the texts must contain the passage.
        """
        salt = self.salt
        if salt is None:
            return None
        for text in texts if self._passages else ():
            if (act := self._passages.find(text, places)) is not None:
                return act
        for words in map(words_of, texts if self._word_passages else ()):
            for size, held in self._word_passages.items():
                for at, place in product(range(len(words) - size + 1), places):
                    act = held.get(
                        keyed(salt, OF_PASSAGE, place_digest(place, words[at : at + size]))
                    )
                    if act is not None:
                        return act
        return None

    def titles(self, told: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return the redacted ones of these titles at their places, with the acts."""
        asked = {(place, title): place_digest(place, words_of(title)) for place, title in told}
        held = self._among(OF_TITLE, asked.values())
        return {pair: held[each] for pair, each in asked.items() if each in held}

    def addresses(self, named: Iterable[str]) -> dict[str, int]:
        """Return the redacted ones of these addresses, each with the redaction."""
        asked = {each: _encode(each) for each in named}
        held = self._among(OF_ADDRESS, asked.values())
        return {each: held[value] for each, value in asked.items() if value in held}

    def tombstones(self, named: Iterable[str]) -> dict[str, int]:
        """Return the redacted ones of these addresses, each with its anonymised origin."""
        held = self.addresses(named)
        query = select(REDACTION.c.id, REDACTION.c.row_id)
        rows = rows_in(self._connection, query, REDACTION.c.id, held.values())
        origin_of: dict[int, int] = dict(rows)
        return {each: origin_of[number] for each, number in held.items()}

    def all_addresses(self) -> RedactedAddresses:
        """Return a snapshot of all redacted addresses."""
        if self.salt is None:
            return RedactedAddresses(None, {})
        query = select(SUPPRESSION.c.digest, REDACTION.c.row_id).where(
            SUPPRESSION.c.kind == OF_ADDRESS, REDACTION.c.id == SUPPRESSION.c.act_id
        )
        rows = self._connection.execute(query)
        return RedactedAddresses(self.salt, {bytes(digest): number for digest, number in rows})

    @cached_property
    def has_passages(self) -> bool:
        """Whether any passage was redacted, so that texts have to be searched."""
        return self.salt is not None and bool(self._passages or self._word_passages)

    @cached_property
    def _passages(self) -> SuppressedPassages:
        return load_passages(self._connection, self.salt or b"")

    @cached_property
    def _word_passages(self) -> dict[int, dict[bytes, int]]:
        """The passages that schemas before 0015 stored as a number of words."""
        query = select(SUPPRESSION.c.words, SUPPRESSION.c.digest, SUPPRESSION.c.act_id)
        query = query.where(SUPPRESSION.c.kind == OF_PASSAGE, SUPPRESSION.c.words > 0)
        found: dict[int, dict[bytes, int]] = {}
        for size, digest, act in self._connection.execute(query):
            found.setdefault(size, {})[bytes(digest)] = act
        return found

    def _among(self, kind: str, values: Iterable[bytes]) -> dict[bytes, int]:
        salt = self.salt
        if salt is None:
            return {}
        asked = {keyed(salt, kind, value): value for value in values}
        query = select(SUPPRESSION.c.digest, SUPPRESSION.c.act_id)
        rows = rows_in(self._connection, query, SUPPRESSION.c.digest, asked)
        return {asked[bytes(digest)]: act for digest, act in rows}


def load_passages(connection: Connection, salt: bytes) -> SuppressedPassages:
    """Return the redacted passages of an archive."""
    query = select(SUPPRESSION.c.digest, SUPPRESSION.c.form, SUPPRESSION.c.act_id)
    query = query.where(SUPPRESSION.c.kind == OF_PASSAGE, SUPPRESSION.c.words == 0)
    found = SuppressedPassages(salt, OF_PASSAGE)
    for digest, form, act in connection.execute(query):
        found.add(bytes(digest), form, act)
    return found


def suppress(
    unit: Unit,
    kind: str,
    values: Iterable[bytes],
    act_id: int,
    words: int = 0,
    form: Mapping[str, Any] | None = None,
) -> None:
    """Suppress content with these digests; existing entries are unchanged."""
    salt = _load_or_create_salt(unit.connection)
    digests = [keyed(salt, kind, value) for value in dict.fromkeys(values)]
    query = select(SUPPRESSION.c.digest)
    known = {
        bytes(row[0]) for row in rows_in(unit.connection, query, SUPPRESSION.c.digest, digests)
    }
    rows = [
        {"digest": digest, "kind": kind, "words": words, "form": form, "act_id": act_id}
        for digest in digests
        if digest not in known
    ]
    if rows:
        unit.connection.execute(insert(SUPPRESSION), rows)


def suppress_passage(unit: Unit, passage: Passage, places: Iterable[str], act_id: int) -> None:
    """Suppress texts with a passage at these places."""
    form = passage.breaks, passage.is_whole
    values = [passage_value(each, passage.letters, form) for each in places]
    salt = _load_or_create_salt(unit.connection)
    suppress(unit, OF_PASSAGE, values, act_id, form=form_of(salt, passage))


def suppress_titles(unit: Unit, titles: Iterable[str], places: Sequence[str], act_id: int) -> None:
    """Suppress these titles at these places."""
    for words in map(words_of, titles):
        values = [place_digest(place, words) for place in places]
        suppress(unit, OF_TITLE, values, act_id, len(words))


def words_of(text: str) -> list[str]:
    """Return the words of a title in comparable form: no case, no stops at the ends."""
    return [word.strip(".,;:!?\"'()") for word in canonical(text).casefold().split()]


def place_digest(place: str, words: Sequence[str]) -> bytes:
    """Return the bytes of words at a place, of which suppressions contain the keyed digest."""
    return _encode("\0".join((place, *words)))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _load_or_create_salt(connection: Connection) -> bytes:
    found = connection.execute(select(ARCHIVE.c.value).where(ARCHIVE.c.key == SALT)).scalar()
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(insert(ARCHIVE).values(key=SALT, value=found))
    return bytes.fromhex(found)


def redacted_addresses(connection: Connection) -> RedactedAddresses:
    """Return a lookup that states whether an address was redacted."""
    return SuppressionLookup(connection).all_addresses()
