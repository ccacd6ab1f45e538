"""Create, list and revoke the tokens that authorise requests over HTTP."""

import hashlib
import secrets
from typing import Any

from sqlalchemy import insert, select, update

from storage.database.tables import ACCESS_TOKEN
from storage.values.errors import NoSuchError, did_you_mean
from storage.values.messages import message_text
from storage.values.net.token import SCOPES, TOKEN_NAME, Token, TokenError
from storage.write.archive import Archive

PREFIX = "lesart_"


def add_token(archive: Archive, name: str, scope: str) -> str:
    """Create a token and return it; the archive stores only its digest.

    Raises: TokenError.
    """
    if TOKEN_NAME.fullmatch(name) is None:
        raise TokenError(f"{name!r} is no name: up to 64 letters, digits, '.', '_' and '-'")
    if scope not in SCOPES:
        raise TokenError(f"{scope!r} is no scope: there are {', '.join(SCOPES)}")
    made = PREFIX + secrets.token_urlsafe(32)
    with archive.unit() as unit:
        query = select(ACCESS_TOKEN.c.id).where(ACCESS_TOKEN.c.name == name)
        if unit.connection.execute(query).first() is not None:
            raise TokenError(f"there is, or was, a token {name} already: choose another name")
        unit.connection.execute(
            insert(ACCESS_TOKEN).values(
                id=unit.number(), name=name, digest=_digest(made), scope=scope,
                created_at=unit.now, revoked_at=None,
            )
        )  # fmt: skip
    return made


def tokens(archive: Archive) -> list[Token]:
    """Return all tokens sorted by name, including revoked ones."""
    with archive.read_connection() as connection:
        return [
            _token(row)
            for row in connection.execute(select(ACCESS_TOKEN).order_by(ACCESS_TOKEN.c.name))
        ]


def revoke_token(archive: Archive, name: str) -> None:
    """Revoke a token permanently. A revoked one stays unchanged.

    Raises: NoSuchError.
    """
    with archive.unit() as unit:
        query = update(ACCESS_TOKEN).where(
            ACCESS_TOKEN.c.name == name, ACCESS_TOKEN.c.revoked_at.is_(None)
        )
        known = select(ACCESS_TOKEN.c.id).where(ACCESS_TOKEN.c.name == name)
        if unit.connection.execute(known).first() is None:
            names = unit.connection.execute(select(ACCESS_TOKEN.c.name)).scalars()
            hint = did_you_mean(name, names) + message_text("where_tokens")
            raise NoSuchError(message_text("token"), name, hint)
        unit.connection.execute(query.values(revoked_at=unit.now))


def token_of(archive: Archive, text: str) -> Token | None:
    """Return the token of a request, None if it does not exist."""
    with archive.read_connection() as connection:
        query = select(ACCESS_TOKEN).where(ACCESS_TOKEN.c.digest == _digest(text))
        row = connection.execute(query).first()
    return None if row is None else _token(row)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _token(row: Any) -> Token:
    return Token(row.name, row.scope, row.created_at, row.revoked_at)
