import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from storage.database.rows import cursor
from storage.read.archive import (
    AmbiguousError,
    CursorError,
    Filters,
    NoSuchError,
    RevisionError,
    open_archive,
)
from storage.read.filters import NO_FILTERS
from storage.read.lists import ANY_STEP
from storage.values.draft import Mark, as_dict
from storage.values.refusals import refuse
from tests.read.press import LEAD, Press, draft, hour

pytestmark = pytest.mark.postgresql("fast")

PEGEL, FERRY, KOPIE = "seed:seeds/pegel", "seed:seeds/ferry", "seed:seeds/kopie"

LIST_FIELDS = (
    "article origin origins source title published language publisher versions state first_seen "
    "last_seen cluster changed_after changed_by cursor"
)
FIELDS_OF = {
    "articles": LIST_FIELDS,
    "search": LIST_FIELDS.replace("cursor", "version current snippet score cursor"),
    "history": "article version wording changed_after changed_by first_seen last_seen title "
    "changes silent words_added words_removed cursor",
    "changes": "article version wording changed_after changed_by first_seen last_seen title "
    "changes silent words_added words_removed removed added noise notices method occurrence cursor",
    "observations": "article origin observed_at recorded_at foreign outcome http_status version "
    "wording raw_digest note checks until outside_copies pictures cursor",
    "relations": "id a b kind score method threshold earlier agency decided_at undone_at "
    "evidence cursor",
    "noise": "id article version observed_at rules reasons removed added wording_before "
    "wording_after method decided_at undone_at cursor",
    "blame": "sentence paragraph since_version changed_after changed_by returned first_article "
    "version cursor",
    "sentences": "sentence paragraph since_version changed_after changed_by returned first_article version cursor number current_in is_cut",
    "refusals": "job locator code message hint kept raw_digest at source times first_at cursor",
    "jobs": "job kind source state trigger attempts created_at started_at finished_at reason "
    "seen new_articles new_versions unchanged noise copies refused failed gone passed_over seconds parent unconfirmed cursor",
}


def lists_of(archive, name):
    """Return a function that asks for one of the lists with its required arguments."""
    needs = {
        "search": ("Zentimeter",),
        "history": (PEGEL,),
        "observations": (PEGEL,),
        "blame": (PEGEL,),
        "sentences": (PEGEL, "e"),
    }
    return lambda **part: list(getattr(archive, name)(*needs.get(name, ()), **part))


@pytest.mark.parametrize("name", FIELDS_OF)
def test_a_row_has_just_the_fields_of_the_contract(archive, name):
    row = lists_of(archive, name)()[0]
    assert " ".join(row.to_dict()) == FIELDS_OF[name]


@pytest.mark.parametrize("name", FIELDS_OF)
def test_a_list_goes_on_after_the_cursor_of_any_row(archive, name):
    ask = lists_of(archive, name)
    whole = ask()
    for at, row in enumerate(whole):
        assert ask(after=row.cursor) == whole[at + 1 :]
    assert ask(limit=1) == whole[:1]
    assert ask(limit=0) == []


@pytest.mark.parametrize("name", FIELDS_OF)
@pytest.mark.parametrize("given", ["", "x", "WzFd", "bnVsbA", "Ä", "WyJzb21ldGhpbmciLDFd"])
def test_a_text_that_is_no_cursor_of_a_list_is_refused(archive, name, given):
    with pytest.raises(CursorError):
        lists_of(archive, name)(after=given)


@pytest.mark.parametrize("name", FIELDS_OF)
def test_a_cursor_with_a_number_that_no_database_knows_is_refused(archive, name):
    ask = lists_of(archive, name)
    given = ask()[0].cursor
    kind, *place = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    for forged in ([10**30 if isinstance(each, int) else each for each in place], [[]] * 5):
        with pytest.raises(CursorError):
            ask(after=cursor(kind, *forged))


def test_a_cursor_of_brackets_is_refused(archive):
    with pytest.raises(CursorError):
        list(archive.articles(after=base64.urlsafe_b64encode(b"[" * 100_000).decode()))


