"""PURE: spans of a text that change by themselves: clocks, ages, counters, server traces.

Only whole paragraphs count, or whole pieces of a line that is divided by bars or dots. Running text
is never volatile. There are two exceptions, which are not edited by hand: addresses
(`storage.language.contacts`) and the year after a ©.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from storage.language.contacts import contacts
from storage.language.word_lists import word_list
from storage.values.lazy import lazy_pattern

Kind = Literal[
    "age",
    "clock",
    "moment",
    "stamp",
    "counter",
    "artefact",
    "navigation",
    "copyright",
    "email",
    "address",
]

LONGEST_PIECE = 120
"""Maximum letters of a piece of a line; longer ones are running text."""
LONGEST_LINE = 400
LONGEST_RESTLESS = 160

# ------------------------------------------------------------------------------ dates and times

_MONTH = (
    "(?:jan(?:uar|uary)?|feb(?:ruar|ruary)?|mär(?:z)?|mar(?:ch)?|apr(?:il)?|mai|may|jun[ie]?|jul[iy]?"
    "|aug(?:ust)?|sept?(?:ember)?|o[kc]t(?:ober)?|nov(?:ember)?|de[zc](?:ember)?)"
)
_WEEKDAY = (
    "(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    "|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mo|di|mi|do|fr|sa|so)\\.?,)"
)
_DAY = (
    rf"(?:\d{{1,2}}\.\s?(?:\d{{1,2}}\.|{_MONTH}\.?)(?:\s?\d{{4}}|\d\d)?"
    rf"|\d{{4}}-\d\d-\d\d|{_MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH}\.?,?\s\d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}})"
)
_ZONE = r"(?:\s?\(?(?:utc|gmt|mesz|mez|cest|cet|bst|e[sd]t|p[sd]t|z|[+-]\d\d:?\d\d)\)?)"
_TIME = (
    rf"(?:\d{{1,2}}[:.]\d\d(?::\d\d)?(?:\s?[ap]\.?m\.?)?{_ZONE}?(?:\s?(?:uhr|h)\b)?"
    rf"|\d{{1,2}}\s?(?:uhr|[ap]\.?m\.?){_ZONE}?)"
)
_SECONDS = rf"\d{{1,2}}:\d\d:\d\d(?:\s?[ap]\.?m\.?)?{_ZONE}?(?:\s?uhr\b)?"
_BETWEEN = r"(?:\s?[,|–-]\s?|\sum\s|\sat\s|\s|,\s(?:um|at)\s|t)"
_WHOLE_DAY = rf"(?:{_WEEKDAY},?\s(?:(?:der|den|dem)\s)?)?{_DAY}"
_RELATIVE_DAY = "(?:heute|gestern|vorgestern|today|yesterday)"
_SAID = (
    "(?:(?:zuletzt|last|letzte[rs]?)\\s)?"
    "(?:stand|aktualisiert|aktualisierung|update[ds]?|veröffentlicht|publiziert|erstellt|erschienen"
    "|geändert|änderung|bearbeitet|ergänzt|published|posted|modified|edited|created"
    "|online\\sseit|last\\supdated?)"
    "(?:\\s(?:am|on|at|um|vom))?\\s?:?"
)
_MANY = (
    "(?:\\d{1,3}|eine[rmn]?|ein\\spaar|wenigen|einigen|zwei|drei|vier|fünf|sechs|sieben|acht|neun"
    "|zehn|elf|zwölf|an?|a\\sfew|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_UNIT_DE = (
    "(?:sekunden?|sek\\.?|minuten?|min\\.?|stunden?|std\\.?|tag(?:en)?|wochen?|monat(?:en)?"
    "|jahr(?:en)?)"
)
_UNIT_EN = "(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|[smhdw])"

AGE = lazy_pattern(
    rf"(?:{_SAID}\s)?(?:vor\s(?:etwa\s|rund\s|ca\.\s|über\s)?{_MANY}\s{_UNIT_DE}"
    rf"|(?:about\s|over\s)?{_MANY}\s?{_UNIT_EN}\sago"
    r"|gerade\seben|soeben|eben\serst|just\snow|(?:a\smoment|moments)\sago)",
    re.IGNORECASE,
)
"""The age of something at the time when the page was generated.

