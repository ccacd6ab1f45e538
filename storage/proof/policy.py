"""Trusted logs, and the required number of cosignatures (C2SP tlog-policy)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self

from storage.proof.note import COSIGNATURE, ED25519, Note, NoteError, Verifier, number_of


class PolicyError(ValueError):
    """A policy is invalid; the message contains the line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"policy, line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name in the policy, its key, its address."""

    name: str
    verifier: Verifier
    url: str | None


@dataclass(slots=True)
class Policy:
    """The logs, the witnesses, and the quorum for a cosigned checkpoint."""

    logs: list[Verifier] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a policy.

        Raises: PolicyError.
        """
        policy = cls()
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            try:
                policy._read(words)
            except (ValueError, LookupError) as error:
                raise PolicyError(number, str(error) or line.strip()) from error
        if policy.quorum is None:
            raise PolicyError(number, "there is no line `quorum NAME`")
        return policy

    def is_met(self, cosigned_by: Collection[str]) -> bool:
        """Check whether these witnesses, by their names in the policy, form a quorum."""
        return self.quorum == "none" or self._is_met(str(self.quorum), cosigned_by)

    def cosigners(self, note: Note) -> list[str]:
        """Return the names of the witnesses that cosigned a checkpoint.

        Raises: NoteError for an invalid signature.
        """
        found = self.witnesses.values()
        return [each.name for each in found if note.line_of(each.verifier) is not None]

    def _read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(_key(vkey, ED25519, [each.key for each in self.logs]))
            case ["witness", name, vkey, *url] if len(url) < 2:
                known = [each.verifier.key for each in self.witnesses.values()]
                key = _key(vkey, COSIGNATURE, known)
                self._define(name)
                self.witnesses[name] = Witness(name, key, url[0] if url else None)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name] if self.quorum is None:
                self.quorum = name if name == "none" else self._witness_key(name)
            case _:
                raise ValueError(f"this is no line of a policy: {' '.join(words)}")

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        taken = [each for _, group in self.groups.values() for each in group]
        for each in members:
            self._witness_key(each)
            if (taken + members).count(each) > 1:
                raise ValueError(f"{each} is in two groups")
        number = {"any": 1, "all": len(members)}.get(threshold)
        number = number_of(threshold) if number is None else number
        if not 1 <= number <= len(members):
            raise ValueError(f"{number} of {len(members)} is no quorum")
        self._define(name)
        self.groups[name] = (number, members)

    def _define(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name} is taken")

    def _witness_key(self, name: str) -> str:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"{name} is defined on no line before this one")
        return name

    def _is_met(self, name: str, cosigned_by: Collection[str]) -> bool:
        if name in self.witnesses:
            return name in cosigned_by
        number, members = self.groups[name]
        return sum(self._is_met(each, cosigned_by) for each in members) >= number


def _key(vkey: str, kind: int, known: Collection[bytes]) -> Verifier:
    found = Verifier.parse(vkey)
    if found.kind != kind:
        raise NoteError(f"{vkey} is a key of another kind")
    if found.key in known:
        raise NoteError(f"{vkey} stands there twice")
    return found
