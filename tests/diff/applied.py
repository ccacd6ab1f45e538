"""Apply the operations of a diff to a text."""

from collections.abc import Iterable

from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import BETWEEN_PARAGRAPHS


class OperationsError(ValueError):
    """These operations were not made for this text; `position` is where they leave it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the operations leave the text at code point {position}")
        self.position = position


def apply(a_joined: str, operations: Iterable[Operation]) -> str:
    """Return what `operations` make of a joined text.

    Raises: OperationsError if they were not made for it.
    """
    operations = tuple(operations)
    if _assembled((op.a_start, op.a_text) for op in operations) != a_joined:
        position = next(
            (op.a_start for op in operations if not a_joined.startswith(op.a_text, op.a_start)),
            len(a_joined),
        )
        raise OperationsError(position)
    return _assembled((op.b_start, op.b_text) for op in operations)


def _assembled(pieces: Iterable[tuple[int, str]]) -> str:
    """Put pieces (start, text) in their places; between two that do not touch is a blank line."""
    parts: list[str] = []
    end = 0
    for start, text in sorted(piece for piece in pieces if piece[1]):
        if start > end:
            parts.append(BETWEEN_PARAGRAPHS)
        parts.append(text)
        end = start + len(text)
    return "".join(parts)
