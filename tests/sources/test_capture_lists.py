"""Lists of captures: the forms of CDX servers, TimeMaps in link format, and the selection."""

import json
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from storage.values.net.web_archive import WebArchive, read_web_archive
from worker.sources.web_archives.capture_list import (
    CaptureListError,
    CaptureSelection,
    ListedCapture,
    parse_cdx,
    parse_timemap,
)

ARCHIVE = WebArchive("a", "cdx", "https://a.example/cdx", "https://a.example/{timestamp}id_/{url}")
URL = "https://zeitung.example/a?b=1"
ROW = {"timestamp": "20240618080000", "url": URL, "mime": "text/html", "digest": "D"}
MEMENTO = f'<http://a.example/c/20240618080000mp_/{URL}>; rel="first memento"; datetime="x, y"'


def listed(*rows: dict[str, str]):
    body = "\n".join(json.dumps({**ROW, **row}) for row in rows)
    return list(parse_cdx(body.encode(), ARCHIVE))


def test_rows_and_lines_of_a_cdx_server_are_the_same_captures():
    names = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
    row = ["example,zeitung)/a", "20240618080000", URL, "text/html", "-", "D", "100"]
    rows = json.dumps([names, row, [], ["next"]][:2]).encode()
    (capture,) = parse_cdx(rows, ARCHIVE)
    assert [capture] == listed({"status": "-"})
    assert capture.address == f"https://a.example/20240618080000id_/{URL}"
    assert (capture.digest, capture.http_status) == ("sha1:D", None)
    assert capture.observed_at == datetime(2024, 6, 18, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        b'[["timestamp","original"],["2024061808',
        b'{"timestamp": "20240618080000", "url": "http',
        b'[["timestamp","original"],["20240618080000"]]',
        b'{"timestamp": "20240618080000"}',
        b'{"timestamp": "20249918080000", "url": "http://b.example/"}',
        b'["a", "b"]',
        b"3",
        b"[" * 100_000,
        b"<html>busy</html>",
    ],
)
def test_an_incomplete_or_strange_cdx_list_is_no_list(body):
    with pytest.raises(CaptureListError):
        list(parse_cdx(body, ARCHIVE))


def test_a_timemap_lists_captures_and_further_timemaps():
    further = '<http://a.example/map/2/x>; rel="timemap"; from="Tue, 18 Jun 2024 08:00:00 GMT"'
    body = f'<{URL}>; rel="original",\n<http://a.example/map/x>; rel=self,\n{MEMENTO},\n{further},'
    capture, further_map = parse_timemap(body.encode())
    assert isinstance(capture, ListedCapture)
    assert capture.address == f"http://a.example/c/20240618080000id_/{URL}"
    assert capture.url == capture.origin == URL
    assert further_map == "http://a.example/map/2/x"
    assert list(parse_timemap(b"")) == []


@pytest.mark.parametrize(
    "body",
    [
        MEMENTO[:-1],
        f"{MEMENTO} {MEMENTO}",
        "<html>busy</html>",
        '<http://a.example/x>; rel="memento"',
    ],
)
def test_an_incomplete_or_strange_timemap_is_no_list(body):
    with pytest.raises(CaptureListError):
        list(parse_timemap(body.encode()))


