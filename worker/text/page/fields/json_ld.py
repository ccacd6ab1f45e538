"""Parse the JSON-LD of a page."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml.html import HtmlElement

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import json_repair
else:
    json_repair = LazyModule("json_repair")

MAX_BLOCK_LENGTH = 2_000_000  # characters; longer blocks are not metadata
_MAX_REPAIR_LENGTH = 200_000
_MAX_NODES = 2000
_MAX_DEPTH = 12

ARTICLE_TYPE = re.compile(
    r"^(?:https?://schema\.org/)?(?:\w*Article|Report|BlogPosting|LiveBlogPosting"
    r"|SocialMediaPosting|DiscussionForumPosting|Review|Recipe|PodcastEpisode|AudioObject)$"
)
"""A schema.org type of an editorial work.

>>> bool(ARTICLE_TYPE.match("ReportageNewsArticle")), bool(ARTICLE_TYPE.match("BreadcrumbList"))
(True, False)
"""

SCRIPT_WRAPPER = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?:-->|//\s*\]\]>|\]\]>|/\*\s*\]\]>\s*\*/)\s*+;?\s*+$"
)
"""A comment or CDATA marker around a script.

>>> SCRIPT_WRAPPER.sub("", '<!-- {"a": 1} -->').strip()
'{"a": 1}'
"""


@dataclass(frozen=True, slots=True)
class JsonLd:
    """The JSON-LD nodes of a page in order; `broken` is set if a block is not valid JSON."""

    nodes: tuple[Mapping[str, Any], ...]
    broken: bool

    def articles(self) -> tuple[Mapping[str, Any], ...]:
        """Return the nodes with the type of an editorial work."""
        return tuple(node for node in self.nodes if is_article(node))

    @property
    def is_news(self) -> bool:
        """Check whether the page declares itself a news article."""
        kinds = (kind for node in self.nodes for kind in node_types(node))
        return any(kind.endswith("NewsArticle") for kind in kinds)


def read_json_ld(tree: HtmlElement) -> JsonLd:
    """Return all JSON-LD nodes of a page; graphs and lists are flattened."""
    nodes: list[Mapping[str, Any]] = []
    broken = False
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        value, was_broken = load_block(script.text_content() or "")
        broken = broken or was_broken
        nodes.extend(_nodes(value))
    return JsonLd(_resolve_references(nodes[:_MAX_NODES]), broken)


def load_block(text: str) -> tuple[Any, bool]:
    """Parse one block; the second value is True if it is not valid JSON, even if it was repaired.

    >>> load_block('{"@type": "NewsArticle", "headline": "Sie sagt "Nein" dazu",}')
    ({'@type': 'NewsArticle', 'headline': 'Sie sagt "Nein" dazu'}, True)
    >>> load_block('window.x = 3')
    (None, True)
    """
    stripped = SCRIPT_WRAPPER.sub("", text).strip().removesuffix(";")
    if not stripped:
        return None, False
    if len(stripped) > MAX_BLOCK_LENGTH:
        return None, True
    try:
        return json.loads(stripped, strict=False), False
    except (ValueError, RecursionError):
        return _repair_json(stripped), True


def _repair_json(text: str) -> Any:
    """Repair broken JSON with a library, or return None.

    Common errors of templates are missing commas, quotation marks and brackets.
    """
    if len(text) > _MAX_REPAIR_LENGTH:
        return None
    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, KeyError, TypeError, AttributeError):
        return None
    return value if isinstance(value, (dict, list)) else None


def node_types(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types of a node.

    >>> node_types({"@type": ["NewsArticle", 3]})
    ('NewsArticle',)
    """
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return tuple(k for k in kinds if isinstance(k, str))


def is_article(node: Mapping[str, Any]) -> bool:
    """Check whether a node has the type of an editorial work."""
    return any(ARTICLE_TYPE.match(kind) for kind in node_types(node))


def _nodes(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > _MAX_DEPTH:
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


def _resolve_references(nodes: list[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Replace references by `@id` with the nodes they refer to, one level deep."""
    nodes_by_id = {
        node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1
    }
    return tuple(
        {key: _resolve_value(value, nodes_by_id) for key, value in node.items()} for node in nodes
    )


def _resolve_value(value: Any, nodes_by_id: Mapping[str, Mapping[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_resolve_value(item, nodes_by_id) for item in value]
    if isinstance(value, dict) and not (value.keys() - {"@id", "@type"}):
        return nodes_by_id.get(str(value.get("@id")), value)
    return value
