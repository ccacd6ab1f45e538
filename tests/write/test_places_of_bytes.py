"""Redacted or restricted bytes are in no output: of any input format, by any way out."""

import base64
import binascii
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

import pytest
import zstandard
from pyarrow.parquet import read_table

from storage.capabilities import CAPABILITIES
from storage.capabilities.bundles.bundle import Bundle, BundleRequest
from storage.cli.exits import NO, SUCCESS, run
from storage.database.views import VIEWS
from storage.language.passage import Passage
from storage.proof import checkpoints
from storage.read.archive import open_archive
from storage.read.find import Finder
from storage.values.arrivals.formats import FORMATS
from storage.values.errors import NoSuchError, RedactedError, RestrictedError
from storage.values.redaction import RedactionReason
from storage.write.copies import copy
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles, redact_passage
from storage.write.redaction.restrict import restrict
from storage.write.redaction.scrub import scrub
from tests.flow.driver import Newsroom, seed
from tests.flow.whole_record import KEY
from tests.serve.conftest import served
from tests.write.kinds_of_input import INPUTS, PUMPED, title, told, word
from worker.cli.commands import app
from worker.cli.redactions import prepare_reading

EXPORTS = ("jsonl", "json", "csv", "parquet", "warc", "warc.gz")


def test_each_input_format_has_a_document_here():
    assert INPUTS.keys() == {each.type for each in FORMATS}


# ------------------------------------------------------------------------------ the search


NOT_PACKED = (
    gzip.BadGzipFile, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, binascii.Error, EOFError,
)  # fmt: skip
"""What libraries raise for bytes that are not in their format."""


