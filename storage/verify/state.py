"""Compare snapshots, origins of articles, and files with the values from the record."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, or_, select, text

from storage.database.rows import STREAMING, stream
from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    CAPTURE,
    DERIVATION,
    LINEAGE,
    LINEAGE_UNDONE,
    OBSERVATION,
    ORIGIN,
    PRESENCE,
    REDACTION,
    REFUSAL,
    SCAN,
    SNAPSHOT,
    TRANSFER,
    VERDICT,
)
from storage.database.tables.kept import KEY, find_changed_facts
from storage.history.corrected_times import (
    ClockCorrection,
    clock_corrections,
    time_after_corrections,
)
from storage.history.totals import TOTALS, Totals, count_rows, is_redacting, stored_totals
from storage.record.derivation_detail import Name, name_from
from storage.relations.clusters import joins
from storage.values.locator import origin_path
from storage.values.outcome import page_outcome
from storage.values.redaction import is_emptied
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope

_PLACE, _ADDRESS, _CONFIRMED = ORIGIN.alias("place"), ORIGIN.alias("address"), SNAPSHOT.alias("c")
_LATER, _SHOWN = OBSERVATION.alias("later"), DERIVATION.alias("shown")
_TWIN, _HERE, _THERE = ARTICLE_ORIGIN.alias("t"), ARTICLE_ORIGIN.alias("h"), ARTICLE_ORIGIN.alias()

Claims = dict[tuple[int, int], dict[int, tuple[datetime, str]]]
"""For each source and address: the files that claim it, with the time of their first snapshot."""


def snapshots(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Compute each snapshot from its observation, its verdict and its derivation."""
    claims, corrections = _claims(connection), clock_corrections(connection)
    for row in connection.execute(_SNAPSHOTS.execution_options(**STREAMING)):
        if row.observation_id is None:
            message = "its observation has a text and belongs to no article"
            yield BrokenObject("snapshot", row.seen_id, "snapshot_missing", message)
            continue
        wrong = list(_wrong_columns(row, claims, corrections))
        for name in wrong:
            message = f"{name} is not what was observed"
            yield BrokenObject("snapshot", row.observation_id, "snapshot_wrong", message)
        if not wrong:
            yield PASSED


def _wrong_columns(
    row: Any, claims: Claims, corrections: Sequence[ClockCorrection]
) -> Iterator[str]:
    """Yield the columns of a snapshot that contradict the record."""
    expected: dict[str, Any] = {
        "locator_id": row.seen_at_id,
        "source_id": row.seen_by,
        "article_id": row.answering,
    }
    if row.verdict_derivation is None:
        expected |= _without_text(row)
    else:
        if row.has_detail:
            expected["derivation_id"] = row.verdict_derivation
        elif row.shown_capture != row.read_capture:  # a passage of its text was redacted
            yield "derivation_id"
        is_same = row.seen_as == "not_modified"
        if (row.outcome == "not_modified") is not is_same:
            yield "outcome"
        if row.has_detail and not row.is_redacted:
            name = _name(row)
            expected |= {"observed_at": name.moment, "is_foreign": name.foreign}
            yield from _wrong_places(row, name, claims)
    if "observed_at" in expected and not expected["is_foreign"]:
        expected["observed_at"] = time_after_corrections(
            corrections, row.seen_id, expected["observed_at"]
        )
    for column, value in expected.items():
        if getattr(row, column) != value:
            yield column


def _without_text(row: Any) -> dict[str, Any]:
    """Return the columns of a snapshot without a text of its own.

    A redacted observation no longer names the one that it confirmed.
    """
    if row.is_redacted:
        return {"observed_at": row.seen_when, "is_foreign": bool(row.foreign_transfer)}
    outcome = row.seen_as
    if row.confirms is not None:
        outcome = outcome if row.confirmed_wording is not None else row.confirmed_outcome
    elif outcome == "captured":
        outcome = page_outcome(row.code) if row.code is not None else "refused"
    found = {
        "observed_at": row.seen_when,
        "is_foreign": bool(row.foreign_transfer),
        "wording_id": row.confirmed_wording,
        "derivation_id": row.confirmed_derivation,
    }
    # the check of versions knows whether a confirmed text started a run
    return found if row.confirmed_wording is not None else {**found, "outcome": outcome}


def _name(row: Any) -> Name:
    seen_at = datetime.fromisoformat(row.claimed_at) if row.claimed_at else None
    return name_from(row.hints or {}, row.seen_when, row.claimed_address, seen_at)


