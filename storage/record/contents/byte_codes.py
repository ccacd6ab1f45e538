"""PURE: find texts and containers in base64, and texts among other bytes."""

import base64
import re
import zlib
from collections.abc import Iterator

FEWEST_DIGITS = 11
"""Minimum number of digits of base64 that are decoded: those of eight bytes."""
FEWEST_CHARACTERS = 6
"""Minimum length of a text among other bytes; one byte of three is a character by chance."""
SURE_CHARACTERS = 24
"""Length from which a text among other bytes is none by chance: once in 10^10 places."""
FEWEST_PACKED = 18
"""Minimum number of bytes in which deflate without a header is tried."""
END = " \ua66e "
"""Separates texts: a rare letter, so that no passage continues behind it."""

_DIGIT, _LINE = "[A-Za-z0-9+/_-]", r"[ \t]*+\r?\n[ \t]*+"
_BASE64 = re.compile(
    f"(?<!{_DIGIT})(?=[a-z0-9+/_-]*+[A-Z])"
    f"(?:{_DIGIT}{{{FEWEST_DIGITS},}}+(?:{_LINE}{_DIGIT}++)*+|{_DIGIT}{{2,}}+(?:{_LINE}{_DIGIT}{{2,}}+)++)"
)
"""Digits in one line, or in lines of any length; base64 of a text has capital letters."""
_STANDARD = str.maketrans("-_", "+/", " \t\r\n")
_MAGIC = (
    b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"%PDF", b"WARC/",
    b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",
)  # fmt: skip
_CONTAINER = re.compile(b"(?<=\\0\\0\\0)(?:%b)" % b"|".join(map(re.escape, _MAGIC)))
_CHARACTER = (
    rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2})"
)
_TEXT = re.compile(_CHARACTER + b"{%d,}+" % FEWEST_CHARACTERS)
_OLD_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{32,}+")
"""A text in a charset with one byte for a character, if most of it is ASCII."""
_ALPHABETS = rb"[\x01-\x10\x1e\x20\x30-\x33\x4e-\xdf\xff]"
"""The first bytes of the letters of living alphabets in UTF-16."""
_WIDE_TEXTS = {
    "utf-16-le": re.compile(rb"(?s:(?:[^\0]\0){6,}+|(?:[^\0]\0|.%b){16,}+)" % _ALPHABETS),
    "utf-16-be": re.compile(rb"(?s:(?:\0[^\0]){6,}+|(?:\0[^\0]|%b.){16,}+)" % _ALPHABETS),
    "utf-32-le": re.compile(rb"(?s:(?:..[\0-\x03]\0){6,}+)"),
    "utf-32-be": re.compile(rb"(?s:(?:\0[\0-\x03]..){6,}+)"),
}
_BETWEEN = "AAAAAAAA"
"""Six zeros, between the results of runs of digits."""
_NOT_ASCII = bytes(range(0x80, 0x100))


class Found:
    """What base64 results in: `parts` are texts or containers, `rest` texts among other bytes."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.rest: list[str] = []


def from_base64(text: str, seen: set[int]) -> Found:
    """Return the results of all runs of digits of base64 in a text.

    A run may begin with up to three digits of the text before it, such as an address.
    `seen` are hashes of the runs that were decoded before.
    """
    found, runs = Found(), []
    for match in _BASE64.finditer(text):
        digits = match[0].translate(_STANDARD)
        if len(digits) >= FEWEST_DIGITS and (key := hash(digits)) not in seen:
            seen.add(key)
            runs.append(digits)
    for phase in range(4) if runs else ():
        starts, coded, size = [], [_BETWEEN], len(_BETWEEN)
        for run in runs:
            starts.append(size // 4 * 3)
            coded += (run[phase:], "A" * (-(len(run) - phase) % 4), _BETWEEN)
            size += (len(run) - phase + 3) // 4 * 4 + len(_BETWEEN)
        data = base64.b64decode("".join(coded))
        sizes = [(len(run) - phase) * 3 // 4 for run in runs]
        found.parts += _packed_in(data, starts, sizes, is_deflate_tried=phase == 0)
        _read_texts(data, found)
    return found


def _packed_in(
    data: bytes, starts: list[int], sizes: list[int], *, is_deflate_tried: bool
) -> Iterator[bytes]:
    """Yield the containers that begin at some places of bytes, and what deflate results in."""
    size_at = dict(zip(starts, sizes, strict=True))
    for match in _CONTAINER.finditer(data):
        if (size := size_at.get(match.start())) is not None:
            yield data[match.start() : match.start() + size]
    for start, size in size_at.items() if is_deflate_tried else ():
        if size >= FEWEST_PACKED and data[start] & 7 in {3, 5}:
            inner = inflate_whole(data[start : start + size])
            if inner is not None:
                yield inner


def _read_texts(data: bytes, found: Found) -> None:
    short = []
    for text in _TEXT.findall(data):
        if len(text) < SURE_CHARACTERS:
            short.append(text)
        else:
            found.parts.append(text)
    for text in _OLD_TEXT.findall(data):
        if len(text.translate(None, _NOT_ASCII)) * 4 > 3 * len(text) and not is_text(text):
            found.parts.append(text)
    if short:
        found.rest.append(END.join(text.decode("utf-8", "replace") for text in short))
    found.rest += wide_texts_in(data)


def wide_texts_in(data: bytes) -> Iterator[str]:
    """Yield the texts in UTF-16 and UTF-32 of either order that begin anywhere in some bytes."""
    for charset, pattern in _WIDE_TEXTS.items():
        if texts := pattern.findall(data):
            yield END.join(text.decode(charset, "replace") for text in texts)


def is_text(data: bytes) -> bool:
    r"""Check whether bytes are a text in UTF-8 without control characters.

    >>> is_text("Gänse".encode()), is_text("Gänse".encode("cp1252")), is_text(b"a\0")
    (True, False, False)
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return len(data.translate(None, _CONTROLS)) == len(data)


_CONTROLS = bytes({*range(32)} - {9, 10, 12, 13, 27})


def is_packed(data: bytes) -> bool:
    """Check whether bytes are a container, packed by deflate, or a text in UTF-16 or UTF-32."""
    return (
        data.startswith(_MAGIC)
        or data.count(0) * 5 > len(data) > 16
        or inflate_whole(data) is not None
    )


def inflate_whole(data: bytes, most: int = 1 << 20) -> bytes | None:
    """Return what deflate without a header results in, None if the bytes are not exactly that."""
    if len(data) < 8 or data[0] & 6 == 6:  # no such block
        return None
    inflater = zlib.decompressobj(-15)
    try:
        found = inflater.decompress(data, most)
    except zlib.error:
        return None
    is_whole = inflater.eof and not inflater.unused_data
    return found if is_whole and (is_text(found) or is_packed(found)) else None
