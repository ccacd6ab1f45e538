"""Read the stored bytes of many articles again by current extractors, and report differences."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any

from storage.history.runs import ExtractorKey
from storage.read.filters import NO_FILTERS, Filters
from storage.record.reading import ReExtracted, ReExtraction
from storage.settings import Settings
from storage.values.job import Progress
from storage.verify.shown_texts import (
    DueArticle,
    ShownText,
    Today,
    find_differences,
    is_current,
    read_today,
    select_articles,
    shown_texts,
)
from storage.write.archive import Archive
from storage.write.readings.store import load_re_extractions, store_re_extraction
from worker.flow.read import Reader
from worker.text.read import current_extractors

ARTICLES_AT_A_TIME = 50


@dataclass(frozen=True, slots=True)
class RederiveSelection:
    """The articles that are read again: the named ones, or those that pass the filters."""

    articles: Sequence[int] | None = None
    filters: Filters = NO_FILTERS
    after: str | None = None
    limit: int | None = None


@dataclass(slots=True)
class TextDifferences:
    """The result for the texts of one article.

    `texts` are those that were read by another extractor: `same` came out with the same wording,
    `differ` with another, `refused` as no text; of `gone` the bytes are not there. `derived`
    counts those that were read now and not before. `fields` names what else differs.
    """

    article: str
    origin: str
    cursor: str
    texts: int = 0
    same: int = 0
    differ: int = 0
    refused: int = 0
    gone: int = 0
    derived: int = 0
    fields: list[str] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        return bool(self.differ or self.refused or self.gone or self.fields)

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COLUMNS}

    def to_flat(self) -> dict[str, Any]:
        return self.to_dict()


COLUMNS = (
    "article", "origin", "texts", "same", "differ", "refused", "gone", "derived", "fields",
    "cursor",
)  # fmt: skip


class Rereading:
    """One pass over the articles of an archive; `totals` sums up its results."""

    def __init__(self, archive: Archive, settings: Settings, processes: int) -> None:
        self._archive, self._settings = archive, settings
        self._processes = processes
        self.totals = TextDifferences("", "", "")
        self.articles = 0

    def differences(
        self, selection: RederiveSelection, progress: Progress
    ) -> Iterator[TextDifferences]:
        """Yield the result for each article with a text of another extractor.

        Readings are stored in batches: after an interruption, the same pass continues.
        Raises: CursorError.
        """
        with ExitStack() as stack:
            free: SimpleQueue[Reader] = SimpleQueue()
            readers = [stack.enter_context(Reader(self._settings)) for _ in range(self._processes)]
            for each in readers:
                free.put(each)
            pool = stack.enter_context(ThreadPoolExecutor(self._processes))
            here = _extractors(readers[0])

            def read(wanted_text: ReExtraction) -> ReExtracted:
                reader = free.get()
                try:
                    return reader.re_extract(wanted_text)
                finally:
                    free.put(reader)

            for batch in self._batches(selection):
                texts = self._stale(batch, here)
                derived = self._read(texts, here, lambda a: list(pool.map(read, a)))
                yield from self._compare_texts(batch, texts, here, derived)
                progress("texts read anew", self.totals.texts)

    def summary(self) -> str:
        """Return the results in one sentence."""
        all_ = self.totals
        if not all_.texts:
            return "no extractor of this program reads a text anew; there is nothing to compare"
        return (
            f"{all_.texts} texts of {self.articles} articles were read by other extractors: "
            f"{all_.same} come out the same, {all_.differ} with another wording, {all_.refused} as "
            f"no text, {all_.gone} without their bytes; {all_.derived} were read now; no version "
            "was made"
        )

    def _batches(self, selection: RederiveSelection) -> Iterator[list[DueArticle]]:
        with self._archive.read_connection() as connection:
            found = list(
                select_articles(
                    connection,
                    selection.filters,
                    selection.articles,
                    selection.after,
                    selection.limit,
                )
            )
        articles = iter(found)
        while batch := list(islice(articles, ARTICLES_AT_A_TIME)):
            yield batch

    def _stale(self, batch: Sequence[DueArticle], here: Sequence[ExtractorKey]) -> list[ShownText]:
        texts = self._archive.read(shown_texts, [each.article_id for each in batch])
        return [each for each in texts if not is_current(each, here)]

    def _read(
        self,
        texts: Sequence[ShownText],
        here: Sequence[ExtractorKey],
        read: Callable[[list[ReExtraction]], list[ReExtracted]],
    ) -> set[int]:
        """Read what today's extractors have not read yet; return which derivations those are."""
        known = self._archive.read(read_today, texts, here)
        missing = {
            each.derivation_id: each.article_id
            for each in texts
            if each.has_bytes and each.derivation_id not in known
        }
        if missing:
            store_re_extraction(self._archive, read(load_re_extractions(self._archive, missing)))
        return set(missing)

    def _compare_texts(
        self,
        batch: Sequence[DueArticle],
        texts: Sequence[ShownText],
        here: Sequence[ExtractorKey],
        derived: set[int],
    ) -> Iterator[TextDifferences]:
        today = self._archive.read(read_today, texts, here)
        for article in batch:
            own = [each for each in texts if each.article_id == article.article_id]
            if own:
                difference = TextDifferences(article.article, article.origin, article.cursor)
                for each in own:
                    _count(difference, each, today.get(each.derivation_id))
                    difference.derived += each.derivation_id in derived
                self._add(difference)
                yield difference

    def _add(self, difference: TextDifferences) -> None:
        self.articles += 1
        for name in ("texts", "same", "differ", "refused", "gone", "derived"):
            setattr(self.totals, name, getattr(self.totals, name) + getattr(difference, name))


def _count(difference: TextDifferences, text: ShownText, today: Today | None) -> None:
    difference.texts += 1
    if today is None:
        difference.gone += 1
    elif today.digest is None:
        difference.refused += 1
    else:
        is_same = today.digest == text.digest
        difference.same += is_same
        difference.differ += not is_same
        more = find_differences(text.detail, today.detail)
        difference.fields = sorted({*difference.fields, *more})


def _extractors(reader: Reader) -> list[ExtractorKey]:
    return [(each.name, each.version, each.config) for each in current_extractors(reader.text)]
