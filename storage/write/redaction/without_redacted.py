"""Turn what was redacted away at the door: the same bytes, or the same text, do not come back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from storage.record.reading import Reading
from storage.record.suppression import Suppressed
from storage.values.arrivals.arrival import Arrival
from storage.values.arrivals.foreign_capture import Import
from storage.values.digest import raw_digest
from storage.values.draft import Draft
from storage.values.net.addresses import Check, CheckedExchange
from storage.values.net.transfer import Transfer
from storage.values.refusals import refuse


def without_redacted(connection: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return what arrived; of what was redacted only that it was there."""
    held = Suppressed(connection).raw(each.digest for each in arrivals if each.digest is not None)
    return [_refused(each) if each.digest in held else each for each in arrivals]


def _refused(each: Arrival) -> Arrival:
    transfer = None if each.transfer is None else _bare(each.transfer)
    return replace(
        each, raw=None, digest=None, refused=refuse("redacted"), transfer=transfer, looked=False
    )


def checks_without_redacted(connection: Connection, checks: Sequence[Check]) -> list[Check]:
    """Return checks of addresses; of exchanges that brought what was redacted only that."""
    digests = [e.digest for each in checks for e in each.exchanges if e.digest is not None]
    held = Suppressed(connection).raw(digests)
    if not held:
        return list(checks)
    return [_checked(each, held) for each in checks]


def _checked(check: Check, held: Collection[bytes]) -> Check:
    exchanges = tuple(_exchanged(each) if each.digest in held else each for each in check.exchanges)
    if check.last.digest in held:
        return replace(check, exchanges=exchanges, etag=None, last_modified=None)
    return replace(check, exchanges=exchanges)


def _exchanged(each: CheckedExchange) -> CheckedExchange:
    transfer = None if each.transfer is None else _bare(each.transfer)
    return replace(
        each, outcome="refused", raw=None, digest=None, hints={}, refused=refuse("redacted"),
        transfer=transfer, confirms=None,
    )  # fmt: skip


def imports_without_redacted(connection: Connection, imports: Sequence[Import]) -> list[Import]:
    """Return captures that were made elsewhere; of what was redacted neither bytes nor records."""
    raws = {id(each): raw_digest(each.raw) for each in imports if each.raw is not None}
    held = Suppressed(connection).raw(raws.values())
    return [_imported(each) if raws.get(id(each)) in held else each for each in imports]


def _imported(each: Import) -> Import:
    return replace(
        each, raw=None, hints={}, refused=refuse("redacted"), transfer=_bare(each.transfer),
        records=(replace(each.records[0], payload=None),), is_withheld=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Returned:
    """Bytes that came to a text which an act of redaction took away before."""

    capture_id: int
    observation_id: int
    act_id: int


def readings_without_redacted(
    connection: Connection, readings: Sequence[Reading]
) -> tuple[list[Reading], list[Returned]]:
    """Return what was read, and what of it came to a text that was redacted.

    That is refused; its bytes, which are kept by now, have to go.
    """
    suppressed = Suppressed(connection)
    acts = suppressed.wordings(each.digest for each in readings if each.digest is not None)
    found: list[Reading] = []
    returned: list[Returned] = []
    for each in readings:
        act = acts.get(each.digest or b"") or suppressed.passage_in(
            _texts(each.outcome), _places(each)
        )
        if act is None:
            found.append(each)
            continue
        captured = each.captured
        found.append(Reading(captured, refuse("redacted"), each.context))
        returned.append(Returned(captured.capture_id, captured.observation_id, act))
    return found, returned


def _texts(outcome: object) -> list[str]:
    if not isinstance(outcome, Draft):
        return []
    return [outcome.title or "", *(each.text for each in outcome.paragraphs)]


def _places(each: Reading) -> list[str]:
    """Return where a text stands, or says that it does."""
    address = each.outcome.address if isinstance(each.outcome, Draft) else None
    named = (each.captured.locator, each.captured.hints.get("origin"), address)
    return [place for place in named if place]


def _bare(transfer: Transfer) -> Transfer:
    """Return a transfer without what the answer says of its body."""
    return replace(transfer, request=None, response_headers=None, rights=None, body=None)
