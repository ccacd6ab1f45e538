"""Records of WARC and ARC files are yielded one by one, with their exact bytes, despite damage between them."""

import gzip
import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warcs import answer, packed, record, request, response, revisit, warcinfo
from worker.sources.containers.gunzip import Gunzip, UnsafeArchiveError
from worker.sources.containers.items import Limits
from worker.sources.web_archives.record_group import RecordGroup, exchanges
from worker.sources.web_archives.warc import (
    BEGINNING_BYTES,
    DamagedRecord,
    NoRecordError,
    WebRecord,
    web_records,
)

URL = "https://zeitung.example/pegel"
DATE = "2024-06-18T06:00:00Z"
PAGE = answer(b"<html>Der Pegel steigt.</html>")
ABOUT = b"1 0 Probe\nURL IP-address Archive-date Content-type Archive-length\n"
ARC = (
    (
        b"filedesc://probe.arc 0.0.0.0 20240618060000 text/plain %d\n" % len(ABOUT)
        + ABOUT
        + b"\nhttps://zeitung.example/pegel 192.0.2.7 20240618060000 text/html %d\n" % len(PAGE)
    )
    + PAGE
    + b"\n"
)


def found(
    data: bytes, limit: int = 10_000, *, is_packed: bool = False
) -> list[WebRecord | DamagedRecord]:
    stream: io.RawIOBase | io.BytesIO = io.BytesIO(data)
    if is_packed:
        stream = Gunzip(io.BytesIO(data), Limits(), is_ratio_bounded=True)
    return list(web_records(stream, limit))


def kinds(records) -> list[str]:
    return [each.reason if isinstance(each, DamagedRecord) else each.kind for each in records]


def test_each_record_keeps_its_exact_bytes():
    first, second = warcinfo(), response(URL, DATE, PAGE)
    (one, two) = found(first + second)
    assert one.head + one.block + b"\r\n\r\n" == first
    assert two.head + two.block + b"\r\n\r\n" == second
    assert (two.kind, two.field("warc-target-uri"), two.number) == ("response", URL, 2)


@given(st.lists(st.binary(max_size=300), max_size=6), st.booleans())
def test_blocks_of_any_bytes_come_back_as_they_were(blocks, is_packed):
    records = [record("resource", URL, DATE, block) for block in blocks]
    data = packed(*records) if is_packed else b"".join(records)
    assert [each.block for each in found(data, is_packed=is_packed and bool(records))] == blocks


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data):
    try:
        found(warcinfo() + data)
        found(data)
    except NoRecordError:
        pass


def test_one_gzip_stream_of_many_records_is_read_as_well():
    whole = gzip.compress(warcinfo() + response(URL, DATE, PAGE))
    assert kinds(found(whole, is_packed=True)) == ["warcinfo", "response"]


def test_a_folded_line_and_any_line_end_are_read():
    block = record("resource", URL, DATE, b"Hallo").replace(b"\r\n", b"\n")
    folded = block.replace(b"WARC-Date: ", b"WARC-Date:\n ")
    (one,) = found(folded)
    assert one.field("warc-date") == DATE
    assert one.block == b"Hallo"


def test_an_arc_file_gives_the_same_fields():
    (_about, one) = found(ARC)
    assert one.kind == "response"
    assert one.is_arc
    assert one.field("warc-target-uri") == URL
    assert one.field("warc-date") == DATE
    assert one.field("warc-ip-address") == "192.0.2.7"
    assert one.block == PAGE
    assert one.id is None


def test_a_malformed_web_archive_is_reported():
    with pytest.raises(NoRecordError):
        found(b"date 2024-06 Regen\n\nEs regnet.")


