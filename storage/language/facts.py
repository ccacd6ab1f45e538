"""PURE: the facts in a text, in a form in which equal facts are equal.

Dates, times, weeks, days, months, years and numbers. Telephone numbers and mail and web addresses
are `contact`: they state whom to contact, not the news.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storage.values.lazy import lazy_pattern

_MONTH_NAMES = (
    "januar|jänner|january|jan",
    "februar|feber|february|feb",
    "märz|march|mrz|mar",
    "april|apr",
    "mai|may",
    "juni|june|jun",
    "juli|july|jul",
    "august|aug",
    "september|sept|sep",
    "oktober|october|okt|oct",
    "november|nov",
    "dezember|december|dez|dec",
)
_WEEKDAY_NAMES = (
    "montag|monday",
    "dienstag|tuesday",
    "mittwoch|wednesday",
    "donnerstag|thursday",
    "freitag|friday",
    "samstag|sonnabend|saturday",
    "sonntag|sunday",
)
_WORD_NAMES = (
    "zwei|two", "drei|three", "vier|four", "fünf|five", "sechs|six", "sieben|seven", "acht|eight",
    "neun|nine", "zehn|ten", "elf|eleven", "zwölf|twelve", "dreizehn|thirteen",
    "vierzehn|fourteen", "fünfzehn|fifteen", "sechzehn|sixteen", "siebzehn|seventeen",
    "achtzehn|eighteen", "neunzehn|nineteen",
)  # fmt: skip
_TEN_NAMES = (
    "zwanzig|twenty", "dreißig|dreissig|thirty", "vierzig|forty", "fünfzig|fifty",
    "sechzig|sixty", "siebzig|seventy", "achtzig|eighty", "neunzig|ninety",
)  # fmt: skip
_SCALE = {"hundert": 100, "tausend": 1000}
_OTHER = {
    "hundred": "100", "thousand": "1000", "million": "1000000", "millionen": "1000000",
    "milliarde": "1000000000", "milliarden": "1000000000", "billion": "1000000000",
    "drittel": "1/3", "viertel": "1/4", "fünftel": "1/5", "sechstel": "1/6", "achtel": "1/8",
    "zehntel": "1/10", "hälfte": "1/2", "half": "1/2", "halbe": "1/2", "halben": "1/2",
    "halber": "1/2", "halbes": "1/2", "anderthalb": "1.5", "eineinhalb": "1.5",
    "zweieinhalb": "2.5", "dreieinhalb": "3.5", "dutzend": "12", "dozen": "12",
}  # fmt: skip
"""Number words and fractions that are not composed of others."""
_ORDINAL_NAMES = (
    "erst|first", "zweit|second", "dritt|third", "viert|fourth", "fünft|fifth", "sechst|sixth",
    "siebt|siebent|seventh", "acht|eighth", "neunt|ninth", "zehnt|tenth", "elft", "zwölft",
    "dreizehnt", "vierzehnt", "fünfzehnt", "sechzehnt", "siebzehnt", "achtzehnt", "neunzehnt",
)  # fmt: skip


def _number_names(names: tuple[str, ...], first: int) -> dict[str, int]:
    return {name: n for n, each in enumerate(names, first) for name in each.split("|")}


def _longest_first(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_MONTH = _number_names(_MONTH_NAMES, 1)
_WEEKDAY = _number_names(_WEEKDAY_NAMES, 0)
_TEN = {name: 10 * n for name, n in _number_names(_TEN_NAMES, 2).items()}
_WORD = {"ein": 1, "eins": 1, "one": 1, **_number_names(_WORD_NAMES, 2), **_TEN}
_ORDINAL = _number_names(_ORDINAL_NAMES, 1)
MONTHS, WEEKDAYS = _longest_first(_MONTH), _longest_first(_WEEKDAY)
_UNITS = "ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun"
_TENS = _longest_first(_TEN)


def _beginnings(names: Iterable[str]) -> str:
    """Return the possible starts of words by their first letter, which regular expressions test
    fastest.
    """
    rest: dict[str, set[str]] = {}
    for name in names:
        rest.setdefault(name[0], set()).add(name[1:3])
    return "|".join(f"{first}(?:{'|'.join(sorted(each))})" for first, each in sorted(rest.items()))


_BEGINNINGS = _beginnings([*_WORD, *_SCALE, *_OTHER, *_ORDINAL])
_ALONE = _longest_first({*_WORD, *_OTHER} - {"ein", "one"})

_DAY, _MONTH_NUMBER = "[0-3]?\\d", "[01]?\\d"
_DIGITS = rf"""
    (?P<contact>
        \(?(?:\+|00?)[1-9]\d{{1,4}}\)?[ ]?[/–-]?[ ]?\d[\d ()/–-]{{2,}}\d(?![\d.,]*\d)
      | (?:\d{{3}}-)?\d{{3}}-\d{{4}}(?![\d-]))
  | (?P<date>
        (?P<iso_y>\d{{4}})-(?P<iso_m>\d\d)-(?P<iso_d>\d\d)\b
      | (?P<dot_d>{_DAY})\.[ ]?(?P<dot_m>{_MONTH_NUMBER})\.(?:[ ]?(?:\d{{4}}|\d\d(?![\d:]|[ ]uhr)))?
      | (?P<nam_d>{_DAY})(?:\.[ ]?|[ ])(?P<nam_m>{MONTHS})\b(?:\.?,?[ ]\d{{4}}\b)?)
  | (?P<week>(?P<week_b>\d{{1,2}})\.[ ](?:KW|Kalenderwoche|Woche)\b)
  | (?P<time>
        (?P<hour>[0-2]?\d)(?:[.:](?P<minute>[0-5]\d))?
        (?:[ ]?(?:uhr|h)\b|[ ]?(?P<half>[ap])\.?m\b\.?)
      | (?P<hour_b>[0-2]?\d):(?P<minute_b>[0-5]\d)(?![\d:]))
  | (?P<number>\d++(?:[.,:/]\d++)*+(?:-\d{{1,2}}/\d{{1,3}}|[½⅓⅔¼¾⅛])?)
