"""PURE: digests of bytes, wordings and origins.

`raw_digest` ignores no difference. `wording_digest` (`w1`) ignores exactly the differences that
`canonical` removes. Both are permanent because citations and proofs contain them: another rule
needs another prefix (`w2`) in addition to the old one.
"""

import hashlib
import re
import unicodedata
from base64 import b32encode
from collections.abc import Sequence
from functools import lru_cache

_KNOWN_ORIGINS = 8_192
"""Number of cached ids; each is needed before the lock and under it."""
_WORDING_DOMAIN = b"lesart w1\0"
_ORIGIN_DOMAIN = b"lesart origin\0"

DOUBLE_QUOTES = "„“”‟«»″‶＂〝〞〟❝❞⹂"
SINGLE_QUOTES = "‚‘’‛‹›`´′‵＇❛❜ʼ"
WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""White space of `str.split` other than the blank; each run of white space counts as one blank."""

SOFT_HYPHEN = "\u00ad"
_MARKDOWN_PASSES = 4
_BETWEEN_PARAGRAPHS = "\0"

# Characters before an opening and after a closing run of `*` or `_`. Letters, digits and
# slashes are excluded: `snake_case`, `5*3`, `Leser*innen`, `f***` and addresses do not change.
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
    """Return the SHA-256 of `raw`: 32 bytes."""
    return hashlib.sha256(raw).digest()


def canonical(text: str) -> str:
    r"""Return one paragraph or title in the form on which the wording digest is based.

    These differences are removed, in this order:

    - soft hyphens (U+00AD);
    - Unicode composition (NFC, including its singletons: the Kelvin sign is a K);
    - white space: line endings, tabs, form feeds, no-break and thin spaces, U+2028 and runs of them
      count as one blank, and as none at both ends. Zero-width characters are not white space;
    - the shape of quotation marks: every double one counts as `"`, every single one, accent and
      apostrophe as `'`. Their presence, and whether they are double or single, is preserved;
    - Markdown in its narrowest reading: a leading `# ` to `###### ` of a heading with its closing
      hashes; one leading bullet `- `, `* ` or `+ ` before a letter, mark or bracket, never before a
      digit or sign; emphasis by one to three `*` or `_` next to their words and between blanks,
      brackets, quotes or punctuation; `[text](target)` if the target is an address. Lists and
      headings
      are recognised at the start of a paragraph only, because a line break inside is white space.

    All other text is preserved: the case of letters, digits, decimal marks, signs, punctuation,
    lengths of dashes, dots as opposed to an ellipsis, ligatures, list numbers (`1. `), `>`, code
    and images.

    The function is idempotent. Markdown nested deeper than four levels is plain text.

    >>> canonical("„Die  **Lage** ist ernst“,\u00a0sagte sie.")
    '"Die Lage ist ernst", sagte sie.'
    >>> canonical("snake_case, 5*3, 1. FC Köln, Leser*innen")
    'snake_case, 5*3, 1. FC Köln, Leser*innen'
    """
    return _without_markdown(_plain(text))


def canonical_all(texts: Sequence[str]) -> list[str]:
    """Return `canonical` of each text; one call is faster because of the cost of the checks."""
    joined = _BETWEEN_PARAGRAPHS.join(texts)
    if joined.count(_BETWEEN_PARAGRAPHS) != len(texts) - 1:
        return [canonical(text) for text in texts]
    plain = [part.strip(" ") for part in _plain(joined).split(_BETWEEN_PARAGRAPHS)]
    return [_without_markdown(part) for part in plain]


def wording_digest(title: str | None, paragraphs: Sequence[str]) -> bytes:
    """Return the `w1` digest of a title and the paragraphs of `text`: 32 bytes.

    It is the SHA-256 of `lesart w1` and a NUL, then the canonical title, then each canonical
    paragraph, each in UTF-8 preceded by its length in bytes (8 bytes, big-endian). So paragraph
    boundaries matter, and the title differs from a paragraph. Paragraphs that are empty in
    canonical form are omitted; no title and an empty one are equal. Lone surrogates are encoded as
    they are (`surrogatepass`), so that they differ from every other character.

    >>> wording_digest(None, ["a b"]) == wording_digest(None, ["a", "b"])
    False
    """
    return digest_of_parts(canonical_all([title or "", *paragraphs]))


def digest_of_parts(parts: Sequence[str]) -> bytes:
    """Return the `w1` digest of a title and paragraphs in canonical form."""
    hashed = [_WORDING_DOMAIN]
    for position, part in enumerate(parts):
        if part or position == 0:
            data = part.encode("utf-8", "surrogatepass")
            hashed += (len(data).to_bytes(8, "big"), data)
    return hashlib.sha256(b"".join(hashed)).digest()


def wording_name(digest: bytes) -> str:
    """Return the name of a wording in citations: `w1:` and the digest in hexadecimal.

    >>> wording_name(bytes.fromhex("5f3a9c00"))
    'w1:5f3a9c00'
    """
    return f"w1:{digest.hex()}"


def short_wording(name: str) -> str:
    """Return the name of a wording in references: 32 hexadecimal digits, 128 bits."""
    return name[: len("w1:") + 32]


@lru_cache(_KNOWN_ORIGINS)
def origin_id(origin: str) -> str:
    """Return the id of `origin`: 80 bits in 16 characters, derived from it alone.

    The alphabet is Crockford's base 32 in lower case (no i, l, o, u), so an id can be read aloud
    and typed. An id contains a letter other than `e`, so that neither the revision grammar nor a
    spreadsheet reads it as a number; the few ids without one are hashed again.

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
    """Return `plain` without Markdown, or `plain` itself if it is nested too deeply."""
    text = plain
    for _ in range(_MARKDOWN_PASSES):
        shorter = _strip_markdown_once(text)
        if shorter is text:
            return text
        text = _plain(shorter)
    return text if _strip_markdown_once(text) is text else plain


def _strip_markdown_once(text: str) -> str:
    """Return `text` without its outermost Markdown; the same object if there is none."""
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
