"""Webhooks arrive once each, signed, whatever happens on the way."""

import base64
import hashlib
import hmac
import json
import sqlite3
import time
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from storage.capabilities.alert_sending import manage, outbox
from storage.database.engine import read_connection
from storage.database.outgoing import ALERTS, record
from storage.history.alerts.lists import channels
from storage.values.errors import AlertError
from storage.values.net.private_hosts import hosts_by_port
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from tests.alerts.receivers import dripping, failing, receiving
from tests.capabilities.alert_sending.conftest import pegel, send, settings_for
from tests.read.press import hour
from worker.capabilities.alert_sending import webhook
from worker.capabilities.alert_sending import work as sending
from worker.web.connection import Network


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature as the rules of Standard Webhooks have it, with code of our own."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def hook(receiver):
    return ("webhook", receiver.url)


def changed(press, number: int = 1) -> None:
    """Change a number of texts that the alert watches."""
    names = [f"t{each}" for each in range(number)]
    press.scan(1, **{name: pegel(36, title=name) for name in names})


def known(press, number: int = 1) -> None:
    press.scan(0, **{f"t{each}": pegel(3, title=f"t{each}") for each in range(number)})


def test_the_signature_is_that_of_the_published_example():
    body = b'{"test": 2432232314}'
    made = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.postgresql("large")
@pytest.mark.slow
def test_each_webhook_arrives_once_with_two_hundred_failures_in_between(press, monkeypatch):
    monkeypatch.setattr(outbox, "ALERTS", ALERTS._replace(most_attempts=1_000))
    monkeypatch.setattr(webhook, "SECONDS", 0.6)
    known(press, 60)
    with receiving(failing(200, seed=7)) as receiver:
        press.alert("hafen", hook(receiver), classes=("number",))
        changed(press, 60)
        assert send(press, settings_for(press, receiver)) == 60
        assert send(press, settings_for(press, receiver)) == 0
    assert receiver.failures == 200
    log = press.log()
    assert [each.state for each in log] == ["sent"] * 60
    assert sum(each.attempts for each in log) >= 260  # one that came too late is tried once more
    assert len(receiver.accepted) == len(set(receiver.accepted)) == 60
    assert {headers["webhook-id"] for headers, _body in receiver.requests} == {*receiver.accepted}
    told = {each["data"]["title"] for each in receiver.bodies}
    assert told == {f"t{number}" for number in range(60)}


def test_a_webhook_states_the_change_its_time_and_its_reason_and_is_signed(press):
    known(press)
    with receiving() as receiver:
        (secret,) = press.alert("hafen", hook(receiver), classes=("number",)).values()
        changed(press)
        send(press, settings_for(press, receiver, page_url="https://archiv.bote.example/"))
    ((headers, body),) = receiver.requests
    assert verified(secret, headers, body)
    assert not verified(manage.new_secret(), headers, body)
    assert headers["webhook-id"].startswith("msg_")
    told = json.loads(body)
    assert told["type"] == "change"
    data = told["data"]
    assert (data["alert"], data["why"], data["version"]) == ("hafen", ["class number"], 2)
    assert "36" in data["added"][0]
    assert data["changed_after"] < data["changed_by"]
    assert data["link"] == f"https://archiv.bote.example/a/{data['article']}/1..2"


@pytest.mark.parametrize("ahead", [0, 480], ids=["right clock", "clock ahead before it went"])
def test_a_webhook_says_between_which_checks_an_article_went(press, ahead):
    known(press)
    with receiving() as receiver:
        press.alert("weg", hook(receiver), classes=("gone",))
        if ahead:
            press.scan(ahead)
            press.now = hour(1)
            press.archive.follow_clock()
        press.scan(1, t0=None)
        assert send(press, settings_for(press, receiver)) == 1
        assert send(press, settings_for(press, receiver)) == 0
    data = receiver.bodies[0]["data"]
    assert (data["changes"], data["why"], data["version"]) == (["gone"], ["class gone"], 1)
    assert [data[name][:19] for name in ("changed_after", "changed_by")] == [
        hour(at).isoformat()[:19] for at in (0, 1)
    ]
    assert (data["removed"], data["added"], data["title"]) == ([], [], "t0")
    assert data["link"].endswith(f"/a/{data['article']}/checks")
    assert [each.state for each in press.log()] == ["sent"]


