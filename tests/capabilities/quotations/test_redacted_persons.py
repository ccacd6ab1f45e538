"""A person is left out of all lists by name: the texts stay, later texts too, and the order can be undone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from storage.cli.exits import run
from tests.api.tool_calls import within
from tests.flow.driver import seed
from tests.serve.conftest import served
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
    shown = "SELECT count(*) FROM quotation WHERE position IS NOT NULL OR words <> ''"
    assert room.number(shown) == 1
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


FORMS = {
    "alone": ("„Wir bauen im Mai“, sagte Ada Kern am Montag.", "Ada Kern", None),
    "title": ("„Wir bauen im Juni“, sagte Dr. Ada Kern am Montag.", "Dr. Ada Kern", None),
    "office": ("„Wir bauen im Juli“, sagte Rätin Ada Kern am Montag.", "Rätin Ada Kern", None),
    "last name": ("Ada Kern sprach lange. „Wir bauen im Herbst“, sagte Kern.", "Kern", None),
    "genitive": ("In den Worten Ada Kerns: „Wir bauen im Winter.“ Mehr sagte sie nicht.", "Ada Kerns", None),
    "several": ("„Wir bauen bald“, sagten Ada Kern und Bo Lind am Montag.", "Ada Kern und Bo Lind", "Bo Lind"),
    "offices": (
        "„Wir bauen nie“, sagten Rätin Ada Kern und Uwe Holt am Montag.",
        "Rätin Ada Kern und Uwe Holt", "Uwe Holt",
    ),
    "spokesman": ("„Wir bauen im Mai“, sagte Ada Kerns Sprecher am Montag.", "Ada Kerns Sprecher", "Ada Kerns Sprecher"),
}  # fmt: skip
"""The words for a speaker: a text, how lists call the speaker, and what is left of that."""


def values_of(found: Any) -> Iterator[str]:
    """Yield the words for speakers in an answer, at any depth."""
    if isinstance(found, list):
        for each in found:
            yield from values_of(each)
    elif isinstance(found, dict):
        for name, each in found.items():
            if name in {"speaker", "speaker_resolved", "name"} and isinstance(each, str):
                yield each
            elif name not in {"fields", "steps"}:
                yield from values_of(each)


def speakers_at_places(room: Any, lesart: Any) -> dict[str, str]:
    """Return the words for speakers at each place, one a line."""
    found: dict[str, Any] = {}
    articles = [row["article"] for row in room.rows("SELECT article FROM articles")]
    for words in ("quotes", "statements", "persons", "export"):
        found[words] = lesart(words, "--format", "jsonl")
    found["show"] = [lesart("show", each, "--format", "jsonl") for each in articles]
    found["view"] = lesart("sql", "SELECT speaker, name FROM quotes")
    with served(room.url) as client:
        for path in ("quotes", "statements", "persons"):
            found[f"/api/{path}"] = client.get(f"/api/{path}").json()
        found["/api/version"] = [
            client.get("/api/version", params={"rev": each}).json() for each in articles
        ]
        found["tool quotes"] = within(room.url, "quotes")[1]
        found["tool show"] = [within(room.url, "show", rev=each)[1] for each in articles]
        told = {name: "\n".join(values_of(each)) for name, each in found.items()}
        for path in ("/quotes.json", "/quotes.atom", "/statements", "/persons"):
            told[path] = re.sub(
                r"<[^>]+>", "\n", client.get(path, headers={"accept": "text/html"}).text
            )
    return told


@pytest.mark.postgresql("slow")
def test_a_name_is_left_out_in_each_form_and_at_each_place(room, lesart):
    for number, (text, _words, _left) in enumerate(FORMS.values()):
        room.write(f"{number}.txt", seed(f"Brücke {number}", text))
    room.scan(0)
    before = speakers_at_places(room, lesart)
    for form, (_text, words, _left) in FORMS.items():
        assert words in before["quotes"].splitlines(), form
        assert words in before["show"].splitlines(), form
    plan = lesart("redact-person", "Ada Kern", "--dry-run", "--format", "jsonl")
    effects = {row["speaker"]: row["effect"] for row in plan if row["name"] != "Ada Kern"}
    assert effects["Ada Kerns Sprecher"] == "stays"
    assert effects["Ada Kern und Bo Lind"] == "name_removed"
    assert effects["Ada Kerns"] == "left_out"
    lesart("redact-person", "Ada Kern", "--reason", "gdpr_objection")
    after = speakers_at_places(room, lesart)
    for place, told in after.items():
        assert re.search(r"\bKerns?\b(?! Sprecher)", told) is None, place
        for form, (_text, _words, left) in FORMS.items():
            is_named = left is not None and (place not in {"persons", "/api/persons", "/persons"})
            assert not is_named or left in told, (place, form)
    assert run(app, ["verify", "--archive", room.url]) == 0
    lesart("redact-person", "Ada Kern", "--undo")
    assert {*lesart("sql", "SELECT speaker, name FROM quotes ORDER BY 1")[0]} == {"speaker", "name"}
    again = speakers_at_places(room, lesart)
    assert {name: sorted(told.split()) for name, told in again.items() if name[0] != "/"} == (
        {name: sorted(told.split()) for name, told in before.items() if name[0] != "/"}
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_name_that_nobody_has_is_refused_unless_it_is_for_later_texts(room, lesart, capsys):
    room.write("a.txt", seed("Brücke wird gebaut", TEXT))
    room.scan(0)
    words = ("redact-person", "Ada Kernn", "--reason", "gdpr_objection")
    assert run(app, [*words, "--archive", room.url]) == 3
    assert "did you mean 'Ada Kern'?" in capsys.readouterr().err
    assert room.number("SELECT count(*) FROM person_redaction") == 0
    lesart(*words, "--yes")
    room.write("b.txt", seed("Brücke später", "„Wir warten“, sagte Ada Kernn am Montag dazu."))
    room.scan(1)
    assert {row["name"] for row in lesart("quotes")} == {"Ada Kern", "Bo Lind"}
    lesart(*words)
    assert room.number("SELECT count(*) FROM person_redaction") == 1, "it stands already"
