"""PURE: decide what a draft means for the archive, and what differs for a fetched page."""

from collections.abc import Mapping
from dataclasses import replace

from storage.values.draft import Candidate, Draft, Field, Json
from storage.values.fields import FIELDS
from storage.values.messages import message_text
from storage.values.net.origin_name import origin_of
from storage.values.refusals import RefusalReason, refuse
from storage.values.verdict import (
    Copy,
    NewArticle,
    NewVersion,
    OriginKnowledge,
    Refuse,
    UnchangedVerdict,
    Unconfirmed,
    Verdict,
)
from worker.address import Address, parse_address
from worker.text.hints import SourceValue
from worker.text.page.interstitials import CODES


def decide(outcome: Draft | RefusalReason, knowledge: OriginKnowledge) -> Verdict:
    """Return the verdict on `outcome`.

    For a known origin it is a version or an unchanged snapshot, by its history
    (`storage.history.runs`). For an unknown origin it is a copy if its wording is already stored,
    otherwise a new article. A page of which the reader extracted far less than before gives no
    verdict on the text.
    """
    match outcome:
        case RefusalReason():
            return Refuse(outcome)
        case Draft():
            if knowledge.words is not None and _is_cut_short(outcome, knowledge.words):
                return Refuse(refuse("not_article", reason=message_text("far_less")))
            if knowledge.is_held:
                return Unconfirmed(knowledge.is_again)
            if knowledge.article_exists:
                return (
                    NewVersion() if knowledge.is_version else UnchangedVerdict(knowledge.is_noise)
                )
            return NewArticle() if knowledge.elsewhere is None else Copy(knowledge.elsewhere)


SHORT = frozenset({"extraction_short", "extraction_loss"})
LEAST_SHARE = 1 / 3


def _is_cut_short(draft: Draft, words: int) -> bool:
    """Check whether a page shows more text than was read, and the text was much longer before."""
    found = draft.fields.get("word_count")
    if found is None or not SHORT & set(draft.flags):
        return False
    return bool((found.value or 0) < words * LEAST_SHARE)


_FIELD_OF = {"title": "title", "summary": "lead"}
_CERTAIN = {refuse("not_article", reason=reason): code for reason, code in CODES.items()}
"""The refusal codes of pages whose kind is certain, by the refusal of any document."""


def entry_values(listed: Mapping[str, Json] | None) -> tuple[SourceValue, ...]:
    """Return the values of a feed or sitemap entry as candidates for the fields of a page.

    >>> entry_values({"kind": "feed", "authors": ["Ada Kern"], "title": "Pegel"})
    (SourceValue(field='authors', value=['Ada Kern'], found_in='feed authors'),)
    """
    entry = listed or {}
    return tuple(
        SourceValue(spec.name, entry[name], f"{entry.get('kind')} {name}")
        for spec in FIELDS
        for name in spec.listed
        if entry.get(name)
    )


def fetched_outcome(
    outcome: Draft | RefusalReason, listed: Mapping[str, Json] | None
) -> Draft | RefusalReason:
    """Return the outcome for a fetched page: an interstitial page is not an article.

    A page that shows the beginning of a text to non-subscribers is stored with the flag `teaser`;
    the complete text that follows later is flagged too.
    """
    if isinstance(outcome, RefusalReason):
        code = _CERTAIN.get(outcome)
        return outcome if code is None else refuse(code)
    return _add_list_offers(outcome, listed or {})


def _add_list_offers(draft: Draft, listed: Mapping[str, Json]) -> Draft:
    """Add the headline and summary from a list as candidates; they never change a wording."""
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
    return replace(draft, fields=fields, address=_normalize_address(draft.address))


def _normalize_address(address: str | None) -> str | None:
    """Return the archive's name for the address that a page states for itself."""
    found = parse_address(address) if address else None
    return origin_of(found.text) if isinstance(found, Address) else None
