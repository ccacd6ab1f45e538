"""A redacted text is stored nowhere, does not return, and the rest is still proven."""

import gzip
import os
import sqlite3
import subprocess
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import event

from storage.cli.exits import run
from storage.diff import change
from storage.language.passage import Passage
from storage.language.sentences import sentence_keys
from storage.proof import log
from storage.relations import relate as relating
from storage.schedule import queue
from storage.values.net.capture_place import CAPTURES, capture_place
from storage.values.redaction import RedactionReason
from storage.write import index as indexing
from storage.write.archive import Archive
from storage.write.copies import copy
from storage.write.redaction import empty_rows
from storage.write.redaction import scrub as scrubbing
from storage.write.redaction.description import describe_plan
from storage.write.redaction.passage import remove_passage
from storage.write.redaction.plan import RedactionTarget, plan_of
from storage.write.redaction.redact_articles import (
    finish_redactions,
    redact_articles,
    redact_passage,
)
from storage.write.redaction.repeat import repeat_orders
from storage.write.redaction.scrub import UnscrubbedError, due, scrub
from tests.flow.driver import Newsroom, lines, newsroom_at, page, seed
from tests.flow.processes import LESART, environment
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page
from tests.write.searched import found_in, places_of_bytes, secret_articles
from worker.cli.commands import app
from worker.cli.redactions import list_orders, prepare_reading
from worker.flow.order import target_at
from worker.flow.run_jobs import collect, file_patience

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
    return redact_articles(room.archive, targets, RedactionReason.GDPR_ERASURE, "ada", **options)


def search_everywhere(room: Newsroom, count: int, redacted: int, at_a_time: int) -> None:
    articles = secret_articles(count)
    for each in articles:
        room.write(each.name, each.content)
    room.scan(0)
    log.append(room.archive.engine, room.archive.clock)
    gone, kept = articles[:: count // redacted], articles[1 :: count // redacted]
    before = places_of_bytes(room, room.root)
    assert len({needle for _, needle in found_in(before, gone[0].needles)}) > 4, "they are found"
    entries = room.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    targets = [target(room, f"seed:presse/{each.name}") for each in gone]
    for start in range(0, len(targets), at_a_time):
        redact(room, targets[start : start + at_a_time])
    scrub(room.archive.engine)
    assert due(room.archive.engine) is None
    held = places_of_bytes(room, room.root)
    assert found_in(held, [needle for each in gone for needle in each.needles]) == []
    assert len({needle for _, needle in found_in(held, kept[0].needles)}) > 4, "others are there"
    after = room.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    assert after[: len(entries)] == entries, "no entry of the log is another one"
    assert room.findings() == []


def test_nothing_redacted_is_left_anywhere(room):
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


def test_a_step_next_to_a_redacted_version_is_not_reported_as_an_edit(room):
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


NAME = "ada-zwoelfkern"


def test_addresses_go_as_well_and_do_not_come_back(room):
    """A name in an address: of a file, of a page in a web archive, in the headers of its answer."""
    place = f"https://zeitung.example/person/{NAME}"
    told = {"Link": f'<{place}>; rel="canonical"'}
    headed = answer(saved_page("Am Pegel", PUMPED, PUMPED), headers=told)
    captured = response(place, "2024-06-18T06:00:00Z", headed)
    room.write("a.warc", captured + request(place, "2024-06-18T06:00:00Z"))
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(0)
    room.remove(f"{NAME}.txt")
    room.remove("a.warc")
    room.scan(1)
    log.append(room.archive.engine, room.archive.clock)
    entries = room.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    gone = [place, f"seed:presse/{NAME}.txt"]
    redact(room, [target(room, each) for each in gone], with_addresses=True)
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [NAME.encode()]) == []
    left = room.rows("SELECT article, origin FROM articles ORDER BY origin")
    assert [each["origin"].split(":")[0] for each in left] == ["redacted", "redacted", "seed"]
    assert all(each["article"] == each["origin"] for each in left[:2])
    after = room.rows("SELECT seq, start, entries FROM log_run ORDER BY seq")
    assert after[: len(entries)] == entries, "no entry of the log is another one"
    assert room.findings() == []
    room.write("c.md", page("Ein ganz anderer Satz.", url=place))
    room.write(
        "d.warc",
        response(place, "2024-06-19T06:00:00Z", answer(saved_page("Neu", PUMPED, "Mehr."))),
    )
    assert room.scan(2).refused == 2, "neither a file that names it nor a capture of it is kept"
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [NAME.encode()]) == []
    assert room.findings() == []


