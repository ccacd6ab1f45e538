"""Declaration of a parameter: option or argument of a command, parameter of an HTTP request."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any

from storage.values.settings.entered_text import LONGEST, TextRule

PARAMETER = "parameter"
"""Key of a Parameter in the metadata of a field."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a command names and describes a parameter; without `names` it is an argument.

    HTTP requests use the name of the field, or `alias`; they are described by `http_help`, or
    `help`. `more` is passed to Typer.
    """

    names: tuple[str, ...]
    metavar: str | None
    help: str
    alias: str | None
    http_help: str | None
    more: Mapping[str, Any]


def option(  # the words of a declaration
    names: str,
    metavar: str | None,
    help: str,  # noqa: A002  # Typer's word
    default: Any = None,
    alias: str | None = None,
    http_help: str | None = None,
    **more: Any,
) -> Any:
    """Declare an option as the default of a parameter or field.

    An option with the default `MISSING` is required.
    """
    declared = Parameter(tuple(names.split()), metavar, help, alias, http_help, more)
    return field(default=default, metadata={PARAMETER: declared})


def flag(name: str, help: str, *, default: bool | None = False, **more: Any) -> Any:  # noqa: A002  # the same
    """Declare an option without a value."""
    return option(name, None, help, default, **more)


def argument(metavar: str, help: str, default: Any = MISSING, **more: Any) -> Any:  # noqa: A002  # the same
    """Declare an argument; it is required unless it has a default."""
    return option("", metavar, help, default, show_default=False, **more)


class Bounds:
    """Bounds of a value in HTTP requests, as part of its type; for texts, also their `TextRule`."""

    def __init__(self, *, has_lines: bool = False, **bounds: int) -> None:
        self.bounds = bounds
        self._rule = TextRule(bounds.get("max_length", LONGEST), has_lines=has_lines)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Add the bounds to the schema of the type: `max_length`, `min_length`, `ge`, `le`."""
        schema = handler(source) | self.bounds
        if schema["type"] != "str":
            return schema
        check = {"type": "no-info", "function": self._require_text}
        return {"type": "function-after", "function": check, "schema": schema}

    def _require_text(self, text: str) -> str:
        if (fault := self._rule.fault(text)) is not None:
            raise ValueError(fault)
        return text
