"""Write what was read out of captures: wordings and derivations, once each."""

from collections.abc import Iterable, Mapping
from typing import Any

import zstandard
from sqlalchemy import select

from storage.database.tables import DerivationRow, FingerprintRow, SearchDueRow, WordingRow
from storage.database.unit import Unit, rows_in, table_of
from storage.language.vocabulary import Tokens
from storage.record.derivation_detail import detail_of, layout, published_columns, value_of
from storage.record.reading import Reading, Reread
from storage.values.draft import Draft, Extractor

DERIVATION, WORDING = table_of(DerivationRow), table_of(WordingRow)
BYTES_GONE = "bytes_gone"
"""Why a text was not read anew: its bytes were taken away."""


Prepared = Mapping[int, Mapping[str, Any]]
"""What derivations keep of drafts, by the `id` of their reading."""


def prepared(readings: Iterable[Reading]) -> Prepared:
    """Return what derivations will keep of drafts: nothing of it has to wait for the lock."""
    return {id(each): _columns(each) for each in readings if isinstance(each.outcome, Draft)}


def _columns(reading: Reading) -> dict[str, Any]:
    draft = reading.outcome
    assert isinstance(draft, Draft)
    output = draft.raw_output
    return {
        **published_columns(reading),
        "language": value_of(draft, "language"),
        "publisher": value_of(draft, "publisher"),
        "word_count": value_of(draft, "word_count"),
        "detail": detail_of(draft, draft.text_paragraphs()),
        "raw_output": zstandard.compress(output.encode("utf-8", "replace"), 3)
        if output is not None else None,
    }  # fmt: skip


class Deriving:
    """Writes wordings and derivations in one unit of work; `to_index` waits for full text."""

    def __init__(self, unit: Unit, prepared: Prepared) -> None:
        self.unit = unit
        self._prepared = prepared
        self.to_index: list[tuple[int, Tokens]] = []
        self.wordings: dict[bytes, int] = {}
        self._texts: dict[int, tuple[str, ...]] = {}
        self._derivations: dict[tuple[Any, ...], int] = {}

    def load(self, digests: Iterable[bytes], captures: Iterable[int]) -> None:
        """Learn which of these wordings are known, and what was read out of these captures."""
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
        """Return the id of a wording, writing it where it is new."""
        known = self.wordings.get(digest)
        if known is not None:
            return known
        unit = self.unit
        number = self.wordings[digest] = unit.number()
        paragraphs = draft.text_paragraphs()
        self._texts[number] = paragraphs
        unit.add(
            WordingRow,
            {
                "id": number, "digest": digest, "title": draft.title,
                "text": "\n\n".join(paragraphs), "recorded_at": unit.now,
            },
        )  # fmt: skip
        if reading.signature is not None:
            unit.add(
                FingerprintRow,
                {
                    "wording_id": number, "algorithm": reading.signature.algorithm,
                    "seed": reading.signature.seed, "signature": reading.signature.values,
                },
            )  # fmt: skip
        if reading.tokens is not None:
            self.to_index.append((number, reading.tokens))
        if unit.connection.dialect.name == "postgresql":
            unit.add(SearchDueRow, {"wording_id": number, "language": value_of(draft, "language")})
        return number

    def derivation(
        self, draft: Draft, wording: int, reading: Reading, context: str | None = None
    ) -> int:
        """Return the id of what a reader made of a capture, writing it where it is new."""
        captured, who = reading.captured, draft.extractor
        context = reading.context if context is None else context
        key = (captured.capture_id, context, who.name, who.version, who.config)
        known = self._derivations.get(key)
        if known is not None:
            return known
        number = self._derivations[key] = self.unit.number()
        columns = self._prepared[id(reading)]
        detail = {**columns["detail"], "flags": list(draft.flags)}
        if self._texts[wording] != draft.text_paragraphs():
            detail["paragraphs"] = layout(draft, self._texts[wording])
        self.unit.add(
            DerivationRow,
            {
                "id": number, "capture_id": captured.capture_id, "context": context,
                "extractor": who.name, "extractor_version": who.version, "config": who.config,
                "wording_id": wording, **columns, "detail": detail, "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number

    def reread(self, each: Reread) -> int:
        """Write what today's reader makes of a capture that was read before, beside the old."""
        reading, draft = each.reading, each.reading.outcome
        if isinstance(draft, Draft):
            assert reading.digest is not None
            wording = self.wording(draft, reading.digest, reading)
            return self.derivation(draft, wording, reading, each.context)
        code = getattr(draft, "code", "refused")
        return self.unread(reading.captured.capture_id, each.context, each.extractor, code)

    def unread(self, capture_id: int, context: str, who: Extractor, code: str) -> int:
        """Write that a reader can make no text of a capture, and why."""
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
            DerivationRow,
            {
                "id": number, "capture_id": capture_id, "context": context,
                "extractor": who.name, "extractor_version": who.version, "config": who.config,
                **nothing, "detail": {"refused": code}, "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number
