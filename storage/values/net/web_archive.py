"""PURE: web archives of the settings: those that list captures, and those that make copies."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ENTRY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]{0,60})=(?:cdx (?P<index>https?://\S+) (?P<capture>https?://\S+)"
    r"|timemap (?P<timemap>https?://\S+)"
    r"|spn2 (?P<save>https?://\S+) (?P<memento>https?://\S+)|submit (?P<submit>https?://\S+))",
    re.IGNORECASE,
)
"""One web archive.

>>> ENTRY.fullmatch("eu=timemap https://a.example/timemap/link/{url}").group("name", "timemap")
('eu', 'https://a.example/timemap/link/{url}')
"""

PUBLIC = (
    "internet-archive=cdx https://web.archive.org/cdx/search/cdx "
    "https://web.archive.org/web/{timestamp}id_/{url}",
    "internet-archive=spn2 https://web.archive.org/save "
    "https://web.archive.org/web/{timestamp}/{url}",
    "arquivo.pt=timemap https://arquivo.pt/wayback/timemap/link/{url}",
)
"""Public web archives; the default of the setting."""
LISTS = frozenset({"cdx", "timemap"})
"""The kinds that list captures; the others accept addresses to copy."""
KEY = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]{0,60})=(?P<key>[\x21-\x7e]{1,500})", re.IGNORECASE)
"""The key of one web archive.

>>> KEY.fullmatch("internet-archive=abc:def").group("name", "key")
('internet-archive', 'abc:def')
"""


@dataclass(frozen=True, slots=True)
class WebArchive:
    """A web archive; `index` is the address of its CDX server, or the template of its TimeMaps.

    `capture` is the template of the unchanged bytes of a capture. A TimeMap contains these
    addresses itself, so the template is None. Of an archive that makes copies, `index` is the
    address to submit to, for the kind `submit` a template; `capture` is the template of its
    mementos, for the kind `submit` None.
    """

    name: str
    kind: str
    index: str
    capture: str | None = None

    def __str__(self) -> str:
        addresses = " ".join(filter(None, [self.index, self.capture]))
        return f"{self.name}={self.kind} {addresses}"


def read_web_archive(entry: str) -> WebArchive:
    """Return the web archive that `entry` describes.

    Raises: ValueError.

    >>> str(read_web_archive("a=cdx https://a.example/cdx https://a.example/{timestamp}id_/{url}"))
    'a=cdx https://a.example/cdx https://a.example/{timestamp}id_/{url}'
    """
    match = ENTRY.fullmatch(" ".join(entry.split()))
    if match is None:
        raise ValueError(
            f"{entry!r} is not a web archive: write NAME=cdx INDEX CAPTURE, NAME=timemap ADDRESS, "
            "NAME=spn2 ADDRESS MEMENTO or NAME=submit ADDRESS"
        )
    whole = match["timemap"] or match["submit"]
    needed = {"{url}"} if whole else {"{url}", "{timestamp}"}
    template = whole or match["capture"] or match["memento"]
    missing = sorted(each for each in needed if each not in template)
    if missing:
        raise ValueError(f"{template!r} does not contain {' and '.join(missing)}")
    name = match["name"].lower()
    if whole:
        return WebArchive(name, "timemap" if match["timemap"] else "submit", template)
    return WebArchive(
        name, "cdx" if match["index"] else "spn2", match["index"] or match["save"], template
    )


def web_archives(entries: Iterable[str]) -> dict[str, WebArchive]:
    """Return the web archives of a setting that list captures, by name.

    >>> sorted(web_archives(PUBLIC))
    ['arquivo.pt', 'internet-archive']
    """
    return {each.name: each for each in map(read_web_archive, entries) if each.kind in LISTS}


def copy_archives(entries: Iterable[str]) -> dict[str, WebArchive]:
    """Return the web archives of a setting that make copies, by name.

    >>> sorted(copy_archives(PUBLIC))
    ['internet-archive']
    """
    return {each.name: each for each in map(read_web_archive, entries) if each.kind not in LISTS}


def archive_keys(entries: Iterable[str]) -> dict[str, str]:
    """Return the keys of web archives by name.

    Raises: ValueError; the message contains no key.
    """
    keys: dict[str, str] = {}
    for place, entry in enumerate(entries, 1):
        match = KEY.fullmatch(entry.strip())
        if match is None:
            raise ValueError(f"entry {place} is not a key of a web archive: write NAME=KEY")
        keys[match["name"].lower()] = match["key"]
    return keys
