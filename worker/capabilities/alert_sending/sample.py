"""Test messages for the channels of an alert, sent immediately and not recorded."""

import secrets
from datetime import UTC
from functools import partial

from storage.capabilities.alert_sending.outbox import Message
from storage.diff.change import METHOD
from storage.history.alerts import lists
from storage.history.alerts.lists import Alert, Channel
from storage.read.answers import Change
from storage.read.render.passages import PassageBlock, PassagePiece
from storage.read.render.translations import translate
from storage.settings import Settings
from storage.values.messages import message_text
from storage.write.archive import Archive
from worker.capabilities.alert_sending.alert_entry import AlertEntry
from worker.capabilities.alert_sending.sending import Sending
from worker.capabilities.alert_sending.work import Outgoing, outgoing, sending_of

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
    """Return an invented change, in the language of the page."""
    now = way.clock().astimezone(UTC)
    t = partial(translate, way.settings.page_language)
    rose = t("It rose by {length} cm.", length="\0").split("\0")
    change = Change(
        article="sample", version=2, wording="w1:" + "0" * 64, changed_after=now, changed_by=now,
        first_seen=now, last_seen=now, title=t("A sample of Lesart"), changes=("number",),
        silent=None, words_added=1, words_removed=1, removed=("3".join(rose),),
        added=("36".join(rose),), noise=(), notices=(), method=METHOD, occurrence=1,
        cursor="",
    )  # fmt: skip
    pieces = (
        PassagePiece("equal", rose[0]), PassagePiece("delete", "3", is_number=True),
        PassagePiece("insert", "36", is_number=True), PassagePiece("equal", rose[1]),
    )  # fmt: skip
    shown = (PassageBlock("change", "text", pieces),)
    base = way.settings.page_base
    return AlertEntry(change, "sample", "sample", f"{base}/alerts", WHY, None, shown)
