"""Extract stored texts again from their captures, and report differences."""

from collections.abc import Iterator
from typing import Any

from storage.record.derivation_detail import detail_of
from storage.settings import Settings
from storage.values.digest import wording_digest
from storage.values.draft import Draft, Json
from storage.values.job import Progress
from storage.values.refusals import RefusalReason
from storage.verify.finding import BrokenObject, Scope
from storage.verify.shown_texts import (
    DerivedCapture,
    DerivedText,
    derivations,
    find_field_differences,
)
from worker.flow.read import Reader, is_retried
from worker.text.read import current_extractors

REPORT_EVERY = 100
UNREAD = frozenset({"resource_time", "resource_memory", "extractor_crashed"})
"""Refusals that depend on the machine, not on the text."""


class Rederivation:
    """One pass over the derivations of an archive.

    `derived` counts the texts that came out again, `not_rederivable_here` those whose extractor,
    version or configuration is not the one that is installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.derived = 0
        self.not_rederivable_here = 0
        self.begun = False

    def findings(self, engine: Any, scope: Scope, progress: Progress) -> Iterator[BrokenObject]:
        """Yield the derivations whose text or fields differ when extracted again."""
        self.begun = True
        with Reader(self._settings) as reader:
            here = current_extractors(reader.text)
            for number, kept in enumerate(derivations(engine, scope.begin)):
                if number % REPORT_EVERY == 0:
                    progress("texts from their bytes", number)
                mine = [
                    text
                    for text in kept.texts
                    if text.extractor in here and scope.takes(text.derivation_id)
                ]
                self.not_rederivable_here += len(kept.texts) - len(mine)
                draft = _derive(kept, reader) if mine else None
                if isinstance(draft, RefusalReason) and draft.code in UNREAD:
                    self.not_rederivable_here += len(mine)
                else:
                    self.derived += len(mine)
                    yield from _wrong(draft, mine)


def _derive(capture: DerivedCapture, reader: Reader) -> Draft | RefusalReason:
    """Read a document again, with a second attempt after a timeout."""
    draft = reader.draft(capture.re_extraction.captured)
    return reader.draft(capture.re_extraction.captured) if is_retried(draft) else draft


def _wrong(draft: Draft | RefusalReason | None, texts: list[DerivedText]) -> Iterator[BrokenObject]:
    digest, fields = None, dict[str, Json]()
    if isinstance(draft, Draft):
        paragraphs = draft.text_paragraphs()
        digest = wording_digest(draft.title, paragraphs)
        fields = detail_of(draft, paragraphs)["fields"]
    for text in texts:
        what = "text"
        if text.digest == digest:
            names = find_field_differences(fields if text.fields is None else text.fields, fields)
            what = f"value of {', '.join(names)}" if names else ""
        if what:
            who = text.extractor
            message = f"{who.name} {who.version} extracts another {what} from the same bytes"
            yield BrokenObject("derivation", text.derivation_id, "not_rederived", message)
