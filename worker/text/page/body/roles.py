"""Assign roles to the pieces of an extracted body, in order."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from storage.values.draft import Paragraph, Role
from worker.text.annotate.bylines import is_byline
from worker.text.annotate.marks import is_plain, marks
from worker.text.annotate.measures import title_key
from worker.text.annotate.roles import is_promo, notice_kind
from worker.text.page.body.promo import mark_promotion
from worker.text.page.layout.blocks import Block, Piece, class_and_id, split_camel_case
from worker.text.page.layout.container import pieces_outside_container
from worker.text.page.layout.labels import BYLINE_LABEL, KICKER_LABEL, PUBLISHED_LABEL
from worker.text.page.layout.lines import (
    is_agency_line,
    is_aside_line,
    is_day_line,
    is_figure_line,
    strip_byline_prefix,
)

_LONGEST_LEAD = 900  # characters
_SHORTEST_LEAD = 30
_LONGEST_HEAD_MATTER = 100
_LONGEST_CREDIT = 80
_HEAD_PIECES = 8
_MOSTLY_LINK = 0.5
_ENOUGH_LEFT = 1500  # characters of a complete text
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


def assign_roles(
    pieces: Sequence[Piece],
    blocks: Sequence[Block],
    title: str | None,
    leads: Sequence[str],
    authors: Sequence[str] = (),
) -> tuple[Paragraph, ...]:
    """Return the pieces as paragraphs with roles.

    `blocks` give the position of each piece on the page; `leads` are the descriptions of the page.
    A paragraph before the running text that repeats one of them is the lead. A line that only
    names `authors` gets the role aside, because the field contains them.
    """
    piece_blocks = match_blocks(pieces, blocks)
    roles = [
        _initial_role(piece, block, title)
        for piece, block in zip(pieces, piece_blocks, strict=True)
    ]
    _mark_side_blocks(pieces, piece_blocks, roles)
    mark_promotion(pieces, piece_blocks, roles)
    _mark_head_matter(pieces, piece_blocks, roles)
    _mark_credits(pieces, roles, authors)
    _mark_lead(pieces, piece_blocks, roles, {title_key(lead) for lead in leads})
    _mark_outside_container(pieces, piece_blocks, roles)
    plain = is_plain("\n".join([piece.text for piece in pieces]))
    return tuple(
        Paragraph(role, piece.text, marks(piece.text, plain=plain))
        for piece, role in zip(pieces, roles, strict=True)
    )


def blocks_by_key(blocks: Sequence[Block]) -> dict[str, Block]:
    """Map each block key to its block; of several blocks, the one in the article wins."""
    blocks_by_text: dict[str, Block] = {}
    for block in blocks:
        key = block.key
        current = blocks_by_text.get(key)
        if current is None or (block.zone == "article" and current.zone != "article"):
            blocks_by_text[key] = block
    return blocks_by_text


def match_blocks(pieces: Sequence[Piece], blocks: Sequence[Block]) -> list[Block | None]:
    """Return the matching block of each piece, or None if there is none.

    Of several, blocks of the article are preferred, and headings for a heading: a table of contents
    repeats its text.
    """
    keys = [(title_key(piece.text), piece.kind == "head") for piece in pieces]
    matches: dict[tuple[str, bool], Block | None] = dict.fromkeys(keys)
    for block in blocks:
        for heading in (True, False):
            if (block.key, heading) in matches:
                current = matches[block.key, heading]
                if current is None or _match_rank(block, heading) > _match_rank(current, heading):
                    matches[block.key, heading] = block
    return [matches[key] for key in keys]


def _match_rank(block: Block, heading: bool) -> tuple[bool, bool]:  # noqa: FBT001
    return block.zone == "article", heading == (block.tag[0] == "h")


def is_lead_block(block: Block) -> bool:
    """Check whether a block, or one of the two elements around it, has the class of a lead."""
    if block.zone == "hidden":
        return False
    labels = [block.label, *map(class_and_id, islice(block.element.iterancestors(), 2))]
    is_labelled = any(LEAD_LABEL.search(split_camel_case(label)) for label in labels if label)
    return is_labelled and block.share < _MOSTLY_LINK


def _initial_role(piece: Piece, block: Block | None, title: str | None) -> Role:
    """Return the role that follows from the text and the block of a piece alone."""
    text = piece.text
    if title and title_key(text) == title_key(title):
        return "headline"
    if notice_kind(text):
        return "notice"
    if is_promo(text):
        return "promo"
    if is_figure_line(text) or (block is not None and block.zone == "caption"):
        return "caption"
    is_side_matter = is_aside_line(text) or (piece.kind == "p" and is_day_line(text))
    return "aside" if is_side_matter else _ROLE_OF_KIND[piece.kind]


def _mark_side_blocks(
    pieces: Sequence[Piece], piece_blocks: Sequence[Block | None], roles: list[Role]
) -> None:
    """Give pieces from boxes and hidden elements the role aside, unless they prevail."""
    first = _first_running(pieces, piece_blocks)
    indexes = [
        index
        for index, block in enumerate(piece_blocks)
        if block is not None
        and block.zone in ("aside", "chrome", "hidden")
        and roles[index] in _ROLE_OF_KIND.values()
        and not (index < first and is_lead_block(block))
    ]
    _mark_aside(indexes, pieces, roles)


def _first_running(pieces: Sequence[Piece], piece_blocks: Sequence[Block | None]) -> int:
    """Return the index of the first paragraph inside the article."""
    for index, (piece, block) in enumerate(zip(pieces, piece_blocks, strict=True)):
        if block is not None and block.zone == "article" and piece.kind == "p":
            return index
    return 0


def _mark_outside_container(
    pieces: Sequence[Piece], piece_blocks: Sequence[Block | None], roles: list[Role]
) -> None:
    """Give pieces outside the text container the role aside, except running text before its end."""
    body_roles = _ROLE_OF_KIND.values()
    _mark_aside(
        [i for i in pieces_outside_container(pieces, piece_blocks) if roles[i] in body_roles],
        pieces,
        roles,
    )


def _mark_aside(indexes: Sequence[int], pieces: Sequence[Piece], roles: list[Role]) -> None:
    """Give pieces the role aside, unless too little text would remain."""
    aside = sum(len(pieces[index].text) for index in indexes)
    remaining = sum(len(piece.text) for piece in pieces) - aside
    if remaining > min(aside, _ENOUGH_LEFT):
        for index in indexes:
            roles[index] = "aside"


def _mark_head_matter(
    pieces: Sequence[Piece], piece_blocks: Sequence[Block | None], roles: list[Role]
) -> None:
    """Give kicker, byline and date before the text the role aside: fields contain them."""
    for index, piece in enumerate(pieces[:_HEAD_PIECES]):
        if len(piece.text) > _LONGEST_HEAD_MATTER:
            return
        block = piece_blocks[index]
        label = block.label if block is not None else ""
        if roles[index] in ("text", "subheading", "list") and is_head_matter(piece.text, label):
            roles[index] = "aside"


def _mark_credits(pieces: Sequence[Piece], roles: list[Role], authors: Sequence[str]) -> None:
    """Give lines that only name authors or agencies the role aside."""
    keys = {title_key(name) for name in authors}
    for index, piece in enumerate(pieces):
        if roles[index] == "text" and len(piece.text) <= _LONGEST_CREDIT:
            credit = strip_byline_prefix(piece.text)
            if title_key(credit) in keys or is_agency_line(credit):
                roles[index] = "aside"


def is_head_matter(text: str, label: str) -> bool:
    """Check whether a short line before the running text is kicker, byline or date.

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


def _mark_lead(
    pieces: Sequence[Piece],
    piece_blocks: Sequence[Block | None],
    roles: list[Role],
    lead_keys: set[str],
) -> None:
    """Mark the lead: a short first paragraph with a class of leads or the text of a description."""
    for index, piece in enumerate(pieces[:_HEAD_PIECES]):
        if roles[index] not in ("text", "subheading", "quote"):
            continue
        if index + 1 < len(pieces) and _SHORTEST_LEAD <= len(piece.text) <= _LONGEST_LEAD:
            block = piece_blocks[index]
            has_lead_label = block is not None and is_lead_block(block)
            if has_lead_label or title_key(piece.text) in lead_keys:
                roles[index] = "lead"
                return
        if roles[index] == "text":
            return
