"""Captures of web archives join the histories of their addresses, and are never our own snapshots."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.values.verdict import Counts
from storage.write.store_captures import import_captures
from tests.flow.driver import SENTENCES, START, Newsroom
from tests.flow.driver import page as note
from tests.warcs import (
    answer,
    packed,
    page,
    record,
    request,
    response,
    revisit,
    wacz,
    warcinfo,
)
from worker.flow.run_jobs import run_next_job

URL = "https://zeitung.example/lohe/pegel"
OTHER = "https://zeitung.example/lohe/deich"
OLD, NEW = SENTENCES[0], SENTENCES[1]
MORE = (SENTENCES[2], "Die Leiterin des Deichamts rechnet bis zum Abend mit sinkendem Wasser.")


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat(timespec="microseconds")


def story(sentence: str) -> bytes:
    return page("Pegel steigt weiter", sentence, *MORE)


def seen(hours: float, sentence: str, url: str = URL, **headers: str) -> bytes:
    return response(url, at(hours), answer(story(sentence), headers=headers))


def told(room: Newsroom, origin: str = URL) -> list[tuple[str, str, bool]]:
    """Tell the observations of an origin: when, what, and whether someone else made them."""
    return [
        (row["observed_at"], row["outcome"], bool(row["foreign"]))
        for row in room.observations(origin)
    ]


def test_captures_of_one_address_make_a_history_with_the_times_of_the_records(room):
    room.write("a.warc.gz", packed(warcinfo(), seen(1, OLD), seen(2, OLD), seen(3, NEW)))
    counts = room.scan(10)
    assert counts == Counts(new_articles=1, new_versions=1, unchanged=1)
    history = room.rows("SELECT version, changed_after, changed_by, last_seen FROM changes")
    assert history == [
        {"version": 2, "changed_after": moment(2), "changed_by": moment(3), "last_seen": moment(3)}
    ]
    assert told(room) == [
        (moment(1), "content", True),
        (moment(2), "unchanged", True),
        (moment(3), "content", True),
    ]
    assert room.article(URL)["first_seen"] == moment(1)


@pytest.mark.slow
def test_any_order_of_files_gives_the_same_history(room):
    histories = []
    for order in ([1, 2, 3, 4], [4, 2, 3, 1], [3, 1, 4, 2]):
        url = f"{URL}/{order[0]}"
        for hours in order:
            room.write(f"{order[0]}/{hours}.warc", seen(hours, NEW if hours == 2 else OLD, url))
            room.ingest(f"{order[0]}/{hours}.warc", at=10 + hours)
        query = (
            "SELECT version, wording, changed_after, changed_by, last_seen FROM versions "
            "WHERE article = :article ORDER BY version"
        )
        histories.append(room.rows(query, article=room.article(url)["article"]))
    assert histories[0] == histories[1] == histories[2]
    assert [row["changed_by"] for row in histories[0]] == [moment(1), moment(2), moment(3)]


def test_a_revisit_is_another_snapshot_of_the_repeated_capture(room):
    first = seen(1, OLD)
    body = story(OLD)
    room.write(
        "a.warc", first + revisit(URL, at(2), of=body) + revisit(URL, at(4), of=body, block=b"")
    )
    assert room.scan(10) == Counts(new_articles=1, unchanged=2)
    assert [each[0] for each in told(room)] == [moment(1), moment(2), moment(4)]
    assert room.article(URL)["last_seen"] == moment(4)


def test_a_revisit_finds_its_original_in_a_later_file_and_in_another_batch(room):
    room.write("a.warc", revisit(URL, at(2), of=story(OLD)))
    room.write("b.warc", seen(1, OLD))
    assert room.scan(10) == Counts(new_articles=1, unchanged=1)


def test_a_revisit_of_another_address_is_a_snapshot_there(room):
    room.write(
        "a.warc", seen(1, OLD) + revisit(OTHER, at(2), of=story(OLD), refers_to=(URL, at(1)))
    )
    assert room.scan(10) == Counts(new_articles=1, copies=1)


def test_a_revisit_by_address_and_time_alone_is_found(room):
    room.write("a.warc", seen(1, OLD) + revisit(URL, at(2), of=None, refers_to=(URL, at(1))))
    assert room.scan(10) == Counts(new_articles=1, unchanged=1)


@pytest.mark.slow
def test_a_revisit_without_its_original_is_refused_until_that_is_there(room):
    room.write("a.warc", revisit(URL, at(2), of=story(OLD)))
    assert room.scan(10) == Counts(refused=1)
    assert room.one("SELECT code, kept FROM refusals")["code"] == "capture_elsewhere"
    room.write("b.warc", seen(1, OLD))
    assert room.scan(11) == Counts(new_articles=1)
    assert room.ingest("a.warc", at=12) == Counts(unchanged=1)
    assert room.article(URL)["last_seen"] == moment(2)


def test_absences_and_words_of_the_server_are_observations_and_no_versions(room):
    room.write(
        "a.warc",
        seen(1, OLD)
        + response(URL, at(2), answer(b"weg", status="404 Not Found"))
        + response(URL, at(3), answer(b"", status="503 Service Unavailable"))
        + response(URL, at(4), answer(b"", status="301 Moved", headers={"Location": OTHER}))
        + seen(5, OLD),
    )
    assert room.scan(10) == Counts(new_articles=1, unchanged=1)
    assert [each[1] for each in told(room)] == [
        "content", "gone", "unreachable", "redirected", "unchanged",
    ]  # fmt: skip
    assert all(each[2] for each in told(room))
    assert room.article(URL)["state"] == "present"
    assert len(room.versions()) == 1
    (moved,) = room.rows("SELECT note, http_status FROM observations WHERE outcome = 'redirected'")
    assert moved == {"note": f"to {OTHER}", "http_status": 301}


def test_a_wall_that_others_captured_is_no_article_and_no_version(room):
    wall = page("Just a moment...", "Checking your browser before accessing the site.")
    lost = page("Seite nicht gefunden", "Diese Seite konnte leider nicht gefunden werden.")
    room.write(
        "a.warc",
        seen(1, OLD) + response(URL, at(2), answer(wall)) + response(URL, at(3), answer(lost)),
    )
    room.write("b.warc", response(OTHER, at(2), answer(wall)))
    assert room.scan(10) == Counts(new_articles=1, refused=3)
    assert told(room) == [
        (moment(1), "content", True),
        (moment(2), "blocked", True),
        (moment(3), "not_article", True),
    ]
    assert told(room, OTHER) == [(moment(2), "blocked", True)]
    assert len(room.versions()) == 1
    assert room.article(URL)["state"] == "blocked"


def test_an_article_that_others_found_gone_last_is_gone_whichever_came_in_first(room):
    room.write("b.warc", response(URL, at(5), answer(b"weg", status="410 Gone")))
    room.scan(10)
    assert told(room) == [(moment(5), "gone", True)]
    room.write("c.warc", seen(1, OLD))
    room.scan(11)
    article = room.article(URL)
    assert (article["state"], article["versions"]) == ("gone", 1)


def test_foreign_captures_join_our_own_and_are_distinguished_from_them(room):
    room.now = START + timedelta(hours=5)
    room.write("eigen.md", note(OLD + "\n\n" + "\n\n".join(MORE), url=URL))
    room.scan(5)
    room.scan(6)
    room.write("a.warc", seen(1, NEW) + seen(7, NEW))
    room.scan(8)
    assert [text.split("\n")[0] for _number, text in room.versions()] == [NEW, OLD, NEW, OLD]
    own = [each for each in told(room) if not each[2]]
    assert {each[0] for each in own} == {moment(5), moment(6)}


@pytest.mark.slow
def test_a_file_of_captures_that_leaves_the_folder_takes_nothing_with_it(room):
    room.write("a.warc", seen(1, OLD))
    room.scan(10)
    room.remove("a.warc")
    assert room.scan(11) == Counts()
    assert room.article(URL)["state"] == "present"


@pytest.mark.slow
def test_a_file_that_did_not_change_counts_its_captures_as_unchanged(room):
    room.write(
        "a.warc",
        seen(1, OLD) + seen(2, NEW) + response(OTHER, at(1), answer(b"x", kind="image/png")),
    )
    assert room.scan(10) == Counts(new_articles=1, new_versions=1, passed_over=1)
    assert room.scan(11) == Counts(unchanged=2)
    assert room.ingest("a.warc", at=12) == Counts(unchanged=2, passed_over=1)
    assert len(told(room)) == 2


@pytest.mark.slow
def test_the_same_captures_out_of_another_file_add_nothing(room):
    room.write("a.warc", seen(1, OLD) + seen(2, NEW))
    room.scan(10)
    room.write("b.warc.gz", packed(seen(1, OLD), seen(2, NEW), seen(3, OLD)))
    assert room.scan(11) == Counts(unchanged=2 + 2, new_versions=1)
    assert len(told(room)) == 3


def test_a_capture_is_found_at_the_place_that_the_record_states(room):
    shown = response(
        URL,
        at(1),
        answer(
            story("Öl läuft aus.").decode().replace("<meta charset=utf-8>", "").encode("latin-1"),
            kind="text/html; charset=iso-8859-1",
        ),
    )
    room.write("a.warc", shown)
    room.scan(10)
    assert room.versions()[0][1].startswith("Öl läuft aus.")


def test_a_wacz_in_the_folder_is_read_and_a_bad_one_is_refused(room):
    room.write("a.wacz", wacz({"archive/a.warc.gz": packed(seen(1, OLD))}))
    room.write("b.wacz", b"PK no zip")
    assert room.scan(10) == Counts(new_articles=1, refused=1)
    assert room.one("SELECT code FROM refusals")["code"] == "archive_unsafe"


@pytest.mark.slow
def test_a_damaged_record_is_refused_once_and_the_others_are_taken(room):
    bad = record("response", URL, at(1), b"").replace(b"Content-Length: 0", b"Content-Length: x")
    room.write("a.warc", bad + seen(2, OLD))
    assert room.scan(10) == Counts(new_articles=1, refused=1)
    assert room.scan(11) == Counts(unchanged=1, refused=1)
    (refusal,) = room.rows("SELECT code, locator FROM refusals")
    assert refusal == {"code": "record_invalid", "locator": "seed:presse/a.warc#1"}


def test_a_part_of_a_page_is_kept_and_makes_no_version(room):
    cut = answer(story(NEW)[:200], headers={"Content-Length": "2000"})
    room.write("a.warc", seen(1, OLD) + response(URL, at(2), cut))
    assert room.scan(10) == Counts(new_articles=1, refused=1)
    assert [each[1] for each in told(room)] == ["content", "refused"]
    assert room.one("SELECT code, kept FROM refusals") == {
        "code": "capture_incomplete",
        "kept": True,
    }


def test_the_bytes_of_all_records_are_kept(room):
    records = [warcinfo(), request(URL, at(1)), seen(1, OLD), revisit(URL, at(2), of=story(OLD))]
    room.write("a.warc.gz", packed(*records))
    room.scan(10)
    kept = room.rows(
        "SELECT kind, head, opening, payload_capture_id FROM foreign_record ORDER BY number"
    )
    assert [row["kind"] for row in kept] == ["warcinfo", "request", "response", "revisit"]
    for row, written in zip(kept, records, strict=True):
        start = row["head"] + row["opening"]
        assert written.startswith(start)
        assert row["payload_capture_id"] is not None or written == start + b"\r\n\r\n"


# ------------------------------------------------------------------------- killed in mid-work


@pytest.mark.slow
def test_a_worker_killed_between_two_batches_leaves_no_doubles(room, monkeypatch):
    many = [seen(n / 10, OLD if n % 3 else NEW) for n in range(30)]
    again = revisit(URL, at(4), of=story(OLD))
    room.write("a.warc.gz", packed(again, *many))
    job = room.ordered(room.places("a.warc.gz"))
    room.settings = replace(room.settings, batch_items=7)
    calls = iter(range(100))

    def dies_at_the_third(*args, **kwargs):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return import_captures(*args, **kwargs)

    monkeypatch.setattr("worker.flow.collect.import_captures.import_captures", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_next_job(room.archive, room.settings, room.reader, job_id=job)
    counts = room.worked(job)
    assert counts.seen == 31
    assert counts.refused == counts.failed == 0
    assert len(told(room)) == 31
    assert room.number("SELECT count(*) FROM foreign_record") == 31
