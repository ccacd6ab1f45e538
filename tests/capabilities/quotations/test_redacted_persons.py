"""A person is left out of all lists by name: the texts stay, later texts too, and the order can be undone."""

import pytest

from storage.cli.exits import run
from tests.flow.driver import seed
from worker.cli.commands import app

TEXT = "„Wir bauen im Mai“, sagte Ada Kern am Montag. „Das ist uns zu teuer“, sagte Bo Lind dazu."
LATER = "Kern sagte am Freitag: „Wir bauen erst im Herbst.“ Danach ging Ada Kern nach Hause."


@pytest.mark.postgresql("fast")
def test_a_name_is_left_out_of_all_lists_and_its_texts_stay(room, lesart):
    room.write("a.txt", seed("Brücke wird gebaut", TEXT))
    room.scan(0)
    before = lesart("quotes")
    assert {row["name"] for row in before} == {"Ada Kern", "Bo Lind"}
    lesart("redact-person", "ada KERN", "--reason", "gdpr_objection", "--by", "eva")
    room.write("b.txt", seed("Brücke später", LATER))
    room.scan(1)
    for words in (("quotes",), ("statements",), ("persons",), ("quotes", "--speaker", "Kern")):
        assert {row["name"] for row in lesart(*words)} <= {"Bo Lind"}, words
    assert room.number("SELECT count(*) FROM quotation WHERE text LIKE '%bauen%'") == 0
    assert len(lesart("search", "Kern")) == 2
    assert room.number("SELECT count(*) FROM person_redaction WHERE actor = 'eva'") == 1
    assert run(app, ["verify", "--archive", room.url]) == 0
    lesart("redact-person", "Ada Kern", "--undo", "--by", "eva")
    assert {row["name"] for row in lesart("quotes")} == {"Ada Kern", "Bo Lind"}
    assert {row["text"] for row in before} < {row["text"] for row in lesart("quotes")}
    assert room.number("SELECT count(*) FROM person_redaction_lifted") == 1


@pytest.mark.parametrize(("words", "code"), [
    (("Ada Kern",), 2), (("Ada Kern", "--undo"), 3), (("„“", "--reason", "mistake"), 2),
    (("Ada Kern", "--undo", "--reason", "mistake"), 2),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_order_that_cannot_be_given_is_refused(room, words, code):
    assert run(app, ["redact-person", *words, "--archive", room.url]) == code
    assert room.number("SELECT count(*) FROM person_redaction") == 0
