"""What a page got while a browser read it: each file once, and gone with the text of the page."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.capabilities.browser_pages.test_pages import SHELL, TEXT, shown
from tests.flow.processes import lesart, rows
from tests.serve.conftest import served
from tests.web.desk import HIGHER, PEGEL, A, desk_at
from tests.web.site import Reply, redirect, simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
SITE = "https://zeitung.example"
STYLE, MOVED, SCRIPT = f"{SITE}/stil.css", f"{SITE}/alt.css", f"{SITE}/zahl.js"
CSS, CODE = b"article { color: green }", b"fetch('/senden', {method: 'POST', body: 'gelesen'})"
PAGE = SHELL.replace(
    b"</head>",
    b"<link rel=stylesheet href=/alt.css><link rel=stylesheet href=/fehlt.css>"
    b"<script src=/zahl.js></script></head>",
)
SENTENCE = "Bürgermeisterin Jule Tamm dankte am Abend den vielen freiwilligen Helfern."


def put_page(web, text=PEGEL):
    web.put(A, Reply(PAGE))
    web.put(TEXT, shown(text))
    web.put(STYLE, Reply(CSS, type="text/css; charset=utf-8"))
    web.put(MOVED, redirect(STYLE))
    web.put(SCRIPT, Reply(CODE, type="text/javascript"))
    web.put(f"{SITE}/senden", Reply(b"ja"))


@pytest.fixture
def desk(database_url, tmp_path):
    with desk_at(database_url, tmp_path, fetch_seconds="20s") as found:
        put_page(found.web)
        yield found


def resources(desk):
    listed = desk.rows("SELECT * FROM page_resources ORDER BY id")
    return {(row["version"], row["address"].removeprefix(SITE)): row for row in listed}


def held(desk):
    found = desk.rows("SELECT digest FROM capture WHERE data IS NOT NULL")
    return {bytes(row["digest"]) for row in found}


def test_resources_are_stored_once_with_each_version_and_shown_as_files(desk):
    source = desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    first = resources(desk)
    assert {name for _version, name in first} == {
        "/stil.css", "/alt.css", "/fehlt.css", "/zahl.js", "/text.html", "/favicon.ico",
    }  # fmt: skip
    style = first[1, "/stil.css"]
    assert (style["status"], style["size"]) == (200, len(CSS))
    assert style["media_type"] == "text/css; charset=utf-8"
    assert style["digest"] == sha256(CSS).hexdigest()
    moved, missing = first[1, "/alt.css"], first[1, "/fehlt.css"]
    assert (moved["status"], moved["location"], moved["digest"]) == (302, STYLE, None)
    assert (missing["status"], missing["digest"]) == (404, None)
    desk.look(source, 1)
    assert desk.outcomes(A) == ["content", "unchanged"]
    assert resources(desk) == first
    desk.web.put(TEXT, shown(HIGHER))
    desk.look(source, 2)
    second = resources(desk)
    assert len(second) == 2 * len(first)
    assert second[2, "/stil.css"]["digest"] == style["digest"]
    own = "SELECT count(*) AS n, count(DISTINCT capture_id) AS files FROM page_resource"
    (counted,) = desk.rows(f"{own} WHERE capture_id IS NOT NULL")
    assert (counted["n"], counted["files"]) == (6, 4)
    with served(desk.url) as client:
        listed = client.get("/api/resources", params={"article": A}).json()["items"]
        assert [row["id"] for row in listed] == [row["id"] for row in second.values()]
        article = listed[0]["article"]
        checks = client.get(f"/a/{article}/checks", headers={"accept": "text/html"}).text
        assert f'href="/a/{article}/resources"' in checks
        page = client.get(f"/a/{article}/resources", headers={"accept": "text/html"}).text
        assert f'href="/a/{article}/resources/{style["id"]}"' in page
        answer = client.get(f"/a/{article}/resources/{style['id']}")
        assert answer.content == CSS
        assert answer.headers["content-disposition"] == "attachment"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert client.get(f"/a/{article}/resources/{missing['id']}").status_code == 404


def test_a_wall_stores_none_and_the_bytes_of_a_day_are_bounded(desk):
    object.__setattr__(desk.settings, "browser_resources", 4_000)
    desk.web.put(STYLE, Reply(b"a" * 3_000, type="text/css"))
    source = desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    assert len(resources(desk)) == 6
    desk.web.put(TEXT, shown(HIGHER))
    desk.look(source, 1)
    assert {version for version, _name in resources(desk)} == {1}
    desk.web.put(TEXT, shown((*HIGHER, SENTENCE)))
    desk.look(source, 26)
    assert {version for version, _name in resources(desk)} == {1, 3}


def test_a_redaction_and_a_restriction_reach_the_resources(desk, tmp_path):
    settings = {"database_url": desk.url, "home": str(tmp_path / "home")}
    other = f"{SITE}/lokales/fest"
    pegel = desk.watch_page(A, kind="page", options={"browser": "always"})
    for hour, text in enumerate((HIGHER, (*PEGEL, SENTENCE)), 1):
        desk.web.put(TEXT, shown(text))
        desk.look(pegel, hour)
    desk.web.put(other, Reply(PAGE.replace(b"/text.html", b"/fest.html")))
    desk.web.put(f"{SITE}/fest.html", shown(("Am Sonntag feiert der Hafen sein Fest.", *REST)))
    desk.look(desk.watch_page(other, kind="page", options={"browser": "always"}))
    named = resources(desk)[2, "/text.html"]
    words = ("--reason", "court_order", "--by", "ada", "--yes")
    done = lesart(tmp_path, "redact", A, "--passage", "Jule Tamm", *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    left = desk.rows("SELECT r.address, r.origin, r.version FROM page_resources r")
    assert {(row["origin"], row["version"]) for row in left} == {(A, 1), (other, 1)}
    assert bytes.fromhex(named["digest"]) not in held(desk)
    assert sha256(CSS).digest() in held(desk)
    desk.look(pegel, 3)
    assert bytes.fromhex(named["digest"]) not in held(desk)
    done = lesart(tmp_path, "redact", A, "--restrict", *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["origin"] for row in desk.rows("SELECT origin FROM page_resources")} == {other}
    done = lesart(tmp_path, "redact", other, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert desk.rows("SELECT * FROM page_resources") == []


REST = (
    "Die Kapelle spielt ab zehn Uhr, und am Nachmittag fahren die alten Schlepper aus.",
    "Für Kinder gibt es ein Zelt mit Spielen, und die Boote der Retter stehen offen.",
    "Der Eintritt ist frei; das Geld aus dem Verkauf geht an das Heim am Deich.",
)


def test_an_export_has_the_answers_and_an_import_reads_none_as_a_text(tmp_path: Path) -> None:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        put_page(web, (*PEGEL, *REST))
        given = {"allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01"}
        done = lesart(tmp_path, "ingest", A, "--browser", **given)
        assert done.returncode == 0, done.stderr
    assert lesart(tmp_path, "export", "--format", "warc", "-o", "press.warc").returncode == 0
    found = {
        each.rec_headers["WARC-Target-URI"]: (
            each.http_headers.get_statuscode(), each.http_headers.get_header("content-type"),
            each.http_headers.get_header("location"), each.content_stream().read(),
        )
        for each in ArchiveIterator(io.BytesIO((tmp_path / "press.warc").read_bytes()))
        if each.rec_type == "response"
    }  # fmt: skip
    assert found[STYLE] == ("200", "text/css; charset=utf-8", None, CSS)
    assert found[MOVED][::2] == ("302", STYLE)
    assert found[SCRIPT][3] == CODE
    other = {"home": str(tmp_path / "zwei"), "seeds": str(tmp_path / "zwei")}
    done = lesart(tmp_path, "ingest", "press.warc", **other)
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path, "refusals", **other) == []
    assert [row["origin"] for row in rows(tmp_path, "list", **other)] == [A]
    assert rows(tmp_path, "resources", **other) == []


def test_a_bundle_has_the_resources_of_its_page_and_misses_no_change(tmp_path: Path) -> None:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        put_page(web)
        given = {
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01",
            "proof_key": str(tmp_path / "proof.key"),
        }  # fmt: skip
        for words in (
            ("ingest", A, "--browser"), ("proof", "keygen"),
            ("proof", "checkpoint", "-o", "checkpoint.txt"), ("proof", A, "-o", "proof.zip"),
        ):  # fmt: skip
            done = lesart(tmp_path, *words, **given)
            assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "proof.zip") as packed:
        packed.extractall(tmp_path / "program")
        files = {name: packed.read(name) for name in packed.namelist()}
    digest = sha256(CSS).hexdigest()
    assert files[f"captures/{digest}"] == CSS
    for name in ("", f"captures/{digest}", next(each for each in files if "page_resource" in each)):
        changed = {**files, name: json.dumps(len(name)).encode()} if name else files
        with zipfile.ZipFile(tmp_path / "checked.zip", "w") as packed:
            for each, raw in changed.items():
                packed.writestr(each, raw)
        words = [sys.executable, "-I", "-S", tmp_path / "program" / "verify.py"]
        done = subprocess.run(
            [*words, tmp_path / "checked.zip"], capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is not bool(name), done.stdout + done.stderr
        if not name:
            assert f"resource {STYLE}, {len(CSS)} bytes, SHA-256 {digest}" in done.stdout