LINE = b'{"timestamp": "20240618080000", "url": "http://b.example/"}'
HOSTILE: dict[str, tuple[str, bytes, bytes, bytes]] = {
    "one link with many attributes": ("timemap", b"<http://a.example/x>", b";a=b", b""),
    "one attribute with many relations": ("timemap", b'<http://a.example/x>;rel="', b"a ", b'"'),
    "blanks between attributes": ("timemap", b"<http://a.example/x>;rel=a", b" ", b";a=b"),
    "an attribute that never ends": ("timemap", b'<http://a.example/x>;rel="', b"a", b""),
    "many further TimeMaps": ("timemap", b"", b"<http://a.example/x>;rel=timemap,", b""),
    "many links without a relation": ("timemap", b"", b"<a>,", b""),
    "many captures": ("timemap", b"", MEMENTO.encode() + b",", b""),
    "many lines": ("cdx", b"", LINE + b"\n", b""),
    "many lines of objects": ("cdx", LINE, b"{}\n", b""),
    "a line with many fields": ("cdx", b'{"timestamp": "20240618080000", "url": [', b"{},", b"1]}"),
    "a line with a long text": ("cdx", b'{"timestamp": "20240618080000", "url": "', b"a", b'"}'),
    "a line that never ends": ("cdx", b'{"timestamp": "', b"a", b""),
    "blank lines": ("cdx", LINE, b"\n", LINE),
    "many rows": ("cdx", b'[["timestamp","url"]', b',["20240618080000","http://b.example/"]', b"]"),
    "many empty rows": ("cdx", b'[["timestamp","url"]', b",[]", b"]"),
    "a row with many fields": ("cdx", b'[["timestamp","url"],[', b"[],", b"1]]"),
    "many names of fields": ("cdx", b'[["timestamp","url"', b',""', b"]]"),
    "nested lists": ("cdx", b"", b"[", b""),
    "a sign of four bytes in many rows": ("cdx", b'[["timestamp","url","\xf0\x9f\x98\x80"]', b",[]", b"]"),
}  # fmt: skip
"""Lists that are made to be expensive: the kind, and the beginning, what is repeated, and the end."""


def work_on(name: str, size: int) -> tuple[float, int]:
    """Return the seconds of processor time and the most memory that such a list of a size takes."""
    kind, begin, repeated, end = HOSTILE[name]
    body = begin + repeated * (size // len(repeated)) + end
    tracemalloc.start()
    begun = time.thread_time()
    try:
        for _ in parse_cdx(body, ARCHIVE) if kind == "cdx" else parse_timemap(body):
            pass
    except CaptureListError:
        pass
    finally:
        spent, peak = time.thread_time() - begun, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return spent, peak


@pytest.mark.few_cases
@pytest.mark.parametrize("name", HOSTILE)
def test_a_list_costs_what_its_length_allows(name):
    short, long = 1 << 15, 1 << 17
    seconds, _ = work_on(name, short)
    for _ in range(6):  # another process may disturb one of them
        more, peak = work_on(name, long)
        if more <= 8 * max(seconds, 0.001):
            break
        seconds = work_on(name, short)[0]
    assert more <= 8 * max(seconds, 0.001)
    _, twice = work_on(name, 2 * long)
    assert twice - peak < 12 * long, "it keeps the answer, its text, and one row"


def hours(selection: CaptureSelection, *rows: dict[str, str]) -> list[int]:
    selected, skipped = selection.apply(listed(*rows))
    assert len(selected) + skipped <= len(rows)
    assert {each.repeats.hour for each in selected if each.repeats} <= {1}
    return [each.observed_at.hour for each in selected]


def test_the_selection_skips_repeats_but_the_last_and_everything_that_is_no_page():
    rows = [
        {"timestamp": f"20240618{hour:02}0000", "digest": digest, "mime": mime}
        for hour, digest, mime in (
            (3, "B", "text/html"), (1, "A", "text/html"), (2, "A", "warc/revisit"),
            (4, "A", "text/html"), (5, "-", "unk"), (6, "-", "unk"), (7, "C", "image/png"),
        )
    ]  # fmt: skip
    assert hours(CaptureSelection(), *rows) == [1, 2, 3, 4, 5, 6]
    assert hours(CaptureSelection(at_most=2), *rows) == [5, 6]
    assert hours(CaptureSelection(every=7200.0), *rows) == [1, 2, 3, 5]
    low, high = (datetime(2024, 6, 18, hour, tzinfo=UTC) for hour in (2, 4))
    assert hours(CaptureSelection(since=low, until=high), *rows) == [2, 3, 4]


@pytest.mark.parametrize(
    "entry",
    [
        "a", "a=cdx https://a.example/cdx", "a=map https://a.example/{url}",
        "a=timemap https://a.example/", "a=cdx https://a.example/ https://a.example/{url}",
        "a b=timemap https://a.example/{url}", "a=timemap ftp://a.example/{url}",
    ],
)  # fmt: skip
def test_an_invalid_entry_is_refused(entry):
    with pytest.raises(ValueError, match=r"web archive|does not contain"):
        read_web_archive(entry)
