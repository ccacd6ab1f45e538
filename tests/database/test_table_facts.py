"""Each table states the treatment of its rows; missing statements are named."""

from pathlib import Path

import pytest

from storage.database.table_facts import RECORD_TABLES, STATE_TABLES
from storage.database.tables import metadata
from storage.database.tables.row import Row
from storage.proof.leaf import SHAPES
from storage.verify.record import REFERENCES

PERMANENT = Path(__file__).with_name("permanent_facts.txt")
OF_CAPABILITIES = sorted(Path(__file__).parents[1].glob(f"capabilities/*/{PERMANENT.name}"))
FACTS = {table.name: table for table in (*RECORD_TABLES, *STATE_TABLES)}


def test_the_form_of_log_entries_never_changes():
    stated = [
        f"{name} {shape.kind} {','.join(shape.salted) or '-'} {','.join(shape.covered) or '-'} "
        f"{shape.key}"
        for name, shape in SHAPES.items()
    ]
    text = "".join(path.read_text("utf-8") for path in (PERMANENT, *OF_CAPABILITIES))
    committed = [line for line in text.splitlines() if line[0] != "#"]
    assert [line for line in committed if line not in stated] == [], (
        "older archives would not verify"
    )
    assert [line for line in stated if line not in committed] == [], f"add them to {PERMANENT.name}"
    assert len({shape.kind for shape in SHAPES.values()}) == len(SHAPES)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("teaser", {"references": {"front_id": "origin"}}, "origin_id: state the table whose row"),
        ("snapshot", {"loose": {"day_id": "x"}}, "no such columns: ['day_id']"),
        ("teaser", {"emptied": ("headline",)}, "kicker: a salted column is emptied, or kept"),
        ("refusal", {"kept": {}}, "hint: a salted column is emptied, or kept for a reason"),
        ("redaction", {"plain": {}}, "actor: salt a column of text, or state in `plain`"),
        ("relation", {"known_at": "recorded_at"}, "no such columns: ['recorded_at']"),
    ],
)
def test_a_fact_that_is_left_out_is_named(table, change, message):
    assert metadata._missing_fact(FACTS[table]) is None
    assert message in (metadata._missing_fact(FACTS[table]._replace(**change)) or "")


def test_every_reference_names_a_table():
    named = {target for table in FACTS.values() for target in table.references.values()}
    assert named - {*metadata.METADATA.tables} == {"table_name"}, (
        "the column names the table itself"
    )
    assert len(REFERENCES) > 60


def test_each_class_has_its_table_and_no_mapper_which_each_start_would_pay_for():
    classes = Row.__subclasses__()
    assert {each.__tablename__ for each in classes} == {*FACTS}
    assert all(each.__table__ is metadata.METADATA.tables[each.__tablename__] for each in classes)
    assert [each for each in classes if hasattr(each, "__mapper__")] == []
