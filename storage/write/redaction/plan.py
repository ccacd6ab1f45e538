"""Plan of a redaction: every row with a text or its bytes, and all other places of it.

Nothing is written here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, or_, select, text

from storage.capabilities import CAPABILITIES
from storage.capabilities.hooks import RecordTable
from storage.database.table_facts import EMPTIED, RECORD_TABLES, find_emptied
from storage.database.tables import (
    ARTICLE_ORIGIN,
    DERIVATION,
    FOREIGN_RECORD,
    FRONT,
    OBSERVATION,
    ORIGIN,
    PRESENCE,
    REFUSAL,
    RELATION,
    SNAPSHOT,
    TEASER,
    TRANSFER,
    VERDICT,
    WATCH,
    WORDING,
)
from storage.database.tables.kept import kept_records, table_named
from storage.database.tables.metadata import METADATA
from storage.database.unit import rows_in
from storage.language.passage import Passage
from storage.values.digest import canonical
from storage.values.redaction import is_emptied


def _is_beside(table: RecordTable) -> bool:
    return bool(table.emptied) and table.references.get("observation_id") == "observation"


_BESIDE_OBSERVATIONS = tuple(
    table.name for each in CAPABILITIES for table in each.record_tables if _is_beside(table)
)
"""The tables of capabilities with rows that are redacted with their observation."""
ELSEWHERE = {
    table.name: (each.name, table.elsewhere)
    for each in CAPABILITIES
    for table in each.record_tables
    if table.elsewhere
}
"""Those of them with addresses of what stays at others: their capability, and the column."""
ORDER = (
    "wording", "teaser", "derivation", "capture", "foreign_record", "transfer", "observation",
    "refusal", *_BESIDE_OBSERVATIONS,
    "transfer_address", "refusal_address", "origin_address",
)  # fmt: skip
"""The tables that a redaction empties (`storage.database.tables.EMPTIED`), sources first."""
if odd := {*ORDER} ^ {name for table in RECORD_TABLES for name in find_emptied(table)}:
    raise TypeError(f"the order of a redaction misses or invents {sorted(odd)}")
Rows = dict[str, set[int]]


def find_beside(connection: Connection) -> tuple[str, ...]:
    """Return these tables, with those that the program does not know."""
    kept = (table.name for table in kept_records(connection) if _is_beside(table))
    return (*_BESIDE_OBSERVATIONS, *kept)


@dataclass(frozen=True, slots=True)
class RedactionTarget:
    """An article, entirely or only its snapshots with one of these wordings.

    Without an article, the address `origin_id`, to which only front pages link.
    """

    article_id: int | None
    wordings: tuple[int, ...] | None = None
    origin_id: int | None = None


@dataclass(slots=True)
class RedactionPlan:
    """Plan of a redaction: rows of the record by table, and articles.

    `copies` are articles with the same text or bytes, `related` those that only share passages;
    `origins` are the addresses of the targets. `listed` are captures of feeds and other lists of
    sources that watch them, `lists` those that contain a title or the passage. `held` are all
    captures that were found by their bytes, `unread` those that cannot be unpacked.
    """

    rows: Rows = field(default_factory=lambda: defaultdict(set))
    articles: set[int] = field(default_factory=set)
    copies: set[int] = field(default_factory=set)
    related: set[int] = field(default_factory=set)
    lists: set[int] = field(default_factory=set)
    listed: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)
    origins: set[int] = field(default_factory=set)


def plan_of(
    connection: Connection,
    targets: Iterable[RedactionTarget],
    *,
    with_copies: bool,
    with_addresses: bool = False,
    passage: Passage | None = None,
) -> RedactionPlan:
    """Return the plan for redacting `targets`; with copies, also in articles with the same text.

    With addresses, also the addresses of the articles, wherever they occur. With a passage, only
    the headlines and lists that contain it.
    """
    gathering = _PlanBuilder(
        connection, with_copies=with_copies, with_addresses=with_addresses, passage=passage
    )
    for target in targets:
        gathering.begin(target)
    return gathering.collect()


class _PlanBuilder:
    """Collects all rows with the same content by following references between rows."""

    def __init__(
        self,
        connection: Connection,
        *,
        with_copies: bool,
        with_addresses: bool = False,
        passage: Passage | None = None,
    ) -> None:
        self.connection = connection
        self.passage = passage
        self.with_copies = with_copies
        self.with_addresses = with_addresses
        self.plan = RedactionPlan()
        self._new: Rows = defaultdict(set)
        self._at_addresses: set[int] = set()
        self._teaser_origins: set[int] = set()
        self._is_whole = False

    def begin(self, target: RedactionTarget) -> None:
        if target.article_id is not None:
            self.plan.articles.add(target.article_id)
        if target.wordings is not None:
            self._add("wording", target.wordings)
            return
        query = select(OBSERVATION.c.id, SNAPSHOT.c.article_id).outerjoin(
            SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id
        )
        origins: Any = [target.origin_id]
        own = SNAPSHOT.c.article_id == target.article_id
        if target.origin_id is not None:
            self._teaser_origins.add(target.origin_id)
        else:
            self._is_whole = True
            origins = select(ARTICLE_ORIGIN.c.origin_id).where(
                ARTICLE_ORIGIN.c.article_id == target.article_id
            )
            self._add("observation", (row[0] for row in self.connection.execute(query.where(own))))
        at_place = query.where(
            OBSERVATION.c.locator_id.in_(origins), or_(SNAPSHOT.c.article_id.is_(None), own)
        )
        self._add("observation", (row[0] for row in self.connection.execute(at_place)))

    def collect(self) -> RedactionPlan:
        while any(self._new.values()):
            new, self._new = self._new, defaultdict(set)
            self._from_observations(new["observation"])
            self._from_captures(new["capture"])
            self._from_wordings(new["wording"])
            self._from_records(new["foreign_record"])
        if self.with_addresses:
            self._add_addresses()
        self.plan.rows["capture"] |= captures_beside(self.connection, self.plan.rows)
        self._add_lists()
        self._add_teasers()
        self._add_related()
        self._leave_out()
        return self.plan

    def _add(self, table: str, numbers: Iterable[int | None]) -> None:
        found = {each for each in numbers if each is not None} - self.plan.rows[table]
        self.plan.rows[table] |= found
        self._new[table] |= found

    def _rows(self, columns: Sequence[Any], column: Any, wanted: Iterable[int]) -> list[Any]:
        return list(rows_in(self.connection, select(*columns), column, wanted))

    def _from_observations(self, new: set[int]) -> None:
        captured = self._rows((OBSERVATION.c.capture_id,), OBSERVATION.c.id, new)
        self._add("capture", (row[0] for row in captured))
        snapshots = self._rows(
            (SNAPSHOT.c.derivation_id, SNAPSHOT.c.wording_id), SNAPSHOT.c.observation_id, new
        )
        self._add("derivation", (row[0] for row in snapshots))
        self._add("wording", (row[1] for row in snapshots))
        columns = (TRANSFER.c.id, TRANSFER.c.body_capture_id)
        transfers = self._rows(columns, TRANSFER.c.observation_id, new)
        self._add("transfer", (row[0] for row in transfers))
        self._add("capture", (row[1] for row in transfers))
        records = self._rows((FOREIGN_RECORD.c.id,), FOREIGN_RECORD.c.observation_id, new)
        self._add("foreign_record", (row[0] for row in records))
        beside = map(table_named, find_beside(self.connection))
        for table in (REFUSAL, *beside):
            found = self._rows((table.c.id,), table.c.observation_id, new)
            self._add(table.name, (row[0] for row in found))

    def _from_captures(self, new: set[int]) -> None:
        columns = (DERIVATION.c.id, DERIVATION.c.wording_id)
        for number, wording in self._rows(columns, DERIVATION.c.capture_id, new):
            self._add("derivation", [number])
            self._add("wording", [wording])
        self._add_observations(new)
        records = self._rows((FOREIGN_RECORD.c.id,), FOREIGN_RECORD.c.payload_capture_id, new)
        self._add("foreign_record", (row[0] for row in records))

    def _add_observations(self, captures: set[int]) -> None:
        """Add observations of these bytes; without copies, only those of the target articles."""
        query = select(OBSERVATION.c.id, SNAPSHOT.c.article_id).outerjoin(
            SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id
        )
        for number, article in rows_in(self.connection, query, OBSERVATION.c.capture_id, captures):
            if self._takes(article):
                self._add("observation", [number])

    def _from_wordings(self, new: set[int]) -> None:
        """Add readings that resulted in these wordings, with their bytes."""
        columns = (DERIVATION.c.id, DERIVATION.c.capture_id)
        rows = self._rows(columns, DERIVATION.c.wording_id, new)
        query = select(OBSERVATION.c.capture_id, SNAPSHOT.c.article_id).join(
            SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id
        )
        seen: dict[int, set[int]] = defaultdict(set)
        for capture, article in rows_in(
            self.connection, query, OBSERVATION.c.capture_id, {row[1] for row in rows}
        ):
            seen[capture].add(article)
        for number, capture in rows:
            articles = seen.get(capture, set())
            takes = [self._takes(each) for each in articles]  # records each as a copy
            if all(takes):
                self._add("derivation", [number])
                self._add("capture", [capture])

    def _from_records(self, new: set[int]) -> None:
        payloads = self._rows((FOREIGN_RECORD.c.payload_capture_id,), FOREIGN_RECORD.c.id, new)
        self._add("capture", (row[0] for row in payloads))
        beside = self._rows((FOREIGN_RECORD.c.id,), FOREIGN_RECORD.c.main_id, new)
        self._add("foreign_record", (row[0] for row in beside))

    def _takes(self, article: int | None) -> bool:
        """Check whether the content of an article is redacted, too; otherwise record it as a
        copy.
        """
        if article is None or article in self.plan.articles:
            return True
        self.plan.copies.add(article)
        return self.with_copies

    # ------------------------------------------------------------------- references

    def _add_addresses(self) -> None:
        """Add the origins of the articles and the rows that contain them."""
        rows, owned = self.plan.rows, ARTICLE_ORIGIN.c
        found = self._rows((owned.origin_id,), owned.article_id, self.plan.articles)
        own = {row[0] for row in found} | self._teaser_origins
        own |= self._exclusive_locators()
        own |= {row[0] for row in self._rows((PRESENCE.c.place_id,), PRESENCE.c.locator_id, own)}
        named = self._rows((ORIGIN.c.id, ORIGIN.c.origin), ORIGIN.c.id, own)
        origins = {number: origin for number, origin in named if not is_emptied(origin)}
        seen = self._rows((OBSERVATION.c.id,), OBSERVATION.c.locator_id, own)
        self._at_addresses = {row[0] for row in seen}
        rows["observation"] |= self._at_addresses
        rows["origin_address"] |= set(origins)
        kept = {each.name for each in kept_records(self.connection) if each.elsewhere}
        for name in ("transfer", "refusal", *ELSEWHERE, *kept):
            table = table_named(name)
            found = self._rows((table.c.id,), table.c.observation_id, self._at_addresses)
            rows[name] |= {row[0] for row in found}
            if f"{name}_address" in EMPTIED:
                rows[f"{name}_address"] |= {row[0] for row in found}
        named_in = self._refusals_of(set(origins.values()))
        rows["refusal_address"] |= named_in
        rows["refusal"] |= named_in

    def _refusals_of(self, addresses: set[str]) -> set[int]:
        """Return the refusals without an observation whose locator ends with an address.

        They belong to captures that a web archive did not return.
        """
        query = select(REFUSAL.c.id, REFUSAL.c.locator).where(REFUSAL.c.observation_id.is_(None))
        found = self.connection.execute(query)
        return {number for number, locator in found if locator.endswith(tuple(addresses))}

    def _exclusive_locators(self) -> set[int]:
        """Return the locations of these articles only: files and redirecting addresses."""
        seen = SNAPSHOT.c
        found = self._rows((seen.locator_id,), seen.article_id, self.plan.articles)
        locators = {row[0] for row in found}
        all_there = self._rows((seen.locator_id, seen.article_id), seen.locator_id, locators)
        others = {place for place, article in all_there if article not in self.plan.articles}
        return locators - others

    def _add_lists(self) -> None:
        """Note the addresses of the targets, and the captures of lists that may name them."""
        articles = self.plan.articles | (self.plan.copies if self.with_copies else set())
        listed = (
            select(OBSERVATION.c.capture_id)
            .join(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
            .where(VERDICT.c.kind == "listed")
        )
        lists = self._lists_of(articles)
        found = rows_in(self.connection, listed, OBSERVATION.c.locator_id, lists)
        self.plan.listed = {row[0] for row in found} - {None}

    def _add_transfers(self, observations: set[int]) -> None:
        found = self._rows((TRANSFER.c.id,), TRANSFER.c.observation_id, observations)
        self.plan.rows["transfer"] |= {row[0] for row in found}

    def _lists_of(self, articles: Iterable[int]) -> set[int]:
        """Return the lists of all sources that watch an address of these articles.

        A watch names only the first list with its address, and the address may redirect.
        """
        places = set(self._teaser_origins)
        for place in (ARTICLE_ORIGIN.c.origin_id, SNAPSHOT.c.locator_id):
            found = self._rows((place,), place.table.c.article_id, articles)
            places |= {row[0] for row in found}
        self.plan.origins = places
        watches = self._rows((WATCH.c.source_id, WATCH.c.listed_by), WATCH.c.origin_id, places)
        query = select(WATCH.c.origin_id).where(WATCH.c.kind != "page")
        sources = {row.source_id for row in watches}
        lists = {row[0] for row in rows_in(self.connection, query, WATCH.c.source_id, sources)}
        return lists | {row.listed_by for row in watches} - {None}

    def _add_teasers(self) -> None:
        """Add the headlines on front pages of the targets, and the captures that contain them.

        If only some versions are redacted, only headlines that are their titles.
        """
        articles = self.plan.articles | (self.plan.copies if self.with_copies else set())
        titles = self._titles()
        columns = (TEASER.c.id, TEASER.c.front_id, TEASER.c.headline, TEASER.c.kicker)
        query = select(*columns).join(
            ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == TEASER.c.origin_id
        )
        fronts = {}
        found = rows_in(self.connection, query, ARTICLE_ORIGIN.c.article_id, articles)
        for number, front, headline, kicker in found:
            is_told = (
                self._is_whole or canonical(headline or "") in titles
                if self.passage is None
                else self.passage.is_in(f"{kicker or ''} {headline}")
            )
            if headline is not None and is_told:
                fronts[number] = front
        own = self._rows(columns, TEASER.c.front_id, self.plan.rows["origin_address"])
        own += self._rows(columns, TEASER.c.origin_id, self._teaser_origins)
        fronts |= {row.id: row.front_id for row in own}
        self.plan.rows["teaser"] |= set(fronts)
        list_columns = (FRONT.c.observation_id, FRONT.c.id, FRONT.c.same_as_id, FRONT.c.teasers)
        lists: dict[int, bool] = {}
        observed: set[int] = set()
        for observation, number, same_as, teasers in sorted(
            self._rows(list_columns, FRONT.c.origin_id, fronts.values()), key=lambda row: row[1]
        ):
            if same_as is None:
                lists[number] = any(each[0] in fronts for each in teasers)
            if lists[same_as or number]:
                observed.add(observation)
        captured = self._rows((OBSERVATION.c.capture_id,), OBSERVATION.c.id, observed)
        captures = {row[0] for row in captured} - {None}
        self.plan.lists |= captures
        self.plan.rows["capture"] |= captures
        self._add_transfers(observed)

    def _titles(self) -> set[str]:
        gone = self.plan.rows["wording"]
        rows = self._rows((WORDING.c.title,), WORDING.c.id, gone)
        offered = {
            title
            for article in self.plan.articles
            for wording, title in titles_of(self.connection, article)
            if wording in gone
        }
        return {canonical(each) for each in (*offered, *(row[0] for row in rows)) if each}

    def _add_related(self) -> None:
        origins = select(ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id)
        own = {
            row[0]
            for row in rows_in(
                self.connection, origins, ARTICLE_ORIGIN.c.article_id, self.plan.articles
            )
        }
        pairs = select(RELATION.c.a_origin_id, RELATION.c.b_origin_id).where(
            RELATION.c.kind.in_(("near_copy", "contains"))
        )
        met: set[int] = set()
        for column in (RELATION.c.a_origin_id, RELATION.c.b_origin_id):
            for pair in rows_in(self.connection, pairs, column, own):
                met |= set(pair)
        others = rows_in(self.connection, origins, ARTICLE_ORIGIN.c.origin_id, met - own)
        self.plan.related = {row[1] for row in others} - self.plan.articles - self.plan.copies

    def _leave_out(self) -> None:
        """Leave out observations without content, and rows that are empty already."""
        rows = self.plan.rows
        columns = (OBSERVATION.c.id, OBSERVATION.c.hints, OBSERVATION.c.note)
        rows["observation"] = {
            number
            for number, hints, note in self._rows(columns, columns[0], rows["observation"])
            if "listed" in (hints or {})
            or (number in self._at_addresses and (hints is not None or note is not None))
        }
        for table in ("wording", "capture", "foreign_record"):
            held = METADATA.tables[table].c
            query = select(held.id, held.digest)
            found = rows_in(self.connection, query, held.id, rows[table])
            rows[table] = {number for number, digest in found if not is_emptied(bytes(digest))}
        named = self._rows((TEASER.c.id, TEASER.c.headline), TEASER.c.id, rows["teaser"])
        rows["teaser"] = {number for number, headline in named if headline is not None}
        query = select(DERIVATION.c.id, DERIVATION.c.context)
        found = rows_in(self.connection, query, DERIVATION.c.id, rows["derivation"])
        rows["derivation"] = {number for number, context in found if not is_emptied(context)}


def rows_with_passage(connection: Connection, plan: RedactionPlan, passage: Passage) -> Rows:
    """Return the rows of capabilities for observations of a plan that contain a passage."""
    found: Rows = {}
    for name in (each for each in find_beside(connection) if each not in ELSEWHERE):
        table = table_named(name)
        query = select(table.c.id, *(table.c[column] for column in EMPTIED[name][1]))
        rows = rows_in(connection, query, table.c.id, plan.rows[name])
        found[name] = {
            number for number, *texts in rows if any(passage.is_in(str(each)) for each in texts)
        }
    return found


def rows_that_show(connection: Connection, observations: Iterable[int]) -> Rows:
    """Return the rows of capabilities whose files show the texts of observations."""
    found: Rows = {}
    for facts in (*RECORD_TABLES, *kept_records(connection)):
        if facts.shows_text is not None:
            table = table_named(facts.name)
            query = select(table.c.id).where(text(facts.shows_text))
            rows = rows_in(connection, query, table.c.observation_id, set(observations))
            found[facts.name] = {row[0] for row in rows}
    return found


def captures_beside(connection: Connection, rows: Mapping[str, set[int]]) -> set[int]:
    """Return the captures of these rows of capabilities to which no other row refers.

    Rows that were emptied before do not count.
    """
    tables = [table_named(name) for name in find_beside(connection)]
    tables = [table for table in tables if "capture_id" in table.c]
    found: set[int] = set()
    for table in tables:
        query = select(table.c.capture_id).where(table.c.capture_id.is_not(None))
        found |= {
            row[0] for row in rows_in(connection, query, table.c.id, rows.get(table.name, ()))
        }
    for table in (*tables, OBSERVATION, DERIVATION):
        texts = (table.c[name] for name in (EMPTIED[table.name][1] if table in tables else ()))
        query = select(table.c.id, table.c.capture_id, *texts)
        for number, capture, *held in rows_in(connection, query, table.c.capture_id, found):
            is_empty = bool(held) and not any(each is not None for each in held)
            if number not in rows.get(table.name, ()) and not is_empty:
                found = found - {capture}
    return found


def titles_of(connection: Connection, article: int) -> set[tuple[int, str]]:
    """Return the titles of an article, from its texts and from lists, each with its wording."""
    query = (
        select(WORDING.c.id, WORDING.c.title, DERIVATION.c.detail)
        .join(SNAPSHOT, SNAPSHOT.c.wording_id == WORDING.c.id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .where(SNAPSHOT.c.article_id == article)
    )
    found: set[tuple[int, str]] = set()
    for wording, title, detail in connection.execute(query):
        field = ((detail or {}).get("fields") or {}).get("title") or {}
        offered = [each["value"] for each in field.get("candidates") or ()]
        found |= {(wording, each) for each in (title, *offered) if isinstance(each, str) and each}
    return found


def places_of(connection: Connection, article: int) -> list[str]:
    """Return the origins of an article."""
    return addresses_of(connection, [article])


def addresses_of(connection: Connection, articles: Iterable[int]) -> list[str]:
    """Return the origins of articles."""
    query = select(ORIGIN.c.origin).join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == ORIGIN.c.id)
    return sorted(
        row[0] for row in rows_in(connection, query, ARTICLE_ORIGIN.c.article_id, articles)
    )
