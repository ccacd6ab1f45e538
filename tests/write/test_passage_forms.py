"""One meaning of "contains": what a redaction of a passage removes, a later document may not have."""

import json
import re
import unicodedata

import pytest
from sqlalchemy import text

from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.redact_articles import redact_passage
from tests.flow.driver import newsroom_at
from tests.write.test_redaction import PUMPED, target
from worker.cli.redactions import prepare_reading

NAME = "Ada Kern"
FORMS = (
    "Ada Kern", "ada kern", "ADA KERN", "aDA kERN", "Ada  Kern", "Ada\tKern", "Ada\u00a0Kern",
    "Ada\u202fKern", "Ada\u2009Kern", "Ada\u3000Kern", "Ada Kerns", "Ada Kern’s", "Ada Kern's",
    "Ada Kern`s", "Ada Kernʼs", "Ada Kern-Müller", "Ada Kern/SPD", "(Ada Kern/SPD)", "Ada Kern…",
    "Ada Kern...", "Ada Kern[1]", "–Ada Kern–", "—Ada Kern—", "-Ada Kern-", "„Ada Kern“", "»Ada Kern«",
    "‚Ada Kern‘", '"Ada Kern"', "*Ada Kern*", "**Ada** Kern", "_Ada Kern_", "Ada *Kern*", "Ada Kern\u200e",
    "\u200fAda Kern", "Ada\u200b Kern", "A\u00adda Ke\u00adrn", "Ada Ke\u200crn", "Ada K\u2060ern",
    "Ada\ufeff Kern", "Ada Kern\ufe0f", "Ada Ke\u034frn", "Ada Ke\u180ern", "Ada Ke\U000e0020rn",
    "\u2066Ada Kern\u2069", "\u202aAda Kern\u202c", "Ada-Kern", "Ada‐Kern", "Ada‑Kern-Platz", "#AdaKern", "@AdaKern",
    "Ada.Kern", "Ada, Kern", "Ada (Kern)", "Ada: Kern", "Ada/Kern", "Ada·Kern", "Ａｄａ Ｋｅｒｎ", "𝐀𝐝𝐚 𝐊𝐞𝐫𝐧", "𝘈𝘥𝘢 𝘒𝘦𝘳𝘯",
    "Ⓐⓓⓐ Ⓚⓔⓡⓝ", "A\u0336d\u0336a\u0336 K\u0336e\u0336r\u0336n\u0336", "Nevada Kernkraft",
    "AdaKernhaus", "Ada Kern, geb. Lind", "Ada Kern;", "Ada Kern!", "Ada Kern?", "=Ada Kern", "Ada Kern%",
)  # fmt: skip
OTHERS = (
    "Adam Kern", "Kern, Ada", "Ad aKern", "Ada Ker", "Ada Lind Kern", "Ida Kern", "Ada Kürn",
    "A da Kern", "Ada K ern", "Ada Kern\u0301",
)  # fmt: skip
PARTS = ("text", "title", "quotation", "field", "name of a field", "bytes")
_SLOW = [pytest.param(each, marks=pytest.mark.slow) for each in PARTS[1:]]


def letters(text: str) -> str:
    """Return the letters from A to Z of a text, without case and accents."""
    return re.sub("[^a-z]", "", unicodedata.normalize("NFKD", text).casefold())


def document(part: str, form: str, key: str, edition: str) -> tuple[str, str]:
    """Return the ending and the content of a file that has a form of the name in one part."""
    sentence = f"Das steht in der Meldung {key}, Ausgabe {edition}."
    if part == "bytes":
        body = f"<h1>Meldung {key}</h1><p>{sentence}</p><p>{PUMPED}</p><!-- {form} -->"
        head = f"<meta charset=utf-8><title>Meldung {key}</title>"
        return "html", f"<html><head>{head}</head><body><article>{body}</article></body></html>"
    fields = {"id": key, "title": f"Meldung {key}", "text": f"{sentence}\n\n{PUMPED}"}
    changed = {
        "text": {"text": f"Es war {form} am Ort.\n\n{fields['text']}"},
        "title": {"title": f"{form} zur Meldung {key}"},
        "quotation": {"text": f"{fields['text']}\n\n„Es hält“, sagte {form} am Dienstag."},
        "field": {"tags": ["Hafen", form]},
        "name of a field": {form: "ja"},
    }
    return "json", json.dumps({**fields, **changed[part]}, ensure_ascii=False)


