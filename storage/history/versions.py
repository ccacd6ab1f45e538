"""Bring the cached versions of one article up to date with its observations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, or_, select, update

from storage.database.columns import FIELD_BLOCK, SIGHT_BLOCK
from storage.database.tables import (
    ArticleRow,
    ObservationRow,
    ReturnDueRow,
    SightRow,
    VersionRow,
)
from storage.database.unit import Unit, table_of, update_rows
from storage.history.changes import Comparing
from storage.history.noise_decisions import Quieting, strike
from storage.history.runs import Pair, Run, runs, steps
from storage.history.snapshots import Look, confirmed, looks_of
from storage.history.steps import Passages, Steps, step_of
from storage.values.outcome import STATES

ARTICLE, OBSERVATION, RETURN_DUE = (
    table_of(ArticleRow),
    table_of(ObservationRow),
    table_of(ReturnDueRow),
)
SIGHT, VERSION = table_of(SightRow), table_of(VersionRow)


def rebuild(
    unit: Unit,
    article_id: int,
    *,
    whole: bool,
    comparing: Comparing | None = None,
    again: frozenset[Pair] = frozenset(),
) -> None:
    """Fit the rows of versions, sights and the article to the observations.

    Where nothing came in out of order, only the sights since the last one that had a wording
    are read (`whole` false): they prolong the newest version or follow it. `again` are steps
    that are told anew, since other articles may say more of them now.
    """
    unit.flush()
    comparing = comparing or Comparing(unit.connection, unit.since)
    article = unit.connection.execute(select(ARTICLE).where(ARTICLE.c.id == article_id)).one()
    known = _versions(unit, article_id, None if whole else article.head_version_id)
    since = None if whole or not known else article.content_at
    if since is not None and _may_last_beyond(unit, article_id, since):
        rebuild(unit, article_id, whole=True, comparing=comparing, again=again)
        return
    looks = looks_of(unit.connection, article_id, since)
    sights = confirmed(unit.connection, looks)
    quieting = Quieting(unit, comparing, article_id, steps(sights))
    changes = {(row.before_id, row.after_id) for row in known.values()} - again
    found = runs(sights, quieting.settle(changes))
    head = None if since is None else known[max(known)]
    if head is not None:
        if not found or not _goes_on(head, found[0], looks):
            rebuild(unit, article_id, whole=True, comparing=comparing, again=again)
            return
        found = _prolonged(head, found)
    telling = Steps(
        quieting,
        known,
        _past(unit, article_id, head),
        lambda: _passages(unit, article_id, head),
        again,
    )
    _write_versions(unit, article_id, known, found, telling)
    _write_sights(unit, looks, found)
    _write_article(unit, article, looks)
    if any(look.foreign for look in looks):
        _note_return(unit, article_id, looks, found)


def tell_again(
    unit: Unit, comparing: Comparing, waiting: Mapping[int, Mapping[Pair, set[int]]]
) -> None:
    """Tell steps of articles anew, of which other articles may say more now.

    Those of which they still say nothing go on waiting.
    """
    comparing.find_sites(waiting)
    comparing.told(list({each for those in waiting.values() for pair in those for each in pair}))
    for article_id, those in sorted(waiting.items()):
        pairs = {pair for pair in those if comparing.has_boxes(article_id, pair, those[pair])}
        if not pairs:
            continue
        strike(unit, article_id, pairs)
        comparing.forget(article_id, pairs)
        rebuild(unit, article_id, whole=True, comparing=comparing, again=frozenset(pairs))


def _goes_on(head: Row[Any], run: Run, looks: Sequence[Look]) -> bool:
    """Tell whether the first run among the newest sights is the newest version, or prolongs it.

    Its wording may be another one, if another reader read it.
    """
    if run.last_seen < head.last_seen:
        return False
    if run.wording_id == head.wording_id:
        return True
    stored = {look.sight.observation_id for look in looks if look.version == head.number}
    return run.observation_ids[0] in stored


def told_outcome(known: str, *, is_first: bool) -> str:
    """Return what a sight that had a wording is told as; a server's word is kept as it was given.

    >>> told_outcome("unchanged", is_first=True), told_outcome("not_modified", is_first=False)
    ('content', 'not_modified')
    """
    if known == "not_modified":
        return known
    return "content" if is_first else "unchanged"


def let_return(unit: Unit, source_id: int) -> None:
    """After a scan: make what files of the source still say a version again, where need be."""
    query = select(RETURN_DUE.c.article_id).where(RETURN_DUE.c.source_id == source_id)
    for article_id in unit.connection.execute(query).scalars().all():
        rebuild(unit, article_id, whole=True)


def _note_return(unit: Unit, article_id: int, looks: Sequence[Look], found: Sequence[Run]) -> None:
    """Remember an article in which the next scan does more than prolong the newest version.

    An imported capture was seen after the last look at a file that stands there with another
    wording, which the next scan sees again; or its time is still to come.
    """
    unit.connection.execute(delete(RETURN_DUE).where(RETURN_DUE.c.article_id == article_id))
    own = [look for look in looks if not look.foreign]
    if not own:
        return
    newest = max(own, key=lambda look: look.sight.observation_id)
    is_told = (
        found[-1].wording_id == newest.sight.wording_id
        or newest.sight.observation_id in found[-1].observation_ids
    )
    is_past = all(look.sight.observed_at <= unit.now for look in looks)
    if (is_told and is_past) or _was_followed(unit, newest):
        return
    unit.add(ReturnDueRow, {"article_id": article_id, "source_id": newest.source_id})


def _was_followed(unit: Unit, look: Look) -> bool:
    query = select(OBSERVATION.c.id).where(
        OBSERVATION.c.source_id == look.source_id,
        OBSERVATION.c.locator_id == look.locator_id,
        OBSERVATION.c.id > look.sight.observation_id,
    )
    return unit.connection.execute(query.limit(1)).first() is not None


def _may_last_beyond(unit: Unit, article_id: int, moment: datetime) -> bool:
    """Tell whether scans after `moment` may confirm a sight from before it.

    Not so where the file that was seen at `moment` is the only one of the article.
    """
    live = (
        SIGHT.c.article_id == article_id,
        SIGHT.c.wording_id.is_not(None),
        SIGHT.c.is_foreign.is_(False),
    )
    query = (
        select(SIGHT.c.source_id, SIGHT.c.locator_id, SIGHT.c.observation_id)
        .where(*live, SIGHT.c.observed_at == moment)
        .order_by(SIGHT.c.observation_id.desc())
    )
    at_moment = unit.connection.execute(query).first()
    earlier = select(SIGHT.c.observation_id).where(*live, SIGHT.c.observed_at < moment)
    if at_moment is not None:
        source, locator, number = at_moment
        earlier = earlier.where(
            or_(
                SIGHT.c.source_id != source,
                SIGHT.c.locator_id != locator,
                SIGHT.c.observation_id > number,
            )
        )
    return unit.connection.execute(earlier.limit(1)).first() is not None


def _versions(unit: Unit, article_id: int, only: int | None) -> dict[int, Row[Any]]:
    """Return the stored versions by number: all of an article, or the one with the id `only`."""
    query = select(VERSION).where(VERSION.c.article_id == article_id)
    if only is not None:
        query = query.where(VERSION.c.id == only)
    return {row.number: row for row in unit.connection.execute(query)}


def _past(unit: Unit, article_id: int, head: Row[Any] | None) -> dict[int, int]:
    """Return the wordings of the versions before `head` by number."""
    if head is None:
        return {}
    query = select(VERSION.c.number, VERSION.c.wording_id).where(
        VERSION.c.article_id == article_id, VERSION.c.number < head.number
    )
    return {number: wording for number, wording in unit.connection.execute(query)}  # noqa: C416 - rows are no pairs for `dict`


def _passages(unit: Unit, article_id: int, head: Row[Any] | None) -> Passages:
    """Return what went and came in the steps to the versions before `head`."""
    if head is None:
        return []
    query = (
        select(VERSION.c.number, VERSION.c.removed, VERSION.c.added)
        .where(VERSION.c.article_id == article_id, VERSION.c.number < head.number)
        .order_by(VERSION.c.number)
    )
    return [
        (number, [*(removed or ()), *(added or ())])
        for number, removed, added in unit.connection.execute(query)
    ]


def _prolonged(head: Row[Any], found: Sequence[Run]) -> tuple[Run, ...]:
    first = replace(
        found[0],
        wording_id=head.wording_id,
        derivation_id=head.derivation_id,
        observation_id=head.observation_id,
        changed_after=head.changed_after,
        changed_by=head.changed_by,
        last_seen=max(head.last_seen, found[0].last_seen),
    )
    shift = head.number - 1
    return tuple(replace(run, number=run.number + shift) for run in (first, *found[1:]))


def _write_versions(
    unit: Unit,
    article_id: int,
    known: Mapping[int, Row[Any]],
    found: Sequence[Run],
    telling: Steps,
) -> None:
    changed: list[dict[str, Any]] = []
    for run in found:
        row = known.get(run.number)
        if row is not None and run.step is None and run.number > 1:
            step = step_of(row)  # the newest stored version, which lasts longer
            telling.keep(run.number, run.wording_id, step)
        else:
            step = telling.of(run)
        values = {**_placed(run), **step}
        if row is None:
            _add_version(unit, article_id, run, values)
        elif any(getattr(row, name) != value for name, value in values.items()):
            changed.append({"id": row.id, "seq": unit.number(FIELD_BLOCK), **values})
    update_rows(unit.connection, VersionRow, ("id",), changed)
    last = found[-1].number if found else 0
    unit.connection.execute(
        delete(VERSION).where(VERSION.c.article_id == article_id, VERSION.c.number > last)
    )
    unit.flush()


def _placed(run: Run) -> dict[str, Any]:
    names = (
        "wording_id", "derivation_id", "observation_id", "changed_after", "changed_by",
        "last_seen",
    )  # fmt: skip
    return {name: getattr(run, name) for name in names}


def _add_version(unit: Unit, article_id: int, run: Run, values: Mapping[str, Any]) -> None:
    unit.add(
        VersionRow,
        {
            "id": unit.number(), "seq": unit.number(FIELD_BLOCK), "article_id": article_id,
            "number": run.number, **values,
        },
    )  # fmt: skip


def _write_sights(unit: Unit, looks: Sequence[Look], found: Sequence[Run]) -> None:
    number = {each: run.number for run in reversed(found) for each in run.observation_ids}
    first = {run.observation_id for run in found}
    changed = []
    for look in looks:
        number_of = number[look.sight.observation_id]
        outcome = told_outcome(look.outcome, is_first=look.sight.observation_id in first)
        if (look.version, look.outcome) != (number_of, outcome):
            changed.append(
                {
                    "observation_id": look.sight.observation_id,
                    "seq": unit.number(SIGHT_BLOCK),
                    "version": number_of, "outcome": outcome,
                }
            )  # fmt: skip
    update_rows(unit.connection, SightRow, ("observation_id",), changed)


def _write_article(unit: Unit, article: Row[Any], looks: Sequence[Look]) -> None:
    connection = unit.connection
    query = (
        select(VERSION.c.id, VERSION.c.number, VERSION.c.last_seen)
        .where(VERSION.c.article_id == article.id)
        .order_by(VERSION.c.number.desc())
        .limit(1)
    )
    head = connection.execute(query).first()
    first_seen = connection.execute(
        select(VERSION.c.changed_by).where(
            VERSION.c.article_id == article.id, VERSION.c.number == 1
        )
    ).scalar()
    latest_at, state = latest_state(unit, article.id)
    content_at = max((look.sight.observed_at for look in looks), default=article.content_at)
    connection.execute(
        update(ARTICLE)
        .where(ARTICLE.c.id == article.id)
        .values(
            seq=unit.number(),
            versions=head.number if head else 0,
            head_version_id=head.id if head else None,
            first_seen=first_seen or article.first_seen,
            last_seen=head.last_seen if head else article.last_seen,
            content_at=content_at,
            latest_at=latest_at or article.latest_at,
            state=state,
        )
    )


def latest_state(unit: Unit, article_id: int) -> tuple[datetime | None, str]:
    """Return when an article was looked at last, and the state that this left it in."""
    query = (
        select(SIGHT.c.observed_at, SIGHT.c.outcome)
        .where(SIGHT.c.article_id == article_id, SIGHT.c.outcome.in_(STATES))
        .order_by(SIGHT.c.observed_at.desc(), SIGHT.c.observation_id.desc())
        .limit(1)
    )
    row = unit.connection.execute(query).first()
    if row is None:
        return None, "present"
    return row[0], STATES[row[1]]
