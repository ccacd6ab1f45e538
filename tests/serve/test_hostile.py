"""Nothing archived acts: not in a page, not in an answer of the API, not on a terminal."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from storage.values.draft import Draft, Field, Paragraph
from storage.write.archive import Archive
from storage.write.index import index_backlog
from tests.cli import small_archive
from tests.conftest import DIALECTS
from tests.serve.conftest import emptied, served
from tests.serve.hostile import CALL, payloads

pytestmark = [pytest.mark.slow, pytest.mark.starts_first]

ALL = tuple(payloads())
ALLOWED = {
    "a", "article", "aside", "b", "blockquote", "body", "br", "button", "caption", "circle", "code", "dd", "del", "details",
    "div", "dl", "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "head", "header",
    "html", "input", "ins", "label", "li", "line", "link", "main", "mark", "meta", "nav", "option", "output",
    "p", "path", "pre", "rect", "script", "section", "select", "small", "span", "strong", "style",
    "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "time", "title", "tr", "ul",
}  # fmt: skip


class Page(HTMLParser):
    """The elements and attributes of a page, as a browser parses it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def hostile_draft(number: int, payload: str, turn: str) -> Draft:
    clean = payload.replace("\0", "\ufffd")
    return Draft(
        title=f"{clean} {turn}",
        paragraphs=(
            Paragraph("lead", f"Der Pegel {number} {turn} {clean}"),
            Paragraph("quote", clean or "leer"),
            Paragraph("caption", clean or "leer"),
        ),
        extractor=small_archive.EXTRACTOR,
        fields={
            "language": Field("de", clean),
            "authors": Field([clean], clean),
            "publisher": Field(clean, clean),
            "tags": Field([clean, clean], clean),
            "section": Field(clean, clean),
            clean[:40] or "leer": Field({"x": clean}, clean),
        },
        flags=("date_missing",),
    )


@pytest.fixture(scope="module", params=DIALECTS)
def hostile_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give an archive with every payload in title, text, authors, fields and names."""
    with emptied(request) as url:
        with Archive.open(url) as archive:
            name = "böse<img src=x onerror=window.__hit=1>"
            source = archive.ensure_source(
                name, "folder", "seeds", standing=True, every_seconds=60.0
            )
            for turn in ("erst", "dann"):
                texts = {
                    f"{number}{payload[:60].replace('/', '_').replace(chr(0), '')}.txt": hostile_draft(
                        number, payload, turn
                    )
                    for number, payload in enumerate(ALL)
                }
                small_archive._ingest(archive, source.id, texts)
            _index(archive)
        yield url


def _index(archive: Archive) -> None:
    index_backlog(archive)


@pytest.fixture(scope="module")
def pages(hostile_url: str) -> Iterator[dict[str, str]]:
    """Give the pages with the payloads by their address; on PostgreSQL some of them."""
    with served(hostile_url) as client:
        articles = client.get("/api/articles", params={"limit": 1000}).json()["items"]
        assert len(articles) == len(ALL) >= 150
        found = {}
        for article in articles[:: 1 if hostile_url.startswith("sqlite") else 8]:
            name = article["article"]
            places = [f"/a/{name}", f"/a/{name}/1..2"]
            if len(found) < 60:
                places += [
                    f"/a/{name}/{tail}"
                    for tail in (
                        "since",
                        "checks",
                        "cite",
                        "1..2?view=side",
                        "1..2?view=fields",
                        "1..2?view=quotes",
                        "1..2?view=raw",
                    )
                ]
            for place in places:
                answer = client.get(place)
                assert answer.status_code == 200, (place, answer.text[:300])
                found[place] = answer.text
        for place in ("/", "/?limit=100", "/search?q=Pegel&limit=500", "/sources", "/refusals", "/relations",
                      "/search?q=%3Cscript%3Ewindow.__hit%3D1%3C/script%3E", "/a/%3Cimg%20src=x%20onerror=window.__hit=1%3E",
                      "/search?q=x&source=%22%3E%3Cscript%3E"):  # fmt: skip
            found[place] = client.get(place, headers={"Accept": "text/html"}).text
        yield found


def test_a_page_has_no_element_and_no_attribute_that_is_not_ours(pages):
    for place, text in pages.items():
        page = Page(text)
        tags = [tag for tag, _attributes in page.elements]
        assert set(tags) <= ALLOWED, (place, set(tags) - ALLOWED)
        assert (tags.count("script"), tags.count("style")) == (1, 0), place
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], (
                place,
                tag,
            )
            for name in ("href", "src", "action"):
                target = attributes.get(name)
                assert target is None or re.match(r"/(?!/)|#|https?://|\?", target), (place, target)


def test_nothing_hidden_stays_hidden_in_a_page(pages):
    hidden = re.compile(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
    )
    for place, text in pages.items():
        assert hidden.search(Page(text).text) is None, place


def test_no_template_executes_archived_text(pages):
    assert not [
        place
        for place, text in pages.items()
        if ">49<" in text or "storage.web.archives.Library" in text
    ]


def test_the_policy_of_a_page_permits_only_our_own_script(hostile_url):
    with served(hostile_url) as client:
        policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_api_reports_them_as_they_are_and_never_as_a_page(hostile_url):
    with served(hostile_url) as client:
        for path in (
            "/api/articles",
            "/api/changes",
            "/api/search?q=Pegel",
            "/api/articles?nope=<script>",
        ):
            answer = client.get(path)
            assert answer.headers["content-type"] in {
                "application/json",
                "application/problem+json",
            }
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        titles = [each["title"] for each in client.get("/api/articles?limit=1000").json()["items"]]
        assert any(CALL in title for title in titles)
        raw = client.get(
            "/api/raw", params={"rev": client.get("/api/articles").json()["items"][0]["article"]}
        )
        assert raw.headers["content-type"] == "text/plain"
        assert raw.headers["content-disposition"].startswith("attachment")
        assert re.fullmatch(
            r"attachment; filename\*=UTF-8''[\w.%~-]+", raw.headers["content-disposition"]
        )


@pytest.mark.parametrize("command", [["list"], ["changes"], ["search", "Pegel"], ["refusals"]])
def test_nothing_acts_on_a_terminal(hostile_url, command):
    from worker.cli.commands import app

    shown = CliRunner().invoke(app, [*command, "--archive", hostile_url, "--format", "table"])
    assert shown.exit_code == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown.stdout)


def test_json_lines_stay_lines(hostile_url):
    with served(hostile_url) as client:
        lines = (
            client.get("/api/articles", headers={"Accept": "application/jsonl"})
            .text.strip("\n")
            .split("\n")
        )
    assert len([json.loads(line) for line in lines]) == len(ALL)
