"""The pages in a real browser: from the samples to a comparison, a reference, a source with a token.

Needs chromium, chromedriver and npm. LESART_TEST_SHOTS names a folder for pictures of every page.
"""

import base64
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.settings import load_settings
from storage.web.app import Site, make_app
from storage.web.archives import ServedArchive
from storage.web.server import ThreadedServer, bound
from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.serve.test_hostile import ALL, hostile_draft

pytestmark = pytest.mark.browser
SEEDS = Path(__file__).resolve().parents[2] / "seeds"
AXE = "axe-core@4.14.1"
ARTICLE = "https://www.hafenkurier.example/lokales/kanalbruecke-sperrung"
LONG = (
    "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle "
    + "Der Pegel der Lohe stieg. " * 12
)

SPLIT = ("Am Montag brannte ein Lager am Hafen, verletzt wurde niemand.",
         "Die Feuerwehr war mit 40 Leuten und zwei Booten vor Ort.")  # fmt: skip
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
    """Give the script that looks for barriers, from its package."""
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, check=True
    )
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Give a Chromium with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for each in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):  # fmt: skip
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    driver.implicitly_wait(20)
    yield driver
    driver.quit()


def pages(address: str) -> dict[str, str]:
    import httpx

    found = {
        each["origin"]: each["article"]
        for each in httpx.get(f"{address}/api/articles", params={"limit": 100}).json()["items"]
    }
    name = found[ARTICLE]
    long = next(article for origin, article in found.items() if "lang.txt" in origin)
    fire = next(article for origin, article in found.items() if "brand.txt" in origin)
    copy = next(each["a"] for each in httpx.get(f"{address}/api/relations").json()["items"])
    return {
        "front": "/", "changes": "/?limit=20", "search": "/search?q=br%C3%BCcke", "search-empty": "/search",
        "search-nothing": "/search?q=nirgendwo", "article": f"/a/{name}", "article-de": f"/a/{name}?lang=de",
        "sentence": f"/a/{name}?s=2&lang=de", "ages": f"/a/{name}?age=true",
        "compare": f"/a/{name}/1..3", "split": f"/a/{fire}/1..2?lang=de",
        "split-side": f"/a/{fire}/1..2?view=side&lang=de", "joined": f"/a/{fire}/2..3?lang=de", "compare-changes": f"/a/{name}/1..3?view=changes",
        "compare-side": f"/a/{name}/1..3?view=side", "compare-fields": f"/a/{name}/1..3?view=fields",
        "compare-quotes": f"/a/{name}/1..3?view=quotes", "compare-links": f"/a/{name}/1..3?view=links",
        "compare-raw": f"/a/{name}/1..3?view=raw", "since": f"/a/{name}/since", "checks": f"/a/{name}/checks",
        "cite": f"/a/{name}/cite", "long": f"/a/{long}?lang=de", "long-compare": f"/a/{long}/1..2?view=changes",
        "sources": "/sources?lang=de", "refusals": "/refusals", "relations": "/relations",
        "statistics": "/statistics", "alerts": "/alerts", "jobs": "/jobs",
        "memento": f"/memento/20990101000000/{ARTICLE}", "proof": f"/proof/{name}",
        "search-many": "/search?q=der&lang=de", "cluster": f"/cluster/of?a={copy}", "problem": "/a/nirgendwo",
    }  # fmt: skip


def look(browser, width: int, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait_for_address(browser, part: str) -> None:
    """Wait until the browser stands at an address with a part; a click or a key answers before that."""
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
    """Return what the console says, but for answers that are meant to be a 404."""
    told = [each["message"] for each in browser.get_log("browser")]
    return [each for each in told if "status of 404" not in each]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_has_a_barrier_an_error_a_cut_or_a_request_elsewhere(
    site, browser, axe, width, scheme
):
    address, _token = site
    found = {}
    browser.get(address)
    errors(browser), requested(browser)
    for name, path in pages(address).items():
        look(browser, width, scheme)
        browser.get(address + path)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        barriers = browser.execute_async_script(
            axe
            + ";axe.run(document, {resultTypes: ['violations']}).then(r => arguments[arguments.length-1]("
            "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(' | '))))"
        )
        problems = [*barriers, *errors(browser)]
        problems += [f"{wide} pixels wide"] if wide > width else []
        problems += [f"asked {each}" for each in requested(browser) - {urlsplit(address).netloc}]
        if problems:
            found[name] = problems
        keep_picture(browser, f"{name}-{width}-{scheme}", width)
    assert found == {}


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
    assert "words added" in bar.get_attribute("aria-label")
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
            assert browser.find_elements(By.CSS_SELECTOR, "p.lead a[href*='s=1#']")
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
    browser.find_element(By.ID, "cite-selection").click()
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


def test_no_hostile_text_runs_in_a_browser(browser, tmp_path):
    from tests.cli import small_archive

    settings = load_settings(environ={"LESART_HOME": str(tmp_path)})
    with Archive.open(settings.database_url) as archive:
        source = archive.ensure_source(
            "<img src=x onerror=window.__hit=1>", "folder", "x", standing=True
        )
        for turn in ("erst", "dann"):
            texts = {
                f"{number}.txt": hostile_draft(number, payload, turn)
                for number, payload in enumerate(ALL)
            }
            small_archive._ingest(archive, source.id, texts)
    with page_of(settings) as (address, _token):
        import httpx

        articles = httpx.get(f"{address}/api/articles?limit=1000").json()["items"]
        browser.get(address)
        errors(browser), requested(browser)
        for place in ["/", "/?limit=200", "/search?q=Pegel&limit=500", "/sources", *(
            f"/a/{each['article']}{'' if number % 2 else '/1..2'}" for number, each in enumerate(articles)
        )]:  # fmt: skip
            browser.get(address + place)
            assert browser.execute_script("return window.__hit") is None, place
        assert errors(browser) == []
        assert requested(browser) == {urlsplit(address).netloc}
