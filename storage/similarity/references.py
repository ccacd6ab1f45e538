"""PURE: statements of a text about an earlier one: it adds to it, corrects it or withdraws it.

„Nachtrag zu Nr. 512 vom 3.2.", „Korrektur: …", "UPDATE 2-…", "CORRECTED-…": a mark in the title or
the first lines, followed by a number, a day or a title.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from storage.language.facts import MONTHS, Fact, facts_in
from storage.language.word_lists import word_list
from storage.similarity.overlap import plain
from storage.values.lazy import lazy_pattern

Mark = Literal["supplement", "correction", "update", "withdrawal"]

OPENING = 700
"""Number of letters at the start of a text that may contain a reference."""

_SENDER_NAME = r"[A-ZÄÖÜ]{2,6}(?:[-/][A-ZÄÖÜ][\w-]{0,14}){1,2}"
_SENDER = rf"(?:(?:{_SENDER_NAME}|[A-ZÄÖÜ]{{2,6}}(?: [A-ZÄÖÜ][\w-]{{0,14}}){{0,2}}) ?: ?)?"
_MARKS: dict[Mark, str] = {
    "supplement": (
        r"nachtr(?:ag|äge)(?:smeldung)?|nachmeldung|nachtragsmitteilung"
        r"|ergänzung(?:s(?:meldung|mitteilung))?|ergänzende[rs]? (?:presse)?(?:mitteilung|meldung)"
        r"|folgemeldung|anschlussmeldung|abschlussmeldung|schlussmeldung|zwischenbilanz zu"
        r"|follow[- ]?up|wrapup(?: \d+)?"
    ),
    "correction": (
        r"korrektur(?:meldung|mitteilung|hinweis|fassung)?|korrigenda?|korrigendum"
        r"|(?:zweite,? |neue,? |\d\. )?(?:korrigiert|berichtigt)e[rs]? "
        r"(?:fassung|version|(?:presse)?(?:meldung|mitteilung))"
        r"|berichtigung|richtigstellung|klarstellung|neufassung|erratum"
        r"|corrected(?: ?\([^)]{1,20}\))?|corrections?|clarification|refile"
    ),
    "update": (
        r"update(?: ?\d+)?|aktualisierung|aktualisierte (?:fassung|version|meldung)"
        r"|(?:erneute )?aktualisierung"
    ),
    "withdrawal": (
        r"widerruf|rücknahme|rückruf der meldung|zurückgezogen|zurückziehung"
        r"|(?:öffentlichkeits)?fahndung (?:beendet|erledigt|aufgehoben)"
        r"|withdrawn|retraction|retracted|kill(?:ed)?:"
    ),
}
_MARK = "|".join(f"(?P<{name}>{words})" for name, words in _MARKS.items())
_PIECE = (
    r"(?:presse|polizei|erst|ursprungs|kurz|eil|feuerwehr|medien)?-?"
    r"(?:mitteilung|meldung|information|bericht|notiz|erklärung|fahndung|nachricht)(?:en|s|es)?"
    r"|PM|PB|vermisstenfahndung|öffentlichkeitsfahndung|einsatz|artikel|story|release|report"
)
TITLE_MARK = lazy_pattern(
    rf"^[\W_]*+{_SENDER}[\W_]*+(?:\d{{1,2}}\. ?)?(?:{_MARK})(?P<rest>"
    rf" ?[:+*|/\])!–—-].*"
    rf"| (?:zu|zur|zum|of|to|on)\b.*"
    rf"| (?:der|des|unserer|vom|von der|von unserer) (?:\w+ ){{0,2}}(?:{_PIECE}|\d).*"
    rf"|[\s.+*!]*)$",
    re.IGNORECASE | re.DOTALL,
)
"""A mark at the start of a title, after the name of its sender.