def _wrong_places(row: Any, name: Name, claims: Claims) -> Iterator[str]:
    """Yield the origins of a snapshot that differ from the statements of its document."""
    if row.address_text is not None and is_emptied(row.address_id_text):
        return
    if row.address_text != name.address:
        yield "address_id"
    origin = row.address_id if row.address_id is not None else row.locator_id
    if row.address_id is not None and not row.is_foreign:
        files = claims.get((row.source_id, row.address_id), {})
        if files and min(files, key=files.__getitem__) != row.locator_id:
            origin = row.locator_id
    if row.origin_id != origin:
        yield "origin_id"


def _claims(connection: Connection) -> Claims:
    """Return the files of each address that several files of a source claim."""
    key = (SNAPSHOT.c.source_id, SNAPSHOT.c.address_id)
    own = and_(SNAPSHOT.c.address_id.is_not(None), SNAPSHOT.c.is_foreign.is_(False))
    shared = (
        select(*key).where(own).group_by(*key)
        .having(func.count(SNAPSHOT.c.locator_id.distinct()) > 1).subquery()
    )  # fmt: skip
    query = (
        select(*key, SNAPSHOT.c.locator_id, SNAPSHOT.c.observed_at, ORIGIN.c.origin)
        .join(ORIGIN, ORIGIN.c.id == SNAPSHOT.c.locator_id)
        .join(shared, and_(shared.c.source_id == key[0], shared.c.address_id == key[1]))
        .where(own)
    )
    found: Claims = {}
    for source, address, locator, moment, origin in connection.execute(query):
        files = found.setdefault((source, address), {})
        files[locator] = min((moment, origin), files.get(locator, (moment, origin)))
    return found


def _select_redacted(table: str) -> Select[Any]:
    return select(REDACTION.c.row_id).where(REDACTION.c.table_name == table)


