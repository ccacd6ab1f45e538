"""Who said that the bridge costs 36 million, and who had it first: three clicks in a real browser.

On a telephone the menu is opened first.
"""

import pytest
from selenium.webdriver.common.by import By

from storage.web.app import make_app
from storage.web.archives import ServedArchive
from storage.web.server import ThreadedServer, bound
from tests.flow.driver import seed
from tests.serve.test_browser import open_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.starts_first]
NARROW = 960
"""Width in pixels up to which the menu has its lists behind "More", which is one more click."""
SAID = "Die Brücke kostet {} Millionen Euro"


@pytest.fixture
def browser(tmp_path):
    driver = open_browser(str(tmp_path / "profile"))
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_three_clicks_tell_who_said_it_and_who_had_it_first(room, browser, width):
    for at, (name, million) in enumerate({"bote": 36, "zeitung": 36, "anzeiger": "3,6"}.items()):
        text = f"„{SAID.format(million)}“, sagte Ada Kern am Montag im Rat der Stadt."
        room.write(f"{name}.txt", seed(f"Neue Brücke im {name}", text))
        room.scan(at)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )

    def click(css: str) -> None:
        """Click on what a reader sees: it is in the window and nothing lies on it."""
        browser.find_element(By.CSS_SELECTOR, css).click()
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(wide) <= 0

    with bound("127.0.0.1", 0) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with ThreadedServer(make_app(ServedArchive(room.url)), listening):
            browser.get(f"{address}/?lang=de")
            if width < NARROW:
                click("nav summary")
                click("nav .at-narrow a[href^='/statements']")
            else:
                click("nav .at-wide a[href^='/statements']")
            words = browser.find_element(By.CSS_SELECTOR, "main [name=about]")
            words.send_keys("Brücke 36 Millionen")
            click("main form button")
            (card,) = browser.find_elements(By.CSS_SELECTOR, "article.card")
            assert "Ada Kern" in card.text
            click("article.card .text a")
            assert browser.find_element(By.TAG_NAME, "h1").text == "Ada Kern"
            wordings = [
                [each.find_element(By.TAG_NAME, "h2").text, *_places(each)]
                for each in browser.find_elements(By.CSS_SELECTOR, "article.card")
            ]
    assert wordings == [
        [SAID.format(36), "bote", "zeitung"], [SAID.format("3,6"), "anzeiger"],
    ]  # fmt: skip


def _places(wording) -> list[str]:
    """Return the last word of the headline of each place."""
    return [each.text.split()[-1] for each in wording.find_elements(By.CSS_SELECTOR, "li a")]