def test_articles_come_in_the_order_in_which_they_were_met(archive):
    assert [line.origin for line in archive.articles()] == [PEGEL, FERRY, KOPIE]


def test_an_article_reports_its_newest_version_and_its_last_snapshot(archive):
    line = next(archive.articles())
    assert line.title == "Der Damm hält"
    assert line.versions == 3
    assert line.state == "present"
    assert line.published.to_dict() == {
        "value": "2024-06", "precision": "month", "zone": None, "found_in": "seed header",
    }  # fmt: skip
    assert (line.first_seen, line.last_seen) == (hour(0), hour(6))


def test_a_flat_row_parts_a_date_into_columns(archive):
    flat = next(archive.articles()).to_flat()
    assert list(flat)[5:9] == ["published", "published_precision", "published_from", "published_to"]
    assert flat["published_to"] == "2024-06-30T23:59:59+00:00"
    assert flat["origins"] == [PEGEL]


def test_a_flat_version_has_the_span_of_its_date_and_the_columns_of_a_missing_one(archive):
    version = archive.version(PEGEL)
    flat = version.to_flat()
    assert (flat["published_from"], flat["published_to"]) == (
        "2024-06-01T00:00:00+00:00", "2024-06-30T23:59:59+00:00"
    )  # fmt: skip
    assert version.modified is None
    assert flat["modified_precision"] is None
    assert "published_from" not in version.to_dict()


def test_a_file_that_vanished_is_gone_and_was_seen_up_to_the_scan_before(archive):
    ferry = next(line for line in archive.articles() if line.origin == FERRY)
    assert (ferry.state, ferry.last_seen) == ("gone", hour(4))


CASES_OF_FILTERS = {
    "nothing": (Filters(), [PEGEL, FERRY, KOPIE]),
    "language": (Filters(language="en"), [FERRY]),
    "source": (Filters(source="seeds"), [PEGEL, FERRY, KOPIE]),
    "since": (Filters(since=hour(4)), [KOPIE]),
    "since, a moment later": (Filters(since=hour(4) + timedelta(microseconds=1)), []),
    "until": (Filters(until=hour(0)), [PEGEL, FERRY]),
    "published span overlaps": (
        Filters(published_since=datetime(2024, 6, 20, tzinfo=UTC)),
        [PEGEL, KOPIE],
    ),
    "published until": (Filters(published_until=datetime(2024, 1, 1, tzinfo=UTC)), [FERRY]),
    "published in between": (
        Filters(
            published_since=datetime(2023, 11, 5, 12, tzinfo=UTC),
            published_until=datetime(2023, 11, 5, 13, tzinfo=UTC),
        ),
        [FERRY],
    ),
    "all at once": (Filters(language="de", source="seeds", since=hour(1), until=hour(9)), [KOPIE]),
}


@pytest.mark.parametrize(("filters", "expected"), CASES_OF_FILTERS.values(), ids=CASES_OF_FILTERS)
def test_filters_choose_articles(archive, filters, expected):
    assert [line.origin for line in archive.articles(filters)] == expected


def test_history_reports_each_run_of_a_wording(archive):
    lines = list(archive.history(PEGEL))
    assert [line.version for line in lines] == [1, 2, 3]
    assert lines[0].wording == lines[2].wording != lines[1].wording
    assert lines[0].changes == ("first",)
    assert "number" in lines[1].changes
    assert "reversion" in lines[2].changes
    assert [(line.changed_after, line.changed_by, line.last_seen) for line in lines] == [
        (None, hour(0), hour(2)),
        (hour(2), hour(3), hour(4)),
        (hour(4), hour(5), hour(6)),
    ]


def test_changes_come_newest_first_with_their_passages(archive):
    newest, older = archive.changes()
    assert (newest.version, older.version) == (3, 2)
    assert (older.removed, older.added) == (("3,6",), ("36",))
    assert list(archive.changes(PEGEL)) == [newest, older]
    assert list(archive.changes(KOPIE)) == []


