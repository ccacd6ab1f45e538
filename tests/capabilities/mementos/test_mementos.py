"""What RFC 7089 asks of an archive: TimeGate, TimeMaps, mementos, and what each of them says."""

import re

import pytest

from storage.write.archive import Archive
from tests.read.press import Press, draft, hour
from tests.serve.conftest import emptied, served

URL = "https://bote.example/pegel?seite=1&von=%C3%A4"
LINK = re.compile(r'<(?P<target>[^>]*)>(?P<rest>(?:;\s*\w+="[^"]*")*)')
TIMES = {1: "Tue, 18 Jun 2024 00:00:00 GMT", 2: "Tue, 18 Jun 2024 02:00:00 GMT",
         3: "Tue, 18 Jun 2024 05:00:00 GMT"}  # fmt: skip


def links(text: str) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Return the links of a header or a TimeMap by relation."""
    found: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for match in LINK.finditer(text):
        values = dict(re.findall(r'(\w+)="([^"]*)"', match["rest"]))
        for rel in values["rel"].split():
            found.setdefault(rel, []).append((match["target"], values))
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def client(request):
    """A page at an address in three versions, first seen at hours 0, 2 and 5."""
    with emptied(request) as url:
        Archive.open(url).close()
        press = Press(url)
        for now, word in ((0, "3,6"), (2, "36"), (5, "3,6")):
            press.scan(now, pegel=draft("Pegel", f"Er stieg um {word} Zentimeter.", address=URL))
        press.close()
        with served(url) as found:
            yield found


def gate(client, moment=None):
    headers = {} if moment is None else {"Accept-Datetime": moment}
    return client.get(f"/timegate/{URL}", headers=headers)


@pytest.mark.parametrize(("asked", "version"), [
    (None, 3), (TIMES[3], 3), ("Wed, 01 Jan 2025 00:00:00 GMT", 3), ("Tue, 18 Jun 2024 04:59:59 GMT", 2),
    (TIMES[2], 2), (TIMES[1], 1), ("Sat, 01 Jan 2000 00:00:00 GMT", 1),
])  # fmt: skip
def test_a_timegate_leads_to_the_memento_of_that_time(client, asked, version):
    answer = gate(client, asked)
    assert answer.status_code == 302
    assert "accept-datetime" in answer.headers["vary"].lower()
    assert "memento-datetime" not in answer.headers
    named = links(answer.headers["link"])
    assert named["original"][0][0] == URL
    assert named["timemap"][0][0].endswith(f"/timemap/link/{URL}")
    memento = client.get(answer.headers["location"])
    assert (memento.status_code, memento.headers["memento-datetime"]) == (200, TIMES[version])
    assert f"version {version} of 3" in memento.text


def test_a_memento_names_its_original_its_timegate_and_its_timemap(client):
    memento = client.get(gate(client).headers["location"])
    named = links(memento.headers["link"])
    assert named["original"][0][0] == URL
    assert client.get(named["timegate"][0][0]).status_code == 302
    assert client.get(named["timemap"][0][0]).status_code == 200
    assert "script-src 'sha256-" in memento.headers["content-security-policy"]


def test_a_time_between_two_mementos_leads_to_the_earlier_one(client):
    answer = client.get(f"/memento/20240618030000/{URL}")
    assert answer.status_code == 302
    assert answer.headers["location"].endswith(f"/memento/20240618020000/{URL}")


def test_the_page_of_a_version_says_by_its_headers_that_it_is_a_memento(client):
    article = client.get("/api/version", params={"rev": URL}).json()["article"]
    page = client.get(f"/a/{article}/2")
    assert page.headers["memento-datetime"] == TIMES[2]
    assert links(page.headers["link"])["original"][0][0] == URL
    assert "memento-datetime" not in client.get(f"/a/{article}").headers


def test_a_timemap_lists_every_memento_with_its_time(client):
    answer = client.get(f"/timemap/link/{URL}")
    assert answer.headers["content-type"].startswith("application/link-format")
    named = links(answer.text)
    assert named["original"][0][0] == URL
    assert named["self"][0][1]["from"] == TIMES[1]
    assert [values["datetime"] for _target, values in named["memento"]] == list(TIMES.values())
    assert (named["first"][0], named["last"][0]) == (named["memento"][0], named["memento"][-1])
    for target, values in named["memento"]:
        assert client.get(target).headers["memento-datetime"] == values["datetime"]


def test_a_long_timemap_comes_in_parts(client, monkeypatch):
    monkeypatch.setattr("storage.capabilities.mementos.pages.MOST_MEMENTOS", 2)
    first = links(client.get(f"/timemap/link/{URL}").text)
    assert len(first["memento"]) == 2
    second = links(client.get(first["timemap"][0][0]).text)
    assert [values["datetime"] for _target, values in second["memento"]] == [TIMES[3]]
    assert "timemap" not in second
    part = client.get(f"/timemap/json/{URL}").json()
    assert client.get(part["next"]).json()["next"] is None


def test_a_timemap_as_json_says_the_same(client):
    told = client.get(f"/timemap/json/{URL}").json()
    assert told["original_uri"] == URL
    moments = [each["datetime"] for each in told["mementos"]["list"]]
    assert moments == [f"{hour(n):%Y-%m-%dT%H:%M:%SZ}" for n in (0, 2, 5)]


@pytest.mark.parametrize(
    "way", ["timegate", "timemap/link", "timemap/json", "memento/20240618020000"]
)
@pytest.mark.parametrize("address", ["https://bote.example/anderes", "bote", "x:%00", "", "%E4:b"])
def test_an_address_that_is_not_there_is_a_problem_with_404(client, way, address):
    answer = client.get(f"/{way}/{address}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such"


@pytest.mark.parametrize("moment", ["2024-06-18", "gestern", "Tue, 18 Jun 2024 02:00:00", "", "Tue, 31 Feb 2024 02:00:00 GMT"])  # fmt: skip
def test_a_time_that_is_none_is_a_problem_with_400(client, moment):
    answer = gate(client, moment)
    assert (answer.status_code, answer.json()["code"]) == (400, "time_invalid")
    assert client.get(f"/memento/99999999999999/{URL}").status_code == 400


def test_one_slash_in_the_place_of_two_is_understood(client):
    answer = client.get(f"/timegate/{URL.replace('//', '/')}")
    assert (answer.status_code, links(answer.headers["link"])["original"][0][0]) == (302, URL)
