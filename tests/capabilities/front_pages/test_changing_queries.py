"""Links of a front page with a parameter that changes at every check, and with one that identifies."""

from collections.abc import Callable

import pytest

from tests.capabilities.front_pages.test_front_pages import FRONT, front, shown, teaser

STORIES = 30
SESSIONS = ("6f1c09ab77e2", "03bd22e1f4a9", "c7710f5e9d3b", "5a5a2b90cc01")
MOMENTS = ("1718690400123", "1718690460456", "1718690520789", "1718690580012")
DAYS = ("2024-06-18", "2024-06-19", "2024-06-20", "2024-06-21")

Query = Callable[[int, int], str]
"""The query of the link to a story at a check."""
CHANGING: dict[str, Query] = {
    "session": lambda _story, check: f"?sid={SESSIONS[check]}",
    "moment": lambda _story, check: f"?t={MOMENTS[check]}",
    "session and moment": lambda _story, check: f"?a={SESSIONS[check]}&t={MOMENTS[check]}",
    "session after a name": lambda story, check: f"?artikel={story}&sid={SESSIONS[check]}",
    "session and a day": lambda _story, check: f"?sid={SESSIONS[check]}&tag=2024-06-18",
}
IDENTIFYING: dict[str, Query] = {
    "number": lambda story, check: f"?id={4_711_000_000 + 100 * check + story}",
    "day": lambda _story, check: f"?tag={DAYS[check]}",
    "page": lambda _story, check: f"?seite={check}",
    "issue": lambda _story, check: f"?ausgabe={2_024_000 + check}",
}


def address(story: int, query: str) -> str:
    return f"{FRONT}/lokales/bericht-vom-kanal-{story}-{4000 + story}{query}"


def look_at(desk, query: Query, check: int, *, stories: int = STORIES, news: int = 0) -> None:
    """Check a front page with links to stories, the first `news` of them new ones."""
    numbers = [*range(100 * check, 100 * check + news), *range(news, stories)]
    told = [
        teaser(address(n, query(n, check)), f"Bericht vom Kanal Nummer {n} von heute").replace(
            "?utm_source=start", ""
        )
        for n in numbers
    ]
    desk.web.put(FRONT, front(*told, token=str(check)))
    source = desk.watch_page(FRONT, kind="front") if check == 0 else desk.front
    desk.front = source
    desk.look(source, at=1 + check)


def addresses(desk) -> int:
    return desk.number("SELECT count(*) FROM origin WHERE origin LIKE '%bericht-vom-kanal%'")


@pytest.mark.parametrize("kind", CHANGING)
def test_a_query_that_changes_at_every_check_makes_no_address(desk, kind):
    for check in range(3):
        look_at(desk, CHANGING[kind], check)
    assert addresses(desk) == STORIES
    assert desk.number("SELECT count(*) FROM teaser") == STORIES
    assert desk.number("SELECT count(*) FROM front WHERE teasers IS NOT NULL") == 1
    look_at(desk, CHANGING[kind], 3, news=2)
    assert addresses(desk) == STORIES + 2
    assert shown(desk)[0][5] == address(300, CHANGING[kind](300, 3))
    assert shown(desk)[2][5] == address(2, CHANGING[kind](2, 0))


@pytest.mark.parametrize("kind", IDENTIFYING)
def test_a_query_that_may_identify_an_article_is_kept(desk, kind):
    for check in range(2):
        look_at(desk, IDENTIFYING[kind], check)
    assert addresses(desk) == 2 * STORIES
    assert shown(desk)[0][5] == address(0, IDENTIFYING[kind](0, 1))


def test_few_links_or_other_headlines_show_nothing(desk):
    look_at(desk, CHANGING["session"], 0, stories=9)
    look_at(desk, CHANGING["session"], 1, stories=9)
    assert addresses(desk) == 18
    look_at(desk, CHANGING["session"], 2, news=STORIES - 9)
    assert addresses(desk) == 18 + STORIES
