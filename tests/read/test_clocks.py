"""Two clocks: the texts readable at a time, and the knowledge of the archive at a time."""

from datetime import timedelta
from typing import Any

import pytest

from storage.read.archive import NoSuchError, ReadOnlyArchive, open_archive
from tests.read.press import Press, draft, hour, the_usual_press

PEGEL, FERRY, COPY = "seed:seeds/pegel", "seed:seeds/ferry", "seed:seeds/kopie"
A_MOMENT = timedelta(microseconds=1)


def told(rows) -> list[dict[str, Any]]:
    """Return rows as plain values, without their places in a list."""
    return [{k: v for k, v in row.to_dict().items() if k != "cursor"} for row in rows]


def everything(archive: ReadOnlyArchive) -> dict[str, Any]:
    """Return all that the reading side has to say of an archive."""
    articles = told(archive.articles())
    found: dict[str, Any] = {"articles": articles, "relations": told(archive.relations())}
    found["changes"] = told(archive.changes())
    found["hits"] = [(h["article"], h["version"]) for h in told(archive.search("stieg OR waves"))]
    for article in articles:
        name = article["article"]
        found[f"history {name}"] = told(archive.history(name))
        found[f"observations {name}"] = told(archive.observations(name))
        found[f"text {name}"] = archive.version(name).to_dict()
        found[f"blame {name}"] = told(archive.blame(name))
    return found


@pytest.fixture
def snapshots(empty_archive_url: str) -> dict[float, dict[str, Any]]:
    """Give the answers of an archive after each hour of the usual press, as it grew."""
    found: dict[float, dict[str, Any]] = {}
    scan = Press.scan

    def watched(press: Press, at: float, **texts: Any) -> int:
        job = scan(press, at, **texts)
        with open_archive(empty_archive_url) as archive:
            found[at] = everything(archive)
        return job

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Press, "scan", watched)
        the_usual_press(empty_archive_url).close()
    return found


@pytest.mark.slow
def test_past_knowledge_is_the_answer_of_the_archive_at_that_time(empty_archive_url, snapshots):
    assert len(snapshots) == 7
    with open_archive(empty_archive_url) as archive:
        for at, said in snapshots.items():
            assert everything(archive.with_clocks(known_at=hour(at))) == said, at


def test_before_the_first_scan_nothing_was_known_and_nothing_readable(archive):
    for past in (archive.with_clocks(known_at=hour(-1)), archive.with_clocks(as_of=hour(-1))):
        assert list(past.articles()) == []
        assert list(past.search("Damm")) == []
        with pytest.raises(NoSuchError, match="by then"):
            past.version(PEGEL)


def test_the_text_that_was_readable_then_is_shown_and_listed(archive):
    then = archive.with_clocks(as_of=hour(3))
    shown = then.version(PEGEL)
    assert (shown.version, shown.versions) == (2, 2)
    assert "36 Zentimeter" in (shown.text or "")
    assert [line.versions for line in then.articles() if line.origin == PEGEL] == [2]
    assert [line.version for line in then.history(PEGEL)] == [1, 2]


def test_between_two_snapshots_the_earlier_text_is_given_and_said_to_be_uncertain(archive):
    assert archive.with_clocks(as_of=hour(2)).version(PEGEL).observed.certain
    shown = archive.with_clocks(as_of=hour(2.5)).version(PEGEL)
    assert (shown.version, shown.observed.certain) == (1, False)
    assert shown.observed.last_seen == hour(2)


def test_an_article_seen_later_is_not_listed(archive):
    origins = {line.origin for line in archive.with_clocks(as_of=hour(3)).articles()}
    assert origins == {PEGEL, FERRY}
    assert COPY in {line.origin for line in archive.with_clocks(as_of=hour(4)).articles()}


def test_an_article_was_present_until_it_was_seen_to_be_gone(archive):
    def state(at: float) -> str:
        lines = archive.with_clocks(as_of=hour(at)).articles()
        return next(line.state for line in lines if line.origin == FERRY)

    assert (state(0), state(4.9), state(5)) == ("present", "present", "gone")
    assert archive.with_clocks(as_of=hour(4.9)).version(FERRY).observed.last_seen == hour(4)


