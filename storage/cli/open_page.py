"""`lesart open`: the page, or an article on it, in the browser."""

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command
from storage.cli.output import write_text
from storage.cli.report import reading
from storage.read.query.parameter import argument
from storage.settings import Settings
from storage.values.errors import PageUnreachableError
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import webbrowser
    from http import client
else:
    webbrowser = LazyModule("webbrowser")
    client = LazyModule("http.client")

ANSWER_SECONDS = 5.0


@command(app, "open", example="lesart open 35xhehswnwa6vc12@2")
def open_page(
    *,
    place: ArchiveOptions,
    revision: str | None = argument(
        "REV", "Article or version to open (default: the front page).", None
    ),
) -> None:
    """Open the web page, or the page of an article, in the browser.

    The page must be running: `lesart up` and `lesart web` start it. Without a browser, the command
    prints the address.
    """
    settings = place.settings()
    path = "/"
    if revision is not None:
        with reading(place) as (_settings, archive):
            found = archive.version(revision)
            is_whole = archive.is_whole_article(revision)
        path = f"/a/{found.article}" + ("" if is_whole else f"/{found.version}")
    base = _base(settings)
    _require_page(base)
    url = base + path
    if webbrowser.open(url):
        say(f"opened {url}")
    else:
        write_text([f"{url}\n"], None)


def _base(settings: Settings) -> str:
    """Return the local address of the web page, without a slash at the end."""
    parts = urlsplit(settings.page_base)
    host = parts.hostname or "127.0.0.1"
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:  # the server listens on all addresses
            host = "127.0.0.1" if address.version == 4 else "::1"
    shown = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"


def _require_page(base: str) -> None:
    """Raise PageUnreachableError unless the web page responds at `base`."""
    parts = urlsplit(base)
    kind = client.HTTPSConnection if parts.scheme == "https" else client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/healthz")
        answer = connection.getresponse()
        body = answer.read(16)
    except (OSError, client.HTTPException) as error:
        raise PageUnreachableError(base, str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if answer.status != client.OK or body != b"ok\n":
        raise PageUnreachableError(base, "another program responds at this address")
