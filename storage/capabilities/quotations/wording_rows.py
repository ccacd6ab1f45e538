"""Write the quotations of a text in the transaction that stores it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, select

from storage.capabilities.hooks import ReadText
from storage.capabilities.quotations.tables import QUOTATION
from storage.database.engine import insert_rows
from storage.database.tables import DERIVATION, VERSION, WORDING
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import FIELD_BLOCK
from storage.language.folded_names import fold_name
from storage.values.draft import NamedSpeaker, Quote, paragraphs_in, quotes_in

MOST_QUOTATIONS = FIELD_BLOCK - 2
"""Maximum number of quotations of a text: each has a `seq` of its version's block."""
WORDINGS_AT_ONCE = 500


def add_rows(unit: Unit, texts: Sequence[ReadText]) -> None:
    """Write the quotations of new texts, and of known ones that were read again.

    Versions with other quotations than before get a new `seq`.
    """
    for each in texts:
        if not each.is_known:
            _add(unit, each)
    _replace(unit, [each for each in texts if each.is_known])


def fill(connection: Connection) -> int:
    """Write the quotations of all versions that have none yet; return the number of wordings."""
    shown = (
        select(VERSION.c.wording_id, VERSION.c.derivation_id)
        .where(VERSION.c.wording_id.not_in(select(QUOTATION.c.wording_id)))
        .order_by(VERSION.c.wording_id, VERSION.c.id)
    )
    wanted = {row[0]: row[1] for row in reversed(connection.execute(shown).all())}
    done = 0
    pairs = iter(sorted(wanted.items()))
    while chunk := dict(islice(pairs, WORDINGS_AT_ONCE)):
        found = _load_quotes(connection, chunk)
        rows = [
            row
            for wording, quotes in found.items()
            for row in quotation_rows(wording, chunk[wording], quotes)
        ]
        insert_rows(connection, QUOTATION, rows)
        done += len(chunk)
    return done


def _load_quotes(connection: Connection, wanted: Mapping[int, int]) -> dict[int, tuple[Quote, ...]]:
    """Return the quotations of wordings, each by its derivation."""
    query = select(WORDING.c.id, WORDING.c.text, DERIVATION.c.detail, DERIVATION.c.id).join(
        DERIVATION, DERIVATION.c.wording_id == WORDING.c.id
    )
    return {
        wording: quotes_in(detail, paragraphs_in(detail, text))
        for wording, text, detail, derivation in rows_in(
            connection, query, DERIVATION.c.id, wanted.values()
        )
        if detail is not None and text is not None and wanted[wording] == derivation
    }


def quotation_rows(
    wording: int, derivation: int, quotes: Sequence[Quote]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the quotations of a wording: one for each speaker."""
    spoken = ((quote, each) for quote in quotes for each in _find_speakers(quote))
    for number, (quote, speaker) in enumerate(islice(spoken, MOST_QUOTATIONS)):
        person, words = fold_name(speaker.name), fold_name(quote.speaker)
        yield {
            "wording_id": wording, "number": number, "derivation_id": derivation,
            "kind": quote.kind, "text": quote.text, "speaker": quote.speaker,
            "name": speaker.name, "office": speaker.office, "speaker_kind": speaker.kind,
            "cue": quote.cue, "paragraph": quote.paragraph, "confidence": quote.confidence,
            "person": person, "surname": person.split()[-1] if person else None,
            "spoken": None if words == person else words,
        }  # fmt: skip


def _find_speakers(quote: Quote) -> Sequence[NamedSpeaker]:
    """Return the speakers of a quotation; older readings only have their words."""
    return quote.speakers or (NamedSpeaker(quote.speaker_resolved, None, "unknown"),)


def _add(unit: Unit, each: ReadText) -> None:
    for row in quotation_rows(each.wording_id, each.derivation_id, each.draft.quotes):
        unit.add(QUOTATION, row)


def _replace(unit: Unit, texts: Sequence[ReadText]) -> None:
    """Replace the quotations of wordings by those of a later reading where they differ."""
    if not texts:
        return
    unit.flush()
    wordings = {each.wording_id: each for each in texts}
    stored: dict[int, list[tuple[Any, ...]]] = {}
    query = select(QUOTATION).order_by(QUOTATION.c.number)
    for row in rows_in(unit.connection, query, QUOTATION.c.wording_id, wordings):
        stored.setdefault(row.wording_id, []).append(tuple(row)[3:])
    changed = []
    for wording, each in wordings.items():
        rows = [*quotation_rows(wording, each.derivation_id, each.draft.quotes)]
        if [tuple(row.values())[3:] for row in rows] != stored.get(wording, []):
            changed.append(wording)
    if not changed:
        return
    unit.connection.execute(delete(QUOTATION).where(QUOTATION.c.wording_id.in_(changed)))
    for wording in changed:
        _add(unit, wordings[wording])
    shown = rows_in(unit.connection, select(VERSION.c.id), VERSION.c.wording_id, changed)
    versions = sorted(row[0] for row in shown)
    rows = [{"id": number, "seq": unit.number(FIELD_BLOCK)} for number in versions]
    update_rows(unit.connection, VERSION, ("id",), rows)
