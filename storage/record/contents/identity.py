"""PURE: the phrases by which bytes are recognised to contain a text.

A text is identified by its titles and leads of at least 3 words and 16 letters, and by its
sentences of at least 8 words and 50 letters. A shorter title counts only in bytes that also name
an address of the text, because it may be the title of many texts; a single word only in lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.language.sentences import sentences
from storage.record.contents.phrases import Phrase
from storage.record.suppressed_passages import address_forms

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
