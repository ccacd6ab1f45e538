"""PURE: the document of a browser as HTML, with the shadow roots that pages cannot falsify."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

ELEMENT, TEXT, COMMENT, DOCUMENT, DOCTYPE, FRAGMENT = 1, 3, 8, 9, 10, 11
VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
RAW = frozenset(["script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"])
EMPTY = frozenset({"noscript", "iframe"})
"""Elements without content: scripts ran, and a frame is a document of its own."""

Node = Mapping[str, Any]


def html_of(root: Node) -> str:
    """Return the HTML of a node of `DOM.getDocument`, with the depth -1 and `pierce`.

    A shadow root stands in place of the children of its host; its slots have these children.

    >>> html_of({"nodeType": 1, "localName": "p", "nodeName": "P", "attributes": ["id", "a"],
    ...     "children": [{"nodeType": 3, "nodeValue": "a < b"}]})
    '<p id="a">a &lt; b</p>'
    """
    return "".join(_pieces(root))


def _pieces(root: Node) -> Iterator[str]:
    """Yield the pieces in order, without recursion: pages may be nested deeply."""
    todo: list[str | tuple[Node, Node | None, bool]] = [(root, None, False)]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            yield each
            continue
        node, host, is_raw = each
        kind, value = node.get("nodeType"), str(node.get("nodeValue") or "")
        if kind == TEXT:
            yield value if is_raw else escape(value, quote=False)
        elif kind == COMMENT:
            yield f"<!--{value.replace('--', '- -')}-->"
        elif kind == DOCTYPE:
            yield f"<!DOCTYPE {node.get('nodeName')}>"
        elif kind in {DOCUMENT, FRAGMENT}:
            todo += [(child, host, False) for child in reversed(node.get("children", ()))]
        elif kind == ELEMENT:
            name = str(node.get("localName") or node.get("nodeName"))
            yield f"<{name}{_attributes(node)}>"
            if name in VOID:
                continue
            todo.append(f"</{name}>")
            shown, inner = _content(node, name, host)
            todo += [(child, inner, name in RAW) for child in reversed(shown)]


def _content(node: Node, name: str, host: Node | None) -> tuple[list[Node], Node | None]:
    """Return the shown children of an element, and the host whose slots they may have."""
    roots = [each for each in node.get("shadowRoots", ()) if each["shadowRootType"] != "user-agent"]
    if name in EMPTY:
        return [], None
    if roots:
        return [roots[0]], node
    if name == "slot" and host is not None:
        wanted = _attribute(node, "name")
        own = [each for each in host.get("children", ()) if _attribute(each, "slot") == wanted]
        return own or list(node.get("children", ())), None
    if "templateContent" in node:
        return [node["templateContent"]], None
    return list(node.get("children", ())), host


def _attribute(node: Node, name: str) -> str:
    pairs = node.get("attributes", ())
    return next((v for n, v in zip(pairs[::2], pairs[1::2], strict=False) if n == name), "")


def _attributes(node: Node) -> str:
    pairs = node.get("attributes", ())
    found = zip(pairs[::2], pairs[1::2], strict=False)
    return "".join(f' {name}="{escape(value)}"' for name, value in found)
