"""Give the pieces of an extracted body their roles, in their order."""

import re
from collections.abc import Mapping, Sequence

from storage.record import Paragraph, Role
from worker.text.marks import marks
from worker.text.page_blocks import Block, link_share
from worker.text.page_extract import Piece
from worker.text.page_people import is_byline
from worker.text.page_titles import title_key
from worker.text.page_visible import BYLINE_LABEL, KICKER_LABEL, PUBLISHED_LABEL
from worker.text.roles import ASIDE_PARAGRAPH, is_caption, is_promo, notice_kind

_LONGEST_LEAD = 900  # characters
_SHORTEST_LEAD = 30
_LONGEST_HEAD_MATTER = 100
_HEAD_PIECES = 8
_LONGEST_TEASER = 200
_FEWEST_TEASERS = 2
_ALL_LINK = 0.95
_MOSTLY_LINK = 0.5
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


TEASER_START = re.compile(r"[\w„“\"'’ -]{3,40}\s?:\s")
"""The words before the link of a teaser.

>>> bool(TEASER_START.match("Mehr zum Deich: So hoch stand die Lohe"))
True
"""

EMBED_CONSENT = re.compile(
    r"""empfohlener[ ](?:redaktioneller|externer)[ ]inhalt\Z
    | an[ ]dieser[ ]stelle[ ](?:finden[ ]sie|findest[ ]du|befindet[ ]sich|steht)[ ][^.]{0,120}
      (?:extern|youtube|instagram|twitter|facebook|tiktok|inhalt[ ]von)
    | ich[ ]bin[ ](?:damit[ ])?einverstanden,[ ]dass[ ]mir[ ][^.]{0,40}inhalte?
    | (?:damit[ ])?(?:können|dadurch)[ ]personenbezogene[ ]daten[ ]an[ ]dritt
    | (?:to[ ]view[ ]this[ ]content|this[ ]content[ ]is[ ]provided[ ]by)[ ][^.]{0,120}cookies""",
    re.VERBOSE | re.IGNORECASE,
)
"""What stands in the place of an embedded post until the reader consents.

>>> bool(EMBED_CONSENT.match("Empfohlener redaktioneller Inhalt"))
True
>>> bool(EMBED_CONSENT.match("An dieser Stelle stand früher ein Haus."))
False
"""

LOCKED = re.compile(
    r"il[ ]vous[ ]reste[ ][\d.,]+[ ]?%[ ]de[ ]cet[ ]article"
    r"|(?:weiterlesen|lesen[ ]sie[ ]weiter)[ ]mit[ ]"
    r"|this[ ](?:article|content)[ ]is[ ]for[ ]subscribers[ ]only",
    re.VERBOSE | re.IGNORECASE,
)
"""What ends the free part of a text.

>>> bool(LOCKED.match("Il vous reste 57.09% de cet article à lire."))
True
"""


def paragraphs_of(
    pieces: Sequence[Piece], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> tuple[Paragraph, ...]:
    """Return the pieces as paragraphs with roles.

    `blocks` tell where on the page a piece stood, `leads` are the descriptions that the page
    gives: the paragraph that says the same before the running text is the lead.
    """
    placed = places_of(blocks)
    places = [placed.get(title_key(piece.text)) for piece in pieces]
    roles = [_own_role(piece, place, title) for piece, place in zip(pieces, places, strict=True)]
    _set_beside_aside(pieces, places, roles)
    _name_link_lists(pieces, places, roles)
    _set_head_matter_aside(pieces, places, roles)
    _name_lead(pieces, places, roles, {title_key(lead) for lead in leads})
    return tuple(
        Paragraph(role, piece.text, marks(piece.text))
        for piece, role in zip(pieces, roles, strict=True)
    )


def places_of(blocks: Sequence[Block]) -> dict[str, Block]:
    """Return the blocks by what they say; of two that say the same, the one in the article."""
    placed: dict[str, Block] = {}
    for block in blocks:
        key = block.key
        known = placed.get(key)
        if known is None or (block.zone == "article" and known.zone != "article"):
            placed[key] = block
    return placed


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
    if ASIDE_PARAGRAPH.fullmatch(text) or EMBED_CONSENT.match(text) or LOCKED.match(text):
        return "aside"
    return _ROLE_OF_KIND[piece.kind]


def _set_beside_aside(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role]
) -> None:
    """Set aside what stood in boxes and hidden parts, unless that would be most of the text."""
    beside = [
        index
        for index, place in enumerate(places)
        if place is not None
        and place.zone in ("aside", "chrome", "hidden")
        and roles[index] in _ROLE_OF_KIND.values()
    ]
    whole = sum(len(piece.text) for piece in pieces)
    if sum(len(pieces[index].text) for index in beside) * 2 < whole:
        for index in beside:
            roles[index] = "aside"


def _name_link_lists(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role]
) -> None:
    """Name lists whose every item is a link, and short lines that are one, as promotion."""
    start = 0
    while start < len(pieces):
        end = start
        while end < len(pieces) and roles[end] == "list" and _is_teaser(pieces[end], places[end]):
            end += 1
        whole_list = end == len(pieces) or roles[end] != "list"
        if (
            end - start >= _FEWEST_TEASERS
            and whole_list
            and (not start or roles[start - 1] != "list")
        ):
            roles[start:end] = ["promo"] * (end - start)
        start = max(end, start + 1)
    for index, piece in enumerate(pieces):
        if roles[index] == "text" and _is_teaser(piece, places[index]):
            roles[index] = "promo"


def _is_teaser(piece: Piece, place: Block | None) -> bool:
    """Tell whether a short line is a link, but for a word or two with a colon before it."""
    if place is None or len(piece.text) > _LONGEST_TEASER:
        return False
    share = link_share(place.element)
    return share > _ALL_LINK or (
        share > _MOSTLY_LINK and TEASER_START.match(piece.text) is not None
    )


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
