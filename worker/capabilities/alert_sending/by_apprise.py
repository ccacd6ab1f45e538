"""Messages sent with Apprise, an optional package for many notification services."""

import json
import subprocess
import sys

from storage.values.errors import AlertError
from storage.values.messages import message_text
from storage.values.net.private_hosts import OwnHosts
from worker.capabilities.alert_sending.sending import Sending
from worker.web.credentials import SecretError, read_secret

SECONDS = 45.0
"""Time limit of one message, including the start of its process."""


def require_address(target: str) -> None:
    """Check that Apprise is installed and supports an address.

    Raises: AlertError.
    """
    try:
        import apprise  # noqa: PLC0415  # an extra, and slow to load
    except ImportError as error:
        raise AlertError(message_text("apprise_missing")) from error
    if not apprise.Apprise().add(target):
        raise AlertError(message_text("apprise_address"))


def notify(target: str, subject: str, text: str, own: OwnHosts) -> Sending:
    """Send a message in a separate process; failures are returned, not raised.

    The process ends at the deadline. It connects only to public servers and to the servers `own`.
    """
    try:
        address = read_secret(target)
    except SecretError as error:
        return Sending(arrived=False, answer=str(error))
    order = {
        "target": address, "subject": subject, "text": text, "seconds": SECONDS,
        "own": [[each.address, each.to] for each in own.values()],
    }  # fmt: skip
    command = [sys.executable, "-m", "worker.capabilities.alert_sending.apprise_process"]
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter, our own arguments
            command, input=json.dumps(order), capture_output=True, encoding="utf-8",
            timeout=SECONDS, check=False,
            process_group=0,  # Ctrl-C in the terminal of a service does not end it
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Sending(arrived=False, answer=message_text("apprise_slow", seconds=SECONDS))
    if done.returncode != 0:
        return Sending(arrived=False, answer=message_text("apprise_ended", code=done.returncode))
    return Sending(**json.loads(done.stdout.splitlines()[-1]))
