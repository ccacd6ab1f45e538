"""The pages in a real browser: from the samples to a comparison, a reference, a source with a token.

Needs chromium, chromedriver and npm. LESART_TEST_SHOTS names a folder for pictures of every page.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from starlette.routing import Match

from storage.capabilities.front_pages import pages as front_pages
from storage.capabilities.mementos import pages as mementos
from storage.settings import load_settings
from storage.web.app import Site, make_app
from storage.web.archives import ServedArchive
from storage.web.pages import ROUTERS
from storage.web.pages.rendering import PageWords
from storage.web.server import ThreadedServer, bound
from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.capabilities.front_pages.test_front_pages import BRIDGE, CLOSED, FRONT, front, teaser
from tests.serve.test_hostile import ALL, hostile_draft
from tests.web.desk import PEGEL, A, desk_at
from tests.web.site import page as html_page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.starts_first]
SEEDS = Path(__file__).resolve().parents[2] / "seeds"
AXE = "axe-core@4.14.1"
ARTICLE = "https://www.hafenkurier.example/lokales/kanalbruecke-sperrung"
LONG = (
    "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle "
    + "Der Pegel der Lohe stieg. " * 12
)

SPLIT = ("Am Montag brannte ein Lager am Hafen, verletzt wurde niemand.",
         "Die Feuerwehr war mit 40 Leuten und zwei Booten vor Ort.")  # fmt: skip
LONG_HEADLINE = (
    "Der Pegel der Lohe steigt weiter: Hochwasserschutzverband warnt Anwohner der Altstadt"
)
MOVED = "Warum das Feuer ausbrach, will die Polizei von Osterwedel nun klären."
EDITED = (MOVED.replace("nun", "jetzt"), SPLIT[0], SPLIT[1].replace("40", "50"))


@contextmanager
def page_of(settings) -> Iterator[tuple[str, str]]:
    """Serve an archive with a desk; give its address and a token."""
    from worker.services.orders import create_ingest_service, router

    with Archive.open(settings.database_url) as archive, bound("127.0.0.1", 0) as listening:
        token = add_token(archive, "browser", "write")
        site = Site(
            routers=(router,),
            state={"ingest_service": create_ingest_service(archive, settings), "may_write": True},
        )
        with ThreadedServer(make_app(ServedArchive(settings.database_url), site), listening):
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", token


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Give the address of a page of the samples, a long article among them, and a token."""
    from worker.cli import control

    home = tmp_path_factory.mktemp("site")
    shutil.copytree(SEEDS, home / "seeds")
    for turn in ("", " Und fiel.", ""):
        paragraphs = "\n\n".join(f"{LONG}{turn if number % 9 == 0 else ''}" for number in range(40))
        (home / "seeds" / "lang.txt").write_text(
            f" date 2024-06 {LONG[:160]}\n\n{paragraphs}\n", "utf-8"
        )
        os.utime(home / "seeds" / "lang.txt", (1_700_000_000 + len(turn), 1_700_000_000))
        fire = ("In Osterwedel hat es gebrannt.", *(EDITED if turn else (" ".join(SPLIT), MOVED)))
        (home / "seeds" / "brand.txt").write_text(
            " date 2024-06 Brand\n\n" + "\n\n".join(fire) + "\n", "utf-8"
        )
        settings = load_settings(
            environ={"LESART_HOME": str(home), "LESART_SEEDS": str(home / "seeds")}
        )
        with Archive.open(settings.database_url) as archive:
            control.run_all_sources(archive, settings, 1)
    with page_of(settings) as found:
        yield found


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """Give the script that finds barriers, from its package."""
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, check=True
    )
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def front_site(tmp_path_factory) -> Iterator[str]:
    """Give the address of a page of a site with a front page, rights and a refused address."""
    home = tmp_path_factory.mktemp("fronts")
    with desk_at(f"sqlite:///{home / 'lesart.sqlite3'}", home) as desk:
        desk.web.put(
            "https://zeitung.example/robots.txt",
            b"User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /",
        )
        desk.web.put(A, html_page("Pegel", PEGEL))
        desk.watch_page(A)
        desk.web.put(FRONT, front(teaser(A, LONG_HEADLINE, kicker="Hochwasser an der Lohe")))
        source = desk.watch_page(FRONT, kind="front", every_seconds=900)
        desk.due(0)
        desk.web.put(FRONT, front(teaser(BRIDGE, CLOSED), teaser(A, LONG_HEADLINE, level=3)))
        desk.look(source, 1)
        desk.fetch("https://bote.example/nirgendwo", at=2)
        settings = desk.settings
    with page_of(settings) as (address, _token):
        yield address


