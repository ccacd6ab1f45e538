"""Find spans inside a paragraph that readers or comparisons treat separately."""

from collections.abc import Iterable, Iterator

from storage.values.draft import Mark, Paragraph
from storage.values.lazy import lazy_pattern

# „…“ and „…", "…", »…«, «…», “…”: each stops at its own kind, so an unpaired mark costs one scan.
QUOTE = lazy_pattern('„[^„“”"]+["“”]|"[^"]+"|»[^»«]+«|«[^»«]+»|“[^“”]+”')
# (t-online berichtete), (wir berichteten), (die Zeitung hatte zuerst berichtet)
ASIDE = lazy_pattern(
    r"\((?:(?:die|der|das) )?(?P<outlet>[^()\n]{1,60}?)"
    r" (?:berichtete|berichteten|berichtet|hatten? (?:zuerst |bereits )?berichtet)"
    r"(?: (?:darüber|exklusiv|zuerst|bereits|mehrfach))?\)"
    r"|\(as (?:the )?(?P<reporter>[^()\n]{1,60}?) (?:has |had )?(?:first |previously )?reported\)"
)
_NO_OUTLETS = frozenset(
    "wir medien mehrere lokale andere we it they he she others media er sie es wie zuvor".split()  # noqa: SIM905 (words read best as words)
)
AGENCY_CODE = (
    "(?:dpa(?:-AFX|-infocom|-tmn)?|afp|AFP|AP|Reuters|rtr|epd|KNA|SID|sid|APA|apa|sda|SDA"
    "|Keystone-SDA|ANSA|TASS|Interfax|Xinhua|PA Media|dapd|ddp|ots|news aktuell)"
)
# In brackets (dpa/lno, or AP with Reuters), or after a slash: t-online/dpa.
AGENCY = lazy_pattern(
    rf"\({AGENCY_CODE}(?:(?:/|, ?)[\w-]{{2,14}}){{0,4}}\)|(?<=[\w-]/){AGENCY_CODE}(?![\w-])"
)
# a last line "dpa/lno", or "… sagte er. dpa"
AGENCY_AT_END = lazy_pattern(
    rf"(?:(?<=[.!?“”\"] )|(?<=\n)|(?<![\s\S])){AGENCY_CODE}(?:/[\w-]{{2,14}}){{0,3}}\Z"
)
MAX_AGENCY_LENGTH = 80
AGENCY_NAME = lazy_pattern(rf"(?<![\w-]){AGENCY_CODE}(?![\w-])")
# Zero-width characters, fillers, variation selectors and tags.
INVISIBLE = lazy_pattern(
    "[\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
BIDI = lazy_pattern("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
# Cyrillic and Greek letters that resemble Latin ones (the most common Unicode confusables).
LOOKALIKE = lazy_pattern("[АВЕКМНОРСТУХЅІЈаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρ]")
MIXED_PAIR = lazy_pattern(
    "[A-Za-zÀ-ɏ][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][A-Za-zÀ-ɏ]"
)
MAX_WORD_LENGTH = 100
_TYPOGRAPHIC = "„“”–—…‚‘’‹›€•"
FOREIGN_LETTER = lazy_pattern("[\u0370-\u03ff\u0400-\u052f]")
# An emoji may be followed by a selector or joined to the next one; this is not suspicious.
EMOJI_BASE = lazy_pattern("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff#*0-9\u20e3]")

_FLAGS = {
    "invisible": "invisible_chars",
    "bidi": "bidi_control",
    "mixed_script": "mixed_script",
}


def marks(text: str, *, plain: bool = False) -> tuple[Mark, ...]:
    """Return the marks of one paragraph in order of their position.

    `plain` skips the search for suspicious characters (see `is_plain`).

    >>> marks('Schlange (t-online berichtete). "Nein", sagt er. (dpa)')  # doctest: +ELLIPSIS
    (Mark(kind='aside', start=9, end=30), Mark(kind='quote', start=32, end=38), Mark(...))
    """
    spans: list[Mark] = []
    if '"' in text or "„" in text or "»" in text or "“" in text or "«" in text:
        spans += [Mark("quote", *m.span()) for m in QUOTE.finditer(text)]
    if "bericht" in text or " reported" in text:
        spans += [Mark("aside", *m.span()) for m in ASIDE.finditer(text)]
    spans += _agency_marks(text)
    if not plain:
        spans += _suspicious_marks(text)
    if len(spans) > 1:
        spans.sort(key=lambda mark: (mark.start, -mark.end))
    return tuple(spans)


def is_plain(text: str) -> bool:
    """Check quickly whether `text` has no invisible, bidirectional or look-alike characters.

    Latin-1 and typographic punctuation contain none of them; False only means that a full check is
    necessary.
    """
    for mark in _TYPOGRAPHIC:
        text = text.replace(mark, "")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def suspicious_character_flags(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the flags for suspicious characters in `texts`, such as titles and paragraphs.

    >>> suspicious_character_flags(["Kim\u202e Jong", "Кim Jong Un"])
    ('bidi_control', 'mixed_script')
    """
    kinds = {mark.kind for text in texts if not is_plain(text) for mark in _suspicious_marks(text)}
    return tuple(sorted(_FLAGS[kind] for kind in kinds))


def credited_publishers(paragraphs: Iterable[Paragraph]) -> tuple[str, ...]:
    """Return the publishers that asides credit with a report; they need not have published this
    text.

    >>> credited_publishers([Paragraph("text", "(t-online berichtete) (wir berichteten)")])
    ('t-online',)
    """
    names: dict[str, None] = {}
    for paragraph in paragraphs:
        if "bericht" in paragraph.text or " reported" in paragraph.text:
            for aside in ASIDE.finditer(paragraph.text):
                name = aside["outlet"] or aside["reporter"]
                if name.split()[0].casefold() not in _NO_OUTLETS:
                    names[name] = None
    return tuple(names)


def agencies(paragraphs: Iterable[Paragraph]) -> tuple[str, ...]:
    """Return the news agencies marked in `paragraphs`, in order.

    >>> text = "Köln (dpa/lnw) - Ein Zug ist entgleist."
    >>> agencies([Paragraph("text", text, marks(text))])
    ('dpa',)
    """
    names: dict[str, None] = {}
    for paragraph in paragraphs:
        for mark in paragraph.marks:
            if mark.kind == "agency":
                span = paragraph.text[mark.start : mark.end]
                names.update(dict.fromkeys(AGENCY_NAME.findall(span)))
    return tuple(names)


def _agency_marks(text: str) -> list[Mark]:
    if not text.endswith((".", '"', "“", "?", "!", ")")):
        last = AGENCY_AT_END.search(text, max(0, len(text) - MAX_AGENCY_LENGTH))
        if last:
            return [Mark("agency", *last.span())]
    if "(" in text or "/" in text:
        return [Mark("agency", *m.span()) for m in AGENCY.finditer(text)]
    return []


def _suspicious_marks(text: str) -> Iterator[Mark]:
    for match in INVISIBLE.finditer(text):
        if not _belongs_to_emoji(text, match.start(), match.end()):
            yield Mark("invisible", *match.span())
    for match in BIDI.finditer(text):
        yield Mark("bidi", *match.span())
    if FOREIGN_LETTER.search(text):
        yield from _script_marks(text)


def _script_marks(text: str) -> Iterator[Mark]:
    last = 0
    for pair in MIXED_PAIR.finditer(text):
        if pair.start() < last:
            continue
        start, end = pair.span()
        while start > last and text[start - 1].isalpha() and pair.start() - start < MAX_WORD_LENGTH:
            start -= 1
        while end < len(text) and text[end].isalpha() and end - pair.end() < MAX_WORD_LENGTH:
            end += 1
        last = end
        if LOOKALIKE.search(text, start, end):
            yield Mark("mixed_script", start, end)


def _belongs_to_emoji(text: str, start: int, end: int) -> bool:
    hidden = text[start:end]
    if start == 0 or not EMOJI_BASE.match(text[start - 1]):
        return False
    return hidden in ("\ufe0f", "\ufe0e") or (
        hidden in ("\u200d", "\ufe0f\u200d") and EMOJI_BASE.match(text[end : end + 1]) is not None
    )
