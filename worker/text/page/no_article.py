"""Know a page that holds no article: a list of links, or a shell whose text is not in it."""

from collections.abc import Sequence

from storage.values.draft import TEXT_ROLES, Paragraph
from worker.text.annotate.words import title_key
from worker.text.page.layout.blocks import Block

_MOST_LINKED = 0.5  # of the characters of the text
_SHORTEST_SENTENCE = 25  # characters
_FEWEST_PIECES = 3
_ENDS = (".", "!", "?", "…", ":", ";", "。", "！", "？", "।", "؟", "۔", "።", "။", "׃")
"""What a sentence ends with, in the scripts of the press."""
_CLOSING = "\"'“”»«’)]」』"


def no_article_reason(paragraphs: Sequence[Paragraph], blocks: Sequence[Block]) -> str | None:
    """Return what a page is instead of an article, None for one.

    A page of teasers is links for most of its characters. In a shell nothing is said: no line
    ends like a sentence, and there is no verse or list of several lines either.
    """
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    if linked_share(running, blocks) > _MOST_LINKED:
        return "a list of links"
    own = {block.key for block in blocks}
    stands = sum(title_key(text) in own for text in running)
    if not any(map(is_said, running)) and stands < _FEWEST_PIECES:
        return "a page without running text"
    return None


def linked_share(running: Sequence[str], blocks: Sequence[Block]) -> float:
    """Return how much of the characters of a text is link."""
    places = {block.key: block for block in blocks}
    whole = linked = 0.0
    for text in running:
        place = places.get(title_key(text))
        whole += len(text)
        linked += len(text) * place.share if place is not None else 0.0
    return linked / whole if whole else 0.0


def is_said(text: str) -> bool:
    """Return whether a paragraph ends like a sentence, or holds several.

    >>> is_said("Der Rat der Stadt tagt am Dienstag."), is_said("Start / Politik / Region Lohetal")
    (True, False)
    """
    if len(text) >= _SHORTEST_SENTENCE and text.rstrip(_CLOSING + " ").endswith(_ENDS):
        return True
    return sum(text.count(f"{end} ") for end in ".!?") >= _FEWEST_PIECES
