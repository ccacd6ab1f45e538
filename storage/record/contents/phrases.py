"""Find phrases in bytes and texts: in every view of them.

A text is identified by its titles and leads of at least 3 words and 16 letters, and by its
sentences of at least 8 words and 50 letters. A shorter title counts only in bytes that also name
an address of the text, because it may be the title of many texts; a single word only in lists.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.language.passage import Passage, letters_of
from storage.language.sentences import sentences
from storage.record.contents.views import Views
from storage.record.suppressed_passages import address_forms, without_addresses
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


_TITLE_WORDS, _TITLE_LETTERS = 3, 16
_SENTENCE_WORDS, _SENTENCE_LETTERS = 8, 50
_PATH_LETTERS = 12
"""Minimum length of a path that names an address without its host."""
_TITLES, _LEADS = "title", ("lead", "description")


@dataclass(slots=True)
class TextIdentity:
    """The phrases that identify texts: `strong` ones alone, `weak` ones near an address.

    `single` words identify a text only in lists with its address, and in bytes from there.
    """

    strong: set[Phrase] = field(default_factory=set)
    weak: set[Phrase] = field(default_factory=set)
    single: set[Phrase] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    @property
    def phrases(self) -> set[Phrase]:
        return self.strong | self.weak | self.single | self.addresses

    def add_title(self, title: str) -> None:
        words = len(title.split())
        if words >= _TITLE_WORDS and len(title) >= _TITLE_LETTERS:
            self.strong.add(title)
        else:
            (self.weak if words > 1 else self.single).add(title)

    def add_text(self, title: str | None, text: str | None, detail: Mapping[str, Any]) -> None:
        """Add the phrases of a reading: its titles, leads and sentences."""
        fields = detail.get("fields") or {}
        titles = [title, *_values(fields.get(_TITLES))]
        leads = [each for name in _LEADS for each in _values(fields.get(name))]
        for each in (*titles, *leads):
            if isinstance(each, str) and each.strip():
                self.add_title(each)
        for paragraph in (text or "").split("\n\n"):
            self.strong |= {each.strip() for each in sentences(paragraph) if _is_long(each)}

    def add_address(self, origin: str) -> None:
        """Add the spellings of an address in the bytes that link to it."""
        whole, *paths = address_forms(origin) or [""]
        self.addresses |= {whole, *(path for path in paths if len(path) >= _PATH_LETTERS)} - {""}

    def recognises(self, found: Iterable[Phrase]) -> set[Phrase]:
        """Return the phrases that identify a text, of those found in some bytes."""
        phrases = set(found)
        return phrases & (self.strong | (self.weak if phrases & self.addresses else set()))


def _values(field_of: Mapping[str, Any] | None) -> list[Any]:
    """Return the value of a field and its candidates."""
    if not field_of:
        return []
    return [field_of.get("value"), *(each["value"] for each in field_of.get("candidates") or ())]


def _is_long(sentence: str) -> bool:
    return len(sentence.split()) >= _SENTENCE_WORDS and len(sentence) >= _SENTENCE_LETTERS
