"""Decode bytes to text: by byte order mark, as UTF-8, by declaration, or by a flagged guess."""

import codecs
import re
from dataclasses import dataclass, field

from storage.values.draft import CleaningStep, Json
from storage.values.refusals import RefusalReason, refuse

REPLACEMENT = "\ufffd"
MAX_LISTED_OFFSETS = 100
"""Maximum number of damaged positions whose offsets are recorded; all of them are counted."""
MAX_DAMAGE_SHARE = 0.01
MAX_CONTROL_SHARE = 0.01
"""Maximum share of control characters besides NUL, in the bytes of a text."""
MAX_NUL_SHARE = 0.1
NUL_STEP = "nul_characters"
GUESS_WINDOW_BYTES = 65_536

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # first: its mark begins with that of UTF-16-LE
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Labels that the WHATWG Encoding Standard maps to another encoding.
_ALIASES = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874"}

# Encodings accepted from a declaration; UTF-7 is excluded because it can hide markup.
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
# UTF-8 that was decoded as cp1252 or Latin-1: "Ã¶", "â€ž", "Â»".
MOJIBAKE = re.compile(
    "Ã[\x80-\xbf„–œŸŒžš™€‚ƒ…†‡ˆ‰Š‹]|â€[\x80-\xbfžœš™“”¦˜\u2018\u2019]|Â[\x80-\xbf]"
)


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A decoded text, its encoding, the flags for doubtful decoding and the decoding step."""

    text: str
    encoding: str
    flags: tuple[str, ...] = ()
    steps: tuple[CleaningStep, ...] = ()


@dataclass(slots=True)
class _Findings:
    """Flags and details collected while decoding one document."""

    flags: list[str] = field(default_factory=list)
    detail: dict[str, Json] = field(default_factory=dict)


def decode(raw: bytes, charset: str | None = None) -> DecodedText | RefusalReason:
    r"""Return the text of `raw`, or the refusal `binary`; never raises.

    Tried in this order: a byte order mark, the NULs of UTF-16 and UTF-32, strict UTF-8, the
    declared `charset`, UTF-8 with little damage (replaced by U+FFFD, offsets recorded in the
    step), and a guess between cp1252, mac-roman and cp850 by the positions of umlauts. Stray NULs
    in a text are removed in a step of their own, as browsers ignore them.

    >>> decode("Öl".encode()).text, decode("Öl, Gänse".encode("cp850")).text
    ('Öl', 'Öl, Gänse')
    >>> decode(b"<p>Es\0 brennt.").text
    '<p>Es brennt.'
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(raw, charset)
    if "\0" in text or text.startswith("\ufeff"):
        return _decode_other(raw, charset, text)
    return DecodedText(text, "utf-8", mojibake_flags(text), (_UTF8_STEP,))


def mojibake_flags(text: str) -> tuple[str, ...]:
    """Return the flag for text that was decoded wrongly before it was stored as these bytes.

    >>> mojibake_flags("SchÃ¶n")
    ('mojibake_suspected',)
    >>> mojibake_flags("São Paulo, GARÇÃO – Âncora")
    ()
    """
    if ("Ã" in text or "â€" in text or "Â" in text) and MOJIBAKE.search(text):
        return ("mojibake_suspected",)
    return ()


def replace_surrogates(text: str) -> tuple[str, bool]:
    r"""Join surrogate pairs, replace lone ones by U+FFFD, and report whether any was replaced.

    >>> replace_surrogates("a\ud83d"), replace_surrogates("\ud83d\ude00")
    (('a\ufffd', True), ('😀', False))
    """
    if text.isascii() or not SURROGATE.search(text):
        return text, False
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    repaired = SURROGATE.sub(REPLACEMENT, joined)
    return repaired, repaired != joined


_UTF8_STEP = CleaningStep("decode", {"encoding": "utf-8"})


