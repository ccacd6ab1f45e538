"""PURE: paragraphs in canonical form with their properties, each computed once.

Captures of one article share nearly all paragraphs, and articles of a site share boilerplate. A
paragraph in several texts is one object as long as one of them uses it.
"""

from functools import cached_property
from weakref import WeakValueDictionary

from storage.language.names import Signs, signs_of
from storage.language.topic import topical
from storage.language.word_lists import tokens_of
from storage.values.net.site import paragraph_key


class CutParagraph:
    """A paragraph or title; create one with `paragraph_of`."""

    held = 0
    """Letters of all paragraphs in use."""

    def __init__(self, canon: str) -> None:
        self.canon = canon
        CutParagraph.held += len(canon)

    def __del__(self) -> None:
        CutParagraph.held -= len(self.canon)

    @cached_property
    def key(self) -> int:
        return paragraph_key(self.canon)

    @cached_property
    def topical(self) -> frozenset[str]:
        return topical(self.canon)

    @cached_property
    def signs(self) -> Signs:
        return signs_of(tokens_of(self.canon))


_HELD: WeakValueDictionary[str, CutParagraph] = WeakValueDictionary()


def paragraph_of(canon: str) -> CutParagraph:
    """Return the paragraph with this canonical form.

    >>> one = paragraph_of("Die Lohe steigt.")
    >>> one is paragraph_of("Die Lohe steigt."), sorted(one.topical)
    (True, ['lohe'])
    """
    found = _HELD.get(canon)
    if found is None:
        found = _HELD[canon] = CutParagraph(canon)
    return found
