"""PURE: the meaning of a server's answer for the requested address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from storage.values.messages import message_text
from storage.values.outcome import Name
from storage.values.refusals import RefusalReason, refuse

REDIRECTS = frozenset({301, 302, 303, 307, 308})
FOR_GOOD = frozenset({301, 308})
_GONE = {
    404: message_text("note_404"),
    410: message_text("note_410"),
    451: message_text("note_451"),
}
_BARRED = {
    401: message_text("wants_password", status=401),
    402: message_text("wants_money"),
    403: message_text("forbids"),
    407: message_text("wants_password", status=407),
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
        refused = refuse("not_article", reason=message_text("gives_no_page", status=status))
        return Meaning("not_article", refused, message_text("note_without_page", status=status))
    return _failure_meaning(status)


def _failure_meaning(status: int) -> Meaning:
    if status == 429:
        refused = refuse("rate_limited", reason=message_text("asked_too_often"))
        return Meaning("rate_limited", refused, message_text("note_429"))
    if status >= 500 or status in {408, 425} or status < 400:
        reason = message_text("server_fails" if status >= 500 else "answers", status=status)
        return Meaning("unreachable", refuse("unreachable", reason=reason), reason)
    reason = _BARRED.get(status, message_text("refuses", status=status))
    return Meaning("blocked", refuse("blocked", reason=reason), reason)


def retry_after(header: Callable[[str], str | None], now: datetime) -> datetime | None:
    """Return until when a server asks for a pause, at most a week.

    A time is relative to the server's own clock in `Date`, which may differ from ours.

    >>> now = datetime(2024, 6, 18, tzinfo=UTC)
    >>> retry_after({"retry-after": "120"}.get, now).isoformat()
    '2024-06-18T00:02:00+00:00'
    >>> retry_after({"retry-after": "Tue, 18 Jun 2024 01:00:00 GMT"}.get, now).hour
    1
    >>> retry_after({"retry-after": "bald"}.get, now) is None
    True
    """
    text = (header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        pause = timedelta(seconds=int(text[:9]))
    else:
        until = _http_date(text)
        if until is None:
            return None
        pause = until - (_http_date(header("date") or "") or now)
    return now + min(pause, LONGEST_RETRY_AFTER) if pause > timedelta(0) else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
