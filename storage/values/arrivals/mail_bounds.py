"""Bounds on mails, checked before they are parsed."""

import re

from storage.values.messages import message_text

MAX_HEADER_BYTES = 256 * 1024
MAX_LINES = 500_000
"""Above the number of lines of the largest document in base64."""
MAX_NESTED_PARTS = 50
"""Far above the number of parts with parts in the mails of any program."""
END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
NESTED_PART = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)


def mail_excess(raw: bytes) -> str | None:
    r"""Return the bound that a mail exceeds, or None.

    >>> mail_excess(b"Subject: A\r\n\r\nText."), mail_excess(b"\n" * 600_000)
    (None, 'it has more than 500000 lines')
    """
    header = END_OF_HEADER.search(raw)
    if (header.start() if header else len(raw)) > MAX_HEADER_BYTES:
        return message_text("mail_header_long", limit=MAX_HEADER_BYTES)
    if raw.count(b"\n") > MAX_LINES:
        return message_text("mail_many_lines", limit=MAX_LINES)
    if sum(1 for _ in NESTED_PART.finditer(raw)) > MAX_NESTED_PARTS:
        return message_text("mail_nested", limit=MAX_NESTED_PARTS)
    return None