>>> [bool(AGE.fullmatch(each)) for each in ("vor 5 Minuten", "Updated 2 hours ago", "vor dem Tor")]
[True, True, False]
"""
CLOCK = lazy_pattern(
    rf"{_SECONDS}"
    rf"|(?:es\sist\s(?:jetzt|gerade|aktuell|nun)|it\sis\snow|(?:aktuelle|genaue)\s(?:uhr)?zeit"
    rf"|ortszeit|(?:current|local)\stime)(?:\sist)?\s?:?\s{_TIME}\.?"
    rf"|heute\sist\s{_WHOLE_DAY}(?:{_BETWEEN}{_TIME})?\.?|today\sis\s{_WHOLE_DAY}\.?",
    re.IGNORECASE,
)
"""The current time, according to its words or its seconds.

>>> clocks = ("14:05:33 Uhr", "Es ist jetzt 14:05 Uhr.", "Heute ist Dienstag, der 18. Juni 2024")
>>> [bool(CLOCK.fullmatch(each)) for each in (*clocks, "Es ist 14:05 Uhr.", "14:05 Uhr")]
[True, True, True, False, False]
"""
STAMP = lazy_pattern(
    rf"{_SAID}\s(?:{_WHOLE_DAY}(?:{_BETWEEN}{_TIME})?|(?:{_RELATIVE_DAY}{_BETWEEN})?{_TIME})",
    re.IGNORECASE,
)
"""The time when a text was created or changed, in the words of the page.

>>> stamps = ("Stand: 18.06.2024, 13:34 Uhr", "Aktualisiert am 18. Juni 2024", "Updated 3:15 pm")
>>> [bool(STAMP.fullmatch(each)) for each in (*stamps, "18. Juni 2024", "Am 18.06.2024")]
[True, True, True, False, False]
"""
SAID_CHANGE = lazy_pattern(
    r"stand|aktualisier|update|geändert|änderung|bearbeitet|ergänzt|modified|edited", re.IGNORECASE
)
"""Words of a stamp about the last change of the text.

>>> bool(SAID_CHANGE.search("Stand: 18.06.2024")), bool(SAID_CHANGE.search("Erschienen am 3.5."))
(True, False)
"""
MOMENT = lazy_pattern(
    rf"{_WHOLE_DAY}{_BETWEEN}{_TIME}|{_WEEKDAY},?\s(?:(?:der|den)\s)?{_DAY}"
    rf"|(?:(?:es\sist|it\sis|uhrzeit:?|time:)\s)?{_TIME}",
    re.IGNORECASE,
)
"""A day or a time of day: a clock, the time of an entry, or the time of an event.

>>> moments = ("14:05 Uhr", "Uhrzeit: 14:05", "Dienstag, 18. Juni 2024", "18.6.2024, 14:05 Uhr")
>>> [bool(MOMENT.fullmatch(each)) for each in (*moments, "um 14:05 Uhr", "18. Juni 2024")]
[True, True, True, True, False, False]
"""
DAY_WORD = lazy_pattern(rf"(?P<word>{_RELATIVE_DAY}){_BETWEEN}{_TIME}", re.IGNORECASE)
"""A time with a day word that changes at midnight.

