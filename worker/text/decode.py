"""Bytes to characters: the encoding is told by marks, by validity, or by a flagged guess."""

import codecs
import re
from dataclasses import dataclass, field

from storage.values.draft import CleaningStep, Json
from storage.values.refusals import Refused, refuse

REPLACEMENT = "\ufffd"
LISTED_OFFSETS = 100
"""So many damaged places are named with their offset; the rest is only counted."""
DAMAGE_SHARE = 0.01
CONTROL_SHARE = 0.01
GUESS_WINDOW_BYTES = 65_536

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16-LE, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# The labels that the web means otherwise than it says (WHATWG Encoding Standard).
_ALIASES = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874"}

# Encodings that a declaration may name; UTF-7 is missing on purpose (it smuggles markup).
_DECLARABLE = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
    | {f"cp{page}" for page in (437, 850, 852, 858, 866, 874, 932, 949, 950)}
    | {f"cp{page}" for page in range(1250, 1259)}
    | {f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
    | {"mac-roman", "mac-latin2", "mac-cyrillic", "mac-greek", "mac-turkish", "koi8-r", "koi8-u"}
    | {"gb18030", "gbk", "gb2312", "big5", "big5hkscs", "shift_jis", "euc_jp", "euc_kr"}
    | {"iso2022_jp"}
)
_HIGH_BYTES = bytes(range(128, 256))
_GUESSES = ("cp1252", "mac-roman", "cp850")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SMALL = frozenset("abcdefghijklmnopqrstuvwxyz")

