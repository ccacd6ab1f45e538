"""Classify lines of a body that are not part of the text, by their words."""

import re

from storage.language.volatile import restless_kind
from worker.text.annotate.dates import MONTH_NUMBERS
from worker.text.annotate.marks import AGENCY_CODE
from worker.text.annotate.roles import ASIDE_PARAGRAPH, is_caption

_LONGEST_DAY_LINE = 100  # characters

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
DATE_WORD = re.compile(
    r"""(?:\b(?:"""
    + "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
    + r"""|stand|veröffentlich\w*|publi(?:shed|ziert|kation)|erschienen|erstellt|aktualisiert
    |update[ds]?|zuletzt|geändert|datum|date|posted|last|letzte|änderung|modified|created|on|at|am|um|den|vom|uhr|h|and|und
    |\w+tag|sonnabend|mittwoch|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mo|di|mi|do|fr|sa|so
    |mon|tue|wed|thu|fri|sat|sun|[ap]\.?m|utc|gmt|mesz|mez|cest|cet|bst|e[sd]t|p[sd]t|jst|ist)\b\.?
    |\d+(?:st|nd|rd|th)?\b)""",
    re.IGNORECASE | re.VERBOSE,
)
"""A word or number of a date.

>>> DATE_WORD.sub("", "Stand: 18. Juni 2024, 13:34 Uhr").strip(" ,.:")
''
"""

FIGURE = re.compile(
    r"(?:(?:titel|beitrags|aufmacher|artikel)(?:bild|foto)|abb(?:ildung|\.)? ?\d+"
    r"|fig(?:ure|\.)? ?\d+|grafik ?\d+|bild ?\d+) ?[:.] [^\n]{2,300}\Z",
    re.IGNORECASE,
)
"""A line below an image that begins with its number or type.

>>> bool(FIGURE.match("Abbildung 4: Der Deich von oben")), bool(FIGURE.match("Titelbild: A. Kern"))
(True, True)
>>> FIGURE.match("Abbildungen zeigen den Deich.")
"""

BYLINE_PREFIX = re.compile(
    r"\A\s*(?:von|by|text:|autor(?:in)?:|author:|quelle:|source:)\s+", re.IGNORECASE
)
"""A prefix before a name on a separate line.

>>> BYLINE_PREFIX.sub("", "Text: Ada Kern")
'Ada Kern'
"""

AGENCY_LINE = re.compile(
    r"(?:mit )?(?:material von |informationen von |agenturmaterial(?: von)? )?(?:der |den )?"
    + AGENCY_CODE
    + r"(?:(?:/|, ?| und | and |-)[\w-]{2,14}){0,5}",
)
"""A line that only names agencies.

>>> bool(AGENCY_LINE.fullmatch("mit dpa")), bool(AGENCY_LINE.fullmatch("dpa/lno"))
(True, True)
>>> AGENCY_LINE.fullmatch("dpa meldet Streit")
"""

EMBED_CONSENT = re.compile(
    r"""empfohlener[ ](?:redaktioneller|externer)[ ]inhalt\Z
    | an[ ]dieser[ ]stelle[ ](?:finden[ ]sie|findest[ ]du|befindet[ ]sich|steht)[ ][^.]{0,120}
      (?:extern|youtube|instagram|twitter|facebook|tiktok|inhalt[ ]von)
    | klicke?n?[ ][^.]{0,60}(?:button|schaltfläche|hier)[^.]{0,40}[ ]inhalte?\b
    | ich[ ]bin[ ](?:damit[ ])?einverstanden,[ ]dass[ ]mir[ ][^.]{0,40}inhalte?
    | (?:damit[ ])?(?:können|dadurch)[ ]personenbezogene[ ]daten[ ]an[ ]dritt
    | (?:to[ ]view[ ]this[ ]content|this[ ]content[ ]is[ ]provided[ ]by)[ ][^.]{0,120}cookies""",
    re.VERBOSE | re.IGNORECASE,
)
"""A placeholder for embedded content that requires consent.

>>> bool(EMBED_CONSENT.match("Empfohlener redaktioneller Inhalt"))
True
>>> bool(EMBED_CONSENT.match("An dieser Stelle stand früher ein Haus."))
False
"""

PAYWALL_LINE = re.compile(
    r"il[ ]vous[ ]reste[ ][\d.,]+[ ]?%[ ]de[ ]cet[ ]article"
    r"|(?:weiterlesen|lesen[ ]sie[ ]weiter)[ ]mit[ ]"
    r"|this[ ](?:article|content)[ ]is[ ]for[ ]subscribers[ ]only",
    re.VERBOSE | re.IGNORECASE,
)
"""The line at the end of the free part of a text.

>>> bool(PAYWALL_LINE.match("Il vous reste 57.09% de cet article à lire."))
True
"""


def is_day_line(text: str) -> bool:
    """Check whether a line contains only a date and the usual words around dates.

    >>> is_day_line("Veröffentlichung: 2. Februar 2022"), is_day_line("17:41 JST, October 13, 2024")
    (True, True)
    >>> is_day_line("Stand: 18.06.2024, 13:34 Uhr"), is_day_line("Am 18. Juni 2024 brannte es.")
    (True, False)
    """
    if len(text) > _LONGEST_DAY_LINE or YEAR.search(text) is None:
        return False
    return not DATE_WORD.sub("", text).strip(" ,.:;|/()–—-\n")


def is_figure_line(text: str) -> bool:
    """Check whether a line belongs to an image.

    >>> is_figure_line("Abbildung 8: Der Deich"), is_figure_line("Foto: Ada Kern/dpa")
    (True, True)
    """
    return is_caption(text) or FIGURE.match(text) is not None


def is_aside_line(text: str) -> bool:
    """Check whether a line is about the page, not about its subject.

    >>> is_aside_line("Empfohlener redaktioneller Inhalt"), is_aside_line("(wir berichteten)")
    (True, True)
    >>> is_aside_line("17 Kommentare"), is_aside_line("Stand: 18.06.2024")
    (True, False)
    """
    if ASIDE_PARAGRAPH.fullmatch(text) or restless_kind(text) is not None:
        return True
    return EMBED_CONSENT.match(text) is not None or PAYWALL_LINE.match(text) is not None


def is_agency_line(text: str) -> bool:
    """Check whether a line only names agencies.

    >>> is_agency_line("(mit dpa)"), is_agency_line("Der Rat tagt")
    (True, False)
    """
    return AGENCY_LINE.fullmatch(text.strip(" ()")) is not None


def strip_byline_prefix(text: str) -> str:
    """Remove the prefix before a name.

    >>> strip_byline_prefix("Von Ada Kern")
    'Ada Kern'
    """
    return BYLINE_PREFIX.sub("", text, count=1)
