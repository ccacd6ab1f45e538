"""Empty the rows that redactions ordered, and retain the proof that they existed.

The rows are emptied in batches: after a crash the order remains, and the next process continues.
The log deletes the salts of redacted rows, so that the remaining hashes reveal nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    Row,
    bindparam,
    delete,
    or_,
    select,
    text,
    update,
)

from storage.capabilities import CAPABILITIES
from storage.database.columns import JSON_TYPE
from storage.database.engine import read_connection
from storage.database.rows import STREAMING
from storage.database.table_facts import EMPTIED
from storage.database.tables import (
    ARCHIVE,
    ARTICLE,
    ARTICLE_ORIGIN,
    BOILERPLATE_DUE,
    CAPTURE,
    DERIVATION,
    INDEX_KEY,
    JOB,
    NOISE_STEP,
    OBSERVATION,
    OPEN,
    ORIGIN,
    PRESENCE,
    REDACTION,
    REFUSAL,
    RESTRICTION,
    SEARCH_DUE,
    SNAPSHOT,
    SOURCE,
    TEASER,
    VERSION,
    WATCH,
    WORDING,
)
from storage.database.tables.kept import find_kept, table_named
from storage.database.tables.metadata import METADATA
from storage.database.unit import Clock, Unit, rows_in, writing
from storage.history.change_events import UPDATE_REDACTION, record_updates
from storage.history.changes import CaptureComparer
from storage.history.renewals import (
    NONE_NAMED,
    NamingVersions,
    find_naming,
    renew_addresses,
    renew_observations,
    renew_rows,
    renew_versions,
)
from storage.history.runs import Pair
from storage.history.totals import store_fact, stored_fact
from storage.history.versions import rebuild_all
from storage.proof import log
from storage.proof.leaf import SHAPES
from storage.record.observations import refuse_redacted
from storage.record.suppression import (
    OF_ADDRESS,
    OF_BYTES,
    OF_WORDING,
    suppress,
    suppress_titles,
)
from storage.relations.relate import forget_due
from storage.values.job import Progress
from storage.values.redaction import (
    PENDING,
    RedactionReason,
    digest_placeholder,
    is_emptied,
    name_placeholder,
)
from storage.write.index import forget_words
from storage.write.orphans import delete_objects
from storage.write.redaction.in_bytes import is_read_as_before
from storage.write.redaction.named_places import JOBS, is_named, places_in
from storage.write.redaction.plan import places_of, titles_of

UNSCRUBBED = "unscrubbed"
"""Key of the fact that states that the database may still contain redacted bytes."""
ROWS_AT_A_TIME = 200
ADDRESS_GONE = "an address that it named was redacted"
"""Reason of a job that contained, or failed at, a redacted address."""


def values_after_redaction(table: str, names: Iterable[str], row_id: int) -> dict[str, Any]:
    """Return the new values of the columns of a redacted row."""
    columns = table_named(table).columns
    return {name: _empty_value(columns[name], row_id) for name in names}


def _empty_value(column: Any, row_id: int) -> bytes | str | list[Any] | None:
    if column.nullable:
        return None
    if column.type is JSON_TYPE:
        return []
    is_bytes = isinstance(column.type, LargeBinary)
    return digest_placeholder(row_id) if is_bytes else name_placeholder(row_id)


def empty_ordered(engine: Engine, clock: Clock, progress: Progress | None = None) -> int:
    """Empty all ordered rows; return their number.

    Raises: CapturesAwayError, CapturesUnsetError if the bytes are in a store.
    """
    done = 0
    while True:
        log.append(engine, clock)
        with read_connection(engine) as connection:
            due = _due(connection)
        if wordings := {row.row_id for row in due or () if row.table_name == "wording"}:
            with engine.begin() as connection:
                forget_due(connection, wordings)
        with read_connection(engine) as connection:
            ahead = None if due is None else _UnindexedRows.of(connection, due)
        if due is None or ahead is None:
            return done
        delete_objects(engine, clock, ahead.digests)
        with writing(engine, clock) as unit:
            _overwrite(unit.connection)
            log.append_within(unit)
            if _due(unit.connection) == due:  # otherwise another process did it
                _RowEraser(unit, ahead).carry_out(due)
                done += len(due)
        if progress is not None:
            progress("rows emptied", done)


def _due(connection: Connection) -> list[Row[Any]] | None:
    find_kept(connection)
    begin = stored_fact(connection, PENDING)
    if begin is None:
        return None
    query = select(REDACTION).where(REDACTION.c.id > int(begin)).order_by(REDACTION.c.id)
    return list(connection.execute(query.limit(ROWS_AT_A_TIME)))


def _overwrite(connection: Connection) -> None:
    """Make SQLite overwrite deleted content with zeros."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete = ON")).close()


