"""The encoding of a page."""

import pytest

from storage.values.refusals import RefusalReason
from worker.text.page.layout.charset import decode_page

TEXT = "Größe der Straße: schön"


@pytest.mark.parametrize(
    ("raw", "header", "flags"),
    [
        pytest.param(TEXT.encode(), None, (), id="undeclared UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), "iso-8859-1", (), id="byte order mark over header"),
        pytest.param(TEXT.encode("utf-16"), "iso-8859-1", (), id="UTF-16 with mark"),
        pytest.param(TEXT.encode("cp1252"), "iso-8859-1", (), id="header"),
        pytest.param(b'<meta charset="iso-8859-1">' + TEXT.encode("cp1252"), None, (), id="meta"),
        pytest.param(b'<META http-equiv=Content-Type content="text/html; charset=ISO-8859-15">' + TEXT.encode("iso-8859-15"), None, (), id="http-equiv"),
        pytest.param(b'<meta charset="utf-8">' + TEXT.encode("cp1252"), "cp1252", ("encoding_conflict",), id="header over meta"),
        pytest.param(b'<meta charset="iso-8859-1">' + TEXT.encode(), "utf-8", ("encoding_conflict",), id="header utf-8 over meta"),
        pytest.param(b'<meta charset="x-unheard-of">' + TEXT.encode(), None, (), id="unknown label"),
        pytest.param(TEXT.encode("cp1252"), None, ("encoding_guessed",), id="nothing declared"),
        pytest.param(TEXT.encode("cp1252"), "base64", ("encoding_guessed",), id="a codec that is no charset"),
        pytest.param(b"<meta charset=latin1>" + TEXT.encode(), None, (), id="an old label on UTF-8"),
    ],
)  # fmt: skip
def test_the_encoding_is_known_by_mark_header_meta_and_bytes(raw, header, flags):
    decoded = decode_page(raw, header)
    assert decoded.text.endswith(TEXT)
    assert decoded.flags == flags


def test_damaged_utf_8_is_repaired_and_flagged():
    raw = b"<p>" + ("Größe der Straße. " * 40).encode() + b"\xff" + b" Ende"
    decoded = decode_page(raw, "utf-8")
    assert decoded.text.endswith("\ufffd Ende")
    assert "encoding_repaired" in decoded.flags


def test_bytes_that_are_no_text_are_refused():
    outcome = decode_page(bytes(range(256)) * 20)
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "binary"
