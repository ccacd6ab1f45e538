"""A submitted capture joins the history of its address, and nothing counts it as fetched."""

import zipfile

import pytest
from typer.testing import CliRunner

from storage.export.warc import ExportSelection, WarcExport
from storage.read.archive import open_archive
from storage.values.digest import raw_digest
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from storage.write.store_captures import store_bytes
from storage.write.submissions import (
    Submission,
    SubmissionRedactedError,
    store_submission,
)
from tests.flow.driver import Newsroom, hour, newsroom_at
from tests.serve.conftest import served
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import page
from worker.cli.commands import app

HOSTILE = (
    '<script>fetch("https://zeitung.example/geheim")</script><img src="https://zeitung.example/x.png">'
    '<link rel=stylesheet href="https://zeitung.example/a.css"><iframe src="http://127.0.0.1/"></iframe>'
    '<link rel=canonical href="https://bote.example/fremd"><base href="https://bote.example/">'
    '<meta http-equiv=refresh content="0;url=https://zeitung.example/weg">'
)


def saved(*paragraphs: str, head: str = "") -> bytes:
    return page("Pegel der Lohe steigt", paragraphs, head)


def submit(room: Newsroom, raw: bytes, at: float, by: str = "redaktion", url: str = A) -> int:
    room.now = hour(at)
    return room.done(store_submission(room.archive, Submission(url, url, raw, by)))


def lesart(room: Newsroom, *words: str) -> str:
    home = {"LESART_HOME": str(room.root)}
    done = CliRunner().invoke(app, [*words, "--archive", room.url], env=home)
    assert done.exit_code == 0, done.output
    return done.stdout


def versions(room: Newsroom) -> list[tuple]:
    query = "SELECT version, flags, text FROM versions ORDER BY version"
    return [
        (row["version"], "submitted" in row["flags"], len(row["text"].split("\n\n")))
        for row in room.rows(query)
    ]


def checks(room: Newsroom) -> list[tuple]:
    query = (
        'SELECT "foreign", outcome, note, version FROM observations WHERE article IS NOT NULL '
        "ORDER BY observed_at"
    )
    return [(bool(row.pop("foreign")), *row.values()) for row in room.rows(query)]


def test_it_is_a_version_between_those_that_were_fetched(desk):
    desk.web.put(A, page("Pegel der Lohe steigt", PEGEL))
    desk.fetch(A, at=0)
    requests = len(desk.web.requests)
    submit(desk, saved(*HIGHER, head=HOSTILE), at=1)
    submit(desk, saved(*HIGHER, head=HOSTILE), at=2, by="leserin")  # the same bytes
    assert len(desk.web.requests) == requests  # nothing that the page names was requested
    desk.web.put(A, page("Pegel der Lohe steigt", PEGEL))
    desk.fetch(A, at=3)
    assert versions(desk) == [(1, False, 4), (2, True, 4), (3, False, 4)]
    assert checks(desk) == [
        (False, "content", None, 1),
        (True, "content", "submitted by redaktion", 2),
        (True, "unchanged", "submitted by leserin", 2),
        (False, "content", None, 3),
    ]
    assert desk.one("SELECT count(*) AS n FROM articles")["n"] == 1
    by = "SELECT value FROM fields WHERE name = 'submitted_by'"
    assert [row["value"].strip('"') for row in desk.rows(by)] == ["redaktion"]
    captured = "SELECT count(*) AS n FROM capture WHERE digest = :d"
    assert desk.one(captured, d=raw_digest(saved(*HIGHER, head=HOSTILE)))["n"] == 1


def test_a_confirmed_text_stays_a_fetched_one_and_a_refused_page_changes_nothing(desk):
    desk.web.put(A, page("Pegel der Lohe steigt", PEGEL))
    desk.fetch(A, at=0)
    submit(desk, saved(*PEGEL), at=1)
    wall = "<html lang=de><title>Anmelden</title><form>Passwort <input type=password></form></html>"
    submit(desk, wall.encode(), at=2)
    assert versions(desk) == [(1, False, 4)]
    assert [check[:2] for check in checks(desk)] == [
        (False, "content"), (True, "unchanged"), (True, "refused"),
    ]  # fmt: skip
    (article,) = desk.rows("SELECT state, last_seen FROM articles")
    assert article["state"] == "present"


