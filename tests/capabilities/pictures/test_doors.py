"""The pictures of a change at each door: commands, pages, alerts, exports and limits of access."""

import io
from hashlib import sha256

import pytest
from warcio.archiveiterator import ArchiveIterator

from storage.capabilities.alert_sending.store import match
from storage.write.redaction.redact_articles import drop_overdue_bytes
from tests.capabilities.pictures.photos import (
    CAPTION,
    LEAD,
    PAGE,
    SECOND,
    PictureDesk,
    page_with,
    photo,
    picture,
)
from tests.flow.processes import Service, lesart, rows, until
from tests.serve.conftest import served
from tests.services import free_port
from tests.web.desk import HIGHER

HTML = {"accept": "text/html"}


@pytest.fixture
def swapped(desk, tmp_path):
    """Give a newsroom with an article whose lead picture was swapped with its second version."""
    room = PictureDesk(desk)
    settings = {
        "database_url": desk.url,
        "home": str(tmp_path / "home"),
        "allow_hosts": "127.0.0.1:9",
    }
    for name, words in (("bilder", ("--picture", "any")), ("getauscht", ("--picture", "swapped")),
                        ("schnitt", ("--picture", "cropped"))):  # fmt: skip
        done = lesart(
            tmp_path,
            "alert",
            "add",
            name,
            *words,
            "--webhook",
            "http://127.0.0.1:9/hook",
            **settings,
        )
        assert done.returncode == 0, done.stderr
    desk.web.put(LEAD, picture(photo()))
    room.see(page_with())
    desk.web.put(LEAD, picture(photo(2)))
    room.see(page_with(*HIGHER))
    return room, lambda *words: rows(tmp_path, *words, **settings), settings


def test_a_swapped_picture_is_found_shown_side_by_side_and_alerted(swapped, tmp_path):
    room, ask, _settings = swapped
    first, second = ask("pictures", PAGE)
    assert (first["event"], second["event"], second["before"]) == ("first", "swapped", first["id"])
    assert [row["id"] for row in ask("pictures", "--event", "swapped")] == [second["id"]]
    assert [row["version"] for row in ask("changes", "--picture", "swapped")] == [2]
    assert [row["version"] for row in ask("changes", "--picture", "any")] == [2]
    assert ask("changes", "--picture", "cropped") == []
    with served(room.desk.url) as client:
        article = first["article"]
        shown = client.get(f"/a/{article}/1..2", headers=HTML).text
        for each, raw in ((first, photo()), (second, photo(2))):
            address = f"/a/{article}/pictures/{each['id']}"
            assert f'src="{address}"' in shown
            answer = client.get(address)
            assert (answer.content, answer.headers["content-type"]) == (raw, "image/jpeg")
            assert answer.headers["x-content-type-options"] == "nosniff"
        german = client.get(f"/a/{article}/1..2", params={"lang": "de"}, headers=HTML).text
        assert "ausgetauscht" in german
        listed = client.get(f"/a/{article}/pictures", headers=HTML).text
        assert CAPTION in listed
        assert client.get(f"/a/{article}/pictures/7").status_code == 404
        assert client.get("/api/pictures", params={"event": "swapped"}).json()["items"]
    match(room.desk.archive.engine, room.desk.archive.clock)
    matched = room.desk.rows(
        "SELECT a.name, d.version FROM alert_delivery d JOIN alert a ON a.id = d.alert_id "
        "ORDER BY a.name"
    )
    assert [(row["name"], row["version"]) for row in matched] == [("bilder", 2), ("getauscht", 2)]


def test_a_replay_has_the_pictures_and_an_archive_that_reads_it_no_strange_texts(swapped, tmp_path):
    _room, _ask, settings = swapped
    out = tmp_path / "bilder.warc"
    done = lesart(tmp_path, "export", "--format", "warc", "-o", str(out), **settings)
    assert done.returncode == 0, done.stderr
    records = {
        (each.rec_headers["WARC-Target-URI"], each.content_stream().read())
        for each in ArchiveIterator(io.BytesIO(out.read_bytes()))
        if each.rec_type == "resource"
    }
    assert records == {(LEAD, photo()), (LEAD, photo(2))}
    other = {
        "database_url": f"sqlite:///{tmp_path}/zweites.sqlite3",
        "home": str(tmp_path / "zwei"),
    }
    done = lesart(tmp_path, "ingest", str(out), **other)
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path, "refusals", **other) == []
    assert len(rows(tmp_path, "history", PAGE, **other)) == 2


@pytest.mark.slow
def test_restriction_retention_and_a_redacted_caption_reach_the_bytes(swapped, tmp_path):
    room, ask, settings = swapped
    article = ask("list")[0]["article"]
    number = ask("pictures")[0]["id"]
    words = ("--passage", CAPTION, "--reason", "court_order", "--by", "ada", "--yes")
    done = lesart(tmp_path, "redact", PAGE, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    held = "SELECT digest FROM capture WHERE data IS NOT NULL"
    photos = {sha256(photo(each)).digest() for each in (1, 2)}
    assert ask("pictures") == []
    assert not photos & {bytes(row["digest"]) for row in room.desk.rows(held)}
    room.desk.web.put(SECOND, picture(photo(3)))
    room.see(page_with(*HIGHER, lead=SECOND, caption="Neu."))
    (row,) = ask("pictures")
    with served(room.desk.url) as client:
        assert client.get(f"/a/{article}/pictures/{row['id']}").status_code == 200
        assert client.get(f"/a/{article}/pictures/{number}").status_code == 404
        done = lesart(
            tmp_path, "redact", PAGE, "--restrict", "--reason", "court_order", "--by", "ada", "--yes",
            **settings,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert client.get(f"/a/{article}/pictures/{row['id']}").status_code == 404
    assert ask("pictures") == []
    room.desk.now = room.desk.now.replace(year=2030)
    drop_overdue_bytes(room.desk.archive, 1800.0, by_clock=True)
    assert sha256(photo(3)).digest() not in {bytes(row["digest"]) for row in room.desk.rows(held)}


@pytest.mark.slow
def test_up_requests_the_pictures_of_what_it_watches(web, database_url, tmp_path):
    (tmp_path / "seeds").mkdir()
    settings = {
        "home": str(tmp_path / "home"), "seeds": str(tmp_path / "seeds"), "every": "60s",
        "database_url": database_url, "pace": "0.05s", "pictures": "5MB",
        "web_address": f"127.0.0.1:{free_port()}",
    }  # fmt: skip
    web.put(LEAD, picture(photo()))
    web.put(PAGE, page_with())
    proxy = f"http://127.0.0.1:{web.plain_port}"
    done = lesart(tmp_path, "source", "add", PAGE, "--proxy", proxy, "--recheck", "1s", **settings)
    assert done.returncode == 0, done.stderr
    up = Service(tmp_path, "up", **settings)
    up.start()
    try:
        until(lambda: rows(tmp_path, "pictures", **settings), what="the first picture")
        web.put(LEAD, picture(photo(2)))
        web.put(PAGE, page_with(*HIGHER))
        until(lambda: rows(tmp_path, "pictures", "--event", "swapped", **settings), what="the swap")
    finally:
        up.end()
    assert [
        row["version"] for row in rows(tmp_path, "changes", "--picture", "any", **settings)
    ] == [2]
    spoken = lesart(tmp_path, "doctor", **settings).stdout
    assert "the pictures of 0 pages are requested" in spoken
    assert lesart(tmp_path, "verify", **settings).returncode == 0
