"""New numbers for rows of views: each change of a table states here which of them it affects.

A program that follows the views by `seq` reads the rows again. Rows of the state have a `seq` of
their own, those of the record one in the table `renewal`; no two rows of a view get one number.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Column, Connection, exists, func, select, text

from storage.database.engine import insert_rows
from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    LINEAGE,
    OBSERVATION,
    RELATION,
    RENEWAL,
    SCAN,
    SNAPSHOT,
    VERSION,
)
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import FIELD_BLOCK, SNAPSHOT_BLOCK
from storage.database.view_queries.sql_words import words_of
from storage.history.change_events import UPDATE_ARTICLE, UPDATE_RESTRICTION, record_updates


class NamingVersions(NamedTuple):
    """Versions of other articles with fields that name a title of `articles`.

    Those with a `seq` up to `known` were searched.
    """

    versions: frozenset[int] = frozenset()
    known: int = 0
    articles: frozenset[int] = frozenset()


NONE_NAMED = NamingVersions()


def find_naming(
    connection: Connection, articles: Iterable[int], before: NamingVersions = NONE_NAMED
) -> NamingVersions:
    """Find the versions whose fields are hidden with articles; read all readings since `before`."""
    if not (wanted := sorted({*articles})):
        return before
    words = words_of(connection)
    query = text(
        _NAMING.format(
            letters=words.quoted("w.title"),
            contains=words.contains("CAST(d.detail AS text)", "t.letters"),
        )
    )
    found = set(before.versions)
    for article in wanted:
        rows = connection.execute(query, {"article": article, "known": before.known})
        found |= {*rows.scalars()}
    newest = connection.execute(select(func.max(VERSION.c.seq))).scalar()
    return NamingVersions(frozenset(found), newest or 0, before.articles.union(wanted))


_NAMING = """
SELECT DISTINCT v.id FROM (
    SELECT substr({letters}, 2, length({letters}) - 2) AS letters
    FROM version own JOIN wording w ON w.id = own.wording_id
    WHERE own.article_id = :article AND length(w.title) >= 16
) t
JOIN version v ON v.seq > :known AND v.article_id <> :article
JOIN derivation d ON d.id = v.derivation_id
WHERE {contains}
"""


def renew_articles(unit: Unit, articles: Iterable[int]) -> None:
    """Renew articles with all rows of the views about them and their addresses."""
    wanted = sorted({*articles})
    unit.flush()
    rows = [{"id": each, "seq": unit.number()} for each in wanted]
    update_rows(unit.connection, ARTICLE, ("id",), rows)
    renew_versions(unit, _find(unit, VERSION.c.id, VERSION.c.article_id, wanted))
    renew_observations(unit, _find(unit, SNAPSHOT.c.observation_id, SNAPSHOT.c.article_id, wanted))
    renew_places(unit, wanted)


def renew_confirmed(unit: Unit, articles: Iterable[int]) -> None:
    """Renew those of these articles of which scans confirmed a file.

    They end at a later observation with another wording of the article, so each snapshot that
    comes into an article or leaves it may change them.
    """
    query = (
        select(SNAPSHOT.c.article_id)
        .join(SCAN, SCAN.c.source_id == SNAPSHOT.c.source_id)
        .where(SNAPSHOT.c.is_foreign.is_(False), SCAN.c.complete.is_(True))
        .distinct()
    )
    found = rows_in(unit.connection, query, SNAPSHOT.c.article_id, {*articles})
    renew_articles(unit, [row[0] for row in found])


def find_overtaken(unit: Unit, observations: Iterable[int]) -> set[int]:
    """Return the articles in which these observations end scans that were completed before they
    were read.
    """
    unit.flush()
    edge = func.coalesce(OBSERVATION.c.scan_id, OBSERVATION.c.id)
    query = select(OBSERVATION.c.id, edge)
    newest = unit.connection.execute(
        select(func.max(SCAN.c.id)).where(SCAN.c.complete.is_(True))
    ).scalar()
    late = {
        number
        for number, own in rows_in(unit.connection, query, OBSERVATION.c.id, {*observations})
        if newest is not None and own <= newest
    }
    made, read, earlier = OBSERVATION.alias(), SNAPSHOT.alias(), SNAPSHOT.alias()
    query = (
        select(earlier.c.article_id)
        .join(read, read.c.article_id == earlier.c.article_id)
        .join(made, made.c.id == read.c.observation_id)
        .where(
            earlier.c.observation_id < read.c.observation_id,
            earlier.c.wording_id != read.c.wording_id,
            earlier.c.locator_id != read.c.locator_id,
            earlier.c.is_foreign.is_(False),
            read.c.is_foreign.is_(False),
            exists().where(
                SCAN.c.source_id == earlier.c.source_id,
                SCAN.c.complete.is_(True),
                SCAN.c.id >= func.coalesce(made.c.scan_id, made.c.id),
            ),
        )
        .distinct()
    )
    found = rows_in(unit.connection, query, read.c.observation_id, late)
    return {row[0] for row in found}


def renew_places(unit: Unit, articles: Iterable[int]) -> None:
    """Renew the addresses and relations of articles, which show the article that they belong to."""
    wanted = {*articles}
    origins = _find(unit, ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id, wanted)
    renew_rows(unit, "origin", origins)
    related = set[int]()
    for end in (RELATION.c.a_origin_id, RELATION.c.b_origin_id):
        related |= _find(unit, RELATION.c.id, end, origins)
    renew_rows(unit, "relation", related)


def renew_hidden(
    unit: Unit, articles: Iterable[int], naming: NamingVersions = NONE_NAMED
) -> list[int]:
    """Renew articles that are hidden or shown again, with the fields hidden with them; return them.

    `naming` was found before, so that little is left to search while others wait.
    """
    wanted = sorted({*articles})
    renew_articles(unit, wanted)
    if wanted:
        renew_versions(unit, find_naming(unit.connection, wanted, naming).versions)
        shown = _find(unit, VERSION.c.id, VERSION.c.article_id, {*wanted})
        record_updates(unit, shown, UPDATE_RESTRICTION)
    return wanted


def renew_renamed(unit: Unit, articles: Iterable[int]) -> None:
    """Renew articles that are named after another address; their changes are updated."""
    wanted = {*articles}
    renew_articles(unit, wanted)
    record_updates(unit, _find(unit, VERSION.c.id, VERSION.c.article_id, wanted), UPDATE_ARTICLE)


def renew_addresses(unit: Unit, origins: Iterable[int]) -> None:
    """Renew all rows with one of these addresses, or with the id of an article named by it."""
    wanted = {*origins}
    owned = ARTICLE_ORIGIN.c
    renew_articles(unit, _find(unit, owned.article_id, owned.origin_id, wanted))
    renew_observations(unit, _find(unit, OBSERVATION.c.id, OBSERVATION.c.locator_id, wanted))
    joined = _find(unit, LINEAGE.c.origin_id, LINEAGE.c.to_origin_id, wanted)
    renew_rows(unit, "origin", wanted | joined)


def renew_versions(unit: Unit, versions: Iterable[int]) -> None:
    """Renew versions with their changes, fields, entries and quotations."""
    rows = [{"id": each, "seq": unit.number(FIELD_BLOCK)} for each in sorted({*versions})]
    update_rows(unit.connection, VERSION, ("id",), rows)


def renew_observations(unit: Unit, observations: Iterable[int]) -> None:
    """Renew observations with their transfers, whether they belong to an article or not."""
    wanted = {*observations}
    seen = _find(unit, SNAPSHOT.c.observation_id, SNAPSHOT.c.observation_id, wanted)
    rows = [{"observation_id": n, "seq": unit.number(SNAPSHOT_BLOCK)} for n in sorted(seen)]
    update_rows(unit.connection, SNAPSHOT, ("observation_id",), rows)
    renew_rows(unit, "observation", wanted - seen)


def renew_rows(unit: Unit, table: str, rows: Iterable[int]) -> None:
    """Renew rows of the record; `origin` is for the rows of views about an address as a whole."""
    wanted = sorted({*rows})
    known = RENEWAL.c.table_name == table
    query = select(RENEWAL.c.row_id).where(known)
    renewed = {row[0] for row in rows_in(unit.connection, query, RENEWAL.c.row_id, wanted)}
    numbers = [{"table_name": table, "row_id": each, "seq": unit.number()} for each in wanted]
    there = [each for each in numbers if each["row_id"] in renewed]
    update_rows(unit.connection, RENEWAL, ("table_name", "row_id"), there)
    insert_rows(unit.connection, RENEWAL, [n for n in numbers if n["row_id"] not in renewed])


def _find(unit: Unit, column: Column[int], by: Column[int], values: Iterable[int]) -> set[int]:
    return {row[0] for row in rows_in(unit.connection, select(column), by, values)}
