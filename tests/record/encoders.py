"""Ways to write a text so that a reader of its bytes sees other letters. Each takes and returns bytes."""

import base64
import gzip
import json
import quopri
import zlib
from collections.abc import Callable
from urllib.parse import quote

Encoder = Callable[[bytes], bytes]


def _letters(spell: Callable[[str], str]) -> Encoder:
    def encode(raw: bytes) -> bytes:
        return "".join(map(spell, _text(raw))).encode()

    return encode


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _lines(length: int) -> Encoder:
    def encode(raw: bytes) -> bytes:
        coded = base64.b64encode(raw)
        return b"\n".join(coded[at : at + length] for at in range(0, len(coded), length))

    return encode


def _deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


def _in_json(raw: bytes) -> bytes:
    return json.dumps({"a": base64.b64encode(raw).decode()}).replace("/", "\\/").encode()


def _entities(times: int) -> Encoder:
    return _letters(lambda letter: f"&{'amp;' * (times - 1)}#{ord(letter)};")


def _surrogates(letter: str) -> str:
    mathematical = 0x1D41A + ord(letter) - ord("a") if "a" <= letter <= "z" else ord(letter)
    return json.dumps(chr(mathematical))[1:-1]


ENCODERS: dict[str, Encoder] = {
    "base64": base64.b64encode,
    "base64 without padding": lambda raw: base64.b64encode(raw).rstrip(b"="),
    "base64 for addresses": base64.urlsafe_b64encode,
    "base64 in lines of 76": base64.encodebytes,
    "base64 in lines of 20": _lines(20),
    "base64 in lines of 7": _lines(7),
    "base64 behind one byte": lambda raw: base64.b64encode(b"x" + raw),
    "base64 behind two bytes": lambda raw: base64.b64encode(b"xy" + raw),
    "base64 behind three digits": lambda raw: b"abc" + base64.b64encode(raw),
    "base64 in JSON": _in_json,
    "base64 in a path": lambda raw: b"/p/" + base64.urlsafe_b64encode(raw).rstrip(b"=") + b"/x.html",
    "quoted-printable": quopri.encodestring,
    "deflate": _deflate,
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "percent": lambda raw: "".join(f"%{byte:02X}" for byte in raw).encode(),
    "percent where needed": lambda raw: quote(raw).encode(),
    "entities": _entities(1),
    "entities twice": _entities(2),
    "entities four times": _entities(4),
    "entities in hexadecimal": _letters(lambda letter: f"&#x{ord(letter):x};"),
    "JSON": _letters(lambda letter: json.dumps(letter)[1:-1] if ord(letter) > 126 else f"\\u{ord(letter):04x}"),
    "surrogate pairs": _letters(_surrogates),
    "braces": _letters(lambda letter: f"\\u{{{ord(letter):x}}}"),
    "octal": _letters(lambda letter: f"\\{ord(letter):03o}" if ord(letter) < 256 else letter),
    "style sheet": _letters(lambda letter: f"\\{ord(letter):x} "),
    "UTF-16": lambda raw: _text(raw).encode("utf-16"),
    "UTF-16, high byte first": lambda raw: _text(raw).encode("utf-16-be"),
    "UTF-32": lambda raw: _text(raw).encode("utf-32"),
    "tags": _letters(lambda letter: f"<i title='a>b'>{letter}</i>" if letter == "e" else letter),
    "comments": _letters(lambda letter: f"<!-- a>b -->{letter}" if letter == "e" else letter),
    "character data": lambda raw: f"<a><![CDATA[{']]><![CDATA['.join(_text(raw))}]]></a>".encode(),
    "invisible": _letters(lambda letter: f"\u200b{letter}\u00ad"),
}  # fmt: skip
