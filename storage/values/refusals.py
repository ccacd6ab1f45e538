"""Refusal codes with their message and remedy, as listed in docs/codes.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """The reason why an input was refused; docs/codes.md lists the codes."""

    code: str
    message: str
    hint: str


REFUSALS: dict[str, tuple[str, str]] = {
    "empty": (
        "The document contains no text.",
        "Check that the file was written completely.",
    ),
    "no_body": (
        "The document has a headline but no text below it.",
        "Add the body below the first line.",
    ),
    "binary": (
        "The document is not text in a known encoding.",
        "Convert the document to UTF-8 text or HTML.",
    ),
    "not_text": (
        "The file is not a text file, despite its name: {detected}.",
        "Rename it or convert it to a format that `lesart ingest --help` lists.",
    ),
    "too_large": (
        "The document is larger than the limit of {limit} bytes.",
        "Split it, or raise the setting max_document_bytes.",
    ),
    "too_large_decoded": (
        "The decompressed document is larger than the limit of {limit} bytes.",
        "Decompress and split it, or raise the setting max_document_bytes.",
    ),
    "not_regular_file": (
        "This is not a regular file: {detected}.",
        "Replace the link or device with a copy of the file.",
    ),
    "unreadable": (
        "The file could not be read: {reason}.",
        "Check its permissions and that it still exists. The next scan tries again.",
    ),
    "not_settled": (
        "The file changed while it was read.",
        "Write it under a name that ends in .part and rename it when it is complete.",
    ),
    "archive_unsafe": (
        "The archive file was not unpacked: {reason}.",
        "Check the archive file, unpack it yourself and ingest the folder.",
    ),
    "record_invalid": (
        "Record {line} could not be read: {reason}.",
        "Correct that record. The valid records were accepted.",
    ),
    "too_many_rows": (
        "The document has more than {limit} rows; the rows after row {line} were not read.",
        "Split it, or raise the setting max_container_rows.",
    ),
    "rows_without_text": (
        "{count} rows have no text; the first of them is row {line}.",
        "Add the text of these rows or delete them. The other rows were accepted.",
    ),
    "front_matter_invalid": (
        "The front matter could not be read: {reason}.",
        "Correct the YAML between the two lines of three dashes.",
    ),
    "type_unknown": (
        "This file type is not supported: {detected}.",
        "Set the type with --type; `lesart ingest --help` lists the types.",
    ),
    "extraction_empty": (
        "No article text was found on the page{reason}.",
        "Check the stored file with `lesart raw`.",
    ),
    "not_article": (
        "The page is not an article: {reason}.",
        "Check the stored file with `lesart raw`.",
    ),
    "too_many_paragraphs": (
        "The document has more than {limit} paragraphs.",
        "The file is stored. Split it into separate texts.",
    ),
    "resource_time": (
        "Processing the document took longer than {limit}, twice.",
        "The file is stored. Split it, or raise the setting document_seconds and ingest a copy.",
    ),
    "resource_memory": (
        "Processing the document needed more memory than the limit.",
        "The file is stored. Split it, or raise the setting document_memory_mb and ingest a copy.",
    ),
    "extractor_crashed": (
        "The process that extracted the text ended unexpectedly.",
        "The file is stored. Ingest a copy after an upgrade.",
    ),
    "url_scheme": (
        "Only http and https addresses are fetched, not {scheme}.",
        "Use an address that begins with https:// or http://.",
    ),
    "url_invalid": (
        "The address cannot be fetched: {reason}.",
        "Correct the address. Allow a server of your own with LESART_ALLOW_HOSTS=HOST:PORT.",
    ),
    "address_not_public": (
        "The address is not in the public internet: {reason}.",
        "Allow a server of your own with LESART_ALLOW_HOSTS=HOST:PORT.",
    ),
    "redirect_limit": (
        "The address redirects more than {limit} times.",
        "Open it in a browser and use the final address.",
    ),
    "downgrade": (
        "The address redirects from https to http, where the response can be changed on its way.",
        "Use the final address if you trust the connection to it.",
    ),
    "tls_invalid": (
        "The certificate of the server is not valid: {reason}.",
        "Check the address in a browser. Responses of such a server are not accepted.",
    ),
    "secret_missing": (
        "The credentials of the source cannot be read: {reason}.",
        "Correct the file or the variable that `lesart source list` names.",
    ),
    "truncated_response": (
        "The response is incomplete: {reason}.",
        "No action is needed: the next check fetches it again.",
    ),
    "unreachable": (
        "The server could not be reached: {reason}.",
        "No action is needed if this is temporary. Otherwise check the address in a browser.",
    ),
    "rate_limited": (
        "The server limits the number of requests: {reason}.",
        "No action is needed: the next check waits as long as the server requires.",
    ),
    "blocked": (
        "The server denied access: {reason}.",
        "Check the address in a browser. Ask the site's owner for permission if needed.",
    ),
    "disallowed_by_robots": (
        "The site does not allow programs to fetch this address: {reason}.",
        "See `lesart explain` with the address. Ask the site's owner for permission if needed.",
    ),
    "web_archive_invalid": (
        "The web archive could not be read: {reason}.",
        "Check its origin. The readable records were accepted.",
    ),
    "capture_incomplete": (
        "The capture is incomplete: {reason}.",
        "Check the stored file with `lesart raw` and ingest a complete capture.",
    ),
    "capture_elsewhere": (
        "The record refers to a capture that is not in the archive.",
        "Ingest the web archive with that capture, then this one again.",
    ),
    "history_failed": (
        "The web archive {name} did not return the captures: {reason}.",
        "Run the same command again later: stored captures are not fetched again.",
    ),
    "capture_list_invalid": (
        "The list of captures of the web archive {name} could not be read: {reason}.",
        "Run the command again, or request a shorter period with --from and --to.",
    ),
    "capture_unavailable": (
        "The web archive {name} did not return this capture: {reason}.",
        "Run the same command again later. The other captures were accepted.",
    ),
    "no_captures": (
        "The web archives have no captures of this address: {name}.",
        "Check the address, --from and --to. LESART_WEB_ARCHIVES adds web archives.",
    ),
    "xml_unsafe": (
        "The XML declares entities or a document type that are not safe to read.",
        "Remove the declarations and ingest it again.",
    ),
    "feed_invalid": (
        "The feed could not be read: {reason}.",
        "Open the address in a browser and check that it is still a feed.",
    ),
    "sitemap_invalid": (
        "The sitemap could not be read: {reason}.",
        "Open the address in a browser and check that it is still a sitemap.",
    ),
    "opml_invalid": (
        "The list of subscriptions could not be read: {reason}.",
        "Export it again as OPML, or list the addresses in a text file, one per line.",
    ),
    "redacted": (
        "This text or file was redacted in this archive and is not imported again.",
        "No action is needed: `lesart redact --list` shows the time and the reason.",
    ),
    "too_many_entries": (
        "The list has more than {limit} entries.",
        "Split it, or watch the parts that you need.",
    ),
}


def refuse(code: str, **values: object) -> Refused:
    """Return the refusal for `code` with the values in its message and remedy.

    Raises: KeyError if the code is unknown or a value of its templates is missing.
    """
    message, hint = REFUSALS[code]
    return Refused(code=code, message=message.format(**values), hint=hint.format(**values))
