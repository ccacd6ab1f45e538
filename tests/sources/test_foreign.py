"""The outcome of a capture of a web archive: a text, an absence, an answer of the server."""

import gzip
import io
import zipfile
from datetime import UTC, datetime

import pytest

from tests.warcs import (
    answer,
    packed,
    page,
    record,
    request,
    response,
    revisit,
    sha1,
    wacz,
    warcinfo,
)
from worker.sources.containers.items import Foreign, Limits, PassedOver, RefusedDocument
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.sources.web_archives.capture import outcome_of
from worker.text.file_types import detect_type
from worker.web.outcome import meaning_of

URL = "https://zeitung.example/pegel"
DATE = "2024-06-18T06:00:00Z"
PAGE = page("Der Pegel steigt", "Am Morgen zählte die Feuerwehr vierzig nasse Keller.")


def holds(data: bytes, name: str = "probe.warc", **limits: int):
    return list(members_of_bytes(name, data, MemberHints(detect_type, limits=Limits(**limits))))


def told(each) -> str:
    match each:
        case Foreign(capture=capture):
            return capture.refused.code if capture.refused else capture.outcome
        case RefusedDocument():
            return each.refused.code
        case PassedOver():
            return each.reason
    raise AssertionError(each)


def the_capture(data: bytes, name: str = "probe.warc", **limits: int):
    (found,) = holds(data, name, **limits)
    assert isinstance(found, Foreign), found
    return found.capture


def test_a_page_comes_with_its_address_time_and_headers():
    found = the_capture(
        warcinfo() + request(URL, DATE) + response(URL, DATE, answer(PAGE), fields=[("WARC-IP-Address", "192.0.2.7")])
    )  # fmt: skip
    assert found.origin == URL
    assert found.observed_at == datetime(2024, 6, 18, 6, tzinfo=UTC)
    assert found.raw == PAGE
    assert found.hints["type"] == "html"
    assert found.hints["charset"] == "utf-8"
    assert found.hints["url"] == URL
    assert found.http_status == 200
    assert found.transfer.is_foreign
    assert found.transfer.peer == "192.0.2.7"
    assert found.transfer.request["headers"][0] == ["Host", "zeitung.example"]
    assert [each.kind for each in found.records] == ["response", "request", "warcinfo"]


def test_a_pdf_that_a_server_sent_is_a_capture():
    address = "https://zeitung.example/amtsblatt.pdf"
    found = the_capture(response(address, DATE, answer(b"%PDF-1.7 ...", kind="application/pdf")))
    assert (found.origin, found.hints["type"], found.refused) == (address, "pdf", None)


