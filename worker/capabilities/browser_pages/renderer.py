"""Read the pages of a job by a browser, and compare their texts with those of before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from storage.capabilities.browser_pages.store import count_resource_bytes, load_texts
from storage.settings import Settings
from storage.values.digest import canonical_all, digest_of_parts
from storage.values.draft import Draft
from storage.values.net.addresses import RENDERED, CheckedResource, Key, WatchedAddress
from storage.values.refusals import RefusalReason
from storage.write.archive import Archive
from worker.capabilities.browser_pages.page import (
    PAGE_SECONDS,
    QUIET_AGAIN_SECONDS,
    QUIET_SECONDS,
    RenderedPage,
    render_page,
)
from worker.flow.decide import fetched_outcome
from worker.flow.read import Reader
from worker.text.hints import Hints
from worker.web.connection import Network
from worker.web.credentials import read_proxy
from worker.web.exchange import RenderedAnswer, ServerAnswer
from worker.web.fetch import Fetch
from worker.web.headers import user_agent
from worker.web.kind import LISTS, charset_of, kind_of, page_type

EMPTY = "extraction_empty"
MUCH_SHORTER = 0.5
"""Share of the words of before, below which a page is loaded again with more patience."""


class PageRenderer:
    """Renders pages, in up to `MOST_PAGES` threads, each within `MOST_SECONDS`."""

    MOST_PAGES = 2
    MOST_SECONDS = 2 * PAGE_SECONDS + 30.0

    def __init__(self, settings: Settings, network: Network) -> None:
        self._settings, self._network = settings, network
        self._reader = Reader(settings)
        self._texts: Mapping[Key, tuple[bytes, int]] = {}
        self._left_bytes, self._lock = 0, Lock()

    def load_texts(self, archive: Archive, watches: Sequence[WatchedAddress]) -> None:
        """Load the digests and the numbers of words of the texts that were read before.

        It also counts the resources of the last day, whose number of bytes is bounded.
        """
        numbers = {w.observation_id: w.key for w in watches if w.observation_id is not None}
        self._texts = archive.read(load_texts, numbers)
        stored = archive.read(count_resource_bytes, archive.clock())
        self._left_bytes = self._settings.browser_resources - stored

    def close(self) -> None:
        """Stop the process that reads documents."""
        self._reader.close()

    def render(self, fetch: Fetch, answer: ServerAnswer) -> ServerAnswer:
        """Add what a browser makes of a page; lists, errors and other formats are left alone.

        With `auto`, only a page whose document has no text is rendered.
        """
        watched = fetch.watched
        if watched.browser is None or not self._is_page(watched, answer):
            return answer
        if watched.browser == "auto":
            charset = charset_of(answer.header("content-type"))
            fetched = self._read(fetch, answer, answer.body or b"", "html", charset)
            if not isinstance(fetched, RefusalReason) or fetched.code != EMPTY:
                return answer
        answer.rendered = self._render(fetch, answer)
        return answer

    def _is_page(self, watched: WatchedAddress, answer: ServerAnswer) -> bool:
        body, content_type = answer.body, answer.header("content-type")
        if answer.status != 200 or answer.refused is not None or not body or watched.kind in LISTS:
            return False
        is_page = watched.kind == "page" or kind_of(body, content_type) == "page"
        return is_page and page_type(body, content_type, answer.address.target) == "html"

    def _render(self, fetch: Fetch, answer: ServerAnswer) -> RenderedAnswer:
        """Render a page, again with more patience if its text is empty or much shorter."""
        settings = self._settings
        digest, words = self._texts.get(fetch.watched.key, (b"", 0))
        for quiet in (QUIET_SECONDS, QUIET_AGAIN_SECONDS):
            page = render_page(
                answer, self._network, user_agent(settings), quiet=quiet,
                program=None if settings.browser is None else str(settings.browser),
                way=None if fetch.proxy is None else read_proxy(fetch.proxy),
                max_bytes=settings.max_document_bytes, consent=settings.consent,
            )  # fmt: skip
            if page.html is None:
                break
            draft = self._read(fetch, answer, page.html, RENDERED, "utf-8")
            if isinstance(draft, Draft):
                paragraphs = draft.text_paragraphs()
                found = digest_of_parts(canonical_all([draft.title or "", *paragraphs]))
                if found == digest:
                    return RenderedAnswer(None, None, page.facts, is_same=True)
                if len(" ".join(paragraphs).split()) >= words * MUCH_SHORTER:
                    break
            elif draft.code != EMPTY:
                break
        return RenderedAnswer(
            page.html, page.refused, page.facts, screenshot=page.screenshot,
            resources=self._resources_of(page),
        )  # fmt: skip

    def _resources_of(self, page: RenderedPage) -> tuple[CheckedResource, ...]:
        """Return the resources of a page, or none if the day has fewer bytes left."""
        size = sum(len(each.raw or b"") for each in page.resources)
        with self._lock:
            if page.html is not None and size <= self._left_bytes:
                self._left_bytes -= size
                return page.resources
        return ()

    def _read(
        self, fetch: Fetch, answer: ServerAnswer, raw: bytes, kind: str, charset: str | None
    ) -> Draft | RefusalReason:
        hints = Hints(
            type=kind, name=answer.address.target, charset=charset, url=answer.address.text,
            observed_at=datetime.now(UTC), has_capture_time=True,
        )  # fmt: skip
        listed: Any = fetch.watched.hints.get("listed")
        return fetched_outcome(self._reader.outcome(raw, hints), listed)
