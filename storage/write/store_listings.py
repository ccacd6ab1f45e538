"""Store lists of addresses, as watches and jobs that check new ones, and lists of capabilities."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from storage.capabilities import PAGE_KINDS, load_part_for
from storage.database.tables import SOURCE, WATCH
from storage.database.unit import Unit
from storage.record.observations import add_observation, add_refusal, add_verdict, ensure_origins
from storage.record.reading import Reading
from storage.record.sources import add_source
from storage.schedule.watches import (
    Due,
    due_watches,
    ensure_watches,
    forget_unlisted,
    insert_check_jobs,
)
from storage.values import job as jobs
from storage.values.net.addresses import AddressList, Key, ListedAddress
from storage.values.refusals import RefusalReason

WHOLE = frozenset({"list", "opml"})
"""Kinds of lists that are complete: addresses that disappear from them are no longer watched."""
MOST_NEW = 1_000_000


def store_listings(
    unit: Unit, claim: jobs.Claim, readings: Sequence[Reading], batch_items: int
) -> int:
    """Store list entries and queue jobs for new ones; return the number of refused entries."""
    return sum(_ListingWriter(unit, claim, each, batch_items).keep() for each in readings)


class _ListingWriter:
    """Stores one list."""

    def __init__(self, unit: Unit, claim: jobs.Claim, reading: Reading, batch_items: int) -> None:
        assert isinstance(reading.outcome, AddressList)
        self.unit, self.claim, self.batch_items = unit, claim, batch_items
        self.captured, self.listing = reading.captured, reading.outcome
        self.source = self._source()

    def keep(self) -> int:
        unit, listing = self.unit, self.listing
        if listing.kind in PAGE_KINDS:
            is_new = load_part_for(listing.kind, "page_list").store_list(
                unit, self.captured, listing
            )
            self._note(self.captured.hints.get("watch"), is_new=is_new)
            add_verdict(unit, self.claim.job_id, self.captured.observation_id, "listed")
            return 0
        named = self._recent(listing.named)
        list_id = self.captured.hints.get("watch") or self.captured.locator_id
        wanted = ensure_watches(
            unit, self.source["id"], named, listed_by=list_id, is_standing=self.source["standing"]
        )
        origins = ensure_origins(unit, [each.origin for each in named])
        keys = [(self.source["id"], origins[each.origin]) for each in named]
        if listing.kind in WHOLE and origins:  # an empty answer says nothing about the addresses
            forget_unlisted(unit, self.source["id"], list_id, origins.values())
        self._hand_out(keys, wanted)
        self._note(list_id, is_new=bool(wanted))
        add_verdict(self.unit, self.claim.job_id, self.captured.observation_id, "listed")
        self._reject()
        return len(listing.rejected)

    def _source(self) -> Mapping[str, Any]:
        """Return the source that watches the entries: for a file, a source named after it."""
        query = select(SOURCE).where(SOURCE.c.id == self.captured.source_id)
        own = dict(self.unit.connection.execute(query).mappings().one())
        if own["kind"] not in {"folder", "input"}:
            return own
        name = self.captured.locator[:200]
        by_name = select(SOURCE).where(SOURCE.c.name == name)
        known = self.unit.connection.execute(by_name).mappings().first()
        if known is not None:
            return dict(known)
        add_source(self.unit, name, "list", self.captured.locator, standing=own["standing"])
        return dict(self.unit.connection.execute(by_name).mappings().one())

    def _recent(self, addresses: Sequence[ListedAddress]) -> list[ListedAddress]:
        """Return the entries within the look-back period of the source."""
        newer_than = (self.source["options"] or {}).get("newer_than")
        if newer_than is None:
            return list(addresses)
        since = self.unit.now - timedelta(seconds=newer_than)
        return [
            each for each in addresses if each.kind != "page" or _latest_time(each, since) >= since
        ]

    def _hand_out(self, keys: Sequence[Key], wanted: Sequence[Key]) -> None:
        """Queue new entries for checking; all entries if the list was ingested by hand."""
        unit, claim = self.unit, self.claim
        now = keys
        if self.source["standing"]:
            due: list[Due] = due_watches(
                unit.connection, unit.clock, MOST_NEW, source_id=self.source["id"]
            )
            is_due = {each.key for each in due}
            now = [key for key in keys if key in is_due or key in set(wanted)]
        parent = claim.parent_id or claim.job_id
        insert_check_jobs(unit, now, claim.trigger, self.batch_items, parent)

    def _note(self, list_id: Any, *, is_new: bool) -> None:
        """Record at the watch of the list that it answered, and whether it had new entries."""
        at = self.captured.observed_at
        self.unit.connection.execute(
            update(WATCH)
            .where(WATCH.c.source_id == self.captured.source_id, WATCH.c.origin_id == list_id)
            .values(reached_at=at, outcome="content", **({"changed_at": at} if is_new else {}))
        )

    def _reject(self) -> None:
        """Record each invalid entry as a refused item."""
        unit, captured = self.unit, self.captured
        rejected: list[tuple[str, RefusalReason]] = [
            (f"{captured.locator}#{line}", refused) for line, refused in self.listing.rejected
        ]
        origins = ensure_origins(unit, [locator for locator, _refused in rejected])
        for locator, refused in rejected:
            number = add_observation(
                unit, source_id=captured.source_id, job_id=self.claim.job_id,
                locator_id=origins[locator], observed_at=captured.observed_at, outcome="refused",
            )  # fmt: skip
            add_verdict(unit, self.claim.job_id, number)
            add_refusal(
                unit, refused, locator, job_id=self.claim.job_id, source_id=captured.source_id,
                observation_id=number, capture_id=None,
            )  # fmt: skip


def _latest_time(address: ListedAddress, otherwise: datetime) -> datetime:
    moments = [each for each in (address.published_at, address.changed_at) if each is not None]
    return max(moments, default=otherwise)
