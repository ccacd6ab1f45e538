"""Collect candidates from the head of a page: meta tags, links, title, language."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from lxml.html import HtmlElement

from storage.values.fields import FIELD_BY_META, FIELD_BY_NAME, FieldForm, FieldSpec
from worker.text.page.layout.candidates import CandidateCollector

_FOREIGN_PREFIXES = ("itemprop ", "smartbanner:")
"""Prefixes of names that are not custom names of authors: microdata, and authors of apps."""

AUTHOR_LABEL = re.compile(r"verfasst|geschrieben|written by|^von$|author|autor")
"""A label of the author."""

SPLIT_KEYWORDS = re.compile(r"(?:(?<!\s)\s++)?[,;]\s*+")
"""A separator between keywords.

>>> SPLIT_KEYWORDS.split("Deich, Niederlohe;Hochwasser")
['Deich', 'Niederlohe', 'Hochwasser']
"""


def collect_head(tree: HtmlElement, collector: CandidateCollector, base_url: str | None) -> None:
    """Add the candidates in the head of the page."""
    pairs = meta_tags(tree)
    lists: dict[str, list[str]] = {}
    for name, content in pairs:
        field = FIELD_BY_META.get(name) or _custom_field(name)
        if field is None:
            continue
        if field.form is FieldForm.LIST:
            lists.setdefault(name, []).extend(SPLIT_KEYWORDS.split(content))
        else:
            value = [content] if field.form is FieldForm.PEOPLE else content
            collector.add(field.name, value, f"meta {name}")
    for name, values in lists.items():  # sites use one tag per keyword, or one for all
        collector.add(FIELD_BY_META[name].name, list(dict.fromkeys(values)), f"meta {name}")
    _collect_twitter_labels(dict(pairs), collector)
    _collect_canonical_links(tree, collector, base_url)
    collector.add("language", tree.get("lang") or tree.get("{xml}lang"), "html lang")
    for title in _titles(tree):
        collector.add("title", title, "title")


def _custom_field(name: str) -> FieldSpec | None:
    """Return the field of a custom meta name, or None.

    >>> _custom_field("its_author").name, _custom_field("authority")
    ('authors', None)
    >>> _custom_field("smartbanner:author")
    """
    is_author = name.endswith(("author", "authors", "autor"))
    return (
        FIELD_BY_NAME["authors"] if is_author and not name.startswith(_FOREIGN_PREFIXES) else None
    )


def meta_tags(tree: HtmlElement) -> list[tuple[str, str]]:
    """Return the meta tags as pairs of lower-case name and content, in order."""
    pairs = []
    for meta in tree.iter("meta"):
        content = (meta.get("content") or meta.get("value") or "").strip()
        for attribute in ("property", "name", "http-equiv", "itemprop"):
            name = (meta.get(attribute) or "").strip().lower()
            if name and content:
                prefix = "itemprop " if attribute == "itemprop" else ""
                pairs.append((prefix + name, content))
    return pairs


def absolute_url(href: str, base_url: str | None) -> str:
    """Resolve an address relative to `base_url`; invalid addresses are returned unchanged.

    >>> absolute_url("/a.jpg", "https://bote.example/deich")
    'https://bote.example/a.jpg'
    """
    try:
        return urljoin(base_url, href) if base_url else href
    except ValueError:
        return href


def _collect_twitter_labels(values: Mapping[str, str], collector: CandidateCollector) -> None:
    """Add authors from the pairs twitter:label1/twitter:data1."""
    for number in ("1", "2"):
        label = values.get(f"twitter:label{number}", "").casefold()
        value = values.get(f"twitter:data{number}", "")
        if value and AUTHOR_LABEL.search(label):
            collector.add("authors", [value], f"meta twitter:data{number}")


def _collect_canonical_links(
    tree: HtmlElement, collector: CandidateCollector, base_url: str | None
) -> None:
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            href = (link.get("href") or "").strip()
            collector.add("url", absolute_url(href, base_url), "canonical link")


def _titles(tree: HtmlElement) -> list[str]:
    head = tree.find("head")
    titles = [] if head is None else [t.text_content() for t in head.findall("title")]
    return titles or [t.text_content() for t in tree.findall(".//title") if not _in_svg(t)][:1]


def _in_svg(element: HtmlElement) -> bool:
    return any(ancestor.tag == "svg" for ancestor in element.iterancestors())
