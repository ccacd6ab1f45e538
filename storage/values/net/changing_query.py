"""PURE: parameters of links that change at every check of a page, such as a session."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

FEWEST_LINKS = 10
"""A parameter of fewer links may identify what they lead to."""
SHORTEST_VALUE = 8
"""Shorter values may be numbers of pages, issues and weeks."""
DATE = re.compile(r"(?:19|20)\d\d(?:[-_.]?\d\d){1,2}(?:[t_ -]?\d\d(?::?\d\d)*)?", re.IGNORECASE)
"""A value that selects a day, or a moment of it.

>>> [bool(DATE.fullmatch(each)) for each in ("2024-06-18", "20240618T1200", "1718690400")]
[True, True, False]
"""


class Link(NamedTuple):
    """An address to which a page links, as an origin, and the headline there."""

    address: str
    headline: str


def find_same_addresses(shown: Sequence[Link], before: Sequence[Link]) -> dict[str, str]:
    """Return, by an address that a page shows, the address of the same link at the check before.

    Both differ only in parameters that mean nothing: one value in all links of the page that have
    it, `FEWEST_LINKS` or more to different places, and another value before. Most of these links
    have the same headline as before, at least `FEWEST_LINKS` of them. A parameter that differs
    between the links of a page, such as `?id=3`, identifies what they lead to, and is kept.

    >>> def links(session):
    ...     return [Link(f"https://a.example/{n}?s={session}", f"Titel {n}") for n in range(10)]
    >>> found = find_same_addresses(links("6f1c09ab77"), links("03bd22e1f4"))
    >>> found["https://a.example/1?s=6f1c09ab77"]
    'https://a.example/1?s=03bd22e1f4'
    """
    changing = _find_page_wide(shown) - {
        each for link in before for each in _parameters(link.address)
    }
    if not changing:
        return {}
    names = {each.partition("=")[0] for each in changing}
    known = {_strip_parameters(link.address, names): link for link in reversed(before)}
    carrying = [link for link in shown if not changing.isdisjoint(_parameters(link.address))]
    pairs = [(link, known.get(_strip_parameters(link.address, names))) for link in carrying]
    same = sum(old is not None and old.headline == link.headline for link, old in pairs)
    if same < FEWEST_LINKS or 2 * same < len(carrying):
        return {}
    return {link.address: old.address for link, old in pairs if old is not None}


def _find_page_wide(links: Sequence[Link]) -> set[str]:
    """Return the parameters, with their values, that are equal in many links of a page."""
    places: dict[str, set[str]] = {}
    for link in links:
        for each in _parameters(link.address):
            name = each.partition("=")[0]
            places.setdefault(each, set()).add(_strip_parameters(link.address, {name}))
    values = Counter(each.partition("=")[0] for each in places)
    return {
        each
        for each, found in places.items()
        if len(found) >= FEWEST_LINKS
        and values[each.partition("=")[0]] == 1
        and _may_mean_nothing(each.partition("=")[2])
    }


def _may_mean_nothing(value: str) -> bool:
    return len(value) >= SHORTEST_VALUE and not DATE.fullmatch(value)


def _parameters(address: str) -> Collection[str]:
    query = address.partition("?")[2]
    return query.split("&") if query else ()


def _strip_parameters(address: str, names: Collection[str]) -> str:
    """Return an address without the parameters of these names."""
    kept = [each for each in _parameters(address) if each.partition("=")[0] not in names]
    return f"{address.partition('?')[0]}?{'&'.join(kept)}"
