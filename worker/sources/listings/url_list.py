"""PURE: lists of addresses: one per line, or the subscriptions of a feed reader (OPML)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from storage.values.messages import message_text
from storage.values.net.origin_name import BREAKS
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.json_records import BadRecord
from worker.sources.listings.safe_xml import local_name, parse, unsafe

if TYPE_CHECKING:
    from lxml import etree

LONGEST_ADDRESS = 5_000


def absolute_address(text: str | None, base: str) -> str | None:
    r"""Return the absolute address of `text` on the page `base`, or None.

    All schemes are returned; `worker.address` refuses those that are not fetched.

    >>> absolute_address(" ../b?x=1\n", "https://a.example/d/c.xml")
    'https://a.example/b?x=1'
    >>> absolute_address("   ", "https://a.example/") is None
    True
    """
    clean_address = BREAKS.sub("", text or "").strip()
    if not clean_address or len(clean_address) > LONGEST_ADDRESS:
        return None
    try:
        joined = urljoin(base, clean_address)
        urlsplit(joined)
    except ValueError:
        return None
    return joined


def is_web_address(text: str) -> bool:
    """Check whether `text` is exactly one absolute web address.

    >>> is_web_address("https://a.example/b"), is_web_address("see https://a.example/b")
    (True, False)
    """
    if len(text) > LONGEST_ADDRESS or not text.lower().startswith(("http://", "https://")):
        return False
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


MOST_BYTES = 20 * 1024 * 1024
LONGEST_TITLE = 500

COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
"""A comment: a `#` at the beginning of a line or after a blank; others belong to addresses.

>>> COMMENT.sub("", "https://a.example/#b # c")
'https://a.example/#b '
"""


@dataclass(frozen=True, slots=True)
class UrlList:
    """The unique addresses of a list, and its invalid lines."""

    addresses: tuple[str, ...]
    rejected: tuple[BadRecord, ...]


@dataclass(frozen=True, slots=True)
class OpmlFeed:
    """A subscription: the feed's address and the name in the list, if any."""

    title: str | None
    address: str


def read_url_list(text: str) -> UrlList:
    r"""Parse a text of addresses, one per line; blank lines and `# comments` are ignored.

    >>> found = read_url_list("https://a.example/1\nhttps://a.example/1\nnever\n")
    >>> found.addresses, found.rejected[0].line
    (('https://a.example/1',), 3)
    """
    addresses: dict[str, None] = {}
    rejected = []
    for number, line in _address_lines(text):
        if is_web_address(line):
            addresses[line] = None
        else:
            refused = refuse("record_invalid", line=number, reason=message_text("no_web_address"))
            rejected.append(BadRecord(number, refused, line.encode("utf-8", "replace")))
    return UrlList(tuple(addresses), tuple(rejected))


def looks_like_url_list(text: str) -> bool:
    r"""Check whether a text consists only of web addresses, one per line, and comments.

    >>> looks_like_url_list("# watched\nhttps://a.example/1\n"), looks_like_url_list("# none\n")
    (True, False)
    """
    is_any = False
    for _, line in _address_lines(text):
        if not is_web_address(line):
            return False
        is_any = True
    return is_any


def _address_lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        clean_address = COMMENT.sub("", line).strip()
        if clean_address:
            yield number, clean_address


def read_opml(raw: bytes) -> tuple[OpmlFeed, ...] | RefusalReason:
    """Parse the feeds of a subscription list in their order, each address once.

    Ill-formed lists are read as far as possible.
    """
    if len(raw) > MOST_BYTES:
        return refuse("too_large", limit=MOST_BYTES)
    refused = unsafe(raw)
    if refused is not None:
        return refused
    root = parse(raw.lstrip())
    if root is None or local_name(root) != "opml":
        return refuse("opml_invalid", reason=message_text("no_opml"))
    feeds: dict[str, OpmlFeed] = {}
    for feed in _feeds(root):
        feeds.setdefault(feed.address, feed)
    return tuple(feeds.values()) or refuse(
        "opml_invalid", reason=message_text("opml_without_feeds")
    )


def _feeds(root: "etree._Element") -> Iterator[OpmlFeed]:
    for outline in root.iter("{*}outline"):
        attributes = {str(name).lower(): str(value) for name, value in outline.attrib.items()}
        address = absolute_address(attributes.get("xmlurl"), "")
        if address and is_web_address(address):
            title = " ".join((attributes.get("title") or attributes.get("text") or "").split())
            yield OpmlFeed(title[:LONGEST_TITLE] or None, address)