@dataclass(slots=True)
class _UnindexedRows:
    """Rows found before the lock is taken, because no index leads to them."""

    index_keys: list[Any] = field(default_factory=list)
    observations: set[int] = field(default_factory=set)
    articles: set[int] = field(default_factory=set)
    digests: list[bytes] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    addresses: dict[str, int] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    bytes_alone: set[int] = field(default_factory=set)
    naming: NamingVersions = NONE_NAMED

    @classmethod
    def of(cls, connection: Connection, due: Sequence[Row[Any]]) -> "_UnindexedRows":
        wordings = {row.row_id for row in due if row.table_name == "wording"}
        held_by = {row.row_id for row in due if row.table_name == "capture"}
        over = {row.row_id for row in due if _is_retention(row)}
        alone = over | is_read_as_before(connection, held_by)
        due = [row for row in due if row.table_name != "capture" or row.row_id not in alone]
        captures = {row.row_id for row in due if row.table_name == "capture"}
        derivations = {row.row_id for row in due if row.table_name == "derivation"}
        query = select(INDEX_KEY.c.key, INDEX_KEY.c.wording_id)
        keys = list(rows_in(connection, query, INDEX_KEY.c.wording_id, wordings))
        ahead = cls(keys, bytes_alone=alone)
        held = rows_in(connection, select(CAPTURE.c.digest), CAPTURE.c.id, held_by)
        ahead.digests = [bytes(row[0]) for row in held if not is_emptied(bytes(row[0]))]
        for column, wanted in ((DERIVATION.c.wording_id, wordings), (DERIVATION.c.id, derivations)):
            captures |= {
                row[0]
                for row in rows_in(connection, select(DERIVATION.c.capture_id), column, wanted)
            }
        seen = select(OBSERVATION.c.id, SNAPSHOT.c.article_id).outerjoin(
            SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id
        )
        for number, article in rows_in(connection, seen, OBSERVATION.c.capture_id, captures):
            ahead.observations.add(number)
            ahead.articles |= {article} - {None}
        ahead.find_addresses(
            connection, {r.row_id for r in due if r.table_name == "origin_address"}
        )
        shown = select(VERSION.c.article_id)
        ahead.articles |= {
            row[0] for row in rows_in(connection, shown, VERSION.c.wording_id, wordings)
        }
        ahead.naming = find_naming(connection, ahead.restricted_articles(connection))
        return ahead

    def restricted_articles(self, connection: Connection) -> set[int]:
        """Return the articles whose titles hide fields of other articles."""
        query = select(ARTICLE_ORIGIN.c.article_id).join(
            RESTRICTION, RESTRICTION.c.origin_id == ARTICLE_ORIGIN.c.origin_id
        )
        found = rows_in(connection, query, ARTICLE_ORIGIN.c.article_id, self.articles)
        return {row[0] for row in found}

    def find_addresses(self, connection: Connection, origins: set[int]) -> None:
        """Find the articles at origins, sources for a single one, and jobs that contain it."""
        if not origins:
            return
        owned = select(ARTICLE_ORIGIN.c.article_id)
        found = rows_in(connection, owned, ARTICLE_ORIGIN.c.origin_id, origins)
        self.articles |= {row[0] for row in found}
        named = rows_in(connection, select(ORIGIN.c.origin, ORIGIN.c.id), ORIGIN.c.id, origins)
        self.addresses = {origin: number for origin, number in named if not is_emptied(origin)}
        for column in (SOURCE.c.name, SOURCE.c.locator):
            found = rows_in(connection, select(SOURCE.c.id), column, self.addresses)
            self.sources += [row[0] for row in found]
        told = or_(JOB.c.kind == "ingest", JOB.c.reason.is_not(None))
        with connection.execute(JOBS.where(told), execution_options=STREAMING) as rows:
            self.jobs = [row.id for row in rows if self.is_named_by(row)]

    def is_named_by(self, job: Row[Any]) -> bool:
        """Check whether a job contains one of the addresses, or failed with a message about it."""
        failed = any(each in (job.reason or "") for each in self.addresses)
        return failed or any(self.left_of(place) for place in places_in(job))

    def left_of(self, place: Mapping[str, Any]) -> str | None:
        """Return the anonymised address of a place of a job, None if it has no redacted address."""
        found = (number for each, number in self.addresses.items() if is_named(place, each))
        return next(map(name_placeholder, found), None)