def test_changes_after_any_number_are_those_above_it(archive):
    def after(number):
        return archive.changes_since(number, ANY_STEP, NO_FILTERS, 100)

    whole = after(0)
    numbers = [number for number, _change in whole]
    assert numbers == sorted(set(numbers))
    assert [each.version for _number, each in whole] == [2, 3]
    for number in {each + beside for each in numbers for beside in (-1, 0, 1)}:
        assert after(number) == [each for each in whole if each[0] > number]


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ({"classes": ("reversion",)}, [3]),
        ({"classes": ("reversion", "number")}, [3, 2]),
        ({"classes": ("headline",)}, []),
        ({"silent": True}, []),
        ({"contains": "3,6"}, [3, 2]),
        ({"contains": "Säcke"}, []),
        ({"contains": "3,6", "limit": 1}, [3]),
        ({"filters": Filters(since=hour(4))}, [3]),
        ({"filters": Filters(until=hour(4))}, [2]),
        ({"filters": Filters(language="en")}, []),
    ],
    ids=str,
)
def test_changes_can_be_chosen(archive, asked, versions):
    assert [change.version for change in archive.changes(**asked)] == versions


def test_a_change_is_found_by_its_passage_in_any_case(database_url):
    press = Press(database_url)
    press.scan(0, a=draft("A", "Der Öltank  brennt. Das Tor ist zu."))
    press.scan(1, a=draft("A", "Das Tor ist zu."))
    press.close()
    with open_archive(database_url) as archive:
        assert [c.version for c in archive.changes(contains="ÖLTANK brennt")] == [2]


def test_unchanged_scans_are_one_row_with_their_number(archive):
    told = [
        (o.observed_at, o.until, o.checks, o.outcome, o.version)
        for o in archive.observations(PEGEL)
    ]
    assert told == [
        (hour(0), None, 1, "content", 1),
        (hour(1), hour(2), 2, "unchanged", 1),
        (hour(3), None, 1, "content", 2),
        (hour(4), hour(4), 1, "unchanged", 2),
        (hour(5), None, 1, "content", 3),
        (hour(6), hour(6), 1, "unchanged", 3),
    ]


def test_an_absence_is_reported_without_a_version(archive):
    last = list(archive.observations(FERRY))[-1]
    assert (last.outcome, last.version, last.wording, last.raw_digest) == ("gone", None, None, None)
    assert last.observed_at == hour(5)


def test_relations_name_both_articles_and_who_was_first(archive):
    (relation,) = archive.relations()
    names = {line.origin: line.article for line in archive.articles()}
    assert (relation.a, relation.b) == (names[KOPIE], names[PEGEL])
    assert (relation.kind, relation.score, relation.earlier) == ("exact_copy", 1.0, "b")
    assert [r.id for r in archive.relations(PEGEL)] == [relation.id]
    assert [r.id for r in archive.relations(KOPIE)] == [relation.id]
    assert list(archive.relations(FERRY)) == []


def test_a_relation_passes_filters_that_one_of_its_articles_passes(archive):
    assert len(list(archive.relations(filters=Filters(since=hour(4))))) == 1
    assert list(archive.relations(filters=Filters(language="en"))) == []


def test_noise_shows_the_difference_and_the_reason_why_it_is_no_edit(archive):
    (step,) = archive.noise(FERRY)
    assert (step.rules, step.version, step.observed_at) == (("breaks",), 1, hour(4))
    assert step.reasons == ("identical words with different paragraph breaks",)
    assert step.removed + step.added == ("¶",)
    assert list(archive.noise(PEGEL)) == []


def test_refusals_report_the_job_that_a_person_knows(archive):
    (refusal,) = archive.refusals()
    assert (refusal.code, refusal.locator, refusal.kept) == ("empty", "seed:seeds/leer", True)
    assert list(archive.refusals(job=refusal.job)) == [refusal]
    with pytest.raises(NoSuchError):
        archive.refusals(job=10**9)
    (job, *parts) = archive.jobs(refusal.job)
    assert (job.job, job.parent, job.kind, job.refused, job.copies) == (
        refusal.job, None, "ingest", 1, 1,
    )  # fmt: skip
    assert [part.parent for part in parts] == [job.job]