def test_the_records_of_a_capture_are_kept_bit_for_bit():
    packed = gzip.compress(PAGE, mtime=0)
    written = response(URL, DATE, answer(packed, headers={"Content-Encoding": "gzip"}))
    found = the_capture(written)
    main = found.records[0]
    assert main.head + main.opening + main.payload + b"\r\n\r\n" == written
    assert found.raw == PAGE
    assert found.transfer.body == packed
    assert found.transfer.body_encoding == "gzip"


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        ("203 Non-Authoritative", {}, "captured"),
        ("206 Partial Content", {}, "capture_incomplete"),
        ("301 Moved Permanently", {"Location": "/neu"}, "redirected"),
        ("302 Found", {}, "an answer with status 302"),
        ("304 Not Modified", {}, "not_modified"),
        ("401 Unauthorized", {}, "blocked"),
        ("403 Forbidden", {}, "blocked"),
        ("404 Not Found", {}, "gone"),
        ("410 Gone", {}, "gone"),
        ("429 Too Many Requests", {}, "rate_limited"),
        ("418 I'm a Teapot", {}, "blocked"),
        ("451 Unavailable For Legal Reasons", {}, "gone"),
        ("500 Internal Server Error", {}, "unreachable"),
        ("503 Service Unavailable", {}, "unreachable"),
        ("204 No Content", {}, "an answer with status 204"),
    ],
)
def test_a_status_is_an_outcome(status, headers, expected):
    block = answer(PAGE, status=status, headers=headers)
    assert [told(each) for each in holds(response(URL, DATE, block))] == [expected]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(response(URL, DATE, answer(b"\x89PNG", kind="image/png")), "of type image/png", id="a picture"),
        pytest.param(response(URL, DATE, answer(b"{}", kind="application/json")), "of type application/json", id="data"),
        pytest.param(response(URL + ".css", DATE, answer(PAGE)), "a part of pages, or a text for programs", id="a style sheet"),
        pytest.param(response("https://zeitung.example/robots.txt", DATE, answer(b"x", kind="text/plain")), "a part of pages, or a text for programs", id="robots.txt"),
        pytest.param(response("dns:zeitung.example", DATE, b"zeitung.example. A 192.0.2.7"), "of an address that no text has", id="a name"),
        pytest.param(response(URL, DATE, answer(PAGE)) + request(URL, DATE, method="POST"), "an answer to POST", id="an answer to POST"),
        pytest.param(record("resource", "metadata://probe/log", DATE, b"x", fields=[("Content-Type", "text/plain")]), "of an address that no text has", id="a log"),
        pytest.param(record("metadata", URL, DATE, b"via: x"), "a metadata record that goes with no capture", id="metadata alone"),
        pytest.param(response(URL, "2024", answer(PAGE)), "record_invalid", id="no time"),
        pytest.param(response(URL, "2999-06-18T05:00:00Z", answer(PAGE)), "record_invalid", id="a time of the future"),
        pytest.param(record("response", URL, DATE, b"Hallo"), "record_invalid", id="no answer"),
        pytest.param(b"", "web_archive_invalid", id="nothing"),
        pytest.param(b"Es regnet.\n", "web_archive_invalid", id="a text"),
    ],
)  # fmt: skip
def test_a_document_without_text_is_passed_over_or_refused(records, expected):
    assert [told(each) for each in holds(records)] == [expected]


@pytest.mark.parametrize("status", range(200, 600))
def test_a_foreign_status_means_the_same_as_a_status_of_our_own_request(status):
    meant = meaning_of(status, is_conditional=True).outcome
    found = outcome_of(status, (("Location", "/neu"),))
    if status == 206:  # never asked for by us
        assert found == "captured"
    elif found is not None:
        assert found == meant
    else:
        assert meant in {"not_article", "unreachable"}


def test_a_wrong_request_does_not_hide_its_answer():
    mistaken = record("request", URL, DATE, b"HTTP/1.1 200 OK\r\n\r\n")
    assert [told(each) for each in holds(response(URL, DATE, answer(PAGE)) + mistaken)] == [
        "captured"
    ]


def test_plain_text_that_a_server_sent_is_read_as_text():
    found = the_capture(response(URL, DATE, answer(b"Es regnet.", kind="text/plain")))
    assert found.hints["type"] == "seed"


def test_a_page_without_a_type_is_known_by_its_beginning():
    assert the_capture(response(URL, DATE, answer(PAGE, kind=None))).hints["type"] == "html"
    assert (
        told(holds(response(URL, DATE, answer(b"Es regnet.", kind=None)))[0]) == "of type unknown"
    )


# ------------------------------------------------------------------------------------- doubts

CUT = PAGE[: len(PAGE) // 2]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        pytest.param(
            response(URL, DATE, answer(CUT, headers={"Content-Length": str(len(PAGE))})),
            "its end is missing", id="shorter than the server said",
        ),
        pytest.param(
            response(URL, DATE, answer(CUT), fields=[("WARC-Truncated", "length")]),
            "the capture was stopped early", id="truncated by the crawler",
        ),
        pytest.param(
            response(URL, DATE, answer(CUT), fields=[("WARC-Segment-Number", "1")]),
            "it goes on in another record", id="a segment",
        ),
        pytest.param(
            response(URL, DATE, answer(PAGE))[: -len(PAGE) // 2],
            "the web archive ends within it", id="the file is truncated",
        ),
    ],
)  # fmt: skip
def test_a_part_of_a_page_is_kept_and_not_read(written, reason):
    found = the_capture(written)
    assert found.refused.code == "capture_incomplete"
    assert reason in found.refused.message
    assert found.raw


