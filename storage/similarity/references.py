"""PURE: what a text says of an earlier one: that it adds to it, corrects it, takes it back.

„Nachtrag zu Nr. 512 vom 3.2.", „Korrektur: …", "UPDATE 2-…", "CORRECTED-…": a mark in the title or
the first lines, and behind it what is meant: a number, a day, a title.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from storage.language.facts import MONTHS, Fact, facts_in
from storage.similarity.overlap import plain

Mark = Literal["supplement", "correction", "update", "withdrawal"]

OPENING = 700
"""Letters of a text in which it says what it follows."""

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
    r"|PM|vermisstenfahndung|öffentlichkeitsfahndung|einsatz|artikel|story|release|report"
)
TITLE_MARK = re.compile(
    rf"^[\W_]*+{_SENDER}[\W_]*+(?:\d{{1,2}}\. ?)?(?:{_MARK})(?P<rest>"
    rf" ?[:+*|/\])!–—-].*"
    rf"| (?:zu|zur|zum|of|to|on)\b.*"
    rf"| (?:der|des|unserer|vom|von der|von unserer) (?:\w+ ){{0,2}}(?:{_PIECE}|\d).*"
    rf"|[\s.+*!]*)$",
    re.IGNORECASE | re.DOTALL,
)
"""A mark that begins a title, behind the name of its sender.

>>> [bool(TITLE_MARK.match(each)) for each in ("POL-LO: Nachtrag: Unfall", "Nachtragshaushalt")]
[True, False]
>>> [bool(TITLE_MARK.match(each)) for each in ("UPDATE 2-Dax fällt", "Update für die Warn-App")]
[True, False]
"""
TITLE_MARK_END = re.compile(
    r"(?P<core>.+?)(?: ?(?<![:+*|/(\[–—-])[:+*|/(\[–—-]++ ?| )(?:\d\. )?(?:"
    r"(?P<supplement>nachtrag|ergänzung|folgemeldung)|(?P<correction>korrektur|korrigiert"
    r"|korrigierte (?:fassung|version)|berichtigt|berichtigte fassung|berichtigung|corrected)"
    r"|(?P<update>update(?: \d+)?|aktualisiert|aktualisierung)"
    r"|(?P<withdrawal>widerruf|zurückgezogen|erledigt))[\s)\]+*!.:]*$",
    re.IGNORECASE | re.DOTALL,
)
"""A mark that ends a title.

>>> TITLE_MARK_END.match("Brand in Lohetal - Nachtrag")["core"]
'Brand in Lohetal'
"""
TEXT_MARK = re.compile(
    rf"(?:^[\W_]*+|(?<![\W_])(?>[\W_]*?(?:\n|[.:!] |\()[\W_]*+))(?:\d{{1,2}}\. ?)?(?:{_MARK})"
    rf"(?: (?:zu|zur|zum|der|des|unserer|vom)\b[^.\n]{{0,40}}?(?:{_PIECE}|Nr\.|\d)|[ ]?:)"
    rf"|\b(?:in|mit|wie in|wie mit|zu|zur|bezug(?:nehmend)?(?: auf)?:?|auf)"
    rf" (?:der|unserer|unsere|einer|dieser|die)? ?(?:\w+ )?(?:{_PIECE})\b[^\n]{{0,90}}?"
    rf"(?:vom|von|Nr\.?|Ziffer|Nummer)\b"
    rf"|\b(?:in a|this|an earlier|a previous|\w+ \d{{1,2}}) story\b[^\n]{{0,60}}"
    rf"(?:published|corrects|corrected|misstated|moved)"
    rf"|\(?(?:corrects|recasts|adds|refiles|updates)\b[^\n)]{{3,120}}\)"
    rf"|\b(?:korrigierte|berichtigte|ergänzte) (?:{_PIECE}|fassung|version)\b",
    re.IGNORECASE,
)
"""How the first lines of a text name an earlier one.

