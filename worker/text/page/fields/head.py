"""Read what the head of a page says about it: meta tags, links, the title tag, the language."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from lxml.html import HtmlElement

from worker.text.page.layout.candidates import Collection

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
_OF_OTHERS = ("itemprop ", "smartbanner:")
"""Who reads microdata elsewhere, and who made a program."""
_FIELD_OF = {name: field for field, names in _FIELDS.items() for name in names}

WROTE_LABEL = re.compile(r"verfasst|geschrieben|written by|^von$|author|autor")
"""What a label says of who wrote."""

SPLIT_KEYWORDS = re.compile(r"(?:(?<!\s)\s++)?[,;]\s*+")
"""What stands between keywords.

>>> SPLIT_KEYWORDS.split("Deich, Niederlohe;Hochwasser")
['Deich', 'Niederlohe', 'Hochwasser']
"""


def collect_head(tree: HtmlElement, collection: Collection, base_url: str | None) -> None:
    """Offer what the head says."""
    named = metas(tree)
    tags: dict[str, list[str]] = {}
    for name, content in named:
        field = _FIELD_OF.get(name) or _own_field(name)
        if field == "tags":
            tags.setdefault(name, []).extend(SPLIT_KEYWORDS.split(content))
        elif field == "authors":
            collection.add(field, [content], f"meta {name}")
        elif field is not None:
            collection.add(field, content, f"meta {name}")
    for name, values in tags.items():  # one tag for each keyword, or one for all of them
        collection.add("tags", list(dict.fromkeys(values)), f"meta {name}")
    _collect_twitter_labels(dict(named), collection)
    _collect_links(tree, collection, base_url)
    collection.add("language", tree.get("lang") or tree.get("{xml}lang"), "html lang")
    for title in _titles(tree):
        collection.add("title", title, "title")


def _own_field(name: str) -> str | None:
    """Return the field of a name that a house or a tool has made for itself.

    >>> _own_field("its_author"), _own_field("smartbanner:author"), _own_field("authority")
    ('authors', None, None)
    """
    is_author = name.endswith(("author", "authors", "autor"))
    return "authors" if is_author and not name.startswith(_OF_OTHERS) else None


def metas(tree: HtmlElement) -> list[tuple[str, str]]:
    """Return the meta tags as pairs of name (small letters) and content, in order."""
    pairs = []
    for meta in tree.iter("meta"):
        content = (meta.get("content") or "").strip()
        for attribute in ("property", "name", "http-equiv", "itemprop"):
            name = (meta.get(attribute) or "").strip().lower()
            if name and content:
                prefix = "itemprop " if attribute == "itemprop" else ""
                pairs.append((prefix + name, content))
    return pairs


def absolute(href: str, base_url: str | None) -> str:
    """Return an address as it is meant on a page that came from `base_url`.

    >>> absolute("/a.jpg", "https://bote.example/deich")
    'https://bote.example/a.jpg'
    """
    try:
        return urljoin(base_url, href) if base_url else href
    except ValueError:
        return href


def _collect_twitter_labels(named: Mapping[str, str], collection: Collection) -> None:
    """Read the pairs twitter:label1/twitter:data1, which name authors in words."""
    for number in ("1", "2"):
        label = named.get(f"twitter:label{number}", "").casefold()
        value = named.get(f"twitter:data{number}", "")
        if value and WROTE_LABEL.search(label):
            collection.add("authors", [value], f"meta twitter:data{number}")


def _collect_links(tree: HtmlElement, collection: Collection, base_url: str | None) -> None:
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            href = (link.get("href") or "").strip()
            collection.add("url", absolute(href, base_url), "canonical link")


def _titles(tree: HtmlElement) -> list[str]:
    head = tree.find("head")
    found = [] if head is None else [t.text_content() for t in head.findall("title")]
    return found or [t.text_content() for t in tree.findall(".//title") if not _in_svg(t)][:1]


def _in_svg(element: HtmlElement) -> bool:
    return any(ancestor.tag == "svg" for ancestor in element.iterancestors())
