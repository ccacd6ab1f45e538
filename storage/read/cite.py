"""Locate a passage in a text and cite it."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from unicodedata import normalize

from storage.read.answers import Citation, VersionText
from storage.values.digest import (
    DOUBLE_QUOTES,
    SINGLE_QUOTES,
    SOFT_HYPHEN,
    WHITE_SPACE,
    short_wording,
)

CONTEXT_STEP = 8
"""Code points by which a passage is extended at both ends until it is unique."""
CONTEXT = 32
"""Code points before and after a passage that identify its position."""


COMPOSED = re.compile(r".[\u0300-\u036f]*+", re.DOTALL)
"""
>>> [len(each) for each in COMPOSED.findall("O\u0308l")]
[2, 1]
"""


_NORMALISED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(DOUBLE_QUOTES, '"'),
        **dict.fromkeys(SINGLE_QUOTES, "'"),
        **dict.fromkeys(WHITE_SPACE, " "),
        SOFT_HYPHEN: "",
    }
)


def find_passages(text: str, passage: str) -> list[tuple[int, int]]:
    """Return the positions of `passage` in `text`: start and end, in code points.

    White space (also between paragraphs), the form of quotation marks, soft hyphens and the
    composition of accents are ignored.

    >>> find_passages("Er sagte:  „Es hält.“", 'sagte: "Es')
    [(3, 14)]
    """
    needle = _normalise(passage)[0].strip()
    normalised, spans = _normalise(text)
    found: list[tuple[int, int]] = []
    at = normalised.find(needle) if needle else -1
    while at >= 0:
        found.append((spans[at][0], spans[at + len(needle) - 1][1]))
        at = normalised.find(needle, at + 1)
    return found


def unique_passages(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """Return for each place a longer passage around it that occurs in `text` only once.

    A place for which there is none, even with all of `text` around it, is left out.

    >>> unique_passages("Es regnet. Heute regnet es.", [(3, 9), (17, 23)])
    ['Es regnet. Heute', '. Heute regnet es.']
    """
    passages = []
    for start, end in spans:
        for more in range(CONTEXT_STEP, len(text) + CONTEXT_STEP, CONTEXT_STEP):
            passage = text[max(0, start - more) : end + more].strip()
            if len(find_passages(text, passage)) == 1:
                passages.append(passage)
                break
    return passages


def build_citation(version: VersionText, place: tuple[int, int] | None = None) -> Citation:
    """Return a reference to `version`, or to a place of its text."""
    start, end = place or (None, None)
    text = version.text or ""
    has_place = place is not None
    return Citation(
        article=version.article,
        version=version.version,
        revision=f"{version.article}@{short_wording(version.wording)}",
        origin=version.origin,
        title=version.title,
        authors=version.authors,
        publisher=version.publisher,
        published=version.published,
        language=version.language,
        changed_after=version.observed.changed_after,
        changed_by=version.observed.changed_by,
        last_seen=version.observed.last_seen,
        certain=version.observed.certain,
        wording=version.wording,
        raw=version.digests.raw,
        start=start,
        end=end,
        exact=text[start:end] if has_place else None,
        prefix=text[max(0, (start or 0) - CONTEXT) : start] if has_place else None,
        suffix=text[end:][:CONTEXT] if has_place else None,
    )


def _normalise(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the normalised form of `text`, and the original span of each of its letters."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in COMPOSED.finditer(text):
        for letter in normalize("NFC", match[0]):
            plain = _NORMALISED.get(letter, letter)
            if plain and not (plain == " " and letters and letters[-1] == " "):
                letters.append(plain)
                spans.append(match.span())
    return "".join(letters), spans
