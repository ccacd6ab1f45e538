"""`lesart relations --explain` and `lesart undo` against an archive that was written the real way."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database.schema import upgrade
from storage.write.archive import Archive
from tests.flow.driver import Newsroom, page
from worker.cli import commands as worker_cli  # noqa: F401  # mounts `undo`

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

FIRE = (
    "In der Nacht zum Dienstag ist in der Mühlenstraße in Lohetal eine Scheune ausgebrannt. Gegen "
    "2.40 Uhr meldete ein 54-jähriger Anwohner Flammen am Dach. Als die Feuerwehr mit 40 Kräften "
    "eintraf, stand das Gebäude bereits in Vollbrand. Den Schaden schätzt die Polizei auf 85.000 Euro."
)
CUT = ". ".join(FIRE.split(". ")[:2]) + "."
OWN = "Der Landrat versprach der Familie Hilfe beim Aufbau."
FOLLOW = (
    "Nach dem Feuer in der Mühlenstraße sucht die Polizei einen Radfahrer mit \x1b[31mrotem Helm."
)
SITE = "https://polizei.lohe.example/{}"

TEXTS = {
    "brand": (FIRE, "POL-LO: Scheune in Lohetal ausgebrannt", "2024-06-18"),
    "nachdruck": (
        f"Lohetal (dpa) - {FIRE} {OWN}".replace("85.000", "58.000"),
        "Feuer",
        "2024-06-18",
    ),
    "gekürzt": (CUT, "Kurz gemeldet", "2024-06-19"),
    "nachtrag": (FOLLOW, "POL-LO: Nachtrag: Scheune in Lohetal ausgebrannt", "2024-06-20"),
    "kopie": (CUT, "Kurz gemeldet", "2024-06-19"),
}


@pytest.fixture(scope="session")
def _fires(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fires")
    room = Newsroom(f"sqlite:///{folder / 'lesart.sqlite3'}", folder)
    for at, (name, (body, title, day)) in enumerate(TEXTS.items()):
        room.write(f"{name}.md", page(body, url=SITE.format(name), title=title, date=day))
        room.scan(at)
    room.close()
    return folder / "lesart.sqlite3"


@pytest.fixture
def fires(_fires, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "lesart-data" / "lesart.sqlite3"
    path.parent.mkdir()
    shutil.copyfile(_fires, path)
    return path


def objects(told: str) -> list[dict]:
    return [json.loads(line) for line in told.splitlines()]


def explained(lesart, *words: str) -> dict[str, dict]:
    """Return the explained relations by kind and the last part of the addresses."""
    names = {
        each["article"]: each["origin"].rpartition("/")[2] for each in objects(lesart("list")[1])
    }
    rows = objects(lesart("relations", "--explain", *words)[1])
    return {f"{row['kind']} {names[row['a']]} {names[row['b']]}": row for row in rows}


def test_a_near_copy_shows_shared_differing_and_new_passages(fires, lesart):
    row = explained(lesart)["near_copy nachdruck brand"]
    why = row["explanation"]
    assert why["reason"] == "same_text"
    assert any(
        "meldete ein 54-jähriger Anwohner Flammen am Dach" in each for each in why["passages"]
    )
    assert {"a": "58.000", "b": "85.000", "in_title": False} in why["differing"]
    assert [OWN.rstrip(".") in each for each in why["only_a"]] == [True]
    assert why["only_b"] == []
    assert (row["earlier"], row["agency"]) == ("b", "dpa")
    assert why["a_seen"] > why["b_seen"]
    assert why["b_published"] == "2024-06-18"


def test_a_cut_text_shows_the_omitted_sentences(fires, lesart):
    why = explained(lesart)["contains brand gekürzt"]["explanation"]
    assert why["b_share"] == 1.0
    assert any("stand das Gebäude bereits in Vollbrand" in each for each in why["only_a"])
    assert why["only_b"] == []


def test_a_follow_up_shows_the_title_that_it_refers_to(fires, lesart):
    row = explained(lesart)["follow_up nachtrag brand"]
    assert row["explanation"]["refers_to"] == ["scheune in lohetal ausgebrannt"]
    assert "supplement" in row["explanation"]["sentence"]


def test_an_exact_copy_says_so(fires, lesart):
    why = explained(lesart)["exact_copy kopie gekürzt"]["explanation"]
    assert (why["reason"], why["a_share"]) == ("same_wording", 1.0)
    assert why["a_revision"].endswith("@1")


def test_relations_of_one_article_are_explained_alone(fires, lesart):
    assert set(explained(lesart, SITE.format("nachtrag"))) == {"follow_up nachtrag brand"}


def test_as_text_a_person_reads_it_and_no_escape_gets_through(fires, lesart):
    told = lesart("relations", "--explain", "--format", "table")[1]
    assert "is nearly the same as" in told
    assert "instead: a: 58.000 | b: 85.000" in told
    assert "\x1b" not in told


def test_in_csv_the_reason_is_one_column(fires, lesart):
    told = lesart("relations", "--explain", "--format", "csv")[1]
    rows = list(csv.DictReader(io.StringIO(told, newline="")))
    assert {json.loads(row["explanation"])["reason"] for row in rows} >= {"same_text", "title"}


def test_the_cluster_is_listed_with_each_of_its_articles(fires, lesart):
    found = {
        each["origin"].rpartition("/")[2]: each["cluster"] for each in objects(lesart("list")[1])
    }
    assert found["brand"] == found["nachdruck"] == found["gekürzt"] == found["kopie"] is not None
    assert found["nachtrag"] is None


def test_a_redacted_text_is_not_quoted(fires, lesart):
    number = explained(lesart)["near_copy nachdruck brand"]
    with Archive.open(fires) as archive:
        with archive.engine.begin() as connection:
            wording = number["evidence"]["b_wording"]
            connection.execute(
                text(
                    "INSERT INTO redaction (id, table_name, row_id, reason, at) "
                    "VALUES (999999, 'wording', :id, 'Wunsch', '2024-07-01T00:00:00.000000+00:00')"
                ),
                {"id": wording},
            )
            connection.execute(
                text("UPDATE wording SET title = NULL, text = NULL WHERE id = :id"), {"id": wording}
            )
        upgrade(archive.engine)
    why = explained(lesart)["near_copy nachdruck brand"]["explanation"]
    assert (why["reason"], why["passages"], why["only_a"]) == ("redacted", [], [])
    told = lesart("relations", "--format", "json")[1]
    assert "Anwohner" not in told


def test_undo_takes_the_relation_back_and_keeps_its_reason(fires, lesart):
    number = explained(lesart)["near_copy nachdruck brand"]["id"]
    code, told, _ = lesart("undo", str(number), "--reason", "zwei Brände")
    (undone,) = objects(told)
    assert code == 0
    assert (undone["id"], undone["kind"], undone["reason"]) == (number, "relation", "zwei Brände")
    (row,) = (row for row in objects(lesart("relations")[1]) if row["id"] == number)
    assert row["undone_at"] is not None
    assert objects(lesart("undo", str(number), "--reason", "anders")[1]) == [undone]


@pytest.mark.parametrize("given", ["1", "999999999"], ids=["of something else", "of nothing"])
def test_undoing_a_number_that_is_no_decision_ends_with_3(given, fires, lesart):
    code, told, message = lesart("undo", given)
    assert (code, told) == (3, "")
    assert message.startswith("lesart: there is no decision")
