"""Each input format is accepted, exported, imported and verified; no list of formats is incomplete."""

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from mimetypes import MimeTypes
from pathlib import Path

import pytest

from lesart import open_archive
from storage.values.arrivals.formats import (
    BINARY_TYPES,
    DOCUMENT_TYPES,
    FORMATS,
    TYPE_BY_MEDIA,
    TYPES,
    Format,
)
from storage.values.net.addresses import RENDERED
from storage.values.refusals import REFUSALS, german_refusals
from tests.formats import agency, office, pdfs
from tests.warcs import answer, page, response
from worker.text.file_types import HEAD_BYTES, detect_type, signed_type
from worker.text.read import READERS
from worker.web.kind import page_type

README = Path(__file__).resolve().parents[2] / "README.md"
BODY = "Der Deich am Hafen hält dem Hochwasser stand, sagt die Leiterin des Amtes am Dienstag."
SEED = f"date 2024-06-18 Deich hält\n\n{BODY}\n"


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = len(SEED.encode())
        archive.addfile(entry, io.BytesIO(SEED.encode()))
    return packed.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


STORY = page("Deich hält", BODY, "Die Fähre bleibt bis zum Abend im Hafen, teilt die Reederei mit.")
WARC = response("https://bote.example/deich", "2024-06-18T06:00:00Z", answer(STORY))
RECORD = json.dumps({"title": "Deich hält", "date": "2024-06-18", "text": BODY})
EXAMPLES: dict[str, bytes] = {
    "seed": SEED.encode(),
    "markdown": f"---\ntitle: Deich hält\n---\n\n{BODY}\n".encode(),
    "html": STORY,
    "json": RECORD.encode(),
    "jsonl": f"{RECORD}\n".encode(),
    "csv": f"title;text\nDeich hält;{BODY.replace(',', '')}\n".encode(),
    "tsv": f"title\ttext\nDeich hält\t{BODY}\n".encode(),
    "eml": (
        "From: Pressestelle <presse@hafen.example>\r\nSubject: Deich hält\r\n"
        "Date: Tue, 18 Jun 2024 10:00:00 +0200\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{BODY}\r\n"
        "--b\r\nContent-Disposition: attachment; filename=anlage.txt\r\n\r\n"
        f"{SEED}\r\n--b--\r\n"
    ).encode(),
    "docx": office.docx(office.paragraph("Deich hält", "Titel"), BODY),
    "odt": office.odt(f"<text:h>Deich hält</text:h><text:p>{BODY}</text:p>"),
    "pdf": pdfs.pdf([pdfs.Line("Deich hält", 780, size=18), *pdfs.text_lines([BODY])]),
    "ninjs": agency.ninjs(BODY, uri="urn:newsml:agentur.example:1"),
    "newsml": agency.newsml(BODY, guid="urn:newsml:agentur.example:2"),
    "tar": tar(),
    "zip": zipped("a.txt", SEED.encode()),
    "warc": WARC,
    "wacz": zipped("archive/a.warc.gz", gzip.compress(WARC)),
}


def lesart(folder: Path, *words: str, stream: str = "stdout", exit_code: int = 0) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "worker", *words], cwd=folder, capture_output=True, text=True
    )
    assert run.returncode == exit_code, run.stdout + run.stderr
    return getattr(run, stream)


def rows(folder: Path, *words: str) -> list[dict]:
    return [json.loads(line) for line in lesart(folder, *words, "--format", "jsonl").splitlines()]


@pytest.mark.slow
def test_each_format_is_ingested_exported_imported_and_verified(tmp_path):
    for each in FORMATS:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{each.type}{each.suffixes[0]}").write_bytes(EXAMPLES[each.type])
    archives = "one.sqlite3", "two.sqlite3"
    lesart(tmp_path, "ingest", "in", "--archive", archives[0])
    lesart(tmp_path, "export", "--format", "warc", "-o", "all.warc", "--archive", archives[0])
    lesart(tmp_path, "ingest", "all.warc", "--archive", archives[1])
    texts = []
    for archive in archives:
        assert rows(tmp_path, "refusals", "--archive", archive) == []
        summary = lesart(tmp_path, "verify", "--archive", archive, stream="stderr")
        assert "not_rederivable_here: 0" in summary
        again = re.search(r"(\d+) texts were extracted again", summary)
        assert again is not None
        assert int(again[1]) >= len(DOCUMENT_TYPES) - 1  # JSON and JSON lines hold the same record
        query = "SELECT a.origin, v.title, v.text FROM versions v JOIN articles a USING (article) ORDER BY 1"
        texts.append(rows(tmp_path, "sql", query, "--archive", archive))
    assert texts[0] == texts[1]
    assert len(texts[0]) >= len(FORMATS) - 1


