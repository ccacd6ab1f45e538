"""Tell speech from names, titles and words in scare quotes by the form of a quotation."""

import re
from collections.abc import Sequence

from worker.text.annotate.cue import EMPTY_CUE, Cue

_MIN_WORDS = 3
_MAX_NAME_WORDS = 4

NAMING_VERB = re.compile(
    r"\s(?:heißt|hieß|heißen|lautet|lautete)\s(?:der|die|das|ein|eine|sein|ihr|unser)e?\s[A-ZÄÖÜ]"
)
"""A verb that makes the preceding quotation a name.

>>> bool(NAMING_VERB.match(" heißt die Aktion")), bool(NAMING_VERB.match(" heißt es im Bericht"))
(True, False)
"""

DASH_AFTER = re.compile(r"\s[–—]\s(?!so\b)[a-zäöüß]")
"""A dash after a quotation at the beginning of a sentence.

>>> bool(DASH_AFTER.match(" – mehr sagte er nicht"))
True
"""

NAMED_THINGS = (
    "film", "buch", "roman", "serie", "lied", "song", "album", "titel", "motto", "aktion",
    "projekt", "initiative", "bündnis", "gruppe", "sendung", "podcast", "zeitung", "agentur",
    "organisation",
    "firma", "magazin", "thema", "programm", "partei", "ausstellung", "stück", "namen", "name",
    "slogan", "überschrift", "reihe", "verein", "show", "schiff", "lokal", "restaurant", "hotel",
    "kneipe", "oper", "stoff", "stichwort", "kapitel", "rubrik", "begriff", "wort", "zeitschrift",
    "satz", "spruch",
    "dokumentation", "doku", "festival", "filme", "buche", "liede", "worte", "bündnisse",
    "book", "novel", "titled", "entitled", "dubbed", "nicknamed", "campaign", "exhibition",
    "headline", "headlined", "play", "term", "word", "magazine", "newspaper", "agency", "group",
    "organization", "company", "musical",
)  # fmt: skip
"""Endings of nouns before a quotation that make it a name, apart from a genitive s."""

_WORDS_BEFORE_NAMES = frozenset(
    "der die das dem den des im zum zur am beim vom von bei zitiert the".split()  # noqa: SIM905
)


def is_empty_cue(cue: Cue | None) -> bool:
    """Check whether a cue is missing or only a colon."""
    return cue is None or cue is EMPTY_CUE


def is_direct(text: str, cue: Cue | None, text_before: str, text_after: str) -> bool:
    """Check whether a quotation is speech, not a name, a title or a word in scare quotes."""
    words = text.split()
    is_complete = text[-1] in ".!?…,"
    last = text_before[-40:].split()[-1:]
    if not is_complete and last and last[0].casefold().removesuffix("s").endswith(NAMED_THINGS):
        return False
    if cue is not None and cue is not EMPTY_CUE:
        is_named = NAMING_VERB.match(text_after) or (
            is_name(words, text_before) and not is_complete
        )
        return cue.naming or not is_named
    if text_before.count("(") > text_before.count(")"):
        return False  # a translation, an abbreviation
    return _reads_like_speech(text, words, text_before, text_after)


def _reads_like_speech(text: str, words: Sequence[str], text_before: str, text_after: str) -> bool:
    """Check whether a quotation without a cue has the form of speech."""
    if text_before.rstrip().endswith(":") and text[-1] in ".!?…":
        return True
    is_at_start = not text_before.strip()
    if is_at_start and DASH_AFTER.match(text_after):
        return len(words) > 1
    if len(words) < _MIN_WORDS:
        return False
    return text[-1] in ".!?…," or text[0].islower() or (is_at_start and text_after[:1] in (",", ""))


def is_quoted_name(text: str, text_before: str) -> bool:
    """Check whether quoted words name a newspaper or another organisation, inside a sentence."""
    words = text.split()
    if text[-1] in ".!?…,:" or len(words) > _MIN_WORDS or not words[0][0].isupper():
        return False
    return text_before.endswith(("aut ", "ach ")) or is_name(words, text_before)


def is_name(words: Sequence[str], text_before: str) -> bool:
    """Check whether a few quoted words are a name: the „Bild“, „BBC News“."""
    if (
        len(words) > _MAX_NAME_WORDS
        or not text_before.strip()
        or text_before.rstrip().endswith(":")
    ):
        return False
    is_capitalised = all(word[0].isupper() or word[0].isdigit() for word in words)
    if len(words) > 1 and is_capitalised:
        return True
    is_named = text_before.rsplit(maxsplit=1)[-1].casefold() in _WORDS_BEFORE_NAMES
    return is_named and (words[0][0].isupper() or len(words) == 1)