def test_the_good_records_before_the_end_of_a_truncated_file_stay():
    data = warcinfo() + response(URL, DATE, PAGE) + response(URL, DATE, PAGE)
    (_info, whole, cut) = found(data[: -len(PAGE) // 2])
    assert not whole.is_cut
    assert cut.is_cut
    assert PAGE.startswith(cut.block)


def test_the_good_records_before_the_end_of_a_truncated_gzip_stay():
    data = packed(warcinfo(), response(URL, DATE, PAGE), response(URL, DATE, PAGE * 9))
    told = found(data[:-40], is_packed=True)
    assert kinds(told[:2]) == ["warcinfo", "response"]
    assert told[2].is_cut
    assert len(told) == 3


def test_records_behind_a_damaged_gzip_part_are_found():
    parts = [packed(each) for each in (warcinfo(), response(URL, DATE, PAGE), request(URL, DATE))]
    parts[1] = parts[1][:60] + b"\x00\xff" * 10 + parts[1][80:]
    told = found(b"".join(parts), is_packed=True)
    assert kinds(told)[0] == "warcinfo"
    assert kinds(told)[-1] == "request"
    assert len(told) == 3


def test_damage_between_records_is_reported_once_and_skipped():
    data = warcinfo() + b"\x01\x02 garbage\nmore of it\n" + request(URL, DATE)
    assert kinds(found(data)) == [
        "warcinfo",
        "other bytes precede its beginning",
        "request",
    ]


@pytest.mark.parametrize("length", ["-1", "abc", "", "9" * 30])
def test_a_record_without_a_length_is_passed_and_the_next_one_is_read(length):
    bad = record("response", URL, DATE, b"").replace(
        b"Content-Length: 0", b"Content-Length: " + length.encode()
    )
    assert kinds(found(bad + request(URL, DATE))) == [
        "its head names no type or no length",
        "request",
    ]


def test_a_head_that_goes_on_and_on_is_not_held_in_memory():
    bad = b"WARC/1.0\r\n" + b"X-A: " + b"a" * 3_000_000 + b"\r\n\r\n"
    told = found(bad + request(URL, DATE))
    assert kinds(told)[0] == "its head is too long"
    assert kinds(told)[-1] == "request"


def test_of_a_block_beyond_the_limit_only_the_beginning_is_held():
    data = record("response", URL, DATE, b"x" * 500_000) + request(URL, DATE)
    (large, after) = found(data, limit=1000)
    assert large.is_too_large
    assert (large.size, len(large.block)) == (500_000, BEGINNING_BYTES)
    assert after.kind == "request"


def test_a_bomb_ends_the_reading():
    bomb = packed(record("response", URL, DATE, b"\0" * 30_000_000))
    stream = Gunzip(io.BytesIO(bomb), Limits(), is_ratio_bounded=True)
    with pytest.raises(UnsafeArchiveError, match="grows"):
        list(web_records(stream, 10_000))


# ----------------------------------------------------------------------------- what goes together


def together(*records: bytes) -> list[tuple[str, ...] | str]:
    """Return the groups of records, and single ones."""
    told: list[tuple[str, ...] | str] = []
    for each in exchanges(web_records(io.BytesIO(b"".join(records)), 10_000)):
        if isinstance(each, RecordGroup):
            told.append((each.main.kind, *(beside.kind for beside in each.companions)))
        elif isinstance(each, WebRecord):
            told.append(each.kind)
    return told


OTHER = "https://zeitung.example/deich"
LATER = "2024-06-18T07:00:00Z"
NAMED = record("response", URL, DATE, PAGE, fields=[("WARC-Record-ID", "<urn:uuid:1>")])


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(
            [response(URL, DATE, PAGE), request(URL, DATE)], [("response", "request")], id="behind"
        ),
        pytest.param(
            [request(URL, DATE), response(URL, DATE, PAGE)], [("response", "request")], id="before"
        ),
        pytest.param(
            [request(URL, LATER, to="<urn:uuid:1>"), NAMED], [("response", "request")], id="named"
        ),
        pytest.param(
            [request(OTHER, DATE), response(URL, DATE, PAGE)], ["request", ("response",)],
            id="another address",
        ),
        pytest.param(
            [response(URL, DATE, PAGE), request(URL, LATER)], [("response",), "request"],
            id="another time",
        ),
        pytest.param(
            [
                response(URL, DATE, PAGE), request(URL, DATE),
                revisit(URL, LATER, of=b"x"), request(URL, LATER),
            ],
            [("response", "request"), ("revisit", "request")],
            id="two captures of one address",
        ),
        pytest.param(
            [
                record("metadata", URL, DATE, b"via: x", fields=[("WARC-Concurrent-To", "<urn:uuid:1>")]),
                NAMED,
            ],
            [("response", "metadata")],
            id="metadata",
        ),
        pytest.param(
            [request(URL, DATE, to="<urn:uuid:9>"), NAMED], ["request", ("response",)],
            id="named for another one",
        ),
        pytest.param(
            [record("conversion", URL, DATE, b"x"), NAMED], ["conversion", ("response",)],
            id="a conversion",
        ),
    ],
)  # fmt: skip
def test_companions_are_next_to_their_capture(records, expected):
    assert together(*records) == expected


