"""PURE: the parts of a text inside quotation marks."""

from collections.abc import Sequence

_OPENS_AFTER = frozenset(" ([{-–—/\"'")
_CLOSES_BEFORE = frozenset(" )]}.,;:!?…-–—/\"'")


def mark_quoted_tokens(canon: str, starts: Sequence[int]) -> list[bool]:
    """Return for each token of `canon` (with the offsets `starts`) whether it is quoted.

    `canon` is a paragraph in canonical form, in which the shape of a mark does not show whether it
    opens. The marks count as quoted. A closing mark without an opening one ends a quotation from an
    earlier paragraph; an opening mark without a closing one quotes to the end. A single mark counts
    only if a later one closes it, so an apostrophe opens nothing.

    >>> mark_quoted_tokens('Er sagte "nein".', [0, 3, 9, 10, 14, 15])
    [False, False, True, True, True, False]
    """
    marks = [False] * len(starts)
    _mark_double(canon, starts, marks)
    _mark_single(canon, starts, marks)
    return marks


def _mark_double(canon: str, starts: Sequence[int], marks: list[bool]) -> None:
    inside = False
    first, ended = canon.find('"'), 0
    for k, start in enumerate(starts):
        if canon[start] != '"':
            marks[k] = marks[k] or inside
        elif start == first and start > 0 and canon[start - 1].isdigit():  # inches
            continue
        else:
            marks[k] = True
            if not inside and _closes(canon, start) and not _opens(canon, start):
                ended = k
            else:
                inside = not inside or (_opens(canon, start) and not _closes(canon, start))
    marks[:ended] = [True] * ended


def _mark_single(canon: str, starts: Sequence[int], marks: list[bool]) -> None:
    opened: int | None = None
    for k, start in enumerate(starts):
        if canon[start] != "'":
            continue
        marks[k] = True
        if opened is not None and _closes(canon, start):
            marks[opened:k] = [True] * (k - opened)
            opened = None
        elif opened is None and _opens(canon, start):
            opened = k


def _opens(canon: str, start: int) -> bool:
    after = canon[start + 1 : start + 2]
    return (start == 0 or canon[start - 1] in _OPENS_AFTER) and after not in {"", " "}


def _closes(canon: str, start: int) -> bool:
    after = canon[start + 1 : start + 2]
    return start > 0 and canon[start - 1] != " " and (not after or after in _CLOSES_BEFORE)
