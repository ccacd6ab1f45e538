"""Evidence in the words of a name: known given names, and words that are common on the page."""

import re
from functools import lru_cache
from importlib.resources import files

from worker.text.annotate.bylines import LABEL_WORDS
from worker.text.annotate.date_lines import MODIFIED_WORD, PUBLISHED_WORD
from worker.text.annotate.speaker.first_names import given_names, plain_word

EAST_ASIAN_NAME = re.compile("[\u3040-\u30ff\u3400-\u9fff々\uac00-\ud7af]{1,8}")
"""A word in Chinese, Japanese or Korean script.

>>> bool(EAST_ASIAN_NAME.fullmatch("高木")), EAST_ASIAN_NAME.fullmatch("Takagi")
(True, None)
"""
HOST = re.compile(
    r"((?:[a-z0-9-]+\.)*[a-z0-9-]+)\.(?:com|net|org|info|biz|eu|tv|[a-z]{2})", re.IGNORECASE
)
"""A host name.

>>> bool(HOST.fullmatch("facebook.com")), bool(HOST.fullmatch("J. Kern"))
(True, False)
"""
LABEL = re.compile(rf"(?:{MODIFIED_WORD.pattern}|{PUBLISHED_WORD.pattern})", re.IGNORECASE)
"""A word that labels a date."""
_BETWEEN_WORDS = re.compile(r"[\s.-]+")
_INITIALS = re.compile(r"(?:[A-ZÄÖÜ]\.-?){1,3}")
_TITLES = frozenset(["dr", "prof", "dipl", "ing", "mag", "med", "mr", "mrs", "ms", "sir"])
_MIN_WORD = 2  # letters
_MAX_FAMILY_NAME = 2  # characters of an East Asian family name
_MAX_FULL_NAME = 4  # Chinese characters and syllables of a full name


def has_given_name(name: str) -> bool:
    """Check whether the first word of a name, without titles and initials, is a given name.

    >>> has_given_name("Dr. Anna-Lena Kern"), has_given_name("J. Peter Kern")
    (True, True)
    >>> has_given_name("Mental Health"), has_given_name("T. V. Kern")
    (False, False)
    """
    words = [plain_word(word) for word in name.replace("-", " ").split()]
    known = [word for word in words if len(word) >= _MIN_WORD and word not in _TITLES]
    return bool(known) and known[0] in given_names()


def is_label(name: str) -> bool:
    """Check whether a value consists of words with which pages label values, or is such a host.

    The words were counted on pages of many hosts (bench.fit.labels); none is a given name.

    >>> is_label("Last Modified"), is_label("facebook.com"), is_label("Zuletzt aktualisiert")
    (True, True, True)
    >>> is_label("Jimmy Page"), is_label("bote.example.de")
    (False, False)
    """
    host = HOST.fullmatch(name)
    words = _BETWEEN_WORDS.split(host[1] if host else name)
    return all(
        plain_word(word) in _names("labels")
        or word.casefold() in LABEL_WORDS
        or LABEL.fullmatch(word)
        for word in words
    )


def begins_with_title(name: str) -> bool:
    """Check whether a name begins with a title or an initial.

    >>> begins_with_title("Dr Ole Sand"), begins_with_title("J. Peter Kern")
    (True, True)
    >>> begins_with_title("About Ole Sand")
    False
    """
    first = name.split(" ", 1)[0]
    return plain_word(first) in _TITLES or first.endswith(".")


def has_initials(name: str) -> bool:
    """Check whether a name has an initial before its last word.

    >>> has_initials("T. V. Kern"), has_initials("J.R. Kern"), has_initials("Plan B")
    (True, True, False)
    """
    return any(_INITIALS.fullmatch(word) for word in name.split()[:-1])


def is_east_asian_person(name: str) -> bool:
    """Check whether a name in East Asian script begins with a known family name.

    >>> is_east_asian_person("高橋健"), is_east_asian_person("最新消息")
    (True, False)
    """
    joined = name.replace(" ", "").replace("　", "")
    return (
        1 < len(joined) <= _MAX_FULL_NAME + 1
        and EAST_ASIAN_NAME.fullmatch(joined) is not None
        and any(joined[:length] in _names("family_names") for length in (2, 1))
    )


def common_words(name: str, text: str) -> list[bool]:
    """Return for each word of a name whether `text` contains it in lower case.

    Words of labels occur in lower case too, except for nouns in German.

    >>> common_words("Mental Health", "good for the health of all")
    [False, True]
    >>> common_words("Ada Kern", "Ada Kern, ein Kernkraftwerk"), common_words("kern", "kern")
    ([False, False], [False])
    """
    return [
        len(word) > _MIN_WORD
        and word[0].isupper()
        and word.casefold() not in _TITLES
        and _has_word(word.casefold(), text)
        for word in name.split()
    ]


def _has_word(word: str, text: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        is_whole = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
        if is_whole and text[start - 1 : start] not in {*"@/._-#"}:
            return True
        start = text.find(word, end)
    return False


@lru_cache(maxsize=2)
def _names(name: str) -> frozenset[str]:
    text = (files("worker.text.page") / "weights" / f"{name}.txt").read_text("utf-8")
    return frozenset(text.splitlines()[1:])
