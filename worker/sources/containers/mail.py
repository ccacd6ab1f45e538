"""The attachments of a mail, within bounds on its headers, lines and parts."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from worker.sources.containers.gunzip import UnsafeArchiveError

MOST_HEADER_BYTES = 256 * 1024
MOST_LINES = 500_000
"""Above the number of lines of the largest document in base64."""
MOST_NESTED_PARTS = 50
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_NESTED_PART = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)


def mail_attachments(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each attachment with a file name.

    A mail attached as `message/rfc822` is skipped, because its original bytes cannot be restored.

    Raises: UnsafeArchiveError if the mail exceeds the bounds of the parser.
    """
    header = _END_OF_HEADER.search(raw)
    if (header.start() if header else len(raw)) > MOST_HEADER_BYTES:
        raise UnsafeArchiveError(f"its header has more than {MOST_HEADER_BYTES} bytes")
    if raw.count(b"\n") > MOST_LINES:
        raise UnsafeArchiveError(f"it has more than {MOST_LINES} lines")
    if sum(1 for _ in _NESTED_PART.finditer(raw)) > MOST_NESTED_PARTS:
        raise UnsafeArchiveError(f"it has more than {MOST_NESTED_PARTS} parts with parts")
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
