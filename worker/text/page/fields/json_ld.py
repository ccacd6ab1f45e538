"""Read the JSON-LD of a page: which nodes it holds, and which one is the article."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

LARGEST_BLOCK = 2_000_000  # characters; more is no metadata
_LARGEST_REPAIR = 200_000
_MOST_NODES = 2000
_DEEPEST = 12

ARTICLE_TYPE = re.compile(
    r"^(?:https?://schema\.org/)?(?:\w*Article|Report|BlogPosting|LiveBlogPosting"
    r"|SocialMediaPosting|DiscussionForumPosting|Review|Recipe|PodcastEpisode|AudioObject)$"
)
"""A schema.org type of something that is written.

>>> bool(ARTICLE_TYPE.match("ReportageNewsArticle")), bool(ARTICLE_TYPE.match("BreadcrumbList"))
(True, False)
"""

WRAPPED = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?:-->|//\s*\]\]>|\]\]>|/\*\s*\]\]>\s*\*/)\s*+;?\s*+$"
)
"""The comment or CDATA marks around a script.

>>> WRAPPED.sub("", '<!-- {"a": 1} -->').strip()
'{"a": 1}'
"""


@dataclass(frozen=True, slots=True)
class Linked:
    """The JSON-LD nodes of a page in order; `broken` says that some could not be read."""

    nodes: tuple[Mapping[str, Any], ...]
    broken: bool

    def articles(self) -> tuple[Mapping[str, Any], ...]:
        """Return the nodes that describe something written."""
        return tuple(node for node in self.nodes if is_article(node))

    @property
    def is_news(self) -> bool:
        """Return whether the page says that it holds news."""
        kinds = (kind for node in self.nodes for kind in types_of(node))
        return any(kind.endswith("NewsArticle") for kind in kinds)


def read_linked(tree: HtmlElement) -> Linked:
    """Return all JSON-LD nodes of a page, the ones of a graph or a list each for itself."""
    nodes: list[Mapping[str, Any]] = []
    broken = False
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        value, mended = load_block(script.text_content() or "")
        broken = broken or mended
        nodes.extend(_nodes(value))
    return Linked(_joined(nodes[:_MOST_NODES]), broken)


def load_block(text: str) -> tuple[Any, bool]:
    """Return the value of one block, with True where it is broken (even if it could be mended).

    >>> load_block('{"@type": "NewsArticle", "headline": "Sie sagt "Nein" dazu",}')
    ({'@type': 'NewsArticle', 'headline': 'Sie sagt "Nein" dazu'}, True)
    >>> load_block('window.x = 3')
    (None, True)
    """
    stripped = WRAPPED.sub("", text).strip().removesuffix(";")
    if not stripped:
        return None, False
    if len(stripped) > LARGEST_BLOCK:
        return None, True
    try:
        return json.loads(stripped, strict=False), False
    except (ValueError, RecursionError):
        return _repaired(stripped), True


def _repaired(text: str) -> Any:
    """Return what can be made of broken JSON, None where that is nothing.

    Commas, quotation marks and brackets are what templates forget; a library guesses them.
    """
    if len(text) > _LARGEST_REPAIR:
        return None
    import json_repair  # noqa: PLC0415 -- most pages are whole

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, KeyError, TypeError, AttributeError):
        return None
    return value if isinstance(value, (dict, list)) else None


def types_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the `@type` of a node as words.

    >>> types_of({"@type": ["NewsArticle", 3]})
    ('NewsArticle',)
    """
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return tuple(k for k in kinds if isinstance(k, str))


def is_article(node: Mapping[str, Any]) -> bool:
    """Return whether a node describes something written."""
    return any(ARTICLE_TYPE.match(kind) for kind in types_of(node))


def _nodes(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item, depth + 1)
    elif isinstance(value, dict):
        graph = value.get("@graph")
        if graph is not None:
            yield from _nodes(graph, depth + 1)
        if graph is None or len(value) > 2:
            yield value
        entity = value.get("mainEntity")
        if isinstance(entity, dict) and is_article(entity):
            yield from _nodes(entity, depth + 1)


def _joined(nodes: list[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the nodes with references by `@id` replaced by what they name, one level deep."""
    named = {
        node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1
    }
    return tuple({key: _resolved(value, named) for key, value in node.items()} for node in nodes)


def _resolved(value: Any, named: Mapping[str, Mapping[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_resolved(item, named) for item in value]
    if isinstance(value, dict) and not (value.keys() - {"@id", "@type"}):
        return named.get(str(value.get("@id")), value)
    return value
