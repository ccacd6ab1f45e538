"""Documents of newsrooms: office documents, PDFs, and items of agencies."""

from storage.capabilities.hooks import Capability, Format

DOCUMENTS = Capability(
    name="documents",
    document="documents.md",
    parts=("format_readers",),
    formats=(
        Format(
            "docx", (".docx",),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
            "a Word document: headline, paragraphs by their styles, footnotes, properties",
            # The parts may be in any order.
            signature=rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/|word/).*?word/",
        ),
        Format(
            "odt", (".odt",), ("application/vnd.oasis.opendocument.text",),
            "a LibreOffice document, read in the same way",
            signature=rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.text",
        ),
        Format(
            "pdf", (".pdf",), ("application/pdf",),
            "a PDF with a text layer: headline, paragraphs without page headers, page numbers and"
            " hyphenation",
            signature=rb"%PDF-",
        ),
        Format(
            "ninjs", (".ninjs",), ("application/ninjs+json",),
            "items of an agency in ninjs (News in JSON), single, in a list or in a package; `.json`"
            " files are recognised by their keys",
            # An object, or a list of objects, that has an identifier and one more key of ninjs.
            signature=rb'(?=(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*\{\s*"))'
            rb'(?=.*"(?:uri|guid)"\s*:\s*")(?=.*(?i:"(?:versioncreated|pubstatus|representationtype)"\s*:\s*"))',
            is_item=True, parts=rb'"associations"', text_key="bod",
        ),
        Format(
            "newsml", (".xml",), ("application/vnd.iptc.g2.newsitem+xml",),
            "items of an agency in NewsML-G2, single or in one message, with their texts in NITF,"
            " XHTML or plain text",
            signature=rb"(?:\xef\xbb\xbf)?\s*+(?:(?><\?[^>]{0,300}\?>|<!--.{0,2000}?-->)\s*+){0,10}+"
            rb"<(?:[\w-]{1,30}:)?\w{1,30}\s[^>]*iptc\.org/std/nar/2006-10-01/",
            is_item=True,
            parts=rb"<(?:[\w.-]{1,100}:)?newsItem[\s>].*?<(?:[\w.-]{1,100}:)?newsItem[\s>]",
        ),
    ),
)  # fmt: skip
