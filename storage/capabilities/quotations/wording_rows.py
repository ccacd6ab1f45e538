"""Write the quotations of a text in the transaction that stores it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select

from storage.capabilities.hooks import ReadText
from storage.capabilities.quotations.speakers import HiddenNames, find_speakers, load_hidden
from storage.capabilities.quotations.tables import QUOTATION
from storage.database.engine import insert_rows
from storage.database.tables import DERIVATION, VERSION, WORDING
from storage.database.unit import Unit, rows_in
from storage.database.view_facts import FIELD_BLOCK
from storage.history.renewals import renew_versions
from storage.language.folded_names import fold_name
from storage.values.draft import Quote, all_quotes_in, paragraphs_in

MOST_QUOTATIONS = FIELD_BLOCK - 2
"""Maximum number of quotations of a text: each has a `seq` of its version's block."""
WORDINGS_AT_ONCE = 500


class StoredQuotes(NamedTuple):
    """The quotations of a text, and the text, as of a draft."""

    quotes: tuple[Quote, ...]
    text: str

    def all_quotes(self) -> tuple[Quote, ...]:
        return self.quotes

    def text_paragraphs(self) -> tuple[str, ...]:
        return (self.text,)


class StoredText(NamedTuple):
    """A text whose quotations were read from its derivation, as `ReadText`."""

    wording_id: int
    derivation_id: int
    draft: StoredQuotes


def add_rows(unit: Unit, texts: Sequence[ReadText]) -> None:
    """Write the quotations of new texts, and of known ones that were read again.

    Versions with other quotations than before get a new `seq`.
    """
    if not texts:
        return
    hidden = load_hidden(unit.connection)
    for each in texts:
        if not each.is_known:
            _add(unit, quotation_rows(each, hidden))
    _replace(unit, [each for each in texts if each.is_known], hidden)


def read_again(unit: Unit, wordings: Mapping[int, int]) -> None:
    """Write the quotations of wordings again, each from its derivation."""
    found = _load_quotes(unit.connection, wordings)
    texts = [StoredText(number, wordings[number], quotes) for number, quotes in found.items()]
    _replace(unit, texts, load_hidden(unit.connection))


def fill(connection: Connection) -> int:
    """Write the quotations of all versions that have none yet; return the number of wordings."""
    shown = (
        select(VERSION.c.wording_id, VERSION.c.derivation_id)
        .where(VERSION.c.wording_id.not_in(select(QUOTATION.c.wording_id)))
        .order_by(VERSION.c.wording_id, VERSION.c.id)
    )
    wanted = {row[0]: row[1] for row in reversed(connection.execute(shown).all())}
    done, hidden = 0, load_hidden(connection)
    pairs = iter(sorted(wanted.items()))
    while chunk := dict(islice(pairs, WORDINGS_AT_ONCE)):
        texts = [
            StoredText(wording, chunk[wording], quotes)
            for wording, quotes in _load_quotes(connection, chunk).items()
        ]
        rows = [row for each in texts for row in quotation_rows(each, hidden)]
        insert_rows(connection, QUOTATION, rows)
        done += len(chunk)
    return done


def _load_quotes(connection: Connection, wanted: Mapping[int, int]) -> dict[int, StoredQuotes]:
    """Return the quotations of wordings, each by its derivation."""
    query = select(WORDING.c.id, WORDING.c.text, DERIVATION.c.detail, DERIVATION.c.id).join(
        DERIVATION, DERIVATION.c.wording_id == WORDING.c.id
    )
    return {
        wording: StoredQuotes(all_quotes_in(detail, paragraphs_in(detail, text)), text)
        for wording, text, detail, derivation in rows_in(
            connection, query, DERIVATION.c.id, wanted.values()
        )
        if detail is not None and text is not None and wanted[wording] == derivation
    }


def quotation_rows(text: ReadText | StoredText, hidden: HiddenNames) -> Iterator[dict[str, Any]]:
    """Yield the rows of the quotations of a text: one for each speaker."""
    shown = ((each, hidden.remove_from(each)) for each in text.draft.all_quotes())
    body = "\n\n".join(text.draft.text_paragraphs())
    spoken = ((*both, each) for both in shown for each in find_speakers(both[0]))
    for number, (whole, left, speaker) in enumerate(islice(spoken, MOST_QUOTATIONS)):
        quote = left or whole
        person, spoken_as = fold_name(speaker.name), fold_name(quote.speaker)
        row = {
            "wording_id": text.wording_id, "number": number, "derivation_id": text.derivation_id,
            "kind": quote.kind, **_place_of(quote.text, body), "speaker": quote.speaker,
            "name": speaker.name, "office": speaker.office, "speaker_kind": speaker.kind,
            "cue": quote.cue, "paragraph": quote.paragraph, "confidence": quote.confidence,
            "person": person, "surname": person.split()[-1] if person else None,
            "spoken": None if spoken_as == person else spoken_as, "is_hidden": False,
        }  # fmt: skip
        yield {**row, **HIDDEN} if left is None or hidden.has(speaker.name) else row


def _place_of(words: str, body: str) -> dict[str, Any]:
    start = body.find(words) + 1
    if not start:
        return {"position": None, "length": None, "words": words}
    return {"position": start, "length": len(words), "words": None}


HIDDEN: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(
        ("position", "length", "speaker", "name", "office", "cue", "person", "surname", "spoken")
    )
    | {"words": "", "is_hidden": True}
)
"""The columns of a row whose speaker is left out of all lists."""


def _add(unit: Unit, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        unit.add(QUOTATION, row)


def _replace(unit: Unit, texts: Sequence[ReadText | StoredText], hidden: HiddenNames) -> None:
    """Replace the quotations of wordings by those of a later reading where they differ."""
    if not texts:
        return
    unit.flush()
    read = {each.wording_id: [*quotation_rows(each, hidden)] for each in texts}
    stored: dict[int, list[tuple[Any, ...]]] = {}
    query = select(QUOTATION).order_by(QUOTATION.c.number)
    for row in rows_in(unit.connection, query, QUOTATION.c.wording_id, read):
        stored.setdefault(row.wording_id, []).append(tuple(row)[3:])
    changed = [
        wording
        for wording, rows in read.items()
        if [tuple(row.values())[3:] for row in rows] != stored.get(wording, [])
    ]
    if not changed:
        return
    unit.connection.execute(delete(QUOTATION).where(QUOTATION.c.wording_id.in_(changed)))
    for wording in changed:
        _add(unit, read[wording])
    number_again(unit, changed)


def number_again(unit: Unit, wordings: Iterable[int]) -> None:
    """Give the versions with these wordings a new `seq`, so that clients read them again."""
    shown = rows_in(unit.connection, select(VERSION.c.id), VERSION.c.wording_id, wordings)
    renew_versions(unit, (row[0] for row in shown))
