"""Find phrases in bytes and texts: in every view of them."""

from collections.abc import Container, Iterable, Mapping

from storage.language.passage import Passage, letters_of
from storage.record.contents.views import Views
from storage.record.suppressed_passages import without_addresses
from storage.values.digest import raw_digest

Phrase = str | Passage
"""A text, or a passage with its own limits of words."""


class Phrases:
    """Phrases and digests to find in bytes; each phrase, or name of a digest, is returned if found.

    Passages within `addresses` are ignored: an article keeps its own address.
    """

    def __init__(
        self,
        phrases: Iterable[Phrase] = (),
        digests: Mapping[bytes, str] | None = None,
        addresses: Iterable[str] = (),
    ) -> None:
        self._digests = dict(digests or {})
        passages = {
            phrase: Passage.parse(phrase) if isinstance(phrase, str) else phrase
            for phrase in phrases
        }
        self._phrases = {phrase: passage for phrase, passage in passages.items() if passage.words}
        self._addresses = frozenset(addresses)

    def __bool__(self) -> bool:
        return bool(self._phrases or self._digests)

    def find_in_bytes(self, raw: bytes) -> "FoundPhrases":
        """Return what some bytes contain, unpacked and decoded."""
        views, found = Views(raw), FoundPhrases()
        for view in views:
            if isinstance(view, str):
                found.phrases |= self.find_in_folded(view, found.phrases)
            elif self._digests and (name := self._digests.get(raw_digest(view))) is not None:
                found.digests.add(name)
        found.left_out = views.left_out
        return found

    def find_in_text(self, text: str) -> set[Phrase]:
        """Return the phrases in a text."""
        found: set[Phrase] = set()
        for view in Views(text):
            if isinstance(view, str):
                found |= self.find_in_folded(view, found)
        return found

    def find_in_folded(self, folded: str, known: Container[Phrase] = ()) -> set[Phrase]:
        """Return the phrases in a folded text, without `known` ones."""
        if not self._phrases:
            return set()
        letters = letters_of(folded)
        return {
            phrase
            for phrase, passage in self._phrases.items()
            if phrase not in known
            and passage.is_in_folded(folded, letters)
            and (phrase is not passage or self._is_beside_addresses(passage, folded))
        }

    def _is_beside_addresses(self, passage: Passage, folded: str) -> bool:
        return passage.is_in_folded(without_addresses(folded, passage, self._addresses))


class FoundPhrases:
    """The phrases and names of digests in some bytes, and the reason if a part was left out."""

    def __init__(self) -> None:
        self.phrases: set[Phrase] = set()
        self.digests: set[str] = set()
        self.left_out: str | None = None

    def __bool__(self) -> bool:
        return bool(self.phrases or self.digests)
