"""Differences without an edit make no version, are listed on demand, and can be undone."""

from dataclasses import replace
from html import escape
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from storage.diff.change import CaptureContent
from storage.diff.word_diff import Text
from storage.history import memory
from storage.history.changes import ComparedPair
from storage.history.noise.boilerplate import may_be_boilerplate
from storage.language.paragraphs import paragraph_of
from storage.read.archive import open_archive
from storage.values.dates import iso_utc
from storage.values.errors import NoSuchError
from storage.write.undo import undo
from tests.flow.driver import SENTENCES, Newsroom, findings, hour, page
from tests.history.test_any_order import rebuilt, stored_versions
from worker.flow.order import target_at

pytestmark = pytest.mark.starts_first

A, B, C, _ = SENTENCES
URL = "https://lohebote.example/pegel"
OPEN = "Hinweise nimmt die Redaktion unter redaktion@lohebote.example gern entgegen."
HIDDEN = "Hinweise nimmt die Redaktion unter [email protected] gern entgegen."
EXAMPLE = count(1)
EXAMPLES = settings.default.max_examples // 6
VERDICT_AND_VERSION = """
    SELECT v.kind, (SELECT count(*) FROM snapshot s2
                    WHERE s2.article_id = s.article_id AND s2.version = s.version)
    FROM verdict v JOIN snapshot s ON s.observation_id = v.observation_id
    JOIN article_origin ao ON ao.article_id = s.article_id
    JOIN origin o ON o.id = ao.origin_id WHERE o.origin = :url
    ORDER BY v.id DESC LIMIT 1
"""
"""What was decided on the last capture, and how many captures show the version that it is of."""


def text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


def see(room: Newsroom, at: float, body: str, url: str = URL, **more: str) -> object:
    """Import one capture of an article as it was readable at an hour."""
    path = room.write(f"c{next(EXAMPLE)}.md", page(body, **more), room.root / "imports")
    place = target_at(room.archive, room.settings, str(path), origin=url, observed_at=hour(at))
    return room.worked(room.ordered([place]))


def html(body: str, title: str = "Pegel steigt weiter") -> str:
    """Return a web page with the paragraphs of `body`; only pages have boilerplate."""
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in body.split("\n\n"))
    head = f'<html lang="de"><head><title>{title}</title></head>'
    return f"{head}<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"


def see_page(room: Newsroom, at: float, body: str, url: str = URL, **more: str) -> object:
    """Import one capture of a web page as it was readable at an hour."""
    path = room.write(f"c{next(EXAMPLE)}.html", html(body, **more), room.root / "imports")
    place = target_at(room.archive, room.settings, str(path), origin=url, observed_at=hour(at))
    return room.worked(room.ordered([place]))


def noise(room: Newsroom) -> list[dict]:
    with open_archive(room.url) as archive:
        return [each.to_dict() for each in archive.noise()]


def changes(room: Newsroom) -> list[dict]:
    with open_archive(room.url) as archive:
        return [each.to_dict() for each in archive.changes()]


def test_a_hidden_address_makes_no_version_and_counts_as_unchanged(room):
    see(room, 0, text(A, OPEN))
    counts = see(room, 1, text(A, HIDDEN))
    assert (counts.new_versions, counts.unchanged) == (0, 1)
    assert room.versions() == [(1, text(A, OPEN))]
    assert [each["outcome"] for each in room.observations(URL)] == ["content", "unchanged"]
    (told,) = noise(room)
    assert (told["rules"], told["version"]) == (["email"], 1)
    assert (told["removed"], told["added"]) == (
        ["redaktion@lohebote.example"],
        ["[email protected]"],
    )
    assert told["reasons"] == ["an e-mail address with different protection against harvesters"]
    assert (told["wording_before"] != told["wording_after"], told["undone_at"]) == (True, None)


def test_the_last_snapshot_of_a_version_is_that_of_its_noise(room):
    see(room, 0, text(A, OPEN))
    see(room, 1, text(A, HIDDEN))
    see(room, 2, text(B, HIDDEN))
    first, second = room.rows("SELECT * FROM versions ORDER BY version")
    assert first["last_seen"] == second["changed_after"] == iso_utc(hour(1))
    assert changes(room)[0]["removed"] == ["3,6"]


