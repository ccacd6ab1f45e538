"""Lists of captures: the forms of CDX servers, TimeMaps in link format, and the selection."""

import json
from datetime import UTC, datetime

import pytest

from storage.values.net.web_archive import WebArchive, read_web_archive
from worker.sources.web_archives.capture_list import (
    CaptureListError,
    CaptureSelection,
    parse_cdx,
    parse_timemap,
)

ARCHIVE = WebArchive("a", "cdx", "https://a.example/cdx", "https://a.example/{timestamp}id_/{url}")
URL = "https://zeitung.example/a?b=1"
ROW = {"timestamp": "20240618080000", "url": URL, "mime": "text/html", "digest": "D"}
MEMENTO = f'<http://a.example/c/20240618080000mp_/{URL}>; rel="first memento"; datetime="x, y"'


def listed(*rows: dict[str, str]):
    body = "\n".join(json.dumps({**ROW, **row}) for row in rows)
    return parse_cdx(body.encode(), ARCHIVE)


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
        parse_cdx(body, ARCHIVE)


def test_a_timemap_lists_captures_and_further_timemaps():
    further = '<http://a.example/map/2/x>; rel="timemap"; from="Tue, 18 Jun 2024 08:00:00 GMT"'
    body = f'<{URL}>; rel="original",\n<http://a.example/map/x>; rel=self,\n{MEMENTO},\n{further},'
    captures, maps = parse_timemap(body.encode())
    assert [each.address for each in captures] == [f"http://a.example/c/20240618080000id_/{URL}"]
    assert captures[0].url == captures[0].origin == URL
    assert maps == ["http://a.example/map/2/x"]
    assert parse_timemap(b"") == ([], [])


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
        parse_timemap(body.encode())


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