@pytest.mark.slow
def test_a_file_whose_address_was_redacted_may_stay_where_it_lies(room):
    """Nothing of it is kept at any later look: no path, no byte, no refusal but the first."""
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    packed = gzip.compress(seed("Wer noch da war", "Einer sah es.", PUMPED).encode())
    room.write(f"zwei-{NAME}.txt.gz", packed)
    room.write("c.jsonl", lines({NAME: "Eine sah es.", "2": PUMPED}))
    room.ingest(f"{NAME}.txt", at=0)
    room.scan(0)
    wanted = (f"{NAME}.txt", f"zwei-{NAME}.txt", f"c.jsonl#{NAME}")
    redact(room, [target(room, f"seed:presse/{each}") for each in wanted], with_addresses=True)
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [NAME.encode()]) == []
    assert [(each.refused, each.unchanged) for each in map(room.scan, (1, 2))] == [(2, 1), (2, 1)]
    refused = "SELECT count(*) FROM refusal WHERE code = 'redacted'"
    assert room.number(refused) == 2, "the file with records was not touched"
    room.write(f"{NAME}.txt", seed("Etwas anderes", "Jemand schrieb es neu."))
    room.write("c.jsonl", lines({NAME: "Eine sah es doch.", "2": PUMPED}))
    counts = room.scan(3)
    assert (counts.refused, counts.unchanged, room.number(refused)) == (3, 1, 3)
    assert room.ingest(f"{NAME}.txt", "c.jsonl", at=4).refused == 2
    assert room.number("SELECT count(*) FROM refusals WHERE locator LIKE 'redacted:%'") == 4
    room.remove(f"{NAME}.txt")
    room.remove(f"zwei-{NAME}.txt.gz")
    room.scan(5)
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [NAME.encode()]) == []
    assert room.findings() == []


@pytest.mark.slow
def test_a_file_that_was_seen_for_long_may_go_with_its_address_and_all_is_sound(room):
    """The scans that found it stay; where it was, no row says until a scan refuses it there."""
    for name in (NAME, "b"):
        room.write(f"{name}.txt", seed("Wer da war", f"{name} sah es.", "Niemand sonst."))
    for at in range(3):
        room.scan(at)
    assert room.findings() == []
    redact(room, [target(room, f"seed:presse/{NAME}.txt")], with_addresses=True)
    assert room.findings() == []
    for at in (3, 4):
        seen = room.rows("SELECT origin, last_seen FROM articles ORDER BY origin")
        hours = [each["last_seen"][11:13] for each in seen]
        assert hours == ["08", f"{5 + at:02}"]
        room.scan(at)
        assert room.findings() == []


@pytest.mark.slow
def test_a_large_file_is_rewritten_in_little_memory(tmp_path):
    """Rewritten rows wait on the disk, not in memory."""
    place, peaks = tmp_path / "lesart.sqlite3", []
    Archive.open(str(place)).close()
    for size in (0, 160):
        with closing(sqlite3.connect(place)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS filler (x)")
            database.executemany("INSERT INTO filler VALUES (zeroblob(1 << 20))", [()] * size)
        words = [*LESART, "redact", "--finish", "--archive", str(place)]
        process = subprocess.Popen(words, env=environment(), stderr=subprocess.DEVNULL)
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(used.ru_maxrss >> 10)
    assert peaks[1] - peaks[0] < 120, f"{peaks} MiB, 64 of them for pages that are kept"


@pytest.mark.slow
def test_the_name_of_a_file_goes_with_the_address_that_the_file_names(room):
    address = "https://zeitung.example/damm"
    room.write(f"{NAME}.md", page("Jemand sah es.", url=address))
    room.write("b.md", page("Davon steht hier nichts.", url="https://zeitung.example/b"))
    room.scan(0)
    redact(room, [target(room, address)], with_addresses=True)
    assert [(each.refused, each.unchanged) for each in map(room.scan, (1, 2))] == [(1, 1), (1, 1)]
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), [NAME.encode()]) == []
    assert room.findings() == []


