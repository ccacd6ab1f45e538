"""The requested addresses, their form, and that no other server is ever reached."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import Candidate
from storage.values.net.origin_name import origin_of
from storage.values.net.private_hosts import hosts_by_port
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from tests.web.desk import PEGEL, A
from tests.web.site import page, redirect
from worker.address import Address, parse_address, without_secrets
from worker.text.page.fields.choose import choose_address
from worker.web import connection
from worker.web.connection import Network
from worker.web.exchange import PersistentConnection, send_request
from worker.web.public import non_public_reason

LONGEST = "https://zeitung.example/".ljust(5_000, "a")
REFUSED = {
    "a file": ("file:///etc/passwd", "url_scheme"),
    "ftp": ("ftp://zeitung.example/a", "url_scheme"),
    "gopher": ("gopher://zeitung.example/_x", "url_scheme"),
    "a script": ("javascript:alert(1)", "url_scheme"),
    "data": ("data:text/html,<p>a", "url_scheme"),
    "no scheme": ("zeitung.example/a", "url_scheme"),
    "a password": ("https://ada:geheim@zeitung.example/", "url_invalid"),
    "a user": ("http://a@b/", "url_invalid"),
    "another port": ("http://zeitung.example:22/", "url_invalid"),
    "the port of Redis": ("http://zeitung.example:6379/", "url_invalid"),
    "https at the port of http": ("https://zeitung.example:80/", "url_invalid"),
    "no port at all": ("http://zeitung.example:99999/", "url_invalid"),
    "more than five thousand characters": (f"{LONGEST}a", "url_invalid"),
    "a backslash": ("https://zeitung.example\\@boese.example/", "url_invalid"),
    "a tab": ("https://zeitung.example/a\tb", "url_invalid"),
    "a line end": ("https://zeitung.example/a\r\nHost: b", "url_invalid"),
    "a blank in the host": ("https://zeitung .example/", "url_invalid"),
    "no host": ("https:///a", "url_invalid"),
    "an empty label": ("https://zeitung..example/", "url_invalid"),
    "Cyrillic among Latin": ("https://zеitung.example/", "url_invalid"),
    "the same in Punycode": ("https://xn--zitung-6of.example/", "url_invalid"),
    "half a bracket": ("https://[::1/", "url_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_an_address_that_is_never_asked_for_has_a_code(kind):
    given, code = REFUSED[kind]
    found = parse_address(given)
    assert isinstance(found, RefusalReason)
    assert found.code == code
    assert "geheim" not in found.message


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", REFUSED)
def test_the_command_refuses_it_and_keeps_no_password(desk, kind):
    given, _code = REFUSED[kind]
    if not given.startswith(("file", "zeitung")) and ":80/" not in given:
        assert desk.fetch(given) == Counts(refused=1)
    assert desk.web.requests == []
    held = "SELECT count(*) FROM {} WHERE CAST({} AS text) LIKE '%geheim%'"
    for table, column in (
        ("job", "arguments"),
        ("refusal", "locator"),
        ("origin", "origin"),
        ("source", "name"),
    ):
        assert desk.number(held.format(table, column)) == 0


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("https://Zeitung.Example:443/A?b=ä#c", "https://zeitung.example/A?b=%C3%A4"),
        ("http://münchen.example/straße", "http://xn--mnchen-3ya.example/stra%C3%9Fe"),
        ("https://zeitung.example./a", "https://zeitung.example/a"),
        (" https://zeitung.example/a ", "https://zeitung.example/a"),
        ("https://zeitung.example/a%2Fb?c=%41", "https://zeitung.example/a%2Fb?c=%41"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
        pytest.param(LONGEST, LONGEST, id="five thousand characters"),
    ],
)
def test_the_requested_address_is_ascii(given, asked):
    found = parse_address(given)
    assert isinstance(found, Address)
    assert found.text == asked


ARCHIVED = "https://web.archive.org/web/20200101000000/"
SAME = [
    ("https://a.example/x?utm_source=b&utm_medium=c", "https://a.example/x"),
    ("https://a.example/x?fbclid=1&id=3", "https://a.example/x?id=3"),
    ("https://A.example:443/x#top", "https://a.example/x"),
    ("https://a.example//x", "https://a.example/x"),
    ("https://a.example/x?b=2&a=1", "https://a.example/x?a=1&b=2"),
    ("https://a.example/", "https://a.example"),
    (f"{ARCHIVED}http:/b.example//x?utm_id=1", f"{ARCHIVED}http://b.example/x"),
    ("https://a.example/x?wt_mc=sm.red&at_medium=rss", "https://a.example/x"),
]
DIFFERENT = [
    ("https://a.example/x?id=1", "https://a.example/x?id=2"),
    ("https://a.example/x?galerie=1", "https://a.example/x"),
    ("https://a.example/x?cid=1", "https://a.example/x?cid=2"),
    ("https://a.example/x?12345", "https://a.example/x"),
    ("https://a.example/x?page=2", "https://a.example/x"),
    ("https://a.example/X", "https://a.example/x"),
    ("https://a.example/x?u=https://b.example/y", "https://b.example/y"),
    ("http://a.example/x", "https://a.example/x"),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_addresses_of_one_page_have_one_name(a, b):
    assert origin_of(a) == origin_of(b)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_addresses_of_two_pages_keep_two_names(a, b):
    assert origin_of(a) != origin_of(b)


@pytest.mark.parametrize(
    "address",
    [
        f"{ARCHIVED}http://example.org/x",
        "https://archive.ph/2020.01.01-000000/https://example.org/x?a=1&b=2",
        "https://arquivo.pt/wayback/20200101000000/http://example.org/",
        "https://archive.ph/2020/https%3A//example.org/x",
        "https://a.example/x?url=https://example.org//x",
        "https://a.example/x?url=https%3A%2F%2Fexample.org%2Fx",
    ],
)
def test_an_address_in_an_address_stays_whole(address):
    assert origin_of(address) == address
    found = choose_address([Candidate(address, "canonical link")])
    assert found is not None
    assert found.value == address


PARTS = st.text(st.sampled_from("abzÄ09/?&=%.-_~:@;,+ "), max_size=30)


@given(PARTS)
def test_cleaning_twice_changes_nothing(rest):
    found = parse_address(f"https://zeitung.example/{rest}")
    if isinstance(found, Address):
        assert origin_of(origin_of(found.text)) == origin_of(found.text)
        assert parse_address(found.text) == found


def test_a_password_is_hidden_wherever_an_address_is_reported():
    assert (
        without_secrets("https://ada:geh@im@zeitung.example/a@b")
        == "https://***@zeitung.example/a@b"
    )


# ------------------------------------------------------------------- only the public net


def test_a_server_of_the_own_network_is_known_by_its_plain_address_and_port():
    assert list(hosts_by_port(["[FC00:0::1]:65535"])) == [("fc00::1", 65_535)]
    with pytest.raises(ValueError, match="no port"):
        hosts_by_port(["a.example:65536=10.0.0.1"])


@pytest.mark.parametrize(
    ("address", "is_front"), [("/", True), ("/index.html", True), ("/?p=1", False), ("/a", False)]
)
def test_a_page_that_a_query_names_is_no_front_page(address, is_front):
    found = parse_address(f"https://a.example{address}")
    assert isinstance(found, Address)
    assert found.is_front_page == is_front


PRIVATE = (
    "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::", "10.1.2.3", "172.16.0.1", "192.168.1.1",
    "100.64.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.2.1",
    "198.18.0.1", "fc00::1", "fe80::1", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::",
    "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:10.0.0.1", "2001:0:1::", "2001:db8::1",
    "64:ff9b:1::1", "::ffff:0:127.0.0.1", "240.0.0.1", "3fff::1", "3fff:fff:ffff::1", "5f00::1",
)  # fmt: skip
PUBLIC = (
    "93.184.215.14",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:830::200e",
    "3ffe::1",
    "5eff::1",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_outside_the_public_net_is_reported(address):
    assert non_public_reason(address) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_net_is_none_of_these(address):
    assert non_public_reason(address) is None


@given(st.ip_addresses())
def test_what_python_takes_for_private_is_never_public(address):
    if not address.is_global or address.is_multicast:
        assert non_public_reason(str(address)) is not None


@pytest.fixture
def connections(monkeypatch):
    """Give the list of all addresses that any socket connects to."""
    made = []
    plain = socket.socket.connect

    def connect(self, address):
        made.append(address)
        if not address[0].startswith("127."):  # no test ever asks the net outside
            raise ConnectionRefusedError(111, "refused by the test")
        return plain(self, address)

    monkeypatch.setattr(connection.MeteredSocket, "connect", connect, raising=False)
    return made


def names(monkeypatch, **answers: list[str]) -> None:
    """Give names these addresses, one answer per query where there are several lists."""

    def look_up(host, port):
        key = host.partition(".")[0]
        found = answers.get(key, [host])
        return tuple(found.pop(0) if isinstance(found[0], list) else found)

    monkeypatch.setattr(connection, "look_up", look_up)


SPELLINGS = (
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://0177.0.0.1/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://0.0.0.0/", "http://localhost/",
    "http://169.254.169.254/latest/meta-data/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://10.0.0.1/",
)  # fmt: skip


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_private_address_is_never_connected_to_however_it_is_spelled(connections, spelled):
    found = send_request(
        PersistentConnection(Network({})), parse_address(spelled), (), seconds=2.0, max_bytes=1000
    )
    assert found.refused.code == "address_not_public"
    assert connections == []


def test_a_second_address_that_is_private_is_enough(connections, monkeypatch):
    names(monkeypatch, zeitung=["93.184.215.14", "127.0.0.1"])
    found = send_request(
        PersistentConnection(Network({})),
        parse_address("http://zeitung.example/"),
        (),
        seconds=2.0,
        max_bytes=1000,
    )
    assert found.refused.code == "address_not_public"
    assert connections == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected(connections, monkeypatch):
    names(monkeypatch, zeitung=[["93.184.215.14"], ["127.0.0.1"]])
    send_request(
        PersistentConnection(Network({})),
        parse_address("http://zeitung.example/"),
        (),
        seconds=0.1,
        max_bytes=1000,
    )
    assert connections == [("93.184.215.14", 80)]


def test_a_redirect_to_a_private_address_is_not_followed(desk, connections):
    for number, spelled in enumerate(f"{each}geheim" for each in SPELLINGS[:4]):
        desk.web.put(f"http://zeitung.example/{number}", redirect(spelled))
        assert desk.fetch(f"http://zeitung.example/{number}") == Counts(refused=1)
    assert set(desk.codes()) == {"address_not_public"}
    assert set(connections) == {("127.0.0.1", desk.web.plain_port)}


def test_a_redirect_from_outside_never_leads_to_a_server_of_ones_own(web):
    from worker.web.fetch import is_redirect_allowed

    network = Network(hosts_by_port(["wiki.intern:443=127.0.0.1"]))
    inside, outside = (
        parse_address(each, network.is_own)
        for each in ("https://wiki.intern/a", "https://aussen.example/")
    )
    assert not is_redirect_allowed(outside, inside, network)
    assert is_redirect_allowed(inside, outside, network)


def test_only_the_port_that_was_named_is_ones_own():
    own = hosts_by_port(["wiki.intern:8443=10.1.2.3"])
    found = parse_address("https://wiki.intern:8443/", lambda h, p: (h, p) in own)
    assert isinstance(found, Address)
    assert found.text == "https://wiki.intern:8443/"
    assert isinstance(
        parse_address("https://wiki.intern:8444/", lambda h, p: (h, p) in own), RefusalReason
    )


def test_the_page_of_a_bad_certificate_is_refused_and_never_reported_as_content(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.web.certify("zeitung.example", desk.web.ca.issue_cert("bote.example"))
    assert desk.fetch(A) == Counts(refused=1)
    assert desk.codes() == ["tls_invalid"]
    assert desk.web.requests == []
    assert desk.number("SELECT count(*) FROM capture") == 0
