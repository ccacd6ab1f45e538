"""Collect candidates from the JSON-LD of an article."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from storage.values.fields import FIELDS, FieldForm
from worker.text.page.fields.images import json_ld_images
from worker.text.page.fields.json_ld import JsonLd, node_types
from worker.text.page.layout.candidates import CandidateCollector

_MAX_STEPS = 10
_WHOLE_PAGE = ("WebPage", "ItemPage", "NewsMediaOrganization")


ACCOUNT = re.compile(r"#/?schema/person/")
"""The `@id` of a user account of WordPress.

>>> bool(ACCOUNT.search("https://bote.example/#/schema/person/5f2a"))
True
"""


def collect_json_ld(json_ld: JsonLd, collector: CandidateCollector, address: str | None) -> None:
    """Add candidates from the article node, or from the page node if there is none."""
    collector.add("section", _breadcrumb(json_ld), "JSON-LD breadcrumb")
    article = article_node(json_ld, address)
    if article is not None:
        _collect_node(article, collector, "JSON-LD", address)
        for node in json_ld.nodes if not article.get("author") else ():
            collector.add(
                "authors", strings_in(node.get("author"), "name"), "JSON-LD WebPage author"
            )
        return
    for node in json_ld.nodes:
        if any(kind in _WHOLE_PAGE[:2] for kind in node_types(node)):
            _collect_node(node, collector, "JSON-LD WebPage", address)
            return


def article_node(json_ld: JsonLd, address: str | None) -> Mapping[str, Any] | None:
    """Return the node of the article: the most complete one with `address`, or of all articles.

    Pages also contain nodes of teasers and recommended texts.
    """
    nodes = json_ld.articles()
    if not nodes:
        return None
    matches = [node for node in nodes if address and address in _addresses(node)]
    return max(matches or nodes, key=_fullness)


def account_names(node: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the authors that are user accounts in the article node."""
    return _author_names(node, lambda person: ACCOUNT.search(str(person.get("@id", ""))))


def organisation_names(node: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the authors with the type organisation in the article node."""
    return _author_names(
        node, lambda person: any(kind.endswith("Organization") for kind in node_types(person))
    )


def _author_names(
    node: Mapping[str, Any] | None, is_wanted: Callable[[Mapping[str, Any]], object]
) -> frozenset[str]:
    author = None if node is None else node.get("author")
    return frozenset(
        " ".join(person["name"].split())
        for person in (author if isinstance(author, list) else [author])
        if isinstance(person, dict) and isinstance(person.get("name"), str) and is_wanted(person)
    )


def article_body(node: Mapping[str, Any] | None) -> str:
    """Return the `articleBody` of a node, or an empty string."""
    body = None if node is None else node.get("articleBody")
    return body if isinstance(body, str) else ""


def _breadcrumb(json_ld: JsonLd) -> str | None:
    """Return the section: the last breadcrumb before the page."""
    for node in json_ld.nodes:
        steps = node.get("itemListElement")
        if "BreadcrumbList" in node_types(node) and isinstance(steps, list):
            names = [_step_name(step) for step in steps[:_MAX_STEPS]]
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
    news = any(kind.endswith(("Article", "Posting")) for kind in node_types(node))
    return sum(1 for key in keys if node.get(key)) + (2 if news else 0)


def _addresses(node: Mapping[str, Any]) -> list[str]:
    return [
        text
        for key in ("url", "mainEntityOfPage", "@id")
        for text in strings_in(node.get(key), "@id", "url")
    ]


def _collect_node(
    node: Mapping[str, Any], collector: CandidateCollector, place: str, address: str | None
) -> None:
    for spec in FIELDS:
        for key in spec.json_ld:
            value, found_in = node.get(key), f"{place} {key}"
            match spec.form:
                case FieldForm.PEOPLE:
                    collector.add(spec.name, strings_in(value, "name"), found_in)
                case FieldForm.LIST:
                    collector.add(spec.name, _keywords(value), found_in)
                case FieldForm.LINE | FieldForm.ORGANISATION:
                    collector.add_all(spec.name, strings_in(value, "name"), found_in)
                case _:
                    strings = strings_in(value, "name", "@id", "url", "alternateName")
                    collector.add_all(spec.name, strings[:5], found_in)
    collector.add("images", json_ld_images(node, address), f"{place} image")


def strings_in(value: Any, *keys: str) -> list[str]:
    """Return the strings in a value: itself, its items, or the first of `keys` in an object."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value[:200] for text in strings_in(item, *keys)]
    if isinstance(value, dict):
        for key in keys:
            if value.get(key):
                return strings_in(value[key], *keys)
    return []


def _keywords(value: Any) -> list[str]:
    texts = strings_in(value, "name")
    split = texts[0].split(",") if len(texts) == 1 else texts
    return [text.strip() for text in split]
