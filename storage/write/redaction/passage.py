"""Remove a passage from articles: texts remain without it, their bytes and old readings are
deleted.

Each reading with the passage is written again with a mark in its place, as if the same extractor
had read that from the same bytes; then the old readings are redacted like whole versions.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from storage.capabilities.hooks import ReadText
from storage.database.tables import (
    ARTICLE_ORIGIN,
    DERIVATION,
    FOREIGN_RECORD,
    OBSERVATION,
    ORIGIN,
    REDACTION,
    SNAPSHOT,
    TRANSFER,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in
from storage.diff.change import CaptureContent
from storage.history.changes import CaptureComparer, content_of_row
from storage.history.versions import rebuild_all
from storage.language.passage import Passage
from storage.record.derivations import DerivationWriter
from storage.record.reading import CapturedItem, Reading
from storage.record.suppression import suppress_passage
from storage.values.draft import (
    Draft,
    Extractor,
    Field,
    Paragraph,
    all_quotes_in,
    as_dict,
    paragraphs_in,
    quotes_in,
)
from storage.values.redaction import MARK, RedactionReason
from storage.write.redaction.orders import order
from storage.write.redaction.plan import (
    RedactionPlan,
    addresses_of,
    captures_beside,
    rows_that_show,
    rows_with_passage,
)

MOST_PLACES = 100
"""Maximum number of different occurrences of a passage that a plan lists."""
WORDS_AROUND = 40
"""Number of characters before and after a passage that a plan shows."""
Prepare = Callable[[CapturedItem, Draft, str], Reading]
"""Prepares the full-text tokens and the index keys of a draft."""


@dataclass(frozen=True, slots=True)
class WithoutPassage:
    """A reading that has the passage, and its replacement."""

    old: Any
    whole: dict[str, Any]
    detail: dict[str, Any]
    reading: Reading
    content: CaptureContent


@dataclass(slots=True)
class PassageHits:
    """Readings, headlines and lists of some articles that have a passage, and the comparisons
    without it.
    """

    plan: RedactionPlan
    comparing: CaptureComparer
    readings: list[WithoutPassage] = field(default_factory=list)

    @property
    def articles(self) -> set[int]:
        return self.plan.articles


def find_passage(
    connection: Connection, plan: RedactionPlan, passage: Passage, prepare: Prepare
) -> PassageHits:
    """Return the readings of a plan that have the passage, with their replacements.

    The addresses of the articles themselves are not changed.
    """
    own = frozenset(addresses_of(connection, plan.articles))
    found = PassageHits(plan, CaptureComparer.ahead(connection))
    query = select(DERIVATION, WORDING.c.title, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )
    for row in rows_in(connection, query, DERIVATION.c.id, plan.rows["derivation"]):
        if row.text is None or row.detail is None:
            continue
        whole = paragraphs_in(row.detail, row.text)
        paragraphs = [
            {"role": each.role, "text": passage.replace(each.text, MARK)} for each in whole
        ]
        quotes = [as_dict(each) for each in all_quotes_in(row.detail, whole)]
        told = {**row.detail, "quotes": quotes, "paragraphs": None}
        detail = {**_without(told, passage, own), "paragraphs": paragraphs}
        plain = [each.text for each in whole]
        same = told == {**detail, "paragraphs": None}
        if same and plain == [each["text"] for each in paragraphs]:
            continue
        detail["flags"] = [*detail["flags"], "passage_redacted"]
        reading = prepare(*_as_draft(row, detail))
        whole_detail = {**told, "paragraphs": plain}
        found.readings.append(WithoutPassage(row, whole_detail, detail, reading, _content(detail)))
    _compare(connection, found)
    return found


def describe_places(hits: PassageHits, passage: Passage) -> list[dict[str, Any]]:
    """Return the occurrences of a passage: part of the text, words around it, number of readings.

    At most `MOST_PLACES` rows, the most frequent first.
    """
    places: Counter[tuple[str, str, str, str]] = Counter()
    for reading in hits.readings:
        for part, text in _strings(reading.whole):
            for start, end in passage.spans(text):
                before = text[max(start - WORDS_AROUND, 0) : start].lstrip()
                after = text[end : end + WORDS_AROUND].rstrip()
                places[part, before, text[start:end], after] += 1
    return [
        {"part": part, "before": before, "passage": found, "after": after, "readings": number}
        for (part, before, found, after), number in places.most_common(MOST_PLACES)
    ]


def _strings(value: Any, part: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings and names in the detail of a reading, each with its part of the text."""
    if isinstance(value, str):
        yield part, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield part, name
            yield from _strings(each, f"{part}.{name}" if part else name)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, part)


