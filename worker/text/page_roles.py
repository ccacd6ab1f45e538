"""Give the pieces of an extracted body their roles, in their order."""

import re
from collections.abc import Iterable, Sequence

from storage.record import Paragraph, Role
from worker.text.marks import is_plain, marks
from worker.text.page_blocks import Block
from worker.text.page_extract import Piece
from worker.text.page_titles import title_key
from worker.text.roles import byline_names, is_caption, is_promo, notice_kind

_LONGEST_LEAD = 900
_LONGEST_ASIDE = 300
_ASIDE_RUN = re.compile(r"\([^()\n]{1,60} (?:berichtete|berichteten|hatten? berichtet|reported)\)\.?")

LEAD_LABEL = re.compile(
    r"(?:^|[\s_-])(?:lead|intro|introduction|teaser|standfirst|vorspann|perex|summary|abstract|dek|excerpt|lede|subtitle|preamble|ingress|einleitung)(?:$|[\s_-])"
    r"|(?:lead|intro|teaser|vorspann|standfirst)-?text",
    re.IGNORECASE,
)
"""A class of the paragraph that opens a text.

>>> bool(LEAD_LABEL.search("article__intro")), bool(LEAD_LABEL.search("leaderboard"))
(True, False)
"""


def paragraphs_of(
    pieces: Sequence[Piece], blocks: Iterable[Block], title: str | None, leads: Sequence[str]
) -> tuple[Paragraph, ...]:
    """Return the pieces as paragraphs with roles.

    `blocks` tell where on the page a piece stood, `leads` are the descriptions that the page
    gives: the paragraph that says the same before the running text is the lead.
    """
    placed: dict[str, Block] = {}
    for block in blocks:
        placed.setdefault(title_key(block.text), block)
    roles = [_own_role(piece, placed.get(title_key(piece.text)), title) for piece in pieces]
    _name_lead(pieces, roles, placed, {title_key(lead) for lead in leads if lead})
    return tuple(
        Paragraph(role, piece.text, marks(piece.text, is_plain(piece.text)))
        for piece, role in zip(pieces, roles, strict=True)
    )


def _own_role(piece: Piece, block: Block | None, title: str | None) -> Role:
    """Return the role that a piece has by itself, or by where it stood."""
    text = piece.text
    if title and title_key(text) == title_key(title):
        return "headline"
    if notice_kind(text):
        return "notice"
    if is_promo(text):
        return "promo"
    if is_caption(text) or (block is not None and _is_caption_place(block)):
        return "caption"
    if len(text) <= _LONGEST_ASIDE and _ASIDE_RUN.fullmatch(text):
        return "aside"
    return {"head": "subheading", "quote": "quote", "item": "list", "row": "list"}.get(
        piece.kind, "text"
    )  # type: ignore[return-value]


def _is_caption_place(block: Block) -> bool:
    return block.zone == "caption" and block.tag in ("figcaption", "p", "div", "span")


def _name_lead(
    pieces: Sequence[Piece], roles: list[Role], placed: dict[str, Block], leads: set[str]
) -> None:
    """Name the lead: before the running text, short, and called so by the page."""
    for index, piece in enumerate(pieces[:4]):
        if roles[index] not in ("text", "subheading", "quote"):
            continue
        if byline_names(piece.text):
            continue
        if len(piece.text) <= _LONGEST_LEAD and index + 1 < len(pieces):
            key = title_key(piece.text)
            block = placed.get(key)
            if key in leads or (block is not None and LEAD_LABEL.search(block.label)):
                roles[index] = "lead"
                return
        if roles[index] == "text":
            return