@pytest.mark.slow
def test_each_text_of_messages_and_packages_is_an_article_after_an_export_too(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "dienst.xml").write_bytes(agency.message(*agency.TEXTS))
    texts = [json.loads(agency.ninjs(f"{BODY} Nummer {n}.", uri=f"urn:b:{n}")) for n in range(2)]
    (tmp_path / "in" / "liste.json").write_text(json.dumps(texts))
    package = agency.ninjs(bodies=None, uri="urn:c", associations=[texts[0] | {"uri": "urn:c:1"}])
    (tmp_path / "in" / "paket.ninjs").write_bytes(package)
    archives = "one.sqlite3", "two.sqlite3"
    lesart(tmp_path, "ingest", "in", "--archive", archives[0])
    lesart(tmp_path, "export", "--format", "warc", "-o", "all.warc", "--archive", archives[0])
    lesart(tmp_path, "ingest", "all.warc", "--archive", archives[1])
    for archive in archives:
        assert rows(tmp_path, "refusals", "--archive", archive) == []
        query = "SELECT a.origin, a.versions FROM articles a ORDER BY 1"
        assert rows(tmp_path, "sql", query, "--archive", archive) == [
            {"origin": "urn:a:1", "versions": 1}, {"origin": "urn:a:2", "versions": 2},
            {"origin": "urn:b:0", "versions": 1}, {"origin": "urn:b:1", "versions": 1},
            {"origin": "urn:c:1", "versions": 1},
        ]  # fmt: skip
        summary = lesart(tmp_path, "verify", "--archive", archive, stream="stderr")
        assert "not_rederivable_here: 0" in summary


NUL_STEP = {
    **dict.fromkeys(
        ("seed", "markdown", "html", "json", "jsonl", "eml", "ninjs"), "nul_characters"
    ),
    **dict.fromkeys(("csv", "tsv"), "strings"),
    "newsml": None,  # XML forbids NUL
}
"""The step that drops a NUL in each text format; None if it is refused."""


