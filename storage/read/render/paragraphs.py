"""PURE: the operations of a comparison grouped by paragraph, and the kind of each paragraph."""

from collections.abc import Iterable, Iterator, Sequence

from storage.diff.word_diff import Operation


def paragraphs_of(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations of each paragraph: those that are consecutive in both texts."""
    paragraph: list[Operation] = []
    for operation in operations:
        if paragraph and not _follows(operation, paragraph[-1]):
            yield from _parted(paragraph)
            paragraph = []
        paragraph.append(operation)
    if paragraph:
        yield from _parted(paragraph)


def kind_of(paragraph: Sequence[Operation]) -> str:
    """Return the kind of a paragraph: one of the operations, or `change` for a mixture."""
    kinds = {operation.op for operation in paragraph}
    if "move" in kinds:
        return "move"
    return kinds.pop() if len(kinds) == 1 else "change"


def _follows(operation: Operation, before: Operation) -> bool:
    return operation.a_start == before.a_start + len(
        before.a_text
    ) and operation.b_start == before.b_start + len(before.b_text)


def _parted(paragraph: list[Operation]) -> Iterator[list[Operation]]:
    """Yield the paragraph, or two of them if one was deleted completely and another inserted."""
    if [operation.op for operation in paragraph] == ["delete", "insert"]:
        yield paragraph[:1]
        yield paragraph[1:]
    else:
        yield paragraph
