"""Collect the images of an article with address, caption and credit."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml.html import HtmlElement

from worker.text.annotate.roles import is_promo
from worker.text.page.fields.head import absolute_url
from worker.text.page.layout.blocks import Layout, class_and_id, single_line_text, split_camel_case
from worker.text.page.layout.candidates import CandidateCollector

_MAX_IMAGES = 50
_LONGEST_CREDIT = 120  # characters
_ADDRESS_ATTRIBUTES = ("data-src", "data-original", "data-lazy-src", "src", "data-srcset", "srcset")

PLACEHOLDER = re.compile(
    r"placeholder|lazy-?load|spacer|blank\.|pixel\.|/1x1|loading\.(?:gif|svg)", re.IGNORECASE
)
"""An address of a placeholder for an image that is loaded later.

>>> bool(PLACEHOLDER.search("/img/grey-placeholder.png"))
True
"""

_KINDS = (
    "fotos?|bild(?:er)?|bildquelle|bildnachweis|bildrechte|quelle|grafik|illustration|archivfoto"
    "|symbolbild|symbolfoto|photo(?:graph)?s?|image|picture|credit|source|copyright"
)
CREDIT = re.compile(
    rf"""(?:(?:^|(?<=[\s(|/.,–-]))(?:(?:{_KINDS})[ ]?:|©|\(c\))
    |(?:^|(?<=[.(|/])|(?<=[.(|/][ ]))(?:{_KINDS})[ ](?:by|von)[ ])
    [ ]?:?[ ]?(?P<name>[^:|\n]{{2,120}}?)\)?[ .]*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
"""The credit at the end of a caption.

>>> CREDIT.search("Der Deich von oben. Foto: Ada Kern/dpa")["name"]
'Ada Kern/dpa'
>>> CREDIT.search("Der Deich (© KB)")["name"], CREDIT.search("Der Deich: ein Bild von Wert")
('KB', None)
"""

CREDIT_LABEL = re.compile(
    r"(?:^|[\s_-])(?:credits?|copyright|source|quelle|photographer|fotograf|author|rights|licen[cs]e|bildnachweis"
    r"|bildquelle|agency)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class of the credit of an image.

>>> bool(CREDIT_LABEL.search("image__copyright")), bool(CREDIT_LABEL.search("resource"))
(True, False)
"""


def collect_images(layout: Layout, collector: CandidateCollector, base_url: str | None) -> None:
    """Add the images inside the article, with captions and credits."""
    pictures = []
    for figure in _figures(layout):
        address = _address(figure, base_url)
        caption, credit = _caption_and_credit(figure)
        if (address or caption) and not is_promo(caption or ""):
            pictures.append({"address": address, "caption": caption, "credit": credit})
    unique = {(p["address"], p["caption"]): p for p in pictures}
    collector.add("images", list(unique.values())[:_MAX_IMAGES], "figure")


def json_ld_images(node: Mapping[str, Any], base_url: str | None) -> list[dict[str, str | None]]:
    """Return the images in a JSON-LD node.

    >>> json_ld_images({"image": {"url": "/a.jpg", "caption": "Deich", "creditText": "KB"}}, None)
    [{'address': '/a.jpg', 'caption': 'Deich', 'credit': 'KB'}]
    """
    value = node.get("image")
    images = []
    for image in (value if isinstance(value, list) else [value])[:_MAX_IMAGES]:
        if isinstance(image, str):
            images.append(
                {"address": absolute_url(image, base_url), "caption": None, "credit": None}
            )
        elif isinstance(image, dict):
            address = _text(image, "url", "contentUrl", "@id")
            images.append(
                {
                    "address": absolute_url(address, base_url) if address else None,
                    "caption": _text(image, "caption", "description", "name"),
                    "credit": _text(image, "creditText", "copyrightHolder", "author", "creator"),
                }
            )
    return [picture for picture in images if picture["address"]]


def split_credit(caption: str) -> tuple[str | None, str | None]:
    """Split a caption into text and credit; each is None if missing.

    >>> split_credit("Der Deich von oben (Foto: Ada Kern)")
    ('Der Deich von oben', 'Ada Kern')
    >>> split_credit("Der Deich von oben.")
    ('Der Deich von oben.', None)
    """
    match = CREDIT.search(caption)
    if match is None:
        return caption or None, None
    rest = caption[: match.start()].rstrip(" (|/,–-")
    return rest or None, match["name"].strip(" ()")


def _figures(layout: Layout) -> Iterator[HtmlElement]:
    for figure in layout.body.iter("figure"):
        inner = any(around.tag == "figure" for around in figure.iterancestors())
        if not inner and layout.zone(figure) in ("article", "caption"):
            yield figure


def _address(figure: HtmlElement, base_url: str | None) -> str | None:
    for image in figure.iter("img"):
        for name in _ADDRESS_ATTRIBUTES:
            source = (image.get(name) or "").strip()
            if name.endswith("srcset"):
                source = source.split(",")[-1].split()[0] if source.strip(" ,") else ""
            if source and not source.startswith("data:") and not PLACEHOLDER.search(source):
                return absolute_url(source, base_url)
    return None


def _caption_and_credit(figure: HtmlElement) -> tuple[str | None, str | None]:
    """Return caption and credit, by the class of an element or the words of the caption."""
    caption = next(iter(figure.iter("figcaption")), None)
    if caption is None:
        return None, None
    caption_text = single_line_text(caption)
    for element in caption.iterdescendants():
        if isinstance(element.tag, str) and CREDIT_LABEL.search(
            split_camel_case(class_and_id(element))
        ):
            credit = single_line_text(element)
            if credit and len(credit) <= _LONGEST_CREDIT and credit in caption_text:
                rest = caption_text.replace(credit, "", 1)
                credit_name = split_credit(credit)[1]
                return " ".join(rest.split()).strip(" |/()") or None, credit_name or credit
    return split_credit(caption_text)


def _text(value: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys:
        text = value.get(key)
        if isinstance(text, dict):
            text = text.get("name")
        if isinstance(text, str) and text.strip():
            return " ".join(text.split())
    return None
