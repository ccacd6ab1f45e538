"""Test messages for the channels of an alert, sent immediately and not recorded."""

import secrets
from datetime import UTC

from storage.diff.change import METHOD
from storage.history.alerts import lists
from storage.history.alerts.lists import Alert, Channel
from storage.read.answers import Change
from storage.read.render.passages import PassageBlock, PassagePiece
from storage.settings import Settings
from storage.values.messages import message_text
from storage.write.alerts.outbox import Message
from storage.write.archive import Archive
from worker.alerts.entries import AlertEntry
from worker.alerts.sending import Sending
from worker.alerts.work import Outgoing, outgoing, sending_of

WHY = (message_text("alert_test"),)


def send_samples(archive: Archive, settings: Settings, name: str) -> list[tuple[Channel, Sending]]:
    """Send a test message through each channel of an alert and return the responses.

    Raises: NoSuchError.
    """
    with archive.read_connection() as connection:
        alert = lists.alert(connection, name)
        channels = lists.channels(connection, [alert.id])
    way = outgoing(archive, settings)
    return [(each, _sent(way, alert, each)) for each in channels]


def _sent(way: Outgoing, alert: Alert, channel: Channel) -> Sending:
    number = secrets.randbits(48)
    message = Message(number, alert, channel, ())
    return sending_of(way, message, [_sample(way)], kind="test")()


def _sample(way: Outgoing) -> AlertEntry:
    """Return an invented change."""
    now = way.clock().astimezone(UTC)
    change = Change(
        article="sample", version=2, wording="w1:" + "0" * 64, changed_after=now, changed_by=now,
        first_seen=now, last_seen=now, title="A sample of Lesart", changes=("number",),
        silent=None, words_added=1, words_removed=1, removed=("It rose by 3 cm.",),
        added=("It rose by 36 cm.",), noise=(), notices=(), method=METHOD, cursor="",
    )  # fmt: skip
    pieces = (
        PassagePiece("equal", "It rose by "), PassagePiece("delete", "3", is_number=True),
        PassagePiece("insert", "36", is_number=True), PassagePiece("equal", " cm."),
    )  # fmt: skip
    shown = (PassageBlock("change", "text", pieces),)
    base = way.settings.page_base
    return AlertEntry(change, "sample", "sample", f"{base}/alerts", WHY, None, shown)
