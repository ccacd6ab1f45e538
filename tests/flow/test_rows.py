"""Files of many rows: how many are read, and how rows without a text are refused."""

import gzip
import io
import json
import time
import zipfile
from dataclasses import replace

import pytest

from tests.flow.processes import lesart, rows
from worker.sources.listings.listing import MOST_ENTRIES, MOST_REJECTED, read_listing

TEXTLESS = 3_000
TEXT = "Der Pegel der Lohe stieg in der Nacht um 3,6 Zentimeter."
ALSO = "Am Morgen zählte die Feuerwehr vierzig nasse Keller."


def table(separator: str, number: int = TEXTLESS) -> bytes:
    lines = ["title,text".replace(",", separator), f'Pegel{separator}"{TEXT}"']
    return "\n".join([*lines, *[f"Nur ein Titel{separator}"] * number, ""]).encode()


def records(number: int = TEXTLESS) -> list[dict[str, str]]:
    return [{"title": "Pegel", "text": TEXT}, *[{"title": "Nur ein Titel", "text": " "}] * number]


def packed(raw: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", raw)
    return stream.getvalue()


FILES = {
    "a.csv": lambda: table(","),
    "a.tsv": lambda: table("\t"),
    "a.jsonl": lambda: "".join(json.dumps(each) + "\n" for each in records()).encode(),
    "a.json": lambda: json.dumps(records()).encode(),
    "a.csv.gz": lambda: gzip.compress(table(",")),
    "a.zip": lambda: packed(table(",")),
}


@pytest.mark.parametrize("name", FILES)
def test_rows_without_a_text_are_refused_together(room, name):
    room.write(name, FILES[name]())
    counts = room.scan(0)
    assert (counts.new_articles, counts.refused) == (1, 1)
    (refusal,) = room.rows("SELECT code, message FROM refusals")
    assert refusal["code"] == "rows_without_text"
    assert refusal["message"].startswith(f"{TEXTLESS} rows have no text")
    assert room.number("SELECT count(*) FROM observation") == 2
    assert room.scan(1).refused == 1
    assert room.number("SELECT count(*) FROM observation") == 2


FIRST, *OTHERS = FILES


@pytest.mark.parametrize(
    "name", [FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_at_most_the_configured_number_of_rows_is_read(tmp_path, name):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / name).write_bytes(FILES[name]())
    ended = lesart(tmp_path, "up", "--once", max_container_rows="40")
    assert ended.returncode == 1, ended.stderr
    found = {each["code"]: each for each in rows(tmp_path, "refusals")}
    assert {*found} == {"too_many_rows", "rows_without_text"}
    assert "more than 40 rows" in found["too_many_rows"]["message"]
    assert found["rows_without_text"]["message"].startswith("39 rows")
    assert "max_container_rows" in found["too_many_rows"]["hint"]
    assert len(rows(tmp_path, "list")) == 1
    assert lesart(tmp_path, "verify").returncode == 0


def test_a_row_that_loses_its_text_is_refused_by_itself(room):
    room.write("a.csv", f"id,title,text\n1,Pegel,{json.dumps(TEXT)}\n2,Keller,{json.dumps(ALSO)}\n")
    assert room.scan(0).new_articles == 2
    room.write("a.csv", f"id,title,text\n1,Pegel,\n2,Keller,{json.dumps(ALSO)}\n")
    counts = room.scan(1)
    assert (counts.refused, counts.gone) == (1, 0)
    assert [each["code"] for each in room.rows("SELECT code FROM refusals")] == ["no_body"]
    assert {each["state"] for each in room.rows("SELECT state FROM articles")} == {"present"}


@pytest.mark.parametrize("name", ["a.csv", "a.zip"])
def test_rows_beyond_the_limit_are_not_gone(room, name):
    lines = "id,text\n" + "".join(f'{number},"{TEXT} {number}"\n' for number in range(9))
    raw = lines.encode()
    room.write(name, raw if name == "a.csv" else packed(raw))
    assert room.scan(0).new_articles == 9
    room.settings = replace(room.settings, max_container_rows=5)
    raw += b"\n"
    room.write(name, raw if name == "a.csv" else packed(raw))
    counts = room.scan(1)
    assert (counts.gone, counts.refused) == (0, 1)


@pytest.mark.slow  # 12 MB
def test_a_table_of_millions_of_rows_ends_soon(tmp_path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.csv").write_bytes(b"title,text\n" + b"a,\n" * 4_000_000)
    begin = time.monotonic()
    ended = lesart(tmp_path, "up", "--once")
    assert ended.returncode == 1
    assert time.monotonic() - begin < 240
    assert {each["code"] for each in rows(tmp_path, "refusals")} == {
        "too_many_rows", "rows_without_text"
    }  # fmt: skip
    assert (tmp_path / "lesart-data" / "lesart.sqlite3").stat().st_size < 20_000_000


def test_lists_of_addresses_are_bounded():
    def read(kind: str, raw: str):
        return read_listing(kind, raw.encode(), "file:///a", None, lambda _host, _port: False)

    lines = "\n".join(f"https://a.example/{n}" for n in range(MOST_ENTRIES + 1))
    assert read("list", lines).code == "too_many_entries"
    bad = read("list", "https://a.example/1\n" + "never\n" * 5_000)
    assert len(bad.rejected) == MOST_REJECTED + 1
    assert "4899 others" in bad.rejected[-1][1].message
    feeds = "".join(f'<outline xmlUrl="https://a.example/{n}"/>' for n in range(MOST_ENTRIES + 1))
    assert read("opml", f"<opml><body>{feeds}</body></opml>").code == "too_many_entries"
