"""What a locator specifies: an address, or files; fast to import."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from storage.capabilities import PAGE_KINDS
from storage.settings import Settings
from storage.values.arrivals.formats import TYPE_BY_SUFFIX
from storage.values.messages import message_text
from storage.values.net.private_hosts import hosts_by_port
from storage.values.refusals import RefusalReason
from worker.address import Address, parse_address, without_secrets
from worker.errors import LocatorError, LocatorMissingError
from worker.sources.folders.folder import expand

ADDRESS_TYPES = ("page", *PAGE_KINDS, "feed", "sitemap", "opml", "urls")
"""Values of `--type` for an address; by default its content determines the type."""

ADDRESS = re.compile(
    r"(?!file:)[a-z][a-z0-9+.-]*://|(?:javascript|data|mailto|about|blob|tel):", re.IGNORECASE
)
"""The beginning of an address, of the web or not.

>>> bool(ADDRESS.match("javascript:alert(1)")), bool(ADDRESS.match("C# heute.txt"))
(True, False)
"""


def require_files(locators: Iterable[str]) -> None:
    """Check that each locator that is no address specifies files.

    Raises: LocatorError.
    """
    for locator in locators:
        if not locator:
            raise LocatorError("''", message_text("name_one"))
        if not is_address(locator):
            listing_root(file_path(locator), locator)


def require_address(settings: Settings, locator: str) -> None:
    """Check that an address can be requested.

    Raises: LocatorError.
    """
    address = parse_locator(settings, locator)
    if isinstance(address, RefusalReason):
        raise LocatorError(without_secrets(locator), address.sentences)


def file_path(locator: str) -> str:
    """Return the absolute path of a file, a folder or a pattern, which may be a `file:` address."""
    parts = urlsplit(locator) if "://" in locator else None
    if parts is not None and parts.scheme == "file":
        return _absolute(parts.path)
    return _absolute(locator)


def is_address(locator: str) -> bool:
    """Check whether a locator is an address rather than a file.

    >>> is_address("https://a.example/b"), is_address("file:///a/b"), is_address("a/b.txt")
    (True, False, False)
    """
    return ADDRESS.match(locator) is not None and not os.path.lexists(locator)


WITHOUT_SCHEME = re.compile(
    r"(?P<own>localhost|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?(?:[/?#].*)?"
    r"|(?:[a-z0-9-]{1,63}\.)+(?P<top>[a-z]{2,24})(?::\d{1,5})?(?:[/?#].*)?",
    re.IGNORECASE,
)
"""A host name or IPv4 address at the beginning of a text without a scheme.

>>> WITHOUT_SCHEME.fullmatch("www.zeitung.example/a?b=1")["top"]
'example'
"""


def suggest_address(text: str) -> str | None:
    """Return the address that a text without `https://` probably means; None if it is a file.

    >>> suggest_address("www.zeitung.example/pegel"), suggest_address("127.0.0.1:8000/a")
    ('https://www.zeitung.example/pegel', 'http://127.0.0.1:8000/a')
    >>> suggest_address("bericht.txt"), suggest_address("in/bericht.txt")
    (None, None)
    """
    match = WITHOUT_SCHEME.fullmatch(text)
    if match is None or f".{match['top']}".lower() in TYPE_BY_SUFFIX:
        return None
    return f"{'http' if match['own'] else 'https'}://{text}"


def parse_locator(settings: Settings, locator: str) -> Address | RefusalReason:
    """Return the address of a locator, or why it cannot be requested."""
    own = hosts_by_port(settings.allow_hosts)
    return parse_address(locator, lambda host, port: (host, port) in own)


def listing_root(path: str, locator: str) -> str:
    """Return the folder that contains the files of a path or pattern.

    Raises: LocatorMissingError if there are none.
    """
    if Path(path).is_dir():
        return path
    if os.path.lexists(path):
        return str(Path(path).parent)
    if not set("*?[").isdisjoint(path):
        listing = expand(path)
        if not listing.root.is_dir():
            raise LocatorMissingError(locator, f"there is no folder {listing.root}")
        if next(iter(listing), None) is None:
            raise LocatorMissingError(locator, "no file matches this pattern")
        return str(listing.root)
    raise LocatorMissingError(locator, no_such_file(locator))


def no_such_file(locator: str) -> str:
    """Return the reason that no file matches `locator`, with the address that may be meant."""
    address = suggest_address(locator)
    reason = "there is no such file or folder"
    return reason if address is None else f"{reason}; for an address write {address}"


def _absolute(path: str) -> str:
    """Return `path` without `.` and `..`; links are not resolved."""
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
