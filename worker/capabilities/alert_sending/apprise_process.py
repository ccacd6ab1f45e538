"""Process that sends one message with Apprise.

It reads the message as JSON from standard input and prints the result as JSON. Apprise opens its
own connections, so an audit hook checks the address of each connection first.
"""

import json
import signal
import sys
from typing import Any

from storage.values.messages import message_text
from worker.web.public import non_public_reason

CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class ConnectionGuard:
    """Audit hook that refuses connections to private networks, except to allowed servers."""

    def __init__(self, own: frozenset[tuple[str, int]]) -> None:
        self._own = own
        self.refused: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Check the address of an audit event.

        Raises: PermissionError.
        """
        if event not in CONNECTS:
            return
        place = arguments[1]
        if place is None or not isinstance(place, tuple):
            reason: str | None = None if place is None else message_text("apprise_no_network")
        elif (place[0], place[1]) in self._own:
            reason = None
        else:
            reason = non_public_reason(place[0])
        if reason is not None:
            self.refused = reason
            raise PermissionError(reason)


def main() -> None:
    """Send the message from standard input and print the result."""
    order = json.load(sys.stdin)
    signal.alarm(round(order["seconds"]) + 1)  # also if the parent process ended
    guard = ConnectionGuard(frozenset((host, port) for host, port in order["own"]))
    sys.addaudithook(guard)
    arrived, answer = _send(order)
    if guard.refused is not None and not arrived:
        answer = message_text("apprise_guarded", reason=guard.refused)
    print(json.dumps({"arrived": arrived, "answer": answer}))  # noqa: T201  # the answer itself


def _send(order: dict[str, Any]) -> tuple[bool, str]:
    try:
        import apprise  # noqa: PLC0415  # an extra, and slow to load
    except ImportError:
        return False, message_text("apprise_missing")
    service = apprise.Apprise()
    if not service.add(order["target"]):
        return False, "Apprise does not support this address."
    kind = apprise.NotifyFormat.TEXT
    arrived = bool(service.notify(body=order["text"], title=order["subject"], body_format=kind))
    return (
        arrived,
        message_text("apprise_accepted") if arrived else message_text("apprise_refused"),
    )


if __name__ == "__main__":
    main()
