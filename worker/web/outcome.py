"""PURE: the meaning of a server's answer for the requested address."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from storage.values.outcome import Name
from storage.values.refusals import RefusalReason, refuse

REDIRECTS = frozenset({301, 302, 303, 307, 308})
FOR_GOOD = frozenset({301, 308})
_GONE = {404: "404 not found", 410: "410 gone", 451: "451 taken away for legal reasons"}
_BARRED = {
    401: "it asks for a password (401)",
    402: "it asks for money (402)",
    403: "it forbids it (403)",
    407: "it asks for a password (407)",
}
LONGEST_RETRY_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of an answer: its outcome, the reason if nothing was accepted, and a note."""

    outcome: Name
    refused: RefusalReason | None = None
    note: str | None = None


def meaning_of(status: int, *, is_conditional: bool) -> Meaning:
    """Return the meaning of a status; `is_conditional` means that validators were sent.

    >>> meaning_of(200, is_conditional=False).outcome, meaning_of(410, is_conditional=True).note
    ('captured', '410 gone')
    """
    if status in {200, 203}:
        return Meaning("captured")
    if status in _GONE:
        return Meaning("gone", None, _GONE[status])
    if status == 304 and is_conditional:
        return Meaning("not_modified")
    if status in REDIRECTS:
        return Meaning("redirected")
    if 200 <= status < 300:
        refused = refuse("not_article", reason=f"the server gives no page ({status})")
        return Meaning("not_article", refused, f"{status} without a page")
    return _failure_meaning(status)


def _failure_meaning(status: int) -> Meaning:
    if status == 429:
        refused = refuse("rate_limited", reason="it was asked too often (429)")
        return Meaning("rate_limited", refused, "429 too many requests")
    if status >= 500 or status in {408, 425} or status < 400:
        reason = f"the server fails ({status})" if status >= 500 else f"it answers {status}"
        return Meaning("unreachable", refuse("unreachable", reason=reason), reason)
    reason = _BARRED.get(status, f"it refuses the request ({status})")
    return Meaning("blocked", refuse("blocked", reason=reason), reason)


def retry_after(header: str | None, now: datetime) -> datetime | None:
    """Return until when a server asks for a pause, at most a week.

    >>> retry_after("120", datetime(2024, 6, 18, tzinfo=UTC)).isoformat()
    '2024-06-18T00:02:00+00:00'
    >>> retry_after("Tue, 18 Jun 2024 01:00:00 GMT", datetime(2024, 6, 18, tzinfo=UTC)).hour
    1
    >>> retry_after("bald", datetime(2024, 6, 18, tzinfo=UTC)) is None
    True
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        moment = now + min(timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(moment, now + LONGEST_RETRY_AFTER) if moment > now else None
