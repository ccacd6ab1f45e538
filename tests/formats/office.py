"""Office documents for the tests, written part by part."""

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
TITLE = "Deich hält: Entwarnung am Hafen"
BODY = (
    "Der Deich am Hafen hält dem Hochwasser stand, sagt die Leiterin des Amtes am Dienstag.",
    "Die Fähre bleibt bis zum Abend im Hafen, teilt die Reederei mit. Danach fährt sie wieder.",
)

STYLES = f"""<w:styles xmlns:w="{W}">
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Mein"><w:name w:val="Mein"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="Zitat"><w:name w:val="Quote"/></w:style>
</w:styles>"""
CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">
<dc:title>Vorlage 7</dc:title><dc:creator>Jo Müller</dc:creator><dc:language>de-DE</dc:language>
<dcterms:created>2019-01-02T08:00:00Z</dcterms:created>
<dcterms:modified>2024-06-18T08:30:00Z</dcterms:modified></cp:coreProperties>"""


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, stored)
    return stream.getvalue()


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(content: str, style: str = "") -> str:
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}{content if content.startswith('<') else run(content)}</w:p>"


def docx(*paragraphs: str, **parts: str | bytes) -> bytes:
    """Return a document of these paragraphs; `parts` are further parts, or None to leave one out."""
    body = "".join(each if each.startswith("<w:p>") else paragraph(each) for each in paragraphs)
    known = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": "<Relationships/>",
        "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": STYLES,
        "docProps/core.xml": CORE,
    }
    return packed(known | {name.replace("__", "/"): value for name, value in parts.items()})


ODT_META = f"""<office:document-meta xmlns:office="{OFFICE}:office:1.0" xmlns:meta="{OFFICE}:meta:1.0"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>Vorlage 7</dc:title>
<meta:initial-creator>Jo Müller</meta:initial-creator><dc:creator>Ada Kern</dc:creator>
<dc:date>2024-06-18T10:30:00</dc:date><meta:keyword>Hafen</meta:keyword><meta:keyword>Deich</meta:keyword>
</office:meta></office:document-meta>"""
ODT_STYLES = f"""<office:document-styles xmlns:office="{OFFICE}:office:1.0" xmlns:text="{OFFICE}:text:1.0"
 xmlns:style="{OFFICE}:style:1.0"><office:master-styles><style:master-page><style:header>
<text:p>Pressestelle · Seite <text:page-number>1</text:page-number></text:p></style:header>
</style:master-page></office:master-styles></office:document-styles>"""


def odt(body: str, *, automatic: str = "", **parts: str | bytes) -> bytes:
    content = (
        f'<office:document-content xmlns:office="{OFFICE}:office:1.0" xmlns:text="{OFFICE}:text:1.0"'
        f' xmlns:style="{OFFICE}:style:1.0" xmlns:fo="{OFFICE}:xsl-fo-compatible:1.0"'
        f' xmlns:draw="{OFFICE}:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    known = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml": "<manifest/>",
        "content.xml": content,
        "styles.xml": ODT_STYLES,
        "meta.xml": ODT_META,
    }
    return packed(known | {name.replace("__", "/"): value for name, value in parts.items()})
