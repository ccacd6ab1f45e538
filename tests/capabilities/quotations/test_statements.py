"""Who said that the bridge costs 36 million, and who had it first: statements across articles and outlets."""

from typing import Any

import pytest

from tests.flow.driver import hour, page

BRIDGE = "Die Brücke über die Lohe wird im Mai gebaut, sagt der Rat der Stadt."
TOLD = (
    ("Bote", 1, "„Die Brücke kostet 36 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."),
    ("Kurier", 2, "„Die Brücke kostet 36 Millionen Euro“, sagte Ada Kern dem Kurier."),
    ("Anzeiger", 3, "„Die Brücke kostet 38 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."),
    ("Post", 4, "„Die Brücke kostet 36 Millionen Euro“, sagte Bo Lind. „Das ist viel zu teuer für uns“, sagte Lind."),
    ("Kurier", 5, "„Die Brücke kostet 63 Millionen Euro“, sagte Ada Kern dem Kurier."),
)  # fmt: skip


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom with what five captures of four outlets quote."""
    for number, (outlet, at, text) in enumerate(TOLD):
        address = f"https://{outlet.lower()}.example/bruecke"
        room.write(
            f"{number}.md",
            page(f"{BRIDGE}\n\n{text}", url=address, observed_at=hour(at), publisher=outlet),
        )
    room.scan(9)
    return room


def test_one_command_says_who_said_it_and_who_had_it_first(told, lesart):
    rows = lesart("statements", "--about", "Brücke 36 Millionen", "--speaker", "Kern")
    (first,) = (row for row in rows if row["name"] == "Ada Kern")
    assert (first["first_outlet"], first["first_seen"][11:16], first["outlets"]) == (
        "Bote",
        "07:00",
        2,
    )
    assert [each["outlet"] for each in first["wordings"]] == ["Bote", "Kurier"]
    assert first["reworded"] is False, "the second wording is a shorter one"


def test_a_person_has_statements_in_time_and_other_persons_theirs(told, lesart):
    (kern,) = lesart("person", "Ada Kern")
    assert [(each["outlet"], each["text"][18:20]) for each in kern["wordings"]] == [
        ("Bote", "36"), ("Kurier", "36"), ("Anzeiger", "38"), ("Kurier", "63"),
    ]  # fmt: skip
    assert (kern["articles"], kern["outlets"], kern["reworded"]) == (3, 3, True)
    lind = lesart("person", "lind")
    assert [(row["name"], row["first_outlet"]) for row in lind] == [("Bo Lind", "Post")] * 2
    assert len(lesart("statements")) == 3
    page_one = lesart("statements", "--limit", "1")
    assert len(lesart("statements", "--after", page_one[0]["cursor"])) == 2
    assert [(row["name"], row["articles"]) for row in lesart("persons")] == [
        ("Ada Kern", 3), ("Bo Lind", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("options", "expected"), [
    ((), [("Kurier", "63", "36")]),
    (("--speaker", "Kern"), [("Kurier", "63", "38"), ("Anzeiger", "38", "36")]),
    (("--about", "Brücke"), [("Kurier", "63", "38"), ("Anzeiger", "38", "36")]),
    (("--speaker", "Lind"), []),
])  # fmt: skip
def test_a_quotation_that_changes_is_shown_with_both_wordings_and_times(
    told, lesart, options, expected
):
    rows = lesart("quotes", "--changed", *options)
    outlets = {row["article"]: row["publisher"] for row in lesart("list")}
    assert sorted((outlets[row["article"]], row["text"][18:20], row["before"][18:20])
                  for row in rows) == sorted(expected)  # fmt: skip
    assert all(row["before_seen"] < row["changed_by"] for row in rows)
    first = lesart("quotes", "--changed", *options, "--limit", "1")
    if first:
        assert lesart("quotes", "--changed", *options, "--after", first[0]["cursor"]) == rows[1:]
