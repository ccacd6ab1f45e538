"""A process that sends one message by Apprise: `python -m worker.alerts.apprise_process`.

It reads an order as JSON from standard input and prints the answer as JSON. Apprise opens its
connections by itself, so an audit hook checks the address of each one before it is opened.
"""

import json
import signal
import sys
from typing import Any

from worker.alerts.by_apprise import MISSING
from worker.web.public import non_public_reason

CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class ConnectionGuard:
    """Refuses connections outside the public net, unless the operator named the server."""

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
            reason: str | None = None if place is None else "it is no address of the net"
        elif (place[0], place[1]) in self._own:
            reason = None
        else:
            reason = non_public_reason(place[0])
        if reason is not None:
            self.refused = reason
            raise PermissionError(reason)


def main() -> None:
    """Send the message of the order, and print whether it arrived."""
    order = json.load(sys.stdin)
    signal.alarm(round(order["seconds"]) + 1)  # also where nobody waits for it any more
    guard = ConnectionGuard(frozenset((host, port) for host, port in order["own"]))
    sys.addaudithook(guard)
    arrived, answer = _send(order)
    if guard.refused is not None and not arrived:
        answer = f"not sent: {guard.refused}; name it in LESART_ALLOW_HOSTS if it is your own"
    print(json.dumps({"arrived": arrived, "answer": answer}))  # noqa: T201  # the answer itself


def _send(order: dict[str, Any]) -> tuple[bool, str]:
    try:
        import apprise  # noqa: PLC0415  # an extra, and slow to load
    except ImportError:
        return False, MISSING
    service = apprise.Apprise()
    if not service.add(order["target"]):
        return False, "Apprise knows no such address"
    kind = apprise.NotifyFormat.TEXT
    arrived = bool(service.notify(body=order["text"], title=order["subject"], body_format=kind))
    return arrived, "the service took it" if arrived else "the service did not take it"


if __name__ == "__main__":
    main()
