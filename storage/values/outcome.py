"""PURE: every outcome of a check: what it means for the article, the counts, the next look."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Name = Literal[
    "captured", "content", "unchanged", "not_modified", "gone", "redirected", "unreachable",
    "rate_limited", "blocked", "not_article", "disallowed_by_robots", "refused",
]  # fmt: skip
Event = Literal["first", "quiet", "changed", "absent", "barred", "failed"]
"""What a check came to: the first snapshot, no change, a change, gone, not let in, no answer."""

Counted = Literal["unchanged", "gone", "failed", "refused"]
State = Literal["present", "gone", "unreachable", "blocked"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look at an address came to.

    `answered` says that we know now what stands there, or that nothing does. `event` is what it
    means for the next look, `counted_as` the count of the summary (None: whoever reads the capture
    counts it), `state` what it makes of the article (None: it changes nothing).
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
)
OUTCOMES: Mapping[str, Outcome] = MappingProxyType({each.name: each for each in _ALL})
"""By name. `captured` is what the transport knows; reading turns it into one of the others."""

STATES: Mapping[str, State] = MappingProxyType(
    {each.name: each.state for each in _ALL if each.state is not None}
)
"""The state in which an outcome leaves an article."""

INTERSTITIALS: Mapping[str, Name] = MappingProxyType(
    {"blocked": "blocked", "not_article": "not_article", "extraction_empty": "not_article"}
)
"""The outcome of a page that a server gave and that could not be taken, by its refusal's code."""

NO_ANSWER = frozenset({"unreachable", "truncated_response"})
"""The codes of refusals that a server which gave no usable answer is to blame for."""


def of_page(code: str) -> Name:
    """Return the outcome of a page that a server gave, by the code of its refusal.

    >>> of_page("extraction_empty"), of_page("too_large")
    ('not_article', 'refused')
    """
    return INTERSTITIALS.get(code, "refused")


def of_exchange(code: str) -> Name:
    """Return the outcome of an exchange that had no usable answer, by the code of its refusal.

    >>> of_exchange("truncated_response"), of_exchange("tls_invalid")
    ('unreachable', 'refused')
    """
    return "unreachable" if code in NO_ANSWER else "refused"
