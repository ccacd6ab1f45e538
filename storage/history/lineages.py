"""Lineages: addresses of one article, joined by redirects, canonical links and feed ids.

An article is the content of all origins that lineages connect. A lineage is part of the record;
after it is undone, its two addresses are never joined again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, text, update

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    BOILERPLATE_DUE,
    DERIVATION,
    LINEAGE,
    LINEAGE_UNDONE,
    ORIGIN,
    REBUILD_DUE,
    RESTRICTION,
    RESTRICTION_LIFTED,
    SNAPSHOT,
    TRANSFER,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import SNAPSHOT_BLOCK
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.address_claims import Position
from storage.history.article_rows import add_article
from storage.history.change_events import record_withdrawal
from storage.history.renewals import (
    NONE_NAMED,
    NamingVersions,
    find_naming,
    renew_confirmed,
    renew_hidden,
    renew_places,
    renew_renamed,
)
from storage.history.versions import rebuild_all
from storage.record.derivation_detail import named
from storage.record.observations import ensure_origins
from storage.record.reading import Reading
from storage.relations.clusters import gather
from storage.similarity.signature import ComparedText, agreement
from storage.values.digest import origin_id
from storage.values.draft import Draft

LEAST_AGREEMENT = {"redirect": 0.2, "guid": 0.2, "canonical": 0.8}
"""Minimum agreement of the texts of two addresses to be one article, by kind of claim."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A claim that a place and another address are one article."""

    kind: str
    place: Position
    other_id: int

    @property
    def ends(self) -> tuple[int, int]:
        """Return the addresses from old to new: redirects and ids lead to the current one."""
        here = self.place.origin_id
        return (here, self.other_id) if self.kind == "canonical" else (self.other_id, here)

    @property
    def observation_id(self) -> int:
        return self.place.reading.captured.observation_id


@dataclass(frozen=True, slots=True)
class _StoredClaim:
    """A stored page whose canonical address is read only now."""

    ends: tuple[int, int]
    observation_id: int
    kind: str = "canonical"


