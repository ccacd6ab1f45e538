"""Read what the JSON-LD of a page says about its article."""

import re
from collections.abc import Mapping
from typing import Any

from worker.text.page.fields.images import linked_images
from worker.text.page.fields.json_ld import Linked, types_of
from worker.text.page.layout.candidates import Collection

_MOST_STEPS = 10
_WHOLE_PAGE = ("WebPage", "ItemPage", "NewsMediaOrganization")


ACCOUNT = re.compile(r"#/?schema/person/")
"""The `@id` of somebody who has an account with the editing system.

>>> bool(ACCOUNT.search("https://bote.example/#/schema/person/5f2a"))
True
"""


def collect_linked(linked: Linked, collection: Collection, address: str | None) -> None:
    """Offer what the article node says; without one, what the node of the page says."""
    collection.add("section", _breadcrumb(linked), "JSON-LD breadcrumb")
    article = article_node(linked, address)
    if article is not None:
        _collect_node(article, collection, "JSON-LD", address)
        for node in linked.nodes if not article.get("author") else ():
            collection.add("authors", _texts(node.get("author"), "name"), "JSON-LD WebPage author")
        return
    for node in linked.nodes:
        if any(kind in _WHOLE_PAGE[:2] for kind in types_of(node)):
            _collect_node(node, collection, "JSON-LD WebPage", address)
            return


def article_node(linked: Linked, address: str | None) -> Mapping[str, Any] | None:
    """Return the node of the article itself: the one that names `address`, else the first.

    Pages carry nodes of teasers and of recommended texts too; the fullest of those that
    could be meant is taken.
    """
    nodes = linked.articles()
    if not nodes:
        return None
    here = [node for node in nodes if address and address in _addresses(node)]
    return max(here or nodes, key=_fullness)


def account_names(node: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the authors that the article node names by an account of the editing system."""
    author = None if node is None else node.get("author")
    people = author if isinstance(author, list) else [author]
    return frozenset(
        " ".join(person["name"].split())
        for person in people
        if isinstance(person, dict)
        and isinstance(person.get("name"), str)
        and ACCOUNT.search(str(person.get("@id", "")))
    )


def organisation_names(node: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the authors that the article node calls an organisation."""
    author = None if node is None else node.get("author")
    people = author if isinstance(author, list) else [author]
    return frozenset(
        " ".join(each["name"].split())
        for each in people
        if isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and any(kind.endswith("Organization") for kind in types_of(each))
    )


def article_body(node: Mapping[str, Any] | None) -> str:
    """Return the text of the article where the node carries it."""
    body = None if node is None else node.get("articleBody")
    return body if isinstance(body, str) else ""


def _breadcrumb(linked: Linked) -> str | None:
    """Return the last step of the breadcrumbs that is no page of its own: the section."""
    for node in linked.nodes:
        steps = node.get("itemListElement")
        if "BreadcrumbList" in types_of(node) and isinstance(steps, list):
            names = [_step_name(step) for step in steps[:_MOST_STEPS]]
            between = [name for name in names[1:-1] if name]
            return between[-1] if between else None
    return None


def _step_name(step: Any) -> str | None:
    if not isinstance(step, dict):
        return None
    item = step.get("item")
    name = step.get("name") or (item.get("name") if isinstance(item, dict) else None)
    return name if isinstance(name, str) else None


def _fullness(node: Mapping[str, Any]) -> int:
    keys = ("headline", "datePublished", "author", "dateModified", "publisher", "articleBody")
    news = any(kind.endswith(("Article", "Posting")) for kind in types_of(node))
    return sum(1 for key in keys if node.get(key)) + (2 if news else 0)


def _addresses(node: Mapping[str, Any]) -> list[str]:
    return [
        text
        for key in ("url", "mainEntityOfPage", "@id")
        for text in _texts(node.get(key), "@id", "url")
    ]


def _collect_node(
    node: Mapping[str, Any], collection: Collection, place: str, address: str | None
) -> None:
    for key, field in (
        ("headline", "title"),
        ("alternativeHeadline", "title"),
        ("name", "title"),
        ("description", "lead"),
        ("abstract", "lead"),
        ("datePublished", "published"),
        ("dateCreated", "published"),
        ("dateModified", "modified"),
        ("inLanguage", "language"),
        ("url", "url"),
        ("mainEntityOfPage", "url"),
        ("image", "image"),
    ):
        values = _texts(node.get(key), "name", "@id", "url", "alternateName")
        collection.add_all(field, values[:5], f"{place} {key}")
    for key in ("author", "creator"):
        collection.add("authors", _texts(node.get(key), "name"), f"{place} {key}")
    collection.add_all("publisher", _texts(node.get("publisher"), "name"), f"{place} publisher")
    collection.add_all(
        "section", _texts(node.get("articleSection"), "name"), f"{place} articleSection"
    )
    collection.add("tags", _keywords(node.get("keywords")), f"{place} keywords")
    collection.add("images", linked_images(node, address), f"{place} image")


def _texts(value: Any, *keys: str) -> list[str]:
    """Return the texts that a value holds: itself, its items, or what `keys` of an object name."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value[:200] for text in _texts(item, *keys)]
    if isinstance(value, dict):
        for key in keys:
            if value.get(key):
                return _texts(value[key], *keys)
    return []


def _keywords(value: Any) -> list[str]:
    texts = _texts(value, "name")
    split = texts[0].split(",") if len(texts) == 1 else texts
    return [text.strip() for text in split]
