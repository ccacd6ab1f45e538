"""Read bytes in every way in which they may be meant: unpacked, decoded, and with codes undone."""

import codecs
import re
from collections.abc import Iterator

from storage.language.passage import fold
from storage.record.contents.codes import (
    REMOVED_TAG,
    bytes_in,
    from_base64,
    has_divided_escape,
    inflate_whole,
    is_packed,
    other_readings,
    plain_letters,
    without_escapes,
    without_tags,
)
from storage.record.contents.unpack import DAMAGE, Budget, unpackers
from storage.values.digest import raw_digest

MOST_DEPTH = 8
"""Maximum number of containers and codes within one another."""
WINDOW_BYTES = 2 * 1024 * 1024
"""Number of bytes whose text is compared at once."""
OVERLAP_BYTES = 64 * 1024
"""Number of bytes that two windows share, so that a phrase is in one of them as a whole."""
_ROUNDS = 8
"""Maximum number of escapes in one another that are undone, such as entities in JSON."""

_CHARSET = re.compile(
    rb"(?:charset|encoding)\s*+=\s*+[\"']?\s*+([A-Za-z0-9._:-]{2,40})", re.IGNORECASE
)
_MOST_ZEROS = 20
"""If more than one byte of 20 is a zero, the bytes may be UTF-16 or UTF-32."""
_OLD_CHARSETS = (
    "cp1252", "mac-roman", "cp850", "iso8859-2", "cp1250", "cp1251", "iso8859-7", "cp1254",
    "koi8-r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "utf-16-le", "utf-16-be",
)  # fmt: skip
"""Charsets that are tried after the declared one, for bytes that are not UTF-8."""


class Views:
    """The views of some bytes or a text: byte strings as they are unpacked, and folded texts.

    `left_out` states after the iteration why something could not be unpacked, None if everything
    was. Damage in bytes that only begin like a container is no reason.
    """

    def __init__(self, content: bytes | str) -> None:
        self._content = content
        self._budget = Budget(len(content))
        self._seen: set[bytes] = set()
        self._runs: set[int] = set()
        self.left_out: str | None = None

    def __iter__(self) -> Iterator[bytes | str]:
        yield from self._walk(self._content, 0)

    def _walk(self, content: bytes | str, depth: int) -> Iterator[bytes | str]:
        """Yield the views of bytes or a text with `depth` containers and codes around it."""
        if depth > MOST_DEPTH:
            self.left_out = f"it is packed or written in more than {MOST_DEPTH} codes"
        elif self._is_new(content):
            if isinstance(content, str):
                yield from self._guard(self._walk_text(content, depth))
            else:
                yield from self._guard(self._walk_bytes(content, depth))

    def _guard(self, views: Iterator[bytes | str]) -> Iterator[bytes | str]:
        """Yield views up to the first one that cannot be read."""
        try:
            yield from views
        except DAMAGE as error:
            self.left_out = f"a part cannot be unpacked: {error}".partition("\n")[0]

    def _is_new(self, content: bytes | str) -> bool:
        if isinstance(content, str):
            digest = b"text" + raw_digest(content.encode("utf-8", "surrogatepass"))
        else:
            digest = raw_digest(content)
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new

    def _walk_bytes(self, part: bytes, depth: int) -> Iterator[bytes | str]:
        yield part
        for unpack in unpackers(part):
            for inner in self._guard(unpack(self._budget, part)):
                yield from self._walk(inner, depth + 1)
        if (inflated := inflate_whole(part, self._budget.room)) is not None:
            yield from self._walk(self._budget.take(inflated), depth + 1)
        if len(part) > WINDOW_BYTES:  # a container may be longer than the texts that are compared
            yield from self._walk_base64(part.decode("latin-1"), depth)
        charset = _declared_charset(part)
        for start in range(0, max(len(part) - OVERLAP_BYTES, 1), WINDOW_BYTES):
            window = part[start : start + WINDOW_BYTES + OVERLAP_BYTES]
            for text in dict.fromkeys(_texts_of(window, charset)):
                yield from self._walk(text, depth)

    def _walk_text(self, text: str, depth: int) -> Iterator[bytes | str]:
        found: list[bytes | str] = []
        text = plain_letters(text)
        if has_divided_escape(text):
            found.append(without_tags(text).replace(REMOVED_TAG, ""))
        text = self._undo(text, found)
        folded = fold(text)
        yield folded
        yield from self._walk_base64(text, depth)
        if "<" in folded:
            yield without_tags(folded)
            bare = without_tags(text).replace(REMOVED_TAG, "")
            yield from self._walk_base64(bare, depth)
            if (plain := self._undo(bare, found)) != bare:
                found.append(plain)
        for content in found:
            yield from self._walk(content, depth + 1)

    def _undo(self, text: str, found: list[bytes | str]) -> str:
        """Return a text without escapes; add its other readings to `found`."""
        for number in range(_ROUNDS):
            found += other_readings(text)
            plain = without_escapes(self._budget.read(text))
            if plain != text:
                found += [data for data in bytes_in(text, plain) if is_packed(data)]
            elif number == 0 or (plain := plain_letters(text)) == text:
                break
            text = plain
        return text

    def _walk_base64(self, text: str, depth: int) -> Iterator[bytes | str]:
        found = from_base64(text, self._runs)
        yield from map(fold, found.rest)
        for part in found.parts:
            yield from self._walk(self._budget.take(part), depth + 1)


def _texts_of(window: bytes, charset: str | None) -> Iterator[str]:
    if window.count(0) * _MOST_ZEROS > len(window):
        for wide in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            yield window.decode(wide, "replace")
    window = _trim_characters(window)
    text = window.decode("utf-8", "replace")
    yield text
    others = _OLD_CHARSETS if "\ufffd" in text else ()
    for name in (*([charset] if charset else ()), *others):
        yield window.decode(name, "replace")


def _trim_characters(window: bytes) -> bytes:
    """Return bytes without the halves of characters in UTF-8 at their ends.

    >>> _trim_characters("ä ö".encode()[1:-1])
    b' '
    """
    start = next((at for at in range(min(3, len(window))) if window[at] & 0xC0 != 0x80), 0)
    for back in range(1, min(4, len(window) - start) + 1):
        first = window[-back]
        if first & 0xC0 != 0x80:
            size = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
            return window[start : len(window) - back if size > back else None]
    return window[start:]


def _declared_charset(part: bytes) -> str | None:
    """Return the charset that bytes declare in their beginning, None if Python does not know it."""
    found = _CHARSET.search(part[:4096])
    try:
        name = "utf-8" if found is None else codecs.lookup(found[1].decode()).name
        b"".decode(name)  # fails for codecs of other kinds, such as base64
    except (LookupError, UnicodeError):
        return None
    return None if name in {"utf-8", "utf-7"} else name