_CODE = (
    select(REFUSAL.c.code)
    .where(
        REFUSAL.c.observation_id == OBSERVATION.c.id,
        OBSERVATION.c.http_status.is_not(None),
        OBSERVATION.c.outcome == "captured",
    )
    .order_by(REFUSAL.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_CONFIRMS = OBSERVATION.c.hints["confirms"].as_integer()
_SNAPSHOTS: Select[Any] = (
    select(
        SNAPSHOT,
        OBSERVATION.c.id.label("seen_id"), OBSERVATION.c.locator_id.label("seen_at_id"),
        OBSERVATION.c.source_id.label("seen_by"), OBSERVATION.c.observed_at.label("seen_when"),
        OBSERVATION.c.outcome.label("seen_as"), OBSERVATION.c.hints,
        OBSERVATION.c.id.in_(_select_redacted("observation")).label("is_redacted"),
        ARTICLE_ORIGIN.c.article_id.label("answering"),
        VERDICT.c.derivation_id.label("verdict_derivation"),
        DERIVATION.c.detail.is_not(None).label("has_detail"),
        DERIVATION.c.capture_id.label("read_capture"), _SHOWN.c.capture_id.label("shown_capture"),
        DERIVATION.c.detail["address"].as_string().label("claimed_address"),
        DERIVATION.c.detail["observed_at"].as_string().label("claimed_at"),
        _ADDRESS.c.origin.label("address_text"), _ADDRESS.c.public_id.label("address_id_text"),
        TRANSFER.c.is_foreign.label("foreign_transfer"),
        _CONFIRMS.label("confirms"), _CONFIRMED.c.wording_id.label("confirmed_wording"),
        _CONFIRMED.c.derivation_id.label("confirmed_derivation"),
        _CONFIRMED.c.outcome.label("confirmed_outcome"), _CODE.label("code"),
    )
    .select_from(OBSERVATION)
    .outerjoin(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
    .outerjoin(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
    .outerjoin(DERIVATION, DERIVATION.c.id == VERDICT.c.derivation_id)
    .outerjoin(_SHOWN, _SHOWN.c.id == SNAPSHOT.c.derivation_id)
    .outerjoin(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == SNAPSHOT.c.origin_id)
    .outerjoin(_ADDRESS, _ADDRESS.c.id == SNAPSHOT.c.address_id)
    .outerjoin(TRANSFER, TRANSFER.c.observation_id == OBSERVATION.c.id)
    .outerjoin(_CONFIRMED, _CONFIRMED.c.observation_id == _CONFIRMS)
    .where(or_(SNAPSHOT.c.observation_id.is_not(None), VERDICT.c.derivation_id.is_not(None)))
    .order_by(OBSERVATION.c.id)
)  # fmt: skip


def totals(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Count the rows of the record again, up to the stored number; check the facts of tables."""
    for name in find_changed_facts(connection):
        message = f"the stored facts of tables ({name}) are not those of the program"
        yield BrokenObject("archive", KEY, "tables_wrong", message)
    stored = stored_totals(connection)
    if stored is None or is_redacting(connection):
        return
    counted = count_rows(connection, Totals(redaction=stored.redaction), stored.up_to)
    for name in (each.name for each in fields(stored)):
        if getattr(stored, name) == getattr(counted, name):
            yield PASSED
        else:
            message = f"{name} is not the number of the rows up to {stored.up_to}"
            yield BrokenObject("archive", TOTALS, "totals_wrong", message)


# ------------------------------------------------------------------------ origins, files


def article_origins(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check that exactly the origins joined by lineages form an article."""
    for row in connection.execute(_APART.execution_options(**STREAMING)):
        message = f"it joins two addresses, and these belong to the articles {row.a} and {row.b}"
        yield BrokenObject("article_origin", row.origin_id, "origins_apart", message)
    for row in connection.execute(_UNFOUNDED.execution_options(**STREAMING)):
        message = f"no text and no lineage makes it an origin of article {row.article_id}"
        yield BrokenObject("article_origin", row.origin_id, "origin_unfounded", message)
    number = connection.execute(select(func.count()).select_from(ARTICLE_ORIGIN)).scalar_one()
    yield from (PASSED for _ in range(number))


_HOLDS = ~exists().where(LINEAGE_UNDONE.c.lineage_id == LINEAGE.c.id)
_APART: Select[Any] = (
    select(LINEAGE.c.origin_id, _HERE.c.article_id.label("a"), _THERE.c.article_id.label("b"))
    .join(_HERE, _HERE.c.origin_id == LINEAGE.c.origin_id)
    .join(_THERE, _THERE.c.origin_id == LINEAGE.c.to_origin_id)
    .where(_HOLDS, _HERE.c.article_id != _THERE.c.article_id)
)
_UNFOUNDED: Select[Any] = select(ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id).where(
    ~exists().where(SNAPSHOT.c.origin_id == ARTICLE_ORIGIN.c.origin_id),
    ~exists().where(
        ARTICLE.c.id == ARTICLE_ORIGIN.c.article_id,
        ARTICLE.c.origin_id == ARTICLE_ORIGIN.c.origin_id,
    ),
    *(
        ~exists(
            select(LINEAGE.c.id)
            .join(_TWIN, _TWIN.c.origin_id == other)
            .where(
                own == ARTICLE_ORIGIN.c.origin_id,
                _TWIN.c.article_id == ARTICLE_ORIGIN.c.article_id,
                _HOLDS,
            )
            .correlate(ARTICLE_ORIGIN)
        )
        for own, other in (
            (LINEAGE.c.origin_id, LINEAGE.c.to_origin_id),
            (LINEAGE.c.to_origin_id, LINEAGE.c.origin_id),
        )
    ),
)


def presences(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Compare the state of each file of a folder with its last observation."""
    for row in connection.execute(_PRESENCES.execution_options(**STREAMING)):
        if is_emptied(row.place_text or "") or is_emptied(row.locator_text or ""):
            continue
        wrong = list(_wrong_presence(row))
        for name in wrong:
            message = f"{name} of {row.path}{row.member} is not what was observed"
            yield BrokenObject("presence", row.place_id, "presence_wrong", message)
        if not wrong:
            yield PASSED


def _wrong_presence(row: Any) -> Iterator[str]:
    place, name = row.place_text or "", f"{row.path}{row.member}"
    if not place.endswith(name):
        yield "place_id"
    elif row.locator_text != place.removesuffix(name) + origin_path(row.path, row.member):
        yield "locator_id"
    if row.missing_since is not None and (row.gone or not row.was_held):
        yield "missing_since"
    if row.observation_id is None:
        return
    expected = {"source_id": row.seen_by, "locator_id": row.seen_at_id, "job_id": row.seen_in}
    if row.verdict is not None:
        expected["refused"] = row.verdict == "refused"
    if row.capture is not None and not (row.is_emptied and row.digest is None):
        expected["digest"] = row.capture
    if not (row.container or row.foreign or row.refused):
        expected["gone"] = bool(row.was_gone)
    for column, value in expected.items():
        if getattr(row, column) != value:
            yield column


_HELD = exists().where(
    SCAN.c.source_id == PRESENCE.c.source_id,
    SCAN.c.started_at == PRESENCE.c.missing_since,
    SCAN.c.complete.is_(False),
)
_GONE = exists().where(
    _LATER.c.source_id == PRESENCE.c.source_id,
    _LATER.c.locator_id == PRESENCE.c.locator_id,
    _LATER.c.id > PRESENCE.c.observation_id,
    _LATER.c.outcome == "gone",
)
_PRESENCES: Select[Any] = (
    select(
        PRESENCE, _PLACE.c.origin.label("place_text"), ORIGIN.c.origin.label("locator_text"),
        OBSERVATION.c.source_id.label("seen_by"), OBSERVATION.c.locator_id.label("seen_at_id"),
        OBSERVATION.c.job_id.label("seen_in"), CAPTURE.c.digest.label("capture"),
        or_(
            CAPTURE.c.id.in_(_select_redacted("capture")),
            OBSERVATION.c.id.in_(_select_redacted("observation")),
        ).label("is_emptied"),
        VERDICT.c.kind.label("verdict"), SNAPSHOT.c.is_foreign.label("foreign"),
        _GONE.label("was_gone"), _HELD.label("was_held"),
    )
    .outerjoin(_PLACE, _PLACE.c.id == PRESENCE.c.place_id)
    .outerjoin(ORIGIN, ORIGIN.c.id == PRESENCE.c.locator_id)
    .outerjoin(OBSERVATION, OBSERVATION.c.id == PRESENCE.c.observation_id)
    .outerjoin(CAPTURE, CAPTURE.c.id == OBSERVATION.c.capture_id)
    .outerjoin(VERDICT, VERDICT.c.observation_id == PRESENCE.c.observation_id)
    .outerjoin(SNAPSHOT, SNAPSHOT.c.observation_id == PRESENCE.c.observation_id)
)  # fmt: skip


_JOINED = """
SELECT a.article_id AS a, b.article_id AS b, r.kind,
    r.evidence AS row_evidence FROM relation r
JOIN article_origin a ON a.origin_id = r.a_origin_id
JOIN article_origin b ON b.origin_id = r.b_origin_id
LEFT JOIN relation_undone u ON u.relation_id = r.id WHERE u.id IS NULL
"""
_WRONG_LABELS = """
SELECT c.id, c.label FROM cluster c WHERE NOT EXISTS (
    SELECT 1 FROM cluster_member m JOIN article_origin ao ON ao.article_id = m.article_id
    JOIN origin o ON o.id = ao.origin_id
    WHERE m.cluster_id = c.id AND (o.public_id = c.label OR o.public_id LIKE 'redacted:%')
)
"""


def clusters(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Compute the articles of each cluster and compare them with the stored clusters."""
    stored: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(text("SELECT cluster_id, article_id FROM cluster_member")):
        stored[row.cluster_id].add(row.article_id)
    joined = {frozenset(group) for group in _groups(connection)}
    query = text("SELECT id, size FROM cluster")
    sizes = {row.id: row.size for row in connection.execute(query)}
    for number in sorted(stored.keys() | sizes.keys()):
        members = frozenset(stored.get(number, ()))
        if members not in joined:
            message = "its articles are not those that relations join"
            yield BrokenObject("cluster", number, "cluster_wrong", message)
        elif sizes.get(number) != len(members):
            message = f"it has {len(members)} articles and says {sizes.get(number)}"
            yield BrokenObject("cluster", number, "size_wrong", message)
        else:
            yield PASSED
        joined.discard(members)
    for group in joined:
        message = f"copies join it with {len(group) - 1} others, but it is in no cluster"
        yield BrokenObject("article", min(group), "cluster_missing", message)
    for row in connection.execute(text(_WRONG_LABELS)):
        message = f"it is called {row.label}, and that is none of its articles"
        yield BrokenObject("cluster", row.id, "label_wrong", message)


def _groups(connection: Connection) -> list[set[int]]:
    """Return the articles that relations join, by group."""
    found: dict[int, set[int]] = {}
    for row in stream(connection, _JOINED, {}):
        if row["a"] == row["b"] or not joins(row["kind"], row["row_evidence"]):
            continue
        one = found.setdefault(row["a"], {row["a"]})
        other = found.setdefault(row["b"], {row["b"]})
        if one is not other:
            small, large = sorted((one, other), key=len)
            large |= small
            found.update(dict.fromkeys(small, large))
    return list({id(group): group for group in found.values()}.values())
