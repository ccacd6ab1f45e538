"""PURE: the passage of a text that contains most terms of a search.

The text is searched as bytes for the possible starts of query words; only the surrounding chunks
are split into tokens.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile

from storage.language.tokens import Alternatives, Query, letters_of, token_spans
from storage.values.digest import SOFT_HYPHEN

_MOST_LETTERS = 500_000
_REMEMBERED_CHUNKS = 16_384
_REMEMBERED_QUERIES = 64
_UTF_8 = ("utf-8", "surrogatepass")
_BLANKS = [each for each in map(chr, range(1, 0x3001)) if each.isspace() and each != " "]

_UMLAUT = b"\xc3"
"""The first UTF-8 byte of an umlaut."""
_FOLDED = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZy" + "äÄöÖüÜ".encode().replace(_UMLAUT, b""),
    b"abcdefghijklmnopqrstuvwxiziaaoouu",
)
_VOWELS = frozenset("aeiou")
_PLAIN_VOWELS = str.maketrans("äöüy", "aoui")

_DOTTED = "\u0130"
"""A letter whose lower case has two characters; NFKC does not change it."""

_Match = tuple[int, int, int]  # from, to, number of the term
_Form = tuple[int, tuple[str, ...]]  # number of the term, the tokens of one of its forms


def snippet(
    texts: Sequence[str],
    query: Query,
    language: str | None,
    width: int = 200,
    start: str = "«",
    end: str = "»",
) -> str:
    """Return the passage of about `width` code points with the most terms of `query`.

    `start` and `end` enclose each match. White space becomes one blank; `…` marks omitted text.
    Without a match the beginning is returned. For HTML, pass markers that survive escaping, then
    escape the result.

    >>> from storage.language.tokens import parse_query
    >>> snippet(["Es brannte im Öllager."], parse_query("öllagern", ["de"]), "de")
    'Es brannte im «Öllager».'
    """
    text = _in_a_line(" ".join(filter(None, texts))[:_MOST_LETTERS])
    matches = _matches(text, query, language)
    left, right = _window(text, matches, width)
    pieces = ["… "] if left else []
    at = left
    for begin, stop, _term_number in matches:
        if begin >= at and stop <= right:
            pieces += [text[at:begin], start, text[begin:stop], end]
            at = stop
    pieces.append(text[at:right])
    return "".join(pieces) + (" …" if right < len(text) else "")


def _in_a_line(text: str) -> str:
    """Return a text with white space replaced by single blanks."""
    is_plain = text == text.strip() and "  " not in text
    if is_plain and not any(each in text for each in _BLANKS):
        return text
    return " ".join(text.split())


def _matches(text: str, query: Query, language: str | None) -> list[_Match]:
    """Return the spans of the query terms in a text, in order and without overlap.

    Tokens do not span blanks, so each chunk between blanks is split separately.
    """
    forms, beginnings = _sought(query)
    written = text.encode(*_UTF_8)
    folded = written.translate(_FOLDED)
    sought = [*beginnings, *(each.encode(*_UTF_8).translate(_FOLDED) for each in _changing(text))]
    hits: list[_Match] = []
    letters = at = 0
    for begin in sorted({place for each in sought for place in _chunks_with(each, folded)}):
        tokens, _length = _tokens_of_chunk(_chunk(written, begin), language)
        if any(token in forms for token, _from, _to in tokens):
            letters += len(written[at:begin].decode(*_UTF_8))
            at = begin
            hits += _hits(written, begin, letters, forms, language)
    matches: list[_Match] = []
    for hit in sorted(hits, key=lambda each: (each[0], -each[1])):
        if not matches or hit[0] >= matches[-1][1]:
            matches.append(hit)
    return matches


@lru_cache(_REMEMBERED_QUERIES)
def _sought(query: Query) -> tuple[Mapping[str, Sequence[_Form]], Sequence[bytes]]:
    """Return the forms of the query terms by their first token, and the possible starts of that
    token.
    """
    forms: dict[str, list[_Form]] = {}
    for number, term in enumerate(query.terms_required):
        for part in term.terms if isinstance(term, Alternatives) else (term,):
            for form in part.alternatives:
                tokens = (form,) if isinstance(form, str) else form
                forms.setdefault(tokens[0], []).append((number, tokens))
    return forms, list({each for token in forms for each in _beginnings(token)})


def _beginnings(token: str) -> Iterator[bytes]:
    r"""Yield folded beginnings; every word that becomes the token starts with one of them.

    A stem may have another ending than its word (`happi`, `hope`, `die` for `dying`) and other
    spellings of umlauts. The letters up to the first vowel and two consonants, or another vowel
    except `e`, are stable. Letters beyond ASCII have several foldings.

    >>> sorted(_beginnings("strand")), list(_beginnings("verletzt")), sorted(_beginnings("qf6zl"))
    ([b'straend', b'strand', b'str\xc3and'], [b'verl'], [b'oel', b'ol', b'\xc3ol'])
    """
    stem = letters_of(token).translate(_PLAIN_VOWELS)
    plain = "".join(takewhile(str.isascii, stem))
    if plain != stem:
        plain = plain[:-1]  # a combining mark may belong to it
    plain = plain.partition("ss")[0]  # it may be written ß
    vowel = next((n for n, letter in enumerate(plain) if letter in _VOWELS), len(plain))
    after = "".join(takewhile(lambda each: each not in _VOWELS, plain[vowel + 1 : vowel + 3]))
    if not after and plain[vowel + 1 : vowel + 2] != "e":
        after = plain[vowel + 1 : vowel + 2]
    found = [plain[:vowel].encode()]
    for place, letter in enumerate(varied := plain[vowel : vowel + 1] + after, 1):
        one = letter.encode()
        ways = [one]
        if letter in "aou":
            ways += [_UMLAUT + one, one + b"e"][: 1 + (place < len(varied))]
        found = [before + way for before in found for way in ways]
    yield from found


def _changing(text: str) -> set[str]:
    """Return the letters and marks of a text that folding may change or remove."""
    changing = {each for each in (SOFT_HYPHEN, _DOTTED) if each in text}
    if not unicodedata.is_normalized("NFKC", text):
        changing.update(
            each
            for each in set(text)
            if unicodedata.combining(each) or not unicodedata.is_normalized("NFKC", each)
        )
    return changing


def _chunks_with(sought: bytes, text: bytes) -> Iterator[int]:
    """Yield the offsets of the chunks that contain some bytes."""
    at = text.find(sought)
    while at >= 0:
        yield text.rfind(b" ", 0, at) + 1
        stop = text.find(b" ", at)
        at = -1 if stop < 0 else text.find(sought, stop + 1)


def _chunk(written: bytes, begin: int) -> bytes:
    stop = written.find(b" ", begin)
    return written[begin:] if stop < 0 else written[begin:stop]


def _hits(
    written: bytes,
    begin: int,
    letters: int,
    forms: Mapping[str, Sequence[_Form]],
    language: str | None,
) -> Iterator[_Match]:
    """Yield the matches that begin in a chunk at a byte, which is a letter of the text."""
    found: list[tuple[str, int, int]] = []
    starts = None
    needed = 1
    while begin < len(written) and len(found) < needed:
        chunk = _chunk(written, begin)
        tokens, length = _tokens_of_chunk(chunk, language)
        found += [(token, letters + left, letters + right) for token, left, right in tokens]
        if starts is None:
            starts = [(n, each) for n, one in enumerate(found) for each in forms.get(one[0], ())]
            needed = max(n + len(form) for n, (_number, form) in starts)
        begin += len(chunk) + 1
        letters += length + 1
    for start, (number, form) in starts or ():
        following = found[start : start + len(form)]
        if tuple(token for token, _from, _to in following) == form:
            yield following[0][1], following[-1][2], number


@lru_cache(_REMEMBERED_CHUNKS)
def _tokens_of_chunk(
    chunk: bytes, language: str | None
) -> tuple[tuple[tuple[str, int, int], ...], int]:
    """Return the tokens of a chunk with their spans, and its number of letters."""
    text = chunk.decode(*_UTF_8)
    return tuple(token_spans(text, language)), len(text)


def _window(text: str, matches: Sequence[_Match], width: int) -> tuple[int, int]:
    """Return the bounds of the densest passage, at word ends."""
    if len(text) <= width:
        return 0, len(text)
    begin, stop = _densest(matches, width)
    spare = max(0, width - (stop - begin)) // 2
    left = max(0, min(begin - spare, len(text) - width))
    right = min(len(text), max(left + width, stop))
    if left and (blank := text.rfind(" ", 0, left + 1)) >= left - 40:
        left = blank + 1
    if right < len(text) and (blank := text.rfind(" ", stop, right + 1)) >= 0:
        right = blank
    return left, right


def _densest(matches: Sequence[_Match], width: int) -> tuple[int, int]:
    best, bounds = (0, 0), (0, 0)
    last = 0
    for first, (begin, stop, _number) in enumerate(matches):
        last = max(last, first + 1)
        while last < len(matches) and matches[last][1] - begin <= width:
            last += 1
        inside = matches[first:last]
        score = (len({number for _, _, number in inside}), len(inside))
        if score > best:
            best, bounds = score, (begin, max(stop, inside[-1][1]))
    return bounds
