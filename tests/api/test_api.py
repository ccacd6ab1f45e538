"""The API returns the answers of the library in the promised form."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.capabilities import CAPABILITIES
from storage.read.archive import open_archive
from storage.values.redaction import RedactionReason
from storage.web.problems import TITLES
from storage.web.schemas import LINES
from storage.write.archive import Archive
from storage.write.redaction.restrict import restrict
from tests.cli.small_archive import write_archive
from tests.serve.conftest import served
from tests.statements import statements_of

DOC = Path(__file__).resolve().parents[2] / "docs" / "http-api.md"
PEGEL = "seed:seeds/pegel.txt"


def items(client, path, **parameters):
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_version_is_found_by_its_revision_in_the_path(client):
    shown = client.get("/api/version", params={"rev": f"{PEGEL}@1"}).json()
    assert client.get(f"/api/articles/{PEGEL}@1").json() == shown
    assert client.get(f"/api/articles/{shown['article']}@~1").json() == shown


def test_a_list_goes_on_from_next_until_it_is_null(client):
    whole = items(client, "/api/articles")
    seen, after = [], None
    while True:
        answer = client.get(
            "/api/articles", params={"limit": 1, **({"after": after} if after else {})}
        )
        part = answer.json()
        seen += part["items"]
        after = part["next"]
        if after is None:
            break
    assert seen == whole
    assert len(whole) == 3


def test_lines_come_whole_and_as_they_are_in_parts(client):
    answer = client.get("/api/articles", headers={"Accept": LINES})
    assert answer.headers["content-type"] == LINES
    assert len(answer.text.splitlines()) == len(items(client, "/api/articles"))
    assert (
        len(client.get("/api/articles?limit=2", headers={"Accept": LINES}).text.splitlines()) == 2
    )


def test_changes_after_a_seq_come_once_each_and_none_is_left_out(client):
    first = client.get("/api/changes", params={"after": "0"}).json()
    assert [change["version"] for change in first["items"]] == [2]
    assert first["items"][0]["removed"] == ["3,6"]
    assert first["next"] == str(first["items"][0]["seq"])
    again = client.get("/api/changes", params={"after": first["next"]}).json()
    assert again == {"items": [], "next": first["next"]}


def test_bytes_are_sent_only_as_an_attachment_of_plain_text(client):
    answer = client.get("/api/raw", params={"rev": PEGEL})
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("style", ["markdown", "bibtex", "csl-json", "w3c"])
def test_a_reference_is_written_in_the_style_that_is_asked_for(client, style):
    answer = client.get(
        "/api/cite", params={"rev": PEGEL, "style": style, "passage": "36 Zentimeter"}
    )
    assert answer.status_code == 200
    assert "36 Zentimeter" in answer.text


def test_a_known_answer_is_a_304_without_a_body(client):
    tag = client.get("/api/articles").headers["etag"]
    again = client.get("/api/articles", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/articles", headers={"If-None-Match": '"else"'}).status_code == 200


@pytest.mark.parametrize("path", [
    "/api/articles", f"/api/blame?rev={PEGEL}", "/api/search?q=Pegel", "/search?q=Pegel",
    "/api/changes",
])  # fmt: skip
def test_an_answer_that_is_known_is_reported_before_it_is_worked_out(client, archive_url, path):
    told = client.get(path).headers
    tag = told["etag"]
    with statements_of(Engine) as asked:
        known = client.get(path, headers={"If-None-Match": f'"else", {tag}'})
    assert (known.status_code, known.headers["etag"]) == (304, tag)
    assert len(asked) == statements_for_the_state(archive_url)
    changed = {name for name, value in known.headers.items() if told.get(name) != value}
    assert changed <= {"date"}, "a browser would take them for those of the page that it has"
    other = {"If-None-Match": tag, "Accept-Language": "de"}
    in_german = 200 if path.startswith("/search") else 304
    assert client.get(path, headers=other).status_code == in_german


@pytest.mark.parametrize("path", ["/", "/api/articles", f"/api/blame?rev={PEGEL}"])
def test_the_same_answer_is_given_again_without_being_worked_out(
    client, archive_url, path, monkeypatch
):
    monkeypatch.setattr("storage.web.http_cache.now", lambda: 600.0)  # no minute ends in between
    first = client.get(path)
    with statements_of(Engine) as asked:
        again = client.get(path)
    assert len(asked) == statements_for_the_state(archive_url)
    assert (again.status_code, again.content) == (200, first.content)
    assert {**again.headers, "date": ""} == {**first.headers, "date": ""}
    lines = client.get(path, headers={"Accept": "application/jsonl"})
    assert (lines.content == first.content) == (path == "/")


def statements_for_the_state(url):
    """SQLite needs none to see that nothing was committed."""
    return 0 if url.startswith("sqlite") else 1


def test_browsers_of_one_language_are_given_the_same_answer(client, monkeypatch):
    monkeypatch.setattr("storage.web.http_cache.now", lambda: 600.0)  # no minute ends in between
    first = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.8", "Accept": "text/html"})
    with statements_of(Engine) as asked:
        again = client.get("/", headers={"Accept-Language": "de", "Accept": "*/*"})
    assert again.content == first.content
    assert not [each for each in asked if "FROM version" in each]
    english = client.get("/", headers={"Accept-Language": "en, de"})
    assert english.headers["content-language"] == "en"


def test_a_cached_answer_is_computed_again_after_a_write(database_url):
    with Archive.open(database_url) as archive:
        write_archive(archive)
        with served(database_url) as asking:
            before = {path: asking.get(path).content for path in ("/", "/api/changes")}
            with open_archive(database_url) as reading:
                changed = reading.article_row_id(items(asking, "/api/changes")[0]["article"])
            assert archive.transact(restrict, [changed], RedactionReason.GDPR_RESTRICTION, "ada")
            for path, content in before.items():
                assert asking.get(path).content != content


def test_a_known_answer_is_computed_again_after_a_write(database_url):
    with Archive.open(database_url) as archive:
        write_archive(archive)
        with served(database_url) as asking:
            listed = [each["article"] for each in items(asking, "/api/articles", source="seeds")]
            path, *others = (f"/api/history?article={each}" for each in listed)
            tag, known = asking.get(path).headers["etag"], asking.get(others[0]).headers["etag"]
            with open_archive(database_url) as reading:
                article = reading.article_row_id(listed[0])
            assert archive.transact(restrict, [article], RedactionReason.GDPR_RESTRICTION, "ada")
            told = asking.get(path, headers={"If-None-Match": tag})
            assert told.status_code == 200
            assert {row["title"] for row in told.json()["items"]} == {None}
            same = asking.get(others[0], headers={"If-None-Match": known})
            assert (same.status_code, same.headers["etag"] == known) == (304, False)


def test_a_request_with_too_long_a_head_is_a_problem_like_any_other(client):
    told = client.get("/api/articles", headers={"X-Long": "x" * 1_000_000})
    assert (told.status_code, told.headers["content-type"]) == (400, "application/problem+json")
    assert told.json()["code"] == "request_invalid"
    assert told.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/articles?nope=1", "parameter_unknown"),
        ("/api/articles?limit=0", "parameter_invalid"),
        ("/api/articles?limit=1001", "parameter_invalid"),
        ("/api/articles?language=%00", "parameter_invalid"),
        ("/api/changes?after=99999999999999999999", "cursor_invalid"),
        ("/api/changes?after=1&article=x", "parameter_invalid"),
        ("/api/articles/nowhere", "no_such"),
        ("/api/clusters/nowhere", "no_such"),
        ("/nowhere", "no_such"),
    ],
)
def test_a_wrong_request_is_a_problem_with_its_code(client, path, code):
    answer = client.get(path)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (
        (problem["code"], problem["status"])
        == (code, answer.status_code)
        == (code, TITLES[code][0])
    )
    assert problem["detail"]


def test_each_wrong_parameter_is_reported_with_its_own_reason(client):
    detail = client.get("/api/search?limit=x&latest=x&nope=1").json()["detail"]
    reasons = dict(each.split(": ", 1) for each in detail.split("; "))
    assert reasons["q"] == "Field required"
    assert reasons["nope"] == "unknown parameter"
    assert "integer" in reasons["limit"]
    assert "boolean" in reasons["latest"]


def test_the_head_of_an_answer_can_be_asked_for_alone(client):
    head = client.head("/api/articles")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == client.get("/api/articles").headers["etag"]


def test_nothing_here_takes_anything_but_get(client):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, "/api/articles")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:8790", "[::1"]
)
def test_another_name_is_turned_away(client, host):
    assert client.get("/api/articles", headers={"Host": host}).status_code in {400, 421}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "LOCALHOST:8790", "[::1]:8790"])
def test_the_names_of_this_machine_are_served(client, host):
    assert client.get("/api/articles", headers={"Host": host}).status_code == 200


def test_a_large_request_is_refused_before_it_is_read(client):
    answer = client.post("/api/articles", content=b"x" * (2 * 1024 * 1024))
    assert answer.json()["code"] == "too_large"


def test_the_connection_of_the_page_cannot_write(archive_url):
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from storage.web.archives import ArchivePool, ServedArchive

    library = ArchivePool(ServedArchive(archive_url))
    with library.today.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("UPDATE source SET paused = TRUE"))
    library.close()


def test_a_question_that_takes_too_long_is_given_up(archive_url):
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    with open_archive(archive_url, seconds=1) as archive, archive.connect() as connection:
        endless = (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        )
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(endless))
    assert re.search("interrupted|statement timeout", str(caught.value.orig))


def test_every_path_of_the_api_is_reported_and_no_other(client):
    pages = [DOC, *(DOC.with_name(each.document) for each in CAPABILITIES)]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    told = set(re.findall(r"^\| `(/api/[^`]*)`", text, re.MULTILINE))
    there = {
        path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/api")
    }
    assert there == told


def test_every_code_of_a_problem_is_reported_with_its_status():
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (.+) \|$", DOC.read_text("utf-8"), re.MULTILINE)
    assert {code: (int(status), title) for code, status, title in rows} == dict(TITLES)
