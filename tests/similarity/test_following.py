"""Which of several earlier texts one follows."""

from datetime import date, timedelta

import pytest

from storage.similarity.follow_up import FollowUpText, choose_followed

DAY = date(2024, 2, 3)
SITE = "polizei.example"


def text(key: int, title: str, body: str = "", days: int = 0, site: str = SITE) -> FollowUpText:
    return FollowUpText(key, title, body, DAY + timedelta(days=days), site)


CRASH = text(
    1, "POL-LO: Unfall auf der B 27",
    "Gegen 14.30 Uhr stieß bei Lohetal ein 54-Jähriger mit einem Lastwagen zusammen.",
)  # fmt: skip
FIRE = text(
    2, "POL-LO: Scheune brennt aus",
    "Gegen 2.40 Uhr brannte in der Mühlenstraße in Ahlenau eine Scheune, 85.000 Euro Schaden.",
)  # fmt: skip
NUMBERED = text(3, "Raub auf Spätkauf", "Polizeimeldung vom 03.02.2024\n\nNr. 0512\n\nIn Mitte …")
NEXT_NUMBER = text(4, "Raub im Park", "Polizeimeldung vom 03.02.2024\n\nNr. 0513\n\nIn Mitte …")
EARLIER_TITLE = text(
    5, "POL-LO: Unfall auf der B 27", "Gegen 9.10 Uhr kam bei Eller ein Rad ab.", -9
)
LATER_TITLE = text(6, "POL-LO: Unfall auf der B 27", "Gegen 9.10 Uhr kam bei Eller ein Rad ab.", 4)
ELSEWHERE = text(7, "POL-XY: Unfall auf der B 27", "Gegen 14.30 Uhr …", 0, "anderswo.example")
ALL = [CRASH, FIRE, NUMBERED, NEXT_NUMBER, EARLIER_TITLE, LATER_TITLE, ELSEWHERE]

FOLLOWING = {
    "by number and day": (
        text(9, "Nachtrag zu Nr. 512 vom 3.2.: Festnahme", "Der Mann ist gefasst.", 2),
        [(3, "number_and_day")],
    ),
    "by number alone": (text(9, "Nachtrag zu Nr. 512: Festnahme", "", 2), [(3, "number")]),
    "not by the number of another day": (text(9, "Nachtrag zu Nr. 512 vom 30.1.", "", 2), []),
    "by its title": (text(9, "POL-LO: Nachtrag: Unfall auf der B 27", "", 1), [(1, "title")]),
    "by title and day": (
        text(9, "Ergänzung", 'In der Meldung "Unfall auf der B 27" vom 3. Februar fehlte der Ort.', 1),
        [(1, "title_and_day")],
    ),
    "by the day, and what both tell": (
        text(
            9, "POL-LO: Nachtrag zur gestrigen Pressemeldung - Zeugen gesucht",
            "Nach dem Feuer in der Mühlenstraße in Ahlenau sucht die Polizei einen Radfahrer.", 1,
        ),
        [(2, "day_and_facts")],
    ),
    "not by a day on which nothing of it was told": (
        text(9, "POL-LO: Nachtrag zur gestrigen Pressemeldung", "Der Hund von Eike Tönjes ist wieder da.", 1),
        [],
    ),
    "not what came later": (text(9, "POL-LO: Nachtrag: Unfall auf der B 27", "", -1), [(5, "title")]),
    "not what another sender said": (text(9, "POL-XY: Nachtrag: Scheune brennt aus", "", 1), []),
    "nothing, where nothing is named": (text(9, "POL-LO: Unfall auf der B 27", "", 1), []),
}  # fmt: skip


@pytest.mark.parametrize(("follower", "expected"), FOLLOWING.values(), ids=FOLLOWING.keys())
def test_a_text_follows_the_one_that_it_means(follower, expected):
    assert [(each.key, each.reason) for each in choose_followed(follower, ALL)] == expected


SERIAL = text(20, "POL-LO: 240203 - 0512 Ahlenau: Brand", "In der Mühle brannte es.")
SAME_NUMBER = text(21, "POL-LO: 230203 - 0512 Eller: Sturz", "Ein Rad kam ab.", -365)
NEXT_SERIAL = text(22, "POL-LO: 240203 - 0513 Ahlenau: Brand im Stall", "Im Stall brannte es.")


@pytest.mark.parametrize(
    "title",
    [
        "POL-LO: 240205 - 519 Ahlenau: Ergänzung zum PB vom 03.02.2024, Nr. 512",
        "POL-LO: 240205 - 519 Ahlenau: Brand gelöscht (Nachtrag zur PM 240203-512)",
        "POL-LO: 240205 - 519 Nachtrag zur Meldung Nr. 512: Mühle",
    ],
)
def test_a_number_that_a_sender_counts_names_one_text(title):
    follower = text(29, title, "Der Brand ist gelöscht.", 2)
    assert [each.key for each in choose_followed(follower, [SAME_NUMBER, NEXT_SERIAL, SERIAL])] == [
        20
    ]
    assert choose_followed(follower, [SAME_NUMBER, NEXT_SERIAL]) == []


def test_a_text_that_was_sent_twice_is_followed_in_both():
    again = text(23, SERIAL.title, SERIAL.text)
    follower = text(29, "POL-LO: 240205 - 519 Nachtrag zu Nr. 512 vom 3.2.: Mühle", "Gelöscht.", 2)
    assert sorted(each.key for each in choose_followed(follower, [SERIAL, again, NEXT_SERIAL])) == [
        20,
        23,
    ]


def test_what_spoke_for_a_follow_up_is_reported():
    follower = text(29, "POL-LO: Nachtrag zu Nr. 512 vom 3.2.: Mühle", "Gelöscht.", 2)
    (found,) = choose_followed(follower, [SERIAL])
    assert found.features["number"] > 0
    assert found.features["day_same"] > 0


def test_the_second_follow_up_follows_the_first_one_too():
    first = text(10, "POL-LO: Nachtrag: Unfall auf der B 27", "", 1)
    second = text(11, "POL-LO: 2. Nachtrag: Unfall auf der B 27", "", 2)
    assert [each.key for each in choose_followed(second, [*ALL, first])] == [1, 10]
    assert [each.key for each in choose_followed(first, [*ALL, second])] == [1]


def test_the_order_of_candidates_does_not_matter():
    for follower, expected in FOLLOWING.values():
        found = choose_followed(follower, list(reversed(ALL)))
        assert [(each.key, each.reason) for each in found] == expected