def test_after_a_rotation_both_keys_sign_and_after_the_next_only_the_last_two(press):
    known(press)
    with receiving() as receiver:
        first = press.alert("hafen", hook(receiver))[receiver.url]
        second = press.archive.transact(manage.rotate, "hafen")[receiver.url]
        settings = settings_for(press, receiver)
        changed(press)
        send(press, settings)
        third = press.archive.transact(manage.rotate, "hafen")[receiver.url]
        press.scan(2, t0=pegel(99, title="t0"))
        send(press, settings)
    (one, two) = receiver.requests
    assert [verified(key, *one) for key in (first, second, third)] == [True, True, False]
    assert [verified(key, *two) for key in (first, second, third)] == [False, True, True]


def test_a_dead_letter_says_why_and_goes_again_when_asked(press, monkeypatch):
    monkeypatch.setattr(outbox, "ALERTS", ALERTS._replace(most_attempts=3))
    known(press)
    answers = ["500", "404", "500"]
    with receiving(lambda: answers.pop(0) if answers else None) as receiver:
        press.alert("hafen", hook(receiver))
        changed(press)
        settings = settings_for(press, receiver)
        assert send(press, settings) == 0
        (dead,) = press.log()
        assert (dead.state, dead.attempts, dead.note) == (
            "dead",
            3,
            "The server responded with status 500.",
        )
        assert press.archive.transact(manage.retry, "hafen") == 1
        assert send(press, settings) == 1
    assert len({headers["webhook-id"] for headers, _body in receiver.requests}) == 1
    assert press.log()[0].state == "sent"


FAILURES_HERE = {
    "the database": (
        OperationalError("SELECT geheim", None, sqlite3.OperationalError("disk I/O error")),
        "OperationalError: disk I/O error",
    ),
    "a defect": (KeyError("x"), "KeyError: 'x'"),
}


@pytest.mark.parametrize(("error", "note"), FAILURES_HERE.values(), ids=FAILURES_HERE)
def test_a_message_that_fails_here_waits_and_says_why(press, monkeypatch, capsys, error, note):
    known(press)
    with receiving(lambda: None) as receiver:
        press.alert("hafen", hook(receiver))
        changed(press)
        settings = settings_for(press, receiver)
        with monkeypatch.context() as failing_once:
            failing_once.setattr(sending, "entry_of", Mock(side_effect=error))
            assert sending.work(press.archive, settings) == 0
        (waiting,) = press.log()
        assert (waiting.state, waiting.note) == ("failed", note)
        assert ("Traceback" in capsys.readouterr().err) == isinstance(error, KeyError)


def test_who_says_gone_is_not_asked_again_and_who_asks_for_time_gets_it(press):
    known(press)
    answers = ["429 300", "410"]
    with receiving(lambda: answers.pop(0)) as receiver:
        press.alert("hafen", hook(receiver))
        changed(press)
        settings = settings_for(press, receiver)
        sending.work(press.archive, settings)
        (waiting,) = press.log()
        assert waiting.state == "failed"
        assert 290 < waiting.next_at.timestamp() - datetime.now(UTC).timestamp() < 310
        assert sending.work(press.archive, settings) == 0
        assert len(receiver.requests) == 1
        with press.archive.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alert_delivery SET next_at = 0")
        sending.work(press.archive, settings)
    assert (press.log()[0].state, press.log()[0].note) == (
        "dead",
        "The server responded with status 410.",
    )


def test_a_redirect_is_not_followed(press):
    known(press)
    with receiving(lambda: "302") as receiver:
        press.alert("hafen", hook(receiver))
        changed(press)
        sending.work(press.archive, settings_for(press, receiver))
    assert len(receiver.requests) == 1
    assert press.log()[0].note == "The server responded with status 302."


@pytest.mark.parametrize(
    ("address", "reason"),
    [("http://bote.example/hook", "require https"), ("https://bote.example:8443/", "port 8443"),
     ("https://a:b@bote.example/", "user name"), ("file:///etc/passwd", "file")],
)  # fmt: skip
def test_a_webhook_goes_over_https_to_its_own_port_or_to_a_named_server(address, reason):
    with pytest.raises(AlertError, match=reason):
        webhook.hook_address(address, Network({}))
    own = Network(hosts_by_port(["127.0.0.1:8080"]))
    assert webhook.hook_address("http://127.0.0.1:8080/hook", own).port == 8080


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1"])
def test_a_webhook_never_reaches_the_own_network_unless_it_is_named(press, host):
    known(press)
    press.alert("hafen", ("webhook", f"https://{host}/hook"))
    changed(press)
    sending.work(press.archive, settings_for(press))
    (tried,) = press.log()
    assert tried.state == "failed"
    assert "public" in tried.note


