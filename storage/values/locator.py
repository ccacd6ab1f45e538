r"""Paths and keys as text that can be stored, printed and converted back safely.

An escape is `\xNN` for a byte that is not UTF-8 and for an ASCII control character, `\uNNNN` for
any other character that could break a line, change the direction of writing, or is half of a
surrogate pair. A backslash is escaped itself, so that every text has exactly one escaped form.
"""

import re

from storage.values.arrivals.formats import CONTAINERS

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\\\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
r"""Characters that a locator never contains: controls, line ends, direction marks, surrogates, `\`.

>>> UNSAFE.sub("?", "Haus\nHof")
'Haus?Hof'
"""

MEMBER_MARK = re.compile(rf"(?:{'|'.join(map(re.escape, CONTAINERS))})(?:\.gz)?(#)", re.IGNORECASE)
"""A `#` in a path that could be read as the separator between a file and its member.

>>> bool(MEMBER_MARK.search("alt.jsonl#7")), bool(MEMBER_MARK.search("C# heute.txt"))
(True, False)
"""


def escape_locator(path: str) -> str:
    r"""Return `path` (a path as the system gives it, or a key) in its escaped form.

    Valid UTF-8 without controls, whatever comes in. Only a `#` behind the name of a
    container is escaped: elsewhere it cannot be mistaken for the border to a member.

    >>> escape_locator("Küche/a\nb.txt")
    'Küche/a\\x0ab.txt'
    >>> escape_locator("alt.jsonl#7")
    'alt.jsonl\\x237'
    """
    if path.isprintable() and "\\" not in path and "#" not in path:
        return path
    escaped = UNSAFE.sub(_escape_match, path)
    return MEMBER_MARK.sub(lambda match: match[0][:-1] + r"\x23", escaped)


def origin_path(locator: str, member: str) -> str:
    """Return the path of an origin: without `.gz`, with the member.

    >>> origin_path("2024/a.jsonl.gz", "#k7")
    '2024/a.jsonl#k7'
    """
    return without_gz(locator) + member


def without_gz(name: str) -> str:
    """Return `name` without one `.gz` at its end.

    >>> without_gz("a.txt.GZ"), without_gz(".gz")
    ('a.txt', '.gz')
    """
    stem = name[:-3]
    if name[-3:].lower() == ".gz" and stem and not stem.endswith("/"):
        return stem
    return name


def _escape_match(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not decode
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"