def open_browser(profile: str):
    """Start a Chromium with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for each in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--hide-scrollbars", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    driver.implicitly_wait(20)
    return driver


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = open_browser(str(tmp_path_factory.mktemp("profile")))
    yield driver
    driver.quit()


def pages(address: str) -> dict[str, str]:
    import httpx

    rows = httpx.get(f"{address}/api/articles", params={"limit": 100}).json()["items"]
    found = {each["origin"]: each["article"] for each in rows}
    cluster = next(each["cluster"] for each in rows if each["cluster"])
    name = found[ARTICLE]
    long = next((article for origin, article in found.items() if "lang.txt" in origin), name)
    fire = next((article for origin, article in found.items() if "brand.txt" in origin), name)
    return {
        "front": "/", "articles": "/articles", "articles-none": "/articles?state=blocked", "changes": "/?limit=20", "search": "/search?q=br%C3%BCcke", "search-empty": "/search",
        "search-nothing": "/search?q=nirgendwo", "article": f"/a/{name}", "article-de": f"/a/{name}?lang=de",
        "sentence": f"/a/{name}?s=2&lang=de", "ages": f"/a/{name}?age=true",
        "compare": f"/a/{name}/1..3", "split": f"/a/{fire}/1..2?lang=de",
        "split-side": f"/a/{fire}/1..2?view=side&lang=de", "joined": f"/a/{fire}/2..3?lang=de", "compare-changes": f"/a/{name}/1..3?view=changes",
        "compare-side": f"/a/{name}/1..3?view=side", "compare-fields": f"/a/{name}/1..3?view=fields",
        "compare-quotes": f"/a/{name}/1..3?view=quotes", "compare-links": f"/a/{name}/1..3?view=links",
        "compare-raw": f"/a/{name}/1..3?view=raw", "since": f"/a/{name}/since", "checks": f"/a/{name}/checks",
        "cite": f"/a/{name}/cite", "long": f"/a/{long}?lang=de", "long-compare": f"/a/{long}/1..2?view=changes",
        "sources": "/sources?lang=de", "refusals": "/refusals", "relations": "/relations",
        "statistics": "/statistics", "alerts": "/alerts", "jobs": "/jobs", "fronts": "/front", "article-fronts": f"/a/{name}/fronts", "rights": f"/a/{name}/rights", "entries": f"/a/{name}/entries",
        "removed": f"/a/{name}/since?removed=1", "today": "/?since=2024&limit=20",
        "watch": f"/alerts?article={name}&passage=dauere+vierzehn+Monate",
        "memento": f"/memento/20990101000000/{ARTICLE}", "proof": f"/proof/{name}",
        "search-many": "/search?q=der&lang=de", "cluster": f"/cluster/{cluster}", "problem": "/a/nirgendwo",
    }  # fmt: skip


def look(browser, width: int, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait_for_address(browser, part: str) -> None:
    """Wait until the browser is at an address with a part; a click or a key returns before that."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda each: part in each.current_url)


def keep_picture(browser, name: str, width: int) -> None:
    folder = os.environ.get("LESART_TEST_SHOTS")
    if not folder:
        return
    high = browser.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(high, 2600), "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def requested(browser) -> set[str]:
    """Return the servers that the browser asked since this was asked last."""
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    urls = [
        each["params"]["request"]["url"]
        for each in events
        if each["method"] == "Network.requestWillBeSent"
    ]
    return {urlsplit(url).netloc for url in urls if url.startswith("http")}


