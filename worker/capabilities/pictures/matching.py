"""PURE: what became of the pictures of a page since the check before."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from storage.capabilities.pictures.store import FoundPicture, KnownPicture, ListedPicture
from storage.values.digest import raw_digest
from worker.capabilities.pictures.likeness import SAME_BITS, different_bits

IsPart = Callable[[KnownPicture, FoundPicture], bool | None]


def compare_pictures(
    before: Sequence[KnownPicture] | None, found: Sequence[FoundPicture], is_part: IsPart
) -> list[FoundPicture]:
    """Return the pictures of a page with their events, and those that were removed.

    Without pictures of a check before, all are the first ones. `is_part` states whether two
    pictures show parts of one, None if that is unknown.
    """
    if before is None:
        return [_with_event(each, None, "first") for each in found]
    old, new = list(before), list(found)
    pairs: list[tuple[KnownPicture, FoundPicture]] = []
    for is_pair in (_has_bytes_of, _looks_like, _has_address_of, _has_place_of):
        for each in tuple(new):
            known = next((k for k in old if is_pair(k, each)), None)
            if known is not None:
                pairs.append((known, each))
                old.remove(known)
                new.remove(each)
    answers = [_with_event(each, known, _event(known, each, is_part)) for known, each in pairs]
    answers += [_with_event(each, None, "added") for each in new]
    answers.sort(key=lambda each: each.position)
    return answers + [
        FoundPicture(
            each.position, ListedPicture(each.address, each.caption, each.credit), "removed",
            before_id=each.id,
        )
        for each in old
    ]  # fmt: skip


def _event(known: KnownPicture, found: FoundPicture, is_part: IsPart) -> str:
    """Return the event of a pair of pictures."""
    if found.raw is None or known.pdq is None or found.pdq is None:
        return "unread"
    is_same = _has_bytes_of(known, found)
    if not is_same and not _looks_like(known, found):
        related = is_part(known, found)
        if related is None:
            return "unread"
        return "cropped" if related else "swapped"
    if (known.caption, known.credit) != (found.listed.caption, found.listed.credit):
        return "caption"
    return "same" if is_same else "scaled"


def _with_event(found: FoundPicture, known: KnownPicture | None, event: str) -> FoundPicture:
    is_read = found.raw is not None or event == "added"
    return replace(
        found, event=event if is_read else "unread", before_id=known.id if known else None
    )


def _has_bytes_of(known: KnownPicture, found: FoundPicture) -> bool:
    return found.raw is not None and known.digest == raw_digest(found.raw)


def _looks_like(known: KnownPicture, found: FoundPicture) -> bool:
    if known.pdq is None or found.pdq is None:
        return False
    return different_bits(known.pdq, found.pdq) <= SAME_BITS


def _has_address_of(known: KnownPicture, found: FoundPicture) -> bool:
    return known.address == found.listed.address


def _has_place_of(known: KnownPicture, found: FoundPicture) -> bool:
    return known.position == found.position