"""
_LETTERS = rf"""
    (?P<address>https?://\S+|www\.\S+
      | (?<![\w.+-]\+)[\w+-]++(?:\.[\w+-]++)*+(?:@|\(at\))[\w-]++(?:\.[\w-]++)++)
  | (?P<telephone>
        (?:tel|telefon|telefonnummer|fon|fax|mobil|handy|rufnummer|hotline|phone|call)\b
        [.:]{{0,2}}[ ]?(?:unter[ ]|at[ ]|nr\.?[ ])?\(?\+?\d[\d ()/.–-]{{3,}}\d)
  | (?P<account>DE\d\d(?:[ ]?\d{{4}}){{4}}[ ]?\d\d\b|HRB[ ]?\d+)
  | (?P<english>(?P<eng_m>{MONTHS})\.?[ ](?P<eng_d>{_DAY})(?:st|nd|rd|th)?\b(?![.,:]?\d)
        (?:,?[ ]\d{{4}}\b)?)
  | (?P<kw>(?:KW|Kalenderwoche|week)[ ]?(?P<week_a>\d{{1,2}})\b)
  | (?P<part>[½⅓⅔¼¾⅛])
  | (?P<weekday>{WEEKDAYS})(?=s?\b|morgen|vormittag|mittag|nachmittag|abend|nacht|früh)
  | (?P<month>{MONTHS})\b
  | (?=(?:{_BEGINNINGS}))(?:
        (?P<word>(?:(?:{_UNITS})?(?:hundert|tausend)(?:und(?!\b))?)*+
            (?:(?:{_UNITS})und(?:{_TENS})|(?:{_TENS})-(?:one|{_longest_first(_WORD)})|{_ALONE})?
            (?<=\w))\b
      | (?P<ordinal>(?P<ord_n>(?:(?:{_UNITS})und)?(?:{_TENS})st|{_longest_first(_ORDINAL)})
            (?:e[nrms]?\b(?:[ ](?P<ord_m>{MONTHS})\b)?|(?<=[dh])\b|(?<=first)\b)))
"""
FACT = lazy_pattern(
    rf"(?<![\w.,:-])(?:(?=[\d(+])(?:{_DIGITS})|(?=[^\W\d])(?:{_LETTERS}))",
    re.VERBOSE | re.IGNORECASE,
)
"""
>>> [m.lastgroup for m in FACT.finditer("Montag, 3.2., 9 Uhr: zwei von 1.250, Tel. 0621 1740")]
['weekday', 'date', 'time', 'word', 'number', 'telephone']
"""
THOUSANDS = lazy_pattern(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
"""
>>> bool(THOUSANDS.fullmatch("1.234.567")), bool(THOUSANDS.fullmatch("3,60"))
(True, False)
"""
_YEARS = range(1900, 2100)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact with its span in code points.

    `kind` is date, week, weekday, month, year, time, number or contact. The value of a date is
    `M-D`: its year is often missing and rarely distinguishes two dates.
    """

    kind: str
    value: str
    start: int
    end: int


def facts_in(text: str) -> list[Fact]:
    """Return the facts in order.

    >>> [fact.value for fact in facts_in("Am 3.2. um 14.30 Uhr kamen 1.250 Leute, 3,6 Prozent.")]
    ['2-3', '14:30', '1250', '3.6']
    >>> [fact.value for fact in facts_in("On June 12, 2024, 2 p.m., two were hurt, 6-5/16 pct")]
    ['6-12', '14:00', '2', '6-5/16']
    """
    return [
        Fact(*_READERS[match.lastgroup or ""](match), *match.span())
        for match in FACT.finditer(text)
    ]


def _contact(match: re.Match[str]) -> tuple[str, str]:
    return "contact", match[0]


def _date(match: re.Match[str]) -> tuple[str, str]:
    month, day = (
        next(filter(None, (match[f"{form}_{part}"] for form in ("iso", "dot", "nam", "eng"))))
        for part in ("m", "d")
    )
    return "date", f"{_MONTH.get(month.casefold()) or int(month)}-{int(day)}"


def _time(match: re.Match[str]) -> tuple[str, str]:
    hour = int(match["hour"] or match["hour_b"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].casefold() == "p" else 0)
    return "time", f"{hour}:{match['minute'] or match['minute_b'] or '00'}"


def _number(match: re.Match[str]) -> tuple[str, str]:
    digits = match["number"]
    if THOUSANDS.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", "")
    if digits.isdecimal() and len(digits) == 4 and int(digits) in _YEARS:
        return "year", digits
    return "number", digits.replace(",", ".").lstrip("0") or "0"


def _ordinal(match: re.Match[str]) -> tuple[str, str]:
    name = match["ord_n"].casefold()
    number = _ORDINAL.get(name) or int(_value(name.removesuffix("st")))
    month = match["ord_m"]
    return ("date", f"{_MONTH[month.casefold()]}-{number}") if month else ("number", str(number))


def _value(word: str) -> str:
    """Return the number that a word stands for.

    >>> _value("zweihunderteinundzwanzig"), _value("forty-two"), _value("drittel")
    ('221', '42', '1/3')
    """
    if word in _OTHER:
        return _OTHER[word]
    total = 0
    for name in ("tausend", "hundert"):
        head, found, rest = word.partition(name)
        if found:
            total += _WORD.get(head, 1) * _SCALE[name]
            word = rest.removeprefix("und")
    if word in _OTHER:
        return f"{total} {_OTHER[word]}"
    parts = [word] if word in _WORD else word.replace("-", "und").split("und")
    return str(total + sum(_WORD.get(each, 0) for each in parts))


_READERS: dict[str, Callable[[re.Match[str]], tuple[str, str]]] = {
    **dict.fromkeys(("contact", "address", "telephone", "account"), _contact),
    "date": _date,
    "english": _date,
    "week": lambda match: ("week", match["week_b"].lstrip("0")),
    "kw": lambda match: ("week", match["week_a"].lstrip("0")),
    "time": _time,
    "number": _number,
    "weekday": lambda match: ("weekday", str(_WEEKDAY[match["weekday"].casefold()])),
    "month": lambda match: ("month", str(_MONTH[match["month"].casefold()])),
    "word": lambda match: ("number", _value(match["word"].casefold())),
    "part": lambda match: ("number", match["part"]),
    "ordinal": _ordinal,
}
