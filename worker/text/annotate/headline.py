"""Check whether a headline belongs to the body below it."""

import re

MIN_WORDS = 3
"""Minimum number of content words of a headline for which the check is meaningful."""
MIN_BODY_WORDS = 40
MIN_FOUND_SHARE = 0.34
WORD = re.compile(r"[^\W_]+")
_SHORT_PART = 4

# Words that occur in most bodies, or in none, and therefore carry no information.
_STOP_WORD_LIST = (
    "der die das des dem den ein eine einer eines einem einen und oder aber als auch auf aus bei"
    " bis für mit nach von vor zu zum zur über unter durch gegen um im in am an ist sind war"
    " waren wird werden wurde wurden hat haben kann können soll sollen will wollen nicht noch nur"
    " so wie was wer wo wann warum wegen ohne sich er sie es wir ihr sein seine seiner ihre ihrer"
    " mehr neue neuer neues neuen dieser diese dieses beim vom dass wenn weil doch schon jetzt"
    " the a an and or but of to on at by for from with as is are was were be been has have had"
    " will would can could not no its it his her their this that these those what who how why"
    " when where after before over under about into out up new more says said"
)
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())
_FOLDS = (("ä", "a"), ("ö", "o"), ("ü", "u"))


def is_headline_unrelated(title: str, body: str) -> bool:
    """Check whether the body lacks the subject of the headline.

    A content word is found if its stem occurs anywhere in the body, also inside a compound, or if
    its last part begins a word of the body. The headline is unrelated if it has three content words
    or more and less than a third of them is found. Short bodies are never checked.

    >>> body = "Im Hafen von Rostow ist ein Tank mit Diesel in Flammen aufgegangen. " * 5
    >>> is_headline_unrelated("Tank mit Diesel steht in Rostow in Flammen", body)
    False
    >>> is_headline_unrelated("Bundestag beschließt höhere Renten", body)
    True
    """
    if body.count(" ") < MIN_BODY_WORDS:
        return False
    words = _content_words(title)
    if len(words) < MIN_WORDS:
        return False
    if _count_literal_matches(title, body) >= len(words) * MIN_FOUND_SHARE:
        return False
    folded_body = _fold(body)
    missing = len(words) * MIN_FOUND_SHARE
    for word in words:
        missing -= _occurs_in(word, folded_body)
        if missing <= 0:
            return False
    return True


def _count_literal_matches(title: str, body: str) -> int:
    """Count the content words of a headline whose stem occurs verbatim in the body."""
    literal = {word for word in WORD.findall(title) if word[: _stem_length(word)] in body}
    folded_body = {_fold(word) for word in literal if "ß" not in word}
    return sum(map(_is_content, folded_body))


def _content_words(title: str) -> list[str]:
    words = WORD.findall(_fold(title))
    return [word for word in dict.fromkeys(words) if _is_content(word)]


def _is_content(word: str) -> bool:
    return len(word) > 2 and word not in _STOP_WORDS


def _fold(text: str) -> str:
    text = text.casefold()
    for letter, plain in _FOLDS:
        text = text.replace(letter, plain)
    return text


def _occurs_in(word: str, body: str) -> bool:
    if word[: _stem_length(word)] in body:
        return True
    return any(
        " " + word[start : start + _stem_length(word[start:])] in body
        for start in range(3, len(word) - _SHORT_PART)
    )


def _stem_length(word: str) -> int:
    """Return the length of a word without its ending, so that "russischem" equals "russisch"."""
    return max(min(len(word), _SHORT_PART), len(word) - 3 if len(word) > 7 else len(word) - 2)
