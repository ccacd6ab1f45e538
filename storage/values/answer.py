"""Base class of all records of the reading side: frozen, with `to_dict()`."""

from dataclasses import fields
from datetime import UTC
from functools import cache
from typing import ClassVar, get_args

from storage.values.dates import local_time
from storage.values.draft import PLAIN, Json, PartialDate, as_dict

LARGEST = 2**63 - 1
"""Largest integer that both databases support."""


class Answer:
    """A frozen record that can be converted to JSON (`to_dict`) or to one row (`to_flat`)."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the fields, which are the column names."""
        return cls.__match_args__

    def to_dict(self) -> dict[str, Json]:
        """Return plain JSON types: times as ISO 8601, dates and lists nested."""
        return {
            name: value if (value := getattr(self, name)).__class__ in PLAIN else as_dict(value)
            for name in self._json_names()
        }

    @classmethod
    @cache
    def _json_names(cls) -> tuple[str, ...]:
        """Return the names of the fields in the JSON form."""
        told = fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        return tuple(each.name for each in told if not each.metadata.get("beside"))

    @classmethod
    @cache
    def _date_names(cls) -> frozenset[str]:
        """Return the names of the fields that are dates as precise as their source."""
        told = fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        return frozenset(each.name for each in told if PartialDate in get_args(each.type))

    def to_flat(self) -> dict[str, Json]:
        """Return one level of columns: a date becomes its value with `_precision`, `_from` and
        `_to`.

        Lists stay lists; the table writer formats them.
        """
        flat: dict[str, Json] = {}
        for name, value in self.to_dict().items():
            if name in self._date_names():
                flat |= self._flat_date(name)
            else:
                flat[name] = value
        return flat

    def to_shown(self) -> dict[str, Json]:
        """Return the columns of a table on a screen: a date with a time of day is in UTC."""
        shown = self.to_flat()
        for name in shown.keys() & self.names():
            date = getattr(self, name)
            moment = local_time(date, UTC) if isinstance(date, PartialDate) else None
            if moment is not None:
                shown[name] = f"{moment:%Y-%m-%d %H:%MZ}"
        return shown

    def _flat_date(self, name: str) -> dict[str, Json]:
        date: PartialDate | None = getattr(self, name)
        flat: dict[str, Json] = {
            name: date and date.value,
            f"{name}_precision": date and date.precision,
        }
        for end in (f"{name}_from", f"{name}_to"):
            if hasattr(self, end):
                flat[end] = as_dict(getattr(self, end))
        return flat