>>> bool(TEXT_MARK.search("Mit der Polizeimeldung Nr. 259 vom 2. Februar berichtete die Polizei"))
True
>>> bool(TEXT_MARK.search("Die Kämmerei begründet den Nachtrag mit höheren Löhnen."))
False
"""
NUMBER = re.compile(
    r"(?:\bNr\.?|\bNummer|\bZiffer|\bPM|\bPressemitteilung|\bMeldung|\bNo\.) ?(?:Nr\.? ?)?"
    r"0*(?P<number>[1-9]\d{0,4})(?:(?: ?/ ?| - |-)(?P<year>(?:19|20)?\d\d))?(?![\d.,:]*\d)",
    re.IGNORECASE,
)
"""
>>> [m.group("number", "year") for m in NUMBER.finditer("Nr. 0512, Pressemitteilung 12/2024")]
[('512', None), ('12', '2024')]
"""
SENTENCE = re.compile(r"[^\n]{1,240}")
OF_A_DAY = re.compile(
    rf"\b(?:{_PIECE})\b[^\n]{{0,40}}?\b(?:vom|von|of|from)\b|\bstory\b", re.IGNORECASE
)
"""
>>> bool(OF_A_DAY.search("Die Polizei widerruft die Fahndung vom 3. Februar."))
True
"""
ORDINAL = re.compile(
    r"(?P<before>\d{1,2})\. ?(?:nachtrag|ergänzung|folgemeldung|update|korrektur)"
    r"|(?:update|wrapup) ?(?P<behind>\d{1,2})",
    re.IGNORECASE,
)
RELATIVE_DAY = re.compile(
    r"\b(?:(?P<same>heutigen|today's|von heute)|(?P<before>gestrigen|yesterday's|von gestern))\b",
    re.IGNORECASE,
)
DATED = re.compile(rf"(?<![\w.,:-])[0-3]?\d\. ?(?:[01]?\d\.|(?:{MONTHS})\b)", re.IGNORECASE)
"""
>>> [found[0] for found in DATED.finditer("Am 3. Februar, nicht am 4.2. um 9.30 Uhr")]
['3. Februar', '4.2.']
"""
SENDER_START = re.compile(rf"^{_SENDER}")
SENDER_NAMED = re.compile(rf"(?:^|: |[-–+\"„] ?)({_SENDER_NAME}) ?: ")
WORD = re.compile(r"\w+")
MEANT = re.compile(
    r"(?:zu|zur|zum|der|des|unserer|vom|of|to|on)\b[ :]*(?P<own>(?:(?!: | - | – ).){0,90}?)"
    r"(?:(?:: | - | – )(?P<title>.+))?$",
    re.IGNORECASE | re.DOTALL,
)
"""What stands behind a mark: the words that lead to what is meant, and its title."""
PIECE_START = re.compile(rf"(?:{_PIECE})\b", re.IGNORECASE)
QUOTED = re.compile(r"[\"„“»](?P<title>[^\"„“”»«\n]{8,160})[\"“”«]|\((?P<inner>[^()\n]{12,160})\)")
STOPWORDS = frozenset(
    """
    der die das und in im am an auf bei mit von zu zum zur nach für ein eine einer eines den dem des
    the a an of in on at to for and by with story
    """.split()  # noqa: SIM905 - words read best as a text
)
_HINTS = tuple(
    word.encode()
    for word in (
        "nachtr", "meld", "mitteil", "rgänz", "orr", "richtig", "klarstell", "fassung", "errat",
        "clarif", "update", "aktualis", "widerruf", "ückn", "zurückg", "beendet", "erledigt",
        "withdr", "retract", "follow", "wrapup", "refile", " pm ", "story", "bilanz", "bezug",
        "recast", "adds", "killed", "rückruf",
    )
)  # fmt: skip
"""Without one of these no text names an earlier one."""
_PIECE_HINTS = (
    *(hint.decode() for hint in _HINTS),
    "information", "bericht", "notiz", "erklärung", "fahndung", "nachricht", "pm", "einsatz",
    "artikel", "release", "report", "zurück", "kill",
)  # fmt: skip
"""Without one of these no line names an earlier text."""
_NUMBER_HINTS = (b"nr", b"nummer", b"ziffer", b"pm ", b"mitteilung", b"meldung", b"no.")
_LONGEST_LINE, _SHORTEST_TITLE = 160, 2
_MOST_TITLES, _LINES = 8, 8


@dataclass(frozen=True, slots=True)
class Reference:
    """What a text says of an earlier one; days and numbers as far as it names them.

    `titles` are cores of what may be the title of the other, the likeliest first. `ordinal`
    counts what came before: 2 for `UPDATE 2-` and for `2. Nachtrag`, else 1.
    """

    mark: Mark
    titles: tuple[str, ...]
    numbers: tuple[int, ...]
    days: tuple[date, ...]
    ordinal: int


def reference(title: str | None, text: str, day: date | None) -> Reference | None:
    """Return what a text says of an earlier one, None where it names none.

    >>> found = reference("Nachtrag zu Nr. 512 vom 3.2.: Unfall", "", date(2024, 2, 5))
    >>> found.mark, found.numbers, found.days, found.titles
    ('supplement', (512,), (datetime.date(2024, 2, 3),), ('unfall',))
    """
    title, opening = plain(title or "").strip(), plain(text[:OPENING])
    mark, core = _title_mark(title)
    told = [title] if mark else []
    for line in _first_lines(opening):
        if not _may_be_told_in(line):
            continue
        found = TEXT_MARK.search(line) or TITLE_MARK.match(line)
        if found and not (mark is None and _is_own_header(line)):
            mark = mark or _kind(found)
            told.append(line)
    if mark is None:
        return None
    told += [each for each in SENTENCE.findall(opening) if OF_A_DAY.search(each)]
    named = "\n".join(told)
    return Reference(
        mark=mark,
        titles=tuple(_titles(core, title, opening)),
        numbers=tuple(dict.fromkeys(int(m["number"]) for m in NUMBER.finditer(named))),
        days=tuple(dict.fromkeys(_days(named, day))),
        ordinal=_ordinal(title),
    )


def own_numbers(title: str | None, text: str, told: Reference | None) -> tuple[int, ...]:
    r"""Return the numbers that a text has itself, in its title or its first lines.

    >>> own_numbers("Raub auf Spätkauf", "Polizeimeldung vom 18.06.2024\nNr. 0512\nGestern", None)
    (512,)
    """
    lines = [plain(title or ""), *_first_lines(plain(text[:OPENING]))]
    heads = [line for line in lines if len(line) <= _LONGEST_LINE]
    found = (int(m["number"]) for line in heads[:6] for m in NUMBER.finditer(line))
    others = told.numbers if told else ()
    return tuple(dict.fromkeys(number for number in found if number not in others))


def may_refer(opening: bytes) -> bool:
    """Tell cheaply whether a text may name an earlier one; most do not.

    `opening` is its title and its first lines in UTF-8, their letters small as far as ASCII goes.
    """
    return any(word in opening for word in _HINTS)


def may_be_numbered(opening: bytes) -> bool:
    """Tell cheaply whether a text may have a number of its own."""
    return any(word in opening for word in _NUMBER_HINTS)


def dated(text: str, month: date) -> date | None:
    """Return the first day of that month that the opening of a text names.

    Where a source tells the month alone, a text mostly tells its day itself.

    >>> dated("Polizeimeldung vom 18.06.2024", date(2024, 6, 30))
    datetime.date(2024, 6, 18)
    """
    for match in DATED.finditer(text[:OPENING]):
        number, _, day = facts_in(match[0])[0].value.partition("-")
        if day and int(number) == month.month and 1 <= int(day) <= month.day:
            return month.replace(day=int(day))
    return None


def core(title: str | None) -> str:
    """Return what of a title names its story: no sender, no mark, no punctuation, no case.

    >>> core("POL-LO: Nachtrag: Unfall auf der B 27"), core("UPDATE 1-Dax fällt")
    ('unfall auf der b 27', 'dax fällt')
    """
    told = plain(title or "").strip(' "„“”»«')
    is_marked = may_refer(told.lower().encode("utf-8", "surrogatepass"))
    for _ in range(2 if is_marked else 0):
        _mark, told = _title_mark(told)
    told = SENDER_START.sub("", told)
    return " ".join(WORD.findall(told.casefold()))


def sender(title: str | None) -> str:
    """Return the short name of a sender that a title begins with, folded.

    >>> sender("POL-MA: Nachtrag: Unfall"), sender("Nachtrag: POL-MA: Unfall"), sender("Unfall")
    ('pol-ma', 'pol-ma', '')
    """
    found = SENDER_NAMED.search(plain(title or ""))
    return found[1].casefold() if found else ""


def is_specific(title_core: str) -> bool:
    """Tell whether a title is more than a word that comes every day.

    >>> is_specific("verkehrsunfall"), is_specific("unfall auf der b 27 bei lohetal")
    (False, True)
    """
    words = {word for word in title_core.split() if word not in STOPWORDS}
    return len(words) > _SHORTEST_TITLE


# ------------------------------------------------------------------------------------ private


def _title_mark(title: str) -> tuple[Mark | None, str]:
    """Return the mark of a title and the rest of it."""
    if found := TITLE_MARK.match(title):
        return _kind(found), _rest(found["rest"])
    if found := TITLE_MARK_END.match(title):
        return _kind(found), found["core"]
    return None, title


def _rest(rest: str) -> str:
    """Return what stands behind a mark without the words that lead there.

    >>> _rest(" zu Nr. 512 vom 3.2.: Unfall"), _rest(": Unfall"), _rest(" zum Brand in Lohetal")
    ('Unfall', 'Unfall', 'Brand in Lohetal')
    """
    told = rest.strip(" \t:+*|/)]!–—-")
    named = MEANT.match(told)
    if named is None:
        return told
    return (named["title"] or named["own"] or "").strip(' :-–"„“')


def _kind(found: re.Match[str]) -> Mark:
    groups = found.groupdict()
    return next((name for name in _MARKS if groups.get(name)), "supplement")


def _ordinal(title: str) -> int:
    found = ORDINAL.search(title)
    return int(found["before"] or found["behind"]) if found else 1


def _first_lines(opening: str) -> list[str]:
    return [line.strip() for line in opening.split("\n") if line.strip()][:_LINES]


def _may_be_told_in(line: str) -> bool:
    """Tell cheaply whether a line may name an earlier text."""
    small = line.lower()
    return any(hint in small for hint in _PIECE_HINTS)


def _is_own_header(line: str) -> bool:
    """Tell whether a line only says what the text itself is: `Polizeimeldung vom 18.06.2024`."""
    return len(line) < 60 and PIECE_START.match(line) is not None


def _titles(title_core: str, title: str, opening: str) -> Iterator[str]:
    """Yield cores of possible titles of the other text, each once."""
    told = [title_core, *_quoted(title), *_quoted(opening)]
    told += [line for line in _first_lines(opening) if len(line) <= _LONGEST_LINE]
    told += [line.rpartition(": ")[2] for line in _first_lines(opening) if ": " in line]
    seen: set[str] = set()
    for each in told:
        found = core(each.rstrip(" .")) if each else ""
        if found and found not in seen and len(seen) < _MOST_TITLES:
            seen.add(found)
            yield found


def _quoted(text: str) -> Iterator[str]:
    for match in QUOTED.finditer(text):
        yield match["title"] or match["inner"]


def _days(named: str, day: date | None) -> Iterator[date]:
    """Yield the days that are named, the years told by the day of the text."""
    if day is None:
        return
    for match in RELATIVE_DAY.finditer(named):
        yield day if match["same"] else day - timedelta(days=1)
    for fact in facts_in(named):
        if fact.kind == "date" and (found := _day_before(fact, day)):
            yield found


def _day_before(fact: Fact, day: date) -> date | None:
    """Return the last day of that date up to `day`; texts are followed backwards."""
    month, number = map(int, fact.value.split("-"))
    for year in (day.year, day.year - 1):
        try:
            found = date(year, month, number)
        except ValueError:
            return None
        if found <= day:
            return found
    return None


def words_of(titles: Iterable[str]) -> frozenset[str]:
    """Return the words of titles that say something."""
    return frozenset(w for each in titles for w in each.split() if w not in STOPWORDS)
