"""Compare readings with what is known, before the lock of the archive is taken.

What is found is only a proposal: under the lock the same questions are asked again, and what is
still as it was then has its answer ready.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from storage.database.tables import ArticleOriginRow, CounterRow, OriginRow
from storage.database.unit import rows_in, table_of
from storage.history.changes import Comparing
from storage.history.memory import Memory
from storage.history.neighbours import Surroundings
from storage.history.noise_decisions import waiting
from storage.history.runs import Sight
from storage.record.derivation_detail import named
from storage.record.reading import Reading
from storage.values.digest import origin_id
from storage.values.draft import Draft

ARTICLE_ORIGIN, ORIGIN = table_of(ArticleOriginRow), table_of(OriginRow)
COUNTER = table_of(CounterRow)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was read, where it stands; of what is new all numbers are below zero."""

    draft: Draft
    digest: bytes
    number: int
    article_id: int
    origin: str
    moment: datetime


def compare_ahead(connection: Connection, readings: Sequence[Reading], memory: Memory) -> Comparing:
    """Return what `readings` compare to as the archive is now; nothing is written."""
    query = select(COUNTER.c.value).where(COUNTER.c.name == "seq")
    comparing = Comparing(connection, connection.execute(query).scalar_one(), memory)
    memory.check(connection)
    texts = sorted(_texts(connection, readings), key=lambda text: (text.moment, -text.number))
    firsts = {text.article_id: text.moment for text in reversed(texts) if text.article_id > 0}
    around = Surroundings(connection, firsts)
    comparing.find_sites(firsts)
    comparing.learn(each.derivation_id for text in texts for each in _sides(around, text))
    for text in texts:
        _compare(comparing, around, text)
    woken = waiting(comparing)
    comparing.find_sites(woken)
    comparing.learn(each for steps in woken.values() for pair in steps for each in pair)
    for article_id, steps in woken.items():
        for pair, keys in steps.items():
            comparing.has_boxes(article_id, pair, keys)
    return comparing


def _texts(connection: Connection, readings: Sequence[Reading]) -> Iterator[_Text]:
    names = [named(reading) for reading in readings]
    origins = [
        name.address or reading.captured.locator
        for name, reading in zip(names, readings, strict=True)
    ]
    articles = _articles(connection, origins)
    unknown: dict[str, int] = {}
    for number, (reading, name, origin) in enumerate(zip(readings, names, origins, strict=True)):
        if isinstance(reading.outcome, Draft) and reading.digest is not None:
            article = articles.get(origin) or unknown.setdefault(origin, -1 - len(unknown))
            yield _Text(reading.outcome, reading.digest, -1 - number, article, origin, name.moment)


def _articles(connection: Connection, origins: Sequence[str]) -> Mapping[str, int]:
    """Return the articles that stand at origins."""
    names = {origin_id(each): each for each in origins}
    query = select(ORIGIN.c.public_id, ARTICLE_ORIGIN.c.article_id).join(
        ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == ORIGIN.c.id
    )
    return {
        names[public]: article
        for public, article in rows_in(connection, query, ORIGIN.c.public_id, names)
    }


def _compare(comparing: Comparing, around: Surroundings, text: _Text) -> None:
    """Compare a text with what stands before and after it, and add it to that."""
    article, sides = text.article_id, _sides(around, text)
    if text.digest not in {each.digest for each in sides}:
        for each in sides:
            is_before = each.observed_at <= text.moment
            comparing.is_noise(article, each.derivation_id, text.draft, is_before=is_before)
    if article < 0:
        comparing.stands_at(article, text.origin)
    content = comparing.content_of(text.draft)
    comparing.brings(text.number, text.number, content, article, text.origin)
    number = text.number
    around.add(article, Sight(text.moment, number, number, text.digest, number))


def _sides(around: Surroundings, text: _Text) -> list[Sight]:
    """Return the sights before and after a text, where there are such."""
    found = [
        around.beside(text.article_id, text.moment, is_before=before) for before in (True, False)
    ]
    return [each for each in found if each is not None]
