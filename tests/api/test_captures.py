"""`POST /api/captures`: accepted, refused and forbidden requests."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection

import httpx
import pytest

from storage.read.archive import open_archive
from storage.settings import load_settings
from storage.values.digest import origin_id, raw_digest
from storage.web import connections
from storage.web.app import Site
from storage.write.archive import Archive
from storage.write.tokens import add_token, tokens
from tests.serve.conftest import served
from worker.flow.run_jobs import drain
from worker.services import captures
from worker.services.captures import body_limit
from worker.services.orders import create_ingest_service, router

URL = "https://www.lohebote.example/plus/pegel?utm_source=brief#anfang"
ORIGIN = "https://www.lohebote.example/plus/pegel"
MIB = 1024 * 1024
UNSUPPORTED = "type_unsupported"
FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=x"}
PAGE = (
    "<!DOCTYPE html> <html lang=de><meta charset=utf-8><title>Pegel der Lohe steigt</title><body>{}"
)


def article(change: str = "") -> str:
    body = "".join(
        f"<p>Der Pegel der Lohe stieg am Wochenende auf {number} Zentimeter, teilte das Wasseramt "
        f"in Brückenau mit. Die Feuerwehr hielt Sandsäcke bereit{change if number == 402 else ''}."
        for number in range(400, 406)
    )
    return PAGE.format(f"<main><article><h1>Pegel der Lohe steigt</h1>{body}</article></main>")


@contextmanager
def submitting(url: str, scope: str = "capture", **settings: str) -> Iterator[httpx.Client]:
    """Give a client of a server with a new token of a scope; its name is in `client.name`."""
    environ = {f"LESART_{name.upper()}": value for name, value in settings.items()}
    given = load_settings(archive=url, environ=environ)
    with Archive.open(url) as archive:
        name = f"leser-{len(tokens(archive))}"
        token = add_token(archive, name, scope)
        site = Site(
            routers=(router, captures.router),
            state={"ingest_service": create_ingest_service(archive, given), "may_write": True},
            upload_bytes=body_limit(given),
        )
        with served(url, site) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            client.name = name
            yield client


def send(client: httpx.Client, page: str | bytes, url: str = URL) -> httpx.Response:
    file = ("Pegel.html", page if isinstance(page, bytes) else page.encode(), "text/html")
    return client.post("/api/captures", data={"url": url}, files={"file": file})


def read_all(url: str) -> None:
    with Archive.open(url) as archive:
        drain(archive, load_settings(archive=url))


def stored(url: str, origin: str = ORIGIN) -> list[tuple]:
    """Return the checks of an address, as SQL users see them."""
    query = (
        'SELECT "foreign", note, http_status, outcome FROM observations WHERE origin = :o '
        "ORDER BY seq"
    )
    with open_archive(url) as archive:
        return list(archive.sql(query, {"o": origin}).rows)


BOUNDARY = "----WebKitFormBoundary3qyODjzHbM8t6ndF"
FORM = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="{file}"; '
    'filename="Pegel der Lohe %22steigt%22 – Lohebote (28.11.2026 18:27).html"\r\n'
    "Content-Type: text/html\r\n\r\n{page}\r\n"
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="{url}"\r\n\r\n'
    f"{URL}\r\n--{BOUNDARY}--\r\n"
)
"""The bytes of the form that SingleFile sends in Chromium 156, as recorded from its `FormData`."""


@pytest.mark.slow
@pytest.mark.parametrize("names", [("file", "url"), ("archive_data", "page address")])
def test_the_form_of_singlefile_is_stored_bit_for_bit_whatever_its_fields_are_called(
    archive_url, names
):
    page = article(" ".join(names))
    body = FORM.format(file=names[0], page=page, url=names[1]).encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Accept": "application/json", "Origin": "chrome-extension://mpiodijhokgodhhofbcjdecpffjipkle",
        "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "cors",
    }  # fmt: skip
    with submitting(archive_url) as client:
        answer = client.post("/api/captures", content=body, headers=headers)
        raw = page.encode()
        assert answer.status_code == 201  # SingleFile takes no other status but 200 for a success
        assert answer.json() == {
            "job": answer.json()["job"], "article": origin_id(ORIGIN), "origin": ORIGIN,
            "raw_digest": raw_digest(raw).hex(),
        }  # fmt: skip
        read_all(archive_url)
        rev = f"{origin_id(ORIGIN)}@latest"
        shown = client.get(f"/api/articles/{rev}").json()
        assert client.get("/api/raw", params={"rev": rev}).content == raw
        (job,) = client.get("/api/jobs", params={"job": answer.json()["job"]}).json()["items"]
    assert shown["flags"] == ["date_missing", "submitted"]
    assert shown["fields"]["submitted_by"]["value"] == client.name
    assert (job["kind"], job["trigger"], job["state"]) == ("read", "api", "done")
    assert stored(archive_url)[-1][:3] == (True, f"submitted by {client.name}", None)


def test_a_page_may_be_sent_as_json(archive_url):
    with submitting(archive_url) as client:
        page = article(", sagte sie „morgen“")
        answer = client.post("/api/captures", json={"url": URL, "html": page})
    assert answer.status_code == 201
    assert answer.json()["raw_digest"] == raw_digest(page.encode()).hex()


def test_wrong_json_is_refused(archive_url):
    wrong = (
        ({"url": URL}, "parameter_invalid"),
        ({"html": "<html>"}, "parameter_invalid"),
        ({"url": URL, "html": 7}, "parameter_invalid"),
        ({"url": URL, "html": "<html>", "fetch": True}, "parameter_unknown"),
        ({"url": URL, "html": "kein Markup"}, "type_unsupported"),
        ([], "parameter_invalid"),
        (b'{"url": "' + URL.encode() + b'", "html": "<p>\\ud800"}', "parameter_invalid"),
        (b"{", "parameter_invalid"),
        (b"[" * 100_000, "parameter_invalid"),
    )
    with submitting(archive_url) as client:
        before = len(stored(archive_url))
        for body, code in wrong:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"Content-Type": "application/json"}
            answer = client.post("/api/captures", content=content, headers=headers)
            assert (answer.json()["code"], answer.status_code in {400, 415}) == (code, True), body
    assert len(stored(archive_url)) == before


FORM_PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
PAGE_PART = FORM_PART % (b"file", b'; filename="a.html"', article().encode())
JSON_TYPE = {"Content-Type": "application/json"}
LATIN = ORIGIN.encode() + "ä".encode("latin-1")
NO_UTF8 = (
    ("/api/captures", FORM_PART % (b"url", b"", LATIN) + PAGE_PART + b"--x--\r\n", FORM_TYPE, "url"),
    ("/api/captures", FORM_PART % (b"url", b"", LATIN) + PAGE_PART + b"--x--\r\n",
     {"Content-Type": FORM_TYPE["Content-Type"] + "; charset=latin-1"}, "url"),
    ("/api/captures", b'{"url": "%s", "html": "<p>"}' % LATIN, JSON_TYPE, "body"),
    ("/api/captures", b'{"url": "%s\\ud800", "html": "<p>"}' % ORIGIN.encode(), JSON_TYPE, "body"),
    ("/api/ingest", b'{"locators": ["%s\\ud800"]}' % ORIGIN.encode(), JSON_TYPE, "locators.0"),
    ("/api/ingest", b'{"locators": ["%s"]}' % LATIN, JSON_TYPE, None),
    ("/sources", b"locator=" + LATIN, {}, "locator"),
    ("/sources", b"locator=%s%%E4" % ORIGIN.encode(), {}, "locator"),
    ("/find?url=https://a.example/%E4", None, {}, "url"),
    ("/api/articles?source=%ED%A0%80", None, {}, "source"),
    ("/search?q=Pegel&language=%FF", None, {}, "language"),
)  # fmt: skip
"""Each way in for bytes that are not UTF-8: path, body, headers, named parameter (unreadable JSON: none)."""


def test_a_text_that_is_not_utf8_is_refused_and_named_and_never_becomes_another(archive_url):
    with submitting(archive_url, "write") as client:
        before = len(stored(archive_url))
        found = []
        for path, body, headers, _parameter in NO_UTF8:
            method = "GET" if body is None else "POST"
            answer = client.request(method, path, content=body, headers=headers)
            named = [
                each["parameter"] for each in answer.json().get("errors", [{"parameter": None}])
            ]
            found.append((path, answer.status_code, named))
        assert found == [(path, 400, [parameter]) for path, _, _, parameter in NO_UTF8]
        umlaut = FORM_PART % (b"url", b"", f"{ORIGIN}/ä".encode()) + PAGE_PART + b"--x--\r\n"
        answer = client.post("/api/captures", content=umlaut, headers=FORM_TYPE)
        assert answer.json()["origin"] == f"{ORIGIN}/%C3%A4"
        assert client.get("/timegate/https://a.example/?x=%E4").status_code == 404
    assert len(stored(archive_url)) == before


NO_PAGES = (
    "", "pegel", "file:///etc/passwd", "javascript:alert(1)", "about:blank", "data:text/html,x",
    "chrome://settings", "http://", "https://a.example:8443/", "https://leser:geheim@a.example/",
    "http://127.0.0.1/", "http://10.1.2.3/wiki", "http://[::1]/", "http://169.254.169.254/latest",
    "http://localhost/", "http://wiki/seite", "http://wiki.internal/", "http://2130706433/",
    "https://a.example/\0", "https://a.example/" + "x" * 6_000,
)  # fmt: skip


def test_an_address_that_no_public_page_has_is_refused(archive_url):
    with submitting(archive_url) as client:
        jobs = len(client.get("/api/jobs").json()["items"])
        for url in NO_PAGES:
            answer = send(client, article(), url)
            code = answer.json()["code"]
            assert (answer.status_code, code) == (400, "not_an_address"), url
            assert "geheim" not in answer.text
        assert len(client.get("/api/jobs").json()["items"]) == jobs


def test_a_page_of_an_own_server_is_accepted_if_the_settings_permit_the_server(archive_url):
    with submitting(archive_url, allow_hosts="wiki.intern:8443=10.1.2.3") as client:
        answer = send(client, article(), "https://wiki.intern:8443/seite")
    assert (answer.status_code, answer.json()["origin"]) == (201, "https://wiki.intern:8443/seite")


def test_a_secret_of_the_address_is_stored_nowhere(archive_url):
    with submitting(archive_url) as client:
        answer = send(client, article(), f"{ORIGIN}?token=geheim7&id=3")
        origin = answer.json()["origin"]
    assert answer.status_code == 201
    assert "geheim7" not in answer.text
    assert origin.endswith("?id=3&token=***" + origin.rpartition("***")[2])


@pytest.mark.parametrize("scope", ["ingest", "sources"])
def test_other_scopes_submit_nothing(archive_url, scope):
    with submitting(archive_url, scope) as client:
        answer = send(client, article())
    assert (answer.status_code, answer.json()["code"]) == (403, "token_scope")


def test_the_scope_allows_no_other_request(archive_url):
    with submitting(archive_url) as client:
        for path, body in (
            ("/api/ingest", {"locators": [URL]}),
            ("/api/sources", {"locator": URL}),
        ):
            answer = client.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "token_scope")


class Sending:
    """A form with a file of unknown length, sent in pieces; `sent` counts its bytes."""

    def __init__(self, mebibytes: int) -> None:
        self.sent, self._mebibytes = 0, mebibytes

    def pieces(self) -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        for _ in range(self._mebibytes):
            self.sent += MIB
            yield b"x" * MIB


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "token_missing"), ("Basic YTpi", "token_missing"), ("Bearer x", "token_invalid")],
)
def test_without_a_valid_token_nothing_is_accepted(archive_url, header, code):
    with submitting(archive_url) as client:
        client.headers.pop("Authorization")
        headers = FORM_TYPE | ({} if header is None else {"Authorization": header})
        answer = client.post("/api/captures", content=b"x" * 5 * MIB, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        sending = Sending(200)
        with suppress(httpx.TransportError):  # the connection is closed
            client.post("/api/captures", content=sending.pieces(), headers=headers)
        assert sending.sent < 100 * MIB


def test_other_types_of_requests_and_files_are_refused(archive_url):
    wrong = (
        (b"--x--\r\n", FORM_TYPE, (400, "parameter_invalid")),
        (b"", FORM_TYPE, (400, "parameter_invalid")),
        (b"--y\r\n", FORM_TYPE, (400, "request_invalid")),
        (b"a", {"Content-Type": "multipart/form-data"}, (400, "request_invalid")),
        (b"url=a", {"Content-Type": "application/x-www-form-urlencoded"}, (415, UNSUPPORTED)),
        (b"<html>", {"Content-Type": "text/html"}, (415, UNSUPPORTED)),
        (b"<html>", {}, (415, UNSUPPORTED)),
    )
    files = (b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"nur Text", b'{"url": "a"}')
    with submitting(archive_url) as client:
        for content, headers, expected in wrong:
            answer = client.post("/api/captures", content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == expected, content
        for raw in files:
            answer = send(client, raw)
            assert (answer.status_code, answer.json()["code"]) == (415, UNSUPPORTED), raw


def test_a_second_file_and_a_form_without_an_address_are_refused(archive_url):
    file = ("a.html", article().encode(), "text/html")
    with submitting(archive_url) as client:
        two = client.post("/api/captures", data={"url": URL}, files=[("a", file), ("b", file)])
        none = client.post("/api/captures", files={"file": file})
        many = client.post(
            "/api/captures", files={"file": file}, data={f"f{n}": "x" for n in range(40)}
        )
    assert (two.status_code, two.json()["code"]) == (400, "request_invalid")
    assert (none.status_code, none.json()["code"]) == (400, "not_an_address")
    assert (many.status_code, many.json()["code"]) == (400, "request_invalid")


def test_two_hundred_megabytes_are_refused_at_once_and_stored_nowhere(archive_url):
    with submitting(archive_url) as client:
        before = len(stored(archive_url))
        with closing(HTTPConnection(client.base_url.host, client.base_url.port)) as connection:
            connection.putrequest("POST", "/api/captures")
            for name, value in (FORM_TYPE | {"Content-Length": str(200 * MIB)}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")
        sending = Sending(200)
        with suppress(httpx.TransportError):
            answer = client.post("/api/captures", content=sending.pieces(), headers=FORM_TYPE)
            assert answer.status_code == 413
        assert sending.sent < 100 * MIB
        assert client.get("/healthz").status_code == 200
    assert len(stored(archive_url)) == before


def test_a_capture_has_more_time_than_other_bodies(archive_url, monkeypatch):
    def begin(client: httpx.Client, path: str) -> socket.socket:
        """Send a request without its last byte."""
        head = (
            f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            f"Authorization: {client.headers['Authorization']}", "Content-Length: 9", "", "{       ",
        )  # fmt: skip
        place = (client.base_url.host, client.base_url.port)
        connection = held.enter_context(socket.create_connection(place, timeout=60))
        connection.sendall("\r\n".join(head).encode())
        return connection

    monkeypatch.setitem(connections._SECONDS, "body", 0.2)
    with submitting(archive_url, "write") as client, ExitStack() as held:
        capture, order = begin(client, "/api/captures"), begin(client, "/api/ingest")
        assert b" 408 " in order.recv(65536)
        capture.sendall(b"}")
        assert b" 400 " in capture.recv(65536)
        monkeypatch.setitem(connections._SECONDS, "upload", 0.2)
        assert b" 408 " in begin(client, "/api/captures").recv(65536)


def test_a_page_above_the_limit_of_a_document_is_refused(archive_url):
    with submitting(archive_url, max_document_bytes="1MiB") as client:
        answer = send(client, article() + "<!--" + "x" * MIB + "-->")
        well = send(client, article(" noch"))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert well.status_code == 201


@pytest.mark.slow
def test_pages_that_are_sent_at_once_are_all_stored(archive_url):
    pages = [article(f" ({n} Stück)") for n in range(8)]
    with submitting(archive_url) as client, ThreadPoolExecutor(8) as threads:
        at = f"{ORIGIN}/zugleich"
        answers = list(threads.map(lambda page: send(client, page, at), pages))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["job"] for answer in answers}) == 8
        read_all(archive_url)
        versions = client.get("/api/history", params={"article": answers[0].json()["article"]})
    assert len(versions.json()["items"]) == 8
    assert len(stored(archive_url, at)) == 8


def test_the_document_of_the_api_describes_the_request(archive_url):
    with submitting(archive_url) as client:
        operation = client.get("/openapi.json").json()["paths"]["/api/captures"]["post"]
    content = operation["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    assert {"201", "400", "401", "403", "410", "413", "415", "429"} <= set(operation["responses"])
