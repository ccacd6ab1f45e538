"""A worker and its wake-ups, also with one that cannot be read or acknowledged."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as BrokerGoneError

from worker.flow.order import target_of
from worker.services.app import WorkContext
from worker.services.processes import _Consumer
from worker.services.tasks import wake


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
    """Give a consumer that is connected by the channel "new", and its acts on a message."""
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


def test_a_broker_that_is_gone_at_an_acknowledgement_is_connected_again(consumer, monkeypatch):
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


@pytest.fixture
def shop(room, monkeypatch):
    """Let wake-ups be worked in this process, on the archive of the room."""
    found = WorkContext(room.settings, room.archive, room.reader, most_fetching=1)
    monkeypatch.setattr("worker.services.tasks.work_context", lambda: found)
    return found


def batches(room, number: int) -> list[int]:
    """Capture files for so many batches; return the jobs that are to read them."""
    room.settings = replace(room.settings, batch_items=2)
    for each in range(2 * number):
        room.write(f"{each}.txt", f" date 2024-06-18 Meldung {each}\n\nText der Meldung {each}.")
    room.collected(room.ordered([target_of(room.source)]))
    return [row["id"] for row in room.rows("SELECT id FROM job WHERE kind = 'read' ORDER BY id")]


def done(room) -> list[int]:
    query = "SELECT id FROM job WHERE kind = 'read' AND state = 'done' ORDER BY id"
    return [row["id"] for row in room.rows(query)]


def test_a_worker_woken_for_one_batch_reads_the_other_due_batches(room, shop):
    waiting = batches(room, 3)
    wake.run(waiting[1])
    assert done(room) == waiting


def test_a_worker_without_time_to_spare_reads_the_batch_it_was_woken_for(room, shop):
    waiting = batches(room, 3)
    shop.settings = replace(shop.settings, batch_seconds=shop.settings.lease_seconds)
    wake.run(waiting[1])
    assert done(room) == [waiting[1]]


@pytest.mark.few_cases
@pytest.mark.parametrize("garbage", [0, -1, 2**63, True, "1", 1.0, None])
def test_a_wake_up_that_names_no_job_does_nothing(room, shop, garbage):
    waiting = batches(room, 1)
    wake.run(garbage)
    assert (done(room), len(waiting)) == ([], 1)