def test_noise_next_to_a_change_is_left_out_of_it_and_reported_next_to_it(room):
    see(room, 0, text(A, OPEN))
    see(room, 1, text(B, HIDDEN))
    (change,) = changes(room)
    assert (change["changes"], change["removed"], change["added"]) == (["number"], ["3,6"], ["36"])
    assert change["noise"] == [
        {
            "rule": "email",
            "removed": ["redaktion@lohebote.example"],
            "added": ["[email protected]"],
        }
    ]
    assert noise(room) == []


def test_a_change_that_is_taken_back_is_a_reversion_whatever_noise_comes_with_it(room):
    for at, body in enumerate((text(A, OPEN), text(B, OPEN), text(A, HIDDEN), text(C, HIDDEN))):
        see(room, at, body)
    told = {each["version"]: "reversion" in each["changes"] for each in changes(room)}
    assert told == {2: False, 3: True, 4: False}


def test_a_version_that_is_followed_by_another_one_is_not_written_again(room):
    see(room, 0, A)
    query = "SELECT seq FROM version WHERE number = 1"
    before = room.number(query)
    see(room, 1, B)
    assert [number for number, _ in room.versions()] == [1, 2]
    assert room.number(query) == before, "nothing of it changed"


def test_an_undone_decision_makes_a_version_and_is_not_made_again(room):
    see(room, 0, text(A, OPEN))
    see(room, 1, text(A, HIDDEN))
    (told,) = noise(room)
    undone = room.archive.transact(undo, told["id"], "die Adresse ist neu")
    assert (undone.kind, undone.reason) == ("noise", "die Adresse ist neu")
    assert [number for number, _ in room.versions()] == [1, 2]
    assert changes(room)[0]["changes"] == ["wording"]
    assert noise(room)[0]["undone_at"] == undone.undone_at.isoformat()
    see(room, 2, text(A, OPEN), tags="anders")
    see(room, 3, text(A, HIDDEN), tags="ganz anders")
    assert [number for number, _ in room.versions()] == [1, 2, 3, 4]
    assert len(noise(room)) == 1


def test_undoing_twice_changes_nothing_and_undoing_nothing_is_reported(room):
    see(room, 0, text(A, OPEN))
    see(room, 1, text(A, HIDDEN))
    number = noise(room)[0]["id"]
    first = room.archive.transact(undo, number, "Irrtum")
    assert room.archive.transact(undo, number, "noch einmal") == first
    with pytest.raises(NoSuchError):
        room.archive.transact(undo, 10**6)


def test_a_relation_is_undone_by_the_same_command(room):
    see(room, 0, A)
    see(room, 1, A, "https://anderes-blatt.example/pegel")
    relation = room.number("SELECT id FROM relations")
    assert room.archive.transact(undo, relation).kind == "relation"
    assert room.one("SELECT undone_at FROM relations")["undone_at"] is not None


def test_a_wording_inside_a_version_can_still_be_cited(room):
    see(room, 0, text(A, OPEN))
    see(room, 1, text(A, HIDDEN))
    see(room, 2, text(B, HIDDEN))
    after = noise(room)[0]["wording_after"]
    with open_archive(room.url) as archive:
        found = archive.version(f"{URL}@{after[:19]}")
        assert (found.version, found.wording, found.text) == (1, after, text(A, HIDDEN))
        cited = archive.cite(f"{URL}@{after[:19]}", "[email protected]")
    assert (cited.version, cited.exact, cited.wording) == (1, "[email protected]", after)


BOX = "Unterstützen Sie die Arbeit dieser Zeitung mit einem Abonnement für Freunde."
OTHERS = (
    "Die Molkerei in Tönsbrink stellt drei neue Sorten Käse vor.",
    "Beim Turnier der Schachfreunde siegte überraschend ein Schüler.",
    "Das Theater eröffnet die Spielzeit mit einer Komödie über Nachbarn.",
)


def others(room: Newsroom, at: float, how_many: int = 3) -> None:
    for number, body in enumerate(OTHERS[:how_many]):
        url = f"https://www.lohebote.example/anderes/{number}"
        see_page(room, at, text(body, BOX), url, title=f"Meldung Nummer {number}")


def own(room: Newsroom) -> list[int]:
    article = room.article(URL)["id"]
    return [number for number, _ in room.versions(article)]


def test_a_box_of_the_site_makes_no_version(room):
    others(room, 0)
    see_page(room, 0, text(A, B))
    see_page(room, 1, text(A, BOX, B))
    see_page(room, 2, text(A, B))
    assert own(room) == [1]
    assert [each["rules"] for each in noise(room)] == [["box"], ["box"]]