def _content(detail: dict[str, Any]) -> CaptureContent:
    body = "\n\n".join(each["text"] for each in detail["paragraphs"])
    return content_of_row(detail, detail["title"], body)


def _compare(connection: Connection, hits: PassageHits) -> None:
    """Compare the replaced readings with their neighbouring snapshots."""
    new = {each.old.id: each.content for each in hits.readings}
    query = select(VERSION.c.before_id, VERSION.c.after_id)
    for pair in rows_in(connection, query, VERSION.c.article_id, hits.articles):
        if None not in pair and not new.keys().isdisjoint(pair):
            a, b = hits.comparing.contents(pair)
            hits.comparing.compare(new.get(pair[0], a), new.get(pair[1], b))


def _without(value: Any, passage: Passage, own: Collection[str]) -> Any:
    """Return JSON with a mark in place of the passage in every name and every other string."""
    if isinstance(value, str):
        return value if value in own else passage.replace(value, MARK)
    if isinstance(value, dict):
        return {
            passage.replace(name, MARK): _without(each, passage, own)
            for name, each in value.items()
        }
    return [_without(each, passage, own) for each in value] if isinstance(value, list) else value


def _as_draft(row: Any, detail: dict[str, Any]) -> tuple[CapturedItem, Draft, str]:
    paragraphs = tuple(Paragraph(each["role"], each["text"]) for each in detail["paragraphs"])
    draft = Draft(
        title=detail["title"],
        paragraphs=paragraphs,
        extractor=Extractor(row.extractor, row.extractor_version, row.config),
        fields={"language": Field(row.language, "")},
        quotes=quotes_in(detail, paragraphs),
        indirect_quotes=quotes_in(detail, paragraphs, "indirect"),
        address=detail.get("address"),
    )
    nowhere = CapturedItem(0, row.capture_id, 0, 0, "", datetime.now(UTC), {}, b"")
    return nowhere, draft, f"redacted {row.id}"


