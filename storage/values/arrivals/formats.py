"""The table of input formats: suffixes, media types and descriptions.

`worker.text.read.READERS` has the reader of each document type, which the archive never calls.
"""

from collections.abc import Mapping

from storage.capabilities import CAPABILITIES
from storage.capabilities.hooks import Format

_OWN: tuple[Format, ...] = (
    Format(
        "seed", (".txt", ".text"), ("text/plain",),
        "the seed format: a first line ` date 2024-06 HEADLINE`, then paragraphs separated by blank"
        " lines",
    ),
    Format(
        "markdown", (".md", ".markdown"), ("text/markdown", "text/x-markdown"),
        "Markdown, with optional YAML front matter",
    ),
    Format(
        "html", (".html", ".htm", ".xhtml"), ("text/html", "application/xhtml+xml"),
        "a saved page. Lesart finds the article and reads JSON-LD, OpenGraph and the byline",
    ),
    Format(
        "json", (".json",), ("application/json",), "one article, or a list of articles", "list"
    ),
    Format(
        "jsonl", (".jsonl", ".ndjson"), ("application/json",), "one article per line", "records"
    ),
    Format(
        "csv", (".csv",), ("application/json",), "a header line, then one article per row",
        "records",
    ),
    Format("tsv", (".tsv",), ("application/json",), "the same, separated by tabs", "records"),
    Format(
        "eml", (".eml",), ("message/rfc822",),
        "a mail: subject, date, author, and the text or HTML part; attachments of these formats"
        " are separate texts",
        "attachments", parts=rb"(?i)\b(?:file)?name\*?(?:\d+\*?)?\s*=",
    ),
)  # fmt: skip
_CONTAINERS = (
    Format("tar", (".tar", ".tgz"), (), "any of these formats as members", "members"),
    Format("zip", (".zip",), (), "any of these formats as members", "members"),
    Format(
        "warc", (".warc", ".arc"), (),
        "web archives: captures from another crawler, each with its address, time and headers",
        "captures",
    ),
    Format("wacz", (".wacz",), (), "WARC files with an index, in one ZIP file", "captures"),
)  # fmt: skip
FORMATS = (*_OWN, *(own for each in CAPABILITIES for own in each.formats), *_CONTAINERS)
TYPES: tuple[str, ...] = tuple(each.type for each in FORMATS)
DOCUMENT_TYPES = frozenset(each.type for each in FORMATS if each.media_types)
"""Types of one document or record; the other formats are archives of them."""
SIGNATURES: Mapping[str, bytes] = {
    each.type: each.signature for each in FORMATS if each.signature is not None
}
ITEM_TYPES = frozenset(each.type for each in FORMATS if each.is_item)
BINARY_TYPES = SIGNATURES.keys() - ITEM_TYPES
TYPE_BY_SUFFIX: Mapping[str, str] = {
    suffix: each.type for each in FORMATS for suffix in each.suffixes
}
CONTAINERS: Mapping[str, str] = {
    suffix: each.type for each in FORMATS if each.holds for suffix in each.suffixes
}
"""Types of files that may contain many documents, by suffix; `.gz` may follow."""
MEDIA_TYPE: Mapping[str, str] = {
    each.type: each.media_types[0] for each in FORMATS if each.media_types
}
TYPE_BY_MEDIA: Mapping[str, str] = {
    media: each.type for each in reversed(FORMATS) for media in each.media_types
}


def types_that_hold(*contents: str) -> frozenset[str]:
    """Return the types of files with such contents.

    >>> sorted(types_that_hold("members"))
    ['tar', 'zip']
    """
    return frozenset(each.type for each in FORMATS if each.holds in contents)


def unknown_type(name: str | None) -> str:
    """Return that a type is unknown, and the name of the one with this extension.

    >>> unknown_type("txt").partition("; ")[2]
    'the type of .txt is seed'
    """
    known = TYPE_BY_SUFFIX.get(f".{name}")
    hint = f"; the type of .{name} is {known}" if known else ""
    return f"{name} is not one of {', '.join(TYPES)}{hint}"
