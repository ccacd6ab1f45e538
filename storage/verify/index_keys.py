"""Compute the index keys of each wording and compare them with the stored ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice, product
from typing import Any

from sqlalchemy import Connection, select

from storage.database.rows import stream
from storage.database.tables import ARTICLE_ORIGIN, DERIVATION, ORIGIN, WORDING
from storage.database.unit import rows_in
from storage.relations.candidates import look_up
from storage.similarity.index_keys import index_keys as keys_of
from storage.similarity.near_copy import LONGEST_TEXT
from storage.similarity.signature import signature_of
from storage.values.dates import day_of
from storage.values.digest import canonical_all
from storage.values.net.site import site_of
from storage.values.redaction import is_emptied
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope

WORDINGS_AT_ONCE = 200
_SEEN = (
    "SELECT DISTINCT d.wording_id, s.derivation_id, s.article_id, s.origin_id, s.locator_id, "
    "s.address_id, s.observed_at, o.observed_at AS first_at FROM snapshot s "
    "JOIN observation o ON o.id = s.observation_id JOIN derivation d ON d.id = s.derivation_id "
    "WHERE d.wording_id > :first ORDER BY d.wording_id"
)
"""The sights of each wording, also those that are held back: a dismissed text keeps its keys."""
_FOUND = (
    "SELECT wording_id, count(*) AS number FROM index_key WHERE wording_id > :first "
    "GROUP BY wording_id"
)


def index_keys(connection: Connection, scope: Scope) -> Findings:
    """Check that index keys follow from the words, sites and days of their wording."""
    rightly = _count_correct_keys(connection, scope.begin)
    for row in stream(connection, _FOUND, {"first": scope.begin}):
        if rightly.get(row["wording_id"], 0) in {row["number"], None}:
            yield PASSED
        else:
            message = "it is found by numbers that do not follow from its text"
            yield BrokenObject("wording", row["wording_id"], "index_key_wrong", message)


def _count_correct_keys(connection: Connection, first: int) -> dict[int, int | None]:
    """Return for each wording the number of correct stored keys.

    None if it cannot be decided, because an address was redacted or a date is invalid.
    """
    number: dict[int, int | None] = {}
    groups = groupby(stream(connection, _SEEN, {"first": first}), key=lambda row: row["wording_id"])
    seen = ((wording, list(rows)) for wording, rows in groups)
    while chunk := dict(islice(seen, WORDINGS_AT_ONCE)):
        known = _KeyOrigins.of(connection, chunk)
        right = {wording: known.keys(wording, rows) for wording, rows in chunk.items()}
        stored = look_up(connection, {key for each in right.values() if each for key in each.keys})
        for wording, each in right.items():
            number[wording] = None
            if each is not None:
                days, keys = each.days, each.keys
                number[wording] = sum(stored[key].get(wording) in days for key in keys)
    return number


@dataclass(frozen=True, slots=True)
class _RightKeys:
    """The possible index keys of a wording, and their possible days."""

    keys: frozenset[int]
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class _KeyOrigins:
    """The inputs of the index keys of some wordings."""

    texts: Mapping[int, Any]
    published: Mapping[int, tuple[str | None, str | None]]
    origins: Mapping[int, str]
    of_article: Mapping[int, list[int]]

    @classmethod
    def of(cls, connection: Connection, chunk: Mapping[int, Sequence[Any]]) -> "_KeyOrigins":
        rows = [row for each in chunk.values() for row in each]
        texts = select(WORDING.c.id, WORDING.c.title, WORDING.c.text)
        dated = select(DERIVATION.c.id, DERIVATION.c.published, DERIVATION.c.published_precision)
        articles = {row["article_id"] for row in rows}
        of_article: dict[int, list[int]] = defaultdict(list)
        owned = select(ARTICLE_ORIGIN.c.article_id, ARTICLE_ORIGIN.c.origin_id)
        for article, origin in rows_in(connection, owned, ARTICLE_ORIGIN.c.article_id, articles):
            of_article[article].append(origin)
        places = {each for row in rows for each in (*_places(row), *of_article[row["article_id"]])}
        named = rows_in(connection, select(ORIGIN.c.id, ORIGIN.c.origin), ORIGIN.c.id, places)
        derivations = {row["derivation_id"] for row in rows}
        return cls(
            {row.id: row for row in rows_in(connection, texts, WORDING.c.id, chunk)},
            {r[0]: (r[1], r[2]) for r in rows_in(connection, dated, DERIVATION.c.id, derivations)},
            dict(map(tuple, named)),
            of_article,
        )

    def keys(self, wording: int, rows: Sequence[Any]) -> _RightKeys | None:
        """Return all possible keys of a wording, for every place and time of its first snapshot."""
        row = self.texts.get(wording)
        if row is None or row.text is None:
            return _RightKeys(frozenset(), frozenset())
        places = {each for r in rows for each in (*_places(r), *self.of_article[r["article_id"]])}
        days = self._days(rows)
        if days is None or any(is_emptied(self.origins.get(each, "")) for each in places):
            return None
        sites = {site_of(self.origins[each]) for each in places if each in self.origins}
        parts = canonical_all([row.title or "", *row.text.split("\n\n")])[1:]
        short = "\n\n".join(parts)[:LONGEST_TEXT].split("\n\n")
        forms = [parts] if short == parts else [parts, short]
        signature = signature_of(row.text)
        keys = frozenset(
            key
            for form, site, (day, is_exact) in product(forms, sites, days)
            for key in keys_of(
                form, signature, title=row.title, site=site, day=day, is_exact=is_exact
            ).kept
        )
        return _RightKeys(keys, frozenset(day.toordinal() if day else 0 for day, _is_exact in days))

    def _days(self, rows: Iterable[Any]) -> set[tuple[date | None, bool]] | None:
        """Return the days of a wording, None if a date is invalid; the log reports its row."""
        published = {self.published.get(row["derivation_id"], (None, None)) for row in rows}
        try:
            days = {day_of(*each) for each in published}
        except ValueError:
            return None
        if (None, False) in days:
            # before a clock correction, a wording was indexed with the uncorrected time
            days |= {(row[at].date(), True) for row in rows for at in ("observed_at", "first_at")}
        return days - {(None, False)}


def _places(row: Mapping[str, Any]) -> list[int]:
    names = ("origin_id", "locator_id", "address_id")
    return [row[name] for name in names if row[name] is not None]