def test_folders_and_patterns_that_lead_to_a_redacted_file_are_reported(room):
    """They name more than the removed texts, and stay: the redacting person has to know the words in them."""
    room.write(f"von/{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(0)
    room.ingest("von", f"von/{NAME[:3]}*.txt", f"*/{NAME}.txt", "b.txt", at=1)
    gone = [target(room, f"seed:presse/von/{NAME}.txt")]
    with room.archive.read_connection() as connection:
        plan = plan_of(connection, gone, with_copies=False, with_addresses=True)
        described = describe_plan(connection, plan)
        plain = plan_of(connection, gone, with_copies=False)
        assert describe_plan(connection, plain)["places_kept"] == []
    kept = [str(room.folder / each) for each in ("", "von", f"von/{NAME[:3]}*.txt")]
    assert described["places_kept"] == kept
    named = room.one("SELECT article FROM articles WHERE origin LIKE :o", o=f"%{NAME}.txt")
    assert (described["articles"], described["copies"]) == ([named["article"]], [])


def test_jobs_are_looked_through_a_portion_at_a_time(room):
    """There may be millions of them: neither memory nor a lock may depend on it."""
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.scan(0)
    whole: list[str] = []

    def note(_connection, _cursor, statement, _parameters, context, _many):
        is_bounded = "job.id IN" in statement or "job.id = ANY" in statement
        is_bounded = is_bounded or "job.state" in statement.partition("WHERE")[2]
        is_of_jobs = statement.startswith("SELECT") and "job.arguments" in statement
        if is_of_jobs and not is_bounded and not context.execution_options.get("yield_per"):
            whole.append(statement)

    event.listen(room.archive.engine, "before_cursor_execute", note)
    gone = [target(room, f"seed:presse/{NAME}.txt")]
    with room.archive.read_connection() as connection:
        describe_plan(connection, plan_of(connection, gone, with_copies=False, with_addresses=True))
    redact(room, gone, with_addresses=True)
    assert whole == []


@pytest.mark.slow
def test_no_job_names_an_address_that_was_redacted(room):
    """Be it over, cancelled, failed, waiting or at work; what else it is to do stays."""
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(0)
    page_at = f"https://zeitung.example/{NAME}"
    room.write("c.md", page("Auch sie sah es.", url=page_at))
    room.scan(0)
    own, named = room.places(f"{NAME}.txt", "b.txt")
    pattern = replace(own, locator=str(room.folder.parent / "*" / f"{NAME}.txt"))
    web = [
        target_at(room.archive, room.settings, f"{each}?utm_source=x")
        for each in (page_at.replace("zeitung", "Zeitung"), f"{page_at}-und-andere")
    ]
    cancelled = room.ordered([own, named])
    assert room.archive.transact(queue.cancel, cancelled) == 1
    failed = room.ordered([own])
    for _ in range(queue.MAX_ATTEMPTS):
        if (claimed := room.claimed(failed)) is not None:
            room.archive.transact(
                queue.fail, replace(claimed, attempts=3), f"{own.prefix}{NAME}.txt"
            )
    running = room.ordered([own, named])
    held = room.claimed(running)
    alone, both = room.ordered([own]), room.ordered([pattern, named])
    asked, kept = room.ordered(web[:1]), room.ordered(web[1:])
    gone = [target(room, each) for each in (f"seed:presse/{NAME}.txt", page_at)]
    redact(room, gone, with_addresses=True)
    jobs = {row["id"]: row for row in room.rows("SELECT * FROM job")}
    left = {number: len(row["arguments"].get("places", ())) for number, row in jobs.items()}
    wanted = (cancelled, failed, running, alone, both, asked, kept)
    assert [left[each] for each in wanted] == [1, 0, 1, 0, 1, 0, 1]
    states = [jobs[each]["state"] for each in wanted]
    assert states == ["cancelled", "quarantined", "running", "done", "ready", "done", "ready"]
    assert [jobs[each]["refused"] for each in wanted] == [0, 0, 0, 1, 1, 1, 0]
    told = room.rows("SELECT job_id FROM refusal WHERE code = 'redacted' ORDER BY job_id")
    assert [row["job_id"] for row in told] == [alone, both, asked]
    collect(room.archive, held, room.settings, file_patience("command"), split=room.reader.split)
    assert room.counts(running).refused == 1, "it knew the address since before"
    assert room.worked(both).unchanged == 1
    assert room.archive.transact(queue.cancel, kept) == 1
    late = room.ordered([own, named])
    assert room.archive.transact(queue.cancel, late) == 1
    assert room.archive.transact(queue.retry, late) == [late]
    assert (room.worked(late).unchanged, room.counts(late).refused) == (1, 0)
    scrub(room.archive.engine)
    needles = [f"{NAME}.txt".encode(), f"{NAME}?utm".encode()]
    assert found_in(places_of_bytes(room, room.root), needles) == []
    assert room.findings() == []


@pytest.mark.slow
def test_an_old_backup_loses_the_addresses_again_when_it_comes_back(room, postgres_url, tmp_path):
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.ingest(f"{NAME}.txt", at=0)
    room.scan(0)
    log.append(room.archive.engine, room.archive.clock)
    backup = tmp_path / "old.sqlite3"
    copy(room.url, str(backup), lambda *_: None)
    redact(room, [target(room, f"seed:presse/{NAME}.txt")], with_addresses=True)
    listed = list_orders(room.archive)
    folder = tmp_path / "restored"
    folder.mkdir()
    for url in (f"sqlite:///{folder / 'lesart.sqlite3'}", postgres_url):
        copy(str(backup), url, lambda *_: None)
        with newsroom_at(url, tmp_path) as restored:
            restored.root = folder
            assert found_in(places_of_bytes(restored, folder), [NAME.encode()]) != []
            repeat = partial(repeat_orders, restored.archive, listed, prepare_reading)
            assert repeat() == {"redaction": 1}
            assert repeat() == {}, "it was done"
            scrub(restored.archive.engine)
            assert found_in(places_of_bytes(restored, folder), [NAME.encode()]) == []
            origins = [row["origin"] for row in restored.rows("SELECT origin FROM articles")]
            assert [each[:9] for each in sorted(origins)] == ["redacted:", "seed:pres"]
            restored.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es doch."))
            restored.write("b.txt", seed("Ganz anderes", "Davon steht hier mehr."))
            counts = restored.scan(1)
            assert (counts.refused, counts.new_versions) == (1, 1)
            assert found_in(places_of_bytes(restored, folder), [NAME.encode()]) == []


@pytest.mark.slow
def test_nothing_stays_in_samples_or_for_those_who_read_since_before(
    postgres_url, tmp_path, monkeypatch
):
    monkeypatch.setattr(scrubbing, "READERS_SECONDS", 0.5)
    with newsroom_at(postgres_url, tmp_path) as room:
        for letter in "abc":
            text = f"Jemand sah {NAME}-{letter} am Pegel."
            room.write(f"{NAME}-{letter}.txt", seed(f"Wer {NAME}-{letter} war", text))
        room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
        room.scan(0)
        with room.archive.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        samples = "SELECT count(*) FROM pg_stats WHERE histogram_bounds::text LIKE :name"
        assert room.number(samples, name=f"%{NAME}%") > 0, "the planner took some"
        reader = room.archive.engine.connect().execution_options(isolation_level="REPEATABLE READ")
        reader.exec_driver_sql("SELECT value FROM counter").all()
        wanted = [target(room, f"seed:presse/{NAME}-{letter}.txt") for letter in "abc"]
        redact(room, wanted, with_addresses=True)
        with pytest.raises(UnscrubbedError, match="since before"):
            scrub(room.archive.engine)
        reader.close()
        scrub(room.archive.engine)
        assert due(room.archive.engine) is None
        assert found_in(places_of_bytes(room, tmp_path), [NAME.encode()]) == []


@pytest.mark.slow
def test_a_user_without_ownership_of_the_database_is_warned_that_samples_stay(
    postgres_url, tmp_path, capfd
):
    tables = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    with newsroom_at(postgres_url, tmp_path) as room:
        own = [f'ALTER TABLE "{table["name"]}" OWNER TO paper' for table in room.rows(tables)]
        with room.archive.engine.begin() as connection:
            for each in ("CREATE ROLE paper LOGIN", *own):
                connection.exec_driver_sql(each)
        try:
            for user, is_told in (("postgres", False), ("paper", True)):
                url = postgres_url.replace("postgres@", f"{user}@")
                assert run(app, ["redact", "--finish", "--archive", url]) == 0
                assert ("VACUUM FULL pg_statistic" in capfd.readouterr().err) == is_told
        finally:
            with room.archive.engine.begin() as connection:
                connection.exec_driver_sql("REASSIGN OWNED BY paper TO CURRENT_USER")
                connection.exec_driver_sql("DROP OWNED BY paper")
                connection.exec_driver_sql("DROP ROLE paper")


def test_a_passage_whose_redaction_was_killed_before_its_rows_were_emptied_is_redacted_again(
    room, monkeypatch
):
    room.write("a.txt", seed("Am Pegel", "Frau Ada Zwölfkern sagte: Der Pegel stieg.", PUMPED))
    room.scan(0)
    one, why = target(room, "seed:presse/a.txt"), RedactionReason.MISTAKE
    given = (room.archive, [one], Passage.parse("Ada Zwölfkern"), why, "ada", prepare_reading)

    class KilledError(BaseException):
        """The process ends here."""

    def kill(*_given):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("storage.write.redaction.redact_articles.empty_ordered", kill)
        with pytest.raises(KilledError):
            redact_passage(*given)
    redact_passage(*given)
    assert room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL") == 0
    assert [text for _number, text in room.versions()] == [
        f"Frau [redacted] sagte: Der Pegel stieg.\n\n{PUMPED}"
    ]
    assert room.findings() == []


def test_bytes_of_the_article_that_cannot_be_unpacked_go_with_its_passage(room):
    said = seed("Pegel", "Frau Ada Zwölfkern sah es.", PUMPED)
    packed = gzip.compress(said.encode())
    damaged = packed[:20] + bytes(6) + packed[26:]
    room.write("a.txt", said)
    room.write("b.txt", damaged + b"b")
    room.scan(0)
    room.write("a.txt", damaged)
    assert room.scan(1).refused == 2
    of_a, of_b = (
        f"SELECT count(*) FROM capture WHERE data IS NOT NULL AND length(data) = {size}"
        for size in (len(damaged), len(damaged) + 1)
    )
    assert (room.number(of_a), room.number(of_b)) == (1, 1)
    one, passage = target(room, "seed:presse/a.txt"), Passage.parse("Ada Zwölfkern")
    redact_passage(room.archive, [one], passage, RedactionReason.MISTAKE, "ada", prepare_reading)
    assert (room.number(of_a), room.number(of_b)) == (0, 1)
    assert room.findings() == []


@pytest.mark.slow
def test_what_versions_are_without_a_passage_is_compared_before_the_lock(room, monkeypatch):
    for hour, verb in enumerate(("stieg", "stieg weiter", "fiel")):
        room.write("a.txt", seed("Am Pegel", f"Ada Zwölfkern sagte: Der Pegel {verb}.", PUMPED))
        room.scan(hour)
    one = target(room, "seed:presse/a.txt")

    def under_the_lock(*given):
        with monkeypatch.context() as patched:
            patched.setattr(change, "operations_between", lambda *_: 1 / 0)
            return remove_passage(*given)

    monkeypatch.setattr("storage.write.redaction.redact_articles.remove_passage", under_the_lock)
    why = RedactionReason.MISTAKE
    assert (
        redact_passage(
            room.archive, [one], Passage.parse("Ada Zwölfkern"), why, "ada", prepare_reading
        )
        is not None
    )
    steps = room.rows("SELECT removed, added FROM changes ORDER BY version")
    assert [(row["removed"], row["added"]) for row in steps] == [
        ([], ["weiter"]),
        (["stieg weiter"], ["fiel"]),
    ]
    assert room.findings() == []


def test_a_redacted_passage_is_removed_from_every_version_and_the_rest_stays(room):
    for hour, verb in enumerate(("stieg", "stieg weiter", "fiel")):
        body = f"Frau Ada Zwölfkern sagte: Der Pegel {verb}." if hour < 2 else "Der Pegel fiel."
        room.write("a.txt", seed("Frau Ada Zwölfkern am Pegel", body, PUMPED))
        room.scan(hour)
    one = target(room, "seed:presse/a.txt")
    why = RedactionReason.GDPR_ERASURE
    act = redact_passage(
        room.archive, [one], Passage.parse("ada zwölfkern"), why, "ada", prepare_reading
    )
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
    assert (
        redact_passage(
            room.archive, [one], Passage.parse("ada zwölfkern"), why, "ada", prepare_reading
        )
        is None
    )


def test_copies_keep_the_text_unless_they_go_too(room):
    for name in ("a", "b"):
        room.write(f"{name}.txt", seed("Pegel steigt", "Ada Kern sah es.", PUMPED))
    room.scan(0)
    one = target(room, "seed:presse/a.txt")
    with room.archive.read_connection() as connection:
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


def test_only_records_of_web_archives_with_the_passage_go_with_it(room):
    address, seen = "https://presse.example/a", "2024-06-1{}T06:00:00Z"
    texts = ("Ada Zwölfkern sah den Pegel als erste.", "Niemand sah den Pegel um sieben Uhr.")
    for day, told in enumerate(texts):
        at, body = seen.format(day), answer(saved_page("Pegel steigt", told, PUMPED))
        recorded = response(address, at, body)
        name = recorded.partition(b"WARC-Record-ID: ")[2].partition(b"\r\n")[0].decode()
        room.write(f"{day}.warc", recorded + request(address, at, to=name))
    room.scan(0)
    kept = "SELECT count(*) FROM foreign_record WHERE opening IS NOT NULL"
    assert room.number(kept) == 4
    why, one = RedactionReason.GDPR_OBJECTION, target(room, address)
    for passage, left in (("Ada Dreizehnkern", 4), ("Ada Zwölfkern", 2)):
        redact_passage(room.archive, [one], Passage.parse(passage), why, "ada", prepare_reading)
        assert room.number(kept) == left
    scrub(room.archive.engine)
    assert found_in(places_of_bytes(room, room.root), ["Ada Zwölfkern".encode()]) == []


@pytest.fixture
def store(room, tmp_path):
    """Give a folder in which the archive of the room keeps the bytes of captures."""
    folder = tmp_path / "store"
    place = capture_place(folder.as_uri())
    room.archive.engine.update_execution_options(**{CAPTURES: place})
    room.settings = replace(room.settings, captures_url=folder.as_uri())
    return folder


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


@pytest.mark.slow
def test_an_interrupted_redaction_is_finished_by_the_next_process(room, monkeypatch):
    for name in ("a", "b", "c"):
        room.write(f"{name}.md", page(f"Ada Kern sah {name}.", title=f"Pegel {name}"))
    room.scan(0)
    monkeypatch.setattr(empty_rows, "ROWS_AT_A_TIME", 2)
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
    assert finish_redactions(room.archive) == 4
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


def test_no_redacted_sentence_is_found_by_its_key(room):
    room.write("keller.txt", seed("Keller voll", PUMPED))
    room.write("kopie.txt", seed("Keller leer", PUMPED, "Danach gingen alle nach Hause."))
    room.scan(0)
    redact(room, [target(room, "seed:presse/keller.txt")])
    if room.url.startswith("sqlite"):
        left = "SELECT count(*) FROM sentence_text WHERE sentence_text MATCH '"
        (key,) = sentence_keys([PUMPED])
        assert room.number(f"{left}{key}'") == 1, "the other article has it"
        redact(room, [target(room, "seed:presse/kopie.txt")])
        assert room.number(f"{left}{key}'") == 0
    assert room.findings() == []


# ------------------------------------------------------------------- what follows a commit


@pytest.mark.slow
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "at the end of"])
@pytest.mark.parametrize(
    ("module", "step"), [(relating, "add_index_keys"), (indexing, "index_now")]
)
def test_a_text_redacted_during_tracing_and_indexing_leaves_no_trace(
    postgres_url, tmp_path, monkeypatch, module, step, is_done
):
    room = Newsroom(postgres_url, tmp_path)
    room.write("keller.txt", seed("Keller voll", PUMPED))
    follow = getattr(module, step)

    def redacted() -> None:
        with Archive.open(postgres_url, clock=lambda: room.now) as archive:
            wanted = [target(room, "seed:presse/keller.txt")]
            redact_articles(archive, wanted, RedactionReason.GDPR_ERASURE, "ada")

    other = threading.Thread(target=redacted)

    def following(*given):
        done = follow(*given) if is_done else None
        other.start()
        other.join(1.0 if is_done else None)
        assert other.is_alive() == is_done, "it waits for what is not committed yet, only for that"
        return done if is_done else follow(*given)

    with monkeypatch.context() as raced:
        raced.setattr(module, step, following)
        room.scan(0)
    other.join()
    for table in ("index_key", "relation_due", "search_due", "search_text", "sentence_text"):
        assert room.number(f"SELECT count(*) FROM {table}") == 0, table
    assert room.findings() == []
    room.close()
