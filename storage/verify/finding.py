"""What a check tells: that something is as it must be, or that something is broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from storage.proof.stamp import Authority
from storage.values.answer import Answer


@dataclass(frozen=True, slots=True)
class Broken(Answer):
    """Something that is not as it must be: what it is, which one, and one sentence."""

    object: str
    id: int | str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Passed:
    """One thing is as it must be; `redacted`: it was taken away, with a reason on record.

    `older_steps` are those of an article that older rules told, which were not computed again.
    """

    redacted: bool = False
    older_steps: int = 0


WELL = Passed()
REDACTED = Passed(redacted=True)


@dataclass(slots=True)
class Scope:
    """How much is checked: rows above a number, one in so many, and against which checkpoints.

    `authorities` are those whose stamps count. `reached` is where the check that is being made
    stands, for one that goes on later.
    """

    begin: int = -1
    permille: int = 1000
    seed: int = 0
    against: tuple[str, ...] = ()
    authorities: tuple[Authority, ...] = ()
    reached: int = -1

    def takes(self, number: int) -> bool:
        """Return whether this row is in the sample."""
        return self.permille >= 1000 or (number * 7919 + self.seed) % 1000 < self.permille

    def where(self, name: str) -> str:
        """Return the condition on a column that the sample is made by."""
        taken = f"({name} * 7919 + {self.seed}) % 1000 < {self.permille}"
        return f"{name} > {self.begin}" + (f" AND {taken}" if self.permille < 1000 else "")


Findings = Iterator[Passed | Broken]
Check = Callable[[Connection, Scope], Findings]
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a stored value raises that is not of the form that its column has."""
