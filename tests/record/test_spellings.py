"""Which spellings of a text are found in bytes, and which ones the document names as limits."""

import base64
import json
import quopri
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.record.contents.phrases import Phrases

SECRET = "Ada Kern verließ am Abend die Schleuse ohne ein Wort zu sagen"
TEXT = f"Vorher steht ein Satz. {SECRET}. Danach steht noch einer."
PAGE = Path(__file__).parents[2] / "docs" / "redaction.md"


def deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


def each_letter(spell: Callable[[str], str]) -> bytes:
    return "".join(map(spell, TEXT)).encode()


CODED = base64.b64encode(TEXT.encode())
FOUND = {
    "an entity four times": each_letter(lambda c: f"&amp;amp;amp;#{ord(c)};"),
    "a code point in braces": each_letter(lambda c: f"\\u{{{ord(c):x}}}"),
    "a tag with > in an attribute": TEXT.replace("e", "<i title='a>b'>e</i>").encode(),
    "split character data": f"<a><![CDATA[{']]><![CDATA['.join(TEXT)}]]></a>".encode(),
    "base64": CODED,
    "octal escapes": each_letter(lambda c: f"\\{ord(c):03o}"),
    "surrogate pairs": each_letter(
        lambda c: json.dumps(chr(0x1D41A + ord(c) - ord("a")) if "a" <= c <= "z" else c)[1:-1]
    ),
}
LIMITS = {
    "A<!-- a>b -->da": TEXT.replace("e", "<!-- a>b -->e").encode(),
    r"\41 da": each_letter(lambda c: f"\\{ord(c):x} "),
    "raw deflate": deflate(TEXT.encode()),
    "quoted-printable": quopri.encodestring(TEXT.encode()),
    "shorter than 40": b"\n".join(CODED[at : at + 20] for at in range(0, len(CODED), 20)),
    "directly behind": b"abc" + CODED,
}


@pytest.mark.parametrize("raw", FOUND.values(), ids=FOUND)
def test_a_spelling_hides_no_text(raw):
    assert Phrases([SECRET]).find_in_bytes(raw).phrases == {SECRET}


@pytest.mark.parametrize("named", LIMITS)
def test_each_limit_is_named_and_true(named):
    assert named in PAGE.read_text("utf-8")
    assert not Phrases([SECRET]).find_in_bytes(LIMITS[named]).phrases
