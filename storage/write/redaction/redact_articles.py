"""Redact articles, passages and overdue bytes, each until nothing of them is left."""

from collections.abc import Sequence
from typing import Any

from storage.database.unit import Unit, long_pauses
from storage.language.passage import Passage
from storage.values.job import Progress
from storage.values.redaction import MARK, RedactionReason
from storage.write.archive import Archive
from storage.write.index import index_after, index_within
from storage.write.orphans import sweep_orphans
from storage.write.redaction import orders
from storage.write.redaction.empty_rows import empty_ordered
from storage.write.redaction.in_bytes import BytesSearch, add_found_bytes, find_withheld
from storage.write.redaction.passage import Prepare, find_passage, remove_passage
from storage.write.redaction.plan import RedactionPlan, RedactionTarget, plan_of
from storage.write.redaction.retention import captures_due, limits

CAPTURES_AT_A_TIME = 1_000
"""Number of captures per redaction whose bytes are deleted together."""


class Planning:
    """Plans one redaction, again after each act; the search of the bytes continues each time."""

    def __init__(
        self,
        archive: Archive,
        targets: Sequence[RedactionTarget],
        *,
        with_copies: bool,
        with_addresses: bool = False,
        passage: Passage | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._archive, self._targets = archive, targets
        self._with_copies, self._with_addresses = with_copies, with_addresses
        self._passage, self._progress = passage, progress
        self._search: BytesSearch | None = None

    def make_plan(self) -> RedactionPlan:
        """Return the plan by the readings and by the bytes of all captures."""
        plan = self._archive.read(
            plan_of, self._targets, with_copies=self._with_copies,
            with_addresses=self._with_addresses, passage=self._passage,
        )  # fmt: skip
        if self._search is None:
            self._search = self._archive.read(BytesSearch.of, plan, self._passage)
        self._search.proceed(self._archive.engine, self._progress)
        self._archive.read(add_found_bytes, plan, self._search)
        return plan

    def make_restriction_plan(self) -> RedactionPlan:
        """Return the plan of a restriction: `held` are all captures at other addresses."""
        plan = self.make_plan()
        if self._search is not None:
            plan.held = self._archive.read(find_withheld, plan, self._search)
        return plan


def redact_articles(
    archive: Archive,
    targets: Sequence[RedactionTarget],
    reason: RedactionReason,
    actor: str,
    *,
    with_copies: bool = False,
    with_addresses: bool = False,
    progress: Progress | None = None,
    planning: Planning | None = None,
) -> list[int]:
    """Redact articles or wordings; return the numbers of the acts.

    Matching content that arrives meanwhile is redacted, too. Run `scrub` afterwards to remove
    the remaining bytes from the disk. `planning` continues the search of a displayed plan.
    """
    acts: list[int] = []
    planning = planning or Planning(
        archive, targets, with_copies=with_copies, with_addresses=with_addresses, progress=progress
    )
    while True:
        plan = planning.make_plan()
        act = archive.transact(orders.order, plan.rows, reason, actor)
        empty_ordered(archive.engine, archive.clock, progress)
        if act is None:
            sweep_orphans(archive.engine, archive.clock, progress)
            return acts
        acts.append(act)


def drop_overdue_bytes(
    archive: Archive, otherwise: float | None, *, by_clock: bool = False, dry_run: bool = False
) -> list[dict[str, Any]]:
    """Delete bytes whose retention period ended; return number and size of captures by source.

    `otherwise` is the period in seconds of sources without their own, None for no limit. Long
    pauses of the archive count in part only, unless `by_clock`.
    """
    if not dry_run:
        archive.transact(Unit.number)  # a quiet archive goes on, too: this is no pause of it
    now = archive.read_shared_clock()
    pauses = [] if by_clock else archive.read(long_pauses, now)
    sources = archive.sources()
    before = limits(sources, otherwise, now, pauses)
    found = archive.read(captures_due, before)
    if not dry_run:
        for start in range(0, len(found), CAPTURES_AT_A_TIME):
            some = [each[0] for each in found[start : start + CAPTURES_AT_A_TIME]]
            with archive.unit() as unit:
                why = RedactionReason.RETENTION
                orders.order(unit, {"capture": some}, why, orders.BY_ITSELF)
            empty_ordered(archive.engine, archive.clock)
    names = {each.id: each.name for each in sources}
    sizes: dict[str, list[int]] = {names[number]: [] for number in before}
    for _, source, size in found:
        sizes[names[source]].append(size)
    return [
        {"source": name, "captures": len(those), "bytes": sum(those)}
        for name, those in sorted(sizes.items())
    ]


def redact_passage(
    archive: Archive,
    targets: Sequence[RedactionTarget],
    passage: Passage,
    reason: RedactionReason,
    actor: str,
    prepare: Prepare,
    *,
    with_copies: bool = False,
    progress: Progress | None = None,
    planning: Planning | None = None,
) -> int | None:
    """Redact a passage of articles; return the number of the first act, None if nothing has it.

    Matching content that arrives meanwhile is redacted, too. Raises: ValueError if the passage
    is a part of the mark that replaces it, because it would never be gone.
    """
    first = None
    if passage.is_in(MARK):
        raise ValueError(f"the passage is a part of {MARK}")
    planning = planning or Planning(
        archive, targets, with_copies=with_copies, passage=passage, progress=progress
    )
    while True:
        plan = planning.make_plan()
        with archive.read_connection() as connection:
            found = find_passage(connection, plan, passage, prepare)
        with archive.unit() as unit:
            taken = remove_passage(unit, found, passage, reason, actor)
            if taken is not None:
                index_within(archive, unit, taken[1])
        if taken is not None:
            index_after(archive, taken[1])
        empty_ordered(archive.engine, archive.clock, progress)
        if taken is None:
            sweep_orphans(archive.engine, archive.clock, progress)
            return first
        first = first or taken[0]


def finish_redactions(archive: Archive, progress: Progress | None = None) -> int:
    """Empty all rows with a pending redaction, as after a crash; return their number.

    Whatever killed writes left in a store of captures is deleted, too.
    """
    number = empty_ordered(archive.engine, archive.clock, progress)
    sweep_orphans(archive.engine, archive.clock, progress)
    return number
