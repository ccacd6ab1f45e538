"""PURE: a capture of a web archive with its related records: request, metadata, file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.sources.web_archives.warc import DamagedRecord, WebRecord, bare

CAPTURES = frozenset({"response", "resource", "revisit"})
"""The kinds of records that a capture consists of."""

MOST_COMPANIONS = 16
MOST_COMPANION_BYTES = 1024 * 1024

_COMPANIONS = frozenset({"request", "metadata"})


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """A capture with its companions; `about` is the latest description of the file (warcinfo)."""

    main: WebRecord
    companions: tuple[WebRecord, ...] = ()
    about: WebRecord | None = None


def exchanges(
    records: Iterable[WebRecord | DamagedRecord],
) -> Iterator[RecordGroup | WebRecord | DamagedRecord]:
    """Yield the captures among `records`, each with its companions, and the records without a
    capture.

    Companions are neighbours of their capture, before or after it. They refer to it, are referred
    to by it, or have its address and time. Only neighbours are held in memory.
    """
    about: WebRecord | None = None
    waiting: list[WebRecord] = []
    open_: _Open | None = None
    for record in records:
        if isinstance(record, DamagedRecord):
            yield record
        elif record.kind in _COMPANIONS and not record.is_too_large and not record.is_cut:
            if open_ is None or not open_.add_companion(record):
                waiting.append(record)
            if len(waiting) > MOST_COMPANIONS:
                yield waiting.pop(0)
        elif record.kind in CAPTURES:
            if open_ is not None:
                yield open_.to_group()
            open_ = _Open(record, about)
            yield from (each for each in waiting if not open_.add_companion(each))
            waiting = []
        elif record.kind == "warcinfo":
            about = None if record.is_too_large or record.is_cut else record
        else:
            yield record
    if open_ is not None:
        yield open_.to_group()
    yield from waiting


def names(record: WebRecord, *fields: str) -> frozenset[str]:
    """Return the ids of other records that a record refers to, without angle brackets."""
    values = (bare(value) for field in fields for value in record.all_of(field))
    return frozenset(value for value in values if value)


def target(record: WebRecord) -> str | None:
    """Return the address of a record, as written."""
    return bare(record.field("warc-target-uri"))


class _Open:
    """A capture whose companions may still follow."""

    def __init__(self, main: WebRecord, about: WebRecord | None) -> None:
        self._main, self._about = main, about
        self._companions: list[WebRecord] = []

    def add_companion(self, record: WebRecord) -> bool:
        """Add a companion if it belongs to this capture, and return whether it does."""
        held = sum(len(each.block) for each in self._companions) + len(record.block)
        matches_digest = len(self._companions) < MOST_COMPANIONS and held <= MOST_COMPANION_BYTES
        if matches_digest and _goes_with(record, self._main):
            self._companions.append(record)
            return True
        return False

    def to_group(self) -> RecordGroup:
        return RecordGroup(self._main, tuple(self._companions), self._about)


def _goes_with(companion: WebRecord, main: WebRecord) -> bool:
    named = names(companion, "warc-concurrent-to", "warc-refers-to")
    if named:
        return main.id in named
    if companion.id is not None and companion.id in names(main, "warc-concurrent-to"):
        return True
    return (target(companion), companion.field("warc-date")) == (
        target(main),
        main.field("warc-date"),
    )
