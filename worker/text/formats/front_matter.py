"""Read YAML front matter: every value as written.

Only documents with front matter load this module, and yaml.
"""

import yaml

from storage.values.draft import Json
from storage.values.messages import message_text

MAX_CHARACTERS = 262_144
MAX_DEPTH = 20
MAX_ALIASES = 20
"""Limits the expansion of nested aliases to a few thousand values."""

_STANDARD = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(
    _STANDARD + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge")
)
_NULLS = frozenset({"", "~", "null", "Null"})
_BASE: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class FrontMatterError(ValueError):
    """Front matter that cannot be read as metadata; the message is the reason."""


class _PlainLoader(_BASE):  # type: ignore[misc]  # the base is chosen at run time
    """Loads every scalar as the string in the source.

    YAML would convert 2024-06-18 to a date, "no" to false and 1.10 to 1.1, and lose the spelling
    and precision of the source. Tags are ignored; unknown ones are recorded.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.tag_ignored = False


def _plain_value(loader: _PlainLoader, node: yaml.Node) -> Json:
    if node.tag not in _KNOWN_TAGS:
        loader.tag_ignored = True
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain_value(loader, item) for item in node.value]
    unquoted = isinstance(node, yaml.ScalarNode) and node.style is None
    return None if unquoted and node.value in _NULLS else node.value


def _mapping(loader: _PlainLoader, node: yaml.MappingNode) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for key_node, value_node in node.value:
        key = str(_plain_value(loader, key_node))
        if key in record:
            raise FrontMatterError(message_text("key_twice", key=key[:80]))
        record[key] = _plain_value(loader, value_node)
    return record


def load_front_matter(text: str) -> tuple[dict[str, Json] | None, bool]:
    """Return the mapping in `text`, and whether YAML tags were ignored.

    The mapping is None if the YAML is not a mapping, such as a text between two horizontal rules.

    Raises: FrontMatterError for invalid YAML, a duplicate key, more than `MAX_ALIASES` aliases, or
    nesting deeper than `MAX_DEPTH`.
    """
    if len(text) > MAX_CHARACTERS:
        raise FrontMatterError(message_text("front_matter_long", limit=MAX_CHARACTERS))
    try:
        _check_events(text)
        loader = _PlainLoader(text)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                return ({} if node is None else None), False
            return _mapping(loader, node), loader.tag_ignored
        finally:
            loader.dispose()
    except RecursionError as error:
        raise FrontMatterError(message_text("alias_loop")) from error
    except yaml.YAMLError as error:
        raise FrontMatterError(_reason(error)) from error


def _check_events(text: str) -> None:
    aliases = depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if aliases > MAX_ALIASES:
            raise FrontMatterError(message_text("many_aliases", limit=MAX_ALIASES))
        if depth > MAX_DEPTH:
            raise FrontMatterError(message_text("nested_deeper", limit=MAX_DEPTH))


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "invalid YAML"
    return (
        message_text("yaml_invalid", problem=problem, line=mark.line + 2) if mark else str(problem)
    )
