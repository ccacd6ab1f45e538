"""Headers that a user configured for a source are sent to its own server and stored nowhere."""

import socket
import threading

import pytest
from typer.testing import CliRunner

from storage.values.verdict import Counts
from tests.serve.conftest import served
from tests.web.desk import HOSTS, PEGEL, A
from tests.web.site import Reply, page, redirect
from worker.cli.commands import app
from worker.flow.standing_sources import watch_address
from worker.web.credentials import read_header, read_proxy

OTHER = f"https://{HOSTS[1]}/a"
SECRET = "sitzung=geheim123"


@pytest.fixture
def cookie(tmp_path):
    path = tmp_path / "cookie"
    path.write_text(f"{SECRET}\n")
    return {"headers": {"Cookie": f"@{path}", "X-Reader": "$LESART_TEST_READER"}}


def sent(desk, path: str) -> list[str | None]:
    return [each.headers.get("cookie") for each in desk.web.asked(path)]


def test_a_header_goes_to_the_server_of_its_source_and_to_no_other(desk, cookie, monkeypatch):
    monkeypatch.setenv("LESART_TEST_READER", "ada")
    desk.web.put(A, redirect(OTHER))
    desk.web.put(OTHER, page("Pegel", PEGEL))
    desk.watch_page(A, options=cookie)
    assert desk.due() == Counts(new_articles=1)
    assert sent(desk, "/lokales/pegel") == [SECRET]
    assert desk.web.asked("/lokales/pegel")[0].headers["x-reader"] == "ada"
    assert sent(desk, "/a") == [None]
    assert sent(desk, "/robots.txt") == [None, None]


def test_a_secret_is_kept_nowhere(desk, cookie, monkeypatch):
    monkeypatch.setenv("LESART_TEST_READER", "ada-liest")
    desk.web.put(A, page("Pegel", PEGEL))
    desk.watch_page(A, options=cookie)
    desk.due()
    (row,) = desk.rows("SELECT request FROM transfers WHERE origin = :a", a=A)
    told = dict(map(tuple, row["request"]["headers"]))
    assert (told["Cookie"], told["X-Reader"]) == ("(secret)", "(secret)")
    tables = desk.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if desk.url.startswith("sqlite")
        else "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
    )
    for table in tables:
        if not table["name"].startswith(("search_text", "sentence_text")):
            for held in desk.rows(f'SELECT * FROM "{table["name"]}"'):
                assert SECRET not in str(held)
                assert "ada-liest" not in str(held)


def test_a_cookie_that_answers_a_secret_is_stored_and_exported_nowhere(desk, cookie, monkeypatch):
    monkeypatch.setenv("LESART_TEST_READER", "ada-liest")
    session = ("Set-Cookie", "sitzung=neu987; Path=/")
    desk.web.put(A, Reply(page("Pegel", PEGEL), headers=(session,)))
    desk.web.put(OTHER, Reply(page("Pegel", PEGEL), headers=(session,)))
    desk.watch_page(A, options=cookie)
    desk.watch_page(OTHER)
    desk.due()
    for address, value in ((A, "(secret)"), (OTHER, session[1])):
        (row,) = desk.rows("SELECT response_headers FROM transfers WHERE origin = :a", a=address)
        kept = {name.lower(): told for name, told in row["response_headers"]}
        assert kept["set-cookie"] == value
    exported = CliRunner().invoke(
        app, ["export", "--format", "warc", "--source", A, "--archive", desk.url]
    )
    assert exported.exit_code == 0
    assert b"(secret)" in exported.stdout_bytes
    assert b"neu987" not in exported.stdout_bytes


@pytest.mark.slow
def test_a_secret_in_the_address_of_a_source_is_sent_and_shown_nowhere(desk):
    asked = f"{A}?token=geheim123&seite=2"
    desk.web.put(asked, Reply(page("Pegel", PEGEL), headers=(("Link", f"<{asked}>; rel=self"),)))
    source = watch_address(desk.archive, desk.settings, asked, kind="page")
    assert desk.due() == Counts(new_articles=1)
    assert "token=***" in source.name
    run = CliRunner()
    for words in (
        ["export", "--format", "warc"], ["list"], ["source", "list"], ["source", "show", source.name], ["jobs"], ["observations", source.name],
        ["sql", "SELECT * FROM transfers"],
    ):  # fmt: skip
        told = run.invoke(app, [*words, "--archive", desk.url])
        assert told.exit_code == 0, told.output
        assert b"geheim123" not in told.stdout_bytes, words
    with served(desk.url) as client:
        for path in ("/", "/sources", "/api/sources", "/api/articles", "/jobs", "/feed.atom"):
            assert "geheim123" not in client.get(path).text