def unpacked(blob: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes with everything in them, by other means than the product's."""
    yield blob
    if depth == 4:
        return
    inner: list[bytes] = []
    for opened in (gzip.decompress, zlib.decompress, _zstd):
        with suppress(*NOT_PACKED):
            inner.append(opened(blob))
    with suppress(*NOT_PACKED), zipfile.ZipFile(io.BytesIO(blob)) as packed:
        inner += [packed.read(each) for each in packed.namelist()]
    for found in re.findall(rb"(?:[A-Za-z0-9+/]{40,}\r?\n?)+[A-Za-z0-9+/]*={0,2}", blob):
        with suppress(*NOT_PACKED):
            inner.append(base64.b64decode(found))
    for each in inner:
        yield from unpacked(each, depth + 1)


def _zstd(blob: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(blob, max_output_size=1 << 24)


def spellings(secret: str) -> set[bytes]:
    """Return a word as it may be written; without its last letter, as stems are."""
    written = {secret, secret.replace("ö", "&ouml;"), secret.replace("ö", "\\u00f6"),
               secret.replace("ö", "%C3%B6"), secret.replace("ö", "=C3=B6"), secret.replace("ö", "=F6")}  # fmt: skip
    charsets = ("utf-8", "cp1252", "utf-16-le", "utf-16-be", "cp850")
    found = {each.encode(charset) for each in written for charset in charsets}
    found |= {each.hex().encode() for each in found}
    divided = {f"{each[:6]}<b>{each[6:]}</b>".encode() for each in written}
    return found | divided


def leaks(name: str, blob: bytes) -> list[tuple[str, str]]:
    wanted = {kind: spellings(word(kind)) for kind in INPUTS}
    return [
        (name, kind)
        for part in unpacked(blob)
        for kind, written in wanted.items()
        if any(each in part for each in written)
    ]


# ----------------------------------------------------------------------------- the ways out


REFUSALS: dict[str, tuple[type[Exception], ...]] = {
    "version": (), "observations": (), "changes": (), "history": (), "relations": (),
    "raw": (RedactedError, RestrictedError), "cite": (RedactedError, RestrictedError),
    "blame": (RedactedError, RestrictedError), "diff": (NoSuchError, RedactedError, RestrictedError),
}  # fmt: skip
"""What each way of reading may answer instead of a text; texts with one version have no `diff`."""
PAGES = (
    "/api/articles", "/api/changes", "/api/refusals", "/api/search?q=Lohe", "/feed.atom", "/feed.json",
    "/", "/front", "/search?q=Lohe", "/relations", "/refusals", "/sources", "/statistics", "/jobs",
)  # fmt: skip
ANSWERS = {200: "shown", 410: "redacted", 451: "restricted"}


def ways_out(room: Newsroom, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all outputs of an archive."""
    for kind in EXPORTS:
        target = folder / f"export.{kind}"
        options = () if "warc" in kind else ("--format", kind, "--all-versions")
        assert run(app, ["export", *options, "-o", str(target), "--archive", room.url]) == 0
        yield kind, target.read_bytes()
        if kind == "parquet":
            yield "rows of parquet", str(read_table(target).to_pylist()).encode()
    with open_archive(room.url) as archive:
        names = [each.article for each in archive.articles()]
        for name in names:
            for way, refusals in REFUSALS.items():
                with suppress(*refusals):
                    yield f"{way} {name}", _written(getattr(archive, way)(name))
        for kind in INPUTS:
            found = list(archive.search(word(kind)))
            yield f"search {kind}", word(kind).encode() if found else b""
        for view in VIEWS:
            yield f"sql {view}", _written(list(archive.sql(f"SELECT * FROM {view}").rows))
    with served(room.url) as client:
        for path, name in (*((each, "") for each in PAGES), *product(OF_TEXTS, names)):
            answer = client.get(f"{path}{name}")
            assert answer.status_code in ANSWERS, (path, answer.text)
            yield f"{path} {name}", answer.content
    yield from bundles(room, names, folder)
    yield from merged(room, folder)


OF_TEXTS = ("/api/raw?rev=", "/api/version?rev=", "/a/")


def bundles(room: Newsroom, names: list[str], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a proof of each article, as a bundle and as a web archive."""
    checkpoints.make(room.archive.engine, room.archive.clock, KEY)
    with room.archive.read_connection() as connection:
        signed = checkpoints.latest(connection)
        for name in names:
            found = Finder(connection, ZoneInfo("Europe/Berlin")).versions(name)
            asked = BundleRequest(found, None, "de", "lesart test", room.now)
            for way in (Bundle.write, Bundle.write_wacz):
                packed = io.BytesIO()
                with suppress(RedactedError, RestrictedError):
                    way(Bundle(connection, asked, signed), packed, KEY)
                yield f"{way.__name__} {name}", packed.getvalue()


def merged(room: Newsroom, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what another archive holds that imported this one."""
    home = Path(mkdtemp(dir=folder))
    other = str(home / "other.sqlite3")
    assert run(app, ["merge", room.url, "--archive", other]) in {SUCCESS, NO}, "or some refused"
    yield "merge", Path(other).read_bytes()
    assert run(app, ["export", "-o", str(home / "merged.warc"), "--archive", other]) == 0
    yield "export of merge", (home / "merged.warc").read_bytes()


def _written(found: object) -> bytes:
    if isinstance(getattr(found, "data", None), bytes):
        return found.data  # type: ignore[attr-defined]
    plain = list(found) if isinstance(found, Iterator) else found
    return str(plain).encode()


def stored(room: Newsroom, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield everything that an archive is made of, and its copies."""
    for path in room.root.glob("lesart.sqlite3*"):
        yield path.name, path.read_bytes()
    backup = folder / "backup.sqlite3"
    copy(room.url, str(backup), lambda *_: None)
    yield "backup", backup.read_bytes()
    backup.unlink()
    for table in (
        "capture",
        "foreign_record",
        "wording",
        "derivation",
        "transfer",
        "refusal",
        "teaser",
    ):
        for row in room.rows(f"SELECT * FROM {table}"):
            for name, value in row.items():
                if isinstance(value, (bytes, str, dict, list)):
                    content = value if isinstance(value, bytes) else str(value).encode()
                    yield f"{table} {row['id']} {name}", content


# ---------------------------------------------------------------------------------- the acts


def targets(room: Newsroom) -> list[RedactionTarget]:
    """Return the articles whose own text has a secret word."""
    query = (
        "SELECT DISTINCT v.article_id AS id FROM version v JOIN wording w ON w.id = v.wording_id "
        "WHERE w.text LIKE '%zwölfkernig%' ORDER BY 1"
    )
    return [RedactionTarget(row["id"]) for row in room.rows(query)]


def redact_all_passages(room: Newsroom) -> None:
    for kind in INPUTS:
        redact_passage(
            room.archive, targets(room), Passage.parse(word(kind)), RedactionReason.MISTAKE, "ada",
            prepare_reading, with_copies=True,
        )  # fmt: skip
    scrub(room.archive.engine)


def redact_all_articles(room: Newsroom) -> None:
    found = targets(room)
    redact_articles(room.archive, found, RedactionReason.MISTAKE, "ada", with_copies=True)
    scrub(room.archive.engine)


def restrict_all(room: Newsroom) -> None:
    reason = RedactionReason.GDPR_RESTRICTION
    room.archive.transact(restrict, [each.article_id for each in targets(room)], reason, "ada")


ACTS: dict[str, tuple[Callable[[Newsroom], None], tuple[Callable[..., Iterator], ...]]] = {
    "passage": (redact_all_passages, (ways_out, stored)),
    "article": (redact_all_articles, (ways_out, stored)),
    "restriction": (restrict_all, (ways_out,)),
}
"""Each act with the places that must not hold the text any more."""


def _way(name: str) -> str:
    """Return the way out, without the article or row that it is about."""
    way, _, of = name.partition(" ")
    return f"{way} {of}" if way == "sql" else f"{way} {of.partition(' ')[2]}".strip()


WITHOUT_TEXT = {
    "observations", "relations", "/front", "/api/refusals", "/jobs", "/refusals", "/relations",
    "/sources", "/statistics", "sql addresses", "sql entries", "sql fronts", "sql jobs", "sql noise",
    "sql observations", "sql refusals", "sql relations",
    "sql teasers", "sql transfers",
    *(f"sql {view}" for each in CAPABILITIES for view in each.views),
}  # fmt: skip
"""Ways out that show no word of these texts, of which there are no relations, fronts or entries.

What readers write about texts is tested in `tests/capabilities`.
"""


@pytest.mark.slow
@pytest.mark.postgresql("large")
@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_left_in_any_bytes(room, tmp_path, monkeypatch, act):
    monkeypatch.chdir(tmp_path)
    for kind, (ending, document) in INPUTS.items():
        room.write(f"{kind}.{ending}", document(kind))
    room.scan(0)
    room.ingest("warc.warc", "wacz.wacz", at=1)
    carry_out, places = ACTS[act]
    room.write("seed.txt", seed(title("seed"), told("seed"), PUMPED, f"Neu ist {word('seed')}."))
    room.scan(2)
    shown = {name: leaks(name, blob) for name, blob in ways_out(room, tmp_path)}
    held = {kind for name, blob in stored(room, tmp_path) for _name, kind in leaks(name, blob)}
    assert held == {kind for each in shown.values() for _name, kind in each} == INPUTS.keys()
    silent = {_way(name) for name in shown} - {_way(name) for name, each in shown.items() if each}
    assert silent <= WITHOUT_TEXT, "before, each way out shows something"
    carry_out(room)
    found = [
        each for way in places for name, blob in way(room, tmp_path) for each in leaks(name, blob)
    ]
    assert found == []
    assert room.findings() == []


TASKS: dict[str, tuple[tuple[str, ...], tuple[Callable[..., Iterator], ...]]] = {
    "passage": (("--passage", word("x"), "--reason", "mistake", "--yes"), (stored,)),
    "restriction": (("--restrict", "--reason", "gdpr_restriction"), ()),
}
"""The options of each task, with the places that must not hold the text beside an export."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("task", TASKS)
def test_a_command_leaves_no_word_in_a_mail_a_front_page_or_a_comment(room, tmp_path, task):
    for kind in ("eml", "html", "warc"):
        ending, document = INPUTS[kind]
        room.write(f"{kind}.{ending}", document("x"))
    room.scan(0)
    room.ingest("warc.warc", at=1)
    names = [each["article"] for each in room.rows("SELECT article FROM articles")]
    options, places = TASKS[task]
    written, target = spellings(word("x")), tmp_path / "export.warc"

    def left() -> list[str]:
        assert run(app, ["export", "-o", str(target), "--archive", room.url]) == 0
        blobs = [("export", target.read_bytes())]
        blobs += [each for way in places for each in way(room, tmp_path)]
        parts = ((name, part) for name, blob in blobs for part in unpacked(blob))
        return [name for name, part in parts if any(each in part for each in written)]

    assert left(), "before, it is found"
    given = ["redact", *names, *options, "--with-copies", "--archive", room.url]
    assert run(app, given) == 0
    assert left() == []
