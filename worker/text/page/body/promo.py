"""Find promotion in a body: teasers, newsletters, social media channels and lists of links."""

import re
from collections.abc import Sequence

from storage.values.draft import Role
from worker.text.page.layout.blocks import Block, Piece

_LONGEST_TEASER = 200  # characters
_LONGEST_CALL = 300
_LONGEST_HEADING = 100
_MIN_TEASERS = 2
_MIN_TOPICS = 3
_ALL_LINK = 0.95
_MOSTLY_LINK = 0.5
_TOPICS_LINKED = 0.6

TEASER_START = re.compile(r"[^:\n]{3,60}:\s")
"""The words before the link of a teaser.

>>> bool(TEASER_START.match("Mehr zum Deich: So hoch stand die Lohe"))
True
"""

CHANNEL = re.compile(
    r"apps?\b|\b(?:newsletter|social[ -]?media|whats-?app\w*|facebook|instagram|twitter"
    r"|x\.com|telegram|tik-?tok|youtube|mastodon|bluesky|threads|google news"
    r"|push-?\w*|e-?paper|podcasts?|abo(?:nnement)?|news ?(?:team|desk)|news page|inbox)\b",
    re.IGNORECASE,
)
"""A channel on which a publisher asks readers to follow it.

>>> bool(CHANNEL.search("unserem WhatsApp-Kanal")), bool(CHANNEL.search("Appell an alle"))
(True, False)
"""

CALL_TO_ACTION = re.compile(
    r"""\b(?:abonnier\w*|bestell(?:en|t)[ ]sie|folge(?:n[ ]sie|t)?\b.{0,20}\b(?:uns|bei|auf)\b
    |meld(?:en|e)[ ](?:sie[ ])?(?:sich|dich)|anmelden|herunterladen|runterladen
    |hier[ ]entlang|hier[ ]geht(?:[ ]?['’]?e?s)?\b|hier[ ]klicken|klicken[ ]sie
    |(?:werde|werden[ ]sie)[ ]|jetzt[ ](?:testen|lesen|sichern|kostenlos|an)
    |auch[ ](?:bei|auf|als)[ ]|verpassen[ ]sie|kein\w*[ ][\w ]{3,40}[ ](?:mehr[ ])?verpassen
    |follow\b|sign[ ]up|subscribe|download|join[ ]|get[ ]in[ ]touch|get[ ]the[ ]latest
    |check[ ](?:out[ ])?our|never[ ]miss|don['’]t[ ]miss)""",
    re.VERBOSE | re.IGNORECASE,
)
"""A call to action by the publisher.

>>> bool(CALL_TO_ACTION.search("Hier geht es zur neuen App"))
True
>>> CALL_TO_ACTION.search("Der Rat folgt dem Plan")
"""

INVITATION = re.compile(
    r"""(?:mehr|weitere[sn]?)[ ](?:zum[ ]thema|(?:artikel|beiträge|nachrichten|themen|news|texte)
      [ ](?:zum|zu|aus|auf|von)\b)(?:[^.!?]|\.(?=\w)){0,60}\Z
    | (?:empfohlene|ähnliche|verwandte|passende|neueste|meistgelesene)[ ]
      (?:artikel|beiträge|themen|inhalte|nachrichten)\W*\Z
    | (?:recommended|related|similar|latest|more)[ ]
      (?:articles?|stories|posts|content|news|reads?|from[ ][^.!?]{2,40}|on[ ][^.!?]{2,40})\W*\Z
    | for[ ]more[ ](?:stories|news)[ ][^.!?]{0,60}[.!]?\Z
    | got[ ]a[ ](?:story|tip|news[ ]tip)\?
    | (?:advertisement|anzeige|werbung)(?:[ ]?\d+)?[ \n]*
      (?:story|article|der[ ]artikel)?[ ]?(?:continues[ ]below(?:[ ]this[ ]ad)?)?\Z
    | story[ ]continues[ ]below[^.]{0,40}\Z""",
    re.VERBOSE | re.IGNORECASE,
)
"""A line that refers to other texts.

>>> bool(INVITATION.match("Mehr zum Thema auf Lohe.de")), bool(INVITATION.match("Mehr Wasser"))
(True, False)
>>> bool(INVITATION.match("Advertisement 1Story continues below"))
True
"""


