"""PURE: one piece of a word-level difference."""

from typing import Literal, NamedTuple

Op = Literal["equal", "insert", "delete", "move", "split", "join"]


class Operation(NamedTuple):
    """One piece of a diff.

    `a_start` and `b_start` are code point offsets in `join_text(a)` and `join_text(b)`: the
    position of the piece, or the position where it is missing. An `equal` piece may differ in ways
    that the digest ignores. A `move` is listed once, at its position in b. A `split` is a new
    paragraph break inside a paragraph of a, a `join` is a removed one; both have no text.
    """

    op: Op
    role: str
    a_text: str
    b_text: str
    a_start: int
    b_start: int

    @property
    def is_edit(self) -> bool:
        """Check whether the operation has text, so that it is no paragraph break."""
        return self.op not in {"split", "join"}
