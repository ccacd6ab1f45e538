"""A token for write requests over HTTP, and its permissions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scope = Literal["ingest", "sources", "write"]
SCOPES: tuple[Scope, ...] = ("ingest", "sources", "write")
"""Permissions of a token: start ingestions, change sources, or both."""


class TokenError(ValueError):
    """A token cannot be created or revoked."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its name; the token itself is shown once, when it is created."""

    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Check whether the token has a permission and was not revoked.

        >>> Token("cms", "write", datetime(2024, 6, 18), None).allows("ingest")
        True
        """
        return self.revoked_at is None and self.scope in {scope, "write"}
