"""A page in place of an article makes no version; what a later check or a person confirms does."""

from itertools import permutations

import pytest

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending import store as matching
from storage.history.alerts.rule import AlertRule
from tests.capabilities.unconfirmed.pages import (
    ADDRESS,
    BARE_NOTE,
    DAMM,
    EDITED,
    FIRST,
    NIGHT,
    RELAUNCHED,
    REWRITTEN,
    REWRITTEN_AGAIN,
    WALLS,
    article,
)
from tests.flow.driver import hour
from tests.flow.processes import lesart, rows
from tests.warcs import answer, response
from tests.web.conftest import desk  # noqa: F401 -- fixture
from tests.web.site import Reply

OTHER = "https://zeitung.example/lokales/pegel"


def put(desk, content: str, address: str = ADDRESS) -> None:  # noqa: F811
    desk.web.put(address, Reply(content.encode()))


def seen(desk, *pages: tuple[float, str], address: str = ADDRESS) -> None:  # noqa: F811
    """Check an address at each time, in hours, with the page that it shows then."""
    for at, content in pages:
        put(desk, content, address)
        desk.fetch(address, at=at)


def titles(desk) -> list[str]:  # noqa: F811
    return [
        row["title"] for row in desk.rows("SELECT title FROM versions ORDER BY article, version")
    ]


def held(desk) -> list[tuple[str, str | None]]:  # noqa: F811
    found = desk.rows("SELECT grade, decision FROM unconfirmed ORDER BY id")
    return [(row["grade"], row["decision"]) for row in found]


@pytest.mark.parametrize("wall", WALLS.values(), ids=WALLS.keys())
def test_a_page_in_place_of_an_article_is_held_back_and_dismissed_by_the_article(desk, wall):  # noqa: F811
    seen(desk, (1, FIRST), (1.2, wall), (1.3, wall))
    assert titles(desk) == ["Damm wird höher"]
    assert held(desk) == [("wall", None)]
    assert desk.outcomes(ADDRESS)[1:] == ["unconfirmed"] * 2
    (row,) = desk.rows("SELECT state, versions FROM articles")
    assert (row["state"], row["versions"]) == ("present", 1)
    assert desk.rows("SELECT * FROM changes") == []
    seen(desk, (9, wall), (40, FIRST))
    assert held(desk) == [("wall", "dismissed")]
    assert titles(desk) == ["Damm wird höher"]


def test_a_rewrite_is_a_version_from_its_first_sight_once_a_later_check_agrees(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, REWRITTEN), (2.1, REWRITTEN))
    assert titles(desk) == ["Damm wird höher"]
    (row,) = desk.rows("SELECT until FROM unconfirmed")
    assert str(row["until"])[:16].replace(" ", "T") == hour(2.5).isoformat()[:16]
    desk.fetch(ADDRESS, at=2.6)
    (row,) = desk.rows("SELECT changed_by, changed_after FROM versions WHERE version = 2")
    assert str(row["changed_by"])[:16].replace(" ", "T") == hour(2).isoformat()[:16]
    assert held(desk) == [("soft", "confirmed")]


def test_a_rewrite_that_is_corrected_before_it_is_confirmed_is_two_versions(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, REWRITTEN), (3, REWRITTEN_AGAIN))
    assert len(titles(desk)) == 3


def test_a_wall_between_two_sights_of_a_rewrite_leaves_one_version_from_the_first(desk):  # noqa: F811
    wall = WALLS["consent"]
    seen(desk, (1, FIRST), (2, wall), (3, REWRITTEN), (4, wall), (5, REWRITTEN))
    assert len(titles(desk)) == 2
    (row,) = desk.rows("SELECT changed_by FROM versions WHERE version = 2")
    assert str(row["changed_by"])[:16].replace(" ", "T") == hour(3).isoformat()[:16]


