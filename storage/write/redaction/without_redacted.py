"""Refuse redacted content that arrives again: the same bytes, or the same text."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from storage.record.derivation_detail import detail_of
from storage.record.reading import Reading
from storage.record.suppression import RedactedAddresses, SuppressionLookup
from storage.values.arrivals.arrival import Arrival
from storage.values.arrivals.foreign_capture import Import
from storage.values.digest import raw_digest
from storage.values.draft import Draft, as_dict
from storage.values.lazy import LazyModule
from storage.values.net.addresses import AddressList, Check, CheckedExchange
from storage.values.net.transfer import Transfer
from storage.values.redaction import name_placeholder
from storage.values.refusals import refuse

if TYPE_CHECKING:
    from storage.record.contents import leftovers
else:
    leftovers = LazyModule("storage.record.contents.leftovers")

_NAMELESS = "redacted:0"
"""The address of a transfer from a completely redacted origin."""


def without_redacted(connection: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return arrivals; redacted ones only as an observation without content."""
    suppressed = SuppressionLookup(connection)
    held = suppressed.raw(each.digest for each in arrivals if each.digest is not None)
    gone = suppressed.tombstones(name for each in arrivals for name in _names(each))
    return [
        _anonymise_refusal(each, gone)
        if each.digest in held or not gone.keys().isdisjoint(_names(each))
        else each
        for each in arrivals
    ]  # fmt: skip


def _names(arrival: Arrival) -> list[str]:
    """Return the addresses of an arrival."""
    named = (arrival.hints or {}).get("origin")
    return [arrival.place, arrival.locator, *([named] if named else [])]


def _anonymise(address: str, gone: Mapping[str, int]) -> str:
    """Return an address, or its anonymised form if it was redacted."""
    return name_placeholder(gone[address]) if address in gone else address


def _anonymise_refusal(arrival: Arrival, gone: Mapping[str, int]) -> Arrival:
    left = next((gone[name] for name in _names(arrival) if name in gone), None)
    transfer = (
        None if arrival.transfer is None else _bare(arrival.transfer, is_gone=left is not None)
    )
    bare = replace(
        arrival, raw=None, digest=None, refused=refuse("redacted"), transfer=transfer, looked=False
    )
    return bare if left is None else nameless(bare, name_placeholder(left))


def refusal_of_redacted(arrival: Arrival, redacted: RedactedAddresses) -> Arrival | None:
    """Return the refusal of an arrival whose address was redacted; None for any other."""
    left = redacted.left_of(arrival.place, arrival.locator)
    return None if left is None else nameless(replace(arrival, refused=refuse("redacted")), left)


def nameless(arrival: Arrival, left: str) -> Arrival:
    """Return an arrival with its anonymised address."""
    path = arrival.path if arrival.member else ""
    return replace(arrival, place=left, locator=left, path=path, member=left, hints=None)


def checks_without_redacted(connection: Connection, checks: Sequence[Check]) -> list[Check]:
    """Return checks; exchanges with redacted content only as observations without content.

    Redacted resources are left out.
    """
    exchanges = [e for each in checks for e in each.exchanges]
    digests = [each.digest for each in exchanges]
    digests += [own.digest for each in exchanges for own in each.resources]
    suppressed = SuppressionLookup(connection)
    held = suppressed.raw(each for each in digests if each is not None)
    gone = suppressed.tombstones(e.origin for each in checks for e in each.exchanges)
    if not held and not gone:
        return list(checks)
    return [_anonymise_check(each, held, gone) for each in checks]


def _anonymise_check(check: Check, held: Collection[bytes], gone: Mapping[str, int]) -> Check:
    """Return a check; after a redirect to a redacted address, without the redirects."""
    is_gone = any(each.origin in gone for each in check.exchanges)
    exchanges = tuple(
        _anonymise_exchange(each, gone, is_gone=is_gone)
        if is_gone or each.digest in held
        else replace(each, resources=tuple(x for x in each.resources if x.digest not in held))
        for each in check.exchanges
    )
    if is_gone or check.last.digest in held:
        found = replace(check, exchanges=exchanges, etag=None, last_modified=None)
        return replace(found, moved_to=None) if is_gone else found
    return replace(check, exchanges=exchanges)


