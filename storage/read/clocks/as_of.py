"""Temporal views: show one connection the archive as it was readable, or as it was known, at a
time.

Temporary views and tables of one session hide the tables of the same names, so every query of
the reading package answers for the requested time. No other session sees them, and nothing is
written to the archive.

`as_of` excludes later observations, versions and scans. `known_at` excludes rows that were
recorded later, and rebuilds the histories of the affected articles from the remaining rows, with
the code that maintains them (`storage.history.versions`).
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    insert,
    or_,
    select,
    text,
)

from storage.database.rows import fetch
from storage.database.table_facts import RECORD, RECORD_TABLES
from storage.database.tables import ARTICLE, CLUSTER_MEMBER, RELATION, RELATION_UNDONE
from storage.database.tables.metadata import METADATA
from storage.database.unit import Unit, rows_in
from storage.database.view_queries.scans import scan_start
from storage.database.view_queries.sql_words import RESTRICTED, words_of
from storage.history.changes import CaptureComparer
from storage.history.versions import rebuild_all
from storage.read.filters import Clocks
from storage.read.find import JOINED, ArticleRef, Finder, possible_names
from storage.read.revision import RevisionError, refuse_unprintable, split_range
from storage.relations.clusters import A, B, Pair, joins, select_related_articles
from storage.values.dates import iso_utc
from storage.values.outcome import STATES

_PAST = MetaData()
_SCOPE = Table(
    "past_scope", _PAST, Column("id", BigInteger, primary_key=True), prefixes=["TEMPORARY"]
)
_CLUSTER = Table(
    "past_cluster",
    _PAST,
    Column("id", BigInteger, primary_key=True),
    Column("label", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
_MEMBER = Table(
    "past_cluster_member",
    _PAST,
    Column("article_id", BigInteger, primary_key=True),
    Column("cluster_id", BigInteger, nullable=True),
    prefixes=["TEMPORARY"],
)


def create_cluster_tables(
    connection: Connection, known_at: datetime, scope: AbstractSet[int] | None
) -> Mapping[str, str]:
    """Create tables of this session with the clusters at the time, as far as they differ.

    With a `scope`, only those of its articles. Returns, by table, the query for its rows; `{}` is
    a placeholder for the schema.
    """
    _PAST.create_all(connection, [_CLUSTER, _MEMBER], checkfirst=False)
    affected = _affected_articles(connection, known_at, scope)
    groups = group_articles(_load_pairs(connection, affected, known_at))
    query = select(ARTICLE.c.id, ARTICLE.c.public_id)
    names = dict(rows_in(connection, query, ARTICLE.c.id, groups))
    alone = affected.difference(*groups.values())
    members = [{"article_id": a, "cluster_id": None} for a in alone]
    for founder, articles in groups.items():
        members += [{"article_id": a, "cluster_id": founder} for a in articles]
    clusters = [
        {"id": f, "label": names[f], "size": len(articles)} for f, articles in groups.items()
    ]
    for table, rows in ((_CLUSTER, clusters), (_MEMBER, members)):
        if rows:
            connection.execute(insert(table), rows)
    return {
        "cluster": "SELECT * FROM {}.cluster UNION ALL SELECT * FROM past_cluster",
        "cluster_member": "SELECT * FROM {}.cluster_member "
        "WHERE article_id NOT IN (SELECT article_id FROM past_cluster_member) "
        "UNION ALL SELECT * FROM past_cluster_member WHERE cluster_id IS NOT NULL",
    }


def group_articles(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    """Return the articles of each cluster by its founder, as `relations.clusters` joins them."""
    of: dict[int, int] = {}
    groups: dict[int, set[int]] = {}
    born: dict[int, int] = {}
    for a, b in pairs:
        homes = {of[each] for each in (a, b) if each in of}
        home = min(homes, key=lambda each: (-len(groups[each]), born[each]), default=b)
        born.setdefault(home, len(born))
        grown = groups.setdefault(home, set())
        for moved in [groups.pop(each) for each in homes - {home}] + [{a, b}]:
            grown |= moved
            of.update(dict.fromkeys(moved, home))
    return groups


def _affected_articles(
    connection: Connection, known_at: datetime, scope: AbstractSet[int] | None
) -> set[int]:
    """Return the articles whose cluster depends on a later decision or undoing."""
    later = or_(RELATION.c.decided_at > known_at, RELATION_UNDONE.c.undone_at > known_at)
    query = select_related_articles().where(later)
    found: Iterable[Any] = (
        rows_in(connection, query, A.c.article_id, scope)
        if scope is not None
        else connection.execute(query)
    )
    touched = {article for _id, *pair, _kind, _detail in found for article in pair}
    of = select(CLUSTER_MEMBER.c.cluster_id)
    clusters = {row[0] for row in rows_in(connection, of, CLUSTER_MEMBER.c.article_id, touched)}
    articles = select(CLUSTER_MEMBER.c.article_id)
    return touched | {
        row[0] for row in rows_in(connection, articles, CLUSTER_MEMBER.c.cluster_id, clusters)
    }


def _load_pairs(connection: Connection, articles: set[int], known_at: datetime) -> list[Pair]:
    query = select_related_articles().where(
        RELATION.c.decided_at <= known_at,
        or_(RELATION_UNDONE.c.id.is_(None), RELATION_UNDONE.c.undone_at > known_at),
    )
    found = rows_in(connection, query, A.c.article_id, articles)
    return [
        (a, b)
        for _id, a, b, kind, detail in sorted(found, key=lambda row: row[0])
        if a != b and joins(kind, detail)
    ]


FIRST_REBUILT_ID = 2**62
"""First number of rebuilt rows: far above the numbers in the archive."""

_ORDER = (
    *(name for name in RECORD if not name.startswith("relation")),
    "snapshot", "version", "article", "article_origin", "relation", "relation_undone", "presence",
    "cluster", "cluster_member",
)  # fmt: skip
"""The order in which views are created: PostgreSQL binds each to the relations that exist then."""

_REBUILT_TOGETHER = 200
"""Articles whose texts are in memory at the same time."""
_REBUILT = ("article", "version", "snapshot", "rebuild_due", "change_event")


def create_as_of_views(
    connection: Connection, clocks: Clocks, references: Iterable[str] | None = None
) -> None:
    """Make `connection` show the archive by `clocks`; it must not be in a transaction.

    With `references`, it shows what answers about these articles need, and no other articles, at
    a cost that does not depend on the number of other articles.
    """
    scope = None if references is None else find_scope(connection, references)
    words = words_of(connection)
    connection.exec_driver_sql(words.read_only(False))
    connection.commit()
    with connection.begin():
        TemporalViews(connection, clocks, scope).build()
    connection.exec_driver_sql(words.read_only(True))
    connection.commit()


class TemporalViews:
    """Hides current tables behind those of an earlier time, in one session."""

    def __init__(
        self, connection: Connection, clocks: Clocks, scope: AbstractSet[int] | None = None
    ) -> None:
        self.connection, self.scope = connection, scope
        self.as_of, self.known_at = clocks.as_of, clocks.known_at
        self.base = "main"
        if connection.dialect.name == "postgresql":
            query = text("SELECT quote_ident(current_schema())")
            self.base = connection.execute(query).scalar_one()

    def build(self) -> None:
        base_views = self._views_known_at()
        views = {**base_views, **self._views_as_of(base_views)}
        for name in sorted(views, key=_ORDER.index):
            self._create_view(name, views[name])

    # --------------------------------------------------------------------- known_at

    def _views_known_at(self) -> dict[str, str]:
        """Return, for each table, a query for the rows that were recorded by `known_at`."""
        if self.known_at is None:
            return {}
        self._store_scope()
        self._store_affected_articles()
        views = self._record_views()
        for name, query in {**views, "presence": self._presence()}.items():
            self._create_view(name, query)
        self._rebuild_histories(views)
        for name in ("presence", *views, *(name for name in _REBUILT if name not in views)):
            self._drop(name)
        for name in ("article", "version", "snapshot"):
            key = "id" if name == "article" else "article_id"
            views[name] = (
                f"SELECT * FROM {self.base}.{name} "
                f"WHERE {key} NOT IN (SELECT id FROM past_affected){self._in_scope(key)} "
                f"UNION ALL SELECT * FROM past_{name}"
            )
        clusters = create_cluster_tables(self.connection, self.known_at, self.scope)
        views |= {name: query.format(self.base) for name, query in clusters.items()}
        return views

    def _record_views(self) -> dict[str, str]:
        assert self.known_at is not None
        moment = self._time_literal(self.known_at)
        corrected = self._last_corrected_id(self.known_at)
        return {
            table.name: f"SELECT * FROM {self.base}.{table.name} "
            f"WHERE {table.known_at} <= {moment} OR id <= {corrected}"
            for table in RECORD_TABLES
            if table.known_at is not None
        }

    def _store_scope(self) -> None:
        if self.scope is not None:
            _SCOPE.create(self.connection, checkfirst=False)
            if self.scope:
                rows = [{"id": each} for each in sorted(self.scope)]
                self.connection.execute(insert(_SCOPE), rows)
            self._execute(
                "CREATE TEMP TABLE past_place AS SELECT DISTINCT source_id, locator_id "
                f"FROM {self.base}.snapshot WHERE article_id IN (SELECT id FROM past_scope)"
            )

    def _in_scope(self, column: str) -> str:
        """Return the condition for rows of articles that the session shows."""
        return "" if self.scope is None else f" AND {column} IN (SELECT id FROM past_scope)"

    def _store_affected_articles(self) -> None:
        """Store the articles whose current history depends on a row that was recorded later."""
        assert self.known_at is not None
        later = f"> {self._time_literal(self.known_at)}"
        self._execute(
            "CREATE TEMP TABLE past_affected AS "
            f"SELECT s.article_id AS id FROM {self.base}.snapshot s "
            f"JOIN {self.base}.observation o ON o.id = s.observation_id "
            f"LEFT JOIN {self.base}.verdict d ON d.observation_id = o.id "
            f"WHERE (o.recorded_at {later} OR d.recorded_at {later} OR s.is_foreign = TRUE)"
            f"{self._in_scope('s.article_id')} "
            f"UNION SELECT ao.article_id AS id FROM {self.base}.noise_step n "
            f"JOIN {self.base}.article_origin ao ON ao.origin_id = n.origin_id "
            f"LEFT JOIN {self.base}.noise_step_undone u ON u.noise_step_id = n.id "
            f"WHERE (n.decided_at {later} OR u.undone_at {later}){self._in_scope('ao.article_id')} "
            f"UNION SELECT ao.article_id AS id FROM {self.base}.doubt d "
            f"JOIN {self.base}.article_origin ao ON ao.origin_id = d.origin_id "
            f"WHERE TRUE{self._in_scope('ao.article_id')}"
        )

    def _rebuild_histories(self, views: Mapping[str, str]) -> None:
        """Rebuild the histories of affected articles in tables of this session."""
        base = self.base
        is_affected = "IN (SELECT id FROM past_affected)"
        self._execute(
            f"CREATE TEMP TABLE snapshot AS SELECT s.* FROM {base}.snapshot s "
            f"JOIN ({views['observation']}) o ON o.id = s.observation_id "
            f"WHERE s.article_id {is_affected} AND ("
            f"NOT EXISTS (SELECT 1 FROM {base}.verdict d WHERE d.observation_id = s.observation_id)"
            f" OR EXISTS (SELECT 1 FROM ({views['verdict']}) d "
            "WHERE d.observation_id = s.observation_id))"
        )
        self._execute(
            f"CREATE TEMP TABLE article AS SELECT * FROM {base}.article "
            "WHERE id IN (SELECT article_id FROM snapshot)"
        )
        for name in ("version", "rebuild_due", "change_event"):
            self._execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {base}.{name} WHERE 1 = 0")
        for name in ("version", "snapshot"):
            self._execute(f"CREATE INDEX past_{name}_by_article ON {name} (article_id)")
        self._rebuild_articles()
        for name in ("article", "version", "snapshot"):
            some = " WHERE versions > 0" if name == "article" else ""
            self._execute(f"CREATE TEMP TABLE past_{name} AS SELECT * FROM {name}{some}")
            key = "id" if name == "article" else "article_id"
            self._execute(f"CREATE INDEX past_{name}_key ON past_{name} ({key})")

    def _rebuild_articles(self) -> None:
        assert self.known_at is not None
        unit = Unit(self.connection, self.known_at, FIRST_REBUILT_ID)
        query = text("SELECT DISTINCT article_id FROM snapshot ORDER BY article_id")
        known = self.connection.execute(query).scalars().all()
        for start in range(0, len(known), _REBUILT_TOGETHER):
            some = known[start : start + _REBUILT_TOGETHER]
            showing = CaptureComparer(self.connection, unit.since, decides=False)
            rebuild_all(unit, dict.fromkeys(some, True), showing)
        unit.flush()

    # ---------------------------------------------------------------------- as_of

    def _views_as_of(self, base_views: Mapping[str, str]) -> dict[str, str]:
        """Return, for each table, a query for the known rows that were seen by `as_of`."""

        def base_query(name: str) -> str:
            return base_views.get(name, f"SELECT * FROM {self.base}.{name}")

        views = {"presence": self._presence(), "article_origin": self._origins()}
        views["relation"] = self._relations(base_query("relation"))
        if self.as_of is None:
            return views
        limit = f"<= {self._time_literal(self.as_of)}"
        ours = (
            f"q.id <= {self._last_corrected_id(self.as_of)} AND NOT EXISTS (SELECT 1 FROM "
            f"{self.base}.transfer t WHERE t.observation_id = q.id AND t.is_foreign = TRUE)"
        )
        views["observation"] = (
            f"SELECT * FROM ({base_query('observation')}) q WHERE observed_at {limit} OR ({ours})"
        )
        views["snapshot"] = f"SELECT * FROM ({base_query('snapshot')}) q WHERE observed_at {limit}"
        views["scan"] = f"SELECT * FROM ({base_query('scan')}) q WHERE {scan_start('q')} {limit}"
        views["version"] = self._versions(base_query("version"), limit)
        views["article"] = self._articles(base_query("article"), limit)
        views["cluster_member"] = self._members(base_query("cluster_member"))
        return views

    def _versions(self, query: str, limit: str) -> str:
        last = (
            f"CASE WHEN v.last_seen {limit} THEN v.last_seen ELSE coalesce("
            "(SELECT max(s.observed_at) FROM snapshot s WHERE s.article_id = v.article_id "
            "AND s.version = v.number), v.changed_by) END"
        )
        columns = self._columns("version", "v", last_seen=last)
        return f"SELECT {columns} FROM ({query}) v WHERE v.changed_by {limit}"

    def _articles(self, query: str, limit: str) -> str:
        head = "FROM version v WHERE v.article_id = a.id ORDER BY v.number DESC LIMIT 1"
        states = " ".join(f"WHEN '{outcome}' THEN '{state}'" for outcome, state in STATES.items())
        outcomes = ", ".join(f"'{outcome}'" for outcome in STATES)
        state = (
            "CASE (SELECT s.outcome FROM snapshot s WHERE s.article_id = a.id "
            f"AND s.outcome IN ({outcomes}) ORDER BY s.observed_at DESC, s.observation_id DESC "
            f"LIMIT 1) {states} ELSE 'present' END"
        )
        columns = self._columns(
            "article",
            "a",
            versions=f"coalesce((SELECT v.number {head}), 0)",
            head_version_id=f"(SELECT v.id {head})",
            last_seen=f"(SELECT v.last_seen {head})",
            state=state,
        )
        return f"SELECT {columns} FROM ({query}) a WHERE a.first_seen {limit}"

    def _presence(self) -> str:
        """Return the last state of each file at the time: scans extend unchanged ones."""
        newest = (
            "SELECT {} FROM observation o WHERE o.source_id = p.source_id "
            "AND o.locator_id = p.locator_id ORDER BY o.id DESC LIMIT 1"
        )
        columns = self._columns(
            "presence",
            "p",
            observation_id=f"({newest.format('o.id')})",
            gone=f"(({newest.format('o.outcome')}) = 'gone')",
        )
        some = ""
        if self.scope is not None:
            places = "SELECT source_id, locator_id FROM past_place"
            some = f" WHERE (p.source_id, p.locator_id) IN ({places})"
        return f"SELECT {columns} FROM {self.base}.presence p{some}"

    def _origins(self) -> str:
        return (
            f"SELECT ao.* FROM {self.base}.article_origin ao "
            "JOIN article a ON a.id = ao.article_id "
            "WHERE ao.origin_id = a.origin_id OR EXISTS (SELECT 1 FROM snapshot s "
            "WHERE s.article_id = ao.article_id AND s.origin_id = ao.origin_id)"
        )

    @staticmethod
    def _members(query: str) -> str:
        """Return the cluster members at the time; a cluster needs at least two."""
        return (
            f"SELECT m.* FROM ({query}) m WHERE EXISTS (SELECT 1 FROM ({query}) o "
            "JOIN article a ON a.id = o.article_id "
            "WHERE o.cluster_id = m.cluster_id AND o.article_id <> m.article_id)"
        )

    @staticmethod
    def _relations(query: str) -> str:
        there = "EXISTS (SELECT 1 FROM article_origin ao WHERE ao.origin_id = l.{})"
        sides = (there.format("a_origin_id"), there.format("b_origin_id"))
        return f"SELECT l.* FROM ({query}) l WHERE {' AND '.join(sides)}"

    # -------------------------------------------------------------------------- helpers

    def _columns(self, table: str, alias: str, **replaced: str) -> str:
        names = [column.name for column in METADATA.tables[table].columns]
        return ", ".join(f"{replaced.get(name, f'{alias}.{name}')} AS {name}" for name in names)

    def _last_corrected_id(self, moment: datetime) -> int:
        """Return the number below which rows were written by the moment, whatever time they
        state.
        """
        limit = self._time_literal(moment)
        query = f"SELECT max(id) FROM {self.base}.clock_correction WHERE at <= {limit}"
        return self.connection.exec_driver_sql(query).scalar() or 0

    def _time_literal(self, moment: datetime) -> str:
        """Return a moment as a literal: a view cannot have parameters."""
        return f"{words_of(self.connection).time_prefix}'{iso_utc(moment)}'"

    def _create_view(self, name: str, query: str) -> None:
        self._execute(f"CREATE TEMP VIEW {name} AS {query}")

    def _drop(self, name: str) -> None:
        kind = "TABLE" if name in _REBUILT else "VIEW"
        self._execute(f"DROP {kind} {words_of(self.connection).temporary}.{name}")

    def _execute(self, statement: str) -> None:
        self.connection.exec_driver_sql(statement)


def find_scope(connection: Connection, references: Iterable[str]) -> set[int]:
    """Return the articles that answers about the articles of revisions depend on.

    These are all articles that the revisions may mean at any time, the members of their clusters
    at any time, and the restricted articles, whose texts are withheld wherever they are.
    `connection` shows the archive of today.
    """
    finder = _CandidateFinder(connection)
    for reference in references:
        finder.collect(reference)
    query = f"SELECT q.article_id AS id FROM {RESTRICTED} q"
    restricted = {row["id"] for row in fetch(connection, query, {})}
    return restricted | _find_members(connection, finder.found)


def _find_members(connection: Connection, articles: set[int]) -> set[int]:
    """Return articles with all that relations, undone ones too, ever joined to them."""
    members, new = set(articles), articles
    while new:
        joined = {
            article
            for end in (A, B)
            for _id, a, b, kind, evidence in rows_in(
                connection, select_related_articles(), end.c.article_id, new
            )
            if joins(kind, evidence)
            for article in (a, b)
        }
        new = joined - members
        members |= new
    return members


class _CandidateFinder(Finder):
    """Finds every article that a revision may mean: no way of finding hides another one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, UTC)
        self.found: set[int] = set()

    def collect(self, reference: str) -> None:
        """Add the articles of a revision, or of both sides of a range, to those found."""
        try:
            refuse_unprintable(reference)
        except RevisionError:
            return
        parts = {reference, *chain.from_iterable(split_range(reference))}
        for name in {name for part in parts for name in possible_names(part)}:
            self._find_article(name)

    def _load(self, names: set[str]) -> None:
        public = self._public_names(names)
        self._add(_EVER_BY_NAME, names=public)
        self._cache |= dict.fromkeys(names)

    def _find_only(self, condition: str, _reference: str, /, **values: str) -> ArticleRef | None:
        self._add(f"SELECT DISTINCT a.id AS id {JOINED} WHERE {condition}", **values)
        return None

    def _add(self, query: str, **values: object) -> None:
        self.found.update(row["id"] for row in fetch(self.connection, query, values))


_EVER_BY_NAME = f"""
SELECT a.id AS id {JOINED} WHERE o.public_id IN :names
UNION
SELECT s.article_id FROM origin o JOIN snapshot s ON s.locator_id = o.id
WHERE o.public_id IN :names AND s.article_id IS NOT NULL
"""