def test_an_unreadable_file_is_reported_without_a_question(desk, tmp_path):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.watch_page(A, options={"headers": {"Cookie": f"@{tmp_path}/none"}})
    assert desk.due() == Counts(refused=1)
    assert desk.codes() == ["secret_missing"]
    assert desk.web.asked() == []


@pytest.mark.parametrize(
    "given",
    [
        "Cookie: a=1",
        "Authorization: Basic abc",
        "Host: b",
        "User-Agent: Firefox",
        "X-A",
        "X-A: a\r\nB: c",
        ": a",
    ],
)
def test_a_header_that_is_not_to_be_set_so_is_refused(given):
    with pytest.raises(ValueError):
        read_header(given)


@pytest.mark.parametrize("given", ["https://p:1", "http://p", "socks5://p:1", "p:3128"])
def test_a_proxy_is_written_in_one_way(given):
    with pytest.raises(ValueError):
        read_proxy(given)


class Proxy:
    """A proxy on the loopback that knows where the simulated sites are; `asked` is its log."""

    def __init__(self, desk) -> None:
        self.desk = desk
        self.asked: list[str] = []
        self.let_through: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _peer = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.partition(b"\r\n")[0].decode())
        self.let_through += [
            line.decode() for line in head.split(b"\r\n") if line.lower().startswith(b"proxy-auth")
        ]
        is_tunnel = head.startswith(b"CONNECT")
        server = socket.create_connection(
            ("127.0.0.1", self.desk.web.tls_port if is_tunnel else self.desk.web.plain_port)
        )
        if is_tunnel:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            method, target, version = head.partition(b"\r\n")[0].split()
            path = b"/" + target.split(b"/", 3)[3]
            server.sendall(
                b" ".join((method, path, version)) + b"\r\n" + head.partition(b"\r\n")[2]
            )
        threading.Thread(target=self._pass, args=(server, client), daemon=True).start()
        self._pass(client, server)

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()


@pytest.fixture
def proxy(desk):
    found = Proxy(desk)
    yield found
    found.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_source_may_go_by_way_of_a_proxy(desk, proxy, scheme):
    where = A.replace("https", scheme)
    desk.web.put(where, page("Pegel", PEGEL))
    desk.watch_page(where, options={"proxy": proxy.address})
    assert desk.due() == Counts(new_articles=1)
    expected = "CONNECT zeitung.example:443" if scheme == "https" else "GET http://zeitung.example/"
    assert any(each.startswith(expected) for each in proxy.asked)


def test_a_certificate_is_checked_through_a_proxy_too(desk, proxy):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.certify("zeitung.example", desk.web.ca.issue_cert("bote.example"))
    desk.watch_page(A, options={"proxy": proxy.address})
    assert desk.due() == Counts(refused=1)
    assert desk.codes() == ["tls_invalid"]


def test_a_proxy_is_not_asked_for_a_private_address(desk, proxy):
    desk.watch_page("http://10.1.2.3/a", options={"proxy": proxy.address})
    assert desk.due() == Counts(refused=1)
    assert (desk.codes(), proxy.asked) == (["address_not_public"], [])


def test_the_password_of_a_proxy_comes_from_a_file(desk, proxy, tmp_path):
    (tmp_path / "proxy").write_text(proxy.address.replace("//", "//ada:geheim@"))
    desk.web.put(A, Reply(page("Pegel", PEGEL)))
    desk.watch_page(A, options={"proxy": f"@{tmp_path}/proxy"})
    assert desk.due() == Counts(new_articles=1)
    assert set(proxy.let_through) == {"Proxy-Authorization: Basic YWRhOmdlaGVpbQ=="}
    assert desk.number("SELECT count(*) FROM host WHERE key LIKE '%geheim%'") == 0
