"""A restricted text is served in no form: not as a page, not as JSON, not in a feed, not as bytes."""

import pytest

from storage.values.redaction import RedactionReason
from storage.write.archive import Archive
from storage.write.redaction.restrict import restrict
from tests.cli.small_archive import write_archive
from tests.serve.conftest import served

TITLE, WORDS = "Der Damm hält", "Sandsäcke"
GERMAN = {"Accept-Language": "de"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Give a client for a small archive of which two articles with one text are restricted."""
    url = f"sqlite:///{tmp_path_factory.mktemp('restricted') / 'lesart.sqlite3'}"
    with Archive.open(url) as archive:
        write_archive(archive)
        with archive.read_connection() as connection:
            wanted = (
                "SELECT DISTINCT v.article_id FROM version v JOIN wording w ON w.id = v.wording_id "
                f"WHERE w.title = '{TITLE}'"
            )
            articles = list(connection.exec_driver_sql(wanted).scalars())
        assert (
            len(archive.transact(restrict, articles, RedactionReason.GDPR_RESTRICTION, "ada")) == 2
        )
    with served(url) as found:
        yield found


@pytest.fixture(scope="module")
def article(client) -> str:
    told = client.get("/api/articles").json()
    rows = told if isinstance(told, list) else next(v for v in told.values() if isinstance(v, list))
    hidden = [each for each in rows if each["state"] == "restricted"]
    assert [each["title"] for each in hidden] == [None, None]
    return str(max(hidden, key=lambda each: each["versions"])["article"])


PLACES = (
    "/", "/?lang=de", "/feed.atom", "/feed.json", "/search?q=Sandsäcke", "/a/{a}", "/a/{a}/1",
    "/a/{a}/checks", "/proof/{a}@1", "/relations", "/api/changes", "/api/articles",
    "/api/articles/{a}@1", "/api/version?rev={a}@1", "/statistics",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_place_shows_anything_of_it(client, article, place):
    found = client.get(place.format(a=article), headers=GERMAN, follow_redirects=True)
    assert found.status_code == 200, found.text
    assert TITLE not in found.text
    assert f"{WORDS} und sicherten" not in found.text


def test_an_article_says_that_it_is_restricted(client, article):
    told = client.get(f"/a/{article}", headers=GERMAN).text
    assert "Dieser Text ist gesperrt" in told
    assert "(gesperrt)" in told


@pytest.mark.parametrize("place", ["/api/raw?rev={a}@1", "/api/diff?rev={a}@1..@2", "/a/{a}/since", "/a/{a}/1..2"])  # fmt: skip
def test_an_answer_that_needs_restricted_text_or_bytes_is_a_reason(client, article, place):
    found = client.get(place.format(a=article))
    assert found.status_code == 451, found.text
