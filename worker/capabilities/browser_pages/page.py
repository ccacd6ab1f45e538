"""One page as a reader sees it: load it, wait until its text is quiet, and take its document."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.values.draft import Json
from storage.values.net.addresses import CheckedFile, CheckedResource
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.browser_pages.browser import NoRoomError, open_browser
from worker.capabilities.browser_pages.certificates import own_certificates
from worker.capabilities.browser_pages.consent import ConsentPackage, ConsentRejecter, load_package
from worker.capabilities.browser_pages.devtools import BrowserError, DevTools, EndedError
from worker.capabilities.browser_pages.proxy import PageProxy, Resources
from worker.capabilities.browser_pages.screenshot import take_screenshot
from worker.capabilities.browser_pages.serialize import html_of
from worker.web.connection import Network
from worker.web.credentials import Proxy
from worker.web.exchange import ServerAnswer

PAGE_SECONDS = 30.0
"""Maximum time of a page, from the start of its browser on."""
WAIT_SECONDS = 15.0
"""Maximum time for the text to become quiet."""
QUIET_SECONDS, QUIET_AGAIN_SECONDS, IDLE_SECONDS = 1.0, 2.5, 0.5
"""How long the text is equal, and no request under way, before the document is taken.

In trials with twenty pages, .5 s of equal text missed two texts, and 2.5 s none.
"""
POLL_SECONDS = 0.1
LENGTH = "document.documentElement ? document.documentElement.innerText : ''"


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """The document of a page as HTML, or why there is none; `facts` are stored with it."""

    html: bytes | None = None
    refused: RefusalReason | None = None
    facts: dict[str, Json] = field(default_factory=dict)
    screenshot: CheckedFile | None = None
    resources: tuple[CheckedResource, ...] = ()


@dataclass(slots=True)
class _Tab:
    """The tab with the page; windows, dialogs and downloads that the page opens are ended."""

    tools: DevTools
    target: str = ""
    session: str = ""
    frame: str = ""
    addresses: list[str] = field(default_factory=list)
    is_crashed: bool = False
    consent: ConsentRejecter | None = None

    def open(self, package: ConsentPackage | None) -> None:
        tools = self.tools
        tools.on_event = self._accept_event
        tools.call("Browser.setDownloadBehavior", behavior="deny")
        self.target = tools.call("Target.createTarget", url="about:blank")["targetId"]
        tools.call("Target.setDiscoverTargets", discover=True)
        found = tools.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = found["sessionId"]
        for domain in ("Page", "Inspector"):
            tools.call(f"{domain}.enable", self.session)
        tree = tools.call("Page.getFrameTree", self.session)
        self.frame = tree["frameTree"]["frame"]["id"]
        if package is not None:
            self.consent = ConsentRejecter(tools, package)
            self.consent.attach(self.session)

    def _accept_event(self, method: str, values: dict[str, Any], session: str | None) -> None:
        if method == "Page.javascriptDialogOpening":
            self.tools.post("Page.handleJavaScriptDialog", session, accept=False)
        elif method == "Target.targetCreated":
            info = values["targetInfo"]
            if info["type"] == "page" and info["targetId"] != self.target:
                self.tools.post("Target.closeTarget", targetId=info["targetId"])
        elif method == "Page.frameNavigated" and values["frame"]["id"] == self.frame:
            self.addresses.append(values["frame"]["url"])
        elif method == "Inspector.targetCrashed":
            self.is_crashed = True
        elif self.consent is not None:
            self.consent.accept_event(method, values, session)

    @property
    def is_left(self) -> bool:
        """Check whether the page left its address; it may load itself again after a rejection."""
        is_again = self.consent is not None and self.consent.rejected and len(self.addresses) == 2
        return len(self.addresses) > 1 and not (is_again and len({*self.addresses}) == 1)

    def read_text(self) -> str:
        """Return the visible text, from a world that scripts of the page do not reach."""
        world = self.tools.call(
            "Page.createIsolatedWorld", self.session, frameId=self.frame, seconds=5.0
        )
        found = self.tools.call(
            "Runtime.evaluate", self.session, expression=LENGTH, returnByValue=True,
            contextId=world["executionContextId"], seconds=5.0,
        )  # fmt: skip
        return str(found["result"].get("value"))


def render_page(
    document: ServerAnswer,
    network: Network,
    agent: str,
    *,
    program: str | None = None,
    way: Proxy | None = None,
    max_bytes: int,
    quiet: float = QUIET_SECONDS,
    consent: Path | None = None,
) -> RenderedPage:
    """Return the page whose document was fetched, as the browser has it when its text is quiet.

    `consent` is the folder of the package that rejects requests for consent. If such a request
    still covers the page, it is refused with its screenshot. A browser that fails makes a refusal,
    never a text. If it ended or did not start, another one is started once: a program that was
    killed while it started looks like one that cannot.
    """
    ends_at = time.monotonic() + PAGE_SECONDS

    def load() -> RenderedPage:
        package = None if consent is None else load_package(consent)
        with open_browser(program, own_certificates().digest, agent, ends_at) as opened:
            proxy = PageProxy(opened.listening, document, network, agent, ends_at=ends_at, way=way)
            try:
                tab = _Tab(opened.tools)
                tab.open(package)
                html, is_quiet = _load(tab, proxy, document.address.text, quiet)
                is_covered = tab.consent is not None and tab.consent.is_covered()
                screenshot, shown = take_screenshot(tab.tools, tab.session)
            finally:
                proxy.close()
        facts = _facts(proxy.resources, is_quiet=is_quiet) | shown
        if is_covered:
            return RenderedPage(None, refuse("consent_wall"), facts, screenshot)
        if tab.consent is not None and tab.consent.rejected:
            facts["consent_rejected"] = sorted(tab.consent.rejected)
        return RenderedPage(html, None, facts, screenshot, (*proxy.resources.answers.values(),))

    try:
        try:
            page = load()
        except (EndedError, NoRoomError):
            page = load()
    except NoRoomError as error:
        return RenderedPage(refused=refuse("browser_missing", reason=str(error)))
    except BrowserError as error:
        return RenderedPage(refused=refuse("browser_failed", reason=str(error)))
    if len(page.html or b"") > max_bytes:
        return RenderedPage(refused=refuse("too_large", limit=max_bytes))
    return page


def _load(tab: _Tab, proxy: PageProxy, url: str, quiet: float) -> tuple[bytes, bool]:
    """Load a page; return its HTML, and whether its text became quiet. Raises: BrowserError.

    The mark of UTF-8 at its start holds against another encoding in a header or a meta tag.
    """
    found = tab.tools.call("Page.navigate", tab.session, url=url)
    if "errorText" in found:
        raise BrowserError(f"the page was not loaded: {found['errorText']}")
    is_quiet = _wait(tab, proxy, quiet)
    if tab.is_crashed:
        raise BrowserError("the page ended its process")
    root = tab.tools.call("DOM.getDocument", tab.session, depth=-1, pierce=True)["root"]
    if tab.is_left:
        raise BrowserError("the page left its address")
    return html_of(root).encode("utf-8-sig", "replace"), is_quiet


def _wait(tab: _Tab, proxy: PageProxy, quiet: float) -> bool:
    """Wait until the text is quiet and the network idle, at most `WAIT_SECONDS`.

    A request for consent that may still come, or is not rejected yet, delays it.
    """
    end = time.monotonic() + WAIT_SECONDS
    text: str | None = ""
    since = time.monotonic()
    consent = tab.consent
    while (now := time.monotonic()) < end and not tab.is_crashed:
        read = None
        if consent is not None:
            consent.work()
        with suppress(BrowserError):
            read = tab.read_text()
        if read is None or read != text:
            text, since = read, time.monotonic()
        elif (
            now - since >= max(quiet, 0.0 if consent is None else consent.quiet_seconds)
            and proxy.idle_seconds >= IDLE_SECONDS
        ):  # fmt: skip
            return True
        tab.tools.wait(POLL_SECONDS)
    return False


def _facts(found: Resources, *, is_quiet: bool) -> dict[str, Json]:
    reached = sorted(found.reached | (set() if is_quiet else {"quiet"}))
    return {
        "requests": found.requests, "bytes": found.bytes, "failed": found.failed,
        "reached": list(reached),
    }  # fmt: skip