>>> DAY_WORD.fullmatch("heute, 14:05 Uhr")["word"]
'heute'
"""

# --------------------------------------------------------------------------------- counters

_NUMBER = (
    r"(?:\d{1,3}(?:[.,' ’]\d{3})+|\d+(?:[.,]\d+)?)"
    r"(?:\s?(?:k|m|tsd\.?|mio\.?|tausend|million(?:en)?)\b)?"
)
_COUNTED = (
    "(?:(?:leser|nutzer)?kommentare?|(?:seiten|artikel|beitrags|video)?aufrufe?|klicks?|zugriffe?"
    "|likes?|gefällt\\smir(?:-angaben)?|shares?|retweets?|reposts?|reaktion(?:en)?"
    "|(?:page\\s?)?views?|impressions|comments?|replies|reactions?)"
)
_TIMES_DONE = (
    "(?:(?:mal|x)\\s(?:gelesen|geteilt|angesehen|aufgerufen|angeklickt|geklickt|kommentiert|geliked"
    "|empfohlen)|times\\s(?:read|viewed|shared))"
)
COUNTER = lazy_pattern(
    rf"[(\[]?(?:{_NUMBER}|(?:noch\s)?keine|no|eine?|one)[)\]]?\s(?:{_COUNTED})"
    r"(?:\s(?:anzeigen|lesen|ansehen|einblenden|so\sfar|bisher|insgesamt))?"
    rf"|{_COUNTED}\s?(?::\s?{_NUMBER}|\({_NUMBER}\)|\[{_NUMBER}\])"
    rf"|(?:dieser?\s(?:artikel|beitrag|text|meldung|seite)\swurde\s(?:bisher\s|bereits\s|schon\s)?"
    rf"|(?:bisher|bereits|schon)\s)?{_NUMBER}\s?{_TIMES_DONE}\.?"
    rf"|(?:gelesen|geteilt|aufgerufen|viewed|shared)\s?:\s?{_NUMBER}"
    rf"|{_NUMBER}\s(?:leser|besucher|nutzer|personen|readers|users|visitors|people)\s"
    r"(?:(?:gerade\s|jetzt\s)?online|(?:are\s)?(?:reading|lesen)\s(?:das|dies|diesen\sartikel|this)"
    r"(?:\s(?:gerade|now))?)"
    rf"|(?:leser|besucher|nutzer|readers|users|visitors)\s(?:gerade\s)?online:?\s{_NUMBER}",
    re.IGNORECASE,
)
"""The number of views, shares or comments.

