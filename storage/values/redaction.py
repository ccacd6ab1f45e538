"""PURE: why something is redacted, and what stands in the place of what must not be null."""

from enum import StrEnum

MARK = "[redacted]"
"""What a text says where a passage was taken out of it."""
_BYTES = b"redacted"
_NAME = "redacted:"


class RedactionReason(StrEnum):
    """Why something was taken out of the archive."""

    GDPR_ERASURE = "gdpr_erasure"
    GDPR_OBJECTION = "gdpr_objection"
    COURT_ORDER = "court_order"
    COPYRIGHT = "copyright"
    PUBLISHER_REQUEST = "publisher_request"
    MISTAKE = "mistake"


def emptied_digest(row_id: int) -> bytes:
    """Return the 32 bytes that stand where the digest of a redacted row was.

    >>> emptied_digest(17)
    b'redacted000000000000000000000017'
    """
    return _BYTES + b"%024d" % row_id


def emptied_name(row_id: int) -> str:
    """Return what stands where a word of a redacted row was.

    >>> emptied_name(17)
    'redacted:17'
    """
    return f"{_NAME}{row_id}"


def is_emptied(value: object) -> bool:
    """Tell whether a column of a redacted row is empty, or says no more than that it is.

    >>> is_emptied(emptied_digest(17)), is_emptied(None), is_emptied(b"redacted by hand")
    (True, True, False)
    """
    held = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if not isinstance(held, (bytes, memoryview)):
        return held is None
    told = bytes(held)
    return (told.startswith(_NAME.encode()) and told[len(_NAME) :].isdigit()) or (
        len(told) == 32 and told.startswith(_BYTES) and told[len(_BYTES) :].isdigit()
    )
