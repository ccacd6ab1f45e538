"""Characters that nobody sees: what only carries a stamp goes, what joins letters stays.

Variation selectors, zero-width characters and tags can carry whole manifests of where a text comes
from (C2PA in plain text). They are no part of the wording: taken out, and told beside it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from storage.values.draft import CleaningStep, Field, Json

UNSEEN_RUN = re.compile(
    "[\u180b-\u180d\u180f\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+"
)
REFERENCE = re.compile(
    "&#(?:[xX]0*(?P<hex>[0-9a-fA-F]{4,5})|0*(?P<number>\\d{4,6}));|&(?P<name>ZeroWidthSpace|NoBreak);"
)
"""A reference of a page to what may be such a character."""
STAMP = "provenance_stamp"
STEP = "unseen_characters"

_BEGINNINGS = (
    b"\xe1\xa0", b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xe2\x81",
    b"\xef\xb8", b"\xef\xbb\xbf", b"\xf3\xa0",
)  # fmt: skip
"""How such characters begin in UTF-8, and few others do."""
_ASCII = bytes(range(128))
_JOINERS = frozenset("\u200c\u200d")
_FLAG, _CANCEL_TAG = "\U0001f3f4", "\U000e007f"
_SELECTORS, _MORE_SELECTORS = range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
_TAGS = range(0xE0020, 0xE007F)
_SHORTEST_STAMP = 8
"""Characters in a row that can carry something; fewer are hints for line breaks, and slips."""
_MOST_KEPT = 2_048  # bytes of a stamp that are kept beside its digest
_IDEOGRAPHS = "\u2e80"
_C2PA = b"C2PATXT"


def without_unseen(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a text without characters that nobody sees, and the runs that were taken out.

    >>> without_unseen("Ö\u200bl\ufe01\ufe02 Auf\u200clage 👩\u200d👧 ❤\ufe0f")
    ('Öl Auf\u200clage 👩\u200d👧 ❤️', ('\u200b', '︁︂'))
    """
    if text.isascii() or not _may_hold_unseen(text):
        return text, ()
    taken: list[str] = []

    def keep(found: re.Match[str]) -> str:
        run = found[0]
        if _belongs(text, run, found.start(), found.end()):
            return run
        taken.append(run)
        return ""

    return UNSEEN_RUN.sub(keep, text), tuple(taken)


def _may_hold_unseen(text: str) -> bool:
    """Return cheaply whether a text may hold such characters: they begin with few bytes."""
    data = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return any(map(data.__contains__, _BEGINNINGS))


def written_out(page: str) -> str:
    """Return the source of a page with references to such characters as the characters.

    >>> written_out("a&#8203;b &#x41;") == "a\u200bb &#x41;"
    True
    """
    has_any = "&#" in page or "&ZeroWidthSpace;" in page or "&NoBreak;" in page
    return REFERENCE.sub(_character, page) if has_any else page


def stamp(runs: Iterable[str]) -> Json:
    r"""Return what a text carried in runs of characters that nobody sees, None where in none.

    >>> stamp(["\ufeff" + "".join(chr(0xFE00 + n) for n in (4, 3, 2, 1, 0, 1, 2, 3))])["data"]
    '0403020100010203'
    >>> stamp(["\u200b"] * 20)
    """
    taken = "".join(run for run in runs if len(run) >= _SHORTEST_STAMP)
    if not taken:
        return None
    carried = bytes(value for each in taken if (value := _byte(ord(each))) is not None)
    data = carried or taken.encode()
    return {
        "kind": "c2pa" if _C2PA in data else _kind(taken),
        "characters": len(taken),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": data[:_MOST_KEPT].hex(),
    }


def stamp_of(steps: Iterable[CleaningStep]) -> Json:
    """Return the stamp that steps of cleaning took out of a text."""
    return next((each.detail["stamp"] for each in steps if each.detail.get("stamp")), None)


def fields_of(steps: Iterable[CleaningStep]) -> dict[str, Field]:
    """Return the field of the stamp that steps of cleaning took out of a text, if any."""
    found = stamp_of(steps)
    return {STAMP: Field(found, "unseen characters of the text")} if found else {}


def flags_of(steps: Iterable[CleaningStep]) -> tuple[str, ...]:
    """Return the flag of a text out of which steps of cleaning took unseen characters."""
    names = {name for each in steps for name in (each.name, *each.detail.get("cleaned_by", ()))}
    return ("invisible_chars",) if STEP in names else ()


def _belongs(text: str, run: str, start: int, end: int) -> bool:
    """Return whether a run is part of what a reader sees: a joint, a form, a flag."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if not before:
        return False
    if run in _JOINERS:
        return _is_letter(before) and _is_letter(after)
    if before == _FLAG:
        return run[-1] == _CANCEL_TAG
    if run in {"\ufe0f\u200d", "\u200d"}:
        return _is_picture(before) and _is_picture(after)
    return len(run) == 1 and _has_forms(before, ord(run))


def _has_forms(before: str, selector: int) -> bool:
    if selector in _MORE_SELECTORS:
        return before >= _IDEOGRAPHS
    is_selector = selector in _SELECTORS or "\u180b" <= chr(selector) <= "\u180f"
    return is_selector and (_is_picture(before) or (not before.isascii() and not _is_latin(before)))


def _is_letter(each: str) -> bool:
    return bool(each) and (unicodedata.category(each)[0] in "LM" or _is_picture(each))


def _is_latin(each: str) -> bool:
    return unicodedata.name(each, "").startswith("LATIN")


def _is_picture(each: str) -> bool:
    """Return whether a character may be a picture, digits of keycaps among them."""
    return bool(each) and (
        unicodedata.category(each) in {"So", "Sm", "Sk"} or each in "#*0123456789‼⁉"
    )


def _byte(code: int) -> int | None:
    if code in _SELECTORS:
        return code - _SELECTORS.start
    if code in _MORE_SELECTORS:
        return code - _MORE_SELECTORS.start + len(_SELECTORS)
    return code - 0xE0000 if code in _TAGS else None


def _kind(taken: str) -> str:
    codes = [ord(each) for each in taken]
    if any(code in _TAGS for code in codes):
        return "tags"
    has_selectors = any(code in _SELECTORS or code in _MORE_SELECTORS for code in codes)
    return "variation_selectors" if has_selectors else "zero_width"


def _character(found: re.Match[str]) -> str:
    if found["name"]:
        return "\u200b" if found["name"] == "ZeroWidthSpace" else "\u2060"
    code = int(found["hex"], 16) if found["hex"] else int(found["number"])
    each = chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""
    return each if each and UNSEEN_RUN.match(each) else found[0]
