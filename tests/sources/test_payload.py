"""Codings are removed from a body where it has them, within bounds, and a missing part is noticed."""

import gzip
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from worker.sources.containers.gunzip import GrownTooLargeError
from worker.sources.web_archives.http_message import (
    answer_of,
    body_of,
    content_type,
    request_of,
)
from worker.sources.web_archives.record_digest import matches_digest, parse_digest, sha1_name

TEXT = ("Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter. " * 40).encode()


def chunked(data: bytes, size: int = 100) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_each_coding_comes_off(coding):
    body = body_of(CODINGS[coding](TEXT), (("Content-Encoding", coding),), 10_000)
    assert (body.raw, body.codings, body.is_whole) == (TEXT, (coding,), True)


def test_codings_come_off_in_the_other_order_than_they_were_put_on():
    twice = brotli.compress(gzip.compress(TEXT))
    headers = (("Content-Encoding", "gzip, br"), ("Transfer-Encoding", "chunked"))
    body = body_of(chunked(twice), headers, 10_000)
    assert body.raw == TEXT
    assert body.codings == ("chunked", "br", "gzip")


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_any_chunked_body_is_decoded(data, size):
    body = body_of(chunked(data, size), (("Transfer-Encoding", "chunked"),), 10_000)
    assert (body.raw, body.is_whole) == (data, True)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "x", "gzip,br"]))
def test_no_bytes_break_the_decoders(data, coding):
    headers = (("Content-Encoding", coding), ("Transfer-Encoding", "chunked"))
    assert isinstance(body_of(data, headers, 100_000).raw, bytes)


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        pytest.param(TEXT, (("Content-Encoding", "gzip"),), id="gzip"),
        pytest.param(TEXT, (("Content-Encoding", "br"), ("Content-Length", "9999999")), id="br"),
        pytest.param(TEXT, (("Transfer-Encoding", "chunked"),), id="chunked"),
        pytest.param(b"<html>" + TEXT, (("Content-Encoding", "rot13"),), id="one nobody knows"),
        pytest.param(b"5\r\n Cent mehr kostet das Brot.", (("Transfer-Encoding", "chunked"),), id="a number first"),
    ],
)  # fmt: skip
def test_a_body_whose_codings_were_taken_off_before_stays_as_it_is(payload, headers):
    body = body_of(payload, headers, 100_000)
    assert (body.raw, body.codings, body.is_whole) == (payload, (), True)


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        pytest.param(TEXT[:-1], (("Content-Length", str(len(TEXT))),), id="shorter than it says"),
        pytest.param(chunked(TEXT)[:-5], (("Transfer-Encoding", "chunked"),), id="no last chunk"),
        pytest.param(chunked(TEXT)[:950], (("Transfer-Encoding", "chunked"),), id="half a chunk"),
        pytest.param(
            gzip.compress(TEXT)[:60],
            (("Content-Encoding", "gzip"), ("Content-Length", str(len(gzip.compress(TEXT))))),
            id="half of gzip",
        ),
    ],
)
def test_a_missing_part_is_noticed(payload, headers):
    assert not body_of(payload, headers, 10_000).is_whole


def test_more_than_the_limit_is_not_given():
    bomb = gzip.compress(b"\0" * 50_000_000)
    for payload, coding in ((bomb, "gzip"), (gzip.compress(bomb), "gzip, gzip"), (b"x" * 2000, "")):
        with pytest.raises(GrownTooLargeError):
            body_of(payload, (("Content-Encoding", coding),), 1000)


def test_codings_beyond_the_limit_stay_on():
    packed = TEXT
    for _ in range(6):
        packed = gzip.compress(packed)
    headers = (("Content-Encoding", ", ".join(["gzip"] * 6)),)
    assert body_of(packed, headers, 10_000).raw == packed


# ------------------------------------------------------------------------------------ messages


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", ("text/html", None)),
        ("Text/HTML;charset=UTF-8", ("text/html", "UTF-8")),
        ('text/html; x=y; charset="iso-8859-1"', ("text/html", "iso-8859-1")),
        ("text/html; charset={charset}", ("text/html", None)),
        ("text/html; charset=" + "a" * 500, ("text/html", None)),
        ("text/html\r\n ; charset=utf-8", ("text/html", "utf-8")),
        ("", ("", None)),
        (";;;", ("", None)),
    ],
)
def test_types_and_charsets_are_read(value, expected):
    assert content_type((("Content-Type", value),)) == expected


@pytest.mark.parametrize(
    "message", [b"", b"<html>", b"HTTP/1.1", b"HTTP/1.1 abc\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_a_malformed_response_is_none(message):
    assert answer_of(message) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_messages(data):
    answer_of(b"HTTP/1.1 200 OK\r\n" + data)
    request_of(b"G" + data)


def test_an_answer_falls_into_head_and_payload_without_a_byte_lost():
    message = b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nNoColon\r\n\r\n\r\nHallo"
    answer = answer_of(message)
    assert answer is not None
    assert answer.head + answer.payload == message
    assert answer.payload == b"\r\nHallo"


# ------------------------------------------------------------------------------------- digests


@pytest.mark.parametrize(
    "named",
    [
        "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
        "SHA-1:3i42h3s6nnfq2msvx7xzkyayscx5qbyj",
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_digests_are_read_in_any_spelling(named):
    assert matches_digest(named, b"")
    assert not matches_digest(named, b"x")


@pytest.mark.parametrize("named", [None, "", "sha1:", "crc32:abc", "sha1:????", "3I42H3S6"])
def test_a_digest_that_no_one_can_read_accuses_no_one(named):
    assert parse_digest(named) is None
    assert matches_digest(named, b"x")


@given(st.binary(max_size=50))
def test_the_name_of_a_payload_fits_it(payload):
    assert parse_digest(sha1_name(payload)) == sha1_name(payload)
    assert matches_digest(sha1_name(payload), payload)