@pytest.mark.slow
def test_a_nul_in_a_text_of_any_format_is_dropped_in_a_step_of_its_own(tmp_path):
    assert set(NUL_STEP) == DOCUMENT_TYPES - BINARY_TYPES
    suffixes = {each.type: each.suffixes[0] for each in FORMATS}
    files = {f"{kind}{suffixes[kind]}": EXAMPLES[kind] for kind in NUL_STEP}
    for folder in ("plain", "damaged"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    for name, raw in files.items():
        damaged = raw.replace(b"Hochwasser", b"Hoch\0wasser").replace(b"agentur", b"dienst")
        (tmp_path / "in" / "plain" / name).write_bytes(raw)
        (tmp_path / "in" / "damaged" / name).write_bytes(damaged)
    wide = SEED.replace("Hochwasser", "Hoch\0wasser").encode("utf-16-le")
    (tmp_path / "in" / "damaged" / "wide.txt").write_bytes(wide)
    (tmp_path / "in" / "damaged" / "noise.txt").write_bytes(bytes(range(256)) * 20)
    lesart(tmp_path, "ingest", "in", "--archive", "a.sqlite3", exit_code=1)
    with open_archive(tmp_path / "a.sqlite3") as archive:
        refused = {each.locator.rpartition("/")[2]: each.code for each in archive.refusals()}
        found = [archive.version(each.article) for each in archive.articles()]
    assert refused == {"newsml.xml": "document_invalid", "noise.txt": "binary"}
    assert len(found) == 2 * len(files) + 2
    assert all("\0" not in each.text and "Hochwasser" in each.text for each in found)
    for each in found:
        kind = each.origin.rpartition("/")[2].partition(".")[0].replace("wide", "seed")
        steps = {step.name for step in each.steps} & {"nul_characters", "strings"}
        is_plain = "/plain/" in each.origin or "agentur" in each.origin
        assert steps == (set() if is_plain else {NUL_STEP.get(kind, "nul_characters")})


GERMAN = {
    "Titel": "Deich hält",
    "Erschienen am": "18.06.2024",
    "Autorin": "Ada Kern",
    "Ressort": "Lokales",
}
NAMES = {**GERMAN, "Aktenzeichen": "A 12", "Text": BODY.replace(",", "")}


def table(delimiter: str) -> str:
    return f"{delimiter.join(NAMES)}\n{delimiter.join(NAMES.values())}\n"


@pytest.mark.slow
def test_german_names_are_known_in_all_formats_and_other_columns_are_named(tmp_path):
    front_matter = "".join(f"{name}: {value}\n" for name, value in NAMES.items() if name != "Text")
    files = {
        "a.csv": table(";"), "b.csv": table(","), "c.tsv": table("\t"), "d.csv": table("|"),
        "e.json": json.dumps(NAMES), "f.md": f"---\n{front_matter}---\n\n{NAMES['Text']}\n",
    }  # fmt: skip
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_text(content, encoding="utf-8")
    said = lesart(tmp_path, "ingest", "in", "--archive", "a.sqlite3", stream="stderr")
    assert said == "lesart: columns not used, but stored as fields: Aktenzeichen\n"
    with open_archive(tmp_path / "a.sqlite3") as archive:
        found = [archive.version(each.article) for each in archive.articles()]
    assert len(found) == len(files)
    for each in found:
        assert (each.title, each.published.value, each.authors, each.section) == (
            "Deich hält", "2024-06-18", ("Ada Kern",), "Lokales"
        ), each.origin  # fmt: skip
        assert each.fields["Aktenzeichen"].value == "A 12"


def test_each_document_type_has_a_reader_and_a_media_type():
    assert set(READERS) == DOCUMENT_TYPES | {RENDERED}
    assert set(TYPE_BY_MEDIA.values()) <= DOCUMENT_TYPES


def test_a_format_has_the_media_types_by_which_servers_know_its_suffixes():
    tables = MimeTypes().types_map  # official ones, and those in use
    missing = {
        (each.type, table[suffix])
        for each in FORMATS
        if each.type in DOCUMENT_TYPES and each.holds != "records" and not each.is_item
        for suffix in each.suffixes
        for table in tables
        if suffix in table and table[suffix] not in each.media_types
    }
    assert missing == set(), "add the type to `media_types` of the format"


def test_a_binary_format_is_read_in_a_process_of_its_own_and_named_by_refusals_of_others():
    for kind in BINARY_TYPES:
        assert READERS[kind].is_isolated, kind
        for refusals in (REFUSALS, german_refusals()):
            named = re.findall(r"\w+", refusals["not_text"][1])
            assert {kind, kind.upper()} & {*named}, f"name {kind} in the remedy of `not_text`"


def test_each_format_has_an_example_that_is_detected_by_its_name():
    assert set(EXAMPLES) == set(TYPES)
    detected = {
        each.type: detect_type(f"a{each.suffixes[0]}", EXAMPLES[each.type][:HEAD_BYTES])
        for each in FORMATS
        if each.type in DOCUMENT_TYPES
    }
    assert detected == {kind: kind for kind in DOCUMENT_TYPES}


def test_a_format_with_a_signature_is_detected_by_it_alone():
    for kind, raw in EXAMPLES.items():
        head = raw[:HEAD_BYTES]
        expected = kind if kind in BINARY_TYPES else None
        assert signed_type(head) == expected, kind
        if expected:
            assert (detect_type("a", head), page_type(head, "text/html", "a")) == (kind, kind)
            assert getattr(detect_type("a.txt", head), "code", None) == "not_text", kind


def test_no_suffix_belongs_to_two_formats():
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.type)
def test_the_readme_and_the_help_describe_the_format(each: Format):
    names = ", ".join(f"`{suffix}`" for suffix in each.suffixes)
    assert f"| {names} | {each.content} |" in README.read_text("utf-8")
    from worker.cli.ingest.command import TYPE_HELP

    assert re.search(rf"\b{each.type}\b", TYPE_HELP)


def test_the_readme_describes_no_other_format():
    section = README.read_text("utf-8").partition("## Input formats")[2].partition("## ")[0]
    assert len(re.findall(r"^\| `\.", section, re.MULTILINE)) == len(FORMATS)