def write_all(room, cases, edition: str) -> None:
    for number, (part, form) in enumerate(cases):
        ending, content = document(part, form, f"Z{number}", edition)
        room.write(f"z{number}.{ending}", content)


def targets_of(room):
    return [
        target(room, row["origin"]) for row in room.rows("SELECT origin FROM articles ORDER BY 1")
    ]


def remove(room, passage: Passage):
    why = RedactionReason.GDPR_OBJECTION
    found = targets_of(room)
    return redact_passage(
        room.archive, found, passage, why, "ada", prepare_reading, with_copies=True
    )


def shown(room) -> list[str]:
    """Return the rows of all views with words of texts, as strings."""
    with room.archive.read_connection() as connection:
        return [
            str(tuple(row))
            for view in ("versions", "fields", "quotes", "changes", "articles")
            for row in connection.execute(text(f"SELECT * FROM {view}"))
        ]


@pytest.mark.slow
@pytest.mark.parametrize("part", [PARTS[0], *_SLOW])
def test_what_removal_takes_later_documents_may_not_have(part, database_url, tmp_path):
    cases = [(part, form) for form in FORMS]
    with newsroom_at(database_url, tmp_path) as room:
        write_all(room, cases, "eins")
        assert room.scan(0).refused == 0
        assert remove(room, Passage.parse(NAME)) is not None
        assert [each for each in shown(room) if letters(NAME) in letters(each)] == []
        assert room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL") == 0
        write_all(room, cases, "zwei")
        counts = room.scan(1)
        kept = room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL")
        if part == "bytes":  # its text has no name: it is read, and its bytes are deleted
            assert (counts.new_versions, kept) == (len(cases), 0)
        else:
            refused = room.rows("SELECT code FROM refusals")
            assert ({row["code"] for row in refused}, counts.refused) == ({"redacted"}, len(cases))
            assert kept == 0
        assert [each for each in shown(room) if letters(NAME) in letters(each)] == []
        assert room.findings() == []


@pytest.mark.slow
def test_other_words_with_the_same_letters_stay_and_may_come_again(database_url, tmp_path):
    cases = [(part, form) for form in OTHERS for part in ("text", "title", "field", "bytes")]
    with newsroom_at(database_url, tmp_path) as room:
        write_all(room, [*cases, ("text", NAME)], "eins")
        room.scan(0)
        remove(room, Passage.parse(NAME))
        assert room.number("SELECT count(*) FROM capture WHERE data IS NULL") == 1
        write_all(room, [*cases, ("text", NAME)], "zwei")
        counts = room.scan(1)
        assert (counts.new_versions, counts.refused) == (len(cases), 1)


def test_whole_words_are_another_meaning_for_removal_and_for_later_documents(
    database_url, tmp_path
):
    inside = [(part, "Kulmbach") for part in ("text", "title", "quotation", "field", "bytes")]
    alone = [(part, "Ulm") for part in ("text", "title", "quotation", "field")]
    with newsroom_at(database_url, tmp_path) as room:
        write_all(room, inside + alone, "eins")
        room.scan(0)
        remove(room, Passage.parse("Ulm", is_whole=True))
        assert room.number("SELECT count(*) FROM capture WHERE data IS NULL") == len(alone)
        write_all(room, inside + alone, "zwei")
        counts = room.scan(1)
        assert (counts.new_versions, counts.refused) == (len(inside), len(alone))
        versions = room.number("SELECT count(*) FROM versions WHERE text LIKE '%Kulmbach%'")
        assert versions == 2 * 2, "in two editions of a text and of a quotation"


def test_the_address_of_an_article_that_contains_the_passage_is_no_reason_to_refuse_it(
    database_url, tmp_path
):
    address = "https://zeitung.example/ada-kern-tritt-zurueck"
    with newsroom_at(database_url, tmp_path) as room:
        for number, who in enumerate((NAME, "Die Ministerin")):
            text = f"{who} tritt zurück.\n\n{PUMPED}"
            fields = {"url": address, "title": "Rücktritt", "text": text}
            room.write("a.json", json.dumps(fields))
            counts = room.scan(number)
            if number == 0:
                remove(room, Passage.parse(NAME))
        assert (counts.new_versions, counts.refused) == (1, 0)
        assert room.rows("SELECT origin FROM articles") == [{"origin": address}]
