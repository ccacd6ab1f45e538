"""An archive is exported as a WARC file and imported again as an equal archive."""

import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from storage.export.warc import ExportSelection, WarcExport
from storage.read.archive import open_archive
from tests.flow.driver import SENTENCES, START, Newsroom, hour, lines, newsroom_at, seed
from tests.flow.driver import page as note
from tests.warcs import answer, packed, page, record, request, response, revisit, warcinfo
from tests.web.desk import HIGHER, PEGEL, A, desk_at
from tests.web.site import Reply, redirect
from tests.web.site import page as site_page

A_SENTENCE, B_SENTENCE, *_ = SENTENCES
URL = "https://bote.example/deich"
B, C = "https://bote.example/pegel", "https://kurier.example/pegel"


def exported(room: Newsroom, chosen: ExportSelection | None = None) -> bytes:
    with open_archive(room.url) as archive:
        export = WarcExport(archive, chosen or ExportSelection(), "lesart of tests")
        return b"".join(export.records())


def knows(room: Newsroom) -> dict[str, list]:
    """Return the rows of an archive about its texts, by any observer."""
    return {
        "articles": room.rows(
            "SELECT article, origin, title, published, versions, first_seen, last_seen "
            "FROM articles ORDER BY article"
        ),
        "versions": room.rows(
            "SELECT article, version, wording, title, text, changed_after, changed_by, last_seen, "
            "raw_digest FROM versions ORDER BY article, version"
        ),
        "changes": room.rows(
            "SELECT article, version, removed, added, changes, silent FROM changes "
            "ORDER BY article, version"
        ),
        "copies": sorted(
            sorted((row["a"], row["b"])) for row in room.rows("SELECT a, b FROM relations")
        ),
    }


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Newsroom]:
    """Give a second archive, with nothing in it, beside the one that is tried."""
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as found:
        yield found


def reimported(other: Newsroom, data: bytes) -> dict[str, list]:
    other.write("export.warc.gz", gzip.compress(data))
    other.ingest("export.warc.gz", at=100)
    return knows(other)


def checked(data: bytes, tmp_path: Path) -> None:
    """Let `warcio check` say that all digests and lengths are right."""
    path = tmp_path / "checked.warc"
    path.write_bytes(data)
    told = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", str(path)], capture_output=True, text=True
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def records(data: bytes) -> list[tuple[str, str | None]]:
    found = ArchiveIterator(io.BytesIO(data))
    pairs = [(each.rec_type, each.rec_headers.get_header("WARC-Target-URI")) for each in found]
    for kind, uri in pairs:
        assert (kind == "metadata") == (uri or "").startswith("urn:metadata:")
    return [(kind, uri and uri.removeprefix("urn:metadata:")) for kind, uri in pairs]


def busy_folder(room: Newsroom) -> None:
    """Let much happen to a folder in twelve hours."""
    room.write("pegel.txt", seed("Pegel steigt weiter", A_SENTENCE))
    room.write("Küche 7%.md", note(A_SENTENCE, url=URL))
    room.write("kopie.txt.gz", gzip.compress(seed("Pegel steigt weiter", A_SENTENCE).encode()))
    room.write("ticker.jsonl", lines({"eins": A_SENTENCE, "zwei": SENTENCES[2]}))
    room.write("tabelle.csv", "title,text\nFähre,Die Fähre bleibt bis zum Abend im Hafen.\n")
    room.write("seite.html", page("Deich hält", *SENTENCES[:3]))
    room.write("leer.txt", "")
    room.scan(0)
    room.scan(1)
    room.write("pegel.txt", seed("Pegel steigt weiter", B_SENTENCE))
    room.write("ticker.jsonl", lines({"eins": B_SENTENCE, "zwei": SENTENCES[2]}))
    room.scan(2)
    room.scan(3)
    room.write("pegel.txt", seed("Pegel steigt weiter", A_SENTENCE))
    room.remove("seite.html")
    room.scan(4)
    room.write("früher.md", note(B_SENTENCE, url=URL, observed_at=hour(2.5)))
    room.write("later.txt", seed("Ferry stays", SENTENCES[3]))
    room.scan(5)
    room.scan(6)


def test_a_folder_comes_back_as_it_was_seen(room, other, tmp_path):
    busy_folder(room)
    data = exported(room)
    checked(data, tmp_path)
    known = knows(room)
    assert len(known["articles"]) == 8
    assert len(known["versions"]) >= 13
    assert reimported(other, data) == known
    foreign = other.rows('SELECT DISTINCT "foreign" FROM observations WHERE article IS NOT NULL')
    assert [bool(row["foreign"]) for row in foreign] == [True]


@pytest.mark.slow
def test_an_archive_of_either_database_imports_the_export_of_the_other(room, other):
    busy_folder(other)
    room.write("export.warc", exported(other))
    room.ingest("export.warc", at=100)
    assert knows(room) == knows(other)


