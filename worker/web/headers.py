"""The request headers of this program, and the configured network."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from storage.settings import Settings
from storage.values.net.private_hosts import hosts_by_port
from worker.web.connection import Network

AGENT = "Lesart"
"""The product name that a robots.txt uses for this program."""


@cache
def create_network(own_servers: tuple[str, ...], ca_file: Path | None) -> Network:
    """Return the configured network; loading the trusted certificates is slow."""
    return Network(hosts_by_port(own_servers), ca_file)


def user_agent(settings: Settings) -> str:
    """Return the user agent with its contact address.

    It starts with the name that robots.txt uses.
    """
    contact = f"+{settings.contact}" if settings.contact else "an archive of press texts"
    return f"{AGENT}/{_version()} ({contact})"


@cache
def _version() -> str:
    try:
        return version("lesart")
    except PackageNotFoundError:
        return "0"


PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def headers_of(settings: Settings, accept: str | None = None) -> list[tuple[str, str]]:
    """Return the headers that every request has; `accept` are the types (default: pages)."""
    languages = [f"{each};q={1 - 0.1 * n:.1f}" if n else each
                 for n, each in enumerate(settings.languages[:9])]  # fmt: skip
    return [
        ("User-Agent", user_agent(settings)),
        ("Accept", accept or PAGES),
        ("Accept-Language", ", ".join(languages)),
        ("Accept-Encoding", "gzip, br, zstd"),
    ]