>>> [bool(TITLE_MARK.match(each)) for each in ("POL-LO: Nachtrag: Unfall", "Nachtragshaushalt")]
[True, False]
>>> [bool(TITLE_MARK.match(each)) for each in ("UPDATE 2-Dax fällt", "Update für die Warn-App")]
[True, False]
"""
TITLE_MARK_END = lazy_pattern(
    r"(?P<core>.+?)(?: ?(?<![:+*|/(\[–—-])[:+*|/(\[–—-]++ ?| )(?:\d\. )?(?:"
    r"(?P<supplement>nachtrag|ergänzung|folgemeldung)|(?P<correction>korrektur|korrigiert"
    r"|korrigierte (?:fassung|version)|berichtigt|berichtigte fassung|berichtigung|corrected)"
    r"|(?P<update>update(?: \d+)?|aktualisiert|aktualisierung)"
    r"|(?P<withdrawal>widerruf|zurückgezogen|erledigt))[\s)\]+*!.:]*$",
    re.IGNORECASE | re.DOTALL,
)
"""A mark at the end of a title.

>>> TITLE_MARK_END.match("Brand in Lohetal - Nachtrag")["core"]
'Brand in Lohetal'
"""
TITLE_MARK_INSIDE = lazy_pattern(
    rf"(?<![\w-])(?:"
    rf"(?:{_MARK}|bezug(?:nahme)?|änderung) (?:(?:zu|zur|zum|zu den)\b"
    rf"|(?:(?:{_PIECE}) )?(?:vom|v\.|Nr\.) ?\d)"
    rf"|(?:nachtrag|ergänzung|korrektur|berichtigung|änderung|rücknahme)"
    rf" (?:der|des|unserer|vom|von|von der|einer|zweier) (?:\w+ ){{0,2}}(?:{_PIECE}|\d)"
    rf"|(?:siehe(?: auch)?|s\.|berichtet in|unsere[rn]?(?: \w+)?|(?<=\w \())"
    rf" ?(?:{_PIECE})? ?(?:vom |v\. ?)?(?:Nr\.? ?|Nummer )?(?!\d{{1,2}} von)\d)",
    re.IGNORECASE,
)
"""A mark in the middle of a title, with the words that refer to the other text.

>>> TITLE_MARK_INSIDE.search("AB: 12 Brand gelöscht - Nachtrag zur Meldung 11")[0]
'Nachtrag zur'
>>> TITLE_MARK_INSIDE.search("Bürger stimmen für Ergänzung zweier Gesetze")
"""
TEXT_MARK = lazy_pattern(
    rf"(?:^[\W_]*+|(?<![\W_])(?>[\W_]*?(?:\n|[.:!] |\()[\W_]*+))(?:\d{{1,2}}\. ?)?(?:{_MARK})"
    rf"(?: (?:zu|zur|zum|der|des|unserer|vom)\b[^.\n]{{0,40}}?(?:{_PIECE}|Nr\.|\d)|[ ]?:)"
    rf"|\b(?:in|mit|wie in|wie mit|zu|zur|bezug(?:nehmend)?(?: auf)?:?|auf)"
    rf" (?:der|unserer|unsere|einer|dieser|die)? ?(?:\w+ )?(?:{_PIECE})\b[^\n]{{0,90}}?"
    rf"(?:vom|von|Nr\.?|Ziffer|Nummer)\b"
    rf"|\b(?:siehe|s\.|vgl\.)(?: auch)?(?: unsere[rn]?)? (?:{_PIECE})\b[^\n\d]{{0,20}}\d"
    rf"|\b(?:in a|this|an earlier|a previous|\w+ \d{{1,2}}) story\b[^\n]{{0,60}}"
    rf"(?:published|corrects|corrected|misstated|moved)"
    rf"|\(?(?:corrects|recasts|adds|refiles|updates)\b[^\n)]{{3,120}}\)"
    rf"|\b(?:korrigierte|berichtigte|ergänzte) (?:{_PIECE}|fassung|version)\b",
    re.IGNORECASE,
)
"""A reference to an earlier text in the first lines.

