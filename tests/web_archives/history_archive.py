"""A web archive on the simulated web: a CDX server, TimeMaps, and captures in their raw form."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.warcs import sha1
from tests.web.site import Reply, Request, Web


@dataclass(frozen=True)
class Captured:
    """One capture of an archive; `listed_body` is what its index believes to have."""

    timestamp: str
    url: str
    body: bytes
    status: int = 200
    type: str = "text/html; charset=utf-8"
    listed_body: bytes | None = None

    @property
    def memento_datetime(self) -> str:
        moment = datetime.strptime(self.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return format_datetime(moment, usegmt=True)

    @property
    def digest(self) -> str:
        return sha1(self.body if self.listed_body is None else self.listed_body)[5:]

    @property
    def reply(self) -> Reply:
        headers = (("Memento-Datetime", self.memento_datetime),)
        return Reply(self.body, self.status, headers, self.type)


@dataclass
class HistoryArchive:
    """An archive at `host`; `page_rows` limits the rows of every answer."""

    web: Web
    host: str
    captures: Sequence[Captured] = ()
    page_rows: int = 1000
    as_rows: bool = False
    is_liar: bool = False
    """Lists all its captures, whatever address is asked for."""
    lists: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.web.put(f"http://{self.host}/cdx", self._cdx)
        for each in self.captures:
            self.web.put(self.address(each), each.reply)
            self.web.put(f"http://{self.host}/map/{each.url}", self._timemap)

    def address(self, capture: Captured) -> str:
        return f"http://{self.host}/c/{capture.timestamp}id_/{capture.url}"

    @property
    def cdx_setting(self) -> str:
        name = self.host.partition(".")[0]
        return f"{name}=cdx http://{self.host}/cdx http://{self.host}/c/{{timestamp}}id_/{{url}}"

    @property
    def timemap_setting(self) -> str:
        name = self.host.partition(".")[0]
        return f"{name}=timemap http://{self.host}/map/{{url}}"

    def fetched(self) -> list[str]:
        """Return the timestamps of the captures that were requested, in order."""
        asked = [each for each in self.web.asked() if each.host == self.host]
        return [each.path[3:17] for each in asked if each.path.startswith("/c/")]

    def rows(self, request: Request) -> list[dict[str, str]]:
        self.lists.append(request)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        low, high = asked.get("from", "0"), asked.get("to", "9")
        found = [
            {
                "timestamp": each.timestamp, "url": each.url, "digest": each.digest,
                "mime": each.type.partition(";")[0], "status": str(each.status),
            }
            for each in self.captures
            if (self.is_liar or each.url == asked["url"]) and low <= each.timestamp <= high
        ]  # fmt: skip
        return found[: min(self.page_rows, int(asked["limit"]))]

    def _cdx(self, request: Request) -> Reply:
        rows = self.rows(request)
        if self.as_rows:  # as the Internet Archive writes them
            names = ["timestamp", "original", "digest", "mimetype", "statuscode"]
            told = json.dumps([names, *(list(each.values()) for each in _in_order(rows))])
        else:
            told = "".join(f"{json.dumps(each)}\n" for each in rows)
        return Reply(told.encode(), type="application/json")

    def _timemap(self, request: Request) -> Reply:
        url = request.path.removeprefix("/map/")
        links = [f'<{url}>; rel="original"', f'<http://{self.host}{request.path}>; rel="self"']
        links += [
            f"<http://{self.host}/c/{each.timestamp}mp_/{each.url}>; "
            f'rel="memento"; datetime="{each.memento_datetime}"'
            for each in self.captures
            if self.is_liar or each.url == url
        ]
        return Reply(",\n".join(links).encode(), type="application/link-format")


def _in_order(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    order = ("timestamp", "url", "digest", "mime", "status")
    return [{name: row[name] for name in order} for row in rows]


def stored(folder: Path) -> int:
    """Return the number of imported captures in the archive of a running command."""
    database = folder / "home" / "lesart.sqlite3"
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM foreign_record").fetchone()[0]
    except sqlite3.OperationalError:  # the schema may not be complete yet
        return 0
