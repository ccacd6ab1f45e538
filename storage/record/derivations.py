"""Insert the results of extraction: wordings and derivations, once each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import select

from storage.capabilities import load_parts
from storage.capabilities.hooks import ReadText
from storage.database.columns import JsonText, json_text
from storage.database.tables import DERIVATION, SEARCH_DUE, WORDING
from storage.database.unit import Unit, rows_in
from storage.record.derivation_detail import detail_of, layout, publication_columns, value_of
from storage.record.reading import IndexInput, Reading, ReExtracted
from storage.values.draft import Draft, Extractor

BYTES_GONE = "bytes_gone"
"""Refusal code of a text that cannot be extracted again because its bytes were deleted."""
OTHER_WAY = "reading_other_way"
"""The same of a text that was fetched beside one of a browser, or the other way round."""


@dataclass(frozen=True, slots=True)
class PreparedDraft:
    """The rows of a draft: the columns of its derivation, and its detail as JSON."""

    paragraphs: tuple[str, ...]
    columns: Mapping[str, Any]
    detail: Mapping[str, Any]
    detail_text: JsonText


PreparedDrafts = Mapping[int, PreparedDraft]
"""The rows of drafts, by the `id` of their reading."""


def prepare_derivations(readings: Iterable[Reading]) -> PreparedDrafts:
    """Prepare the derivations of drafts before the lock is taken."""
    return {id(each): _prepare(each) for each in readings if isinstance(each.outcome, Draft)}


def _prepare(reading: Reading) -> PreparedDraft:
    draft = reading.outcome
    assert isinstance(draft, Draft)
    output = draft.raw_output
    columns = {
        **publication_columns(reading),
        "language": value_of(draft, "language"),
        "publisher": value_of(draft, "publisher"),
        "word_count": value_of(draft, "word_count"),
        "raw_output": zstandard.compress(output.encode("utf-8", "replace"), 3)
        if output is not None else None,
    }  # fmt: skip
    paragraphs = draft.text_paragraphs()
    detail = detail_of(draft, paragraphs)
    return PreparedDraft(paragraphs, columns, detail, JsonText(json_text(detail)))


class DerivationWriter:
    """Inserts wordings and derivations in one unit of work.

    `to_index` are the wordings to index, `texts` those whose rows `add_wording_rows` writes.
    """

    def __init__(self, unit: Unit, prepared: PreparedDrafts) -> None:
        self.unit = unit
        self._prepare = prepared
        self.to_index: list[IndexInput] = []
        self.texts: list[ReadText] = []
        self.wordings: dict[bytes, int] = {}
        self._texts: dict[int, tuple[str, ...]] = {}
        self._derivations: dict[tuple[Any, ...], int] = {}

    def load(self, digests: Iterable[bytes], captures: Iterable[int]) -> None:
        """Load the existing wordings with these digests, and the derivations of these captures."""
        connection = self.unit.connection
        query = select(WORDING.c.digest, WORDING.c.id, WORDING.c.text)
        for digest, number, body in rows_in(connection, query, WORDING.c.digest, digests):
            self.wordings[bytes(digest)] = number
            self._texts[number] = tuple((body or "").split("\n\n"))
        columns = (
            DERIVATION.c.capture_id, DERIVATION.c.context, DERIVATION.c.extractor,
            DERIVATION.c.extractor_version, DERIVATION.c.config, DERIVATION.c.id,
        )  # fmt: skip
        for row in rows_in(connection, select(*columns), DERIVATION.c.capture_id, captures):
            self._derivations[tuple(row[:5])] = row[5]

    def wording(self, draft: Draft, digest: bytes, reading: Reading) -> int:
        """Return the id of a wording; insert it if it is new."""
        known = self.wordings.get(digest)
        if known is not None:
            return known
        unit = self.unit
        number = self.wordings[digest] = unit.number()
        ready = self._prepare.get(id(reading))
        paragraphs = draft.text_paragraphs() if ready is None else ready.paragraphs
        self._texts[number] = paragraphs
        unit.add(
            WORDING,
            {
                "id": number, "digest": digest, "title": draft.title,
                "text": "\n\n".join(paragraphs), "recorded_at": unit.now,
            },
        )  # fmt: skip
        if reading.tokens is not None:
            self.to_index.append(IndexInput(number, reading.tokens, reading.sentence_keys))
        if unit.connection.dialect.name == "postgresql":
            unit.add(SEARCH_DUE, {"wording_id": number, "language": value_of(draft, "language")})
        return number

    def derivation(
        self, draft: Draft, wording: int, reading: Reading, context: str | None = None
    ) -> int:
        """Return the id of the derivation of a reading; insert it if it is new."""
        captured, who = reading.captured, draft.extractor
        context = reading.context if context is None else context
        key = (captured.capture_id, context, who.name, who.version, who.config)
        known = self._derivations.get(key)
        if known is not None:
            return known
        number = self._derivations[key] = self.unit.number()
        ready = self._prepare[id(reading)]
        detail: Mapping[str, Any] | JsonText = ready.detail_text
        has_flags = len(draft.flags) > len(ready.detail["flags"])
        if has_flags or self._texts[wording] != ready.paragraphs:
            paragraphs = layout(draft, self._texts[wording])
            detail = {**ready.detail, "flags": list(draft.flags), "paragraphs": paragraphs}
        self.unit.add(
            DERIVATION,
            {
                "id": number, "capture_id": captured.capture_id, "context": context,
                "extractor": who.name, "extractor_version": who.version, "config": who.config,
                "wording_id": wording, **ready.columns, "detail": detail,
                "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number

    def add_wording_rows(self) -> None:
        """Write the rows of capabilities for the collected texts."""
        texts, self.texts = self.texts, []
        for part in load_parts("wording_rows"):
            part.add_rows(self.unit, texts)

    def store_re_extraction(self, each: ReExtracted) -> int:
        """Insert the result of the current extractor for a capture, in addition to the old one."""
        reading, draft = each.reading, each.reading.outcome
        if isinstance(draft, Draft):
            assert reading.digest is not None
            is_known = reading.digest in self.wordings
            wording = self.wording(draft, reading.digest, reading)
            derivation = self.derivation(draft, wording, reading, each.context)
            self.texts.append(ReadText(wording, derivation, draft, is_known))
            return derivation
        code = getattr(draft, "code", "refused")
        return self.unread(reading.captured.capture_id, each.context, each.extractor, code)

    def unread(self, capture_id: int, context: str, who: Extractor, code: str) -> int:
        """Record that an extractor cannot read a capture, and why."""
        key = (capture_id, context, who.name, who.version, who.config)
        known = self._derivations.get(key)
        if known is not None:
            return known
        number = self._derivations[key] = self.unit.number()
        nothing = dict.fromkeys(
            ("wording_id", "published", "published_precision", "published_from", "published_to",
             "language", "publisher", "word_count", "raw_output")
        )  # fmt: skip
        self.unit.add(
            DERIVATION,
            {
                "id": number, "capture_id": capture_id, "context": context,
                "extractor": who.name, "extractor_version": who.version, "config": who.config,
                **nothing, "detail": {"refused": code}, "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number
