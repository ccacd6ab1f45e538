"""PURE: the classes of a change, by their public names."""

from enum import StrEnum


class ChangeClass(StrEnum):
    """A class of a change between two versions (`storage.diff.classes`)."""

    FIRST = "first"
    HEADLINE = "headline"
    NUMBER = "number"
    NAME = "name"
    QUOTE = "quote"
    WORDING = "wording"
    PUNCTUATION = "punctuation"
    PARAGRAPH_ADDED = "paragraph_added"
    PARAGRAPH_REMOVED = "paragraph_removed"
    MOVED = "moved"
    METADATA = "metadata"
    NOTICE = "notice"
    REVERSION = "reversion"
    REDACTED = "redacted"
    RESTRICTED = "restricted"
