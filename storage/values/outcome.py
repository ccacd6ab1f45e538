"""PURE: outcomes of checks: their effect on the article, the counts and the next check."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Name = Literal[
    "captured", "content", "unchanged", "not_modified", "gone", "redirected", "unreachable",
    "rate_limited", "blocked", "not_article", "disallowed_by_robots", "refused", "unconfirmed",
]  # fmt: skip
Event = Literal["first", "quiet", "changed", "absent", "barred", "failed", "doubtful"]
"""Result of a check for scheduling: first snapshot, no change, change, gone, not admitted, no
answer, a text that is held back.
"""

Counted = Literal["unchanged", "gone", "failed", "refused"]
State = Literal["present", "gone", "unreachable", "blocked"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The meaning of one outcome.

    `answered` is true if the content of the address is known, or known to be absent. `event`
    determines the next check, `counted_as` the count in the summary (None: the reader of the
    capture counts it), `state` the state of the article (None: unchanged).
    """

    name: Name
    answered: bool
    event: Event
    counted_as: Counted | None
    state: State | None


_ALL = (
    Outcome("captured", True, "quiet", None, "present"),
    Outcome("content", True, "quiet", None, "present"),
    Outcome("unchanged", True, "quiet", "unchanged", "present"),
    Outcome("not_modified", True, "quiet", "unchanged", "present"),
    Outcome("gone", True, "absent", "gone", "gone"),
    Outcome("redirected", False, "barred", "refused", "present"),
    Outcome("unreachable", False, "failed", "failed", "unreachable"),
    Outcome("rate_limited", False, "failed", "failed", "unreachable"),
    Outcome("blocked", False, "barred", "refused", "blocked"),
    Outcome("not_article", False, "barred", "refused", "blocked"),
    Outcome("disallowed_by_robots", False, "barred", "refused", "blocked"),
    Outcome("refused", False, "barred", "refused", None),
    Outcome("unconfirmed", False, "doubtful", None, None),
)
OUTCOMES: Mapping[str, Outcome] = MappingProxyType({each.name: each for each in _ALL})
"""Outcomes by name. `captured` is the result of the transport; reading turns it into another
one.
"""

STATES: Mapping[str, State] = MappingProxyType(
    {each.name: each.state for each in _ALL if each.state is not None}
)
"""The state of an article after each outcome."""

INTERSTITIALS: Mapping[str, Name] = MappingProxyType(
    {
        **dict.fromkeys(
            ("blocked", "bot_check", "consent_wall", "login_wall", "region_wall"), "blocked"
        ),
        **dict.fromkeys(
            ("not_article", "extraction_empty", "error_page", "maintenance", "parked"),
            "not_article",
        ),
    }
)
"""Outcomes of pages that were received and not accepted, by refusal code."""

NO_ANSWER = frozenset({"unreachable", "truncated_response"})
"""Refusal codes caused by a server without a usable answer."""


def page_outcome(code: str) -> Name:
    """Return the outcome of a received page, by its refusal code.

    >>> page_outcome("extraction_empty"), page_outcome("too_large")
    ('not_article', 'refused')
    """
    return INTERSTITIALS.get(code, "refused")


def exchange_outcome(code: str) -> Name:
    """Return the outcome of an exchange without a usable answer, by its refusal code.

    >>> exchange_outcome("truncated_response"), exchange_outcome("tls_invalid")
    ('unreachable', 'refused')
    """
    return "unreachable" if code in NO_ANSWER else "refused"
