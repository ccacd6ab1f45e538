"""The checks of `lesart verify`: every digest and invariant is computed again.

Nothing is repaired. Redacted content is counted and is not a finding.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from sqlalchemy import Connection, Engine, bindparam, text

from storage.capabilities import load_parts
from storage.database.columns import UtcTime
from storage.proof.stamp import Authority
from storage.values.failures import driver_error
from storage.values.job import Progress
from storage.verify import history as check_history
from storage.verify import log as check_log
from storage.verify import record as check_record
from storage.verify import state as check_state
from storage.verify.finding import UNREADABLE, BrokenObject, Check, PassedItem, Scope
from storage.verify.full_text import full_text
from storage.verify.index_keys import index_keys

REPORT_EVERY = 500
MOST_ORPHANS = 1_000

CHECKS: tuple[tuple[str, Check], ...] = (
    ("database", check_record.database),
    ("guards", check_record.guards),
    ("origins", check_record.origins),
    ("captures", check_record.captures),
    ("leftovers", check_record.leftovers),
    ("objects", check_record.objects),
    ("foreign_records", check_record.foreign_records),
    ("wordings", check_record.wordings),
    ("derivations", check_record.derivations),
    *(check for part in load_parts("verify_checks") for check in part.CHECKS),
    ("references", check_record.references),
    ("agreement", check_record.agreement),
    ("verdicts", check_record.verdicts),
    ("jobs", check_record.jobs),
    ("snapshots", check_state.snapshots),
    ("article_origins", check_state.article_origins),
    ("presences", check_state.presences),
    ("articles", check_history.articles),
    ("search", full_text),
    ("index_keys", index_keys),
    ("clusters", check_state.clusters),
    ("totals", check_state.totals),
    ("log", check_log.entries),
    ("clock_corrections", check_log.corrections),
    ("tree", check_log.tree),
    ("checkpoints", check_log.checkpoints),
    ("stamps", check_log.stamps),
)
"""The checks by name, in their order."""


def scope_of(
    engine: Engine,
    since: datetime | None,
    permille: int,
    against: Sequence[str],
    authorities: Sequence[Authority] = (),
) -> Scope:
    """Return the scope of rows recorded since a time, and a share of the rows."""
    seed = secrets.randbelow(1000)
    begin = -1
    if since is not None:
        query = text("SELECT max(id) FROM observation WHERE recorded_at < :since")
        bound = query.bindparams(bindparam("since", since, UtcTime()))
        with engine.connect() as connection:
            begin = connection.execute(bound).scalar() or -1
    return Scope(
        begin, permille=permille, seed=seed, against=tuple(against), authorities=tuple(authorities)
    )


class PlaceError(ValueError):
    """A cursor does not name a check."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given!r} is no position of an earlier run: `verify` printed it as CHECK:NUMBER"
        )


class Verification:
    """One verification of an archive, in one consistent view.

    `checked` counts the items of each check, `redacted` the redacted ones, `expired` those
    whose bytes were deleted at the end of their retention period, `older_steps` the changes
    classified by older rules, `orphans` the first thousand objects in the store of captures that no
    row references. `after` is the value of `reached` of an earlier run.
    """

    def __init__(
        self, engine: Engine, scope: Scope | None = None, after: str | None = None
    ) -> None:
        self._engine = engine
        self._scope = scope or Scope()
        self._begin, self._after = _begin(after)
        self.checked = dict.fromkeys((name for name, _check in CHECKS), 0)
        self.redacted = 0
        self.expired = 0
        self.older_steps = 0
        self.orphans: list[str] = []
        self._check, self._now = CHECKS[0][0], self._scope
        self.facts: Mapping[str, int | str | None] = {}

    def findings(self, progress: Progress | None = None) -> Iterator[BrokenObject]:
        """Yield findings as they occur; `progress` receives the name and the count of each
        check.
        """
        with self._engine.connect() as connection:
            yield from self.findings_on(_steady(connection), progress)

    def findings_on(
        self, connection: Connection, progress: Progress | None = None
    ) -> Iterator[BrokenObject]:
        """Yield findings on one connection."""
        for number, (name, check) in enumerate(CHECKS):
            if number < self._begin:
                continue
            after = self._after if number == self._begin else -1
            scope = replace(self._scope, after=after, reached=after)
            self._check, self._now = name, scope
            made = self._count_items(name, check(connection, scope), progress)
            yield from completed(name, made)
        yield from completed("log", self._read_facts(connection))

    def _read_facts(self, connection: Connection) -> Iterator[BrokenObject]:
        self.facts = check_log.facts(connection, self._scope)
        yield from ()

    @property
    def reached(self) -> str:
        """Return the position at which a later run can continue."""
        return f"{self._check}:{self._now.reached}"

    def _count_items(
        self, name: str, findings: Iterator[PassedItem | BrokenObject], progress: Progress | None
    ) -> Iterator[BrokenObject]:
        for number in count():
            if progress is not None and number % REPORT_EVERY == 0:
                progress(name, self.checked[name])
            finding = next(findings, None)
            match finding:
                case None:
                    break
                case BrokenObject():
                    yield finding
                case PassedItem() as passed:
                    self.checked[name] += 1
                    self.redacted += passed.redacted
                    self.expired += passed.expired
                    self.older_steps += passed.older_steps
                    if passed.orphan is not None and len(self.orphans) < MOST_ORPHANS:
                        self.orphans.append(passed.orphan)
        if progress is not None:
            progress(name, self.checked[name])


def completed(name: str, findings: Iterator[BrokenObject]) -> Iterator[BrokenObject]:
    """Yield the findings of a check; if stored values stop it, that is a finding too.

    Raises: errors that do not concern stored data, such as an unreachable server.
    """
    try:
        yield from findings
    except Exception as error:
        said = driver_error(error)
        if said is None and isinstance(error, UNREADABLE):
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            message = f"the check could not go on, a stored value is not readable: {reason}"
            yield BrokenObject("database", name, "value_unreadable", message)
        elif said is not None and any(part in str(said).lower() for part in DAMAGE):
            reason = str(said).strip().partition("\n")[0]
            yield BrokenObject(
                "database", name, "page_damaged", f"the check could not go on: {reason}"
            )
        else:
            raise


DAMAGE = (
    "malformed", "not a database", "could not decode", "fts5", "vtable", "invalid page",
    "could not read", "checksum", "missing chunk", "compressed data",
)  # fmt: skip
"""Messages of SQLite and PostgreSQL about stored bytes that they cannot read."""


def _begin(after: str | None) -> tuple[int, int]:
    """Return the first check and the number after which it continues.

    Raises: PlaceError.
    """
    if after is None:
        return 0, -1
    name, _, number = after.partition(":")
    names = [name for name, _check in CHECKS]
    if name not in names or not (number or "0").removeprefix("-").isdecimal():
        raise PlaceError(after)
    return names.index(name), int(number or -1)


def _steady(connection: Connection) -> Connection:
    """Return the connection with a snapshot that all its queries share."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ")
    return connection