@pytest.mark.slow
def test_imported_articles_are_exported_again_with_the_same_records(room, other):
    busy_folder(room)
    data = exported(room)
    reimported(other, data)
    first, second = (set(records_whole(each)) for each in (data, exported(other)))
    kinds = {each.split(b"\r\n")[1] for each in first - second}
    assert kinds <= {b"WARC-Type: warcinfo", b"WARC-Type: metadata"}
    assert len(first & second) > 20


def records_whole(data: bytes) -> list[bytes]:
    return [b"WARC/1.1" + each for each in data.split(b"WARC/1.1")[1:]]


@pytest.mark.slow
def test_the_same_archive_writes_the_same_records_twice(room):
    busy_folder(room)
    one, two = (records_whole(exported(room))[1:] for _ in range(2))
    assert one == two


# ------------------------------------------------------------------------------- bit for bit


def foreign_records() -> list[bytes]:
    story = page("Deich hält", *SENTENCES[:3])
    squeezed = answer(gzip.compress(story), headers={"Content-Encoding": "gzip", "X-Odd": "ä\tb "})
    return [
        warcinfo("crawler 1"),
        request(URL, "2024-06-18T06:00:00Z"),
        response(URL, "2024-06-18T06:00:00Z", squeezed, fields=[("X-Own", "  spaced\u00e4 ")]),
        record("metadata", URL, "2024-06-18T06:00:00Z", b"via: https://bote.example/\r\n"),
        response(URL, "2024-06-18T07:00:00Z", answer(b"weg", status="404 Not Found")),
        response(URL, "2024-06-18T08:00:00Z", answer(story)),
        revisit(URL, "2024-06-18T09:00:00Z", of=story),
        request(URL, "2024-06-18T09:00:00Z"),
    ]  # fmt: skip


def test_a_capture_of_a_web_archive_is_exported_bit_for_bit(room, other, tmp_path):
    written = foreign_records()
    room.write("a.warc.gz", packed(*written))
    room.scan(20)
    data = exported(room)
    for each in written:
        assert each in data
    checked(data, tmp_path)
    assert reimported(other, data) == knows(room)
    assert set(records_whole_any(exported(other))) == set(records_whole_any(data))


def records_whole_any(data: bytes) -> list[bytes]:
    """Return the records of a file but for the first, in which the file speaks of itself."""
    parts = data.split(b"\r\n\r\nWARC/1.")
    return [each.rstrip() for each in parts[1:]]


@pytest.mark.slow
def test_a_record_of_an_arc_file_is_exported_as_one_of_a_warc_file_with_its_block(room, other):
    block = answer(page("Deich hält", *SENTENCES[:3]))
    about = b"1 0 Probe\nURL IP-address Archive-date Content-type Archive-length\n"
    arc = b"filedesc://a.arc 0.0.0.0 20240618060000 text/plain %d\n" % len(about) + about
    arc += (
        b"\n%s 192.0.2.7 20240618060000 text/html %d\n" % (URL.encode(), len(block)) + block + b"\n"
    )
    room.write("a.arc", arc)
    room.scan(20)
    data = exported(room)
    assert block in data
    assert reimported(other, data) == knows(room)


# -------------------------------------------------------------------------------- what we fetched


def pegel(paragraphs=PEGEL, **more) -> Reply:
    return Reply(site_page("Pegel der Lohe steigt", paragraphs), **more)


def test_fetched_captures_are_exported_with_request_response_and_metadata(
    database_url, tmp_path, other
):
    (tmp_path / "desk").mkdir()
    with desk_at(database_url, tmp_path / "desk") as desk:
        desk.web.put(A, pegel(has_validators=True))
        desk.fetch(A, at=1)
        desk.fetch(A, at=2)
        desk.web.put(A, pegel(HIGHER))
        desk.fetch(A, at=3)
        desk.fetch(A, at=4)
        desk.web.put(A, Reply(b"weg", 404))
        desk.fetch(A, at=5)
        desk.web.put(A, pegel(HIGHER))
        desk.fetch(A, at=6)
        desk.web.put("https://zeitung.example/alt", redirect("/lokales/pegel"))
        data = exported(desk)
        known = knows(desk)
        outcomes = desk.outcomes(A)
    checked(data, tmp_path)
    assert outcomes == ["content", "not_modified", "content", "unchanged", "gone", "unchanged"]
    page_outcome = [kind for kind, uri in records(data) if uri == A]
    assert page_outcome.count("request") == page_outcome.count("metadata") == 6
    assert page_outcome.count("response") == 3
    assert page_outcome.count("revisit") == 3
    assert b"User-Agent: Lesart/" in data
    assert data.count(b"BEGIN CERTIFICATE") == 1
    assert reimported(other, data)["versions"] == known["versions"]
    assert [row["outcome"] for row in other.observations(A)] == outcomes


CUT = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90000\r\n\r\n"