def errors(browser) -> list[str]:
    """Return the messages of the console except about expected 404s."""
    told = [each["message"] for each in browser.get_log("browser")]
    return [each for each in told if "status of 404" not in each]


RUN_AXE = (
    "const [rules, answer] = arguments;"
    "const chosen = rules.length ? {runOnly: rules} : {};"
    "axe.run(document, {resultTypes: ['violations'], ...chosen}).then(r => answer("
    "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(' | '))))"
)
COLOURS = ("color-contrast", "link-in-text-block")
"""Rules whose answer depends on the colours; the answers of all others depend on words and widths."""


@pytest.mark.parametrize("lang", ["de", "en"])
def test_no_page_has_a_barrier_an_error_a_cut_or_a_request_elsewhere(site, browser, axe, lang):
    address, _token = site
    found = {}
    browser.get(address)
    errors(browser), requested(browser)
    for name, path in pages(address).items():
        place = address + re.sub(r"lang=\w+", "", path)
        browser.get(f"{place}{'&' if '?' in place else '?'}lang={lang}")
        problems = []
        browser.execute_script(axe)
        views = [(1280, "light"), (390, "light"), (2560, "light")]
        if lang == "de":  # the colours are the same in both languages
            views += [(1280, "dark"), (390, "dark")]
        for width, scheme in views:
            look(browser, width, scheme)
            rules = COLOURS if scheme == "dark" else ()
            barriers = [] if width == 2560 else browser.execute_async_script(RUN_AXE, rules)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            barriers += [f"{wide} pixels wide"] if wide > width else []
            problems += [f"{width} {scheme}: {each}" for each in barriers]
            keep_picture(browser, f"{name}-{lang}-{width}-{scheme}", width)
        problems += errors(browser)
        problems += [f"asked {each}" for each in requested(browser) - {urlsplit(address).netloc}]
        if problems:
            found[name] = problems
    assert found == {}


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_open_menu_stays_inside_the_window(site, browser, lang, width):
    look(browser, width, "light")
    browser.get(f"{site[0]}/search?lang={lang}")
    browser.find_element("css selector", ".menu summary").click()
    found = browser.find_elements("css selector", ".menu a")
    links = [each for each in found if each.is_displayed()]
    edges = [(each.rect["x"], each.rect["x"] + each.rect["width"]) for each in links]
    assert len(edges) == (5 if width > 960 else len(found))
    assert all(0 <= left < right <= width for left, right in edges)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


TOP = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
ROWS = """
const tops = [...document.querySelectorAll('.brand, header nav > ul > li, header form')]
  .filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect())
  .map(r => (r.top + r.bottom) / 2);
return Math.max(...tops) - Math.min(...tops);
"""
"""Returns how far the middles of the parts of the header are from one row, in pixels."""


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_header_is_one_row_and_the_text_of_a_comparison_begins_high(site, browser, lang):
    found = pages(site[0])
    for width in (1280, 1440):
        for name in ("front", "article", "compare", "search"):
            look(browser, width, "light")
            browser.get(f"{site[0]}{found[name].split('?')[0]}?lang={lang}")
            assert browser.execute_script(ROWS) < 6, (name, width)
    look(browser, 390, "light")
    for name in ("compare", "compare-side", "split", "long-compare"):
        place = re.sub(r"[?&]lang=\w+", "", f"{site[0]}{found[name]}")
        browser.get(f"{place}{'&' if '?' in place else '?'}lang={lang}")
        assert browser.execute_script(TOP, ".text") < 300, name


