"""Office documents and PDFs through the commands: read ones, and refused ones with their remedies."""

import json
import shutil
import subprocess

import pytest

from tests.capabilities.documents.test_pdf import ENCRYPTED, NESTED, PICTURE, RELEASE
from tests.capabilities.test_kept_rows import Rest
from tests.commands.test_formats import lesart, rows
from tests.formats.agency import BODY as AGENCY_TEXT
from tests.formats.agency import GUID, newsml, ninjs
from tests.formats.office import BODY, TITLE, docx, odt, paragraph
from tests.formats.pdfs import pdf


@pytest.mark.slow
def test_a_folder_of_press_releases_is_archived_and_each_refusal_has_a_remedy(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    word = docx(paragraph(TITLE, "Titel"), "Hamburg, 18. Juni 2024", *BODY)
    files = {
        "word.docx": word, "wrong.docx": RELEASE, "scan.pdf": pdf(PICTURE), "secret.pdf": ENCRYPTED,
        "cut.docx": word[:400], "open.odt": odt(f"<text:h>{TITLE}</text:h><text:p>{BODY[0]}</text:p>"),
    }  # fmt: skip
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    lesart(tmp_path, "ingest", "in", exit_code=1)
    refused = {each["locator"].rpartition("/")[2]: each for each in rows(tmp_path, "refusals")}
    assert {name: each["code"] for name, each in refused.items()} == {
        "scan.pdf": "no_text_layer", "secret.pdf": "document_encrypted", "cut.docx": "document_invalid",
    }  # fmt: skip
    assert "OCRmyPDF" in refused["scan.pdf"]["hint"]
    query = "SELECT v.title, v.published FROM versions v JOIN articles a USING (article) ORDER BY a.origin"
    assert [(each["title"], each["published"]) for each in rows(tmp_path, "sql", query)] == [
        (TITLE, None), (TITLE, "2024-06-18"), (TITLE, "2024-06-18"),
    ]  # fmt: skip
    one = "SELECT a.article FROM articles a WHERE a.origin LIKE '%wrong.docx'"
    (shown,) = rows(tmp_path, "show", rows(tmp_path, "sql", one)[0]["article"])
    assert shown["steps"][0] == {
        "name": "line_end_hyphens",
        "detail": {"removed": ["Hochwasser"], "words": 1},
    }
    (folder / "word.docx").write_bytes(
        docx(paragraph(TITLE, "Titel"), "Hamburg, 18. Juni 2024", BODY[0])
    )
    lesart(tmp_path, "ingest", "in", exit_code=1)
    assert "not_rederivable_here: 0" in lesart(tmp_path, "verify", stream="stderr")
    changed = rows(tmp_path, "sql", "SELECT a.origin FROM changes JOIN articles a USING (article)")
    assert [each["origin"].rpartition("/")[2] for each in changed] == ["word.docx"]


@pytest.mark.slow
def test_a_pdf_of_nested_forms_is_refused_for_its_cost(tmp_path):
    (tmp_path / "forms.pdf").write_bytes(NESTED)
    lesart(tmp_path, "ingest", "forms.pdf", exit_code=1)
    (refused,) = rows(tmp_path, "refusals")
    assert refused["code"] in {"resource_time", "resource_memory"}


@pytest.mark.slow
def test_the_versions_of_an_agency_are_the_versions_of_one_article(tmp_path):
    """The second version arrives first, and the third one in another format and source."""
    first, second = (
        newsml(*AGENCY_TEXT),
        newsml(AGENCY_TEXT[0], version=2, created="2024-06-18T10:30:00+02:00"),
    )
    third = ninjs(
        AGENCY_TEXT[0],
        "Korrigiert.",
        version="3",
        versionCreated="2024-06-18T11:00:00+02:00",
        pubStatus="withheld",
    )
    one, two = ("--archive", "one.sqlite3"), ("--archive", "two.sqlite3")
    for name, raw in (("b.xml", second), ("a.xml", first), ("c.json", third)):
        (tmp_path / name).write_bytes(raw)
        lesart(tmp_path, "ingest", name, *one)
    (article,) = rows(tmp_path, "sql", "SELECT origin, versions FROM articles", *one)
    assert (article["origin"], article["versions"]) == (GUID, 3)
    lesart(tmp_path, "export", "--format", "warc", "-o", "all.warc", *one)
    lesart(tmp_path, "ingest", "all.warc", *two)
    query = "SELECT version, name, value FROM fields WHERE name IN ('version', 'pubstatus') ORDER BY 1, 2"
    for archive in (one, two):
        found = rows(tmp_path, "sql", query, *archive)
        assert [(each["version"], each["name"], json.loads(each["value"])) for each in found] == [
            (1, "pubstatus", "usable"), (1, "version", "1"), (2, "pubstatus", "usable"), (2, "version", "2"),
            (3, "pubstatus", "withheld"), (3, "version", "3"),
        ]  # fmt: skip
        assert "not_rederivable_here: 0" in lesart(tmp_path, "verify", *archive, stream="stderr")


@pytest.mark.slow
def test_texts_stay_where_the_readers_are_deleted(tmp_path):
    (tmp_path / "word.docx").write_bytes(docx(paragraph(TITLE, "Titel"), *BODY))
    (tmp_path / "release.pdf").write_bytes(RELEASE)
    for name in ("word.docx", "release.pdf"):
        lesart(tmp_path, "ingest", name, "--archive", "one.sqlite3")
    rest = Rest("documents", tmp_path, f"{tmp_path}/one.sqlite3")
    word, release = (json.loads(line) for line in rest.run("list --format jsonl").splitlines())
    assert (word["title"], release["title"]) == (TITLE, TITLE)
    assert "not_rederivable_here: 2" in rest.run("verify")
    assert "no extractor of this program reads a text anew" in rest.run("rederive")
    assert "word.docx" in rest.run(f"ingest {tmp_path}/word.docx", status=1)
    rest.run(f"redact {word['article']} --reason court_order --yes")
    assert "not_rederivable_here: 1" in rest.run("verify")
    left = [json.loads(line)["title"] for line in rest.run("list --format jsonl").splitlines()]
    assert left == [None, TITLE]


@pytest.mark.browser
def test_a_page_that_chromium_printed_is_an_article(tmp_path):
    texts = [f"{sentence} {sentence}" for sentence in BODY]
    page = tmp_path / "seite.html"
    page.write_text(
        "<html lang=de><meta charset=utf-8><title>Deich</title><style>p {hyphens: auto; width: 14em}"
        f"</style><h1>{TITLE}</h1><p>Hamburg, 18. Juni 2024</p>{''.join(f'<p>{t}</p>' for t in texts)}",
        "utf-8",
    )
    subprocess.run(
        [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={tmp_path / 'seite.pdf'}", page.as_uri()],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    lesart(tmp_path, "ingest", "seite.pdf")
    (version,) = rows(tmp_path, "sql", "SELECT title, published, text FROM versions")
    assert (version["title"], version["published"]) == (TITLE, "2024-06-18")
    assert version["text"].split("\n\n") == ["Hamburg, 18. Juni 2024", *texts]