# Runs of well-formed UTF-8 (RFC 3629, table 3-7 of the Unicode Standard); possessive, so linear.
UTF8_RUN = re.compile(
    rb"(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})++"
)
CUT_OFF_CHARACTER = re.compile(
    rb"(?:[\xc2\xc3]|[\xe0-\xef][\x80-\xbf]|\xe2|[\xf0-\xf4][\x80-\xbf]{1,2})\Z"
)
CONTROL_BYTES = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))
SURROGATE = re.compile("[\ud800-\udfff]")
# UTF-8 that was read as cp1252 or Latin-1: "Ã¶", "â€ž", "Â»".
MOJIBAKE = re.compile(
    "Ã[\x80-\xbf„–œŸŒžš™€‚ƒ…†‡ˆ‰Š‹]|â€[\x80-\xbfžœš™“”¦˜\u2018\u2019]|Â[\x80-\xbf]"
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text with the encoding it was read in, the flags of doubt and the step that made it."""

    text: str
    encoding: str
    flags: tuple[str, ...] = ()
    steps: tuple[CleaningStep, ...] = ()


@dataclass(slots=True)
class _Findings:
    """What came up on the way to one `Decoded`."""

    flags: list[str] = field(default_factory=list)
    detail: dict[str, Json] = field(default_factory=dict)


def decode(raw: bytes, charset: str | None = None) -> Decoded | Refused:
    """Return the text of `raw`, or the refusal `binary`; never raises, whatever the bytes.

    In this order: a byte order mark, the NULs of UTF-16 and UTF-32, strict UTF-8, the
    `charset` that was declared outside, UTF-8 with little damage (replaced by U+FFFD, the
    step names the offsets), a guess among cp1252, mac-roman and cp850 by which of them
    spells umlauts where words have them.

    >>> decode("Öl".encode()).text, decode("Öl, Gänse".encode("cp850")).text
    ('Öl', 'Öl, Gänse')
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(raw, charset)
    if "\0" in text or text.startswith("\ufeff"):
        return _decode_other(raw, charset)
    return Decoded(text, "utf-8", mojibake_flags(text), (_UTF8_STEP,))


def mojibake_flags(text: str) -> tuple[str, ...]:
    """Return whether `text` was decoded wrongly before it came here; it stays as it is.

    >>> mojibake_flags("SchÃ¶n")
    ('mojibake_suspected',)
    >>> mojibake_flags("São Paulo, GARÇÃO – Âncora")
    ()
    """
    if ("Ã" in text or "â€" in text or "Â" in text) and MOJIBAKE.search(text):
        return ("mojibake_suspected",)
    return ()


def replace_surrogates(text: str) -> tuple[str, bool]:
    r"""Join split pairs and put U+FFFD for every half that stands alone; return whether one did.

    >>> replace_surrogates("a\ud83d"), replace_surrogates("\ud83d\ude00")
    (('a\ufffd', True), ('😀', False))
    """
    if text.isascii() or not SURROGATE.search(text):
        return text, False
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    mended = SURROGATE.sub(REPLACEMENT, joined)
    return mended, mended != joined


_UTF8_STEP = CleaningStep("decode", {"encoding": "utf-8"})


def _decode_other(raw: bytes, charset: str | None) -> Decoded | Refused:
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _decode_marked(raw[len(mark) :], encoding, len(mark))
    if b"\0" in raw:
        return _decode_wide(raw)
    return _decode_wtf8(raw) or _decode_declared(raw, charset) or _decode_damaged(raw)


def _decode_marked(raw: bytes, encoding: str, offset: int) -> Decoded | Refused:
    found = _Findings(detail={"bom": True})
    if encoding == "utf-8":
        if b"\0" in raw or _ruined(raw, _bad_spans(raw)):
            return refuse("binary")
        text = _utf8_repaired(raw, found, offset)
    else:
        text = _wide_text(raw, encoding, found)
    return _decoded(text, encoding, found)


def _decode_wide(raw: bytes) -> Decoded | Refused:
    """Read UTF-16 or UTF-32 without a mark, told by where the NUL bytes stand."""
    encoding = _wide_encoding(raw)
    if encoding is None:
        return refuse("binary")
    found = _Findings(flags=["encoding_guessed"])
    text = _wide_text(raw, encoding, found)
    odd = sum(text.count(chr(code)) for code in CONTROL_BYTES)
    if odd > len(text) * CONTROL_SHARE or text.count(REPLACEMENT) > max(1, len(text) // 100):
        return refuse("binary")
    return _decoded(text, encoding, found)


def _wide_encoding(raw: bytes) -> str | None:
    """Name the encoding whose high bytes are NUL nearly everywhere and low bytes never.

    Typographic quotation marks and dashes have a high byte of 0x20, hence the tolerance.
    """
    if len(raw) < 4:
        return None
    shares = [raw[start::4].count(0) / len(raw[start::4]) for start in range(4)]
    if min(shares[1:]) > 0.7 and shares[0] < 0.1:
        return "utf-32-le"
    if min(shares[:3]) > 0.7 and shares[3] < 0.1:
        return "utf-32-be"
    if min(shares[1], shares[3]) > 0.5 and max(shares[0], shares[2]) < 0.1:
        return "utf-16-le"
    if min(shares[0], shares[2]) > 0.5 and max(shares[1], shares[3]) < 0.1:
        return "utf-16-be"
    return None


def _wide_text(raw: bytes, encoding: str, found: _Findings) -> str:
    try:
        text, replaced = replace_surrogates(raw.decode(encoding, "surrogatepass"))
    except UnicodeDecodeError as error:
        found.flags.append("encoding_repaired")
        found.detail["replaced"] = 1
        found.detail["offsets"] = [error.start]
        text, replaced = replace_surrogates(raw.decode(encoding, "replace"))
    if replaced:
        found.flags.append("surrogate_replaced")
    return text


def _decode_wtf8(raw: bytes) -> Decoded | None:
    """Read UTF-8 whose only fault is encoded surrogates (WTF-8, CESU-8)."""
    try:
        text, replaced = replace_surrogates(raw.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return None
    found = _Findings(flags=["surrogate_replaced"] if replaced else ["encoding_repaired"])
    return _decoded(text, "utf-8", found)


def _decode_declared(raw: bytes, charset: str | None) -> Decoded | None:
    encoding = _declared_encoding(charset)
    if encoding is None:
        return None
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    text, replaced = replace_surrogates(text)
    found = _Findings(["surrogate_replaced"] if replaced else [], {"declared": charset})
    return _decoded(text, encoding, found)


def _declared_encoding(charset: str | None) -> str | None:
    try:
        name = codecs.lookup((charset or "").strip().strip("\"'")).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    name = _ALIASES.get(name, name)
    return name if name in _DECLARABLE else None


def _decode_damaged(raw: bytes) -> Decoded | Refused:
    """Decode damaged UTF-8, or else each byte by itself, by whether the characters mostly hold."""
    spans = _bad_spans(raw)
    whole = len(raw.decode("utf-8", "ignore")) - len(raw.translate(None, _HIGH_BYTES))
    cut_off = len(spans) == 1 and CUT_OFF_CHARACTER.search(raw) is not None
    if whole < len(spans) and not cut_off:
        return _decode_guessed(raw)
    if _ruined(raw, spans):
        return refuse("binary")
    found = _Findings()
    return _decoded(_utf8_repaired(raw, found, 0), "utf-8", found)


def _ruined(raw: bytes, spans: list[tuple[int, int]]) -> bool:
    """Return whether damage leaves no text: one place never does, however short the text."""
    return len(spans) > 1 and sum(end - start for start, end in spans) > len(raw) * DAMAGE_SHARE


def _bad_spans(raw: bytes) -> list[tuple[int, int]]:
    spans, at = [], 0
    for run in UTF8_RUN.finditer(raw):
        if run.start() > at:
            spans.append((at, run.start()))
        at = run.end()
    if at < len(raw):
        spans.append((at, len(raw)))
    return spans


def _utf8_repaired(raw: bytes, found: _Findings, offset: int) -> str:
    spans = _bad_spans(raw)
    if spans:
        found.flags.append("encoding_repaired")
        found.detail["replaced"] = len(spans)
        found.detail["offsets"] = [start + offset for start, _ in spans[:LISTED_OFFSETS]]
    return raw.decode("utf-8", "replace")


def _decode_guessed(raw: bytes) -> Decoded | Refused:
    controls = len(raw) - len(raw.translate(None, CONTROL_BYTES))
    if controls > max(1, len(raw) * CONTROL_SHARE):
        return refuse("binary")
    padded = b" " + raw[:GUESS_WINDOW_BYTES] + b" "
    contexts = [padded[at - 1 : at + 2] for at, byte in enumerate(padded) if byte >= 0x80]
    scores = {encoding: _plausibility(contexts, encoding) for encoding in _GUESSES}
    encoding = max(_GUESSES, key=lambda guess: scores[guess])  # the first wins a tie
    if scores[encoding] < -len(contexts):
        return refuse("binary")
    found = _Findings(["encoding_guessed"])
    return _decoded(_single_byte_text(raw, encoding), encoding, found)


def _single_byte_text(raw: bytes, encoding: str) -> str:
    """Decode `raw`; the five bytes that cp1252 leaves open become C1 controls, as on the web."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return "".join(
            byte.decode(encoding, "ignore") or byte.decode("latin-1")
            for byte in (raw[i : i + 1] for i in range(len(raw)))
        )


def _plausibility(contexts: list[bytes], encoding: str) -> float:
    """Score how well the characters above ASCII stand where German and English have them."""
    seen: dict[bytes, float] = {}
    for context in contexts:
        if context not in seen:
            seen[context] = _context_score(context, encoding)
    return sum(seen[context] for context in contexts)


def _context_score(context: bytes, encoding: str) -> float:
    character = context[1:2].decode(encoding, "ignore")
    return _character_score(character or "\x80", chr(context[0]), chr(context[2]))


def _character_score(character: str, before: str, after: str) -> float:
    if character.isalpha():
        return _letter_score(character, before, after)
    if character in "„“”‚‘»«›‹–—…€§°\xa0•·":
        return -2 if before in _LETTERS and after in _LETTERS else 1
    return 1 if character == "’" else -2


def _letter_score(letter: str, before: str, after: str) -> float:
    if letter in "äöüß":
        return 2 if before in _LETTERS or after in _LETTERS else -1
    if letter.isupper() and before in _SMALL:
        return -2
    if letter in "ÄÖÜ":
        return 2 if after in _LETTERS else -2
    if letter.isupper():
        return 0
    return 1 if before in _LETTERS or after in _LETTERS else -1


def _decoded(text: str, encoding: str, found: _Findings) -> Decoded:
    flags = (*found.flags, *mojibake_flags(text))
    return Decoded(
        text, encoding, flags, (CleaningStep("decode", {"encoding": encoding, **found.detail}),)
    )
