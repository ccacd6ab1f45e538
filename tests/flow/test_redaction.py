"""What is redacted is nowhere any more, does not come back, and all else is still proven."""

from collections.abc import Sequence

import pytest

from storage.database import capture_store as stores
from storage.proof import log
from storage.values.redaction import RedactionReason
from storage.write.redaction import redact as redacting
from storage.write.redaction.plan import RedactionTarget, plan_of
from storage.write.redaction.scrub import due, scrub
from tests.flow.driver import Newsroom, lines, page, seed
from tests.flow.searched import found_in, places_of_bytes, secret_articles
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page
from worker.cli.redact_command import prepared

PUMPED = "Die Feuerwehr kam am Morgen und pumpte Keller leer."


def target(room: Newsroom, origin: str, version: int | None = None) -> RedactionTarget:
    article = room.one(
        "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id WHERE o.origin = :o",
        o=origin,
    )["id"]
    if version is None:
        return RedactionTarget(article)
    wording = "SELECT wording_id AS w FROM version WHERE article_id = :a AND number = :n"
    return RedactionTarget(article, (room.one(wording, a=article, n=version)["w"],))


def redact(room: Newsroom, targets: Sequence[RedactionTarget], **options: bool) -> list[int]:
    return room.archive.redact(targets, RedactionReason.GDPR_ERASURE, "ada", **options)


