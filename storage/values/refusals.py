"""Every refusal code with one plain sentence; docs/codes.md lists the same, and the flags."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an input did not become an article; `code` is listed in docs/codes.md."""

    code: str
    message: str
    hint: str


REFUSALS: dict[str, tuple[str, str]] = {
    "empty": ("The document holds no text.", "Check that the file was written completely."),
    "no_body": (
        "The document has a headline but no text below it.",
        "Add the body below the first line.",
    ),
    "binary": (
        "The bytes are not text in any encoding we know.",
        "Convert the document to UTF-8 text or HTML.",
    ),
    "not_text": (
        "The file is no text, whatever its name says: {detected}.",
        "Rename it or convert it to a format that `lesart ingest --help` lists.",
    ),
    "too_large": (
        "The document is larger than the limit of {limit} bytes.",
        "Split it, or raise the setting max_document_bytes.",
    ),
    "too_large_decoded": (
        "Decompressed, the document is larger than the limit of {limit} bytes.",
        "Decompress and split it, or raise the setting max_document_bytes.",
    ),
    "not_regular_file": (
        "This is no regular file: {detected}.",
        "Only regular files are read; put a copy there instead of a link or a device.",
    ),
    "unreadable": (
        "The file could not be read: {reason}.",
        "Check its permissions and that it still exists; it is tried again at the next scan.",
    ),
    "not_settled": (
        "The file kept changing while it was read.",
        "Write it under a name that ends in .part and rename it when it is complete.",
    ),
    "archive_unsafe": (
        "This was not unpacked: {reason}.",
        "Unpack it yourself after looking at it and ingest the folder.",
    ),
    "record_invalid": (
        "Record {line} could not be read: {reason}.",
        "Mend that line; the good ones were taken.",
    ),
    "too_many_rows": (
        "The document has more than {limit} rows; those after row {line} were not read.",
        "Split it, or raise the setting max_container_rows.",
    ),
    "rows_without_text": (
        "{count} rows have no text; the first of them is row {line}.",
        "Fill in the text of these rows, or leave them out; the other rows were accepted.",
    ),
    "front_matter_invalid": (
        "The front matter could not be read: {reason}.",
        "Mend the YAML between the two lines of three dashes.",
    ),
    "type_unknown": (
        "Lesart does not know how to read this kind of file: {detected}.",
        "Name the type with --type; `lesart ingest --help` lists the types.",
    ),
    "extraction_empty": (
        "No article text was found on the page{reason}.",
        "Look at it with `lesart raw`; the bytes are kept.",
    ),
    "not_article": (
        "The page is no article: {reason}.",
        "Look at it with `lesart raw`; the bytes are kept.",
    ),
    "too_many_paragraphs": (
        "The document has more than {limit} paragraphs.",
        "Its bytes are kept. Split it into the texts that it holds.",
    ),
    "resource_time": (
        "Reading the document took longer than {limit}, twice.",
        "Its bytes are kept. Split it, or raise the setting document_seconds and ingest a copy.",
    ),
    "resource_memory": (
        "Reading the document took more memory than allowed.",
        "Its bytes are kept. Split it, or raise the setting document_memory_mb and ingest a copy.",
    ),
    "extractor_crashed": (
        "The process that read this document ended.",
        "Its bytes are kept; ingest a copy after an upgrade.",
    ),
    "url_scheme": (
        "Only addresses of the web are asked for, not {scheme}.",
        "Write an address that begins with https:// or http://.",
    ),
    "url_invalid": (
        "This address is never asked for: {reason}.",
        "Correct the address; allow a server of your own with LESART_ALLOW_HOSTS=HOST:PORT.",
    ),
    "address_not_public": (
        "The address does not lie in the public net: {reason}.",
        "If it is a server of your own, allow it with LESART_ALLOW_HOSTS=HOST:PORT.",
    ),
    "redirect_limit": (
        "The address leads on more than {limit} times.",
        "Open it in a browser and name the address where it ends.",
    ),
    "downgrade": (
        "The address leads from https to http, where anybody can change what is read.",
        "Name the address where it ends, if you trust the way to it.",
    ),
    "tls_invalid": (
        "The server did not prove who it is: {reason}.",
        "Look at the address in a browser; what such a server says is never taken.",
    ),
    "secret_missing": (
        "What the source is to send with its requests cannot be read: {reason}.",
        "Mend the file or the variable that `lesart source list` names.",
    ),
    "truncated_response": (
        "The answer broke off: {reason}.",
        "Nothing; it is asked for again at the next check.",
    ),
    "unreachable": (
        "The server could not be reached: {reason}.",
        "Nothing, where it is for a while only; else look at the address in a browser.",
    ),
    "rate_limited": (
        "The server asks to be left alone: {reason}.",
        "Nothing; it is asked again when its time is over.",
    ),
    "blocked": (
        "The server did not let us read it: {reason}.",
        "Look at it in a browser; ask its owner for leave if it matters.",
    ),
    "disallowed_by_robots": (
        "The site does not want it to be read by programs: {reason}.",
        "See `lesart explain` with the address; ask its owner for leave if it matters.",
    ),
    "web_archive_invalid": (
        "This is no web archive that can be read: {reason}.",
        "Check where it came from; what could be read of it was taken.",
    ),
    "capture_incomplete": (
        "Only a part of what was there was captured: {reason}.",
        "Look at it with `lesart raw`; the bytes are kept. Ingest a whole capture.",
    ),
    "capture_elsewhere": (
        "The record repeats a capture that is not in the archive.",
        "Ingest the web archive that holds that capture, then this one again.",
    ),
    "xml_unsafe": (
        "The XML declares entities or a document type that are not safe to read.",
        "Remove the declarations and ingest it again.",
    ),
    "feed_invalid": (
        "This is no feed that can be read: {reason}.",
        "Open the address in a browser and look whether it still is a feed.",
    ),
    "sitemap_invalid": (
        "This is no sitemap that can be read: {reason}.",
        "Open the address in a browser and look whether it still is a sitemap.",
    ),
    "opml_invalid": (
        "This is no list of subscriptions that can be read: {reason}.",
        "Export it again as OPML, or list the addresses in a text file, one a line.",
    ),
    "redacted": (
        "This text, or these bytes, were redacted here: they do not come back.",
        "Nothing; `lesart redact --list` says when and why.",
    ),
    "too_many_entries": (
        "The list holds more than {limit} entries.",
        "Split it, or name the parts of it that you want to watch.",
    ),
}


def refuse(code: str, **facts: object) -> Refused:
    """Return the refusal for `code` with its sentence filled in.

    Raises: KeyError where the code, or a fact that its sentence needs, is missing.
    """
    message, hint = REFUSALS[code]
    return Refused(code=code, message=message.format(**facts), hint=hint.format(**facts))