def test_a_box_that_other_articles_show_later_is_noise_in_the_end(room):
    see_page(room, 0, text(A, B))
    see_page(room, 1, text(A, BOX, B))
    assert own(room) == [1, 2]
    others(room, 2, 2)
    assert own(room) == [1, 2]
    others(room, 3, 3)
    assert own(room) == [1]
    assert room.number("SELECT count(*) FROM boilerplate_due") == 0


@pytest.mark.slow
def test_noise_of_one_article_with_a_paragraph_counts_for_no_other(room):
    site = "https://www.lohebote.example/anderes"
    for number, body in enumerate((*OTHERS[:2], C)):
        see_page(room, 0, body, f"{site}/{number}", title=f"Meldung Nummer {number}")
    for at, address in enumerate((OPEN, HIDDEN)):
        see_page(room, at, text(OTHERS[2], BOX, address), f"{site}/3", title="Meldung Nummer 3")
    assert [each["rules"] for each in noise(room)] == [["email"]]
    see_page(room, 2, text(A, B))
    see_page(room, 3, text(A, BOX, B))
    assert own(room) == [1, 2]


def test_a_box_and_a_change_are_distinguished_once_the_site_shows_it(room):
    see_page(room, 0, text(A, C))
    see_page(room, 1, text(B, BOX, C))
    assert changes(room)[0]["changes"] == ["number", "paragraph_added"]
    others(room, 2)
    assert [each["changes"] for each in changes(room)] == [["number"]]


@pytest.mark.slow
def test_steps_that_go_on_waiting_cost_no_statement_each(room):
    def statements(number: int) -> int:
        said: list[str] = []
        url = f"https://lohebote.example/pegel/{number}"

        def note(_connection, _cursor, statement, *_rest) -> None:
            said.append(statement)

        event.listen(room.archive.engine, "before_cursor_execute", note)
        see_page(room, 0, text(A, C, BOX), url)
        event.remove(room.archive.engine, "before_cursor_execute", note)
        see_page(room, 1, text(A, C), url)
        return len(said)

    counts = [statements(number) for number in range(12)]
    assert room.number("SELECT count(*) FROM boilerplate_due") == len(counts)
    assert max(counts[-3:]) <= max(counts[:3]) + 3


@pytest.mark.slow
def test_steps_that_others_cannot_decide_yet_are_compared_once(room, monkeypatch):
    made: list[int] = []

    class Counted(ComparedPair):
        def __init__(self, a: CaptureContent, b: CaptureContent) -> None:
            made.append(1)
            super().__init__(a, b)

    for hours in range(12):
        see_page(room, hours, text(A, *[BOX] * (hours % 2), f"Um {hours} Uhr hielt der Damm noch."))
    others(room, 20, 2)
    waiting = room.number("SELECT count(*) FROM boilerplate_due")
    monkeypatch.setattr("storage.history.changes.ComparedPair", Counted)
    see_page(room, 21, text(OTHERS[0], BOX, B), "https://www.lohebote.example/anderes/0")
    assert waiting == 11
    assert len(made) <= 3


def test_a_paragraph_that_is_in_articles_of_other_sites_is_a_change(room):
    for number, body in enumerate(OTHERS):
        see_page(room, 0, text(body, BOX), f"https://blatt{number}.example/a", title=f"M {number}")
    see_page(room, 0, text(A, B))
    see_page(room, 1, text(A, BOX, B))
    assert own(room) == [1, 2]


def test_a_sentence_on_the_topic_of_the_text_is_a_change_though_others_have_it(room):
    see_page(room, 0, text(A, B))
    see_page(room, 1, text(A, f"{BOX} {A}", B))
    for number, body in enumerate(OTHERS):
        url = f"https://lohebote.example/mehr/{number}"
        see_page(room, 2, text(body, f"{BOX} {A}"), url, title=f"Mehr {number}")
    assert own(room) == [1, 2]


def test_the_headline_of_another_article_of_the_site_is_a_teaser(room):
    title = "Molkerei stellt drei neue Käse vor"
    see_page(room, 0, OTHERS[0], "https://lohebote.example/kaese", title=title)
    see_page(room, 0, text(A, B))
    see_page(room, 1, text(A, title, B))
    assert own(room) == [1]
    assert noise(room)[0]["rules"] == ["teaser"]


def flags(room: Newsroom) -> list[tuple[str, ...]]:
    with open_archive(room.url) as archive:
        return [archive.version(f"{URL}@{number}").flags for number in own(room)]


