"""A reader labels a change with a button of `lesart web`; the token stays in the browser."""

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.flow.processes import Service, until
from tests.serve.test_browser import open_browser
from tests.services import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def browser(tmp_path):
    driver = open_browser(str(tmp_path / "profile"))
    yield driver
    driver.quit()


def test_a_button_labels_a_change_and_the_browser_keeps_the_token(small_archive, tmp_path, browser):
    with Archive.open(f"sqlite:///{small_archive}") as archive:
        token = add_token(archive, "ada", "review")
    address = f"127.0.0.1:{free_port()}"
    web = Service(tmp_path, "web", web_address=address)
    web.start()
    try:
        until(lambda: _answers(address))
        (article,) = {each["article"] for each in _items(address, "changes")}
        browser.get(f"http://{address}/a/{article}/1..2?lang=de")
        names = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#reviews button")]
        assert names == ["wichtig", "unwichtig", ""], "the note and the token are behind"
        browser.find_element(By.CSS_SELECTOR, "#reviews button[value=important]").click()
        until(browser.find_element(By.CSS_SELECTOR, "#reviews [name=token]").is_displayed)
        for wrong, given in ((True, "lesart_x"), (False, token)):
            field = browser.find_element(By.CSS_SELECTOR, "#reviews [name=token]")
            field.clear()
            field.send_keys(given)
            browser.find_element(By.CSS_SELECTOR, "#reviews button[value=important]").click()
            if wrong:
                said = browser.find_element(By.CSS_SELECTOR, "#reviews [role=status]")
                WebDriverWait(browser, 20).until(lambda _driver, said=said: said.text != "")
                assert _items(address, "reviews") == []
        until(lambda: _items(address, "reviews"))
        (review,) = _items(address, "reviews")
        assert (review["label"], review["reviewer"], review["version"]) == ("important", "ada", 2)
        browser.get(f"http://{address}/a/{article}/1..2?lang=de")
        tags = browser.find_element(By.CSS_SELECTOR, "#reviews .tags").text
        assert "wichtig" in tags
        assert "important" not in tags
        browser.get(f"http://{address}/a/{article}/1..2?lang=en")
        assert "important" in browser.find_element(By.CSS_SELECTOR, "#reviews .tags").text
        kept = browser.find_element(By.CSS_SELECTOR, "#reviews [name=token]")
        assert kept.get_attribute("value") == token
        assert token not in httpx.get(f"http://{address}/a/{article}/1..2").text
    finally:
        web.end()


def _items(address: str, path: str):
    return httpx.get(f"http://{address}/api/{path}").json()["items"]


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False