@pytest.mark.parametrize("has_script", [True, False])
def test_more_tabs_open_with_the_keyboard_and_have_no_barrier(site, browser, axe, has_script):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    address, _token = site
    paths, width = pages(address), 390
    look(browser, width, "light")
    for name, behind, first in (("article", 6, "Checks"), ("compare", 10, "Checks")):
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_script})
        try:
            browser.get(f"{address}{paths[name]}?lang=en")
            tabs = browser.find_elements(By.CSS_SELECTOR, ".tabs a")
            assert sum(each.is_displayed() for each in tabs) <= 4 * (1 + (name == "compare"))
            for summary in browser.find_elements(By.CSS_SELECTOR, ".tabs summary"):
                summary.send_keys(Keys.ENTER)
            shown = [each.text for each in tabs if each.is_displayed()]
            assert len(shown) == len(tabs)
            assert (
                len(browser.find_elements(By.CSS_SELECTOR, ".tabs details a")),
                first in shown,
            ) == (behind, True)
        finally:
            browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        if has_script:
            browser.execute_script(axe)
            assert browser.execute_async_script(RUN_AXE, ()) == []
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.get(f"{address}{paths['compare-raw']}")
    current = browser.find_element(By.CSS_SELECTOR, ".tabs details[open] [aria-current]")
    assert current.is_displayed(), "the current view is not hidden"


BROKEN = """
const broken = [], words = /[^\\s/·–-]+/gu;
for (const cell of document.querySelectorAll('td, th')) {
  if (cell.matches('.address, .address *') || !cell.checkVisibility()) continue;
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const written = node.data.replace(/\\S*(:\\/\\/|@)\\S*/gu, each => ' '.repeat(each.length));
    for (const word of written.matchAll(words)) {
      const range = document.createRange();
      range.setStart(node, word.index), range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1)
        broken.push(word[0]);
    }
  }
  if (cell.scrollWidth > cell.clientWidth + 1) broken.push('over the edge: ' + cell.textContent);
}
for (const each of document.querySelectorAll('main *, header *, footer *')) {
  const box = each.getBoundingClientRect();
  const isFree = !each.closest('.scroll, .vh, .skip, details:not([open]), svg');
  if (isFree && box.width && box.right > innerWidth + 1) broken.push('cut: ' + each.outerHTML.slice(0, 90));
}
if (innerWidth >= 1280)
  for (const each of document.querySelectorAll('.scroll:has(table)'))
    if (each.scrollWidth > each.clientWidth + 1) broken.push('cut table: ' + each.textContent.trim().slice(0, 60));
for (const each of document.querySelectorAll('td.main'))
  if (each.clientWidth < 190 && each.checkVisibility()) broken.push('narrow: ' + each.textContent);
return broken;
"""
"""Returns the words that a table breaks, and what is cut off."""


@pytest.mark.parametrize("lang", ["de", "en"])
def test_no_word_of_a_table_is_broken_and_nothing_is_cut(site, front_site, browser, lang):
    import httpx

    first, last = (f"{FRONT}&as_of=2024-06-18T0{hour}:30Z" for hour in (6, 7))
    article = httpx.get(f"{front_site}/api/articles").json()["items"][0]["article"]
    paths = [f"{site[0]}{path}" for path in pages(site[0]).values()] + [
        f"{front_site}{path}" for path in (
            f"/front?front={first}", f"/front?front={last}", "/sources", "/refusals", "/statistics", "/jobs",
            *(f"/a/{article}/{view}" for view in ("fronts", "rights", "checks")),
        )
    ]  # fmt: skip
    found = {}
    for place in paths:
        browser.get(
            re.sub(r"[?&]lang=\w+", "", place) + f"{'&' if '?' in place else '?'}lang={lang}"
        )
        browser.execute_script(
            "document.querySelectorAll('details:not(.menu)').forEach(d => d.open = true)"
        )
        for width in (390, 1280):
            look(browser, width, "light")
            keep_picture(browser, re.sub(r"\W+", "-", f"{place[17:]}-{lang}-{width}"), width)
            if broken := browser.execute_script(BROKEN):
                found[f"{place} {width}"] = broken
    assert found == {}