>>> bool(TEXT_MARK.search("Mit der Polizeimeldung Nr. 259 vom 2. Februar berichtete die Polizei"))
True
>>> bool(TEXT_MARK.search("Die Kämmerei begründet den Nachtrag mit höheren Löhnen."))
False
"""
NUMBER = lazy_pattern(
    r"(?:\b(?:Nr\.?|Nummern?|Ziffer|PM|PB|No\.|siehe auch|berichtet in"
    r"|\w{0,12}(?:meldung|mitteilung|bericht|information)(?:en|s|es)?)[ :\"„-]{1,4}"
    r"(?:Nr\.? ?|Nummern?[ -]{1,3})?(?:(?P<stamp>\d{8}|\d{6})[ ]{0,3}[-–/ ][- ]{0,2})?"
    r"|\b(?P<bare>\d{8}|\d{6})[ ]?[-–][ ]?|\bNr\.)"
    r"0{0,4}(?P<number>[1-9]\d{0,4})(?![\d.:]*\d|,\d|\w| von \d)"
    r"(?:(?: ?/ ?| - |-)(?P<year>(?:19|20)?\d\d)(?!\d))?"
    r"(?P<others>(?:(?:,| und| bis) 0{0,4}\d{1,5}(?![\w:]|[.,]\d)){0,8})",
    re.IGNORECASE,
)
"""A number that identifies a text, alone or after the day that its sender puts before it.

>>> [m.group("number", "year") for m in NUMBER.finditer("Nr. 0512, Pressemitteilung 12/2024")]
[('512', None), ('12', '2024')]
>>> [m.group("stamp", "number") for m in NUMBER.finditer("Nr. 070704-0779 (Meldung 3 von 4)")]
[('070704', '779')]
"""
HEAD = lazy_pattern(
    rf"[\W_]*+(?P<sender>{_SENDER_NAME} ?: ?)?(?:[^\W\d]{{4,30}}: ?)?"
    r"(?:(?P<stamp>\d{8}|\d{6}|(?:19|20)\d\d)[\W_]{1,6})?"
    r"(?P<number>\d{1,5})(?P<year>/\d{2,4})?[\W_]{1,6}(?=[^\W_])"
)
"""The sender's own serial number at the start of a title.

>>> [HEAD.match(each)["number"] for each in ("AB-C: 100413 - 0434 Ort: Brand", "AB-C: 7/24 Brand")]
['0434', '7']
"""
OTHERS = lazy_pattern(r"(,|und|bis) (\d+)")
OF_A_DAY = lazy_pattern(
    rf"\b(?:{_PIECE})\b[^\n]{{0,40}}?\b(?:vom|von|of|from)\b|\bstory\b", re.IGNORECASE
)
"""
>>> bool(OF_A_DAY.search("Die Polizei widerruft die Fahndung vom 3. Februar."))
True
"""
ORDINAL = lazy_pattern(
    r"(?P<before>\d{1,2})\. ?(?:nachtrag|ergänzung|folgemeldung|update|korrektur)"
    r"|(?:update|wrapup) ?(?P<behind>\d{1,2})",
    re.IGNORECASE,
)
RELATIVE_DAY = lazy_pattern(
    r"\b(?:(?P<same>heutigen|today's|von heute)|(?P<before>gestrigen|yesterday's|von gestern))\b",
    re.IGNORECASE,
)
DATED = lazy_pattern(rf"(?<![\w.,:-])[0-3]?\d\. ?(?:[01]?\d\.|(?:{MONTHS})\b)", re.IGNORECASE)
"""
>>> [found[0] for found in DATED.finditer("Am 3. Februar, nicht am 4.2. um 9.30 Uhr")]
['3. Februar', '4.2.']
"""
SENDER_START = lazy_pattern(rf"^{_SENDER}")
SENDER_NAMED = lazy_pattern(rf"(?:^|: |[-–+\"„] ?)({_SENDER_NAME}) ?: ")
WORD = lazy_pattern(r"\w+")
MEANT = lazy_pattern(
    r"(?:zu|zur|zum|der|des|unserer|vom|of|to|on)\b[ :]*(?P<own>(?:(?!: | - | – ).){0,90}?)"
    r"(?:(?:: | - | – )(?P<title>.+))?$",
    re.IGNORECASE | re.DOTALL,
)
"""The text after a mark: the words that introduce the reference, and its title."""
PIECE_START = lazy_pattern(rf"(?:{_PIECE})\b", re.IGNORECASE)
QUOTED = lazy_pattern(
    r"[\"„“»](?P<title>[^\"„“”»«\n]{8,160})[\"“”«]|\((?P<inner>[^()\n]{12,160})\)"
)
STOPWORDS = word_list("stopwords")
_HINTS = tuple(
    word.encode()
    for word in (
        "nachtr", "meld", "mitteil", "rgänz", "orr", "richtig", "klarstell", "fassung", "errat",
        "clarif", "update", "aktualis", "widerruf", "ückn", "zurückg", "beendet", "erledigt",
        "withdr", "retract", "follow", "wrapup", "refile", " pm ", "story", "bilanz", "bezug",
        "recast", "adds", "killed", "rückruf", " pb ", "siehe ", "berichtet in", "nderung zu",
    )
)  # fmt: skip
"""Words of which every reference contains at least one."""
_PIECE_HINTS = (
    *(hint.decode() for hint in _HINTS),
    "information", "bericht", "notiz", "erklärung", "fahndung", "nachricht", "pm", "pb", "einsatz",
    "artikel", "release", "report", "zurück", "kill",
)  # fmt: skip
"""Words of which every line with a reference contains at least one."""
_NUMBER_HINTS = (b"nr", b"nummer", b"ziffer", b"pm ", b"mitteilung", b"meldung", b"no.")
_LONGEST_LINE, _SHORTEST_TITLE = 160, 2
_MOST_TITLES, _LINES = 8, 8
_REACH, _BEFORE, _BEHIND = 90, 16, 60
_MOST_OF_A_RANGE = 12
_SHORT_YEAR = 2
_WORDS_OF_PLACE = 2


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an earlier text, with its days and numbers.

    `titles` are the cores of possible titles of the other text, most likely first. `ordinal` counts
    the earlier texts: 2 for `UPDATE 2-` and for `2. Nachtrag`, otherwise 1.
    """

    mark: Mark
    titles: tuple[str, ...]
    numbers: tuple[int, ...]
    days: tuple[date, ...]
    ordinal: int


