"""Declarations about the use of a text are stored as they were seen, and nothing is added."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from storage.capabilities.rights import verify_checks
from storage.values.net.rights import LONGEST, MOST, RightsFile, rights_of, stored_declarations
from storage.verify.finding import PASSED, Scope
from tests.collect.test_lists import rss
from tests.export.test_warc_export import exported
from tests.flow.driver import findings, hour, newsroom_at
from tests.flow.processes import environment, lesart, rows, until
from tests.serve.conftest import served
from tests.web.clock import SharedClock
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, page, simulated_web, slow
from worker.sources.listings import rights_files
from worker.sources.listings.rights_files import MOST_RULES, find_declarations, read_rules
from worker.web.robots import decide

RSL, CC = "https://zeitung.example/license.xml", "https://creativecommons.org/licenses/by/4.0/"
NOTICE = "Die Nutzung für Text und Data Mining bleibt vorbehalten (§ 44b UrhG)."
ROBOTS = "https://zeitung.example/robots.txt"

HEADERS = {
    "noai": ([("X-Robots-Tag", "noai")], [("x-robots-tag", "noai", "robots", True)]),
    "several": ([("X-Robots-Tag", "noai"), ("x-robots-tag", "noarchive")],
                [("x-robots-tag", "noai", "robots", True), ("x-robots-tag", "noarchive", "robots", True)]),
    "a reservation": ([("TDM-Reservation", "1"), ("TDM-Policy", "https://a.example/p")],
                      [("tdm-reservation", "1", "tdmrep", True), ("tdm-policy", "https://a.example/p", "tdmrep", True)]),
    "a reservation in words": ([("TDM-Reservation", "reserved")], [("tdm-reservation", "reserved", "tdmrep", False)]),
    "a usage preference": ([("Content-Usage", "train-ai=n, search=y")], [("content-usage", "train-ai=n, search=y", "aipref", True)]),
    "no usage preference": ([("Content-Usage", "no training, please")], [("content-usage", "no training, please", "aipref", False)]),
    "RSL": ([("Link", f'<{RSL}>; rel="license"; type="application/rsl+xml"')], [("license", RSL, "rsl", True)]),
    "RSL after another link": ([("Link", f'</b>; rel=next, <{RSL}>; type="application/rsl+xml"; rel=license')], [("license", RSL, "rsl", True)]),
    "a licence": ([("Link", f'<{CC}>; rel="license", </b>; rel=next')], [("license", CC, "license", True)]),
    "a page of terms": ([("Link", "</agb>; rel=license")], [("license", "/agb", "license", False)]),
    "nothing": ([("Content-Type", "text/html"), ("Link", "</b>; rel=next")], []),
}  # fmt: skip
PAGES = {
    "meta robots": ('<meta name="robots" content="noarchive, noai">', [("robots", "noarchive, noai", "robots", True)]),
    "content first": ("<META content='1' NAME='tdm-reservation'/>", [("tdm-reservation", "1", "tdmrep", True)]),
    "a licence below": ('<p>a</p><a rel="license nofollow" href="/lizenz">CC</a>', [("license", "/lizenz", "license", False)]),
    "a licence in the head": (f'<link rel=license href="{CC}?a=1&amp;b=2">', [("license", f"{CC}?a=1&b=2", "license", True)]),
    "RSL": ('<link rel="license" type="application/rsl+xml" href="/l.xml">', [("license", "/l.xml", "rsl", True)]),
    "RSL inside the page": ('<script type="application/rsl+xml"><rsl>\n <content url=""/></rsl></script>',
                            [("rsl", '<rsl> <content url=""/></rsl>', "rsl", True)]),
    "RSL without an end": ('<script type="application/rsl+xml"><rsl>', []),
    "a name in Dublin Core": ('<meta name="DCTERMS:license" content="CC BY">', [("dcterms.license", "CC BY", "prose", False)]),
    "prose in a name": ('<meta name="robots" content="All rights reserved">', [("robots", "All rights reserved", "robots", False)]),
    "a notice": (f"<p>Impressum</p><footer>{NOTICE}</footer>", [("text", NOTICE, "prose", False)]),
    "a text on text mining": ("<p>Was ist Text- und Data-Mining? Ein Überblick.</p>", []),
    "said twice": ("<meta name=robots content=noai><meta name=robots content=noai>", [("robots", "noai", "robots", True)]),
    "words in a text": ("<p>License plates and robots, right: <a href='/license'>more</a></p><style>a{right:0}</style>", []),
    "an element without an end": ('<meta name="robots" content="noai"', []),
    "an empty one": ('<meta name="robots" content="">', []),
    "a feed": (f'<rss version="2.0" xmlns:rsl="https://rslstandard.org/rsl"><channel><copyright>Alle Rechte</copyright>'
               f'<item><rsl:content url="{A}"><rsl:license/></rsl:content></item></channel></rss>',
               [("copyright", "Alle Rechte", "prose", False), ("rsl", f'<rsl:content url="{A}"><rsl:license/></rsl:content>', "rsl", True)]),
}  # fmt: skip
ROBOTS_FILES = {
    "License for all": (f"License: {RSL}\nUser-agent: *\nDisallow: /intern", [("license", RSL, "rsl", True)]),
    "License of the group": (f"License: https://a.example/all.xml\nUser-agent: *\nLicense: {RSL}", [("license", RSL, "rsl", True)]),
    "License of another group": (f"License: {RSL}\nUser-agent: GPTBot\nLicense: https://a.example/gpt.xml", [("license", RSL, "rsl", True)]),
    "License in words": ("License: all rights reserved", [("license", "all rights reserved", "rsl", False)]),
    "the longest path": ("User-agent: *\nContent-Usage: / train-ai=n\nContent-Usage: /lokales/ train-ai=y\nContent-Usage: /sport/ search=n",
                         [("content-usage", "train-ai=y", "aipref", True)]),
    "without a path": ("User-agent: *\nContent-Usage: train-ai=n # Stand 2026", [("content-usage", "train-ai=n", "aipref", True)]),
    "our group": ("User-agent: *\nContent-Usage: / train-ai=n\n\nUser-agent: Lesart\nAllow: /\nContent-Usage: / train-ai=y",
                  [("rule", "Allow: /", "robots", True), ("content-usage", "train-ai=y", "aipref", True)]),
    "Content Signals": ("User-agent: *\nContent-Signal: search=yes, ai-train=no\n\nUser-agent: GPTBot\nContent-Signal: ai-train=yes",
                        [("content-signal", "search=yes, ai-train=no", "content_signals", True)]),
    "Content Signals in words": ("User-agent: *\nContent-Signal: please ask", [("content-signal", "please ask", "content_signals", False)]),
    "a notice": (f"# Hinweis\n# {NOTICE}\n\n# Sitemaps\nUser-agent: *\nDisallow: /intern", [("comment", f"Hinweis {NOTICE}", "prose", False)]),
    "nothing": ("User-agent: *\nDisallow: /intern\n# Stand 2026", []),
}  # fmt: skip


def in_short(declarations) -> list[tuple[str, str, str, bool]]:
    names = ("name", "value", "protocol", "machine_readable")
    return [tuple(each[name] for name in names) for each in declarations]


@pytest.mark.parametrize("kind", HEADERS)
def test_headers_are_kept(kind):
    headers, expected = HEADERS[kind]
    assert in_short(rights_of(headers, None, None)["declared"]["header"]) == expected


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_may_say_it_itself(kind):
    text, expected = PAGES[kind]
    text = text if text.startswith("<rss") else f"<html><head><title>A</title>{text}"
    declared = rights_of([], text.encode(), None)["declared"]
    assert in_short(declared.get("page", declared.get("feed"))) == expected


@pytest.mark.parametrize("kind", ROBOTS_FILES)
def test_a_robots_txt_declares_what_applies_to_the_address(kind):
    text, expected = ROBOTS_FILES[kind]
    declared = decide(200, text.encode(), A, "Lesart").declared
    assert in_short(each.to_json() for each in declared) == expected


def test_values_and_their_number_are_bounded():
    many = [("Content-Usage", f"train-ai=n, a{n}=y") for n in range(200)]
    assert len(rights_of(many, None, None)["declared"]["header"]) == MOST
    long = rights_of([("Link", f'<https://a.example/{"a" * 1900}>; rel="license"; type="application/rsl+xml"')], None, None)  # fmt: skip
    (declared,) = long["declared"]["header"]
    assert (len(declared["value"]), declared["machine_readable"]) == (LONGEST, False)
    assert stored_declarations({"declared": {"feed": [{"name": 1}, "x", {"name": "a", "value": "b"}]}}, ["feed"]) == {"feed": []}  # fmt: skip


def test_the_rule_of_robots_txt_is_next_to_them():
    rule = {"allowed": True, "rule": None, "reason": "robots.txt says nothing against it"}
    assert rights_of([("X-Robots-Tag", "noai")], None, rule)["robots"] == rule
    assert rights_of([("X-Robots-Tag", "noai")], None, rule)["x_robots_tag"] == ["noai"]


def test_an_answer_without_a_text_declares_nothing():
    assert "declared" not in rights_of([("TDM-Reservation", "1")], None, None, status=404)
    assert rights_of([], None, None, status=304)["declared"] == {}


# ------------------------------------------------------- files with declarations by location

TDMREP = "https://zeitung.example/.well-known/tdmrep.json"
POLICY = "https://zeitung.example/policy.json"
DOCUMENT = b"""<rsl xmlns="https://rslstandard.org/rsl">
<content url="https://zeitung.example/lokales/*"><license><prohibits type="usage">ai-train</prohibits></license></content>
<content url="/"><license><permits type="usage">all</permits></license></content></rsl>"""
LOCAL = (
    '<content xmlns="https://rslstandard.org/rsl" url="https://zeitung.example/lokales/*"><license>'
    '<prohibits type="usage">ai-train</prohibits></license></content>'
)


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("/lokales/", A, True), ("/*/pegel", A, True), ("/*pegel$", A, True), ("/lokales$", A, False),
        ("/lokales/pegel$", A, True), ("/sport/", A, False), ("/*a*b*c$", A, False), ("/" + "*" * 900, A, True),
    ],
)  # fmt: skip
def test_the_location_of_a_rule_selects_addresses(pattern, address, expected):
    rules = json.dumps([{"location": pattern, "tdm-reservation": 1}]).encode()
    file = RightsFile(TDMREP, 200, hour(0), read_rules(TDMREP, rules))
    assert [bool(found) for found in find_declarations({TDMREP: file}, address).values()] == [
        expected
    ]


@pytest.mark.parametrize("raw", [
    b"{}", b"[1, null, [], {}]", b"[" * 100_000, b"\xff", b"[" + b"1," * 300_000 + b"1]",
    b'[{"location": 1, "tdm-reservation": 1}, {"location": "/", "tdm-reservation": true}]',
    b"<rsl", DOCUMENT.replace(b"<rsl", b'<!DOCTYPE r [<!ENTITY a SYSTEM "b">]><rsl', 1), b"<a><content url='/'/></a>",
])  # fmt: skip
def test_a_file_of_another_form_declares_nothing(raw):
    for address in (TDMREP, RSL):
        assert read_rules(address, raw) == ()


def test_the_rules_of_a_file_are_bounded():
    many = [{"location": f"/{n}", "tdm-reservation": 1} for n in range(2 * MOST_RULES)]
    assert len(read_rules(TDMREP, json.dumps(many).encode())) == MOST_RULES


@pytest.mark.slow
def test_files_next_to_robots_txt_declare_rights_by_location(desk):
    rules = [
        {"location": "/", "tdm-reservation": 0},
        {"location": "/lokales/*", "tdm-reservation": 1, "tdm-policy": POLICY},
    ]
    desk.web.put(TDMREP, Reply(json.dumps(rules).encode(), type="application/json"))
    desk.web.put(ROBOTS, Reply(f"License: {RSL}\nUser-agent: *\nAllow: /".encode(), type="text/plain"))  # fmt: skip
    desk.web.put(RSL, Reply(DOCUMENT, type="application/rsl+xml"))
    desk.web.put(A, reserved())
    desk.fetch(A, at=1)
    desk.fetch(A, at=2)
    paths = [each.path for each in desk.web.requests]
    assert paths.count("/.well-known/tdmrep.json") == paths.count("/license.xml") == 1
    desk.web.put(TDMREP, Reply(json.dumps(rules[:1]).encode(), type="application/json"))
    desk.web.put(A, reserved(HIGHER))
    desk.fetch(A, at=30)
    found = [row for row in periods(desk) if row[0] in {"tdmrep.json", "rsl"}]
    assert [(row[0], row[1], row[2], row[6] is None) for row in found] == [
        ("rsl", "rsl", LOCAL, True),
        ("tdmrep.json", "tdm-policy", POLICY, False),
        ("tdmrep.json", "tdm-reservation", "1", False),
        ("tdmrep.json", "tdm-reservation", "0", True),
    ]  # fmt: skip
    seen = [row["origin"] for row in desk.observations() if row["outcome"] == "content"]
    assert {TDMREP, RSL} <= set(seen)


def test_an_rsl_document_that_a_header_names_counts_from_the_next_check(desk):
    other = "https://bote.example/zeitung.xml"
    desk.web.put(other, Reply(DOCUMENT.replace(b'url="/"', b'url="https://zeitung.example/"'), type="application/rsl+xml"))  # fmt: skip
    link = f'<{other}>; rel="license"; type="application/rsl+xml"'
    for at, paragraphs in ((1, PEGEL), (2, HIGHER)):
        desk.web.put(A, reserved(paragraphs).with_header("Link", link))
        desk.fetch(A, at=at)
    assert [row[2] for row in periods(desk) if row[0] == "rsl"] == [LOCAL]
    assert [each.path for each in desk.web.requests].count("/zeitung.xml") == 1


@pytest.mark.slow
def test_a_file_that_cannot_be_requested_delays_no_page(desk):
    desk.web.put(ROBOTS, Reply(b"User-agent: *\nDisallow: /.well-known/", type="text/plain"))
    desk.web.put(TDMREP, Reply(b"[]", type="application/json"))
    desk.web.put(A, reserved())
    assert desk.fetch(A, at=1).new_articles == 1
    assert TDMREP.partition(".example")[2] not in [each.path for each in desk.web.requests]
    desk.web.put(ROBOTS, Reply(b"User-agent: *\nAllow: /", type="text/plain"))
    desk.web.put(TDMREP, Reply(b"", status=500))
    assert desk.fetch(A, at=30).unchanged == 1
    assert "tdmrep.json" not in {row[0] for row in periods(desk)}


def test_slow_and_endless_licences_delay_no_page(desk, monkeypatch):
    monkeypatch.setattr(rights_files, "MOST_SECONDS", 1.0)
    late, endless, named = (
        f"https://zeitung.example/{each}.xml" for each in ("late", "endless", "named")
    )
    licences = f"License: {late}\nLicense: {endless}\nUser-agent: *\nAllow: /"
    desk.web.put(ROBOTS, Reply(licences.encode(), type="text/plain"))
    desk.web.put(late, slow(Reply(DOCUMENT), 40))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/rsl+xml\r\n\r\n"
    desk.web.put(endless, Reply(pieces=[(0, head), *[(0.1, b"<rsl>")] * 400]))
    desk.web.put(named, slow(Reply(DOCUMENT), 40))
    link = f'<{named}>; rel="license"; type="application/rsl+xml"'
    desk.web.put(A, reserved().with_header("Link", link))
    desk.web.put(f"{A}2", page("Der Damm hält", HIGHER[1:]))
    assert desk.fetch(A, f"{A}2", at=1).new_articles == 2
    paths = [each.path for each in desk.web.requests]
    assert {"/late.xml", "/endless.xml"} & {*paths}
    assert "/named.xml" not in paths[: paths.index("/lokales/pegel2")]
    assert desk.number("SELECT count(*) FROM host WHERE retry_until IS NOT NULL") == 0


# ------------------------------------------------------------------------- in an archive


def periods(desk, *names: str) -> list[tuple[object, ...]]:
    """Return the rows of the view, in hours of the desk."""
    query = "SELECT found_in, name, value, changed_after, first_seen, last_seen, ended_by, checks FROM rights"
    found = desk.rows(f"{query} WHERE article IS NOT NULL ORDER BY found_in, first_seen, name")
    return [tuple(each.values()) for each in found if not names or each["name"] in names]


def reserved(
    paragraphs=PEGEL, *, usage: str = "train-ai=n", head: str = "", has_validators: bool = True
) -> Reply:
    raw = page("Pegel der Lohe steigt", paragraphs).replace(b"</head>", f"{head}</head>".encode())
    return Reply(raw, has_validators=has_validators).with_header("Content-Usage", usage)


def test_a_declaration_has_the_period_in_which_it_was_seen(desk):
    desk.web.put(
        ROBOTS, Reply(f"License: {RSL}\nUser-agent: *\nAllow: /".encode(), type="text/plain")
    )
    desk.web.put(A, reserved(head='<meta name="tdm-reservation" content="1">'))
    desk.fetch(A, at=1)
    desk.fetch(A, at=2)  # answered with 304
    desk.web.put(A, reserved(HIGHER, usage="train-ai=y"))
    desk.web.put(ROBOTS, Reply(b"User-agent: *\nAllow: /", type="text/plain"))
    desk.fetch(A, at=30)
    desk.fetch(A, at=31)
    first, second, third, fourth = (
        hour(at).isoformat(timespec="microseconds") for at in (1, 2, 30, 31)
    )
    assert periods(desk, "content-usage", "license", "tdm-reservation") == [
        ("header", "content-usage", "train-ai=n", None, first, second, third, 1),
        ("header", "content-usage", "train-ai=y", first, third, fourth, None, 1),
        ("page", "tdm-reservation", "1", None, first, second, third, 1),
        ("robots.txt", "license", RSL, None, first, second, third, 2),
    ]


@pytest.mark.slow
def test_the_terms_of_a_feed_entry_belong_to_its_page(desk):
    terms = f"<rsl:content url='{A}'><rsl:license/></rsl:content>"
    feed, listed = "https://zeitung.example/feed", rss(("Pegel", A), ("Damm", f"{A}2"))
    with_terms = listed.replace(b"<rss", b"<rss xmlns:rsl='https://rslstandard.org/rsl'")
    desk.web.put(feed, with_terms.replace(b"</item>", f"{terms}</item>".encode(), 1))
    desk.web.put(A, page("Pegel der Lohe steigt", PEGEL))
    desk.web.put(f"{A}2", page("Der Damm hält", HIGHER[1:]))
    desk.fetch(feed, at=1)
    desk.web.put(feed, listed)
    desk.fetch(feed, at=2)
    desk.fetch(A, at=3)
    query = "SELECT origin, article IS NULL AS listing, value FROM rights WHERE name = 'rsl' ORDER BY origin"
    assert [(each["origin"], bool(each["listing"]), each["value"]) for each in desk.rows(query)] == [
        (feed, True, terms), (A, False, terms),
    ]  # fmt: skip
    assert desk.number("SELECT count(*) FROM rights WHERE name = 'rsl' AND ended_by IS NULL") == 0


@pytest.mark.slow
def test_the_page_and_the_api_show_both_periods(desk):
    desk.web.put(A, reserved(head=f'<meta name="copyright" content="{NOTICE}">'))
    desk.fetch(A, at=1)
    desk.web.put(A, reserved(HIGHER, usage="train-ai=y"))
    desk.fetch(A, at=2)
    with served(desk.url) as client:
        items = client.get("/api/rights", params={"article": A}).json()["items"]
        assert [each["value"] for each in items] == ["train-ai=n", "train-ai=y", NOTICE]
        assert [each["machine_readable"] for each in items] == [True, True, False]
        current = client.get("/api/rights", params={"article": A, "current": "true"}).json()
        assert [each["value"] for each in current["items"]] == ["train-ai=y"]
        place = f"/a/{items[0]['article']}/rights"
        german = client.get(place, headers={"Accept-Language": "de"}).text
        english = client.get(place, headers={"Accept-Language": "en"}).text
    assert NOTICE in german
    assert "beim letzten Abruf noch vorhanden" in german
    assert "not yet at" in english


def test_declarations_that_do_not_follow_from_the_headers_are_found(desk):
    desk.web.put(A, reserved())
    desk.fetch(A, at=1)
    with desk.archive.engine.connect() as connection:
        assert list(verify_checks.declarations(connection, Scope())) == [PASSED]
    row = {
        "id": 1, "http_status": 200, "hints": [["TDM-Reservation", "0"]],
        "detail": rights_of([("TDM-Reservation", "1")], None, None),
    }  # fmt: skip
    assert verify_checks.check_rights(row).kind == "rights_wrong"


@pytest.mark.slow
def test_warc_files_give_the_same_declarations(desk, tmp_path):
    desk.web.put(ROBOTS, Reply(f"License: {RSL}\n".encode(), type="text/plain"))
    desk.web.put(A, reserved(head=f'<link rel="license" href="{CC}">'))
    desk.fetch(A, at=1)
    expected = desk.rows("SELECT found_in, name, value, first_seen FROM rights ORDER BY seq, name")
    assert [each["found_in"] for each in expected] == ["header", "page", "robots.txt"]
    (tmp_path / "own.warc").write_bytes(exported(desk))
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as other:
        other.write("own.warc", (tmp_path / "own.warc").read_bytes())
        other.ingest("own.warc", at=9)
        query = "SELECT found_in, name, value, first_seen FROM rights ORDER BY found_in, name"
        assert other.rows(query) == expected
        assert {each["foreign"] for each in other.rows('SELECT "foreign" FROM rights')} == {True}


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_up_sees_a_changed_declaration_and_every_reader_shows_both_periods(
    dialect, tmp_path, request
):
    clock = SharedClock(tmp_path / "clock", datetime.now(UTC))
    url = f"sqlite:///{tmp_path}/home/lesart.sqlite3"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with simulated_web(tmp_path, clock) as web:
        web.sites["zeitung.example"] = {}
        web.put(ROBOTS, Reply(f"License: {RSL}\n".encode(), type="text/plain"))
        web.put(A, reserved(has_validators=False))
        settings = {
            "home": str(tmp_path / "home"), "seeds": str(tmp_path / "none"), "database_url": url,
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01s",
        }  # fmt: skip
        added = lesart(tmp_path, "source", "add", A, "--recheck", "1h", **settings)
        assert added.returncode == 0, added.stderr
        up = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.month.up", str(clock.path)],
            cwd=tmp_path,
            env=environment(**settings),
        )
        try:
            until(
                lambda: len(rows(tmp_path, "sql", "SELECT 1 AS one FROM rights", **settings)) == 2
            )
            web.put(ROBOTS, Reply(b"User-agent: *\nContent-Usage: / search=y\n", type="text/plain"))
            web.put(A, reserved(usage="train-ai=y", has_validators=False))
            clock.jump(clock() + timedelta(hours=25))
            query = "SELECT 1 AS one FROM rights WHERE first_seen > changed_after"
            until(lambda: len(rows(tmp_path, "sql", query, **settings)) == 2, what="the change")
        finally:
            up.terminate()
            up.wait(60)
    listed = rows(tmp_path, "rights", A, **settings)
    names = ("found_in", "value", "protocol", "machine_readable")
    assert [tuple(each[name] for name in names) for each in listed] == [
        ("header", "train-ai=n", "aipref", True),
        ("header", "train-ai=y", "aipref", True),
        ("robots.txt", RSL, "rsl", True),
        ("robots.txt", "search=y", "aipref", True),
    ]
    assert [each["ended_by"] for each in listed[::2]] == [
        each["first_seen"] for each in listed[1::2]
    ]
    current = rows(tmp_path, "rights", A, "--current", **settings)
    assert current == listed[1::2]
    past = rows(tmp_path, "rights", A, "--current", "--as-of", listed[0]["last_seen"], **settings)
    assert [each["value"] for each in past] == ["train-ai=n", RSL]
    (shown,) = rows(tmp_path, "show", A, **settings)
    assert [each["value"] for each in shown["rights"]] == [each["value"] for each in listed]
    assert findings(url) == []
