"""A token for write requests over HTTP, and its permissions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from storage.capabilities import CAPABILITIES
from storage.values.messages import message_text

SCOPES: Mapping[str, str] = MappingProxyType({
    "ingest": "ingestion",
    "sources": "changes of sources",
    "capture": "captures that a browser submits",
    **{name: what for each in CAPABILITIES for name, what in each.scopes.items()},
    "write": "all of these",
})  # fmt: skip
"""Permissions of a token, with what they allow."""

TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name of a token.

>>> bool(TOKEN_NAME.fullmatch("cms-1")), bool(TOKEN_NAME.fullmatch("-x"))
(True, False)
"""


def submission_note(name: str) -> str:
    """Return the note of a check whose capture the token `name` submitted."""
    return message_text("submitted_by", name=name)


class TokenError(ValueError):
    """A token cannot be created or revoked."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its name; the token itself is shown once, when it is created."""

    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None

    def allows(self, scope: str) -> bool:
        """Check whether the token has a permission and was not revoked.

        >>> Token("cms", "write", datetime(2024, 6, 18), None).allows("ingest")
        True
        """
        return self.revoked_at is None and self.scope in {scope, "write"}