def teasers(room: Newsroom) -> list[set[str]]:
    return [{"teaser", "after_teaser"} & set(each) for each in flags(room)]


def test_the_beginning_of_an_earlier_text_is_a_version_with_a_flag(room):
    for at, body in enumerate([text(A, B, C), A[:-12] + "…", text(A, B, C), text(A, B)]):
        see(room, at, body)
    assert own(room) == [1, 2, 3, 4]
    assert teasers(room) == [set(), {"teaser"}, set(), set()]


def test_the_whole_text_behind_a_beginning_that_broke_off_says_so(room):
    for at, body in enumerate([A[:-12] + "…", text(A, B, C)]):
        see(room, at, body)
    assert teasers(room) == [set(), {"after_teaser"}]


def test_a_story_that_grows_by_paragraphs_is_no_teaser(room):
    for at, body in enumerate([A, text(A, B, C)]):
        see(room, at, body)
    assert teasers(room) == [set(), set()]


def test_a_text_that_breaks_off_is_a_teaser_though_the_whole_came_in_first(room):
    see(room, 1, text(A, B, C))
    see(room, 0, A[:-12])
    assert teasers(room) == [{"teaser"}, set()]


def test_paragraphs_without_a_word_that_could_be_asked_for_are_changes(room):
    for at, body in enumerate(["Da war es um 5 bis 6.", "a + b = c * d", "„… ? ! — …“ x y z A B"]):
        see_page(room, at, text(A, body))
    assert own(room) == [1, 2, 3]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("Jetzt den Newsletter heute bestellen", True),
        ("Den Newsletter heute bestellen", False),
        ("jetzt den newsletter heute bestellen", False),
        ("Jetzt " * 66 + "hier", True),
        ("Jetzt " * 66 + "heute", False),
    ],
    ids=["five words", "four words", "no capital", "400 letters", "401 letters"],
)
def test_only_a_short_sentence_with_a_capital_may_be_boilerplate(paragraph, expected):
    assert may_be_boilerplate(paragraph) == expected


BODIES = st.sampled_from(
    [
        text(A, OPEN),
        text(A, HIDDEN),
        text(B, HIDDEN),
        text(A, BOX, OPEN),
        f"{A} {OPEN}",
        text(A, "17 Kommentare", OPEN),
        text(A, "Stand: 18.06.2024", OPEN),
    ]
)
SEEN = st.lists(st.tuples(st.integers(0, 5), BODIES), min_size=2, max_size=6)


def told(room: Newsroom, url: str) -> list[dict]:
    names = (
        "version, wording, changed_after, changed_by, last_seen, changes, silent, removed, added"
    )
    query = f"SELECT {names} FROM changes WHERE article = :a ORDER BY version"
    first = "SELECT version, wording, changed_by, last_seen FROM versions WHERE article = :a"
    article = room.article(url)["id"]
    return [*room.rows(f"{first} AND version = 1", a=article), *room.rows(query, a=article)]


