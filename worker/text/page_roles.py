"""Give the pieces of an extracted body their roles, in their order."""

import re
from collections.abc import Mapping, Sequence

from storage.record import Paragraph, Role
from worker.text.marks import marks
from worker.text.page_blocks import Block
from worker.text.page_extract import Piece
from worker.text.page_people import is_byline
from worker.text.page_titles import title_key
from worker.text.page_visible import BYLINE_LABEL, KICKER_LABEL, PUBLISHED_LABEL
from worker.text.roles import ASIDE_PARAGRAPH, is_caption, is_promo, notice_kind

_LONGEST_LEAD = 900  # characters
_SHORTEST_LEAD = 30
_LONGEST_HEAD_MATTER = 100
_HEAD_PIECES = 8
_ROLE_OF_KIND: Mapping[str, Role] = {
    "head": "subheading",
    "quote": "quote",
    "item": "list",
    "row": "list",
    "p": "text",
}

LEAD_LABEL = re.compile(
    r"(?:^|[\s_-])(?:lead|intro|introduction|teaser|standfirst|vorspann|perex|summary|abstract|dek"
    r"|excerpt|lede|subtitle|preamble|ingress|einleitung)(?:$|[\s_-])"
    r"|(?:lead|intro|teaser|vorspann|standfirst)-?text",
    re.IGNORECASE,
)
"""A class of the paragraph that opens a text.

>>> bool(LEAD_LABEL.search("article__intro")), bool(LEAD_LABEL.search("leaderboard"))
(True, False)
"""

DAY_LINE = re.compile(
    r"(?:\w+\s*:?\s*)?(?:\w+tag,?\s*)?\d{1,2}\.\s?(?:\d{1,2}\.|\w+)\s?\d{4}\W*(?:\d{1,2}[:.]\d\d)?\W*(?:Uhr)?\W*"
)
"""A line that is a date and nothing else.

>>> bool(DAY_LINE.fullmatch("Stand: 18.06.2024, 13:34 Uhr"))
True
>>> bool(DAY_LINE.fullmatch("Am 18. Juni 2024 brannte es."))
False
"""


def paragraphs_of(
    pieces: Sequence[Piece], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> tuple[Paragraph, ...]:
    """Return the pieces as paragraphs with roles.

    `blocks` tell where on the page a piece stood, `leads` are the descriptions that the page
    gives: the paragraph that says the same before the running text is the lead.
    """
    placed: dict[str, Block] = {}
    for block in blocks:
        placed.setdefault(title_key(block.text), block)
    places = [placed.get(title_key(piece.text)) for piece in pieces]
    roles = [_own_role(piece, place, title) for piece, place in zip(pieces, places, strict=True)]
    _set_head_matter_aside(pieces, places, roles)
    _name_lead(pieces, places, roles, {title_key(lead) for lead in leads})
    return tuple(
        Paragraph(role, piece.text, marks(piece.text))
        for piece, role in zip(pieces, roles, strict=True)
    )


def _own_role(piece: Piece, place: Block | None, title: str | None) -> Role:
    """Return the role that a piece has by itself, or by where it stood."""
    text = piece.text
    if title and title_key(text) == title_key(title):
        return "headline"
    if notice_kind(text):
        return "notice"
    if is_promo(text):
        return "promo"
    if is_caption(text) or (place is not None and place.zone == "caption"):
        return "caption"
    if ASIDE_PARAGRAPH.fullmatch(text):
        return "aside"
    return _ROLE_OF_KIND[piece.kind]


def _set_head_matter_aside(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role]
) -> None:
    """Set kicker, byline and date before the running text aside: fields say them already."""
    for index, piece in enumerate(pieces[:_HEAD_PIECES]):
        if len(piece.text) > _LONGEST_HEAD_MATTER:
            return
        place = places[index]
        label = place.label if place is not None else ""
        if roles[index] in ("text", "subheading", "list") and is_head_matter(piece.text, label):
            roles[index] = "aside"


def is_head_matter(text: str, label: str) -> bool:
    """Tell whether a short line before the running text is kicker, byline or date.

    >>> is_head_matter("Von Merle Addicks", ""), is_head_matter("Hochwasser", "kicker")
    (True, True)
    >>> is_head_matter("Von Berlin nach Paris fährt ein Zug.", "")
    False
    """
    if text.endswith((".", "!", "?", ":", "“", '"')):
        return False
    if DAY_LINE.fullmatch(text) or is_byline(text):
        return True
    return any(kind.search(label) for kind in (KICKER_LABEL, BYLINE_LABEL, PUBLISHED_LABEL))


def _name_lead(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role], leads: set[str]
) -> None:
    """Name the lead: the first paragraph that runs, short, and called so by the page."""
    for index, piece in enumerate(pieces[:_HEAD_PIECES]):
        if roles[index] not in ("text", "subheading", "quote"):
            continue
        if index + 1 < len(pieces) and _SHORTEST_LEAD <= len(piece.text) <= _LONGEST_LEAD:
            place = places[index]
            labelled = place is not None and LEAD_LABEL.search(place.label) is not None
            if labelled or title_key(piece.text) in leads:
                roles[index] = "lead"
                return
        if roles[index] == "text":
            return
