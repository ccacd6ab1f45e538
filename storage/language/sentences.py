"""PURE: sentence boundaries in German and English paragraphs."""

import re
import zlib
from collections.abc import Iterable

from storage.language.word_lists import word_list
from storage.values.digest import canonical_all

_OPENING = "\"'„“”»«‚‘’›‹(["
_CLOSING = "\"'“”„»«’‘‚›‹)\\]"

END = re.compile(rf"(?<![.!?…])(?P<marks>[.!?…]++)[{_CLOSING}]*+\s++(?=\S)")
"""
>>> END.search("Er sagte: „Nein!“ Dann ging er.")[0]
'!“ '
"""
NEXT = re.compile(rf"[{re.escape(_OPENING)}–—…\s-]{{0,8}}(?P<word>\w*)(?P<dot>\.?)")
"""
>>> NEXT.match("„Die Brücke hält“")["word"]
'Die'
"""
DOTTED = re.compile(r"[^\W\d](?:\.[^\W\d])*+|\d{1,3}|[IVXLC]{2,}")
"""
>>> [bool(DOTTED.fullmatch(each)) for each in ("U.S", "J", "18", "XXIII", "2024", "Damm")]
[True, True, True, True, False, False]
"""
IN_PARTS = re.compile(
    r"(?<!\w)(?:z\.\s?b|d\.\s?h|u\.\s?u|i\.\s?d\.\s?r|i\.\s?s|v\.\s?a|s\.\s?[ou]|i\.\s?e|e\.\s?g)$",
    re.IGNORECASE,
)
"""
>>> bool(IN_PARTS.search("am Ufer, z. B"))
True
"""
_STOPS = bytes.maketrans(b"?!", b"..")
_LEFT_OUT = b"\"'()[]"
"""Characters between a full stop and the following blank, in canonical form."""
_ELLIPSIS = "…".encode()
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [one + other for one in _DIGITS for other in _DIGITS]
_AROUND_A_NUMBER = _OPENING + " \t\r\n\xa0"
_LOOKED_BACK = 32
_LOOKED_AHEAD = 40

_TITLES = word_list("abbreviated_titles")
_NEVER_LAST = word_list("never_last")
_BEFORE_NUMBERS = frozenset("abb abs anm art bd fig kap no nos p pp rn s sec vol ziff".split())  # noqa: SIM905
_SELDOM_LAST = word_list("seldom_last")
_STARTERS = word_list("sentence_starters")
"""Words that usually begin a sentence: after `3 Mio.` a noun may follow, an article hardly ever."""


def sentences(paragraph: str) -> tuple[str, ...]:
    """Return the sentences of `paragraph`, each with the white space after it.

    Joined they are the paragraph again. A sentence ends with `.`, `!`, `?` or `…`, closing
    quotation marks and brackets, and white space. It continues if the next word is in lower case
    (`„Halt!“ rief er.`), after abbreviations (`Dr.`, `z. B.`, `Mr.`), and after ordinals (`18.
    Juni`), initials and abbreviations that may be the last word (`Mio.`, `usw.`, `U.S.`), unless a
    word follows that usually begins a sentence. In doubt it continues. In a paragraph without
    capital letters, case is ignored.

    >>> sentences("Am 18. Juni kam Dr. Lohe. „Es hält!“, rief er. Dann ging er.")
    ('Am 18. Juni kam Dr. Lohe. ', '„Es hält!“, rief er. ', 'Dann ging er.')
    """
    found: list[str] = []
    begin = 0
    is_lower = paragraph.islower()
    for match in END.finditer(paragraph):
        if _is_end(paragraph, begin, match, is_lower=is_lower):
            found.append(paragraph[begin : match.end()])
            begin = match.end()
    if begin < len(paragraph):
        found.append(paragraph[begin:])
    return tuple(found)


def sentence_keys(paragraphs: Iterable[str]) -> tuple[str, ...]:
    """Return a key of five letters for each piece of at least two words between full stops.

    `paragraphs` are in canonical form. A paragraph with a sentence has all keys of that sentence,
    because a piece ends where a sentence ends, but not the other way round. Pieces that end like a
    day or an ordinal have no key, because they are frequent and seldom sentences. Equal keys do not
    prove equal sentences.

    >>> sorted(sentence_keys(["Am 18. Juni kam Dr. Lohe.", "Dann ging er."]))
    ['iyi0o', 'qups0']
    >>> sentence_keys(["Dann ging er."])
    ('qups0',)
    """
    joined = "\n".join(paragraphs).encode("utf-8", "surrogatepass")
    whole = joined.replace(_ELLIPSIS, b".").translate(_STOPS, _LEFT_OUT).replace(b"\n", b". ")
    pieces = {piece.strip(b". ") for piece in whole.split(b". ")}
    numbers = [
        zlib.crc32(each)
        for each in pieces
        if b" " in each and not (each[-1:].isdigit() and b" " in each[-3:-1])
    ]
    return tuple([_PAIRS[n % 1296] + _PAIRS[n // 1296 % 1296] + _DIGITS[n >> 27] for n in numbers])


def key_array(keys: Iterable[str]) -> str:
    """Return sentence keys as an array of numbers of PostgreSQL.

    >>> key_array(["iyi0o", "qups0"])
    '{31842744,45103104}'
    """
    return "{" + ",".join([str(int(key, 36)) for key in keys]) + "}"


def _is_end(text: str, begin: int, match: re.Match[str], *, is_lower: bool) -> bool:
    following = NEXT.match(text[match.end() : match.end() + _LOOKED_AHEAD])
    assert following is not None  # the piece may be empty
    word = following["word"].capitalize() if is_lower else following["word"]
    if word[:1].islower():
        return False
    begins = word in _STARTERS and not following["dot"]
    before = text[max(begin, match.start() - _LOOKED_BACK) : match.start()]
    if match["marks"] != ".":
        is_gap = match["marks"].endswith(("…", "...")) and before[-1:].isspace()
        return begins or not is_gap
    last = (before.rsplit(maxsplit=1) or [""])[-1].lstrip(_OPENING)
    if _is_never_last(last, before, is_lower=is_lower, is_number_next=word[:1].isdigit()):
        return False
    if DOTTED.fullmatch(last):
        is_first = match.start() - begin <= _LOOKED_BACK
        number_of_a_list = is_first and before.strip(_AROUND_A_NUMBER) == last
        return begins and not number_of_a_list
    return begins or not (_is_among(_SELDOM_LAST, last, is_lower) or last.endswith("str"))


def _is_never_last(last: str, sentence: str, *, is_lower: bool, is_number_next: bool) -> bool:
    """Check whether the word before a full stop, which ends `sentence`, never ends a sentence."""
    return (
        _is_among(_TITLES, last, is_lower)
        or last[:1].lower() + last[1:] in _NEVER_LAST
        or IN_PARTS.search(sentence) is not None
        or (is_number_next and last.casefold() in _BEFORE_NUMBERS)
    )


def _is_among(words: frozenset[str], word: str, is_lower: bool) -> bool:  # noqa: FBT001
    return word in words or (is_lower and word.capitalize() in words)


def wording_keys(body: str | None) -> tuple[str, ...]:
    """Return the sentence keys of the text of a wording."""
    return sentence_keys(canonical_all((body or "").split("\n\n")))
