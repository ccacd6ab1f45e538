"""Remove invisible characters that carry hidden data, and retain those that shape visible ones.

Variation selectors, zero-width characters and tags can encode whole provenance manifests (C2PA in
plain text). They are not part of the wording: they are removed and recorded as a field.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from storage.values.draft import CleaningStep, Field, Json

INVISIBLE_RUN = re.compile(
    "[\u180b-\u180d\u180f\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+"
)
CHARACTER_REFERENCE = re.compile(
    "&#(?:[xX]0*(?P<hex>[0-9a-fA-F]{4,5})|0*(?P<number>\\d{4,6}));|&(?P<name>ZeroWidthSpace|NoBreak);"
)
"""Character references in HTML that can denote invisible characters."""
STAMP = "provenance_stamp"
STEP_NAME = "unseen_characters"

_FIRST_BYTES = (
    b"\xe1\xa0", b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xe2\x81",
    b"\xef\xb8", b"\xef\xbb\xbf", b"\xf3\xa0",
)  # fmt: skip
"""The first UTF-8 bytes of invisible characters; few other characters share them."""
_ASCII = bytes(range(128))
_JOINERS = frozenset("\u200c\u200d")
_FLAG, _CANCEL_TAG = "\U0001f3f4", "\U000e007f"
_SELECTORS, _EXTRA_SELECTORS = range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
_TAGS = range(0xE0020, 0xE007F)
_MIN_STAMP_LENGTH = 8
"""Minimum length of a run that is treated as data; shorter ones are line-break hints or errors."""
_MAX_DATA_BYTES = 2_048  # bytes of a stamp that are stored in addition to its digest
_IDEOGRAPHS = "\u2e80"
_C2PA = b"C2PATXT"


def strip_invisible(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a text without invisible characters, and the removed runs.

    >>> strip_invisible("Ö\u200bl\ufe01\ufe02 Auf\u200clage 👩\u200d👧 ❤\ufe0f")
    ('Öl Auf\u200clage 👩\u200d👧 ❤️', ('\u200b', '︁︂'))
    """
    if text.isascii() or not _may_contain_invisible(text):
        return text, ()
    removed: list[str] = []

    def replace_run(match: re.Match[str]) -> str:
        run = match[0]
        if _is_visible_part(text, run, match.start(), match.end()):
            return run
        removed.append(run)
        return ""

    return INVISIBLE_RUN.sub(replace_run, text), tuple(removed)


def _may_contain_invisible(text: str) -> bool:
    """Check quickly, by first UTF-8 bytes, whether a text may contain invisible characters."""
    data = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return any(map(data.__contains__, _FIRST_BYTES))


def decode_references(page: str) -> str:
    """Replace character references to invisible characters by the characters.

    >>> decode_references("a&#8203;b &#x41;") == "a\u200bb &#x41;"
    True
    """
    has_any = "&#" in page or "&ZeroWidthSpace;" in page or "&NoBreak;" in page
    return CHARACTER_REFERENCE.sub(_decode_reference, page) if has_any else page


def stamp(runs: Iterable[str]) -> Json:
    r"""Return the data encoded in runs of invisible characters, None if they encode none.

    >>> stamp(["\ufeff" + "".join(chr(0xFE00 + n) for n in (4, 3, 2, 1, 0, 1, 2, 3))])["data"]
    '0403020100010203'
    >>> stamp(["\u200b"] * 20)
    """
    characters = "".join(run for run in runs if len(run) >= _MIN_STAMP_LENGTH)
    if not characters:
        return None
    encoded = bytes(
        value for character in characters if (value := _hidden_byte(ord(character))) is not None
    )
    data = encoded or characters.encode()
    return {
        "kind": "c2pa" if _C2PA in data else _stamp_kind(characters),
        "characters": len(characters),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": data[:_MAX_DATA_BYTES].hex(),
    }


def stamp_from_steps(steps: Iterable[CleaningStep]) -> Json:
    """Return the stamp that the cleaning steps removed from a text, None if there is none."""
    return next((step.detail["stamp"] for step in steps if step.detail.get("stamp")), None)


def stamp_fields(steps: Iterable[CleaningStep]) -> dict[str, Field]:
    """Return the provenance field for the stamp that the cleaning steps removed, if any."""
    value = stamp_from_steps(steps)
    return {STAMP: Field(value, "unseen characters of the text")} if value else {}


def invisible_flags(steps: Iterable[CleaningStep]) -> tuple[str, ...]:
    """Return the flag for invisible characters that the cleaning steps removed, if any."""
    names = {name for step in steps for name in (step.name, *step.detail.get("cleaned_by", ()))}
    return ("invisible_chars",) if STEP_NAME in names else ()


def _is_visible_part(text: str, run: str, start: int, end: int) -> bool:
    """Check whether a run shapes visible characters: a joiner, a variant form, part of a flag."""
    previous, following = text[start - 1 : start], text[end : end + 1]
    if not previous:
        return False
    if run in _JOINERS:
        return _is_letter(previous) and _is_letter(following)
    if previous == _FLAG:
        return run[-1] == _CANCEL_TAG
    if run in {"\ufe0f\u200d", "\u200d"}:
        return _is_emoji(previous) and _is_emoji(following)
    return len(run) == 1 and _has_variants(previous, ord(run))


def _has_variants(previous: str, selector: int) -> bool:
    if selector in _EXTRA_SELECTORS:
        return previous >= _IDEOGRAPHS
    is_selector = selector in _SELECTORS or "\u180b" <= chr(selector) <= "\u180f"
    return is_selector and (
        _is_emoji(previous) or (not previous.isascii() and not _is_latin(previous))
    )


def _is_letter(character: str) -> bool:
    return bool(character) and (unicodedata.category(character)[0] in "LM" or _is_emoji(character))


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith("LATIN")


def _is_emoji(character: str) -> bool:
    """Check whether a character may be shown as an emoji, including the digits of keycaps."""
    return bool(character) and (
        unicodedata.category(character) in {"So", "Sm", "Sk"} or character in "#*0123456789‼⁉"
    )


def _hidden_byte(code: int) -> int | None:
    if code in _SELECTORS:
        return code - _SELECTORS.start
    if code in _EXTRA_SELECTORS:
        return code - _EXTRA_SELECTORS.start + len(_SELECTORS)
    return code - 0xE0000 if code in _TAGS else None


def _stamp_kind(characters: str) -> str:
    codes = [ord(character) for character in characters]
    if any(code in _TAGS for code in codes):
        return "tags"
    has_selectors = any(code in _SELECTORS or code in _EXTRA_SELECTORS for code in codes)
    return "variation_selectors" if has_selectors else "zero_width"


def _decode_reference(reference: re.Match[str]) -> str:
    if reference["name"]:
        return "\u200b" if reference["name"] == "ZeroWidthSpace" else "\u2060"
    code = int(reference["hex"], 16) if reference["hex"] else int(reference["number"])
    character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""
    return character if character and INVISIBLE_RUN.match(character) else reference[0]