def test_clean_edits_growth_and_a_relaunch_are_never_held_back(desk):  # noqa: F811
    grown = article(
        "Damm wird höher", (*DAMM, *(f"Absatz {n} mit neuen Worten." for n in range(40)))
    )
    seen(desk, (1, FIRST), (2, EDITED), (3, RELAUNCHED), (4, FIRST), (5, grown))
    assert len(titles(desk)) == 4
    assert held(desk) == []


def test_the_first_text_of_an_address_may_be_a_wall(desk):  # noqa: F811
    seen(desk, (1, NIGHT))
    assert titles(desk) == []
    assert held(desk) == [("wall", None)]
    seen(desk, (2, FIRST))
    assert titles(desk) == ["Damm wird höher"]
    assert held(desk) == [("wall", "dismissed")]
    assert desk.rows("SELECT * FROM changes") == []


def test_a_bare_note_waits_for_a_person_whoever_else_shows_it(desk):  # noqa: F811
    seen(desk, (1, BARE_NOTE), (2, BARE_NOTE))
    assert titles(desk) == []
    seen(desk, (3, BARE_NOTE), address=OTHER)
    assert titles(desk) == []
    assert held(desk) == [("wall", None)] * 2


CAPTURES = ((1, FIRST), (2, NIGHT), (3, REWRITTEN), (4, NIGHT), (5, REWRITTEN))


@pytest.mark.slow
def test_any_order_of_ingestion_gives_the_same_history(desk):  # noqa: F811
    """Import five captures in several orders, each of an address of its own site."""
    orders = list(permutations(range(len(CAPTURES))))[::17]
    for number, order in enumerate(orders):
        url = f"https://zeitung{number}.example/damm"
        for each in order:
            at, content = CAPTURES[each]
            date = hour(at).strftime("%Y-%m-%dT%H:%M:%SZ")
            desk.write(f"{number}-{each}.warc", response(url, date, answer(content.encode())))
            desk.ingest(f"{number}-{each}.warc", at=10)
        query = (
            "SELECT v.version, v.title, v.changed_by, v.last_seen FROM versions v "
            "JOIN articles a ON a.article = v.article WHERE a.origin = :url ORDER BY v.version"
        )
        found = desk.rows(query, url=url)
        assert [(row["title"], str(row["changed_by"])[11:13]) for row in found] == [
            ("Damm wird höher", f"{hour(1):%H}"),
            ("In eigener Sache: Artikel zurückgezogen", f"{hour(3):%H}"),
        ], order


def test_a_person_decides_and_undoes_it(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, NIGHT))
    there = ("--archive", desk.url)
    (row,) = rows(desk.root, "unconfirmed", "--open", *there)
    assert row["decision"] is None
    assert row["signs"][0] == "few_words"
    assert "Techniker" in row["text"]
    (done,) = rows(desk.root, "confirm", ADDRESS, "--by", "ada", *there)
    assert done["decided_by"] == "ada"
    assert len(titles(desk)) == 2
    (row,) = rows(desk.root, "unconfirmed", *there)
    assert (row["decision"], row["decided_by"]) == ("confirmed", "ada")
    assert lesart(desk.root, "confirm", ADDRESS, "--undo", *there).returncode == 0
    assert len(titles(desk)) == 1
    rows(desk.root, "dismiss", ADDRESS, "--by", "ada", *there)
    (row,) = rows(desk.root, "unconfirmed", *there)
    assert (row["decision"], row["decided_by"]) == ("dismissed", "ada")
    assert rows(desk.root, "unconfirmed", "--open", *there) == []
    assert lesart(desk.root, "confirm", ADDRESS, *there).returncode == 2


def history(desk, *clocks: str) -> list[str]:  # noqa: F811
    found = rows(desk.root, "history", ADDRESS, *clocks, "--archive", desk.url)
    return [row["title"] for row in found]


def test_both_clocks_know_what_was_held_back(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, REWRITTEN), (3, REWRITTEN))
    between = hour(2.5).isoformat()
    assert len(history(desk)) == 2
    assert len(history(desk, "--as-of", between)) == 2
    assert history(desk, "--known-at", between) == ["Damm wird höher"]