def test_a_page_with_its_end_mark_is_complete_despite_a_broken_transfer():
    headers = {"Content-Length": str(len(PAGE) + 1)}
    assert the_capture(response(URL, DATE, answer(PAGE, headers=headers))).refused is None


@pytest.mark.parametrize("field", ["WARC-Block-Digest", "WARC-Payload-Digest"])
def test_a_wrong_digest_is_flagged_and_the_capture_is_taken(field):
    written = record("response", URL, DATE, answer(PAGE), fields=[(field, sha1(b"another"))])
    found = the_capture(written)
    assert (told(holds(written)[0]), found.hints["flags"]) == ("captured", ["digest_mismatch"])


def test_a_digest_of_the_body_without_its_codings_is_right_as_well():
    block = answer(gzip.compress(PAGE), headers={"Content-Encoding": "gzip"})
    written = record("response", URL, DATE, block, fields=[("WARC-Payload-Digest", sha1(PAGE))])
    assert "flags" not in the_capture(written).hints


def test_a_file_that_is_too_large_is_refused_before_and_after_unpacking():
    large = PAGE * 100
    assert [told(e) for e in holds(response(URL, DATE, answer(large)), document=1000)] == [
        "too_large_decoded"
    ]
    squeezed = answer(gzip.compress(large), headers={"Content-Encoding": "gzip"})
    assert [told(e) for e in holds(response(URL, DATE, squeezed), document=5000)] == [
        "too_large_decoded"
    ]
    huge = response(URL, DATE, answer(b"x" * 2_000_000))
    assert [told(e) for e in holds(huge, document=1000)] == ["too_large"]


# ----------------------------------------------------------------------------------- revisits


def test_a_revisit_names_the_repeated_capture():
    found = the_capture(revisit(URL, DATE, of=PAGE, refers_to=(URL + "?utm_source=x", DATE)))
    assert found.is_repeat
    assert found.repeats.origin == URL
    assert found.repeats.observed_at == datetime(2024, 6, 18, 6, tzinfo=UTC)
    assert found.repeats.payload_digest.startswith("sha1:")


def test_a_revisit_of_a_picture_is_passed_over():
    written = revisit(URL, DATE, of=b"x", block=answer(kind="image/png"))
    assert [told(each) for each in holds(written)] == ["of type image/png"]


@pytest.mark.parametrize(
    ("profile", "outcome"),
    [
        ("http://netpreserve.org/warc/1.1/revisit/identical-payload-digest", "captured"),
        ("http://netpreserve.org/warc/1.1/revisit/server-not-modified", "not_modified"),
    ],
)
def test_a_revisit_without_a_head_is_recognised_by_its_profile(profile, outcome):
    assert the_capture(revisit(URL, DATE, of=PAGE, block=b"", profile=profile)).outcome == outcome


# ------------------------------------------------------------------------------------ resources


@pytest.mark.parametrize(
    ("uri", "kind", "origin", "read_as"),
    [
        ("seed:presse/K%C3%BCche%20neu.txt", "text/plain", "seed:presse/Küche neu.txt", "seed"),
        ("seed:presse/a.md", "text/markdown", "seed:presse/a.md", "markdown"),
        ("seed:presse/a.jsonl#7", "application/json", "seed:presse/a.jsonl#7", "json"),
        ("file:///srv/a%20b.html", "text/html", "file:///srv/a b.html", "html"),
        (URL, "text/html; charset=latin1", URL, "html"),
    ],
)
def test_a_resource_is_a_capture_of_its_origin(uri, kind, origin, read_as):
    found = the_capture(record("resource", uri, DATE, PAGE, fields=[("Content-Type", kind)]))
    assert (found.origin, found.hints["origin"], found.hints["type"]) == (origin, origin, read_as)
    assert found.raw == PAGE