@pytest.mark.postgresql("large")
@pytest.mark.slow
@settings(max_examples=settings.default.max_examples // 6)
@given(seen=SEEN, order=st.randoms(use_true_random=False), has_others=st.booleans())
def test_noise_is_the_same_in_any_order_of_ingestion(room, seen, order, has_others):
    histories = []
    for way in range(3):
        number = next(EXAMPLE)
        url = f"https://zeitung{number}.example/pegel"
        captures = [(at, body, url, "Pegel") for at, body in seen]
        captures += [
            (0, text(body, BOX), f"https://zeitung{number}.example/a{n}", f"Meldung {n}")
            for n, body in enumerate(OTHERS)
            if has_others
        ]
        if way:
            order.shuffle(captures)
        room.settings = replace(room.settings, batch_items=(50, 1, 2)[way])
        places = []
        for at, body, address, title in captures:
            path = room.write(
                f"o{next(EXAMPLE)}.html", html(body, title=title), room.root / "imports"
            )
            place = target_at(
                room.archive, room.settings, str(path), origin=address, observed_at=hour(at)
            )
            places.append(place)
        room.worked(room.ordered(places))
        histories.append(told(room, url))
    assert histories[0] == histories[1] == histories[2]


@pytest.mark.slow
def test_a_rebuilt_history_with_noise_is_the_stored_one(room):
    others(room, 0)
    for at, body in enumerate([text(A, OPEN), text(A, HIDDEN), text(B, BOX, OPEN), text(B, OPEN)]):
        see_page(room, at, body)
    before = stored_versions(room)
    rebuilt(room)
    assert [{**each, "seq": 0} for each in stored_versions(room)] == [
        {**each, "seq": 0} for each in before
    ]
    assert findings(room.url) == []


@pytest.fixture
def two_wordings(room):
    """Give a version in two wordings after another one, and the name of the second."""
    see(room, 0, text(B, C))
    see(room, 1, text(A, OPEN))
    see(room, 2, text(A, HIDDEN))
    with open_archive(room.url) as archive:
        (step,) = archive.noise(URL)
        yield archive, f"{URL}@{step.wording_before[:35]}", f"{URL}@{step.wording_after[:35]}"


def test_the_bytes_are_those_of_the_wording_that_is_named(two_wordings):
    archive, *named = two_wordings
    for rev, own in zip(named, (OPEN, HIDDEN), strict=True):
        raw, shown = archive.raw(rev), archive.version(rev)
        assert own in raw.data.decode()
        assert (raw.digest, shown.version) == (shown.digests.raw, 2)
        assert own in shown.text


def test_a_diff_is_between_the_wordings_that_are_named(two_wordings):
    archive, before, after = two_wordings
    found = archive.diff(before, after)
    assert [(each.op, each.a_text, each.b_text) for each in found.operations][1:] != []
    assert not found.is_same
    assert found.b == archive.cite(after).revision
    assert archive.diff(f"{before}..{after}").operations == found.operations
    assert archive.diff(after, f"{URL}@2").b == found.a.partition("@")[0] + "@2"
    assert archive.diff(after, after).is_same
    assert HIDDEN in "".join(each.b_text or "" for each in archive.diff(after).operations)


def test_blame_reports_the_sentences_of_the_wording_that_is_named(two_wordings):
    archive, before, after = two_wordings
    told = [[(e.sentence, e.since_version, e.changed_by) for e in archive.blame(rev)]
            for rev in (before, after)]  # fmt: skip
    assert told[0] == [(A, 2, hour(1)), (OPEN, 2, hour(1))]
    assert told[1] == [(A, 2, hour(1)), (HIDDEN, 2, hour(2))]
    gone = [each.sentence for each in archive.blame(after, removed=True)]
    assert gone == [B, C, OPEN]


def test_a_citation_finds_the_passage_in_the_wording_that_is_named(two_wordings):
    archive, before, after = two_wordings
    assert archive.cite(after, HIDDEN).exact == HIDDEN
    assert archive.cite(after).raw == archive.raw(after).digest
    with pytest.raises(NoSuchError):
        archive.cite(before, HIDDEN)


@pytest.mark.postgresql("large")
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@example(found=[(0, A, OPEN), (2, A, HIDDEN), (1, B, OPEN), (3, A, OPEN)])
@example(found=[(2, A, C), (0, A, C), (1, B, C), (1, A, OPEN)])
@example(found=[(0, A, HIDDEN), (0, B, OPEN), (0, A, OPEN)])
@given(
    found=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([A, B]), st.sampled_from([OPEN, HIDDEN, C])),
        min_size=2,
        max_size=6,
    )
)
def test_a_verdict_is_the_outcome_that_the_history_computes_at_that_time(room, found):
    url = f"{URL}/{next(EXAMPLE)}"
    for tag, (at, first, second) in enumerate(found):
        see(room, at, text(first, second), url, tags=f"{tag}")
        rebuilt(room)
        verdict, together = room.one(VERDICT_AND_VERSION, url=url).values()
        assert (verdict == "unchanged") is (together > 1), (tag, found)


def test_a_process_keeps_the_texts_that_it_used_last(monkeypatch):
    for bound, most in (("MOST_CONTENT_LETTERS", 10), ("MOST_TEXTS", 2), ("MOST_STEPS", 2)):
        monkeypatch.setattr(memory, bound, most)
    text, step = CaptureContent(Text("Pegel", ())), memory.StepToCheck((), False, {})
    wording = memory.ParsedWording(paragraph_of("pegel"), ())
    kept = memory.Memory()
    kept.keep(
        dict.fromkeys((1, 2), text), dict.fromkeys((1, 2), wording), {(1, 2): step, (2, 3): step}
    )
    assert (kept.find_content(1), kept.wording(1), kept.step((1, 2))) == (text, wording, step)
    kept.keep({3: text}, {3: wording}, {(3, 4): step})
    assert [*kept.contents] == [*kept.wordings] == [1, 3]
    assert [*kept.steps] == [(1, 2), (3, 4)]
