"""PURE: parts of a text about its sender instead of its story.

Contacts, the sender and its profile appear below every release of a sender, so that two releases
share a third of their words and none of their story.
"""

import re
from collections.abc import Iterator

_ASK = (
    r"(?:für |bei )?(?:presse|medien)?-?(?:rück|nach)fragen\b"
    r"|(?:presse|medien)-?(?:kontakt|anfragen|ansprechpartner(?:in)?|stelle)(?=[ :]|$)"
    r"|(?:kontakt|ansprechpartner(?:in)?)(?: (?:für|der) [^:]{1,40})?(?=:|$)"
    r"|ansprechpartner(?:in)? für (?:die )?(?:presse|medien)"
    r"|(?:weitere|nähere) informationen(?=:|$)"
    r"|(?:press|media|investor)(?: relations)? contacts?\b|contacts?(?: information)?(?=:|$)"
    r"|original-content von\b|verantwortlich(?: für den inhalt| i\. ?s\. ?d\. ?p\.)?(?=:|$)"
    r"|herausgeber(?:in)?(?: und [^:]{1,30})?(?=:|$)|v\. ?i\. ?s\. ?d\. ?p\."
)
ASK = re.compile(rf"[*_#=\s-]*(?:{_ASK})", re.IGNORECASE)
"""Start of a line with contacts.

>>> [bool(ASK.match(each)) for each in ("Rückfragen bitte an:", "Pressekontakt", "Kontakte fehlen")]
[True, True, False]
"""
ASK_INSIDE = re.compile(
    r"(?:Rückfragen(?: \w+){0,6}? (?:an|unter)\b ?:?|Rückfragen zu den Bürozeiten"
    r"|Original-Content von:|Pressekontakt:|Medienkontakt:|(?:Press|Media) contact:)"
)
"""The same in a text without lines.

>>> ASK_INSIDE.search("Der Wagen brannte aus. Rückfragen bitte an: Polizei Lohetal").start()
23
"""
ABOUT = re.compile(
    r"[*_#=\s-]*(?:(?:über|about)(?: (?:die|den|das|uns|the|us))?(?: [^.!?:]{1,60})?:? *$"
    r"|(?:über|about) (?:(?:die|den|das|the) )?[A-ZÄÖÜ][^.!?:]{1,60}: "
    r"|(?:diese|die) (?:presse)?mitteilung enthält (?:in die zukunft|zukunfts)"
    r"|(?:this|the) (?:press )?(?:release|announcement) (?:contains|includes) (?:\w+ )?forward"
    r"|(?:impressum|imprint|disclaimer|boilerplate)(?=:|$))",
    re.IGNORECASE,
)
"""Start of a line with a profile of the sender; the following paragraphs continue it.

>>> [bool(ABOUT.match(each)) for each in ("Über die Lohe AG", "About Lohe: It", "Über Bord. Da")]
[True, True, False]
"""
REACHED = re.compile(
    r"https?://|www\.|\w@\w|\(at\)|\b(?:tel|telefon|fon|fax|mobil|phone)\b|\d{2,5}[ /)-]+\d{3}",
    re.IGNORECASE,
)
CONSENT = re.compile(
    r"\bCookies?\b|\beinwillig\w+|\bdatenschutz(?:erklärung|hinweise?)|\bPrivatsphäre\b"
    r"|\b(?:IP-Adresse|Drittanbieter|Tracking|Newsletter|Abonnent\w*|Nutzungsbedingungen)\b"
    r"|\b(?:Alle Rechte vorbehalten|Urheberrecht\w*|Impressum|Umsatzsteuer-Id\w*)\b"
    r"|\b(?:privacy policy|all rights reserved|copyright|subscribe|unsubscribe|terms of use)\b"
    r"|\bredistributed|\bour newsroom\b|\bpersonal(?:ised|ized|isierte) (?:ads|Anzeigen|Werbung)\b",
    re.IGNORECASE,
)
"""Words of consent banners and terms of use."""
ADDRESSED = re.compile(
    r"\b(?:Sie|Ihr|Ihre[mnrs]?|wir|unse?re?[mnrs]?|uns|you|your|we|our|this site|this website)\b",
    re.IGNORECASE,
)
_CONSENT_WORDS = 2
_LONGEST_LINE = 90
_PARAGRAPHS_ABOUT = 2

Span = tuple[int, int]


def sender_spans(text: str) -> list[Span]:
    r"""Return the spans of `text`, in code points, about its sender.

    The first line never counts, because a text begins with its story.

    >>> text = "Es brannte.\nRückfragen bitte an:\nFeuerwehr\nTelefon: 0421 1234\nEs brannte lang."
    >>> [text[start:end] for start, end in sender_spans(text)]
    ['Rückfragen bitte an:\nFeuerwehr\nTelefon: 0421 1234']
    """
    found: list[Span] = []
    for start, end in _spans(text):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def _spans(text: str) -> Iterator[Span]:
    kind, left, has_text = "", 0, False
    for start, line in _find_lines(text):
        end = start + len(line)
        if has_text and ASK.match(line):
            kind = "ask"
        elif has_text and ABOUT.match(line):
            kind, left = "about", _PARAGRAPHS_ABOUT
        elif kind == "ask" and not _is_address(line):
            kind = ""
        elif kind == "about" and len(line) > _LONGEST_LINE:
            left -= 1
            kind = kind if left >= 0 else ""
        if kind or _is_consent(line):
            yield start, end
        elif inside := ASK_INSIDE.search(line):
            yield start + inside.start(), end
        has_text = True


def _find_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the text of each line that is not blank."""
    start = 0
    for line in text.split("\n"):
        if line and not line.isspace():
            yield start, line
        start += len(line) + 1


def _is_consent(line: str) -> bool:
    """Check whether a line belongs to a consent banner or to terms of use.

    >>> _is_consent("Wir setzen Cookies ein. Ihre Einwilligung ist freiwillig.")
    True
    >>> _is_consent("Das Gericht verbietet Cookies ohne Einwilligung.")
    False
    """
    terms = {match[0].casefold() for match in CONSENT.finditer(line)}
    return len(terms) >= _CONSENT_WORDS and ADDRESSED.search(line) is not None


def _is_address(line: str) -> bool:
    is_short = len(line) <= _LONGEST_LINE and not line.rstrip().endswith((".", "!", "?"))
    return is_short or REACHED.search(line) is not None
