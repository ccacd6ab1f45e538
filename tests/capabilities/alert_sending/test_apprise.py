"""Apprise sends messages to services of all kinds; a real service runs on this machine."""

import json
import sys
import time

import pytest

from storage.values.errors import AlertError
from storage.values.net.private_hosts import hosts_by_port
from tests.alerts.receivers import dripping, receiving
from tests.capabilities.alert_sending.conftest import pegel, send, settings_for
from worker.capabilities.alert_sending import by_apprise
from worker.capabilities.alert_sending.work import work

pytestmark = pytest.mark.slow


def target(receiver) -> str:
    return f"json://127.0.0.1:{receiver.port}/"


def test_an_apprise_message_states_the_change_and_its_reason(press):
    press.scan(0, pegel=pegel(3))
    with receiving() as receiver:
        press.alert("hafen", ("apprise", target(receiver)), classes=("number",))
        press.scan(1, pegel=pegel(36))
        assert send(press, settings_for(press, receiver)) == 1
    told = json.loads(receiver.requests[0][1])
    assert told["title"] == "[Lesart] hafen: Der Damm hält"
    assert "Reason: number" in told["message"]


def test_a_message_that_a_service_refuses_is_tried_again(press):
    press.scan(0, pegel=pegel(3))
    answers = ["500"]
    with receiving(lambda: answers.pop() if answers else None) as receiver:
        press.alert("hafen", ("apprise", target(receiver)))
        press.scan(1, pegel=pegel(36))
        assert send(press, settings_for(press, receiver)) == 1
    assert press.log()[0].attempts == 2


def test_an_address_that_apprise_does_not_know_is_refused():
    by_apprise.require_address("json://127.0.0.1/")
    with pytest.raises(AlertError, match="does not support this address"):
        by_apprise.require_address("nothing://x")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AlertError, match=r"pip install 'lesart\[apprise\]'"):
        by_apprise.require_address("json://127.0.0.1/")


def test_a_server_of_our_own_network_gets_nothing_unless_it_is_named(press):
    press.scan(0, pegel=pegel(3))
    with receiving() as receiver:
        press.alert("hafen", ("apprise", target(receiver)))
        press.scan(1, pegel=pegel(36))
        assert work(press.archive, settings_for(press)) == 0
        assert receiver.requests == []
        (delivery,) = press.log()
        assert delivery.note.startswith("not sent: 127.0.0.1 is a loopback address")
        assert "LESART_ALLOW_HOSTS" in delivery.note


def test_a_name_that_leads_into_our_own_network_gets_nothing():
    with receiving() as receiver:
        found = by_apprise.notify(f"json://localhost:{receiver.port}/", "a", "b", {})
        assert not found.arrived
        assert "is a loopback address" in found.answer
        assert receiver.requests == []


def test_a_service_that_drips_holds_no_one_beyond_the_deadline(monkeypatch):
    monkeypatch.setattr(by_apprise, "SECONDS", 10.0)
    with dripping(b"HTTP/1.1 200 OK\r\nX: ") as port:
        own = hosts_by_port([f"127.0.0.1:{port}"])
        began = time.monotonic()
        found = by_apprise.notify(f"json://127.0.0.1:{port}/", "a", "b", own)
    assert not found.arrived
    assert found.answer == "Apprise took longer than 10 s."
    assert time.monotonic() - began < 60