def test_a_response_may_name_its_request():
    asked = record(
        "request",
        URL,
        LATER,
        b"GET / HTTP/1.1\r\n\r\n",
        fields=[("WARC-Record-ID", "<urn:uuid:2>")],
    )
    answered = record("response", URL, DATE, PAGE, fields=[("WARC-Concurrent-To", "<urn:uuid:2>")])
    assert together(asked, answered) == [("response", "request")]


def test_only_useful_companions_are_held():
    many = [request(OTHER, f"2024-06-18T06:00:{n:02}Z") for n in range(59)]
    assert together(*many, response(URL, DATE, PAGE)) == ["request"] * 59 + [("response",)]


def test_a_capture_knows_what_its_file_says_of_itself():
    told = list(
        exchanges(web_records(io.BytesIO(warcinfo("eins") + response(URL, DATE, PAGE)), 10_000))
    )
    assert b"eins" in told[0].about.block


GIGABYTE = 1_000_000_000
HUGE = (
    b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
    b"WARC-Target-URI: https://zeitung.example/film\r\nWARC-Date: 2024-06-18T06:00:00Z\r\n"
    b"Content-Length: %d\r\n\r\n"
)


def sparse(path: Path, beginning: bytes, size: int, end: bytes = b"") -> list:
    """Read a file with a hole of some gigabytes, which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size)
        file.seek(size)
        file.write(end)
    begun = time.thread_time()
    with path.open("rb") as stream:
        records = list(web_records(stream, 10_000))
    assert time.thread_time() - begun < 5
    return records


def test_a_file_of_forty_gigabytes_of_nothing_is_no_web_archive(tmp_path):
    with pytest.raises(NoRecordError, match="blank bytes"):
        sparse(tmp_path / "a.warc", b"", 40 * GIGABYTE)


def test_a_hole_behind_a_record_ends_the_file_and_is_reported(tmp_path):
    one, hole = sparse(tmp_path / "a.warc", response(URL, DATE, PAGE), 40 * GIGABYTE)
    assert one.kind == "response"
    assert "blank bytes" in hole.reason
    assert "the rest was not read" in hole.reason


def test_a_block_of_forty_gigabytes_is_passed_over_without_reading_it(tmp_path):
    beginning = HUGE % (40 * GIGABYTE)
    end = b"\r\n\r\n" + response(URL, DATE, PAGE)
    film, page = sparse(tmp_path / "a.warc", beginning, len(beginning) + 40 * GIGABYTE, end)
    assert (film.is_too_large, film.is_cut, film.size) == (True, False, 40 * GIGABYTE)
    assert (page.kind, page.block) == ("response", PAGE)


def test_a_block_that_is_longer_than_its_file_is_cut(tmp_path):
    beginning = HUGE % (40 * GIGABYTE)
    (film,) = sparse(tmp_path / "a.warc", beginning, 30 * GIGABYTE)
    assert (film.is_too_large, film.is_cut) == (True, True)
