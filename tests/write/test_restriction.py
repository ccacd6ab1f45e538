"""A restricted text is kept, shown nowhere, and shown again after the restriction is lifted."""

import pytest

from storage.database.views import VIEWS
from storage.export.warc import ExportSelection, WarcExport
from storage.proof import log
from storage.read.archive import open_archive
from storage.values.errors import RestrictedError
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import lift, restrict
from tests.flow.driver import Newsroom, seed

SECRET, WHY = "Zwölfkern", RedactionReason.GDPR_RESTRICTION
ORIGIN = "seed:presse/a.txt"


@pytest.fixture
def restricted(room: Newsroom) -> Newsroom:
    for hour, verb in enumerate(("stieg", "fiel")):
        body = f"Frau {SECRET} sagte: Der Pegel {verb}."
        room.write("a.txt", seed(f"{SECRET} am Pegel", body, "Die Feuerwehr pumpte."))
        room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts.", f"Es {verb}."))
        room.scan(hour)
    room.archive.transact(restrict, [article(room)], WHY, "ada")
    return room


def article(room: Newsroom) -> int:
    query = "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id WHERE o.origin = :o"
    return int(room.one(query, o=ORIGIN)["id"])


def told(room: Newsroom) -> str:
    return "\n".join(str(row) for view in VIEWS for row in room.rows(f"SELECT * FROM {view}"))


def test_no_view_shows_anything_of_it_and_each_says_so(restricted):
    assert SECRET not in told(restricted)
    assert "Davon steht hier nichts" in told(restricted), "others are shown"
    states = restricted.rows("SELECT state, title FROM articles WHERE origin = :o", o=ORIGIN)
    assert states == [{"state": "restricted", "title": None}]
    days = "SELECT published, published_from FROM articles ORDER BY origin"
    assert [row["published"] for row in restricted.rows(days)] == [None, "2024-06-18"]
    assert [row["published_from"] is None for row in restricted.rows(days)] == [True, False]
    flags = "SELECT DISTINCT version, flags, text FROM versions WHERE article = :a ORDER BY version"
    name = restricted.one("SELECT article FROM articles WHERE origin = :o", o=ORIGIN)["article"]
    assert [(row["flags"], row["text"]) for row in restricted.rows(flags, a=name)] == [
        (["restricted"], None), (["restricted"], None),
    ]  # fmt: skip
    steps = restricted.rows(
        "SELECT changes, removed, added FROM changes WHERE article = :a", a=name
    )
    assert steps == [{"changes": ["restricted"], "removed": [], "added": []}]


def test_no_way_of_reading_shows_anything_of_it(restricted):
    with open_archive(restricted.url) as archive:
        assert list(archive.search(SECRET)) == []
        assert archive.facets(SECRET).hits == 0
        shown = archive.version(f"{ORIGIN}@1")
        assert (shown.title, shown.text, shown.flags) == (None, None, ("restricted",))
        assert SECRET not in str(shown.to_dict())
        assert [each.published is None for each in archive.articles()] == [True, False]
        by_wording = archive.version(f"{ORIGIN}@{shown.wording}")
        assert (by_wording.text, by_wording.paragraphs, by_wording.fields) == (None, (), {})
        for ask in (archive.raw, archive.diff, archive.cite, lambda rev: list(archive.blame(rev))):
            with pytest.raises(RestrictedError):
                ask(f"{ORIGIN}@2")
        records = b"".join(WarcExport(archive, ExportSelection(), "test").records())
    assert SECRET.encode() not in records
    assert b"Davon steht hier nichts" in records


def test_a_late_text_of_a_restricted_article_is_kept_and_not_shown(restricted):
    restricted.write("a.txt", seed(f"{SECRET} wieder am Pegel", f"Frau {SECRET} schwieg."))
    assert restricted.scan(2).new_versions == 1
    assert SECRET not in told(restricted)


def test_once_lifted_all_is_there_again_and_every_proof_has_held(restricted):
    before = restricted.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    seen = restricted.number("SELECT max(seq) FROM versions")
    assert restricted.archive.transact(lift, [article(restricted)], "ada") == [article(restricted)]
    assert restricted.archive.transact(lift, [article(restricted)], "ada") == [], "nothing is left"
    again = restricted.rows("SELECT title FROM versions WHERE seq > :s ORDER BY version", s=seen)
    assert again == [{"title": f"{SECRET} am Pegel"}] * 2, "who copies the archive is told"
    log.append(restricted.archive.engine, restricted.archive.clock)
    after = restricted.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    assert after[: len(before)] == before
    assert restricted.findings() == []
    with open_archive(restricted.url) as archive:
        assert len(list(archive.search(SECRET))) == 2


def test_the_rest_of_the_record_is_left_alone(restricted):
    texts = restricted.rows("SELECT title, text FROM wording")
    assert sum(SECRET in (row["title"] or "") for row in texts) == 2
    assert restricted.findings() == []
