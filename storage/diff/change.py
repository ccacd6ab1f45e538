"""PURE: the change from one capture of an article to the next, and whether its page announces
it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any

from storage.diff.classes import classes_of
from storage.diff.edits import Edit, places
from storage.diff.entry_changes import (
    EntryChange,
    EntryDifference,
    EntryText,
    compare_entries,
    entry_texts,
)
from storage.diff.noise import (
    NO_BOILERPLATE,
    Evidence,
    Noise,
    explain,
    find_unexplained_paragraphs,
    noise,
)
from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import parts_of
from storage.diff.word_diff import (
    Side,
    Text,
    count_words,
    operations_between,
    passages,
    side_of,
    words_added,
    words_removed,
)
from storage.language.paragraphs import CutParagraph, paragraph_of
from storage.language.volatile import stamps
from storage.language.word_lists import TOKEN, word_list
from storage.values.change_class import NO_EDIT, ChangeClass
from storage.values.digest import canonical, canonical_all
from storage.values.draft import EntryRange
from storage.values.fields import COMPARED_FIELDS, FIELD_BY_NAME, Comparison
from storage.values.net.site import paragraph_key

METADATA = tuple(each.name for each in COMPARED_FIELDS)
"""Fields whose change has the class `metadata`."""

NOTE_OF_A_CHANGE = re.compile(
    r"version|fassung|korrigier|berichtig|fehler|falsch|richtig|geändert|ergänzt|aktualisier"
    r"|präzisier|correct|amend|earlier|error|updat|clarif|revis",
    re.IGNORECASE,
)
"""Start of an editors' note that is about the text itself.

>>> bool(NOTE_OF_A_CHANGE.search("Anmerkung der Redaktion: In einer früheren Version …"))
True
"""
METHOD = 5
"""Version of the rules for changes; it increases whenever a rule changes a result.

