"""Messages by way of Apprise, which knows a hundred services; an extra, loaded where it is used."""

from storage.values.errors import AlertError
from worker.alerts.sending import Sending
from worker.web.credentials import SecretError, revealed

MISSING = "Apprise is not installed: pip install 'lesart[apprise]'"


def require_address(target: str) -> None:
    """Check that Apprise is there and knows what to do with an address.

    Raises: AlertError.
    """
    try:
        import apprise  # noqa: PLC0415  # an extra, and slow to load
    except ImportError as error:
        raise AlertError(MISSING) from error
    if not apprise.Apprise().add(target):
        raise AlertError("Apprise knows no such address: see its list of services")


def notify(target: str, subject: str, text: str) -> Sending:
    """Send a message; what goes wrong is told, never raised."""
    try:
        import apprise  # noqa: PLC0415  # an extra, and slow to load
    except ImportError:
        return Sending(arrived=False, answer=MISSING)
    service = apprise.Apprise()
    try:
        if not service.add(revealed(target)):
            return Sending(arrived=False, answer="Apprise knows no such address")
    except SecretError as error:
        return Sending(arrived=False, answer=str(error))
    arrived = bool(service.notify(body=text, title=subject, body_format=apprise.NotifyFormat.TEXT))
    answer = "the service took it" if arrived else "the service did not take it"
    return Sending(arrived=arrived, answer=answer)