def remove_passage(
    unit: Unit, hits: PassageHits, passage: Passage, reason: RedactionReason, actor: str
) -> tuple[int, list[Any]] | None:
    """Write readings without the passage and order the redaction of the old ones.

    Headlines on front pages and lists that have the passage are redacted as a whole. Returns the
    number of the act and the wordings to index; None if nothing had the passage.
    """
    connection = unit.connection
    hits.comparing.continue_under_lock(unit)
    ids = {each.old.id for each in hits.readings}
    ordered = select(REDACTION.c.row_id).where(REDACTION.c.table_name == "derivation")
    # a killed order, or one of another process, may have replaced them and not emptied them yet
    ids -= {row[0] for row in rows_in(connection, ordered, REDACTION.c.row_id, ids)}
    whole = select(DERIVATION.c.id).where(DERIVATION.c.detail.is_not(None))
    still = {row[0] for row in rows_in(connection, whole, DERIVATION.c.id, ids)}
    readings = [each for each in hits.readings if each.old.id in still]
    bytes_of = hits.plan.lists | hits.plan.held
    records = hits.plan.rows["foreign_record"]
    beside = rows_with_passage(connection, hits.plan, passage)
    shown = select(SNAPSHOT.c.observation_id)
    affected = rows_in(connection, shown, SNAPSHOT.c.derivation_id, still)
    captured = rows_in(connection, select(OBSERVATION.c.id), OBSERVATION.c.capture_id, bytes_of)
    seen = {row[0] for row in (*affected, *captured)}
    own = rows_in(connection, select(SNAPSHOT.c.article_id), SNAPSHOT.c.observation_id, seen)
    textless = shown.where(SNAPSHOT.c.derivation_id.is_(None))  # a wall may show the text behind it
    behind = rows_in(connection, textless, SNAPSHOT.c.article_id, {row[0] for row in own})
    seen |= {row[0] for row in behind}
    for name, showing in rows_that_show(connection, seen).items():
        beside[name] = beside.get(name, set()) | showing
    has_rows = hits.plan.rows["teaser"] or bytes_of or records or any(beside.values())
    if not readings and not has_rows:
        return None
    deriving = DerivationWriter(unit, {})
    deriving.load([each.reading.digest or b"" for each in readings], ())
    new = {each.old.id: _write(unit, deriving, each) for each in readings}
    unit.flush()
    deriving.add_wording_rows()
    gone = {each.old.wording_id for each in readings} - {wording for _, wording in new.values()}
    for each in readings:
        hits.comparing.set_content(new[each.old.id][0], each.content)
    for old, (derivation, wording) in new.items():
        connection.execute(
            update(SNAPSHOT)
            .where(SNAPSHOT.c.derivation_id == old)
            .values(derivation_id=derivation, wording_id=wording)
        )
    rows = _rows(connection, {each.old.capture_id for each in readings} | bytes_of, records)
    rows["capture"] |= captures_beside(connection, beside)
    rows |= {"wording": gone, "derivation": set(new), "teaser": hits.plan.rows["teaser"], **beside}
    act = order(unit, rows, reason, actor)
    if act is None:
        return None
    origins = select(ORIGIN.c.origin).join(
        ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == ORIGIN.c.id
    )
    places = rows_in(connection, origins, ARTICLE_ORIGIN.c.article_id, hits.articles)
    suppress_passage(unit, passage, [row[0] for row in places], act)
    rebuild_all(unit, dict.fromkeys(sorted(hits.articles), True), hits.comparing)
    return act, deriving.to_index


def _write(unit: Unit, deriving: DerivationWriter, each: WithoutPassage) -> tuple[int, int]:
    """Write a reading without the passage; return the numbers of derivation and wording."""
    draft, old = each.reading.outcome, each.old
    assert isinstance(draft, Draft)
    assert each.reading.digest is not None
    is_known = each.reading.digest in deriving.wordings
    wording = deriving.wording(draft, each.reading.digest, each.reading)
    number = unit.number()
    deriving.texts.append(ReadText(wording, number, draft, is_known))
    kept = (
        "capture_id", "extractor", "extractor_version", "config", "language", "published",
        "published_precision", "published_from", "published_to", "word_count",
    )  # fmt: skip
    publisher = (each.detail["fields"].get("publisher") or {}).get("value")
    unit.add(
        DERIVATION,
        {
            **{name: getattr(old, name) for name in kept}, "id": number,
            "context": each.reading.context, "wording_id": wording, "publisher": publisher,
            "detail": each.detail, "raw_output": None, "recorded_at": unit.now,
        },
    )  # fmt: skip
    return number, wording


def _rows(connection: Connection, captures: set[int], records: set[int]) -> dict[str, set[int]]:
    """Return the rows with these bytes, or about them, and the records with what goes with them."""
    seen = select(OBSERVATION.c.id, OBSERVATION.c.hints)
    observed = dict(
        row for row in map(tuple, rows_in(connection, seen, OBSERVATION.c.capture_id, captures))
    )
    transfers = rows_in(connection, select(TRANSFER.c.id), TRANSFER.c.observation_id, observed)
    record = select(FOREIGN_RECORD.c.id)
    mains = set(records)
    for column, wanted in (
        (FOREIGN_RECORD.c.observation_id, set(observed)),
        (FOREIGN_RECORD.c.payload_capture_id, captures),
    ):
        mains |= {row[0] for row in rows_in(connection, record, column, wanted)}
    companions = rows_in(connection, record, FOREIGN_RECORD.c.main_id, mains)
    return {
        "foreign_record": mains | {row[0] for row in companions},
        "capture": captures,
        "transfer": {row[0] for row in transfers},
        "observation": {n for n, hints in observed.items() if "listed" in (hints or {})},
    }