Earlier results stay as they are and are not computed again.
"""
_ANNOUNCING = frozenset({"correction", "update"})
_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class CaptureContent:
    """The content of one capture: the text, and the other content of its page.

    `beside` are the paragraphs of the page outside the text, `modified` is its modification date,
    `notices` are kind and text of each notice, `metadata` are the values of the fields `METADATA`,
    `around` are the keys of all other paragraphs of the page. `entries` are those of a live blog,
    by the numbers of the paragraphs of the text. A capture that `is_page` is that of a web page;
    one that `is_redacted` has no content to compare. `signs` are those of its draft.

    Values that depend on one capture alone are computed once. Each object is equal to itself alone.
    """

    text: Text
    beside: tuple[str, ...] = ()
    modified: Mapping[str, Any] | None = None
    notices: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NO_FIELDS)
    around: frozenset[int] = frozenset()
    entries: tuple[EntryRange, ...] = ()
    is_redacted: bool = False
    is_page: bool = False
    signs: frozenset[str] | None = None

    @cached_property
    def side(self) -> Side:
        """Return the text, prepared for comparison."""
        canons = (paragraph.canon for paragraph in self.paragraphs)
        return side_of(self.text, dict(zip(self.text.parts, canons, strict=True)))

    @cached_property
    def paragraphs(self) -> tuple[CutParagraph, ...]:
        """Return the title, empty if there is none, and the paragraphs of the text."""
        return tuple(map(paragraph_of, canonical_all(self.text.parts)))

    @cached_property
    def entry_texts(self) -> tuple[EntryText, ...]:
        """Return the entries of a live blog with their texts."""
        if not self.entries:
            return ()
        canons = [paragraph.canon for paragraph in self.paragraphs[1:]]
        return entry_texts(self.text, canons, self.entries)

    @cached_property
    def keys(self) -> frozenset[int]:
        """Return the keys of the paragraphs of the page outside the text."""
        return self.around.union(map(paragraph_key, canonical_all(self.beside)))

    @cached_property
    def notes(self) -> frozenset[str]:
        """Return the notes about the last change, in the text and outside it."""
        shown = [text for _role, text in self.text.paragraphs]
        said = chain.from_iterable(map(stamps, (*shown, *self.beside)))
        updates = (text for kind, text in self.notices if kind == "update")
        return frozenset(canonical_all([*said, *updates]))


@dataclass(frozen=True, slots=True)
class TextChange:
    """The difference between two captures; `classes` is empty if all of it is `noise`.

    `boilerplate_candidates` are whole added or removed paragraphs (canonical) that may be
    boilerplate, which depends
    on other articles. `notices` are the new ones. `entries` are the changes of entries of a live
    blog.
    """

    classes: tuple[str, ...]
    silent: bool | None
    words_added: int
    words_removed: int
    removed: tuple[str, ...]
    added: tuple[str, ...]
    noise: tuple[Noise, ...]
    notices: tuple[tuple[str, str], ...]
    boilerplate_candidates: tuple[str, ...]
    entries: tuple[EntryChange, ...] = ()

    @property
    def is_noise(self) -> bool:
        return bool(self.noise) and not self.classes


REDACTED = TextChange((ChangeClass.REDACTED.value,), None, 0, 0, (), (), (), (), ())
"""Result if one of two captures was redacted: the change is unknown."""


class CapturePair:
    """Two captures to compare; each part of the comparison is computed once."""

    def __init__(self, a: CaptureContent, b: CaptureContent) -> None:
        self.a = a
        self.b = b
        self.is_redacted = a.is_redacted or b.is_redacted
        self._changes: dict[frozenset[tuple[str, str]], TextChange] = {}

    @cached_property
    def places(self) -> list[Edit]:
        if self.is_redacted:
            return []
        a, b = self.sides
        return places(operations_between(a, b), a, b)

    @cached_property
    def entries(self) -> EntryDifference | None:
        """Return how entries of a live blog changed; None if no capture has any."""
        if not (self.a.entries or self.b.entries) or self.is_redacted:
            return None
        sizes = (len(each.text.paragraphs) for each in (self.a, self.b))
        return compare_entries(self.a.entry_texts, self.b.entry_texts, *sizes)

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        """Return the texts to compare word by word: without entries that only one of them has."""
        if self.entries is None:
            return self.a.side, self.b.side
        return _side(self.a, self.entries.a_left), _side(self.b, self.entries.b_left)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of the change: those of removed and new entries, then the others.

        Those of whole entries have no offsets (-1).
        """
        found = self.entries or EntryDifference((), False)
        return (
            *(Operation("delete", role, text, "", -1, -1) for role, text in found.removed),
            *(Operation("insert", role, "", text, -1, -1) for role, text in found.added),
            *operations_between(*self.sides),
        )

    @cached_property
    def boilerplate_candidates(self) -> tuple[str, ...]:
        """Return the value of `TextChange.boilerplate_candidates` before other articles are
        queried.
        """
        return find_unexplained_paragraphs(self.places, self._rules(NO_BOILERPLATE))

    def change(self, boilerplate: Mapping[str, str] = NO_BOILERPLATE) -> TextChange:
        """Return the change.

        `boilerplate` maps paragraphs of `boilerplate_candidates` that are boilerplate of the site
        to their rule.
        """
        key = frozenset(boilerplate.items())
        if key not in self._changes:
            self._changes[key] = self._change(self._rules(boilerplate))
        return self._changes[key]

    def plain_change(self) -> TextChange:
        """Return the change if nothing counts as noise."""
        return self._change([None] * len(self.places))

    def _change(self, rules: Sequence[str | None]) -> TextChange:
        if self.is_redacted:
            return REDACTED
        a, b, found = self.a, self.b, self.places
        left = [place for place, rule in zip(found, rules, strict=True) if rule is None]
        classes = classes_of(left, *self.sides)
        operations = [op for place in left for op in place.operations]
        removed, added = passages(operations)
        words = words_added(operations), words_removed(operations)
        entries: tuple[EntryChange, ...] = ()
        if self.entries is not None:
            entries = _without_noise(self.entries, left)
            classes = _with_entries(classes, entries, self.entries)
            lost, fresh = (
                [text for _role, text in each]
                for each in (self.entries.removed, self.entries.added)
            )
            removed, added = (*removed, *lost), (*added, *fresh)
            words = words[0] + sum(map(count_words, fresh)), words[1] + sum(map(count_words, lost))
        is_edit = bool(classes) and classes != NO_EDIT
        names = [name for name in METADATA if a.metadata.get(name) != b.metadata.get(name)]
        is_own = any(FIELD_BY_NAME[name].compared is Comparison.ALONE for name in names)
        is_edit = is_edit or (is_own and not classes)
        if is_edit and names:
            named = (f"{ChangeClass.METADATA}: {name}" for name in names)
            classes = (*classes, ChangeClass.METADATA.value, *named)
        new = _new_notices(a, b)
        return TextChange(
            classes=classes,
            silent=is_silent(a, b, new) if is_edit else None,
            words_added=words[0],
            words_removed=words[1],
            removed=removed,
            added=added,
            noise=noise(found, rules),
            notices=new,
            boilerplate_candidates=find_unexplained_paragraphs(found, rules),
            entries=entries,
        )

    def _rules(self, boilerplate: Mapping[str, str]) -> list[str | None]:
        return explain(self.places, *self.sides, Evidence(self.a.keys, self.b.keys, boilerplate))


def change(
    a: CaptureContent,
    b: CaptureContent,
    boilerplate: Mapping[str, str] = NO_BOILERPLATE,
    *,
    heed_noise: bool = True,
) -> TextChange:
    """Return the change from `a` to `b`; with `heed_noise` without its noise."""
    found = CapturePair(a, b)
    return found.change(boilerplate) if heed_noise else found.plain_change()