# ----------------------------------------------------------------------------------------- WACZ

WARC = packed(warcinfo(), response(URL, DATE, answer(PAGE)), request(URL, DATE))


@pytest.mark.parametrize(
    "name", ["archive/data.warc.gz", "archive/data.warc", "archive/2024/a.WARC.GZ"]
)
def test_the_web_archives_in_a_wacz_are_read(name):
    found = the_capture(wacz({name: WARC, "pages/pages.jsonl": b"{}"}), "probe.wacz")
    assert found.raw == PAGE
    assert found.locator.startswith(f"probe.wacz#{name}#urn:uuid:")
    assert "flags" not in found.hints


def test_a_web_archive_that_is_not_as_the_wacz_lists_it_flags_its_captures():
    found = the_capture(
        wacz({"archive/data.warc.gz": WARC}, listed={"archive/data.warc.gz": b"another"}), "probe.wacz"
    )  # fmt: skip
    assert found.hints["flags"] == ["digest_mismatch"]


def bad_wacz(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, WARC)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"no zip", "archive_unsafe", id="no zip"),
        pytest.param(wacz({"pages/pages.jsonl": b"{}"}), "web_archive_invalid", id="nothing in it"),
        pytest.param(bad_wacz("archive/../../a.warc.gz"), "archive_unsafe", id="a path that leads out"),
        pytest.param(wacz({"archive/a.warc": b"Hallo"}), "web_archive_invalid", id="no WARC in it"),
    ],
)  # fmt: skip
def test_a_bad_wacz_is_refused(data, expected):
    assert [told(each) for each in holds(data, "probe.wacz")] == [expected]


@pytest.mark.parametrize(("name", "made"), [("a.warc.gz", packed), ("a.warc", bytes)])
def test_a_wacz_with_a_bomb_is_refused(name, made):
    bomb = made(record("response", URL, DATE, b"\0" * 30_000_000))
    data = wacz({f"archive/{name}": bomb})
    assert [told(each) for each in holds(data, "probe.wacz")] == ["archive_unsafe"]


def test_a_wacz_with_too_many_entries_is_refused():
    data = wacz({f"pages/{n}": b"" for n in range(20)} | {"archive/a.warc.gz": WARC})
    assert [told(each) for each in holds(data, "probe.wacz", entries=10)] == ["archive_unsafe"]


def test_a_truncated_web_archive_in_a_wacz_gives_its_good_records():
    found = holds(wacz({"archive/a.warc.gz": WARC[:-30]}), "probe.wacz")
    assert "captured" in map(told, found)


def test_a_web_archive_in_a_tar_is_read_and_a_wacz_in_one_is_not():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.warc.gz", WARC)
        archive.writestr("b.wacz", wacz({"archive/a.warc.gz": WARC}))
    assert [told(each) for each in holds(out.getvalue(), "probe.zip")] == [
        "captured",
        "archive_unsafe",
    ]


def test_an_arc_file_is_known_by_its_name_and_gzip_by_its_bytes():
    assert told(holds(WARC, "probe.arc")[0]) == "captured"
    assert told(holds(WARC, "probe.warc.gz")[0]) == "captured"


@pytest.mark.parametrize("end", [b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nServer: a\r\nCont"])
def test_a_capture_that_ends_in_its_head_is_reported(end):
    whole = response(URL, DATE, answer(PAGE, headers={"Server": "a"}))
    written = whole[: whole.index(b"HTTP/1.1 200")] + end
    assert [told(each) for each in holds(written)] == ["capture_incomplete"]