def test_repeated_refusals_are_one_row_with_a_count_and_a_span(empty_archive_url):
    press = Press(empty_archive_url)
    for at in (0, 1, 2):
        press.scan(at, leer=refuse("empty"), gut=draft("Damm", f"Es hält seit {at} Uhr."))
    press.scan(3, leer=refuse("binary"), andere=refuse("empty"))
    press.close()
    with open_archive(empty_archive_url) as archive:
        found = list(archive.refusals())
        told = [(r.locator[-6:], r.code, r.times, r.first_at, r.at) for r in found]
        assert told == [
            ("s/leer", "empty", 3, hour(0), hour(2)),
            ("s/leer", "binary", 1, hour(3), hour(3)),
            ("andere", "empty", 1, hour(3), hour(3)),
        ]
        assert [r.source for r in found] == ["seeds"] * 3
        for number, row in enumerate(found, 1):
            assert list(archive.refusals(after=row.cursor)) == found[number:]
        assert list(archive.refusals(limit=1)) == found[:1]
        assert list(archive.refusals(codes=["binary"])) == found[1:2]
        assert list(archive.refusals(codes=["binary", "empty"])) == found
        for wrong in ({"source": "andere"}, {"codes": ["emtpy"]}):
            with pytest.raises(NoSuchError):
                list(archive.refusals(**wrong))
        assert [r.times for r in archive.refusals(since=hour(1), source="seeds")] == [2, 1, 1]
        assert [r.times for r in archive.refusals(found[0].job)] == [1]


def test_jobs_come_newest_first_without_their_parts(archive):
    jobs = list(archive.jobs())
    assert [job.job for job in jobs] == sorted((job.job for job in jobs), reverse=True)
    assert {job.kind for job in jobs} == {"ingest"}
    with pytest.raises(NoSuchError):
        archive.jobs(999_999)


# ------------------------------------------------------------------------------- revisions


@pytest.mark.parametrize(
    ("selector", "version", "certain"),
    [
        ("", 3, True),
        ("@latest", 3, True),
        ("@2", 2, True),
        ("@~1", 2, True),
        ("@~2", 1, True),
        ("@2024-06-18T00:00", 1, True),
        ("@2024-06-18T02:00", 1, True),
        ("@2024-06-18T02:30", 1, False),
        ("@2024-06-18T03:00", 2, True),
        ("@2024-06-18T04:30Z", 2, False),
        ("@2024-06-18T07:30+02:00", 3, True),
        ("@2024-06-18", 3, False),
        ("@2025-01-01", 3, False),
    ],
)
def test_a_revision_names_a_version_and_says_whether_it_is_certain(
    archive, selector, version, certain
):
    found = archive.version(f"{PEGEL}{selector}")
    assert (found.version, found.observed.certain) == (version, certain)


def test_a_date_ends_in_the_time_zone_of_the_reader(shared_url):
    with open_archive(shared_url, timezone=timezone(-timedelta(hours=3, minutes=30))) as archive:
        assert archive.version(f"{PEGEL}@2024-06-17").version == 2


def test_a_version_is_named_by_the_beginning_of_its_wording(archive):
    digits = archive.version(f"{PEGEL}@2").wording.removeprefix("w1:")
    assert archive.version(f"{PEGEL}@w1:{digits[:8]}").version == 2
    again = archive.version(f"{PEGEL}@3").wording
    assert archive.version(f"{PEGEL}@{again}").version == 1


def test_an_article_answers_to_its_id_and_its_origin(archive):
    by_origin = archive.version(PEGEL)
    assert archive.version(by_origin.article) == by_origin
    assert list(archive.history(by_origin.article)) == list(archive.history(PEGEL))


