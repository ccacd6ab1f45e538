"""PURE: reasons for redactions, and the replacements of values that must not be null."""

from collections.abc import Iterable
from enum import StrEnum

PENDING = "redacted_to"
"""Key of the fact that states up to which redaction rows are emptied; absent if none is pending."""
MARK = "[redacted]"
"""Replacement of a redacted passage in a text."""
_BYTES = b"redacted"
_NAME = "redacted:"
_LIST = b"[]"


class RedactionReason(StrEnum):
    """Reason for a redaction."""

    GDPR_ERASURE = "gdpr_erasure"
    GDPR_OBJECTION = "gdpr_objection"
    COURT_ORDER = "court_order"
    COPYRIGHT = "copyright"
    PUBLISHER_REQUEST = "publisher_request"
    MISTAKE = "mistake"
    GDPR_RESTRICTION = "gdpr_restriction"
    RETENTION = "retention"


def is_expiry(reasons: Iterable[str]) -> bool:
    """Check whether bytes were deleted by their retention period alone: nothing was redacted.

    >>> is_expiry(["retention"]), is_expiry(["retention", "mistake"]), is_expiry([])
    (True, False, False)
    """
    return set(reasons) == {RedactionReason.RETENTION}


def digest_placeholder(row_id: int) -> bytes:
    """Return the 32 bytes that replace the digest of a redacted row.

    >>> digest_placeholder(17)
    b'redacted000000000000000000000017'
    """
    return _BYTES + b"%024d" % row_id


def name_placeholder(row_id: int) -> str:
    """Return the replacement of a word of a redacted row.

    >>> name_placeholder(17)
    'redacted:17'
    """
    return f"{_NAME}{row_id}"


def is_emptied(value: object) -> bool:
    """Check whether a column of a redacted row is empty or contains its replacement.

    >>> is_emptied(digest_placeholder(17)), is_emptied(None), is_emptied(b"redacted by hand")
    (True, True, False)
    """
    held = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if not isinstance(held, (bytes, memoryview)):
        return held is None
    content = bytes(held)
    number = content.removeprefix(_NAME.encode())
    if len(content) == 32 and content.startswith(_BYTES):
        number = content.removeprefix(_BYTES)
    return content == _LIST or (number != content and number.isdigit())
