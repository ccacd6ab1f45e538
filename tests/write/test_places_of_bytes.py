"""What is redacted or restricted is in no bytes: of any input format, by any way out."""

import base64
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from storage.cli.exits import run
from storage.read.archive import open_archive
from storage.values.arrivals.formats import FORMATS
from storage.values.redaction import RedactionReason
from storage.write.copies import copy
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles, redact_passage
from storage.write.redaction.restrict import restrict
from storage.write.redaction.scrub import scrub
from tests.flow.driver import Newsroom
from tests.serve.conftest import served
from tests.write.kinds_of_input import INPUTS, word
from worker.cli.commands import app
from worker.cli.redactions import prepare_reading

EXPORTS = ("jsonl", "json", "csv", "parquet", "warc", "warc.gz")


def test_each_input_format_has_a_document_here():
    assert INPUTS.keys() == {each.type for each in FORMATS}


# ------------------------------------------------------------------------------ the search


def unpacked(blob: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes with everything in them, by other means than the product's."""
    yield blob
    if depth == 4:
        return
    inner: list[bytes] = []
    with suppress(Exception):
        inner.append(gzip.decompress(blob))
    with suppress(Exception):
        inner.append(zlib.decompress(blob))
    with suppress(Exception):
        inner.append(zstandard.ZstdDecompressor().decompress(blob, max_output_size=1 << 24))
    with suppress(Exception), zipfile.ZipFile(io.BytesIO(blob)) as packed:
        inner += [packed.read(each) for each in packed.namelist()]
    for found in re.findall(rb"(?:[A-Za-z0-9+/]{40,}\r?\n?)+[A-Za-z0-9+/]*={0,2}", blob):
        with suppress(Exception):
            inner.append(base64.b64decode(found))
    for each in inner:
        yield from unpacked(each, depth + 1)


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


def ways_out(room: Newsroom, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield everything that an archive hands out."""
    for kind in EXPORTS:
        target = folder / f"export.{kind}"
        options = () if "warc" in kind else ("--format", kind, "--all-versions")
        assert run(app, ["export", *options, "-o", str(target), "--archive", room.url]) == 0
        yield kind, target.read_bytes()
    with open_archive(room.url) as archive:
        names = [each.article for each in archive.articles()]
        for name in names:
            for way in ("version", "raw", "diff", "cite", "blame", "observations", "changes"):
                with suppress(Exception):
                    found = getattr(archive, way)(name)
                    yield f"{way} {name}", _written(found)
        for kind in INPUTS:
            yield f"search {kind}", _written(list(archive.search(word(kind)))) * 0
        views = ("articles", "versions", "fields", "changes", "entries", "observations",
                 "transfers", "teasers", "refusals", "rights", "noise", "decisions")  # fmt: skip
        for view in views:
            with suppress(Exception):
                yield f"sql {view}", _written(list(archive.sql(f"SELECT * FROM {view}").rows))
    with served(room.url) as client:
        for path in (
            "/api/articles",
            "/api/changes",
            "/feeds/changes.atom",
            "/",
            "/changes",
            "/front",
        ):
            yield path, client.get(path).content
        for name in names:
            for path in (f"/api/raw?rev={name}", f"/api/show?rev={name}", f"/a/{name}"):
                yield path, client.get(path).content


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
            room.archive, targets(room), word(kind), RedactionReason.MISTAKE, "ada",
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


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_left_in_any_bytes(room, tmp_path, act):
    for kind, (ending, document) in INPUTS.items():
        room.write(f"{kind}.{ending}", document(kind))
    room.scan(0)
    room.ingest("warc.warc", "wacz.wacz", at=1)
    carry_out, places = ACTS[act]
    held = {
        kind for way in (ways_out, stored) for name, blob in way(room, tmp_path)
        for _name, kind in leaks(name, blob)
    }  # fmt: skip
    assert held == INPUTS.keys(), "before, the search finds each of them"
    carry_out(room)
    found = [
        each for way in places for name, blob in way(room, tmp_path) for each in leaks(name, blob)
    ]
    assert found == []
    assert room.findings() == []