def test_an_address_with_odd_characters_is_an_exact_origin(database_url):
    address = "https://example.org/@lohe@2/a..b?c=1#d"
    press = Press(database_url)
    press.scan(0, a=draft("A", "Ein Satz.", address=address, observed_at=hour(-5)))
    press.close()
    with open_archive(database_url) as archive:
        found = archive.version(address)
        assert found.origin == address
        assert found.observed.changed_by == hour(-5)
        assert archive.version(f"{address}@1") == found
        (look,) = archive.observations(address)
        assert look.foreign is True
        assert archive.version("seed:seeds/a") == found


@pytest.mark.parametrize(
    "rev",
    [
        "seed:seeds/nichts",
        f"{PEGEL}@4",
        f"{PEGEL}@~3",
        f"{PEGEL}@2024-06-17",
        f"{PEGEL}@w1:00000000",
    ],
)
def test_a_missing_revision_is_refused_with_a_hint(archive, rev):
    with pytest.raises(NoSuchError) as caught:
        archive.version(rev)
    assert caught.value.hint in str(caught.value)


@pytest.mark.parametrize("rev", [f"{PEGEL}@w1:0000", f"{PEGEL}@0", f"{PEGEL}@2024-13-01", "@3", ""])
def test_a_malformed_revision_is_refused(archive, rev):
    with pytest.raises((RevisionError, NoSuchError)):
        archive.version(rev)


def test_two_wordings_that_begin_alike_are_ambiguous(archive, monkeypatch):
    monkeypatch.setattr("storage.read.find.wording_name", lambda digest: f"w1:{digest.hex()}")
    finder_digits = ""
    with archive.connect() as connection:
        from storage.read.find import Finder

        finder = Finder(connection, UTC)
        with pytest.raises(AmbiguousError) as caught:
            finder._version_by_wording(finder.article(PEGEL), finder_digits)
    assert len(caught.value.candidates) == 2


@pytest.mark.parametrize("ask", ["history", "observations", "changes", "relations"])
def test_lists_of_an_unknown_article_raise_when_they_are_asked_for(archive, ask):
    with pytest.raises(NoSuchError):
        getattr(archive, ask)("seed:seeds/nichts")


# -------------------------------------------------------------------------- one or two texts


def test_a_version_is_reported_whole(archive):
    told = archive.version(f"{PEGEL}@2").to_dict()
    assert " ".join(told) == (
        "article id origin origins source state version versions wording title lead text "
        "paragraphs language authors publisher section tags published modified word_count quotes "
        "notices flags fields observed digests extractor rights outside_copies unconfirmed steps indirect_quotes"
    )
    assert told["lead"] == "Der Pegel der Lohe steigt."
    assert told["text"].split("\n\n")[1] == "Er stieg um 36 Zentimeter."
    assert told["paragraphs"][0] == {
        "role": "lead", "text": "Der Pegel der Lohe steigt.",
        "marks": [{"kind": "agency", "start": 0, "end": 3}],
    }  # fmt: skip
    assert told["authors"] == ["Ada Lohe"]
    assert told["fields"]["section"] == {
        "value": "Region", "found_in": "front matter", "confidence": None, "candidates": [],
    }  # fmt: skip
    assert told["observed"] == as_dict(
        {"changed_after": hour(2), "changed_by": hour(3), "last_seen": hour(4), "certain": True}
    )
    assert told["digests"]["wording"] == told["wording"]
    assert told["extractor"] == {"name": "test", "version": "1", "config": "plain"}


def test_the_layout_of_a_copy_is_its_own_though_its_text_is_shared(database_url):
    press = Press(database_url)
    press.scan(0, a=draft("A", LEAD, "Ein Satz."))
    press.scan(1, b=draft("A", LEAD.text, "Ein  Satz."))
    press.close()
    with open_archive(database_url) as archive:
        a, b = (archive.version(f"seed:seeds/{name}") for name in "ab")
    assert a.wording == b.wording
    assert [p.role for p in a.paragraphs] == ["lead", "text"]
    assert [p.role for p in b.paragraphs] == ["text", "text"]
    assert a.paragraphs[0].marks == (Mark("agency", 0, 3),)
    assert b.paragraphs[0].marks == ()
    assert [p.text for p in b.paragraphs] == [LEAD.text, "Ein  Satz."]


