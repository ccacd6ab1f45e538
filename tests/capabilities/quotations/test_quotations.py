"""Who said what, in which version of which article: asked by command."""

import json
from typing import Any

import pytest

from storage.capabilities.alert_sending.store import match
from storage.cli.exits import run
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import lift, restrict
from tests.flow.driver import hour, page, seed
from worker.cli.commands import app

BRIDGE = "Die Brücke über die Lohe ist seit 1970 in Betrieb."
COSTS = "„Sie kostet {} Millionen Euro“, sagte Ada Kern am Montag."
ANYWAY = "Kern sagte: „Wir bauen trotzdem.“ Der Rat stimmt im Mai ab."
FERRY = "The waves were too high on Monday. “The ferry stays in the harbour,” said Jörg Köstlin."


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom with an article of two versions, and another article."""
    for at, million in enumerate((3.6, 36)):
        costs = COSTS.format(f"{million:g}".replace(".", ","))
        room.write("a.txt", seed("Brücke wird teurer", BRIDGE, costs, ANYWAY))
        room.write("b.txt", seed("Storm", FERRY))
        room.scan(at)
    return room


def texts(rows: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    return [(row["version"], row["name"], row["text"]) for row in rows]


@pytest.mark.parametrize(("options", "expected"), [
    (("--speaker", "ada kern", "--since", "2024-06-18T06:30"), ["Wir bauen trotzdem.", "Sie kostet 36 Millionen Euro"]),
    (("--speaker", "KERN", "--about", "3,6"), ["Sie kostet 3,6 Millionen Euro"]),
    (("--about", "Brücke 36 Millionen"), ["Sie kostet 36 Millionen Euro"]),
    (("--about", "kosten Brücke", "--limit", "1"), ["Sie kostet 36 Millionen Euro"]),
    (("--speaker", "Kostlin"), ["The ferry stays in the harbour,"]),
    (("--speaker", "Joerg Koestlin"), ["The ferry stays in the harbour,"]),
    (("--speaker", "Lind"), []),
    (("--kind", "indirect"), []),
])  # fmt: skip
def test_quotations_are_found_by_speaker_words_time_and_kind(told, lesart, options, expected):
    assert [row["text"] for row in lesart("quotes", *options)] == expected


def test_a_search_finds_a_speaker_without_umlauts(told, lesart):
    found = [lesart("search", "ferry", "--speaker", each) for each in ("Köstlin", "Koestlin")]
    assert found[0] == found[1] != []


def test_a_quotation_states_its_version_and_the_list_goes_on_after_a_cursor(told, lesart):
    rows = lesart("quotes", "--kind", "direct")
    assert texts(rows) == [
        (2, "Ada Kern", "Wir bauen trotzdem."),
        (2, "Ada Kern", "Sie kostet 36 Millionen Euro"),
        (1, "Jörg Köstlin", "The ferry stays in the harbour,"),
        (1, "Ada Kern", "Wir bauen trotzdem."),
        (1, "Ada Kern", "Sie kostet 3,6 Millionen Euro"),
    ]
    assert (rows[1]["speaker"], rows[1]["cue"], rows[1]["paragraph"]) == ("Ada Kern", "sagte", 1)
    assert (rows[0]["speaker"], rows[0]["changed_by"]) == ("Kern", "2024-06-18T07:00:00+00:00")
    first = lesart("quotes", "--limit", "2")
    assert first + lesart("quotes", "--after", first[-1]["cursor"]) == rows
    assert lesart("quotes", "--after", first[-1]["cursor"], "--speaker", "Köstlin") == [rows[2]]


def test_a_quotation_over_paragraphs_has_one_speaker_whoever_it_names(room, lesart):
    opened = "Ann Lee said: “The pier is closed. Mayor Bo Lind told us so."
    room.write(
        "c.txt", seed("Pier", opened, "“We asked Lind why.", "“It opens in May.” Rain fell.")
    )
    room.scan(0)
    assert [row["name"] for row in lesart("quotes")] == ["Ann Lee"] * 3


@pytest.mark.parametrize(("where", "words", "left"), [
    ("", (), []),
    ("@2", (), ["Wir bauen trotzdem.", "Sie kostet 3,6 Millionen Euro"]),
    ("", ("--passage", "36 Millionen"), ["Wir bauen trotzdem.", "Sie kostet [redacted] Euro",
                                         "Wir bauen trotzdem.", "Sie kostet 3,6 Millionen Euro"]),
    ("", ("--passage", "Ada Kern"), [None] * 4),
])  # fmt: skip
def test_a_redaction_takes_quotations_with_it(told, lesart, where, words, left):
    (article,) = {row["article"] for row in lesart("quotes", "--speaker", "Kern")}
    lesart("redact", f"{article}{where}", *words, "--reason", "court_order", "--by", "ada")
    rows = lesart("quotes", article)
    if left and left[0] is None:
        assert (len(rows), "Ada" in json.dumps(rows)) == (4, False)
        assert told.number("SELECT count(*) FROM quotation WHERE person = 'ada kern'") == 0
    else:
        assert [row["text"] for row in rows] == left
    assert len(lesart("quotes", "--speaker", "Köstlin")) == 1
    assert run(app, ["verify", "--archive", told.url]) == 0


def test_the_quotations_of_a_restricted_article_are_hidden(told, lesart):
    numbers = [row["id"] for row in told.rows("SELECT id FROM article")]
    told.archive.transact(restrict, numbers, RedactionReason.GDPR_RESTRICTION, "ada")
    assert lesart("quotes") == []


def test_late_captures_and_other_articles_with_the_text_have_its_quotations(room, lesart):
    for name, at, text in (("a", 4, COSTS.format(36)), ("b", 2, COSTS.format(36)), ("c", 1, FERRY)):
        address = f"https://zeitung.example/{'damm' if name != 'b' else 'b'}"
        room.write(f"{name}.md", page(text, url=address, observed_at=hour(at)))
        room.scan(10 + at)
    rows = lesart("quotes")
    assert sorted((row["version"], row["name"], row["changed_by"][11:13]) for row in rows) == [
        (1, "Ada Kern", "08"), (1, "Jörg Köstlin", "07"), (2, "Ada Kern", "10"),
    ]  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_merged_archive_has_the_quotations_too(told, lesart, tmp_path):
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    lesart("merge", told.url, "--archive", target)
    assert sorted(texts(lesart("quotes", "--archive", target))) == sorted(texts(lesart("quotes")))


def test_an_older_archive_gets_the_quotations_of_its_versions(told, lesart):
    from storage.capabilities.quotations.wording_rows import fill

    before = lesart("quotes")
    with told.archive.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM quotation")
        fill(connection)
    assert lesart("quotes") == before


def test_searches_changes_and_alerts_are_filtered_by_speaker(told, lesart, monkeypatch):
    """A change is listed for its text before or after, unless the article or the name is hidden."""
    kern, lists = ("--speaker", "ADA kern"), (("search", "Brücke"), ("changes",))
    monkeypatch.setenv("LESART_ALLOW_HOSTS", "127.0.0.1:9")
    for name in ("Kern", "Lind"):
        hook = ("--webhook", "http://127.0.0.1:9/hook")
        lesart("alert", "add", name, "--speaker", name, *hook)
    assert [len(lesart(*words, *kern)) for words in lists] == [2, 1]
    assert len(lesart("search", "Monday", "--speaker", "Köstlin", *kern)) == 1
    for other in ("Köstlin", "Lind", "“"):
        assert [lesart(*words, "--speaker", other) for words in lists] == [[], []]
    told.write("a.txt", seed("Brücke wird teurer", BRIDGE))
    told.write("c.txt", seed("Umbau", ANYWAY))
    told.scan(2)
    assert [row["version"] for row in lesart("changes", *kern)] == [3, 2]
    match(told.archive.engine, told.archive.clock)
    reported = told.rows("SELECT version, why FROM alert_delivery ORDER BY version")
    assert reported == [{"version": number, "why": ["speaker: Kern"]} for number in (1, 3)]
    articles = [row["id"] for row in told.rows("SELECT id FROM article")]
    told.archive.transact(restrict, articles, RedactionReason.GDPR_RESTRICTION, "ada")
    assert [lesart(*words, *kern) for words in lists] == [[], []]
    told.archive.transact(lift, articles, "ada")
    assert len(lesart("changes", *kern)) == 2
    lesart("redact-person", "Ada Kern", "--reason", "gdpr_objection", "--by", "eva")
    assert [lesart(*words, *kern) for words in lists] == [[], []]
