"""YAML front matter: the metadata between two lines of three dashes, every scalar as written."""

import re

import yaml

from storage.values.draft import Json

LARGEST_CHARACTERS = 262_144
DEEPEST = 20
MOST_ALIASES = 20
"""Twenty aliases can repeat a value some thousand times at the most; a bomb needs more."""

FRONT_MATTER = re.compile(
    r"\A\s*---[ \t]*\n(?P<yaml>.*?)(?:\n|(?<=---\n))(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_STANDARD = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(
    _STANDARD + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge")
)
_NULLS = frozenset({"", "~", "null", "Null"})
_BASE: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class FrontMatterError(ValueError):
    """Front matter cannot be read as metadata; the message is the reason, for people."""


class _PlainLoader(_BASE):  # type: ignore[misc]  # the base is chosen at run time
    """Reads each scalar as the characters that stand there.

    YAML would make a date of 2024-06-18, false of "no" and 1.1 of 1.10: the source's own
    spelling and precision would be gone. Tags are not obeyed; unknown ones are remembered.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.tag_ignored = False


def _plain(loader: _PlainLoader, node: yaml.Node) -> Json:
    if node.tag not in _KNOWN_TAGS:
        loader.tag_ignored = True
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item) for item in node.value]
    unquoted = isinstance(node, yaml.ScalarNode) and node.style is None
    return None if unquoted and node.value in _NULLS else node.value


def _mapping(loader: _PlainLoader, node: yaml.MappingNode) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for key_node, value_node in node.value:
        key = str(_plain(loader, key_node))
        if key in record:
            raise FrontMatterError(f'the key "{key[:80]}" stands twice')
        record[key] = _plain(loader, value_node)
    return record


def split_front_matter(text: str) -> tuple[str | None, str]:
    r"""Part the YAML from the body below it; None where `text` does not begin with any.

    >>> split_front_matter("---\ntitle: Öl\n---\nEs brennt.")
    ('title: Öl', 'Es brennt.')
    >>> split_front_matter("---\nkein Ende")
    (None, '---\nkein Ende')
    """
    found = FRONT_MATTER.match(text) if text.lstrip().startswith("---") else None
    return (found["yaml"], text[found.end() :]) if found else (None, text)


def load_front_matter(text: str) -> tuple[dict[str, Json] | None, bool]:
    """Return the mapping that `text` holds, and whether YAML tags were ignored.

    None stands for something other than a mapping: a text between two rules, no metadata.

    Raises: FrontMatterError for broken YAML, a key that stands twice, too many aliases (each
    repeats what it names, and nested ones multiply), too deep nesting.
    """
    if len(text) > LARGEST_CHARACTERS:
        raise FrontMatterError(f"longer than {LARGEST_CHARACTERS} characters")
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
        raise FrontMatterError("an alias stands inside what it names") from error
    except yaml.YAMLError as error:
        raise FrontMatterError(_reason(error)) from error


def _check_events(text: str) -> None:
    aliases = depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if aliases > MOST_ALIASES:
            raise FrontMatterError(f"more than {MOST_ALIASES} aliases")
        if depth > DEEPEST:
            raise FrontMatterError(f"nested deeper than {DEEPEST}")


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "no YAML"
    return f"{problem} in line {mark.line + 2}" if mark else str(problem)
