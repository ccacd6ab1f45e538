"""The names that are left out of all lists, and quotations without them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

from storage.database.rows import fetch
from storage.values.draft import NamedSpeaker, Quote
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.language import folded_names
else:
    folded_names = LazyModule("storage.language.folded_names")


def name_digest(folded: str | None) -> str:
    """Return the digest by which a folded name is recognised."""
    return sha256(f"person {folded or ''}".encode()).hexdigest()


def find_speakers(quote: Quote) -> Sequence[NamedSpeaker]:
    """Return the speakers of a quotation; older readings only have their words."""
    return quote.speakers or (NamedSpeaker(quote.speaker_resolved, None, "unknown"),)


@dataclass(frozen=True, slots=True)
class HiddenNames:
    """The names that are left out, by their digests.

    A name is also recognised after titles, in the genitive, and among several speakers.
    """

    digests: frozenset[str]

    def has(self, name: str | None) -> bool:
        """Check whether a name, or the words of a text for one speaker, is left out.

        >>> hidden = HiddenNames(frozenset([name_digest("ada kern")]))
        >>> [hidden.has(each) for each in ("Dr. Ada Kern", "ADA KERNS", "Ada Kerns Sprecher", None)]
        [True, True, False, False]
        """
        folded = folded_names.fold_name(name) if self.digests else None
        forms = () if folded is None else folded_names.person_forms(folded)
        return not self.digests.isdisjoint(map(name_digest, forms))

    def is_in(self, words: str | None) -> bool:
        """Check whether one of the speakers that words name is left out."""
        return bool(self.digests and words) and any(
            map(self.has, (words, *folded_names.JOINED.split(words or "")))
        )

    def remove_from(self, quote: Quote) -> Quote | None:
        """Return a quotation without the names of speakers that are left out.

        It is None if none of its speakers remains, and for an older reading that states the words
        for several speakers alone.

        >>> hidden = HiddenNames(frozenset([name_digest("ada kern")]))
        >>> both = tuple(NamedSpeaker(each, None, "person") for each in ("Ada Kern", "Bo Lind"))
        >>> words = "Bürgermeisterin Ada Kern und Bo Lind"
        >>> hidden.remove_from(Quote("Ja", words, "sagten", 0, words, speakers=both)).speaker
        'Bo Lind'
        """
        if not self.digests:
            return quote
        speakers = find_speakers(quote)
        gone = [each.name for each in speakers if self.has(each.name)]
        is_gone = self.has(quote.speaker) or len(gone) == len(speakers)
        if is_gone or (not quote.speakers and self.is_in(quote.speaker_resolved)):
            return None
        shown, resolved = (
            self._without(words, gone) for words in (quote.speaker, quote.speaker_resolved)
        )
        left = tuple(each for each in quote.speakers if each.name not in gone)
        return replace(quote, speaker=shown, speaker_resolved=resolved, speakers=left)

    def hide_in(self, quote: Quote) -> Quote:
        """Return a quotation as texts show it: its words stay, without who is left out."""
        left = self.remove_from(quote)
        if left is not None:
            return left
        return replace(quote, speaker=None, cue=None, speaker_resolved=None, speakers=())

    def _without(self, words: str | None, gone: Iterable[str | None]) -> str | None:
        """Return the words for several speakers without those that are left out."""
        parts = folded_names.JOINED.split(words or "")
        left = [each for each in parts if not self.has(each) and not _names(each, gone)]
        if words is None or left == parts:
            return words
        marks = folded_names.JOINED.findall(words)
        return (
            "".join(chain.from_iterable(zip(left, (*marks[: len(left) - 1], ""), strict=True)))
            or None
        )


def _names(part: str, gone: Iterable[str | None]) -> bool:
    """Check whether words for one speaker have a name that is left out, or are its last name."""
    words = folded_names.fold_name(part)
    forms = () if words is None else folded_names.person_forms(words)
    for name in filter(None, map(folded_names.fold_name, gone)):
        if name.rsplit(" ", 1)[-1] in forms or any(f" {name} " in f" {each} " for each in forms):
            return True
    return False


_STANDING = """
SELECT r.digest AS digest FROM person_redaction r
LEFT JOIN person_redaction_lifted l ON l.redaction_id = r.id WHERE l.id IS NULL
"""


def load_hidden(connection: "Connection") -> HiddenNames:
    """Return the names that are left out of all lists."""
    return HiddenNames(frozenset(row["digest"] for row in fetch(connection, _STANDING, {})))
