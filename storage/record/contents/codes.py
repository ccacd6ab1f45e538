"""PURE: undo the codes in which texts may be written: as bytes, or as another text."""

import base64
import binascii
import html
import re
import unicodedata
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from storage.language.passage import INVISIBLE

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
        found.parts += _unpack_containers(data, starts, sizes, is_deflate_tried=phase == 0)
        _read_texts(data, found)
    return found


def _unpack_containers(
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


REMOVED_TAG = "\0"
"""Replaces a tag: ignored within words."""
NEIGHBOURHOOD = 4096
"""Number of characters before and behind a rare code that are read with it: a long paragraph."""

_TAG = re.compile(r"<(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|<[^<>]*>")
"""A tag, whose attributes may contain `>`."""
_IN_COMMENT = "[^-<]++|-(?!->)|<(?!!--)"
_COMMENT = re.compile(f"<!--(?:{_IN_COMMENT})*+-->")
_COMMENT_WITH_END = re.compile(f"<!--(?:[^-<>]++|-(?!->)|<(?!!--))*+>(?:{_IN_COMMENT})*+-->")
_CHARACTER_DATA = re.compile(r"<!\[cdata\[|\]\]>", re.IGNORECASE)
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,5}\})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([nrtbf])|(.))",
    re.DOTALL,
)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})++")
_ADDRESS = re.compile(r"[^\s<>\"'&]++")
_STYLE_ESCAPE = re.compile(r"\\([0-9a-fA-F]{2,6})")
_STYLE_ESCAPES = re.compile(r"\\([0-9a-fA-F]{1,6})(?:\r\n|[ \t\r\n\f])?")
_DIVIDED_ESCAPE = re.compile(
    r"(?:\\(?:[ux][0-9a-fA-F{]{0,8}|[0-9a-fA-F]{1,5})|&(?:amp;)*(?:#x?[0-9a-fA-F]{0,6})?)<(?=[a-z!/])"
    r"|\\[ux]?[0-9a-fA-F{]{0,8}\]\]>"
)
"""An escape within which a tag begins: it is found only after the tags are removed."""
_STYLED = "\U0001d400-\U0001d7ff\uff01-\uff5e"
"""Letters of mathematics and of full width, in which the letters of a code may be written."""
_NOT_PLAIN = re.compile(f"[{INVISIBLE}{_STYLED}]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_QUOTED = re.compile(
    r"=(?:\r?\n|3D|[89A-F][0-9A-F](?=[a-z\u00df-\u00ff]|=[0-9A-F]{2})|[0-9a-fA-F]{2}=[0-9a-fA-F]{2})"
)
"""Signs of quoted-printable: a broken line, `=`, a letter that is not
ASCII, two letters."""
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f]")
_PERCENT_CONTROL = re.compile(r"%(?:0[0-8]|1[0-9a-fA-F])")
"""Characters that packed bytes have, and texts have not."""
_CHARACTERS_AS_BYTES = re.compile(r"[\0-\xff]{8,}+")


def without_escapes(text: str) -> str:
    r"""Undo one round of escapes of HTML, JSON and addresses.

    >>> without_escapes(r"Zw&ouml;lf\u00f6 Ada%20Kern")
    'Zwölfö Ada Kern'
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
        text = _SURROGATES.sub(_join_surrogates, text)
    if "%" in text:
        text = _PERCENT.sub(_without_percent, text)
    return html.unescape(text) if "&" in text else text


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code.strip("{}"), 16))
    if found[3]:
        return chr(int(found[3], 8))
    return ("\n" if found[4] == "n" else " ") if found[4] else found[5]


def _join_surrogates(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _without_percent(found: re.Match[str]) -> str:
    return _decode(unquote_to_bytes(found[0]))


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def plain_letters(text: str) -> str:
    """Return a text without invisible code points, with letters of ASCII for styled ones."""
    if text.isascii() or _NOT_PLAIN.search(text) is None:
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def has_divided_escape(text: str) -> bool:
    """Check whether a tag begins within an escape."""
    return "<" in text and _DIVIDED_ESCAPE.search(text) is not None


def without_tags(text: str) -> str:
    """Return a text with `REMOVED_TAG` in place of each tag.

    >>> without_tags("A<b title='>'>d</b>a").replace(REMOVED_TAG, "")
    'Ada'
    """
    return _TAG.sub(REMOVED_TAG, _CHARACTER_DATA.sub(REMOVED_TAG, text) if "<![" in text else text)


def other_readings(text: str) -> Iterator[str]:
    """Yield the results of rare codes with their neighbourhoods: they look like other codes.

    Escapes of style sheets look like octal ones, quoted-printable looks like a query of an address,
    and a comment may contain a false end.
    """
    if "\\" in text:
        for near in _neighbourhoods(_STYLE_ESCAPE, text):
            yield _STYLE_ESCAPES.sub(_without_style, near)
    if "=" in text:
        yield from map(_without_quoted, _neighbourhoods(_QUOTED, text))
    if "<!--" in text:
        for near in _neighbourhoods(_COMMENT_WITH_END, text):
            yield _COMMENT.sub("", near)


def _without_style(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 else found[0]


def _without_quoted(text: str) -> str:
    return _decode(binascii.a2b_qp(text.encode("utf-8", "surrogatepass")))


def bytes_in(text: str, plain: str) -> Iterator[bytes]:
    """Yield the bytes that the escapes of a text may represent; `plain` has no escapes.

    An address has a byte for `%` and two digits, other escapes one for each character.
    """
    if "%" in text and _PERCENT_CONTROL.search(text):
        for found in _ADDRESS.finditer(text):
            if _PERCENT_CONTROL.search(found[0]):
                yield unquote_to_bytes(found[0])
    if _CONTROL.search(plain) and not _CONTROL.search(text):
        for found in _CHARACTERS_AS_BYTES.finditer(plain):
            if _CONTROL.search(found[0]):
                yield found[0].encode("latin-1")


def _neighbourhoods(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the parts of a text that have a pattern, with their neighbourhoods."""
    begun, end = 0, None
    for found in pattern.finditer(text):
        start = max(found.start() - NEIGHBOURHOOD, 0)
        if end is None:
            begun = start
        elif start > end:
            yield text[begun:end]
            begun = start
        end = found.end() + NEIGHBOURHOOD
    if end is not None:
        yield text[begun:end]
