"""What a client accepts: the headers with quality values of RFC 9110, read in one place."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from starlette.datastructures import Headers

QUALITY: Final = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")
"""
>>> all(map(QUALITY.fullmatch, ["0", "0.", "0.5", ".2", "1", "1.000"]))
True
>>> any(map(QUALITY.fullmatch, ["", "2", "-1", "1.5", "nan", "0,5", "1e0"]))
False
"""
_EXCLUDED, _UNNAMED = (1.0, 0), (0.0, 0)
"""Ranks after each accepted name, whose rank is its negative quality and its place."""


def choose_type(headers: Headers, offered: Sequence[str]) -> str:
    """Return the media type that `Accept` prefers; in doubt, the first of `offered`.

    >>> accepted = Headers({"accept": "text/html;q=0.5, */*"})
    >>> choose_type(accepted, ["application/json", "text/html"])
    'application/json'
    """
    given = ",".join(headers.getlist("accept"))
    return _choose(given, offered, lambda name: (name, f"{name.partition('/')[0]}/*", "*/*"))


def choose_language(headers: Headers, offered: Sequence[str]) -> str:
    """Return the language that `Accept-Language` prefers; in doubt, the first of `offered`.

    A wanted range such as `de-AT` means `de` too, as in the lookup of RFC 4647; an excluded one
    does not.

    >>> choose_language(Headers({"accept-language": "de;q=0, en;q=1"}), ["de", "en"])
    'en'
    """
    return _choose(",".join(headers.getlist("accept-language")), offered, lambda name: (name,))


def _choose(header: str, offered: Sequence[str], ranges_of: Callable[[str], Iterable[str]]) -> str:
    """Return the offered name with the highest quality, then the earliest place in the header.

    Of the ranges that match a name, the most specific one counts. If the header accepts no name,
    the first one that it does not exclude is returned.
    """
    given = _ranges(header)

    def rank(name: str) -> tuple[float, int]:
        return next((given[each] for each in (*ranges_of(name), "*") if each in given), _UNNAMED)

    return min(offered, key=rank)


def _ranges(header: str) -> dict[str, tuple[float, int]]:
    """Return the rank of each range in a header; malformed members are ignored."""
    found: dict[str, tuple[float, int]] = {}
    wider: dict[str, tuple[float, int]] = {}
    for place, member in enumerate(header.lower().split(",")):
        name, *parameters = (each.strip() for each in member.split(";"))
        pairs = (each.partition("=") for each in parameters)
        values = [value.strip() for key, _sign, value in pairs if key.strip() == "q"] or ["1"]
        if not name or not all(map(QUALITY.fullmatch, values)):
            continue
        quality = float(values[0])
        found.setdefault(name, (-quality, place) if quality else _EXCLUDED)
        language = name.partition("-")[0]
        if quality and language != "*":
            wider[language] = min((-quality, place), wider.get(language, _EXCLUDED))
    for language, rank in wider.items():
        if found.get(language) != _EXCLUDED:
            found[language] = rank
    return found