@pytest.mark.slow
def test_a_capture_that_was_cut_off_is_no_article_in_the_second_archive(
    database_url, tmp_path, other
):
    (tmp_path / "desk").mkdir()
    whole = site_page("Pegel der Lohe steigt", PEGEL)
    with desk_at(database_url, tmp_path / "desk", max_document_bytes="50KB") as desk:
        desk.web.put(A, pegel())
        desk.fetch(A, at=1)
        for at, wire in ((2, CUT + whole[: len(whole) // 2]), (60, CUT + whole)):
            desk.web.put(A, Reply(pieces=[(0.0, wire)]))
            desk.fetch(A, at=at)
        desk.web.put(B, Reply(pieces=[(0.0, CUT + site_page("Fähre bleibt im Hafen", HIGHER))]))
        desk.fetch(B, at=70)
        desk.web.put(C, Reply(whole + b"<!--" + b" " * 60_000 + b"-->"))
        desk.fetch(C, at=80)
        data, known = exported(desk), knows(desk)
        outcomes = [desk.outcomes(each) for each in (A, B, C)]
        state = desk.article(A)["state"]
    checked(data, tmp_path)
    assert outcomes == [["content", "unreachable", "unreachable"], ["unreachable"], ["refused"]]
    assert data.count(b"WARC-Truncated: disconnect") == 3
    assert data.count(b"WARC-Truncated: length") == 1
    assert reimported(other, data) == known
    assert [[r["outcome"] for r in other.observations(each)] for each in (A, B, C)] == outcomes
    assert other.article(A)["state"] == state == "unreachable"


def joins(room: Newsroom) -> list:
    return room.rows(
        "SELECT l.kind, a.origin, b.origin AS leads_to FROM lineage l JOIN origin a ON a.id = "
        "l.origin_id JOIN origin b ON b.id = l.to_origin_id ORDER BY l.kind, a.origin"
    )


@pytest.mark.slow
def test_addresses_that_were_joined_are_joined_in_the_second_archive(database_url, tmp_path, other):
    (tmp_path / "desk").mkdir()
    moved = "https://zeitung.example/archiv/pegel"
    with desk_at(database_url, tmp_path / "desk") as desk:
        desk.web.put(A, pegel())
        desk.fetch(A, at=1)
        desk.web.put(A, redirect("/archiv/pegel", 301))
        desk.web.put(moved, pegel(HIGHER))
        desk.fetch(A, at=2)
        desk.fetch(moved, at=3)
        head = f'<link rel="canonical" href="{moved}">'
        desk.web.put(B, Reply(site_page("Pegel der Lohe steigt", HIGHER, head)))
        desk.fetch(B, at=4)
        data, known, joined = exported(desk), knows(desk), joins(desk)
        data, known, joined = exported(desk), knows(desk), joins(desk)
        addresses = desk.rows("SELECT article, origin FROM addresses ORDER BY origin")
    assert {each["kind"] for each in joined} == {"redirect", "canonical"}
    assert len(known["articles"]) == 1
    assert reimported(other, data) == known
    assert joins(other) == joined
    assert other.rows("SELECT article, origin FROM addresses ORDER BY origin") == addresses


def test_an_address_of_a_record_has_no_port(database_url, tmp_path):
    with desk_at(database_url, tmp_path) as desk:
        desk.web.put(A, pegel())
        desk.fetch(A, at=1)
        data = exported(desk)
    assert b"\r\nWARC-IP-Address: 127.0.0.1\r\n" in data


@pytest.mark.parametrize(
    "block",
    [b"[1]", b"{", b"[" * 100_000, b'{"joined": 3, "outcome": {}}', b'{"joined": [3, {"by": "x"}]}',
     b'{"joined": [{"by": "redirect", "with": "ftp://a/"}]}'],
)  # fmt: skip
def test_metadata_of_others_says_nothing_and_harms_no_one(room, block):
    story = page("Deich hält", *SENTENCES[:3])
    fields = [("Content-Type", "application/json")]
    written = [
        response(URL, "2024-06-18T06:00:00Z", answer(story)),
        record("metadata", URL, "2024-06-18T06:00:00Z", block, fields=fields),
    ]
    room.write("a.warc.gz", packed(*written))
    assert room.scan(20).new_articles == 1
    assert joins(room) == []


# ----------------------------------------------------------------------------------- parts of it


@pytest.mark.slow
def test_a_part_of_the_archive_is_written_by_filters_and_goes_on(room):
    busy_folder(room)
    with open_archive(room.url) as archive:
        whole = {uri for _kind, uri in records(exported(room)) if uri}
        export = WarcExport(archive, ExportSelection(limit=3), "x")
        first = b"".join(export.records())
        rest = WarcExport(archive, ExportSelection(after=export.cursor, limit=100), "x")
        second = b"".join(rest.records())
    parts = [{uri for _kind, uri in records(part) if uri} for part in (first, second)]
    assert parts[0] | parts[1] == whole - {"seed:presse/leer.txt"}
    assert len(parts[0]) >= 3
    assert not parts[0] & parts[1]


def test_a_query_chooses_the_articles_whose_versions_it_finds(room):
    busy_folder(room)
    data = exported(room, ExportSelection(query="harbour"))
    assert {uri for _kind, uri in records(data) if uri} == {"seed:presse/later.txt"}
    assert START
