"""PURE: the digests that say whether bytes, a wording or an origin are the same.

`raw_digest` forgives nothing. `wording_digest` (`w1`) forgives what `canonical` forgives, and
nothing else. Both are permanent: they stand in citations and proofs, so a change of a single
rule here needs a new prefix (`w2`) beside the old one, never instead of it.
"""

import hashlib
import re
import unicodedata
from base64 import b32encode
from collections.abc import Sequence
from functools import lru_cache

_KNOWN_ORIGINS = 8_192
"""So many ids are remembered: each is asked for before the lock and under it."""
_WORDING_DOMAIN = b"lesart w1\0"
_ORIGIN_DOMAIN = b"lesart origin\0"

DOUBLE_QUOTES = "„“”‟«»″‶＂〝〞〟❝❞⹂"
SINGLE_QUOTES = "‚‘’‛‹›`´′‵＇❛❜ʼ"
WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What `str.split` takes for white space besides the blank: all of it counts as one blank."""

SOFT_HYPHEN = "\u00ad"
_MARKDOWN_PASSES = 4
_BETWEEN_PARAGRAPHS = "\0"

# What may stand before an opening and after a closing run of `*` or `_`. Letters, digits and
# slashes may not: `snake_case`, `5*3`, `Leser*innen`, `f***` and addresses stay as they are.
_BEFORE = r"(?<![^\s(\"'\[–—-])"
_AFTER = r"(?![^\s)\"'\].,;:!?…–—-])"
STARS = re.compile(_BEFORE + r"(\*{1,3})(?=[^\s*])([^*]*[^\s*])\1" + _AFTER)
UNDERSCORES = re.compile(_BEFORE + r"(_{1,3})(?=[^\s_])([^_]*[^\s_])\1" + _AFTER)
LINK = re.compile(
    r"(?<![!\[])\[(?=[^\s\[\]])([^\[\]]*[^\s\[\]])\]"
    r"\((?:https?://|mailto:|/|#)(?:[^\s()]|\([^\s()]*\))*\)"
)
HEADING = re.compile(r"#{1,6} (?=[^\s#])(.*?)(?: #+)?$", re.DOTALL)
BULLET = re.compile(r"[-*+] (?=[^\W\d_]|[\"'(\[]|[*_]{1,3}[^\s*_])")


def raw_digest(raw: bytes) -> bytes:
    """Return the SHA-256 of `raw`, bit for bit: 32 bytes."""
    return hashlib.sha256(raw).digest()


def canonical(text: str) -> str:
    r"""Return one paragraph or title in the form that the wording digest sees.

    Forgiven, in this order:

    - soft hyphens (U+00AD);
    - Unicode composition (NFC, so also its singletons: the Kelvin sign is a K);
    - white space: line endings, tabs, form feeds, no-break and thin spaces, U+2028 and runs of
      them count as one blank; at both ends as none. Zero-width characters are no white space;
    - the shape of quotation marks: every double one counts as `"`, every single one, accent and
      apostrophe as `'`. Whether there is one, and whether it is double or single, is kept;
    - Markdown, as narrowly as it can be read: a heading's leading `# ` to `###### ` with its
      closing hashes; one leading bullet `- `, `* ` or `+ ` before a letter, mark or bracket,
      never before a digit or sign; emphasis by one to three `*` or `_` that hug their words and
      stand between blanks, brackets, quotes or punctuation; `[text](target)` where the target
      is an address. Lists and headings are known at the start of a paragraph only: within one,
      a line break is white space.

    Kept: every letter in its case, every digit, decimal mark, sign and punctuation mark, dashes
    in their lengths, dots against an ellipsis, ligatures, numbers of a list (`1. `), `>`, code,
    images and everything else.

    It is idempotent. Markdown nested deeper than four levels is taken as plain text.

    >>> canonical("„Die  **Lage** ist ernst“,\u00a0sagte sie.")
    '"Die Lage ist ernst", sagte sie.'
    >>> canonical("snake_case, 5*3, 1. FC Köln, Leser*innen")
    'snake_case, 5*3, 1. FC Köln, Leser*innen'
    """
    return _without_markdown(_plain(text))


def canonical_all(texts: Sequence[str]) -> list[str]:
    """Return `canonical` of each: at once, since its checks cost more than the letters do."""
    joined = _BETWEEN_PARAGRAPHS.join(texts)
    if joined.count(_BETWEEN_PARAGRAPHS) != len(texts) - 1:
        return [canonical(text) for text in texts]
    plain = [part.strip(" ") for part in _plain(joined).split(_BETWEEN_PARAGRAPHS)]
    return [_without_markdown(part) for part in plain]


def wording_digest(title: str | None, paragraphs: Sequence[str]) -> bytes:
    """Return the `w1` digest of a title and the paragraphs that make `text`: 32 bytes.

    It is the SHA-256 of `lesart w1` and a NUL, then the canonical title, then each canonical
    paragraph, each in UTF-8 with its length in bytes before it (8 bytes, big-endian). So where
    a paragraph ends counts, and the title is never taken for a paragraph. A paragraph that is
    empty in canonical form is left out; no title and an empty one are the same. Lone surrogates
    are encoded as they are (`surrogatepass`), so that they differ from every other character.

    >>> wording_digest(None, ["a b"]) == wording_digest(None, ["a", "b"])
    False
    """
    return digest_of_parts(canonical_all([title or "", *paragraphs]))


def digest_of_parts(parts: Sequence[str]) -> bytes:
    """Return the `w1` digest of a title and paragraphs that are in canonical form already."""
    hashed = [_WORDING_DOMAIN]
    for position, part in enumerate(parts):
        if part or position == 0:
            data = part.encode("utf-8", "surrogatepass")
            hashed += (len(data).to_bytes(8, "big"), data)
    return hashlib.sha256(b"".join(hashed)).digest()


def wording_name(digest: bytes) -> str:
    """Return how a wording is cited: `w1:` and the digest in hexadecimal.

    >>> wording_name(bytes.fromhex("5f3a9c00"))
    'w1:5f3a9c00'
    """
    return f"w1:{digest.hex()}"


def short_wording(name: str) -> str:
    """Return the name of a wording as references print it: 32 hexadecimal digits, 128 bits."""
    return name[: len("w1:") + 32]


@lru_cache(_KNOWN_ORIGINS)
def origin_id(origin: str) -> str:
    """Return the id of `origin`: 80 bits in 16 characters, derived from it alone.

    The alphabet is Crockford's base 32 in lower case (no i, l, o, u), so an id can be read out
    and typed. An id holds a letter other than `e`, so that neither the revision grammar nor a
    spreadsheet can take it for a number; the few that would not are hashed once more.

    >>> origin_id("https://example.org/a")
    '0zfme61hjyre0a76'
    """
    digest = hashlib.sha256(_ORIGIN_DOMAIN + origin.encode("utf-8", "surrogatepass")).digest()
    while _reads_as_number(found := _base32(digest[:10])):
        digest = hashlib.sha256(_ORIGIN_DOMAIN + digest).digest()
    return found


def _plain(text: str) -> str:
    if not text.isascii():
        text = text.replace(SOFT_HYPHEN, "")
        text = unicodedata.normalize("NFC", text)
        text = _straight_quotes(text)
    elif "`" in text:
        text = text.replace("`", "'")
    for space in WHITE_SPACE:
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")


def _straight_quotes(text: str) -> str:
    for shape in DOUBLE_QUOTES:
        text = text.replace(shape, '"')
    for shape in SINGLE_QUOTES:
        text = text.replace(shape, "'")
    return text


def _without_markdown(plain: str) -> str:
    """Return `plain` without Markdown, or `plain` itself where it nests too deep to be any."""
    text = plain
    for _ in range(_MARKDOWN_PASSES):
        shorter = _unmarked_once(text)
        if shorter is text:
            return text
        text = _plain(shorter)
    return text if _unmarked_once(text) is text else plain


def _unmarked_once(text: str) -> str:
    """Return `text` without its outermost Markdown; the same object where there is none."""
    found = text
    if found[:1] in ("-", "*", "+") and (bullet := BULLET.match(found)):
        found = found[bullet.end() :]
    elif found[:1] == "#" and (heading := HEADING.match(found)):
        found = heading[1]
    if "](" in found:
        found = LINK.sub(r"\1", found)
    if "*" in found:
        found = STARS.sub(r"\2", found)
    if "_" in found:
        found = UNDERSCORES.sub(r"\2", found)
    return text if found == text else found


def _base32(data: bytes) -> str:
    return b32encode(data).decode().translate(_CROCKFORD)


def _reads_as_number(name: str) -> bool:
    return not name.translate(_WITHOUT_DIGITS)


_CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz")
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789e")
