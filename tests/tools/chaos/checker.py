"""An independent checker: plain SQL over the tables, nothing of the program that is tried."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.tools.chaos.corpus import Seed

KINDS = {
    "new_article": "new_articles",
    "new_version": "new_versions",
    "unchanged": "unchanged",
    "copy": "copies",
    "refused": "refused",
}


@contextmanager
def asking(url: str) -> Iterator["Question"]:
    """Give a way to ask the database at `url`, which only reads."""
    connection: Any
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    else:
        connection = psycopg.connect(url, autocommit=True)
    try:
        yield Question(connection)
    finally:
        connection.close()


class Question:
    """Rows and numbers of one database."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return list(self.connection.execute(query).fetchall())

    def number(self, query: str) -> int:
        return int(self.rows(query)[0][0] or 0)


def faults(url: str, seeds: Sequence[Seed]) -> list[str]:
    """Return what is wrong: each seed has to be there once, as it was written, with one verdict.

    Several seeds of one path are versions of one article, in their order.
    """
    with asking(url) as ask:
        return [*_seeds(ask, seeds), *_verdicts(ask, seeds), *_jobs(ask), *_texts(ask, seeds)]


def _seeds(ask: Question, seeds: Sequence[Seed]) -> Iterator[str]:
    """Every seed that was written has one observation with one verdict, and nothing else has."""
    query = """
        SELECT r.origin, count(DISTINCT o.id), count(v.id) FROM observation o
        JOIN origin r ON r.id = o.locator_id LEFT JOIN verdict v ON v.observation_id = o.id
        WHERE o.outcome IN ('captured', 'refused') GROUP BY r.origin
    """
    found = {origin: (looks, verdicts) for origin, looks, verdicts in ask.rows(query)}
    for origin, number in Counter(seed.origin for seed in seeds).items():
        looks, verdicts = found.pop(origin, (0, 0))
        if (looks, verdicts) != (number, number):
            yield f"{origin} has {looks} observations and {verdicts} verdicts"
    for origin in found:
        yield f"{origin} was never written"
    gone = ask.number("SELECT count(*) FROM observation WHERE outcome = 'gone'")
    if gone:
        yield f"{gone} files are told to be gone, none is"


def _verdicts(ask: Question, seeds: Sequence[Seed]) -> Iterator[str]:
    twice = ask.number(
        "SELECT count(*) FROM (SELECT observation_id FROM verdict GROUP BY observation_id "
        "HAVING count(*) > 1) t"
    )
    if twice:
        yield f"{twice} observations have more than one verdict"
    kinds = Counter(dict(ask.rows("SELECT kind, count(*) FROM verdict GROUP BY kind")))
    empty = sum(seed.body is None for seed in seeds)
    texts = len({seed.body for seed in seeds} - {None})
    edits = len(seeds) - len({seed.origin for seed in seeds})
    expected = {
        "refused": empty,
        "new_article": texts - edits,
        "new_version": edits,
        "copy": len(seeds) - empty - texts,
    }
    if dict(kinds) != {kind: number for kind, number in expected.items() if number}:
        yield f"the verdicts are {dict(kinds)}, expected {expected}"
    for kind, column in KINDS.items():
        counted = ask.number(f"SELECT sum({column}) FROM job WHERE kind = 'read'")
        if counted != kinds[kind]:
            yield f"read jobs count {counted} {column}, there are {kinds[kind]} such verdicts"


def _jobs(ask: Question) -> Iterator[str]:
    states = dict(ask.rows("SELECT state, count(*) FROM job WHERE kind = 'read' GROUP BY state"))
    if set(states) - {"done"}:
        yield f"read jobs stand at {states}"
    failed = ask.number("SELECT sum(failed) FROM job")
    if failed:
        yield f"{failed} items failed"
    cursor = """
        SELECT j.id FROM job j WHERE j.kind = 'read' AND
        j.new_articles + j.new_versions + j.unchanged + j.copies + j.refused
        <> (SELECT count(*) FROM verdict v WHERE v.job_id = j.id)
    """
    for (number,) in ask.rows(cursor):
        yield f"job {number} counts other verdicts than it gave"


def _texts(ask: Question, seeds: Sequence[Seed]) -> Iterator[str]:
    """Every article has one version with the written text and bytes for each time it was written."""
    query = """
        SELECT r.origin, w.text FROM article a
        JOIN origin r ON r.id = a.origin_id LEFT JOIN version v ON v.article_id = a.id
        LEFT JOIN wording w ON w.id = v.wording_id ORDER BY v.number
    """
    found, written = defaultdict(list), defaultdict(list)
    for origin, body in ask.rows(query):
        found[origin].append(body)
    kept = {bytes(row[0]) for row in ask.rows("SELECT digest FROM capture")}
    for seed in seeds:
        if seed.digest not in kept:
            yield f"the bytes of {seed.origin} are not kept"
        if seed.body is not None:
            written[seed.origin].append(seed.body)
    for origin, bodies in written.items():
        if found.pop(origin, None) != bodies:
            yield f"{origin} has not its versions with their texts"
    for origin in found:
        yield f"{origin} is an article and should be none"
