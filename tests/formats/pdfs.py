"""PDF documents for the tests, written object by object: lines of text at fixed places."""

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

A4 = (595, 842)


class Line(NamedTuple):
    """One line of text; `y` is counted from the bottom of the page, in points."""

    text: str
    y: float
    x: float = 60
    size: float = 10
    font: str = "F1"


def text_lines(
    texts: Iterable[str], top: float = 760, *, x: float = 60, size: float = 10
) -> list[Line]:
    """Return lines from `top` downwards; an empty text leaves a gap."""
    step = size * 1.3
    return [Line(text, top - step * n, x, size) for n, text in enumerate(texts) if text]


def _string(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    for character in (b"\\", b"(", b")"):
        raw = raw.replace(character, b"\\" + character)
    return b"(" + raw + b")"


def content(lines: Sequence[Line]) -> bytes:
    return b"\n".join(
        b"BT /%s %g Tf 1 0 0 1 %g %g Tm %s Tj ET"
        % (line.font.encode(), line.size, line.x, line.y, _string(line.text))
        for line in lines
    )


def pdf(
    *pages: Sequence[Line] | bytes, info: dict[str, str] | None = None, size: tuple = A4,
    catalog: str = "", encrypt: str = "", compress: bool = True, form: bytes = b"",
) -> bytes:  # fmt: skip
    """Return a document with one page for each list of lines, or for each stream of content.

    `form` is the content of a form that the pages, and the form itself, draw by `/X Do`.
    """
    count = len(pages)
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(count))
    fonts = "".join(
        f"/F{n} << /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >> "
        for n, name in enumerate(("Helvetica", "Helvetica-Bold"), start=1)
    )
    objects: list[bytes] = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        f"<< /Font << {fonts} >> /XObject << /X {5 + 2 * count} 0 R >> >>".encode(),
        b"<< "
        + b" ".join(
            b"/%s %s" % (key.encode(), b"<" + ("\ufeff" + value).encode("utf-16-be").hex().encode() + b">")
            for key, value in (info or {}).items()
        )
        + b" >>",
    ]  # fmt: skip
    for number, page in enumerate(pages):
        stream = page if isinstance(page, bytes) else content(page)
        packed = zlib.compress(stream, 9) if compress else stream
        kind = b"/Filter /FlateDecode " if compress else b""
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Resources 3 0 R"
            f" /Contents {6 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< %s/Length %d >>\nstream\n%s\nendstream" % (kind, len(packed), packed))
    objects.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 %d %d] /Resources 3 0 R /Length %d >>\n"
        b"stream\n%s\nendstream" % (*size, len(form), form)
    )
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R {encrypt} >>"
    return bytes(out + f"trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode())
