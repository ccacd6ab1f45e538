"""PURE: what is different about a page that a server gave, to us or to others."""

from collections.abc import Mapping
from dataclasses import replace

from storage.values.draft import Candidate, Draft, Field, Json
from storage.values.net.origin_name import origin_of
from storage.values.refusals import Refused, refuse
from worker.address import Address, parse_address
from worker.text import Offer
from worker.text.page.interstitials import BARRIERS

OFFERED = ("published", "updated", "authors", "tags", "language")
"""What a list says of a page that can be a value of its fields: never what makes its wording."""

_FIELD = {"updated": "modified"}
_FIELD_OF = {"title": "title", "summary": "lead"}
_BARRED = frozenset(refuse("not_article", reason=reason) for reason in BARRIERS)


def offers_of(listed: Mapping[str, Json] | None) -> tuple[Offer, ...]:
    """Return what a feed or a sitemap said of a page, as candidates for its fields.

    >>> offers_of({"kind": "feed", "authors": ["Ada Kern"], "title": "Pegel"})
    (Offer(field='authors', value=['Ada Kern'], found_in='feed authors'),)
    """
    entry = listed or {}
    fields = ((_FIELD.get(name, name), entry[name]) for name in OFFERED if entry.get(name))
    return tuple(Offer(name, value, f"{entry.get('kind')} {name}") for name, value in fields)


def as_fetched(outcome: Draft | Refused, listed: Mapping[str, Json] | None) -> Draft | Refused:
    """Return what a fetched page means: what stands before an article is not one.

    A page that shows the beginning of a text to whoever does not pay is no wall: what it shows
    is kept, flagged `teaser`, and the whole text that comes later is flagged too.
    """
    if isinstance(outcome, Refused):
        if outcome not in _BARRED:
            return outcome
        return refuse("blocked", reason=next(r for r in BARRIERS if r in outcome.message))
    return _with_listed(outcome, listed or {})


def _with_listed(draft: Draft, listed: Mapping[str, Json]) -> Draft:
    """Add the headline and the summary of a list as candidates: they never change a wording."""
    fields = dict(draft.fields)
    for name, of in _FIELD_OF.items():
        if listed.get(name):
            offered = Candidate(listed[name], f"{listed.get('kind')} {of}")
            known = fields.get(of)
            fields[of] = (
                Field(None, offered.found_in, None, (offered,))
                if known is None
                else replace(known, candidates=(*known.candidates, offered))
            )
    return replace(draft, fields=fields, address=_cleaned(draft.address))


def _cleaned(address: str | None) -> str | None:
    """Return what the address that a page gives itself is called in the archive."""
    found = parse_address(address) if address else None
    return origin_of(found.text) if isinstance(found, Address) else None
