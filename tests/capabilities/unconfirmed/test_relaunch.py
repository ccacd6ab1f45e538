"""A relaunch with other texts is confirmed by time; a wall that shows beginnings of articles is not."""

from itertools import permutations

import pytest

from tests.capabilities.unconfirmed.pages import article
from tests.flow.driver import hour
from tests.flow.processes import lesart
from tests.warcs import answer, response
from tests.web.conftest import desk  # noqa: F401 -- fixture

NAMES = ("damm", "rat", "hafen")
WORDS = ("strom", "kirche", "fischer", "garten", "schule", "brücke", "wolken", "theater")


def sentences(seed: str, number: int = 14) -> tuple[str, ...]:
    """Return sentences with words that no other seed has."""
    return tuple(
        f"{word}{seed} {n} meldete {seed}amt{n}, dass {word}s{seed}{n} am {seed}tag{n} eine {seed}frist{n} "
        f"und {seed}kosten{n} für {seed}leute{n} beschloss, wie {seed}zeuge{n} sagte."
        for n in range(number)
        for word in (WORDS[n % len(WORDS)],)
    )


def relaunched(name: str) -> str:
    return article(f"Neu: {name}", sentences(f"{name}neu"), marks=False)


FRAME = sentences("zustimmung")


def teaser_wall(name: str) -> str:
    """Return a wall with the title of the article and its first sentences."""
    text = (*sentences(name)[:3], *FRAME)
    return article(f"Nachricht: {name}", text, marks=False)


def frame_alone(_name: str) -> str:
    return article("Weiterlesen", FRAME, marks=False)


KINDS = {"relaunch": (relaunched, 2), "teasers": (teaser_wall, 1), "one text": (frame_alone, 1)}


def capture(desk, at: float, page, names=NAMES, site="zeitung.example") -> None:  # noqa: F811
    """Ingest a capture of each page in a file of its own."""
    for name in names:
        date = hour(at).strftime("%Y-%m-%dT%H:%M:%SZ")
        url = f"https://{site}/{name}"
        content = response(url, date, answer(page(name).encode()))
        desk.write(f"{site}-{name}-{at}.warc", content)
        desk.ingest(f"{site}-{name}-{at}.warc", at=60)


def first(name: str) -> str:
    return article(f"Nachricht: {name}", sentences(name))


def versions(desk, site="zeitung.example") -> dict[str, list[tuple[str, str]]]:  # noqa: F811
    query = (
        "SELECT a.origin, v.title, v.changed_by FROM versions v JOIN articles a "
        "ON a.article = v.article ORDER BY a.origin, v.version"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in desk.rows(query):
        if f"//{site}/" in row["origin"]:
            name = row["origin"].rpartition("/")[2]
            found.setdefault(name, []).append((row["title"], str(row["changed_by"])[11:16]))
    return found


@pytest.mark.parametrize(("page", "number"), KINDS.values(), ids=KINDS.keys())
def test_only_pages_with_texts_of_their_own_are_a_relaunch(desk, page, number):  # noqa: F811
    capture(desk, 1, first)
    capture(desk, 2, page)
    assert {name: len(each) for name, each in versions(desk).items()} == dict.fromkeys(NAMES, 1)
    capture(desk, 4, page)
    found = versions(desk)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(NAMES, number)
    if number > 1:
        assert {each[1][1] for each in found.values()} == {f"{hour(2):%H:%M}"}
    checked = lesart(desk.root, "verify", "--archive", desk.url)
    assert checked.returncode == 0, checked.stdout


def test_two_pages_or_two_days_are_no_relaunch(desk):  # noqa: F811
    capture(desk, 1, first)
    for at, names in ((2, NAMES[:2]), (4, NAMES[:2]), (44, NAMES[2:]), (46, NAMES[2:])):
        capture(desk, at, relaunched, names)
    assert {name: len(each) for name, each in versions(desk).items()} == dict.fromkeys(NAMES, 1)


NOTES = {
    "damm": "Am Damm bei Niederlohe beginnen die Bagger im August mit dem ersten Abschnitt. Anwohner "
    "erreichen ihre Häuser über den Sommerdeich, teilte das Bauamt mit.",
    "rat": "Der Gemeinderat vertagte die Abstimmung über neue Parkplätze am Bahnhof. Zwei Fraktionen "
    "verlangen zuerst ein Gutachten zum Verkehr in der Innenstadt.",
    "hafen": "Im Hafen liegt seit Dienstag ein Segelschiff aus Norwegen. Besucher dürfen nachmittags an "
    "Bord, die Mannschaft erzählt von ihrer Reise durch die Nordsee.",
}
SAME_ERROR = (
    "Leider konnten unsere Rechner Ihre Anfrage gerade nicht bearbeiten. Ein Techniker wurde schon "
    "benachrichtigt und kümmert sich darum, bitte versuchen Sie später Ihr Glück. Vorgang {}."
)


def bare(title: str, text: str) -> str:
    return (
        f'<!doctype html><html lang="de"><head><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{text}</p></body></html>"
    )


def note(name: str) -> str:
    return bare(f"Nachricht: {name}", NOTES[name])


def error(name: str) -> str:
    return bare("Kurze Störung", SAME_ERROR.format(name))


def test_three_short_pages_of_a_site_with_texts_of_their_own_are_articles(desk):  # noqa: F811
    for at in (1, 2):
        capture(desk, at, note, NAMES[:2])
    assert versions(desk) == {}
    capture(desk, 3, note, NAMES[2:])
    found = versions(desk)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(NAMES[:2], 1)
    capture(desk, 4, note, NAMES[2:])
    assert {name: len(each) for name, each in versions(desk).items()} == dict.fromkeys(NAMES, 1)
    checked = lesart(desk.root, "verify", "--archive", desk.url)
    assert checked.returncode == 0, checked.stdout


def test_three_short_pages_with_one_text_or_at_three_sites_are_none(desk):  # noqa: F811
    for at in (1, 2):
        capture(desk, at, error)
        for name in NAMES:
            capture(desk, at, note, (name,), site=f"{name}.example")
    assert desk.rows("SELECT * FROM versions") == []
    assert {row["grade"] for row in desk.rows("SELECT grade FROM unconfirmed")} == {"wall"}


@pytest.mark.slow
def test_any_order_of_ingestion_gives_one_history_of_a_relaunch(desk):  # noqa: F811
    steps = [(1, first, NAMES), *((at, relaunched, (name,)) for name in NAMES for at in (2, 4))]
    histories = []
    for number, order in enumerate(list(permutations(range(len(steps))))[::997]):
        site = f"zeitung{number}.example"
        for each in order:
            at, page, names = steps[each]
            capture(desk, at, page, names, site)
        histories.append(versions(desk, site))
    assert all(each == histories[0] for each in histories)
    assert [len(each) for each in histories[0].values()] == [2, 2, 2]