def reference(title: str | None, text: str, day: date | None) -> Reference | None:
    """Return the reference of a text to an earlier one, or None.

    >>> found = reference("Nachtrag zu Nr. 512 vom 3.2.: Unfall", "", date(2024, 2, 5))
    >>> found.mark, found.numbers, found.days, found.titles
    ('supplement', (512,), (datetime.date(2024, 2, 3),), ('unfall',))
    """
    title, opening = plain(title or "").strip(), plain(text[:OPENING])
    mark, core, stated = _title_mark(title)
    named = [stated] if mark else []
    for line in _first_lines(opening):
        if not _may_refer_in(line):
            continue
        found = TEXT_MARK.search(line) or TITLE_MARK.match(line)
        if found and not (mark is None and _is_own_header(line)):
            mark = mark or _kind(found)
            named.append(line[found.start() : found.end() + _REACH])
    if mark is None:
        return None
    named += [
        opening[max(0, each.start() - _BEFORE) : each.end() + _BEHIND]
        for each in OF_A_DAY.finditer(opening)
    ]
    segment = "\n".join(named)
    return Reference(
        mark=mark,
        titles=tuple(_titles(core, title, opening)),
        numbers=tuple(dict.fromkeys(_numbers(segment))),
        days=tuple(dict.fromkeys(_days(segment, day))),
        ordinal=_ordinal(title),
    )


def numbers_of_text(title: str | None, text: str, earlier: Reference | None) -> tuple[int, ...]:
    r"""Return the numbers of the text itself, in its title or its first lines.

    >>> numbers_of_text("Raub am Kiosk", "Polizeimeldung vom 18.06.2024\nNr. 0512\nGestern", None)
    (512,)
    >>> numbers_of_text("AB-C: 100413 - 434 Ort: Ergänzung zu Nr. 430", "", None)
    (434,)
    """
    title = plain(title or "")
    head = serial(title)
    _mark, _core, named = _title_mark(title)
    found = [head] if head else []
    found += _numbers(title.removesuffix(named) if earlier else title) if not head else []
    lines = [line for line in _first_lines(plain(text[:OPENING])) if len(line) <= _LONGEST_LINE]
    found += [number for line in lines[:5] for number in _numbers(line)]
    others = earlier.numbers if earlier else ()
    return tuple(dict.fromkeys(n for n in found if n == head or n not in others))