def test_a_front_page_has_steps_to_the_check_before_and_after(front_site, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    look(browser, 390, "light")
    browser.get(f"{front_site}/?lang=en")
    browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    browser.find_element(By.LINK_TEXT, "Front pages").click()
    browser.find_element(By.PARTIAL_LINK_TEXT, "zeitung.example").click()
    assert CLOSED in browser.find_element(By.TAG_NAME, "main").text
    browser.find_element(By.LINK_TEXT, "Previous check").click()
    wait_for_address(browser, "as_of")
    assert CLOSED not in browser.find_element(By.TAG_NAME, "main").text
    before = browser.current_url
    browser.find_element(By.LINK_TEXT, "Next check").click()
    WebDriverWait(browser, 20).until(lambda each: each.current_url != before)
    assert CLOSED in browser.find_element(By.TAG_NAME, "main").text


CHECKED = (front_pages.ROUTER, mementos.ROUTER, *ROUTERS)
"""Other pages of capabilities have tests of their own."""
NO_PAGES = {
    "/a/{article}/compare", "/a/{article}/{a}..{b}/picture.svg", "/cluster/of", "/find", "/icon.svg",
    "/refusals/screenshot", "/robots.txt", "/source-serif-4.woff2", "/style.css",
    "/timegate/{address:path}", "/timemap/json/{address:path}", "/timemap/link/{address:path}",
}  # fmt: skip
"""Addresses among the pages that answer with something else: files, lists of mementos, redirects."""


def test_every_page_of_the_router_is_among_those_that_are_checked(site):
    address, _token = site
    checked = set()
    for path in pages(address).values():
        scope = {"type": "http", "method": "GET", "path": unquote(urlsplit(path).path)}
        routes = (each for router in CHECKED for each in router.routes)
        checked.add(next(r.path for r in routes if r.matches(scope)[0] is Match.FULL))
    assert checked == {each.path for router in CHECKED for each in router.routes} - NO_PAGES


class Clicks:
    """The number of clicks that a page received since the front page, kept over all pages.

    A drag that selects text is not a click.
    """

    COUNT = (
        "if (!window.counts) { window.counts = true; let x;"
        "addEventListener('mousedown', e => { x = e.clientX }, true);"
        "addEventListener('click', e => { if (e.isTrusted && e.detail && Math.abs(e.clientX - x) < 5)"
        " sessionStorage.clicks = 1 + Number(sessionStorage.clicks || 0) }, true) }"
    )

    def __init__(self, browser, address: str, lang: str = "en") -> None:
        self.browser, self.front = browser, f"{address}/?lang={lang}"
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": self.COUNT})

    def begin(self) -> None:
        self.browser.get(self.front)
        self.browser.execute_script("sessionStorage.clear()")

    def on(self, by: str, value: str, part: str) -> None:
        """Click on an element and wait until the address has `part`."""
        self.browser.find_element(by, value).click()
        wait_for_address(self.browser, part)

    def number(self) -> int:
        return int(self.browser.execute_script("return sessionStorage.clicks || 0"))


def test_each_task_of_an_editor_takes_at_most_three_clicks_from_the_front_page(site, browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    address, _token = site
    look(browser, 1280, "light")
    clicks, taken = Clicks(browser, address), {}

    def main() -> str:
        return browser.find_element(By.TAG_NAME, "main").text

    def select(words: str) -> None:
        """Select a sentence with the mouse: from its first letter to its last."""
        (box,) = browser.execute_script(
            "const a = [...document.querySelectorAll('[data-cite] a')].find(a => a.text.includes(arguments[0]));"
            "a.scrollIntoView({block: 'center'}); return [...a.getClientRects()].slice(-1)"
            ".map(r => [r.left, r.right, (r.top + r.bottom) / 2].map(Math.round))", words
        )  # fmt: skip
        actions = ActionChains(browser)
        mouse = actions.w3c_actions.pointer_action
        mouse.move_to_location(box[0] + 1, box[2]).pointer_down()
        mouse.move_to_location(box[1] - 1, box[2]).pointer_up()
        actions.perform()

    def open_text() -> None:
        clicks.begin()
        clicks.on(By.PARTIAL_LINK_TEXT, "Kanalbrücke wird noch", "/2..3")
        clicks.on(By.LINK_TEXT, "Text", "?lang=en")

    clicks.begin()
    clicks.on(By.LINK_TEXT, "Today's changes", "since=")
    assert "Brand" in main()
    assert "Kanalbrücke" not in main()
    taken["what changed today"] = clicks.number()

    open_text()
    clicks.on(By.PARTIAL_LINK_TEXT, "36 Millionen", "s=2")
    assert (
        "first seen in\nthis article"
        in browser.find_element(By.CSS_SELECTOR, "aside.sentence").text
    )
    taken["who had a sentence first"] = clicks.number()

    for name, link, part in (
        ("cite", "Cite the selected", "/cite"),
        ("watch", "Watch it", "/alerts"),
    ):
        open_text()
        select("Fußgänger")
        clicks.on(By.PARTIAL_LINK_TEXT, link, part)
        assert "dürfen weiter hinüber" in browser.find_element(By.TAG_NAME, "pre").text
        taken[f"{name} a passage"] = clicks.number()

    clicks.begin()
    clicks.on(By.PARTIAL_LINK_TEXT, "Kanalbrücke wird noch", "/2..3")
    browser.find_element(By.CSS_SELECTOR, ".tabs summary").click()
    clicks.on(By.LINK_TEXT, "Proof", "/proof/")
    assert "lesart proof" in main()
    taken["prove a version"] = clicks.number()

    assert {name: number for name, number in taken.items() if not 0 < number <= 3} == {}
    assert errors(browser) == []


TASKS = {
    "see": ((), "no change seen"),
    "find": (("search", "Pegel"), "Pegel"),
    "understand": (("article", "sentence"), "since the first version"),
    "keep": (("article", "more", "Proof"), "lesart proof"),
    "cite": (("article", "Cite"), "BibTeX"),
}
"""The tasks of a journalist in a new archive: the clicks, and what the last page says."""


def take_step(clicks: Clicks, words: PageWords, step: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    if step == "Pegel":
        field = clicks.browser.find_element(By.CSS_SELECTOR, "main input[type=search]")
        field.click()
        field.send_keys(step, Keys.ENTER)
        wait_for_address(clicks.browser, "q=")
        return
    by, value, part = {
        "search": (By.CSS_SELECTOR, "nav a[href^='/search']", "/search"),
        "article": (By.CSS_SELECTOR, ".rows h2 a", "/a/"),
        "sentence": (By.CSS_SELECTOR, "[data-cite] a[data-to]", "s="),
        "more": (By.CSS_SELECTOR, ".tabs summary", "/a/"),
    }.get(step, (By.LINK_TEXT, words.t(step), step.lower()))
    clicks.on(by, value, part)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_each_task_of_a_journalist_takes_at_most_three_clicks_from_the_start_of_a_new_archive(
    front_site, browser, width, lang, scheme
):
    look(browser, width, scheme)
    clicks, words, taken = Clicks(browser, front_site, lang), PageWords(lang, UTC), {}
    for task, (steps, said) in TASKS.items():
        clicks.begin()
        for step in steps:
            take_step(clicks, words, step)
        taken[task] = clicks.number()
        shown = browser.find_element("css selector", "main").text
        assert words.t(said) in shown, task
        assert task != "find" or browser.find_elements("css selector", "article.card mark")
    assert taken == {name: len(steps) for name, (steps, _said) in TASKS.items()}
    assert max(taken.values()) <= 3
    assert errors(browser) == []


def test_from_a_search_to_the_article_a_comparison_since_when_and_a_reference(site, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    address, _token = site
    look(browser, 1280, "light")
    browser.get(address + "/?lang=en")
    browser.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("kanalbrücke", Keys.ENTER)
    wait_for_address(browser, "/search")
    assert browser.find_elements(By.CSS_SELECTOR, "article.card mark")
    browser.find_element(By.CSS_SELECTOR, "article.card h2 a").click()
    assert "Kanalbrücke" in browser.find_element(By.TAG_NAME, "h1").text
    browser.find_element(By.CSS_SELECTOR, "input[name=a][value='1']").click()
    browser.find_element(By.CSS_SELECTOR, "input[name=b][value='3']").click()
    browser.find_element(By.CSS_SELECTOR, "form[action$='/compare'] button").click()
    wait_for_address(browser, "/1..3")
    gone = [each.text for each in browser.find_elements(By.TAG_NAME, "del")]
    come = [each.text for each in browser.find_elements(By.TAG_NAME, "ins")]
    assert "3,6" in gone
    assert "36" in come
    browser.find_element(By.LINK_TEXT, "Sentence history").click()
    wait_for_address(browser, "/since")
    assert browser.find_elements(By.CSS_SELECTOR, ".stood")
    browser.find_element(By.LINK_TEXT, "Cite").click()
    browser.find_element(By.NAME, "passage").send_keys("dauere vierzehn Monate")
    browser.find_element(By.CSS_SELECTOR, "form.stack button").click()
    wait_for_address(browser, "passage=")
    assert "> nach" not in browser.page_source
    assert "dauere vierzehn Monate" in browser.find_element(By.TAG_NAME, "pre").text
    assert errors(browser) == []


def test_keys_bars_and_handles_lead_to_another_comparison(site, browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    address, _token = site
    look(browser, 1280, "light")
    comparison = address + pages(address)["compare"].replace("1..3", "{}")
    browser.get(comparison.format("2..3"))
    ActionChains(browser).send_keys(Keys.ARROW_LEFT).perform()
    wait_for_address(browser, "/1..2")
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    wait_for_address(browser, "/2..3")
    bar = browser.find_element(By.CSS_SELECTOR, ".margin svg a[href*='1..2']")
    assert "words: +" in bar.get_attribute("aria-label")
    browser.get(address + bar.get_dom_attribute("href"))
    wait_for_address(browser, "/1..2")
    browser.find_element(By.NAME, "b").send_keys(Keys.ARROW_RIGHT)
    shown = browser.find_elements(By.CSS_SELECTOR, ".pick output")
    assert [each.text for each in shown] == ["1", "3"]
    browser.find_element(By.CSS_SELECTOR, ".pick button").click()
    wait_for_address(browser, "/1..3")
    assert errors(browser) == []


def test_split_joined_and_moved_paragraphs_are_labelled_and_only_their_edits_are_marked(
    site, browser
):
    from selenium.webdriver.common.by import By

    def texts(selector):
        found = browser.find_elements(By.CSS_SELECTOR, f"main .text {selector}")
        return [each.text.strip() for each in found]

    address, _token = site
    look(browser, 1280, "light")
    there = ["verschoben", "geteilt"], ["jetzt", "¶", "50"], ["nun", "40"]
    back = ["zusammengefügt", "verschoben"], ["40", "nun"], ["¶", "50", "jetzt"]
    for name, expected in (("split", there), ("split-side", there), ("joined", back)):
        browser.get(address + pages(address)[name])
        labels = texts(".role")
        assert sorted(labels) == sorted(expected[0]), name
        assert (sorted(texts("ins")), sorted(texts("del"))) == tuple(map(sorted, expected[1:])), (
            name
        )
    assert errors(browser) == []


def test_a_click_on_a_sentence_shows_its_history_with_and_without_a_script(site, browser):
    from selenium.webdriver.common.by import By

    address, _token = site
    look(browser, 1280, "light")
    for has_script in (True, False):
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_script})
        try:
            browser.get(address + pages(address)["article"] + "?lang=en")
            changed = browser.find_element(By.PARTIAL_LINK_TEXT, "36 Millionen")
            assert browser.find_elements(
                By.CSS_SELECTOR, "p.lead a[data-to*='s=1#'], p.lead a[href*='s=1#']"
            )
            heading = browser.find_element(By.TAG_NAME, "h1")
            changed.click()
            wait_for_address(browser, "#s")
            card = browser.find_element(By.CSS_SELECTOR, "p.lead + aside.sentence")
            assert "since version" in card.text
            if has_script:
                assert heading.is_displayed(), "the same page"
            card.find_element(By.CSS_SELECTOR, "a[href*='..']").click()
            wait_for_address(browser, "..")
            assert "36" in [each.text for each in browser.find_elements(By.TAG_NAME, "ins")]
        finally:
            browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert errors(browser) == []


def test_the_text_face_comes_from_this_server(site, browser):
    address, _token = site
    look(browser, 1280, "light")
    browser.get(address + "/")
    ready = "return document.fonts.ready.then(f => f.check('16px \"Source Serif 4\"') && f.size)"
    assert browser.execute_script(ready) == 1
    assert errors(browser) == []


def test_a_selected_passage_can_be_cited(site, browser):
    from selenium.webdriver.common.by import By

    address, _token = site
    look(browser, 1280, "light")
    browser.get(address + pages(address)["article"])
    browser.execute_script(
        "const p = document.querySelector('[data-cite] p.lead');"
        "const r = document.createRange(); r.selectNodeContents(p);"
        "getSelection().removeAllRanges(); getSelection().addRange(r);"
    )
    browser.find_element(By.CSS_SELECTOR, "#selection a").click()
    wait_for_address(browser, "passage=")
    assert "36 Millionen" in browser.find_element(By.TAG_NAME, "pre").text


def test_a_source_is_added_with_a_token(site, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import staleness_of
    from selenium.webdriver.support.ui import WebDriverWait

    address, token = site
    browser.get(address + "/sources?lang=en")
    browser.find_element(By.NAME, "locator").send_keys("https://www.lohebote.example/feed")
    browser.find_element(By.NAME, "every").send_keys("15m")
    browser.find_element(By.NAME, "token").send_keys(token)
    form = browser.find_element(By.CSS_SELECTOR, "main form button")
    form.click()
    WebDriverWait(browser, 20).until(staleness_of(form))
    assert "https://www.lohebote.example/feed" in browser.find_element(By.TAG_NAME, "main").text
    assert token not in browser.page_source


def test_everything_works_without_a_script(site, browser):
    from selenium.webdriver.common.by import By

    address, _token = site
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        for path in pages(address).values():
            browser.get(address + path)
            assert browser.find_element(By.TAG_NAME, "h1").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize(
    "every", [3, pytest.param(1, marks=pytest.mark.large)], ids=["a third of them", "all"]
)
def test_no_hostile_text_runs_in_a_browser(browser, tmp_path, every):
    from tests.cli import small_archive

    settings = load_settings(environ={"LESART_HOME": str(tmp_path)})
    with Archive.open(settings.database_url) as archive:
        source = archive.ensure_source(
            "<img src=x onerror=window.__hit=1>", "folder", "x", standing=True
        )
        for turn in ("erst", "dann"):
            texts = {
                f"{number}.txt": hostile_draft(number, payload, turn)
                for number, payload in enumerate(ALL[::every])
            }
            small_archive._ingest(archive, source.id, texts)
    with page_of(settings) as (address, _token):
        import httpx

        articles = httpx.get(f"{address}/api/articles?limit=1000").json()["items"]
        browser.get(address)
        errors(browser), requested(browser)
        for place in ["/", "/?limit=200", "/search?q=Pegel&limit=500", "/sources", *(
            f"/a/{each['article']}{'' if number % 2 else '/1..2'}"
            for number, each in enumerate(articles)
        )]:  # fmt: skip
            browser.get(address + place)
            assert browser.execute_script("return window.__hit") is None, place
        assert errors(browser) == []
        assert requested(browser) == {urlsplit(address).netloc}
