"""Senders that are killed or fail at each point: nothing is lost, and no page is submitted twice."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, product
from typing import Any

import pytest
from sqlalchemy import Engine, RowMapping, update

from storage.capabilities.outside_copies.store import COPIES
from storage.database import outgoing, process_identity
from storage.database.engine import database_epoch
from storage.database.outgoing import ALERTS, QUEUES, STAMPS, OutgoingQueue
from storage.proof import checkpoints
from storage.proof.external import authorities
from storage.proof.external.authorities import request_stamps
from storage.proof.stamp import Authority
from tests.alerts.receivers import receiving
from tests.authority import authority, serving
from tests.capabilities.alert_sending.conftest import Watched, pegel, settings_for
from tests.capabilities.outside_copies.copied import PAGE, Copied
from tests.capabilities.outside_copies.copy_archive import copying
from tests.flow.whole_record import KEY
from tests.pauses import end_pauses, without_pauses
from tests.web.desk import PEGEL
from tests.web.site import page
from worker.capabilities.alert_sending import webhook
from worker.capabilities.alert_sending import work as alerts
from worker.capabilities.outside_copies import work as outside

pytestmark = pytest.mark.postgresql("slow")


class Killed(BaseException):
    """The process ends here: nothing handles that."""


class Sender:
    """One kind of what is sent: `add` makes something due, `work` sends it, `received` counts it.

    `send` is where a request leaves this process: an object and the name of its function.
    """

    queue: OutgoingQueue
    send: tuple[Any, str]
    engine: Engine

    def add(self, number: int) -> None:
        raise NotImplementedError

    def work(self) -> None:
        raise NotImplementedError

    def received(self, number: int) -> int:
        """Return how often the receiver got the message `number`."""
        raise NotImplementedError


class Alerts(Sender):
    queue, send = ALERTS, (webhook, "post")

    def __init__(self, press: Watched, receiver) -> None:
        self.press, self.receiver = press, receiver
        self.engine = press.archive.engine
        press.scan(0, t=pegel(1))
        press.alert("hafen", ("webhook", receiver.url))

    def add(self, number: int) -> None:
        self.press.scan(number + 1, t=pegel(number + 2))

    def work(self) -> None:
        alerts.work(self.press.archive, settings_for(self.press, self.receiver))

    def received(self, number: int) -> int:
        ids = [headers["webhook-id"] for headers, _body in self.receiver.requests]
        own = list(dict.fromkeys(ids))[number:]
        assert len(own) <= 1, "each attempt has the same id"
        return ids.count(own[0]) if own else 0


class Copies(Sender):
    queue, send = COPIES, (outside._Sender, "_send")

    def __init__(self, desk, service) -> None:
        self.room = Copied(desk, service)
        self.engine = desk.archive.engine
        archives = (service.setting("spn2"), service.setting("cdx"))
        self.settings = replace(self.room.settings, web_archives=archives)

    def add(self, number: int) -> None:
        self.room.see(f"{PAGE}-{number}", page(f"Pegel {number}", [*PEGEL, f"Nummer {number}."]))

    def work(self) -> None:
        outside.work(self.room.desk.archive, self.settings)

    def received(self, number: int) -> int:
        return self.room.service.addresses().count(f"{PAGE}-{number}")


class Stamps(Sender):
    queue, send = STAMPS, (authorities, "exchange")

    def __init__(self, press: Watched, url: str) -> None:
        self.press, self.engine = press, press.archive.engine
        self.before = len(authority("one").asked)
        self.one = Authority("one", url, authority("one").root.read_bytes())

    def add(self, number: int) -> None:
        self.press.scan(number, t=pegel(number))
        checkpoints.make(self.engine, self.press.archive.clock, KEY)
        self.before = len(authority("one").asked)

    def work(self) -> None:
        request_stamps(self.engine, self.press.archive.clock, [self.one])

    def received(self, number: int) -> int:
        return len(authority("one").asked) - self.before


@pytest.fixture
def sender(request: pytest.FixtureRequest, database_url: str) -> Iterator[Sender]:
    if request.param == "copies":
        desk = request.getfixturevalue("desk")
        with copying(lambda: desk.now) as service:
            yield Copies(desk, service)
        return
    press = Watched(database_url)
    if request.param == "alerts":
        with receiving() as receiver:
            yield Alerts(press, receiver)
    else:
        with serving(authority("one")) as url:
            yield Stamps(press, url)
    press.close()


def ended(_function: Callable[..., Any]) -> Callable[..., Any]:
    def replaced(*_words: Any, **_options: Any) -> Any:
        raise Killed

    return replaced


def ended_after(function: Callable[..., Any]) -> Callable[..., Any]:
    def replaced(*words: Any, **options: Any) -> Any:
        function(*words, **options)
        raise Killed

    return replaced


POINTS = {
    "before it claims": ("claim", ended),
    "after it claimed": ("claim", ended_after),
    "before the first byte": ("send", ended),
    "after the answer": ("send", ended_after),
    "while it records": ("update_claimed", ended_after),
}
"""Where the process ends: a function of the queue or of the sender, and how it is replaced."""


@contextmanager
def killing(sender: Sender, point: str, identity: str) -> Iterator[None]:
    name, replaced = POINTS[point]
    owner, name = sender.send if name == "send" else (outgoing, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process_identity, "process_identity", lambda: identity)
        patch.setattr(owner, name, replaced(getattr(owner, name)))
        yield


def set_leases(sender: Sender, end_at: Callable[[float], float | None]) -> None:
    """Let all leases end at another time, by the clock of the database."""
    table = sender.queue.table
    with sender.engine.begin() as connection:
        leased = update(table).where(table.c.lease_until > 0)
        connection.execute(leased.values(lease_until=end_at(database_epoch(connection))))


GONE = f"{socket.gethostname()}/{process_identity._boot()}/999999999/1"
ELSEWHERE = "another-machine/1a2b/42/777"
ENDS = {
    "the process is gone": (GONE, None),
    "the lease of another machine is over": (ELSEWHERE, lambda now: now - 1.0),
    "the clock ran ahead when it claimed": (ELSEWHERE, lambda now: now + 10_000_000.0),
    "another process ended the lease before": (ELSEWHERE, lambda _now: None),
}
"""How the next process learns that the lease is over: the identity, and when it ends."""


def newest_row(sender: Sender) -> RowMapping:
    table = sender.queue.table
    newest = table.c.get("id", sender.queue.key).desc()
    with sender.engine.connect() as connection:
        row = connection.execute(table.select().order_by(newest)).mappings().first()
    assert row is not None
    assert row["lease_until"] is None
    return row


def assert_it_arrives(sender: Sender, number: int, case: object) -> None:
    """Let the next processes send, and check how often the receiver got it."""
    with without_pauses():
        for _ in range(6):
            sender.work()
    expected = {sender.queue.sent}
    if sender.queue.sending is None:
        assert 1 <= sender.received(number) <= 2, case
    else:
        assert sender.received(number) <= 1, case
        if not sender.received(number):
            expected |= {sender.queue.given_up}
    assert newest_row(sender)["state"] in expected, case


CASES = {
    "each point": [*zip(POINTS, cycle(ENDS), strict=False)],
    "all": [*product(POINTS, ENDS)],
}


@pytest.mark.parametrize("sender", [each.kind for each in QUEUES], indirect=True)
@pytest.mark.parametrize("cases", ["each point", pytest.param("all", marks=pytest.mark.slow)])
def test_a_sender_that_is_killed_at_any_point_loses_nothing_and_submits_nothing_twice(
    sender, cases
):
    for number, (point, end) in enumerate(CASES[cases]):
        identity, end_at = ENDS[end]
        sender.add(number)
        with killing(sender, point, identity), pytest.raises(Killed):
            sender.work()
        if end_at is not None:
            set_leases(sender, end_at)
        assert_it_arrives(sender, number, (point, end))


@pytest.mark.parametrize("sender", [each.kind for each in QUEUES], indirect=True)
def test_an_error_of_the_program_is_recorded_as_a_failure_and_sent_later(sender):
    owner, name = sender.send
    send = getattr(owner, name)
    for number, is_sent in enumerate((False, True)):
        sender.add(number)

        def crash(*words: Any, is_sent: bool = is_sent, **options: Any) -> Any:
            if is_sent:
                send(*words, **options)
            raise RuntimeError("no such luck")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, crash)
            sender.work()
        row = newest_row(sender)
        assert row["state"] in sender.queue.open_states
        assert "no such luck" in row["note"]
        end_pauses(sender.engine, sender.queue)
        assert_it_arrives(sender, number, is_sent)
