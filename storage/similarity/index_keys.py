"""PURE: the numbers under which texts find each other.

A text is looked for by what it may share with another: bands of its signature (near-copies), its
passages (what was cut or embedded), and, where one text names another, by title, number and day.
Equal numbers say nothing yet: they only tell which texts are worth comparing.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from storage.similarity.references import (
    OPENING,
    Reference,
    core,
    dated,
    is_specific,
    may_be_numbered,
    may_refer,
    own_numbers,
    reference,
    serial,
)

BANDS, ROWS = 8, 4
"""So many bands of so many values: texts that share 7 of 10 shingles meet with 9 of 10."""
MOST_PASSAGES = 24
"""Passages of a text that leave an index key: of more, the same ones in each text that has them."""
SHORTEST_PASSAGE = 24
"""Bytes of a passage."""
RUN_WORDS = 6
"""Words of a passage of a short text."""

BAND, PASSAGE, TITLE, NUMBER, DAY, TITLE_MEANT, NUMBER_MEANT, DAY_MEANT = range(8)
"""What an index key is of; its three highest bits of 48. The last three are of texts that mean
another one by it."""

_HASH_BITS = 45
_ADLER_MASK = 0x1FFF
_VALUE_BYTES = 4
_QUOTES = b"\"'()"
_MARKS = b"?!,:;"
_FOLDED = bytes.maketrans(_MARKS + ascii_uppercase.encode(), b"." * 5 + ascii_lowercase.encode())
"""What `bytes.translate` makes of a text in one go; letters beyond ASCII keep their case."""
_ENDS = (b"\n", b" - ", b" und ", b" and ")
CLAUSE_END = re.compile(r"[.?!,:;][\"'()]* |\n| - | und | and ")
DIGIT = re.compile(rb"\d")


class IndexKeys(NamedTuple):
    """The index keys that a text leaves, and those that it looks for; most are both."""

    kept: tuple[int, ...]
    sought: tuple[int, ...]

    @property
    def all(self) -> frozenset[int]:
        return frozenset((*self.kept, *self.sought))


def index_keys(
    parts: Sequence[str],
    signature: bytes | None,
    *,
    title: str | None,
    site: str,
    day: date | None,
    is_exact: bool,
) -> IndexKeys:
    """Return the index keys of a text.

    `parts` are its paragraphs in canonical form, `signature` its MinHash, `site` where it
    stands (`site_of`), `day` the last one that it may have been published on, else that of the
    first snapshot; `is_exact` says that there is no other one.
    """
    folded = _folded(parts)
    shared = [*bands(signature or b""), *_passages(folded)]
    text = _opening(parts)
    stated_day = day if is_exact or day is None else dated(text, day)
    head = _folded([title or ""]) + b"\n" + folded[: 2 * OPENING]
    named = reference(title, text, stated_day) if may_refer(head) else None
    own = [_of_title(site, core(title), day)] if title else []
    if may_be_numbered(head) or serial(title):
        own += [_of_number(site, number) for number in own_numbers(title, text, named)]
    if stated_day is not None:
        own.append(_of_day(site, stated_day))
    kept = [*shared, *own]
    sought = [*shared, *map(_meant, own)]
    if named is not None:
        meant = of_reference(site, day, named)
        kept += map(_meant, meant)
        sought += meant
    return IndexKeys(tuple(dict.fromkeys(kept)), tuple(dict.fromkeys(sought)))


def bands(signature: bytes) -> list[int]:
    """Return an index key for each band of a signature of 32-bit values."""
    size = ROWS * _VALUE_BYTES
    return [
        _index_key(BAND, bytes((number,)) + signature[number * size : (number + 1) * size])
        for number in range(min(BANDS, len(signature) // size))
    ]


def passages(parts: Iterable[str]) -> list[int]:
    """Return the index keys of up to `MOST_PASSAGES` passages: clauses, without case and quotes.

    The smallest checksums win, so that texts that share passages choose the same ones. A short
    text, of whose few clauses each may have been edited, is found by runs of words too.
    """
    return _passages(_folded(parts))


def _passages(folded: bytes) -> list[int]:
    chosen = _smallest(_clauses(folded), MOST_PASSAGES)
    if len(chosen) < MOST_PASSAGES:
        chosen += _smallest(_word_runs(folded), MOST_PASSAGES - len(chosen))
    return chosen


def _smallest(pieces: Iterable[bytes], most: int) -> list[int]:
    """Return the index keys of the pieces with the smallest checksums, those with digits first.

    A passage with a number is of one event; one without may be how its sender always speaks.
    """
    pieces = list(pieces)
    found = dict(zip(map(zlib.crc32, pieces), pieces, strict=True))
    chosen = sorted(found)[: 2 * most]
    if len(chosen) > most:
        chosen.sort(key=lambda each: DIGIT.search(found[each]) is None)
    return [
        PASSAGE << _HASH_BITS | each << 13 | zlib.adler32(found[each]) & _ADLER_MASK
        for each in chosen[:most]
    ]


def _opening(parts: Sequence[str]) -> str:
    """Return the first paragraphs, as many as a text may need to say what it follows."""
    size = end = 0
    while end < len(parts) and size < OPENING:
        size += len(parts[end]) + 2
        end += 1
    return "\n\n".join(parts[:end])


def _word_runs(folded: bytes) -> list[bytes]:
    words = folded.replace(b".", b"").split()
    return [b" ".join(run) for run in zip(*(words[n:] for n in range(RUN_WORDS)), strict=False)]


def _folded(parts: Iterable[str]) -> bytes:
    return "\n".join(parts).encode("utf-8", "surrogatepass").translate(_FOLDED, _QUOTES)


def clauses(parts: Iterable[str]) -> list[bytes]:
    """Return the pieces of a text between its marks that are long enough to be distinguished.

    >>> clauses(['Am Montag kam er, sagte sie. "Der Damm in Lohetal hat gehalten", rief er.'])
    [b'der damm in lohetal hat gehalten']
    """
    return _clauses(_folded(parts))


def _clauses(whole: bytes) -> list[bytes]:
    for end in _ENDS:
        whole = whole.replace(end, b". ")
    return [piece for piece in whole.split(b". ") if len(piece) >= SHORTEST_PASSAGE]


def clause_spans(text: str, wanted: frozenset[int]) -> list[tuple[int, int]]:
    """Return where in `text`, in canonical form, the passages with the index keys `wanted` stand.

    >>> text = "Es brannte. Die Polizei sucht nach Zeugen, sagte sie."
    >>> [text[a:b] for a, b in clause_spans(text, frozenset(passages([text])))]
    ['Die Polizei sucht nach Zeugen']
    """
    found = []
    start = 0
    for end in (*(match.span() for match in CLAUSE_END.finditer(text)), (len(text), len(text))):
        piece = text[start : end[0]]
        if any(_index_key(PASSAGE, clause) in wanted for clause in clauses([piece])):
            found.append((start, end[0]))
        start = end[1]
    return found


def of_reference(site: str, day: date | None, named: Reference) -> list[int]:
    """Return the index keys of the texts that a reference may mean."""
    found = []
    for title in named.titles:
        found.append(_of_title(site, title, day))
        if day is not None and day.month != (before := _month_before(day)).month:
            found.append(_of_title(site, title, before))
    found += [_of_number(site, number) for number in named.numbers]
    return [*found, *(_of_day(site, each) for each in named.days)]


def kind_of(key: int) -> int:
    """Return what an index key is of: `BAND`, `PASSAGE` …"""
    return key >> _HASH_BITS


# ------------------------------------------------------------------------------------ private


def _index_key(kind: int, data: bytes) -> int:
    return kind << _HASH_BITS | zlib.crc32(data) << 13 | zlib.adler32(data) & _ADLER_MASK


def _meant(key: int) -> int:
    """Return the index key that a text leaves which means the text with this one."""
    return key + (TITLE_MEANT - TITLE << _HASH_BITS)


def _month_before(day: date) -> date:
    return date(day.year - 1, 12, 1) if day.month == 1 else date(day.year, day.month - 1, 1)


def _of_title(site: str, title_core: str, day: date | None) -> int:
    """A title that comes often is looked for within its site alone, and within a month."""
    where = "" if is_specific(title_core) else site
    month = f"{day:%Y-%m}" if day else ""
    return _index_key(TITLE, f"{where}\0{month}\0{title_core}".encode("utf-8", "surrogatepass"))


def _of_number(site: str, number: int) -> int:
    return _index_key(NUMBER, f"{site}\0{number}".encode("utf-8", "surrogatepass"))


def _of_day(site: str, day: date) -> int:
    return _index_key(DAY, f"{site}\0{day}".encode("utf-8", "surrogatepass"))
