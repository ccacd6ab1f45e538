"""PURE: numbers by which texts with common content find each other.

Texts are found by content that they may share: bands of their signatures (near-copies), passages
(cut or embedded texts), and, for references, by title, number and day. Equal keys only select
candidates for a comparison.
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
    day_in_month,
    is_specific,
    may_be_numbered,
    may_refer,
    numbers_of_text,
    reference,
    serial,
)

BANDS, ROWS = 8, 4
"""Number of bands and values per band: texts that share 7 of 10 shingles are found with probability
.9.
"""
MOST_PASSAGES = 24
"""Maximum number of passages with index keys; longer texts select the same ones in each text."""
SHORTEST_PASSAGE = 24
"""Minimum length of a passage in bytes."""
RUN_WORDS = 6
"""Words per passage of a short text."""

BAND, PASSAGE, TITLE, NUMBER, DAY, TITLE_MEANT, NUMBER_MEANT, DAY_MEANT = range(8)
"""Kinds of index keys, in the three highest of 48 bits. The last three belong to texts that refer
to another one.
"""

_HASH_BITS = 45
_ADLER_MASK = 0x1FFF
_VALUE_BYTES = 4
_QUOTES = b"\"'()"
_MARKS = b"?!,:;"
_FOLDED = bytes.maketrans(_MARKS + ascii_uppercase.encode(), b"." * 5 + ascii_lowercase.encode())
"""Table for `bytes.translate`; letters beyond ASCII keep their case."""
_ENDS = (b"\n", b" - ", b" und ", b" and ")
CLAUSE_END = re.compile(r"[.?!,:;][\"'()]* |\n| - | und | and ")
DIGIT = re.compile(rb"\d")


class IndexKeys(NamedTuple):
    """The index keys that a text stores, and those that it looks up; most are both."""

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

    `parts` are its paragraphs in canonical form, `signature` is its MinHash, `site` its site
    (`site_of`), `day` the last possible day of publication, or the day of its first snapshot.
    `is_exact` is true if the day is the only possible one.
    """
    folded = _fold(parts)
    shared = [*bands(signature or b""), *_passages(folded)]
    text = _opening(parts)
    stated_day = day if is_exact or day is None else day_in_month(text, day)
    head = _fold([title or ""]) + b"\n" + folded[: 2 * OPENING]
    named = reference(title, text, stated_day) if may_refer(head) else None
    own = [_title_key(site, core(title), day)] if title else []
    if may_be_numbered(head) or serial(title):
        own += [_number_key(site, number) for number in numbers_of_text(title, text, named)]
    if stated_day is not None:
        own.append(_day_key(site, stated_day))
    kept = [*shared, *own]
    sought = [*shared, *map(_referring_key, own)]
    if named is not None:
        meant = reference_keys(site, day, named)
        kept += map(_referring_key, meant)
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
    """Return the index keys of up to `MOST_PASSAGES` passages: clauses without case and quotation
    marks.

    The passages with the smallest checksums are selected, so that texts with common passages
    select the same ones. A short text, whose few clauses may all have been edited, also gets runs
    of words.
    """
    return _passages(_fold(parts))


def _passages(text: bytes) -> list[int]:
    chosen = _smallest_keys(_clauses(text), MOST_PASSAGES)
    if len(chosen) < MOST_PASSAGES:
        chosen += _smallest_keys(_word_runs(text), MOST_PASSAGES - len(chosen))
    return chosen


def _smallest_keys(pieces: Iterable[bytes], limit: int) -> list[int]:
    """Return the index keys of the pieces with the smallest checksums, those with digits first.

    A passage with a number belongs to one event; one without may be typical of its sender.
    """
    pieces = list(pieces)
    found = dict(zip(map(zlib.crc32, pieces), pieces, strict=True))
    chosen = sorted(found)[: 2 * limit]
    if len(chosen) > limit:
        chosen.sort(key=lambda each: DIGIT.search(found[each]) is None)
    return [
        PASSAGE << _HASH_BITS | each << 13 | zlib.adler32(found[each]) & _ADLER_MASK
        for each in chosen[:limit]
    ]


