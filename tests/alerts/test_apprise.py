"""Apprise takes messages to services of all kinds; a real one stands on this machine."""

import json
import sys

import pytest

from storage.values.errors import AlertError
from tests.alerts.conftest import pegel, send, settings_for
from tests.alerts.receivers import receiving
from worker.alerts import by_apprise


def target(receiver) -> str:
    return f"json://127.0.0.1:{receiver.port}/"


def test_a_message_goes_by_apprise_with_what_changed_and_why(press):
    press.scan(0, pegel=pegel(3))
    with receiving() as receiver:
        press.alert("hafen", ("apprise", target(receiver)), classes=("number",))
        press.scan(1, pegel=pegel(36))
        assert send(press, settings_for(press)) == 1
    told = json.loads(receiver.requests[0][1])
    assert told["title"] == "[Lesart] hafen: Der Damm hält"
    assert "Why: class number" in told["message"]


def test_what_a_service_does_not_take_is_tried_again(press):
    press.scan(0, pegel=pegel(3))
    answers = ["500"]
    with receiving(lambda: answers.pop() if answers else None) as receiver:
        press.alert("hafen", ("apprise", target(receiver)))
        press.scan(1, pegel=pegel(36))
        assert send(press, settings_for(press)) == 1
    assert press.log()[0].attempts == 2


def test_an_address_that_apprise_does_not_know_is_refused():
    by_apprise.require_address("json://127.0.0.1/")
    with pytest.raises(AlertError, match="knows no such address"):
        by_apprise.require_address("nothing://x")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AlertError, match=r"pip install 'lesart\[apprise\]'"):
        by_apprise.require_address("json://127.0.0.1/")
    assert "pip install" in by_apprise.notify("json://127.0.0.1/", "a", "b").answer
