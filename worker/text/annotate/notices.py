"""Extract the correction and editorial notices of a text: paragraphs, and notes in brackets."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from storage.language.sentences import sentences
from storage.values.draft import TEXT_ROLES, Notice, Paragraph
from worker.text.annotate.roles import notice_kind

_KINDS_WITH_PASSAGE = frozenset({"correction", "update"})
_MIN_SCORE = 1.5
_MIN_RATIO = 1.25
_NUMBER_WEIGHT = 1.5
_STEM_LENGTH = 6  # letters
_MIN_WORD_LENGTH = 5

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
"""An editorial note inside a sentence.

>>> BRACKETED.search("Er (der Minister, Anm. d. Red.) kam.")[0]
'(der Minister, Anm. d. Red.)'
"""


def notices(paragraphs: Sequence[Paragraph]) -> tuple[Notice, ...]:
    """Return the notices in order.

    >>> notices([Paragraph("text", "Er (der Minister, Anm. d. Red.) kam.")])
    (Notice(kind='editorial', text='(der Minister, Anm. d. Red.)', passage=None, date=None),)
    """
    extracted: list[Notice] = []
    for paragraph in paragraphs:
        if paragraph.role == "notice":
            kind = notice_kind(paragraph.text) or "editorial"
            referenced = (
                passage(paragraph.text, paragraphs) if kind in _KINDS_WITH_PASSAGE else None
            )
            extracted.append(Notice(kind, paragraph.text, referenced))
        elif paragraph.role in TEXT_ROLES and _may_contain_note(paragraph.text):
            extracted += [Notice("editorial", m[0]) for m in BRACKETED.finditer(paragraph.text)]
    return tuple(extracted)


def passage(notice: str, paragraphs: Sequence[Paragraph]) -> str | None:
    """Return the sentence that a notice refers to, by the words that they share.

    Numbers have the highest weight, then words that are rare in the text. The result is None if no
    sentence has a clearly higher score than the others.

    >>> text = [Paragraph("text", "Der Rat tagte. Der Deich ist 1,9 Kilometer lang.")]
    >>> passage("Korrektur: Der Deich ist 1,9 Kilometer lang, nicht 19.", text)
    'Der Deich ist 1,9 Kilometer lang.'
    >>> passage("Korrektur: Der Name war falsch.", text)
    """
    texts = (p.text for p in paragraphs if p.role in TEXT_ROLES and p.role != "notice")
    candidates = [part.strip() for text in texts for part in sentences(text)]
    tokens = [_tokens(sentence) for sentence in candidates]
    frequency = Counter(chain.from_iterable(tokens))
    notice_tokens = _tokens(notice)
    scores = [
        sum(_weight(token) / frequency[token] for token in notice_tokens & sentence_tokens)
        for sentence_tokens in tokens
    ]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or scores[best] < _MIN_SCORE:
        return None
    runner_up = max((s for i, s in enumerate(scores) if i != best), default=0.0)
    return candidates[best] if scores[best] >= runner_up * _MIN_RATIO else None


def _tokens(text: str) -> set[str]:
    """Return the numbers of a text, and the stems of its longer words."""
    return {
        word if word[0].isdigit() else word[:_STEM_LENGTH].casefold()
        for word in TOKEN.findall(text)
        if word[0].isdigit() or len(word) >= _MIN_WORD_LENGTH - word[0].isupper()
    }


def _weight(token: str) -> float:
    return _NUMBER_WEIGHT if token[0].isdigit() else 1.0


def _may_contain_note(text: str) -> bool:
    return ("(" in text or "[" in text) and ("Red" in text or "red" in text or "note" in text)
