"""Checks of the Redis server that carries the wake-ups."""

from collections.abc import Callable, Iterator
from typing import Any

import redis

from storage.database.servers.hosts import CHECK_SECONDS
from storage.settings import Settings, hide_secrets
from storage.verify.doctor import Finding
from worker.errors import BrokerError

SAFE_POLICY = "noeviction"
FAILURES = (redis.RedisError,)
"""Exceptions raised for failures of the broker."""


def require_safe(settings: Settings) -> None:
    """Refuse a broker that would silently discard messages; an unreachable broker is accepted.

    Raises: BrokerError.
    """
    try:
        policy = _policy(_client(settings))
    except (redis.AuthenticationError, redis.exceptions.AuthorizationError) as error:
        raise BrokerError(f"LESART_BROKER_URL: the broker refuses the password: {error}") from error
    except redis.RedisError:
        return
    if policy != SAFE_POLICY:
        raise BrokerError(
            f"the broker at {hide_secrets(settings.broker_url)} may throw messages away: set its "
            f"maxmemory-policy to {SAFE_POLICY}, it is {policy}"
        )


def examine_broker(settings: Settings) -> Iterator[Finding]:
    """Check that the broker answers and does not evict messages."""
    place = hide_secrets(settings.broker_url)
    if settings.is_embedded:
        yield Finding("broker", "ok", "no broker is needed: `lesart up` notifies its own worker")
        return
    try:
        policy = _policy(_client(settings, CHECK_SECONDS))
    except redis.RedisError as error:
        mend = "start Redis, or mend LESART_BROKER_URL"
        message = f"{place} does not answer: {error}; whether workers run cannot be seen, since "
        message += "they are notified of jobs through it"
        yield Finding("broker", "broken", message, mend)
        return
    if policy == SAFE_POLICY:
        yield Finding("broker", "ok", f"{place} answers and throws nothing away")
    else:
        mend = f"set maxmemory-policy to {SAFE_POLICY}"
        yield Finding("broker", "broken", f"{place} may throw messages away ({policy})", mend)


def queue_depth(settings: Settings) -> Callable[[str], int]:
    """Return a function that counts the wake-ups in a queue of the broker."""
    if settings.is_embedded:
        return lambda _queue: 0
    client = _client(settings)

    def depth(queue: str) -> int:
        length: Any = client.llen(queue)
        return int(length)

    return depth


def _client(settings: Settings, seconds: int = 5) -> redis.Redis:
    url = settings.broker_url
    return redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)


def _policy(client: redis.Redis) -> str:
    memory: Any = client.info("memory")
    return str(memory.get("maxmemory_policy", "unknown"))
