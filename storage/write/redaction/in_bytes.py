"""Find redacted content in the bytes of all captures, and add them to the plan of a redaction.

The search reads the whole archive in portions, each on its own connection: no transaction stays
open and no lock is held. It continues after the last capture that it read.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage.database.capture_store import StoredBytes, load_all
from storage.database.compression import DamagedBytesError
from storage.database.engine import read_connection
from storage.database.tables import (
    CAPTURE,
    DERIVATION,
    FOREIGN_RECORD,
    OBSERVATION,
    ORIGIN,
    REDACTION,
    SNAPSHOT,
    TEASER,
    TRANSFER,
    VERDICT,
    WORDING,
)
from storage.database.unit import rows_in
from storage.language.passage import Passage
from storage.record.contents.phrases import FoundPhrases, Phrase, Phrases, TextIdentity
from storage.record.suppressed_passages import address_forms
from storage.values.job import Progress
from storage.values.redaction import is_emptied
from storage.write.redaction.plan import RedactionPlan, addresses_of

CAPTURES_AT_ONCE = 64
REDACTED, OWN = "redacted", "own"
"""Names of digests: of documents that are redacted, and of others of the same articles."""
RECORDS_AT_ONCE = 200


@dataclass(slots=True)
class BytesSearch:
    """Search of all captures and records for a text; each call of `proceed` continues it.

    `read_with` are the captures that were read as texts with the passage, None without a passage.
    Passages within `own_addresses`, those of the articles, are ignored.
    """

    identity: TextIdentity
    digests: dict[bytes, str]
    read_with: set[int] | None = None
    own_addresses: frozenset[str] = frozenset()
    found: dict[int, FoundPhrases] = field(default_factory=dict)
    records: dict[int, FoundPhrases] = field(default_factory=dict)
    _after: int = -1
    _after_record: int = -1

    @classmethod
    def of(
        cls, connection: Connection, plan: RedactionPlan, passage: Passage | None
    ) -> "BytesSearch":
        """Return the search for the texts of a plan, or for a passage of its articles."""
        identity = TextIdentity()
        named = rows_in(connection, select(ORIGIN.c.origin), ORIGIN.c.id, plan.origins)
        addresses = [row[0] for row in named]
        for address in addresses:
            identity.add_address(address)
        if passage is not None:
            identity.weak.add(passage)
        else:
            _add_texts(connection, plan, identity)
        query = select(CAPTURE.c.id, CAPTURE.c.digest)
        read = None if passage is None else _captures_read_with(connection, plan, passage)
        digests = {
            bytes(digest): REDACTED if read is None or number in read else OWN
            for number, digest in rows_in(connection, query, CAPTURE.c.id, plan.rows["capture"])
            if not is_emptied(bytes(digest))
        }
        return cls(identity, digests, read, _forms_of(addresses))

    def proceed(self, engine: Engine, progress: Progress | None = None) -> None:
        """Read the captures that were not read yet. Raises: CapturesAwayError."""
        phrases, number = Phrases(self.identity.phrases, self.digests, self.own_addresses), 0
        if not phrases:
            return
        while rows := self._next_captures(engine):
            loaded = load_all(engine, (StoredBytes(*each[1:]) for each in rows))
            for row, raw in zip(rows, loaded, strict=True):
                found = None if isinstance(raw, DamagedBytesError) else phrases.find_in_bytes(raw)
                if found is not None and (found or found.left_out):
                    self.found[row[0]] = found
            number += len(rows)
            if progress is not None:
                progress("captures searched", number)
        while records := self._next_records(engine):
            for record, head, opening in records:
                if found := phrases.find_in_bytes(bytes(head or b"") + bytes(opening or b"")):
                    self.records[record] = found

    def _next_captures(self, engine: Engine) -> list[tuple[int, bytes, str, bytes]]:
        held = CAPTURE.c
        query = (
            select(held.id, held.digest, held.encoding, held.data)
            .where(held.id > self._after, held.data.is_not(None))
            .order_by(held.id)
            .limit(CAPTURES_AT_ONCE)
        )
        with read_connection(engine) as connection:
            rows = [
                (row.id, bytes(row.digest), row.encoding, bytes(row.data))
                for row in connection.execute(query)
            ]
        self._after = rows[-1][0] if rows else self._after
        return rows

    def _next_records(self, engine: Engine) -> list[Any]:
        record = FOREIGN_RECORD.c
        query = (
            select(record.id, record.head, record.opening)
            .where(record.id > self._after_record, record.opening.is_not(None))
            .order_by(record.id)
            .limit(RECORDS_AT_ONCE)
        )
        with read_connection(engine) as connection:
            rows = list(connection.execute(query).all())
        self._after_record = rows[-1].id if rows else self._after_record
        return rows


def _forms_of(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(form for each in addresses for form in (each, *address_forms(each)))


def _captures_read_with(connection: Connection, plan: RedactionPlan, passage: Passage) -> set[int]:
    """Return the captures that were read as texts with a passage."""
    phrases = Phrases([passage], addresses=_forms_of(addresses_of(connection, plan.articles)))
    query = select(
        DERIVATION.c.capture_id, WORDING.c.title, WORDING.c.text, DERIVATION.c.detail
    ).join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
    return {
        row.capture_id
        for row in rows_in(connection, query, DERIVATION.c.id, plan.rows["derivation"])
        if phrases.find_in_text(f"{row.title or ''}\n\n{row.text or ''}\n\n{row.detail}")
    }


def _add_texts(connection: Connection, plan: RedactionPlan, identity: TextIdentity) -> None:
    """Add the texts of a plan, without what other versions of its articles say as well."""
    query = (
        select(WORDING.c.id, WORDING.c.title, WORDING.c.text, DERIVATION.c.detail)
        .join(SNAPSHOT, SNAPSHOT.c.wording_id == WORDING.c.id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
    )
    stays = TextIdentity()
    for row in rows_in(connection, query, SNAPSHOT.c.article_id, plan.articles):
        target = identity if row.id in plan.rows["wording"] else stays
        target.add_text(row.title, row.text, row.detail or {})
    query = select(TEASER.c.headline)
    for (headline,) in rows_in(connection, query, TEASER.c.id, plan.rows["teaser"]):
        identity.add_title(headline)
    identity.strong -= stays.strong
    identity.weak -= stays.weak
    identity.single -= stays.single


def add_found_bytes(connection: Connection, plan: RedactionPlan, search: BytesSearch) -> None:
    """Add the captures, lists and records that contain the text to a plan.

    Of the captures and records of the articles themselves, a passage is removed from those that
    contain it or cannot be unpacked. Bytes from which another article was read are kept if its own
    text has the phrase: it is listed as related. Otherwise its bytes are emptied; its text stays.
    """
    planned = plan.rows["capture"] if search.read_with is None else search.read_with
    new = {number: found for number, found in search.found.items() if number not in planned}
    own = _own_captures(connection, plan)
    readings = _Readings.of(connection, new)
    for number, found in new.items():
        told = search.identity.recognises(found.phrases)
        if number in own or number in plan.listed or found.digests:
            told |= found.phrases & (search.identity.weak | search.identity.single)
        if number in plan.listed and plan.rows["origin_address"]:
            told |= found.phrases & search.identity.addresses
        others = readings.articles.get(number, set()) - plan.articles
        quoted = readings.find_quoted(number, told) if others else set()
        is_own_unread = found.left_out is not None and number in own and not others
        if REDACTED in found.digests or told - quoted or is_own_unread:
            plan.held.add(number)
        elif others and (told or found.phrases & search.identity.weak):
            plan.related |= others
        elif found.left_out is not None:
            plan.unread.add(number)
    plan.lists |= plan.held & _lists_among(connection, plan.held)
    plan.rows["capture"] |= plan.held
    of_articles = plan.rows["foreign_record"]
    told_in = {
        number
        for number, found in search.records.items()
        if search.identity.recognises(found.phrases)
        or (number in of_articles and found.phrases & search.identity.weak)
    }
    plan.rows["foreign_record"] = told_in if search.read_with is not None else of_articles | told_in
    _add_rows_about(connection, plan)


def find_withheld(connection: Connection, plan: RedactionPlan, search: BytesSearch) -> set[int]:
    """Return the captures at other addresses that a restriction of the articles withholds.

    As `storage.record.contents.restricted` decides it: what another text says itself is shown.
    """
    own = _own_captures(connection, plan)
    found = {number: each for number, each in search.found.items() if number not in own}
    readings, withheld = _Readings.of(connection, found), set()
    for number, each in found.items():
        told = search.identity.recognises(each.phrases)
        others = readings.articles.get(number, set()) - plan.articles
        if told - (readings.find_quoted(number, told) if others else set()):
            withheld.add(number)
    return withheld


def _lists_among(connection: Connection, captures: Iterable[int]) -> set[int]:
    """Return the captures that were read as lists of addresses."""
    query = (
        select(OBSERVATION.c.capture_id)
        .join(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
        .where(VERDICT.c.kind == "listed")
    )
    return {row[0] for row in rows_in(connection, query, OBSERVATION.c.capture_id, captures)}


def _own_captures(connection: Connection, plan: RedactionPlan) -> set[int]:
    """Return the captures at the addresses of the articles, refused ones as well."""
    seen = select(OBSERVATION.c.capture_id)
    snapshots = seen.join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
    found = {row[0] for row in rows_in(connection, snapshots, SNAPSHOT.c.article_id, plan.articles)}
    at_place = rows_in(connection, seen, OBSERVATION.c.locator_id, plan.origins)
    found |= {row[0] for row in at_place}
    return found - {None}


def _add_rows_about(connection: Connection, plan: RedactionPlan) -> None:
    """Add the transfers, records and statements of the found captures."""
    query = select(OBSERVATION.c.id, OBSERVATION.c.hints)
    seen = dict(
        row for row in map(tuple, rows_in(connection, query, OBSERVATION.c.capture_id, plan.held))
    )
    transfers = select(TRANSFER.c.id, TRANSFER.c.body_capture_id)
    for number, body in rows_in(connection, transfers, TRANSFER.c.observation_id, seen):
        plan.rows["transfer"].add(number)
        plan.rows["capture"] |= {body} - {None}
    records = select(FOREIGN_RECORD.c.id)
    found = rows_in(connection, records, FOREIGN_RECORD.c.payload_capture_id, plan.held)
    plan.rows["foreign_record"] |= {row[0] for row in found}
    plan.rows["observation"] |= {n for n, hints in seen.items() if "listed" in (hints or {})}


@dataclass(slots=True)
class _Readings:
    """The articles that were read from captures, and the texts that they were read as."""

    articles: dict[int, set[int]]
    texts: dict[int, list[str]]

    @classmethod
    def of(cls, connection: Connection, captures: Iterable[int]) -> "_Readings":
        query = (
            select(DERIVATION.c.capture_id, SNAPSHOT.c.article_id, WORDING.c.title, WORDING.c.text)
            .join(SNAPSHOT, SNAPSHOT.c.derivation_id == DERIVATION.c.id)
            .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        )
        readings = cls(defaultdict(set), defaultdict(list))
        for row in rows_in(connection, query, DERIVATION.c.capture_id, captures):
            readings.articles[row.capture_id].add(row.article_id)
            readings.texts[row.capture_id].append(f"{row.title or ''}\n\n{row.text or ''}")
        return readings

    def find_quoted(self, capture: int, phrases: Iterable[Phrase]) -> set[Phrase]:
        """Return the phrases that the text itself has, which was read from a capture."""
        wanted = Phrases(phrases)
        return {each for text in self.texts[capture] for each in wanted.find_in_text(text)}


def is_read_as_before(connection: Connection, captures: Iterable[int]) -> set[int]:
    """Return the captures whose readings all stay as they were: only their bytes are emptied.

    If they are captured again, the earlier reading is used, as after the retention period.
    """
    query = select(DERIVATION.c.id, DERIVATION.c.capture_id, DERIVATION.c.context, WORDING.c.id)
    query = query.outerjoin(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
    rows = list(rows_in(connection, query, DERIVATION.c.capture_id, captures))
    gone = {
        (table, number)
        for table, place in (("derivation", 0), ("wording", 3))
        for number in _find_redacted(connection, table, {row[place] for row in rows} - {None})
    }
    kept: dict[int, list[bool]] = defaultdict(list)
    for number, capture, context, wording in rows:
        is_gone = ("derivation", number) in gone or ("wording", wording) in gone
        is_whole = wording is not None and not is_gone and not context.startswith("redacted ")
        kept[capture].append(is_whole)
    return {capture for capture, each in kept.items() if all(each)}


def _find_redacted(connection: Connection, table: str, numbers: Iterable[int]) -> set[int]:
    query = select(REDACTION.c.row_id).where(REDACTION.c.table_name == table)
    return {row[0] for row in rows_in(connection, query, REDACTION.c.row_id, numbers)}