def test_raw_bytes_come_back_bit_for_bit(archive):
    from hashlib import sha256

    raw = archive.raw(f"{PEGEL}@2")
    assert sha256(raw.data).hexdigest() == raw.digest == archive.version(f"{PEGEL}@2").digests.raw
    assert raw.name == "pegel.txt"


@pytest.mark.parametrize(
    ("revs", "sides"),
    [
        ((f"{PEGEL}@2",), ("1", "2")),
        ((PEGEL,), ("2", "3")),
        ((f"{PEGEL}@1..@2",), ("1", "2")),
        ((f"{PEGEL}@2..{PEGEL}@1",), ("2", "1")),
        ((f"{PEGEL}@1", f"{PEGEL}@2"), ("1", "2")),
        ((f"{PEGEL}@1", "@2"), ("1", "2")),
        ((f"{PEGEL}@2", "@~2"), ("2", "1")),
    ],
    ids=str,
)
def test_a_difference_shows_only_the_changed_words(archive, revs, sides):
    found = archive.diff(*revs)
    assert tuple(rev.rpartition("@")[2] for rev in (found.a, found.b)) == sides
    changed = {(o.op, o.a_text or o.b_text) for o in found.operations if o.op != "equal"}
    forward = {("delete", "3,6"), ("insert", "36")}
    backward = {("delete", "36"), ("insert", "3,6")}
    assert changed == (forward if sides == ("1", "2") else backward)
    assert not found.is_same
    assert set(found.to_dict()["operations"][0]) == {
        "op", "role", "a_text", "b_text", "a_start", "b_start",
    }  # fmt: skip


@pytest.mark.parametrize("rev", [f"{PEGEL}@1..@3", f"{PEGEL}@1..{KOPIE}@1", f"{PEGEL}..@2"])
def test_a_range_where_one_version_is_wanted_says_so_and_what_compares_two(archive, rev):
    asked = (archive.version, archive.raw, archive.blame, archive.cite)
    for ask in (*asked, lambda given: archive.diff(given, "@2")):
        with pytest.raises(
            RevisionError, match=r"two versions, but only one is allowed.*lesart diff"
        ):
            list(ask(rev))
    with pytest.raises(NoSuchError, match="no article"):
        archive.version(f"{PEGEL}/../b@1")


def test_a_version_where_an_article_is_wanted_says_to_name_the_article_alone(archive):
    for ask in (archive.history, archive.observations, archive.relations):
        with pytest.raises(NoSuchError, match="specify only the article"):
            list(ask(f"{PEGEL}@2"))
    with pytest.raises(NoSuchError, match="lesart list"):
        list(archive.history("seed:seeds/none@2"))


def test_equal_wordings_have_no_difference(archive):
    assert archive.diff(f"{PEGEL}@1..@3").is_same
    assert archive.diff(f"{PEGEL}@2", KOPIE).is_same


def test_a_first_version_has_nothing_before_it(archive):
    with pytest.raises(NoSuchError, match="it is the first one"):
        archive.diff(KOPIE)


def test_figures_count_the_rows_of_the_archive(archive):
    stats = archive.stats()
    assert (stats.articles, stats.versions, stats.wordings, stats.copies) == (3, 5, 4, 1)
    assert (stats.observations, stats.captures) == (8, 6)
    assert stats.refusals == {"empty": 1}
    assert stats.jobs == {"done": 7}
    assert (stats.first_seen, stats.last_seen) == (hour(0), hour(6))
    assert stats.raw_bytes > 0 < stats.database_bytes
    (source,) = stats.sources
    assert (source.source, source.articles, source.scans, source.last_scan) == (
        "seeds", 3, 7, hour(6),
    )  # fmt: skip


def test_an_iterator_that_is_left_early_leaves_nothing_open(archive):
    articles = archive.articles()
    next(articles)
    articles.close()
    assert len(list(archive.articles())) == 3


def test_the_library_exports_the_reading_side(shared_url):
    import lesart

    with lesart.open_archive(shared_url) as archive:
        assert [hit.article for hit in archive.search("Säcke", latest=True)]
