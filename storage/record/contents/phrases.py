"""Find phrases in bytes: in every part, charset and spelling, with tags between their letters."""

import codecs
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from storage.record.contents.unpack import Parts
from storage.values.digest import DOUBLE_QUOTES, SINGLE_QUOTES, raw_digest

WINDOW_BYTES = 2 * 1024 * 1024
"""Number of bytes whose text is compared at once."""
OVERLAP_BYTES = 64 * 1024
"""Number of bytes that two windows share, so that a phrase is in one of them as a whole."""
_ROUNDS = 3
"""Number of escapes in one another that are undone, such as entities in JSON in an attribute."""

_TAG = re.compile(r"<[^<>]*>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf])|(.))", re.DOTALL)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_CHARSET = re.compile(
    rb"(?:charset|encoding)\s*+=\s*+[\"']?\s*+([A-Za-z0-9._:-]{2,40})", re.IGNORECASE
)
_MARKS = "\0*_"
"""Characters that may stand between the letters of a phrase: a removed tag, emphasis."""
_GAPS = re.compile(rf"[\s+{_MARKS}]+")
_QUOTES = str.maketrans(dict.fromkeys(DOUBLE_QUOTES, '"') | dict.fromkeys(f"{SINGLE_QUOTES}`", "'"))
_OLD_CHARSETS = (
    "cp1252", "mac-roman", "cp850", "iso8859-2", "cp1250", "cp1251", "iso8859-7", "cp1254",
    "koi8-r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
)  # fmt: skip
"""Charsets that are tried beside the declared one, for bytes that are not UTF-8."""


class Phrases:
    """Phrases and digests to find in bytes; the name of each is returned if it is found.

    Case, white space, soft hyphens, the shape of quotation marks, and tags and emphasis between
    the letters are ignored.
    """

    def __init__(
        self, phrases: Iterable[str] = (), digests: Mapping[bytes, str] | None = None
    ) -> None:
        self._digests = dict(digests or {})
        self._phrases = {
            phrase: squeezed for phrase in phrases if (squeezed := _squeeze(_plain(phrase)))
        }
        self._patterns: dict[str, re.Pattern[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._phrases or self._digests)

    def find_in_bytes(self, raw: bytes) -> "FoundPhrases":
        """Return what some bytes contain, unpacked and decoded."""
        parts, found = Parts(raw), FoundPhrases()
        for part in parts:
            if self._digests and (name := self._digests.get(raw_digest(part))) is not None:
                found.digests.add(name)
            for spelling in read_spellings(part):
                found.phrases |= self._find_in_spelling(spelling, found.phrases)
        found.left_out = parts.left_out
        return found

    def find_in_text(self, text: str) -> set[str]:
        """Return the phrases in a text."""
        found: set[str] = set()
        for form in _forms(text):
            found |= self._find_in_spelling(form, found)
        return found

    def _find_in_spelling(self, spelling: str, known: set[str]) -> set[str]:
        if not self._phrases:
            return set()
        squeezed = _squeeze(spelling)
        return {
            phrase
            for phrase, letters in self._phrases.items()
            if phrase not in known
            and letters in squeezed
            and self._pattern(phrase).search(spelling)
        }

    def _pattern(self, phrase: str) -> re.Pattern[str]:
        """Return the pattern that respects the limits between the words of a phrase."""
        if phrase not in self._patterns:
            words = _GAPS.sub(" ", _plain(phrase)).split()
            loose = (rf"[{_MARKS}]*".join(map(re.escape, word)) for word in words)
            self._patterns[phrase] = re.compile(_GAPS.pattern.join(loose))
        return self._patterns[phrase]


class FoundPhrases:
    """The phrases and names of digests in some bytes, and the reason if a part was left out."""

    def __init__(self) -> None:
        self.phrases: set[str] = set()
        self.digests: set[str] = set()
        self.left_out: str | None = None

    def __bool__(self) -> bool:
        return bool(self.phrases or self.digests)


def read_spellings(part: bytes) -> Iterator[str]:
    """Yield the texts of bytes, in comparable form: with and without tags, escapes undone."""
    for start in range(0, max(len(part) - OVERLAP_BYTES, 1), WINDOW_BYTES):
        window = part[start : start + WINDOW_BYTES + OVERLAP_BYTES]
        for text in dict.fromkeys(_decode(window, _declared(part))):
            yield from _forms(text)


def _decode(window: bytes, charset: str | None) -> Iterator[str]:
    if window.count(0) * 5 > len(window):
        wide = "utf-32" if window.count(0) * 5 > 3 * len(window) else "utf-16"
        yield from (window.decode(f"{wide}-{order}", "replace") for order in ("le", "be"))
        return
    text = window.decode("utf-8", "replace")
    yield text
    others = _OLD_CHARSETS if "\ufffd" in text else ()
    for name in (*([charset] if charset else ()), *others):
        yield window.decode(name, "replace")


def _declared(part: bytes) -> str | None:
    """Return the charset that bytes declare in their beginning, None if Python does not know it."""
    found = _CHARSET.search(part[:4096])
    try:
        name = "utf-8" if found is None else codecs.lookup(found[1].decode()).name
        b"".decode(name)  # fails for codecs of other kinds, such as base64
    except (LookupError, UnicodeError):
        return None
    return None if name in {"utf-8", "utf-7"} else name


def _forms(text: str) -> Iterator[str]:
    for _ in range(_ROUNDS):
        plain = _without_escapes(text)
        if plain == text:
            break
        text = plain
    text = _plain(text)
    yield text
    if "<" in text:
        yield _TAG.sub("\0", text)


def _without_escapes(text: str) -> str:
    r"""Undo one round of escapes of HTML, JSON and addresses.

    >>> _without_escapes(r"Zw&ouml;lf\u00f6 Ada%20Kern")
    'Zwölfö Ada Kern'
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    if "%" in text:
        text = _PERCENT.sub(lambda found: unquote(found[0], errors="replace"), text)
    return html.unescape(text) if "&" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code, 16))
    return " " if found[3] else found[4]


def _plain(text: str) -> str:
    """Return a text in comparable form; white space and tags are left as they are."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return text.translate(_QUOTES).casefold()


def _squeeze(text: str) -> str:
    return _GAPS.sub("", text)
