"""PURE: the table of the classes of a change, from which all other lists of them derive."""

from enum import Enum, StrEnum, auto
from typing import Any, Self

from storage.values.fields import COMPARED_FIELDS


class ComparedData(Enum):
    """The data from which a class is detected, which names its detector."""

    TEXTS = auto()
    """Two texts: `storage.diff.classes.DETECTORS` holds the function of each class."""
    CAPTURES = auto()
    """The metadata of two captures: `storage.diff.change`."""
    ENTRIES = auto()
    """The entries of a live blog: `storage.diff.entry_changes`."""
    VERSIONS = auto()
    """All versions of an article: `storage.history.steps`."""
    ACCESS = auto()
    """Redactions and restrictions; the change itself is unknown."""


class ChangeClass(StrEnum):
    """A class of a change between two versions, in the order of display.

    `rank` is its weight among the top changes, `english` and `german` are its labels, `document`
    is its row in docs/read.md.
    """

    _value_: str
    rank: int
    english: str
    german: str
    document: str
    compared: ComparedData

    def __new__(cls, name: str, *facts: Any) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.rank, member.english, member.german, member.document, member.compared = facts
        return member

    FIRST = (
        "first", 1, "first version", "erste Fassung", "the first version", ComparedData.VERSIONS,
    )  # fmt: skip
    HEADLINE = ("headline", 6, "headline", "Überschrift", "of the headline", ComparedData.TEXTS)
    NUMBER = (
        "number", 8, "number", "Zahl", "of a number, a number word or a unit", ComparedData.TEXTS,
    )  # fmt: skip
    DATE = ("date", 8, "date", "Datum", "of a day, weekday or month", ComparedData.TEXTS)
    NAME = ("name", 5, "name", "Name", "of a name", ComparedData.TEXTS)
    QUOTE = (
        "quote", 7, "quotation", "Zitat", "of the words inside a quotation", ComparedData.TEXTS,
    )  # fmt: skip
    WORDING = ("wording", 2, "wording", "Wortlaut", "of other words", ComparedData.TEXTS)
    PUNCTUATION = (
        "punctuation", 1, "punctuation", "Zeichensetzung", "of punctuation only",
        ComparedData.TEXTS,
    )  # fmt: skip
    PARAGRAPH_ADDED = (
        "paragraph_added", 2, "paragraph added", "Absatz hinzugefügt",
        "a whole paragraph was added", ComparedData.TEXTS,
    )  # fmt: skip
    PARAGRAPH_REMOVED = (
        "paragraph_removed", 3, "paragraph removed", "Absatz gestrichen",
        "a whole paragraph was removed", ComparedData.TEXTS,
    )  # fmt: skip
    MOVED = ("moved", 1, "moved", "verschoben", "a whole paragraph was moved", ComparedData.TEXTS)
    ENTRY_ADDED = (
        "entry_added", 1, "entry added", "Eintrag hinzugefügt",
        "a live blog has new entries, which is no edit", ComparedData.ENTRIES,
    )  # fmt: skip
    ENTRY_EDITED = (
        "entry_edited", 3, "entry edited", "Eintrag geändert",
        "an entry of a live blog was edited", ComparedData.ENTRIES,
    )  # fmt: skip
    ENTRY_REMOVED = (
        "entry_removed", 6, "entry removed", "Eintrag gelöscht",
        "an entry of a live blog was removed, not only replaced by newer ones",
        ComparedData.ENTRIES,
    )  # fmt: skip
    NOTICE = (
        "notice", 4, "notice", "Anmerkung", "of a correction or update notice", ComparedData.TEXTS,
    )  # fmt: skip
    METADATA = (
        "metadata", 1, "metadata", "Metadaten", "of authors, dates, tags and other fields",
        ComparedData.CAPTURES,
    )  # fmt: skip
    _ignore_ = "_field"
    for _field in COMPARED_FIELDS:  # a member for each field that is compared
        vars()[f"METADATA_{_field.name.upper()}"] = (
            f"metadata: {_field.name}", 1, f"metadata: {_field.labels[0]}",
            f"Metadaten: {_field.labels[1]}", f"of the field `{_field.name}`",
            ComparedData.CAPTURES,
        )  # fmt: skip
    REVERSION = (
        "reversion", 9, "reverted", "zurückgenommen", "back to an earlier wording",
        ComparedData.VERSIONS,
    )  # fmt: skip
    REDACTED = (
        "redacted", 1, "redacted", "geschwärzt",
        "unknown: a version is [redacted](redaction.md)", ComparedData.ACCESS,
    )  # fmt: skip
    RESTRICTED = (
        "restricted", 1, "restricted", "gesperrt",
        "unknown: the article is [restricted](redaction.md)", ComparedData.ACCESS,
    )  # fmt: skip


NO_EDIT = (ChangeClass.ENTRY_ADDED.value,)
"""The classes of a step that only adds entries to a live blog."""
