"""Collect candidates from the head of a page: meta tags, links, title, language."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from lxml.html import HtmlElement

from worker.text.page.layout.candidates import CandidateCollector

_FIELDS: dict[str, tuple[str, ...]] = {
    "title": (
        "og:title", "twitter:title", "headline", "title", "dc.title", "dcterms.title",
        "parsely-title", "sailthru.title", "citation_title", "cxenseparse:title", "fb_title",
        "hdl", "article:title",
    ),
    "lead": (
        "description", "og:description", "twitter:description", "dc.description",
        "sailthru.description",
    ),
    "published": (
        "article:published_time", "og:published_time", "article:published", "date", "dc.date",
        "dc.date.issued", "dcterms.created", "dcterms.date", "dcterms.issued", "pubdate",
        "publishdate", "publish-date", "publish_date", "publication_date", "datepublished",
        "date.issued", "sailthru.date", "parsely-pub-date", "cxenseparse:recs:publishtime",
        "cxenseparse:publishtime", "citation_publication_date", "pdate", "last-published",
        "article.published", "article_date_original", "og:article:published_time",
        "published_at", "release_date", "iso-8601-publish-date", "displaydate", "ptime",
        "originalpublicationdate", "vr:published_time", "bt:pubdate", "dateline", "created",
        "date-publish", "og:pubdate", "published",
    ),
    "modified": (
        "article:modified_time", "og:updated_time", "og:modified_time", "last-modified",
        "dcterms.modified", "dc.date.modified", "datemodified", "revised", "lastmod",
        "article:updated", "bt:moddate", "utime", "modified", "og:article:modified_time",
    ),
    "authors": (
        "author", "article:author", "authors", "article:author_name", "dc.creator",
        "dcterms.creator", "parsely-author", "sailthru.author", "citation_author", "byl",
        "creator", "cxenseparse:author", "dc.creator.aut", "atc-metaauthor", "rbauthors",
        "og:article:author", "vr:author", "autor", "twitter:data1:author",
    ),
    "publisher": (
        "og:site_name", "publisher", "dc.publisher", "dcterms.publisher", "application-name",
        "article:publisher", "copyright", "apple-mobile-web-app-title", "twitter:site",
    ),
    "language": (
        "og:locale", "language", "dc.language", "dcterms.language", "content-language",
    ),
    "section": (
        "article:section", "section", "cxenseparse:recs:category", "parsely-section",
        "og:article:section",
    ),
    "tags": (
        "article:tag", "news_keywords", "keywords", "parsely-tags", "og:article:tag",
        "dc.subject",
    ),
    "url": (
        "og:url", "twitter:url", "parsely-link",
    ),
    "image": (
        "og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src",
    ),
}  # fmt: skip
_FOREIGN_PREFIXES = ("itemprop ", "smartbanner:")
"""Prefixes of names that are not custom names of authors: microdata, and authors of apps."""
_FIELD_OF_NAME = {name: field for field, names in _FIELDS.items() for name in names}

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
    tags: dict[str, list[str]] = {}
    for name, content in pairs:
        field = _FIELD_OF_NAME.get(name) or _custom_field(name)
        if field == "tags":
            tags.setdefault(name, []).extend(SPLIT_KEYWORDS.split(content))
        elif field == "authors":
            collector.add(field, [content], f"meta {name}")
        elif field is not None:
            collector.add(field, content, f"meta {name}")
    for name, values in tags.items():  # sites use one tag per keyword, or one for all
        collector.add("tags", list(dict.fromkeys(values)), f"meta {name}")
    _collect_twitter_labels(dict(pairs), collector)
    _collect_canonical_links(tree, collector, base_url)
    collector.add("language", tree.get("lang") or tree.get("{xml}lang"), "html lang")
    for title in _titles(tree):
        collector.add("title", title, "title")


def _custom_field(name: str) -> str | None:
    """Return the field of a custom meta name, or None.

    >>> _custom_field("its_author"), _custom_field("smartbanner:author"), _custom_field("authority")
    ('authors', None, None)
    """
    is_author = name.endswith(("author", "authors", "autor"))
    return "authors" if is_author and not name.startswith(_FOREIGN_PREFIXES) else None


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
