"""Documents of every input format with a unique word in their text and next to it."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage

from tests.flow.driver import seed
from tests.formats import agency, office, pdfs
from tests.warcs import answer, response, wacz, warcinfo
from tests.warcs import page as saved_page

PUMPED = "Die Feuerwehr kam am Morgen und pumpte die vierzig nassen Keller der Altstadt leer."
DAY = "2024-06-18T06:00:00Z"
HOST = "https://zeitung.example"


def word(kind: str) -> str:
    """Return the secret word of a kind of input; with an umlaut, so that charsets matter."""
    return f"{kind}zwölfkernig"


def title(kind: str) -> str:
    return f"Bericht von {word(kind)} am Pegel der Lohe"


def told(kind: str) -> str:
    return f"Am Montag sah {word(kind)} an der Lohe, wie das Wasser stieg und die Keller füllte."


def comment(kind: str) -> str:
    """Return markup that no reader takes for the text: the word, divided by a tag and written in entities."""
    spelled = word(kind).replace("ö", "&ouml;")
    return f"<!-- {spelled} --><div class=comments><p>Ich meine, {spelled[:6]}<b>{spelled[6:]}</b></p></div>"


def _html(kind: str) -> bytes:
    return saved_page(title(kind), told(kind), PUMPED).replace(
        b"</article>", f"</article>{comment(kind)}".encode()
    )


def _record(kind: str) -> dict[str, object]:
    named = {f"Rolle {word(kind)}": "ja"}
    return {"id": "1", "title": title(kind), "text": f"{told(kind)}\n\n{PUMPED}", "extra": named}


def _json(kind: str) -> bytes:
    return json.dumps(_record(kind)).encode()


def _table(kind: str, between: str) -> bytes:
    row = ["1", title(kind), f'"{told(kind)}"']
    return f"{between.join(('id', 'title', 'text'))}\n{between.join(row)}\n".encode()


def _mail(kind: str) -> bytes:
    """Return a mail with the word only in its attachment."""
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Presse der Stadt am Dienstag", "presse@stadt.example"
    mail["Date"] = "Tue, 18 Jun 2024 08:00:00 +0200"
    mail.set_content(f"Anbei ein Bericht.\n\n{PUMPED}\n")
    content = seed(title(kind), told(kind), PUMPED).encode()
    mail.add_attachment(content, maintype="text", subtype="plain", filename="bericht.txt")
    return mail.as_bytes()


def _zip(kind: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bericht.html", _html(kind))
    return packed.getvalue()


def _tar(kind: str) -> bytes:
    packed, content = io.BytesIO(), _html(kind)
    with tarfile.open(fileobj=packed, mode="w") as archive:
        told_of = tarfile.TarInfo("bericht.html")
        told_of.size = len(content)
        archive.addfile(told_of, io.BytesIO(content))
    return packed.getvalue()


def _odt(kind: str) -> bytes:
    heading = f'<text:h text:outline-level="1">{title(kind)}</text:h>'
    return office.odt(f"{heading}<text:p>{told(kind)}</text:p><text:p>{PUMPED}</text:p>")


def _pdf(kind: str) -> bytes:
    lines = pdfs.text_lines([told(kind)[:60], told(kind)[60:], "", PUMPED[:50], PUMPED[50:]], 700)
    return pdfs.pdf([pdfs.Line(title(kind), 760, size=20, font="F2"), *lines])


def _warc(kind: str) -> bytes:
    """Return a page, the page of another text that shows its teaser, a feed and a front page."""
    own = f"{HOST}/lokales/{kind}-bericht-am-pegel-4711"
    teaser = f'<a href="{own}">{title(kind)}</a><p>Lesen Sie, was {word(kind)} sah.</p>'
    other = saved_page(f"Ganz anderes aus {kind}", PUMPED, PUMPED.replace("vierzig", "elf"))
    beside = other.replace(b"</article>", f"</article><aside>{teaser}</aside>".encode())
    feed = (
        f"<rss version='2.0'><channel><title>Zeitung</title><item><title>{title(kind)}</title>"
        f"<link>{own}</link><description>&lt;p&gt;{told(kind)}&lt;/p&gt;</description></item>"
        "</channel></rss>"
    )
    front = (
        f"<html><body><main>{''.join(f'<h2>{teaser}</h2>' for _ in range(9))}</main></body></html>"
    )
    pages = {
        own: _html(kind), f"{HOST}/{kind}-anderes-4712": beside,
        f"{HOST}/{kind}/feed.xml": feed.encode(), f"{HOST}/{kind}/": front.encode(),
    }  # fmt: skip
    return warcinfo() + b"".join(response(at, DAY, answer(body)) for at, body in pages.items())


INPUTS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "seed": ("txt", lambda kind: seed(title(kind), told(kind), PUMPED).encode("utf-16")),
    "markdown": ("md", lambda kind: f"# {title(kind)}\n\n{told(kind)}\n\n{PUMPED}\n".encode("cp1252")),
    "html": ("html", _html),
    "json": ("json", _json),
    "jsonl": ("jsonl", lambda kind: _json(kind) + b"\n"),
    "csv": ("csv", lambda kind: _table(kind, ",")),
    "tsv": ("tsv", lambda kind: _table(kind, "\t")),
    "eml": ("eml", _mail),
    "docx": ("docx", lambda kind: office.docx(office.paragraph(title(kind), "Titel"), told(kind), PUMPED)),
    "odt": ("odt", _odt),
    "pdf": ("pdf", _pdf),
    "ninjs": ("ninjs", lambda kind: agency.ninjs(told(kind), PUMPED, uri=f"urn:x:{kind}", headline=title(kind))),
    "newsml": ("xml", lambda kind: agency.newsml(told(kind), PUMPED, guid=f"urn:y:{kind}")),
    "tar": ("tar", _tar),
    "zip": ("zip", _zip),
    "warc": ("warc", _warc),
    "wacz": ("wacz", lambda kind: wacz({"archive/data.warc": _warc(kind)})),
}  # fmt: skip
"""A document of each input format: the ending of its file, and its bytes."""
