"""What a worker does with a wake-up that cannot be read, or not be acknowledged."""

from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as BrokerGoneError

from worker.services import _Consumer


class Message:
    """A message on a channel whose broker may be gone."""

    def __init__(self, channel: object, *, gone: bool) -> None:
        self.channel, self.gone = channel, gone
        self.acknowledged = self.rejected = 0

    def ack(self, *, multiple: bool = False) -> None:
        if self.gone:
            raise BrokerGoneError
        self.acknowledged += 1

    def reject_log_error(self, _logger: object, _errors: object) -> None:
        self.rejected += 1


@pytest.fixture
def consumer(monkeypatch):
    """Give a consumer that is connected by the channel "new", and what it does with a message."""
    found = _Consumer.__new__(_Consumer)
    found.connection_errors = (BrokerGoneError,)
    found.task_consumer = SimpleNamespace(channel="new")
    return found


def handler(consumer, monkeypatch, receive):
    monkeypatch.setattr(
        "celery.worker.consumer.Consumer.create_task_handler", lambda _self: receive
    )
    return consumer.create_task_handler()


def acknowledging(message: Message) -> None:
    message.ack_log_error("a logger", "the errors")


def test_a_wake_up_is_acknowledged(consumer, monkeypatch):
    message = Message("new", gone=False)
    handler(consumer, monkeypatch, acknowledging)(message)
    assert message.acknowledged == 1


def test_a_broker_that_is_gone_at_an_acknowledgement_is_connected_anew(consumer, monkeypatch):
    with pytest.raises(BrokerGoneError):
        handler(consumer, monkeypatch, acknowledging)(Message("new", gone=True))


def test_a_wake_up_of_a_connection_that_is_over_already_asks_for_no_new_one(consumer, monkeypatch):
    handler(consumer, monkeypatch, acknowledging)(Message("old", gone=True))


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, AttributeError])
def test_a_message_that_cannot_be_read_is_dropped(consumer, monkeypatch, error):
    def receive(_message):
        raise error

    message = Message("new", gone=False)
    handler(consumer, monkeypatch, receive)(message)
    assert message.rejected == 1
