"""Derive kept texts again from their bytes, and tell where another text comes out."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from storage.broken import Broken
from storage.derived import Derived, derivations
from storage.digest import wording_digest
from storage.record import Extractor, Refused
from storage.settings import Settings
from worker.read import PAGE_TYPES, Reader
from worker.text import Hints, extractor
from worker.text.page import page_extractor

REPORT_EVERY = 100


class Rederivation:
    """One pass over the derivations of an archive.

    `derived` counts the texts that came out again, `not_rederivable_here` those whose extractor,
    version or configuration is not the one that is installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.derived = 0
        self.not_rederivable_here = 0

    def findings(self, engine: Any, progress: Callable[[str, int], None]) -> Iterator[Broken]:
        """Yield the derivations whose text does not come out again."""
        with Reader(self._settings) as reader:
            here = {extractor(reader.text), page_extractor(reader.text)}
            for number, kept in enumerate(derivations(engine)):
                if number % REPORT_EVERY == 0:
                    progress("texts from their bytes", number)
                if kept.extractor not in here:
                    self.not_rederivable_here += 1
                    continue
                self.derived += 1
                if not _comes_out(kept, reader):
                    yield _broken(kept)


def _comes_out(kept: Derived, reader: Reader) -> bool:
    outcome = reader.outcome(kept.raw, _hints(kept))
    if isinstance(outcome, Refused):
        return False
    return wording_digest(outcome.title, outcome.text_paragraphs()) == kept.digest


def _hints(kept: Derived) -> Hints:
    """Return the hints of the first reading, as `worker.read.context_of` wrote them down."""
    context = json.loads(kept.context)
    seen = context["seen"]
    if context["type"] not in PAGE_TYPES:
        seen = f"{seen}-12-31T00:00"
    moment = datetime.fromisoformat(seen)
    return Hints(
        type=context["type"],
        name="",
        charset=context.get("charset"),
        observed_at=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        url=context.get("url"),
    )


def _broken(kept: Derived) -> Broken:
    who: Extractor = kept.extractor
    return Broken(
        object="derivation",
        id=kept.id,
        kind="not_rederived",
        message=f"{who.name} {who.version} reads another text out of the same bytes",
    )
