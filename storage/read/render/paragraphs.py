"""PURE: the operations of a comparison grouped by paragraph, and the kind of each paragraph."""

from collections.abc import Iterable, Iterator, Sequence

from storage.diff.operation import Operation

LABELS = {"move": "moved", "split": "split", "join": "joined"}
"""Labels of paragraphs whose place or breaks changed, by the operation."""


def group_paragraphs(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations of each paragraph: those that are consecutive in both texts.

    The parts of a split or joined paragraph are one.
    """
    paragraph: list[Operation] = []
    for operation in operations:
        if paragraph and not _follows(operation, paragraph[-1]):
            yield from _split_replacement(paragraph)
            paragraph = []
        paragraph.append(operation)
    if paragraph:
        yield from _split_replacement(paragraph)


def paragraph_kind(paragraph: Sequence[Operation]) -> str:
    """Return the kind of a paragraph: one of the operations, or `change` for a mixture."""
    kinds = {operation.op for operation in paragraph}
    if "move" in kinds:
        return "move"
    return kinds.pop() if len(kinds) == 1 else "change"


def paragraph_labels(paragraph: Iterable[Operation]) -> tuple[str, ...]:
    """Return whether a paragraph was moved, split or joined, as codes."""
    kinds = {operation.op for operation in paragraph}
    return tuple(label for kind, label in LABELS.items() if kind in kinds)


def _follows(operation: Operation, previous: Operation) -> bool:
    if operation.op in {"split", "join"}:
        return True
    return operation.a_start == previous.a_start + len(
        previous.a_text
    ) and operation.b_start == previous.b_start + len(previous.b_text)


def _split_replacement(paragraph: list[Operation]) -> Iterator[list[Operation]]:
    """Yield the paragraph, or two of them if one was deleted completely and another inserted."""
    if [operation.op for operation in paragraph] == ["delete", "insert"]:
        yield paragraph[:1]
        yield paragraph[1:]
    else:
        yield paragraph