@pytest.mark.slow
def test_a_receiver_that_hangs_holds_up_no_other(press, monkeypatch):
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    known(press, 12)
    with receiving(lambda: "timeout") as slow, receiving() as quick:
        press.alert("slow", hook(slow))
        press.alert("quick", hook(quick))
        changed(press, 12)
        given = {"allow_hosts": f"127.0.0.1:{slow.port},127.0.0.1:{quick.port}"}
        settings = settings_for(press, **given)
        rounds = []
        sending.work(press.archive, settings, is_over=lambda: len(rounds) > 2 or rounds.append(1))
    assert len(quick.accepted) == 12
    assert len(slow.requests) <= 12


def test_who_was_killed_between_sending_and_noting_sends_the_same_id_again(press):
    known(press)
    with receiving() as receiver:
        press.alert("hafen", hook(receiver))
        changed(press)
        settings = settings_for(press, receiver)
        press.match()
        (held,) = outbox.claim(press.archive.engine)
        assert outbox.claim(press.archive.engine) == []
        with press.archive.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alert_delivery SET lease_until = 1")
        assert send(press, settings) == 1
        assert record(press.archive.engine, held.lease, state="sent") is False
    assert [each.state for each in press.log()] == ["sent"]
    assert press.log()[0].attempts == 2


def test_a_step_that_is_none_any_more_is_not_sent(press):
    press.scan(0, t0=pegel(3, title="t0"))
    with receiving() as receiver:
        press.alert("hafen", hook(receiver))
        press.scan(1, t0=pegel(36, title="t0"))
        press.match()
        with press.archive.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alert_delivery SET occurrence = 2")
        send(press, settings_for(press, receiver))
    assert receiver.requests == []
    assert press.log()[0].state == "damped"


def test_secrets_are_with_the_channels_alone(press):
    (secret,) = press.alert("hafen", ("webhook", "https://bote.example/a/b")).values()
    with read_connection(press.archive.engine) as connection:
        (channel,) = channels(connection, [row[0] for row in connection.exec_driver_sql(
            "SELECT id FROM alert")])  # fmt: skip
    assert channel.secrets == (secret,)
    assert secret not in repr(channel)
    assert "bote.example" not in repr(channel)


@pytest.mark.parametrize("is_whole", [True, False], ids=["the article", "its new wording"])
def test_a_redacted_text_in_the_queue_is_not_sent(press, is_whole):
    press.scan(0, t0=pegel(3, title="Damm"), t1=pegel(3, title="Kanal"))
    with receiving() as receiver:
        press.alert("hafen", hook(receiver))
        press.scan(1, t0=pegel(4711, title="Damm"), t1=pegel(4812, title="Kanal"))
        press.match()
        with read_connection(press.archive.engine) as connection:
            article, wording = connection.exec_driver_sql(
                "SELECT v.article_id, v.wording_id FROM version v JOIN wording w "
                "ON w.id = v.wording_id WHERE w.text LIKE '%%4711%%'"
            ).one()
        target = RedactionTarget(article, None if is_whole else (wording,))
        redact_articles(press.archive, [target], RedactionReason.GDPR_ERASURE, "ada")
        send(press, settings_for(press, receiver))
    sent = b"".join(body for _headers, body in receiver.requests)
    assert b"4812" in sent
    assert b"4711" not in sent
    assert {each.state for each in press.log()} <= {"sent", "damped"}


@pytest.mark.slow
def test_a_receiver_that_drips_holds_no_one_beyond_the_deadline(press, monkeypatch):
    monkeypatch.setattr(webhook, "SECONDS", 2.0)
    known(press)
    with dripping(b"HTTP/1.1 204 No Content\r\nX: ") as port:
        press.alert("hafen", ("webhook", f"http://127.0.0.1:{port}/"))
        changed(press)
        settings = settings_for(press, allow_hosts=f"127.0.0.1:{port}")
        began = time.monotonic()
        assert sending.work(press.archive, settings) == 0
    assert time.monotonic() - began < 60
    (delivery,) = press.log()
    assert (delivery.state, delivery.note) == (
        "failed",
        "The server could not be reached: it took too long.",
    )
