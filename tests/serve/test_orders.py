"""Requests that change something need a token, and do the same as the command."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from storage.capabilities import load_parts
from storage.read.archive import open_archive
from storage.settings import load_settings
from storage.web.app import Site
from storage.write.archive import Archive
from storage.write.tokens import add_token, revoke_token, token_of, tokens
from tests.serve.conftest import served
from worker.services import captures
from worker.services.orders import create_ingest_service, router
from worker.services.rate_limit import RateLimit

PAGE = "https://www.lohebote.example/pegel"


@contextmanager
def desk(url, scope="write", requests=1000, wrong=1000):
    """Give a client that has a token, and the token."""
    with Archive.open(url) as archive:
        token = add_token(archive, f"redaktion-{len(tokens(archive))}", scope)
        found = replace(
            create_ingest_service(archive, load_settings(archive=url)),
            requests=RateLimit(requests), invalid_tokens=RateLimit(wrong),
        )  # fmt: skip
        routers = (router, captures.router, *(part.ROUTER for part in load_parts("write_routes")))
        site = Site(routers=routers, state={"ingest_service": found, "may_write": True})
        with served(url, site) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            yield client, token


def test_an_ordered_ingestion_is_a_job_that_came_by_the_api(archive_url):
    with desk(archive_url) as (client, _token):
        answer = client.post("/api/ingest", json={"locators": [PAGE]})
    assert answer.status_code == 202
    with open_archive(archive_url) as archive:
        job = next(iter(archive.jobs(answer.json()["job"])))
    assert (job.trigger, job.kind, job.state) == ("api", "ingest", "ready")


def test_a_source_is_added_changed_and_removed(archive_url):
    with desk(archive_url) as (client, _token):
        added = client.post("/api/sources", json={"locator": PAGE, "name": "bote", "every": "15m"})
        again = client.post("/api/sources", json={"locator": PAGE, "name": "bote"})
        changed = client.patch("/api/sources", json={"name": "bote", "paused": True})
        listed = client.get("/api/sources").json()["items"]
        removed = client.delete("/api/sources", params={"name": "bote"})
        left = client.get("/api/sources").json()["items"]
    assert (added.status_code, added.json()["every_seconds"]) == (201, 900.0)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert changed.json()["paused"] is True
    assert "bote" in [each["name"] for each in listed]
    assert removed.status_code == 204
    assert "bote" not in [each["name"] for each in left]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/ingest", {"locators": [PAGE]}),
        ("POST", "/api/sources", {"locator": PAGE}),
        ("PATCH", "/api/sources", {"name": "seeds", "paused": True}),
        ("DELETE", "/api/sources?name=seeds", None),
    ],
)
def test_without_a_token_nothing_is_changed(archive_url, method, path, body):
    with desk(archive_url) as (client, _token), open_archive(archive_url) as archive:
        before = (archive.sources(), len(list(archive.jobs())))
        client.headers.pop("Authorization")
        wrong = dict.fromkeys(("Bearer wrong", "Bearer lesart_x"), "token_invalid")
        missing = dict.fromkeys((None, "", "Bearer", "Basic bGVzYXJ0"), "token_missing")
        for header, code in (missing | wrong).items():
            headers = {} if header is None else {"Authorization": header}
            answer = client.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, code)
            is_wrong = code == "token_invalid"
            assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) == is_wrong
        assert (archive.sources(), len(list(archive.jobs()))) == before


@pytest.mark.parametrize(("scope", "path", "status"), [
    ("ingest", "/api/ingest", 202), ("ingest", "/api/sources", 403),
    ("sources", "/api/ingest", 403), ("sources", "/api/sources", 201),
])  # fmt: skip
def test_a_token_allows_what_its_scope_says(archive_url, scope, path, status):
    body = {"locators": [PAGE]} if path == "/api/ingest" else {"locator": f"{PAGE}/{scope}"}
    with desk(archive_url, scope) as (client, _token):
        assert client.post(path, json=body).status_code == status


def test_a_token_that_was_taken_back_allows_nothing(archive_url):
    with desk(archive_url) as (client, token):
        with Archive.open(archive_url) as archive:
            found = token_of(archive, token)
            revoke_token(archive, found.name)
        answer = client.post("/api/ingest", json={"locators": [PAGE]})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_the_archive_keeps_no_token_but_its_digest(archive_url):
    from sqlalchemy import text

    with (
        desk(archive_url) as (_client, token),
        Archive.open(archive_url) as archive,
        archive.read_connection() as connection,
    ):
        rows = connection.execute(text("SELECT * FROM access_token")).all()
    assert rows
    assert token not in repr(rows)
    assert token.removeprefix("lesart_").encode() not in b"".join(bytes(row.digest) for row in rows)


@pytest.mark.parametrize(
    "locator",
    [
        "/etc/passwd",
        "seeds/x.txt",
        "file:///etc/passwd",
        "*.txt",
        "-",
        "javascript:alert(1)",
        "ftp://x.example/",
    ],
)
def test_nothing_but_an_address_of_the_web_can_be_named(archive_url, locator):
    with desk(archive_url) as (client, _token):
        for path, body in (
            ("/api/ingest", {"locators": [locator]}),
            ("/api/sources", {"locator": locator}),
        ):
            answer = client.post(path, json=body)
            if answer.status_code == 202:  # an address that is refused where it is looked at
                assert locator.startswith(("ftp:", "javascript:", "file:"))
            else:
                assert answer.json()["code"] == "not_an_address", (path, locator)


@pytest.mark.parametrize(
    "body", [{"every": "bald"}, {"cron": "x"}, {"every": "5m", "cron": "0 6 * * *"}, {"nope": 1}]
)
def test_a_wrong_schedule_is_refused(archive_url, body):
    with desk(archive_url) as (client, _token):
        answer = client.post("/api/sources", json={"locator": PAGE, "name": "x", **body})
        assert answer.status_code == 400


def test_who_orders_too_often_waits(archive_url):
    with desk(archive_url, requests=2) as (client, _token):
        codes = [client.post("/api/ingest", json={"locators": [PAGE]}) for _ in range(3)]
    assert [each.status_code for each in codes] == [202, 202, 429]
    assert int(codes[-1].headers["retry-after"]) > 0


def test_who_guesses_tokens_waits(archive_url):
    with desk(archive_url, wrong=3) as (client, _token):
        client.headers["Authorization"] = "Bearer guess"
        codes = [client.post("/api/ingest", json={}).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]


def test_the_form_works_with_the_token_in_it_and_is_sent_from_our_page_alone(archive_url):
    with desk(archive_url) as (client, token):
        client.headers.pop("Authorization")
        form = {"locator": f"{PAGE}/form", "every": "", "token": token}
        foreign = client.post("/sources", data=form, headers={"Origin": "https://evil.example"})
        crossed = client.post("/sources", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        wrong = client.post("/sources", data={**form, "token": "nope"})
        own = client.post("/sources", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        shown = client.get("/sources").text
    assert [foreign.status_code, crossed.status_code, wrong.status_code] == [403, 403, 401]
    assert (own.status_code, own.headers["location"]) == (303, "/sources")
    assert f"{PAGE}/form" in shown
    assert token not in shown


@pytest.mark.slow
def test_the_commands_make_list_and_revoke_tokens(tmp_path):
    from worker.cli.commands import app

    run = CliRunner()
    place = ["--archive", str(tmp_path / "lesart.sqlite3"), "--format", "json"]
    added = run.invoke(app, ["token", "add", "cms", "--scope", "ingest", *place])
    assert '"token":"lesart_' in added.stdout.replace(": ", ":")
    assert '"cms"' in run.invoke(app, ["token", "list", *place]).stdout
    assert run.invoke(app, ["token", "revoke", "cms", *place[:2]]).exit_code == 0
    assert "lesart_" not in run.invoke(app, ["token", "list", *place]).stdout
