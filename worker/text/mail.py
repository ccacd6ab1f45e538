"""Read a mail, such as a press release: its headers, and its text or HTML part."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from functools import lru_cache

from storage.values.arrivals.mail_bounds import mail_excess
from storage.values.draft import Draft, Extractor, Json
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.roles import blocks
from worker.text.decode import DecodedText, decode
from worker.text.formats.assemble import ParsedDocument, assemble
from worker.text.formats.metadata import RecordCleaner, read_metadata
from worker.text.hints import PAGE_VERSION, Hints, TextSettings
from worker.text.hints import VERSION as TEXT_VERSION
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.fragment import fragment_blocks

NAME = "lesart-mail"
VERSION = "1"
"""Incremented with every change that can alter a text, role, mark or field."""
ENCRYPTED_TYPES = frozenset({
    "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime",
})  # fmt: skip
ENCRYPTED_START = "-----BEGIN PGP MESSAGE-----"
_HEADER_ERRORS = (
    HeaderParseError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""Errors of the email package for malformed headers."""


@lru_cache(maxsize=16)
def mail_extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of mails, which depends on those of texts and pages."""
    languages = ",".join(settings.languages)
    return Extractor(
        NAME,
        VERSION,
        f"text={TEXT_VERSION};page={PAGE_VERSION};"
        f"languages={languages};timezone={settings.timezone}",
    )


def read_mail(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read the text part of a mail, or its HTML part if it has no text part.

    The subject is the headline; the headers Date, From and Content-Language supply date, author
    and language. Attachments are separate documents. Refused as `not_text`: an encrypted mail; as
    `archive_unsafe`: a mail with more lines, headers or nested parts than any mail program writes.
    """
    excess = mail_excess(raw)
    if excess is not None:
        return refuse("archive_unsafe", reason=excess)
    message = message_from_bytes(raw, policy=default)
    if any(part.get_content_type() in ENCRYPTED_TYPES for part in message.walk()):
        return refuse("not_text", detected=message_text("encrypted_mail"))
    document = _read_body(message)
    if isinstance(document, RefusalReason):
        return document
    if any(block.startswith(ENCRYPTED_START) for block in document.blocks):
        return refuse("not_text", detected=message_text("encrypted_mail"))
    cleaner = RecordCleaner(document.flags)
    document.blocks = cleaner.clean_value(document.blocks)
    record = dict(_read_headers(message, document.flags))
    read_metadata(cleaner.clean_value(record), "mail", document, hints, settings)
    document.steps += cleaner.steps()
    draft = assemble(document, settings)
    if isinstance(draft, Draft):
        return replace(draft, extractor=mail_extractor(settings))
    return draft


def split_mail(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    """Return the name and the content of each attachment with a file name.

    A mail attached as `message/rfc822` is skipped, because its original bytes cannot be restored.
    Refused as `archive_unsafe`: a mail that exceeds the bounds of the parser.
    """
    excess = mail_excess(raw)
    if excess is not None:
        return refuse("archive_unsafe", reason=excess)
    found = []
    for part in _leaves(message_from_bytes(raw)):
        name = _file_name(part)
        content = part.get_payload(decode=True) if name else None
        if isinstance(content, bytes):
            found.append((name, content))
    return found


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


def _read_body(message: EmailMessage) -> ParsedDocument | RefusalReason:
    for kind, read in (("plain", _read_text), ("html", _read_html)):
        part = message.get_body((kind,))
        if part is None:
            continue
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        if payload.strip():
            return read(payload, part.get_content_charset())
    return refuse("empty")


def _read_text(payload: bytes, charset: str | None) -> ParsedDocument | RefusalReason:
    decoded = decode(payload, charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    text = decoded.text.replace("\r\n", "\n")
    return _to_document(decoded, blocks(text))


def _read_html(payload: bytes, charset: str | None) -> ParsedDocument | RefusalReason:
    decoded = decode_page(payload, charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    pairs = fragment_blocks(decoded.text)
    if isinstance(pairs, RefusalReason):
        return pairs
    document = _to_document(decoded, [text for text, _ in pairs])
    document.format_roles = [role for _, role in pairs]
    return document


def _to_document(decoded: DecodedText, texts: list[str]) -> ParsedDocument:
    return ParsedDocument(texts, flags=list(decoded.flags), steps=decoded.steps)


def _read_headers(message: EmailMessage, flags: list[str]) -> Iterator[tuple[str, Json]]:
    """Yield the headers as metadata; a malformed header is flagged and ignored."""
    for key, header in (
        ("title", "Subject"), ("date", "Date"), ("author", "From"),
        ("language", "Content-Language"), ("Message-ID", "Message-ID"),
    ):  # fmt: skip
        try:
            value = message[header]
            if value is None:
                continue
            if key == "date" and value.datetime is not None:
                yield key, value.datetime.isoformat()
            elif key == "author":
                yield key, [each.display_name for each in value.addresses if each.display_name]
            else:
                yield key, str(value).partition(",")[0] if key == "language" else str(value)
        except _HEADER_ERRORS:
            flags.append("metadata_broken")
