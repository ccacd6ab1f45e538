"""A replaced extractor never looks like an edit: earlier captures are read again."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from storage.read.archive import open_archive
from storage.values.verdict import Counts
from tests.flow.driver import SENTENCES, START, Newsroom, hour, lines, seed
from tests.warcs import answer, page, response
from worker.flow.read import Reader
from worker.text import hints
from worker.text.hints import TextSettings
from worker.text.page import read_page as pages

texts = sys.modules["worker.text.read"]  # the package gives a function of that name
NOW, NEXT = hints.VERSION, "next"
A, B, C, D = SENTENCES
MORE = (C, "Die Leiterin des Deichamts rechnet bis zum Abend mit sinkendem Wasser.")
URL = "https://zeitung.example/pegel"


class PagesHere:
    """Reads pages in this process: the same code, where a test can put another version of it."""

    def __init__(self, text: TextSettings) -> None:
        self.text = text

    def read(self, raw, given):
        return pages.read_page(raw, given, self.text)

    def close(self) -> None:
        pass


@pytest.fixture
def upgrade(room: Newsroom, monkeypatch) -> Callable[..., None]:
    """Give a function that installs another version of both extractors; `rule` changes their drafts."""
    room.reader._isolated = PagesHere(room.reader.text)  # type: ignore[assignment]
    read_seed, read_page = texts.READERS["seed"], pages._build_draft

    def install(rule: Callable = lambda draft: draft, version: str | None = NEXT) -> None:
        def changed(read: Callable) -> Callable:
            def as_ruled(*args, **named):
                found = read(*args, **named)
                return rule(found) if hasattr(found, "paragraphs") else found

            return as_ruled

        if version is not None:
            monkeypatch.setattr(hints, "VERSION", version)
            monkeypatch.setattr(pages, "PAGE_VERSION", version)
        hints.extractor.cache_clear()
        pages.page_extractor.cache_clear()
        monkeypatch.setitem(texts.READERS, "seed", read_seed._replace(read=changed(read_seed.read)))
        monkeypatch.setattr(pages, "_build_draft", changed(read_page))

    yield install
    monkeypatch.undo()
    hints.extractor.cache_clear()
    pages.page_extractor.cache_clear()


def louder(draft):
    """A rule that reads every text differently: each full stop becomes an exclamation mark."""
    shouted = tuple(replace(each, text=each.text.replace(".", "!")) for each in draft.paragraphs)
    return replace(draft, paragraphs=shouted, pieces=None)


def deaf(draft):
    """A rule by which a text that speaks of cellars is none."""
    from storage.values.refusals import refuse

    about = " ".join(each.text for each in draft.paragraphs)
    return refuse("extraction_empty", reason="") if "Keller" in about else draft


def extractors(room: Newsroom) -> list[tuple[str, int]]:
    rows = room.rows(
        "SELECT extractor_version AS v, count(*) AS n FROM derivation GROUP BY 1 ORDER BY min(id)"
    )
    return [(row["v"], row["n"]) for row in rows]


def history(room: Newsroom) -> list[tuple]:
    query = "SELECT version, changed_after, changed_by, last_seen FROM versions ORDER BY article, version"
    return [tuple(row.values()) for row in room.rows(query)]


def moment(hours: float) -> str:
    return hour(hours).isoformat(timespec="microseconds")


# ---------------------------------------------------------------------------------- own files


def test_a_text_that_another_extractor_reads_differently_is_the_same_version(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n\n")  # other bytes, the same text
    assert room.scan(2) == Counts(unchanged=1)
    assert history(room) == [(1, None, moment(1), moment(2))]
    assert extractors(room) == [(NOW, 1), (NEXT, 2)]
    assert [each["outcome"] for each in room.observations()] == ["content", "unchanged"]
    assert room.versions()[0][1].startswith(A)


def test_a_real_change_at_an_upgrade_is_one_version_with_its_own_words_alone(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    room.scan(2)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", B, *MORE))
    assert room.scan(3) == Counts(new_versions=1)
    (change,) = room.rows("SELECT * FROM changes")
    assert (change["removed"], change["added"]) == (["3,6"], ["36"])
    assert (change["changed_after"], change["changed_by"]) == (moment(2), moment(3))


def test_diff_and_blame_at_an_upgrade_show_edits_and_not_other_readings(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", B, *MORE))
    room.scan(2)
    (article,) = (row["article"] for row in room.rows("SELECT article FROM articles"))
    with open_archive(room.url) as archive:
        changed = [each for each in archive.diff(article).operations if each.op != "equal"]
        assert [(each.a_text, each.b_text) for each in changed] == [("3,6", ""), ("", "36")]
        back = [
            e for e in archive.diff(f"{article}@2", f"{article}@1").operations if e.op != "equal"
        ]
        assert sorted((e.a_text, e.b_text) for e in back) == [("", "3,6"), ("36", "")]
        blamed = {each.sentence: each.since_version for each in archive.blame(article)}
        gone = [each.sentence for each in archive.blame(article, removed=True)]
    loud = [each.replace(".", "!") for each in (B, *MORE)]
    assert blamed == {loud[0]: 2, loud[1]: 1, loud[2]: 1}
    assert gone == [A.replace(".", "!")]


def test_further_checks_after_an_upgrade_read_nothing_again(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder)
    for number in range(2, 6):
        room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n" * number)
        assert room.scan(number) == Counts(unchanged=1)
    assert extractors(room) == [(NOW, 1), (NEXT, 5)]
    assert history(room) == [(1, None, moment(1), moment(5))]


def test_two_upgrades_in_a_row_make_no_version(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder, NEXT)
    room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n")
    room.scan(2)
    upgrade(lambda draft: draft, "the one after")
    room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n\n")
    assert room.scan(3) == Counts(unchanged=1)
    upgrade(louder, NEXT)
    room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n\n\n")
    assert room.scan(4) == Counts(unchanged=1)
    assert history(room) == [(1, None, moment(1), moment(4))]


def test_many_articles_in_one_batch_are_read_again_together(room, upgrade):
    keys = [f"k{n}" for n in range(30)]
    room.write("a.jsonl", lines({key: f"{A} Nummer {key}." for key in keys}))
    assert room.scan(1) == Counts(new_articles=30)
    room.settings = replace(room.settings, languages=("de", "en", "fr"))
    room.reader = Reader(room.settings)  # another configuration is another reader
    room.write("a.jsonl", lines({key: f"{A} Nummer {key}. " for key in keys}))
    assert room.scan(2) == Counts(unchanged=30)
    assert room.number("SELECT count(*) FROM versions") == 30
    assert room.number("SELECT count(*) FROM derivation") == 90


def test_an_article_that_was_read_again_is_found_by_no_search_of_its_own(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", B, *MORE))
    room.scan(2)
    assert room.number("SELECT count(*) FROM versions") == 2


# ------------------------------------------------------------------------ what cannot be compared


def test_a_text_whose_bytes_are_gone_cannot_be_compared_and_makes_no_version(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    take_bytes_away(room)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", B, *MORE))
    assert room.scan(2) == Counts(unchanged=1)
    assert len(room.versions()) == 1
    query = "SELECT detail FROM derivation WHERE extractor_version = :version ORDER BY id"
    flags = room.rows(query, version=NEXT)
    assert flags[0]["detail"] == {"refused": "bytes_gone"}
    assert "not_comparable" in flags[1]["detail"]["flags"]
    room.write("a.txt", seed("Pegel steigt", A, D, *MORE))
    assert room.scan(3) == Counts(new_versions=1), "both are read by the new one"


def take_bytes_away(room: Newsroom) -> None:
    from sqlalchemy import text

    from storage.values.dates import iso_utc

    number = room.number("SELECT max(id) FROM capture")
    with room.archive.unit() as unit:
        unit.connection.execute(
            text(
                "INSERT INTO redaction (id, table_name, row_id, reason, at) "
                "VALUES (:id, 'capture', :row, 'Gericht', :at)"
            ),
            {"id": unit.number(), "row": number, "at": iso_utc(START)},
        )
        unit.connection.execute(
            text("UPDATE capture SET data = NULL WHERE id = :row"), {"row": number}
        )


def test_a_text_that_the_new_extractor_refuses_cannot_be_compared_either(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(deaf)
    room.write("a.txt", seed("Pegel steigt", A, MORE[1]))
    assert room.scan(2) == Counts(unchanged=1)
    assert len(room.versions()) == 1


# --------------------------------------------------------------------------- late and foreign


def story(sentence: str) -> bytes:
    return page("Pegel steigt weiter", sentence, *MORE)


def seen(hours: float, sentence: str) -> bytes:
    at = hour(hours).strftime("%Y-%m-%dT%H:%M:%SZ")
    return response(URL, at, answer(story(sentence)))


def test_a_late_capture_read_by_a_new_extractor_splits_a_run_only_where_the_text_differs(
    room, upgrade
):
    room.write("a.warc", seen(1, A) + seen(5, A))
    room.scan(10)
    upgrade(louder)
    room.write("b.warc", seen(2, A))
    assert room.scan(11) == Counts(unchanged=2 + 1)
    assert history(room) == [(1, None, moment(1), moment(5))]
    room.write("c.warc", seen(3, B))
    room.scan(12)
    assert history(room) == [
        (1, None, moment(1), moment(2)),
        (2, moment(2), moment(3), moment(3)),
        (3, moment(3), moment(5), moment(5)),
    ]


def test_the_order_of_upgrade_and_arrival_changes_no_interval(room, upgrade):
    room.write("a.warc", seen(1, A) + seen(4, B) + seen(6, B))
    room.scan(10)
    upgrade(louder)
    room.write("b.warc", seen(0, A) + seen(3, A) + seen(5, B) + seen(7, A))
    room.scan(11)
    assert history(room) == [
        (1, None, moment(0), moment(3)),
        (2, moment(3), moment(4), moment(6)),
        (3, moment(6), moment(7), moment(7)),
    ]


def test_a_reader_of_another_kind_of_document_compares_as_it_is(room, upgrade):
    room.now = hour(1)
    room.write(
        "a.md", f"---\ntitle: Pegel steigt weiter\nurl: {URL}\n---\n\n" + "\n\n".join((A, *MORE))
    )
    room.scan(1)
    upgrade()
    room.write("b.warc", seen(2, A))
    assert room.scan(3).unchanged >= 1
    assert room.number("SELECT count(*) FROM versions") == 1


# ------------------------------------------------------------------------------------- rivals


def test_a_job_whose_neighbours_keep_coming_is_tried_again_later(room, upgrade, monkeypatch):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", A, *MORE) + "\n")
    monkeypatch.setattr("worker.flow.read.load_re_extractions", lambda *_args: [])
    job = room.ordered(room.places("a.txt"))
    room.now = hour(2)
    room.collected(job)
    room.worked(job)
    (row,) = room.rows(
        "SELECT state, reason FROM job WHERE kind = 'read' AND parent_id = :p", p=job
    )
    assert row["state"] == "ready"
    assert row["reason"].startswith("RereadingError")
    monkeypatch.undo()
    assert D