def test_an_alert_waits_for_a_confirmation_and_reports_it_once(desk):  # noqa: F811
    seen(desk, (1, FIRST))
    desk.archive.transact(manage.add, "damm", AlertRule(), (("webhook", "https://hook.example/a"),))

    def match() -> int:
        return matching.match(desk.archive.engine, desk.archive.clock)

    match()
    seen(desk, (2, EDITED))
    assert match() == 1  # a clean edit is reported at once
    seen(desk, (3, NIGHT), (4, EDITED), (5, REWRITTEN))
    assert match() == 0
    seen(desk, (6, REWRITTEN))
    assert match() == 1
    seen(desk, (7, REWRITTEN), (8, NIGHT), (9, NIGHT), (10, REWRITTEN))
    assert match() == 0


def test_a_redaction_and_a_restriction_hide_the_text_that_is_held_back(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, NIGHT))
    there = ("--archive", desk.url)
    hidden = lesart(
        desk.root, "redact", ADDRESS, "--reason", "gdpr_restriction", "--restrict", *there
    )
    assert hidden.returncode == 0, hidden.stderr
    (row,) = rows(desk.root, "unconfirmed", *there)
    assert (row["text"], row["title"], row["origin"]) == (None, None, None)
    gone = lesart(desk.root, "redact", ADDRESS, "--reason", "mistake", "--yes", *there)
    assert gone.returncode == 0, gone.stderr
    (row,) = rows(desk.root, "unconfirmed", *there)
    assert (row["text"], row["title"]) == (None, None)


@pytest.mark.slow
def test_a_merge_brings_the_decisions_of_persons(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, NIGHT))
    rows(desk.root, "confirm", ADDRESS, "--by", "ada", "--archive", desk.url)
    other = f"sqlite:///{desk.root}/other.sqlite3"
    merged = lesart(desk.root, "merge", desk.url, "--archive", other)
    assert merged.returncode == 0, merged.stderr
    (row,) = rows(desk.root, "unconfirmed", "--archive", other)
    assert (row["decision"], row["decided_by"]) == ("confirmed", "ada")
    assert len(rows(desk.root, "history", ADDRESS, "--archive", other)) == 2
    rows(desk.root, "dismiss", ADDRESS, "--wording", row["wording"], "--archive", desk.url)
    assert lesart(desk.root, "merge", desk.url, "--archive", other).returncode == 0
    assert len(rows(desk.root, "history", ADDRESS, "--archive", other)) == 1
    found = lesart(desk.root, "verify", "--archive", other)
    assert found.returncode == 0, found.stdout


def test_a_confirmed_text_is_found_and_related_as_any_other(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, REWRITTEN))
    there = ("--archive", desk.url)
    assert rows(desk.root, "search", "zurückgezogen", *there) == []
    seen(desk, (3, REWRITTEN), (4, REWRITTEN))
    assert len(rows(desk.root, "search", "zurückgezogen", *there)) == 1
    seen(desk, (5, REWRITTEN), address="https://bote.example/damm")
    assert [row["kind"] for row in rows(desk.root, "relations", *there)] == ["exact_copy"]


def test_submitted_pages_and_files_are_told_apart(desk):  # noqa: F811
    desk.write("notiz.html", BARE_NOTE)
    assert desk.scan(at=1).new_articles == 1


def test_the_next_check_comes_when_it_may_confirm(desk):  # noqa: F811
    put(desk, FIRST)
    desk.watch_page(ADDRESS)
    desk.due(at=1)
    put(desk, REWRITTEN)
    desk.due(at=30)
    found = desk.one("SELECT next_check FROM watch")["next_check"]
    assert str(found)[:16].replace(" ", "T") == hour(30 + 0.5 * 1.15).isoformat()[:16]
    desk.due(at=30.6)
    assert len(titles(desk)) == 2
