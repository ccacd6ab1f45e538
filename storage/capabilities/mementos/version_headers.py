"""Headers of a version for web archive tools, and the addresses and times in them (RFC 7089)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

from starlette.requests import Request

from storage.read.answers import VersionLine, VersionText

LINK_FORMAT = "application/link-format"
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
DIGITS = "%Y%m%d%H%M%S"
_KEPT = "%:/?#[]@!$&'()*+,;=~"
"""Characters that stay unescaped in an address within an address or a `Link` header."""


def http_moment(moment: datetime) -> str:
    """Return a time in HTTP format, rounded up to the second.

    >>> http_moment(datetime(2024, 6, 18, 12, 0, 0, 5, UTC))
    'Tue, 18 Jun 2024 12:00:01 GMT'
    """
    return format_datetime(whole_second(moment), usegmt=True)


def digits_of(moment: datetime) -> str:
    """Return a time as 14 digits, as used in addresses.

    >>> digits_of(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '20240618120000'
    """
    return whole_second(moment).strftime(DIGITS)


def whole_second(moment: datetime) -> datetime:
    """Return the whole second at or after a moment: by then it had been seen."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


class MementoLinks:
    """Addresses of the Memento resources of one original address."""

    def __init__(self, request: Request, original: str) -> None:
        self.original = quote(original, safe=_KEPT)
        self._base = str(request.base_url).rstrip("/")

    def timegate(self) -> str:
        return f"{self._base}/timegate/{self.original}"

    def timemap(self, kind: str = "link", after: int = 0) -> str:
        part = f"{after}/" if after else ""
        return f"{self._base}/timemap/{kind}/{part}{self.original}"

    def memento(self, moment: datetime) -> str:
        return f"{self._base}/memento/{digits_of(moment)}/{self.original}"

    def header(self) -> str:
        """Return the value of the header `Link`."""
        return ", ".join([
            f'<{self.original}>; rel="original"',
            f'<{self.timegate()}>; rel="timegate"',
            f'<{self.timemap()}>; rel="timemap"; type="{LINK_FORMAT}"',
        ])  # fmt: skip

    def of_memento(self, seen: datetime) -> dict[str, str]:
        """Return the headers of a page that is a memento, first seen then."""
        return {"Memento-Datetime": http_moment(seen), "Link": self.header()}

    def link(self, version: VersionLine, last: int) -> str:
        """Return the TimeMap link of a version; `last` is the number of the last version."""
        ends = {1: "first ", last: "last "} if last > 1 else {1: "first last "}
        rel = ends.get(version.version, "") + "memento"
        moment = http_moment(version.changed_by)
        return f'<{self.memento(version.changed_by)}>; rel="{rel}"; datetime="{moment}"'


def headers_of(request: Request, version: VersionText) -> dict[str, str]:
    """Return the headers of the page of a version, which is a memento."""
    return MementoLinks(request, version.origin).of_memento(version.observed.changed_by)