def test_its_property_survives_an_export_as_warc(desk, tmp_path):
    submit(desk, saved(*PEGEL), at=1)
    submit(desk, saved(*HIGHER), at=2)
    submit(desk, saved(*HIGHER), at=3)
    with open_archive(desk.url) as archive:
        exported = b"".join(WarcExport(archive, ExportSelection(), "test").records())
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as other:
        other.write("crawl.warc", exported)
        other.scan(at=9)
        assert versions(other) == versions(desk) == [(1, True, 4), (2, True, 4)]
        assert checks(other) == checks(desk)
        with open_archive(other.url) as archive:
            again = b"".join(WarcExport(archive, ExportSelection(), "test").records())
    assert again.count(b'"submitted_by": "redaktion"') == 3


def test_the_pages_the_command_and_the_proof_name_the_submitter(desk, tmp_path):
    submit(desk, saved(*PEGEL), at=1)
    target = tmp_path / "proof.zip"
    shown = lesart(desk, "show", A, "--format", "table")
    assert "captured   submitted by redaktion, not fetched by Lesart" in shown
    assert "flags: date_missing, submitted" in shown
    desk.write(
        "seed.md", "---\nsubmitted_by: ada\n---\n\n# Fähre\n\nDie Fähre liegt im Hafen fest.\n"
    )
    desk.scan(at=2)
    assert "submitted by" not in lesart(desk, "show", "seed:presse/seed.md", "--format", "table")
    lesart(desk, "proof", "keygen")
    lesart(desk, "proof", A, "-o", str(target))
    with zipfile.ZipFile(target) as bundle:
        report = bundle.read("report.html").decode()
    assert "eingereicht von redaktion, nicht vom Archiv abgerufen" in report
    assert "laut Datei oder Import" not in report


def test_the_pages_of_the_article_name_the_submitter_in_both_languages(desk):
    submit(desk, saved(*PEGEL, head=HOSTILE), at=1)
    article = desk.one("SELECT article FROM articles")["article"]
    with served(desk.url) as client:
        for path, language, expected in (
            (f"/a/{article}", "de", "eingereicht von redaktion"),
            (f"/a/{article}", "en", "submitted by redaktion"),
            (f"/a/{article}/checks", "de", "eingereichte Aufnahme"),
            (f"/a/{article}/checks", "en", "submitted capture"),
        ):
            answer = client.get(path, params={"lang": language})
            assert expected in answer.text
            assert "geheim" not in answer.text
        raw = client.get("/api/raw", params={"rev": article})
    assert raw.content == saved(*PEGEL, head=HOSTILE)
    assert raw.headers["content-type"].startswith("text/plain")
    assert raw.headers["content-disposition"].startswith("attachment")


def test_a_redacted_address_is_not_accepted_again(desk):
    submit(desk, saved(*PEGEL), at=1)
    article = desk.one("SELECT id FROM article")["id"]
    redact_articles(
        desk.archive,
        [RedactionTarget(article)],
        RedactionReason.GDPR_ERASURE,
        "ada",
        with_addresses=True,
    )
    for raw in (saved(*PEGEL), saved(*HIGHER)):
        with pytest.raises(SubmissionRedactedError):
            submit(desk, raw, at=2)


def test_an_address_that_is_redacted_while_its_page_comes_in_is_not_accepted(desk, monkeypatch):
    submit(desk, saved(*PEGEL), at=1)
    article = desk.one("SELECT id FROM article")["id"]

    def redact_first(archive, packed):
        redact_articles(
            desk.archive,
            [RedactionTarget(article)],
            RedactionReason.GDPR_ERASURE,
            "ada",
            with_addresses=True,
        )
        return store_bytes(archive, packed)

    monkeypatch.setattr("storage.write.submissions.store_bytes", redact_first)
    with pytest.raises(SubmissionRedactedError):
        submit(desk, saved(*HIGHER), at=2)
    monkeypatch.undo()
    captures = desk.rows("SELECT digest FROM capture")
    assert raw_digest(saved(*HIGHER)) not in {bytes(each["digest"]) for each in captures}