def is_silent(
    a: CaptureContent, b: CaptureContent, notices: Sequence[tuple[str, str]] = ()
) -> bool | None:
    """Check whether the page does not announce a change of its wording.

    The change is announced if there is a new notice about the text, another modification date, or
    another note ("Stand", "Aktualisiert"). None if the page has neither a date nor a note.
    """
    if any(_announces(kind, text) for kind, text in notices):
        return False
    before, after = a.notes, b.notes
    has_date = a.modified is not None and b.modified is not None
    if (b.modified is not None and not _is_same_date(a.modified, b.modified)) or after - before:
        return False
    return True if has_date or after else None


def speaks_of(notice: str, steps: Sequence[tuple[int, Sequence[str]]]) -> int | None:
    """Return the version whose change a notice describes; None if that is unclear.

    `steps` are versions with their removed and added passages, oldest first. The step that
    shares most words with the notice is returned; numbers and quoted words weigh more.

    >>> steps = [(2, ["36", "3,6"]), (3, ["am Montag", "am Dienstag"])]
    >>> speaks_of("Korrektur: Der Pegel stieg um 3,6 Zentimeter, nicht um 36.", steps)
    2
    """
    wanted = _meaningful_words(notice)
    best, most = None, 0
    for version, texts in steps:
        shared = wanted & _meaningful_words(" ".join(texts))
        weight = sum(3 if any(map(str.isdigit, word)) else 1 for word in shared)
        if weight and weight >= most:
            best, most = version, weight
    return best


# ----------------------------------------------------------------------------------- entries


def _side(content: CaptureContent, numbers: Sequence[int]) -> Side:
    """Return the text with only these paragraphs, prepared for comparison."""
    chosen = [content.paragraphs[0], *(content.paragraphs[number + 1] for number in numbers)]
    text = Text(content.text.title, tuple(content.text.paragraphs[number] for number in numbers))
    canons = (paragraph.canon for paragraph in chosen)
    return side_of(text, dict(zip(text.parts, canons, strict=True)))


def _without_noise(found: EntryDifference, left: Sequence[Edit]) -> tuple[EntryChange, ...]:
    """Return the changes of entries; edits only if a place in the entry is no noise."""
    touched = {
        part.canon
        for place in left
        for block in (place.a, place.b)
        if block is not None
        for part in parts_of(block)
    }
    return tuple(
        each
        for each in found.changes
        if each.op != "edited" or not touched.isdisjoint(found.edited[each.id])
    )


def _with_entries(
    classes: Sequence[str], entries: Sequence[EntryChange], found: EntryDifference
) -> tuple[str, ...]:
    """Return the classes of words, with those of entries if both captures have entries."""
    own = {f"entry_{each.op}" for each in entries if found.is_live}
    return tuple(each.value for each in ChangeClass if each.value in own.union(classes))


# ---------------------------------------------------------------------------------- evidence


def _new_notices(a: CaptureContent, b: CaptureContent) -> tuple[tuple[str, str], ...]:
    known = {canonical(text) for _kind, text in a.notices}
    return tuple(each for each in b.notices if canonical(each[1]) not in known)


def _announces(kind: str, text: str) -> bool:
    return kind in _ANNOUNCING or (
        kind == "editorial" and NOTE_OF_A_CHANGE.search(text) is not None
    )


def _is_same_date(a: Mapping[str, Any] | None, b: Mapping[str, Any]) -> bool:
    """Check whether two dates may be equal: the same moment, or one more precise than the other.

    >>> _is_same_date({"value": "2024-06-18T12:00", "zone": "+02:00"}, {"value": "2024-06-18"})
    True
    >>> _is_same_date({"value": "2024-06-18T12:00", "zone": "+02:00"},
    ...            {"value": "2024-06-18T10:00:00", "zone": "+00:00"})
    True
    """
    if a is None:
        return False
    ours, theirs = str(a.get("value")), str(b.get("value"))
    if a.get("zone") and b.get("zone") and "T" in ours and "T" in theirs:
        digits = min(len(ours), len(theirs))
        return _parse_date(ours[:digits], a["zone"]) == _parse_date(theirs[:digits], b["zone"])
    shorter = min(len(ours), len(theirs))
    return ours[:shorter] == theirs[:shorter]


def _parse_date(value: str, zone: str) -> datetime | str:
    try:
        return datetime.fromisoformat(value + zone)
    except ValueError:
        return value


# ------------------------------------------------------------------------------------ words

_SHORTEST_MEANINGFUL = 4
_OF_NOTICES = word_list("notices")


def _meaningful_words(text: str) -> set[str]:
    """Return the numbers and longer words of a text, without common words of notices."""
    words = (token.strip().casefold() for token in TOKEN.findall(canonical(text)))
    return {
        word
        for word in words
        if any(map(str.isdigit, word))
        or (len(word) >= _SHORTEST_MEANINGFUL and word.isalpha() and word not in _OF_NOTICES)
    }