>>> counters = ("1.234 Aufrufe", "17 Kommentare", "Kommentare (3)", "2,4k views", "5 mal geteilt")
>>> [bool(COUNTER.fullmatch(each)) for each in (*counters, "17 Tote", "17 Kommentare erschienen")]
[True, True, True, True, True, False, False]
"""

# -------------------------------------------------------------------------- server traces

ARTEFACT = lazy_pattern(
    r"""
      (?:request|anfrage|sitzungs|session|trace|correlation|korrelations|incident|ray|transaction
        |transaktions|visitor|besucher|client|cache|page[ ]?view)
      [ _-]?(?:id|nr\.?|nummer|key|schlüssel|token|hash)[ ]?[:=\#]?[ ]?
      (?=[\w./+=-]*\d)[\w./+=-]{5,}
    | (?:php)?sess(?:ion)?id[ ]?[:=][ ]?[\w-]{5,}
    | (?:(?:diese[ ])?seite|(?:this[ ])?page|inhalt|content|rendered|served|generated|generiert
        |erzeugt|ausgeliefert|geladen|loaded|created)
      (?:[ ](?:wurde|was))?(?:[ ](?:generiert|erzeugt|geladen|erstellt|gerendert|ausgeliefert|gebaut
        |generated|rendered|served|loaded|created|built|cached))?
      [ ](?:in|nach|within)[ ]\d+(?:[.,]\d+)?[ ]?(?:ms|s|sek\.?|sekunden?|millisekunden
        |seconds?|milliseconds|secs?)\.?
    | (?:(?:diese[ ])?seite|(?:this[ ])?page)[ ]?(?:wurde[ ]|was[ ])?
      (?:generiert|erzeugt|erstellt|zwischengespeichert|generated|rendered|served|cached|built)
      [ ]?(?:am|um|at|on|:)?[ ].{0,12}\d\d?[:.]\d\d.{0,24}
    | cached?(?:[ ]?(?:version|copy|kopie|stand))?[ ]?(?:at|on|vom|am|:)[ ]
      .{0,20}\d[\d:. -]{3,}.{0,12}
    | (?:x-)?cache[ :-]{1,3}(?:hit|miss|stale|bypass)\b.{0,40}
    | (?:cache|build|asset)[ _-]?(?:buster|hash|stamp)[ ]?[:=][ ]?[\w.-]{4,}
    | (?=[0-9a-f-]*\d)(?=[0-9a-f-]*[a-f])[0-9a-f]{16,64}
    | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
    | \{?\{?[ ]?(?:google_ads?|ad_?slot|dfp|gtm|datalayer)[\w.:= -]{0,60}\d[\w.:= -]{0,20}\}?\}?
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Traces of a server, a cache or an advertiser on the page.

>>> traces = ("Request-ID: 8f3a91c2", "Seite generiert in 0,043 Sekunden", "sessionid=ab12cd34")
>>> [bool(ARTEFACT.fullmatch(each)) for each in (*traces, "Cache: HIT from edge-7", "Seite 5")]
[True, True, True, True, False]
"""
_NAVIGATION_WORDS = word_list("navigation")
NAVIGATION_BREAK = re.compile(r"(?:(?<!\s)\s++)?[|·•›»>/∙]\s*+|\n")
"""
>>> NAVIGATION_BREAK.split("Startseite | Politik › Sport")
['Startseite', 'Politik', 'Sport']
"""
_BREAKS = "|·•›»>/∙\n"
_STARTS = word_list("volatile_starts") | {"no ", "es ", "it ", "an ", "a f", "a m"}
_UNBROKEN = 16
"""Letters without a blank that are not a word, such as a request id."""
COPYRIGHT = lazy_pattern(
    r"(?:©|\(c\)|&copy;|\bcopyright\b(?:\s?(?:©|\(c\)))?)\s?(?:by\s)?"
    r"(?P<years>(?:19|20)\d\d(?:\s?[-–,/]\s?(?:19|20)\d\d)?)",
    re.IGNORECASE,
)
"""The year of a copyright notice.

>>> COPYRIGHT.search("© 2019–2024 Lohebote")["years"], COPYRIGHT.search("Im Jahr 2024")
('2019–2024', None)
"""
PIECE_BREAK = re.compile(
    r"(?:(?<!\s)\s++)?[|·•∙●]\s*+|(?<!\s)\s++[–—/-]\s++|(?:(?<!\s)[^\S\n]++)?\n\s*+"
)
"""Separators between the pieces of a line.

>>> PIECE_BREAK.split("Von Anna Muster | vor 5 Minuten · 17 Kommentare")
['Von Anna Muster', 'vor 5 Minuten', '17 Kommentare']
"""
_BRACKETS = frozenset({"()", "[]"})
_MAY_BE_VOLATILE = re.compile(
    r"\d|vor\s|ago\b|eben\b|now\b|kommentar|comment|©|copyright", re.IGNORECASE
)

_PIECES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("age", AGE),
    ("counter", COUNTER),
    ("clock", CLOCK),
    ("stamp", STAMP),
    ("artefact", ARTEFACT),
    ("moment", MOMENT),
)
_TIMES = frozenset({"age", "clock", "moment", "stamp"})
RESTLESS: frozenset[str] = frozenset({"age", "clock", "counter", "artefact", "navigation"})
"""Kinds that may differ at each check, with or without an edit."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a text that changes by itself; spans of one kind are equal if their `value` is."""

    kind: Kind
    start: int
    end: int
    value: str | None = None


def spans(text: str) -> list[Span]:
    """Return the spans of one paragraph that change by themselves, in order, without overlap.

    >>> [(s.kind, "Von Anna Muster | vor 5 Minuten"[s.start : s.end]) for s in
    ...  spans("Von Anna Muster | vor 5 Minuten")]
    [('age', 'vor 5 Minuten')]
    >>> spans("Vor 5 Minuten kamen 17 Kommentare herein.")
    []
    """
    found: list[Span] = [Span(c.kind, c.start, c.end, c.value) for c in contacts(text)]  # type: ignore[arg-type]
    if _MAY_BE_VOLATILE.search(text):
        found += _years(text)
    if len(text) <= LONGEST_LINE:
        found += _pieces(text)
    return _without_overlaps(found)


def restless_kind(text: str) -> Kind | None:
    """Return the kind of a paragraph that is volatile as a whole; None for a text.

    >>> restless_kind("vor 5 Minuten · 17 Kommentare"), restless_kind("Startseite | Politik | TV")
    ('age', 'navigation')
    >>> restless_kind("Stand: 18.06.2024"), restless_kind("17 Kommentare | Das sagt der Minister")
    (None, None)
    """
    if len(text) > LONGEST_RESTLESS:
        return None
    if is_navigation(text):
        return "navigation"
    if not _may_be_restless(text):
        return None
    kinds = [kind for _start, _end, kind in _pieces_of_line(text)]
    if kinds and all(kind in RESTLESS for kind in kinds):
        return kinds[0]
    return None


def _may_be_restless(text: str) -> bool:
    """Check cheaply whether a line begins like a volatile paragraph."""
    start = text.lstrip(" ([{")[:_UNBROKEN]
    return start[:1].isdigit() or start[:3].casefold() in _STARTS or " " not in start


def is_navigation(text: str) -> bool:
    """Check whether a line is a menu: at least three short pieces, most of them well-known ones.

    >>> is_navigation("Startseite › Politik › Ausland"), is_navigation("Anna | Ben | Carla | Sport")
    (True, False)
    """
    if not any(mark in text for mark in _BREAKS):
        return False
    pieces = [piece.strip() for piece in NAVIGATION_BREAK.split(text) if piece.strip()]
    if len(pieces) < 3 or any(len(piece) > 30 or piece[-1] in ".!?:" for piece in pieces):
        return False
    known = sum(piece.casefold() in _NAVIGATION_WORDS for piece in pieces)
    return known >= 2 and 2 * known >= len(pieces)


def stamps(text: str) -> Iterator[str]:
    """Yield the notes of one paragraph about the last change: "Stand", "Aktualisiert", "Updated".

    >>> list(stamps("Von Anna Muster | Stand: 18.06.2024, 13:34 Uhr"))
    ['Stand: 18.06.2024, 13:34 Uhr']
    """
    if len(text) <= LONGEST_LINE and SAID_CHANGE.search(text):
        for start, end, kind in _pieces_of_line(text):
            if kind in {"stamp", "age"} and SAID_CHANGE.search(text, start, end):
                yield text[start:end]


def _years(text: str) -> Iterator[Span]:
    for found in COPYRIGHT.finditer(text):
        yield Span("copyright", *found.span("years"))


def _pieces(text: str) -> Iterator[Span]:
    if is_navigation(text):
        yield Span("navigation", 0, len(text))
        return
    if not _MAY_BE_VOLATILE.search(text):
        return
    pieces = list(_pieces_of_line(text))
    is_time_alone = all(kind in _TIMES for _start, _end, kind in pieces)
    for start, end, kind in pieces:
        if kind is not None and (kind != "moment" or is_time_alone):
            yield Span(kind, start, end)
        elif kind is None and (found := DAY_WORD.fullmatch(text, start, end)):
            yield Span("age", *found.span("word"))


def _pieces_of_line(text: str) -> Iterator[tuple[int, int, Kind | None]]:
    """Yield the pieces of a line with their kinds; a line may be one piece."""
    whole = _trim(text, 0, len(text))
    if (kind := _piece_kind(text[slice(*whole)])) is not None:
        yield (*whole, kind)
        return
    start = 0
    for mark in (*PIECE_BREAK.finditer(text), None):
        end = len(text) if mark is None else mark.start()
        trimmed = _trim(text, start, end)
        if trimmed[0] < trimmed[1]:
            yield from _pieces_by_comma(text, *trimmed)
        start = end if mark is None else mark.end()


def _pieces_by_comma(text: str, start: int, end: int) -> Iterator[tuple[int, int, Kind | None]]:
    """Yield one piece, or several if commas separate parts with kinds of their own."""
    kind = _piece_kind(text[start:end])
    parts = text[start:end].split(", ")
    if kind is None and len(parts) > 1:
        kinds = [_piece_kind(part) for part in parts]
        if all(kinds):
            for part, own in zip(parts, kinds, strict=True):
                yield start, start + len(part), own
                start += len(part) + len(", ")
            return
    yield start, end, kind


def _piece_kind(piece: str) -> Kind | None:
    if len(piece) > LONGEST_PIECE:
        return None
    return next((kind for kind, pattern in _PIECES if pattern.fullmatch(piece)), None)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without surrounding blanks and brackets."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end - start > 2 and text[start] + text[end - 1] in _BRACKETS:
        return _trim(text, start + 1, end - 1)
    return start, end


def _without_overlaps(spans_found: list[Span]) -> list[Span]:
    """Return the spans in order, without those that overlap an earlier one."""
    apart: list[Span] = []
    for span in sorted(spans_found, key=lambda each: (each.start, -each.end)):
        if not apart or span.start >= apart[-1].end:
            apart.append(span)
    return apart
