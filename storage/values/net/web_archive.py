"""PURE: web archives with a list of captures, as they appear in the settings."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ENTRY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]{0,60})=(?:cdx (?P<index>https?://\S+) (?P<capture>https?://\S+)"
    r"|timemap (?P<timemap>https?://\S+))",
    re.IGNORECASE,
)
"""One web archive.

>>> ENTRY.fullmatch("eu=timemap https://a.example/timemap/link/{url}").group("name", "timemap")
('eu', 'https://a.example/timemap/link/{url}')
"""

PUBLIC = (
    "internet-archive=cdx https://web.archive.org/cdx/search/cdx "
    "https://web.archive.org/web/{timestamp}id_/{url}",
    "arquivo.pt=timemap https://arquivo.pt/wayback/timemap/link/{url}",
)
"""Public web archives; the default of the setting."""


@dataclass(frozen=True, slots=True)
class WebArchive:
    """A web archive; `index` is the address of its CDX server, or the template of its TimeMaps.

    `capture` is the template of the unchanged bytes of a capture. A TimeMap contains these
    addresses itself, so the template is None.
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
            f"{entry!r} is not a web archive: write NAME=cdx INDEX CAPTURE or NAME=timemap ADDRESS"
        )
    needed = {"{url}"} if match["timemap"] else {"{url}", "{timestamp}"}
    template = match["timemap"] or match["capture"]
    missing = sorted(each for each in needed if each not in template)
    if missing:
        raise ValueError(f"{template!r} does not contain {' and '.join(missing)}")
    if match["timemap"]:
        return WebArchive(match["name"].lower(), "timemap", template)
    return WebArchive(match["name"].lower(), "cdx", match["index"], template)


def web_archives(entries: Iterable[str]) -> dict[str, WebArchive]:
    """Return the web archives of a setting by name.

    >>> sorted(web_archives(PUBLIC))
    ['arquivo.pt', 'internet-archive']
    """
    found = map(read_web_archive, entries)
    return {each.name: each for each in found}