def search_everywhere(room: Newsroom, count: int, redacted: int, at_a_time: int) -> None:
    articles = secret_articles(count)
    for each in articles:
        room.write(each.name, each.content)
    room.scan(0)
    log.append(room.archive.engine, room.archive.clock)
    gone, kept = articles[:: count // redacted], articles[1 :: count // redacted]
    before = places_of_bytes(room, room.root)
    assert len({needle for _, needle in found_in(before, gone[0].needles)}) > 4, "they are found"
    entries = room.rows("SELECT seq, commitment FROM log_entry ORDER BY seq")
    targets = [target(room, f"seed:presse/{each.name}") for each in gone]
    for start in range(0, len(targets), at_a_time):
        redact(room, targets[start : start + at_a_time])
    scrub(room.archive.engine)
    assert due(room.archive.engine) is None
    held = places_of_bytes(room, room.root)
    assert found_in(held, [needle for each in gone for needle in each.needles]) == []
    assert len({needle for _, needle in found_in(held, kept[0].needles)}) > 4, "others are there"
    after = room.rows("SELECT seq, commitment FROM log_entry ORDER BY seq")
    assert after[: len(entries)] == entries, "no entry of the log is another one"
    assert room.findings() == []


def test_nothing_of_what_was_redacted_is_left_anywhere(room):
    search_everywhere(room, 120, 12, 4)


@pytest.mark.large
def test_nothing_of_a_thousand_texts_among_ten_thousand_is_left_anywhere(room):
    search_everywhere(room, 10_000, 1_000, 50)


def test_the_same_bytes_and_the_same_text_do_not_come_back(room):
    room.write("a.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    room.scan(0)
    redact(room, [target(room, "seed:presse/a.txt")])
    assert room.scan(1).unchanged == 1, "the file was not touched"
    room.write("a.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    assert room.scan(2).refused == 1, "the same bytes"
    room.write("b.txt", seed("Pegel steigt", "Ada  Kern sah es.", PUMPED))
    assert room.scan(3).refused == 2, "and the same text in other bytes, elsewhere"
    codes = {(row["code"], bool(row["kept"])) for row in room.rows("SELECT * FROM refusals")}
    assert codes == {("redacted", False)}
    assert room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL") == 0
    assert room.number("SELECT count(*) FROM articles") == 1


def test_what_stands_beside_a_redacted_version_is_told_as_no_edit(room):
    for hour, verb in enumerate(("stieg", "stieg weiter", "fiel")):
        room.write("a.txt", seed("Pegel der Lohe", f"Der Pegel der Lohe {verb}.", PUMPED))
        room.scan(hour)
    redact(room, [target(room, "seed:presse/a.txt", 2)])
    assert [text and text[:24] for _number, text in room.versions()] == [
        "Der Pegel der Lohe stieg", None, "Der Pegel der Lohe fiel.",
    ]  # fmt: skip
    told = room.rows("SELECT version, changes, removed, added FROM changes ORDER BY version")
    assert told == [
        {"version": 2, "changes": ["redacted"], "removed": [], "added": []},
        {"version": 3, "changes": ["redacted"], "removed": [], "added": []},
    ]
    room.write("a.txt", seed("Pegel der Lohe", "Der Pegel der Lohe fiel weiter.", PUMPED))
    room.scan(3)
    assert room.rows("SELECT changes FROM changes WHERE version = 4") == [{"changes": ["wording"]}]


def test_a_passage_goes_out_of_every_version_and_the_rest_stays(room):
    for hour, verb in enumerate(("stieg", "stieg weiter", "fiel")):
        body = f"Frau Ada Zwölfkern sagte: Der Pegel {verb}." if hour < 2 else "Der Pegel fiel."
        room.write("a.txt", seed("Frau Ada Zwölfkern am Pegel", body, PUMPED))
        room.scan(hour)
    one = target(room, "seed:presse/a.txt")
    why = RedactionReason.GDPR_ERASURE
    act = room.archive.redact_passage([one], "ada zwölfkern", why, "ada", prepared)
    assert act is not None
    assert [text for _number, text in room.versions()] == [
        f"Frau [redacted] sagte: Der Pegel stieg.\n\n{PUMPED}",
        f"Frau [redacted] sagte: Der Pegel stieg weiter.\n\n{PUMPED}",
        f"Der Pegel fiel.\n\n{PUMPED}",
    ]
    versions = room.versions_of_all()
    assert {each["title"] for each in versions} == {"Frau [redacted] am Pegel"}
    assert all("passage_redacted" in each["flags"] for each in versions)
    assert all(each["wording"].startswith("w1:") for each in versions)
    step = room.one("SELECT removed, added, changes FROM changes WHERE version = 2")
    assert (step["removed"], "redacted" in step["changes"]) == ([], False)
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), ["Zwölfkern".encode()]) == []
    room.write("a.txt", seed("Frau Ada Zwölfkern am Pegel", "Alles neu.", PUMPED))
    assert room.scan(3).refused == 1, "the passage came back at its place"
    room.write("b.txt", seed("Frau Ada Zwölfkern singt", "Ganz woanders."))
    assert room.scan(4).new_articles == 1
    assert room.archive.redact_passage([one], "ada zwölfkern", why, "ada", prepared) is None


def test_copies_keep_the_text_unless_they_go_too(room):
    for name in ("a", "b"):
        room.write(f"{name}.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    room.scan(0)
    one = target(room, "seed:presse/a.txt")
    with room.archive.looking() as connection:
        assert len(plan_of(connection, [one], with_copies=False).copies) == 1
    redact(room, [one], with_copies=True)
    assert [text for _number, text in room.versions()] == [None, None]


def test_records_of_web_archives_go_with_their_text(room):
    address, seen = "https://presse.example/a", "2024-06-17T06:00:00Z"
    secret = "Ada Kern aus Lohe sah den Pegel als erste um sieben Uhr früh steigen."
    body = answer(saved_page("Ada Kern sah es", secret, PUMPED))
    room.write("e.warc", response(address, seen, body) + request(address, seen))
    room.scan(0)
    assert secret in room.versions()[0][1]
    redact(room, [target(room, address)])
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [b"Ada Kern"]) == []
    room.write("f.warc", response(address, "2024-06-19T06:00:00Z", body))
    assert room.scan(1).refused == 1
    assert room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL") == 0


@pytest.fixture
def store(tmp_path):
    """Give a folder in which this process keeps the bytes of captures."""
    folder = tmp_path / "store"
    stores.use_captures(stores.capture_place(folder.as_uri()))
    yield folder
    stores.use_captures(None)


def test_bytes_in_a_store_go_before_their_rows_are_emptied(store, room):
    room.write("a.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    room.write("b.txt", seed("Pegel fällt", "Niemand sah es.", PUMPED))
    room.scan(0)
    redact(room, [target(room, "seed:presse/a.txt")])
    left = [path for path in store.rglob("*") if path.is_file()]
    assert [b"Niemand" in path.read_bytes() for path in left] == [True]


def test_records_of_a_file_go_one_by_one(room):
    room.write("c.jsonl", lines({"1": "Ada Kern sah es.", "2": PUMPED}))
    room.scan(0)
    redact(room, [target(room, "seed:presse/c.jsonl#1")])
    texts = {row["origin"]: row["title"] for row in room.rows("SELECT * FROM articles")}
    assert texts == {"seed:presse/c.jsonl#1": None, "seed:presse/c.jsonl#2": "Meldung 2"}
    room.write("c.jsonl", lines({"1": "Ada Kern sah es.", "2": PUMPED}))
    counts = room.scan(1)
    assert (counts.refused, counts.unchanged) == (1, 1)


def test_what_was_ended_early_is_finished_by_whoever_comes_next(room, monkeypatch):
    for name in ("a", "b", "c"):
        room.write(f"{name}.md", page(f"Ada Kern sah {name}.", title=f"Pegel {name}"))
    room.scan(0)
    monkeypatch.setattr(redacting, "ROWS_AT_A_TIME", 2)
    seal, calls = log.seal, []

    def dies(*told: object) -> None:
        calls.append(told)
        if len(calls) == 4:
            raise KeyboardInterrupt
        seal(*told)

    monkeypatch.setattr(log, "seal", dies)
    targets = [target(room, f"seed:presse/{name}.md") for name in ("a", "b")]
    with pytest.raises(KeyboardInterrupt):
        redact(room, targets)
    monkeypatch.setattr(log, "seal", seal)
    assert {each["kind"] for each in room.findings()} == {"redaction_unfinished"}
    assert room.archive.finish_redactions() == 4
    assert [text for _number, text in room.versions()].count(None) == 2
    assert redact(room, targets) == [], "nothing is left to be redacted"


def test_a_column_that_was_emptied_without_a_redaction_is_named(database_url, tmp_path):
    room = Newsroom(database_url, tmp_path)
    room.write("a.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    room.scan(0)
    log.append(room.archive.engine, room.archive.clock)
    off = {"sqlite": ("DROP TRIGGER guard_wording_update", "SELECT 1")}.get(
        room.archive.engine.dialect.name,
        ("ALTER TABLE wording DISABLE TRIGGER USER", "ALTER TABLE wording ENABLE TRIGGER USER"),
    )
    with room.archive.engine.begin() as connection:
        connection.exec_driver_sql(off[0])
        connection.exec_driver_sql("UPDATE wording SET title = NULL")
    told = {each["kind"]: each["message"] for each in room.findings()}
    assert "title" in told["row_changed"]
    room.close()
