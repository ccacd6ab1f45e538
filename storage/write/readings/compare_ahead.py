"""Compare readings with the stored texts before the lock of the archive is taken.

The results are cached: under the lock the comparisons are repeated, and those whose texts did
not change meanwhile are answered from the cache.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from storage.database.tables import ARTICLE, ARTICLE_ORIGIN, ORIGIN, VERSION, WORDING
from storage.database.unit import rows_in
from storage.diff.change import CaptureContent
from storage.history.changes import CaptureComparer
from storage.history.lineages import address_claims_of, text_of
from storage.history.memory import Memory
from storage.history.neighbours import Surroundings
from storage.history.noise.decisions import waiting
from storage.history.runs import Snapshot
from storage.record.derivation_detail import named
from storage.record.reading import Reading
from storage.similarity.signature import ComparedText, agreement
from storage.values.digest import origin_id
from storage.values.draft import Draft


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was read and its article; numbers of new rows are negative."""

    content: CaptureContent
    digest: bytes
    number: int
    article_id: int
    origin: str
    moment: datetime


def compare_ahead(
    connection: Connection, readings: Sequence[Reading], memory: Memory
) -> CaptureComparer:
    """Compare `readings` with the current state of the archive; nothing is written."""
    comparing = CaptureComparer.ahead(connection, memory)
    memory.check(connection)
    texts = sorted(_texts(comparing, readings), key=lambda text: (text.moment, -text.number))
    firsts = {text.article_id: text.moment for text in reversed(texts) if text.article_id > 0}
    around = Surroundings(connection, firsts)
    comparing.find_sites(firsts)
    comparing.learn(each.derivation_id for text in texts for each in _sides(around, text))
    for text in texts:
        _compare(comparing, around, text)
    comparing.steps_to_recheck(waiting(comparing))
    comparing.boilerplate.cut()
    _agree(connection, readings)
    return comparing


def _agree(connection: Connection, readings: Sequence[Reading]) -> None:
    """Cache the agreement of texts that are claimed to be one article."""
    own = {named(each).address or each.captured.locator: each for each in readings}
    said = [
        (origin, other) for origin, each in own.items() for _kind, other in address_claims_of(each)
    ]
    if not said:
        return
    articles = _articles(connection, [origin for pair in said for origin in pair])
    apart = [pair for pair in said if not _is_one(articles, *pair)]
    standing = _standing(connection, {articles.get(other) for _origin, other in apart} - {None})
    for origin, other in apart:
        beside = own.get(other)
        stored = standing.get(articles.get(other, 0))
        read = text_of(beside) if beside and isinstance(beside.outcome, Draft) else None
        for each in (stored, read):
            if each is not None:
                agreement(text_of(own[origin]), each)


def _is_one(articles: Mapping[str, int], origin: str, other: str) -> bool:
    return origin == other or (origin in articles and articles[origin] == articles.get(other))


def _standing(connection: Connection, articles: Iterable[int | None]) -> dict[int, ComparedText]:
    """Return the latest texts of articles."""
    query = (
        select(ARTICLE.c.id, WORDING.c.title, WORDING.c.digest, WORDING.c.text)
        .join(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
        .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
    )
    return {
        number: ComparedText(title, bytes(digest), text)
        for number, title, digest, text in rows_in(connection, query, ARTICLE.c.id, articles)
    }


def _texts(comparing: CaptureComparer, readings: Sequence[Reading]) -> Iterator[_Text]:
    names = [named(reading) for reading in readings]
    origins = [
        name.address or reading.captured.locator
        for name, reading in zip(names, readings, strict=True)
    ]
    articles = _articles(comparing.connection, origins)
    unknown: dict[str, int] = {}
    for number, (reading, name, origin) in enumerate(zip(readings, names, origins, strict=True)):
        if isinstance(reading.outcome, Draft) and reading.digest is not None:
            article = articles.get(origin) or unknown.setdefault(origin, -1 - len(unknown))
            content = comparing.content_of(reading)
            yield _Text(content, reading.digest, -1 - number, article, origin, name.moment)


def _articles(connection: Connection, origins: Sequence[str]) -> Mapping[str, int]:
    names = {origin_id(each): each for each in origins}
    query = select(ORIGIN.c.public_id, ARTICLE_ORIGIN.c.article_id).join(
        ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == ORIGIN.c.id
    )
    return {
        names[public]: article
        for public, article in rows_in(connection, query, ORIGIN.c.public_id, names)
    }


def _compare(comparing: CaptureComparer, around: Surroundings, text: _Text) -> None:
    """Compare a text with the neighbouring snapshots of its article, and add it to them."""
    article, sides = text.article_id, _sides(around, text)
    if text.digest not in {each.digest for each in sides}:
        for each in sides:
            is_before = each.place <= (text.moment, text.digest)
            comparing.is_noise(article, each.derivation_id, text.content, is_before=is_before)
    if article < 0:
        comparing.set_origin(article, text.origin)
    comparing.add_pending(text.number, text.number, text.content, article, text.origin)
    number = text.number
    around.add(article, Snapshot(text.moment, number, number, text.digest, number))


def _sides(around: Surroundings, text: _Text) -> list[Snapshot]:
    """Return the snapshots directly before and after a text."""
    found = [
        around.beside(text.article_id, text.moment, text.digest, is_before=before)
        for before in (True, False)
    ]
    return [each for each in found if each is not None]
