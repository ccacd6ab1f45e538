"""JSON and CSV articles: keys, values of wrong types, and invalid JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.cases import by_role, draft, outcome, refusal


def article(**changes: object) -> str:
    known: dict[str, object] = {"title": "Fähre fährt öfter", "text": "Eins.\n\nZwei."}
    return json.dumps(known | changes, ensure_ascii=False)


def test_a_plain_object_is_an_article() -> None:
    found = draft(article(date="2024-06", lang="de", place="Niederlohe", n=5, share=1.10), "json")
    assert found.title == "Fähre fährt öfter"
    assert found.text_paragraphs() == ("Eins.", "Zwei.")
    assert found.fields["published"].value["value"] == "2024-06"
    assert found.fields["published"].found_in == "json: date"
    assert (found.fields["place"].value, found.fields["n"].value) == ("Niederlohe", 5)


def test_a_schema_org_article_is_read_by_its_own_keys() -> None:
    raw = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Ferry runs more often",
        "articleBody": "One.\n\nTwo.",
        "datePublished": "2024-06-18T13:34:05+02:00",
        "dateModified": "2024-06-19",
        "author": [{"@type": "Person", "name": "Jo Doe"}, "Max Roe"],
        "publisher": {"name": "Eldergate Post"},
        "inLanguage": "en-GB",
        "keywords": "ferry, traffic",
        "mainEntityOfPage": {"@id": "https://post.example/ferry"},
        "articleSection": ["Local"],
        "wordCount": 9,
    }
    found = draft(json.dumps(raw), "json")
    values = {name: field.value for name, field in found.fields.items()}
    assert found.title == "Ferry runs more often"
    assert found.address == "https://post.example/ferry"
    assert values["published"]["zone"] == "+02:00"
    assert values["modified"]["precision"] == "day"
    assert values["authors"] == ["Jo Doe", "Max Roe"]
    assert (values["publisher"], values["language"], values["section"]) == (
        "Eldergate Post",
        "en",
        "Local",
    )
    assert values["tags"] == ["ferry", "traffic"]
    assert (values["word_count"], values["wordCount"]) == (2, 9)


def test_paragraphs_may_be_a_list_with_roles() -> None:
    items = ["Eins.", {"role": "subheading", "text": "Was bleibt"}, {"role": "x", "text": "Zwei."}]
    found = draft(article(text=None, paragraphs=items), "json")
    assert [(p.role, p.text) for p in found.paragraphs] == [
        ("lead", "Eins."),
        ("subheading", "Was bleibt"),
        ("text", "Zwei."),
    ]


def test_a_second_text_with_another_content_is_kept_as_a_field() -> None:
    found = draft(article(content="Etwas anderes."), "json")
    assert found.fields["content"].value == "Etwas anderes."
    assert "body" not in draft(article(body="Eins. Zwei."), "json").fields


def test_a_row_of_a_table_is_an_article_with_its_own_origin_of_values() -> None:
    raw = article(authors="Anna Muster; Jo Beispiel", tags="a;b", Ressort="", date="18.06.2024")
    found = draft(raw, "csv")
    assert found.fields["authors"].value == ["Anna Muster", "Jo Beispiel"]
    assert found.fields["published"].found_in == "csv: date"
    assert "Ressort" not in found.fields


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"title": "A", "text": NaN}', "record_invalid"),
        ('{"title": "A", "n": Infinity, "text": "B"}', "record_invalid"),
        ('{"title": "A", "title": "B", "text": "C"}', "record_invalid"),
        ('{"a": ' * 100_000, "record_invalid"),
        ('{"a": ' + "[" * 60 + "]" * 60 + ', "text": "B"}', "record_invalid"),
        ('["title"]', "record_invalid"),
        ('{"title": "A"', "record_invalid"),
        ("", "empty"),
        ("  \n", "empty"),
        ('{"title": "A"}', "no_body"),
        ('{"title": "A", "text": "  "}', "no_body"),
        ('{"n": 5}', "empty"),
    ],
    ids=[
        "nan",
        "infinity",
        "twice",
        "deep",
        "rather deep",
        "list",
        "cut",
        "nothing",
        "blank",
        "no text",
        "blank text",
        "no words",
    ],
)
def test_invalid_records_are_refused(raw: str, code: str) -> None:
    assert refusal(raw, "json") == code


def test_a_refusal_names_the_line_of_the_record() -> None:
    found = outcome('{"title": 1', "jsonl", name="meldungen.jsonl#17")
    assert "Record 17 " in found.message


def test_a_number_keeps_its_digits() -> None:
    big = "9" * 5_000
    found = draft('{"title": "A", "text": "B.", "n": ' + big + ', "x": 1.10, "y": 1e999}', "json")
    assert found.fields["n"].value == big
    assert (found.fields["x"].value, found.fields["y"].value) == ("1.10", "1e999")


def test_a_lone_surrogate_is_replaced_first() -> None:
    found = draft(
        '{"title": "A\\ud83d", "text": "B \\ud83d\\ude00.", "k\\udc00": "\\ud83d"}', "json"
    )
    assert (found.title, found.text_paragraphs()) == ("A\ufffd", ("B 😀.",))
    assert "surrogate_replaced" in found.flags
    json.dumps([found.title, list(found.fields)], ensure_ascii=False).encode()


def test_strings_are_cleaned_and_the_step_is_recorded() -> None:
    found = draft('{"title": "A\\nB", "text": "Eins.\\r\\n\\r\\nZwei\\u0000."}', "json")
    assert (found.title, found.text_paragraphs()) == ("A B", ("Eins.", "Zwei."))
    assert found.steps[1].detail == {"cleaned_by": ["line_endings", "control_characters"]}


def test_conflicting_values_are_all_stored() -> None:
    found = draft(article(headline="Anderer Titel", date="2024-06-18", published="2024-07"), "json")
    assert found.title == "Fähre fährt öfter"
    assert [c.value for c in found.fields["title"].candidates] == ["Anderer Titel"]
    assert {"title_conflict", "date_conflict"} <= set(found.flags)
    assert found.fields["published"].value["value"] == "2024-07"


def test_a_less_precise_date_does_not_disagree() -> None:
    assert (
        "date_conflict" not in draft(article(date="2024-06-18", published="2024-06"), "json").flags
    )


def test_a_lead_that_is_named_wins_and_the_first_paragraph_stays_known() -> None:
    found = draft(article(description="Die Fähre."), "json")
    assert found.fields["lead"].value == "Die Fähre."
    assert [c.value for c in found.fields["lead"].candidates] == ["Eins."]


def test_a_lead_apart_from_the_body_is_part_of_the_text() -> None:
    found = draft(article(lead="Die Fähre fährt jetzt öfter."), "json")
    assert [(p.role, p.text) for p in found.paragraphs] == [
        ("lead", "Die Fähre fährt jetzt öfter."),
        ("text", "Eins."),
        ("text", "Zwei."),
    ]
    assert by_role(draft(article(standfirst="EINS."), "json"), "lead") == ["Eins."]


def test_a_source_that_is_an_address_is_no_publisher() -> None:
    found = draft(article(source="https://post.example/feed"), "json")
    assert "publisher" not in found.fields
    assert found.fields["source"].value == "https://post.example/feed"


@pytest.mark.parametrize("value", [True, [], {}, {"a": 1}, [[1]], 5, "", None, 1.5])
@pytest.mark.parametrize(
    "key", ["title", "url", "date", "observed_at", "author", "tags", "lang", "publisher", "lead"]
)
def test_a_value_of_the_wrong_kind_never_ends_in_an_error(key: str, value: object) -> None:
    assert draft(article(**{key: value}), "json").text_paragraphs()[-2:] == ("Eins.", "Zwei.")


@given(
    st.dictionaries(
        st.sampled_from(["title", "text", "date", "author", "url", "tags", "paragraphs", "x"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_object_makes_reading_fail(record: dict[str, object]) -> None:
    outcome(json.dumps(record), "json")
