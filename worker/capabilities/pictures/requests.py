"""Request the pictures of new pages, one at a time, with the pace and the rules of all requests."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urljoin

from storage.capabilities.pictures import store
from storage.capabilities.pictures.store import (
    PAGES,
    FoundPicture,
    KnownPicture,
    ListedPicture,
    PageRequest,
    SeenPage,
)
from storage.database.outgoing import free_abandoned, record, retry_later
from storage.settings import Settings
from storage.values.failures import brief, is_foreseen
from storage.write.archive import Archive
from worker.capabilities.pictures.decoder import PictureDecoder
from worker.capabilities.pictures.matching import compare_pictures
from worker.flow.history.client import ArchiveClient, RequestRefusedError, ServerPausedError
from worker.log import LOG
from worker.web.credentials import read_secret

LARGEST = 10 * 2**20
"""Maximum number of bytes of a picture."""
MOST_REDIRECTS = 3
RUN_SECONDS = 20.0
"""Time after which a run starts no further page, so that the schedule stays in time."""
PAGE_SECONDS = 40.0
"""Time after which no further picture of a page is requested."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/gif;q=0.9"


class _StoppedError(Exception):
    """The services are stopping."""


def work(
    archive: Archive, settings: Settings, *, is_over: Callable[[], bool] = lambda: False
) -> int:
    """Request the pictures of due pages; return the number of pages whose pictures were stored."""
    if not settings.pictures:
        return 0
    store.plan(archive.engine, archive.clock)
    free_abandoned(archive.engine, PAGES)
    end, done = time.monotonic() + RUN_SECONDS, 0
    with PictureDecoder() as decoder:
        while not is_over() and time.monotonic() < end:
            left = settings.pictures - archive.transact(store.count_bytes)
            request = store.claim(archive.engine) if left > 0 else None
            if request is None:
                break
            try:
                done += _PageWork(archive, settings, request, decoder, is_over).process(left)
            except (ServerPausedError, _StoppedError) as error:
                _postpone(archive, request, error)
            except Exception as error:  # a page that fails here must not stop the others
                log = LOG.bind(request=request.id)
                log.warning("pictures_failed", reason=brief(error), exc_info=not is_foreseen(error))
                _postpone(archive, request, error)
    return done


def _postpone(archive: Archive, request: PageRequest, error: Exception) -> None:
    pause = PAGES.pauses.seconds_after(request.attempts)
    if isinstance(error, ServerPausedError):
        pause = max(pause, (error.end - archive.clock()).total_seconds())
    if request.lease.is_last:
        record(archive.engine, request.lease, state="dropped", note=brief(error))
    else:
        retry_later(archive.engine, request.lease, brief(error), pause, state="failed")


class _PageWork:
    """Requests the pictures of one page."""

    def __init__(
        self, archive: Archive, settings: Settings, request: PageRequest, decoder: PictureDecoder,
        is_over: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._archive, self._settings, self._request = archive, settings, request
        self._decoder, self._is_over = decoder, is_over
        self._fetched = 0
        self._end = time.monotonic() + PAGE_SECONDS

    def process(self, most_bytes: int) -> bool:
        """Request, compare and store the pictures; at most `most_bytes` are fetched.

        Raises: ServerPausedError, and what fails in the archive.
        """
        page = self._archive.transact(store.page_of, self._request)
        if isinstance(page, str):
            record(self._archive.engine, self._request.lease, state="dropped", note=page)
            return False
        found = self._fetch_all(page, most_bytes)
        compared = compare_pictures(page.before, found, self._is_part)
        return store.store_pictures(self._archive, self._request, page, compared, self._fetched)

    def _is_part(self, known: KnownPicture, found: FoundPicture) -> bool | None:
        if known.digest is None or found.raw is None:
            return None
        before = self._archive.read(store.load_picture, known.digest)
        return self._decoder.is_part(before, found.raw)

    def _fetch_all(self, page: SeenPage, most_bytes: int) -> list[FoundPicture]:
        if not page.listed:
            return []
        client = ArchiveClient(
            self._archive, self._settings, self._request.source_id, is_requested=False,
            on_wait=self._check_end, accept=ACCEPT, proxy=_proxy_of(page.options),
        )  # fmt: skip
        with closing(client):
            return [
                self._fetch(client, position, listed, most_bytes)
                for position, listed in enumerate(page.listed)
            ]

    def _check_end(self) -> None:
        if self._is_over():
            raise _StoppedError

    def _fetch(
        self, client: ArchiveClient, position: int, listed: ListedPicture, most_bytes: int
    ) -> FoundPicture:
        """Request a picture and measure it. Raises: ServerPausedError, _StoppedError."""
        most = min(LARGEST, most_bytes - self._fetched)
        if time.monotonic() > self._end or most <= 0:
            return FoundPicture(position, listed, "", refused="budget")
        try:
            raw = self._request_bytes(client, listed.address, most)
        except RequestRefusedError as error:
            return FoundPicture(position, listed, "", refused=error.refused.code)
        if isinstance(raw, str):
            return FoundPicture(position, listed, "", refused=raw)
        measured = self._decoder.measure(raw)
        if isinstance(measured, str):
            return FoundPicture(position, listed, "", refused=measured)
        return FoundPicture(
            position, listed, "", raw=raw, media_type=measured.media_type, width=measured.width,
            height=measured.height, pdq=measured.pdq,
        )  # fmt: skip

    def _request_bytes(self, client: ArchiveClient, address: str, most: int) -> bytes | str:
        """Return the bytes at an address, after redirects, or a code of why there are none."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = client.get(address, most, decode=True, of_page=True)
            self._fetched += answer.wire_bytes
            if answer.refused is not None:
                return answer.refused.code
            target = answer.header("location")
            if answer.status not in REDIRECTS or target is None:
                break
            address = urljoin(address, target)
        if answer.status != 200 or not answer.body:
            return f"answered_{answer.status}"
        words = (answer.header("x-robots-tag") or "").lower().replace(":", ",").split(",")
        if {"noimageindex", "noarchive", "noindex"} & {each.strip() for each in words}:
            return "declared"
        return answer.body


def _proxy_of(options: Mapping[str, Any]) -> str | None:
    """Return the proxy of a source. Raises: SecretError."""
    proxy = options.get("proxy")
    return None if proxy is None else read_secret(proxy)
