"""Refusal codes with their message and remedy in `refusals.toml`, as listed in docs/codes.md."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """The reason why an input was refused; docs/codes.md lists the codes."""

    code: str
    message: str
    hint: str


REFUSALS: dict[str, tuple[str, str]] = {
    code: (message, hint)
    for code, (message, hint) in tomllib.loads(
        Path(__file__).with_suffix(".toml").read_text("utf-8")
    ).items()
}


def refuse(code: str, **values: object) -> RefusalReason:
    """Return the refusal for `code` with the values in its message and remedy.

    Raises: KeyError if the code is unknown or a value of its templates is missing.
    """
    message, hint = REFUSALS[code]
    return RefusalReason(code=code, message=message.format(**values), hint=hint.format(**values))
