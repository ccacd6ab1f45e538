"""Collect the correction and editorial notices of a text: whole paragraphs, and brackets in one."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from storage.language.sentences import sentences
from storage.values.draft import TEXT_ROLES, Notice, Paragraph
from worker.text.annotate.roles import notice_kind

_OF_A_PASSAGE = frozenset({"correction", "update"})
_LEAST_SHARED = 1.5
_CLEARLY_MORE = 1.25
_NUMBER = 1.5
_STEM = 6  # letters
_SHORTEST_WORD = 5

TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
"""A number or a word.

>>> TOKEN.findall("1,9 Kilometer, 13:34 Uhr")
['1,9', 'Kilometer', '13:34', 'Uhr']
"""

BRACKETED = re.compile(
    r"[(\[](?:[^()\[\]]{1,200}[,;–-] ?)?"
    r"(?:Anm(?:erkung)?\.? d(?:er|\.) ?Red(?:aktion|\.)?|Editor['’]s note|ed\. note)"
    r"(?::[^()\[\]]{1,300})?[)\]]",
    re.IGNORECASE,
)
"""A note of the editors inside a sentence.

>>> BRACKETED.search("Er (der Minister, Anm. d. Red.) kam.")[0]
'(der Minister, Anm. d. Red.)'
"""


def notices(paragraphs: Sequence[Paragraph]) -> tuple[Notice, ...]:
    """Return the notices in their order.

    >>> notices([Paragraph("text", "Er (der Minister, Anm. d. Red.) kam.")])
    (Notice(kind='editorial', text='(der Minister, Anm. d. Red.)', passage=None),)
    """
    found: list[Notice] = []
    for paragraph in paragraphs:
        if paragraph.role == "notice":
            kind = notice_kind(paragraph.text) or "editorial"
            spoken_of = passage(paragraph.text, paragraphs) if kind in _OF_A_PASSAGE else None
            found.append(Notice(kind, paragraph.text, spoken_of))
        elif paragraph.role in TEXT_ROLES and _may_hold_one(paragraph.text):
            found += [Notice("editorial", m[0]) for m in BRACKETED.finditer(paragraph.text)]
    return tuple(found)


def passage(notice: str, paragraphs: Sequence[Paragraph]) -> str | None:
    """Return the sentence of a text that a notice speaks of, by the words that only it shares.

    A number weighs most, then words that are rare in the text. Where no sentence stands out,
    none is named.

    >>> text = [Paragraph("text", "Der Rat tagte. Der Deich ist 1,9 Kilometer lang.")]
    >>> passage("Korrektur: Der Deich ist 1,9 Kilometer lang, nicht 19.", text)
    'Der Deich ist 1,9 Kilometer lang.'
    >>> passage("Korrektur: Der Name war falsch.", text)
    """
    texts = (p.text for p in paragraphs if p.role in TEXT_ROLES and p.role != "notice")
    listed = [each.strip() for text in texts for each in sentences(text)]
    tokens = [_tokens(sentence) for sentence in listed]
    often = Counter(chain.from_iterable(tokens))
    wanted = _tokens(notice)
    scores = [sum(_weight(token) / often[token] for token in wanted & own) for own in tokens]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or scores[best] < _LEAST_SHARED:
        return None
    runner_up = max((s for i, s in enumerate(scores) if i != best), default=0.0)
    return listed[best] if scores[best] >= runner_up * _CLEARLY_MORE else None


def _tokens(text: str) -> set[str]:
    """Return numbers, and the beginnings of words that mean something: they are inflected."""
    return {
        word if word[0].isdigit() else word[:_STEM].casefold()
        for word in TOKEN.findall(text)
        if word[0].isdigit() or len(word) >= _SHORTEST_WORD - word[0].isupper()
    }


def _weight(token: str) -> float:
    return _NUMBER if token[0].isdigit() else 1.0


def _may_hold_one(text: str) -> bool:
    return ("(" in text or "[" in text) and ("Red" in text or "red" in text or "note" in text)
