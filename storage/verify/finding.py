"""What a check tells: that it looked at something, or that something is broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from storage.values.answer import Answer


@dataclass(frozen=True, slots=True)
class Broken(Answer):
    """Something that is not as it must be: what it is, which one, and one sentence."""

    object: str
    id: int | str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing was looked at; `redacted` says that it was taken away, with a reason on record."""

    redacted: bool = False


WELL = Looked()
REDACTED = Looked(redacted=True)

Looks = Iterator[Looked | Broken]
Check = Callable[[Connection], Looks]
