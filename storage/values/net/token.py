"""A token by which work can be ordered over HTTP, and what it allows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scope = Literal["ingest", "sources", "write"]
SCOPES: tuple[Scope, ...] = ("ingest", "sources", "write")
"""What a token allows: ordering an ingestion, changing what is watched, or both."""


class TokenError(ValueError):
    """A token cannot be made or taken back."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its name; the token itself is shown once, when it is made."""

    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Return whether it allows something, and was not taken back.

        >>> Token("cms", "write", datetime(2024, 6, 18), None).allows("ingest")
        True
        """
        return self.revoked_at is None and self.scope in {scope, "write"}
