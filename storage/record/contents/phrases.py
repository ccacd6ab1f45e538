"""Find phrases in bytes: in every part, charset and spelling, with tags between their letters."""

import codecs
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from storage.language.passage import Passage, fold, letters_of
from storage.record.contents.unpack import Parts
from storage.record.suppressed_passages import without_addresses
from storage.values.digest import raw_digest

WINDOW_BYTES = 2 * 1024 * 1024
"""Number of bytes whose text is compared at once."""
OVERLAP_BYTES = 64 * 1024
"""Number of bytes that two windows share, so that a phrase is in one of them as a whole."""
_ROUNDS = 5
"""Number of escapes in one another that are undone, such as entities in JSON in an attribute."""

_TAG = re.compile(r"<(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|<[^<>]*>")
"""A tag, whose attributes may contain `>`."""
_CHARACTER_DATA = re.compile(r"<!\[cdata\[|\]\]>")
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,5}\})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([nrtbf])|(.))",
    re.DOTALL,
)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})++")
_CHARSET = re.compile(
    rb"(?:charset|encoding)\s*+=\s*+[\"']?\s*+([A-Za-z0-9._:-]{2,40})", re.IGNORECASE
)
_REMOVED_TAG = "\0"
"""Replaces a tag: ignored within words."""
_OLD_CHARSETS = (
    "cp1252", "mac-roman", "cp850", "iso8859-2", "cp1250", "cp1251", "iso8859-7", "cp1254",
    "koi8-r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
)  # fmt: skip
"""Charsets that are tried beside the declared one, for bytes that are not UTF-8."""
Phrase = str | Passage
"""A text, or a passage with its own limits of words."""


class Phrases:
    """Phrases and digests to find in bytes; each phrase, or name of a digest, is returned if found.

    Passages within `addresses` are ignored: an article keeps its own address.
    """

    def __init__(
        self,
        phrases: Iterable[Phrase] = (),
        digests: Mapping[bytes, str] | None = None,
        addresses: Iterable[str] = (),
    ) -> None:
        self._digests = dict(digests or {})
        passages = {
            phrase: Passage.parse(phrase) if isinstance(phrase, str) else phrase
            for phrase in phrases
        }
        self._phrases = {phrase: passage for phrase, passage in passages.items() if passage.words}
        self._addresses = frozenset(addresses)

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

    def find_in_text(self, text: str) -> set[Phrase]:
        """Return the phrases in a text."""
        found: set[Phrase] = set()
        for form in _forms(text):
            found |= self._find_in_spelling(form, found)
        return found

    def _find_in_spelling(self, spelling: str, known: set[Phrase]) -> set[Phrase]:
        if not self._phrases:
            return set()
        letters = letters_of(spelling)
        return {
            phrase
            for phrase, passage in self._phrases.items()
            if phrase not in known
            and passage.is_in_folded(spelling, letters)
            and (phrase is not passage or self._is_beside_addresses(passage, spelling))
        }

    def _is_beside_addresses(self, passage: Passage, spelling: str) -> bool:
        return passage.is_in_folded(without_addresses(spelling, passage, self._addresses))


class FoundPhrases:
    """The phrases and names of digests in some bytes, and the reason if a part was left out."""

    def __init__(self) -> None:
        self.phrases: set[Phrase] = set()
        self.digests: set[str] = set()
        self.left_out: str | None = None

    def __bool__(self) -> bool:
        return bool(self.phrases or self.digests)


def read_spellings(part: bytes) -> Iterator[str]:
    """Yield the folded texts of bytes, with and without tags, escapes undone."""
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
    text = fold(text)
    yield text
    if "<" in text:
        bare = _CHARACTER_DATA.sub(_REMOVED_TAG, text) if "<![cdata[" in text else text
        yield _TAG.sub(_REMOVED_TAG, bare)


def _without_escapes(text: str) -> str:
    r"""Undo one round of escapes of HTML, JSON and addresses.

    >>> _without_escapes(r"Zw&ouml;lf\u00f6 Ada%20Kern")
    'Zwölfö Ada Kern'
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
        text = _SURROGATES.sub(_joined, text)
    if "%" in text:
        text = _PERCENT.sub(lambda found: unquote(found[0], errors="replace"), text)
    return html.unescape(text) if "&" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code.strip("{}"), 16))
    if found[3]:
        return chr(int(found[3], 8))
    return " " if found[4] else found[5]


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
