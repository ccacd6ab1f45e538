"""The check of the browser in `lesart doctor`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from storage.capabilities.browser_pages import store
from storage.read.archive import ReadOnlyArchive
from storage.record import sources
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.verify.doctor import Finding, with_archive

if TYPE_CHECKING:
    from worker.capabilities.browser_pages import browser, consent
else:
    consent = LazyModule("worker.capabilities.browser_pages.consent")
    browser = LazyModule("worker.capabilities.browser_pages.browser")

REMEDY = "install Chromium, set LESART_BROWSER, and allow namespaces (unshare) to this user"
REMEDY_CONSENT = (
    "install the npm package @duckduckgo/autoconsent, and set LESART_CONSENT to its folder"
)
REMEDY_WAITING = "run a worker with LESART_BROWSER, see docs/browser.md"


@with_archive
def check_browser(settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Report if sources need a browser, and whether one starts in a closed room."""
    with archive.connect() as connection:
        found = sources.sources(connection, standing=True)
        jobs, waiting = store.count_browser_jobs(connection)
    wishes = [each for each in found if each.options.get("browser") in {"always", "auto"}]
    if not wishes and not jobs and settings.browser is None:
        yield Finding("browser", "ok", "no source needs a browser")
        return
    if waiting and not settings.has_browser:
        message = quantity("{n} job waits|{n} jobs wait", waiting) + " for a worker with a browser"
        yield Finding("browser", "warning", message, REMEDY_WAITING)
        return
    if not settings.has_browser:
        yield Finding("browser", "ok", "workers with LESART_BROWSER read pages by a browser")
        return
    reason = browser.room_reason(None if settings.browser is None else str(settings.browser))
    if reason is None:
        yield Finding("browser", "ok", "a browser starts, and its network is closed")
    else:
        yield Finding("browser", "broken", reason, REMEDY)
    if settings.consent is None:
        message = "no request for consent is rejected: LESART_CONSENT is not set"
        yield Finding("browser", "ok", message)
        return
    reason = consent.package_reason(settings.consent)
    if reason is None:
        yield Finding("browser", "ok", "requests for consent are rejected by autoconsent")
    else:
        yield Finding("browser", "broken", reason, REMEDY_CONSENT)


CHECKS = (("browser", check_browser),)
