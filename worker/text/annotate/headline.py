"""Whether a headline belongs to the body below it."""

import re

FEWEST_WORDS = 3
"""A headline with fewer words of its own says too little to be missed in the body."""
FEWEST_BODY_WORDS = 40
FOUND_SHARE = 0.34
WORD = re.compile(r"[^\W_]+")
_SHORT_PART = 4

# Words that stand in any body or in none: they say nothing about belonging.
_EMPTY_WORDS = (
    "der die das des dem den ein eine einer eines einem einen und oder aber als auch auf aus bei"
    " bis für mit nach von vor zu zum zur über unter durch gegen um im in am an ist sind war"
    " waren wird werden wurde wurden hat haben kann können soll sollen will wollen nicht noch nur"
    " so wie was wer wo wann warum wegen ohne sich er sie es wir ihr sein seine seiner ihre ihrer"
    " mehr neue neuer neues neuen dieser diese dieses beim vom dass wenn weil doch schon jetzt"
    " the a an and or but of to on at by for from with as is are was were be been has have had"
    " will would can could not no its it his her their this that these those what who how why"
    " when where after before over under about into out up new more says said"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_FOLDS = (("ä", "a"), ("ö", "o"), ("ü", "u"))


def headline_missing(title: str, body: str) -> bool:
    """Return whether the body does not speak of what the headline names.

    A content word is found if its stem stands anywhere in the body (inside a compound too),
    or if its last part begins a word there. Flagged is a headline of three words or more of
    which less than a third is found; short bodies and short headlines are never flagged.

    >>> body = "Im Hafen von Rostow ist ein Tank mit Diesel in Flammen aufgegangen. " * 5
    >>> headline_missing("Tank mit Diesel steht in Rostow in Flammen", body)
    False
    >>> headline_missing("Bundestag beschließt höhere Renten", body)
    True
    """
    if body.count(" ") < FEWEST_BODY_WORDS:
        return False
    words = _content_words(title)
    if len(words) < FEWEST_WORDS:
        return False
    if _stand_as_written(title, body) >= len(words) * FOUND_SHARE:
        return False
    folded = _folded(body)
    missing = len(words) * FOUND_SHARE
    for word in words:
        missing -= _stands_in(word, folded)
        if missing <= 0:
            return False
    return True


def _stand_as_written(title: str, body: str) -> int:
    """Count the content words of a headline whose stem stands in the body letter by letter."""
    found = {word for word in WORD.findall(title) if word[: _stem_length(word)] in body}
    folded = {_folded(word) for word in found if "ß" not in word}
    return sum(map(_is_content, folded))


def _content_words(title: str) -> list[str]:
    words = WORD.findall(_folded(title))
    return [word for word in dict.fromkeys(words) if _is_content(word)]


def _is_content(folded: str) -> bool:
    return len(folded) > 2 and folded not in _EMPTY


def _folded(text: str) -> str:
    text = text.casefold()
    for letter, plain in _FOLDS:
        text = text.replace(letter, plain)
    return text


def _stands_in(word: str, body: str) -> bool:
    if word[: _stem_length(word)] in body:
        return True
    return any(
        " " + word[start : start + _stem_length(word[start:])] in body
        for start in range(3, len(word) - _SHORT_PART)
    )


def _stem_length(word: str) -> int:
    """Cut the ending: what is left tells "russischem" from "russisch" no more."""
    return max(min(len(word), _SHORT_PART), len(word) - 3 if len(word) > 7 else len(word) - 2)