class Lineages:
    """Joins the addresses of fetched documents with their other addresses, in one unit of work."""

    def __init__(self, unit: Unit, naming: NamingVersions = NONE_NAMED) -> None:
        self.unit = unit
        self._naming = naming
        self.aliases: dict[int, list[_Candidate]] = {}
        self._open: list[_Candidate] = []
        self._undone: set[frozenset[int]] = set()
        self._joined: set[frozenset[int]] = set()

    def settle(self, places: Sequence[Position]) -> None:
        """Join addresses that are claimed to be one article, if their known texts agree."""
        candidates = self._candidates(places)
        if not candidates:
            return
        self._load(candidates)
        texts = _Texts(self.unit, [c.other_id for c in candidates])
        known = _answering(self.unit, [i for c in candidates for i in c.ends])
        for each in candidates:
            here, there = known.get(each.place.origin_id), known.get(each.other_id)
            pair = frozenset(each.ends)
            if pair in self._undone or (here is not None and here == there):
                continue
            if there is None:
                self._open.append(each)
                self._keep_for_later(each, here)
            elif self._agrees(each, texts):
                self._join(each)
                known = _answering(self.unit, [i for c in candidates for i in c.ends])

    def began(self, origin: int, article: int, taken: Mapping[int, Any]) -> None:
        """Assign the addresses that redirected to a new article to it."""
        for each in self.aliases.pop(origin, ()):
            if each.other_id not in taken:
                self._note(each)
                self.unit.add(ARTICLE_ORIGIN, {"origin_id": each.other_id, "article_id": article})

    def settle_late(self) -> None:
        """Join addresses that are both new in this unit of work; its rows must be written."""
        known = _answering(self.unit, [i for c in self._open for i in c.ends])
        for each in self._open:
            here, there = known.get(each.place.origin_id), known.get(each.other_id)
            if here is None or there is None or here == there:
                continue
            other = _text_then(self.unit, each)
            if (
                other is not None
                and agreement(text_of(each.place.reading), other) >= LEAST_AGREEMENT[each.kind]
            ):
                self._join(each)
                known = _answering(self.unit, [i for c in self._open for i in c.ends])

    def settle_copies(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Join pages of equal text of which one has the other's address as canonical link.

        `settle` uses the claims of the pages that are read now; this uses those stored before
        the address was read. `pairs` are the origins of exact copies.
        """
        origins = {origin for pair in pairs for origin in pair}
        claims = _load_claims(self.unit, origins) if origins else {}
        for pair in pairs:
            for here, other in (pair, pair[::-1]):
                claim = claims.get((here, other))
                if claim is not None and frozenset(pair) not in self._pairs_with_decisions(pair):
                    self._join(claim)

    def _pairs_with_decisions(self, pair: tuple[int, int]) -> set[frozenset[int]]:
        """Return the pairs that are joined, or were separated by a user."""
        self._load_ends(pair)
        return self._joined | self._undone

    def find_redirecting(self, places: Sequence[Position]) -> list[int]:
        """Return the addresses that redirected to `places`."""
        ways = [origin for place in places for origin in _redirects_of(place.reading)]
        return list(ensure_origins(self.unit, ways).values()) if ways else []

    # ------------------------------------------------------------------------ claims

    def _candidates(self, places: Sequence[Position]) -> list[_Candidate]:
        said: list[tuple[str, Position, str]] = []
        for place in places:
            said += [(kind, place, each) for kind, each in address_claims_of(place.reading)]
        origins = ensure_origins(
            self.unit, [each for kind, _p, each in said if kind != "canonical"]
        )
        origins |= self._existing_origins(
            [each for kind, _place, each in said if kind == "canonical"]
        )
        return [
            _Candidate(kind, place, origins[each])
            for kind, place, each in said
            if each in origins and origins[each] != place.origin_id
        ]

    def _existing_origins(self, texts: Sequence[str]) -> dict[str, int]:
        """Return the existing origins: an address that occurs only in a link has none yet."""
        names = {origin_id(each): each for each in texts}
        query = select(ORIGIN.c.public_id, ORIGIN.c.id)
        return {
            names[public]: number
            for public, number in rows_in(
                self.unit.connection, query, ORIGIN.c.public_id, list(names)
            )
        }

    def _load(self, candidates: Sequence[_Candidate]) -> None:
        self._load_ends([i for c in candidates for i in c.ends])

    def _load_ends(self, ends: Sequence[int]) -> None:
        query = select(
            LINEAGE.c.kind, LINEAGE.c.origin_id, LINEAGE.c.to_origin_id, LINEAGE_UNDONE.c.id
        )
        query = query.outerjoin(LINEAGE_UNDONE, LINEAGE_UNDONE.c.lineage_id == LINEAGE.c.id)
        for _kind, a, b, undone in rows_in(self.unit.connection, query, LINEAGE.c.origin_id, ends):
            (self._joined if undone is None else self._undone).add(frozenset((a, b)))

    def _agrees(self, candidate: _Candidate, texts: "_Texts") -> bool:
        other = texts.of(candidate.other_id)
        return (
            other is None
            or agreement(text_of(candidate.place.reading), other) >= LEAST_AGREEMENT[candidate.kind]
        )

    # ------------------------------------------------------------------------ results

    def _keep_for_later(self, candidate: _Candidate, here: int | None) -> None:
        """Let an address without its own text lead to the current or future article."""
        if candidate.kind == "canonical":
            return
        if here is None:
            self.aliases.setdefault(candidate.place.origin_id, []).append(candidate)
        else:
            self._note(candidate)
            self.unit.add(ARTICLE_ORIGIN, {"origin_id": candidate.other_id, "article_id": here})
            self.unit.flush()

    def _join(self, candidate: _Candidate | _StoredClaim) -> None:
        self._note(candidate)
        self.unit.flush()
        regroup(self.unit, candidate.ends, self._naming)

    def _note(self, candidate: _Candidate | _StoredClaim) -> None:
        pair = frozenset(candidate.ends)
        if pair in self._joined:
            return
        self._joined.add(pair)
        start, end = candidate.ends
        self.unit.add(
            LINEAGE,
            {
                "id": self.unit.number(), "kind": candidate.kind, "origin_id": start,
                "to_origin_id": end,
                "observation_id": candidate.observation_id,
                "decided_at": self.unit.now,
            },
        )  # fmt: skip


def address_claims_of(reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield the addresses claimed to be one article with that of a text, and the kind of claim."""
    captured, outcome = reading.captured, reading.outcome
    if not isinstance(outcome, Draft):
        return
    # joined by another archive: the texts must agree here, too
    yield from captured.hints.get("joined") or ()
    if captured.hints.get("fetched"):
        yield from (("redirect", each) for each in _redirects_of(reading))
        yield from (("guid", each) for each in captured.hints.get("was") or ())
        if outcome.address:
            yield "canonical", outcome.address


def find_claimed(connection: Connection, readings: Sequence[Reading]) -> NamingVersions:
    """Find the fields that name articles of which one is hidden, if claims may join them."""
    origins: set[str] = set()
    for reading in readings:
        if claimed := {origin_id(each) for _kind, each in address_claims_of(reading)}:
            origins |= {*claimed, origin_id(named(reading).address or reading.captured.locator)}
    query = (
        select(ARTICLE_ORIGIN.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id)
        .distinct()
    )
    articles = {row[0] for row in rows_in(connection, query, ORIGIN.c.public_id, origins)}
    if not articles:
        return NONE_NAMED
    hidden = {*connection.execute(text(f"SELECT article_id FROM {RESTRICTED} h")).scalars()}
    return find_naming(connection, articles if articles & hidden else ())


def text_of(reading: Reading) -> ComparedText:
    """Return the comparable parts of a text."""
    assert isinstance(reading.outcome, Draft)
    text = "\n\n".join(reading.outcome.text_paragraphs())
    return ComparedText(reading.outcome.title, reading.digest, text)


def _text_then(unit: Unit, candidate: _Candidate) -> ComparedText | None:
    """Return the latest text at the other address when the place was observed."""
    query = (
        select(WORDING.c.title, WORDING.c.digest, WORDING.c.text)
        .join(SNAPSHOT, SNAPSHOT.c.wording_id == WORDING.c.id)
        .where(
            SNAPSHOT.c.origin_id == candidate.other_id,
            SNAPSHOT.c.observed_at <= candidate.place.moment,
        )
        .order_by(SNAPSHOT.c.observed_at.desc(), SNAPSHOT.c.observation_id.desc())
        .limit(1)
    )  # fmt: skip
    row = unit.connection.execute(query).first()
    return None if row is None else ComparedText(row.title, bytes(row.digest), row.text)


class _Texts:
    """The latest texts of the articles at some origins."""

    def __init__(self, unit: Unit, origins: Sequence[int]) -> None:
        query = (
            select(
                ARTICLE_ORIGIN.c.origin_id, WORDING.c.title, WORDING.c.digest, WORDING.c.text,
            )
            .join(ARTICLE, ARTICLE.c.id == ARTICLE_ORIGIN.c.article_id)
            .join(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
            .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
        )  # fmt: skip
        rows = rows_in(unit.connection, query, ARTICLE_ORIGIN.c.origin_id, origins)
        self._found = {
            origin: ComparedText(title, bytes(digest), text) for origin, title, digest, text in rows
        }

    def of(self, origin: int) -> ComparedText | None:
        return self._found.get(origin)


def _load_claims(unit: Unit, origins: Collection[int]) -> dict[tuple[int, int], _StoredClaim]:
    """Return the canonical links between origins, from the newest fetched page of each."""
    query = (
        select(
            SNAPSHOT.c.origin_id, SNAPSHOT.c.observation_id, ORIGIN.c.origin, DERIVATION.c.detail
        )
        .join(ORIGIN, ORIGIN.c.id == SNAPSHOT.c.origin_id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .join(TRANSFER, TRANSFER.c.observation_id == SNAPSHOT.c.observation_id)
        .order_by(SNAPSHOT.c.observed_at, SNAPSHOT.c.observation_id)
    )
    newest = {
        row.origin_id: row
        for row in rows_in(unit.connection, query, SNAPSHOT.c.origin_id, list(origins))
    }
    by_address = {row.origin: number for number, row in newest.items()}
    named = {
        number: by_address.get((row.detail or {}).get("address")) for number, row in newest.items()
    }
    return {
        (number, other): _StoredClaim((number, other), newest[number].observation_id)
        for number, other in named.items()
        if other is not None and other != number
    }


def _redirects_of(reading: Reading) -> Sequence[str]:
    return reading.captured.hints.get("via") or ()


def _answering(unit: Unit, origins: Iterable[int]) -> dict[int, int]:
    query = select(ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id)
    found = rows_in(unit.connection, query, ARTICLE_ORIGIN.c.origin_id, list(origins))
    return dict(found)


# ------------------------------------------------------------------------------ groups


def regroup(unit: Unit, origins: Iterable[int], naming: NamingVersions = NONE_NAMED) -> None:
    """Adapt the articles of `origins` to the lineages: one article for each connected group.

    `naming` was found before, so that little is left to search while others wait.
    """
    articles = set(_answering(unit, origins).values())
    if not articles <= naming.articles:
        naming = NONE_NAMED
    held = select(ARTICLE_ORIGIN.c.origin_id).where(ARTICLE_ORIGIN.c.article_id.in_(articles))
    all_of_them = {*origins, *unit.connection.execute(held).scalars()}
    groups = _connect_groups(unit, all_of_them)
    rows = {
        row.id: row
        for row in unit.connection.execute(select(ARTICLE).where(ARTICLE.c.id.in_(articles)))
    }
    left, held_by = dict(rows), dict[int, set[int]]()
    for group in groups:
        mine = [row for row in left.values() if row.origin_id in group]
        keeper = min(mine, key=lambda row: (row.first_seen, row.id), default=None)
        if keeper is None:
            article = _new_article(unit, group, rows)
        else:
            article = keeper.id
            for row in mine:
                del left[row.id]
        _gather(unit, article, group)
        held_by[article] = group
    for article, group in held_by.items():
        _name(unit, article, group)
        _set_source(unit, article)
    rebuild_all(unit, dict.fromkeys(held_by, True))
    left_over = set(_answering(unit, all_of_them).values())
    for number in set(rows) - left_over:
        _remove(unit, number)
    _renew_groups(unit, rows, all_of_them, left_over, naming)
    gather(unit, {*rows, *left_over})


def _renew_groups(
    unit: Unit,
    rows: Mapping[int, Any],
    origins: set[int],
    articles: Collection[int],
    naming: NamingVersions,
) -> None:
    """Renew articles with another name and those that are hidden; of others, the addresses."""
    standing = (
        select(RESTRICTION.c.id)
        .outerjoin(RESTRICTION_LIFTED, RESTRICTION_LIFTED.c.restriction_id == RESTRICTION.c.id)
        .where(RESTRICTION.c.origin_id.in_(origins), RESTRICTION_LIFTED.c.id.is_(None))
        .limit(1)
    )
    if unit.connection.execute(standing).first() is not None:
        renew_hidden(unit, articles, naming)
        return
    query = select(ARTICLE.c.id, ARTICLE.c.public_id)
    names = rows_in(unit.connection, query, ARTICLE.c.id, articles)
    renamed = [each for each, name in names if each in rows and rows[each].public_id != name]
    renew_renamed(unit, renamed)
    renew_places(unit, articles)
    renew_confirmed(unit, {*articles} - {*renamed})


def _connect_groups(unit: Unit, origins: set[int]) -> list[set[int]]:
    """Return the groups that lineages make of origins and of the origins they lead to."""
    query = (
        select(LINEAGE.c.origin_id, LINEAGE.c.to_origin_id)
        .outerjoin(LINEAGE_UNDONE, LINEAGE_UNDONE.c.lineage_id == LINEAGE.c.id)
        .where(LINEAGE_UNDONE.c.id.is_(None))
    )
    groups: list[set[int]] = []
    waiting = set(origins)
    while waiting:
        group, edge = set[int](), {waiting.pop()}
        while edge:
            group |= edge
            led = unit.connection.execute(
                query.where(or_(LINEAGE.c.origin_id.in_(edge), LINEAGE.c.to_origin_id.in_(edge)))
            )
            edge = {end for row in led for end in row} - group
        waiting -= group
        groups.append(group)
    return groups


def _gather(unit: Unit, article: int, group: set[int]) -> None:
    """Assign all snapshots and origins of a group to an article."""
    known = _answering(unit, group)
    for origin in sorted(group):
        if origin not in known:
            unit.add(ARTICLE_ORIGIN, {"origin_id": origin, "article_id": article})
    changed = [
        {"origin_id": origin, "article_id": article}
        for origin, holder in known.items()
        if holder != article
    ]
    update_rows(unit.connection, ARTICLE_ORIGIN, ("origin_id",), changed)
    unit.flush()
    query = select(SNAPSHOT.c.observation_id).where(
        SNAPSHOT.c.origin_id.in_(group), SNAPSHOT.c.article_id != article
    )
    moved = [
        {"observation_id": each, "article_id": article, "seq": unit.number(SNAPSHOT_BLOCK)}
        for each in unit.connection.execute(query).scalars()
    ]
    update_rows(unit.connection, SNAPSHOT, ("observation_id",), moved)


def name_articles(unit: Unit, articles: Iterable[int]) -> None:
    """Name articles of several origins again, because of captures that came late, and give those
    the right source that had no text before.
    """
    articles = sorted(articles)
    seen = select(SNAPSHOT.c.source_id).where(SNAPSHOT.c.article_id == ARTICLE.c.id)
    astray = select(ARTICLE.c.id).where(ARTICLE.c.source_id.not_in(seen))
    for (article,) in rows_in(unit.connection, astray, ARTICLE.c.id, articles):
        _set_source(unit, article)
    query = select(ARTICLE_ORIGIN.c.article_id, ARTICLE_ORIGIN.c.origin_id)
    groups: dict[int, set[int]] = {}
    for article, origin in rows_in(unit.connection, query, ARTICLE_ORIGIN.c.article_id, articles):
        groups.setdefault(article, set()).add(origin)
    several = [article for article, group in groups.items() if len(group) > 1]
    renew_renamed(unit, [each for each in several if _name(unit, each, groups[each])])


def _name(unit: Unit, article: int, group: set[int]) -> bool:
    """Name an article after the origin where its text was observed first; return whether the name
    is new.
    """
    query = (
        select(SNAPSHOT.c.origin_id, ORIGIN.c.public_id)
        .join(ORIGIN, ORIGIN.c.id == SNAPSHOT.c.origin_id)
        .where(
            SNAPSHOT.c.article_id == article, SNAPSHOT.c.origin_id.in_(group),
            SNAPSHOT.c.wording_id.is_not(None),
        )
        .order_by(SNAPSHOT.c.observed_at, SNAPSHOT.c.observation_id)
        .limit(1)
    )  # fmt: skip
    row = unit.connection.execute(query).first()
    if row is None:
        return False
    other = update(ARTICLE).where(ARTICLE.c.id == article, ARTICLE.c.origin_id != row[0])
    return unit.connection.execute(other.values(origin_id=row[0], public_id=row[1])).rowcount > 0


def _set_source(unit: Unit, article: int) -> None:
    """Give an article the source of its first observation; one without any keeps its own."""
    found = select(SNAPSHOT.c.source_id).where(SNAPSHOT.c.article_id == article)
    first = found.order_by(SNAPSHOT.c.observation_id).limit(1).scalar_subquery()
    values = {"source_id": func.coalesce(first, ARTICLE.c.source_id)}
    unit.connection.execute(update(ARTICLE).where(ARTICLE.c.id == article).values(values))


def _new_article(unit: Unit, group: set[int], rows: Mapping[int, Any]) -> int:
    origin = min(group)
    public = unit.connection.execute(
        select(ORIGIN.c.public_id).where(ORIGIN.c.id == origin)
    ).scalar_one()
    source = next(iter(rows.values())).source_id
    number = add_article(unit, public, origin, source)
    unit.flush()
    return number


def _remove(unit: Unit, article: int) -> None:
    """Delete an article without origins: its content belongs to another one."""
    record_withdrawal(unit, article)
    for table in (VERSION, REBUILD_DUE, BOILERPLATE_DUE):
        unit.connection.execute(delete(table).where(table.c.article_id == article))
    unit.connection.execute(delete(ARTICLE).where(ARTICLE.c.id == article))