class _RowEraser:
    """Empties some rows in one unit of work, and recomputes the rows derived from them."""

    def __init__(self, unit: Unit, ahead: _UnindexedRows) -> None:
        self.unit = unit
        self.connection = unit.connection
        self.ahead = ahead

    def carry_out(self, due: Sequence[Row[Any]]) -> None:
        self._empty_bytes(self.ahead.bytes_alone)
        gone = [
            row
            for row in due
            if row.table_name != "capture" or row.row_id not in self.ahead.bytes_alone
        ]
        if gone:
            self._empty_all(gone)
        if not all(map(_is_retention, due)):
            store_fact(self.connection, UNSCRUBBED, str(due[-1].id))
        if len(due) == ROWS_AT_A_TIME:
            store_fact(self.connection, PENDING, str(due[-1].id))
        else:
            self.connection.execute(delete(ARCHIVE).where(ARCHIVE.c.key == PENDING))

    def _empty_bytes(self, captures: Collection[int]) -> None:
        """Delete only the bytes of captures; their digests and texts remain."""
        if captures:
            emptied = update(CAPTURE).where(CAPTURE.c.id.in_(captures)).values(data=None)
            self.connection.execute(emptied)

    def _empty_all(self, due: Sequence[Row[Any]]) -> None:
        whole: dict[str, set[int]] = defaultdict(set)
        acts: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in due:
            whole[row.table_name].add(row.row_id)
            acts[row.table_name].append(row)
        hidden = self.ahead.restricted_articles(self.connection)
        naming = find_naming(self.connection, hidden, self.ahead.naming)
        self._suppress("capture", OF_BYTES, acts["capture"])
        self._suppress("wording", OF_WORDING, acts["wording"])
        self._suppress_titles(acts["wording"])
        self._suppress_teasers(acts["teaser"])
        self._forget_wordings(whole["wording"])
        self._forget_rows(whole)
        self._suppress_addresses(acts["origin_address"])
        for row in due:
            self._empty(row)
        self._forget_places(whole["capture"])
        self._forget_origins(whole["origin_address"])
        if self.ahead.articles:
            self._record_again()
        self._renew(whole)
        renew_versions(self.unit, naming.versions)

    def _empty(self, row: Row[Any]) -> None:
        table, names = EMPTIED[row.table_name]
        if set(names) & set(SHAPES[table].salted):
            log.seal(self.unit, table, row.row_id, names)
        rows = table_named(table)
        values = values_after_redaction(table, names, row.row_id)
        self.connection.execute(update(rows).where(rows.c.id == row.row_id).values(**values))

    def _suppress(self, table: str, kind: str, due: Sequence[Row[Any]]) -> None:
        rows = METADATA.tables[table]
        act_of = {row.row_id: row.act_id or row.id for row in due}
        digests: dict[int, list[bytes]] = defaultdict(list)
        query = select(rows.c.id, rows.c.digest)
        for number, digest in rows_in(self.connection, query, rows.c.id, act_of):
            if not is_emptied(bytes(digest)):
                digests[act_of[number]].append(bytes(digest))
        for act_id, those in digests.items():
            suppress(self.unit, kind, those, act_id)

    def _suppress_titles(self, due: Sequence[Row[Any]]) -> None:
        """Suppress titles in future lists that no text of their article has any more."""
        act_of = {row.row_id: row.act_id or row.id for row in due}
        query = select(SNAPSHOT.c.article_id).distinct()
        articles = [
            row[0] for row in rows_in(self.connection, query, SNAPSHOT.c.wording_id, act_of)
        ]
        for article in dict.fromkeys(articles):
            told = titles_of(self.connection, article)
            still = {title for wording, title in told if wording not in act_of}
            places = places_of(self.connection, article)
            for wording, title in told:
                if wording in act_of and title not in still:
                    suppress_titles(self.unit, [title], places, act_of[wording])

    def _suppress_teasers(self, due: Sequence[Row[Any]]) -> None:
        """Suppress headlines at their addresses in future lists of front pages."""
        act_of = {row.row_id: row.act_id or row.id for row in due}
        query = select(TEASER.c.id, TEASER.c.headline, ORIGIN.c.origin).join(
            ORIGIN, ORIGIN.c.id == TEASER.c.origin_id
        )
        for number, headline, origin in rows_in(self.connection, query, TEASER.c.id, act_of):
            if headline is not None:
                suppress_titles(self.unit, [headline], [origin], act_of[number])

    def _suppress_addresses(self, due: Sequence[Row[Any]]) -> None:
        """Suppress addresses in future; each is identified by its redaction."""
        redaction_of = {row.row_id: row.id for row in due}
        query = select(ORIGIN.c.id, ORIGIN.c.origin)
        for number, origin in rows_in(self.connection, query, ORIGIN.c.id, redaction_of):
            if not is_emptied(origin):
                value = origin.encode("utf-8", "surrogatepass")
                suppress(self.unit, OF_ADDRESS, [value], redaction_of[number])

    def _forget_origins(self, origins: set[int]) -> None:
        """Replace the ids of articles by anonymised ones, and delete watches of these addresses."""
        if not origins:
            return
        for number in sorted(origins):
            own = update(ARTICLE).where(ARTICLE.c.origin_id == number)
            self.connection.execute(own.values(public_id=name_placeholder(number)))
        for table, columns in (
            (WATCH, (WATCH.c.origin_id, WATCH.c.final_id)),
            (PRESENCE, (PRESENCE.c.place_id, PRESENCE.c.locator_id)),
        ):
            self.connection.execute(delete(table).where(or_(*(c.in_(origins) for c in columns))))
        for number in self.ahead.sources:
            name = name_placeholder(number)
            bare = update(SOURCE).where(SOURCE.c.id == number)
            self.connection.execute(bare.values(name=name, locator=name, removed_at=self.unit.now))
        self._forget_in_jobs()

    def _forget_in_jobs(self) -> None:
        """Remove the addresses from all jobs; open jobs refuse them."""
        for row in self._naming_jobs():
            values = {"reason": ADDRESS_GONE, "seq": self.unit.number()}
            if places := places_in(row):
                values |= self._without_places(row, places)
            self.connection.execute(update(JOB).where(JOB.c.id == row.id).values(**values))

    def _naming_jobs(self) -> Iterator[Row[Any]]:
        """Yield the jobs that were found before in batches, then the jobs added since."""
        jobs = self.ahead.jobs
        for at in range(0, len(jobs), ROWS_AT_A_TIME):
            part = jobs[at : at + ROWS_AT_A_TIME]
            yield from list(rows_in(self.connection, JOBS, JOB.c.id, part))
        known = set(jobs)
        waiting = list(self.connection.execute(JOBS.where(OPEN, JOB.c.kind == "ingest")))
        yield from (row for row in waiting if row.id not in known and self.ahead.is_named_by(row))

    def _without_places(self, job: Row[Any], places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the values of a job without the places that contain a redacted address."""
        told = [(place, self.ahead.left_of(place)) for place in places]
        kept = [place for place, left in told if left is None]
        values: dict[str, Any] = {"arguments": {"places": kept}}
        if job.state != "ready":  # its worker refuses them itself
            return values
        for place, left in told:
            if left is not None:
                refuse_redacted(self.unit, job.id, place, left)
        values["refused"] = JOB.c.refused + len(told) - len(kept)
        if not kept:
            values |= {"state": "done", "finished_at": self.unit.now}
        return values

    def _forget_wordings(self, wordings: set[int]) -> None:
        """Remove wordings from the full-text index and the index keys."""
        if not wordings:
            return
        waiting = SEARCH_DUE.c.wording_id.in_(wordings)
        self.connection.execute(
            delete(SEARCH_DUE).where(waiting)
        )  # otherwise wait for a process that indexes them
        forget_words(self.connection, wordings)
        if self.ahead.index_keys:
            self.connection.execute(
                delete(INDEX_KEY).where(
                    INDEX_KEY.c.key == bindparam("of"), INDEX_KEY.c.wording_id == bindparam("by")
                ),
                [{"of": key, "by": wording} for key, wording in self.ahead.index_keys],
            )

    def _forget_rows(self, whole: Mapping[str, set[int]]) -> None:
        """Delete what capabilities store for these wordings and derivations."""
        known = {t.name: t.references for each in CAPABILITIES for t in each.state_tables}
        kept = (each for each in find_kept(self.connection) if each.record is None)
        for name, references in (
            known | {each.table.name: each.references for each in kept}
        ).items():
            rows = table_named(name)
            for column, named in references.items():
                if named in {"wording", "derivation"} and (gone := whole.get(named)):
                    deletion = delete(rows).where(rows.c[column].in_(gone))
                    if named == "derivation" and references.get("wording_id") == "wording":
                        texts = select(DERIVATION.c.wording_id).where(DERIVATION.c.id.in_(gone))
                        deletion = deletion.where(rows.c.wording_id.in_(texts))
                    self.connection.execute(deletion)

    def _forget_places(self, captures: set[int]) -> None:
        """Delete the digests, marks and words that identify the content of places."""
        if self.ahead.observations:
            self.connection.execute(
                update(PRESENCE)
                .where(PRESENCE.c.observation_id == bindparam("seen"))
                .values(digest=None),
                [{"seen": number} for number in sorted(self.ahead.observations)],
            )
        if captures:
            self.connection.execute(
                update(WATCH)
                .where(
                    or_(
                        WATCH.c.capture_id.in_(captures),
                        WATCH.c.observation_id.in_(self.ahead.observations),
                    )
                )
                .values(etag=None, last_modified=None, hints=None)
            )

    def _record_again(self) -> None:
        """Compare versions of the articles again: the emptied ones and their successors."""
        articles = sorted(self.ahead.articles)
        if not articles:
            return
        waiting = BOILERPLATE_DUE.c.article_id.in_(articles)
        self.connection.execute(delete(BOILERPLATE_DUE).where(waiting))
        stale: dict[int, frozenset[Pair]] = {}
        gone = self._find_emptied_derivations(articles)
        query = select(VERSION.c.article_id, VERSION.c.before_id, VERSION.c.after_id)
        for article, before, after in rows_in(
            self.connection, query, VERSION.c.article_id, articles
        ):
            if before in gone or after in gone:
                stale[article] = stale.get(article, frozenset()) | {(before, after)}
        comparing = CaptureComparer(self.connection, self.unit.since)
        rebuild_all(self.unit, dict.fromkeys(articles, True), comparing, stale)

    def _find_emptied_derivations(self, articles: Collection[int]) -> set[int]:
        """Return the emptied derivations of these articles."""
        steps = select(VERSION.c.before_id, VERSION.c.after_id)
        named = {
            each
            for pair in rows_in(self.connection, steps, VERSION.c.article_id, articles)
            for each in pair
            if each is not None
        }
        query = (
            select(DERIVATION.c.id)
            .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
            .where(or_(WORDING.c.text.is_(None), DERIVATION.c.detail.is_(None)))
        )
        return {row[0] for row in rows_in(self.connection, query, DERIVATION.c.id, named)}

    def _renew(self, whole: Mapping[str, set[int]]) -> None:
        """Give all rows of views with an emptied row new numbers."""
        renew_addresses(self.unit, whole["origin_address"])
        observations = self.ahead.observations | whole["observation"]
        for table, rows in whole.items():
            columns = table_named(EMPTIED[table][0]).columns
            if "observation_id" in columns:
                observations |= self._find(columns["observation_id"], columns["id"], rows)
        renew_observations(self.unit, observations)
        wordings = whole["wording"]
        versions = self._find(VERSION.c.id, VERSION.c.wording_id, wordings)
        versions |= self._find(VERSION.c.id, VERSION.c.observation_id, observations)
        renew_versions(self.unit, versions)
        record_updates(self.unit, versions, UPDATE_REDACTION)
        refusals = self._find(REFUSAL.c.id, REFUSAL.c.observation_id, observations)
        refusals |= whole["refusal"] | whole["refusal_address"]
        renew_rows(self.unit, "refusal", refusals)
        for own in (table.name for each in CAPABILITIES for table in each.record_tables):
            renew_rows(self.unit, own, whole[own])
        renew_rows(self.unit, "teaser", whole["teaser"])
        steps = self._find(NOISE_STEP.c.id, NOISE_STEP.c.a_wording_id, wordings)
        steps |= self._find(NOISE_STEP.c.id, NOISE_STEP.c.b_wording_id, wordings)
        renew_rows(self.unit, "noise_step", steps)
        places = self._find(OBSERVATION.c.locator_id, OBSERVATION.c.id, observations)
        places |= self._find(TEASER.c.origin_id, TEASER.c.id, whole["teaser"])
        renew_rows(self.unit, "origin", places)

    def _find(self, column: Any, by: Any, values: Collection[int]) -> set[int]:
        return {
            row[0]
            for row in rows_in(self.connection, select(column), by, values)
            if row[0] is not None
        }


def _is_retention(row: Row[Any]) -> bool:
    """Check whether only the bytes of a row are redacted, because of retention."""
    return bool(row.reason == RedactionReason.RETENTION)