def _opening(parts: Sequence[str]) -> str:
    """Return the first paragraphs, enough to contain a reference."""
    size = end = 0
    while end < len(parts) and size < OPENING:
        size += len(parts[end]) + 2
        end += 1
    return "\n\n".join(parts[:end])


def _word_runs(text: bytes) -> list[bytes]:
    words = text.replace(b".", b"").split()
    return [b" ".join(run) for run in zip(*(words[n:] for n in range(RUN_WORDS)), strict=False)]


def _fold(parts: Iterable[str]) -> bytes:
    return "\n".join(parts).encode("utf-8", "surrogatepass").translate(_FOLDED, _QUOTES)


def clauses(parts: Iterable[str]) -> list[bytes]:
    """Return the pieces of a text between punctuation marks that are long enough to be distinctive.

    >>> clauses(['Am Montag kam er, sagte sie. "Der Damm in Lohetal hat gehalten", rief er.'])
    [b'der damm in lohetal hat gehalten']
    """
    return _clauses(_fold(parts))


def _clauses(text: bytes) -> list[bytes]:
    for end in _ENDS:
        text = text.replace(end, b". ")
    return [piece for piece in text.split(b". ") if len(piece) >= SHORTEST_PASSAGE]


def clause_spans(text: str, keys: frozenset[int]) -> list[tuple[int, int]]:
    """Return the spans in `text` (canonical form) of the passages with the index keys `keys`.

    >>> text = "Es brannte. Die Polizei sucht nach Zeugen, sagte sie."
    >>> [text[a:b] for a, b in clause_spans(text, frozenset(passages([text])))]
    ['Die Polizei sucht nach Zeugen']
    """
    found = []
    start = 0
    for end in (*(match.span() for match in CLAUSE_END.finditer(text)), (len(text), len(text))):
        piece = text[start : end[0]]
        if any(_index_key(PASSAGE, clause) in keys for clause in clauses([piece])):
            found.append((start, end[0]))
        start = end[1]
    return found


def reference_keys(site: str, day: date | None, reference: Reference) -> list[int]:
    """Return the index keys of the texts that a reference may mean."""
    found = []
    for title in reference.titles:
        found.append(_title_key(site, title, day))
        if day is not None and day.month != (before := _month_before(day)).month:
            found.append(_title_key(site, title, before))
    found += [_number_key(site, number) for number in reference.numbers]
    return [*found, *(_day_key(site, each) for each in reference.days)]


def kind_of(key: int) -> int:
    """Return the kind of an index key: `BAND`, `PASSAGE` …"""
    return key >> _HASH_BITS


# ------------------------------------------------------------------------------------ private


def _index_key(kind: int, data: bytes) -> int:
    return kind << _HASH_BITS | zlib.crc32(data) << 13 | zlib.adler32(data) & _ADLER_MASK


def _referring_key(key: int) -> int:
    """Return the index key that refers to a text with this key."""
    return key + (TITLE_MEANT - TITLE << _HASH_BITS)


def _month_before(day: date) -> date:
    return date(day.year - 1, 12, 1) if day.month == 1 else date(day.year, day.month - 1, 1)


def _title_key(site: str, title_core: str, day: date | None) -> int:
    """Return the key of a title; common titles are looked up within their site and month only."""
    where = "" if is_specific(title_core) else site
    month = f"{day:%Y-%m}" if day else ""
    return _index_key(TITLE, f"{where}\0{month}\0{title_core}".encode("utf-8", "surrogatepass"))


def _number_key(site: str, number: int) -> int:
    return _index_key(NUMBER, f"{site}\0{number}".encode("utf-8", "surrogatepass"))


def _day_key(site: str, day: date) -> int:
    return _index_key(DAY, f"{site}\0{day}".encode("utf-8", "surrogatepass"))
