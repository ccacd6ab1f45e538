"""PURE: which words of a text belong to a date: a day, a weekday or a month."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from storage.language.facts import MONTHS, WEEKDAYS
from storage.values.lazy import lazy_pattern

_DAY = r"[0-3]?\d(?:\.|st|nd|rd|th)?"
_MONTH = rf"(?=[A-ZÄÖÜ])(?i:{MONTHS})\b"
_YEAR = r"(?:\.?,?[ ](?:19|20)\d\d\b)"
_TO = r"[ ]?(?:[-–/]|\b(?:bis|und|oder|to|and|or)\b)[ ]?(?:zum[ ]|the[ ])?"
_BEFORE_A_MONTH = "|".join(
    rf"(?<=\b{word}[ -])"
    for word in """
        im Im in In seit Seit bis Anfang Mitte Ende since Since until during early mid late last
        next """.split()  # noqa: SIM905 - words read best as a text
)
_DATE = lazy_pattern(
    rf"""(?<![\w.,:/])(?:
        (?=\d)(?:
            (?:{_DAY}{_TO})?{_DAY}(?:[ ]of)?[ ]?{_MONTH}{_YEAR}?
          | \d{{4}}-[01]\d-[0-3]\d(?!\d)
          | [0-3]?\d\.[ ]?[01]?\d\.(?:[ ]?(?:(?:19|20)\d\d|\d\d)(?!\w))?(?!\d)
          | [01]?\d/[0-3]?\d/(?:\d\d|\d{{4}})(?![\w/]))
      | (?=[JFMASOND])(?:
            {_MONTH}(?:\.?[ ]{_DAY}(?:{_TO}{_DAY})?(?!\w){_YEAR}?|{_YEAR})
          | (?:(?!\w{{3}}\b|March|April|June|August)|{_BEFORE_A_MONTH}){_MONTH})
      | (?=[MDFSTWmdfstw])
        (?i:{WEEKDAYS})(?=s?\b|morgen|vormittag|mittag|nachmittag|abend|nacht|früh)
    )""",
    re.VERBOSE,
)
"""Dates. A short name of a month, or one that people have too, needs a day, a year or `in`.

>>> [m[0] for m in _DATE.finditer("Vom 18. bis 20. Juni 2024 und am 3.2. sprach Ende Mai Jan May")]
['18. bis 20. Juni 2024', '3.2.', 'Mai']
>>> [m[0] for m in _DATE.finditer("On the 3rd of June, June 3, 2024, 24/7, May 5, she may march")]
['3rd of June', 'June 3, 2024', 'May 5']
"""
_DATE_NAME = lazy_pattern(rf"(?:{WEEKDAYS})s?|{_MONTH}", re.IGNORECASE)


def is_date_name(token: str) -> bool:
    """Check whether a token is the name of a weekday or month.

    >>> [is_date_name(each) for each in ("Sonntags", "June", "Jahr")]
    [True, True, False]
    """
    return _DATE_NAME.fullmatch(token) is not None


def mark_date_tokens(canon: str, starts: Sequence[int]) -> list[bool]:
    """Return for each token of a text whether it belongs to a date; `starts` are their offsets.

    A year or a time of day alone is no date.

    >>> mark_date_tokens("Am Montag , 18. Juni", [0, 3, 10, 12, 14, 16])
    [False, True, False, True, True, True]
    """
    marks = [False] * len(starts)
    for match in _DATE.finditer(canon):
        for token in range(bisect_left(starts, match.start()), bisect_left(starts, match.end())):
            marks[token] = True
    return marks
