"""Give the pieces of an extracted body their roles, in their order."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from storage.values.draft import Paragraph, Role
from worker.text.annotate.bylines import is_byline
from worker.text.annotate.marks import is_plain, marks
from worker.text.annotate.roles import is_promo, notice_kind
from worker.text.annotate.words import title_key
from worker.text.page.body.promo import name_promotion
from worker.text.page.layout.blocks import Block, Piece, label_of, split_words
from worker.text.page.layout.container import outside
from worker.text.page.layout.labels import BYLINE_LABEL, KICKER_LABEL, PUBLISHED_LABEL
from worker.text.page.layout.lines import (
    is_agency_line,
    is_aside_line,
    is_day_line,
    is_figure_line,
    without_by,
)

_LONGEST_LEAD = 900  # characters
_SHORTEST_LEAD = 30
_LONGEST_HEAD_MATTER = 100
_LONGEST_CREDIT = 80
_HEAD_PIECES = 8
_MOSTLY_LINK = 0.5
_ENOUGH_LEFT = 1500  # characters: a whole text, whatever stands beside it
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


def paragraphs_of(
    pieces: Sequence[Piece],
    blocks: Sequence[Block],
    title: str | None,
    leads: Sequence[str],
    authors: Sequence[str] = (),
) -> tuple[Paragraph, ...]:
    """Return the pieces as paragraphs with roles.

    `blocks` tell where on the page a piece stood, `leads` are the descriptions that the page
    gives: the paragraph that says the same before the running text is the lead. A line that
    says no more than who of `authors` wrote the text is set aside: the field says it.
    """
    places = placed(pieces, blocks)
    roles = [_own_role(piece, place, title) for piece, place in zip(pieces, places, strict=True)]
    _set_beside_aside(pieces, places, roles)
    name_promotion(pieces, places, roles)
    _set_head_matter_aside(pieces, places, roles)
    _set_credits_aside(pieces, roles, authors)
    _name_lead(pieces, places, roles, {title_key(lead) for lead in leads})
    _set_outside_aside(pieces, places, roles)
    plain = is_plain("\n".join([piece.text for piece in pieces]))
    return tuple(
        Paragraph(role, piece.text, marks(piece.text, plain=plain))
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


def placed(pieces: Sequence[Piece], blocks: Sequence[Block]) -> list[Block | None]:
    """Return for each piece the block that it was made of, None where none says the same.

    Of several the one in the article is meant, and for a heading the one that is a heading:
    a table of contents says the same.
    """
    wanted = [(title_key(piece.text), piece.kind == "head") for piece in pieces]
    best: dict[tuple[str, bool], Block | None] = dict.fromkeys(wanted)
    for block in blocks:
        for heading in (True, False):
            if (block.key, heading) in best:
                known = best[block.key, heading]
                if known is None or _likeness(block, heading) > _likeness(known, heading):
                    best[block.key, heading] = block
    return [best[each] for each in wanted]


def _likeness(block: Block, heading: bool) -> tuple[bool, bool]:  # noqa: FBT001
    return block.zone == "article", heading == (block.tag[0] == "h")


def is_lead_place(block: Block) -> bool:
    """Return whether a block, or one of the two elements around it, is called a lead."""
    if block.zone == "hidden":
        return False
    labels = [block.label, *map(label_of, islice(block.element.iterancestors(), 2))]
    called = any(LEAD_LABEL.search(split_words(label)) for label in labels if label)
    return called and block.share < _MOSTLY_LINK


def _own_role(piece: Piece, place: Block | None, title: str | None) -> Role:
    """Return the role that a piece has by itself, or by where it stood."""
    text = piece.text
    if title and title_key(text) == title_key(title):
        return "headline"
    if notice_kind(text):
        return "notice"
    if is_promo(text):
        return "promo"
    if is_figure_line(text) or (place is not None and place.zone == "caption"):
        return "caption"
    beside = is_aside_line(text) or (piece.kind == "p" and is_day_line(text))
    return "aside" if beside else _ROLE_OF_KIND[piece.kind]


def _set_beside_aside(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role]
) -> None:
    """Set aside what stood in boxes and hidden parts, unless that would be most of the text."""
    first = _first_running(pieces, places)
    beside = [
        index
        for index, place in enumerate(places)
        if place is not None
        and place.zone in ("aside", "chrome", "hidden")
        and roles[index] in _ROLE_OF_KIND.values()
        and not (index < first and is_lead_place(place))
    ]
    _set_aside(beside, pieces, roles)


def _first_running(pieces: Sequence[Piece], places: Sequence[Block | None]) -> int:
    """Return the index of the first paragraph of the article itself."""
    for index, (piece, place) in enumerate(zip(pieces, places, strict=True)):
        if place is not None and place.zone == "article" and piece.kind == "p":
            return index
    return 0


def _set_outside_aside(
    pieces: Sequence[Piece], places: Sequence[Block | None], roles: list[Role]
) -> None:
    """Set aside what stood outside the container of the running text without running itself."""
    named = _ROLE_OF_KIND.values()
    _set_aside([i for i in outside(pieces, places) if roles[i] in named], pieces, roles)


def _set_aside(chosen: Sequence[int], pieces: Sequence[Piece], roles: list[Role]) -> None:
    """Set the chosen pieces aside, unless little would be left beside them."""
    aside = sum(len(pieces[index].text) for index in chosen)
    left = sum(len(piece.text) for piece in pieces) - aside
    if left > min(aside, _ENOUGH_LEFT):
        for index in chosen:
            roles[index] = "aside"


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


def _set_credits_aside(pieces: Sequence[Piece], roles: list[Role], authors: Sequence[str]) -> None:
    """Set aside lines that only repeat who wrote the text, and which agency helped."""
    keys = {title_key(name) for name in authors}
    for index, piece in enumerate(pieces):
        if roles[index] == "text" and len(piece.text) <= _LONGEST_CREDIT:
            credit = without_by(piece.text)
            if title_key(credit) in keys or is_agency_line(credit):
                roles[index] = "aside"


def is_head_matter(text: str, label: str) -> bool:
    """Return whether a short line before the running text is kicker, byline or date.

    >>> is_head_matter("Von Merle Addicks", ""), is_head_matter("Hochwasser", "kicker")
    (True, True)
    >>> is_head_matter("Von Berlin nach Paris fährt ein Zug.", "")
    False
    """
    if text.endswith((".", "!", "?", ":", "“", '"')):
        return False
    if is_day_line(text) or is_byline(text):
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
            labelled = place is not None and is_lead_place(place)
            if labelled or title_key(piece.text) in leads:
                roles[index] = "lead"
                return
        if roles[index] == "text":
            return