def serial(title: str | None) -> int:
    """Return the serial number of the sender at the start of a title, 0 if there is none."""
    found = HEAD.match(plain(title or ""))
    if found is None or not (found["sender"] or found["stamp"] or found["year"]):
        return 0
    return int(found["number"])


def may_refer(opening: bytes) -> bool:
    """Check cheaply whether a text may refer to an earlier one; most do not.

    `opening` is its title and first lines in UTF-8, with ASCII letters in lower case.
    """
    return any(map(opening.__contains__, _HINTS))


def may_be_numbered(opening: bytes) -> bool:
    """Check cheaply whether a text may have a number of its own."""
    return any(map(opening.__contains__, _NUMBER_HINTS))


def day_in_month(text: str, month: date) -> date | None:
    """Return the first day of that month in the opening of a text.

    If a source states only the month, the text usually contains its day.

    >>> day_in_month("Polizeimeldung vom 18.06.2024", date(2024, 6, 30))
    datetime.date(2024, 6, 18)
    """
    for match in DATED.finditer(text[:OPENING]):
        number, _, day = facts_in(match[0])[0].value.partition("-")
        if day and int(number) == month.month and 1 <= int(day) <= month.day:
            return month.replace(day=int(day))
    return None


def core(title: str | None) -> str:
    """Return the story part of a title: without sender, mark, punctuation and case.

    >>> core("POL-LO: Nachtrag: Unfall auf der B 27"), core("UPDATE 1-Dax fällt")
    ('unfall auf der b 27', 'dax fällt')
    """
    stated = plain(title or "").strip(' "„“”»«')
    is_marked = may_refer(stated.lower().encode("utf-8", "surrogatepass"))
    stated = _without_serial(stated)
    for _ in range(2 if is_marked else 0):
        _mark, stated, _named = _title_mark(stated)
    stated = _without_serial(SENDER_START.sub("", stated))
    return " ".join(WORD.findall(stated.casefold()))


def sender(title: str | None) -> str:
    """Return the short name of the sender at the start of a title, folded.

    >>> sender("POL-MA: Nachtrag: Unfall"), sender("Nachtrag: POL-MA: Unfall"), sender("Unfall")
    ('pol-ma', 'pol-ma', '')
    """
    found = SENDER_NAMED.search(plain(title or ""))
    return found[1].casefold() if found else ""


def is_specific(title_core: str) -> bool:
    """Check whether a title is more than a word that occurs every day.

    >>> is_specific("verkehrsunfall"), is_specific("unfall auf der b 27 bei lohetal")
    (False, True)
    """
    words = {word for word in title_core.split() if word not in STOPWORDS}
    return len(words) > _SHORTEST_TITLE


# ------------------------------------------------------------------------------------ private


def _title_mark(title: str) -> tuple[Mark | None, str, str]:
    """Return the mark of a title, its story, and the text that the mark refers to."""
    headless = _without_serial(title)
    if found := TITLE_MARK.match(headless):
        return _kind(found), _rest(found["rest"]), headless
    if found := TITLE_MARK_END.match(headless):
        return _kind(found), found["core"], headless
    if found := TITLE_MARK_INSIDE.search(headless):
        named = headless[found.start() :]
        before = headless[: found.start()].strip(" :–-(/,")
        story = _rest(headless[found.end() :]) if len(before.split()) <= _WORDS_OF_PLACE else before
        return _kind(found), story, named
    return None, title, ""


def _without_serial(title: str) -> str:
    found = HEAD.match(title)
    if found is None or not serial(title):
        return title
    return (found["sender"] or "") + title[found.end() :]


