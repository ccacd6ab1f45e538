"""PURE: the operations of a comparison grouped by paragraph, and the kind of each paragraph."""

from collections.abc import Iterable, Iterator, Sequence

from storage.diff.word_diff import Operation


def group_paragraphs(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations of each paragraph: those that are consecutive in both texts."""
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


def _follows(operation: Operation, previous: Operation) -> bool:
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