def _anonymise_exchange(
    exchange: CheckedExchange, gone: Mapping[str, int], *, is_gone: bool
) -> CheckedExchange:
    transfer = None if exchange.transfer is None else _bare(exchange.transfer, is_gone=is_gone)
    return replace(
        exchange, origin=_anonymise(exchange.origin, gone), outcome="refused", raw=None,
        digest=None,
        hints={}, refused=refuse("redacted"), transfer=transfer, confirms=None, screenshot=None,
        resources=(), note=None if is_gone else exchange.note,
    )  # fmt: skip


def imports_without_redacted(connection: Connection, imports: Sequence[Import]) -> list[Import]:
    """Return imported captures; redacted ones without bytes and records."""
    raws = {id(each): raw_digest(each.raw) for each in imports if each.raw is not None}
    suppressed = SuppressionLookup(connection)
    held, gone = suppressed.raw(raws.values()), suppressed.tombstones(e.origin for e in imports)
    return [
        _anonymise_import(each, gone) if raws.get(id(each)) in held or each.origin in gone else each
        for each in imports
    ]


def _anonymise_import(imported: Import, gone: Mapping[str, int]) -> Import:
    is_gone = imported.origin in gone
    return replace(
        imported, origin=_anonymise(imported.origin, gone), raw=None, hints={},
        refused=refuse("redacted"),
        transfer=_bare(imported.transfer, is_gone=is_gone), note=None if is_gone else imported.note,
        repeats=None if is_gone else imported.repeats,
        records=(replace(imported.records[0], payload=None),), is_withheld=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReturnedText:
    """Bytes that resulted in a redacted text, with the act of redaction."""

    capture_id: int
    observation_id: int
    act_id: int


def readings_without_redacted(
    connection: Connection, readings: Sequence[Reading]
) -> tuple[list[Reading], list[ReturnedText]]:
    """Return readings, and those that resulted in a redacted text.

    That is refused; its bytes, which are kept by now, have to go. Bytes go also if they contain
    something redacted that their reading does not have.
    """
    suppressed = SuppressionLookup(connection)
    if suppressed.salt is None:
        return [*readings], []
    readings, listed = _without_titles(suppressed, readings)
    gone = suppressed.addresses(place for each in readings for place in _places(each))
    acts = suppressed.wordings(each.digest for each in readings if each.digest is not None)
    held = leftovers.Leftovers(connection)
    found: list[Reading] = []
    returned = listed
    for each in readings:
        act = (
            acts.get(each.digest or b"")
            or next((gone[place] for place in _places(each) if place in gone), None)
            or (
                suppressed.passage_in(_strings_of(each.outcome), _places(each))
                if suppressed.has_passages
                else None
            )
        )
        captured = each.captured
        if act is None:
            found.append(each)
            act = (
                held.find(captured.raw, _places(each), _draft_texts(each.outcome)) if held else None
            )
            if act is not None:  # the reading stays, without the bytes
                returned.append(ReturnedText(captured.capture_id, captured.observation_id, act))
            continue
        found.append(Reading(captured, refuse("redacted"), each.context))
        returned.append(ReturnedText(captured.capture_id, captured.observation_id, act))
    return found, returned


def _without_titles(
    suppressed: SuppressionLookup, readings: Sequence[Reading]
) -> tuple[list[Reading], list[ReturnedText]]:
    """Return readings of lists without redacted entries, and the lists that had some.

    An entry is redacted by its title at the address of its article, or by its address.
    """
    told = [
        (named.origin, str(named.hints["title"]))
        for each in readings
        if isinstance(each.outcome, AddressList)
        for named in each.outcome.named
        if named.hints.get("title")
    ]
    held = {**suppressed.titles(told), **_passages_in(suppressed, readings)} if told else {}
    gone = suppressed.addresses(
        named.origin
        for each in readings
        if isinstance(each.outcome, AddressList)
        for named in each.outcome.named
    )
    found: list[Reading] = []
    returned: list[ReturnedText] = []
    for each in readings:
        acts = _acts_in(each.outcome, held, gone) if held or gone else []
        if acts:
            captured, listing = each.captured, each.outcome
            assert isinstance(listing, AddressList)
            returned.append(ReturnedText(captured.capture_id, captured.observation_id, acts[0]))
            each = replace(each, outcome=_anonymise_list(listing, held, gone))  # noqa: PLW2901  # the same one
        found.append(each)
    return found, returned


def _passages_in(
    suppressed: SuppressionLookup, readings: Sequence[Reading]
) -> dict[tuple[str, str], int]:
    """Return the entries of lists that contain a passage redacted at their address."""
    found: dict[tuple[str, str], int] = {}
    for each in readings:
        for named in each.outcome.named if isinstance(each.outcome, AddressList) else ():
            act = suppressed.passage_in(_strings(named.hints), [named.origin])
            if act is not None:
                found[named.origin, str(named.hints.get("title"))] = act
    return found


def _acts_in(
    outcome: object, held: Mapping[tuple[str, str], int], gone: Mapping[str, int]
) -> list[int]:
    named = outcome.named if isinstance(outcome, AddressList) else ()
    pairs = ((each.origin, str(each.hints.get("title"))) for each in named)
    addresses = [gone[each.origin] for each in named if each.origin in gone]
    return [*(held[pair] for pair in pairs if pair in held), *addresses]


def _anonymise_list(
    listing: AddressList, held: Collection[tuple[str, str]], gone: Collection[str]
) -> AddressList:
    """Return a list whose redacted entries have only place and time.

    Entries with a redacted address are removed.
    """
    named = tuple(
        replace(each, hints={}) if (each.origin, str(each.hints.get("title"))) in held else each
        for each in listing.named
        if each.origin not in gone
    )
    return replace(listing, named=named)


def _strings_of(outcome: object) -> list[str]:
    """Return the strings of a text that a redaction of a passage replaces: all that is stored."""
    if not isinstance(outcome, Draft):
        return []
    quotes = [as_dict(each) for each in outcome.all_quotes()]
    return [*dict.fromkeys(_strings([detail_of(outcome, ()), quotes]))]


def _draft_texts(outcome: object) -> list[str]:
    """Return the title, the paragraphs and the values of the fields of a text."""
    if not isinstance(outcome, Draft):
        return []
    values = [
        value
        for field in outcome.fields.values()
        for value in (field.value, *(candidate.value for candidate in field.candidates))
    ]
    return [outcome.title or "", *(each.text for each in outcome.paragraphs), *_strings(values)]


def _strings(value: object) -> list[str]:
    """Return all strings in a JSON value, names included."""
    if isinstance(value, str):
        return [value]
    inside = chain(value, value.values()) if isinstance(value, Mapping) else value
    return (
        [text for each in inside for text in _strings(each)] if isinstance(inside, Iterable) else []
    )


def _places(each: Reading) -> list[str]:
    """Return the address of a text and the addresses that it declares."""
    address = each.outcome.address if isinstance(each.outcome, Draft) else None
    named = (each.captured.locator, each.captured.hints.get("origin"), address)
    return [place for place in named if place]


def _bare(transfer: Transfer, *, is_gone: bool) -> Transfer:
    """Return a transfer without headers about its body, or about a redacted address."""
    bare = replace(transfer, request=None, response_headers=None, rights=None, body=None)
    return replace(bare, address=_NAMELESS, hops=()) if is_gone else bare
