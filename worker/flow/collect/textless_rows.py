"""Rows of a table or list without a text: refused together, with a count."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from storage.values.refusals import refuse
from worker.sources.containers.items import Item, RefusedDocument


@dataclass(slots=True)
class _Rows:
    line: int
    count: int = 0
    size: int = 0
    raw: list[bytes] = field(default_factory=list)


class TextlessRows:
    """The rows of one file that have no text, by table.

    Their bytes are stored together, unless they exceed `limit_bytes`.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._tables: dict[str, _Rows] = {}

    def add(self, item: Item) -> None:
        """Count a row."""
        table = item.member.rpartition("#")[0]
        rows = self._tables.setdefault(table, _Rows(item.line or 1))
        rows.count += 1
        rows.size += len(item.raw) + 1
        if rows.size <= self._limit:
            rows.raw.append(item.raw)

    def take(self, locator: str) -> Iterator[RefusedDocument]:
        """Yield one refusal for each table, and reset."""
        tables, self._tables = self._tables, {}
        for table, rows in tables.items():
            refused = refuse("rows_without_text", count=rows.count, line=rows.line)
            raw = b"\n".join(rows.raw) if rows.size <= self._limit else None
            yield RefusedDocument(locator, f"{table}#rows-without-text", refused, raw)
