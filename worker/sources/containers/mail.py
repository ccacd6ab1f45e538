"""The attachments of a mail, within bounds on its headers, lines and parts."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from storage.values.arrivals.mail_bounds import mail_excess
from worker.sources.containers.gunzip import UnsafeArchiveError

FILE_NAME = re.compile(rb"\b(?:file)?name\*?(?:\d+\*?)?\s*=", re.IGNORECASE)
"""The parameter of an attachment; a mail without one is parsed only where its text is read."""


def mail_attachments(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each attachment with a file name.

    A mail attached as `message/rfc822` is skipped, because its original bytes cannot be restored.

    Raises: UnsafeArchiveError if the mail exceeds the bounds of the parser.
    """
    excess = mail_excess(raw)
    if excess is not None:
        raise UnsafeArchiveError(excess)
    if not FILE_NAME.search(raw):
        return
    for part in _leaves(message_from_bytes(raw)):
        name = _file_name(part)
        content = part.get_payload(decode=True) if name else None
        if isinstance(content, bytes):
            yield name, content


def _leaves(message: Message) -> Iterator[Message]:
    if message.get_content_maintype() == "message":
        return
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        yield message
        return
    for part in parts:
        if isinstance(part, Message):
            yield from _leaves(part)


def _file_name(part: Message) -> str:
    """Return the file name without folders; an empty string if the part has none."""
    try:
        name = str(make_header(decode_header(part.get_filename() or "")))
    except (HeaderParseError, LookupError, ValueError):
        return ""
    return name.replace("\\", "/").rpartition("/")[2].strip()
