"""What files that come, change, move and go mean for the archive: verdicts, counts, histories."""

import gzip
import json
import os
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from storage.schedule import wake as wake_ups
from storage.values.verdict import Counts
from storage.write.store_captures import store_arrivals
from tests.flow.driver import SENTENCES, hour, lines, page, seed, touch
from tests.flow.driver import iso_utc as iso

A, B, C, ENGLISH = SENTENCES
URL = "https://www.lohebote.example/region/pegel"
OTHER_URL = "https://www.lohebote.example/region/keller"


def origin(name: str) -> str:
    return f"seed:presse/{name}"


def outcomes(room, name: str) -> list[str]:
    return [row["outcome"] for row in room.observations(name)]


# ---------------------------------------------------------------------------- versions


def test_a_file_seen_for_the_first_time_is_a_new_article(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    assert room.scan(0) == Counts(new_articles=1)
    article = room.article(origin("pegel.txt"))
    assert (article["title"], article["versions"], article["state"]) == (
        "Pegel steigt",
        1,
        "present",
    )
    assert article["first_seen"] == iso(hour(0))


def test_another_wording_is_a_new_version_between_the_two_snapshots(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.scan(1)
    room.write("pegel.txt", seed("Pegel steigt", B))
    assert room.scan(2) == Counts(new_versions=1)
    (change,) = room.rows("SELECT * FROM changes")
    assert (change["changed_after"], change["changed_by"]) == (iso(hour(1)), iso(hour(2)))
    assert (change["removed"], change["added"]) == (["3,6"], ["36"])


def test_a_wording_that_returns_is_a_third_version_that_shares_the_first_wording(room):
    for at, text in enumerate((A, B, A)):
        room.write("pegel.txt", seed("Pegel steigt", text))
        room.scan(at)
    assert [text for _number, text in room.versions()] == [A, B, A]
    assert room.number("SELECT count(*) FROM wording") == 2
    assert (
        room.rows("SELECT changes FROM changes WHERE version = 3")[0]["changes"][-1] == "reversion"
    )


def test_a_file_written_again_with_the_same_wording_is_unchanged(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("pegel.txt", seed("Pegel steigt", A) + "\n\n")
    assert room.scan(1) == Counts(unchanged=1)
    assert [text for _number, text in room.versions()] == [A]
    assert outcomes(room, origin("pegel.txt")) == ["content", "unchanged"]
    assert room.number("SELECT count(*) FROM capture") == 2


def test_the_same_command_again_is_unchanged_and_a_snapshot_of_its_own(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    assert room.ingest("pegel.txt", at=0) == Counts(new_articles=1)
    assert room.ingest("pegel.txt", at=1) == Counts(unchanged=1)
    article = room.article(origin("pegel.txt"))
    assert (article["versions"], article["last_seen"]) == (1, iso(hour(1)))
    assert outcomes(room, origin("pegel.txt")) == ["content", "unchanged"]


# ------------------------------------------------------------------------------- copies


def test_the_same_wording_at_another_place_is_a_copy_and_no_new_article(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("nachdruck.md", page(A, title="Pegel steigt"))
    assert room.scan(1) == Counts(copies=1, unchanged=1)
    (relation,) = room.rows("SELECT * FROM relations")
    one, other = room.article(origin("nachdruck.md")), room.article(origin("pegel.txt"))
    assert (relation["kind"], relation["a"], relation["b"]) == (
        "exact_copy",
        one["id"],
        other["id"],
    )
    assert (relation["earlier"], relation["score"]) == ("b", 1.0)
    assert room.number("SELECT count(*) FROM wording") == 1


def test_copies_that_come_in_one_batch_are_one_article_and_copies_of_it(room):
    for name in ("a.txt", "b.txt", "c.txt"):
        room.write(name, seed("Pegel steigt", A))
    assert room.scan(0) == Counts(new_articles=1, copies=2)
    assert room.number("SELECT count(*) FROM relations") == 2
    assert room.number("SELECT count(*) FROM articles") == 3


def test_a_new_version_whose_text_is_elsewhere_counts_as_a_new_version(room):
    room.write("a.txt", seed("Pegel steigt", A))
    room.write("b.txt", seed("Pegel steigt", B))
    room.scan(0)
    room.write("a.txt", seed("Pegel steigt", B))
    assert room.scan(1) == Counts(new_versions=1, unchanged=1)
    assert [row["kind"] for row in room.rows("SELECT * FROM relations")] == ["exact_copy"]
    assert room.number("SELECT count(*) FROM wording") == 2


def test_a_renamed_file_is_a_copy_whose_first_origin_is_gone(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    (room.folder / "pegel.txt").rename(room.folder / "pegel_final.txt")
    assert room.scan(1) == Counts(copies=1, gone=1)
    assert room.article(origin("pegel.txt"))["state"] == "gone"
    assert room.article(origin("pegel_final.txt"))["state"] == "present"
    assert room.number("SELECT count(*) FROM relations") == 1


# ------------------------------------------------------------------------ refused, gone


def test_a_refused_file_keeps_its_bytes_and_states_the_reason(room):
    room.write("leer.txt", " \n \n")
    assert room.scan(0) == Counts(refused=1)
    (refusal,) = room.rows("SELECT * FROM refusals")
    assert (refusal["code"], bool(refusal["kept"])) == ("empty", True)
    kept = room.one("SELECT digest FROM capture")
    assert refusal["raw_digest"] == bytes(kept["digest"]).hex()
    assert room.number("SELECT count(*) FROM articles") == 0


def test_a_refused_file_that_is_there_unchanged_is_counted_and_makes_no_row(room):
    room.write("leer.txt", "\n")
    room.write("bild.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    room.scan(0)
    before = (
        room.number("SELECT count(*) FROM observation"),
        room.number("SELECT count(*) FROM refusal"),
    )
    assert room.scan(1) == Counts(refused=2)
    touch(room.folder / "leer.txt")
    assert room.scan(2) == Counts(refused=2)
    assert before == (
        room.number("SELECT count(*) FROM observation"), room.number("SELECT count(*) FROM refusal"),
    )  # fmt: skip


def test_a_version_that_is_refused_changes_neither_state_nor_text(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("pegel.txt", "\n")
    assert room.scan(1) == Counts(refused=1)
    article = room.article(origin("pegel.txt"))
    assert (article["state"], article["versions"]) == ("present", 1)
    assert outcomes(room, origin("pegel.txt")) == ["content", "refused"]
    room.write("pegel.txt", seed("Pegel steigt", B))
    assert room.scan(2) == Counts(new_versions=1)


def test_a_file_that_vanished_is_gone_and_nothing_is_deleted(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.remove("pegel.txt")
    assert room.scan(1) == Counts(gone=1)
    assert room.scan(2) == Counts()
    article = room.article(origin("pegel.txt"))
    assert (article["state"], article["versions"]) == ("gone", 1)
    assert [text for _number, text in room.versions()] == [A]
    assert outcomes(room, origin("pegel.txt")) == ["content", "gone"]


def _record(text: str) -> dict[str, str]:
    return {"title": "Pegel steigt", "text": text}


ALONE, LISTED = (json.dumps(each).encode() for each in (_record(A), [_record(B), _record(C)]))
ALONE_AND_LISTED = {
    "pegel.json": (ALONE, LISTED),
    "pegel.json.gz": (gzip.compress(ALONE), gzip.compress(LISTED)),
}
"""Files with one text, and the same files with two."""


@pytest.mark.parametrize("name", ALONE_AND_LISTED)
@pytest.mark.parametrize("door", ["scan", "ingest"])
def test_an_article_whose_file_is_a_list_of_texts_now_is_gone_until_the_file_has_it_again(
    room, door, name
):
    alone, listed = ALONE_AND_LISTED[name]
    look = room.scan if door == "scan" else partial(room.ingest, name)
    own = origin(name.removesuffix(".gz"))
    room.write(name, alone)
    for at in (0, 1):
        look(at=at)
    room.write(name, listed)
    assert look(at=2) == Counts(new_articles=2, gone=1)
    assert room.article(own)["state"] == "gone"
    assert look(at=3).gone == 0
    room.write(name, alone)
    look(at=4)
    (article,) = (row for row in room.rows("SELECT * FROM articles") if own in row["origins"])
    assert (article["state"], article["versions"]) == ("present", 1)


def test_an_article_whose_file_was_refused_last_is_gone_when_the_file_is(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("pegel.txt", "\n")
    room.scan(1)
    room.remove("pegel.txt")
    assert room.scan(2) == Counts(gone=1)
    assert room.article(origin("pegel.txt"))["state"] == "gone"


def test_a_refused_file_without_an_article_vanishes_without_a_word(room):
    room.write("leer.txt", "\n")
    room.scan(0)
    room.remove("leer.txt")
    assert room.scan(1) == Counts()
    assert [row["outcome"] for row in room.observations()] == ["refused"]


def test_a_file_that_comes_back_is_present_again_and_absence_splits_no_version(room):
    text = seed("Pegel steigt", A)
    room.write("pegel.txt", text)
    room.scan(0)
    room.remove("pegel.txt")
    room.scan(1)
    room.write("pegel.txt", text)
    assert room.scan(2) == Counts(unchanged=1)
    article = room.article(origin("pegel.txt"))
    assert (article["state"], article["versions"]) == ("present", 1)
    assert outcomes(room, origin("pegel.txt")) == ["content", "gone", "unchanged"]
    assert article["last_seen"] == iso(hour(2))


def test_an_absence_seen_before_the_text_was_read_is_reported_once_it_is(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.now = hour(0)
    job = room.ordered(room.places(""))
    room.collected(job)
    room.remove("pegel.txt")
    room.now = hour(1)
    later = room.ordered(room.places(""))
    room.collected(later)
    room.worked(job)
    article = room.article(origin("pegel.txt"))
    assert (article["state"], article["versions"]) == ("gone", 1)
    assert room.counts(later) == Counts(gone=1)


def test_a_capture_made_elsewhere_is_not_gone_with_its_file(room):
    room.write("pegel.md", page(A, url=URL, observed_at=hour(-1)))
    room.now = hour(0)
    job = room.ordered(room.places(""))
    room.collected(job)
    room.remove("pegel.md")
    room.now = hour(1)
    room.collected(room.ordered(room.places("")))
    room.worked(job)
    assert room.article(URL)["state"] == "present"
    assert outcomes(room, URL) == ["content"]


def test_a_folder_that_cannot_be_listed_says_nothing_of_its_files(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    away = room.folder.rename(room.root / "away")
    room.scan(1)
    assert room.article(origin("pegel.txt"))["state"] == "present"
    away.rename(room.folder)
    assert room.scan(2) == Counts(unchanged=1)


def test_a_removed_folder_takes_its_files_with_it(room):
    room.write("2024/pegel.txt", seed("Pegel steigt", A))
    room.write("2024/keller.txt", seed("Keller voll", C))
    room.write("bleibt.txt", seed("Bleibt", B))
    room.scan(0)
    shutil.rmtree(room.folder / "2024")
    assert room.scan(1) == Counts(gone=2, unchanged=1)


# --------------------------------------------------------------------------- unchanged


def test_unchanged_scans_make_no_row_and_are_reported_as_one(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    for at in (1, 2, 3):
        assert room.scan(at) == Counts(unchanged=1)
    assert room.number("SELECT count(*) FROM observation") == 1
    first, rest = room.observations(origin("pegel.txt"))
    assert (first["outcome"], first["checks"], first["until"]) == ("content", 1, None)
    assert (rest["outcome"], rest["checks"]) == ("unchanged", 3)
    assert (rest["observed_at"], rest["until"]) == (iso(hour(1)), iso(hour(3)))
    assert room.article(origin("pegel.txt"))["last_seen"] == iso(hour(3))


def test_a_touched_file_is_recognised_by_its_digest_and_makes_no_row(room):
    path = room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    touch(path)
    assert room.scan(1) == Counts(unchanged=1)
    assert room.number("SELECT count(*) FROM observation") == 1
    assert room.scan(2) == Counts(unchanged=1)
    assert room.observations(origin("pegel.txt"))[1]["checks"] == 2


def test_a_file_rewritten_with_the_same_size_and_time_is_seen(room):
    path = room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    status = path.stat()
    path.write_text(seed("Pegel steigt", A.replace("3,6", "6,3")))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert room.scan(1) == Counts(new_versions=1)


def test_scans_on_both_sides_of_a_change_bound_it(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    for at in (0, 1, 2):
        room.scan(at)
    room.write("pegel.txt", seed("Pegel steigt", B))
    for at in (3, 4):
        room.scan(at)
    rows = room.rows("SELECT * FROM versions ORDER BY version")
    assert [row["last_seen"] for row in rows] == [iso(hour(2)), iso(hour(4))]
    assert rows[1]["changed_after"] == iso(hour(2))


# -------------------------------------------------------------- imported captures, addresses


def test_an_imported_capture_is_read_once_however_many_scans_come(room):
    room.write("p1.md", page(A, url=URL, observed_at=hour(-9)))
    room.write("p2.md", page(B, url=URL, observed_at=hour(-6)))
    room.write("p3.md", page(A, url=URL, observed_at=hour(-3)))
    assert room.scan(0) == Counts(new_articles=1, new_versions=2)
    for at in range(1, 10):
        assert room.scan(at) == Counts(unchanged=3)
    article = room.article(URL)
    assert (article["versions"], article["last_seen"]) == (3, iso(hour(-3)))
    rows = room.observations(URL)
    assert [(row["outcome"], row["checks"], bool(row["foreign"])) for row in rows] == [
        ("content", 1, True)
    ] * 3
    assert room.number("SELECT count(*) FROM observation") == 3


def test_an_imported_capture_is_never_gone(room):
    room.write("p1.md", page(A, url=URL, observed_at=hour(-9)))
    room.scan(0)
    room.remove("p1.md")
    assert room.scan(1) == Counts()
    assert room.article(URL)["state"] == "present"
    assert [row["outcome"] for row in room.observations()] == ["content"]


def test_the_options_of_the_command_make_an_imported_capture(room):
    room.write("p1.txt", seed("Pegel steigt", A))
    room.write("p2.txt", seed("Pegel steigt", B))
    room.ingest("p2.txt", at=1, origin=URL, observed_at=hour(-2))
    room.ingest("p1.txt", at=2, origin=URL, observed_at=hour(-5))
    assert [text for _number, text in room.versions(room.article(URL)["id"])] == [A, B]
    assert all(row["foreign"] for row in room.observations(URL))


def test_a_late_capture_splits_a_run(room):
    room.write("pegel.md", page(A, url=URL))
    for at in (0, 2, 4):
        room.ingest("pegel.md", at=at)
    assert room.article(URL)["versions"] == 1
    seen = room.number("SELECT max(seq) FROM versions")
    room.write("import/p.md", page(B, url=URL, observed_at=hour(1)))
    assert room.ingest("import/p.md", at=5) == Counts(new_versions=1)
    assert [text for _number, text in room.versions()] == [A, B, A]
    rows = room.rows("SELECT * FROM versions ORDER BY version")
    assert [row["changed_by"] for row in rows] == [iso(hour(n)) for n in (0, 1, 2)]
    assert all(row["seq"] > seen for row in rows), "rows that changed return with a new seq"


def test_a_late_capture_between_two_scans_splits_the_confirmed_span(room):
    room.write("pegel.md", page(A, url=URL))
    for at in (0, 1, 2, 3, 4):
        room.scan(at)
    room.write("import/p.md", page(B, url=URL, observed_at=hour(2.5)))
    room.scan(5)
    rows = room.rows("SELECT * FROM versions ORDER BY version")
    assert [row["text"] for row in rows] == [A, B, A]
    assert [row["changed_by"] for row in rows] == [iso(hour(n)) for n in (0, 2.5, 3)]
    assert rows[2]["last_seen"] == iso(hour(5))
    room.scan(6)
    assert room.article(URL)["last_seen"] == iso(hour(6))


def test_a_file_that_is_there_unchanged_takes_back_the_word_of_an_imported_capture(room):
    room.write("pegel.md", page(A, url=URL))
    room.scan(0)
    room.write("import/p.md", page(B, url=URL, observed_at=hour(0.5)))
    room.ingest("import/p.md", at=0.7)
    assert [text for _number, text in room.versions()] == [A, B]
    assert room.number("SELECT count(*) FROM rebuild_due") == 1
    for at in (2, 3):
        room.scan(at)
        assert [text for _number, text in room.versions()] == [A, B, A]
        assert room.article(URL)["last_seen"] == iso(hour(at))
    assert room.number("SELECT count(*) FROM rebuild_due") == 0
    room.remove("pegel.md")
    room.scan(4)
    assert room.article(URL)["state"] == "gone"


def test_late_captures_of_the_same_wording_do_not_hide_what_scans_confirmed(room):
    room.write("pegel.md", page(A, url=URL))
    for at in range(9):
        room.scan(at)
    for n, (text, at) in enumerate(((A, 4.5), (B, 6.5))):
        room.write(f"import/p{n}.md", page(text, url=URL, observed_at=hour(at)))
        room.ingest(f"import/p{n}.md", at=9 + n)
    rows = room.rows("SELECT * FROM versions ORDER BY version")
    assert [row["text"] for row in rows] == [A, B, A]
    assert [row["changed_by"] for row in rows] == [iso(hour(n)) for n in (0, 6.5, 7)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later file first"])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_the_file_captured_first_has_the_address_that_two_of_a_source_name(room, order, together):
    names = ("a.md", "b.md")
    room.write("a.md", page(A, url=URL))
    room.write("b.md", page(B, url=URL))
    if together:
        room.scan(0)
    else:
        jobs = []
        for at, name in enumerate(names):
            room.now = hour(at)
            jobs.append(room.ordered(room.places(name)))
            room.collected(jobs[-1])
        for number in order:
            room.worked(jobs[number])
    assert room.versions(room.article(URL)["id"]) == [(1, A)]
    assert room.versions(room.article(origin("b.md"))["id"]) == [(1, B)]
    flags = {row["text"]: row["flags"] for row in room.rows("SELECT text, flags FROM versions")}
    assert ("address_shared" in flags[A], "address_shared" in flags[B]) == (False, True)


def test_a_file_that_lost_its_address_goes_on_at_its_own_origin(room):
    room.write("a.md", page(A, url=URL))
    room.now = hour(0)
    early = room.ordered(room.places("a.md"))
    room.collected(early)
    room.write("b.md", page(B, url=URL))
    room.now = hour(1)
    late = room.ordered(room.places("b.md"))
    room.collected(late)
    room.worked(late)
    assert room.article(URL)["versions"] == 1
    room.worked(early)
    room.write("b.md", page(C, url=URL))
    room.scan(2)
    assert [text for _n, text in room.versions(room.article(URL)["id"])] == [A]
    assert [text for _n, text in room.versions(room.article(origin("b.md"))["id"])] == [B, C]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later file first"])
def test_two_files_with_one_address_and_one_wording_are_copies_in_any_order(room, order):
    jobs = []
    for at, name in enumerate(("a.md", "b.md")):
        room.write(name, page(A, url=URL))
        room.now = hour(at)
        jobs.append(room.ordered(room.places(name)))
        room.collected(jobs[-1])
    for number in order:
        room.worked(jobs[number])
    ids = {room.article(URL)["id"], room.article(origin("b.md"))["id"]}
    (relation,) = room.rows("SELECT * FROM relations")
    assert {relation["a"], relation["b"]} == ids


def test_two_sources_that_name_one_address_make_one_history_without_end_of_versions(room):
    other = room.watch("zweite", room.root / "zweite")
    room.write("a.md", page(A, url=URL))
    room.write("b.md", page(B, url=URL), room.root / "zweite")
    for at in range(3):
        room.scan(2 * at)
        room.scan(2 * at + 1, other)
    assert room.findings() == []
    assert [text for _n, text in room.versions(room.article(URL)["id"])] == [A, B]


# -------------------------------------------------------------------- records, containers


def test_records_of_json_lines_come_and_go_each_on_its_own(room):
    room.write("ticker.jsonl", lines({"eins": A, "zwei": B}))
    assert room.scan(0) == Counts(new_articles=2)
    assert room.scan(1) == Counts(unchanged=2)
    room.write("ticker.jsonl", lines({"zwei": C, "drei": ENGLISH}))
    assert room.scan(2) == Counts(new_versions=1, new_articles=1, gone=1)
    states = {row["origin"]: row["state"] for row in room.rows("SELECT * FROM articles")}
    assert states == {
        origin("ticker.jsonl#eins"): "gone",
        origin("ticker.jsonl#zwei"): "present",
        origin("ticker.jsonl#drei"): "present",
    }
    room.write("ticker.jsonl", lines({"zwei": C, "eins": A, "drei": ENGLISH}))
    assert room.scan(3) == Counts(unchanged=3)
    assert room.article(origin("ticker.jsonl#eins"))["state"] == "present"


def test_a_broken_record_is_refused_alone(room):
    broken = lines({"eins": A}) + "{kaputt\n" + lines({"zwei": B})
    room.write("ticker.jsonl", broken)
    assert room.scan(0) == Counts(new_articles=2, refused=1)
    assert room.scan(1) == Counts(unchanged=2, refused=1)


def test_records_of_a_file_that_vanished_are_gone(room):
    room.write("ticker.jsonl", lines({"eins": A, "zwei": B}))
    room.scan(0)
    room.remove("ticker.jsonl")
    assert room.scan(1) == Counts(gone=2)


# -------------------------------------------------------------------------- after a crash


class Crash(BaseException):
    """A kill as seen from inside: nothing is caught, nothing is given back."""


@pytest.fixture
def small(database_url, tmp_path):
    from tests.flow.driver import newsroom_at

    with newsroom_at(database_url, tmp_path, batch_items="2") as newsroom:
        yield newsroom


def crash_in_batch(room, monkeypatch, job: int, batch: int, *, kept: bool = True) -> None:
    """Let the collecting worker die at its `batch`th batch, before or after it was kept."""
    seen = []

    def dying(archive, *arguments):
        seen.append(1)
        if len(seen) == batch and not kept:
            raise Crash
        counts = store_arrivals(archive, *arguments)
        if len(seen) == batch:
            raise Crash
        return counts

    with monkeypatch.context() as patched:
        patched.setattr("worker.flow.collect.folder.store_arrivals", dying)
        with pytest.raises(Crash):
            room.collected(job)
    with room.archive.engine.begin() as connection:
        wake_ups.end_leases(connection, wake_ups.holders(connection))


@pytest.mark.parametrize("kept", [True, False], ids=["after the commit", "before it"])
@pytest.mark.parametrize("whole", [True, False], ids=["a scan", "named files"])
def test_a_collection_that_died_goes_on_and_counts_nothing_twice(small, monkeypatch, whole, kept):
    texts = {f"m{n}.txt": seed(f"Meldung {n}", f"Es waren {n} Boote.") for n in range(7)}
    for name, text in texts.items():
        small.write(name, text)
    job = small.ordered(small.places("") if whole else small.places(*texts))
    crash_in_batch(small, monkeypatch, job, 2, kept=kept)
    assert small.worked(job) == Counts(new_articles=7)
    assert small.number("SELECT count(*) FROM observation") == 7
    assert small.number("SELECT count(*) FROM verdict") == 7


@pytest.mark.parametrize("whole", [True, False], ids=["a scan", "a named file"])
def test_a_container_whose_collection_died_counts_no_record_twice(small, monkeypatch, whole):
    small.write("ticker.jsonl", lines({f"n{n}": f"Es waren {n} Boote." for n in range(7)}))
    job = small.ordered(small.places("" if whole else "ticker.jsonl"))
    crash_in_batch(small, monkeypatch, job, 2)
    assert small.worked(job) == Counts(new_articles=7)
    assert small.number("SELECT count(*) FROM observation") == 7


def test_a_refused_file_is_counted_once_when_its_collection_died(small, monkeypatch):
    for name in ("a.txt", "b.txt", "c.txt"):
        small.write(name, seed("Pegel steigt", name + A))
    (small.folder / "d.txt").symlink_to("a.txt")
    job = small.ordered(small.places(""))
    crash_in_batch(small, monkeypatch, job, 2)
    assert small.worked(job) == Counts(new_articles=3, refused=1)
    assert small.number("SELECT count(*) FROM refusal") == 1


def test_a_change_between_the_crash_and_the_second_try_is_kept_with_the_first(small, monkeypatch):
    for name in ("a.txt", "b.txt", "c.txt"):
        small.write(name, seed("Pegel steigt", name + A))
    job = small.ordered(small.places(""))
    crash_in_batch(small, monkeypatch, job, 1)
    small.write("a.txt", seed("Pegel steigt", B))
    assert small.worked(job) == Counts(new_articles=3, new_versions=1)


def test_an_unchanged_rescan_after_a_crash_is_counted_once(small, monkeypatch):
    for n in range(5):
        small.write(f"m{n}.txt", seed(f"Meldung {n}", f"Es waren {n} Boote."))
    small.scan(0)
    for n in (0, 3):
        touch(small.folder / f"m{n}.txt")
    small.write("m4.txt", seed("Meldung 4", "Es waren doch keine Boote."))
    small.now = hour(1)
    job = small.ordered(small.places(""))
    crash_in_batch(small, monkeypatch, job, 1)
    assert small.worked(job) == Counts(unchanged=4, new_versions=1)


def test_every_item_has_one_verdict_and_the_counts_are_those_of_the_verdicts(room):
    for n in range(4):
        room.write(f"m{n}.txt", seed(f"Meldung {n}", f"Es waren {n} Boote."))
    room.write("leer.txt", "")
    room.write("kopie.txt", seed("Meldung 1", "Es waren 1 Boote."))
    counts = room.scan(0)
    kinds = Counter(row["kind"] for row in room.rows("SELECT kind FROM verdict"))
    assert kinds == {"new_article": 4, "copy": 1, "refused": 1}
    assert counts == Counts(new_articles=4, copies=1, refused=1)
    (job,) = room.rows("SELECT * FROM jobs WHERE kind = 'ingest'")
    assert (job["seen"], job["state"]) == (6, "done")


# ------------------------------------------------------------------------- a wrong clock


def test_an_observation_of_a_slow_clock_is_flagged_until_the_clock_passes_the_last_row(room):
    for at, text in ((5, A), (-2, B), (6, C)):
        room.write("pegel.txt", seed("Pegel steigt", text))
        room.scan(at)
    flagged = {row["text"]: row["flags"] for row in room.rows("SELECT text, flags FROM versions")}
    assert {text: "clock_suspect" in flags for text, flags in flagged.items()} == {
        A: False, B: True, C: False,
    }  # fmt: skip
    assert sorted(row["note"] or "" for row in room.observations(origin("pegel.txt"))) == [
        "", "", "clock_suspect: the clock showed 2024-06-18 04:00:00Z",
    ]  # fmt: skip


def test_an_observation_of_a_fast_clock_is_corrected_once_the_clock_is_right(room):
    for at, text in ((1, A), (99, B), (100, A), (2, C), (3, ENGLISH)):
        room.write("pegel.txt", seed("Pegel steigt", text))
        room.scan(at)
    query = "SELECT text, changed_by, flags FROM versions ORDER BY version"
    found = room.rows(query)
    assert [each["text"] for each in found] == [A, B, A, C, ENGLISH]
    times = [datetime.fromisoformat(each["changed_by"]) for each in found]
    assert times == sorted(set(times))
    assert (times[0], times[-2:]) == (hour(1), [hour(2), hour(3)])
    assert ["clock_suspect" in each["flags"] for each in found] == [False, True, True, False, False]
    (row,) = room.rows("SELECT at, was FROM clock_correction")
    assert row["at"] == iso(hour(2))
    assert row["was"].startswith("2024-06-22T10:00:00")


@pytest.mark.parametrize("microseconds", [1, 1000, 3600 * 10**6])
def test_texts_keep_their_order_though_the_clock_is_put_back_to_just_after_the_leap(
    room, microseconds
):
    room.scan(0)
    (start,) = room.rows("SELECT value FROM counter WHERE name = 'clock'")
    written = [f"Es kamen {number} Boote." for number in range(5)]
    for number, text in enumerate(written):
        room.write("boote.txt", seed("Boote", text))
        room.scan(24 + number / 100)
    room.now = datetime.fromtimestamp(start["value"] / 1e6, UTC)
    room.now += timedelta(microseconds=microseconds)
    room.scan()
    room.now += timedelta(seconds=1)  # now there is room for all of them
    room.scan()
    assert [text for _number, text in room.versions()] == written
    assert room.number("SELECT count(*) FROM clock_correction") == 1
    times = room.rows("SELECT changed_by FROM versions ORDER BY version")
    assert len({row["changed_by"] for row in times}) == len(written)
    assert max(row["changed_by"] for row in times) < iso(room.now)


def test_a_capture_that_brings_its_own_time_is_not_flagged_by_our_clock(room):
    room.scan(5)
    room.write("pegel.md", page(A, url=URL, observed_at=hour(1)))
    room.scan(3)
    assert "clock_suspect" not in room.rows("SELECT flags FROM versions")[0]["flags"]


def test_clocks_that_differ_by_seconds_are_not_doubted(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(1)
    room.write("pegel.txt", seed("Pegel steigt", B))
    room.scan(1 - 50 / 3600)
    assert [row["flags"] for row in room.rows("SELECT flags FROM versions")] == [[], []]
