"""A reader labels changes by command: labels are recorded, listed, filtered and withdrawn."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from storage.capabilities.alert_sending.store import match
from storage.capabilities.reviews.store import add_review, find_change
from storage.cli.exits import run
from storage.proof import log
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import restrict
from storage.write.tokens import add_token, revoke_token
from tests.flow.driver import SENTENCES, hour, page, seed
from worker.cli.commands import app

A, B, C, *_ = SENTENCES


@pytest.fixture
def lesart(
    room, capsys, monkeypatch, tmp_path
) -> Callable[..., tuple[int, list[dict[str, Any]], str]]:
    """Run a command on the archive of the newsroom; give exit code, rows and messages."""
    monkeypatch.setenv("LESART_HOME", str(tmp_path / "home"))

    def call(*words: str) -> tuple[int, list[dict[str, Any]], str]:
        capsys.readouterr()
        code = run(app, [*words, *(() if "--archive" in words else ("--archive", room.url))])
        told = capsys.readouterr()
        return (
            code,
            [json.loads(line) for line in told.out.splitlines() if line[:1] == "{"],
            told.err,
        )

    return call


@pytest.fixture
def edited(room) -> Any:
    """Give a newsroom with an article of three versions, and two readers who may label."""
    for at, text in enumerate((A, B, f"{B} {C}")):
        room.write("a.txt", seed("Pegel steigt", text))
        room.scan(at)
    for name in ("ada", "ben"):
        add_token(room.archive, name, "review")
    return room


def change(room, number: int) -> str:
    return f"{room.one('SELECT article FROM articles')['article']}@{number}"


def test_a_label_is_recorded_listed_and_withdrawn_and_changes_no_text(edited, lesart):
    untouched = (
        "SELECT v.*, w.text FROM version v JOIN wording w ON w.id = v.wording_id ORDER BY v.id"
    )
    before = edited.rows(untouched)
    observed = edited.rows("SELECT * FROM observation")
    code, (made,), _ = lesart(
        "review",
        change(edited, 2),
        "--label",
        "Important",
        "--note",
        "36 statt 3,6",
        "--reviewer",
        "ada",
    )
    assert (code, made["version"], made["reviewer"]) == (0, 2, "ada")
    lesart("review", change(edited, 3), "--label", "sport", "--reviewer", "ben")
    _, rows, _ = lesart("reviews")
    assert [(r["version"], r["label"], r["note"], r["reviewer"]) for r in rows] == [
        (2, "important", "36 statt 3,6", "ada"), (3, "sport", None, "ben"),
    ]  # fmt: skip
    assert [r["version"] for r in lesart("changes", "--label", "important")[1]] == [2]
    assert [r["version"] for r in lesart("changes")[1]] == [3, 2]
    assert lesart("review", change(edited, 2), "--withdraw", "--reviewer", "ada")[0] == 0
    assert lesart("changes", "--label", "important")[1] == []
    (kept,) = lesart("reviews", "--label", "important")[1]
    assert (kept["note"], kept["withdrawn_by"]) == ("36 statt 3,6", "ada")
    assert lesart("reviews", "--label", "important", "--current")[1] == []
    assert edited.rows(untouched) == before
    assert edited.rows("SELECT * FROM observation") == observed


def test_a_label_replaces_its_opposite_and_is_recorded_once(edited, lesart):
    for label in ("important", "important", "unimportant", "zahl"):
        assert lesart("review", change(edited, 2), "--label", label, "--reviewer", "ada")[0] == 0
    assert edited.number("SELECT count(*) FROM review") == 3
    standing = lesart("reviews", "--reviewer", "ada", "--current")[1]
    assert [each["label"] for each in standing] == ["unimportant", "zahl"]


def test_statistics_state_how_far_two_readers_agree(edited, lesart):
    for reviewer, labels in (
        ("ada", ("important", "unimportant")),
        ("ben", ("important", "important")),
    ):
        for number, label in zip((2, 3), labels, strict=True):
            lesart("review", change(edited, number), "--label", label, "--reviewer", reviewer)
    (figures,) = lesart("stats", "--format", "jsonl")[1]
    assert figures["capabilities"]["reviews"] == {
        "labels": {"important": 3, "unimportant": 1},
        "agreement": [{"reviewers": ["ada", "ben"], "changes": 2, "agreed": 1}],
    }


def test_late_captures_do_not_move_a_label(room, lesart):
    """What was labelled is a step between two wordings: it moves, and ends while another text is between."""
    add_token(room.archive, "ada", "review")

    def arrive(at: float, text: str) -> None:
        name = f"{len(list(room.folder.iterdir()))}.md"
        room.write(name, page(text, url="https://zeitung.example/damm", observed_at=hour(at)))
        room.scan(10 + at)

    for at, text in ((0, A), (4, B), (6, C)):
        arrive(at, text)
    for number, label in ((2, "important"), (3, "sport")):
        lesart("review", f"https://zeitung.example/damm@{number}", "--label", label)
    numbers = []
    for at, text in ((1, C), (2, A), (3, C)):
        arrive(at, text)
        numbers.append({each["label"]: each["version"] for each in lesart("reviews")[1]})
    assert numbers == [
        {"important": None, "sport": 4}, {"important": 4, "sport": 5}, {"important": None, "sport": 6},
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "message"), [
    (("--label", "zwei wörter", "--reviewer", "ada"), 2, "is no label"),
    (("--label", "x" * 41, "--reviewer", "ada"), 2, "is no label"),
    (("--label", "zahl", "--note", "n" * 2001, "--reviewer", "ada"), 2, "at most 2000"),
    (("--label", "zahl"), 2, "who labels?"),
    (("--label", "zahl", "--reviewer", "bem"), 3, "did you mean 'ben'"),
    (("--label", "zahl", "--reviewer", "gone"), 3, "--scope review"),
    (("--reviewer", "ada"), 2, "which label?"),
    (("--withdraw", "--reviewer", "ada"), 3, "lesart reviews"),
    (("--withdraw", "--note", "x", "--reviewer", "ada"), 2, "--withdraw"),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_act_that_cannot_be_recorded_is_refused_with_a_remedy(
    edited, lesart, words, code, message
):
    add_token(edited.archive, "gone", "review")
    revoke_token(edited.archive, "gone")
    add_token(edited.archive, "cms", "ingest")
    found, _, told = lesart("review", change(edited, 2), *words)
    assert (found, message in told) == (code, True), told
    assert edited.number("SELECT count(*) FROM review") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_version_is_no_change(edited, lesart):
    code, _, told = lesart("review", change(edited, 1), "--label", "important", "--reviewer", "ada")
    assert (code, "is not a change" in told) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_labels_get_into_a_merged_archive_once_and_are_withdrawn_there_too(
    edited, lesart, tmp_path
):
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    lesart("review", change(edited, 2), "--label", "important", "--note", "36", "--reviewer", "ada")
    wanted = (
        "SELECT version, label, note, reviewer, reviewed_at, withdrawn_by FROM reviews ORDER BY id"
    )

    def merged() -> list[dict[str, Any]]:
        assert run(app, ["merge", edited.url, "--archive", target]) == 0
        _code, rows, _told = lesart("sql", wanted, "--archive", target)
        return rows

    assert merged() == merged() == edited.rows(wanted)
    lesart("review", change(edited, 3), "--label", "zahl", "--reviewer", "ben")
    lesart("review", change(edited, 2), "--withdraw", "--reviewer", "ada")
    assert merged() == merged() == edited.rows(wanted)
    assert run(app, ["verify", "--archive", target]) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("target", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_a_note_with_a_nul_of_an_older_archive_is_restored_and_merged_with_a_sign_in_its_place(
    edited, lesart, tmp_path, request, target
):
    """Earlier versions accepted it; the restored row is not the logged one, and `verify` says so."""
    named = edited.archive.read(find_change, change(edited, 2).partition("@")[0], 2)
    edited.archive.transact(add_review, named, "zahl", "36\0!", "ada")
    log.append(edited.archive.engine, edited.archive.clock)
    wanted = "SELECT label, note FROM reviews ORDER BY id"
    if target == "sqlite":
        place, backup = str(tmp_path / "target.sqlite3"), edited.url
        assert lesart("merge", backup, "--archive", place)[0] == 0
    else:
        place, backup = request.getfixturevalue("postgres_url"), str(tmp_path / "backup.sqlite3")
        assert lesart("backup", backup)[0] == 0
        code, findings, told = lesart("restore", backup, "--archive", place)
        assert (code, "by U+FFFD: review " in told) == (1, True), told
        assert {each["object"] for each in findings} == {"review"}, findings
    assert lesart("sql", wanted, "--archive", place)[1] == [{"label": "zahl", "note": "36\ufffd!"}]


def test_an_alert_reports_a_change_when_it_gets_the_label(edited, lesart, monkeypatch):
    monkeypatch.setenv("LESART_ALLOW_HOSTS", "127.0.0.1:9")
    for name, words in (("wichtig", ("--label", "important")), ("alle", ())):
        assert lesart("alert", "add", name, *words, "--webhook", "http://127.0.0.1:9/hook")[0] == 0
    lesart("review", change(edited, 2), "--label", "sport", "--reviewer", "ada")
    lesart("review", change(edited, 3), "--label", "important", "--reviewer", "ada")
    lesart("review", change(edited, 3), "--label", "important", "--reviewer", "ben")
    matched = match(edited.archive.engine, edited.archive.clock)
    (delivery,) = edited.rows(
        "SELECT a.name, d.version, d.why FROM alert_delivery d JOIN alert a ON a.id = d.alert_id"
    )
    assert (matched, delivery) == (
        1,
        {"name": "wichtig", "version": 3, "why": ["label: important"]},
    )
    assert match(edited.archive.engine, edited.archive.clock) == 0


@pytest.mark.parametrize(("where", "words", "notes"), [
    ("@2", (), [None, "Ada Kern sagt nein"]),
    ("", (), [None, None]),
    ("", ("--passage", "Ada Kern"), ["36 statt 3,6", None]),
])  # fmt: skip
def test_a_redaction_removes_notes_and_keeps_the_labels(edited, lesart, where, words, notes):
    for number, note in ((2, "36 statt 3,6"), (3, "Ada Kern sagt nein")):
        lesart(
            "review", change(edited, number), "--label", "zahl", "--note", note, "--reviewer", "ada"
        )
    article = edited.one("SELECT article FROM articles")["article"]
    code, _, told = lesart(
        "redact",
        f"{article}{where}",
        *words,
        "--reason",
        "court_order",
        "--by",
        "ada",
    )
    assert code == 0, told
    assert [each["note"] for each in lesart("reviews")[1]] == notes
    assert edited.number("SELECT count(*) FROM review") == 2
    assert [each["label"] for each in lesart("reviews")[1]] == ["zahl", "zahl"]


def test_the_notes_of_a_restricted_article_are_hidden(edited, lesart):
    lesart(
        "review", change(edited, 2), "--label", "zahl", "--note", "Ada Kern", "--reviewer", "ada"
    )
    article = edited.one("SELECT id FROM article")["id"]
    edited.archive.transact(restrict, [article], RedactionReason.GDPR_RESTRICTION, "ada")
    assert [each["note"] for each in lesart("reviews")[1]] == [None]
