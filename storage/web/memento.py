"""Memento (RFC 7089): times and addresses in the format of web archive tools."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from storage.read.answers import VersionLine
from storage.values.messages import message_text
from storage.web.problems import Problem

LINK_FORMAT = "application/link-format"
MOST_MEMENTOS = 1_000
"""Mementos of one part of a TimeMap; it names the next part."""
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
_DIGITS = "%Y%m%d%H%M%S"
_KEPT = "%:/?#[]@!$&'()*+,;=~"
"""Characters that stay unescaped in an address within an address or a `Link` header."""

ONE_SLASH = re.compile(r"(?P<scheme>https?):/(?!/)")
"""
>>> ONE_SLASH.match("https:/bote.example/a")["scheme"]
'https'
"""
PART = re.compile(r"(?P<after>\d{1,9})/(?=[a-z]+:)")
"""
>>> PART.match("1000/https://bote.example/a")["after"]
'1000'
"""


def address_of(request: Request, decoded: str) -> str:
    """Return the address at the end of the request path, as received; `decoded` is its decoded
    form.

    The query string belongs to it. Proxies may have merged two slashes into one.
    """
    raw: bytes = request.scope["raw_path"]
    before = request.url.path.removesuffix(decoded)
    path = raw.decode("ascii", "replace").removeprefix(before)
    return ONE_SLASH.sub(r"\g<scheme>://", with_query(request, path), count=1)


def with_query(request: Request, path: str) -> str:
    """Return a path with the query that a request came with."""
    return f"{path}?{request.url.query}" if request.url.query else path


def moment_asked(request: Request) -> datetime | None:
    """Return the time of the header `Accept-Datetime`, or None without one.

    Raises: Problem where it is no date of RFC 1123.
    """
    given = request.headers.get("accept-datetime")
    if given is None:
        return None
    try:
        return datetime.strptime(given.strip(), HTTP_DATE).replace(tzinfo=UTC)
    except ValueError:
        hint = message_text("memento_accept")
        raise Problem("time_invalid", hint) from None


def http_moment(moment: datetime) -> str:
    """Return a time in HTTP format, rounded up to the second.

    >>> http_moment(datetime(2024, 6, 18, 12, 0, 0, 5, UTC))
    'Tue, 18 Jun 2024 12:00:01 GMT'
    """
    return format_datetime(_second(moment), usegmt=True)


def digits_of(moment: datetime) -> str:
    """Return a time as 14 digits, as used in addresses.

    >>> digits_of(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '20240618120000'
    """
    return _second(moment).strftime(_DIGITS)


def moment_of(digits: str) -> datetime:
    """Return the time for the 14 digits of an address.

    Raises: Problem.
    """
    try:
        return datetime.strptime(digits, _DIGITS).replace(tzinfo=UTC)
    except ValueError:
        hint = message_text("memento_time")
        raise Problem("time_invalid", hint) from None


def _second(moment: datetime) -> datetime:
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

    def header(self, mementos: Iterable[str] = ()) -> str:
        """Return the value of the header `Link`."""
        return ", ".join([
            f'<{self.original}>; rel="original"',
            f'<{self.timegate()}>; rel="timegate"',
            f'<{self.timemap()}>; rel="timemap"; type="{LINK_FORMAT}"',
            *mementos,
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


def timemap_lines(
    links: MementoLinks, part: Sequence[VersionLine], last: int, after: int
) -> list[str]:
    """Return the lines of a TimeMap, or of a part of one, in the link format."""
    span = ""
    if part:
        ends = (http_moment(each.changed_by) for each in (part[0], part[-1]))
        span = '; from="{}"; until="{}"'.format(*ends)
    lines = [
        f'<{links.original}>; rel="original"',
        f'<{links.timemap(after=after)}>; rel="self"; type="{LINK_FORMAT}"{span}',
        f'<{links.timegate()}>; rel="timegate"',
        *(links.link(each, last) for each in part),
    ]
    if part and part[-1].version < last:
        following = links.timemap(after=part[-1].version)
        lines.append(f'<{following}>; rel="timemap"; type="{LINK_FORMAT}"')
    return lines


def timemap_json(links: MementoLinks, part: Sequence[VersionLine], last: int) -> dict[str, Any]:
    """Return a TimeMap, or a part of one, as JSON."""
    listed = [
        {"datetime": _second(each.changed_by).strftime("%Y-%m-%dT%H:%M:%SZ"),
         "uri": links.memento(each.changed_by)}
        for each in part
    ]  # fmt: skip
    is_cut = bool(part) and part[-1].version < last
    return {
        "original_uri": links.original,
        "timegate_uri": links.timegate(),
        "timemap_uri": {"link_format": links.timemap(), "json_format": links.timemap("json")},
        "mementos": {"list": listed},
        "next": links.timemap("json", part[-1].version) if is_cut else None,
    }