def _decode_other(
    raw: bytes, charset: str | None, text: str | None = None
) -> DecodedText | RefusalReason:
    """Decode bytes that are not plain UTF-8; `text` is their text in UTF-8 if they are valid."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return _decode_with_bom(raw[len(bom) :], encoding, len(bom))
    if b"\0" in raw:
        wide = _wide_encoding(raw)
        if wide is not None:
            return _decode_wide(raw, wide)
        if _is_binary(raw):
            return refuse("binary")
    if text is not None:
        return _make_result(text, "utf-8", _Findings())
    return _decode_wtf8(raw) or _decode_declared(raw, charset) or _decode_damaged(raw)


def _decode_with_bom(raw: bytes, encoding: str, offset: int) -> DecodedText | RefusalReason:
    findings = _Findings(detail={"bom": True})
    if encoding == "utf-8":
        if _is_binary(raw) or _is_beyond_repair(raw, _invalid_spans(raw)):
            return refuse("binary")
        text = _repair_utf8(raw, findings, offset)
    else:
        text = _decode_wide_text(raw, encoding, findings)
    return _make_result(text, encoding, findings)


def _is_binary(raw: bytes) -> bool:
    """Check whether bytes contain more control characters than a damaged text does."""
    nul_count = raw.count(0)
    controls = len(raw) - len(raw.translate(None, CONTROL_BYTES)) - nul_count
    return controls > max(1, len(raw) * MAX_CONTROL_SHARE) or nul_count > max(
        1, len(raw) * MAX_NUL_SHARE
    )


def _decode_wide(raw: bytes, encoding: str) -> DecodedText | RefusalReason:
    """Decode UTF-16 or UTF-32 without a byte order mark."""
    findings = _Findings(flags=["encoding_guessed"])
    text = _decode_wide_text(raw, encoding, findings)
    control_count = sum(text.count(chr(code)) for code in CONTROL_BYTES)
    if control_count > max(1, len(text) * MAX_CONTROL_SHARE) or text.count(REPLACEMENT) > max(
        1, len(text) // 100
    ):
        return refuse("binary")
    return _make_result(text, encoding, findings)


def _wide_encoding(raw: bytes) -> str | None:
    """Return the wide encoding whose high bytes are mostly NUL and whose low bytes rarely are.

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


def _decode_wide_text(raw: bytes, encoding: str, findings: _Findings) -> str:
    try:
        text, replaced = replace_surrogates(raw.decode(encoding, "surrogatepass"))
    except UnicodeDecodeError as error:
        findings.flags.append("encoding_repaired")
        findings.detail["replaced"] = 1
        findings.detail["offsets"] = [error.start]
        text, replaced = replace_surrogates(raw.decode(encoding, "replace"))
    if replaced:
        findings.flags.append("surrogate_replaced")
    return text


