"""A reader with German pages meets no English sentence: on each page, and after each wrong value of a form."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html
from starlette.routing import Match

from storage.capabilities import load_parts
from storage.web.pages import ROUTERS
from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.cli.small_archive import write_archive
from tests.serve.test_browser import NO_PAGES
from tests.serve.test_orders import desk

PEGEL = "seed:seeds/pegel.txt"
ENGLISH = re.compile(
    r"\b(?:the|is|are|and|of|with|there|not|it|to|no|has|by|from|only|or|this|that|should|must|"
    r"invalid|unknown|required|more|than)\b"
)
"""Words of English sentences that no German text contains; `Not` and `So` are German."""
QUOTED = "self::script or self::style or self::code or self::pre or self::bdi"
"""Commands and names, which are the same in each language."""
OTHERS = "@class='address' or @hreflang='en' or @rel='external' or (@lang and not(self::html))"
"""Addresses, and what the archived texts themselves say in their language."""
PAGES = [
    "/", "/?limit=20", "/?contains=nirgendwo", "/articles", "/articles?state=blocked", "/search", "/search?q=Pegel",
    "/search?q=nirgendwo", "/relations", "/sources", "/refusals", "/statistics", "/jobs", "/alerts", "/front",
    "/alerts?article={a}&passage=Pegel", "/statements", "/persons", "/identities?name=Gesa+M%C3%BChlan", "/unconfirmed", "/proof/{a}",
    "/a/{a}", "/a/{a}/1", "/a/{a}?s=1", "/a/{a}?age=true", "/a/{a}/since", "/a/{a}/checks", "/a/{a}/cite", "/a/{a}/cite?passage=Pegel",
    "/a/{a}/fronts", "/a/{a}/pictures", "/a/{a}/resources", "/a/{a}/rights", "/a/{a}/entries", "/cluster/{cluster}",
    *(f"/a/{{a}}/1..2?view={view}" for view in ("reading", "changes", "side", "fields", "quotes", "links", "raw")),
]  # fmt: skip
WRONG = {
    "/search?q=%22offen": 400, "/search?q=-nur": 400, "/search?q=Damm%20OR": 400, "/search?q=*amm": 400,
    "/search?q=(Damm%20OR%20Pegel)": 400, "/search?q=%2C": 400, "/search?q=Damm&limit=0": 400, "/search?q=Damm&after=x": 400,
    "/search?q=" + "a%20" * 400: 400, "/search?q=Damm&since=gestern": 400, "/search?q=Damm&change=laut": 400,
    "/search?q=Damm&unbekannt=1": 400, "/?as_of=gestern": 400, "/?class=laut": 400, "/?limit=viele": 400, "/?after=x": 400,
    "/articles?month=gestern": 400, "/articles?state=weg": 400, "/articles?after=x": 400, "/a/{a}?as_of=gestern": 400,
    "/a/{a}?as_of=1990": 404, "/a/{a}?v=99": 404, "/a/{a}/9..10": 404, "/a/{a}/bild": 404, "/a/{a}/1..2?view=laut": 400,
    "/a/{a}/compare?a=0&b=x": 400, "/a/nirgendwo": 404, "/a/{a}/cite?passage=nirgends": 404, "/a/{a}/cite?passage=e": 400,
    "/a/{a}?s=99": 404, "/jobs?job=999": 404, "/cluster/nirgendwo": 404, "/front?front=https://x.example/&as_of=gestern": 400,
    "/statements?about=%22offen": 400, "/nirgendwo": 404, "/proof/nirgendwo": 404, "/proof/{a}@99": 404, "/find?rev=": 400,
    "/a/{a}/pictures/99": 404, "/a/{a}/resources/99": 404, "/memento/1/https://x.example/": 400, "/memento/20240618120000/https://x.example/": 404, "/relations?kind=laut": 400,
    "/unconfirmed?decision=laut": 400, "/unconfirmed?after=x": 400, "/statement?of=nirgendwo": 404, "/search?q=%FF": 400,
}  # fmt: skip
"""Addresses with a wrong value, and the status of their answer."""
ADDRESS = "https://www.lohebote.example/pegel"
FORMS = [
    ("/sources", {"locator": ADDRESS}, 401), ("/sources", {"locator": ADDRESS, "token": "lesart_x"}, 401),
    ("/sources", {"token": "{token}"}, 400), ("/sources", {"locator": "kein", "token": "{token}"}, 400),
    ("/sources", {"locator": "kein", "once": "true", "token": "{token}"}, 400),
    ("/sources", {"locator": ADDRESS, "every": "oft", "token": "{token}"}, 400),
    ("/sources", {"locator": ADDRESS, "every": "0s", "token": "{token}"}, 400),
    *(("/sources", {"locator": each, "token": "{token}"}, 400)
      for each in ("http://[", "https://ada:geheim@bote.example/", "https://bote.example:81/", "https://bote.example/a b", "ftp://bote.example/", "https://bote.example/" + "a" * 3999)),
    ("/sources", {"locator": "a\0b", "token": "{token}"}, 400),
    ("/sources", {str(number): "x" for number in range(30)}, 400),
]  # fmt: skip
SENT = [
    ("/api/reviews", {"change": f"{PEGEL}@1", "label": "x"}, 400), ("/api/reviews", {"change": f"{PEGEL}@9", "label": "x"}, 404),
    ("/api/reviews", {"change": f"{PEGEL}@2", "label": "zwei wörter"}, 400),
    ("/api/reviews", {"change": f"{PEGEL}@2", "own": ""}, 400), ("/api/reviews", {"change": f"{PEGEL}@2", "label": "x", "note": "n" * 2001}, 400),
    ("/api/unconfirmed", {"article": PEGEL, "wording": "w1:" + 8 * "0", "decision": "confirmed"}, 400),
    ("/api/unconfirmed", {"article": PEGEL, "wording": "x", "decision": "laut"}, 400),
]  # fmt: skip


def english(text: str) -> list[str]:
    """Return the texts of a page that are English."""
    shown = html.fromstring(text)
    for each in shown.xpath(f"//*[{QUOTED}] | //*[{OTHERS}][not(self::span and @lang='en')]"):
        each.drop_tree()
    said = [*shown.xpath("//text()"), *shown.xpath("//@aria-label | //@title | //@placeholder")]
    return [" ".join(each.split()) for each in said if ENGLISH.search(each)]


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """Give a client whose pages are German, a token, and the names of an article and its cluster."""
    url = f"sqlite:///{tmp_path_factory.mktemp('german') / 'lesart.sqlite3'}"
    with Archive.open(url) as archive:
        write_archive(archive)
        scopes = {"/api/reviews": "review", "/api/unconfirmed": "decide"}
        tokens = {path: add_token(archive, scope, scope) for path, scope in scopes.items()}
    with desk(url) as (client, token):
        tokens["/sources"] = token
        client.headers.update({"Accept": "text/html", "Accept-Language": "de"})
        line = client.get("/api/articles", params={"limit": 100}, headers={"Accept": "*/*"})
        found = {each["origin"]: each for each in line.json()["items"]}
        yield client, tokens, {"a": found[PEGEL]["article"], "cluster": found[PEGEL]["cluster"]}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_no_english_sentence(german, path):
    client, _tokens, names = german
    answer = client.get(path.format(**names))
    assert (answer.status_code, english(answer.text)) == (200, [])


@pytest.mark.parametrize("path", WRONG)
def test_a_wrong_value_is_named_in_german(german, path):
    client, _tokens, names = german
    answer = client.get(path.replace("{a}", names["a"]))
    assert (answer.status_code, english(answer.text)) == (WRONG[path], [])


@pytest.mark.parametrize(("path", "fields", "status"), FORMS)
def test_a_form_with_a_wrong_value_answers_in_german(german, path, fields, status):
    client, tokens, _names = german
    fields = {name: value.replace("{token}", tokens[path]) for name, value in fields.items()}
    answer = client.post(path, data=fields)
    assert (answer.status_code, english(answer.text)) == (status, [])


@pytest.mark.parametrize(("path", "fields", "status"), SENT)
def test_what_a_script_sends_is_refused_in_german_for_a_page_and_as_json_for_a_program(
    german, path, fields, status
):
    client, tokens, _names = german
    headers = {"Authorization": f"Bearer {tokens[path]}"}
    answer = client.post(path, json=fields, headers=headers)
    assert (answer.status_code, english(answer.text)) == (status, [])
    told = client.post(path, json=fields, headers=headers | {"Accept": "*/*"})
    assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json")


def test_a_refused_search_keeps_its_field(german):
    client, _tokens, _names = german
    shown = html.fromstring(client.get("/search?q=%22offen&language=de").text)
    assert shown.xpath("//main//input[@name='q']/@value") == ['"offen']
    assert "Anführungszeichen" in shown.xpath("string(//*[@role='alert'])")


def test_every_page_of_the_routers_is_opened(german):
    _client, _tokens, names = german
    routes = [
        each
        for router in (*(p.ROUTER for p in load_parts("pages")), *ROUTERS)
        for each in router.routes
    ]
    opened = set()
    for path in [*PAGES, *WRONG]:
        scope = {
            "type": "http",
            "method": "GET",
            "path": unquote(urlsplit(path.format(**names)).path),
        }
        opened |= {next((r.path for r in routes if r.matches(scope)[0] is Match.FULL), None)}
    assert {each.path for each in routes} - NO_PAGES - opened == {"/quotes.atom", "/quotes.json"}