def mark_promotion(
    pieces: Sequence[Piece], piece_blocks: Sequence[Block | None], roles: list[Role]
) -> None:
    """Give link lists, teaser lines, calls to action and their headings the role promo."""
    for start, end in _list_ranges(roles):
        if _is_link_list(pieces[start:end], piece_blocks[start:end]):
            roles[start:end] = ["promo"] * (end - start)
    for index, piece in enumerate(pieces):
        if roles[index] in ("text", "list", "subheading") and _is_promotion(
            piece, piece_blocks[index]
        ):
            roles[index] = "promo"
    _mark_rest_of_lists(roles, pieces)
    _mark_headings(pieces, roles)


def _is_teaser_line(piece: Piece, block: Block | None) -> bool:
    """Check whether a short line is a link, except for a few words and a colon before it."""
    if block is None or len(piece.text) > _LONGEST_TEASER:
        return False
    share = block.share
    return share > _ALL_LINK or (
        share > _MOSTLY_LINK and TEASER_START.match(piece.text) is not None
    )


def is_call_to_action(text: str) -> bool:
    """Check whether a line asks readers to follow the publisher on a channel.

    >>> is_call_to_action("Folgen Sie uns auf Instagram und Facebook!")
    True
    >>> is_call_to_action("Der Konzern meldete für Instagram mehr Nutzer.")
    False
    """
    return len(text) <= _LONGEST_CALL and bool(CHANNEL.search(text) and CALL_TO_ACTION.search(text))


def _is_promotion(piece: Piece, block: Block | None) -> bool:
    if len(piece.text) > _LONGEST_CALL:
        return False
    if INVITATION.match(piece.text):
        return True
    has_link = block is not None and next(block.element.iter("a"), None) is not None
    if has_link and is_call_to_action(piece.text):
        return True
    return piece.kind == "p" and _is_teaser_line(piece, block)


def _list_ranges(roles: Sequence[Role]) -> list[tuple[int, int]]:
    """Return the ranges of consecutive list items."""
    ranges = []
    start = 0
    while start < len(roles):
        end = start
        while end < len(roles) and roles[end] == "list":
            end += 1
        if end > start:
            ranges.append((start, end))
        start = end + 1
    return ranges


def _is_link_list(pieces: Sequence[Piece], piece_blocks: Sequence[Block | None]) -> bool:
    """Check whether all items are teasers, or links after a word that names the topic."""
    if len(pieces) < _MIN_TEASERS:
        return False
    if all(_is_teaser_line(*item) for item in zip(pieces, piece_blocks, strict=True)):
        return True
    shares = [block.share for block in piece_blocks if block is not None]
    return (
        len(shares) == len(pieces) >= _MIN_TOPICS
        and max(len(piece.text) for piece in pieces) <= _LONGEST_TEASER
        and min(shares) >= _MOSTLY_LINK
        and sum(shares) / len(shares) >= _TOPICS_LINKED
    )


def _mark_rest_of_lists(roles: list[Role], pieces: Sequence[Piece]) -> None:
    """Give the remaining items of a list the role promo if more than half have it."""
    index = 0
    while index < len(roles):
        end = index
        while end < len(roles) and pieces[end].kind == "item" and roles[end] in ("list", "promo"):
            end += 1
        if roles[index:end].count("promo") * 2 > end - index:
            roles[index:end] = ["promo"] * (end - index)
        index = max(end, index + 1)


def _mark_headings(pieces: Sequence[Piece], roles: list[Role]) -> None:
    """Give headings the role promo that precede a link list or only promotion until the end."""
    for index in range(len(roles) - 1, -1, -1):
        if roles[index] != "subheading" or len(pieces[index].text) > _LONGEST_HEADING:
            continue
        below = roles[index + 1 : index + 3]
        heads_link_list = below.count("promo") == _MIN_TEASERS and pieces[index + 1].kind == "item"
        if heads_link_list or all(
            role in ("promo", "aside", "caption") for role in roles[index + 1 :]
        ):
            roles[index] = "promo"