def _decode_wtf8(raw: bytes) -> DecodedText | None:
    """Decode UTF-8 whose only error is encoded surrogates (WTF-8, CESU-8)."""
    try:
        text, replaced = replace_surrogates(raw.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return None
    findings = _Findings(flags=["surrogate_replaced"] if replaced else ["encoding_repaired"])
    return _make_result(text, "utf-8", findings)


def _decode_declared(raw: bytes, charset: str | None) -> DecodedText | None:
    encoding = _lookup_encoding(charset)
    if encoding is None:
        return None
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    text, replaced = replace_surrogates(text)
    findings = _Findings(["surrogate_replaced"] if replaced else [], {"declared": charset})
    return _make_result(text, encoding, findings)


def _lookup_encoding(charset: str | None) -> str | None:
    try:
        name = codecs.lookup((charset or "").strip().strip("\"'")).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    name = _ALIASES.get(name, name)
    return name if name in _DECLARABLE else None


def _decode_damaged(raw: bytes) -> DecodedText | RefusalReason:
    """Decode as damaged UTF-8 if most multi-byte characters are intact, otherwise guess."""
    spans = _invalid_spans(raw)
    intact = len(raw.decode("utf-8", "ignore")) - len(raw.translate(None, _HIGH_BYTES))
    is_cut_off = len(spans) == 1 and CUT_OFF_CHARACTER.search(raw) is not None
    if intact < len(spans) and not is_cut_off:
        return _decode_guessed(raw)
    if _is_beyond_repair(raw, spans):
        return refuse("binary")
    findings = _Findings()
    return _make_result(_repair_utf8(raw, findings, 0), "utf-8", findings)


def _is_beyond_repair(raw: bytes, spans: list[tuple[int, int]]) -> bool:
    """Check whether too many bytes are invalid; a single invalid span is always acceptable."""
    return len(spans) > 1 and sum(end - start for start, end in spans) > len(raw) * MAX_DAMAGE_SHARE


def _invalid_spans(raw: bytes) -> list[tuple[int, int]]:
    spans, position = [], 0
    for run in UTF8_RUN.finditer(raw):
        if run.start() > position:
            spans.append((position, run.start()))
        position = run.end()
    if position < len(raw):
        spans.append((position, len(raw)))
    return spans


def _repair_utf8(raw: bytes, findings: _Findings, offset: int) -> str:
    spans = _invalid_spans(raw)
    if spans:
        findings.flags.append("encoding_repaired")
        findings.detail["replaced"] = len(spans)
        findings.detail["offsets"] = [start + offset for start, _ in spans[:MAX_LISTED_OFFSETS]]
    return raw.decode("utf-8", "replace")


def _decode_guessed(raw: bytes) -> DecodedText | RefusalReason:
    if _is_binary(raw):
        return refuse("binary")
    padded = b" " + raw[:GUESS_WINDOW_BYTES] + b" "
    contexts = [
        padded[position - 1 : position + 2] for position, byte in enumerate(padded) if byte >= 0x80
    ]
    scores = {encoding: _plausibility(contexts, encoding) for encoding in _GUESSES}
    encoding = max(_GUESSES, key=lambda guess: scores[guess])  # the first wins a tie
    if scores[encoding] < -len(contexts):
        return refuse("binary")
    findings = _Findings(["encoding_guessed"])
    return _make_result(_single_byte_text(raw, encoding), encoding, findings)


def _single_byte_text(raw: bytes, encoding: str) -> str:
    """Decode `raw`; the five bytes undefined in cp1252 become C1 controls, as browsers do."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return "".join(
            byte.decode(encoding, "ignore") or byte.decode("latin-1")
            for byte in (raw[i : i + 1] for i in range(len(raw)))
        )


def _plausibility(contexts: list[bytes], encoding: str) -> float:
    """Score how plausible the non-ASCII characters are in German and English words."""
    score_by_context: dict[bytes, float] = {}
    for context in contexts:
        if context not in score_by_context:
            score_by_context[context] = _context_score(context, encoding)
    return sum(score_by_context[context] for context in contexts)


def _context_score(context: bytes, encoding: str) -> float:
    character = context[1:2].decode(encoding, "ignore")
    return _character_score(character or "\x80", chr(context[0]), chr(context[2]))


def _character_score(character: str, previous: str, following: str) -> float:
    if character.isalpha():
        return _letter_score(character, previous, following)
    if character in "„“”‚‘»«›‹–—…€§°\xa0•·":
        return -2 if previous in _LETTERS and following in _LETTERS else 1
    return 1 if character == "’" else -2


def _letter_score(letter: str, previous: str, following: str) -> float:
    if letter in "äöüß":
        return 2 if previous in _LETTERS or following in _LETTERS else -1
    if letter.isupper() and previous in _SMALL:
        return -2
    if letter in "ÄÖÜ":
        return 2 if following in _LETTERS else -2
    if letter.isupper():
        return 0
    return 1 if previous in _LETTERS or following in _LETTERS else -1


def _make_result(text: str, encoding: str, findings: _Findings) -> DecodedText:
    steps = [CleaningStep("decode", {"encoding": encoding, **findings.detail})]
    if nul_count := text.count("\0"):
        text = text.replace("\0", "")
        steps.append(CleaningStep(NUL_STEP, {"removed": nul_count}))
    flags = (*findings.flags, *mojibake_flags(text))
    return DecodedText(text, encoding, flags, tuple(steps))
