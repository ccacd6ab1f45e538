"""Refusal codes with their message and remedy, as listed in docs/codes.md.

They are in `refusals.toml`, those of capabilities in their `words.toml`.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from storage.capabilities import read_words


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """The reason why an input was refused; docs/codes.md lists the codes."""

    code: str
    message: str
    hint: str

    @property
    def sentences(self) -> str:
        """Return the message followed by the remedy."""
        return f"{self.message} {self.hint}"


def _read(language: int) -> dict[str, tuple[str, str]]:
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    found |= read_words("refusals")
    return {code: (t["message"][language], t["remedy"][language]) for code, t in found.items()}


REFUSALS = _read(0)
"""English message and remedy of each code."""


def german_refusals() -> dict[str, tuple[str, str]]:
    """Return the German message and remedy of each code."""
    return _read(1)


def refuse(code: str, **values: object) -> RefusalReason:
    """Return the refusal for `code` with the values in its message and remedy.

    Raises: KeyError if the code is unknown or a value of its templates is missing.
    """
    message, hint = REFUSALS[code]
    return RefusalReason(code=code, message=message.format(**values), hint=hint.format(**values))
