"""Collect the correction and editorial notices of a text: whole paragraphs, and brackets in one."""

import re
from collections.abc import Sequence

from storage.record import TEXT_ROLES, Notice, Paragraph
from worker.text.roles import notice_kind

BRACKETED = re.compile(
    r"[(\[](?:[^()\[\]]{1,200}[,;–-] ?)?"
    r"(?:Anm(?:erkung)?\.? d(?:er|\.) ?Red(?:aktion|\.)?|Editor['’]s note|ed\. note)"
    r"(?::[^()\[\]]{1,300})?[)\]]",
    re.IGNORECASE,
)
"""A note of the editors inside a sentence.

>>> BRACKETED.search("Er (der Minister, Anm. d. Red.) kam.")[0]
'(der Minister, Anm. d. Red.)'
"""


def notices(paragraphs: Sequence[Paragraph]) -> tuple[Notice, ...]:
    """Return the notices in their order.

    >>> notices([Paragraph("text", "Er (der Minister, Anm. d. Red.) kam.")])
    (Notice(kind='editorial', text='(der Minister, Anm. d. Red.)'),)
    """
    found: list[Notice] = []
    for paragraph in paragraphs:
        if paragraph.role == "notice":
            found.append(Notice(notice_kind(paragraph.text) or "editorial", paragraph.text))
        elif paragraph.role in TEXT_ROLES and _may_hold_one(paragraph.text):
            found += [Notice("editorial", m[0]) for m in BRACKETED.finditer(paragraph.text)]
    return tuple(found)


def _may_hold_one(text: str) -> bool:
    return ("(" in text or "[" in text) and ("Red" in text or "red" in text or "note" in text)
