"""Read the pictures of an article: address, words below them, and whose they are."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml.html import HtmlElement

from worker.text.annotate.roles import is_promo
from worker.text.page.fields.head import absolute
from worker.text.page.layout.blocks import Layout, label_of, split_words, squeezed_text
from worker.text.page.layout.candidates import Collection

_MOST_IMAGES = 50
_LONGEST_CREDIT = 120  # characters
_SOURCES = ("data-src", "data-original", "data-lazy-src", "src", "data-srcset", "srcset")

STAND_IN = re.compile(
    r"placeholder|lazy-?load|spacer|blank\.|pixel\.|/1x1|loading\.(?:gif|svg)", re.IGNORECASE
)
"""An address of what stands in the place of a picture until it is loaded.

>>> bool(STAND_IN.search("/img/grey-placeholder.png"))
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
"""The end of a caption that says whose the picture is.

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
"""A class of the words that say whose a picture is.

>>> bool(CREDIT_LABEL.search("image__copyright")), bool(CREDIT_LABEL.search("resource"))
(True, False)
"""


def collect_images(layout: Layout, collection: Collection, base_url: str | None) -> None:
    """Offer the pictures that stand in the article, each with what is said below it."""
    pictures = []
    for figure in _figures(layout):
        address = _address(figure, base_url)
        caption, credit = _words(figure)
        if (address or caption) and not is_promo(caption or ""):
            pictures.append({"address": address, "caption": caption, "credit": credit})
    unique = {(p["address"], p["caption"]): p for p in pictures}
    collection.add("images", list(unique.values())[:_MOST_IMAGES], "figure")


def linked_images(node: Mapping[str, Any], base_url: str | None) -> list[dict[str, str | None]]:
    """Return the pictures that a node of JSON-LD describes.

    >>> linked_images({"image": {"url": "/a.jpg", "caption": "Deich", "creditText": "KB"}}, None)
    [{'address': '/a.jpg', 'caption': 'Deich', 'credit': 'KB'}]
    """
    images = node.get("image")
    found = []
    for image in (images if isinstance(images, list) else [images])[:_MOST_IMAGES]:
        if isinstance(image, str):
            found.append({"address": absolute(image, base_url), "caption": None, "credit": None})
        elif isinstance(image, dict):
            address = _text(image, "url", "contentUrl", "@id")
            found.append(
                {
                    "address": absolute(address, base_url) if address else None,
                    "caption": _text(image, "caption", "description", "name"),
                    "credit": _text(image, "creditText", "copyrightHolder", "author", "creator"),
                }
            )
    return [picture for picture in found if picture["address"]]


def split_credit(caption: str) -> tuple[str | None, str | None]:
    """Return a caption and the credit at its end.

    >>> split_credit("Der Deich von oben (Foto: Ada Kern)")
    ('Der Deich von oben', 'Ada Kern')
    >>> split_credit("Der Deich von oben.")
    ('Der Deich von oben.', None)
    """
    found = CREDIT.search(caption)
    if found is None:
        return caption or None, None
    rest = caption[: found.start()].rstrip(" (|/,–-")
    return rest or None, found["name"].strip(" ()")


def _figures(layout: Layout) -> Iterator[HtmlElement]:
    for figure in layout.body.iter("figure"):
        inner = any(around.tag == "figure" for around in figure.iterancestors())
        if not inner and layout.zone(figure) in ("article", "caption"):
            yield figure


def _address(figure: HtmlElement, base_url: str | None) -> str | None:
    for image in figure.iter("img"):
        for name in _SOURCES:
            source = (image.get(name) or "").strip()
            if name.endswith("srcset"):
                source = source.split(",")[-1].split()[0] if source.strip(" ,") else ""
            if source and not source.startswith("data:") and not STAND_IN.search(source):
                return absolute(source, base_url)
    return None


def _words(figure: HtmlElement) -> tuple[str | None, str | None]:
    """Return caption and credit: an element may be named after the credit, or the words tell it."""
    caption = next(iter(figure.iter("figcaption")), None)
    if caption is None:
        return None, None
    whole = squeezed_text(caption)
    for element in caption.iterdescendants():
        if isinstance(element.tag, str) and CREDIT_LABEL.search(split_words(label_of(element))):
            credit = squeezed_text(element)
            if credit and len(credit) <= _LONGEST_CREDIT and credit in whole:
                rest = whole.replace(credit, "", 1)
                named = split_credit(credit)[1]
                return " ".join(rest.split()).strip(" |/()") or None, named or credit
    return split_credit(whole)


def _text(value: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys:
        said = value.get(key)
        if isinstance(said, dict):
            said = said.get("name")
        if isinstance(said, str) and said.strip():
            return " ".join(said.split())
    return None