def _numbers(segment: str) -> Iterator[int]:
    """Yield the numbers of referenced texts, including those of a list and of a short range.

    >>> list(_numbers("Nr. 774 und 782, den Berichten Nr. 0115 bis 0118"))
    [774, 782, 115, 116, 117, 118]
    """
    for match in NUMBER.finditer(segment):
        last = int(match["number"])
        yield last
        for link, digits in OTHERS.findall(match["others"] or ""):
            number = int(digits)
            if link == "bis" and last < number <= last + _MOST_OF_A_RANGE:
                yield from range(last + 1, number)
            yield number
            last = number


def _rest(rest: str) -> str:
    """Return the text after a mark without its introducing words.

    >>> _rest(" zu Nr. 512 vom 3.2.: Unfall"), _rest(": Unfall"), _rest(" zum Brand in Lohetal")
    ('Unfall', 'Unfall', 'Brand in Lohetal')
    """
    stated = rest.strip(" \t:+*|/)]!–—-")
    named = MEANT.match(stated)
    if named is None:
        return stated
    return (named["title"] or named["own"] or "").strip(' :-–"„“')


def _kind(match: re.Match[str]) -> Mark:
    groups = match.groupdict()
    return next((name for name in _MARKS if groups.get(name)), "supplement")


def _ordinal(title: str) -> int:
    found = ORDINAL.search(title)
    return int(found["before"] or found["behind"]) if found else 1


def _first_lines(opening: str) -> list[str]:
    return [line.strip() for line in opening.split("\n") if line.strip()][:_LINES]


def _may_refer_in(line: str) -> bool:
    """Check cheaply whether a line may refer to an earlier text."""
    return any(map(line.lower().__contains__, _PIECE_HINTS))


def _is_own_header(line: str) -> bool:
    """Check whether a line only describes the text itself: `Polizeimeldung vom 18.06.2024`."""
    return len(line) < 60 and PIECE_START.match(line) is not None


def _titles(title_core: str, title: str, opening: str) -> Iterator[str]:
    """Yield the cores of possible titles of the other text, each once."""
    lines = [title_core, *_titles_in_quotes(title), *_titles_in_quotes(opening)]
    lines += [line for line in _first_lines(opening) if len(line) <= _LONGEST_LINE]
    lines += [line.rpartition(": ")[2] for line in _first_lines(opening) if ": " in line]
    seen: set[str] = set()
    for each in lines:
        found = core(each.rstrip(" .")) if each else ""
        if found and found not in seen and len(seen) < _MOST_TITLES:
            seen.add(found)
            yield found


def _titles_in_quotes(text: str) -> Iterator[str]:
    for match in QUOTED.finditer(text):
        yield match["title"] or match["inner"]


def _days(matches: str, day: date | None) -> Iterator[date]:
    """Yield the referenced days; years follow from the day of the text."""
    if day is None:
        return
    for match in RELATIVE_DAY.finditer(matches):
        yield day if match["same"] else day - timedelta(days=1)
    for match in NUMBER.finditer(matches):
        if found := day_of_stamp(match["stamp"] or match["bare"] or ""):
            yield found
    for fact in facts_in(matches.replace("v.", "vom ")):
        if fact.kind == "date" and (found := _day_before(fact, day)):
            yield found


def day_of_stamp(stamp: str) -> date | None:
    """Return the day written as six or eight digits, year first.

    >>> day_of_stamp("070704"), day_of_stamp("20240618"), day_of_stamp("999999")
    (datetime.date(2007, 7, 4), datetime.date(2024, 6, 18), None)
    """
    if not stamp:
        return None
    year, month, day = stamp[:-4], stamp[-4:-2], stamp[-2:]
    try:
        return date(int(year) + (2000 if len(year) == _SHORT_YEAR else 0), int(month), int(day))
    except ValueError:
        return None


def _day_before(fact: Fact, day: date) -> date | None:
    """Return the last day with that date up to `day`, because references point to the past."""
    month, number = map(int, fact.value.split("-"))
    for year in (day.year, day.year - 1):
        try:
            found = date(year, month, number)
        except ValueError:
            return None
        if found <= day:
            return found
    return None
