"""PURE: prepare a draft for full-text search and copy detection."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date

from storage.history.unconfirmed.rule import INCOMPLETE
from storage.language.sentences import sentence_keys
from storage.language.vocabulary import Numbers, vocabulary
from storage.record.derivation_detail import name_of
from storage.record.reading import CapturedItem, Reading
from storage.similarity.index_keys import index_keys
from storage.values.dates import day_of
from storage.values.digest import canonical_all, digest_of_parts
from storage.values.draft import Draft, Field, Json
from storage.values.net.site import site_of
from storage.values.refusals import RefusalReason

Sign = Callable[[Numbers], bytes]


def prepare(
    captured: CapturedItem, outcome: Draft, context: str, timezone: str, *, sign: Sign
) -> Reading:
    """Return the reading of a capture, with its digest, its words and its index keys.

    `sign` calculates the signature of its words (`storage.similarity.signature`).
    """
    paragraphs = outcome.text_paragraphs()
    language = outcome.fields.get("language")
    of_title = (outcome.title or "").split()
    of_text = outcome.pieces
    if of_text is None:
        of_text = " ".join(paragraphs).split()
    known = vocabulary(language.value if language else None)
    numbers = known.cut([*of_title, *of_text])
    tokens, is_cut = numbers.tokens().truncate()
    if is_cut:
        outcome = add_flags(outcome, ["fts_truncated"])
    parts = canonical_all([outcome.title or "", *paragraphs])
    day, is_exact = _day_of(outcome, captured)
    return Reading(
        captured=captured,
        outcome=outcome,
        context=context,
        digest=digest_of_parts(parts),
        tokens=tokens,
        sentence_keys=sentence_keys(parts[1:]),
        timezone=timezone,
        index_keys=index_keys(
            parts[1:],
            sign(numbers[len(of_title) :].hashes),
            title=outcome.title,
            site=site_of(captured.hints.get("origin") or outcome.address or captured.locator),
            day=day,
            is_exact=is_exact,
        ),
        day=day,
    )


def add_flags(draft: Draft, flags: Sequence[str]) -> Draft:
    """Return `draft` with additional flags."""
    missing = tuple(flag for flag in flags if flag not in draft.flags)
    return replace(draft, flags=(*draft.flags, *missing)) if missing else draft


def mark_submitted(draft: Draft, submitter: str) -> Draft:
    """Return `draft` as the text of a capture that the token `submitter` submitted."""
    fields = {**draft.fields, "submitted_by": Field(submitter, "token")}
    return add_flags(replace(draft, fields=fields), ["submitted"])


def mark_incomplete(outcome: Draft | RefusalReason, browser: Json) -> Draft | RefusalReason:
    """Return the outcome of a page with the facts that its `browser` stored, if there are any.

    A failed request, or a bound that was reached, becomes a sign: the text may not be complete.
    """
    facts = browser if isinstance(browser, dict) else {}
    if isinstance(outcome, RefusalReason) or not (facts.get("failed") or facts.get("reached")):
        return outcome
    return replace(outcome, signs=(*(outcome.signs or ()), INCOMPLETE))


def _day_of(outcome: Draft, captured: CapturedItem) -> tuple[date, bool]:
    """Return the latest possible publication day of a text, by default that of the capture.

    The second value is True if no other day is possible.
    """
    published = outcome.fields.get("published")
    given = published.value if published and isinstance(published.value, dict) else {}
    day, is_exact = day_of(given.get("value"), given.get("precision"))
    if day is not None:
        return day, is_exact
    return name_of(captured, outcome).moment.astimezone(UTC).date(), True
