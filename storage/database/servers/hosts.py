"""Addresses with several servers, and pools whose connections are all to the same one."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

PREFERRED = "target_session_attrs"
"""The parameter of libpq that says which servers of an address are wanted."""
SERVER = "lesart_server"
"""The option of an engine that holds the server to which it connected last."""
CONNECT_SECONDS = 10
CONNECT_SECONDS_OF_SEVERAL = 3
"""Maximum time for connecting to one of several servers: the others may answer."""
CHECK_SECONDS = 2
"""Maximum time for connecting to a server whose answer is checked; psycopg takes no less."""
RETURN_SECONDS = 60
"""Time after which a pool tries the preferred servers again."""
SILENT_CONNECTION: Mapping[str, int] = MappingProxyType({
    "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
})  # fmt: skip
"""Parameters of libpq that end a connection to a machine that is gone within some ten seconds."""
VANISHED_CLIENT: Mapping[str, str] = MappingProxyType({
    "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
})  # fmt: skip
"""Settings of a session with which the server ends it, and its locks, soon after its client is gone
without a word: by default it waits for two hours.
"""
VANISHED_WRITER: Mapping[str, str] = MappingProxyType({
    **VANISHED_CLIENT, "tcp_user_timeout": "20s",
})  # fmt: skip
"""The same if the server had just sent something; a reader may take its time for an answer."""
_HOST = re.compile(r"[^\s:/@]+(?::(?P<port>\d{1,5}))?")
MOST_PORT = 65_535


def split_hosts(locator: str) -> tuple[str, tuple[str, ...]]:
    """Return an address without its list of hosts, and the hosts.

    >>> split_hosts("postgresql://lesart@db1,db2:5433/lesart?sslmode=require")
    ('postgresql://lesart@/lesart?sslmode=require', ('db1', 'db2:5433'))
    >>> split_hosts("postgresql://lesart@db1/lesart")
    ('postgresql://lesart@db1/lesart', ())
    """
    scheme, _, rest = locator.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return locator, ()
    return f"{scheme}://{user}{at}{slash or '/'}{path}", tuple(hosts.split(","))


def with_hosts(url: URL, hosts: Sequence[str]) -> URL:
    """Return the address with several hosts; only their primary is meant, unless it says more.

    Raises: ValueError for something that is no host.
    """
    for each in hosts:
        match = _HOST.fullmatch(each)
        if match is None or not 0 < int(match["port"] or 1) <= MOST_PORT:
            raise ValueError(f"{each!r} in its list of hosts is no HOST or HOST:PORT")
    url = url.update_query_pairs([("host", each) for each in hosts], append=True)
    if has_several(url) and PREFERRED not in url.query:
        return url.update_query_dict({PREFERRED: "primary"})
    return url


def preferring_replicas(locator: str) -> str:
    """Return an address that prefers replicas, unless it says which servers it wants.

    >>> preferring_replicas("postgresql://db1,db2/lesart")
    'postgresql://db1,db2/lesart?target_session_attrs=prefer-standby'
    """
    if f"{PREFERRED}=" in locator:
        return locator
    return f"{locator}{'&' if '?' in locator else '?'}{PREFERRED}=prefer-standby"


def has_several(url: URL) -> bool:
    """Check whether an address names more than one server."""
    named = url.query.get("host", "")
    return not isinstance(named, str) or "," in named


def each_host(url: URL) -> list[URL]:
    """Return an address for each server that `url` names."""
    named = url.query.get("host", ())
    if isinstance(named, str) or not named:
        return [url.difference_update_query([PREFERRED])]
    alone = url.difference_update_query(["host", PREFERRED])
    return [alone.update_query_dict({"host": each}) for each in named]


def connection_options(url: URL) -> dict[str, Any]:
    """Return the parameters of libpq for servers that may vanish; those in the address win."""
    seconds = CONNECT_SECONDS_OF_SEVERAL if has_several(url) else CONNECT_SECONDS
    options = {"connect_timeout": seconds, **SILENT_CONNECTION}
    return {name: value for name, value in options.items() if name not in url.query}


def answering_soon(url: URL) -> URL:
    """Return the address of a server that answers within CHECK_SECONDS or is away."""
    if url.drivername == "sqlite":
        return url
    return url.update_query_dict({"connect_timeout": str(CHECK_SECONDS)})


def recycle_seconds(url: URL) -> int:
    """Return the time after which a connection is replaced: never, or by one to a better server."""
    return RETURN_SECONDS if url.query.get(PREFERRED, "").startswith("prefer") else -1  # type: ignore[union-attr]


def hold_together(engine: Engine) -> None:
    """Let all connections of a pool lead to the same server: the one it connected to last.

    Otherwise two queries of one answer might read two states of the archive.
    """
    last: dict[str, tuple[str, int]] = {}
    engine.update_execution_options(**{SERVER: last})

    @event.listens_for(engine, "connect")
    def _note(raw: Any, record: Any) -> None:
        record.info[SERVER] = last[SERVER] = (raw.info.host, raw.info.port)

    @event.listens_for(engine, "checkout")
    def _check(_raw: object, record: Any, _proxy: object) -> None:
        if record.info[SERVER] != last[SERVER]:
            raise DisconnectionError("the pool has moved to another server")


def server_of(engine: Any) -> tuple[str, int] | None:
    """Return the server to which an engine connected last, if its address names several."""
    options = engine.get_execution_options() if isinstance(engine, Engine) else {}
    server: tuple[str, int] | None = options.get(SERVER, {}).get(SERVER)
    return server