def test_a_search_as_of_a_time_finds_only_texts_of_that_time(archive):
    def hits(at: float, query: str) -> list[tuple[str, int]]:
        found = archive.with_clocks(as_of=hour(at)).search(query)
        return sorted((hit.origin, hit.version) for hit in found)

    assert hits(2, '"3,6 Zentimeter"') == [(PEGEL, 1)]
    assert hits(3, '"3,6 Zentimeter"') == []
    assert hits(3, '"36 Zentimeter"') == [(PEGEL, 2)]
    assert hits(5, '"3,6 Zentimeter"') == [(PEGEL, 3)]


def test_changes_and_relations_end_at_the_time_that_is_asked_for(archive):
    assert [change.version for change in archive.with_clocks(as_of=hour(4)).changes(PEGEL)] == [2]
    assert list(archive.with_clocks(as_of=hour(3)).relations()) == []
    assert [one.kind for one in archive.with_clocks(as_of=hour(4)).relations()] == ["exact_copy"]
    assert list(archive.with_clocks(known_at=hour(4) - A_MOMENT).relations()) == []
    assert [one.kind for one in archive.with_clocks(known_at=hour(4)).relations()] == ["exact_copy"]


def test_observations_end_at_the_time_that_is_asked_for(archive):
    def seen(**then: Any) -> list[tuple[str, int]]:
        found = archive.with_clocks(**then).observations(PEGEL)
        return [(each.outcome, each.checks) for each in found]

    assert seen(as_of=hour(1)) == [("content", 1), ("unchanged", 1)]
    assert seen(as_of=hour(2)) == seen(known_at=hour(2)) == [("content", 1), ("unchanged", 2)]


def test_a_capture_that_came_in_late_was_readable_before_it_was_known(empty_archive_url):
    press = Press(empty_archive_url)
    url = "https://lohebote.example/damm"
    early = draft("Der Damm", "Er hält.", address=url, observed_at=hour(1))
    late = draft("Der Damm", "Er ist gebrochen.", address=url, observed_at=hour(3))
    press.scan(10, spaet=late)
    press.scan(20, frueh=early)
    press.close()
    with open_archive(empty_archive_url) as archive:
        assert archive.with_clocks(as_of=hour(2)).version(url).text == "Er hält."
        assert list(archive.with_clocks(as_of=hour(2), known_at=hour(15)).articles()) == []
        known = archive.with_clocks(known_at=hour(15))
        assert [line.changed_by for line in known.history(url)] == [hour(3)]
        assert known.version(f"{url}@1").text == "Er ist gebrochen."
        both = archive.with_clocks(as_of=hour(4), known_at=hour(20)).version(url)
        assert (both.version, both.text) == (2, "Er ist gebrochen.")


@pytest.mark.slow
def test_the_archive_of_today_is_not_touched(archive):
    before = everything(archive)
    for at in range(7):
        everything(archive.with_clocks(as_of=hour(at), known_at=hour(at)))
    assert everything(archive) == before


@pytest.mark.slow
def test_the_same_time_on_both_clocks_gives_the_knowledge_of_that_time(
    empty_archive_url, snapshots
):
    with open_archive(empty_archive_url) as archive:
        for at, said in snapshots.items():
            past = everything(archive.with_clocks(as_of=hour(at), known_at=hour(at)))
            assert comparable(past) == comparable(said)


def comparable(said: dict[str, Any]) -> dict[str, Any]:
    """Omit the additions of an `as_of` time: one text per hit, and whether it is certain."""
    kept = {name: rows for name, rows in said.items() if name != "hits"}
    texts = {name: text for name, text in kept.items() if name.startswith("text ")}
    for name, text in texts.items():
        kept[name] = {**text, "observed": {**text["observed"], "certain": True}}
    return kept
